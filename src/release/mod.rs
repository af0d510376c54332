//! The plan of a release, for `release` and for chains: version files and changelog in a commit, the tag, the push.

mod by_forge;
mod checks;
mod push;
mod request;

use jiff::Zoned;
use minijinja::context;
use semver::Version;
use serde_json::json;

use self::checks::{check_work_tree, mention_disagreement, refuse_taken, refuse_unfetched_tags};
use self::push::{push, push_what_is_missing};
use crate::config::Opens;
use crate::data::CommitId;
use crate::effect::{Before, Commit, Effect, FileEdit, Make, Rev, Tag};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan, Precondition};
use crate::publish::{Publication, by_forge, drop_published, opens, plan_releases};
use crate::rules::changelog::{PREAMBLE, headings, insert, text};
use crate::rules::packages::Because;
use crate::rules::version::Request;
use crate::survey::branches::releases_from;
use crate::survey::changelog::{Writer, dated};
use crate::survey::enrich::enrich;
use crate::survey::files::{Edits, Source, Versioned, set_versions};
use crate::survey::{Ask, Candidate, candidates, packages};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Which version of which package.
    pub ask: Ask,
    /// The commit to release, although its branch may have moved on.
    pub commit: Option<CommitId>,
    /// Whether to leave out the push.
    pub no_push: bool,
    /// Whether a published release's files and texts are replaced where they differ.
    pub replace: bool,
    /// Whether to prepare the release in a request, although the configuration does not say so.
    pub request: bool,
}

/// The name under which later effects mean the release commit.
const RELEASE_COMMIT: &str = "release commit";

/// Where the release takes place.
struct Place {
    /// The commit that is released, before version files and changelog.
    target: CommitId,
    /// The branch that moves to the release commit; none when only a tag is made.
    branch: Option<String>,
    /// Whether `HEAD` is detached at the target, as in CI.
    detached: bool,
}

