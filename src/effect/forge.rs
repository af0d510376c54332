//! What is done at a forge, as data. Each is looked at before it is done, so that doing it again changes nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Rev;
use crate::data::CommitId;
use crate::world::forge::{Place, RunText, Status};

/// Creates the release of a tag with its files, or brings it to this state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgeRelease {
    /// The repository.
    pub place: Place,
    /// The tag, which is there by then.
    pub tag: String,
    /// The title.
    pub name: String,
    /// The notes, in Markdown.
    pub notes: String,
    /// Whether it is marked as a pre-release, where the forge has such a mark.
    #[serde(default)]
    pub prerelease: bool,
    /// Whether it is marked as the latest; none leaves that to the forge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<bool>,
    /// Its files.
    #[serde(default)]
    pub assets: Vec<AssetFile>,
    /// Whether files and texts of a published release are replaced where they differ.
    #[serde(default)]
    pub replace: bool,
    /// Whether a record of the files with the tag's commit is added ([`crate::rules::artifacts`]): its text is known once
    /// the commit is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub record: bool,
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetFile {
    /// Its name in the release.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
    /// Where its content is.
    pub content: AssetContent,
}

/// Where a file's content is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssetContent {
    /// In a file, its path from the top of the repository.
    Path(String),
    /// Here.
    Text(String),
}

/// Opens a pull or merge request, or brings the open one to this state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgeRequest {
    /// The repository.
    pub place: Place,
    /// The branch that is to be merged; it is at the forge by then.
    pub head: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// The title.
    pub title: String,
    /// The text, in Markdown.
    pub body: String,
    /// Labels that it has besides those that people give it.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Who is asked for a review besides those whom people ask.
    #[serde(default)]
    pub reviewers: Vec<String>,
    /// Whether it is not ready to be merged yet.
    #[serde(default)]
    pub draft: bool,
}

/// Writes a comment on a request or commit, or writes it anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// The repository.
    pub place: Place,
    /// What it is written on.
    pub on: On,
    /// By this name the comment is found again. It stands in it where nobody sees it.
    pub name: String,
    /// The text, in Markdown.
    pub body: String,
}

impl Comment {
    /// The line by which the comment is found again.
    pub fn mark(&self) -> String {
        mark(&self.name)
    }

    /// The whole text, with the mark.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.mark(), self.body.trim_end())
    }
}

/// A request, by its number or by its branches where it has none yet, or a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// This one.
    Number(u64),
    /// The open one from a branch into another.
    Branches {
        /// The branch that is to be merged.
        head: String,
        /// The branch that it is to be merged into.
        base: String,
    },
    /// This commit; the forge has it.
    Commit(CommitId),
}

/// Opens an issue. One that was opened is found again by its name, and left as people have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenIssue {
    /// The repository.
    pub place: Place,
    /// By this name it is found again. It stands in it where nobody sees it.
    pub name: String,
    /// The title.
    pub title: String,
    /// The text, in Markdown.
    pub body: String,
    /// Its labels; by the first it is looked for.
    pub labels: Vec<String>,
}

impl OpenIssue {
    /// The line by which it is found again.
    pub fn mark(&self) -> String {
        mark(&self.name)
    }
}

impl fmt::Display for OpenIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "open issue \"{}\" at {}", self.title, self.place)
    }
}

fn mark(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_./".contains(*c)).collect();
    format!("<!-- release-steps: {plain} -->")
}

/// Sets a check on a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetStatus {
    /// The repository.
    pub place: Place,
    /// The commit.
    pub commit: Rev,
    /// The check.
    pub status: Status,
}

/// Starts a workflow run or pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    /// The repository.
    pub place: Place,
    /// What is started, on what.
    pub run: RunText,
    /// Whether its end is waited for; a run that ends badly is an error then.
    #[serde(default)]
    pub wait: bool,
}

impl fmt::Display for ForgeRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.prerelease { "pre-release" } else { "release" };
        write!(f, "publish {mark} {} at {}", self.tag, self.place)?;
        match self.assets.len() {
            0 => {}
            1 => f.write_str(" with 1 file")?,
            n => write!(f, " with {n} files")?,
        }
        if self.record { f.write_str(" and their digests") } else { Ok(()) }
    }
}

impl fmt::Display for ForgeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request {} → {} at {}: \"{}\"", self.head, self.base, self.place, self.title)
    }
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            On::Number(number) => write!(f, "request {number}"),
            On::Branches { head, base } => write!(f, "request {head} → {base}"),
            On::Commit(commit) => write!(f, "commit {}", commit.short()),
        }
    }
}

impl fmt::Display for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "comment \"{}\" on {} at {}", self.name, self.on, self.place)
    }
}

impl fmt::Display for SetStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "set check {} on {} at {}", self.status.name, self.commit, self.place)
    }
}

impl fmt::Display for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.run.workflow.as_deref().unwrap_or("pipeline");
        let wait = if self.wait { " and wait for its end" } else { "" };
        write!(f, "start {what} on {} at {}{wait}", self.run.git_ref, self.place)
    }
}
