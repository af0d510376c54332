//! Every thing that this program ever does to the outside, as data.

mod by_forge;
mod forge;
mod look;
mod message;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Zoned;
use serde::{Deserialize, Serialize};

use crate::data::{CommitId, Period};

pub use by_forge::{Before, ByForge};
pub use look::{Artifacts, Smoke, Verify};

pub use forge::{
    AssetContent, AssetFile, Comment, Dispatch, ForgeRelease, ForgeRequest, On, OpenIssue, SetStatus,
};
pub use message::{Message, Target};

/// One change of the outside. [`Display`](fmt::Display) says it in a line; [`crate::apply`] does it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case")]
pub enum Effect {
    /// Writes a file of the work tree.
    WriteFile(FileEdit),
    /// Makes a commit and moves a branch to it.
    Commit(Commit),
    /// Creates a local branch.
    Branch(Branch),
    /// Creates an annotated tag.
    Tag(Tag),
    /// Pushes refs to a remote, all or none.
    Push(Push),
    /// Runs a command line that the configuration names.
    Command(Command),
    /// Compares what is about to be deployed with what was recorded.
    Artifacts(Artifacts),
    /// Creates the release of a tag at a forge, with its files.
    ForgeRelease(ForgeRelease),
    /// Opens or updates a pull or merge request.
    ForgeRequest(ForgeRequest),
    /// Writes a comment on a request or commit.
    Comment(Comment),
    /// Opens an issue.
    OpenIssue(OpenIssue),
    /// Sets a check on a commit.
    SetStatus(SetStatus),
    /// Starts a workflow run or pipeline.
    Dispatch(Dispatch),
    /// Tells people something.
    Message(Message),
    /// Looks whether what was deployed answers.
    Smoke(Smoke),
    /// Watches metrics until they have told whether the deployment is well.
    Verify(Verify),
}

/// A text file's old and new content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEdit {
    /// The path from the top of the repository, with `/`.
    pub path: String,
    /// The content before; none when the file is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The content after.
    pub after: String,
    /// What changes, in a few words: `version 1.2.3 → 1.3.0`.
    pub why: String,
}

/// Makes a commit and moves a branch to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The name under which later effects of the plan mean this commit.
    pub name: String,
    /// The commit that it stands on.
    pub parent: Rev,
    /// The local branch that moves from the parent to the new commit; with none, only `HEAD` moves when it is detached
    /// at the parent, and otherwise nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// What it holds.
    pub make: Make,
    /// The commit message.
    pub message: String,
    /// The committer, and the author too unless a picked commit has its own.
    pub committer: Person,
    /// The time of the commit, fixed so that every try makes the same commit.
    pub when: Zoned,
    /// Whether git signs it (`git commit-tree -S`).
    #[serde(default)]
    pub sign: bool,
    /// Whether nothing here moves to it, not even `HEAD`: it is made to be pushed to a branch of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aside: bool,
    /// Where the forge makes it by its API instead, so that it is signed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ByForge>,
}

/// What a commit holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Make {
    /// The parent's tree with these files changed.
    Files(Vec<FileEdit>),
    /// The merge of the parent with another commit, which becomes the second parent.
    Merge(Rev),
    /// What another commit changed, applied to the parent (`git cherry-pick`).
    Pick(CommitId),
}

/// A person as git names one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

/// A commit that is known, or that an earlier effect of the plan makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rev {
    /// This commit.
    Commit(CommitId),
    /// The commit that the effect of this name makes.
    Made(String),
    /// What this local tag points to: the tag object, when it is annotated.
    Tag(String),
}

/// Creates a local branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// The branch's name, without `refs/heads/`.
    pub name: String,
    /// Where it starts.
    pub at: Rev,
}

/// Creates an annotated tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// The tag's name, without `refs/tags/`.
    pub name: String,
    /// What it marks.
    pub target: Rev,
    /// The tag's message.
    pub message: String,
    /// The tagger.
    pub tagger: Person,
    /// The tagger's time.
    pub when: Zoned,
    /// Whether git signs it (`git tag -s`).
    #[serde(default)]
    pub sign: bool,
}

/// Pushes refs to a remote, all or none (`git push --atomic`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// The remote's name.
    pub remote: String,
    /// The refs.
    pub updates: Vec<RefUpdate>,
}

/// One ref of a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefUpdate {
    /// What is pushed.
    pub from: Rev,
    /// The full name of the ref at the remote.
    pub to: String,
    /// What the remote has there now; none when it has nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<CommitId>,
    /// Whether what is there is replaced although it is no ancestor (`git push --force-with-lease`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// Runs a command line that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The line, given to `sh -c`.
    pub line: String,
    /// The folder in which it runs, from the top of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// Variables that are set for it.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What it is for: `deploy 1.3.0 to production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// How long it may take; then it is killed, with everything that it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Period>,
    /// Whether it changes what others see, so that a person is asked first: a deployment does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaves: bool,
}

