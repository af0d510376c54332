//! GitHub and GitLab behind one trait, with only what steps use.
//!
//! Everything is sent by [`crate::world::http::Client`]: `octocrab` and `gitlab` build requests and read answers, and
//! have no connection of their own.

pub mod act;
mod cache;
pub mod desk;
mod detect;
pub mod gate;
mod github;
mod gitlab;
pub mod guard;
pub mod release;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{AUTHORIZATION, HeaderName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

pub use cache::requests_of;
pub use detect::{Detected, Kind, Place, Token, detect, name_forge, token_for};

use crate::config::ForgeConfig;
use crate::data::CommitId;
use crate::effect::Before;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::rules::commit::references;
use crate::world::http::{Auth, Body, Client, Failure, Limits, Traffic};

/// An answer of a forge, or why there is none.
pub type Answer<T> = std::result::Result<T, Failure>;

/// What a forge says of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its full name now; another one than asked for after it was renamed.
    pub name: String,
    /// The branch that requests go to by default.
    pub default_branch: String,
    /// Whether nobody can write to it any more.
    pub archived: bool,
    /// The repository that it is a fork of.
    pub fork_of: Option<String>,
    /// Whether the token may write; none where the forge does not say.
    pub can_write: Option<bool>,
    /// Whether only some may see it; none where the forge does not say.
    pub private: Option<bool>,
}

/// A release at a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The forge's name for it; empty while a GitLab release has only files.
    pub id: String,
    /// The tag.
    pub tag: String,
    /// The title.
    pub name: String,
    /// The notes, in Markdown.
    pub notes: String,
    /// Whether only those who may write see it.
    pub draft: bool,
    /// Whether it is marked as a pre-release; always false at GitLab, which has no such mark.
    pub prerelease: bool,
    /// Whether its files can be changed no more
    /// (<https://docs.github.com/code-security/supply-chain-security/understanding-your-software-supply-chain/immutable-releases>).
    pub immutable: bool,
    /// Its page.
    pub url: String,
    /// Its files.
    pub assets: Vec<Asset>,
    /// Other drafts of the same tag: two runs began at once, or one was killed.
    pub others: Vec<Release>,
    /// Where files are sent to.
    upload: String,
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The forge's name for it.
    pub id: String,
    /// Its file name.
    pub name: String,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// Its SHA-256, where the forge says it.
    pub sha256: Option<String>,
    /// Whether all of it has arrived.
    pub complete: bool,
    /// Whether the release lists it: at GitLab a file and the release's link to it are two things.
    pub listed: bool,
    /// Where it can be fetched.
    pub url: String,
}

/// What a release is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseText<'a> {
    /// The tag; it exists at the forge.
    pub tag: &'a str,
    /// The title.
    pub name: &'a str,
    /// The notes, in Markdown.
    pub notes: &'a str,
    /// Whether to mark it as a pre-release.
    pub prerelease: bool,
    /// Whether to mark it as the latest; none leaves it to the forge.
    pub latest: Option<bool>,
}

/// The state of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestState {
    /// It can be merged or closed.
    Open,
    /// It was merged.
    Merged,
    /// It was closed without being merged.
    Closed,
}

/// A pull or merge request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its number in the repository.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its text, in Markdown.
    pub body: String,
    /// Its state.
    pub state: RequestState,
    /// The branch that is to be merged.
    pub head: String,
    /// The commit at its head.
    pub commit: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// Who made it.
    pub author: String,
    /// Its labels, sorted.
    pub labels: Vec<String>,
    /// Who is asked to review it, sorted.
    pub reviewers: Vec<String>,
    /// The issues of the same repository that it closes, sorted.
    pub closes: Vec<u64>,
    /// Its page.
    pub url: String,
}

/// A commit whose request is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Brought {
    /// The commit.
    pub commit: CommitId,
    /// The merge that brought it to the branch, where it is not on the branch by itself.
    pub by: Option<CommitId>,
}

/// The issues that a request's text closes.
fn closed_by(text: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> =
        references(text).filter(|r| r.closes && r.repository.is_none()).map(|r| r.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// What a request is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestText<'a> {
    /// The branch that is to be merged; it exists at the forge.
    pub head: &'a str,
    /// The branch that it is to be merged into.
    pub base: &'a str,
    /// The title.
    pub title: &'a str,
    /// The text, in Markdown.
    pub body: &'a str,
    /// Labels that it is to have besides those it has.
    pub labels: &'a [String],
    /// People who are to be asked for a review besides those who are.
    pub reviewers: &'a [String],
    /// Whether it is not ready to be merged yet.
    pub draft: bool,
}

/// A commit that a forge is to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitText<'a> {
    /// The branch that moves to it.
    pub branch: &'a str,
    /// Its one parent, which the forge has.
    pub parent: CommitId,
    /// Where the branch is before.
    pub before: Before,
    /// The message.
    pub message: &'a str,
    /// Who wrote it, where it is not whom the token belongs to: name and e-mail address.
    pub author: Option<(&'a str, &'a str)>,
    /// What differs from the parent.
    pub changes: &'a [Change],
}

