//! What a policy says of findings, tests and coverage, against a baseline.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::merge::{Key, keys};
use super::{Coverage, Finding, Kind, Severity, Tests};

/// The worst severity that may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Ceiling {
    /// Nothing at all.
    None,
    /// Up to low.
    Low,
    /// Up to medium.
    Medium,
    /// Up to high.
    High,
    /// Anything.
    Critical,
}

impl Ceiling {
    fn admits(self, severity: Severity) -> bool {
        match self {
            Ceiling::None => false,
            Ceiling::Low => severity <= Severity::Low,
            Ceiling::Medium => severity <= Severity::Medium,
            Ceiling::High => severity <= Severity::High,
            Ceiling::Critical => true,
        }
    }
}

/// What happens when something is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// The answer is no.
    Block,
    /// The answer is unknown, until a person has looked.
    Unknown,
    /// A warning.
    Warn,
    /// Nothing.
    Allow,
}

/// What may be there.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The worst severity of what the baseline does not have; without a baseline everything is new.
    pub new: Ceiling,
    /// The worst severity of anything.
    pub all: Ceiling,
    /// Vulnerabilities that are known to be exploited, new or not, however bad.
    pub kev: Then,
    /// Vulnerabilities whose probability of exploitation within 30 days (EPSS) is at least this, 0 to 1.
    pub epss: Option<f64>,
    /// Secrets, new or not.
    pub secrets: Then,
    /// New findings of which nobody knows how bad they are.
    pub unknown: Then,
    /// Tests that fail.
    pub tests: Then,
    /// The least coverage of lines, in percent.
    pub coverage: Option<f64>,
    /// How far the coverage may fall below the baseline's, in percentage points.
    pub coverage_fall: Option<f64>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            new: Ceiling::Medium,
            all: Ceiling::Critical,
            kev: Then::Block,
            epss: None,
            secrets: Then::Block,
            unknown: Then::Unknown,
            tests: Then::Block,
            coverage: None,
            coverage_fall: None,
        }
    }
}

/// Why a finding is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It is new, and worse than `new` allows.
    New,
    /// It is worse than `all` allows.
    All,
    /// It is known to be exploited.
    Exploited,
    /// It is likely to be exploited soon.
    LikelyExploited,
    /// It is a secret.
    Secret,
    /// Nobody knows how bad it is.
    UnknownSeverity,
}

/// A finding that the policy objects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objection {
    /// The finding's index.
    pub finding: usize,
    /// The gravest reason.
    pub why: Why,
    /// What the policy says to that; never [`Then::Allow`].
    pub then: Then,
}

/// What is there to compare with.
#[derive(Debug, Default)]
pub struct Baseline {
    /// The findings, merged.
    pub findings: Vec<Finding>,
    /// The coverage.
    pub coverage: Option<Coverage>,
}

/// For each finding, whether the baseline does not have it.
///
/// Lines move when code above them changes. So of findings of one rule in one file, as many as the baseline has there
/// are old: first those on the same lines or with the scanner's same line hash, then any.
pub fn new_ones(findings: &[Finding], baseline: &[Finding]) -> Vec<bool> {
    let known: HashSet<Key<'_>> = baseline.iter().flat_map(keys).collect();
    type Spot<'f> = (Kind, &'f str, &'f str);
    fn spot(finding: &Finding) -> Option<Spot<'_>> {
        let place = finding.places.first().filter(|_| finding.package.is_none())?;
        Some((finding.kind, finding.id(), &place.path))
    }
    let hash = |f: &Finding| f.line_hash.clone().zip(f.places.first().map(|p| p.path.clone()));
    let hashes: HashSet<_> = baseline.iter().filter_map(hash).collect();
    let mut budget: HashMap<Spot<'_>, usize> = HashMap::new();
    for spot in baseline.iter().filter_map(spot) {
        *budget.entry(spot).or_default() += 1;
    }
    let same =
        |f: &Finding| keys(f).any(|k| known.contains(&k)) || hash(f).is_some_and(|h| hashes.contains(&h));
    let mut new: Vec<bool> = findings.iter().map(|f| !same(f)).collect();
    for (finding, _) in findings.iter().zip(&new).filter(|(_, new)| !**new) {
        if let Some(left) = spot(finding).and_then(|s| budget.get_mut(&s)) {
            *left = left.saturating_sub(1);
        }
    }
    for (finding, new) in findings.iter().zip(&mut new).filter(|(_, new)| **new) {
        if let Some(left) = spot(finding).and_then(|s| budget.get_mut(&s)).filter(|left| **left > 0) {
            *left -= 1;
            *new = false;
        }
    }
    new
}

/// What the policy objects to, in the order of the findings. `new` says of each whether it is new.
pub fn judge(findings: &[Finding], new: &[bool], policy: &Policy) -> Vec<Objection> {
    let mut all = Vec::new();
    for (at, finding) in findings.iter().enumerate() {
        let new = new.get(at).copied().unwrap_or(true);
        let secret = finding.kind == Kind::Secret;
        let likely = policy.epss.is_some_and(|limit| finding.epss.is_some_and(|e| f64::from(e) >= limit));
        let reasons = [
            (finding.kev, Why::Exploited, policy.kev),
            (secret, Why::Secret, policy.secrets),
            (likely, Why::LikelyExploited, Then::Block),
            // `secrets` alone says what happens to secrets.
            (!secret && !policy.all.admits(finding.severity), Why::All, Then::Block),
            (!secret && new && !policy.new.admits(finding.severity), Why::New, Then::Block),
            (
                !secret && new && finding.severity == Severity::Unknown && policy.new != Ceiling::Critical,
                Why::UnknownSeverity,
                policy.unknown,
            ),
        ];
        let rank = |then: Then| match then {
            Then::Block => 0,
            Then::Unknown => 1,
            Then::Warn => 2,
            Then::Allow => 3,
        };
        let gravest = reasons
            .into_iter()
            .filter(|(applies, _, then)| *applies && *then != Then::Allow)
            .min_by_key(|(_, _, then)| rank(*then));
        all.extend(gravest.map(|(_, why, then)| Objection { finding: at, why, then }));
    }
    all
}

/// How the tests went by the policy; none when they did not fail.
pub fn tests(tests: &Tests, policy: &Policy) -> Option<Then> {
    (tests.failed > 0).then_some(policy.tests)
}

/// What is wrong with the coverage: a sentence for each thing, and whether it could not be told.
pub fn coverage(now: Option<Coverage>, before: Option<Coverage>, policy: &Policy) -> Vec<(Then, String)> {
    let mut out = Vec::new();
    if policy.coverage.is_none() && policy.coverage_fall.is_none() {
        return out;
    }
    let Some(percent) = now.and_then(Coverage::percent) else {
        out.push((Then::Unknown, "the policy asks for coverage, and no report has any".to_owned()));
        return out;
    };
    if let Some(least) = policy.coverage.filter(|least| percent < *least) {
        out.push((
            Then::Block,
            format!("{percent:.2} % of the lines are covered, at least {least} % must be"),
        ));
    }
    let Some(most) = policy.coverage_fall else { return out };
    match before.and_then(Coverage::percent) {
        None => out.push((
            Then::Unknown,
            "the policy limits the fall of the coverage, and no baseline has any".to_owned(),
        )),
        Some(before) if before - percent > most => out.push((
            Then::Block,
            format!(
                "coverage fell by {:.2} points, from {before:.2} % to {percent:.2} %; {most} are allowed",
                before - percent
            ),
        )),
        Some(_) => {}
    }
    out
}
