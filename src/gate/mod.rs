//! The checks of an environment, asked: for `gate`, and for whatever acts only when they let it.

mod backups;
mod gather;
mod overrides;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::data::CommitId;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{self, Finding};
use crate::rules::gate::config::{Gate, identifier};
use crate::rules::gate::{Answer, Check, Kind, Override, Verdict, poll, verdict};

use gather::{Asked, Gather};

pub use overrides::Overrides;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question<'q> {
    /// The environment: a name in `gates:`.
    pub environment: &'q str,
    /// Only these checks, by their names or kinds; empty for all.
    pub only: &'q [String],
    /// The time to answer for; the facts are those of now.
    pub at: Option<Timestamp>,
    /// How long is waited for what is pending, instead of what each check says.
    pub wait: Option<SignedDuration>,
    /// The digest of the plan that is to be let through.
    pub plan: Option<String>,
    /// The commit that is to be let through.
    pub commit: CommitId,
    /// Checks that pass whatever they say.
    pub overrides: Vec<Override>,
}

/// A check with what it said.
struct Line<'g> {
    check: &'g Check,
    asked: Asked,
    overridden: Option<Override>,
}

/// What the checks said.
pub struct Asking<'f> {
    lines: Vec<Line<'f>>,
    gather: Gather<'f>,
    /// All in all.
    pub verdict: Verdict,
}

/// The checks of the question, in the order of the configuration.
pub fn select<'f>(facts: &'f Facts<'_>, environment: &str, only: &[String]) -> Result<Vec<&'f Check>> {
    selected(find(facts, environment)?, only)
}

/// Asks the checks.
pub fn ask<'f>(facts: &'f Facts<'f>, question: Question<'f>) -> Result<Asking<'f>> {
    let gate = find(facts, question.environment)?;
    let at = question.at.map_or_else(|| facts.now.clone(), |at| at.to_zoned(jiff::tz::TimeZone::UTC));
    let selected = selected(gate, question.only)?;
    let overrides = question.overrides;
    let mut gather = Gather {
        facts,
        environment: question.environment,
        looked: at.timestamp(),
        at,
        commit: question.commit,
        plan: question.plan,
        ends: question.wait,
    };
    let mut answered: BTreeMap<&str, Asked> = BTreeMap::new();
    // Those that others rest on come first: checklists and expressions rest on the rest, and nothing on them.
    let mut needed: Vec<&Check> = selected.iter().flat_map(|c| gate.needs(c)).collect();
    needed.extend(&selected);
    needed.sort_by_key(|c| rank(c));
    let (first, second) = needed.split_at(needed.partition_point(|c| rank(c) == 0));
    for check in first {
        answer(check, &gather, &mut answered)?;
    }
    // The facts of another time are not waited for.
    if question.at.is_none() {
        wait(first, &overrides, &mut gather, &mut answered)?;
    }
    for check in second {
        answer(check, &gather, &mut answered)?;
    }
    let lines: Vec<Line<'_>> = selected
        .iter()
        .filter_map(|check| {
            let asked = answered.get(check.name.as_str())?.clone();
            let overridden = overrides.iter().find(|o| o.check == check.name).cloned();
            Some(Line { check, asked, overridden })
        })
        .collect();
    let verdict = verdict(lines.iter().map(|l| (l.asked.answer.verdict, l.overridden.is_some())));
    Ok(Asking { lines, gather, verdict })
}

impl Asking<'_> {
    /// What they said, for people; with the facts that each rests on, when they are to be explained.
    pub fn findings(&self, explain: bool) -> Vec<Finding> {
        if self.lines.is_empty() {
            let none = format!("gate {} has no check", self.gather.environment);
            let none = Finding::new(plan::Answer::Fail, "gate", none);
            return vec![none.hint("a gate that looks at nothing lets nothing through: add checks to it")];
        }
        self.lines.iter().flat_map(|line| findings(line, explain)).collect()
    }

    /// What they said, for machines.
    pub fn checks(&self) -> Vec<Value> {
        self.lines.iter().map(|line| record(line, false)).collect()
    }

    /// The record that an auditor reads; `only` names the checks when not all were asked.
    pub fn evidence(&self, only: &[String]) -> Result<String> {
        evidence(&self.lines, self.verdict, &self.gather, only)
    }
}

