//! `cargo audit --json` (<https://docs.rs/rustsec/latest/rustsec/report/struct.Report.html>).

use std::sync::Arc;

use super::lax::{List, Num, Obj, Text};
use super::split::{Fault, Take, Taker};
use super::{Draft, Shape, Trouble, name, object, purl, shape};
use crate::rules::scan::{Kind, Place, Report, cvss_score};

shape! {
    Entry { advisory: Obj<Advisory<'a>>, package: Obj<Package<'a>>, versions: Obj<Versions<'a>>, kind: Text<'a> ; }
    Advisory { id: Text<'a>, title: Text<'a>, aliases: List<Text<'a>>, cvss: Text<'a> ; }
    Package { name: Text<'a>, version: Text<'a> ; }
    Versions { patched: List<Text<'a>> ; }
    #[serde(rename_all = "kebab-case")]
    Lockfile { ; dependency_count: Num }
}

/// The reader.
pub struct CargoAudit {
    scanner: Arc<str>,
    report: Report,
    dependencies: Option<u64>,
    listed: bool,
}

impl Default for CargoAudit {
    fn default() -> Self {
        CargoAudit {
            scanner: Arc::from("cargo audit"),
            report: Report::default(),
            dependencies: None,
            listed: false,
        }
    }
}

impl CargoAudit {
    fn entry(&mut self, entry: &Entry<'_>, warning: bool) {
        let a = &entry.advisory;
        let ids = || std::iter::once(&a.id).chain(a.aliases.iter()).map(|id| name(id.str()));
        let yanked = format!("{} is yanked", entry.package.name.str());
        let draft = Draft {
            ids: if a.id.get().is_none() { vec![name(entry.kind.str())] } else { ids().collect() },
            purl: purl::make("cargo", entry.package.name.str(), entry.package.version.str()),
            fixed: entry.versions.patched.iter().map(|v| name(v.str())).collect(),
            place: Some(Place { path: "Cargo.lock".into(), line: None }),
            score: cvss_score(a.cvss.str()),
            // Unmaintained, unsound and yanked packages are warnings to cargo audit, not vulnerabilities.
            word: if warning { "low" } else { "" },
            title: a.title.get().unwrap_or(&yanked),
            ..Draft::default()
        };
        self.report.findings.extend(draft.finding(Kind::Package, &self.scanner));
    }
}

impl Taker for CargoAudit {
    fn take(&mut self, path: &[String]) -> Take {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        match keys[..] {
            [] | ["vulnerabilities" | "warnings"] | ["vulnerabilities", "list"] | ["warnings", _] => {
                Take::Enter
            }
            ["lockfile"] | ["vulnerabilities", "list", _] | ["warnings", _, _] => Take::Whole,
            _ => Take::Skip,
        }
    }

    fn value(&mut self, path: &[String], json: &[u8]) -> Result<(), Fault> {
        match path[0].as_str() {
            "lockfile" => self.dependencies = object::<Lockfile<'_>>(json)?.dependency_count.count(),
            key => self.entry(&object::<Entry<'_>>(json)?, key == "warnings"),
        }
        Ok(())
    }

    fn end(&mut self, path: &[String]) {
        self.listed |= path.get(1).is_some_and(|key| key == "list");
    }
}

impl Shape for CargoAudit {
    fn finish(&mut self) -> Result<Report, Trouble> {
        if !self.listed {
            return Err(Trouble::NothingScanned("it has no list of vulnerabilities".to_owned()));
        }
        if self.dependencies == Some(0) {
            return Err(Trouble::NothingScanned("0 dependencies in the lockfile".to_owned()));
        }
        Ok(std::mem::take(&mut self.report))
    }
}
