//! What the forge knows of the changes of a release: the requests that brought them, and who contributes for the first time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::data::CommitId;
use crate::error::Result;
use crate::facts::Facts;
use crate::plan::{Answer, Finding};
use crate::rules::changelog::{Contributor, Origin, Release};
use crate::rules::text::{Newlines, counted, inert};
use crate::survey::{Released, Text};
use crate::world::forge::{self, Brought, Kind, Place, Request, RequestState};

/// Adds what the forge knows to a release, where `changelog.enrich` says so. A look-up that fails is a warning: the release
/// is listed without.
pub fn enrich(
    facts: &Facts<'_>,
    release: &mut Release,
    texts: &[Text],
    previous: Option<&Released>,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    if !facts.config.changelog.enrich || texts.is_empty() {
        return Ok(());
    }
    let first = newcomers(facts, texts, previous, findings)?;
    let listed: BTreeSet<CommitId> =
        release.sections.iter().flat_map(|section| &section.entries).map(|entry| entry.id).collect();
    let wanted: Vec<&Text> =
        texts.iter().filter(|t| listed.contains(&t.id) || (first.contains(&t.email) && !t.merge)).collect();
    let origins = match look_up(facts, &wanted, texts, previous, findings) {
        Ok(origins) => origins,
        Err(error) => {
            let message = format!("the requests of the changes could not be looked up: {}", error.message);
            let mut finding = Finding::new(Answer::Warning, "changelog", message);
            finding.at = error.at;
            finding.hint = error.hint;
            findings.push(finding);
            BTreeMap::new()
        }
    };
    release.enrich(&origins);
    release.contributors = contributors(texts, &origins, &first);
    Ok(())
}

/// The requests of some commits, the merged one of each.
fn look_up(
    facts: &Facts<'_>,
    wanted: &[&Text],
    texts: &[Text],
    previous: Option<&Released>,
    findings: &mut Vec<Finding>,
) -> Result<BTreeMap<CommitId, Arc<Origin>>> {
    let nothing =
        |why: String| crate::error::Error::usage(why).hint("`release-steps doctor` says what is missing");
    let Some(found) = facts.forge()? else { return Err(nothing("no forge is known".to_owned())) };
    if found.token.is_none() {
        return Err(nothing(format!("there is no token for {}", found.place)));
    }
    let place = found.place.clone();
    let merges = merges(facts, texts, previous)?;
    let asked: Vec<Brought> =
        wanted.iter().map(|t| Brought { commit: t.id, by: merges.get(&t.id).copied() }).collect();
    let since = match previous {
        Some(previous) => Timestamp::from_second(facts.repo().seconds(previous.commit)?).ok(),
        None => None,
    };
    let view = facts.forge_view(&place)?;
    facts.working(&format!("asking {place} for {}", counted(asked.len(), "request")));
    let folder = facts.cache_dir();
    let answered = forge::requests_of(view.as_ref(), &asked, since, &folder, Timestamp::now())?;
    let missing = asked.iter().filter(|of| !answered.contains_key(&of.commit)).count();
    if missing > 0 {
        findings.push(Finding::new(
            Answer::Warning,
            "changelog",
            format!(
                "the requests of {} were not looked up: {place} tells them one by one only",
                counted(missing, "commit")
            ),
        ));
    }
    let origin = |requests: &Vec<Request>| {
        let merged = requests.iter().find(|request| request.state == RequestState::Merged)?;
        Some(Arc::new(origin(&place, merged)))
    };
    Ok(answered.iter().filter_map(|(commit, requests)| Some((*commit, origin(requests)?))).collect())
}

/// A request as the changelog has it. Its texts are somebody's: made inert, and the address is made here.
fn origin(place: &Place, request: &Request) -> Origin {
    let (below, sigil) = match place.kind {
        Kind::GitHub => ("pull", '#'),
        Kind::GitLab => ("-/merge_requests", '!'),
    };
    Origin {
        number: request.number,
        mark: format!("{sigil}{}", request.number),
        url: format!("{}/{}/{below}/{}", place.web, place.repository, request.number),
        title: inert(&request.title, Newlines::Flatten).into_owned(),
        author: user_name(&request.author),
        labels: request.labels.iter().map(|label| inert(label, Newlines::Flatten).into_owned()).collect(),
        issues: request.closes.clone(),
    }
}

