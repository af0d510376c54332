//! The next version of each package.

use semver::{BuildMetadata, Version};

use crate::data::CommitId;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::rules::branching;
use crate::rules::bump::{Level, decide};
use crate::rules::changelog::text;
use crate::rules::packages::{Because, Node, carry};
use crate::rules::version::{Options, Request, VersionError, check_channel, distance, explicit, next};
use crate::survey::files::Versioned;
use crate::survey::{Line, Package, commits, reading};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The pre-release channel; without one the branch's, as configured.
    pub channel: Option<String>,
    /// Only this package.
    pub package: Option<String>,
    /// A level or version that a person named, instead of what the commits say.
    pub request: Option<Request>,
}

/// A package with what it would be released as.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The package.
    pub package: Package,
    /// Its releases so far.
    pub line: Line,
    /// How far its commits, its dependencies or its links raise it.
    pub level: Level,
    /// What raises it.
    pub because: Because,
    /// The next version; none when there is nothing to release.
    pub next: Option<Version>,
}

impl Candidate {
    /// The version before.
    pub fn current(&self) -> Option<&Version> {
        self.line.stable.as_ref().map(|r| &r.version)
    }

    /// What others may know of it, as JSON.
    pub fn described(&self) -> serde_json::Value {
        serde_json::json!({
            "package": self.package.name,
            "version": self.next.as_ref().map(ToString::to_string),
            "tag": self.tag(),
            "previous": self.current().map(ToString::to_string),
            "previous_tag": self.line.stable.as_ref().map(|r| &r.tag),
            "level": self.level,
            "prerelease": self.next.as_ref().is_some_and(|v| !v.pre.is_empty()),
            "commits": self.line.since_stable.len(),
        })
    }

    /// What its version files need to know.
    pub fn versioned(&self) -> Option<Versioned<'_>> {
        Some(Versioned {
            package: &self.package,
            version: self.next.clone()?,
            previous: self.line.latest.as_ref().map(|r| r.version.clone()),
        })
    }

    /// The tag of the next version.
    pub fn tag(&self) -> Option<String> {
        self.next.as_ref().map(|v| self.package.tags.format(v))
    }
}

/// The packages, each with its next version.
pub fn candidates(
    facts: &Facts<'_>,
    packages: Vec<Package>,
    head: CommitId,
    ask: &Ask,
) -> Result<Vec<Candidate>> {
    if let Some(name) = &ask.package
        && !packages.iter().any(|p| p.name == *name)
    {
        let names: Vec<&str> = packages.iter().map(|p| p.name.as_str()).collect();
        return Err(Error::usage(format!("there is no package `{name}`"))
            .hint(format!("there are: {}", names.join(", "))));
    }
    let branch = facts.branch()?;
    let channel = match &ask.channel {
        Some(channel) => Some(channel.clone()),
        None => branch.as_deref().and_then(|b| channel_of(facts, b)),
    };
    // Also where nothing is released: a script that asks for a wrong one is to hear of it at once.
    if let Some(channel) = &channel {
        check_channel(channel).map_err(|e| Error::usage(e.to_string()))?;
    }
    let build = build_metadata(facts, head)?;
    let reading = reading(facts);
    let rules = &facts.config.version.rules;

    let mut lines = Vec::new();
    let mut nodes = Vec::new();
    for package in &packages {
        let line = Line::read(facts, package, head)?;
        let level = decide(&commits(&line.since_stable), rules, reading).level;
        nodes.push(Node { name: package.name.clone(), level, depends_on: package.depends_on.clone() });
        lines.push(line);
    }
    let raised = carry(&nodes, &facts.config.linked);
    let mut found = Vec::new();
    for ((package, mut line), (level, because)) in packages.into_iter().zip(lines).zip(raised) {
        let fresh = level_since_latest(facts, &line);
        let pre: Vec<Version> =
            line.all.iter().map(|r| &r.version).filter(|v| !v.pre.is_empty()).cloned().collect();
        let options = Options {
            initial: initial(facts, &package)?,
            zero: facts.config.version.zero,
            channel: channel.as_deref(),
            build: build.clone(),
            released: &pre,
        };
        let current = line.stable.as_ref().map(|r| &r.version);
        let wrong = |e: VersionError| {
            let error = match e {
                VersionError::NotHigher { .. } => Error::no(e.to_string()),
                _ => Error::usage(e.to_string()),
            };
            if package.one_of_many { error.at(package.name.clone()) } else { error }
        };
        let asked_for = ask.package.as_ref().is_none_or(|name| *name == package.name);
        // A pre-release with nothing new since the last one would only repeat it.
        let repeats = channel.is_some()
            && because == Because::Commits
            && fresh == Level::None
            && line.latest.as_ref().is_some_and(|r| !r.version.pre.is_empty());
        // What was released from this very commit has its dependencies as they are here.
        let made_here = because != Because::Commits && line.latest.as_ref().is_some_and(|r| r.commit == head);
        let named_by_branch = branch.as_deref().and_then(|b| version_of_branch(facts, b));
        let version = match &ask.request {
            Some(request) if asked_for => Some(explicit(current, request, &options).map_err(wrong)?),
            _ if repeats || made_here || !asked_for => None,
            // Of several packages, one that was never released waits for a commit that is worth a release.
            _ if package.one_of_many && current.is_none() && level == Level::None => None,
            _ if level == Level::None => next(current, level, &options).map_err(wrong)?,
            _ => match named_by_branch.filter(|v| !package.one_of_many && current.is_none_or(|c| v > c)) {
                None => next(current, level, &options).map_err(wrong)?,
                // A release or hotfix branch says its version by its name; a channel makes it a pre-release of that.
                Some(version) if channel.is_none() => Some(version),
                Some(version) => {
                    let level = current.map_or(level, |c| distance(c, &version));
                    Some(explicit(current, &Request::Level(level), &options).map_err(wrong)?)
                }
            },
        };
        // The last stable release here may be far behind a pre-release, because releases are made on branches of their
        // own: the pre-release graduates then, and what is new is new since the version before it.
        let behind = |version: &Version| line.latest.as_ref().is_some_and(|latest| *version < latest.version);
        let version = match version.as_ref().filter(|v| ask.request.is_none() && behind(v)) {
            None => version,
            Some(_) => {
                let latest = line.latest.as_ref().map(|r| r.version.clone());
                let version = next(latest.as_ref(), fresh, &options).map_err(wrong)?;
                if let Some(version) = &version {
                    line.restart(facts, &package, head, version)?;
                }
                version
            }
        };
        found.push(Candidate { next: version, package, line, level, because });
    }
    link(&mut found, &facts.config.linked, head);
    Ok(found)
}