/// Plans a release.
pub fn release(facts: &Facts<'_>, wanted: &Wanted) -> Result<Plan> {
    let mut plan = Plan::new("release", facts.now.timestamp());
    let place = place(facts, wanted)?;
    let found = candidates(facts, packages(facts)?, place.target, &wanted.ask);
    let found = match (found, &wanted.ask.request) {
        (Err(e), Some(Request::Exact(version))) => {
            match made_already(facts, wanted, version, place.target)? {
                // The version that was asked for is this very commit: nothing is left to make, perhaps something to push.
                true => candidates(
                    facts,
                    packages(facts)?,
                    place.target,
                    &Ask { request: None, ..wanted.ask.clone() },
                )?
                .into_iter()
                .map(|c| Candidate { next: None, ..c })
                .collect(),
                false => return Err(e),
            }
        }
        (found, _) => found?,
    };
    let mut found = found;
    if matches!(&wanted.ask.request, Some(request) if !matches!(request, Request::Exact(_))) {
        // A level is counted from the last release; asked for again on the very commit of that release, it is done.
        let here = |c: &Candidate| c.line.latest.as_ref().is_some_and(|r| r.commit == place.target);
        found.iter_mut().filter(|c| here(c)).for_each(|c| c.next = None);
    }
    let by_request = place.branch.is_some() && opens(facts, Opens::Release, wanted.request);
    if by_request && let Some(merged) = request::merged(facts, &place, &found, &mut plan)? {
        return request::make(facts, wanted, &place, merged, plan);
    }
    let released: Vec<&Candidate> = found.iter().filter(|c| c.next.is_some()).collect();
    plan.output("released", !released.is_empty() && !by_request);
    if released.is_empty() {
        let here = |c: &Candidate| {
            c.line.latest.as_ref().filter(|r| r.commit == place.target).map(|r| r.tag.clone())
        };
        plan.summary = match found.iter().map(here).collect::<Option<Vec<_>>>() {
            Some(tags) => format!("nothing to release: this commit is {}", tags.join(", ")),
            None => "nothing to release: no commit since the last release raises the version".to_owned(),
        };
        if let [only] = found.as_slice()
            && let Some(latest) = &only.line.latest
        {
            plan.output("previous", latest.version.to_string());
            plan.output("previous_tag", latest.tag.as_str());
        }
        push_what_is_missing(facts, wanted, &place, &found, &mut plan)?;
        publish_what_is_missing(facts, wanted, &place, &found, &mut plan)?;
        if let ([only], false) = (found.as_slice(), plan.is_empty())
            && let Some(latest) = only.line.latest.as_ref().filter(|r| r.commit == place.target)
        {
            // The release that an earlier run began: what comes after it in a chain is about this version.
            let before =
                only.line.all.iter().filter(|r| r.version < latest.version).max_by_key(|r| &r.version);
            plan.output("version", latest.version.to_string());
            plan.output("tag", latest.tag.as_str());
            plan.output("previous", before.map(|r| r.version.to_string()));
            plan.output("previous_tag", before.map(|r| r.tag.clone()));
        }
        return Ok(plan);
    }
    if let Some(commit) = made_beside(facts, &place, &released)? {
        return release(facts, &Wanted { commit: Some(commit), ..wanted.clone() });
    }
    refuse_taken(facts, &place, &released)?;
    refuse_unfetched_tags(facts, &released)?;

    let writer = Writer::new(facts)?;
    let source = Source::Commit(place.target);
    let mut edits = Edits::new(facts, source);
    let versions: Vec<Versioned<'_>> = released.iter().filter_map(|c| c.versioned()).collect();
    let mut notes = Vec::new();
    let with_commit = facts.config.release.commit;
    if with_commit {
        mention_disagreement(facts, &released, &mut plan.findings)?;
        if set_versions(&mut edits, &versions)? == 0 {
            plan.findings.push(Finding::new(
                Answer::Note,
                "version-files",
                "no file carries the version: it stands in the tag and the changelog alone",
            ));
        }
    }
    let prepared = match by_request {
        true => request::prepared(facts, &place)?,
        false => None,
    };
    let began = prepared.as_ref().map_or(Began::Here, |prepared| Began::At(prepared.commit));
    for candidate in &released {
        notes.push(write_up(
            facts,
            &writer,
            candidate,
            with_commit.then_some(&mut edits),
            began,
            &mut plan.findings,
        )?);
    }
    plan.findings.append(&mut edits.findings);
    let files = edits.into_files();
    if by_request {
        describe(&released, &notes, &mut plan);
        let mut commit = commit(facts, &place, &released, files)?;
        let before = prepared.as_ref().map_or(Before::Absent, |prepared| Before::At(prepared.commit));
        if let Some(by) = by_forge(facts, &request::branch_name(facts, &place), before, &mut plan)? {
            commit = commit.made_by(by);
        }
        request::prepare(facts, wanted, &place, &notes, commit, prepared, &mut plan)?;
        return Ok(plan);
    }
    check_work_tree(facts, &place, &files, &mut plan.findings)?;

    describe(&released, &notes, &mut plan);
    require(&place, &released, &mut plan);
    let rev = match files.is_empty() {
        true => Rev::Commit(place.target),
        false => {
            let commit = commit(facts, &place, &released, files)?;
            let commit = by_forge::on_branch(facts, wanted, &place, commit, &mut plan)?;
            plan.then(Effect::Commit(commit));
            Rev::Made(RELEASE_COMMIT.to_owned())
        }
    };
    // A package whose own commits raise it is tagged after those that follow it: after a kill between two tags, the
    // remaining ones come out the same again.
    let (mut following, mut leading) = (Vec::new(), Vec::new());
    for (candidate, notes) in released.iter().zip(&notes) {
        let tags = if candidate.because == Because::Commits { &mut leading } else { &mut following };
        tags.extend(tag(facts, candidate, notes, &rev)?.map(Effect::Tag));
    }
    for tags in [following, leading] {
        if !tags.is_empty() {
            plan.wave(tags);
        }
    }
    push(facts, wanted, &place, &found, &rev, &mut plan)?;
    if plan.leaves_machine() {
        publish(facts, wanted, &released, &notes, &mut plan)?;
    }
    Ok(plan)
}

/// What the forge is told of a version.
fn publication(candidate: &Candidate, version: &Version, notes: &str) -> Option<Publication> {
    let prerelease = !version.pre.is_empty();
    // The fix of an old line is not the latest; of several packages, none is.
    let latest = candidate.line.all.iter().all(|r| !r.version.pre.is_empty() || r.version <= *version);
    Some(Publication {
        tag: candidate.package.tags.format(version),
        notes: notes.trim().to_owned(),
        prerelease,
        latest: (!candidate.package.one_of_many).then_some(latest && !prerelease),
        changelog: candidate.package.changelog.clone().filter(|_| !prerelease),
    })
}

/// A release that was tagged here, and that the forge does not have, or not with all of its files: an earlier run did not
/// come to its end, or the files were built since.
fn publish_what_is_missing(
    facts: &Facts<'_>,
    wanted: &Wanted,
    place: &Place,
    found: &[Candidate],
    plan: &mut Plan,
) -> Result<()> {
    if wanted.no_push || !facts.config.release.push || facts.remote_refs()?.is_none() {
        return Ok(());
    }
    let mut releases = Vec::new();
    for candidate in found {
        let Some(latest) = candidate.line.latest.as_ref().filter(|r| r.commit == place.target) else {
            continue;
        };
        let notes = notes_of_changelog(facts, candidate, &latest.version, latest.commit)?.unwrap_or_default();
        releases.extend(publication(candidate, &latest.version, &notes));
    }
    let planned = plan.waves.len();
    plan_releases(facts, &releases, wanted.replace, plan)?;
    drop_published(facts, plan)?;
    let first = plan.effects().next().map(|(_, effect)| effect.to_string());
    if planned == 0
        && let Some(summary) = first
    {
        plan.summary = summary;
    }
    Ok(())
}

