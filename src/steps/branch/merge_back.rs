//! `branch merge-back`: what was released goes back to main and develop.

use super::{Tip, plan_request_into, push, tip};
use crate::config::{CommitsBy, Model, Opens};
use crate::effect::{Commit, Effect, Make, Rev};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan, Precondition};
use crate::publish::opens;
use crate::rules::branching::version_in;
use crate::steps::Step;
use crate::survey::branches::{main_branch, model, tips};
use crate::world::git::trees::rehearse;

/// `branch merge-back`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The release or hotfix branch [default: the one that is checked out]
    branch: Option<String>,
    /// The branches to merge into [default: main, and develop in GitFlow]
    #[arg(long, value_name = "BRANCH")]
    into: Vec<String>,
    /// Open requests instead of merging, or bring them up to date
    #[arg(long)]
    request: bool,
}

/// Plans the merges, each with a merge commit; a conflict is found before anything is done.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let source = match &args.branch {
        Some(branch) => branch.clone(),
        None => facts.branch()?.ok_or_else(|| {
            Error::usage("HEAD is detached: which branch is meant?")
                .hint("name it: `branch merge-back release/v1.3.0`")
        })?,
    };
    let config = &facts.config.branch;
    let source = tip(facts, &source)?;
    let into = match args.into.is_empty() {
        false => args.into.clone(),
        true => targets(facts, &source)?,
    };
    if opens(facts, Opens::MergeBack, args.request) {
        return by_requests(facts, &source, &into, args.request);
    }
    let mut plan = Plan::new("branch merge-back", facts.now.timestamp());
    let mut pushed = Vec::new();
    let mut merges = Vec::new();
    let repo = facts.repo();
    for name in into.iter().filter(|name| **name != source.name) {
        let target = tip(facts, name)?;
        if repo.is_ancestor(source.commit, target.commit)? {
            plan.findings.push(Finding::new(
                Answer::Note,
                "merge-back",
                format!("{name} has all of {} already", source.name),
            ));
            // A run that was killed before its push has merged here only.
            pushed.push((name.clone(), Rev::Commit(target.commit), target.remote));
            continue;
        }
        rehearse(&facts.root, target.commit, &[Make::Merge(Rev::Commit(source.commit))])
            .map_err(|e| Error { message: format!("{} into {name}: {}", source.name, e.message), ..e })?;
        refuse_changes(facts, &target)?;
        let made = format!("merge into {name}");
        plan.requires.extend(
            target.local.then(|| Precondition::BranchAt { branch: name.clone(), commit: target.commit }),
        );
        merges.push(Effect::Commit(Commit {
            name: made.clone(),
            parent: Rev::Commit(target.commit),
            branch: target.local.then(|| name.clone()),
            make: Make::Merge(Rev::Commit(source.commit)),
            message: format!("Merge branch '{}' into {name}\n", source.name),
            committer: facts.identity()?,
            when: facts.now.with().subsec_nanosecond(0).build().unwrap_or_else(|_| facts.now.clone()),
            sign: facts.signs("commit.gpgsign")?,
            aside: false,
            by: None,
        }));
        pushed.push((name.clone(), Rev::Made(made), target.remote));
    }
    plan.summary = match merges.is_empty() {
        true => format!("{} is merged back already", source.name),
        false => {
            let names: Vec<&str> =
                pushed.iter().filter(|p| matches!(p.1, Rev::Made(_))).map(|p| p.0.as_str()).collect();
            format!("merge {} into {}", source.name, names.join(", "))
        }
    };
    plan.output("branch", source.name.as_str());
    plan.output("into", into.clone());
    let released =
        [&config.release, &config.hotfix].into_iter().any(|t| version_in(t, &source.name).is_some());
    if released && !merges.is_empty() && !tagged(facts, &source)? {
        plan.findings.push(
            Finding::new(
                Answer::Warning,
                "merge-back",
                format!("{} was not released: its last commit has no tag", source.name),
            )
            .hint("release it first: `release-steps release` on that branch"),
        );
    }
    if !merges.is_empty() {
        // One after the other: two of them may bring the same work tree along.
        for merge in merges {
            plan.then(merge);
        }
    }
    if plan.effects().next().is_some() && facts.config.forge.commits == CommitsBy::Api {
        return Err(Error::usage("a merge is not made by the forge's API").at("forge.commits").hint(
            "merge by a request, `--request` or `requests: {from: [merge-back]}`: the forge signs it as well",
        ));
    }
    if let Some(push) = push(facts, pushed)? {
        plan.then(Effect::Push(push));
    }
    Ok(plan.into())
}

