//! Plans of deployments and rollbacks, for `deploy`, `rollback` and chains.

mod look;
mod rollback;

use std::collections::BTreeMap;
use std::time::Duration;

use semver::Version;

use crate::config::{DeployConfig, OnFailure};
use crate::data::CommitId;
use crate::effect::{Artifacts, Command, Effect};
use crate::error::{Error, Kind, Result};
use crate::facts::Facts;
use crate::gate::{Overrides, Question, ask, select};
use crate::plan::{Answer, Deploying, Fallback, Finding, Plan, Precondition, Wave};
use crate::rules::gate::Verdict;
use crate::rules::record::digests::{judged, known};
use crate::rules::record::standing::{Standing, standing};
use crate::rules::record::{DEPLOYMENTS, Deployment, Record, folder};
use crate::survey::packages;
use crate::world;

pub use look::{Skip, deployed};
pub use rollback::{Back, rollback};

/// How long a command may take that says which version is live.
const ASKED: Duration = Duration::from_secs(60);

/// What is to be deployed.
#[derive(Debug, Clone)]
pub struct Wanted<'w> {
    /// The environment: a name in `deploy:`.
    pub environment: &'w str,
    /// The version; without one, that of the release tag at `HEAD`.
    pub version: Option<String>,
    /// What is left out.
    pub skip: &'w [Skip],
    /// Whether it is deployed although it is live.
    pub again: bool,
    /// Whether a deployment that is still said to be running counts as dead.
    pub takeover: bool,
    /// Checks of the gate that pass whatever they say.
    pub overrides: &'w Overrides,
    /// Whether commands come before it in the same plan, which may build what it deploys.
    pub in_chain: bool,
    /// What the plan before this one releases: its tag and version are not there yet.
    pub released: Option<&'w Released>,
    /// What earlier parts of the plan deploy, and verify: environment and version.
    pub before: &'w [(String, String)],
}

/// A release that is planned.
#[derive(Debug, Clone)]
pub struct Released {
    /// The version.
    pub version: String,
    /// The tag.
    pub tag: Option<String>,
}

/// What is known of an environment before anything is planned.
struct Place<'f> {
    facts: &'f Facts<'f>,
    environment: String,
    config: &'f DeployConfig,
    records: BTreeMap<String, Record>,
    standing: Standing,
    /// The version that is live: as the command says, otherwise as the records say.
    live: Option<String>,
    /// What the command said, where there is one that says.
    said: Option<String>,
}

/// What is deployed, as commands get it.
#[derive(Debug, Clone, Default)]
struct What {
    version: String,
    tag: Option<String>,
    commit: Option<String>,
}

/// Plans a deployment: gate, artifacts, the commands, the looks, and the way back.
pub fn deploy(facts: &Facts<'_>, wanted: &Wanted<'_>) -> Result<Plan> {
    let place = Place::read(facts, wanted.environment)?;
    let environment = wanted.environment;
    let what = place.what(wanted)?;
    let version = &what.version;
    let mut plan = Plan::new("deploy", facts.now.timestamp());
    plan.summary = format!("deploy {version} to {environment}");
    plan.output("environment", environment);
    plan.output("version", version.as_str());
    plan.output("tag", what.tag.clone());
    plan.output("previous", place.live.clone());
    let is_live = place.live.as_ref().is_some_and(|live| same(live, version)) && !wanted.again;
    let known = place.standing.live.as_ref().filter(|live| same(&live.version, version));
    if is_live && known.is_some_and(|live| live.verified) {
        plan.summary = format!("{version} is live in {environment} and verified: nothing to do");
        return Ok(plan);
    }
    if what.tag.is_none() {
        let text = format!("no release tag of {version} is here");
        plan.findings.push(Finding::new(Answer::Warning, "version", text));
    }
    place.findings(wanted, version, &mut plan)?;
    gate(facts, wanted, &mut plan)?;
    let looks = place.looks(&what, wanted.skip, false)?;
    let earlier = place.standing.live.as_ref().map(|live| live.version.clone());
    let previous =
        if is_live { earlier.filter(|earlier| !same(earlier, version)) } else { place.live.clone() };
    let mut deployment = place.deployment(&what, previous);
    deployment.verifies = !looks.is_empty();
    if is_live && looks.is_empty() {
        plan.summary = format!("{version} is live in {environment}, and nothing looks at it: nothing to do");
        return Ok(plan);
    }
    if is_live {
        plan.summary = format!("{version} is live in {environment}: look whether it is well");
        let text =
            format!("{version} is live already and was not verified: nothing is deployed, it is looked at");
        plan.findings.push(Finding::new(Answer::Note, "live", text));
    } else {
        place.artifacts(version, wanted.in_chain, &mut plan)?;
        plan.then(place.command(
            &place.config.command.deploy,
            &what,
            format!("deploy {version} to {environment}"),
            true,
        ));
        if let Some(line) = &place.config.command.wait {
            plan.then(place.command(line, &what, format!("wait for {version}"), false));
        }
    }
    looks.into_iter().for_each(|effect| plan.then(effect));
    if !deployment.verifies {
        let text =
            format!("nothing looks at what was deployed to {environment}: it will not count as verified");
        plan.findings.push(Finding::new(Answer::Warning, "verified", text).hint(format!(
            "write `smoke: {{{environment}: …}}`, `verify: {{{environment}: …}}` or `deploy.{environment}.command.verify`"
        )));
    }
    let to = plan.waves.len();
    place.fallback(&what, to, wanted.skip, is_live, &mut plan)?;
    plan.deployments.push(Deploying { from: 1, to, what: deployment, kept: place.kept()? });
    place.requires(&mut plan);
    Ok(plan)
}

