//! Rollbacks: to the last version that was verified, never just to "the one before".

use jiff::Timestamp;

use super::{Place, Skip, What, check_version, same};
use crate::error::Result;
use crate::facts::Facts;
use crate::plan::{Answer, Deploying, Finding, Plan};
use crate::rules::notify::Event;

/// What is to be put back.
#[derive(Debug, Clone)]
pub struct Back<'b> {
    /// The environment: a name in `deploy:`.
    pub environment: &'b str,
    /// The version; without one, the last that was verified.
    pub to: Option<String>,
    /// Since when what is live is bad: the recovery is counted from then.
    pub since: Option<Timestamp>,
    /// Whether a version may be put back that failed before.
    pub force: bool,
    /// What is left out.
    pub skip: &'b [Skip],
}

/// Plans a rollback. No gate is asked: going back must not wait.
pub fn rollback(facts: &Facts<'_>, wanted: &Back<'_>) -> Result<Plan> {
    let place = Place::read(facts, wanted.environment)?;
    let environment = wanted.environment;
    let mut plan = Plan::new("rollback", facts.now.timestamp());
    plan.known("environment", environment);
    plan.known("previous", place.live.clone());
    let live = place.live.clone();
    let target = match &wanted.to {
        Some(version) => {
            check_version(version)?;
            let known = place.standing.has_verified(version);
            let commit = known.and_then(|it| it.record.deployment.as_ref()).and_then(|it| it.commit.clone());
            Some(What { version: version.clone(), tag: None, commit })
        }
        None => place.standing.before(live.as_deref().unwrap_or_default()).map(|it| What {
            version: it.version.clone(),
            tag: None,
            commit: it.record.deployment.as_ref().and_then(|it| it.commit.clone()),
        }),
    };
    let Some(target) = target else {
        plan.summary = format!("roll {environment} back");
        let text = match &live {
            Some(live) => format!("no verified version of {environment} is recorded besides {live}"),
            None => format!("no verified version of {environment} is recorded"),
        };
        let hint = match facts.store()?.shared() {
            true => "name the version to go back to: `--to 1.2.3`",
            false => {
                "name the version to go back to: `--to 1.2.3`; records of other checkouts are seen with `record: {ref: true}`"
            }
        };
        plan.findings.push(Finding::new(Answer::Unknown, "rollback", text).hint(hint));
        return Ok(plan);
    };
    let version = &target.version;
    plan.output("version", version.as_str());
    let effects = place.back(&target, wanted.skip)?;
    let looks = effects.len() - 1 - usize::from(place.config.command.wait.is_some());
    let known = place.standing.live.as_ref().filter(|it| same(&it.version, version));
    let is_live = live.as_ref().is_some_and(|live| same(live, version)) && place.standing.running.is_none();
    if is_live && known.is_some_and(|it| it.verified || looks == 0) {
        plan.summary = format!("{version} is live in {environment}: nothing to do");
        return Ok(plan);
    }
    plan.summary = format!("roll {environment} back to {version}");
    findings(&place, wanted, version, &mut plan);
    effects.into_iter().for_each(|effect| plan.then(effect));
    let to = plan.waves.len();
    let left = What { version: live.clone().unwrap_or_else(|| target.version.clone()), ..What::default() };
    place.tell(Event::Rollback, &left, Some(&target.version), &mut plan)?;
    let mut deployment = place.deployment(&target, live);
    deployment.bad_since = Some(wanted.since.unwrap_or_else(|| facts.now.timestamp()));
    deployment.rollback_until = None;
    deployment.verifies = looks > 0;
    let failed = place.messages(Event::Failed, &left, None, &mut plan)?;
    plan.deployments.push(Deploying { from: 1, to, what: deployment, kept: place.kept()?, failed });
    place.requires(&mut plan);
    Ok(plan)
}

fn findings(place: &Place<'_>, wanted: &Back<'_>, version: &str, plan: &mut Plan) {
    if let Some(running) = &place.standing.running {
        let who = running.who.as_deref().unwrap_or("somebody");
        let text = format!("{who} began to deploy at {}, and nobody said how it ended", running.started);
        plan.findings.push(Finding::new(Answer::Warning, "running", text));
    }
    if place.standing.failed.iter().any(|failed| same(failed, version)) {
        let answer = if wanted.force { Answer::Warning } else { Answer::Fail };
        let text = format!("{version} is recorded as one that failed or was left in {}", wanted.environment);
        plan.findings
            .push(Finding::new(answer, "rollback", text).hint("`--force` puts it back all the same"));
    } else if let Some(verified) = place.standing.has_verified(version) {
        let at = verified.at();
        plan.findings.push(Finding::new(
            Answer::Pass,
            "rollback",
            format!("{version} was verified here at {at:.0}"),
        ));
    } else {
        let text = format!("{version} was never verified in {}", wanted.environment);
        plan.findings.push(Finding::new(Answer::Warning, "rollback", text));
    }
    let until = place.standing.live.as_ref().and_then(|it| it.record.deployment.as_ref()?.rollback_until);
    if let Some(until) = until.filter(|until| *until < place.facts.now.timestamp()) {
        let text = format!("a rollback was offered until {until}");
        plan.findings.push(Finding::new(Answer::Warning, "rollback-until", text));
    }
}
