//! What was released: the artifacts of a tag with their digests, as a release carries them, and whether something is one
//! of them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::data::CommitId;

/// The name of the record beside the artifacts of a release. The list of `sha256sum` beside it is no artifact.
pub const FILE: &str = "artifacts.json";
/// The name of the list in the format of `sha256sum`.
pub const SUMS: &str = "SHA256SUMS";
/// The version of the record's JSON. A record of another version is refused, never guessed at.
pub const FORMAT: u32 = 1;

/// What was released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The version of this JSON: [`FORMAT`].
    pub format: u32,
    /// The tag.
    pub tag: String,
    /// The commit of the tag.
    pub commit: CommitId,
    /// The artifacts, sorted by their names.
    pub artifacts: Vec<Artifact>,
}

/// An artifact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Its file name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
}

impl Record {
    /// The record of a tag.
    pub fn new(tag: &str, commit: CommitId, artifacts: impl IntoIterator<Item = Artifact>) -> Self {
        let mut artifacts: Vec<Artifact> = artifacts.into_iter().collect();
        artifacts.sort();
        Record { format: FORMAT, tag: tag.to_owned(), commit, artifacts }
    }

    /// As JSON, pretty, with a final newline: the same record is always the same text.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// The digests that somebody recorded, read from a [`Record`] or from a list of `sha256sum`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// The tag; a list does not say it.
    pub tag: Option<String>,
    /// The commit; a list does not say it.
    pub commit: Option<CommitId>,
    /// By the name: the length, where it is said, and the SHA-256 in small hexadecimal digits.
    pub artifacts: BTreeMap<String, (Option<u64>, String)>,
}

/// Why a text records no digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How something stands to what was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is what was recorded.
    Same,
    /// It is something else: what was recorded, and what it is.
    Other {
        /// The recorded digest.
        recorded: String,
        /// Its own.
        found: String,
    },
    /// Nothing of this name was recorded.
    Unrecorded,
}

impl Recorded {
    /// Reads a record, or a list of `sha256sum`
    /// (<https://www.gnu.org/software/coreutils/manual/html_node/md5sum-invocation.html>). A line that is neither, a
    /// digest that is none and a name that stands twice are refused: a record that is only half read proves nothing.
    pub fn parse(text: &str) -> Result<Recorded, Unreadable> {
        if text.trim_start().starts_with('{') {
            return Self::of_json(text);
        }
        let mut recorded = Recorded::default();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let read = line.trim_end_matches('\r').split_once(' ').and_then(|(digest, name)| {
                let name = name.strip_prefix([' ', '*'])?;
                Some((digest, name.strip_prefix("./").unwrap_or(name)))
            });
            let Some((digest, name)) = read else {
                return Err(Unreadable(format!("line {} is no line of sha256sum", number + 1)));
            };
            recorded.add(name, None, digest)?;
        }
        if recorded.artifacts.is_empty() {
            return Err(Unreadable("it records nothing".to_owned()));
        }
        Ok(recorded)
    }

    fn of_json(text: &str) -> Result<Recorded, Unreadable> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let bad = |e: serde_json::Error| Unreadable(format!("it is no record of artifacts: {e}"));
        let head: Head = serde_json::from_str(text).map_err(bad)?;
        if head.format != FORMAT {
            return Err(Unreadable(format!("it has format {}, known is {FORMAT}", head.format)));
        }
        let record: Record = serde_json::from_str(text).map_err(bad)?;
        let mut recorded =
            Recorded { tag: Some(record.tag), commit: Some(record.commit), artifacts: BTreeMap::new() };
        for artifact in record.artifacts {
            recorded.add(&artifact.name, Some(artifact.size), &artifact.sha256)?;
        }
        Ok(recorded)
    }

    fn add(&mut self, name: &str, size: Option<u64>, sha256: &str) -> Result<(), Unreadable> {
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Unreadable(format!("the digest of {name} is no SHA-256")));
        }
        match self.artifacts.insert(name.to_owned(), (size, sha256.to_ascii_lowercase())) {
            None => Ok(()),
            Some(_) => Err(Unreadable(format!("{name} is recorded twice"))),
        }
    }

    /// Whether something of this name is what was recorded. The name may have folders before it, which a release has not.
    pub fn judge(&self, name: &str, size: Option<u64>, sha256: &str) -> Verdict {
        let base = name.rsplit('/').next().unwrap_or(name);
        let Some((length, recorded)) = self.artifacts.get(name).or_else(|| self.artifacts.get(base)) else {
            return Verdict::Unrecorded;
        };
        let same_size = size.zip(*length).is_none_or(|(found, recorded)| found == recorded);
        match same_size && recorded.eq_ignore_ascii_case(sha256) {
            true => Verdict::Same,
            false => Verdict::Other { recorded: recorded.clone(), found: sha256.to_ascii_lowercase() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let commit = CommitId::from_bytes([7; 20]);
        let artifact =
            |name: &str, digit: &str| Artifact { name: name.to_owned(), size: 3, sha256: digit.repeat(64) };
        Record::new("v1.0.0", commit, [artifact("b.tgz", "b"), artifact("a.tgz", "a")])
    }

    #[test]
    fn a_record_comes_back() {
        let text = record().to_json();
        assert!(text.find("a.tgz") < text.find("b.tgz"), "{text}");
        let read = Recorded::parse(&text).unwrap();
        assert_eq!((read.tag.as_deref(), read.commit), (Some("v1.0.0"), Some(record().commit)));
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        assert_eq!(read.judge("a.tgz", Some(3), &a.to_uppercase()), Verdict::Same);
        assert_eq!(read.judge("dist/a.tgz", None, &a), Verdict::Same);
        assert_eq!(
            read.judge("a.tgz", Some(4), &a),
            Verdict::Other { recorded: a.clone(), found: a.clone() }
        );
        assert_eq!(read.judge("a.tgz", Some(3), &b), Verdict::Other { recorded: a.clone(), found: b });
        assert_eq!(read.judge("c.tgz", Some(3), &a), Verdict::Unrecorded);
    }

    #[test]
    fn lists_of_sha256sum_are_read_and_nothing_by_halves() {
        let (a, b) = ("a".repeat(64), "B".repeat(64));
        let read = Recorded::parse(&format!("{a}  ./x.tgz\r\n{b} *y z.zip\n")).unwrap();
        assert_eq!((read.tag.clone(), read.artifacts.len()), (None, 2));
        assert_eq!(read.judge("y z.zip", Some(1), &b), Verdict::Same);
        for (text, said) in [
            (String::new(), "records nothing"),
            (format!("{a}  x\nnonsense\n"), "line 2"),
            (format!("{a}  x\n{b}  x\n"), "twice"),
            ("abc  x\n".to_owned(), "no SHA-256"),
            (record().to_json().replace("\"format\": 1", "\"format\": 2"), "format 2"),
            (record().to_json().replace("\"size\"", "\"length\""), "no record"),
            (record().to_json().replace("b.tgz", "a.tgz"), "twice"),
            (record().to_json().replace("aaa", "xyz"), "no SHA-256"),
        ] {
            let error = Recorded::parse(&text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
