//! What one look at one metric says.

use super::config::{Baseline, Canary, Metric, Slo, Worse};
use super::stats::{self, CONFIDENCE, TOLERANCE, shift};
use super::{Past, Reading, Seen, Verdict};

/// What a look says, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The verdict of this look.
    pub verdict: Verdict,
    /// Why, in a few words.
    pub why: String,
    /// The value, where there is one.
    pub value: Option<f64>,
}

fn missing(reading: &Reading) -> Option<Judged> {
    match reading {
        Reading::Value(value) if !value.is_nan() => None,
        Reading::Value(_) => {
            Some(Judged { verdict: Verdict::NoData, why: "no value (NaN)".to_owned(), value: None })
        }
        Reading::Nothing(why) => Some(Judged { verdict: Verdict::NoData, why: why.clone(), value: None }),
        Reading::Error(why) => {
            Some(Judged { verdict: Verdict::ProviderError, why: why.clone(), value: None })
        }
    }
}

fn value(reading: &Reading) -> Result<f64, Judged> {
    match (missing(reading), reading) {
        (None, Reading::Value(value)) => Ok(*value),
        (Some(judged), _) => Err(judged),
        (None, _) => Err(Judged { verdict: Verdict::NoData, why: "no value".to_owned(), value: None }),
    }
}

/// A number for people: four digits that count.
pub fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => format!("{value}"),
        _ if size == 0.0 || (1e-3..1e6).contains(&size) => {
            let digits = if size >= 1.0 { 4 - size.log10().floor() as i32 - 1 } else { 4 };
            let text = format!("{value:.*}", usize::try_from(digits.max(0)).unwrap_or(0));
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
        _ => format!("{value:.3e}"),
    }
}

/// What a metric was compared with: the window before, once it was read, and the canary's looks so far.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k> {
    /// The baseline window.
    pub past: Option<Past>,
    /// The canary's values of all looks with this one, and those of the stable version.
    pub pairs: (&'k [f64], &'k [f64]),
}

/// What a look says of a metric.
pub fn look(metric: &Metric, seen: &Seen, known: Known<'_>) -> Judged {
    match judged(metric, seen, known) {
        Ok(judged) | Err(judged) => judged,
    }
}

fn judged(metric: &Metric, seen: &Seen, known: Known<'_>) -> Result<Judged, Judged> {
    if let Some(slo) = &metric.slo {
        return burn(slo, &seen.burn);
    }
    let found = value(&seen.value)?;
    let said = |verdict, why: String| Judged { verdict, why, value: Some(found) };
    let events = seen.events.as_ref().map(value).transpose()?;
    let least = metric.min_events.unwrap_or(1.0);
    if let Some(events) = events.filter(|events| *events < least) {
        return Err(said(
            Verdict::NoData,
            format!("{} events, {} are needed", number(events), number(least)),
        ));
    }
    if let Some(most) = metric.max.filter(|most| found > *most) {
        return Err(said(Verdict::Fail, format!("{} is above {}", number(found), number(most))));
    }
    if let Some(least) = metric.min.filter(|least| found < *least) {
        return Err(said(Verdict::Fail, format!("{} is below {}", number(found), number(least))));
    }
    let mut words = number(found);
    if let Some(baseline) = metric.compared() {
        let base = match &baseline {
            Baseline::Value(value) => *value,
            Baseline::Query(_) => match &seen.other {
                Some(other) => {
                    value(other).map_err(|j| said(j.verdict, format!("its baseline: {}", j.why)))?
                }
                None => return Err(said(Verdict::NoData, "its baseline was not read".to_owned())),
            },
            Baseline::Window(_) => match (known.past, &seen.past) {
                (Some(past), _) => past.mean,
                (None, Some(Err(why))) => {
                    let judged = missing(why).map_or(Verdict::NoData, |j| j.verdict);
                    let why = match why {
                        Reading::Nothing(why) | Reading::Error(why) => why.clone(),
                        Reading::Value(_) => "no value".to_owned(),
                    };
                    return Err(said(judged, format!("its baseline: {why}")));
                }
                (None, _) => return Err(said(Verdict::NoData, "its baseline is not known".to_owned())),
            },
        };
        let sides = [(metric.max_rise, found - base, "above"), (metric.max_fall, base - found, "below")];
        for (change, moved, side) in sides {
            let Some(change) = change else { continue };
            let most = change.of(base, metric.unit);
            if moved <= most {
                continue;
            }
            let why = format!(
                "{} is {} {side} the baseline {}, at most {change} is allowed",
                number(found),
                number(moved),
                number(base)
            );
            let scale = if metric.unit == super::change::Unit::Percent { 100.0 } else { 1.0 };
            // A fall of a share is a rise of its rest.
            let (up, from) = match side {
                "above" => (found / scale, base / scale),
                _ => (1.0 - found / scale, 1.0 - base / scale),
            };
            match events.filter(|_| share(found, metric) && share(base, metric)) {
                Some(events) if !stats::exceeds(up, from, events) => {
                    let words =
                        format!("inconclusive: {why}, which chance makes of {} events", number(events));
                    return Err(said(Verdict::NoData, words));
                }
                _ => return Err(said(Verdict::Fail, why)),
            }
        }
        words = format!("{words}, baseline {}", number(base));
    }
    if let Some(canary) = &metric.canary {
        if let Some(other) = &seen.other {
            value(other).map_err(|j| said(j.verdict, format!("the stable version: {}", j.why)))?;
        }
        return compare(canary, found, known.pairs);
    }
    Ok(said(Verdict::Pass, words))
}

