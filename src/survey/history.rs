//! The last release of a package, and the commits since.

use semver::Version;

use crate::data::CommitId;
use crate::error::{Error, Result};
use crate::facts::{Facts, too_shallow};
use crate::rules::commit::parse;
use crate::rules::revert::Commit;
use crate::rules::text::counted;
use crate::survey::Package;
use crate::world::git::Tag;

/// A release that was made: its tag and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// The tag.
    pub tag: String,
    /// Its version.
    pub version: Version,
    /// The tagged commit.
    pub commit: CommitId,
}

/// A commit of a range, as it is read from history.
#[derive(Debug, Clone)]
pub struct Text {
    /// Its id.
    pub id: CommitId,
    /// The author's name.
    pub author: String,
    /// The author's e-mail address.
    pub email: String,
    /// The message.
    pub message: String,
    /// Whether it has several parents.
    pub merge: bool,
}

/// Parses commits; they borrow the texts.
pub fn commits(texts: &[Text]) -> Vec<Commit<'_>> {
    texts.iter().map(|text| Commit { id: text.id, message: parse(&text.message) }).collect()
}

/// The releases of one package on the way to a commit.
#[derive(Debug, Clone)]
pub struct Line {
    /// The last stable release that the commit contains.
    pub stable: Option<Released>,
    /// The last release of any kind that the commit contains.
    pub latest: Option<Released>,
    /// All releases of the package, wherever they are, the highest first.
    pub all: Vec<Released>,
    /// The commits since the last stable release that are about the package, newest first.
    pub since_stable: Vec<Text>,
    /// Those of them that the last release of any kind does not contain.
    pub since_latest: Vec<CommitId>,
}

/// How far a shallow clone is deepened, step by step, before it is refused.
const DEEPEN: [u32; 5] = [50, 150, 500, 1500, 5000];

impl Line {
    /// Reads the line of a package that leads to `head`. A shallow clone is deepened as far as it takes, and refused
    /// when that does not help: a version is never guessed.
    pub fn read(facts: &Facts<'_>, package: &Package, head: CommitId) -> Result<Line> {
        let is_release = |tag: &str| package.tags.parse(tag).is_some();
        let mut steps = DEEPEN.iter();
        loop {
            let (line, boundary) = read_once(facts, package, head)?;
            if boundary.is_empty() {
                if line.all.is_empty() {
                    refuse_missing_tags(facts, &is_release)?;
                }
                return Ok(line);
            }
            let Some(by) = steps.next() else {
                return Err(too_shallow("it was deepened by 7,200 commits and no release was found"));
            };
            if !facts.deepen(*by, is_release)? {
                return Err(too_shallow("the remote has no more of it"));
            }
        }
    }
}

/// Tags that a clone did not bring would make the next version wrong.
fn refuse_missing_tags(facts: &Facts<'_>, is_release: &dyn Fn(&str) -> bool) -> Result<()> {
    let Some(refs) = facts.remote_refs()? else {
        return Ok(());
    };
    let missing: Vec<&str> = refs
        .keys()
        .filter_map(|name| name.strip_prefix("refs/tags/"))
        .filter(|tag| is_release(tag))
        .collect();
    match missing.last() {
        None => Ok(()),
        Some(one) => Err(Error::usage(format!(
            "this clone lacks the tags of its remote: {}, such as {one}",
            counted(missing.len(), "release tag")
        ))
        .hint("fetch them: `git fetch --tags`; in GitHub Actions `fetch-tags: true`, in GitLab CI `GIT_DEPTH: 0`")),
    }
}

fn read_once(facts: &Facts<'_>, package: &Package, head: CommitId) -> Result<(Line, Vec<CommitId>)> {
    let repo = facts.repo();
    let tags = facts.tags()?;
    let mut all: Vec<Released> = Vec::with_capacity(tags.len());
    all.extend(tags.iter().filter_map(|Tag { name, commit, .. }| {
        Some(Released { version: package.tags.parse(name)?, tag: name.clone(), commit: *commit })
    }));
    all.sort_unstable_by(|a, b| b.version.cmp(&a.version).then_with(|| a.tag.cmp(&b.tag)));

    let (stable, boundary) = last(facts, head, all.iter().filter(|r| r.version.pre.is_empty()))?;
    if !boundary.is_empty() {
        return Ok((Line::empty(all), boundary));
    }
    // A pre-release below the last stable release is history.
    let newer = |r: &&Released| stable.as_ref().is_none_or(|s| r.version > s.version);
    let (pre, boundary) = last(facts, head, all.iter().filter(|r| !r.version.pre.is_empty()).filter(newer))?;
    if !boundary.is_empty() {
        return Ok((Line::empty(all), boundary));
    }
    let latest = pre.or_else(|| stable.clone());

    let hide: Vec<CommitId> = stable.iter().map(|s| s.commit).collect();
    let history = repo.history(&[head], &hide)?;
    if stable.is_none() && !history.boundary().is_empty() {
        return Ok((Line::empty(all), history.boundary().to_vec()));
    }
    let since_stable = about(facts, package, &history)?;
    let since_latest = match &latest {
        Some(latest) if Some(latest) != stable.as_ref() => {
            let fresh = repo.history(&[head], &[latest.commit])?;
            fresh.iter().map(|c| c.id()).collect()
        }
        _ => since_stable.iter().map(|t| t.id).collect(),
    };
    Ok((Line { stable, latest, all, since_stable, since_latest }, Vec::new()))
}

