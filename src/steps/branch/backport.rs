//! `branch backport`: commits to another branch by cherry-pick, on a branch of their own.

use super::{Tip, at_remote, push, tip};
use crate::config::Opens;
use crate::data::CommitId;
use crate::effect::{Before, Branch, ByForge, Commit, Effect, Make, Rev};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan, Wave};
use crate::publish::{RequestPlan, by_forge, commit_list, opens, plan_requests};
use crate::rules::branching::name;
use crate::rules::text::{Newlines, inert};
use crate::steps::Step;
use crate::world::forge::Kind;
use crate::world::git::trees::rehearse;

/// `branch backport`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The commits, in the order in which they are applied
    #[arg(required = true)]
    commits: Vec<String>,
    /// The branch that gets them; may be given more than once
    #[arg(long, required = true, value_name = "BRANCH")]
    to: Vec<String>,
}

/// Plans the cherry-picks; a conflict is found before anything is done.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let mut sources = Vec::new();
    for rev in &args.commits {
        sources.push(facts.commit("COMMITS", rev)?);
    }
    let mut plan = Plan::new("branch backport", facts.now.timestamp());
    let mut branches = Vec::new();
    let mut done = Vec::new();
    for target in &args.to {
        let target = tip(facts, target)?;
        let branch = name(
            &facts.config.branch.backport,
            &[("commit", &sources[0].short()), ("target", &target.name.replace('/', "-"))],
        );
        match one(facts, &sources, &target, &branch, &mut plan)? {
            true => branches.push(branch),
            false => done.push(target.name),
        }
    }
    let short: Vec<String> = sources.iter().map(CommitId::short).collect();
    plan.summary = match branches.is_empty() {
        false => format!("backport {} on {}", short.join(", "), branches.join(", ")),
        true => format!("{} is on {} already", short.join(", "), done.join(", ")),
    };
    plan.output("commits", sources.iter().map(ToString::to_string).collect::<Vec<_>>());
    plan.output("branches", branches);
    Ok(plan.into())
}

/// Plans one target; says whether anything of it is left to do or under way.
fn one(facts: &Facts<'_>, sources: &[CommitId], target: &Tip, branch: &str, plan: &mut Plan) -> Result<bool> {
    let repo = facts.repo();
    let there = at_remote(facts, branch)?;
    let local = repo.branches()?.into_iter().find(|b| !b.remote && b.name == branch);
    if let Some(local) = &local {
        let missing = missing(facts, sources, local.commit)?;
        if !missing.is_empty() {
            return Err(Error::no(format!("branch {branch} exists already, without {}", missing[0].short()))
                .hint("delete it, or finish it by hand"));
        }
        plan.findings.push(Finding::new(Answer::Note, "backport", format!("{branch} is there already")));
        let push = push(facts, vec![(branch.to_owned(), Rev::Commit(local.commit), there)])?;
        let pushed = push.is_none();
        plan.waves.extend(push.map(|push| Wave { effects: vec![Effect::Push(push)] }));
        request(facts, sources, target, branch, pushed, plan)?;
        return Ok(true);
    }
    if there.is_some() {
        plan.findings.push(Finding::new(
            Answer::Note,
            "backport",
            format!("{branch} is at {} already", facts.config.release.remote),
        ));
        request(facts, sources, target, branch, true, plan)?;
        return Ok(true);
    }
    let wanted = missing(facts, sources, target.commit)?;
    let makes: Vec<Make> = wanted.iter().map(|id| Make::Pick(*id)).collect();
    let changes = rehearse(&facts.root, target.commit, &makes)
        .map_err(|e| Error { message: format!("onto {}: {}", target.name, e.message), ..e })?;
    let wanted: Vec<CommitId> =
        wanted.into_iter().zip(changes).filter(|(_, changes)| *changes).map(|(id, _)| id).collect();
    for id in sources.iter().filter(|id| !wanted.contains(id)) {
        plan.findings.push(Finding::new(
            Answer::Note,
            "backport",
            format!("{} has {} already", target.name, id.short()),
        ));
    }
    if wanted.is_empty() {
        return Ok(false);
    }
    let mut by = by_forge(facts, branch, Before::Absent, plan)?;
    if by.is_some() && target.remote != Some(target.commit) {
        return Err(Error::no(format!("{} is not at the remote as it is here", target.name))
            .at("forge.commits")
            .hint(format!("`git push {} {}` first", facts.config.release.remote, target.name)));
    }
    let mut parent = Rev::Commit(target.commit);
    for id in &wanted {
        let made = format!("pick of {} for {}", id.short(), target.name);
        let message = repo.message(*id)?;
        let message = message.trim_end();
        let commit = Commit {
            name: made.clone(),
            parent,
            branch: None,
            make: Make::Pick(*id),
            message: format!("{message}\n\n(cherry picked from commit {id})\n"),
            committer: facts.identity()?,
            when: facts.now.with().subsec_nanosecond(0).build().unwrap_or_else(|_| facts.now.clone()),
            sign: facts.signs("commit.gpgsign")?,
            aside: false,
            by: None,
        };
        plan.then(Effect::Commit(match &by {
            Some(by) => picked_by_forge(facts, commit, *id, by.clone())?,
            None => commit,
        }));
        // The first one creates the branch.
        by.iter_mut().for_each(|by| by.before = Before::Parent);
        parent = Rev::Made(made);
    }
    plan.then(Effect::Branch(Branch { name: branch.to_owned(), at: parent.clone() }));
    if by.is_some() {
        return request(facts, &wanted, target, branch, false, plan).map(|()| true);
    }
    if let Some(push) = push(facts, vec![(branch.to_owned(), parent, None)])? {
        plan.then(Effect::Push(push));
        request(facts, &wanted, target, branch, false, plan)?;
    }
    Ok(true)
}

