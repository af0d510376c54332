//! What is said about a watch: a line for each look, a table with sparklines, a summary in Markdown.

use std::fmt::Write as _;

use super::Verdict;
use super::config::Verify;
use super::judge::number;
use super::state::{State, looks, said};
use crate::rules::markup::cell;

/// How wide a sparkline is.
const WIDTH: usize = 40;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values as bars from the least to the most; a point stands for a look without a value. Of more than fit, each bar is the
/// highest of its neighbours, so that a peak is not lost.
pub fn sparkline(values: &[Option<f64>], width: usize) -> String {
    let known = || values.iter().flatten().copied().filter(|v| v.is_finite());
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let each = values.len().div_ceil(width.max(1)).max(1);
    values
        .chunks(each)
        .map(|some| {
            let most =
                some.iter().flatten().copied().filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
            match most {
                v if v == f64::NEG_INFINITY => '·',
                _ if high <= low => BARS[0],
                v => BARS[(((v - low) / (high - low) * 7.0).round() as usize).min(7)],
            }
        })
        .collect()
}

/// The line of the last look: `look 3 of 60: errors 0.002 pass; p99 0.61 fail 1/3 (0.61 is above 0.5)`.
pub fn line(verify: &Verify, state: &State) -> String {
    let parts: Vec<String> = verify
        .metrics
        .iter()
        .filter_map(|metric| {
            let track = state.metrics.get(&metric.name)?;
            let look = track.looks.last()?;
            let value = look.value.map_or(String::new(), |value| format!(" {}", number(value)));
            let after = metric.fail.unwrap_or(verify.fail).after;
            let count =
                if track.failures > 0 { format!(" {}/{after}", track.failures) } else { String::new() };
            let why = match look.verdict {
                Verdict::Pass => String::new(),
                _ => format!(" ({})", look.why),
            };
            Some(format!("{}{value} {}{count}{why}", metric.name, look.verdict))
        })
        .collect();
    format!("look {} of {}: {}", state.looked, looks(verify), parts.join("; "))
}

struct Row {
    name: String,
    verdict: Verdict,
    last: String,
    spark: String,
    why: String,
}

fn rows(verify: &Verify, state: &State) -> Vec<Row> {
    verify
        .metrics
        .iter()
        .map(|metric| {
            let track = state.metrics.get(&metric.name);
            let all = track.map_or(&[][..], |track| &track.looks);
            let values: Vec<Option<f64>> = all.iter().map(|look| look.value).collect();
            let ended = state
                .ended
                .as_ref()
                .and_then(|end| end.metrics.iter().find(|(name, ..)| *name == metric.name));
            let (verdict, why) = match (ended, all.last()) {
                (Some((_, verdict, why)), _) => (*verdict, why.clone()),
                (None, Some(look)) => (look.verdict, look.why.clone()),
                (None, None) => (Verdict::NoData, "not looked at yet".to_owned()),
            };
            let mut why = if verdict == Verdict::Pass { metric.expects() } else { why };
            // What the claim rests on belongs to it, also where it holds.
            if let Some(sample) =
                track.and_then(|track| track.sample(metric)).filter(|_| !why.starts_with("inconclusive"))
            {
                why = format!("{why}; {}", said(&sample));
            }
            let last = values.iter().rev().flatten().next().map_or("-".to_owned(), |value| number(*value));
            Row { name: metric.name.clone(), verdict, last, spark: sparkline(&values, WIDTH), why }
        })
        .collect()
}

/// A line for each metric: verdict, name, last value, sparkline, why.
pub fn table(verify: &Verify, state: &State) -> Vec<String> {
    let rows = rows(verify, state);
    let width = |text: fn(&Row) -> &str| rows.iter().map(|row| text(row).chars().count()).max().unwrap_or(0);
    let (name, last, spark) = (width(|r| &r.name), width(|r| &r.last), width(|r| &r.spark));
    rows.iter()
        .map(|row| {
            format!(
                "{:<14}  {:<name$}  {:>last$}  {:<spark$}  {}",
                row.verdict, row.name, row.last, row.spark, row.why
            )
            .trim_end()
            .to_owned()
        })
        .collect()
}

/// The whole in Markdown.
pub fn summary(environment: &str, verify: &Verify, state: &State) -> String {
    let verdict = state.ended.as_ref().map_or(Verdict::NoData, |end| end.verdict);
    let mut out = format!("## Verify {}: {verdict}\n\n", cell(environment));
    let _ = writeln!(out, "{} of {} looks since {}.\n", state.looked, looks(verify), state.started);
    out.push_str("| metric | verdict | last | looks | why |\n| --- | --- | ---: | --- | --- |\n");
    for row in rows(verify, state) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            cell(&row.name),
            row.verdict,
            row.last,
            row.spark,
            cell(&row.why)
        );
    }
    out
}
