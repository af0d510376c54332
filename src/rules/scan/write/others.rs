//! Small formats: GitLab's code quality, JUnit, Markdown.

use std::fmt::Write as _;

use serde_json::json;

use super::{Outcome, Verdict, fingerprints, reason};
use crate::rules::markup::{cell, xml};
use crate::rules::scan::judge::Policy;
use crate::rules::scan::{Coverage, Finding, Severity};
use crate::rules::text::Newlines::Flatten;

/// How many findings the summary lists; a step's summary may have 1 MiB.
const ROWS: usize = 100;

/// GitLab's code quality report (<https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>).
pub fn code_quality(findings: &[Finding]) -> String {
    let prints = fingerprints(findings);
    let entries: Vec<String> = findings
        .iter()
        .zip(prints)
        .map(|(finding, fingerprint)| {
            let severity = match finding.severity {
                Severity::Critical => "blocker",
                Severity::High => "critical",
                Severity::Medium => "major",
                Severity::Low => "minor",
                Severity::Unknown => "info",
            };
            let place = finding.places.first();
            json!({
                "description": describe(finding),
                "check_name": finding.id(),
                "fingerprint": fingerprint,
                "severity": severity,
                "location": {
                    "path": place.map_or("unknown", |p| &*p.path),
                    "lines": { "begin": place.and_then(|p| p.line).unwrap_or(1) },
                },
            })
            .to_string()
        })
        .collect();
    format!("[\n{}\n]\n", entries.join(",\n"))
}

fn describe(finding: &Finding) -> String {
    match finding.package_name() {
        Some(package) => format!("{package}: {}", finding.title),
        None => finding.title.to_string(),
    }
}

/// JUnit XML: a case for each finding, failed where the policy objects; an error for each report that says nothing.
pub fn junit(outcome: &Outcome<'_>, policy: &Policy) -> String {
    let mut cases = String::new();
    let (mut failures, mut total) = (0, 0);
    for (at, finding) in outcome.findings.iter().enumerate() {
        total += 1;
        let (name, class) = (xml(&finding.heading(), Flatten), xml(&finding.scanners.join(", "), Flatten));
        let _ = write!(cases, "    <testcase name=\"{name}\" classname=\"{class}\"");
        if let Some(place) = finding.places.first() {
            let _ = write!(cases, " file=\"{}\"", xml(&place.path, Flatten));
            if let Some(line) = place.line {
                let _ = write!(cases, " line=\"{line}\"");
            }
        }
        match outcome.objection(at).filter(|o| Verdict::of(o.then) != Verdict::Pass) {
            Some(objection) => {
                failures += 1;
                let why = xml(&format!("{}: {}", finding.severity, reason(objection.why, policy)), Flatten);
                let text = xml(&describe(finding), Flatten);
                let _ = writeln!(
                    cases,
                    ">\n      <failure message=\"{why}\" type=\"{}\">{text}</failure>\n    </testcase>",
                    finding.severity
                );
            }
            None => cases.push_str("/>\n"),
        }
    }
    for (report, why) in outcome.troubles {
        total += 1;
        let _ = writeln!(
            cases,
            "    <testcase name=\"{}\" classname=\"report\">\n      <error message=\"{}\"/>\n    </testcase>",
            xml(report, Flatten),
            xml(why, Flatten)
        );
    }
    if total == 0 {
        total = 1;
        cases.push_str("    <testcase name=\"no findings\" classname=\"scan\"/>\n");
    }
    let errors = outcome.troubles.len();
    let counts = format!("tests=\"{total}\" failures=\"{failures}\" errors=\"{errors}\"");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"release-steps scan\" {counts}>\n  \
         <testsuite name=\"scan\" {counts} skipped=\"0\" time=\"0\">\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

/// A summary in Markdown: what came of it, the numbers, the worst findings.
pub fn summary(outcome: &Outcome<'_>, policy: &Policy, headline: &str) -> String {
    let mut out = format!("## Scan: {}\n", cell(headline));
    for (report, why) in outcome.troubles {
        let _ = write!(out, "\n- **{}**: {}", cell(report), cell(why));
    }
    if !outcome.troubles.is_empty() {
        out.push('\n');
    }
    out.push_str("\n| severity | findings | new |\n| --- | ---: | ---: |\n");
    let counts = outcome.counts();
    for severity in Severity::WORST_FIRST {
        if let Some((all, new)) = counts.get(&severity) {
            let _ = writeln!(out, "| {severity} | {all} | {new} |");
        }
    }
    if counts.is_empty() {
        out.push_str("| any | 0 | 0 |\n");
    }
    let mut facts = Vec::new();
    if outcome.waived > 0 {
        facts.push(format!("{} waived", outcome.waived));
    }
    if let Some(tests) = outcome.tests {
        facts.push(format!("tests: {} of {} failed, {} skipped", tests.failed, tests.total, tests.skipped));
    }
    if let Some(percent) = outcome.coverage.and_then(Coverage::percent) {
        facts.push(format!("coverage of lines: {percent:.2} %"));
    }
    if !facts.is_empty() {
        let _ = write!(out, "\n{}\n", facts.join(" · "));
    }
    if outcome.findings.is_empty() {
        return out;
    }
    out.push_str("\n| | severity | what | where | fixed in | seen by | |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    for at in by_objection(outcome).take(ROWS) {
        let Some(finding) = outcome.findings.get(at) else { continue };
        let objection = outcome.objection(at);
        let mark = match objection.map(|o| Verdict::of(o.then)) {
            Some(Verdict::Fail) => "❌",
            Some(Verdict::Unknown) => "❔",
            _ => "",
        };
        let place = match (&finding.package_name(), finding.places.first()) {
            (Some(package), Some(place)) => format!("{package}, {place}"),
            (Some(package), None) => package.clone(),
            (None, Some(place)) => place.to_string(),
            (None, None) => String::new(),
        };
        let _ = writeln!(
            out,
            "| {mark} | {} | {}: {} | {} | {} | {} | {} |",
            finding.severity,
            cell(finding.id()),
            cell(&finding.title),
            cell(&place),
            cell(&finding.fixed.join(", ")),
            cell(&finding.scanners.join(", ")),
            objection.map_or_else(String::new, |o| reason(o.why, policy)),
        );
    }
    if outcome.findings.len() > ROWS {
        let _ = write!(out, "\n… and {} more\n", outcome.findings.len() - ROWS);
    }
    out
}

/// The findings that the policy objects to, then the others; each the worst first.
pub fn by_objection<'o>(outcome: &'o Outcome<'_>) -> impl Iterator<Item = usize> + 'o {
    let stopped = |at: &usize| outcome.objection(*at).is_some_and(|o| Verdict::of(o.then) != Verdict::Pass);
    let all = 0..outcome.findings.len();
    all.clone().filter(move |at| stopped(at)).chain(all.filter(move |at| !stopped(at)))
}
