//! Checks of numbers: scan results, coverage, health, metrics.

use std::collections::BTreeMap;

use jiff::{Span, Timestamp, Zoned};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::Lapse;
use crate::rules::gate::{Answer, age, brief};
use crate::rules::scan::Severity;

/// The result of a `scan`, from the file that it wrote.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ScanConfig {
    /// The file with the result, from the top of the repository.
    pub file: String,
    /// The most findings of each severity that may be open: `{critical: 0, high: 0}`. Without, the scan's own verdict
    /// counts alone.
    #[serde(default)]
    pub at_most: BTreeMap<Severity, u64>,
    /// How old the result may be.
    #[serde(default)]
    pub max_age: Option<Lapse>,
}

/// What a scan said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Scan {
    /// Its own verdict: whether its policy holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Of which commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Open findings by severity.
    #[serde(flatten)]
    pub open: BTreeMap<Severity, u64>,
}

/// Reads the result that `scan` wrote. Severities that it does not count have no findings.
pub fn scan(text: &str) -> Result<Scan, String> {
    let result: Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}"))?;
    if result["release-steps-scan"]["format"] != 1 {
        return Err("it is no result of `scan` in a format that this release-steps knows".to_owned());
    }
    let counts = result["counts"].as_object().ok_or("it counts no findings: it is no result of `scan`")?;
    let passed = match result["verdict"].as_str() {
        Some("pass") => Some(true),
        Some("fail") => Some(false),
        Some("unknown") | None => None,
        Some(other) => return Err(format!("`{}` is no verdict", brief(other))),
    };
    let mut open = BTreeMap::new();
    for severity in Severity::WORST_FIRST {
        let name = severity.name();
        let count = match counts.get(name) {
            None => Some(0),
            Some(count) => count.as_u64().or_else(|| count["all"].as_u64()),
        };
        open.insert(severity, count.ok_or_else(|| format!("its count of {name} findings is no number"))?);
    }
    let text = |key: &str| result[key].as_str();
    Ok(Scan {
        passed,
        at: text("at").and_then(|t| t.parse().ok()),
        commit: text("commit").map(str::to_owned),
        open,
    })
}

impl ScanConfig {
    /// The answer at a time, for a commit.
    pub fn answer(&self, scan: &Scan, commit: &str, at: &Zoned) -> Answer {
        match scan.commit.as_deref() {
            Some(own) if own == commit => {}
            Some(other) => {
                return Answer::unknown(format!("the scan is of another commit, {}", brief(other)))
                    .turn("scan this commit");
            }
            None => {
                return Answer::unknown("the scan does not say of which commit it is").turn("scan again");
            }
        }
        if let Some(limit) = self.max_age {
            let Some(made) = scan.at else {
                return Answer::unknown("the scan does not say when it was made").turn("scan again");
            };
            let age = age("the scan", made, limit.0, at);
            if age.verdict != super::Verdict::Pass {
                // It says nothing of what is known today.
                return Answer { verdict: super::Verdict::Unknown, ..age }.turn("scan again");
            }
        }
        for (severity, most) in self.at_most.iter().rev() {
            let name = severity.name();
            match scan.open.get(severity) {
                None => return Answer::unknown(format!("the scan does not count {name} findings")),
                Some(open) if open > most => {
                    return Answer::fail(format!("{open} {name} findings are open, {most} are allowed"))
                        .since(scan.at)
                        .turn("fix them, or waive them with an owner and an end");
                }
                Some(_) => {}
            }
        }
        match scan.passed {
            Some(true) => Answer::pass("the scan passed").since(scan.at),
            Some(false) => Answer::fail("the scan failed").since(scan.at).turn("see the scan's own findings"),
            None => Answer::unknown("the scan does not know whether it passed")
                .turn("see the scan's own findings"),
        }
    }
}

/// How much of the code the tests reach.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CoverageConfig {
    /// The report, from the top of the repository: lcov's tracefile, Cobertura's XML, or a result of `scan`.
    pub file: String,
    /// The least coverage of lines, in percent.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// The report of the base, to compare with.
    #[serde(default)]
    pub base: Option<String>,
    /// How far it may fall below the base, in percentage points: `0.5`.
    #[serde(default)]
    pub fall_at_most: Option<f64>,
}

