//! What a plan puts out, as names and texts.

use serde_json::{Map, Value};

use super::json::outcome;
use crate::apply::Report;
use crate::error::Error;
use crate::plan::Plan;

/// How a command ended, for whoever publishes it.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// The plan, where it came to one.
    pub plan: Option<&'a Plan>,
    /// What was done.
    pub report: Option<&'a Report>,
    /// Why it ended otherwise.
    pub error: Option<&'a Error>,
}

impl Ending<'_> {
    /// `planned`, `done`, `nothing-to-do`, `answered` or `refused`.
    pub fn outcome(&self) -> &'static str {
        outcome(self.plan, self.report, self.error)
    }

    /// The plan's outputs, as far as they are true: those of a plan that was refused, or that was not applied to its
    /// end, speak of what is not there.
    fn outputs(&self) -> Map<String, Value> {
        let Some(plan) = self.plan else { return Map::new() };
        let all = self.error.is_none() || plan.regardless || plan.is_empty();
        let holds = |name: &String| all || plan.known.contains(name);
        plan.outputs.clone().into_iter().filter(|(name, _)| holds(name)).collect()
    }

    /// Names and values for the next steps: `outcome`, `summary` and `json` (all outputs as one object), then the
    /// outputs by their names. Lists and objects are JSON.
    pub fn values(&self) -> Vec<(String, String)> {
        let outputs = self.outputs();
        let mut values = vec![("outcome".to_owned(), self.outcome().to_owned())];
        if let Some(plan) = self.plan {
            values.push(("summary".to_owned(), plan.summary.clone()));
        }
        values.push(("json".to_owned(), Value::Object(outputs.clone()).to_string()));
        for (name, value) in outputs {
            // A name that a runner would not take, or one of the three above.
            if !is_name(&name) || values.iter().any(|(taken, _)| *taken == name) {
                continue;
            }
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text,
                other => other.to_string(),
            };
            values.push((name, text));
        }
        values
    }
}

/// Whether this is a name for an output on either forge.
fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
