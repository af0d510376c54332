//! Gates: named checks over facts that were gathered before. Each answers pass, fail or unknown, says why, since when and
//! what would turn it.
//!
//! Unknown never passes, and a gate without checks fails: tools that pass when nothing was looked at let releases through
//! by a typo in a path (<https://github.com/open-policy-agent/conftest/issues/181>).

use std::fmt;

use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

pub mod approvals;
pub mod checklist;
pub mod config;
pub mod cron;
pub mod expression;
pub mod freeze;
pub mod measure;
pub mod poll;
pub mod proof;
pub mod runs;
pub mod times;
pub mod window;

pub use config::{Check, Kind};

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It could not be told, or is not decided yet. Never counts as pass.
    Unknown,
    /// It does not hold.
    Fail,
}

/// What a check says, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub why: String,
    /// Since when it is so, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How long it stays so by itself, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What would turn it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<String>,
    /// For a closed window, when it opens next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens: Option<Timestamp>,
    /// Whether it may turn by itself within minutes: what is asked runs still, or has not begun.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// The people on whom the answer rests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
}

/// A fact, or why it is not known.
pub type Fact<T> = Result<T, String>;

impl Answer {
    fn new(verdict: Verdict, why: impl Into<String>) -> Self {
        let why = why.into();
        Answer {
            verdict,
            why,
            since: None,
            until: None,
            turn: None,
            opens: None,
            pending: false,
            people: Vec::new(),
        }
    }

    /// It holds.
    pub fn pass(why: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, why)
    }

    /// It does not hold.
    pub fn fail(why: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, why)
    }

    /// It could not be told.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::new(Verdict::Unknown, why)
    }

    /// It is not decided yet, and may be soon.
    pub fn pending(why: impl Into<String>) -> Self {
        Answer { pending: true, ..Self::unknown(why) }
    }

    /// Pass or fail.
    pub fn of(holds: bool, why: impl Into<String>) -> Self {
        Self::new(if holds { Verdict::Pass } else { Verdict::Fail }, why)
    }

    /// Adds what would turn it; an answer that passes needs no turn.
    #[must_use]
    pub fn turn(mut self, turn: impl Into<String>) -> Self {
        if self.verdict != Verdict::Pass {
            self.turn = Some(turn.into());
        }
        self
    }

    /// Adds since when it is so.
    #[must_use]
    pub fn since(mut self, since: impl Into<Option<Timestamp>>) -> Self {
        self.since = since.into();
        self
    }

    /// Adds how long it stays so.
    #[must_use]
    pub fn until(mut self, until: impl Into<Option<Timestamp>>) -> Self {
        self.until = until.into();
        self
    }
}

/// A check that is let pass whatever it says, for a time and a reason that stand in the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Override {
    /// The check's name.
    pub check: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub by: String,
    /// When it ends.
    pub until: Timestamp,
}

/// What is wrong with an override, if anything: it needs a reason, a person and an end that is ahead.
pub fn refused(it: &Override, at: Timestamp) -> Option<String> {
    if it.reason.trim().is_empty() {
        return Some("an override needs a reason".to_owned());
    }
    if it.by.trim().is_empty() {
        return Some("an override needs the name of a person".to_owned());
    }
    (it.until <= at).then(|| format!("the override ended {}", it.until))
}

/// The verdict of a whole gate: the worst of its checks, of which overridden ones do not count. No check is a failure.
pub fn verdict(answers: impl IntoIterator<Item = (Verdict, bool)>) -> Verdict {
    answers
        .into_iter()
        .map(|(verdict, overridden)| if overridden { Verdict::Pass } else { verdict })
        .max()
        .unwrap_or(Verdict::Fail)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Pass => "pass",
            Verdict::Unknown => "unknown",
            Verdict::Fail => "fail",
        })
    }
}

/// A size in bytes, such as `10 MB`, `1.5 GiB`, `4096`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "Number")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Size(pub u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Bytes(u64),
    Text(String),
}

impl TryFrom<Number> for Size {
    type Error = String;

    fn try_from(number: Number) -> Result<Self, String> {
        let text = match number {
            Number::Bytes(bytes) => return Ok(Size(bytes)),
            Number::Text(text) => text,
        };
        let bad = || format!("`{text}` is no size: write `10 MB`, `1 GiB` or a number of bytes");
        let plain = text.trim();
        let digits = plain.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(plain.len());
        let (value, unit) = plain.split_at(digits);
        let value: f64 = value.parse().map_err(|_| bad())?;
        let unit: f64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1.0,
            "k" | "kb" => 1e3,
            "m" | "mb" => 1e6,
            "g" | "gb" => 1e9,
            "t" | "tb" => 1e12,
            "kib" => 1024.0,
            "mib" => 1_048_576.0,
            "gib" => 1_073_741_824.0,
            "tib" => 1_099_511_627_776.0,
            _ => return Err(bad()),
        };
        let bytes = value * unit;
        // Up to 2^53 a floating point number is exact.
        if bytes.is_finite() && bytes < 9e15 { Ok(Size(bytes as u64)) } else { Err(bad()) }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scaled = |unit: u64| self.0 as f64 / unit as f64;
        match self.0 {
            0..1_000 => write!(f, "{} B", self.0),
            1_000..1_000_000 => write!(f, "{:.1} kB", scaled(1_000)),
            1_000_000..1_000_000_000 => write!(f, "{:.1} MB", scaled(1_000_000)),
            _ => write!(f, "{:.1} GB", scaled(1_000_000_000)),
        }
    }
}

/// How old something is, against how old it may be.
pub(crate) fn age(what: &str, made: Timestamp, limit: jiff::Span, at: &Zoned) -> Answer {
    let why = format!("{what} is {} old, of {made}; {limit:#} are allowed", lapse(at.timestamp(), made));
    if made > at.timestamp() {
        return Answer::fail(format!("{what} is of {made}, which is ahead of {}", at.timestamp()))
            .turn("set the clocks right");
    }
    match made.to_zoned(at.time_zone().clone()).checked_add(limit) {
        Ok(end) => {
            let answer = Answer::of(*at <= end, why);
            let end = end.timestamp();
            if answer.verdict == Verdict::Pass { answer.until(end) } else { answer.since(end) }
        }
        Err(_) => Answer::unknown(format!("the end of {limit:#} after {made} is beyond all time")),
    }
}

/// The time between two instants for people: `3 h 12 min`, `4 d 2 h`.
pub(crate) fn lapse(later: Timestamp, earlier: Timestamp) -> String {
    let minutes = later.duration_since(earlier).as_mins().max(0);
    match minutes {
        0..60 => format!("{minutes} min"),
        60..2880 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} d {} h", minutes / 1440, minutes / 60 % 24),
    }
}

/// A long text cut for a message.
pub(crate) fn brief(text: &str) -> String {
    let line = text.trim();
    let mut out: String = line.chars().take(120).collect();
    if line.chars().count() > 120 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests;
