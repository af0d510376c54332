//! Watching: looks when it is time, keeps the state on disk, and lets the rules decide.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Tools;
use crate::effect::Verify;
use crate::error::{Error, Result};
use crate::event::{Event, Sink};
use crate::plan::{Answer, Finding};
use crate::rules::record::chart::{Series, thinned};
use crate::rules::verify::config::Metric;
use crate::rules::verify::state::{End, FORMAT, Next, State};
use crate::rules::verify::{Verdict, report};
use crate::world::files::digest_of;
use crate::world::metrics::Source;

impl Tools {
    pub(super) fn verify(&self, at: &str, effect: &Verify, sink: &dyn Sink) -> Result<()> {
        let verify = &effect.verify;
        let redactor = self.redactor.clone();
        let clean = Box::new(move |text: &str| redactor.redacted(text).into_owned());
        let source = Source::new(verify, &|name| self.env.get(name).map(str::to_owned), clean)?;
        let path = Path::new(&effect.state);
        let key = key(effect);
        let mut state = match stored(path)?
            .filter(|state| state.key == key && state.ended.is_none() && !effect.restart)
        {
            Some(state) => {
                let text = format!(
                    "goes on with the watch that began at {}, after look {}",
                    state.started, state.looked
                );
                sink.event(&Event::Note { text: &text });
                state
            }
            None => State::new(&key, Timestamp::now()),
        };
        store(path, &state)?;
        loop {
            let now = Timestamp::now();
            match state.next(verify, now) {
                Next::Done(_) => break,
                Next::Wait(until) => {
                    let wait = until.duration_since(now);
                    std::thread::sleep(wait.unsigned_abs());
                    continue;
                }
                Next::Close => state.close(verify, now),
                Next::Look(number) => {
                    let unread =
                        |name: &str| state.metrics.get(name).is_none_or(|track| track.past.is_none());
                    let first = state.metrics.is_empty();
                    let since = effect.since.unwrap_or(state.started);
                    let seen = source.seen(verify, since, first, &unread).inspect_err(|_| {
                        // Nothing was seen, and nothing is to be gone on with; the error is what counts.
                        let _ = fs::remove_file(path);
                    })?;
                    state.observe(verify, number, now, &seen);
                    let line = report::line(verify, &state);
                    let table = report::table(verify, &state);
                    sink.event(&Event::Watching { at, line: &line, table: &table });
                }
            }
            store(path, &state)?;
        }
        for line in report::table(verify, &state) {
            sink.event(&Event::Output { at, line: &line });
        }
        let Some(end) = &state.ended else {
            return Err(Error::unknown("the watch did not come to its end").at(effect.state.clone()));
        };
        self.conclude(effect, &state, end)
    }

    fn conclude(&self, effect: &Verify, state: &State, end: &End) -> Result<()> {
        let summary = format!("verify {}: {}", effect.environment, end.verdict);
        let findings = end.metrics.iter().map(|(name, verdict, why)| {
            let answer = match verdict {
                Verdict::Pass => Answer::Pass,
                Verdict::NoData | Verdict::ProviderError => Answer::Unknown,
                Verdict::Fail => Answer::Fail,
            };
            // The answer says whether it passed; that it could not be told has two reasons.
            let said = if answer == Answer::Unknown { format!("{verdict}: {why}") } else { why.clone() };
            Finding::new(answer, "verify", format!("{name}: {said}"))
        });
        let metrics: Vec<Value> = end
            .metrics
            .iter()
            .map(|(name, verdict, why)| {
                let looks = state.metrics.get(name).map_or(&[][..], |track| &track.looks);
                let last = looks.iter().rev().find_map(|look| look.value);
                json!({ "name": name, "verdict": verdict, "why": why, "last": last, "looks": looks.len() })
            })
            .collect();
        let outputs = [
            ("series", json!(series(effect, state))),
            ("verdict", json!(end.verdict)),
            ("metrics", json!(metrics)),
            ("started", json!(state.started)),
            ("ended", json!(end.at)),
            ("looks", json!(state.looked)),
        ];
        self.tell(&summary, findings, outputs);
        if let Some(path) = &effect.summary {
            let text = report::summary(&effect.environment, &effect.verify, state);
            self.report(path, &self.redactor.redacted(&text))?;
        }
        let of = |verdict| {
            let names = end
                .metrics
                .iter()
                .filter(move |(_, v, _)| *v == verdict)
                .map(|(name, _, why)| format!("{name}: {why}"));
            names.collect::<Vec<_>>().join("; ")
        };
        match end.verdict {
            Verdict::Pass => Ok(()),
            Verdict::Fail => Err(Error::no(summary).detail(of(Verdict::Fail))),
            Verdict::NoData => Err(Error::unknown(summary).detail(of(Verdict::NoData)).hint(
                "nothing says that it is well, and nothing that it is not; `on_no_data` decides otherwise",
            )),
            Verdict::ProviderError => Err(Error::outside(summary).detail(of(Verdict::ProviderError)).hint(
                "see whether the provider of the metrics is up; `on_provider_error` decides otherwise",
            )),
        }
    }
}

/// What was seen, for charts.
fn series(effect: &Verify, state: &State) -> Vec<Series> {
    let of = |metric: &Metric| {
        let track = state.metrics.get(&metric.name)?;
        let second = |at: Timestamp| (at.duration_since(state.started).as_secs_f64() * 10.0).round() / 10.0;
        let points = track.looks.iter().filter_map(|look| Some((second(look.at), look.value?))).collect();
        let other = track.looks.iter().rev().find_map(|look| look.other);
        Some(Series {
            name: metric.name.clone(),
            points: thinned(points),
            max: metric.max,
            min: metric.min,
            baseline: other.or_else(|| track.past.as_ref().map(|past| past.mean)),
        })
    };
    effect.verify.metrics.iter().filter_map(of).collect()
}

/// What is watched, in a few digits.
fn key(effect: &Verify) -> String {
    let what = json!([effect.environment, effect.verify, effect.deployed]);
    digest_of(what.to_string().as_bytes()).chars().take(16).collect()
}

/// The state of an earlier watch; none where there is none, or one that this version does not know.
fn stored(path: &Path) -> Result<Option<State>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => {
            return Err(
                Error::outside(format!("the state cannot be read: {e}")).at(path.display().to_string())
            );
        }
    };
    match serde_json::from_str::<State>(&text) {
        Ok(state) if state.format == FORMAT => Ok(Some(state)),
        Ok(_) => Ok(None),
        Err(e) => Err(Error::usage(format!("the state cannot be understood: {e}"))
            .at(path.display().to_string())
            .hint("take the file away to begin anew")),
    }
}

/// Stores the state: all of it or, after a kill, what was there before.
fn store(path: &Path, state: &State) -> Result<()> {
    let failed = |e: std::io::Error| {
        Error::outside(format!("the state cannot be written: {e}")).at(path.display().to_string())
    };
    let text = serde_json::to_vec(state).map_err(|e| Error::outside(e.to_string()))?;
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let write = |mut file: fs::File| file.write_all(&text).and_then(|()| file.sync_data());
    fs::File::create(&name).and_then(write).and_then(|()| fs::rename(&name, path)).map_err(failed)
}
