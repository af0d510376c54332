//! What only looks at the outside: it changes nothing but the reports that it writes.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::data::Period;
use crate::rules::smoke::config::Check;

/// Looks whether what was deployed answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smoke {
    /// The environment, or what stands for one.
    pub environment: String,
    /// What must answer.
    pub checks: Vec<Check>,
    /// How long all may take together, with everything that is tried again.
    pub within: Period,
    /// How many look at the same time.
    pub at_once: usize,
    /// Whether a check is looked at again until it is as expected.
    pub again: bool,
    /// The version that was deployed, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The file for JUnit XML, from the top of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub junit: Option<String>,
}

impl Smoke {
    /// The variables that the checks name.
    pub fn variables(&self) -> BTreeSet<String> {
        self.checks.iter().flat_map(|check| check.kind.variables()).collect()
    }

    /// Those of them that stand where secrets stand.
    pub fn secrets(&self) -> BTreeSet<String> {
        self.checks.iter().flat_map(|check| check.kind.secrets()).collect()
    }
}

impl fmt::Display for Smoke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.checks.len();
        let s = if n == 1 { "" } else { "s" };
        let how = if self.again { "until all answer as expected, " } else { "once, " };
        write!(f, "look at {n} check{s} {how}within {}", self.within)?;
        self.junit.iter().try_for_each(|file| write!(f, "; write {file}"))
    }
}
