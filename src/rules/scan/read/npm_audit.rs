//! `npm audit --json`: version 2 of npm 7 and newer, and the older one with `advisories`
//! (<https://github.com/npm/npm-audit-report/tree/main/test>).

use std::sync::Arc;

use super::lax::{List, Num, Obj, Text};
use super::split::{Fault, Take, Taker};
use super::{Draft, Shape, Trouble, cwe, name, object, parse, purl, shape, title};
use crate::rules::scan::{Kind, Report, cvss_score};

shape! {
    /// An entry of `vulnerabilities`: a package, and either advisories or the packages that it has them from.
    Package { name: Text<'a>, severity: Text<'a>, via: List<Obj<Via<'a>>> ; }
    Via { name: Text<'a>, dependency: Text<'a>, title: Text<'a>, url: Text<'a>, severity: Text<'a>,
        cwe: List<Text<'a>>, range: Text<'a>, cvss: Obj<Cvss<'a>> ; source: Num }
    #[serde(rename_all = "camelCase")]
    Cvss { vector_string: Text<'a> ; score: Num }
    Advisory { module_name: Text<'a>, title: Text<'a>, url: Text<'a>, severity: Text<'a>, cwe: Text<'a>,
        patched_versions: Text<'a>, github_advisory_id: Text<'a>, cves: List<Text<'a>>,
        findings: List<Obj<Found<'a>>>, cvss: Obj<Cvss<'a>> ; id: Num }
    Found { version: Text<'a> ; }
    #[serde(rename_all = "camelCase")]
    Metadata { ; dependencies: Obj<Totals>, total_dependencies: Num }
    Failure { code: Text<'a>, summary: Text<'a>, detail: Text<'a> ; }
}

/// npm 7 counts by kind; npm 6 has numbers only.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Totals {
    total: Num,
}

/// The reader.
pub struct NpmAudit {
    scanner: Arc<str>,
    report: Report,
    dependencies: Option<u64>,
    failure: Option<String>,
    listed: bool,
}

impl Default for NpmAudit {
    fn default() -> Self {
        NpmAudit {
            scanner: Arc::from("npm audit"),
            report: Report::default(),
            dependencies: None,
            failure: None,
            listed: false,
        }
    }
}

/// CVSS: npm writes a score of 0 where there is none.
fn score(cvss: &Cvss<'_>) -> Option<f64> {
    cvss.score.0.filter(|s| *s > 0.0).or_else(|| cvss_score(cvss.vector_string.str()))
}

/// The advisory's name at the end of its address.
fn of_url(url: &str) -> Option<Box<str>> {
    url.rsplit('/').next().filter(|id| id.starts_with("GHSA-")).map(name)
}

fn number(id: Num) -> Box<str> {
    id.count().map_or_else(|| "".into(), |n| format!("npm-{n}").into())
}

impl NpmAudit {
    fn package(&mut self, package: &Package<'_>) {
        for via in package.via.iter().filter(|v| v.url.get().is_some() || v.source.0.is_some()) {
            let draft = Draft {
                ids: vec![of_url(via.url.str()).unwrap_or_else(|| number(via.source))],
                cwes: via.cwe.iter().filter_map(|c| cwe(c.str())).collect(),
                purl: purl::make(
                    "npm",
                    via.name.get().or(via.dependency.get()).unwrap_or(package.name.str()),
                    "",
                ),
                score: score(&via.cvss),
                word: via.severity.get().unwrap_or(package.severity.str()),
                title: via.title.str(),
                ..Draft::default()
            };
            self.report.findings.extend(draft.finding(Kind::Package, &self.scanner));
        }
    }

    fn advisory(&mut self, a: &Advisory<'_>) {
        let ghsa = a.github_advisory_id.get().map(name).or_else(|| of_url(a.url.str()));
        let mut ids: Vec<Box<str>> = ghsa.into_iter().chain(a.cves.iter().map(|c| name(c.str()))).collect();
        if ids.is_empty() {
            ids.push(number(a.id));
        }
        let version = a.findings.first().map_or("", |f| f.version.str());
        let draft = Draft {
            ids,
            cwes: cwe(a.cwe.str()).into_iter().collect(),
            purl: purl::make("npm", a.module_name.str(), version),
            fixed: vec![name(a.patched_versions.str())],
            score: score(&a.cvss),
            word: a.severity.str(),
            title: a.title.str(),
            ..Draft::default()
        };
        self.report.findings.extend(draft.finding(Kind::Package, &self.scanner));
    }
}

impl Taker for NpmAudit {
    fn take(&mut self, path: &[String]) -> Take {
        match path {
            [] => Take::Enter,
            [key] if key == "vulnerabilities" || key == "advisories" => Take::Enter,
            [key] if ["metadata", "error", "message", "statusCode"].contains(&key.as_str()) => Take::Whole,
            [key, _] if key == "vulnerabilities" || key == "advisories" => Take::Whole,
            _ => Take::Skip,
        }
    }

    fn value(&mut self, path: &[String], json: &[u8]) -> Result<(), Fault> {
        match path[0].as_str() {
            "vulnerabilities" => self.package(&object::<Package<'_>>(json)?),
            "advisories" => self.advisory(&object::<Advisory<'_>>(json)?),
            "metadata" => {
                let metadata = object::<Metadata<'_>>(json)?;
                let counted = metadata.total_dependencies.count();
                self.dependencies = counted.or(metadata.dependencies.total.count());
            }
            "message" => {
                let said = parse::<Text<'_>>(json)?;
                self.failure.get_or_insert(title(said.str()).into());
            }
            "error" => {
                let error = object::<Failure<'_>>(json)?;
                let said = error.summary.get().or(error.detail.get()).or(error.code.get());
                self.failure.get_or_insert(title(said.unwrap_or("it does not say why")).into());
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, path: &[String]) {
        self.listed |= path.first().is_some_and(|key| key == "vulnerabilities" || key == "advisories");
    }
}

impl Shape for NpmAudit {
    fn finish(&mut self) -> Result<Report, Trouble> {
        if let Some(why) = self.failure.take() {
            return Err(Trouble::ScannerFailed(why));
        }
        if !self.listed {
            return Err(Trouble::NothingScanned("it has no list of vulnerabilities".to_owned()));
        }
        if self.dependencies == Some(0) {
            return Err(Trouble::NothingScanned("0 dependencies".to_owned()));
        }
        Ok(std::mem::take(&mut self.report))
    }
}
