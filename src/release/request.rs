//! A release that is prepared in a request, in the manner of release-please: a branch of its own holds the release commit and
//! follows the main branch; once it is merged, the next run tags what was merged and publishes it.

use semver::Version;

use super::push::branch_update;
use super::{Place, Wanted, message, notes_of_changelog, require, tag};
use crate::data::CommitId;
use crate::effect::{Commit, Effect, Make, Push, RefUpdate, Rev};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::publish::{RequestPlan, plan_requests};
use crate::rules::branching::name;
use crate::rules::changelog::headings;
use crate::rules::text::{Newlines, inert};
use crate::rules::version::Request;
use crate::survey::changelog::Writer;
use crate::survey::files::written_version;
use crate::survey::{Ask, Candidate, candidates};

/// The branch of the request, as the remote has it.
pub(super) struct Prepared {
    /// Its last commit.
    pub(super) commit: CommitId,
}

/// A release whose request was merged.
pub(super) struct Merged {
    /// The commit of the main branch that brought it.
    commit: CommitId,
    /// The packages with their versions.
    versions: Vec<(Candidate, Version)>,
}

pub(super) fn branch_name(facts: &Facts<'_>, place: &Place) -> String {
    name(&facts.config.requests.branch, &[("base", place.branch.as_deref().unwrap_or_default())])
}

/// What an earlier run prepared. Refused where people have added commits to it: they would be lost.
pub(super) fn prepared(facts: &Facts<'_>, place: &Place) -> Result<Option<Prepared>> {
    let branch = branch_name(facts, place);
    let Some(refs) = facts.remote_refs()? else { return Ok(None) };
    let Some(commit) = refs.get(&format!("refs/heads/{branch}")).copied() else { return Ok(None) };
    if facts.repo().resolve(&commit.to_string()).is_err() {
        facts.fetch_branch(&branch)?;
    }
    let own = facts.repo().history(&[commit], &[place.target])?;
    if own.len() > 1 {
        return Err(Error::no(format!("branch {branch} has {} commits, and only the first is release-steps'", own.len()))
            .at(commit.short())
            .hint("the branch is replaced with each run: merge its request, or delete the branch, and make the changes on another one"));
    }
    Ok(Some(Prepared { commit }))
}

/// Plans the branch with the release commit and its request, as far as they are not there.
pub(super) fn prepare(
    facts: &Facts<'_>,
    wanted: &Wanted,
    place: &Place,
    notes: &[String],
    commit: Commit,
    prepared: Option<Prepared>,
    plan: &mut Plan,
) -> Result<()> {
    let base = place.branch.clone().unwrap_or_default();
    let branch = branch_name(facts, place);
    let Make::Files(files) = &commit.make else { return Ok(()) };
    if files.is_empty() {
        return Err(Error::usage(
            "a release request needs something to commit: a version file or a changelog",
        )
        .at("requests.from")
        .hint("name a file with `version.files`, or release without a request"));
    }
    let Some(refs) = facts.remote_refs()? else {
        return Err(Error::usage(format!(
            "there is no remote `{}`, where a request could be opened",
            facts.config.release.remote
        ))
        .at("release.remote"));
    };
    if branch_update(facts, refs, &base, &Rev::Commit(place.target), place.target)?.is_some() {
        return Err(Error::no(format!(
            "{base} has commits that {} does not have",
            facts.config.release.remote
        ))
        .hint(format!("`git push {} {base}` first: the request stands on it", facts.config.release.remote)));
    }
    plan.output("request_branch", branch.as_str());
    let title = commit.message.lines().next().unwrap_or_default().to_owned();
    let mut list = String::new();
    for file in files {
        let plain = |text: &str| inert(text, Newlines::Flatten).replace('`', "'");
        list.push_str(&format!("- `{}`: {}\n", plain(&file.path), plain(&file.why)));
    }
    let notes: Vec<&str> = notes.iter().map(|notes| notes.trim()).collect();
    let body = format!(
        "{}\n\n---\n\nChanged:\n\n{list}\nOnce this is merged, the next run of `release` on {base} tags it and publishes it. \
         Until then each run brings this request up to date.\n",
        notes.join("\n\n"),
    );
    let there = match &prepared {
        Some(prepared) => is_same(facts, &commit, prepared.commit)?,
        None => false,
    };
    if !there {
        let made = Rev::Made(commit.name.clone());
        let by_forge = commit.by.is_some();
        plan.then(Effect::Commit(Commit { branch: None, aside: true, ..commit }));
        if !by_forge {
            plan.then(Effect::Push(Push {
                remote: facts.config.release.remote.clone(),
                updates: vec![RefUpdate {
                    from: made,
                    to: format!("refs/heads/{branch}"),
                    expect: prepared.map(|prepared| prepared.commit),
                    force: true,
                }],
            }));
        }
    }
    let before = plan.waves.len();
    let request = RequestPlan { head: branch.clone(), base, title: title.clone(), body, there };
    plan_requests(facts, vec![request], wanted.request, plan)?;
    if facts.forge()?.is_none() {
        plan.findings.push(Finding::new(
            Answer::Note,
            "request",
            format!("no forge is known: the request from {branch} is yours to open"),
        ));
    }
    plan.summary = match (there, plan.waves.len() > before) {
        (true, false) => format!("the request for \"{title}\" is up to date"),
        _ => format!("request \"{title}\" from {branch}"),
    };
    Ok(())
}