/// What a commit does to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path from the top of the repository.
    pub path: String,
    /// The content; none when the file goes.
    pub content: Option<Vec<u8>>,
    /// Whether the parent does not have it.
    pub new: bool,
    /// The commit that touched it last, where the history here is whole.
    pub last: Option<CommitId>,
}

/// What is commented on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commented {
    /// The request of this number.
    Request(u64),
    /// This commit.
    Commit(CommitId),
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The forge's name for it.
    pub id: String,
    /// Its text, in Markdown.
    pub body: String,
}

/// The state of a check on a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatusState {
    /// Under way.
    Pending,
    /// It holds.
    Success,
    /// It does not hold.
    Failure,
}

/// A check on a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The check's name; setting it again replaces what it said.
    pub name: String,
    /// Its state.
    pub state: StatusState,
    /// A few words.
    pub text: String,
    /// A page with more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// It has not come to its end; also while it waits for a person.
    Going,
    /// It ended well.
    Success,
    /// It ended badly.
    Failure,
    /// It was stopped.
    Cancelled,
}

/// A workflow run or pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The forge's name for it.
    pub id: u64,
    /// How far it is.
    pub state: RunState,
    /// The forge's own word for that.
    pub said: String,
    /// Its page.
    pub url: String,
}

/// A job of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The forge's name for it.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub state: RunState,
    /// The forge's own word for that.
    pub said: String,
}

/// What starts a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunText {
    /// GitHub: the workflow's file name. GitLab has one pipeline for all, and ignores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// The branch or tag.
    pub git_ref: String,
    /// Inputs of the workflow, variables of the pipeline.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// A text that is in no other run: by it the run is found where the forge does not say which one it started.
    pub correlation: String,
}

/// What steps may ask of a forge. Nothing here changes anything.
pub trait View: desk::DeskView + gate::GateView + guard::GuardView + Send + Sync + std::fmt::Debug {
    /// The repository that this is for.
    fn place(&self) -> &Place;
    /// How many calls were made.
    fn traffic(&self) -> Traffic;

    /// What the forge says of the repository.
    fn repository(&self) -> Answer<Repository>;
    /// What a branch (`heads/main`) or tag (`tags/v1`) points to, in hexadecimal digits.
    fn ref_target(&self, name: &str) -> Answer<Option<String>>;
    /// The release of a tag, a draft too.
    fn release(&self, tag: &str) -> Answer<Option<Release>>;
    /// The SHA-256 of a file of a release, which is fetched for it.
    fn asset_sha256(&self, asset: &Asset) -> Answer<String>;
    /// The text of a file of a release.
    fn asset_text(&self, asset: &Asset) -> Answer<String>;
    /// The request from one branch into another: the open one, otherwise the newest.
    fn request(&self, head: &str, base: &str) -> Answer<Option<Request>>;
    /// The requests that brought these commits.
    fn requests_of(&self, commits: &[CommitId]) -> Answer<BTreeMap<CommitId, Vec<Request>>> {
        let alone: Vec<Brought> =
            commits.iter().map(|commit| Brought { commit: *commit, by: None }).collect();
        self.requests_of_range(&alone, None)
    }
    /// The requests that brought these commits, none of which was merged before `since`. A commit that is missing from the
    /// answer was not looked up: some forges answer about one at a time.
    fn requests_of_range(
        &self,
        commits: &[Brought],
        since: Option<Timestamp>,
    ) -> Answer<BTreeMap<CommitId, Vec<Request>>>;
    /// The comments on a request or commit.
    fn comments(&self, on: Commented) -> Answer<Vec<Comment>>;
    /// The checks on a commit, the newest of each name.
    fn statuses(&self, commit: CommitId) -> Answer<Vec<Status>>;
    /// Finds the run that [`Forge::start_run`] started, by its correlation text.
    fn find_run(&self, text: &RunText) -> Answer<Option<Run>>;
    /// How far a run is.
    fn run(&self, id: u64) -> Answer<Run>;
    /// The jobs of a run.
    fn jobs(&self, run: u64) -> Answer<Vec<Job>>;
    /// The end of a job's log.
    fn log_tail(&self, job: u64, bytes: usize) -> Answer<String>;
}

/// What effects do at a forge. Every method is one thing, several calls where the forge needs them, and none looks first:
/// [`act`] and [`release`] do.
pub trait Forge: View + desk::Desk {
    /// Waits before a try after a failure; false when no more waiting is allowed.
    fn wait(&self, failure: &Failure, tries: u32) -> bool;

