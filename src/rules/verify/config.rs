//! `verify:` of the configuration: what is watched after a deployment, and when it has gone wrong.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json_path::JsonPath;

use crate::data::Period;
use crate::rules::smoke::text::{self, INTO_A_VARIABLE};
use crate::rules::verify::change::{Change, Unit};

/// What is watched after a deployment to one environment.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "Raw", into = "Raw")]
#[cfg_attr(test, schemars(with = "Raw"))]
pub struct Verify(Raw);

impl std::ops::Deref for Verify {
    type Target = Raw;

    fn deref(&self) -> &Raw {
        &self.0
    }
}

/// What is watched after a deployment to one environment.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Raw {
    /// How long is watched: `30m`, `24h`.
    #[serde(rename = "for", default = "half_an_hour")]
    pub length: Period,
    /// How far apart the looks are. Default: 30 s.
    #[serde(default = "half_a_minute")]
    pub interval: Period,
    /// How long is waited before the first look, while caches warm up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Period>,
    /// The address of Prometheus, for metrics with `query`. `${NAME}` stands for a variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<String>,
    /// The `Authorization` header for Prometheus: `Bearer ${PROMETHEUS_TOKEN}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
    /// How often a metric must fail before the whole has failed. A metric may say otherwise.
    #[serde(default)]
    pub fail: Fail,
    /// What a metric without data counts as. Default: it is held, and counts as nothing.
    #[serde(default)]
    pub on_no_data: Missing,
    /// What a metric counts as whose provider does not answer. Default: it is held, and counts as nothing.
    #[serde(default)]
    pub on_provider_error: Missing,
    /// The metrics. The deployment has failed when one of them has.
    pub metrics: Vec<Metric>,
}

fn half_an_hour() -> Period {
    Period::secs(30 * 60)
}

fn half_a_minute() -> Period {
    Period::secs(30)
}

/// How often a metric must fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// So many looks.
    #[serde(default = "three")]
    pub after: u32,
    /// Whether they count only in a row, or all together.
    #[serde(default)]
    pub counting: Counting,
}

fn three() -> u32 {
    3
}

impl Default for Fail {
    fn default() -> Self {
        Fail { after: three(), counting: Counting::default() }
    }
}

/// How failed looks are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Counting {
    /// In a row: one that passes makes them forgotten.
    #[default]
    Consecutive,
    /// All together, as Flagger counts them.
    Cumulative,
}

/// What a look counts as that saw nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// As nothing.
    #[default]
    Hold,
    /// As a pass.
    Pass,
    /// As a failure.
    Fail,
}

/// One metric and what it may be.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// The query, in PromQL. Of several series, the worst counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// An address that answers with JSON, instead of a query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Endpoint>,
    /// The most that it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The least that it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// How far it may rise above the baseline: `20 %` of it, `1 point` of a share or percentage, or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rise: Option<Change>,
    /// How far it may fall below the baseline: `20 %` of it, `1 point` of a share or percentage, or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_fall: Option<Change>,
    /// What it is compared with. Default: the mean of the query over the 30 minutes before the watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// Whether the metric is a share from 0 to 1 (the default) or a percentage from 0 to 100: what a point is.
    #[serde(default)]
    pub unit: Unit,
    /// A query for how many events each value stands for, such as the requests of the interval: then a look with fewer
    /// than `min_events` has no data, and a change that they cannot show is inconclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<String>,
    /// The least events that a look must stand for. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_events: Option<f64>,
    /// The metric is of a canary, and this is the same of the stable version: compared by Mann–Whitney over all looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// An error budget that must not burn too fast, instead of `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<Slo>,
    /// How often it must fail before the whole has failed, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<Fail>,
}

/// An address that answers with JSON.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The address. `${NAME}` stands for a variable.
    pub url: String,
    /// Where the number stands in the answer, by JSONPath (<https://www.rfc-editor.org/rfc/rfc9535>).
    pub path: String,
    /// The `Authorization` header: `Bearer ${TOKEN}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
}

/// What a metric is compared with: exactly one of these.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// The mean of the query over so long before the watch.
    Window(Period),
    /// The value of another query at each look, such as the same with `offset 1w`.
    Query(String),
    /// This value.
    Value(f64),
}