/// Coverage of lines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coverage {
    /// Of a hundred lines.
    pub percent: f64,
    /// Of the base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<f64>,
}

impl CoverageConfig {
    /// What is wrong with it, if anything.
    pub fn refused(&self) -> Option<String> {
        if self.at_least.is_none() && self.fall_at_most.is_none() {
            return Some("`at_least` or `fall_at_most` is needed".to_owned());
        }
        if self.fall_at_most.is_some() != self.base.is_some() {
            return Some("`fall_at_most` and `base` belong together".to_owned());
        }
        let odd = |n: &f64| !(0.0..=100.0).contains(n);
        (self.at_least.iter().chain(&self.fall_at_most).any(odd))
            .then(|| "percentages go from 0 to 100".to_owned())
    }

    /// The answer.
    pub fn answer(&self, coverage: &Coverage) -> Answer {
        let now = coverage.percent;
        // A rounding error is no fall.
        const SLACK: f64 = 1e-9;
        if let Some(least) = self.at_least.filter(|least| now + SLACK < *least) {
            return Answer::fail(format!("{now:.2} % of the lines are covered, {least} % are needed"))
                .turn("test more");
        }
        let Some(most) = self.fall_at_most else {
            return Answer::pass(format!("{now:.2} % of the lines are covered"));
        };
        let Some(base) = coverage.base else {
            return Answer::unknown("the coverage of the base is not known");
        };
        let fall = base - now;
        let words = format!("{now:.2} % of the lines are covered, {base:.2} % at the base");
        Answer::of(fall <= most + SLACK, words)
            .turn(format!("it fell by {fall:.2}, {most} are allowed: test what is new"))
    }
}

/// The value of a header: a text, or the variable that holds it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum HeaderText {
    /// The value itself; no secret.
    Plain(String),
    /// The variable that holds it.
    Variable(HeaderVariable),
}

/// A variable that holds the value of a header; it comes out in no text.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HeaderVariable {
    /// Its name.
    pub env: String,
}

/// An address that must answer well.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HealthConfig {
    /// The address.
    pub url: String,
    /// The status that it must answer with. Default: 200.
    #[serde(default = "ok")]
    pub status: u16,
    /// A text that the answer must contain.
    #[serde(default)]
    pub contains: Option<String>,
    /// Values that the answer, as JSON, must have, by JSON Pointer
    /// (<https://www.rfc-editor.org/rfc/rfc6901>): `{/status: ok}`.
    #[serde(default)]
    pub json: BTreeMap<String, Value>,
    /// The variable that holds a token, sent as `Authorization: Bearer …` to this server alone.
    #[serde(default)]
    pub token_env: Option<String>,
    /// Headers to send to this server alone: `{X-Scope-OrgID: team, X-Api-Key: {env: API_KEY}}`.
    #[serde(default)]
    pub headers: BTreeMap<String, HeaderText>,
    /// How long it may take.
    #[serde(default = "five_seconds")]
    pub within: Lapse,
}

fn ok() -> u16 {
    200
}

fn five_seconds() -> Lapse {
    Lapse(Span::new().seconds(5))
}

/// What an address answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The status.
    pub status: u16,
    /// The text.
    pub body: String,
}

impl HealthConfig {
    /// The answer.
    pub fn answer(&self, health: &Health) -> Answer {
        let turn = format!("see what is wrong with {}", self.url);
        let fail = |why: String| Answer::fail(format!("{}: {why}", self.url)).turn(turn.clone());
        if health.status != self.status {
            return fail(format!(
                "it answers {}, not {}: {}",
                health.status,
                self.status,
                brief(&health.body)
            ));
        }
        if let Some(text) = self.contains.as_ref().filter(|text| !health.body.contains(text.as_str())) {
            return fail(format!("its answer does not contain `{}`", brief(text)));
        }
        if !self.json.is_empty() {
            let Ok(body) = serde_json::from_str::<Value>(&health.body) else {
                return fail("its answer is no JSON".to_owned());
            };
            for (pointer, wanted) in &self.json {
                match body.pointer(pointer) {
                    Some(found) if found == wanted => {}
                    Some(found) => {
                        return fail(format!("{pointer} is {}, not {wanted}", brief(&found.to_string())));
                    }
                    None => return fail(format!("its answer has no {pointer}")),
                }
            }
        }
        Answer::pass(format!("{} answers {}", self.url, health.status))
    }
}

