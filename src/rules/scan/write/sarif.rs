//! Merged SARIF within the limits of GitHub's code scanning
//! (<https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>).

use std::collections::HashMap;

use libdeflater::{CompressionLvl, Compressor};
use serde_json::{Value, json};

use super::fingerprints;
use crate::rules::scan::{Finding, Severity, package_name};

/// What code scanning takes: more makes it refuse the whole file.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Results in a run.
    pub results: usize,
    /// Results that are shown, the worst first.
    pub shown: usize,
    /// Rules in a run.
    pub rules: usize,
    /// Tags of a rule.
    pub tags: usize,
    /// Locations of a result.
    pub locations: usize,
    /// Bytes of the file after gzip.
    pub gzip: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { results: 25_000, shown: 5_000, rules: 25_000, tags: 20, locations: 1_000, gzip: 10_000_000 }
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
        Severity::Unknown => "none",
    }
}

/// What stands for a severity without a score: the middle of its band.
fn score(finding: &Finding) -> Option<f32> {
    finding.score.filter(|s| *s > 0.0).or(match finding.severity {
        Severity::Critical => Some(9.5),
        Severity::High => Some(8.0),
        Severity::Medium => Some(5.5),
        Severity::Low => Some(2.0),
        Severity::Unknown => None,
    })
}

fn rule(finding: &Finding, limits: Limits) -> Value {
    let id = finding.id();
    let mut tags: Vec<String> = vec!["security".to_owned(), format!("{:?}", finding.kind).to_lowercase()];
    tags.extend(finding.cwes.iter().map(|c| format!("external/cwe/cwe-{c:03}")));
    tags.truncate(limits.tags);
    let mut rule = json!({
        "id": id,
        "shortDescription": { "text": &*finding.title },
        "defaultConfiguration": { "level": level(finding.severity) },
        "properties": { "tags": tags },
    });
    if let Some(score) = score(finding) {
        rule["properties"]["security-severity"] = json!(format!("{score:.1}"));
    }
    let help = match id {
        _ if id.starts_with("CVE-") => Some(format!("https://nvd.nist.gov/vuln/detail/{id}")),
        _ if id.starts_with("GHSA-") => Some(format!("https://github.com/advisories/{id}")),
        _ if finding.package.is_some() && id.contains('-') => {
            Some(format!("https://osv.dev/vulnerability/{id}"))
        }
        _ => None,
    };
    if let Some(help) = help {
        rule["helpUri"] = json!(help);
    }
    rule
}

/// Where a package without a place is declared, so that code scanning has a file to show it at.
fn manifest(package: Option<&str>) -> &'static str {
    let kind = package.and_then(|p| p.strip_prefix("pkg:")).and_then(|p| p.split('/').next());
    match kind {
        Some("npm") => "package-lock.json",
        Some("cargo") => "Cargo.lock",
        Some("pypi") => "requirements.txt",
        Some("golang") => "go.mod",
        Some("maven") => "pom.xml",
        Some("composer") => "composer.lock",
        Some("gem") => "Gemfile.lock",
        _ => "unknown",
    }
}

/// Percent-encodes what a URI must not have.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'/'
            | b'@'
            | b'+'
            | b'='
            | b',' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn result(finding: &Finding, rule: usize, fingerprint: &str, limits: Limits) -> Value {
    let location = |path: &str, line: Option<u32>| {
        json!({ "physicalLocation": {
            "artifactLocation": { "uri": uri(path) },
            "region": { "startLine": line.unwrap_or(1) },
        }})
    };
    let mut locations: Vec<Value> =
        finding.places.iter().take(limits.locations).map(|p| location(&p.path, p.line)).collect();
    if locations.is_empty() {
        locations.push(location(manifest(finding.package.as_deref()), None));
    }
    let mut text = finding.title.to_string();
    if let Some(package) = &finding.package {
        text = format!("{}: {text}", package_name(package));
    }
    if !finding.fixed.is_empty() {
        text.push_str(&format!(" (fixed in {})", finding.fixed.join(", ")));
    }
    text.push_str(&format!(" [{}]", finding.scanners.join(", ")));
    json!({
        "ruleId": finding.id(),
        "ruleIndex": rule,
        "level": level(finding.severity),
        "message": { "text": text },
        "locations": locations,
        "partialFingerprints": { "primaryLocationLineHash": fingerprint },
        "properties": { "releaseSteps": finding },
    })
}

/// Writes findings, the worst first, as one run: a result a line. Where the limits cut, the second value says what is
/// missing.
pub fn sarif(findings: &[Finding], version: &str, limits: Limits) -> (String, Option<String>) {
    let prints = fingerprints(findings);
    let mut take = findings.len().min(limits.results);
    loop {
        let (text, rules) = render(findings, &prints, take, version, limits);
        if rules > limits.rules {
            take = take.saturating_sub(rules - limits.rules);
            continue;
        }
        // Text that is small enough as it is need not be compressed to know.
        let size = if text.len() <= limits.gzip { 0 } else { gzip(text.as_bytes()) };
        if size > limits.gzip && take > 0 {
            // A little less than the ratio says, since what is cut may compress better than the rest.
            take = (take / 20 * 19).min(take * (limits.gzip / 1024) / (size / 1024).max(1) / 20 * 19);
            continue;
        }
        let missing = findings.len() - take;
        let cut = (missing > 0).then(|| {
            let worst = findings.get(take).map_or(Severity::Unknown, |f| f.severity);
            format!("{missing} findings of severity {worst} and below are left out of the SARIF: code scanning takes no more")
        });
        let cut = cut.or_else(|| {
            (take > limits.shown).then(|| {
                format!("code scanning shows {} of the {take} findings, the worst ones", limits.shown)
            })
        });
        return (text, cut);
    }
}

fn render(
    findings: &[Finding],
    prints: &[String],
    take: usize,
    version: &str,
    limits: Limits,
) -> (String, usize) {
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    let mut rules: Vec<&Finding> = Vec::new();
    let mut results = String::new();
    for (finding, print) in findings.iter().zip(prints).take(take) {
        // The first of a rule is its worst.
        let rule = *by_id.entry(finding.id()).or_insert_with(|| {
            rules.push(finding);
            rules.len() - 1
        });
        if !results.is_empty() {
            results.push_str(",\n");
        }
        results.push_str(&result(finding, rule, print, limits).to_string());
    }
    let count = rules.len();
    let rules: Vec<String> = rules.into_iter().map(|f| rule(f, limits).to_string()).collect();
    let schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
    let text = format!(
        "{{\"$schema\":{},\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{{\"driver\":{{\"name\":\"release-steps\",\
         \"semanticVersion\":{},\"informationUri\":\"https://github.com/release-steps/release-steps\",\
         \"rules\":[\n{}\n]}}}},\"automationDetails\":{{\"id\":\"release-steps/\"}},\"columnKind\":\"utf16CodeUnits\",\
         \"results\":[\n{}\n]}}]}}\n",
        json!(schema),
        json!(version),
        rules.join(",\n"),
        results,
    );
    (text, count)
}

/// The size after gzip, at its usual level.
fn gzip(text: &[u8]) -> usize {
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut out = vec![0; compressor.gzip_compress_bound(text.len())];
    // The buffer holds the worst case, so this cannot fail; if it did, the text counts as it is.
    compressor.gzip_compress(text, &mut out).unwrap_or(text.len())
}