/// The same through requests, which people merge.
fn by_requests(facts: &Facts<'_>, source: &Tip, into: &[String], asked: bool) -> Result<Step> {
    let mut plan = Plan::new("branch merge-back", facts.now.timestamp());
    plan.output("branch", source.name.as_str());
    plan.output("into", into.to_vec());
    plan.summary = format!("request {} into {}", source.name, into.join(", "));
    if !facts.has_remote()? {
        return Err(Error::usage("there is no remote, where a request could be opened").at("release.remote"));
    }
    let branch = vec![(source.name.clone(), Rev::Commit(source.commit), source.remote)];
    if let Some(push) = push(facts, branch)? {
        plan.then(Effect::Push(push));
    }
    for name in into.iter().filter(|name| **name != source.name) {
        let target = tip(facts, name)?;
        if let Err(conflict) =
            rehearse(&facts.root, target.commit, &[Make::Merge(Rev::Commit(source.commit))])
        {
            let message = format!("{} into {name}: {}", source.name, conflict.message);
            plan.findings
                .push(Finding::new(Answer::Warning, "merge-back", message).hint("resolve it in the request"));
        }
        let title = format!("Merge {} into {name}", source.name);
        plan_request_into(facts, &source.name, source.commit, &target, &title, asked, &mut plan)?;
    }
    Ok(plan.into())
}

fn targets(facts: &Facts<'_>, source: &Tip) -> Result<Vec<String>> {
    let config = &facts.config.branch;
    if [&config.release, &config.hotfix].into_iter().all(|t| version_in(t, &source.name).is_none()) {
        return Err(Error::usage(format!("{} is neither a release nor a hotfix branch", source.name))
            .hint("name one, or say where it goes with `--into`"));
    }
    let main = main_branch(facts)?.ok_or_else(|| {
        Error::usage("which branch is main cannot be told")
            .hint("name it: `branch: {main: …}`, or use `--into`")
    })?;
    if model(facts)? != Model::Gitflow {
        return Ok(vec![main]);
    }
    // A hotfix also goes to the release that is under way, which brings it to develop later
    // (<https://nvie.com/posts/a-successful-git-branching-model/#finishing-a-hotfix-branch>); develop gets it at once too.
    let mut all = vec![main.clone(), config.develop.clone()];
    if version_in(&config.hotfix, &source.name).is_some()
        && version_in(&config.release, &source.name).is_none()
    {
        let repo = facts.repo();
        let main = tip(facts, &main)?;
        for (name, commit) in tips(facts)? {
            if version_in(&config.release, &name).is_some() && !repo.is_ancestor(commit, main.commit)? {
                all.push(name);
            }
        }
    }
    Ok(all)
}

fn tagged(facts: &Facts<'_>, source: &Tip) -> Result<bool> {
    Ok(facts.tags()?.iter().any(|t| t.commit == source.commit))
}

/// A branch that is checked out takes its work tree along: changes there would be in the way.
fn refuse_changes(facts: &Facts<'_>, target: &Tip) -> Result<()> {
    if !target.local || facts.detached()? || facts.branch()?.as_ref() != Some(&target.name) {
        return Ok(());
    }
    let status = facts.repo().status()?;
    match status.staged.iter().chain(&status.modified).next() {
        None => Ok(()),
        Some(path) => Err(Error::no(format!(
            "the work tree of {} has changes that are not committed: {path}",
            target.name
        ))
        .hint("commit or stash them")),
    }
}
