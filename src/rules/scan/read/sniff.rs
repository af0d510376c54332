//! What a report is, by its first bytes: the keys at its top and those of the first entry of each list there.

use std::collections::BTreeSet;

use super::Format;
use super::split::{Fault, Splitter, Take, Taker};

#[derive(Default)]
struct Keys(BTreeSet<String>);

impl Taker for Keys {
    fn take(&mut self, path: &[String]) -> Take {
        let key = path.join("\u{1f}");
        // Hostile text may have any number of keys.
        let first = self.0.len() < 4096 && self.0.insert(key);
        if path.len() < 4 && first { Take::Enter } else { Take::Skip }
    }

    fn value(&mut self, _: &[String], _: &[u8]) -> Result<(), Fault> {
        Ok(())
    }
}

/// Says what it is, or why nobody can tell.
pub fn sniff(head: &[u8]) -> Result<Format, String> {
    let start = head.trim_ascii_start();
    match start.first() {
        Some(b'{' | b'[') => json(head),
        Some(b'<') => xml(head),
        _ if start.starts_with(b"TN:") || start.starts_with(b"SF:") => Ok(Format::Lcov),
        _ => Err("it is neither JSON nor XML nor lcov".to_owned()),
    }
}

fn json(head: &[u8]) -> Result<Format, String> {
    let mut keys = Keys::default();
    // Of a head that breaks off, what came before counts.
    drop(Splitter::new(true).push(head, &mut keys));
    let has = |path: &str| keys.0.contains(&path.replace('.', "\u{1f}"));
    let any = |paths: &[&str]| paths.iter().any(|path| has(path));
    let table: [(bool, Format); 19] = [
        (has("release-steps-scan"), Format::ReleaseSteps),
        (has("runs") && any(&["version", "$schema", "runs.*.tool", "runs.*.results"]), Format::Sarif),
        (any(&["SchemaVersion", "ArtifactName", "Results"]), Format::Trivy),
        (has("matches"), Format::Grype),
        (any(&["auditReportVersion", "advisories", "metadata.vulnerabilities"]), Format::NpmAudit),
        (any(&["error.code", "error.summary"]) || (has("statusCode") && has("uri")), Format::NpmAudit),
        (
            any(&["vulnerabilities.list", "vulnerabilities.found", "lockfile.dependency-count"]),
            Format::CargoAudit,
        ),
        (any(&["results.*.packages", "experimental_config"]), Format::Osv),
        (any(&["results.*.test_id", "metrics._totals"]), Format::Bandit),
        (any(&["results.*.check_id", "paths.scanned"]), Format::Semgrep),
        (any(&["dependencies.*.vulns", "dependencies.*.skip_reason"]), Format::PipAudit),
        (has("dependencies") && has("fixes"), Format::PipAudit),
        (
            any(&["vulnerabilities.*.packageName", "vulnerabilities.*.moduleName", "vulnerabilities.*.from"]),
            Format::Snyk,
        ),
        (any(&["dependencyCount", "packageManager", "*.dependencyCount", "*.packageManager"]), Format::Snyk),
        (has("error") && has("ok"), Format::Snyk),
        (
            any(&[
                "scan.type",
                "scan.scanner",
                "vulnerabilities.*.identifiers",
                "vulnerabilities.*.category",
            ]),
            Format::Gitlab,
        ),
        (any(&["*.RuleID", "*.Fingerprint"]), Format::Gitleaks),
        (any(&["SourceMetadata", "DetectorName"]), Format::Trufflehog),
        (has("results"), Format::Osv),
    ];
    if let Some((_, format)) = table.into_iter().find(|(yes, _)| *yes) {
        return Ok(format);
    }
    Err(if head.trim_ascii() == b"[]" {
        "an empty list can come from many a scanner".to_owned()
    } else {
        "no scanner's JSON looks like this".to_owned()
    })
}

fn xml(head: &[u8]) -> Result<Format, String> {
    let text = String::from_utf8_lossy(head);
    let mut rest = text.as_ref();
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if rest.starts_with(['?', '!']) {
            rest = rest.split_once('>').map_or("", |(_, after)| after);
            continue;
        }
        let root: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        return match root.as_str() {
            "testsuite" | "testsuites" => Ok(Format::Junit),
            "coverage" => Ok(Format::Cobertura),
            other => Err(format!("XML with <{other}> at its top is neither JUnit nor Cobertura")),
        };
    }
    Err("it is XML without an element".to_owned())
}
