//! Records of what was done: one for each plan that was applied, and what follows from them for an environment.

pub mod chart;
pub mod digests;
pub mod figures;
pub mod page;
pub mod standing;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;

/// The version of a record's JSON.
pub const FORMAT: u32 = 1;

/// What was done, by whom, when, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`].
    pub format: u32,
    /// Its name: when it began and the digest of the plan.
    pub id: String,
    /// The version of release-steps.
    pub tool: String,
    /// The step: `deploy`, `rollback`, `release`, …
    pub step: String,
    /// What the plan was to bring about, in a line.
    pub summary: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, where it did not come to its end as planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Error>,
    /// Who started it, as the CI job or git says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Where it ran: the address of the CI job, or the name of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// What was deployed, and where to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Deployment>,
    /// The commit that `HEAD` was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What was found, before and by the effects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Found>,
    /// The effects, in the order in which they ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Did>,
    /// Values of the plan: gate answers, approvals, checks, metrics, migration, …
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Value>,
}

/// What was deployed, and where to. Stands in the plan too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The environment.
    pub environment: String,
    /// The version that is live when all goes well.
    pub version: String,
    /// The version that was live before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The commit of the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The SHA-256 of each artifact, by its file name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digests: BTreeMap<String, String>,
    /// Whether something looks at what was deployed before it counts as verified.
    #[serde(default)]
    pub verifies: bool,
    /// Until when a rollback is offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_until: Option<Timestamp>,
    /// How many seconds a recovery may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<u64>,
    /// Since when what was live was bad: recovery is counted from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_since: Option<Timestamp>,
    /// How many seconds the recovery took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<u64>,
}

/// What came of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It has begun, and nobody has said how it ended.
    Running,
    /// All of it was done.
    Done,
    /// It failed, and what was there before was put back.
    RolledBack,
    /// It was done, and it could not be told whether it is well.
    Unverified,
    /// It failed, and nothing was put back.
    Failed,
    /// It was refused before anything was changed.
    Refused,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Outcome::Running => "running",
            Outcome::Done => "done",
            Outcome::RolledBack => "rolled back",
            Outcome::Unverified => "not verified",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
        })
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// `pass`, `note`, `warning`, `unknown`, `fail`.
    pub answer: String,
    /// The check.
    pub check: String,
    /// Why.
    pub message: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// An effect that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Did {
    /// Its place in the plan.
    pub at: String,
    /// What it did.
    pub effect: String,
    /// `done`, `already` or `failed`.
    pub how: String,
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

impl Record {
    /// The record's path in the store: by environment for deployments, by step for everything else.
    pub fn path(&self) -> String {
        match &self.deployment {
            Some(it) => format!("{}{}.json", folder(&it.environment), self.id),
            None => format!("runs/{}/{}.json", plain(&self.step), self.id),
        }
    }

    /// How long it took, in seconds.
    pub fn seconds(&self) -> Option<i64> {
        Some(self.ended?.duration_since(self.started).as_secs())
    }

    /// As JSON, with a final newline.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a record; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Record, String> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let bad = |e: serde_json::Error| format!("it is no record: {e}");
        match serde_json::from_str::<Head>(text).map_err(bad)?.format {
            FORMAT => serde_json::from_str(text).map_err(bad),
            other => Err(format!("it has format {other}, this release-steps knows {FORMAT}")),
        }
    }
}

/// The id of a record: sorted by name, records are sorted by time.
pub fn id(started: Timestamp, digest: &str) -> String {
    format!("{}-{digest}", started.strftime("%Y%m%dT%H%M%S%.3fZ"))
}

/// Where the records of an environment's deployments are.
pub fn folder(environment: &str) -> String {
    format!("deployments/{}/", plain(environment))
}

/// Where all deployments are.
pub const DEPLOYMENTS: &str = "deployments/";
/// Where everything else is.
pub const RUNS: &str = "runs/";

/// A name as a part of a path.
fn plain(name: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "_-".contains(c) { c } else { '-' };
    name.chars().map(keep).take(80).collect()
}
