//! What a commit changed.

use std::collections::HashSet;

use git2::ObjectType;

use crate::data::CommitId;

use super::error::Error;
use super::objects::{Objects, hex, parse_hex};
use super::walk::Raw;

/// A commit's tree and parents.
fn commit(
    objects: &mut Objects,
    shallow: &HashSet<CommitId>,
    id: CommitId,
) -> Result<([u8; 20], Vec<[u8; 20]>), Error> {
    let raw = Raw::parse(objects.commit(id.as_bytes())?).ok_or_else(|| Error::corrupt("commit", id))?;
    if shallow.contains(&id) {
        return Ok((raw.tree, Vec::new()));
    }
    let parents: Option<Vec<_>> = raw.parents.chunks_exact(48).map(|line| parse_hex(&line[7..47])).collect();
    Ok((raw.tree, parents.ok_or_else(|| Error::corrupt("commit", id))?))
}

pub(super) fn touches(
    objects: &mut Objects,
    shallow: &HashSet<CommitId>,
    id: CommitId,
    prefixes: &[&str],
) -> Result<Vec<bool>, Error> {
    let (tree, parents) = commit(objects, shallow, id)?;
    let mut parent_trees = Vec::with_capacity(parents.len());
    for parent in parents {
        let raw =
            Raw::parse(objects.commit(&parent)?).ok_or_else(|| Error::corrupt("commit", hex(&parent)))?;
        parent_trees.push(Some(raw.tree));
    }
    if parent_trees.is_empty() {
        parent_trees.push(None);
    }
    let mut touched = vec![true; prefixes.len()];
    for parent in parent_trees {
        // only what every parent before differed in can still count
        let mut wanted: Vec<_> = prefixes
            .iter()
            .enumerate()
            .filter(|(at, _)| touched[*at])
            .map(|(at, prefix)| (at, trim(prefix)))
            .collect();
        wanted.sort_unstable_by_key(|(_, prefix)| *prefix);
        let mut differs = vec![false; prefixes.len()];
        compare(objects, Some(tree), parent, &wanted, &mut differs)?;
        for (touched, differs) in touched.iter_mut().zip(&differs) {
            *touched &= *differs;
        }
    }
    Ok(touched)
}

fn trim(prefix: &str) -> &str {
    let prefix = prefix.trim_start_matches("./").trim_matches('/');
    if prefix == "." { "" } else { prefix }
}

/// Compares two trees where the sorted paths lead, and no further than they are equal.
fn compare(
    objects: &mut Objects,
    one: Option<[u8; 20]>,
    other: Option<[u8; 20]>,
    wanted: &[(usize, &str)],
    differs: &mut [bool],
) -> Result<(), Error> {
    if one == other || wanted.is_empty() {
        return Ok(());
    }
    let (here, deeper) = wanted.split_at(wanted.partition_point(|(_, path)| path.is_empty()));
    for (at, _) in here {
        differs[*at] = true;
    }
    if deeper.is_empty() {
        return Ok(());
    }
    let (one, other) = (tree(objects, one)?, tree(objects, other)?);
    // paths of one first component are neighbours only after a sort by components
    let mut deeper: Vec<_> =
        deeper.iter().map(|(at, path)| (path.split_once('/').unwrap_or((path, "")), *at)).collect();
    deeper.sort_unstable();
    for group in deeper.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
        let Some(((name, _), _)) = group.first() else {
            continue;
        };
        let (one, other) = (find(&one, name.as_bytes()), find(&other, name.as_bytes()));
        if one == other {
            continue;
        }
        let rest: Vec<_> = group.iter().map(|((_, rest), at)| (*at, rest.trim_start_matches('/'))).collect();
        let files = rest.partition_point(|(_, rest)| rest.is_empty());
        for (at, _) in &rest[..files] {
            differs[*at] = true;
        }
        compare(objects, one.and_then(Entry::tree), other.and_then(Entry::tree), &rest[files..], differs)?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry<'a> {
    id: [u8; 20],
    mode: &'a [u8],
}

impl Entry<'_> {
    fn tree(self) -> Option<[u8; 20]> {
        (self.mode == b"40000").then_some(self.id)
    }
}

fn tree(objects: &mut Objects, id: Option<[u8; 20]>) -> Result<Vec<u8>, Error> {
    let Some(id) = id else { return Ok(Vec::new()) };
    match objects.read(&id)? {
        Some((ObjectType::Tree, bytes)) => Ok(bytes.to_vec()),
        Some(_) => Err(Error::corrupt("tree", hex(&id))),
        None => Err(Error::missing("tree", hex(&id))),
    }
}

/// Finds an entry of a tree object: `mode name NUL id`.
fn find<'a>(mut tree: &'a [u8], name: &[u8]) -> Option<Entry<'a>> {
    loop {
        let space = tree.iter().position(|byte| *byte == b' ')?;
        let (mode, rest) = (&tree[..space], &tree[space + 1..]);
        let end = rest.iter().position(|byte| *byte == 0)?;
        let id = rest.get(end + 1..end + 21)?;
        if &rest[..end] == name {
            return Some(Entry { id: id.try_into().ok()?, mode });
        }
        tree = &rest[end + 21..];
    }
}

pub(super) fn changed_paths(
    git: &git2::Repository,
    objects: &mut Objects,
    shallow: &HashSet<CommitId>,
    id: CommitId,
) -> Result<Vec<String>, Error> {
    let (tree, parents) = commit(objects, shallow, id)?;
    let find =
        |id: &[u8; 20]| -> Result<git2::Tree<'_>, Error> { Ok(git.find_tree(git2::Oid::from_bytes(id)?)?) };
    let tree = find(&tree)?;
    let mut common: Option<HashSet<String>> = None;
    let mut bases = Vec::new();
    for parent in parents {
        let raw =
            Raw::parse(objects.commit(&parent)?).ok_or_else(|| Error::corrupt("commit", hex(&parent)))?;
        bases.push(Some(find(&raw.tree)?));
    }
    if bases.is_empty() {
        bases.push(None);
    }
    for base in bases {
        let diff = git.diff_tree_to_tree(base.as_ref(), Some(&tree), None)?;
        let mut paths = HashSet::new();
        for delta in diff.deltas() {
            let path = delta.new_file().path_bytes().or_else(|| delta.old_file().path_bytes());
            paths.extend(path.map(|path| String::from_utf8_lossy(path).into_owned()));
        }
        common = Some(match common {
            Some(common) => common.intersection(&paths).cloned().collect(),
            None => paths,
        });
    }
    let mut paths: Vec<_> = common.unwrap_or_default().into_iter().collect();
    paths.sort_unstable();
    Ok(paths)
}
