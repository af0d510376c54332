//! What others read: merged SARIF, GitLab's code quality, JUnit, a summary in Markdown, our own JSON.

mod others;
mod own;
mod sarif;

pub use others::{by_objection, code_quality, junit, summary};
pub use own::{Made, Read, result};
pub use sarif::{Limits, sarif};

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::judge::{Objection, Policy, Then, Why};
use super::{Coverage, Finding, Severity, Tests};

/// Everything that a scan came to; what the writers write.
#[derive(Debug)]
pub struct Outcome<'s> {
    /// The findings that are open, the worst first.
    pub findings: &'s [Finding],
    /// For each, whether it is new.
    pub new: &'s [bool],
    /// What the policy objects to.
    pub objections: &'s [Objection],
    /// How many findings are waived.
    pub waived: usize,
    /// The reports that say nothing, with the reason.
    pub troubles: &'s [(String, String)],
    /// The tests.
    pub tests: Option<&'s Tests>,
    /// The coverage.
    pub coverage: Option<Coverage>,
}

impl Outcome<'_> {
    /// The objection to a finding.
    pub fn objection(&self, finding: usize) -> Option<&Objection> {
        self.objections
            .binary_search_by_key(&finding, |o| o.finding)
            .ok()
            .and_then(|at| self.objections.get(at))
    }

    /// How many findings there are of each severity: all, and new ones.
    pub fn counts(&self) -> BTreeMap<Severity, (usize, usize)> {
        let mut counts = BTreeMap::new();
        for (finding, new) in self.findings.iter().zip(self.new) {
            let (all, fresh): &mut (usize, usize) = counts.entry(finding.severity).or_default();
            *all += 1;
            *fresh += usize::from(*new);
        }
        counts
    }
}

/// Says why the policy objects.
pub fn reason(why: Why, policy: &Policy) -> String {
    let name = |c: super::judge::Ceiling| format!("{c:?}").to_lowercase();
    match why {
        Why::New => format!("new, and worse than {}", name(policy.new)),
        Why::All => format!("worse than {}", name(policy.all)),
        Why::Exploited => "known to be exploited".to_owned(),
        Why::LikelyExploited => "likely to be exploited soon".to_owned(),
        Why::Secret => "a secret".to_owned(),
        Why::UnknownSeverity => "new, and nobody says how bad it is".to_owned(),
    }
}

/// A name for each finding that stays the same while lines move and versions change.
///
/// Of a package: the advisory and the package. Of anything else: the rule, the file, and the scanner's own hash of the
/// line, or else the finding's place in the order of those of the same rule in the same file.
pub fn fingerprints(findings: &[Finding]) -> Vec<String> {
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|at| findings.get(*at).map(|f| (&f.places, &f.title)));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut out = vec![String::new(); findings.len()];
    for at in order {
        let Some(finding) = findings.get(at) else { continue };
        let mut hash = Sha256::new();
        let place = finding.places.first().map_or("", |p| &*p.path);
        let parts = [
            finding.id(),
            finding.package.as_deref().unwrap_or_default(),
            if finding.package.is_some() { "" } else { place },
            if finding.package.is_some() { "" } else { finding.line_hash.as_deref().unwrap_or_default() },
        ];
        for part in parts {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let hex: String = hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect();
        let n = seen.entry(hex.clone()).or_default();
        *n += 1;
        if let Some(slot) = out.get_mut(at) {
            *slot = format!("{hex}:{n}");
        }
    }
    out
}

/// An answer on its way into our JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The policy has no objection.
    Pass,
    /// It could not be told.
    Unknown,
    /// The policy objects.
    Fail,
}

impl Verdict {
    /// From what the policy says to something.
    pub fn of(then: Then) -> Self {
        match then {
            Then::Block => Verdict::Fail,
            Then::Unknown => Verdict::Unknown,
            Then::Warn | Then::Allow => Verdict::Pass,
        }
    }
}
