//! Waivers: findings that a person answers for until a day, and the same for the scanners' own files.

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Finding, package_name};

/// Takes a finding out of the policy's sight until a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The advisory by any of its names, or the rule.
    pub id: String,
    /// Only in this package: its name, or its package URL without version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Only in files (or images) of this glob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why this may stay.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it applies.
    #[cfg_attr(test, schemars(with = "String"))]
    pub until: Date,
}

/// What a waiver does today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It applies.
    Applies,
    /// It applies, but not for much longer: this many days after today.
    Ends(i32),
    /// It has ended.
    Ended,
    /// Its end is further off than allowed; it does not apply.
    TooLong(i32),
}

/// How long waivers may be, in days.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The furthest end.
    pub longest: i32,
    /// How long before the end one is warned.
    pub warn: i32,
}

impl Waiver {
    /// What it does on a day.
    pub fn state(&self, today: Date, terms: Terms) -> State {
        let left = today.until(self.until).map_or(i32::MAX, |span| span.get_days());
        match left {
            l if l < 0 => State::Ended,
            l if l > terms.longest => State::TooLong(l),
            l if l <= terms.warn => State::Ends(l),
            _ => State::Applies,
        }
    }

    fn glob(&self) -> Option<GlobMatcher> {
        self.path.as_deref().and_then(|p| Glob::new(p).ok()).map(|g| g.compile_matcher())
    }

    /// Why it cannot be used, if it cannot: an empty text or a glob that is none.
    pub fn fault(&self) -> Option<String> {
        let empty = [("id", &self.id), ("reason", &self.reason), ("owner", &self.owner)];
        if let Some((field, _)) = empty.iter().find(|(_, text)| text.trim().is_empty()) {
            return Some(format!("its `{field}` is empty"));
        }
        let path = self.path.as_deref()?;
        Glob::new(path).err().map(|e| format!("its `path` is no glob: {e}"))
    }
}

/// For each waiver, how many findings it took out; and the findings that are left.
#[derive(Debug, Default)]
pub struct Waived {
    /// Findings that no waiver covers, in their order.
    pub open: Vec<Finding>,
    /// Findings that a waiver covers, each with the waiver's index.
    pub waived: Vec<(Finding, usize)>,
    /// How often each waiver was used, those that do not apply included: what they would cover.
    pub used: Vec<usize>,
}

/// Parts findings by the waivers that apply on a day.
pub fn apply(findings: Vec<Finding>, waivers: &[Waiver], today: Date, terms: Terms) -> Waived {
    let ready: Vec<_> = waivers
        .iter()
        .map(|w| (w, w.glob(), matches!(w.state(today, terms), State::Applies | State::Ends(_))))
        .collect();
    let mut out = Waived { used: vec![0; waivers.len()], ..Waived::default() };
    for finding in findings {
        let mut by = None;
        for (at, (waiver, glob, applies)) in ready.iter().enumerate() {
            if covers(waiver, glob.as_ref(), &finding) {
                out.used[at] += 1;
                if *applies && by.is_none() {
                    by = Some(at);
                }
            }
        }
        match by {
            Some(at) => out.waived.push((finding, at)),
            None => out.open.push(finding),
        }
    }
    out
}

fn covers(waiver: &Waiver, glob: Option<&GlobMatcher>, finding: &Finding) -> bool {
    let package = || {
        let Some(wanted) = waiver.package.as_deref() else { return true };
        finding.package.as_deref().is_some_and(|p| p == wanted || package_name(p) == wanted)
    };
    let path = || match (&waiver.path, glob) {
        (None, _) => true,
        // All places, so that a waiver for one file does not hide another.
        (Some(_), Some(glob)) => {
            !finding.places.is_empty() && finding.places.iter().all(|p| glob.is_match(&*p.path))
        }
        (Some(_), None) => false,
    };
    finding.ids.iter().any(|id| id.eq_ignore_ascii_case(waiver.id.trim())) && package() && path()
}

