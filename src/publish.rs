//! What a release is at the forge: the release of each tag with its files, planned for `release` and for chains.

use std::collections::BTreeMap;

use crate::config::{CommitsBy, Opens};
use crate::data::CommitId;
use crate::effect::{AssetContent, AssetFile, Before, ByForge, Effect, ForgeRelease, ForgeRequest};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::rules::artifacts::{self, SUMS};
use crate::rules::notes::fit;
use crate::rules::text::{Newlines, inert};
use crate::world::forge::act::observe_request;
use crate::world::forge::release::observe;
use crate::world::forge::{Kind, Place, Repository, longest_notes};
use crate::world::{State, files};

/// One release to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The tag.
    pub tag: String,
    /// The notes, in Markdown.
    pub notes: String,
    /// Whether it is a pre-release.
    pub prerelease: bool,
    /// Whether it is the latest; none leaves that to the forge.
    pub latest: Option<bool>,
    /// The changelog's file, which holds what does not fit into the notes.
    pub changelog: Option<String>,
}

/// More files than any release has; a glob that takes more means something else.
const MOST_ASSETS: usize = 1000;

/// Where releases and requests are made: none where no forge is known or there is no token and none is asked for.
///
/// Whatever can be known to be in the way is found here: a repository that was renamed, archived or is a fork.
fn place(facts: &Facts<'_>, asked: bool, plan: &mut Plan) -> Result<Option<Place>> {
    let Some(found) = facts.forge()? else {
        return match asked {
            true => Err(Error::usage("no forge is known")
                .at("release.forge")
                .hint("name it in the configuration: `forge: { kind: gitlab, url: https://…, repository: group/name }`")),
            false => Ok(None),
        };
    };
    if found.token.is_none() && !asked {
        let mut note = Finding::new(
            Answer::Note,
            "forge",
            format!("no release at {}: there is no token for it", found.place),
        );
        note.hint = found.unused.first().cloned();
        plan.findings.push(note);
        return Ok(None);
    }
    let place = found.place.clone();
    let view = facts.forge_view(&place)?;
    facts.working(&format!("asking {place}"));
    let repository = view.repository()?;
    judge(&repository, &place, plan)?;
    Ok(Some(place))
}

fn judge(repository: &Repository, place: &Place, plan: &mut Plan) -> Result<()> {
    if repository.archived {
        return Err(Error::no(format!("{place} is archived: nothing can be released there")));
    }
    let mut warn = |message: String, hint: String| {
        plan.findings.push(Finding::new(Answer::Warning, "forge", message).hint(hint));
    };
    if !repository.name.eq_ignore_ascii_case(&place.repository) {
        let message = format!("{place} is now {}", repository.name);
        let hint = format!("set the remote's address, or `forge.repository: {}`", repository.name);
        // GitHub sends changes on to the new name as well (<https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects>);
        // GitLab only questions (<https://docs.gitlab.com/api/rest/#redirects>).
        if place.kind == Kind::GitLab {
            return Err(
                Error::usage(format!("{message}, and GitLab takes changes under that name alone")).hint(hint)
            );
        }
        warn(message, hint);
    }
    if let Some(parent) = &repository.fork_of {
        warn(
            format!("{place} is a fork of {parent}: the release is made in the fork"),
            format!("set `forge.repository: {parent}` to release there"),
        );
    }
    if repository.can_write == Some(false) {
        warn(
            format!("the token may perhaps not write to {place}"),
            "give it the permission `contents: write`, at GitLab the role Developer".to_owned(),
        );
    }
    Ok(())
}

/// How the forge makes a commit on a branch, where it does instead of git.
pub fn by_forge(facts: &Facts<'_>, branch: &str, before: Before, plan: &mut Plan) -> Result<Option<ByForge>> {
    if facts.config.forge.commits == CommitsBy::Git {
        return Ok(None);
    }
    let no = |why: &str| {
        Error::usage(why.to_owned()).at("forge.commits").hint("`forge: {commits: git}` makes commits here")
    };
    if !facts.config.release.push || !facts.has_remote()? {
        return Err(no("what the forge commits is at the remote at once: it cannot go without a push"));
    }
    let Some(place) = place(facts, true, plan)? else { return Err(no("no forge is known")) };
    let remote = facts.config.release.remote.clone();
    Ok(Some(ByForge { place, remote, branch: branch.to_owned(), before }))
}

