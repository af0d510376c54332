//! Small data types that every layer shares.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The id of a git commit (SHA-1), as 20 raw bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CommitId([u8; 20]);

impl CommitId {
    /// From raw bytes.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        CommitId(bytes)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The first ten hexadecimal digits, for people.
    pub fn short(&self) -> String {
        let mut hex = self.to_string();
        hex.truncate(10);
        hex
    }

    /// Whether the hexadecimal form starts with `prefix` (any case).
    pub fn starts_with(&self, prefix: &str) -> bool {
        prefix.len() <= 40
            && prefix.bytes().enumerate().all(|(i, digit)| {
                let byte = self.0[i / 2];
                let nibble = if i % 2 == 0 { byte >> 4 } else { byte & 15 };
                (digit as char).to_digit(16) == Some(u32::from(nibble))
            })
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text was not forty hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCommitId(String);

impl fmt::Display for BadCommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a commit id of 40 hexadecimal digits", self.0)
    }
}

impl std::error::Error for BadCommitId {}

impl FromStr for CommitId {
    type Err = BadCommitId;

    fn from_str(text: &str) -> Result<Self, BadCommitId> {
        let bad = || BadCommitId(text.to_owned());
        if text.len() != 40 || !text.is_ascii() {
            return Err(bad());
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| bad())?;
        }
        Ok(CommitId(bytes))
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for CommitId {
    type Error = BadCommitId;

    fn try_from(text: String) -> Result<Self, BadCommitId> {
        text.parse()
    }
}