/// In which order checks are asked.
fn rank(check: &Check) -> u8 {
    match check.kind {
        Kind::Checklist(_) => 1,
        Kind::Expression(_) => 2,
        _ => 0,
    }
}

fn answer<'g>(check: &'g Check, gather: &Gather<'_>, answered: &mut BTreeMap<&'g str, Asked>) -> Result<()> {
    if !answered.contains_key(check.name.as_str()) {
        let asked = asked(check, gather, answered)?;
        answered.insert(&check.name, asked);
    }
    Ok(())
}

/// Looks again, for a while, at what may turn by itself; not when the gate is closed by something else anyway.
fn wait<'g>(
    checks: &[&'g Check],
    overrides: &[Override],
    gather: &mut Gather<'_>,
    answered: &mut BTreeMap<&'g str, Asked>,
) -> Result<()> {
    let start = gather.at.clone();
    let mut waited = SignedDuration::ZERO;
    loop {
        let counts = |check: &Check| !overrides.iter().any(|o| o.check == check.name);
        let says = |check: &Check| answered.get(check.name.as_str()).map(|a| &a.answer);
        let closed = |check: &Check| says(check).is_some_and(|a| a.verdict == Verdict::Fail);
        if checks.iter().any(|c| counts(c) && closed(c)) {
            return Ok(());
        }
        let polled = |check: &&Check| match &check.kind {
            Kind::Checks(config) => Some(gather.ends.unwrap_or(config.poll)),
            _ => None,
        };
        let pending: Vec<(&'g Check, SignedDuration)> = checks
            .iter()
            .filter(|c| counts(c) && says(c).is_some_and(|a| a.pending))
            .filter_map(|c| Some((*c, poll::pause(waited, polled(c)?)?)))
            .collect();
        let Some(pause) = pending.iter().map(|(_, pause)| *pause).min() else { return Ok(()) };
        let names: Vec<&str> = pending.iter().map(|(check, _)| check.name.as_str()).collect();
        gather.facts.pause(&format!("waiting for {}", names.join(", ")), pause.unsigned_abs());
        waited += pause;
        gather.at = start.checked_add(waited).map_err(|e| Error::usage(e.to_string()).at("--wait"))?;
        for (check, _) in pending {
            answered.insert(&check.name, asked(check, gather, answered)?);
        }
    }
}

fn find<'f>(facts: &'f Facts<'_>, environment: &str) -> Result<&'f Gate> {
    let gates = &facts.config.gates;
    gates.get(environment).ok_or_else(|| {
        let names: Vec<&str> = gates.keys().map(String::as_str).collect();
        let hint = match names.as_slice() {
            [] => "write `gates: {production: [{window: {…}}]}` into release-steps.yml".to_owned(),
            names => format!("there are gates for {}", names.join(", ")),
        };
        Error::usage(format!("there is no gate `{environment}`")).at("gates").hint(hint)
    })
}

fn selected<'g>(gate: &'g Gate, only: &[String]) -> Result<Vec<&'g Check>> {
    let means = |name: &str, check: &Check| check.name == name || check.kind.name() == name;
    if let Some(stranger) = only.iter().find(|name| !gate.0.iter().any(|c| means(name, c))) {
        let names: Vec<&str> = gate.0.iter().map(|c| c.name.as_str()).collect();
        return Err(Error::usage(format!("the gate has no check `{stranger}`"))
            .at("--only")
            .hint(format!("its checks are {}", names.join(", "))));
    }
    Ok(gate.0.iter().filter(|c| only.is_empty() || only.iter().any(|name| means(name, c))).collect())
}

