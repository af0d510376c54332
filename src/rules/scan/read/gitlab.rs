//! GitLab's security reports: dependency, container, secret scanning, SAST
//! (<https://gitlab.com/gitlab-org/security-products/security-report-schemas>).

use std::sync::Arc;

use super::lax::{List, Num, Obj, Text};
use super::split::{Fault, Take, Taker};
use super::{Draft, Scanners, Shape, Trouble, cwe, is_advisory, name, object, place, purl, shape, title};
use crate::rules::scan::{Finding, Kind, Report, cvss_score};

shape! {
    Vulnerability {
        category: Text<'a>, name: Text<'a>, message: Text<'a>, description: Text<'a>, severity: Text<'a>,
        identifiers: List<Obj<Identifier<'a>>>, location: Obj<Location<'a>>, scanner: Obj<Named<'a>>,
        cvss_vectors: List<Obj<Vector<'a>>> ;
    }
    Identifier { r#type: Text<'a>, name: Text<'a>, value: Text<'a> ; }
    Location { file: Text<'a>, image: Text<'a>, operating_system: Text<'a>, dependency: Obj<Dependency<'a>> ;
        start_line: Num }
    Dependency { package: Obj<Named<'a>>, version: Text<'a> ; }
    Named { id: Text<'a>, name: Text<'a> ; }
    Vector { vector: Text<'a> ; }
    Scan { scanner: Obj<Named<'a>>, status: Text<'a>, r#type: Text<'a>, messages: List<Obj<Message<'a>>> ; }
    Message { level: Text<'a>, value: Text<'a> ; }
}

/// The reader.
pub struct Gitlab<'r> {
    root: &'r str,
    scanners: Scanners,
    nobody: Arc<str>,
    report: Report,
    /// Findings that name no scanner; the report names it, perhaps after them.
    kind: Option<Kind>,
    unsure: Vec<usize>,
    failed: Option<String>,
    listed: bool,
}

fn of_type(name: &str) -> Option<Kind> {
    match name {
        "dependency_scanning" | "container_scanning" | "cluster_image_scanning" => Some(Kind::Package),
        "secret_detection" => Some(Kind::Secret),
        "sast" | "dast" | "coverage_fuzzing" | "api_fuzzing" => Some(Kind::Code),
        _ => None,
    }
}

impl<'r> Gitlab<'r> {
    /// A reader that shortens absolute paths by `root`.
    pub fn new(root: &'r str) -> Self {
        Gitlab {
            root,
            scanners: Scanners::default(),
            nobody: Arc::from(""),
            report: Report::default(),
            kind: None,
            unsure: Vec::new(),
            failed: None,
            listed: false,
        }
    }

    fn entry(&mut self, v: &Vulnerability<'_>) {
        let at = &v.location;
        let number = |i: &Obj<Identifier<'_>>| i.value.str().parse().ok().or_else(|| cwe(i.name.str()));
        let is_cwe = |i: &&Obj<Identifier<'_>>| i.r#type.str().eq_ignore_ascii_case("cwe");
        let advisories = || {
            let names = v.identifiers.iter().flat_map(|i| [&i.value, &i.name]).map(Text::str);
            names.filter(|n| is_advisory(n))
        };
        let rule = v.identifiers.iter().find(|i| !is_cwe(i));
        let ids: Vec<Box<str>> = match advisories().next() {
            Some(_) => advisories().map(name).collect(),
            None => vec![name(rule.and_then(|r| r.value.get().or(r.name.get())).unwrap_or("?"))],
        };
        let place = match (at.file.get(), at.image.get()) {
            (_, Some(image)) => place::image(image),
            (Some(file), None) => place::file(file, at.start_line.line(), self.root),
            (None, None) => None,
        };
        let ecosystem = match at.operating_system.get() {
            Some(system) => system.split([' ', ':']).next().unwrap_or_default(),
            None => purl::ecosystem_of(at.file.str()),
        };
        let kind = of_type(v.category.str());
        let dependency = at.dependency.package.name.get();
        let draft = Draft {
            ids,
            cwes: v.identifiers.iter().filter(is_cwe).filter_map(number).collect(),
            purl: dependency.and_then(|d| purl::make(ecosystem, d, at.dependency.version.str())),
            place,
            score: v.cvss_vectors.iter().filter_map(|c| cvss_score(c.vector.str())).max_by(f64::total_cmp),
            word: v.severity.str(),
            title: v.name.get().or(v.message.get()).unwrap_or(v.description.str()),
            ..Draft::default()
        };
        let named = v.scanner.name.get().or(v.scanner.id.get());
        let scanner = named.map_or_else(|| self.nobody.clone(), |n| self.scanners.get(n));
        let finding = draft.finding(kind.unwrap_or(Kind::Code), &scanner);
        if finding.is_some() && (kind.is_none() || named.is_none()) {
            self.unsure.push(self.report.findings.len());
        }
        self.report.findings.extend(finding);
    }
}

impl Taker for Gitlab<'_> {
    fn take(&mut self, path: &[String]) -> Take {
        match path {
            [] => Take::Enter,
            [key] if key == "vulnerabilities" => Take::Enter,
            [key] if key == "scan" => Take::Whole,
            [key, _] if key == "vulnerabilities" => Take::Whole,
            _ => Take::Skip,
        }
    }

    fn value(&mut self, path: &[String], json: &[u8]) -> Result<(), Fault> {
        if path[0] == "vulnerabilities" {
            self.entry(&object::<Vulnerability<'_>>(json)?);
            return Ok(());
        }
        let scan = object::<Scan<'_>>(json)?;
        let errors = || scan.messages.iter().filter(|m| m.level.str() == "fatal" || m.level.str() == "error");
        if scan.status.str() == "failure" {
            let why = errors().next().map_or("its status is `failure`", |m| m.value.str());
            self.failed = Some(title(why).into());
        }
        self.report.gaps.extend(errors().take(20).map(|m| title(m.value.str()).into()));
        self.kind = of_type(scan.r#type.str());
        if let Some(named) = scan.scanner.name.get().or(scan.scanner.id.get()) {
            self.nobody = self.scanners.get(named);
        }
        Ok(())
    }

    fn end(&mut self, path: &[String]) {
        self.listed |= path.first().is_some_and(|key| key == "vulnerabilities");
    }
}

impl Shape for Gitlab<'_> {
    fn finish(&mut self) -> Result<Report, Trouble> {
        if let Some(why) = self.failed.take() {
            return Err(Trouble::ScannerFailed(why));
        }
        if !self.listed {
            return Err(Trouble::NothingScanned("it has no list of vulnerabilities".to_owned()));
        }
        if self.nobody.is_empty() {
            self.nobody = self.scanners.get("GitLab");
        }
        for at in self.unsure.drain(..) {
            let Some(finding): Option<&mut Finding> = self.report.findings.get_mut(at) else { continue };
            if finding.scanners.iter().all(|s| s.is_empty()) {
                finding.scanners = vec![self.nobody.clone()];
            }
            if let (Kind::Code, Some(kind)) = (finding.kind, self.kind) {
                finding.kind = kind;
            }
        }
        self.report.scanners = self.scanners.0.iter().cloned().collect();
        Ok(std::mem::take(&mut self.report))
    }
}
