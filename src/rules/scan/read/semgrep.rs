//! `semgrep --json` (<https://github.com/semgrep/semgrep-interfaces/blob/main/semgrep_output_v1.atd>).

use std::sync::Arc;

use super::lax::{List, Num, Obj, Text};
use super::split::{Fault, Take, Taker};
use super::{Draft, Shape, Trouble, cwe, name, object, place, shape, title};
use crate::rules::scan::{Kind, Report};

shape! {
    Entry { check_id: Text<'a>, path: Text<'a>, extra: Obj<Extra<'a>> ; start: Obj<Start> }
    Extra { message: Text<'a>, severity: Text<'a>, metadata: Obj<Metadata<'a>>, is_ignored: Text<'a> ; }
    Metadata { cwe: List<Text<'a>>, category: Text<'a> ; }
    Failure { level: Text<'a>, message: Text<'a> ; }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Start {
    line: Num,
}

/// The reader.
pub struct Semgrep<'r> {
    root: &'r str,
    scanner: Arc<str>,
    report: Report,
    scanned: Option<usize>,
    listed: bool,
}

impl<'r> Semgrep<'r> {
    /// A reader that shortens absolute paths by `root`.
    pub fn new(root: &'r str) -> Self {
        Semgrep {
            root,
            scanner: Arc::from("Semgrep"),
            report: Report::default(),
            scanned: None,
            listed: false,
        }
    }
}

impl Taker for Semgrep<'_> {
    fn take(&mut self, path: &[String]) -> Take {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        match keys[..] {
            [] | ["results" | "errors" | "paths"] | ["paths", "scanned"] => Take::Enter,
            ["results" | "errors", _] | ["paths", "scanned", _] => Take::Whole,
            _ => Take::Skip,
        }
    }

    fn value(&mut self, path: &[String], json: &[u8]) -> Result<(), Fault> {
        match path[0].as_str() {
            "errors" => {
                let failure = object::<Failure<'_>>(json)?;
                if failure.level.str() == "error" && self.report.gaps.len() < 20 {
                    self.report.gaps.push(title(failure.message.str()).into());
                }
            }
            "paths" => *self.scanned.get_or_insert(0) += 1,
            _ => {
                let entry = object::<Entry<'_>>(json)?;
                if entry.extra.is_ignored.str() == "true" {
                    self.report.suppressed += 1;
                    return Ok(());
                }
                let draft = Draft {
                    ids: vec![name(entry.check_id.str())],
                    cwes: entry.extra.metadata.cwe.iter().filter_map(|c| cwe(c.str())).collect(),
                    place: place::file(entry.path.str(), entry.start.line.line(), self.root),
                    word: entry.extra.severity.str(),
                    title: entry.extra.message.str(),
                    ..Draft::default()
                };
                let secrets = entry.extra.metadata.category.str() == "secrets";
                let kind = if secrets { Kind::Secret } else { Kind::Code };
                self.report.findings.extend(draft.finding(kind, &self.scanner));
            }
        }
        Ok(())
    }

    fn end(&mut self, path: &[String]) {
        match path.last().map(String::as_str) {
            Some("results") => self.listed = true,
            Some("scanned") => {
                self.scanned.get_or_insert(0);
            }
            _ => {}
        }
    }
}

impl Shape for Semgrep<'_> {
    fn finish(&mut self) -> Result<Report, Trouble> {
        if !self.listed || self.scanned == Some(0) {
            return Err(Trouble::NothingScanned("`paths.scanned` is empty".to_owned()));
        }
        Ok(std::mem::take(&mut self.report))
    }
}
