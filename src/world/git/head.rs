//! Where HEAD is.

use std::path::Path;

use crate::data::CommitId;

use super::error::{Error, ErrorKind};
use super::tags::{Value, find_packed, optional, parse};

/// Where HEAD is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// On a branch.
    Branch {
        /// The name without `refs/heads/`.
        name: String,
        /// Its last commit.
        commit: CommitId,
    },
    /// At a commit, on no branch, as most CI checkouts are.
    Detached {
        /// That commit.
        commit: CommitId,
    },
    /// On a branch without a commit.
    Unborn {
        /// The name without `refs/heads/`.
        branch: String,
    },
}

impl Head {
    /// The commit, unless there is none yet.
    pub fn commit(&self) -> Option<CommitId> {
        match self {
            Self::Branch { commit, .. } | Self::Detached { commit } => Some(*commit),
            Self::Unborn { .. } => None,
        }
    }
}

pub(super) fn read(git_dir: &Path, common: &Path) -> Result<Head, Error> {
    let mut name = match file(git_dir, "HEAD")? {
        Some(Value::Object(id)) => {
            return Ok(Head::Detached { commit: CommitId::from_bytes(id) });
        }
        Some(Value::Symbolic(name)) => name,
        None => return Err(broken("HEAD")),
    };
    // as deep as git follows (SYMREF_MAXDEPTH in refs.c)
    for _ in 0..5 {
        let value = match file(git_dir, &name)? {
            Some(value) => Some(value),
            None => file(common, &name)?,
        };
        let id = match value {
            Some(Value::Symbolic(next)) => {
                name = next;
                continue;
            }
            Some(Value::Object(id)) => Some(id),
            None => find_packed(common, &name)?,
        };
        let branch = name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned();
        return Ok(match id {
            Some(id) => Head::Branch { name: branch, commit: CommitId::from_bytes(id) },
            None => Head::Unborn { branch },
        });
    }
    Err(broken("HEAD"))
}

/// The value in a reference's file. A name that would lead out of the directory is refused.
fn file(directory: &Path, name: &str) -> Result<Option<Value>, Error> {
    if name != "HEAD" && !git2::Reference::is_valid_name(name) {
        return Err(broken(name));
    }
    let text = optional(&directory.join(name))?;
    if text.is_empty() {
        return Ok(None);
    }
    parse(&text).map(Some).ok_or_else(|| broken(name))
}

fn broken(name: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the reference {name} cannot be understood"))
}
