//! Where metrics come from: Prometheus, and addresses that answer with JSON. Each is asked once a look; what does not
//! answer is an error of the provider, never a value.

use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use crate::data::Period;
use crate::error::{Error, Result};
use crate::rules::gate::measure;
use crate::rules::smoke::{judge, text};
use crate::rules::verify::config::{Baseline, Endpoint, Metric, Slo, Verify, Worse};
use crate::rules::verify::{Past, Reading, Seen, stats};
use crate::world::http::{Auth, Client, Limits, Request};

/// How long one question may take: the interval, within these.
const TIME: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));

/// Who is asked.
pub struct Source {
    prometheus: Option<(Client, Url)>,
    endpoints: HashMap<String, (Client, Url)>,
    clean: Clean,
}

/// Takes secrets out of a text that came from outside, before any of it is cut and shown.
pub type Clean = Box<dyn Fn(&str) -> String + Send + Sync>;

/// A query that the server refuses to understand.
struct Refused(String);

type Asked = std::result::Result<Reading, Refused>;

impl Source {
    /// Reads addresses and puts the variables in.
    pub fn new(verify: &Verify, variable: &dyn Fn(&str) -> Option<String>, clean: Clean) -> Result<Source> {
        let unset = |name: &str| {
            Error::usage(format!("the variable {name} is not set")).hint("set it in the environment")
        };
        let full = |template: &str| text::expand(template, variable).map_err(unset);
        let limit = verify.interval.std().clamp(TIME.0, TIME.1);
        let limits = Limits { connect: limit, idle: limit, total: limit, tries: 1, ..Limits::default() };
        let client = |address: &str, authorization: Option<&String>| -> Result<(Client, Url)> {
            let url = text::expand_url(address, variable).map_err(unset)?;
            let url = Url::parse(&url)
                .map_err(|e| Error::usage(format!("an address cannot be read: {e}")).at(address))?;
            let auth = match authorization {
                Some(value) => Some(Auth::new(AUTHORIZATION, "", &full(value)?, &[&url])?),
                None => None,
            };
            Ok((Client::new(auth, limits)?, url))
        };
        let prometheus = match &verify.prometheus {
            Some(address) => Some(client(address, verify.authorization.as_ref())?),
            None => None,
        };
        let mut endpoints = HashMap::new();
        for metric in &verify.metrics {
            if let Some(endpoint) = &metric.json {
                endpoints
                    .insert(metric.name.clone(), client(&endpoint.url, endpoint.authorization.as_ref())?);
            }
        }
        Ok(Source { prometheus, endpoints, clean })
    }

