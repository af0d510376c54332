//! The state of a watch: what was seen so far, what comes next, and how it ends.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::config::{Baseline, Counting, Metric, Missing, Verify};
use super::judge::{self, Known, number, share};
use super::{Past, Reading, Seen, Verdict, stats};
use crate::data::Period;

/// The version of the stored state.
pub const FORMAT: u32 = 1;

/// A watch, as it is stored after each look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The version of this JSON: [`FORMAT`].
    pub format: u32,
    /// What is watched: another watch does not go on from this state.
    pub key: String,
    /// When the watch began.
    pub started: Timestamp,
    /// The number of the last look, counted by the clock from 1: looks that were missed have numbers too.
    pub looked: u32,
    /// The metrics by their names.
    pub metrics: BTreeMap<String, Track>,
    /// How it ended, once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<End>,
}

/// What was seen of one metric.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// The baseline window, once it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
    /// How often it has failed: in a row, or all together.
    pub failures: u32,
    /// All looks.
    pub looks: Vec<Look>,
}

/// One look at one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// What it said.
    pub verdict: Verdict,
    /// Why.
    pub why: String,
    /// The value, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// What it was compared with at this look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<f64>,
    /// How many events it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<f64>,
}

/// How a watch ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// The verdict of the whole.
    pub verdict: Verdict,
    /// Each metric's own, and why, in the order of the configuration.
    pub metrics: Vec<(String, Verdict, String)>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Look now: this is its number.
    Look(u32),
    /// Wait until then.
    Wait(Timestamp),
    /// The time is over, and nobody looked to the end: close it.
    Close,
    /// It has ended.
    Done(Verdict),
}

/// What a claim needs and what there is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Events or looks so far.
    pub have: f64,
    /// How many it needs.
    pub need: f64,
    /// The change in the metric's own unit.
    pub change: f64,
    /// The baseline.
    pub base: f64,
    /// Whether events are counted, and not looks.
    pub events: bool,
}

/// How many looks a watch has.
pub fn looks(verify: &Verify) -> u32 {
    let looks = verify.length.0.as_millis() / verify.interval.0.as_millis().max(1);
    u32::try_from(looks).unwrap_or(u32::MAX).max(1)
}

fn after(start: Timestamp, period: Period, times: u32) -> Timestamp {
    let whole = period.0.saturating_mul(i32::try_from(times).unwrap_or(i32::MAX));
    start.checked_add(whole).unwrap_or(Timestamp::MAX)
}

impl State {
    /// A watch that begins.
    pub fn new(key: &str, started: Timestamp) -> Self {
        State {
            format: FORMAT,
            key: key.to_owned(),
            started,
            looked: 0,
            metrics: BTreeMap::new(),
            ended: None,
        }
    }

    fn first(&self, verify: &Verify) -> Timestamp {
        verify.after.map_or(self.started, |wait| after(self.started, wait, 1))
    }

    /// When the last look is due.
    pub fn until(&self, verify: &Verify) -> Timestamp {
        after(self.first(verify), verify.interval, looks(verify))
    }

    /// What comes next at this time.
    pub fn next(&self, verify: &Verify, now: Timestamp) -> Next {
        if let Some(end) = &self.ended {
            return Next::Done(end.verdict);
        }
        let total = looks(verify);
        if self.looked >= total || now > after(self.until(verify), verify.interval, 1) {
            return Next::Close;
        }
        let passed =
            now.duration_since(self.first(verify)).as_millis() / verify.interval.0.as_millis().max(1);
        let due = u32::try_from(passed.max(0)).unwrap_or(u32::MAX).min(total);
        match due > self.looked {
            true => Next::Look(due),
            false => Next::Wait(after(self.first(verify), verify.interval, self.looked + 1)),
        }
    }

