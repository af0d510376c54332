//! Trees of commits to come: files changed, merges, cherry-picks; for real, or in memory to see conflicts beforehand.

use std::path::Path;

use git2::build::TreeUpdateBuilder;

use crate::data::CommitId;
use crate::effect::{FileEdit, Make, Person, Rev};
use crate::error::{Error, Result};

/// The tree of `parent` with files changed; modes are kept, and a link or folder in the way is refused.
pub(super) fn edited_tree(
    repo: &git2::Repository,
    parent: CommitId,
    files: &[FileEdit],
) -> Result<git2::Oid> {
    let failed = |e| of_git2("the tree cannot be written", &e);
    let base = repo
        .find_commit(oid(parent))
        .and_then(|c| c.tree())
        .map_err(|e| of_git2("the parent commit cannot be read", &e))?;
    let mut update = TreeUpdateBuilder::new();
    for file in files {
        let mode = match base.get_path(Path::new(&file.path)).map(|entry| entry.filemode()) {
            Ok(0o100755) => git2::FileMode::BlobExecutable,
            Ok(0o100644) | Err(_) => git2::FileMode::Blob,
            Ok(_) => {
                return Err(Error::usage("the path is a link or a folder, not a file").at(file.path.clone()));
            }
        };
        let blob = repo.blob(file.after.as_bytes()).map_err(failed)?;
        update.upsert(file.path.as_str(), blob, mode);
    }
    update.create_updated(repo, &base).map_err(failed)
}

pub(super) fn written(repo: &git2::Repository, mut index: git2::Index) -> Result<git2::Oid> {
    index.write_tree_to(repo).map_err(|e| of_git2("the tree cannot be written", &e))
}

pub(super) fn merged(repo: &git2::Repository, ours: CommitId, theirs: CommitId) -> Result<git2::Index> {
    let find = |id| repo.find_commit(oid(id)).map_err(|e| of_git2("a commit cannot be read", &e));
    let index = repo
        .merge_commits(&find(ours)?, &find(theirs)?, None)
        .map_err(|e| of_git2("the merge failed", &e))?;
    without_conflicts(index, &format!("merging {}", theirs.short()))
}

pub(super) fn picked(repo: &git2::Repository, onto: CommitId, source: CommitId) -> Result<git2::Index> {
    let find = |id| repo.find_commit(oid(id)).map_err(|e| of_git2("a commit cannot be read", &e));
    let source = find(source)?;
    let mainline = u32::from(source.parent_count() > 1);
    let index = repo
        .cherrypick_commit(&source, &find(onto)?, mainline, None)
        .map_err(|e| of_git2("the cherry-pick failed", &e))?;
    without_conflicts(index, &format!("cherry-picking {}", id(source.id()).short()))
}

fn without_conflicts(index: git2::Index, doing: &str) -> Result<git2::Index> {
    if index.has_conflicts() {
        let mut paths: Vec<String> = index
            .conflicts()
            .map_err(|e| of_git2("the conflicts cannot be read", &e))?
            .flatten()
            .filter_map(|c| c.our.or(c.their).or(c.ancestor))
            .map(|entry| String::from_utf8_lossy(&entry.path).into_owned())
            .collect();
        paths.sort();
        paths.dedup();
        return Err(Error::no(format!("{doing} conflicts in {}", paths.join(", ")))
            .hint("do it by hand on a branch of your own and open a request; nothing was changed here"));
    }
    Ok(index)
}

/// Makes commits one on the other in memory, to see whether a merge or a cherry-pick among them conflicts: an error then
/// names the paths. The answer says for each whether it changes anything. Nothing is written to the repository.
pub fn rehearse(root: &Path, parent: CommitId, makes: &[Make]) -> Result<Vec<bool>> {
    let failed = |e: git2::Error| of_git2("the rehearsal failed", &e);
    let repo = git2::Repository::open(root).map_err(|e| of_git2("the repository cannot be opened", &e))?;
    // What is written from here on goes to memory and is gone with this handle.
    let odb = repo.odb().map_err(failed)?;
    odb.add_new_mempack_backend(1000).map_err(failed)?;
    let mut at = parent;
    let mut changes = Vec::new();
    for make in makes {
        let index = match make {
            Make::Merge(Rev::Commit(other)) => merged(&repo, at, *other)?,
            Make::Pick(source) => picked(&repo, at, *source)?,
            Make::Merge(_) | Make::Files(_) => continue,
        };
        let tree = written(&repo, index)?;
        let under = repo.find_commit(oid(at)).map_err(failed)?;
        changes.push(tree != under.tree_id());
        let tree = repo.find_tree(tree).map_err(failed)?;
        let nobody =
            git2::Signature::new("rehearsal", "rehearsal", &git2::Time::new(0, 0)).map_err(failed)?;
        at = id(repo.commit(None, &nobody, &nobody, "rehearsal", &tree, &[&under]).map_err(failed)?);
    }
    Ok(changes)
}

pub(super) fn author_of(repo: &git2::Repository, source: CommitId) -> Result<(Person, String)> {
    let commit = repo.find_commit(oid(source)).map_err(|e| of_git2("a commit cannot be read", &e))?;
    let author = commit.author();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let when = author.when();
    let offset = when.offset_minutes();
    let sign = if offset < 0 { '-' } else { '+' };
    Ok((
        Person { name: text(author.name_bytes()), email: text(author.email_bytes()) },
        format!("@{} {sign}{:02}{:02}", when.seconds(), offset.abs() / 60, offset.abs() % 60),
    ))
}

pub(super) fn oid(id: CommitId) -> git2::Oid {
    git2::Oid::from_bytes(id.as_bytes()).unwrap_or(git2::Oid::ZERO_SHA1)
}

pub(super) fn id(oid: git2::Oid) -> CommitId {
    oid.as_bytes().try_into().map_or(CommitId::from_bytes([0; 20]), CommitId::from_bytes)
}

pub(super) fn of_git2(what: &str, error: &git2::Error) -> Error {
    Error::outside(what).detail(error.message())
}