    /// What is to be seen of each metric now, in the order of the configuration. `past` says of which the baseline window
    /// before `since` is still to be read. A query that the server cannot read is an error at the `first` look: it will
    /// never be one that can be.
    pub fn seen(
        &self,
        verify: &Verify,
        since: Timestamp,
        first: bool,
        past: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Vec<Seen>> {
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = verify
                .metrics
                .iter()
                .map(|metric| scope.spawn(move || self.one(verify, metric, since, past(&metric.name))))
                .collect();
            threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
        });
        let mut seen = Vec::new();
        for (metric, one) in verify.metrics.iter().zip(all) {
            seen.push(match one {
                Ok(Ok(one)) => one,
                Ok(Err(Refused(why))) if first => {
                    return Err(
                        Error::usage(format!("{}: the query is refused: {why}", metric.name)).at("verify")
                    );
                }
                Ok(Err(Refused(why))) => Seen::of(Reading::Error(why)),
                Err(_) => Seen::of(Reading::Error("the question ended in a panic".to_owned())),
            });
        }
        Ok(seen)
    }

    fn one(
        &self,
        verify: &Verify,
        metric: &Metric,
        since: Timestamp,
        past: bool,
    ) -> std::result::Result<Seen, Refused> {
        if let Some(slo) = &metric.slo {
            let burn = self.burn(slo)?;
            return Ok(Seen { burn, ..Seen::of(Reading::Nothing("it has windows".to_owned())) });
        }
        let worst = worst(metric);
        let value = match (&metric.query, &metric.json) {
            (Some(query), _) => self.query(query, worst)?,
            (None, Some(endpoint)) => self.endpoint(&metric.name, endpoint),
            (None, None) => Reading::Nothing("nothing is asked".to_owned()),
        };
        let ask = |query: Option<&String>, pick| query.map(|query| self.query(query, pick)).transpose();
        let events = ask(metric.events.as_ref(), Pick::Sum)?;
        let compared = metric.compared();
        let other = match (&metric.canary, &compared) {
            (Some(canary), _) => ask(Some(&canary.stable), worst)?,
            (None, Some(Baseline::Query(query))) => ask(Some(query), worst)?,
            _ => None,
        };
        let past = match (&metric.query, compared) {
            (Some(query), Some(Baseline::Window(window))) if past => {
                Some(self.window(query, window, since, verify.interval)?)
            }
            _ => None,
        };
        Ok(Seen { value, events, other, past, burn: Vec::new() })
    }

    fn burn(&self, slo: &Slo) -> std::result::Result<Vec<(Reading, Reading)>, Refused> {
        let over = |window: &str| self.query(&slo.errors.replace("{window}", window), Pick::Highest);
        slo.burn.iter().map(|pair| Ok((over(&pair.long)?, over(&pair.short)?))).collect()
    }

    /// An instant query (<https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>).
    fn query(&self, query: &str, pick: Pick) -> Asked {
        let body = match self.prometheus("api/v1/query", &[("query", query)])? {
            Ok(body) => body,
            Err(reading) => return Ok(reading),
        };
        Ok(match measure::samples(&body) {
            Err(why) => Reading::Error((self.clean)(&why)),
            Ok(samples) => match pick.of(&samples.values) {
                Some(value) => Reading::Value(value),
                None if samples.values.is_empty() => {
                    Reading::Nothing(format!("no series for `{}`", text::brief(query)))
                }
                None => Reading::Nothing(format!("no value (NaN) for `{}`", text::brief(query))),
            },
        })
    }

    /// The values of a query over the time before the watch
    /// (<https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries>).
    fn window(
        &self,
        query: &str,
        window: Period,
        since: Timestamp,
        step: Period,
    ) -> std::result::Result<std::result::Result<Past, Reading>, Refused> {
        /// The server refuses more than 11,000.
        const POINTS: i32 = 1_000;
        let from = since.checked_sub(window.0).unwrap_or(Timestamp::MIN);
        let step = step.0.max(window.0 / POINTS).as_secs_f64().max(0.001);
        let (from, to, step) = (from.to_string(), since.to_string(), format!("{step:.3}"));
        let parameters = [("query", query), ("start", &from), ("end", &to), ("step", &step)];
        let body = match self.prometheus("api/v1/query_range", &parameters)? {
            Ok(body) => body,
            Err(reading) => return Ok(Err(reading)),
        };
        let Ok(answer) = serde_json::from_str::<Value>(&body) else {
            return Ok(Err(Reading::Error("the answer is no JSON".to_owned())));
        };
        let series = answer["data"]["result"].as_array().map_or(&[][..], Vec::as_slice);
        let points = series.iter().filter_map(|s| s["values"].as_array()).flatten();
        let values: Vec<f64> = points
            .filter_map(|point| point.get(1)?.as_str()?.parse::<f64>().ok())
            .filter(|value| value.is_finite())
            .collect();
        Ok(match stats::mean(&values) {
            Some(mean) => Ok(Past { mean, deviation: stats::deviation(&values), count: values.len() }),
            None => Err(Reading::Nothing(format!("there is no value in the {window} before {to}"))),
        })
    }

    fn prometheus(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> std::result::Result<std::result::Result<String, Reading>, Refused> {
        let Some((client, base)) = &self.prometheus else {
            return Ok(Err(Reading::Error("no address of Prometheus is known".to_owned())));
        };
        let mut url = base.clone();
        url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
        url.query_pairs_mut().extend_pairs(parameters);
        match client.call(Request::new(Method::GET, url)) {
            Ok(answer) => Ok(Ok(String::from_utf8_lossy(answer.body()).into_owned())),
            // <https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview>: 400 for parameters that are
            // missing or wrong, 422 for an expression that cannot be executed.
            Err(failure) if failure.status() == Some(400) => {
                Err(Refused(text::brief(&(self.clean)(&failure.said))))
            }
            Err(failure) => Ok(Err(Reading::Error(match failure.status() {
                Some(status) => {
                    format!("Prometheus answers {status}: {}", text::brief(&(self.clean)(&failure.said)))
                }
                None => format!("Prometheus does not answer: {}", text::brief(&(self.clean)(&failure.said))),
            }))),
        }
    }

    fn endpoint(&self, name: &str, endpoint: &Endpoint) -> Reading {
        let Some((client, url)) = self.endpoints.get(name) else {
            return Reading::Error("its address is not known".to_owned());
        };
        let answer = match client.call(Request::new(Method::GET, url.clone())) {
            Ok(answer) => answer,
            Err(failure) => {
                return Reading::Error(match failure.status() {
                    Some(status) => {
                        format!("it answers {status}: {}", text::brief(&(self.clean)(&failure.said)))
                    }
                    None => format!("it does not answer: {}", text::brief(&(self.clean)(&failure.said))),
                });
            }
        };
        let Ok(body) = serde_json::from_slice::<Value>(answer.body()) else {
            return Reading::Error("its answer is no JSON".to_owned());
        };
        let found = judge::at(&body, &endpoint.path).map(|values| values.first().map(|v| (*v).clone()));
        match found {
            Ok(None | Some(Value::Null)) => Reading::Nothing(format!("its answer has no {}", endpoint.path)),
            Ok(Some(value)) => {
                let number =
                    value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
                number
                    .map_or_else(|| Reading::Error(format!("{} is no number", endpoint.path)), Reading::Value)
            }
            Err(why) => Reading::Error(why),
        }
    }
}

/// Which of several series counts.
#[derive(Debug, Clone, Copy)]
enum Pick {
    Highest,
    Lowest,
    Sum,
}

impl Pick {
    fn of(self, values: &[f64]) -> Option<f64> {
        let values = values.iter().copied().filter(|v| !v.is_nan());
        match self {
            Pick::Highest => values.reduce(f64::max),
            Pick::Lowest => values.reduce(f64::min),
            Pick::Sum => values.reduce(|a, b| a + b),
        }
    }
}

fn worst(metric: &Metric) -> Pick {
    let low = metric.max.is_none()
        && metric.max_rise.is_none()
        && (metric.min.is_some() || metric.max_fall.is_some());
    match &metric.canary {
        Some(canary) if canary.worse == Worse::Lower => Pick::Lowest,
        None if low => Pick::Lowest,
        _ => Pick::Highest,
    }
}
