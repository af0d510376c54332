//! Bandit's and pip-audit's JSON.

use std::sync::Arc;

use super::lax::{List, Num, Obj, Text};
use super::split::{Fault, Take, Taker};
use super::{Draft, Shape, Trouble, name, object, place, purl, shape, title};
use crate::rules::scan::{Kind, Report};

shape! {
    Issue { test_id: Text<'a>, test_name: Text<'a>, filename: Text<'a>, issue_severity: Text<'a>,
        issue_text: Text<'a> ; line_number: Num, issue_cwe: Obj<Cwe> }
    Failure { filename: Text<'a>, reason: Text<'a> ; }
    Dependency { name: Text<'a>, version: Text<'a>, skip_reason: Text<'a>, vulns: List<Obj<Vulnerability<'a>>> ; }
    Vulnerability { id: Text<'a>, aliases: List<Text<'a>>, fix_versions: List<Text<'a>>, description: Text<'a> ; }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Cwe {
    id: Num,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Totals {
    loc: Num,
}

/// The reader of `bandit -f json` (<https://bandit.readthedocs.io/en/latest/formatters/json.html>).
pub struct Bandit<'r> {
    root: &'r str,
    scanner: Arc<str>,
    report: Report,
    lines: Option<u64>,
    listed: bool,
}

impl<'r> Bandit<'r> {
    /// A reader that shortens absolute paths by `root`.
    pub fn new(root: &'r str) -> Self {
        Bandit { root, scanner: Arc::from("Bandit"), report: Report::default(), lines: None, listed: false }
    }
}

impl Taker for Bandit<'_> {
    fn take(&mut self, path: &[String]) -> Take {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        match keys[..] {
            [] | ["results" | "errors" | "metrics"] => Take::Enter,
            ["results" | "errors", _] | ["metrics", "_totals"] => Take::Whole,
            _ => Take::Skip,
        }
    }

    fn value(&mut self, path: &[String], json: &[u8]) -> Result<(), Fault> {
        match path[0].as_str() {
            "metrics" => self.lines = object::<Totals>(json)?.loc.count(),
            "errors" => {
                let failure = object::<Failure<'_>>(json)?;
                if self.report.gaps.len() < 20 {
                    let text = format!("{}: {}", failure.filename.str(), failure.reason.str());
                    self.report.gaps.push(title(&text).into());
                }
            }
            _ => {
                let issue = object::<Issue<'_>>(json)?;
                let draft = Draft {
                    ids: vec![name(issue.test_id.str())],
                    cwes: issue.issue_cwe.id.line().into_iter().collect(),
                    place: place::file(issue.filename.str(), issue.line_number.line(), self.root),
                    word: issue.issue_severity.str(),
                    title: issue.issue_text.str(),
                    ..Draft::default()
                };
                self.report.findings.extend(draft.finding(Kind::Code, &self.scanner));
            }
        }
        Ok(())
    }

    fn end(&mut self, path: &[String]) {
        self.listed |= path.first().is_some_and(|key| key == "results");
    }
}

impl Shape for Bandit<'_> {
    fn finish(&mut self) -> Result<Report, Trouble> {
        if !self.listed || self.lines == Some(0) {
            return Err(Trouble::NothingScanned("0 lines of code".to_owned()));
        }
        Ok(std::mem::take(&mut self.report))
    }
}

/// The reader of `pip-audit -f json` (<https://github.com/pypa/pip-audit#examples>).
pub struct PipAudit {
    scanner: Arc<str>,
    report: Report,
    audited: usize,
}

impl Default for PipAudit {
    fn default() -> Self {
        PipAudit { scanner: Arc::from("pip-audit"), report: Report::default(), audited: 0 }
    }
}

impl Taker for PipAudit {
    fn take(&mut self, path: &[String]) -> Take {
        match path {
            [] => Take::Enter,
            [key] if key == "dependencies" => Take::Enter,
            [key, _] if key == "dependencies" => Take::Whole,
            _ => Take::Skip,
        }
    }

    fn value(&mut self, _: &[String], json: &[u8]) -> Result<(), Fault> {
        let dependency = object::<Dependency<'_>>(json)?;
        if let Some(why) = dependency.skip_reason.get() {
            if self.report.gaps.len() < 20 {
                self.report.gaps.push(title(why).into());
            }
            return Ok(());
        }
        self.audited += 1;
        for v in dependency.vulns.iter() {
            let draft = Draft {
                ids: std::iter::once(&v.id).chain(v.aliases.iter()).map(|id| name(id.str())).collect(),
                purl: purl::make("pypi", dependency.name.str(), dependency.version.str()),
                fixed: v.fix_versions.iter().map(|f| name(f.str())).collect(),
                title: v.description.str(),
                ..Draft::default()
            };
            self.report.findings.extend(draft.finding(Kind::Package, &self.scanner));
        }
        Ok(())
    }
}

impl Shape for PipAudit {
    fn finish(&mut self) -> Result<Report, Trouble> {
        if self.audited == 0 {
            return Err(Trouble::NothingScanned(match self.report.gaps.first() {
                Some(why) => format!("every dependency was skipped ({why})"),
                None => "no dependencies".to_owned(),
            }));
        }
        Ok(std::mem::take(&mut self.report))
    }
}
