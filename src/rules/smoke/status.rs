//! The statuses that a check expects: `200`, `2xx`, `200-204`, or several of these.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Statuses that are expected.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "Value", into = "Value")]
#[cfg_attr(test, schemars(with = "Value"))]
pub struct Statuses(Vec<(u16, u16)>);

impl Default for Statuses {
    fn default() -> Self {
        Statuses(vec![(200, 299)])
    }
}

impl std::str::FromStr for Statuses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(range).collect::<Result<_, _>>().map(Statuses)
    }
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let text = text.trim();
    let wrong = || format!("`{text}` is no status: write 200, 2xx or 200-204");
    let number = |text: &str| text.trim().parse::<u16>().ok().filter(|n| (100..=599).contains(n));
    let (from, to) = if let Some(hundred) = text.strip_suffix("xx") {
        let hundred = hundred.parse::<u16>().ok().filter(|n| (1..=5).contains(n)).ok_or_else(wrong)?;
        (hundred * 100, hundred * 100 + 99)
    } else if let Some((from, to)) = text.split_once('-') {
        (number(from).ok_or_else(wrong)?, number(to).ok_or_else(wrong)?)
    } else {
        let one = number(text).ok_or_else(wrong)?;
        (one, one)
    };
    if from <= to { Ok((from, to)) } else { Err(wrong()) }
}

impl TryFrom<Value> for Statuses {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let one = |value: &Value| match value {
            Value::Number(number) => range(&number.to_string()),
            Value::String(text) => range(text),
            other => Err(format!("`{other}` is no status: write 200, 2xx or 200-204")),
        };
        match &value {
            Value::Array(list) if !list.is_empty() => list.iter().map(one).collect::<Result<_, _>>(),
            other => one(other).map(|range| vec![range]),
        }
        .map(Statuses)
    }
}

impl From<Statuses> for Value {
    fn from(statuses: Statuses) -> Value {
        statuses.to_string().split(", ").map(|part| Value::String(part.to_owned())).collect()
    }
}

impl Statuses {
    /// Whether a status is among them.
    pub fn has(&self, status: u16) -> bool {
        self.0.iter().any(|(from, to)| (*from..=*to).contains(&status))
    }

    /// Whether a redirect is what is expected.
    pub fn redirects(&self) -> bool {
        self.0.iter().all(|(from, to)| *from >= 300 && *to < 400)
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (from, to)) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match (from, to) {
                (from, to) if from == to => write!(f, "{from}")?,
                (from, to) if from % 100 == 0 && *to == from + 99 => write!(f, "{}xx", from / 100)?,
                (from, to) => write!(f, "{from}-{to}")?,
            }
        }
        Ok(())
    }
}