    /// Takes what was seen of each metric, in the order of the configuration, at a look.
    pub fn observe(&mut self, verify: &Verify, look: u32, now: Timestamp, seen: &[Seen]) {
        self.looked = look;
        for (metric, seen) in verify.metrics.iter().zip(seen) {
            self.metrics.entry(metric.name.clone()).or_default().take(verify, metric, seen, now);
        }
        let broken = |metric: &&Metric| {
            let fail = metric.fail.unwrap_or(verify.fail);
            self.metrics.get(&metric.name).is_some_and(|track| track.failures >= fail.after)
        };
        if verify.metrics.iter().any(|metric| broken(&metric)) || look >= looks(verify) {
            self.close(verify, now);
        }
    }

    /// Ends the watch with what was seen.
    pub fn close(&mut self, verify: &Verify, now: Timestamp) {
        let empty = Track::default();
        // When the time is over, all looks were to be made; when it ends early, those up to now.
        let expected = if now >= self.until(verify) { looks(verify) } else { self.looked };
        let metrics: Vec<(String, Verdict, String)> = verify
            .metrics
            .iter()
            .map(|metric| {
                let track = self.metrics.get(&metric.name).unwrap_or(&empty);
                let (verdict, why) = track.verdict(verify, metric, expected);
                (metric.name.clone(), verdict, why)
            })
            .collect();
        let failed = metrics.iter().any(|(_, verdict, _)| *verdict == Verdict::Fail);
        let metrics: Vec<_> = match failed {
            // It ended early: what the others would have come to is not known.
            true if self.looked < looks(verify) => metrics
                .into_iter()
                .map(|(name, verdict, why)| match verdict {
                    Verdict::NoData if why.starts_with("inconclusive") => {
                        (name, Verdict::Pass, "no failure so far".to_owned())
                    }
                    _ => (name, verdict, why),
                })
                .collect(),
            _ => metrics,
        };
        let verdict = metrics.iter().map(|(_, verdict, _)| *verdict).max().unwrap_or(Verdict::NoData);
        self.ended = Some(End { at: now, verdict, metrics });
    }
}

/// What a look counts as; none counts as nothing.
fn counted(verify: &Verify, verdict: Verdict) -> Option<bool> {
    let missing = match verdict {
        Verdict::Pass => return Some(true),
        Verdict::Fail => return Some(false),
        Verdict::NoData => verify.on_no_data,
        Verdict::ProviderError => verify.on_provider_error,
    };
    match missing {
        Missing::Hold => None,
        Missing::Pass => Some(true),
        Missing::Fail => Some(false),
    }
}

impl Track {
    fn take(&mut self, verify: &Verify, metric: &Metric, seen: &Seen, now: Timestamp) {
        if let Some(Ok(past)) = &seen.past {
            self.past = Some(*past);
        }
        let known = |reading: &Option<Reading>| match reading {
            Some(Reading::Value(value)) if !value.is_nan() => Some(*value),
            _ => None,
        };
        let (other, events) = (known(&seen.other), known(&seen.events));
        let value = known(&Some(seen.value.clone()));
        let (mut ours, mut stable): (Vec<f64>, Vec<f64>) = match &metric.canary {
            Some(_) => self.looks.iter().filter_map(|l| l.value.zip(l.other)).unzip(),
            None => (Vec::new(), Vec::new()),
        };
        if let (Some(_), Some((a, b))) = (&metric.canary, value.zip(other)) {
            ours.push(a);
            stable.push(b);
        }
        let judged = judge::look(metric, seen, Known { past: self.past, pairs: (&ours, &stable) });
        let counting = metric.fail.unwrap_or(verify.fail).counting;
        match (counted(verify, judged.verdict), counting) {
            (Some(false), _) => self.failures += 1,
            (Some(true), Counting::Consecutive) => self.failures = 0,
            (Some(true), Counting::Cumulative) | (None, _) => {}
        }
        let value = judged.value.filter(|value| value.is_finite());
        self.looks.push(Look { at: now, verdict: judged.verdict, why: judged.why, value, other, events });
    }