/// The stable version beside a canary.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The query for the stable version.
    pub stable: String,
    /// Which side is worse.
    #[serde(default)]
    pub worse: Worse,
    /// How much larger (or smaller) the canary's mean must be, besides, to fail: 1.1 is a tenth. Default: 1.
    #[serde(default = "one")]
    pub effect: f64,
    /// How many looks are needed before they are compared. Default: 10.
    #[serde(default = "ten")]
    pub min_looks: usize,
}

fn one() -> f64 {
    1.0
}

fn ten() -> usize {
    10
}

/// Which side of the stable version is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Worse {
    /// More is worse: errors, latency.
    #[default]
    Higher,
    /// Less is worse: throughput, success.
    Lower,
    /// Both are.
    Either,
}

/// An error budget (<https://sre.google/workbook/alerting-on-slos/#6-multiwindow-multi-burn-rate-alerts>).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// The objective in percent: 99.9.
    pub objective: f64,
    /// A query for the share of errors, with `{window}` for the window:
    /// `sum(rate(errors_total[{window}])) / sum(rate(requests_total[{window}]))`.
    pub errors: String,
    /// The windows. Default: 14.4 over 1h and 5m, 6 over 6h and 30m.
    #[serde(default = "workbook")]
    pub burn: Vec<Burn>,
}

/// A pair of windows: the budget burns too fast when it does in both.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Burn {
    /// The long window, as PromQL writes it: `1h`.
    pub long: String,
    /// The short window, as PromQL writes it: `5m`.
    pub short: String,
    /// How many times faster than the objective allows.
    pub rate: f64,
}

fn workbook() -> Vec<Burn> {
    let burn = |long: &str, short: &str, rate| Burn { long: long.to_owned(), short: short.to_owned(), rate };
    vec![burn("1h", "5m", 14.4), burn("6h", "30m", 6.0)]
}

impl TryFrom<Raw> for Verify {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        if raw.metrics.is_empty() {
            return Err("what watches nothing says nothing: add metrics".to_owned());
        }
        if raw.interval > raw.length {
            return Err("`interval` is longer than `for`".to_owned());
        }
        if raw.fail.after == 0 {
            return Err("`after` is at least 1".to_owned());
        }
        let header = |name: &str, value: &Option<String>| match value {
            Some(value) if text::names(value).is_empty() => {
                Err(format!("`{name}` holds a secret: {INTO_A_VARIABLE}"))
            }
            _ => Ok(()),
        };
        header("authorization", &raw.authorization)?;
        raw.prometheus.as_deref().and_then(text::literal_secret_in_url).map_or(Ok(()), Err)?;
        let mut names = BTreeSet::new();
        for metric in &raw.metrics {
            if !names.insert(&metric.name) {
                return Err(format!("two metrics are named `{}`", metric.name));
            }
            if let Some(endpoint) = &metric.json {
                header("authorization", &endpoint.authorization)?;
            }
            if let Some(wrong) = metric.refused(raw.prometheus.is_some()) {
                return Err(format!("{}: {wrong}", metric.name));
            }
        }
        Ok(Verify(raw))
    }
}

impl From<Verify> for Raw {
    fn from(verify: Verify) -> Raw {
        verify.0
    }
}

impl Verify {
    /// The same, watched otherwise long or often.
    pub fn timed(self, length: Option<Period>, interval: Option<Period>) -> Result<Self, String> {
        let mut raw = self.0;
        raw.length = length.unwrap_or(raw.length);
        raw.interval = interval.unwrap_or(raw.interval);
        raw.try_into()
    }

    /// The variables that it names.
    pub fn variables(&self) -> BTreeSet<String> {
        let endpoints = self.metrics.iter().filter_map(|m| m.json.as_ref());
        let texts = endpoints.flat_map(|e| [Some(&e.url), e.authorization.as_ref()]);
        let texts = texts.chain([self.prometheus.as_ref(), self.authorization.as_ref()]).flatten();
        texts.flat_map(|text| text::names(text)).map(str::to_owned).collect()
    }

