//! Small texts by path that must outlive a checkout: records of deployments, what was said to whom. In a folder, or in a
//! git ref that is pushed, so that the next CI job on another machine knows what the last one did.
//!
//! A ref holds a tree of files, one commit for each change. It is below `refs/release-steps/`, so that no clone fetches
//! it by itself and no branch list shows it. This is the read side; it moves no ref.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::data::CommitId;
use crate::error::{Error, Result};
use crate::world::git::push::ls_remote;
use crate::world::process::Git;

pub mod write;

/// The longest text that is kept or read, in bytes.
pub const LONGEST: usize = 4 << 20;

/// Where texts are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// In a folder.
    Folder(PathBuf),
    /// In a ref of a repository.
    Ref(RefStore),
}

/// A ref as a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefStore {
    /// The repository: the top of its work tree, or its bare folder.
    pub root: PathBuf,
    /// The remote that has the ref; none where the repository has no remote, then the ref is its own.
    pub remote: Option<String>,
    /// The full name of the ref.
    pub name: String,
}

impl Store {
    /// All texts whose path begins so, by their path.
    pub fn read(&self, below: &str) -> Result<BTreeMap<String, String>> {
        match self {
            Store::Folder(folder) => {
                let mut found = BTreeMap::new();
                walk(folder, "", below, &mut found)?;
                Ok(found)
            }
            Store::Ref(store) => store.read(below),
        }
    }

    /// One text; none when there is none.
    pub fn get(&self, path: &str) -> Result<Option<String>> {
        check(path)?;
        Ok(self.read(path)?.remove(path))
    }

    /// Whether what is kept can be seen from other machines.
    pub fn shared(&self) -> bool {
        matches!(self, Store::Ref(RefStore { remote: Some(_), .. }))
    }
}

impl std::fmt::Display for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Store::Folder(folder) => write!(f, "{}", folder.display()),
            Store::Ref(RefStore { remote: Some(remote), name, .. }) => write!(f, "{name} at {remote}"),
            Store::Ref(RefStore { name, .. }) => f.write_str(name),
        }
    }
}

/// Paths are made by this program; what comes from outside is in them only as these characters.
fn check(path: &str) -> Result<()> {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.len() <= 200
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-+@".contains(c))
    };
    match path.split('/').all(part) {
        true => Ok(()),
        false => Err(Error::usage("this is no path of a record").at(path.to_owned())),
    }
}

fn walk(folder: &Path, name: &str, below: &str, found: &mut BTreeMap<String, String>) -> Result<()> {
    let failed = |at: &Path| {
        let at = at.display().to_string();
        move |e: std::io::Error| Error::outside(format!("the record cannot be read: {e}")).at(at)
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed(folder)(e)),
    };
    for entry in entries.flatten() {
        let Ok(own) = entry.file_name().into_string() else { continue };
        // What is being written has a name that begins with a dot.
        if own.starts_with('.') {
            continue;
        }
        let path = if name.is_empty() { own } else { format!("{name}/{own}") };
        let kind = entry.file_type().map_err(failed(&entry.path()))?;
        if kind.is_dir() && (path.starts_with(below) || below.starts_with(&path)) {
            walk(&entry.path(), &path, below, found)?;
        } else if kind.is_file() && path.starts_with(below) {
            let text = fs::read_to_string(entry.path()).map_err(failed(&entry.path()))?;
            found.insert(path, text);
        }
    }
    Ok(())
}

impl RefStore {
    /// The commit that the ref has now, brought here when it is not; none when there is no such ref yet.
    fn tip(&self) -> Result<Option<CommitId>> {
        let Some(remote) = &self.remote else {
            let output = Git::new(&self.root, ["rev-parse", "--verify", "--quiet", &self.name]).output()?;
            return Ok(output.ok().then(|| output.text().parse().ok()).flatten());
        };
        let Some(tip) = ls_remote(&self.root, remote)?.get(&self.name).copied() else { return Ok(None) };
        let here = Git::new(&self.root, ["cat-file", "-e", &format!("{tip}^{{tree}}")]).output()?;
        if !here.ok() {
            let fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", remote, &self.name];
            Git::new(&self.root, fetch).run().map_err(|e| e.at(format!("{} at {remote}", self.name)))?;
        }
        Ok(Some(tip))
    }

    fn read(&self, below: &str) -> Result<BTreeMap<String, String>> {
        match self.tip()? {
            Some(tip) => self.read_at(tip, below),
            None => Ok(BTreeMap::new()),
        }
    }

    fn read_at(&self, tip: CommitId, below: &str) -> Result<BTreeMap<String, String>> {
        let failed = |e: git2::Error| {
            Error::outside("the records cannot be read").at(self.name.clone()).detail(e.message())
        };
        let repo = git2::Repository::open(&self.root).map_err(failed)?;
        let tip = git2::Oid::from_bytes(tip.as_bytes()).map_err(failed)?;
        let tree = repo.find_commit(tip).and_then(|commit| commit.tree()).map_err(failed)?;
        let mut found = BTreeMap::new();
        let mut broken = None;
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            let path = format!("{folder}{}", entry.name().unwrap_or_default());
            if entry.kind() == Some(git2::ObjectType::Tree) {
                return match path.starts_with(below) || below.starts_with(&path) {
                    true => git2::TreeWalkResult::Ok,
                    false => git2::TreeWalkResult::Skip,
                };
            }
            if path.starts_with(below) && entry.kind() == Some(git2::ObjectType::Blob) {
                match repo.find_blob(entry.id()) {
                    Ok(blob) if blob.size() <= LONGEST => {
                        found.insert(path, String::from_utf8_lossy(blob.content()).into_owned());
                    }
                    // Not ours: this program writes none so long.
                    Ok(_) => {}
                    Err(e) => broken = Some(e),
                }
            }
            git2::TreeWalkResult::Ok
        })
        .map_err(failed)?;
        match broken {
            Some(error) => Err(failed(error)),
            None => Ok(found),
        }
    }
}
