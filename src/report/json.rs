//! Machines: events as JSON lines on standard error, one document on standard output.

use std::io::Write as _;
use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::apply::Report;
use crate::error::Error;
use crate::event::{Event, Sink};
use crate::plan::Plan;
use crate::redact::Redactor;

/// Writes each event as a line of JSON, with its time.
#[derive(Debug)]
pub struct Json {
    redactor: Redactor,
    out: Mutex<std::io::Stderr>,
}

impl Json {
    /// A reporter on standard error.
    pub fn new(redactor: Redactor) -> Self {
        Json { redactor, out: Mutex::new(std::io::stderr()) }
    }
}

impl Sink for Json {
    fn event(&self, event: &Event<'_>) {
        let Ok(Value::Object(mut line)) = serde_json::to_value(event) else {
            return;
        };
        line.insert("time".to_owned(), json!(Timestamp::now()));
        let line = Value::Object(line).to_string();
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Nobody reads: not a reason to stop in the middle of a release.
        drop(writeln!(out, "{}", self.redactor.clean_json(&line)));
    }
}

/// Whether a plan answers a question, and would never have effects.
fn is_question(plan: &Plan) -> bool {
    let questions = ["version next", "version check", "version replay", "branch check", "branch calendar"];
    questions.contains(&plan.step.as_str()) || plan.outputs.contains_key("changelog")
}

/// How a command ended, in a word.
pub(super) fn outcome(plan: Option<&Plan>, report: Option<&Report>, error: Option<&Error>) -> &'static str {
    match (error, plan, report) {
        (Some(_), ..) => "refused",
        (None, Some(plan), _) if plan.is_empty() && is_question(plan) => "answered",
        (None, Some(plan), _) if plan.is_empty() => "nothing-to-do",
        (None, _, Some(_)) => "done",
        (None, _, None) => "planned",
    }
}

/// The one document that `--json` prints: the plan's outputs at the top level, then what was found and done.
///
/// `outcome` is `planned`, `done`, `nothing-to-do`, `answered` (a question has no effects) or `refused`.
pub fn document(plan: Option<&Plan>, report: Option<&Report>, error: Option<&Error>) -> Value {
    let mut out = Map::new();
    if let Some(plan) = plan {
        out.extend(plan.outputs.clone());
        out.insert("step".to_owned(), json!(plan.step));
        out.insert("summary".to_owned(), json!(plan.summary));
        out.insert("findings".to_owned(), json!(plan.findings));
        let effects: Vec<Value> = plan
            .effects()
            .map(|(at, effect)| {
                let state = match report {
                    None => json!("planned"),
                    Some(report) => report
                        .iter()
                        .find(|(place, _)| *place == at)
                        .map_or(json!("not-done"), |(_, outcome)| json!(outcome)),
                };
                json!({ "at": at, "effect": effect.to_string(), "state": state })
            })
            .collect();
        out.insert("effects".to_owned(), json!(effects));
    }
    out.insert("outcome".to_owned(), json!(outcome(plan, report, error)));
    if let Some(error) = error {
        out.insert("error".to_owned(), json!(error));
    }
    Value::Object(out)
}