/// Adds the releases at the forge to a plan, after the push that brings their tags there.
pub fn plan_releases(
    facts: &Facts<'_>,
    releases: &[Publication],
    replace: bool,
    plan: &mut Plan,
) -> Result<()> {
    let config = &facts.config.release;
    if config.forge == Some(false) || releases.is_empty() {
        return Ok(());
    }
    let Some(place) = place(facts, config.forge == Some(true), plan)? else {
        if !config.assets.is_empty() {
            plan.findings.push(Finding::new(
                Answer::Warning,
                "assets",
                "`release.assets` go nowhere: no forge is used",
            ));
        }
        return Ok(());
    };
    let assets = assets(facts, &config.assets)?;
    if place.kind == Kind::GitLab && releases.iter().any(|r| r.prerelease) {
        plan.findings.push(Finding::new(
            Answer::Note,
            "forge",
            "GitLab has no mark for pre-releases: the version says it",
        ));
    }
    let mut effects = Vec::new();
    for release in releases {
        let notes = fit(&release.notes, longest_notes(place.kind), &rest(&place, release));
        if notes.len() != release.notes.len() {
            plan.findings.push(Finding::new(
                Answer::Warning,
                "notes",
                format!("the notes of {} are longer than {place} takes, and are cut", release.tag),
            ));
        }
        // Files that several packages share belong to none of them.
        let assets = if releases.len() == 1 { assets.clone() } else { Vec::new() };
        effects.push(Effect::ForgeRelease(ForgeRelease {
            place: place.clone(),
            tag: release.tag.clone(),
            name: release.tag.clone(),
            notes,
            prerelease: release.prerelease,
            latest: release.latest,
            record: !assets.is_empty() && assets.iter().all(|file| file.name != artifacts::FILE),
            assets,
            replace,
        }));
    }
    if releases.len() > 1 && !assets.is_empty() {
        plan.findings.push(
            Finding::new(
                Answer::Warning,
                "assets",
                "several packages are released: `release.assets` go to none",
            )
            .hint("release them one by one with `--package`"),
        );
    }
    plan.wave(effects);
    Ok(())
}

/// Takes away the releases that the forge has already as they are planned.
pub fn drop_published(facts: &Facts<'_>, plan: &mut Plan) -> Result<()> {
    for wave in &mut plan.waves {
        let mut kept = Vec::new();
        for effect in wave.effects.drain(..) {
            let done = match &effect {
                Effect::ForgeRelease(want) => {
                    let commit = facts.tags()?.iter().find(|tag| tag.name == want.tag).map(|tag| tag.commit);
                    let seen = observe(facts.forge_view(&want.place)?.as_ref(), want, commit, None)?;
                    matches!(seen.0, State::Done(_))
                }
                _ => false,
            };
            if !done {
                kept.push(effect);
            }
        }
        wave.effects = kept;
    }
    plan.waves.retain(|wave| !wave.effects.is_empty());
    Ok(())
}

/// Whether a command opens requests: by the configuration, or because it was asked for.
pub fn opens(facts: &Facts<'_>, command: Opens, asked: bool) -> bool {
    asked || facts.config.requests.from.contains(&command)
}

/// Adds requests at the forge to a plan, after what brings their branches there: none where no forge is known or there is
/// no token, unless they are asked for by name.
pub fn plan_requests(
    facts: &Facts<'_>,
    wanted: Vec<RequestPlan>,
    asked: bool,
    plan: &mut Plan,
) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let Some(place) = place(facts, asked, plan)? else { return Ok(()) };
    let config = &facts.config.requests;
    let mut effects = Vec::new();
    for text in wanted {
        let request = ForgeRequest {
            place: place.clone(),
            body: fit(&text.body, LONGEST_BODY, &format!("{}/{}", place.web, place.repository)),
            head: text.head,
            base: text.base,
            title: text.title,
            labels: config.labels.clone(),
            reviewers: config.reviewers.clone(),
            draft: config.draft,
        };
        let state = match text.there {
            true => observe_request(facts.forge_view(&place)?.as_ref(), &request)?,
            false => State::Ready,
        };
        match state {
            State::Done(_) => plan.findings.push(Finding::new(
                Answer::Note,
                "request",
                format!("the request {} → {} is as it should be", request.head, request.base),
            )),
            State::Conflict(error) => return Err(error),
            State::Ready => effects.push(Effect::ForgeRequest(request)),
        }
    }
    if !effects.is_empty() {
        plan.wave(effects);
    }
    Ok(())
}

/// GitHub takes 65,536 characters, by its answer "body is too long (maximum is 65536 characters)".
const LONGEST_BODY: usize = 65_000;