    /// Those of them that stand where secrets stand.
    pub fn secrets(&self) -> BTreeSet<String> {
        let endpoints = || self.metrics.iter().filter_map(|m| m.json.as_ref());
        let headers = endpoints().filter_map(|e| e.authorization.as_ref()).chain(&self.authorization);
        let urls = endpoints().map(|e| &e.url).chain(&self.prometheus);
        let names =
            headers.flat_map(|text| text::names(text)).chain(urls.flat_map(|url| text::secrets_in_url(url)));
        names.map(str::to_owned).collect()
    }
}

impl Metric {
    fn refused(&self, prometheus: bool) -> Option<String> {
        let sources = [self.query.is_some(), self.json.is_some(), self.slo.is_some()];
        if sources.iter().filter(|there| **there).count() != 1 {
            return Some("it needs one of `query`, `json`, `slo`".to_owned());
        }
        let changes = self.max_rise.is_some() || self.max_fall.is_some();
        let asks = self.query.is_some() || self.slo.is_some() || self.events.is_some();
        if asks && !prometheus {
            return Some("its queries need `prometheus`, the address of the server".to_owned());
        }
        if let Some(endpoint) = &self.json {
            if let Err(e) = JsonPath::parse(&endpoint.path) {
                return Some(format!("`{}` is no JSONPath: {}", endpoint.path, text::line(&e.to_string())));
            }
            if !endpoint.url.starts_with("http://")
                && !endpoint.url.starts_with("https://")
                && !endpoint.url.starts_with("${")
            {
                return Some(format!("`{}` is no address", endpoint.url));
            }
            if let Some(wrong) = text::literal_secret_in_url(&endpoint.url) {
                return Some(wrong);
            }
            if changes && !matches!(self.baseline, Some(Baseline::Value(_))) {
                return Some("an address has no past: give the baseline as `{value: 0.01}`".to_owned());
            }
            if self.canary.is_some() {
                return Some("`canary` needs `query`".to_owned());
            }
        }
        if let Some(slo) = &self.slo {
            if !(0.0..100.0).contains(&slo.objective) {
                return Some("`objective` is a percentage below 100".to_owned());
            }
            if !slo.errors.contains("{window}") {
                return Some("`errors` needs `{window}` where the window stands".to_owned());
            }
            if slo.burn.is_empty() {
                return Some("`burn` needs a pair of windows".to_owned());
            }
            if changes || self.max.is_some() || self.min.is_some() || self.canary.is_some() {
                return Some("`slo` stands alone: make another metric of the rest".to_owned());
            }
            return None;
        }
        if !changes && self.max.is_none() && self.min.is_none() && self.canary.is_none() {
            return Some("it needs one of `max`, `min`, `max_rise`, `max_fall`, `canary`".to_owned());
        }
        if self.baseline.is_some() && !changes {
            return Some("`baseline` belongs to `max_rise` or `max_fall`".to_owned());
        }
        if self.min_events.is_some() && self.events.is_none() {
            return Some("`min_events` belongs to `events`".to_owned());
        }
        let zero = self.fail.is_some_and(|fail| fail.after == 0);
        zero.then(|| "`after` is at least 1".to_owned())
    }

    /// What it must keep to, in a few words.
    pub fn expects(&self) -> String {
        let mut all = Vec::new();
        all.extend(self.max.map(|n| format!("at most {n}")));
        all.extend(self.min.map(|n| format!("at least {n}")));
        all.extend(self.max_rise.map(|c| format!("at most {c} above the baseline")));
        all.extend(self.max_fall.map(|c| format!("at most {c} below the baseline")));
        all.extend(self.canary.as_ref().map(|c| {
            match c.worse {
                Worse::Higher => "not above the stable version",
                Worse::Lower => "not below the stable version",
                Worse::Either => "as the stable version",
            }
            .to_owned()
        }));
        if let Some(slo) = &self.slo {
            let burn: Vec<String> =
                slo.burn.iter().map(|b| format!("{}× over {} and {}", b.rate, b.long, b.short)).collect();
            all.push(format!("the budget of {} % does not burn {}", slo.objective, burn.join(", nor ")));
        }
        all.join(", ")
    }

    /// What it is compared with, where it is compared.
    pub fn compared(&self) -> Option<Baseline> {
        let changes = self.max_rise.is_some() || self.max_fall.is_some();
        changes.then(|| self.baseline.clone().unwrap_or(Baseline::Window(half_an_hour())))
    }
}
