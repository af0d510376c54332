//! `scan`: every reader on example reports, merging as properties, hostile input, writers, waivers, policy.
//!
//! `UPDATE=1 cargo test --test scan` writes `tests/scan/expected.txt` anew.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use release_steps::rules::scan::judge::{Ceiling, Policy, Then, Why, judge, new_ones};
use release_steps::rules::scan::merge::merge;
use release_steps::rules::scan::read::{Format, Reader, Trouble};
use release_steps::rules::scan::waiver::{self, Export, State, Terms, Waiver};
use release_steps::rules::scan::write::{self, Limits};
use release_steps::rules::scan::{Finding, Kind, Place, Report, Severity, cvss_score};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scan/reports")
}

fn read_as(bytes: &[u8], format: Option<Format>, piece: usize) -> Result<(Format, Report), Trouble> {
    let mut reader = Reader::new(format, "/home/ci/project");
    for part in bytes.chunks(piece.max(1)) {
        reader.push(part);
    }
    reader.finish()
}

fn read(bytes: &[u8]) -> Result<(Format, Report), Trouble> {
    read_as(bytes, None, 1 << 20)
}

fn file(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

fn findings(name: &str) -> Vec<Finding> {
    read(&file(name)).unwrap().1.findings
}

fn line(f: &Finding) -> String {
    let list = |items: Vec<String>| items.join(" ");
    let mut out =
        format!("{:8} {:13} {}", f.severity, format!("{:?}", f.kind).to_lowercase(), f.ids.join(" "));
    let mut add = |name: &str, text: String| {
        if !text.is_empty() {
            let _ = write!(out, " | {name} {text}");
        }
    };
    add("package", f.package.as_deref().unwrap_or_default().to_owned());
    add("versions", f.versions.join(" "));
    add("fixed", f.fixed.join(" "));
    add("at", list(f.places.iter().map(ToString::to_string).collect()));
    add("score", f.score.map(|s| s.to_string()).unwrap_or_default());
    add("epss", f.epss.map(|s| s.to_string()).unwrap_or_default());
    add("kev", if f.kev { "yes".to_owned() } else { String::new() });
    add("cwe", list(f.cwes.iter().map(ToString::to_string).collect()));
    add("hash", f.line_hash.as_deref().unwrap_or_default().to_owned());
    add("by", f.scanners.join(", "));
    add("title", f.title.to_string());
    out
}

#[test]
fn every_reader_says_what_is_expected() {
    let mut names: Vec<String> =
        fs::read_dir(folder()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut now = String::new();
    for name in names {
        let bytes = file(&name);
        match read(&bytes) {
            Ok((format, report)) => {
                let _ = writeln!(now, "# {name}: {format:?} by {}", report.scanners.join(", "));
                for finding in &report.findings {
                    let _ = writeln!(now, "{}", line(finding));
                }
                if let Some(tests) = &report.tests {
                    let _ = writeln!(now, "{tests:?}");
                }
                if let Some(coverage) = &report.coverage {
                    let _ = writeln!(now, "{coverage:?} {:.2} %", coverage.percent().unwrap());
                }
                if report.suppressed > 0 {
                    let _ = writeln!(now, "suppressed: {}", report.suppressed);
                }
                for gap in &report.gaps {
                    let _ = writeln!(now, "gap: {gap}");
                }
            }
            Err(trouble) => {
                let _ = writeln!(now, "# {name}: {trouble}");
            }
        }
        // In however small pieces the text arrives.
        for piece in [1, 7, 4096] {
            assert_eq!(read_as(&bytes, None, piece), read(&bytes), "{name} in pieces of {piece}");
        }
        now.push('\n');
    }
    let path = folder().parent().unwrap().join("expected.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &now).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), now);
}

#[test]
fn one_weakness_is_one_finding_whoever_saw_it() {
    let all = [
        "trivy-repository.json",
        "grype-directory.json",
        "osv.json",
        "osv.sarif",
        "npm-audit-2.json",
        "npm-audit-1.json",
        "snyk.json",
        "gitlab-dependency.json",
    ];
    let merged = merge(all.iter().flat_map(|name| findings(name)).collect());
    let lodash: Vec<&Finding> =
        merged.iter().filter(|f| f.package.as_deref() == Some("pkg:npm/lodash")).collect();
    assert_eq!(lodash.len(), 1, "{lodash:#?}");
    let seen: Vec<&str> = lodash[0].scanners.iter().map(|s| &**s).collect();
    assert_eq!(seen, ["Gemnasium", "Grype", "OSV-Scanner", "Snyk", "Trivy", "npm audit"]);
    assert_eq!(lodash[0].id(), "CVE-2021-23337");
    assert_eq!(lodash[0].places, [Place { path: "package-lock.json".into(), line: None }]);
    // An image under its name without tag and digest; the secret on one line by three scanners.
    let images = merge(["trivy-image.json", "grype-image.json"].iter().flat_map(|n| findings(n)).collect());
    assert_eq!(images.len(), 1);
    assert_eq!(images[0].places[0].path.as_ref(), "shop");
    let secrets = merge(
        [
            "gitleaks.json",
            "gitleaks.sarif",
            "trufflehog.jsonl",
            "gitlab-secret.json",
            "trivy-repository.json",
        ]
        .iter()
        .flat_map(|n| findings(n))
        .filter(|f| f.kind == Kind::Secret && f.places[0].to_string() == "config.env:1")
        .collect(),
    );
    assert_eq!(secrets.len(), 1, "{secrets:#?}");
    // Two tools, two rules, one line, one CWE.
    let code = merge(["bandit.json", "semgrep.json"].iter().flat_map(|n| findings(n)).collect());
    let shell: Vec<&Finding> = code.iter().filter(|f| f.places[0].to_string() == "app.py:6").collect();
    assert_eq!(shell.len(), 1);
    assert_eq!(shell[0].scanners.len(), 2);
}

/// An update of a distribution mends several vulnerabilities: its name makes them no one weakness, and a waiver for one
/// covers no other.
#[test]
fn one_update_for_two_vulnerabilities_leaves_them_two() {
    let trivy = r#"{"SchemaVersion": 2, "ArtifactName": "x", "Results": [{"Target": "x (centos 7)", "Type": "centos",
      "Vulnerabilities": [
        {"VulnerabilityID": "CVE-2019-1", "VendorIDs": ["RHSA-2019:2304"], "PkgName": "openssl", "Severity": "HIGH"},
        {"VulnerabilityID": "CVE-2019-2", "VendorIDs": ["RHSA-2019:2304"], "PkgName": "openssl", "Severity": "LOW"}]}]}"#;
    let grype = r#"{"source": {"type": "image"}, "matches": [{"vulnerability": {"id": "ELSA-2019-2304", "severity": "High",
        "epss": [{"cve": "CVE-2019-1", "epss": 0.1}], "knownExploited": [{"cve": "CVE-2019-2"}]},
      "relatedVulnerabilities": [{"id": "CVE-2019-1"}, {"id": "CVE-2019-2"}],
      "artifact": {"name": "openssl", "version": "1", "type": "rpm", "purl": "pkg:rpm/centos/openssl@1"}}]}"#;
    let of = |text: &str| read(text.as_bytes()).unwrap().1.findings;
    let merged = merge([of(trivy), of(grype)].concat());
    let ids: Vec<String> = merged.iter().map(|f| f.ids.join(" ")).collect();
    assert_eq!(ids, ["CVE-2019-2", "CVE-2019-1"], "the exploited one first");
    assert_eq!(
        merged.iter().map(|f| (f.kev, f.epss)).collect::<Vec<_>>(),
        [(true, None), (false, Some(0.1))]
    );
    assert!(merged.iter().all(|f| f.scanners.len() == 2), "{merged:#?}");
    // An update that names no vulnerability stands for itself.
    let alone = of(&trivy.replace("CVE-2019-1", "RHSA-2019:2304"));
    assert_eq!(alone[0].ids, ["RHSA-2019:2304".into()]);
}

