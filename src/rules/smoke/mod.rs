//! Smoke checks: what must answer after a deployment, whether it did, and what is said about it.

pub mod config;
pub mod job;
pub mod judge;
mod kind;
pub mod report;
pub mod status;
#[cfg(test)]
mod tests;
pub mod text;

use serde::Serialize;

/// What came of a check: as expected, not to be looked at, or not as expected.
pub use crate::rules::gate::Verdict;

/// What one look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in a few words.
    pub why: String,
}

impl Look {
    /// As expected.
    pub fn pass(why: impl Into<String>) -> Self {
        Look { verdict: Verdict::Pass, why: why.into() }
    }

    /// Not as expected.
    pub fn fail(why: impl Into<String>) -> Self {
        Look { verdict: Verdict::Fail, why: why.into() }
    }

    /// It could not be looked at.
    pub fn unknown(why: impl Into<String>) -> Self {
        Look { verdict: Verdict::Unknown, why: why.into() }
    }
}

/// A check with what came of it in the end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// The verdict of the last look.
    pub verdict: Verdict,
    /// Why.
    pub why: String,
    /// How often was looked.
    pub tries: u32,
    /// How long it took with all tries, in milliseconds.
    pub ms: u64,
    /// What earlier looks came to, where it differs from the last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
}

/// The verdict of all: the worst.
pub fn verdict(outcomes: &[Outcome]) -> Verdict {
    outcomes.iter().map(|o| o.verdict).max().unwrap_or(Verdict::Unknown)
}
