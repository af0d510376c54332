//! Records of what is applied: deployments from their beginning, everything else once it has ended.

use std::sync::Mutex;

use jiff::Timestamp;

use super::{Report, Tools};
use crate::data::Period;
use crate::error::{Error, Kind, Result};
use crate::event::{Event, Sink};
use crate::plan::{Deploying, Finding, Plan};
use crate::rules::record::{Deployment, Did, FORMAT, Found, Outcome, Record, folder, id};
use crate::world::process::Git;

/// The longest value of a plan that a record takes, in bytes.
const LONGEST: usize = 256 << 10;

/// Hands events on, and keeps what became of effects.
pub(super) struct Tee<'s> {
    to: &'s dyn Sink,
    did: Mutex<Vec<Did>>,
    broken: Mutex<Option<Timestamp>>,
}

impl<'s> Tee<'s> {
    pub(super) fn new(to: &'s dyn Sink) -> Self {
        Tee { to, did: Mutex::default(), broken: Mutex::default() }
    }

    fn did(&self) -> Vec<Did> {
        self.did.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Seconds since the first effect failed.
    fn recovery(&self) -> Option<u64> {
        let broken = *self.broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seconds_since(broken?)
    }
}

fn seconds_since(then: Timestamp) -> Option<u64> {
    u64::try_from(Timestamp::now().duration_since(then).as_secs()).ok()
}

/// `in 12 s, within the objective of 15m`.
fn said(took: u64, objective: Option<u64>) -> String {
    let time = |seconds: u64| Period::secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    match objective {
        Some(most) if took <= most => format!(" in {took} s, within the objective of {}", time(most)),
        Some(most) => format!(" in {took} s, beyond the objective of {}", time(most)),
        None => format!(" in {took} s"),
    }
}

impl Sink for Tee<'_> {
    fn event(&self, event: &Event<'_>) {
        let (at, effect, how, ms) = match event {
            Event::Done { at, effect, already: false, ms } => (*at, *effect, "done", *ms),
            Event::Done { at, effect, already: true, ms } => (*at, *effect, "already", *ms),
            Event::Failed { at, effect } => (*at, *effect, "failed", 0),
            Event::Missed { at, effect, .. } => (*at, *effect, "missed", 0),
            _ => return self.to.event(event),
        };
        let now = Timestamp::now();
        if how == "failed" {
            let mut broken = self.broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            broken.get_or_insert(now);
        }
        let did = Did { at: at.to_owned(), effect: effect.to_owned(), how: how.to_owned(), ended: now, ms };
        self.did.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(did);
        self.to.event(event);
    }
}

fn found(finding: &Finding) -> Found {
    let answer = serde_json::to_value(finding.answer).ok();
    Found {
        answer: answer.as_ref().and_then(|a| a.as_str()).unwrap_or_default().to_owned(),
        check: finding.check.clone(),
        message: finding.message.clone(),
        at: finding.at.clone(),
    }
}

impl Tools {
    fn record(&self, plan: &Plan, outcome: Outcome, started: Timestamp) -> Record {
        let told = self.told();
        let get = |name: &str| self.env.get(name).map(str::to_owned);
        let git = |args: [&str; 3]| {
            let output = Git::new(&self.root, args).output().ok()?;
            output.ok().then(|| output.text()).filter(|text| !text.is_empty())
        };
        let who = get("GITHUB_ACTOR").or_else(|| get("GITLAB_USER_LOGIN"));
        let job = || {
            let (server, repository, run) =
                (get("GITHUB_SERVER_URL")?, get("GITHUB_REPOSITORY")?, get("GITHUB_RUN_ID")?);
            Some(format!("{server}/{repository}/actions/runs/{run}"))
        };
        let mut outputs = plan.outputs.clone();
        outputs.extend(told.outputs);
        outputs.retain(|_, value| value.to_string().len() <= LONGEST);
        Record {
            format: FORMAT,
            id: id(started, &plan.digest()),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            step: plan.step.clone(),
            summary: plan.summary.clone(),
            outcome,
            why: None,
            who: who.or_else(|| git(["config", "--get", "user.name"])),
            place: job().or_else(|| get("CI_JOB_URL")).or_else(|| get("HOSTNAME")),
            started,
            ended: None,
            deployment: None,
            commit: git(["rev-parse", "--verify", "HEAD"]),
            findings: plan.findings.iter().chain(&told.findings).map(found).collect(),
            effects: Vec::new(),
            outputs,
        }
    }

    fn text(&self, record: &Record) -> String {
        self.redactor.clean_json(&record.to_json())
    }

    /// The record of a deployment that this plan began, with its text in the store.
    fn begun(&self, plan: &Plan, what: &Deployment) -> Result<Option<(Record, String)>> {
        let own = format!("-{}.json", plan.digest());
        let all = self.store.read(&folder(&what.environment))?;
        let begun = all.into_iter().rev().filter(|(path, _)| path.ends_with(&own));
        Ok(begun.filter_map(|(_, text)| Some((Record::parse(&text).ok()?, text))).next())
    }