impl Line {
    /// The commits that the last release of any kind does not contain.
    pub fn since_latest_texts(&self) -> Vec<Text> {
        self.since_stable.iter().filter(|t| self.since_latest.contains(&t.id)).cloned().collect()
    }

    /// Takes the highest release below `next` that `head` contains, a pre-release too, for the one that everything new is
    /// counted from.
    pub(super) fn restart(
        &mut self,
        facts: &Facts<'_>,
        package: &Package,
        head: CommitId,
        next: &Version,
    ) -> Result<()> {
        let core = |v: &Version| (v.major, v.minor, v.patch);
        let (before, _) = last(facts, head, self.all.iter().filter(|r| core(&r.version) < core(next)))?;
        if let Some(before) = before {
            self.since_stable = Line::between(facts, package, before.commit, head)?;
            self.stable = Some(before);
        }
        Ok(())
    }

    /// The commits about a package that `to` has and `from` has not, newest first.
    pub fn between(facts: &Facts<'_>, package: &Package, from: CommitId, to: CommitId) -> Result<Vec<Text>> {
        about(facts, package, &facts.repo().history(&[to], &[from])?)
    }

    fn empty(all: Vec<Released>) -> Self {
        Line { stable: None, latest: None, all, since_stable: Vec::new(), since_latest: Vec::new() }
    }
}

/// The highest of some releases, given the highest first, that `head` contains; or the shallow boundaries that hide it.
fn last<'r>(
    facts: &Facts<'_>,
    head: CommitId,
    releases: impl Iterator<Item = &'r Released>,
) -> Result<(Option<Released>, Vec<CommitId>)> {
    let releases: Vec<&Released> = releases.collect();
    if releases.is_empty() {
        return Ok((None, Vec::new()));
    }
    let marks: Vec<CommitId> = releases.iter().map(|r| r.commit).collect();
    let repo = facts.repo();
    let nearest = repo.since(head, &marks)?;
    if !nearest.boundary.is_empty() {
        return Ok((None, nearest.boundary));
    }
    // `releases` are sorted, so the first that is found is the highest.
    let found = releases.iter().position(|r| nearest.commits.contains(&r.commit));
    let above = &releases[..found.unwrap_or(releases.len())];
    // A higher one may lie further down the line than a lower one: somebody tagged out of order. All others are on
    // other branches.
    if !above.is_empty() {
        let marks: Vec<CommitId> = above.iter().map(|r| r.commit).collect();
        let reachable = repo.reachable(head, &marks)?;
        if let Some(release) = above.iter().find(|r| reachable.commits.contains(&r.commit)) {
            return Ok((Some((*release).clone()), Vec::new()));
        }
        if !reachable.boundary.is_empty() && found.is_none() {
            return Ok((None, reachable.boundary));
        }
    }
    Ok((found.map(|at| releases[at].clone()), Vec::new()))
}

/// Whether a commit is about a package: any is, where there is one; else those that touch its paths.
pub fn is_about(facts: &Facts<'_>, package: &Package, commit: CommitId) -> Result<bool> {
    if package.path.is_empty() {
        return Ok(true);
    }
    let paths: Vec<&str> =
        package.also.iter().map(String::as_str).chain(std::iter::once(package.path.as_str())).collect();
    Ok(facts.repo().touches(commit, &paths)?.contains(&true))
}

/// The commits of a range that are about a package.
fn about(facts: &Facts<'_>, package: &Package, history: &crate::world::git::History) -> Result<Vec<Text>> {
    let mut texts = Vec::new();
    for commit in history.iter() {
        if is_about(facts, package, commit.id())? {
            texts.push(Text {
                id: commit.id(),
                author: commit.author_name().into_owned(),
                email: commit.author_email().into_owned(),
                message: commit.message().into_owned(),
                merge: commit.is_merge(),
            });
        }
    }
    Ok(texts)
}