/// Whether a commit is the planned one but for its time and who made it.
pub(super) fn is_same(facts: &Facts<'_>, commit: &Commit, there: CommitId) -> Result<bool> {
    let repo = facts.repo();
    let Rev::Commit(parent) = &commit.parent else { return Ok(false) };
    let history = repo.history(&[there], &[*parent])?;
    let Some(only) = history.get(0).filter(|_| history.len() == 1) else { return Ok(false) };
    if only.parents().ne([*parent]) || only.message().trim_end() != commit.message.trim_end() {
        return Ok(false);
    }
    let Make::Files(files) = &commit.make else { return Ok(false) };
    for file in files {
        if facts.read_at(there, &file.path)?.as_ref() != Some(&file.after) {
            return Ok(false);
        }
    }
    let mut changed = repo.changed_paths(there)?;
    changed.retain(|path| files.iter().all(|file| file.path != *path));
    Ok(changed.is_empty())
}

/// Finds the release that a merged request brought and that has no tag yet: the changelog, or else the version file, says a
/// version above the last release, and a commit since is the release commit, by its title or its branch.
pub(super) fn merged(
    facts: &Facts<'_>,
    place: &Place,
    found: &[Candidate],
    plan: &mut Plan,
) -> Result<Option<Merged>> {
    let mut versions: Vec<(Candidate, Version)> = Vec::new();
    for candidate in found {
        let said = match &candidate.package.changelog {
            Some(file) => facts.read_at(place.target, file)?.and_then(|text| {
                headings(&text).iter().filter_map(|heading| Version::parse(&heading.version).ok()).max()
            }),
            None => None,
        };
        let said = match said {
            Some(said) => Some(said),
            None => written_version(facts, &candidate.package)?,
        };
        let Some(said) = said else { continue };
        if candidate.line.all.iter().all(|release| release.version < said) {
            let candidate = Candidate { next: Some(said.clone()), ..candidate.clone() };
            versions.push((candidate, said));
        }
    }
    let Some((first, _)) = versions.first() else { return Ok(None) };
    let refs: Vec<&Candidate> = versions.iter().map(|(candidate, _)| candidate).collect();
    let title = message(facts, &refs)?.lines().next().unwrap_or_default().to_owned();
    let branch = branch_name(facts, place);
    let hide: Vec<CommitId> = first.line.latest.iter().map(|release| release.commit).collect();
    let repo = facts.repo();
    let history = repo.history(&[place.target], &hide)?;
    // A squash adds the request's number to the title; a merge names the title or the branch.
    let is_release = |message: &str| {
        let first = message.lines().next().unwrap_or_default();
        first == title || first.strip_prefix(&title).is_some_and(|rest| rest.starts_with(" ("))
    };
    let names_branch = |message: &str| {
        let first = message.lines().next().unwrap_or_default();
        // "Merge pull request #1 from owner/branch", "Merge branch 'branch' into 'main'".
        first.ends_with(&format!("/{branch}")) || first.contains(&format!("'{branch}'"))
    };
    let found = history.iter().find(|c| is_release(&c.message()));
    let found = found.or_else(|| history.iter().find(|c| c.is_merge() && names_branch(&c.message())));
    let Some(release) = found.map(|commit| commit.id()) else {
        let said: Vec<String> = versions.iter().map(|(c, v)| c.package.named(v)).collect();
        plan.findings.push(
            Finding::new(
                Answer::Warning,
                "request",
                format!("the files say {}, which has no tag, and no commit since the last release is \"{title}\"", said.join(", ")),
            )
            .hint("a merged release request is known by the title of its commit; make the release with `release --commit` otherwise"),
        );
        return Ok(None);
    };
    // What the main branch got it by: the first of its own commits that has it.
    let parents = |id: CommitId| history.iter().find(|c| c.id() == id).and_then(|c| c.parents().next());
    let mut commit = place.target;
    while let Some(parent) = parents(commit) {
        if commit == release || !repo.is_ancestor(release, parent)? {
            break;
        }
        commit = parent;
    }
    Ok(Some(Merged { commit, versions }))
}