/// A scanner's own file of what it is to ignore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Export {
    /// `.trivyignore.yaml`
    Trivy,
    /// `osv-scanner.toml`
    Osv,
    /// `.grype.yaml`
    Grype,
}

impl Export {
    /// The file's usual name.
    pub fn file(self) -> &'static str {
        match self {
            Export::Trivy => ".trivyignore.yaml",
            Export::Osv => "osv-scanner.toml",
            Export::Grype => ".grype.yaml",
        }
    }
}

/// Text in YAML's and TOML's common double quotes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What stands at the top of files that [`export`] writes.
const WRITTEN: &str =
    "# Written by `release-steps scan --export-waivers`: change the waivers there, not here.\n";

/// Whether [`export`] wrote this, so that it may be replaced.
pub fn is_exported(text: &str) -> bool {
    text.starts_with(WRITTEN.trim_end())
}

/// Writes the waivers that apply on a day as a scanner wants them.
///
/// The scanners take the end for the first moment without the waiver, this program for the last day with it.
pub fn export(to: Export, waivers: &[Waiver], today: Date, terms: Terms) -> String {
    let mut out = String::from(WRITTEN);
    let live = |w: &&Waiver| matches!(w.state(today, terms), State::Applies | State::Ends(_));
    let live: Vec<&Waiver> = waivers.iter().filter(live).collect();
    let said = |w: &Waiver| quoted(&format!("{} ({}, until {})", w.reason.trim(), w.owner.trim(), w.until));
    let end = |w: &Waiver| w.until.tomorrow().unwrap_or(w.until);
    match to {
        // <https://trivy.dev/latest/docs/configuration/filtering/#trivyignoreyaml>
        Export::Trivy => {
            let advisory =
                |w: &Waiver| w.id.starts_with("CVE-") || w.id.starts_with("GHSA-") || w.package.is_some();
            let config = |w: &Waiver| {
                ["AVD-", "DS", "KSV", "AWS-", "AZU-", "GCP-"].iter().any(|prefix| w.id.starts_with(prefix))
            };
            type Section<'s> = (&'s str, &'s dyn Fn(&Waiver) -> bool);
            let sections: [Section<'_>; 3] = [
                ("vulnerabilities", &advisory),
                ("misconfigurations", &|w| !advisory(w) && config(w)),
                ("secrets", &|w| !advisory(w) && !config(w)),
            ];
            for (section, of) in sections {
                let some: Vec<_> = live.iter().filter(|w| of(w)).collect();
                if some.is_empty() {
                    continue;
                }
                out.push_str(&format!("{section}:\n"));
                for w in some {
                    out.push_str(&format!("  - id: {}\n", quoted(w.id.trim())));
                    if let Some(package) = w.package.as_deref().filter(|p| p.starts_with("pkg:")) {
                        out.push_str(&format!("    purls:\n      - {}\n", quoted(package)));
                    }
                    if let Some(path) = &w.path {
                        out.push_str(&format!("    paths:\n      - {}\n", quoted(path)));
                    }
                    out.push_str(&format!("    expired_at: {}\n    statement: {}\n", end(w), said(w)));
                }
            }
        }
        // <https://google.github.io/osv-scanner/configuration/>
        Export::Osv => {
            for w in live {
                let until = end(w);
                out.push_str(&format!(
                    "\n[[IgnoredVulns]]\nid = {}\nignoreUntil = {until}\nreason = {}\n",
                    quoted(w.id.trim()),
                    said(w)
                ));
            }
        }
        // <https://github.com/anchore/grype#specifying-matches-to-ignore>
        Export::Grype => {
            out.push_str(if live.is_empty() { "ignore: []\n" } else { "ignore:\n" });
            for w in live {
                out.push_str(&format!(
                    "  - vulnerability: {}\n    reason: {}\n",
                    quoted(w.id.trim()),
                    said(w)
                ));
                if let Some(package) = &w.package {
                    out.push_str(&format!("    package:\n      name: {}\n", quoted(&package_name(package))));
                }
            }
        }
    }
    out
}
