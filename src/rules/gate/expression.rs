//! Conditions as minijinja expressions over the facts, strictly.
//!
//! A misspelt name is undefined for minijinja and vanishes behind `or`; so names are checked when the configuration loads,
//! fields when the facts are known, and the result must be true or false itself
//! (<https://docs.rs/minijinja/latest/minijinja/struct.Expression.html#method.undeclared_variables>).

use std::collections::BTreeSet;

use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, UndefinedBehavior};
use serde::Deserialize;
use serde_json::Value;

use crate::rules::gate::Answer;

/// A minijinja expression that must be true.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Expression {
    source: String,
    /// Every name that it uses, with the fields behind it: `scan.high`.
    names: BTreeSet<String>,
}

impl TryFrom<String> for Expression {
    type Error = String;

    fn try_from(source: String) -> Result<Self, String> {
        let environment = environment();
        let expression = environment
            .compile_expression(&source)
            .map_err(|e| format!("`{source}` is no expression: {e}"))?;
        let names = expression.undeclared_variables(true).into_iter().collect();
        Ok(Expression { source, names })
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

impl Expression {
    /// Every name that it uses, with the fields behind it: `scan.high`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The answer over facts, a JSON object. `missing` says why a fact is not there.
    pub fn answer(&self, facts: &Value, missing: impl Fn(&str) -> Option<String>) -> Answer {
        let mut used = Vec::new();
        for path in &self.names {
            let mut at = Some(facts);
            for part in path.split('.') {
                at = at.and_then(|value| value.get(part));
            }
            match at {
                None => {
                    let name = path.split('.').next().unwrap_or_default();
                    let why = missing(name).unwrap_or_else(|| "it is not there".to_owned());
                    return Answer::unknown(format!("`{path}` is not known: {why}"));
                }
                Some(value) if !value.is_object() && !value.is_array() => {
                    used.push(format!("{path} = {value}"))
                }
                Some(_) => {}
            }
        }
        let environment = environment();
        let result = environment
            .compile_expression(&self.source)
            .and_then(|expression| expression.eval(minijinja::Value::from(Serde(facts.clone()))));
        let with = if used.is_empty() { String::new() } else { format!(" ({})", used.join(", ")) };
        match result {
            Err(error) => Answer::unknown(format!("`{}` could not be answered: {error}{with}", self.source)),
            Ok(value) if value.kind() == ValueKind::Bool => match value.is_true() {
                true => Answer::pass(format!("`{}`{with}", self.source)),
                false => Answer::fail(format!("not `{}`{with}", self.source)).turn("the condition must hold"),
            },
            Ok(value) => Answer::unknown(format!(
                "`{}` is neither true nor false, it is {}{with}",
                self.source,
                value.kind()
            )),
        }
    }

    /// As it is written.
    pub fn source(&self) -> &str {
        &self.source
    }
}
