//! What is known of an environment before anything is planned, and what speaks for and against a deployment to it.

use std::collections::BTreeMap;

use semver::Version;

use super::Wanted;
use crate::config::DeployConfig;
use crate::data::CommitId;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{ASKED, Answer, Finding, Plan, Precondition};
use crate::rules::record::standing::{Standing, standing};
use crate::rules::record::{Deployment, Record, folder};
use crate::survey::packages;

/// What is known of an environment before anything is planned.
pub(super) struct Place<'f> {
    pub(super) facts: &'f Facts<'f>,
    pub(super) environment: String,
    pub(super) config: &'f DeployConfig,
    pub(super) records: BTreeMap<String, Record>,
    pub(super) standing: Standing,
    /// The version that is live: as the command says, otherwise as the records say.
    pub(super) live: Option<String>,
    /// What the command said, where there is one that says.
    pub(super) said: Option<String>,
}

/// What is deployed, as commands get it.
#[derive(Debug, Clone, Default)]
pub(super) struct What {
    pub(super) version: String,
    pub(super) tag: Option<String>,
    pub(super) commit: Option<String>,
}

/// Whether two texts name the same version: with a `v` before it or without.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.trim_start_matches('v') == other.trim_start_matches('v')
}

impl<'f> Place<'f> {
    pub(super) fn read(facts: &'f Facts<'f>, environment: &str) -> Result<Self> {
        let all = &facts.config.deploy;
        let Some(config) = all.get(environment) else {
            let names: Vec<&str> = all.keys().map(String::as_str).collect();
            let hint = match names.as_slice() {
                [] => "write `deploy: {production: {command: {deploy: npm run deploy:prod}}}`".to_owned(),
                names => format!("there are: {}", names.join(", ")),
            };
            return Err(Error::usage(format!("there is no environment `{environment}` to deploy to"))
                .at("deploy")
                .hint(hint));
        };
        order(facts, environment)?;
        let store = facts.store()?;
        facts.working(&format!("reading the records of {environment}"));
        let mut records = BTreeMap::new();
        for (path, text) in store.read(&folder(environment))? {
            let record = Record::parse(&text).map_err(|why| {
                Error::unknown(format!("a record of {environment} cannot be read: {why}"))
                    .at(format!("{path} in {store}"))
                    .hint(
                        "a newer release-steps may have written it; without it nobody can tell what is live",
                    )
            })?;
            records.insert(path, record);
        }
        let standing = standing(records.values());
        let said = match &config.command.version {
            None => None,
            Some(line) => {
                let output = facts.ask(line, ASKED)?;
                let text = output.text();
                // Nothing may be deployed yet.
                (output.ok() && !text.is_empty() && text.lines().count() == 1).then_some(text)
            }
        };
        let live = said.clone().or_else(|| standing.live.as_ref().map(|live| live.version.clone()));
        Ok(Place { facts, environment: environment.to_owned(), config, records, standing, live, said })
    }

    /// The version that is wanted, with what is known of it.
    pub(super) fn what(&self, wanted: &Wanted<'_>) -> Result<What> {
        let facts = self.facts;
        if let (Some(released), None) = (wanted.released, &wanted.version) {
            return Ok(What { version: released.version.clone(), tag: released.tag.clone(), commit: None });
        }
        let named = wanted.version.clone().or_else(|| facts.env.get("VERSION").map(str::to_owned));
        let all = facts.tags()?;
        let packages = packages(facts)?;
        let version_of = |tag: &str| packages.iter().find_map(|package| package.tags.parse(tag));
        if let Some(named) = named {
            check_version(&named)?;
            let tag = all.iter().find(|tag| {
                tag.name == named || version_of(&tag.name).is_some_and(|v| same(&v.to_string(), &named))
            });
            let version = tag.and_then(|tag| version_of(&tag.name)).map_or(named, |v: Version| v.to_string());
            return Ok(What {
                version,
                tag: tag.map(|tag| tag.name.clone()),
                commit: tag.map(|tag| tag.commit.to_string()),
            });
        }
        let head = facts.head()?;
        let here = |(name, commit): (&String, CommitId)| (commit == head).then(|| version_of(name)).flatten();
        let mut found: Vec<(Version, &String)> =
            all.iter().filter_map(|tag| Some((here((&tag.name, tag.commit))?, &tag.name))).collect();
        found.sort();
        let Some((version, tag)) = found.pop() else {
            return Err(Error::usage(format!("which version is to be deployed to {}?", self.environment))
                .at(format!("HEAD at {}", head.short()))
                .hint("HEAD has no release tag: name the version, `deploy ENV 1.2.3`, or set VERSION"));
        };
        Ok(What { version: version.to_string(), tag: Some(tag.clone()), commit: Some(head.to_string()) })
    }