/// What a request is to be. Labels, reviewers and whether it is a draft are the configuration's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestPlan {
    /// The branch that is to be merged; it is at the remote, or an earlier wave pushes it.
    pub head: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// The title.
    pub title: String,
    /// The text, in Markdown.
    pub body: String,
    /// Whether the branch is at the remote already as it is wanted.
    pub there: bool,
}

/// Lines for a request's text, each with a commit: the subjects in code, where nobody is mentioned and nothing is a link.
pub fn commit_list(commits: impl IntoIterator<Item = (CommitId, String)>) -> String {
    const MOST: usize = 100;
    let mut list = String::new();
    let mut left = 0;
    for (at, (id, message)) in commits.into_iter().enumerate() {
        if at >= MOST {
            left += 1;
            continue;
        }
        let subject = inert(message.lines().next().unwrap_or_default(), Newlines::Flatten).replace('`', "'");
        let subject = subject.trim();
        list.push_str(&match subject.is_empty() {
            true => format!("- {id}\n"),
            false => format!("- {id} `{subject}`\n"),
        });
    }
    if left > 0 {
        list.push_str(&format!("- and {left} more\n"));
    }
    list
}

/// Where the notes stand in full.
fn rest(place: &Place, release: &Publication) -> String {
    let below = if place.kind == Kind::GitLab { "/-" } else { "" };
    let what = match &release.changelog {
        Some(file) => format!("blob/{}/{}", encoded(&release.tag), encoded(file)),
        None => format!("commits/{}", encoded(&release.tag)),
    };
    format!("{}/{}{below}/{what}", place.web, place.repository)
}

fn encoded(text: &str) -> String {
    const PATH: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'/')
        .remove(b'@');
    percent_encoding::utf8_percent_encode(text, PATH).to_string()
}

/// The files that the globs take, with their digests, and [`SUMS`] over them.
fn assets(facts: &Facts<'_>, globs: &[String]) -> Result<Vec<AssetFile>> {
    let mut found: BTreeMap<String, AssetFile> = BTreeMap::new();
    for glob in globs {
        let paths = matching(facts, glob)?;
        if paths.is_empty() {
            return Err(Error::usage(format!("`{glob}` matches no file")).at("release.assets").hint(
                "build the files before the release is published, or run `release` again once they are there",
            ));
        }
        for path in paths {
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            check_name(&name, &path)?;
            if let Some(AssetFile { content: AssetContent::Path(other), .. }) = found.get(&name) {
                if *other == path {
                    continue;
                }
                return Err(Error::usage(format!("two files would be called {name}: {other} and {path}"))
                    .at("release.assets")
                    .hint("a release has no folders: give them different names"));
            }
            let full = files::locate(&facts.root, &path)?;
            let (size, sha256) = files::digest(&full)
                .map_err(|e| Error::outside(format!("cannot be read: {e}")).at(path.clone()))?;
            if size == 0 {
                return Err(Error::usage("is empty, which no forge takes as a release's file").at(path));
            }
            found.insert(name.clone(), AssetFile { name, size, sha256, content: AssetContent::Path(path) });
        }
    }
    if !found.is_empty() && !found.contains_key(SUMS) {
        let text: String = found.values().map(|file| format!("{}  {}\n", file.sha256, file.name)).collect();
        let sha256 = files::digest_of(text.as_bytes());
        let size = text.len() as u64;
        found.insert(
            SUMS.to_owned(),
            AssetFile { name: SUMS.to_owned(), size, sha256, content: AssetContent::Text(text) },
        );
    }
    Ok(found.into_values().collect())
}

/// GitHub writes names with other characters anew, and the file would not be found again
/// (<https://docs.github.com/rest/releases/assets#upload-a-release-asset>).
fn check_name(name: &str, path: &str) -> Result<()> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c));
    if plain && !name.starts_with('.') && !name.ends_with('.') {
        return Ok(());
    }
    Err(Error::usage("the name of a release's file holds letters, digits, `.`, `_`, `-`, `+`, and begins and ends with no dot")
        .at(path.to_owned())
        .hint("forges would write it anew, and it could not be told whether it is there"))
}

/// The files that a glob of `release.assets` takes.
fn matching(facts: &Facts<'_>, glob: &str) -> Result<Vec<String>> {
    let found = files::matching(&facts.root, glob).map_err(|e| e.at("release.assets"))?;
    if found.len() > MOST_ASSETS {
        let text = format!("`{glob}` takes {} files; a release has at most {MOST_ASSETS}", found.len());
        return Err(Error::usage(text).at("release.assets"));
    }
    Ok(found)
}