/// Whether a value is a share of its events.
pub fn share(value: f64, metric: &Metric) -> bool {
    let whole = if metric.unit == super::change::Unit::Percent { 100.0 } else { 1.0 };
    (0.0..=whole).contains(&value)
}

/// A canary against the stable version, as Kayenta's judge compares them.
fn compare(canary: &Canary, found: f64, (ours, stable): (&[f64], &[f64])) -> Result<Judged, Judged> {
    let said = |verdict, why: String| Judged { verdict, why, value: Some(found) };
    let looks = ours.len().min(stable.len());
    if looks < canary.min_looks {
        return Err(said(
            Verdict::NoData,
            format!("{looks} of {} looks that a comparison needs", canary.min_looks),
        ));
    }
    let (Some(a), Some(b)) = (stats::mean(ours), stats::mean(stable)) else {
        return Err(said(Verdict::NoData, "nothing to compare".to_owned()));
    };
    let words = format!("canary {}, stable {} on average", number(a), number(b));
    let Some(shift) = shift(ours, stable, CONFIDENCE) else {
        return Ok(said(Verdict::Pass, words));
    };
    let edge = TOLERANCE * shift.estimate.abs();
    let high = shift.low > edge && a >= b * canary.effect;
    let low = shift.high < -edge && a * canary.effect <= b;
    let bad = match canary.worse {
        Worse::Higher => high,
        Worse::Lower => low,
        Worse::Either => high || low,
    };
    let words = format!("{words}, shift {} to {}", number(shift.low), number(shift.high));
    match bad {
        true => Err(said(Verdict::Fail, words)),
        false => Ok(said(Verdict::Pass, words)),
    }
}

/// How fast the error budget burns.
fn burn(slo: &Slo, seen: &[(Reading, Reading)]) -> Result<Judged, Judged> {
    let budget = 1.0 - slo.objective / 100.0;
    let mut words = Vec::new();
    let mut worst = None;
    for (pair, (long, short)) in slo.burn.iter().zip(seen) {
        let (long, short) = (value(long)? / budget, value(short)? / budget);
        worst = worst.max(Some(ordered(long)));
        let text = format!("{}× over {}, {}× over {}", number(long), pair.long, number(short), pair.short);
        if long > pair.rate && short > pair.rate {
            let why = format!("the budget burns {text}; {}× is too fast", pair.rate);
            return Err(Judged { verdict: Verdict::Fail, why, value: Some(long) });
        }
        words.push(text);
    }
    match worst {
        Some(worst) => {
            Ok(Judged { verdict: Verdict::Pass, why: words.join("; "), value: Some(f64::from_bits(worst)) })
        }
        None => Err(Judged { verdict: Verdict::NoData, why: "no window was read".to_owned(), value: None }),
    }
}

/// Numbers that are not negative, in the order of their bits.
fn ordered(value: f64) -> u64 {
    value.max(0.0).to_bits()
}
