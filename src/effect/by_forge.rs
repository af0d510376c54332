//! Commits that a forge makes by its API.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Commit;
use crate::data::CommitId;
use crate::world::forge::Place;

/// How a forge makes a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByForge {
    /// The repository.
    pub place: Place,
    /// The remote by which it is seen here.
    pub remote: String,
    /// The branch that moves to the commit.
    pub branch: String,
    /// Where that branch is before.
    pub before: Before,
}

/// Where a branch is before a forge commits to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Before {
    /// At the commit's parent.
    Parent,
    /// Nowhere: it is new.
    Absent,
    /// Here; it is replaced.
    At(CommitId),
}

impl Commit {
    /// The same, made by a forge: it signs the commit itself, and keeps of the message what its fields for title and text hold.
    #[must_use]
    pub fn made_by(self, by: ByForge) -> Commit {
        let (title, text) = self.message.split_once('\n').unwrap_or((&self.message, ""));
        let message = format!("{}\n\n{}", title.trim(), text.trim()).trim().to_owned() + "\n";
        Commit { message, sign: false, by: Some(by), ..self }
    }
}

impl fmt::Display for ByForge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " on {} by the API of {}", self.branch, self.place)?;
        match self.before {
            Before::At(commit) => write!(f, " (replacing {})", commit.short()),
            Before::Parent | Before::Absent => Ok(()),
        }
    }
}