    /// A deployment begins: whoever comes now sees that it does.
    pub(super) fn begin(&self, plan: &Plan, what: &Deploying) -> Result<()> {
        if self.begun(plan, &what.what)?.is_some_and(|(record, _)| record.outcome == Outcome::Running) {
            return Ok(());
        }
        let mut record = self.record(plan, Outcome::Running, Timestamp::now());
        record.deployment = Some(what.what.clone());
        self.store.put(&record.path(), &self.text(&record), None).map_err(|error| {
            let hint = "nothing was deployed: what cannot be recorded is not begun";
            Error { hint: error.hint.or_else(|| Some(hint.to_owned())), ..error }
        })
    }

    /// A deployment has ended.
    fn end(
        &self,
        plan: &Plan,
        what: &Deployment,
        outcome: Outcome,
        why: Option<&Error>,
        tee: &Tee<'_>,
    ) -> Result<()> {
        let begun = self.begun(plan, what)?.filter(|(record, _)| record.outcome == Outcome::Running);
        let started = begun.as_ref().map_or_else(Timestamp::now, |(record, _)| record.started);
        let mut record = self.record(plan, outcome, started);
        record.ended = Some(Timestamp::now());
        record.why = why.cloned();
        record.effects = tee.did();
        let verdict = match outcome {
            Outcome::Done if what.verifies => "pass",
            Outcome::Failed | Outcome::RolledBack => "fail",
            _ => "unknown",
        };
        self.note([], [("verdict".to_owned(), verdict.into())]);
        let mut what = what.clone();
        what.recovery = match (outcome, what.bad_since) {
            (Outcome::RolledBack, _) => tee.recovery(),
            (Outcome::Done, Some(since)) => seconds_since(since),
            _ => None,
        };
        if let (Outcome::Done, Some(took)) = (outcome, what.recovery) {
            let summary = format!("{} (recovered{})", plan.summary, said(took, what.objective));
            self.tell(&summary, [], [("recovery_seconds", took.into())]);
        }
        if let Some(found) = record.outputs.remove(&format!("digests.{}", what.environment)) {
            what.digests = serde_json::from_value(found).unwrap_or_default();
        }
        record.deployment = Some(what);
        self.store.put(&record.path(), &self.text(&record), begun.as_ref().map(|(_, text)| text.as_str()))
    }

    /// The waves up to this one are done: so are the deployments that end with it.
    pub(super) fn wave_done(&self, plan: &Plan, wave: usize, tee: &Tee<'_>) -> Result<()> {
        let mut ended = plan.deployments.iter().filter(|it| it.to == wave);
        ended.try_for_each(|it| self.end(plan, &it.what, Outcome::Done, None, tee))
    }

    /// A wave failed: the deployment that it belongs to has ended, if it had begun.
    pub(super) fn wave_failed(
        &self,
        plan: &Plan,
        wave: usize,
        outcome: Outcome,
        error: &Error,
        tee: &Tee<'_>,
    ) -> Result<()> {
        let mut hit = plan.deployments.iter().filter(|it| (it.from..=it.to).contains(&wave));
        hit.try_for_each(|it| self.end(plan, &it.what, outcome, Some(error), tee))
    }

    /// How long the recovery took, beside its objective, for people: empty where nothing was to be recovered.
    pub(super) fn recovered(&self, plan: &Plan, wave: usize, tee: &Tee<'_>) -> String {
        let of = plan.deployments.iter().find(|it| (it.from..=it.to).contains(&wave));
        let (Some(it), Some(took)) = (of, tee.recovery()) else { return String::new() };
        self.note([], [("recovery_seconds".to_owned(), took.into())]);
        said(took, it.what.objective)
    }

    /// What else was applied leaves a record too. That it cannot be written is no reason to call a release failed.
    pub(super) fn keep(&self, plan: &Plan, result: &Result<Report>, tee: &Tee<'_>, started: Timestamp) {
        // Reports are no deeds: a list of records would never come to its end.
        if !plan.deployments.is_empty() || plan.only_looks() || plan.regardless || tee.did().is_empty() {
            return;
        }
        let outcome = if result.is_ok() { Outcome::Done } else { Outcome::Failed };
        let mut record = self.record(plan, outcome, started);
        record.ended = Some(Timestamp::now());
        record.why = result.as_ref().err().cloned();
        record.effects = tee.did();
        let store = if plan.leaves_machine() { &self.store } else { &self.local };
        if let Err(error) = store.put(&record.path(), &self.text(&record), None) {
            tee.event(&Event::Note { text: &format!("no record was kept: {error}") });
        }
    }

    /// The same for a plan that only looked at a deployment.
    pub(super) fn looked(&self, plan: &Plan, result: &Result<Report>, tee: &Tee<'_>) -> Result<()> {
        let (outcome, why) = match result {
            Ok(_) => (Outcome::Done, None),
            Err(error) if error.kind == Kind::No => (Outcome::Failed, Some(error)),
            Err(error) => (Outcome::Unverified, Some(error)),
        };
        plan.deployments.iter().try_for_each(|it| self.end(plan, &it.what, outcome, why, tee))
    }
}