    /// What the metric came to in the end, and why.
    fn verdict(&self, verify: &Verify, metric: &Metric, expected: u32) -> (Verdict, String) {
        let fail = metric.fail.unwrap_or(verify.fail);
        let last = |verdict| {
            self.looks.iter().rev().find(|look| look.verdict == verdict).map_or("", |look| &look.why)
        };
        let count = |verdict| self.looks.iter().filter(|look| look.verdict == verdict).count();
        if self.failures >= fail.after {
            let how = match fail.counting {
                Counting::Consecutive => "in a row",
                Counting::Cumulative => "in all",
            };
            let why = self
                .looks
                .iter()
                .rev()
                .find(|l| counted(verify, l.verdict) == Some(false))
                .map_or("", |l| &l.why);
            return (Verdict::Fail, format!("{} {how}: {why}", times(self.failures)));
        }
        let expected = usize::try_from(expected).unwrap_or(usize::MAX);
        let told = self.looks.iter().filter(|look| counted(verify, look.verdict).is_some()).count();
        if told * 2 < expected.max(1) {
            let errors = count(Verdict::ProviderError);
            let missed = expected.saturating_sub(self.looks.len());
            return match errors >= count(Verdict::NoData) + missed && errors > 0 {
                true => (
                    Verdict::ProviderError,
                    format!("{errors} of {expected} looks: {}", last(Verdict::ProviderError)),
                ),
                false if missed > 0 => (Verdict::NoData, format!("{missed} of {expected} looks were missed")),
                false => (
                    Verdict::NoData,
                    format!("{} of {expected} looks: {}", count(Verdict::NoData), last(Verdict::NoData)),
                ),
            };
        }
        if let Some(sample) = self.sample(metric).filter(|sample| sample.have < sample.need)
            && verify.on_no_data == Missing::Hold
        {
            return (Verdict::NoData, format!("inconclusive: {}", said(&sample)));
        }
        let failed = count(Verdict::Fail);
        let why = match failed {
            0 => last(Verdict::Pass).to_owned(),
            n => format!("failed {}, fewer than {}", times(u32::try_from(n).unwrap_or(u32::MAX)), fail.after),
        };
        (Verdict::Pass, why)
    }

    /// How many events or looks the claim of no change needs, and how many there are; none where nothing is claimed, or
    /// where it cannot be told.
    pub fn sample(&self, metric: &Metric) -> Option<Sample> {
        let change = metric.max_rise.or(metric.max_fall)?;
        let mean = |values: Vec<f64>| stats::mean(&values);
        let base = match metric.compared()? {
            Baseline::Value(value) => value,
            Baseline::Window(_) => self.past?.mean,
            Baseline::Query(_) => mean(self.looks.iter().filter_map(|l| l.other).collect())?,
        };
        let amount = change.of(base, metric.unit);
        let used = || self.looks.iter().filter(|look| look.value.is_some());
        if metric.events.is_some() && share(base, metric) {
            let scale = if metric.unit == super::change::Unit::Percent { 100.0 } else { 1.0 };
            let to = if metric.max_rise.is_some() { base + amount } else { base - amount };
            let need = stats::needed_events(base / scale, to / scale)?;
            let have = used().filter_map(|look| look.events).sum();
            return Some(Sample { have, need: need.ceil(), change: amount, base, events: true });
        }
        let spread = match metric.compared()? {
            Baseline::Window(_) => self.past?.deviation?,
            _ => stats::deviation(&self.looks.iter().filter_map(|l| l.other).collect::<Vec<_>>())?,
        };
        let need = stats::needed_values(spread, amount)?.ceil().max(1.0);
        Some(Sample { have: used().count() as f64, need, change: amount, base, events: false })
    }
}

fn times(n: u32) -> String {
    if n == 1 { "once".to_owned() } else { format!("{n} times") }
}

/// What a claim needs, in words.
pub fn said(sample: &Sample) -> String {
    let what = if sample.events { "events" } else { "looks" };
    format!(
        "to show a change of {} from {} takes {} {what}, there were {}",
        number(sample.change),
        number(sample.base),
        number(sample.need),
        number(sample.have)
    )
}