/// Plans what the forge gets of the releases, each with its notes.
fn publish(
    facts: &Facts<'_>,
    wanted: &Wanted,
    released: &[&Candidate],
    notes: &[String],
    plan: &mut Plan,
) -> Result<()> {
    let releases: Vec<Publication> =
        released.iter().zip(notes).filter_map(|(c, notes)| publication(c, c.next.as_ref()?, notes)).collect();
    plan_releases(facts, &releases, wanted.replace, plan)
}

/// What a commit's changelog says of a version, without the heading: the release's title is one.
fn notes_of_changelog(
    facts: &Facts<'_>,
    candidate: &Candidate,
    version: &Version,
    commit: CommitId,
) -> Result<Option<String>> {
    let Some(file) = &candidate.package.changelog else { return Ok(None) };
    let Some(changelog) = facts.read_at(commit, file)? else { return Ok(None) };
    let version = version.to_string();
    let section = headings(&changelog).into_iter().find(|h| h.version == version);
    let notes = section.map(|h| &changelog[h.section]).and_then(|text| text.split_once('\n'));
    Ok(notes.map(|(_, notes)| notes.to_owned()))
}

/// Finds the commit and the branch, and refuses where no release is to be made.
fn place(facts: &Facts<'_>, wanted: &Wanted) -> Result<Place> {
    let head = facts.head()?;
    let detached = facts.detached()?;
    let branch = facts.branch()?;
    if let Some(target) = wanted.commit {
        return Ok(Place { target, branch: None, detached });
    }
    let Some(branch) = branch else {
        return Err(Error::usage("HEAD is detached, and no branch is known for the release commit")
            .at(head.short())
            .hint("`git switch main`, or release just this commit with `release --commit HEAD`"));
    };
    if !releases_from(facts, &branch)? {
        return Err(Error::no(format!("no release is made from branch {branch}"))
            .hint("switch to a branch of releases, or name it under `release.branches`"));
    }
    Ok(Place { target: head, branch: Some(branch), detached })
}

fn made_already(facts: &Facts<'_>, wanted: &Wanted, version: &Version, target: CommitId) -> Result<bool> {
    let tags = facts.tags()?;
    Ok(packages(facts)?
        .iter()
        .filter(|p| wanted.ask.package.as_ref().is_none_or(|name| *name == p.name))
        .any(|p| tags.iter().any(|t| t.commit == target && p.tags.parse(&t.name).as_ref() == Some(version))))
}

/// The release commit of a commit that was released by itself before: it is on no branch, only its tag names it.
fn made_beside(facts: &Facts<'_>, place: &Place, released: &[&Candidate]) -> Result<Option<CommitId>> {
    if place.branch.is_some() {
        return Ok(None);
    }
    let message = message(facts, released)?;
    for tag in released.iter().filter_map(|c| c.tag()) {
        let Some(made) = facts.tags()?.iter().find(|t| t.name == tag).map(|t| t.commit) else { continue };
        let history = facts.repo().history(&[made], &[place.target])?;
        if let Some(only) = history.get(0)
            && history.len() == 1
            && only.message() == message
            && facts.repo().is_ancestor(place.target, made)?
        {
            return Ok(Some(made));
        }
    }
    Ok(None)
}

/// Where an earlier run may have begun the same release.
#[derive(Debug, Clone, Copy)]
enum Began {
    /// In the work tree.
    Here,
    /// In a commit that it pushed.
    At(CommitId),
}

