//! Watching after a deployment: a state machine that gets what was seen at each look and says what comes next. It asks
//! nobody and knows no clock, so a new process goes on from the stored state.

pub mod change;
pub mod config;
pub mod judge;
pub mod report;
pub mod state;
pub mod stats;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a look, a metric or the whole comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All is well.
    Pass,
    /// There was nothing to see, or too little to tell. Never a failure unless the configuration says so.
    NoData,
    /// Who measures did not answer. Never a failure unless the configuration says so.
    ProviderError,
    /// It has gone wrong.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Pass => "pass",
            Verdict::NoData => "no-data",
            Verdict::ProviderError => "provider-error",
            Verdict::Fail => "fail",
        })
    }
}

/// What was read at a look.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// A value.
    Value(f64),
    /// Nothing, and why.
    Nothing(String),
    /// Who measures did not answer, or not as documented.
    Error(String),
}

/// What a baseline window held.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// The mean of its values.
    pub mean: f64,
    /// How they scatter; none of fewer than two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    /// How many there were.
    pub count: usize,
}

/// What was seen of one metric at a look.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its value.
    pub value: Reading,
    /// How many events it stands for, where that is asked for.
    pub events: Option<Reading>,
    /// What it is compared with: a baseline query, or the stable version beside a canary.
    pub other: Option<Reading>,
    /// The baseline window, where it was read at this look.
    pub past: Option<Result<Past, Reading>>,
    /// The shares of errors over the long and the short window of each pair.
    pub burn: Vec<(Reading, Reading)>,
}

impl Seen {
    /// A value and nothing else.
    pub fn of(value: Reading) -> Self {
        Seen { value, events: None, other: None, past: None, burn: Vec::new() }
    }
}
