//! What scanners, tests and coverage tools report: read leniently, merged to one finding for each weakness, judged.
//!
//! [`read`] turns a report into [`Report`]s, whatever wrote it; [`merge`] makes one [`Finding`] of what several saw;
//! [`waiver`] takes out what a person answers for until a day; [`judge`] compares with a baseline and a policy;
//! [`write`] renders the result for others.

pub mod intelligence;
pub mod judge;
pub mod merge;
pub mod read;
pub mod waiver;
pub mod write;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How bad a finding is. The order is that of alarm; `unknown` is below all, because it says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody said, or in words that nobody knows.
    #[default]
    Unknown,
    /// CVSS 0.1 to 3.9; informational too.
    Low,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// All, the worst first.
    pub const WORST_FIRST: [Severity; 5] =
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Unknown];

    /// From a CVSS score by the bands of <https://www.first.org/cvss/v4-0/specification-document#Qualitative-Severity-Rating-Scale>.
    pub fn of_score(score: f64) -> Self {
        match score {
            s if !(0.0..=10.0).contains(&s) => Severity::Unknown,
            s if s >= 9.0 => Severity::Critical,
            s if s >= 7.0 => Severity::High,
            s if s >= 4.0 => Severity::Medium,
            _ => Severity::Low,
        }
    }

    /// From a scanner's word, in any case; a word that is not known is [`Severity::Unknown`].
    pub fn of_word(word: &str) -> Self {
        const WORDS: [(&str, Severity); 15] = [
            ("critical", Severity::Critical),
            ("very-high", Severity::Critical),
            ("blocker", Severity::Critical),
            ("high", Severity::High),
            ("error", Severity::High),
            ("important", Severity::High),
            ("major", Severity::High),
            ("medium", Severity::Medium),
            ("moderate", Severity::Medium),
            ("warning", Severity::Medium),
            ("low", Severity::Low),
            ("minor", Severity::Low),
            ("negligible", Severity::Low),
            ("info", Severity::Low),
            ("note", Severity::Low),
        ];
        WORDS.iter().find(|(w, _)| w.eq_ignore_ascii_case(word.trim())).map_or(Severity::Unknown, |(_, s)| *s)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Unknown => "unknown",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The base score of a CVSS 3 or 4 vector; none when it is no such vector.
pub fn cvss_score(vector: &str) -> Option<f64> {
    let vector = vector.trim();
    // Longer than any vector with every metric.
    if vector.len() > 300 {
        return None;
    }
    let score = vector.parse::<cvss::Cvss>().ok()?.score();
    (0.0..=10.0).contains(&score).then_some(score)
}

/// What sort of weakness a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// In the code itself.
    Code,
    /// In how something is set up: a Dockerfile, a manifest.
    Configuration,
    /// A licence that is not allowed.
    Licence,
    /// In a package that is used.
    Package,
    /// A password, a key, a token.
    Secret,
}

/// Where a finding is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// A file by its path from the top of the repository, or an image without registry default, tag and digest.
    pub path: Box<str>,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

/// One weakness, with all that any scanner said of it.
///
/// Lists are sets: sorted, nothing twice. A finding without a package has at most one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What sort it is.
    pub kind: Kind,
    /// Its names: CVE, GHSA, PYSEC, RUSTSEC, …, or the rule that found it. Never empty.
    pub ids: Vec<Box<str>>,
    /// The kinds of weakness by their number at <https://cwe.mitre.org>.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwes: Vec<u32>,
    /// The package as a package URL without version, qualifiers and subpath
    /// (<https://github.com/package-url/purl-spec>).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Box<str>>,
    /// The package's versions that were seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<Box<str>>,
    /// The versions that have it no more, as each scanner writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<Box<str>>,
    /// Where it was seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
    /// How bad the most alarmed of the scanners finds it.
    pub severity: Severity,
    /// The highest CVSS score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// Whether it is known to be exploited (<https://www.cisa.gov/known-exploited-vulnerabilities-catalog>).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kev: bool,
    /// The probability of exploitation within 30 days (<https://www.first.org/epss/>), 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<f32>,
    /// What it is, in a line.
    pub title: Box<str>,
    /// Who saw it.
    pub scanners: Vec<Arc<str>>,
    /// A scanner's own hash of the line and what is around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_hash: Option<Box<str>>,
}

