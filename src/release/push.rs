//! The push of a release: branch and tags, all or none, and what an earlier run left behind.

use std::collections::BTreeMap;

use super::{Place, Wanted};
use crate::data::CommitId;
use crate::effect::{Effect, Push, RefUpdate, Rev};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::survey::{Candidate, Released};

/// Adds the push of the branch and the tags.
pub(super) fn push(
    facts: &Facts<'_>,
    wanted: &Wanted,
    place: &Place,
    found: &[Candidate],
    rev: &Rev,
    plan: &mut Plan,
) -> Result<()> {
    let config = &facts.config.release;
    if wanted.no_push || !config.push {
        return Ok(());
    }
    let Some(refs) = facts.remote_refs()? else {
        plan.findings.push(Finding::new(
            Answer::Note,
            "push",
            format!("there is no remote `{}`: nothing is pushed", config.remote),
        ));
        return Ok(());
    };
    let mut updates = Vec::new();
    // What the forge commits is on its branch already.
    let by_forge = plan.effects().any(|(_, e)| matches!(e, Effect::Commit(commit) if commit.by.is_some()));
    if let (Some(branch), false) = (&place.branch, by_forge) {
        updates.extend(branch_update(facts, refs, branch, rev, place.target)?);
    }
    for candidate in found {
        // A run that was killed may have made some of the tags.
        let made = candidate.line.latest.as_ref().filter(|r| r.commit == place.target).map(|r| r.tag.clone());
        let Some(tag) = candidate.tag().or(made) else { continue };
        let to = format!("refs/tags/{tag}");
        if candidate.next.is_some() || !refs.contains_key(&to) {
            updates.push(RefUpdate { from: Rev::Tag(tag), to, expect: None, force: false });
        }
    }
    plan.then(Effect::Push(Push { remote: config.remote.clone(), updates }));
    Ok(())
}

/// The push of a branch; refused where the remote has moved on, none where the remote has it already.
pub(super) fn branch_update(
    facts: &Facts<'_>,
    refs: &BTreeMap<String, CommitId>,
    branch: &str,
    rev: &Rev,
    target: CommitId,
) -> Result<Option<RefUpdate>> {
    let to = format!("refs/heads/{branch}");
    let there = refs.get(&to).copied();
    if let Some(there) = there {
        let repo = facts.repo();
        let known = repo.resolve(&there.to_string()).is_ok();
        if !known || !repo.is_ancestor(there, target)? {
            if known && *rev == Rev::Commit(target) && repo.is_ancestor(target, there)? {
                return Ok(None);
            }
            let remote = &facts.config.release.remote;
            return Err(Error::no(format!(
                "{branch} moved at {remote}: there it is at {}, which {} does not have",
                there.short(),
                target.short()
            ))
            .hint(format!(
                "`git pull {remote} {branch}` and plan again, or release just this commit: `release --commit {target}`"
            )));
        }
        if *rev == Rev::Commit(target) && there == target {
            return Ok(None);
        }
    }
    Ok(Some(RefUpdate { from: rev.clone(), to, expect: there, force: false }))
}

/// After a run that was killed before its push, the last release is here but not at the remote: it is pushed.
pub(super) fn push_what_is_missing(
    facts: &Facts<'_>,
    wanted: &Wanted,
    place: &Place,
    found: &[Candidate],
    plan: &mut Plan,
) -> Result<()> {
    let config = &facts.config.release;
    let latest: Vec<&Released> = found.iter().filter_map(|c| c.line.latest.as_ref()).collect();
    if wanted.no_push || !config.push || latest.is_empty() {
        return Ok(());
    }
    let Some(refs) = facts.remote_refs()? else { return Ok(()) };
    let missing: Vec<&Released> =
        latest.into_iter().filter(|r| !refs.contains_key(&format!("refs/tags/{}", r.tag))).collect();
    let Some(newest) = missing.iter().max_by_key(|r| r.commit == place.target) else { return Ok(()) };
    let mut updates = Vec::new();
    if let Some(branch) = &place.branch {
        updates.extend(branch_update(facts, refs, branch, &Rev::Commit(newest.commit), newest.commit)?);
    }
    updates.extend(missing.iter().map(|r| RefUpdate {
        from: Rev::Tag(r.tag.clone()),
        to: format!("refs/tags/{}", r.tag),
        expect: None,
        force: false,
    }));
    let tags: Vec<&str> = missing.iter().map(|r| r.tag.as_str()).collect();
    plan.summary = format!("push {}, which {} does not have yet", tags.join(", "), config.remote);
    plan.then(Effect::Push(Push { remote: config.remote.clone(), updates }));
    Ok(())
}
