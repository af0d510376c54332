//! Plans of deployments and rollbacks, for `deploy`, `rollback` and chains.

mod look;
mod place;
mod rollback;

use crate::config::OnFailure;
use crate::effect::{Artifacts, Command, Effect};
use crate::error::{Kind, Result};
use crate::facts::Facts;
use crate::gate::{Overrides, Question, ask, select};
use crate::notify::{self, About, News};
use crate::plan::{Answer, Deploying, Fallback, Finding, Plan, Wave};
use crate::rules::gate::Verdict;
use crate::rules::notify::Event;
use crate::rules::record::digests::{judged, known};
use crate::rules::record::{DEPLOYMENTS, Record};
use crate::world;

use place::{Place, What, check_version, same};

pub use look::{Skip, deployed};
pub use rollback::{Back, rollback};

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

/// Plans a deployment: gate, artifacts, the commands, the looks, and the way back.
pub fn deploy(facts: &Facts<'_>, wanted: &Wanted<'_>) -> Result<Plan> {
    let place = Place::read(facts, wanted.environment)?;
    let environment = wanted.environment;
    let what = place.what(wanted)?;
    let version = &what.version;
    let mut plan = Plan::new("deploy", facts.now.timestamp());
    plan.summary = format!("deploy {version} to {environment}");
    plan.known("environment", environment);
    plan.output("version", version.as_str());
    plan.output("tag", what.tag.clone());
    plan.known("previous", place.live.clone());
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
    place.tell(Event::Started, &what, None, &mut plan)?;
    let from = plan.waves.len() + 1;
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
    place.fallback(&what, (from, to), wanted.skip, is_live, &mut plan)?;
    let failed = place.messages(Event::Failed, &what, None, &mut plan)?;
    plan.deployments.push(Deploying { from, to, what: deployment, kept: place.kept()?, failed });
    place.tell(Event::Done, &what, None, &mut plan)?;
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
    plan.known("gate", asking.verdict.to_string());
    plan.output("gate_checks", asking.checks());
    Ok(())
}

impl Place<'_> {
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

    /// What is done when it fails: the way back, where there is a version to go back to, and the message about it.
    fn fallback(
        &self,
        what: &What,
        (from, to): (usize, usize),
        skip: &[Skip],
        is_live: bool,
        plan: &mut Plan,
    ) -> Result<()> {
        let target = match self.config.on_failure {
            OnFailure::Rollback => self.target(&what.version),
            OnFailure::Hold => None,
        };
        let one = |effect| Wave { effects: vec![effect] };
        let Some(target) = target else {
            plan.findings.push(match self.config.on_failure {
                OnFailure::Hold => {
                    Finding::new(Answer::Note, "rollback", "a failure is left as it is (`on_failure: hold`)")
                }
                OnFailure::Rollback => {
                    let none = format!(
                        "no version of {} is verified: there is nothing to go back to",
                        self.environment
                    );
                    Finding::new(Answer::Warning, "rollback", none)
                }
            });
            let messages = self.messages(Event::Failed, what, None, plan)?;
            if !messages.is_empty() {
                plan.fallbacks.push(Fallback {
                    from,
                    to,
                    always: is_live,
                    restores: false,
                    what: "tell that it failed".to_owned(),
                    done: "people were told".to_owned(),
                    waves: vec![Wave { effects: messages }],
                });
            }
            return Ok(());
        };
        let mut waves: Vec<Wave> = self.back(&target, skip)?.into_iter().map(one).collect();
        let messages = self.messages(Event::Rollback, what, Some(&target.version), plan)?;
        if !messages.is_empty() {
            waves.push(Wave { effects: messages });
        }
        plan.known("rollback_to", target.version.as_str());
        plan.fallbacks.push(Fallback {
            from,
            to,
            always: is_live,
            restores: true,
            what: format!("go back to {}", target.version),
            done: format!("went back to {}", target.version),
            waves,
        });
        Ok(())
    }

    /// The messages about an event of this deployment, for those who are told of it.
    fn messages(
        &self,
        event: Event,
        what: &What,
        previous: Option<&str>,
        plan: &mut Plan,
    ) -> Result<Vec<Effect>> {
        let about = About { release: what.version.clone(), env: Some(self.environment.clone()) };
        let mut news = News::new(event, &about);
        if let Some(previous) = previous.or(self.live.as_deref()) {
            news = news.tell("previous", previous);
        }
        if let Some(commit) = &what.commit {
            news = news.tell("commit", commit.as_str());
        }
        let (effects, findings) = notify::effects(self.facts, &news)?;
        // What is in the way of one message is in the way of the next.
        let new: Vec<Finding> = findings.into_iter().filter(|it| !plan.findings.contains(it)).collect();
        plan.findings.extend(new);
        Ok(effects)
    }

    /// The same as a wave of its own.
    fn tell(&self, event: Event, what: &What, previous: Option<&str>, plan: &mut Plan) -> Result<()> {
        let messages = self.messages(event, what, previous, plan)?;
        if !messages.is_empty() {
            plan.wave(messages);
        }
        Ok(())
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
}