/// A user name: letters, digits and what forges allow between them.
fn user_name(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.[]".contains(*c)).collect()
}

/// The merge that brought each commit to the first-parent line, for those that are not on it.
fn merges(
    facts: &Facts<'_>,
    texts: &[Text],
    previous: Option<&Released>,
) -> Result<BTreeMap<CommitId, CommitId>> {
    let Some(newest) = texts.first() else { return Ok(BTreeMap::new()) };
    let hide: Vec<CommitId> = previous.iter().map(|release| release.commit).collect();
    let history = facts.repo().history(&[newest.id], &hide)?;
    let parents: BTreeMap<CommitId, Vec<CommitId>> =
        history.iter().map(|commit| (commit.id(), commit.parents().collect())).collect();
    let mut line = Vec::new();
    let mut at = Some(newest.id);
    while let Some(commit) = at {
        let Some(above) = parents.get(&commit) else { break };
        line.push(commit);
        at = above.first().copied();
    }
    let mut seen: BTreeSet<CommitId> = line.iter().copied().collect();
    let mut found = BTreeMap::new();
    // The oldest merge that has a commit is the one that brought it.
    for merge in line.iter().rev() {
        let mut open: Vec<CommitId> = parents.get(merge).into_iter().flatten().skip(1).copied().collect();
        while let Some(commit) = open.pop() {
            if let Some(above) = parents.get(&commit)
                && seen.insert(commit)
            {
                found.insert(commit, *merge);
                open.extend(above);
            }
        }
    }
    Ok(found)
}

/// The e-mail addresses of those of whom no release before has a commit. None before the first release.
fn newcomers(
    facts: &Facts<'_>,
    texts: &[Text],
    previous: Option<&Released>,
    findings: &mut Vec<Finding>,
) -> Result<BTreeSet<String>> {
    let Some(previous) = previous else { return Ok(BTreeSet::new()) };
    let mut fresh: BTreeSet<String> = texts.iter().filter(|t| !t.merge).map(|t| t.email.clone()).collect();
    let history = facts.repo().history(&[previous.commit], &[])?;
    for commit in history.iter() {
        fresh.remove(commit.author_email().as_ref());
        if fresh.is_empty() {
            break;
        }
    }
    if !fresh.is_empty() && !history.boundary().is_empty() {
        findings.push(
            Finding::new(
                Answer::Warning,
                "changelog",
                "who contributes for the first time cannot be told in a shallow clone",
            )
            .hint("fetch the history: `git fetch --unshallow`"),
        );
        return Ok(BTreeSet::new());
    }
    Ok(fresh)
}

/// Everybody with a commit, in the order of their first one; no bots.
fn contributors(
    texts: &[Text],
    origins: &BTreeMap<CommitId, Arc<Origin>>,
    first: &BTreeSet<String>,
) -> Vec<Arc<Contributor>> {
    let mut all: Vec<(String, Contributor)> = Vec::new();
    for text in texts.iter().rev().filter(|text| !text.merge) {
        let origin = origins.get(&text.id);
        if text.author.ends_with("[bot]") || origin.is_some_and(|origin| origin.author.ends_with("[bot]")) {
            continue;
        }
        let login = origin.map(|origin| origin.author.clone()).unwrap_or_default();
        let known = all
            .iter_mut()
            .find(|(email, one)| *email == text.email || (!login.is_empty() && one.login == login));
        match known {
            Some((_, one)) => {
                if one.login.is_empty() {
                    one.login = login;
                }
                one.first_time &= first.contains(&text.email);
                one.request = one.request.take().or_else(|| origin.cloned());
            }
            None => all.push((
                text.email.clone(),
                Contributor {
                    name: inert(&text.author, Newlines::Flatten).into_owned(),
                    login,
                    first_time: first.contains(&text.email),
                    request: origin.cloned(),
                },
            )),
        }
    }
    all.into_iter().map(|(_, one)| Arc::new(one)).collect()
}