/// A cherry-pick that the forge makes. GitHub says that whoever calls it is the author, so the author is named by a trailer
/// (<https://docs.github.com/pull-requests/committing-changes-to-your-project/creating-and-editing-commits/creating-a-commit-with-multiple-authors>).
fn picked_by_forge(facts: &Facts<'_>, commit: Commit, id: CommitId, by: ByForge) -> Result<Commit> {
    let mut message = commit.message;
    if by.place.kind == Kind::GitHub {
        let repo = facts.repo();
        let parent: Vec<CommitId> = repo.resolve(&format!("{id}^")).into_iter().collect();
        let history = repo.history(&[id], &parent)?;
        if let Some(picked) = history.iter().find(|picked| picked.id() == id) {
            message.push_str(&format!(
                "Co-authored-by: {} <{}>\n",
                picked.author_name(),
                picked.author_email()
            ));
        }
    }
    Ok(Commit { message, aside: true, ..commit }.made_by(by))
}

/// Opens the request for the branch, or finds it again, where a forge is known and there is a token for it.
fn request(
    facts: &Facts<'_>,
    picked: &[CommitId],
    target: &Tip,
    branch: &str,
    there: bool,
    plan: &mut Plan,
) -> Result<()> {
    if !opens(facts, Opens::Backport, false) {
        return Ok(());
    }
    let repo = facts.repo();
    let mut commits = Vec::new();
    for id in picked {
        commits.push((*id, repo.message(*id)?));
    }
    let title = match commits.as_slice() {
        [(_, message)] => {
            let subject = inert(message.lines().next().unwrap_or_default(), Newlines::Flatten);
            format!("{subject} (backport to {})", target.name)
        }
        _ => format!("Backport {} commits to {}", commits.len(), target.name),
    };
    let wanted = RequestPlan {
        head: branch.to_owned(),
        base: target.name.clone(),
        title,
        body: format!("Cherry-picked onto {}:\n\n{}", target.name, commit_list(commits)),
        there,
    };
    plan_requests(facts, vec![wanted], false, plan)
}

/// Which of some commits a branch does not have, neither themselves nor as cherry-picks that name them.
fn missing(facts: &Facts<'_>, sources: &[CommitId], tip: CommitId) -> Result<Vec<CommitId>> {
    let repo = facts.repo();
    let mut missing = Vec::new();
    for id in sources {
        if repo.is_ancestor(*id, tip)? {
            continue;
        }
        let bases = repo.merge_bases(*id, tip)?;
        let trailer = format!("(cherry picked from commit {id})");
        let history = repo.history(&[tip], &bases)?;
        let picked = history.iter().any(|commit| commit.message().contains(&trailer));
        if !picked {
            missing.push(*id);
        }
    }
    Ok(missing)
}