/// Renders a release's notes, and puts its section into the changelog.
fn write_up(
    facts: &Facts<'_>,
    writer: &Writer,
    candidate: &Candidate,
    edits: Option<&mut Edits<'_, '_>>,
    began: Began,
    findings: &mut Vec<Finding>,
) -> Result<String> {
    let (Some(next), Some(tag)) = (&candidate.next, candidate.tag()) else { return Ok(String::new()) };
    let stable = next.pre.is_empty();
    // A pre-release tells what is new since the one before it; the stable one tells everything.
    let (texts, previous) = match stable {
        true => (candidate.line.since_stable.clone(), candidate.line.stable.as_ref()),
        false => (candidate.line.since_latest_texts(), candidate.line.latest.as_ref()),
    };
    let mut release = writer.release(&candidate.package, &texts, previous, Some((&tag, next)));
    enrich(facts, &mut release, &texts, previous, findings)?;
    if let Because::Dependency(on) = &candidate.because {
        release.depends(on);
    }
    release.date = dated(&facts.now);
    if let (Some(edits), Some(path), true) = (edits, &candidate.package.changelog, stable) {
        let existing = edits.read(path)?;
        let has = |text: &str| headings(text).into_iter().find(|h| h.version == next.to_string());
        // A run that was killed, or one that prepared the release in a request, has written its section already: its date is
        // the release's date.
        let begun = match began {
            Began::Here => facts.read(path)?,
            Began::At(commit) => facts.read_at(commit, path)?,
        };
        if let Some(date) = begun.as_deref().and_then(has).and_then(|h| h.date) {
            release.date = date;
        }
        if existing.as_deref().and_then(has).is_none() {
            let section = writer.changelog(release.clone())?;
            let after = insert(existing.as_deref().unwrap_or(PREAMBLE), &section);
            edits.put(path, after, format!("section {next}"))?;
        }
    }
    writer.notes(release)
}

/// The summary and the outputs.
fn describe(released: &[&Candidate], notes: &[String], plan: &mut Plan) {
    let named = |c: &&Candidate| c.next.as_ref().map(|v| c.package.named(v));
    plan.summary = format!("release {}", released.iter().filter_map(named).collect::<Vec<_>>().join(", "));
    let all: Vec<serde_json::Value> = released
        .iter()
        .zip(notes)
        .map(|(c, notes)| {
            let mut described = c.described();
            described["notes"] = json!(notes);
            described
        })
        .collect();
    if let ([one], [_]) = (all.as_slice(), released) {
        plan.outputs.extend(one.as_object().cloned().unwrap_or_default());
    }
    if released.iter().any(|c| c.package.one_of_many) {
        plan.output("packages", all);
    }
}

fn require(place: &Place, released: &[&Candidate], plan: &mut Plan) {
    plan.requires.extend(match (&place.branch, place.detached) {
        (Some(branch), false) => {
            Some(Precondition::BranchAt { branch: branch.clone(), commit: place.target })
        }
        (Some(_), true) => Some(Precondition::HeadAt { commit: place.target }),
        (None, _) => None,
    });
    plan.requires.extend(released.iter().filter_map(|c| Some(Precondition::TagFree { tag: c.tag()? })));
}

/// The message of the release commit.
fn message(facts: &Facts<'_>, released: &[&Candidate]) -> Result<String> {
    let names: Vec<String> =
        released.iter().filter_map(|c| Some(c.package.named(c.next.as_ref()?))).collect();
    let version = match names.as_slice() {
        [.., _] if names.len() > 3 => format!("{} packages", names.len()),
        _ => names.join(", "),
    };
    let tags: Vec<String> = released.iter().filter_map(|c| c.tag()).collect();
    let values = context! { version => version, packages => names, tag => tags.first(), tags => tags };
    let message = text("release.message", &facts.config.release.message, values)?;
    if message.trim().is_empty() {
        return Err(Error::usage("the message of the release commit is empty").at("release.message"));
    }
    Ok(format!("{}\n", message.trim_end()))
}

fn commit(facts: &Facts<'_>, place: &Place, released: &[&Candidate], files: Vec<FileEdit>) -> Result<Commit> {
    Ok(Commit {
        name: RELEASE_COMMIT.to_owned(),
        parent: Rev::Commit(place.target),
        branch: place.branch.clone().filter(|_| !place.detached),
        make: Make::Files(files),
        message: message(facts, released)?,
        committer: facts.identity()?,
        when: whole_seconds(&facts.now),
        sign: facts.signs("commit.gpgsign")?,
        aside: false,
        by: None,
    })
}

/// git keeps no parts of seconds.
fn whole_seconds(when: &Zoned) -> Zoned {
    when.with().subsec_nanosecond(0).build().unwrap_or_else(|_| when.clone())
}

fn tag(facts: &Facts<'_>, candidate: &Candidate, notes: &str, rev: &Rev) -> Result<Option<Tag>> {
    let (Some(version), Some(name)) = (&candidate.next, candidate.tag()) else { return Ok(None) };
    let values = context! {
        version => version.to_string(), tag => &name, package => &candidate.package.name, notes => notes,
    };
    let message = text("release.tag_message", &facts.config.release.tag_message, values)?;
    let message = if message.trim().is_empty() { name.clone() } else { message };
    Ok(Some(Tag {
        name,
        target: rev.clone(),
        message: format!("{}\n", message.trim()),
        tagger: facts.identity()?,
        when: whole_seconds(&facts.now),
        sign: facts.signs("tag.gpgsign")?,
    }))
}