    /// Makes a place for files that nobody sees yet: a draft.
    fn stage_release(&self, text: &ReleaseText<'_>) -> Answer<Release>;
    /// Takes a draft away.
    fn discard_draft(&self, release: &Release) -> Answer<()>;
    /// Sends a file for a release. At GitLab the release lists it with [`Forge::publish_release`].
    fn add_asset(&self, release: &Release, name: &str, content: Body) -> Answer<Asset>;
    /// Takes a file away from a release.
    fn remove_asset(&self, release: &Release, asset: &Asset) -> Answer<()>;
    /// Publishes a release, or writes its texts and marks anew.
    fn publish_release(&self, release: &Release, text: &ReleaseText<'_>) -> Answer<Release>;
    /// Makes a commit and moves a branch to it.
    fn commit(&self, text: &CommitText<'_>) -> Answer<CommitId>;
    /// Opens a request.
    fn open_request(&self, text: &RequestText<'_>) -> Answer<Request>;
    /// Gives an open request its title, text, labels and reviewers.
    fn update_request(&self, request: &Request, text: &RequestText<'_>) -> Answer<Request>;
    /// Writes a comment, or writes it anew.
    fn write_comment(&self, on: Commented, there: Option<&str>, body: &str) -> Answer<()>;
    /// Sets a check on a commit.
    fn set_status(&self, commit: CommitId, status: &Status) -> Answer<()>;
    /// Starts a run; none where the forge does not say which one.
    fn start_run(&self, text: &RunText) -> Answer<Option<Run>>;
}

/// The longest notes that a forge takes, in characters.
///
/// GitHub: 125,000 characters, by its answer "body is too long (maximum is 125000 characters)". GitLab: 1,000,000
/// characters (<https://docs.gitlab.com/administration/instance_limits/#size-of-comments-and-descriptions-of-issues-merge-requests-and-epics>).
pub fn longest_notes(kind: Kind) -> usize {
    match kind {
        Kind::GitHub => 125_000,
        Kind::GitLab => 1_000_000,
    }
}

/// Connects to a forge. Nothing is sent yet.
pub fn connect(place: &Place, token: Option<&Token>, limits: Limits) -> Result<Box<dyn Forge>> {
    let api = Url::parse(&format!("{}/", place.api))
        .map_err(|_| Error::usage(format!("`{}` is no address of an API", place.api)))?;
    let mut places = vec![&api];
    let uploads = github::uploads(&api);
    if place.kind == Kind::GitHub {
        places.push(&uploads);
    }
    let auth = match (place.kind, token) {
        (_, None) => None,
        (Kind::GitHub, Some(Token::Access(t) | Token::Job(t))) => {
            Some(Auth::new(AUTHORIZATION, "Bearer ", t, &places)?)
        }
        (Kind::GitLab, Some(Token::Access(t))) => {
            Some(Auth::new(HeaderName::from_static("private-token"), "", t, &places)?)
        }
        (Kind::GitLab, Some(Token::Job(t))) => {
            Some(Auth::new(HeaderName::from_static("job-token"), "", t, &places)?)
        }
    };
    let http = Client::new(auth, limits)?;
    Ok(match place.kind {
        Kind::GitHub => Box::new(github::GitHub::new(place.clone(), api, http)?),
        Kind::GitLab => Box::new(gitlab::GitLab::new(place.clone(), api, http, token.cloned())),
    })
}

/// The forges that this process talks to, each connected once, so that they share connections, counts and what they
/// remember.
#[derive(Debug, Default)]
pub struct Forges {
    config: ForgeConfig,
    env: Env,
    limits: Limits,
    connected: Mutex<BTreeMap<Place, Arc<dyn Forge>>>,
}

impl Forges {
    /// Forges with the tokens that the configuration and the environment have for them.
    pub fn new(config: ForgeConfig, env: Env) -> Self {
        Self::with_limits(config, env, Limits::default())
    }

    /// The same with other limits.
    pub fn with_limits(config: ForgeConfig, env: Env, limits: Limits) -> Self {
        Forges { config, env, limits, connected: Mutex::default() }
    }

    /// The forge of a place; an error where there is no token for it.
    pub fn at(&self, place: &Place) -> Result<Arc<dyn Forge>> {
        let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(forge) = connected.get(place) {
            return Ok(forge.clone());
        }
        let token = token_for(&self.config, &self.env, place)?;
        let forge: Arc<dyn Forge> = Arc::from(connect(place, Some(&token), self.limits)?);
        connected.insert(place.clone(), forge.clone());
        Ok(forge)
    }

    /// How many calls were made to all of them.
    pub fn traffic(&self) -> Traffic {
        let connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        connected.values().map(|forge| forge.traffic()).fold(Traffic::default(), |sum, one| Traffic {
            calls: sum.calls + one.calls,
            unchanged: sum.unchanged + one.unchanged,
        })
    }
}
