//! `snyk test --json`: one project, or a list of them
//! (<https://docs.snyk.io/developer-tools/snyk-cli/commands/test>).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lax::{List, Num, Obj, Text};
use super::split::{Fault, Take, Taker};
use super::{Draft, Shape, Trouble, cwe, name, object, parse, place, purl, shape, title};
use crate::rules::scan::{Finding, Kind, Report, cvss_score};

shape! {
    #[serde(rename_all = "camelCase")]
    Vulnerability {
        id: Text<'a>, title: Text<'a>, severity: Text<'a>, package_name: Text<'a>, module_name: Text<'a>,
        version: Text<'a>, package_manager: Text<'a>, language: Text<'a>, fixed_in: List<Text<'a>>,
        #[serde(rename = "CVSSv3")] vector: Text<'a>, r#type: Text<'a>, purl: Text<'a>,
        identifiers: Obj<BTreeMap<String, List<Text<'a>>>> ;
        cvss_score: Num
    }
}

/// The reader.
pub struct Snyk<'r> {
    root: &'r str,
    scanner: Arc<str>,
    report: Report,
    /// The findings of the project that is being read; where they are stands after them.
    project: Vec<Finding>,
    manager: String,
    file: String,
    image: String,
    count: Option<u64>,
    empty: Vec<String>,
    failure: Option<String>,
    listed: bool,
}

impl<'r> Snyk<'r> {
    /// A reader that shortens absolute paths by `root`.
    pub fn new(root: &'r str) -> Self {
        Snyk {
            root,
            scanner: Arc::from("Snyk"),
            report: Report::default(),
            project: Vec::new(),
            manager: String::new(),
            file: String::new(),
            image: String::new(),
            count: None,
            empty: Vec::new(),
            failure: None,
            listed: false,
        }
    }

    fn entry(&mut self, v: &Vulnerability<'_>) {
        let ids = |kind: &str| v.identifiers.get(kind).map_or(&[][..], |l| &l.0);
        let known = ids("CVE").iter().chain(ids("GHSA")).chain(ids("RUSTSEC")).map(Text::str);
        let ecosystem = v.package_manager.get().or(v.language.get()).unwrap_or_default();
        let package = v.package_name.get().unwrap_or(v.module_name.str());
        let licence = v.r#type.str() == "license";
        let draft = Draft {
            ids: std::iter::once(name(v.id.str())).chain(known.map(name)).collect(),
            cwes: ids("CWE").iter().filter_map(|c| cwe(c.str())).collect(),
            purl: v
                .purl
                .get()
                .and_then(purl::parse)
                .or_else(|| purl::make(ecosystem, package, v.version.str())),
            fixed: v.fixed_in.iter().map(|f| name(f.str())).collect(),
            score: v.cvss_score.0.filter(|s| *s > 0.0).or_else(|| cvss_score(v.vector.str())),
            word: v.severity.str(),
            title: v.title.str(),
            ..Draft::default()
        };
        let kind = if licence { Kind::Licence } else { Kind::Package };
        self.project.extend(draft.finding(kind, &self.scanner));
    }

    fn end_of_project(&mut self) {
        let place = match self.image.as_str() {
            "" => place::file(&self.file, None, self.root),
            image => place::image(image),
        };
        for mut finding in self.project.drain(..) {
            finding.places = place.clone().into_iter().collect();
            // `id` alone, as for a package without an ecosystem in the entry.
            if let Some(name) = finding.package.as_deref().and_then(|p| p.strip_prefix("pkg:generic/"))
                && let Some((package, _)) = purl::make(&self.manager, name, "")
            {
                finding.package = Some(package);
            }
            self.report.keep(finding);
        }
        if self.count == Some(0) {
            self.empty.push(if self.file.is_empty() { "a project".to_owned() } else { self.file.clone() });
        }
        self.manager.clear();
        self.file.clear();
        self.image.clear();
        self.count = None;
    }
}

impl Taker for Snyk<'_> {
    fn take(&mut self, path: &[String]) -> Take {
        let path = path.strip_prefix(&["*".to_owned()]).unwrap_or(path);
        const FIELDS: [&str; 7] = [
            "error",
            "packageManager",
            "displayTargetFile",
            "targetFile",
            "dependencyCount",
            "path",
            "docker",
        ];
        match path {
            [] => Take::Enter,
            [key] if key == "vulnerabilities" => Take::Enter,
            [key, _] if key == "vulnerabilities" => Take::Whole,
            [key] if FIELDS.contains(&key.as_str()) => Take::Whole,
            _ => Take::Skip,
        }
    }

    fn value(&mut self, path: &[String], json: &[u8]) -> Result<(), Fault> {
        let path = path.strip_prefix(&["*".to_owned()]).unwrap_or(path);
        let key = path.first().map_or("", String::as_str);
        if key == "vulnerabilities" {
            self.entry(&object::<Vulnerability<'_>>(json)?);
            return Ok(());
        }
        if key == "dependencyCount" {
            self.count = parse::<Num>(json)?.count();
            return Ok(());
        }
        let text = parse::<Text<'_>>(json)?;
        let text = text.str();
        match key {
            "error" => {
                self.failure.get_or_insert(title(text).into());
            }
            "packageManager" => self.manager = text.to_owned(),
            "displayTargetFile" => self.file = text.to_owned(),
            "targetFile" if self.file.is_empty() => self.file = text.to_owned(),
            "docker" => {}
            // Of an image, `path` is its name and there is no file.
            "path" if !text.starts_with('/') && text.contains(':') => self.image = text.to_owned(),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, path: &[String]) {
        match path {
            [] | [_] if path.first().is_none_or(|p| p == "*") => self.end_of_project(),
            _ => {}
        }
        self.listed |= path.last().is_some_and(|key| key == "vulnerabilities");
    }
}

impl Shape for Snyk<'_> {
    fn finish(&mut self) -> Result<Report, Trouble> {
        if let Some(why) = self.failure.take() {
            return Err(Trouble::ScannerFailed(why));
        }
        if !self.listed {
            return Err(Trouble::NothingScanned("it has no list of vulnerabilities".to_owned()));
        }
        if !self.empty.is_empty() {
            return Err(Trouble::NothingScanned(format!(
                "0 dependencies in {}",
                name(&self.empty.join(", "))
            )));
        }
        Ok(std::mem::take(&mut self.report))
    }
}