impl Finding {
    /// The name that people know best: CVE before GHSA before others.
    pub fn id(&self) -> &str {
        let rank = |id: &str| match id {
            _ if id.starts_with("CVE-") => 0,
            _ if id.starts_with("GHSA-") => 1,
            _ => 2,
        };
        self.ids.iter().min_by_key(|id| (rank(id), &***id)).map_or("", |id| id)
    }

    /// The package as people write it, with the versions: `lodash 4.17.4`.
    pub fn package_name(&self) -> Option<String> {
        let name = self.package.as_deref().map(package_name)?;
        Some(if self.versions.is_empty() { name } else { format!("{name} {}", self.versions.join(", ")) })
    }

    /// What a list says of it in a few words: id and package, or id and place.
    pub fn heading(&self) -> String {
        match (self.package_name(), self.places.first()) {
            (Some(package), _) => format!("{} in {package}", self.id()),
            (None, Some(place)) => format!("{} in {place}", self.id()),
            (None, None) => self.id().to_owned(),
        }
    }

    /// The order of lists: the worst first, then exploited ones, then by name and place. Total, so that lists are stable.
    pub fn alarm(&self, other: &Finding) -> std::cmp::Ordering {
        (other.severity, other.kev)
            .cmp(&(self.severity, self.kev))
            .then_with(|| other.score.unwrap_or(0.0).total_cmp(&self.score.unwrap_or(0.0)))
            .then_with(|| {
                (self.id(), &self.package, &self.places, &self.title).cmp(&(
                    other.id(),
                    &other.package,
                    &other.places,
                    &other.title,
                ))
            })
    }
}

/// The name in a package URL without version: `@types/node`, `group:artifact`, `github.com/x/y`.
pub fn package_name(purl: &str) -> String {
    let Some((kind, path)) = purl.strip_prefix("pkg:").and_then(|p| p.split_once('/')) else {
        return purl.to_owned();
    };
    let path = path.replace("%40", "@");
    match (kind, path.rsplit_once('/')) {
        ("maven", Some((group, artifact))) => format!("{group}:{artifact}"),
        ("deb" | "rpm" | "apk", Some((_, name))) => name.to_owned(),
        _ => path,
    }
}

/// Automated tests that ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tests {
    /// All.
    pub total: u64,
    /// Those that failed or ended in an error.
    pub failed: u64,
    /// Those that were skipped.
    pub skipped: u64,
    /// Names of some that failed.
    #[serde(default)]
    pub failures: Vec<String>,
}

/// Lines that tests reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Lines that were run.
    pub covered: u64,
    /// Lines that could be.
    pub lines: u64,
}

impl Coverage {
    /// In percent, 0 to 100; none where there are no lines.
    pub fn percent(self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "line counts are far below 2^52")]
        (self.lines > 0).then(|| self.covered.min(self.lines) as f64 * 100.0 / self.lines as f64)
    }
}

/// What one report said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Who wrote it, once each.
    pub scanners: Vec<Arc<str>>,
    /// What it found.
    pub findings: Vec<Finding>,
    /// The tests, where it reports tests.
    pub tests: Option<Tests>,
    /// The coverage, where it reports coverage.
    pub coverage: Option<Coverage>,
    /// How many findings the scanner itself was told to ignore.
    pub suppressed: usize,
    /// What the scanner could not look at, and entries that could not be read.
    pub gaps: Vec<String>,
}

impl Report {
    /// Adds a finding. The list grows by a quarter at a time: there may be a hundred thousand, and room for twice as many
    /// would be most of what a scan holds.
    pub fn keep(&mut self, finding: Finding) {
        if self.findings.len() == self.findings.capacity() {
            self.findings.reserve_exact(self.findings.len() / 4 + 64);
        }
        self.findings.push(finding);
    }
}
