//! What only looks at the outside: it changes nothing but the reports that it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::data::Period;
use crate::rules::smoke::config::Check;
use crate::rules::verify;

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

/// Compares what is about to be deployed with what was recorded of its version: build once, deploy many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifacts {
    /// The environment.
    pub environment: String,
    /// The version.
    pub version: String,
    /// The files, as globs from the top of the repository.
    pub files: Vec<String>,
    /// What was recorded of the version by the time of the plan: the SHA-256 by file name. Deployments that are recorded
    /// until it is applied count too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub recorded: BTreeMap<String, String>,
    /// Where that was recorded, for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl Artifacts {
    /// What was recorded, a line each.
    pub fn parts(&self) -> Vec<String> {
        let short = |digest: &String| digest.chars().take(12).collect::<String>();
        self.recorded.iter().map(|(name, digest)| format!("{name}: sha256:{}", short(digest))).collect()
    }
}

impl fmt::Display for Artifacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.files.join(", ");
        match &self.from {
            Some(from) => write!(f, "compare {files} with what {from} recorded of {}", self.version),
            None => write!(f, "record the digests of {files} for {}", self.version),
        }
    }
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
        let how = if self.again { "again until all pass, " } else { "once, " };
        write!(f, "{n} check{s}, {how}within {}", self.within)?;
        self.junit.iter().try_for_each(|file| write!(f, "; write {file}"))
    }
}

/// Watches metrics until they have told whether the deployment is well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// The environment.
    pub environment: String,
    /// What is watched, and when it has gone wrong.
    pub verify: verify::config::Verify,
    /// What was deployed: a watch of something else does not go on from the same state.
    pub deployed: String,
    /// When it was deployed: the baseline is the time before. Without, it is when the watch begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The file that holds the state between looks.
    pub state: String,
    /// Whether a watch that did not come to its end begins anew.
    #[serde(default)]
    pub restart: bool,
    /// The file for a summary in Markdown, from the top of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

impl fmt::Display for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, s) = (self.verify.metrics.len(), if self.verify.metrics.len() == 1 { "" } else { "s" });
        write!(f, "watch {n} metric{s} for {}, every {}", self.verify.length, self.verify.interval)?;
        self.summary.iter().try_for_each(|file| write!(f, "; write {file}"))
    }
}

impl Verify {
    /// What is watched, a line each.
    pub fn parts(&self) -> Vec<String> {
        let metrics = self.verify.metrics.iter();
        metrics
            .map(|metric| {
                let fail = metric.fail.unwrap_or(self.verify.fail);
                let how = match fail.counting {
                    verify::config::Counting::Consecutive => "in a row",
                    verify::config::Counting::Cumulative => "in all",
                };
                format!("{}: {}; fails after {} {how}", metric.name, metric.expects(), fail.after)
            })
            .collect()
    }
}
