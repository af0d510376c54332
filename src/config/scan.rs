//! `scan:` of the configuration.

use serde::Deserialize;

use crate::rules::scan::judge::Policy;
use crate::rules::scan::read::Format as ReportFormat;
use crate::rules::scan::waiver::Waiver;

/// What scanners, tests and coverage report, and what of it is let through.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ScanConfig {
    /// The reports to read when the command line names none: paths and globs.
    pub reports: Vec<ReportConfig>,
    /// What may be there.
    pub policy: Policy,
    /// What is not new: a merged SARIF or an earlier result of `scan`, as a path, as `REF:path` in git, or as `@target:path`
    /// on the branch that this goes to: that of the request, or the main branch.
    pub baseline: Option<String>,
    /// Findings that somebody answers for until a day: a list, or the path of a file with such a list.
    pub waivers: Waivers,
    /// How many days ahead a waiver may end.
    pub waiver_days: u16,
    /// How many days before its end a waiver is warned about.
    pub waiver_warning_days: u16,
    /// A local copy of CISA's list of exploited vulnerabilities (JSON).
    pub kev: Option<String>,
    /// A local copy of FIRST's EPSS scores (CSV, not compressed).
    pub epss: Option<String>,
    /// The files to write.
    pub write: ScanFiles,
}

impl Default for ScanConfig {
    fn default() -> Self {
        ScanConfig {
            reports: Vec::new(),
            policy: Policy::default(),
            baseline: None,
            waivers: Waivers::default(),
            waiver_days: 90,
            waiver_warning_days: 14,
            kev: None,
            epss: None,
            write: ScanFiles::default(),
        }
    }
}

/// A report: a path or glob, or one with its format.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ReportConfig {
    /// A path or a glob.
    Path(String),
    /// A path or a glob whose format does not tell itself.
    Long(LongReport),
}

/// A report and its format.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LongReport {
    /// A path or a glob.
    pub path: String,
    /// The format.
    pub format: ReportFormat,
}

/// Waivers: a list, or the path of a file with such a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Waivers {
    /// The waivers.
    List(Vec<Waiver>),
    /// The path of a YAML file with a list of waivers.
    File(String),
}

impl Default for Waivers {
    fn default() -> Self {
        Waivers::List(Vec::new())
    }
}

/// The files that `scan` writes, by their paths from the top of the repository.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ScanFiles {
    /// Merged SARIF for code scanning.
    pub sarif: Option<String>,
    /// GitLab's code quality report.
    pub code_quality: Option<String>,
    /// JUnit XML.
    pub junit: Option<String>,
    /// A summary in Markdown.
    pub summary: Option<String>,
    /// The result as JSON, for a gate and as a baseline.
    pub result: Option<String>,
}