/// What the environment's gate says, where it has one.
fn gate(facts: &Facts<'_>, wanted: &Wanted<'_>, plan: &mut Plan) -> Result<()> {
    let environment = wanted.environment;
    if !facts.config.gates.contains_key(environment) {
        wanted.overrides.refuse_any(environment)?;
        return Ok(());
    }
    if wanted.skip.contains(&Skip::Gate) {
        let text = format!("the gate of {environment} is left out");
        plan.findings.push(Finding::new(Answer::Warning, "gate", text));
        return Ok(());
    }
    let now = facts.now.timestamp();
    let question = Question {
        environment,
        only: &[],
        at: None,
        wait: None,
        plan: None,
        commit: facts.head()?,
        overrides: wanted.overrides.checked(&select(facts, environment, &[])?, now)?,
    };
    let asking = ask(facts, question)?;
    plan.findings.extend(asking.findings(false));
    plan.output("gate", asking.verdict.to_string());
    plan.output("gate_checks", asking.checks());
    Ok(())
}

/// Whether two texts name the same version: with a `v` before it or without.
fn same(one: &str, other: &str) -> bool {
    one.trim_start_matches('v') == other.trim_start_matches('v')
}

impl<'f> Place<'f> {
    fn read(facts: &'f Facts<'f>, environment: &str) -> Result<Self> {
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
    fn what(&self, wanted: &Wanted<'_>) -> Result<What> {
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
    fn findings(&self, wanted: &Wanted<'_>, version: &str, plan: &mut Plan) -> Result<()> {
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

    /// Compares the artifacts, or records them where nothing was recorded of the version. What is here already is
    /// compared at once too.
    fn artifacts(&self, version: &str, in_chain: bool, plan: &mut Plan) -> Result<()> {
        let files = self.config.artifacts.clone();
        if files.is_empty() {
            return Ok(());
        }
        let all = self.facts.store()?.read(DEPLOYMENTS)?;
        let records: Vec<Record> = all.values().filter_map(|text| Record::parse(text).ok()).collect();
        let recorded = known(&records, version);
        if !in_chain {
            let at = format!("deploy.{}.artifacts", self.environment);
            let said = match world::files::digests(&self.facts.root, &files) {
                Ok(found) => judged(&recorded, &found, version),
                Err(error) if error.kind == Kind::No => vec![(Some(Verdict::Fail), error.message)],
                Err(error) => return Err(error.at(at)),
            };
            let refused = said.into_iter().filter(|(verdict, _)| *verdict == Some(Verdict::Fail));
            plan.findings.extend(refused.map(|(_, text)| {
                Finding::new(Answer::Fail, "digest", text)
                    .at(at.clone())
                    .hint("deploy what was built and recorded, or give the new build a version of its own")
            }));
        }
        plan.then(Effect::Artifacts(Artifacts {
            environment: self.environment.clone(),
            version: version.to_owned(),
            files,
            recorded: recorded.digests,
            from: recorded.from,
        }));
        Ok(())
    }

    /// One of the provider's command lines, for a version.
    fn command(&self, line: &str, what: &What, title: String, acts: bool) -> Effect {
        let provider = &self.config.command;
        let mut env = provider.env.clone();
        let mut set = |name: &str, value: Option<&str>| {
            value.into_iter().for_each(|value| drop(env.insert(name.to_owned(), value.to_owned())));
        };
        set("VERSION", Some(&what.version));
        set("ENVIRONMENT", Some(&self.environment));
        set("TAG", what.tag.as_deref());
        set("COMMIT", what.commit.as_deref());
        set("PREVIOUS_VERSION", self.live.as_deref());
        Effect::Command(Command {
            line: line.to_owned(),
            dir: None,
            env,
            what: Some(title),
            within: Some(provider.within),
            leaves: acts,
        })
    }

    /// The way back, where there is a version to go back to.
    fn fallback(&self, what: &What, to: usize, skip: &[Skip], is_live: bool, plan: &mut Plan) -> Result<()> {
        let version = &what.version;
        if self.config.on_failure == OnFailure::Hold {
            plan.findings.push(Finding::new(
                Answer::Note,
                "rollback",
                "a failure is left as it is (`on_failure: hold`)",
            ));
            return Ok(());
        }
        let Some(target) = self.target(version) else {
            let text =
                format!("no version of {} is verified: there is nothing to go back to", self.environment);
            plan.findings.push(Finding::new(Answer::Warning, "rollback", text));
            return Ok(());
        };
        let waves = self.back(&target, skip)?.into_iter().map(|effect| Wave { effects: vec![effect] });
        plan.output("rollback_to", target.version.as_str());
        plan.fallbacks.push(Fallback {
            from: 1,
            to,
            always: is_live,
            what: format!("go back to {}", target.version),
            done: format!("went back to {}", target.version),
            waves: waves.collect(),
        });
        Ok(())
    }

    /// The version to go back to from another one: what is live where that is verified, otherwise the last that was.
    fn target(&self, version: &str) -> Option<What> {
        let live = self.standing.live.as_ref().filter(|live| {
            live.verified
                && self.live.as_ref().is_some_and(|it| same(it, &live.version))
                && !same(&live.version, version)
        });
        let target = live.or_else(|| self.standing.before(version))?;
        let commit = target.record.deployment.as_ref().and_then(|it| it.commit.clone());
        Some(What { version: target.version.clone(), tag: None, commit })
    }

    /// What brings an older version back, and looks at it.
    fn back(&self, target: &What, skip: &[Skip]) -> Result<Vec<Effect>> {
        let provider = &self.config.command;
        let line = provider.rollback.as_ref().unwrap_or(&provider.deploy);
        let version = &target.version;
        let mut effects =
            vec![self.command(line, target, format!("bring {version} back to {}", self.environment), true)];
        if let Some(line) = &provider.wait {
            effects.push(self.command(line, target, format!("wait for {version}"), false));
        }
        effects.extend(self.looks(target, skip, true)?);
        Ok(effects)
    }

    fn deployment(&self, what: &What, previous: Option<String>) -> Deployment {
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
    fn kept(&self) -> Result<Option<String>> {
        let store = self.facts.store()?;
        Ok(store.shared().then(|| store.to_string()))
    }

    /// What must still be so when the plan is applied.
    fn requires(&self, plan: &mut Plan) {
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
fn check_version(text: &str) -> Result<()> {
    let fine = |c: char| c.is_ascii_alphanumeric() || ".-+_/@:".contains(c);
    match !text.is_empty() && text.len() <= 200 && !text.starts_with('-') && text.chars().all(fine) {
        true => Ok(()),
        false => Err(Error::usage(format!("`{text}` is no version that can be deployed"))
            .hint("letters, digits and `.-+_/@:`, as in 1.2.3 or v1.2.3")),
    }
}