    /// What speaks for and against.
    pub(super) fn findings(&self, wanted: &Wanted<'_>, version: &str, plan: &mut Plan) -> Result<()> {
        let environment = &self.environment;
        if let Some(running) = &self.standing.running {
            let own = running.id.rsplit('-').next().is_some_and(|digest| self.facts.has_begun(digest));
            let who = running.who.as_deref().unwrap_or("somebody");
            let what = running.deployment.as_ref().map_or("", |it| it.version.as_str());
            let text = format!(
                "{who} began to deploy {what} at {}, and nobody said how it ended",
                running.started.round(jiff::Unit::Second).unwrap_or(running.started)
            );
            let finding = match own || wanted.takeover {
                true => Finding::new(Answer::Warning, "running", text),
                false => Finding::new(Answer::Unknown, "running", text).hint(
                    "wait for it; if that run is dead, `--takeover` deploys all the same, `rollback` goes back",
                ),
            };
            plan.findings.push(finding.at(running.place.clone().unwrap_or_default()));
        }
        if let Some(after) = &self.config.after {
            let planned = wanted.before.iter().any(|(env, it)| env == after && same(it, version));
            let records = match planned {
                true => BTreeMap::new(),
                false => self.facts.store()?.read(&folder(after))?,
            };
            let records: Vec<Record> = records.values().filter_map(|text| Record::parse(text).ok()).collect();
            let there = standing(&records);
            plan.findings.push(if planned {
                Finding::new(Answer::Pass, "promotion", format!("{version} is verified in {after} before"))
            } else if let Some(verified) = there.has_verified(version) {
                let at = verified.at();
                Finding::new(Answer::Pass, "promotion", format!("{version} was verified in {after} at {at:.0}"))
            } else {
                let text = format!("{version} was not verified in {after}, where it must be before {environment}");
                let hint = match self.facts.store()?.shared() {
                    true => format!("deploy it there first: `release-steps deploy {after} {version}`"),
                    false => format!(
                        "deploy it there first: `release-steps deploy {after} {version}`; records stay in this checkout unless `record: {{ref: true}}` shares them"
                    ),
                };
                Finding::new(Answer::Fail, "promotion", text).hint(hint)
            });
        }
        if self.standing.failed.iter().any(|failed| same(failed, version)) {
            let text = format!("{version} failed in {environment} before");
            plan.findings.push(Finding::new(Answer::Warning, "failed-before", text));
        }
        if self.facts.env.ci() && !self.facts.store()?.shared() {
            let text = "the record of this deployment stays in this checkout: the next job does not see it";
            plan.findings.push(
                Finding::new(Answer::Warning, "record", text)
                    .hint("write `record: {ref: true}` to keep it in a ref of the remote"),
            );
        }
        Ok(())
    }

    /// The version to go back to from another one: what is live where that is verified, otherwise the last that was.
    pub(super) fn target(&self, version: &str) -> Option<What> {
        let live = self.standing.live.as_ref().filter(|live| {
            live.verified
                && self.live.as_ref().is_some_and(|it| same(it, &live.version))
                && !same(&live.version, version)
        });
        let target = live.or_else(|| self.standing.before(version))?;
        let commit = target.record.deployment.as_ref().and_then(|it| it.commit.clone());
        Some(What { version: target.version.clone(), tag: None, commit })
    }

    pub(super) fn deployment(&self, what: &What, previous: Option<String>) -> Deployment {
        let until = self.config.rollback_within.and_then(|within| self.facts.now.checked_add(within.0).ok());
        Deployment {
            environment: self.environment.clone(),
            version: what.version.clone(),
            previous,
            commit: what.commit.clone(),
            digests: BTreeMap::new(),
            verifies: false,
            rollback_until: until.map(|until| until.timestamp()),
            objective: u64::try_from(self.config.objective.0.as_secs()).ok(),
            bad_since: None,
            recovery: None,
        }
    }

    /// Where the record is kept, when others see it.
    pub(super) fn kept(&self) -> Result<Option<String>> {
        let store = self.facts.store()?;
        Ok(store.shared().then(|| store.to_string()))
    }

    /// What must still be so when the plan is applied.
    pub(super) fn requires(&self, plan: &mut Plan) {
        let environment = self.environment.clone();
        if let (Some(version), Some(command)) = (self.said.clone(), self.config.command.version.clone()) {
            plan.requires.push(Precondition::Live { environment: environment.clone(), command, version });
        }
        let last = self.records.keys().next_back().cloned();
        plan.requires.push(Precondition::Recorded { environment, last });
    }
}

/// Environments come one after the other, never in a circle.
fn order(facts: &Facts<'_>, environment: &str) -> Result<()> {
    let all = &facts.config.deploy;
    let mut seen = vec![environment];
    let mut at = environment;
    while let Some(after) = all.get(at).and_then(|config| config.after.as_deref()) {
        if !all.contains_key(after) {
            return Err(
                Error::usage(format!("there is no environment `{after}`")).at(format!("deploy.{at}.after"))
            );
        }
        if seen.contains(&after) {
            return Err(Error::usage(format!(
                "environments come in a circle: {} → {after}",
                seen.join(" → ")
            ))
            .at(format!("deploy.{at}.after")));
        }
        seen.push(after);
        at = after;
    }
    Ok(())
}

/// Versions are set as variables, compared, and shown; they stand in no command line.
pub(super) fn check_version(text: &str) -> Result<()> {
    let fine = |c: char| c.is_ascii_alphanumeric() || ".-+_/@:".contains(c);
    match !text.is_empty() && text.len() <= 200 && !text.starts_with('-') && text.chars().all(fine) {
        true => Ok(()),
        false => Err(Error::usage(format!("`{text}` is no version that can be deployed"))
            .hint("letters, digits and `.-+_/@:`, as in 1.2.3 or v1.2.3")),
    }
}
