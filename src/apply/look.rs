//! Effects that only look: what they find becomes findings and outputs of the plan.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use serde_json::{Value, json};

use super::record::Tee;
use super::{Outcome, Report, Tools};
use crate::effect::Smoke;
use crate::error::{Error, Result};
use crate::event::{Event, Sink};
use crate::plan::{Finding, Plan};
use crate::rules::smoke::{self, Verdict, report};
use crate::world::files;
use crate::world::git::write::Made;
use crate::world::probe::Probe;

/// What effects found out.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// What was found.
    pub findings: Vec<Finding>,
    /// Values for whoever comes next.
    pub outputs: BTreeMap<String, Value>,
    /// What it came to, instead of what was planned.
    pub summary: Option<String>,
}

impl Told {
    /// The plan with what its effects found out.
    pub fn into_plan(self, mut plan: Plan) -> Plan {
        plan.findings.extend(self.findings);
        plan.known.extend(self.outputs.keys().cloned());
        plan.outputs.extend(self.outputs);
        plan.summary = self.summary.unwrap_or(plan.summary);
        plan
    }
}

/// Does the effects of a plan that only looks, one after the other.
pub fn look(plan: &Plan, tools: &Tools, sink: &dyn Sink) -> Result<Report> {
    let tee = Tee::new(sink);
    let result = each(plan, tools, &tee);
    tools.looked(plan, &result, &tee)?;
    result
}

fn each(plan: &Plan, tools: &Tools, sink: &dyn Sink) -> Result<Report> {
    plan.verdict()?;
    let mut report = Report::new();
    for (at, effect) in plan.effects() {
        debug_assert!(effect.only_looks());
        let text = effect.to_string();
        let started = Instant::now();
        sink.event(&Event::Started { at: &at, effect: &text });
        if let Err(error) = tools.act(&at, effect, &Made::new(), sink) {
            sink.event(&Event::Failed { at: &at, effect: &text });
            return Err(error);
        }
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        sink.event(&Event::Done { at: &at, effect: &text, already: false, ms });
        report.push((at, Outcome::Done));
    }
    Ok(report)
}

impl Tools {
    /// What the effects so far found out.
    pub fn told(&self) -> Told {
        self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    pub(super) fn tell(
        &self,
        summary: &str,
        findings: impl IntoIterator<Item = Finding>,
        outputs: impl IntoIterator<Item = (&'static str, Value)>,
    ) {
        self.note(findings, outputs.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let mut told = self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        told.summary = Some(summary.to_owned());
    }

    /// The same without a summary.
    pub(super) fn note(
        &self,
        findings: impl IntoIterator<Item = Finding>,
        outputs: impl IntoIterator<Item = (String, Value)>,
    ) {
        let mut told = self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        told.findings.extend(findings);
        told.outputs.extend(outputs);
    }

    pub(super) fn smoke(&self, at: &str, effect: &Smoke, sink: &dyn Sink) -> Result<()> {
        let value = |name: String| self.env.get(&name).map(|value| (name.clone(), value.to_owned()));
        let redactor = self.redactor.clone();
        let mut probe = Probe::new(self.root.clone(), effect.within.std(), effect.at_once, effect.again);
        probe.variables = effect.variables().into_iter().filter_map(value).collect();
        probe.version = effect.version.clone();
        probe.clean = Box::new(move |text| redactor.redacted(text).into_owned());
        let total = effect.checks.len();
        let answered = std::cell::Cell::new(0);
        let outcomes = probe.run(&effect.checks, &|outcome| {
            answered.set(answered.get() + 1);
            let what =
                format!("{} of {total} checks are done; {}: {}", answered.get(), outcome.name, outcome.why);
            sink.event(&Event::Working { what: &what });
        })?;
        for line in report::table(&outcomes) {
            sink.event(&Event::Output { at, line: &line });
        }
        let verdict = smoke::verdict(&outcomes);
        let findings = outcomes.iter().map(|outcome| {
            Finding::new(outcome.verdict.into(), "smoke", outcome.why.clone()).at(outcome.name.clone())
        });
        let said = format!("smoke {}: {}", effect.environment, report::numbers(&outcomes));
        self.tell(&said, findings, [("verdict", json!(verdict)), ("checks", json!(outcomes))]);
        if let Some(path) = &effect.junit {
            let cleaned: Vec<smoke::Outcome> = outcomes.iter().map(|outcome| self.cleaned(outcome)).collect();
            self.report(path, &report::junit(&format!("smoke {}", effect.environment), &cleaned))?;
        }
        match verdict {
            Verdict::Pass => Ok(()),
            Verdict::Fail => Err(Error::no(said).at(failed(&outcomes, Verdict::Fail))),
            Verdict::Unknown => Err(Error::unknown(said).at(failed(&outcomes, Verdict::Unknown))),
        }
    }

    /// An outcome without secrets, before it is escaped for a file.
    fn cleaned(&self, outcome: &smoke::Outcome) -> smoke::Outcome {
        let clean = |text: &String| self.redactor.redacted(text).into_owned();
        smoke::Outcome {
            name: clean(&outcome.name),
            why: clean(&outcome.why),
            before: outcome.before.iter().map(clean).collect(),
            ..outcome.clone()
        }
    }

    /// Writes a report, whatever was there before.
    pub(super) fn report(&self, path: &str, text: &str) -> Result<()> {
        let full = files::locate(&self.root, path)?;
        let written = full.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&full, text));
        written.map_err(|e| Error::outside(format!("the report cannot be written: {e}")).at(path.to_owned()))
    }
}

/// The names of those that came out so, as many as fit.
fn failed(outcomes: &[smoke::Outcome], verdict: Verdict) -> String {
    const SOME: usize = 3;
    let names: Vec<&str> =
        outcomes.iter().filter(|o| o.verdict == verdict).map(|o| o.name.as_str()).collect();
    match names.len().checked_sub(SOME) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..SOME].join(", ")),
        _ => names.join(", "),
    }
}
