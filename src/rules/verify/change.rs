//! How much worse than a baseline a metric may be.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A share from 0 to 1.
    #[default]
    Share,
    /// A percentage from 0 to 100.
    Percent,
}

/// A change against a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "serde_json::Value", into = "String")]
#[cfg_attr(test, schemars(with = "serde_json::Value"))]
pub enum Change {
    /// A part of the baseline, in percent.
    Percent(f64),
    /// Points of a share or percentage.
    Points(f64),
    /// In the metric's own unit.
    Value(f64),
}

impl TryFrom<serde_json::Value> for Change {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        let wrong = || format!("`{value}` is no change: write `20 %`, `1 point` or a number");
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
        let change = match &value {
            serde_json::Value::Number(n) => n.as_f64().filter(|n| *n >= 0.0).map(Change::Value),
            serde_json::Value::String(text) => {
                let text = text.trim().trim_start_matches('+');
                if let Some(rest) = text.strip_suffix('%') {
                    number(rest).map(Change::Percent)
                } else if let Some(rest) = text.strip_suffix("points").or_else(|| text.strip_suffix("point"))
                {
                    number(rest).map(Change::Points)
                } else {
                    number(text).map(Change::Value)
                }
            }
            _ => None,
        };
        change.ok_or_else(wrong)
    }
}

impl From<Change> for String {
    fn from(change: Change) -> String {
        change.to_string()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Percent(n) => write!(f, "{n} %"),
            Change::Points(n) if *n == 1.0 => f.write_str("1 point"),
            Change::Points(n) => write!(f, "{n} points"),
            Change::Value(n) => write!(f, "{n}"),
        }
    }
}

impl Change {
    /// In the metric's own unit, against a baseline.
    pub fn of(self, baseline: f64, unit: Unit) -> f64 {
        match (self, unit) {
            (Change::Percent(n), _) => baseline.abs() * n / 100.0,
            (Change::Points(n), Unit::Share) => n / 100.0,
            (Change::Points(n), Unit::Percent) | (Change::Value(n), _) => n,
        }
    }
}