/// Linked packages get the highest of their versions, also of one that a run released from this commit before it was
/// killed.
fn link(found: &mut [Candidate], linked: &[Vec<String>], head: CommitId) {
    for group in linked {
        let inside = |c: &Candidate| group.contains(&c.package.name);
        let here =
            |c: &Candidate| c.line.latest.as_ref().filter(|r| r.commit == head).map(|r| r.version.clone());
        let highest =
            found.iter().filter(|c| inside(c)).filter_map(|c| c.next.clone().or_else(|| here(c))).max();
        for candidate in found.iter_mut().filter(|c| inside(c) && c.next.is_some()) {
            candidate.next.clone_from(&highest);
        }
    }
}

fn level_since_latest(facts: &Facts<'_>, line: &Line) -> Level {
    let fresh = line.since_latest_texts();
    decide(&commits(&fresh), &facts.config.version.rules, reading(facts)).level
}

/// The channel of a branch, as configured: an exact name before a glob, a longer glob before a shorter one.
fn channel_of(facts: &Facts<'_>, branch: &str) -> Option<String> {
    let channels = &facts.config.version.channels;
    channels.get(branch).cloned().or_else(|| {
        channels
            .iter()
            .filter(|(glob, _)| branching::matches(glob, branch))
            .max_by_key(|(glob, _)| glob.len())
            .map(|(_, channel)| channel.clone())
    })
}

/// The version that a release or hotfix branch has in its name.
pub(super) fn version_of_branch(facts: &Facts<'_>, branch: &str) -> Option<Version> {
    let config = &facts.config.branch;
    [&config.release, &config.hotfix].into_iter().find_map(|template| branching::version_in(template, branch))
}

fn build_metadata(facts: &Facts<'_>, head: CommitId) -> Result<BuildMetadata> {
    let Some(template) = &facts.config.version.build else {
        return Ok(BuildMetadata::EMPTY);
    };
    let values =
        minijinja::context! { commit => head.short(), date => facts.now.strftime("%Y%m%d").to_string() };
    let build = text("version.build", template, values)?;
    BuildMetadata::new(&build).map_err(|e| {
        Error::usage(format!("`{build}` is no build metadata: {e}"))
            .at("version.build")
            .hint("identifiers of letters, digits and `-`, parted by dots")
    })
}

/// The first version: as configured, as the version file has it, or 0.1.0.
fn initial(facts: &Facts<'_>, package: &Package) -> Result<Version> {
    if let Some(initial) = &facts.config.version.initial {
        return Ok(initial.clone());
    }
    let written = crate::survey::files::written_version(facts, package)?;
    Ok(written.filter(|v| *v > Version::new(0, 0, 0) && v.pre.is_empty()).unwrap_or(Version::new(0, 1, 0)))
}