#[test]
fn what_is_no_report_never_passes() {
    let sarif = |runs: &str| format!(r#"{{"version":"2.1.0","runs":{runs}}}"#);
    let cases: Vec<(String, &str)> = vec![
        (String::new(), "empty"),
        (" \n\t ".to_owned(), "empty"),
        ("\u{feff}".to_owned(), "empty"),
        ("null".to_owned(), "not known"),
        ("{}".to_owned(), "not known"),
        ("[]".to_owned(), "not known"),
        ("<html/>".to_owned(), "not known"),
        ("no leaks found".to_owned(), "not known"),
        (sarif("[]"), "nothing"),
        // What OSV-Scanner reads, not what it writes.
        (r#"{"results":[{"source":{},"packages":[{"package":{"name":"a","version":"1","ecosystem":"npm"}}]}]}"#.to_owned(), "nothing"),
        (sarif("null"), "nothing"),
        (sarif(r#"[{"tool":{"driver":{"name":"x"}},"results":null}]"#), "nothing"),
        (
            sarif(
                r#"[{"tool":{"driver":{"name":"x"}},"results":[],"invocations":[{"executionSuccessful":false}]}]"#,
            ),
            "failed",
        ),
        (sarif(r#"[{"tool":{"driver":{"name":"x"}},"results":["#), "broken"),
        (sarif(r#"[{"results":[{"ruleId":"x" "level":"error"}]}]"#), "broken"),
        (sarif("[]") + "x", "broken"),
        (
            r#"{"auditReportVersion":2,"vulnerabilities":{},"metadata":{"dependencies":{"total":0}}}"#
                .to_owned(),
            "nothing",
        ),
        (
            r#"{"error":{"code":"ENOLOCK","summary":"This command requires an existing lockfile."}}"#
                .to_owned(),
            "failed",
        ),
        (
            r#"{"lockfile":{"dependency-count":0},"vulnerabilities":{"found":false,"count":0,"list":[]}}"#
                .to_owned(),
            "nothing",
        ),
        (r#"{"version":"1","results":[],"errors":[],"paths":{"scanned":[]}}"#.to_owned(), "nothing"),
        (r#"{"errors":[],"metrics":{"_totals":{"loc":0}},"results":[]}"#.to_owned(), "nothing"),
        (r#"{"ok":false,"error":"Missing package.json","path":"/x"}"#.to_owned(), "failed"),
        (
            r#"{"vulnerabilities":[],"ok":true,"dependencyCount":0,"packageManager":"npm"}"#.to_owned(),
            "nothing",
        ),
        (r#"{"dependencies":[],"fixes":[]}"#.to_owned(), "nothing"),
        ("<testsuites/>".to_owned(), "nothing"),
        ("<testsuite tests='3'>".to_owned(), "broken"),
        ("<coverage lines-valid='0' lines-covered='0'/>".to_owned(), "nothing"),
        ("TN:\nSF:a.rs\nDA:1,1\n".to_owned(), "broken"),
        ("TN:\n".to_owned(), "nothing"),
    ];
    for (text, expected) in cases {
        let got = match read(text.as_bytes()) {
            Err(Trouble::Empty) => "empty",
            Err(Trouble::Broken(_)) => "broken",
            Err(Trouble::NothingScanned(_)) => "nothing",
            Err(Trouble::ScannerFailed(_)) => "failed",
            Err(Trouble::Unrecognised(_)) => "not known",
            Ok(_) => "ok",
        };
        assert_eq!(got, expected, "{text}");
    }
    assert!(read("\u{feff}[]".as_bytes()).is_err());
    assert!(matches!(read(&[0xff, 0xfe, b'{', 0]), Err(Trouble::Broken(_))));
    // The list of a scanner that is named may be empty.
    assert!(read_as(b"[]", Some(Format::Gitleaks), 9).is_ok());
    // Every report, broken off anywhere, fails; JSON lines and lcov may end after any entry.
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".jsonl") || read(&bytes).is_err() {
            continue;
        }
        let whole = bytes.trim_ascii_end().len();
        for end in (0..whole).step_by(13) {
            assert!(read(&bytes[..end]).is_err(), "{name} cut at {end}");
        }
    }
}

#[test]
fn hostile_shapes_end_soon() {
    let deep = |open: &str, n: usize| open.repeat(n);
    for text in [
        deep("[", 100_000),
        deep("{\"runs\":", 100_000),
        format!("{{\"version\":\"2.1.0\",\"runs\":[{{\"results\":[{}", deep("[", 100_000)),
        format!("{{\"version\":\"2.1.0\",\"runs\":[{{\"results\":[{}{}]}}]}}", deep("[", 5_000), deep("]", 5_000)),
        format!("<testsuites>{}", deep("<testsuite>", 100_000)),
        format!("<testsuites>{}{}</testsuites>", deep("<testsuite>", 5_000), deep("</testsuite>", 5_000)),
        "<!DOCTYPE coverage [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\"><!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\">]><coverage>&e;</coverage>".to_owned(),
        format!("{{\"{}\":1}}", "k".repeat(3_000_000)),
        format!("{{{}\"z\":1}}", (0..200_000).map(|n| format!("\"k{n}\":{{}},")).collect::<String>()),
    ] {
        let began = std::time::Instant::now();
        // Most are refused; what is closed properly is an entry that says nothing.
        if let Ok((_, report)) = read(text.as_bytes()) {
            assert!(report.findings.len() < 2, "{}", &text[..60]);
        }
        assert!(began.elapsed().as_secs() < 10, "{}", &text[..60]);
    }
}

/// Text of test runners in CDATA, `>` in attributes, and what only looks like elements.
#[test]
fn tests_with_markup_in_their_texts_are_read() {
    let junit = |cases: &str| format!("<testsuites><testsuite>{cases}</testsuite></testsuites>");
    let read = |text: &str| read(text.as_bytes()).map(|(_, r)| r.tests.unwrap());
    let trace = "at Bar.<init>(Bar.java)\n".repeat(500);
    let failed =
        format!("<testcase name='a'><failure><![CDATA[{trace}]]></failure></testcase><!-- <b> <c> -->");
    let tests = read(&junit(&failed)).unwrap();
    assert_eq!((tests.total, tests.failed), (1, 1));
    let tests = read(&junit(&"<testcase name='a > b' file=\"x\"/>".repeat(500))).unwrap();
    assert_eq!((tests.total, tests.failed), (500, 0));
    assert!(read(&junit(&"<a>".repeat(500))).is_err());
    let most = read("<testsuite errors='18446744073709551615' failures='1'/>").unwrap();
    assert_eq!(most.failed, u64::MAX, "too many to count are not none");
    // Text of which every part could be the end of every other.
    let began = std::time::Instant::now();
    for hostile in ["<a".repeat(1 << 20) + "/>", "<a '".repeat(1 << 20), "<![CDATA[".repeat(1 << 20)] {
        assert!(read(&format!("<testsuite>{hostile}")).is_err());
    }
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn coverage_of_reports() {
    let percent =
        |text: &str| read(text.as_bytes()).map(|(_, r)| r.coverage.and_then(|c| c.percent()).unwrap());
    let lcov =
        "TN:\nSF:a.rs\nLF:10\nLH:9\nend_of_record\nSF:b.rs\nDA:1,1\nDA:2,0\nLF:2\nLH:1\nend_of_record\n";
    assert_eq!(percent(lcov).map(f64::round), Ok(83.0));
    let cobertura = |attributes: &str, lines: &str| {
        format!(
            "<?xml version=\"1.0\"?><!DOCTYPE coverage SYSTEM \"x.dtd\"><coverage {attributes}><packages><package><classes>\
             <class><lines>{lines}</lines></class></classes></package></packages></coverage>"
        )
    };
    let lines = "<line number='1' hits='1'/><line number='2' hits='0'/>";
    assert_eq!(
        percent(&cobertura("line-rate=\"0.9\" lines-covered=\"3\" lines-valid=\"4\"", lines)),
        Ok(75.0)
    );
    assert_eq!(percent(&cobertura("line-rate=\"0.9\"", lines)), Ok(50.0));
    for bad in [
        "SF:a\nLF:10\nLH:9\n",
        "SF:a\nLF:0\nLH:0\nend_of_record",
        "SF:a\nLF:1\nLH:2\nend_of_record",
        "SF:a\nLF:x\nend_of_record",
        "SF:a\nLF:1\nLH:1\nend_of_record\nLF:1",
        "SF:a\nDA:1,x\nend_of_record",
        "SF:a\nSF:b\nend_of_record",
        "<coverage",
        "<coverage line-rate=\"1\"/>",
        "<coverage lines-covered=\"0\" lines-valid=\"0\"/>",
        "<coverage lines-covered=\"5\" lines-valid=\"4\"/>",
    ] {
        assert!(percent(bad).is_err(), "{bad}");
    }
}

#[test]
fn severities() {
    for (vector, score) in [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(9.8)),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", Some(6.1)),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(9.3)),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", None),
        ("CVSS:9.9/AV:N", None),
        ("", None),
    ] {
        assert_eq!(cvss_score(vector), score, "{vector}");
    }
    for (score, severity) in [
        (10.0, Severity::Critical),
        (9.0, Severity::Critical),
        (8.9, Severity::High),
        (7.0, Severity::High),
        (6.9, Severity::Medium),
        (4.0, Severity::Medium),
        (3.9, Severity::Low),
        (0.0, Severity::Low),
        (10.1, Severity::Unknown),
        (-1.0, Severity::Unknown),
        (f64::NAN, Severity::Unknown),
    ] {
        assert_eq!(Severity::of_score(score), severity, "{score}");
    }
    assert_eq!(Severity::of_word("MODERATE"), Severity::Medium);
    assert_eq!(Severity::of_word("catastrophe"), Severity::Unknown);
}

fn waiver(id: &str, package: Option<&str>, until: &str) -> Waiver {
    Waiver {
        id: id.to_owned(),
        package: package.map(str::to_owned),
        path: None,
        reason: "not \"reachable\"\n: really".to_owned(),
        owner: "ann@example.org".to_owned(),
        until: until.parse().unwrap(),
    }
}

const TERMS: Terms = Terms { longest: 90, warn: 14 };

#[test]
fn waivers_end() {
    let day = |text: &str| text.parse::<jiff::civil::Date>().unwrap();
    let w = waiver("CVE-2021-23337", Some("lodash"), "2026-12-31");
    for (today, state) in [
        ("2026-10-01", State::TooLong(91)),
        ("2026-10-02", State::Applies),
        ("2026-12-16", State::Applies),
        ("2026-12-17", State::Ends(14)),
        ("2026-12-31", State::Ends(0)),
        ("2027-01-01", State::Ended),
    ] {
        assert_eq!(w.state(day(today), TERMS), state, "{today}");
    }
    let all = || merge([findings("osv.json"), findings("grype-directory.json")].concat());
    let count = |waivers: &[Waiver], today: &str| {
        let out = waiver::apply(all(), waivers, day(today), TERMS);
        (out.open.len(), out.waived.len(), out.used)
    };
    // By any of the names, in that package only, while it lasts.
    assert_eq!(count(std::slice::from_ref(&w), "2026-12-01"), (1, 1, vec![1]));
    assert_eq!(count(&[waiver("ghsa-35jh-r3h4-6jhm", None, "2026-12-31")], "2026-12-01"), (1, 1, vec![1]));
    assert_eq!(count(&[waiver("CVE-2021-23337", Some("pkg:npm/lodash"), "2026-12-31")], "2026-12-01").1, 1);
    assert_eq!(
        count(&[waiver("CVE-2021-23337", Some("underscore"), "2026-12-31")], "2026-12-01"),
        (2, 0, vec![0])
    );
    assert_eq!(count(std::slice::from_ref(&w), "2027-01-01"), (2, 0, vec![1]));
    assert_eq!(count(std::slice::from_ref(&w), "2026-01-01"), (2, 0, vec![1]));
    assert_eq!(count(&[w.clone(), w], "2026-12-01"), (1, 1, vec![1, 1]));
}

#[test]
fn waivers_as_the_scanners_want_them() {
    let waivers = [
        waiver("CVE-2021-23337", Some("pkg:npm/lodash"), "2026-12-31"),
        waiver("AVD-DS-0002", None, "2026-12-01"),
        waiver("CVE-2000-1", None, "2025-01-01"),
    ];
    let today = "2026-11-21".parse().unwrap();
    let text = |to| waiver::export(to, &waivers, today, TERMS);
    let trivy = text(Export::Trivy);
    assert!(trivy.contains("vulnerabilities:\n  - id: \"CVE-2021-23337\"\n    purls:\n      - \"pkg:npm/lodash\"\n    expired_at: 2027-01-01\n"), "{trivy}");
    assert!(
        trivy.contains("misconfigurations:\n  - id: \"AVD-DS-0002\"\n    expired_at: 2026-12-02\n"),
        "{trivy}"
    );
    let osv = text(Export::Osv);
    assert!(osv.contains("[[IgnoredVulns]]\nid = \"CVE-2021-23337\"\nignoreUntil = 2027-01-01\n"), "{osv}");
    let parsed: toml_edit::DocumentMut = osv.parse().unwrap();
    assert_eq!(parsed["IgnoredVulns"].as_array_of_tables().unwrap().len(), 2);
    let grype = text(Export::Grype);
    assert!(grype.contains("  - vulnerability: \"CVE-2021-23337\"\n"), "{grype}");
    assert!(grype.contains("    package:\n      name: \"lodash\"\n"), "{grype}");
    for text in [trivy, osv, grype] {
        assert!(!text.contains("CVE-2000-1"), "ended waivers are not exported");
    }
}

#[test]
fn policy_and_baseline() {
    let now = merge(
        ["bandit.json", "gitleaks.json", "grype-directory.json"].iter().flat_map(|n| findings(n)).collect(),
    );
    let all_new = vec![true; now.len()];
    let said = |policy: &Policy, new: &[bool]| {
        let mut all: Vec<(String, Why, Then)> = judge(&now, new, policy)
            .into_iter()
            .map(|o| (now[o.finding].id().to_owned(), o.why, o.then))
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    };
    let block = |id: &str, why| (id.to_owned(), why, Then::Block);
    let default = Policy::default();
    assert_eq!(
        said(&default, &all_new),
        [
            block("B602", Why::New),
            block("CVE-2021-23337", Why::New),
            block("CVE-2025-24813", Why::Exploited),
            block("aws-access-token", Why::Secret),
            block("generic-api-key", Why::Secret),
        ]
    );
    // Known ones pass, but for secrets and what is exploited.
    let none_new = new_ones(&now, &now);
    assert!(none_new.iter().all(|new| !new));
    let ids = |policy: &Policy| said(policy, &none_new).into_iter().map(|(id, ..)| id).collect::<Vec<_>>();
    assert_eq!(ids(&default), ["CVE-2025-24813", "aws-access-token", "generic-api-key"]);
    let lenient = Policy { kev: Then::Allow, secrets: Then::Warn, ..Policy::default() };
    assert_eq!(ids(&lenient), ["aws-access-token", "generic-api-key"]);
    assert!(said(&lenient, &none_new).iter().all(|(_, _, then)| *then == Then::Warn));
    let strict = Policy { all: Ceiling::Medium, ..Policy::default() };
    assert!(ids(&strict).contains(&"B602".to_owned()));
    let likely = Policy { epss: Some(0.5), kev: Then::Allow, new: Ceiling::Critical, ..Policy::default() };
    assert!(said(&likely, &none_new).contains(&block("CVE-2025-24813", Why::LikelyExploited)));
    // `none` is nothing at all, also of what nobody says how bad it is.
    let nothing = Policy { all: Ceiling::None, unknown: Then::Allow, ..Policy::default() };
    let vague = [Finding { severity: Severity::Unknown, kev: false, kind: Kind::Code, ..now[0].clone() }];
    assert_eq!(judge(&vague, &[false], &nothing).len(), 1);
    // A severity that nobody knows is no pass.
    let unknown = merge(findings("trivy-repository.json"));
    let objections = judge(&unknown, &vec![true; unknown.len()], &default);
    assert!(objections.iter().any(|o| (o.why, o.then) == (Why::UnknownSeverity, Then::Unknown)));
    // Lines move; one more of the same rule in the same file is new.
    let at = |line| Finding {
        places: vec![Place { path: "a.c".into(), line: Some(line) }],
        ..now[now.len() - 1].clone()
    };
    assert_eq!(new_ones(&[at(11), at(21)], &[at(10), at(20)]), [false, false]);
    assert_eq!(new_ones(&[at(11), at(20), at(31)], &[at(10), at(20)]), [false, false, true]);
}

#[test]
fn merged_sarif_is_read_back_and_keeps_to_the_limits() {
    let all: Vec<Finding> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|e| read(&fs::read(e.unwrap().path()).unwrap()).ok())
        .flat_map(|(_, report)| report.findings)
        .collect();
    let merged = merge(all);
    let (text, cut) = write::sarif(&merged, "1.2.3", Limits::default());
    assert_eq!(cut, None);
    let (format, back) = read(text.as_bytes()).unwrap();
    assert_eq!(format, Format::Sarif);
    assert_eq!(merge(back.findings), merged);
    // Fingerprints are there, and each once.
    let prints = write::fingerprints(&merged);
    assert_eq!(prints.iter().collect::<std::collections::BTreeSet<_>>().len(), merged.len());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let results = value["runs"][0]["results"].as_array().unwrap();
    for (result, print) in results.iter().zip(&prints) {
        assert_eq!(result["partialFingerprints"]["primaryLocationLineHash"], **print);
        assert!(!result["locations"].as_array().unwrap().is_empty());
    }
    for rule in value["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap() {
        assert!(rule["properties"]["tags"].as_array().unwrap().len() <= 20);
    }
    // Cut by severity, with a message.
    let (text, cut) = write::sarif(&merged, "1", Limits { results: 2, ..Limits::default() });
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["runs"][0]["results"].as_array().unwrap().len(), 2);
    assert!(cut.unwrap().contains("left out of the SARIF"));
    let (text, cut) = write::sarif(&merged, "1", Limits { gzip: 2048, ..Limits::default() });
    assert!(cut.is_some() && text.len() < 20_000);
    let (_, cut) = write::sarif(&merged, "1", Limits { shown: 3, ..Limits::default() });
    assert!(cut.unwrap().contains("shows 3 of"));
}

fn finding() -> impl Strategy<Value = Finding> {
    let ids = prop::collection::vec(select(vec!["CVE-1", "CVE-2", "GHSA-a", "GHSA-b", "R1", "R2"]), 1..4);
    let package = select(vec![None, Some("pkg:npm/a"), Some("pkg:npm/b")]);
    let place = select(vec![
        None,
        Some(("a.c", Some(1))),
        Some(("a.c", Some(2))),
        Some(("b.c", Some(1))),
        Some(("b.c", None)),
    ]);
    let kind = select(vec![Kind::Code, Kind::Secret, Kind::Configuration]);
    let rest = (
        select(vec!["t", "a title", "another title"]),
        select(Severity::WORST_FIRST.to_vec()),
        select(vec!["x", "y", "z"]),
        prop::option::of(0u8..100),
        prop::collection::vec(1u32..4, 0..3),
        any::<bool>(),
    );
    (ids, package, place, kind, rest).prop_map(|(ids, package, place, kind, rest)| {
        let (title, severity, scanner, score, mut cwes, kev) = rest;
        let mut ids: Vec<Box<str>> = ids.into_iter().map(Box::from).collect();
        ids.sort();
        ids.dedup();
        cwes.sort_unstable();
        cwes.dedup();
        Finding {
            kind: if package.is_some() { Kind::Package } else { kind },
            ids,
            cwes,
            package: package.map(Box::from),
            versions: Vec::new(),
            fixed: Vec::new(),
            places: place.map(|(path, line)| Place { path: path.into(), line }).into_iter().collect(),
            severity,
            score: score.map(|s| f32::from(s) / 10.0),
            kev,
            epss: None,
            title: title.into(),
            scanners: vec![Arc::from(scanner)],
            line_hash: None,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn merging_does_not_depend_on_order_and_settles(
        findings in prop::collection::vec(finding(), 0..14),
        shuffle in prop::collection::vec(any::<Index>(), 14),
        cut in any::<Index>(),
    ) {
        let merged = merge(findings.clone());
        prop_assert_eq!(&merge(merged.clone()), &merged, "merging twice changes nothing");
        let mut other = findings.clone();
        for (at, with) in shuffle.iter().enumerate().take(other.len()) {
            let with = with.index(other.len());
            other.swap(at, with);
        }
        prop_assert_eq!(&merge(other), &merged, "the order does not matter");
        prop_assert_eq!(&merge([findings.clone(), findings.clone()].concat()), &merged, "nor does seeing it twice");
        if !findings.is_empty() {
            let (one, two) = findings.split_at(cut.index(findings.len()));
            let parts = [merge(one.to_vec()), merge(two.to_vec())].concat();
            prop_assert_eq!(&merge(parts), &merged, "nor merging parts first");
        }
        // Nothing is lost.
        for finding in &findings {
            let holds = |m: &&Finding| finding.ids.iter().all(|id| m.ids.contains(id)) && m.package == finding.package
                && m.severity >= finding.severity && finding.scanners.iter().all(|s| m.scanners.contains(s));
            prop_assert!(merged.iter().any(|m| holds(&m)));
        }
        prop_assert!(new_ones(&merged, &merged).iter().all(|new| !new));
    }

    #[test]
    fn mutated_reports_do_no_harm(
        which in any::<Index>(),
        edits in prop::collection::vec((any::<Index>(), any::<Index>(), 0u8..6, any::<u8>()), 1..8),
        piece in 1usize..3000,
    ) {
        let mut paths: Vec<_> = fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
        paths.sort();
        let mut bytes = fs::read(&paths[which.index(paths.len())]).unwrap();
        for (at, to, what, byte) in edits {
            if bytes.is_empty() { break; }
            let (a, b) = (at.index(bytes.len()), to.index(bytes.len()));
            let (a, b) = (a.min(b), a.max(b).min(a.min(b) + 400));
            match what {
                0 => bytes[a] = byte,
                1 => { bytes.drain(a..b); }
                2 => bytes.truncate(a),
                3 => { let part = bytes[a..b].to_vec(); bytes.splice(a..a, part); }
                4 => bytes.insert(a, b"{}[]\",:\\0-"[usize::from(byte) % 10]),
                _ => { bytes.splice(a..b, *b"null"); }
            }
        }
        let whole = read(&bytes);
        prop_assert_eq!(&read_as(&bytes, None, piece), &whole);
        if let Ok((_, report)) = whole {
            let merged = merge(report.findings);
            prop_assert!(merged.iter().all(|f| !f.ids.is_empty() && f.title.chars().count() <= 301));
            let (text, _) = write::sarif(&merged, "1", Limits::default());
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }

    #[test]
    fn any_bytes_do_no_harm(bytes: Vec<u8>, text in "[\\[\\]{}\":,a-z0-9<>/ \n]{0,200}") {
        use Format::*;
        for format in [Sarif, Trivy, Grype, Gitleaks, Trufflehog, NpmAudit, CargoAudit, Osv, Snyk, Bandit, PipAudit,
            Semgrep, Gitlab, ReleaseSteps, Junit, Cobertura, Lcov] {
            for input in [&bytes[..], text.as_bytes()] {
                drop(read_as(input, Some(format), 3));
            }
        }
        drop(read(&bytes));
        drop(read(text.as_bytes()));
    }

    #[test]
    fn any_vector_does_no_harm(text in "(CVSS:[34]\\.[01]/)?([A-Z]{1,3}:[A-Z]{1,2}/?){0,14}") {
        prop_assert!(cvss_score(&text).is_none_or(|s| (0.0..=10.0).contains(&s)));
    }
}
