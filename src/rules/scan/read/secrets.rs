//! Gitleaks and TruffleHog. The secrets themselves are never read.

use std::sync::Arc;

use super::lax::{List, Num, Obj, Text};
use super::split::{Fault, Take, Taker};
use super::{Draft, Shape, Trouble, name, object, place, shape};
use crate::rules::scan::{Finding, Kind, Report, Severity};

shape! {
    #[serde(rename_all = "PascalCase")]
    Leak { #[serde(rename = "RuleID")] rule: Text<'a>, description: Text<'a>, file: Text<'a>, tags: List<Text<'a>> ;
        start_line: Num }
    #[serde(rename_all = "PascalCase")]
    Hit { source_metadata: Obj<Metadata<'a>>, detector_name: Text<'a>, detector_description: Text<'a>,
        verified: Text<'a> ; }
    #[serde(rename_all = "PascalCase")]
    Metadata { data: Obj<Sources<'a>> ; }
    #[serde(rename_all = "PascalCase")]
    Sources { git: Obj<At<'a>>, filesystem: Obj<At<'a>>, github: Obj<At<'a>>, gitlab: Obj<At<'a>>,
        docker: Obj<At<'a>>, s3: Obj<At<'a>> ; }
    At { file: Text<'a>, image: Text<'a> ; line: Num }
}

/// A key that works is as bad as it gets; of others nobody knows, and a person should look.
fn secret(draft: Draft<'_>, scanner: &Arc<str>, verified: bool) -> Option<Finding> {
    let mut finding = draft.finding(Kind::Secret, scanner)?;
    finding.severity = if verified { Severity::Critical } else { Severity::High };
    Some(finding)
}

/// The reader of `gitleaks --report-format json`.
pub struct Gitleaks<'r> {
    root: &'r str,
    scanner: Arc<str>,
    report: Report,
}

impl<'r> Gitleaks<'r> {
    /// A reader that shortens absolute paths by `root`.
    pub fn new(root: &'r str) -> Self {
        Gitleaks { root, scanner: Arc::from("Gitleaks"), report: Report::default() }
    }
}

impl Taker for Gitleaks<'_> {
    fn take(&mut self, path: &[String]) -> Take {
        if path.is_empty() { Take::Enter } else { Take::Whole }
    }

    fn value(&mut self, path: &[String], json: &[u8]) -> Result<(), Fault> {
        if path.first().is_none_or(|at| at != "*") {
            return Err(Fault("it is no list of leaks".to_owned()));
        }
        let leak = object::<Leak<'_>>(json)?;
        let draft = Draft {
            ids: vec![name(leak.rule.str())],
            place: place::file(leak.file.str(), leak.start_line.line(), self.root),
            title: leak.description.str(),
            ..Draft::default()
        };
        self.report.findings.extend(secret(draft, &self.scanner, false));
        Ok(())
    }
}

impl Shape for Gitleaks<'_> {
    fn finish(&mut self) -> Result<Report, Trouble> {
        Ok(std::mem::take(&mut self.report))
    }
}

/// The reader of `trufflehog --json`: one object a line.
pub struct Trufflehog<'r> {
    root: &'r str,
    scanner: Arc<str>,
    report: Report,
}

impl<'r> Trufflehog<'r> {
    /// A reader that shortens absolute paths by `root`.
    pub fn new(root: &'r str) -> Self {
        Trufflehog { root, scanner: Arc::from("TruffleHog"), report: Report::default() }
    }
}

impl Taker for Trufflehog<'_> {
    fn take(&mut self, _: &[String]) -> Take {
        Take::Whole
    }

    fn value(&mut self, _: &[String], json: &[u8]) -> Result<(), Fault> {
        let hit = object::<Hit<'_>>(json)?;
        let d = &hit.source_metadata.data;
        let at = [&d.git, &d.filesystem, &d.github, &d.gitlab, &d.docker, &d.s3]
            .into_iter()
            .find(|at| at.file.get().is_some() || at.image.get().is_some());
        let draft = Draft {
            ids: vec![name(hit.detector_name.str())],
            place: at.and_then(|at| match at.file.get() {
                Some(file) => place::file(file, at.line.line(), self.root),
                None => place::image(at.image.str()),
            }),
            title: hit.detector_description.str(),
            ..Draft::default()
        };
        // Log lines may stand between the hits; they name no detector.
        self.report.findings.extend(secret(draft, &self.scanner, hit.verified.str() == "true"));
        Ok(())
    }
}

impl Shape for Trufflehog<'_> {
    fn finish(&mut self) -> Result<Report, Trouble> {
        Ok(std::mem::take(&mut self.report))
    }
}
