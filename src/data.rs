//! Small data types that every layer shares.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};
use serde::{Deserialize, Serialize};

/// The name of a commit: a SHA-1 object id.
///
/// Ordered by its bytes, which is the order of its hexadecimal text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId([u8; 20]);

/// Why a text is not a [`CommitId`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCommitId {
    text: String,
}

impl CommitId {
    /// The shortest abbreviation that is taken as the name of a commit, as git writes them.
    pub const MIN_PREFIX: usize = 7;

    /// Makes an id from its 20 raw bytes.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The 20 raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The first ten hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.digits().iter().take(10).map(|digit| char::from(*digit)).collect()
    }

    /// All forty hexadecimal digits.
    fn digits(&self) -> [u8; 40] {
        let mut digits = [0; 40];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair =
                [b"0123456789abcdef"[usize::from(byte >> 4)], b"0123456789abcdef"[usize::from(byte & 15)]];
        }
        digits
    }

    /// Whether `prefix`, 7 to 40 hexadecimal digits of either case, abbreviates this id.
    pub fn has_prefix(&self, prefix: &str) -> bool {
        let digits = prefix.as_bytes();
        (Self::MIN_PREFIX..=40).contains(&digits.len())
            && digits.iter().enumerate().all(|(at, digit)| {
                let byte = self.0[at / 2];
                let nibble = if at % 2 == 0 { byte >> 4 } else { byte & 15 };
                hex(*digit) == Some(nibble)
            })
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl FromStr for CommitId {
    type Err = BadCommitId;

    /// Reads all 40 hexadecimal digits; abbreviations are refused.
    fn from_str(text: &str) -> Result<Self, BadCommitId> {
        let bad = || BadCommitId { text: text.chars().take(60).collect() };
        if text.len() != 40 {
            return Err(bad());
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let (high, low) = hex(pair[0]).zip(hex(pair[1])).ok_or_else(bad)?;
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommitId({self})")
    }
}

impl serde::Serialize for CommitId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for CommitId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for BadCommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a commit id of 40 hexadecimal digits", self.text)
    }
}

impl std::error::Error for BadCommitId {}

/// A length of time: `24h`, `2d`, `2 weeks`, `1 month`; more than nothing.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Lapse(pub Span);

impl TryFrom<String> for Lapse {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let span: Span = text
            .parse()
            .map_err(|_| format!("`{text}` is no length of time: write `24h`, `2d` or `2 weeks`"))?;
        match span.is_positive() {
            true => Ok(Lapse(span)),
            false => Err(format!("`{text}` must be more than nothing")),
        }
    }
}

/// An exact length of time: `500ms`, `30s`, `1h30m`; more than nothing. Days have no fixed length: `24h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Period(pub SignedDuration);

impl Period {
    /// So many milliseconds.
    pub const fn millis(ms: i64) -> Self {
        Period(SignedDuration::from_millis(ms))
    }

    /// So many seconds.
    pub const fn secs(seconds: i64) -> Self {
        Period(SignedDuration::from_secs(seconds))
    }

    /// In seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0.as_secs_f64()
    }

    /// For the standard library.
    pub fn std(self) -> std::time::Duration {
        self.0.unsigned_abs()
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let duration: SignedDuration = text
            .parse()
            .map_err(|_| format!("`{text}` is no exact length of time: write `500ms`, `30s` or `1h30m`"))?;
        match duration.is_positive() {
            true => Ok(Period(duration)),
            false => Err(format!("`{text}` must be more than nothing")),
        }
    }
}

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> String {
        period.to_string()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

/// A time zone by its IANA name.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Zone(pub TimeZone);

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        TimeZone::get(&name)
            .map(Zone)
            .map_err(|_| format!("`{name}` is no time zone: write an IANA name such as `Europe/Berlin`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_print_and_abbreviate() {
        let text = "4e476dee14bb9ee4c20aebd51970efc827769e68";
        let id: CommitId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(id.short(), "4e476dee14");
        assert!(id.has_prefix("4E476dee1") && id.has_prefix(text));
        assert!(!id.has_prefix("4e476d"), "too short to be a name");
        assert!(!id.has_prefix("4e476d0") && !id.has_prefix("4e476dg"));
        assert!("4e476de".parse::<CommitId>().is_err());
        assert!("é".repeat(20).parse::<CommitId>().is_err());
    }
}
