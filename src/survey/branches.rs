//! The branches of the model in use, and which versions they own.

use jiff::Timestamp;
use semver::Version;

use crate::config::Model;
use crate::data::CommitId;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::rules::branching::{matches, version_in};
use crate::rules::calendar::Calendar;

/// The branch of production: as configured, as the remote's `HEAD` names it, or `main` or `master`, or the only one.
pub fn main_branch(facts: &Facts<'_>) -> Result<Option<String>> {
    if let Some(main) = &facts.config.branch.main {
        return Ok(Some(main.clone()));
    }
    if let Some(name) = facts.remote_head()? {
        return Ok(Some(name));
    }
    let names = names(facts)?;
    let usual = ["main", "master", "trunk"].into_iter().find(|n| names.iter().any(|b| b == n));
    Ok(usual.map(str::to_owned).or_else(|| match names.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }))
}

/// The names of all branches, here and at the remote as last fetched, each once.
pub fn names(facts: &Facts<'_>) -> Result<Vec<String>> {
    Ok(tips(facts)?.into_iter().map(|(name, _)| name).collect())
}

/// All branches by name with their tips: the local one where there is one, otherwise the remote's as last fetched.
pub fn tips(facts: &Facts<'_>) -> Result<Vec<(String, CommitId)>> {
    let prefix = format!("{}/", facts.config.release.remote);
    let mut found: Vec<(String, CommitId, bool)> = facts
        .repo()
        .branches()?
        .into_iter()
        .filter_map(|b| match b.remote {
            false => Some((b.name, b.commit, false)),
            true => Some((b.name.strip_prefix(&prefix)?.to_owned(), b.commit, true)),
        })
        .filter(|(name, ..)| name != "HEAD")
        .collect();
    found.sort_by(|a, b| (&a.0, a.2).cmp(&(&b.0, b.2)));
    found.dedup_by(|later, first| later.0 == first.0);
    Ok(found.into_iter().map(|(name, commit, _)| (name, commit)).collect())
}

/// The model: as configured, or GitFlow where its develop branch exists, otherwise GitHub flow.
pub fn model(facts: &Facts<'_>) -> Result<Model> {
    if let Some(model) = facts.config.branch.model {
        return Ok(model);
    }
    let develop = &facts.config.branch.develop;
    Ok(if names(facts)?.iter().any(|b| b == develop) { Model::Gitflow } else { Model::GithubFlow })
}

/// Whether releases are made from a branch: as configured, or main, release, hotfix, channel and maintenance branches.
pub fn releases_from(facts: &Facts<'_>, branch: &str) -> Result<bool> {
    if let Some(globs) = &facts.config.release.branches {
        return Ok(globs.iter().any(|glob| matches(glob, branch)));
    }
    let config = &facts.config.branch;
    let by_template = |template: &str| version_in(template, branch).is_some();
    // `1.x`, `1.2.x`: the maintenance branches of semantic-release.
    let maintenance = || {
        branch
            .strip_suffix(".x")
            .is_some_and(|v| v.split('.').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())))
    };
    Ok(main_branch(facts)?.is_none_or(|main| main == branch)
        || by_template(&config.release)
        || by_template(&config.hotfix)
        || facts.config.version.channels.keys().any(|glob| matches(glob, branch))
        || maintenance())
}

/// The versions that release and hotfix branches own by their names, but for one branch that asks.
pub fn owned(facts: &Facts<'_>, but: Option<&str>) -> Result<Vec<(Version, String)>> {
    let config = &facts.config.branch;
    let mut names = names(facts)?;
    // Branches that were never fetched own their versions all the same.
    if let Some(refs) = facts.remote_refs()? {
        names.extend(refs.keys().filter_map(|n| n.strip_prefix("refs/heads/")).map(str::to_owned));
    }
    names.sort_unstable();
    names.dedup();
    Ok(names
        .into_iter()
        .filter(|name| Some(name.as_str()) != but)
        .filter_map(|name| {
            let version = [&config.release, &config.hotfix].into_iter().find_map(|t| version_in(t, &name))?;
            Some((version, format!("branch {name}")))
        })
        .collect())
}

/// The release calendar, where one is configured.
pub fn calendar(facts: &Facts<'_>) -> Result<Option<Calendar>> {
    let config = &facts.config.branch;
    let Some(calendar) = &config.calendar else { return Ok(None) };
    if calendar.from.checked_add(calendar.every.0).is_ok_and(|next| next == calendar.from) {
        return Err(Error::usage("releases are at least a day apart")
            .at("branch.calendar.every")
            .hint("write `1 day`, `2 weeks`, `1 month`"));
    }
    Ok(Some(Calendar {
        from: calendar.from,
        every: calendar.every.0,
        at: calendar.at,
        zone: calendar.zone.0.clone(),
        skip: calendar.skip.clone(),
        freeze: config.freeze.0,
    }))
}

/// The branches that others are measured against: production, and GitFlow's develop.
#[derive(Debug)]
pub struct Trunks {
    /// All branches with their tips.
    pub all: Vec<(String, CommitId)>,
    names: Vec<String>,
    tips: Vec<CommitId>,
}

impl Trunks {
    /// Those of the model in use.
    pub fn of(facts: &Facts<'_>) -> Result<Self> {
        let develop = (model(facts)? == Model::Gitflow).then(|| facts.config.branch.develop.clone());
        let names: Vec<String> = main_branch(facts)?.into_iter().chain(develop).collect();
        let all = tips(facts)?;
        let tips = all.iter().filter(|(name, _)| names.contains(name)).map(|(_, commit)| *commit).collect();
        Ok(Trunks { all, names, tips })
    }

    /// Whether a branch lives long: a trunk, a release or hotfix branch, or one that the configuration names.
    pub fn long_lived(&self, facts: &Facts<'_>, name: &str) -> bool {
        self.names.iter().any(|trunk| trunk == name)
            || releases(facts, name)
            || facts.config.branch.long_lived.iter().any(|glob| matches(glob, name))
    }

    /// When the first commit was made that is in this one's history and in no trunk; none when all are merged.
    pub fn first_of(&self, facts: &Facts<'_>, commit: CommitId) -> Result<Option<Timestamp>> {
        let history = facts.repo().history(&[commit], &self.tips)?;
        let first = history.iter().map(|c| c.author_time().seconds).min();
        Ok(first.and_then(|s| Timestamp::from_second(s).ok()))
    }
}

/// Whether a branch is a release or hotfix branch by its name: a code freeze is not for it.
pub fn releases(facts: &Facts<'_>, name: &str) -> bool {
    let config = &facts.config.branch;
    [&config.release, &config.hotfix].into_iter().any(|template| version_in(template, name).is_some())
}
