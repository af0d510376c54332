//! Our own JSON: what a gate reads, and the best baseline.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{Outcome, Verdict, reason};
use crate::data::CommitId;
use crate::rules::scan::judge::{Policy, Then, Why};
use crate::rules::scan::read::Format;
use crate::rules::scan::{Finding, Severity};

/// A report that was read.
#[derive(Debug, Clone, Serialize)]
pub struct Read {
    /// Its path.
    pub path: String,
    /// What it is written in; none when that could not be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// How many findings it has.
    pub findings: usize,
    /// Why it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

#[derive(Serialize)]
struct Objected<'f> {
    id: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    severity: Severity,
    why: Why,
    because: String,
    then: Then,
}

/// Of what a scan was made, and when.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    /// The commit that was checked out; none before the first one.
    pub commit: Option<CommitId>,
    /// When the oldest of its reports was written.
    pub at: Timestamp,
}

/// The result as JSON, a finding a line. The same reports of the same commit give the same bytes.
pub fn result(
    outcome: &Outcome<'_>,
    policy: &Policy,
    verdict: Verdict,
    reads: &[Read],
    waived: &[&Finding],
    made: Made,
) -> String {
    let objected: Vec<Objected<'_>> = outcome
        .objections
        .iter()
        .filter_map(|o| outcome.findings.get(o.finding).map(|f| (o, f)))
        .map(|(o, f)| Objected {
            id: f.id(),
            package: f.package.as_deref(),
            place: f.places.first().map(ToString::to_string),
            severity: f.severity,
            why: o.why,
            because: reason(o.why, policy),
            then: o.then,
        })
        .collect();
    let counts: serde_json::Map<String, serde_json::Value> = outcome
        .counts()
        .iter()
        .map(|(severity, (all, new))| (severity.to_string(), json!({ "all": all, "new": new })))
        .collect();
    let mut scanners: Vec<&str> =
        outcome.findings.iter().flat_map(|f| f.scanners.iter()).map(|s| &**s).collect();
    scanners.sort_unstable();
    scanners.dedup();
    let list = |lines: Vec<String>| match lines.is_empty() {
        true => "[]".to_owned(),
        false => format!("[\n    {}\n  ]", lines.join(",\n    ")),
    };
    let fields: [(&str, String); 13] = [
        ("release-steps-scan", json!({ "format": 1, "tool": env!("CARGO_PKG_VERSION") }).to_string()),
        ("commit", line(&made.commit)),
        ("at", line(&made.at)),
        ("verdict", line(&verdict)),
        ("counts", serde_json::Value::Object(counts).to_string()),
        ("scanners", line(&scanners)),
        ("reports", list(reads.iter().map(line).collect())),
        ("tests", line(&outcome.tests)),
        ("coverage", line(&outcome.coverage)),
        ("policy", line(policy)),
        ("objections", list(objected.iter().map(line).collect())),
        ("waived", list(waived.iter().map(|f| line(*f)).collect())),
        ("findings", list(outcome.findings.iter().map(line).collect())),
    ];
    let fields: Vec<String> =
        fields.into_iter().map(|(key, value)| format!("  \"{key}\": {value}")).collect();
    format!("{{\n{}\n}}\n", fields.join(",\n"))
}

/// Anything that serde writes, on one line.
fn line(value: &impl Serialize) -> String {
    // These types have string keys only and numbers that are finite: they can always be written.
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
