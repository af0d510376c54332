//! What a repository builds, with what, which scanners it is set up for and where it goes: what `init` writes from.

mod languages;
mod target;

pub use languages::{Kind, Language, languages};
pub use target::{Target, target};

use crate::error::Result;
use crate::facts::Facts;

/// A scanner that a repository has a configuration of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanner {
    /// Its name.
    pub name: &'static str,
    /// The file by which it is known.
    pub file: &'static str,
    /// A line that has it write a report which `scan` reads.
    pub line: &'static str,
}

/// By the files that the scanners' own documentation names.
const SCANNERS: [Scanner; 9] = [
    Scanner {
        name: "Gitleaks",
        file: ".gitleaks.toml",
        line: "gitleaks dir . --exit-code 0 --report-path gitleaks.sarif --report-format sarif",
    },
    Scanner { name: "Grype", file: ".grype.yaml", line: "grype dir:. --output json --file grype.json" },
    Scanner {
        name: "OSV-Scanner",
        file: "osv-scanner.toml",
        line: "osv-scanner scan --format json --output osv.json .",
    },
    Scanner {
        name: "Semgrep",
        file: ".semgrep.yml",
        line: "semgrep scan --config .semgrep.yml --sarif --output semgrep.sarif",
    },
    Scanner { name: "Snyk", file: ".snyk", line: "snyk test --json-file-output=snyk.json" },
    Scanner { name: "Trivy", file: ".trivyignore", line: TRIVY },
    Scanner { name: "Trivy", file: ".trivyignore.yaml", line: TRIVY },
    Scanner { name: "Trivy", file: "trivy.yaml", line: TRIVY },
    Scanner {
        name: "Bandit",
        file: "bandit.yaml",
        line: "bandit --recursive . --exit-zero --format json --output bandit.json",
    },
];
const TRIVY: &str = "trivy filesystem --format json --output trivy.json .";

/// The scanners that are set up here, each once.
pub fn scanners(facts: &Facts<'_>) -> Result<Vec<Scanner>> {
    let tracked = facts.tracked()?;
    let there = |file: &str| tracked.binary_search_by(|path| path.as_str().cmp(file)).is_ok();
    let mut found: Vec<Scanner> = SCANNERS.into_iter().filter(|scanner| there(scanner.file)).collect();
    found.dedup_by_key(|scanner| scanner.name);
    Ok(found)
}

/// Whether a name may stand in a line for a shell as it is.
pub fn is_plain(name: &str) -> bool {
    !name.starts_with('-')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'))
}
