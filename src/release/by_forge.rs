//! The release commit where the forge makes it.

use super::push::branch_update;
use super::request::is_same;
use super::{Place, Wanted};
use crate::config::CommitsBy;
use crate::data::CommitId;
use crate::effect::{Before, Commit, Effect, Push, Rev};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::Plan;
use crate::publish::by_forge;

/// The release commit, made by the forge on the release's branch where that is so configured. The branch must be at the
/// remote as it is here: what is missing there is pushed first.
pub(super) fn on_branch(
    facts: &Facts<'_>,
    wanted: &Wanted,
    place: &Place,
    commit: Commit,
    plan: &mut Plan,
) -> Result<Commit> {
    if facts.config.forge.commits == CommitsBy::Git {
        return Ok(commit);
    }
    let no = |why: &str, hint: &str| Err(Error::usage(why.to_owned()).at("forge.commits").hint(hint));
    let Some(branch) = place.branch.clone() else {
        return no(
            "the forge commits on branches only, and this release is of a commit by itself",
            "release from the branch, or set `release: {commit: false}`",
        );
    };
    if wanted.no_push {
        return no("what the forge commits is not kept here alone", "leave `--no-push` out");
    }
    let Some(by) = by_forge(facts, &branch, Before::Parent, plan)? else { return Ok(commit) };
    let commit = commit.made_by(by);
    let Some(refs) = facts.remote_refs()? else { return Ok(commit) };
    let there = refs.get(&format!("refs/heads/{branch}")).copied();
    // An earlier run may have been killed between the forge's commit and this clone: its commit is found and taken.
    if let Some(there) = there
        && there != place.target
        && made_by_then(facts, &branch, &commit, place.target, there)?
    {
        return Ok(commit);
    }
    if let Some(update) = branch_update(facts, refs, &branch, &Rev::Commit(place.target), place.target)? {
        plan.then(Effect::Push(Push { remote: facts.config.release.remote.clone(), updates: vec![update] }));
    }
    Ok(commit)
}

fn made_by_then(
    facts: &Facts<'_>,
    branch: &str,
    commit: &Commit,
    target: CommitId,
    there: CommitId,
) -> Result<bool> {
    if facts.repo().resolve(&there.to_string()).is_err() {
        facts.fetch_branch(branch)?;
    }
    let history = facts.repo().history(&[there], &[target])?;
    let first = history.iter().find(|c| c.parents().eq([target])).map(|c| c.id());
    first.map_or(Ok(false), |first| is_same(facts, commit, first))
}
