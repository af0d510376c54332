//! `branch`: the branches of GitFlow, trunk-based development and GitHub flow.

mod backport;
mod calendar;
mod check;
mod cut;
mod merge_back;

use crate::data::CommitId;
use crate::effect::{Push, RefUpdate, Rev};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::publish::{RequestPlan, commit_list, plan_requests};
use crate::steps::Step;

/// `branch …`
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Cut a release branch for the next version
    Cut(cut::Cut),
    /// Cut a hotfix branch from what is in production
    Hotfix(cut::Hotfix),
    /// Merge a release or hotfix branch back to where the model wants it
    MergeBack(merge_back::Args),
    /// Bring commits to another branch by cherry-pick, on a branch of their own
    Backport(backport::Args),
    /// Check the age of short-lived branches and the code freeze
    Check(check::Args),
    /// Show the next releases, their freezes, and the next version
    Calendar(calendar::Args),
}

/// Plans a `branch` command.
pub fn plan(command: &Command, facts: &Facts<'_>) -> Result<Step> {
    match command {
        Command::Cut(args) => cut::cut(args, facts),
        Command::Hotfix(args) => cut::hotfix(args, facts),
        Command::MergeBack(args) => merge_back::plan(args, facts),
        Command::Backport(args) => backport::plan(args, facts),
        Command::Check(args) => check::plan(args, facts),
        Command::Calendar(args) => calendar::plan(args, facts),
    }
}

/// A branch to work on or from.
struct Tip {
    /// The name, without `refs/heads/`.
    name: String,
    /// Its last commit.
    commit: CommitId,
    /// Whether there is a local branch, which moves along.
    local: bool,
    /// What the remote has there.
    remote: Option<CommitId>,
}

/// Finds a branch: the local one, or the remote's as last fetched. Refused where the remote has commits that are not here:
/// what is made from it would be behind.
fn tip(facts: &Facts<'_>, name: &str) -> Result<Tip> {
    let repo = facts.repo();
    let branches = repo.branches()?;
    let local = branches.iter().find(|b| !b.remote && b.name == name);
    let remote_name = format!("{}/{name}", facts.config.release.remote);
    let tracked = branches.iter().find(|b| b.remote && b.name == remote_name);
    let Some(found) = local.or(tracked) else {
        return Err(Error::usage(format!("there is no branch {name}"))
            .hint(format!("fetch it: `git fetch {}`, or check the name", facts.config.release.remote)));
    };
    let remote = match facts.remote_refs()? {
        Some(refs) => refs.get(&format!("refs/heads/{name}")).copied(),
        None => None,
    };
    if let Some(remote) = remote
        && remote != found.commit
        && !(repo.resolve(&remote.to_string()).is_ok() && repo.is_ancestor(remote, found.commit)?)
    {
        return Err(Error::no(format!(
            "{name} moved at {}: there it is at {}",
            facts.config.release.remote,
            remote.short()
        ))
        .hint(format!(
            "`git fetch {}` and bring {name} up to date, then plan again",
            facts.config.release.remote
        )));
    }
    Ok(Tip { name: name.to_owned(), commit: found.commit, local: local.is_some(), remote })
}

/// The commit of a branch at the remote, where there is a remote and it has the branch.
fn at_remote(facts: &Facts<'_>, branch: &str) -> Result<Option<CommitId>> {
    Ok(facts.remote_refs()?.and_then(|refs| refs.get(&format!("refs/heads/{branch}")).copied()))
}

/// The push of branches; none where there is no remote, pushing is off, or the remote has them all.
fn push(facts: &Facts<'_>, branches: Vec<(String, Rev, Option<CommitId>)>) -> Result<Option<Push>> {
    let config = &facts.config.release;
    if !config.push || !facts.has_remote()? {
        return Ok(None);
    }
    let updates: Vec<RefUpdate> = branches
        .into_iter()
        .filter(|(_, from, there)| there.is_none_or(|there| *from != Rev::Commit(there)))
        .map(|(name, from, expect)| RefUpdate {
            from,
            to: format!("refs/heads/{name}"),
            expect,
            force: false,
        })
        .collect();
    Ok((!updates.is_empty()).then(|| Push { remote: config.remote.clone(), updates }))
}

/// The request that brings a branch to another: what the one has and the other has not, listed. `tip` is what the branch is
/// at once the plan is done.
fn plan_request_into(
    facts: &Facts<'_>,
    branch: &str,
    tip: CommitId,
    into: &Tip,
    title: &str,
    asked: bool,
    plan: &mut Plan,
) -> Result<()> {
    let history = facts.repo().history(&[tip], &[into.commit])?;
    if history.is_empty() {
        plan.findings.push(Finding::new(
            Answer::Note,
            "request",
            format!("{} has all of {branch}: a request is opened once it has not", into.name),
        ));
        return Ok(());
    }
    let commits: Vec<(CommitId, String)> =
        history.iter().map(|commit| (commit.id(), commit.message().into_owned())).collect();
    let wanted = RequestPlan {
        head: branch.to_owned(),
        base: into.name.clone(),
        title: title.to_owned(),
        body: format!("What {branch} has and {} has not:\n\n{}", into.name, commit_list(commits)),
        there: at_remote(facts, branch)? == Some(tip),
    };
    plan_requests(facts, vec![wanted], asked, plan)
}