/// A Prometheus query whose values must keep to a threshold.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PrometheusConfig {
    /// The address of the server: `https://prometheus.example.org`.
    pub url: String,
    /// The query, in PromQL.
    pub query: String,
    /// The most that every value may be.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// The least that every value may be.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// The variable that holds a token, sent as `Authorization: Bearer …` to this server alone.
    #[serde(default)]
    pub token_env: Option<String>,
    /// Headers to send to this server alone: `{X-Scope-OrgID: team, X-Api-Key: {env: API_KEY}}`.
    #[serde(default)]
    pub headers: BTreeMap<String, HeaderText>,
    /// How long it may take.
    #[serde(default = "half_a_minute")]
    pub within: Lapse,
}

fn half_a_minute() -> Lapse {
    Lapse(Span::new().seconds(30))
}

/// What a query answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Samples {
    /// The values.
    pub values: Vec<f64>,
}

impl PrometheusConfig {
    /// What is wrong with it, if anything.
    pub fn refused(&self) -> Option<String> {
        let none = self.at_most.is_none() && self.at_least.is_none();
        none.then(|| "`at_most` or `at_least` is needed".to_owned())
    }

    /// The answer. No value, or one that is no number, is unknown.
    pub fn answer(&self, samples: &Samples) -> Answer {
        let query = brief(&self.query);
        if samples.values.is_empty() || samples.values.iter().any(|v| v.is_nan()) {
            return Answer::unknown(format!("`{query}` has no value"))
                .turn("see whether the metric is there");
        }
        let high = samples.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let low = samples.values.iter().copied().fold(f64::INFINITY, f64::min);
        if let Some(most) = self.at_most.filter(|most| high > *most) {
            return Answer::fail(format!("`{query}` is {high}, at most {most} is allowed"))
                .turn("bring it down");
        }
        if let Some(least) = self.at_least.filter(|least| low < *least) {
            return Answer::fail(format!("`{query}` is {low}, at least {least} is needed"))
                .turn("bring it up");
        }
        Answer::pass(format!("`{query}` is {high}"))
    }
}

/// The values in Prometheus' answer to an instant query
/// (<https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>).
pub fn samples(answer: &str) -> Result<Samples, String> {
    let answer: Value = serde_json::from_str(answer).map_err(|e| format!("the answer is no JSON: {e}"))?;
    if answer["status"] != "success" {
        let why = answer["error"].as_str().unwrap_or("it does not say why");
        return Err(format!("the query failed: {}", brief(why)));
    }
    // Such as a store that did not answer: what is there may not be all.
    if let Some(warning) = answer["warnings"].get(0) {
        let warning = warning.as_str().map_or_else(|| warning.to_string(), str::to_owned);
        return Err(format!("the answer may be incomplete: {}", brief(&warning)));
    }
    let value = |sample: &Value| -> Result<f64, String> {
        let text = sample.get(1).and_then(Value::as_str).ok_or("a sample has no value")?;
        match text {
            "+Inf" | "Inf" => Ok(f64::INFINITY),
            "-Inf" => Ok(f64::NEG_INFINITY),
            "NaN" => Ok(f64::NAN),
            _ => text.parse().map_err(|_| format!("`{}` is no number", brief(text))),
        }
    };
    let result = &answer["data"]["result"];
    let values = match answer["data"]["resultType"].as_str() {
        Some("scalar") => vec![value(result)?],
        Some("vector") => {
            let list = result.as_array().ok_or("the answer has no result")?;
            list.iter().map(|sample| value(&sample["value"])).collect::<Result<_, _>>()?
        }
        other => {
            return Err(format!(
                "a {} has no single values",
                brief(other.unwrap_or("result without a type"))
            ));
        }
    };
    Ok(Samples { values })
}
