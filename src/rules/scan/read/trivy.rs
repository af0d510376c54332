//! Trivy's JSON, schema version 2 (<https://trivy.dev/latest/docs/configuration/reporting/#json>).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lax::{List, Num, Obj, Text};
use super::split::{Fault, Take, Taker};
use super::{Draft, Shape, Trouble, cwe, name, object, parse, place, purl, shape};
use crate::rules::scan::{Kind, Place, Report};

shape! {
    #[serde(rename_all = "PascalCase")]
    Target {
        target: Text<'a>, class: Text<'a>, r#type: Text<'a>, vulnerabilities: List<Obj<Vulnerability<'a>>>,
        misconfigurations: List<Obj<Misconfiguration<'a>>>, secrets: List<Obj<Secret<'a>>>,
        licenses: List<Obj<License<'a>>> ;
    }
    #[serde(rename_all = "PascalCase")]
    Vulnerability {
        #[serde(rename = "VulnerabilityID")] id: Text<'a>, #[serde(rename = "VendorIDs")] vendor_ids: List<Text<'a>>,
        pkg_name: Text<'a>, pkg_path: Text<'a>, pkg_identifier: Obj<Identifier<'a>>, installed_version: Text<'a>,
        fixed_version: Text<'a>, severity: Text<'a>, severity_source: Text<'a>, title: Text<'a>,
        description: Text<'a>, #[serde(rename = "CweIDs")] cwes: List<Text<'a>>, status: Text<'a> ;
        #[serde(rename = "CVSS")] cvss: Obj<BTreeMap<String, Obj<Cvss>>>
    }
    Identifier { #[serde(rename = "PURL")] purl: Text<'a> ; }
    #[serde(rename_all = "PascalCase")]
    Misconfiguration {
        #[serde(rename = "ID")] id: Text<'a>, #[serde(rename = "AVDID")] avd: Text<'a>, title: Text<'a>,
        message: Text<'a>, severity: Text<'a>, status: Text<'a> ; cause_metadata: Obj<Cause>
    }
    #[serde(rename_all = "PascalCase")]
    Secret { #[serde(rename = "RuleID")] id: Text<'a>, title: Text<'a>, severity: Text<'a> ; start_line: Num }
    #[serde(rename_all = "PascalCase")]
    License { name: Text<'a>, pkg_name: Text<'a>, file_path: Text<'a>, severity: Text<'a>, category: Text<'a> ; }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Cvss {
    v3_score: Num,
    v40_score: Num,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Cause {
    start_line: Num,
}

/// The reader.
pub struct Trivy<'r> {
    root: &'r str,
    scanner: Arc<str>,
    artifact: String,
    image: bool,
    results: bool,
    report: Report,
}

impl<'r> Trivy<'r> {
    /// A reader that shortens absolute paths by `root`.
    pub fn new(root: &'r str) -> Self {
        Trivy {
            root,
            scanner: Arc::from("Trivy"),
            artifact: String::new(),
            image: false,
            results: false,
            report: Report::default(),
        }
    }

    fn place(&self, path: &str, line: Option<u32>) -> Option<Place> {
        match self.image {
            true => place::image(&self.artifact),
            false => place::file(path, line, self.root),
        }
    }

    fn target(&mut self, target: &Target<'_>) {
        let at = target.target.str();
        for v in target.vulnerabilities.iter() {
            if v.status.str() == "not_affected" {
                self.report.suppressed += 1;
                continue;
            }
            let version = v.installed_version.str();
            let package = v
                .pkg_identifier
                .purl
                .get()
                .and_then(purl::parse)
                .or_else(|| purl::make(target.r#type.str(), v.pkg_name.str(), version));
            let scores = || v.cvss.iter().map(|(source, c)| (source, c.v40_score.0.or(c.v3_score.0)));
            let by = |source: &str| scores().find(|(s, _)| *s == source).and_then(|(_, score)| score);
            let score = by(v.severity_source.str())
                .or_else(|| by("nvd"))
                .or_else(|| scores().filter_map(|(_, s)| s).max_by(f64::total_cmp));
            let known_as = v.vendor_ids.iter().map(|id| name(id.str())).filter(|id| super::is_advisory(id));
            let draft = Draft {
                ids: std::iter::once(name(v.id.str())).chain(known_as).collect(),
                cwes: v.cwes.iter().filter_map(|c| cwe(c.str())).collect(),
                purl: package,
                fixed: v.fixed_version.str().split(", ").map(name).collect(),
                place: self.place(v.pkg_path.get().unwrap_or(at), None),
                score,
                word: v.severity.str(),
                title: v.title.get().unwrap_or(v.description.str()),
                ..Draft::default()
            };
            self.report.findings.extend(draft.finding(Kind::Package, &self.scanner));
        }
        for m in target.misconfigurations.iter().filter(|m| m.status.str() != "PASS") {
            let draft = Draft {
                ids: [&m.id, &m.avd].into_iter().map(|id| name(id.str())).collect(),
                place: self.place(at, m.cause_metadata.start_line.line()),
                word: m.severity.str(),
                title: m.title.get().unwrap_or(m.message.str()),
                ..Draft::default()
            };
            self.report.findings.extend(draft.finding(Kind::Configuration, &self.scanner));
        }
        for s in target.secrets.iter() {
            let draft = Draft {
                ids: vec![name(s.id.str())],
                place: place::file(at, s.start_line.line(), self.root),
                word: s.severity.str(),
                title: s.title.str(),
                ..Draft::default()
            };
            self.report.findings.extend(draft.finding(Kind::Secret, &self.scanner));
        }
        // Trivy lists every licence; those it finds unproblematic are no findings.
        let bad = |l: &&Obj<License<'_>>| matches!(l.category.str(), "forbidden" | "restricted");
        for l in target.licenses.iter().filter(bad) {
            let draft = Draft {
                ids: vec![name(l.name.str())],
                purl: purl::make(target.r#type.str(), l.pkg_name.str(), ""),
                place: self.place(l.file_path.get().unwrap_or(at), None),
                word: l.severity.str(),
                title: &format!("licence {} of {}", l.name.str(), l.pkg_name.str()),
                ..Draft::default()
            };
            self.report.findings.extend(draft.finding(Kind::Licence, &self.scanner));
        }
    }
}

impl Taker for Trivy<'_> {
    fn take(&mut self, path: &[String]) -> Take {
        match path {
            [] => Take::Enter,
            [key] if key == "Results" => Take::Enter,
            [key] if key == "ArtifactName" || key == "ArtifactType" => Take::Whole,
            [results, _] if results == "Results" => Take::Whole,
            _ => Take::Skip,
        }
    }

    fn value(&mut self, path: &[String], json: &[u8]) -> Result<(), Fault> {
        match path[0].as_str() {
            "ArtifactName" => self.artifact = parse::<Text<'_>>(json)?.str().to_owned(),
            "ArtifactType" => {
                self.image = ["container_image", "docker_image"].contains(&parse::<Text<'_>>(json)?.str());
            }
            _ => {
                self.results = true;
                self.target(&object::<Target<'_>>(json)?);
            }
        }
        Ok(())
    }
}

impl Shape for Trivy<'_> {
    fn finish(&mut self) -> Result<Report, Trouble> {
        // Without anything that it knows, Trivy writes no results at all.
        if !self.results {
            return Err(Trouble::NothingScanned(format!("no results for `{}`", name(&self.artifact))));
        }
        Ok(std::mem::take(&mut self.report))
    }
}