/// Asks one check; those that it rests on have answered.
fn asked(check: &Check, gather: &Gather<'_>, answered: &BTreeMap<&str, Asked>) -> Result<Asked> {
    match &check.kind {
        Kind::Checklist(list) => {
            let others: BTreeMap<String, Answer> =
                answered.iter().map(|(name, asked)| ((*name).to_owned(), asked.answer.clone())).collect();
            Ok(gather.checklist(list, &others))
        }
        Kind::Expression(expression) => {
            let mut facts = gather.names()?;
            let mut answers = serde_json::Map::new();
            for (name, asked) in answered {
                answers.insert(identifier(name), asked.answer.verdict.to_string().into());
                // A check that is named like a name of expressions is only among the answers.
                if let (Some(known), false) = (&asked.facts, facts.contains_key(&identifier(name))) {
                    facts.insert(identifier(name), known.clone());
                }
            }
            facts.insert("answers".to_owned(), answers.into());
            let missing = |name: &str| {
                answered
                    .iter()
                    .find(|(n, _)| identifier(n) == name)
                    .map(|(_, asked)| asked.answer.why.clone())
            };
            let facts = Value::from(facts);
            let answer = expression.answer(&facts, missing);
            Ok(Asked { answer, facts: Some(json!({ "expression": expression.source() })) })
        }
        _ => gather.ask(&check.kind),
    }
}

/// What a check says, for people.
fn findings(line: &Line<'_>, explain: bool) -> Vec<Finding> {
    let (name, answer) = (&line.check.name, &line.asked.answer);
    let said = plan::Answer::from(answer.verdict);
    let since = answer.since.map_or(String::new(), |t| format!(", since {t}"));
    let message = format!("{name}: {}{since}", answer.why);
    let finding = match &line.overridden {
        None => Finding::new(said, name, message),
        Some(it) if answer.verdict == Verdict::Pass => {
            Finding::new(said, name, format!("{message} (the override by {} was not needed)", it.by))
        }
        Some(it) => Finding::new(
            plan::Answer::Warning,
            name,
            format!(
                "{name}: overridden by {} until {}: {}; it says {}: {}{since}",
                it.by, it.until, it.reason, answer.verdict, answer.why
            ),
        ),
    };
    let finding = match &answer.turn {
        Some(turn) => finding.hint(turn),
        None => finding,
    };
    let facts = line.asked.facts.as_ref().filter(|_| explain);
    let facts = facts
        .map(|facts| Finding::new(plan::Answer::Note, name, format!("{name} rests on {}", short(facts))));
    [finding].into_iter().chain(facts).collect()
}

/// A check with its answer, for machines.
fn record(line: &Line<'_>, with_facts: bool) -> Value {
    let mut out = json!({ "name": line.check.name, "kind": line.check.kind.name() });
    let mut add = |key: &str, value: Value| {
        if let Some(map) = out.as_object_mut() {
            map.insert(key.to_owned(), value);
        }
    };
    if let Ok(Value::Object(answer)) = serde_json::to_value(&line.asked.answer) {
        answer.into_iter().for_each(|(key, value)| add(&key, value));
    }
    if let Some(it) = &line.overridden {
        add("override", json!({ "reason": it.reason, "by": it.by, "until": it.until }));
    }
    if with_facts {
        add("facts", line.asked.facts.as_ref().map_or(Value::Null, short));
    }
    out
}

/// The record that an auditor reads.
fn evidence(lines: &[Line<'_>], whole: Verdict, gather: &Gather<'_>, only: &[String]) -> Result<String> {
    let facts = gather.facts;
    let checks: Vec<Value> = lines.iter().map(|line| record(line, true)).collect();
    let mut document = json!({
        "format": 1,
        "tool": format!("release-steps {}", env!("CARGO_PKG_VERSION")),
        "gate": gather.environment,
        "verdict": whole,
        "at": gather.at.timestamp(),
        "asked": facts.now.timestamp(),
        "commit": gather.commit,
        "branch": facts.branch()?,
        "plan": gather.plan,
        "started_by": gather.starters(),
        "checks": checks,
    });
    // The verdict of some checks is not that of the gate.
    if !only.is_empty() {
        document["only"] = json!(only);
    }
    Ok(facts.redactor().clean(&format!("{document:#}\n")).into_owned())
}

/// A value whose long texts are cut: what a page or a command printed is no evidence in full.
fn short(value: &Value) -> Value {
    const MOST: usize = 2_000;
    match value {
        Value::String(text) if text.chars().count() > MOST => {
            format!("{}…", text.chars().take(MOST).collect::<String>()).into()
        }
        Value::Array(list) => list.iter().map(short).collect(),
        Value::Object(map) => {
            map.iter().map(|(k, v)| (k.clone(), short(v))).collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}