/// Plans the tags and the publication of a release that was merged.
pub(super) fn make(
    facts: &Facts<'_>,
    wanted: &Wanted,
    place: &Place,
    merged: Merged,
    mut plan: Plan,
) -> Result<Plan> {
    let writer = Writer::new(facts)?;
    let (mut released, mut notes) = (Vec::new(), Vec::new());
    for (candidate, version) in merged.versions {
        let package = candidate.package.clone();
        let ask = Ask {
            channel: None,
            package: Some(package.name.clone()),
            request: Some(Request::Exact(version.clone())),
        };
        let at =
            candidates(facts, vec![package], merged.commit, &ask)?.into_iter().find(|c| c.next.is_some());
        let Some(candidate) = at else { continue };
        let said = notes_of_changelog(facts, &candidate, &version, merged.commit)?;
        notes.push(match said {
            Some(notes) => notes,
            None => {
                super::write_up(facts, &writer, &candidate, None, super::Began::Here, &mut plan.findings)?
            }
        });
        released.push(candidate);
    }
    let refs: Vec<&Candidate> = released.iter().collect();
    plan.output("released", true);
    super::describe(&refs, &notes, &mut plan);
    plan.output("commit", merged.commit.to_string());
    require(&Place { branch: None, target: merged.commit, detached: place.detached }, &refs, &mut plan);
    let rev = Rev::Commit(merged.commit);
    let (mut tags, mut updates) = (Vec::new(), Vec::new());
    for (candidate, notes) in released.iter().zip(&notes) {
        if let Some(tag) = tag(facts, candidate, notes, &rev)? {
            let to = format!("refs/tags/{}", tag.name);
            updates.push(RefUpdate { from: Rev::Tag(tag.name.clone()), to, expect: None, force: false });
            tags.push(Effect::Tag(tag));
        }
    }
    plan.wave(tags);
    if wanted.no_push || !facts.config.release.push || !facts.has_remote()? {
        return Ok(plan);
    }
    plan.then(Effect::Push(Push { remote: facts.config.release.remote.clone(), updates }));
    super::publish(facts, wanted, &refs, &notes, &mut plan)?;
    Ok(plan)
}