impl Effect {
    /// Whether the effect can be seen from outside of this machine, so that a person is asked first.
    pub fn leaves_machine(&self) -> bool {
        match self {
            Effect::Push(_)
            | Effect::ForgeRelease(_)
            | Effect::ForgeRequest(_)
            | Effect::Comment(_)
            | Effect::OpenIssue(_)
            | Effect::SetStatus(_)
            | Effect::Dispatch(_)
            | Effect::Message(_) => true,
            Effect::Command(command) => command.leaves,
            Effect::Commit(commit) => commit.by.is_some(),
            Effect::WriteFile(_)
            | Effect::Branch(_)
            | Effect::Tag(_)
            | Effect::Artifacts(_)
            | Effect::Smoke(_)
            | Effect::Verify(_) => false,
        }
    }

    /// Whether it changes nothing but reports and state of its own: then nothing is there to go on with.
    pub fn only_looks(&self) -> bool {
        matches!(self, Effect::Artifacts(_) | Effect::Smoke(_) | Effect::Verify(_))
    }

    /// The variables of the environment that hold its secrets.
    pub fn secrets(&self) -> BTreeSet<String> {
        match self {
            Effect::Smoke(smoke) => smoke.secrets(),
            Effect::Verify(watch) => watch.verify.secrets(),
            Effect::Message(message) => message.service.needs().into_iter().map(str::to_owned).collect(),
            _ => BTreeSet::new(),
        }
    }

    /// What it consists of, for a person who wants to see all of it.
    pub fn parts(&self) -> Vec<String> {
        match self {
            Effect::Verify(watch) => watch.parts(),
            Effect::Smoke(smoke) => smoke.checks.iter().map(ToString::to_string).collect(),
            Effect::Artifacts(artifacts) => artifacts.parts(),
            _ => Vec::new(),
        }
    }

    /// The name under which later effects mean the commit that this one makes.
    pub fn makes(&self) -> Option<&str> {
        match self {
            Effect::Commit(commit) => Some(&commit.name),
            _ => None,
        }
    }

    /// What leaves the machine, as JSON, where people want to read it before it does.
    pub fn payload(&self) -> Option<&serde_json::Value> {
        match self {
            Effect::Message(message) => Some(&message.payload),
            _ => None,
        }
    }

    /// The files whose content changes.
    pub fn files(&self) -> &[FileEdit] {
        match self {
            Effect::WriteFile(edit) => std::slice::from_ref(edit),
            Effect::Commit(Commit { make: Make::Files(files), .. }) => files,
            _ => &[],
        }
    }
}

impl fmt::Display for Rev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rev::Commit(id) => f.write_str(&id.short()),
            Rev::Made(name) => write!(f, "the {name}"),
            Rev::Tag(name) => write!(f, "tag {name}"),
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::WriteFile(edit) => {
                let new = if edit.before.is_none() { " (new file)" } else { "" };
                write!(f, "write {}{new}: {}", edit.path, edit.why)
            }
            Effect::Commit(commit) => {
                let subject = commit.message.lines().next().unwrap_or_default();
                match &commit.make {
                    Make::Files(_) => write!(f, "commit \"{subject}\"")?,
                    Make::Merge(other) => write!(f, "merge {other}: \"{subject}\"")?,
                    Make::Pick(id) => write!(f, "cherry-pick {}: \"{subject}\"", id.short())?,
                }
                match (&commit.by, &commit.branch) {
                    (Some(by), _) => by.fmt(f),
                    (None, Some(branch)) => write!(f, " on {branch}"),
                    (None, None) => write!(f, " on {}", commit.parent),
                }
            }
            Effect::Branch(branch) => write!(f, "create branch {} at {}", branch.name, branch.at),
            Effect::Tag(tag) => {
                let signed = if tag.sign { "signed tag" } else { "tag" };
                write!(f, "create {signed} {} at {}", tag.name, tag.target)
            }
            Effect::Push(push) => {
                write!(f, "push to {}:", push.remote)?;
                for (i, update) in push.updates.iter().enumerate() {
                    let name = update.to.strip_prefix("refs/heads/").map_or_else(
                        || update.to.strip_prefix("refs/tags/").map(|t| format!("tag {t}")),
                        |b| Some(format!("branch {b}")),
                    );
                    let separator = if i == 0 { " " } else { ", " };
                    write!(f, "{separator}{}", name.as_deref().unwrap_or(&update.to))?;
                    if let (true, Some(expect)) = (update.force, update.expect) {
                        write!(f, " (replacing {})", expect.short())?;
                    }
                }
                Ok(())
            }
            Effect::Command(command) => {
                command.what.iter().try_for_each(|what| write!(f, "{what}: "))?;
                write!(f, "run `{}`", command.line)?;
                command.dir.iter().try_for_each(|dir| write!(f, " in {dir}"))
            }
            Effect::ForgeRelease(release) => release.fmt(f),
            Effect::ForgeRequest(request) => request.fmt(f),
            Effect::Comment(comment) => comment.fmt(f),
            Effect::OpenIssue(issue) => issue.fmt(f),
            Effect::SetStatus(status) => status.fmt(f),
            Effect::Dispatch(dispatch) => dispatch.fmt(f),
            Effect::Message(message) => message.fmt(f),
            Effect::Artifacts(artifacts) => artifacts.fmt(f),
            Effect::Smoke(smoke) => smoke.fmt(f),
            Effect::Verify(watch) => watch.fmt(f),
        }
    }
}
