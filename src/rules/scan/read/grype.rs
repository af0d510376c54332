//! Grype's JSON (<https://github.com/anchore/grype/tree/main/schema/grype/json>).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::lax::{List, Num, Obj, Text};
use super::split::{Fault, Take, Taker};
use super::{Draft, Shape, Trouble, cwe, name, object, place, purl, shape};
use crate::rules::scan::{Kind, Place, Report, cvss_score};

shape! {
    #[serde(rename_all = "camelCase")]
    Match { vulnerability: Obj<Vulnerability<'a>>, related_vulnerabilities: List<Obj<Vulnerability<'a>>>,
        artifact: Obj<Artifact<'a>> ; }
    #[serde(rename_all = "camelCase")]
    Vulnerability { id: Text<'a>, severity: Text<'a>, description: Text<'a>, cvss: List<Obj<Cvss<'a>>>,
        fix: Obj<Fix<'a>>, epss: List<Obj<Epss<'a>>>, known_exploited: List<Obj<Exploited<'a>>>,
        cwes: List<Obj<Cwe<'a>>> ; }
    Cvss { version: Text<'a>, vector: Text<'a> ; metrics: Obj<Metrics> }
    Fix { versions: List<Text<'a>> ; }
    Epss { cve: Text<'a> ; epss: Num }
    Exploited { cve: Text<'a> ; }
    Cwe { cve: Text<'a>, cwe: Text<'a> ; }
    Artifact { name: Text<'a>, version: Text<'a>, r#type: Text<'a>, purl: Text<'a>,
        locations: List<Obj<Location<'a>>> ; }
    Location { path: Text<'a> ; }
    #[serde(rename_all = "camelCase")]
    Source { r#type: Text<'a>, target: Obj<Target<'a>> ; }
    #[serde(rename_all = "camelCase")]
    Target { user_input: Text<'a> ; }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metrics {
    base_score: Num,
}

/// The reader.
pub struct Grype<'r> {
    root: &'r str,
    scanner: Arc<str>,
    report: Report,
    seen: bool,
    image: Option<Place>,
}

impl<'r> Grype<'r> {
    /// A reader that shortens absolute paths by `root`.
    pub fn new(root: &'r str) -> Self {
        Grype { root, scanner: Arc::from("Grype"), report: Report::default(), seen: false, image: None }
    }

    fn entry(&mut self, m: &Match<'_>) {
        let own = m.vulnerability.id.str();
        let related: BTreeSet<&str> = m.related_vulnerabilities.iter().map(|v| v.id.str()).collect();
        if super::is_bundle(own) && related.len() > 1 {
            // An update that mends several: each is a weakness of its own.
            related.into_iter().for_each(|id| self.one(m, Some(id)));
        } else {
            self.one(m, None);
        }
    }

    /// What a match says of one vulnerability, or of all that it names as one.
    fn one(&mut self, m: &Match<'_>, only: Option<&str>) {
        let is = |id: &str| only.is_none_or(|only| only == id);
        let all = || {
            let own = Some(&m.vulnerability).filter(|_| only.is_none());
            own.into_iter().chain(m.related_vulnerabilities.iter().filter(|v| is(v.id.str())))
        };
        // What stands at the match itself names the vulnerability that it is about.
        let both = || std::iter::once(&m.vulnerability).chain(m.related_vulnerabilities.iter());
        // CVSS 2 has other bands and is not compared with the others.
        let scores = all().flat_map(|v| v.cvss.iter()).filter(|c| !c.version.str().starts_with('2'));
        let score = scores.filter_map(|c| c.metrics.base_score.0.or_else(|| cvss_score(c.vector.str())));
        let cwes = both().flat_map(|v| v.cwes.iter()).filter(|c| c.cve.get().is_none_or(is));
        let epss = both().flat_map(|v| v.epss.iter()).filter(|e| e.cve.get().is_none_or(is));
        let mut exploited = both().flat_map(|v| v.known_exploited.iter());
        let a = &m.artifact;
        let draft = Draft {
            ids: all().map(|v| name(v.id.str())).collect(),
            cwes: cwes.filter_map(|c| cwe(c.cwe.str())).collect(),
            purl: a
                .purl
                .get()
                .and_then(purl::parse)
                .or_else(|| purl::make(a.r#type.str(), a.name.str(), a.version.str())),
            fixed: m.vulnerability.fix.versions.iter().map(|v| name(v.str())).collect(),
            place: a.locations.first().and_then(|l| place::file(l.path.str(), None, self.root)),
            score: score.max_by(f64::total_cmp),
            word: m.vulnerability.severity.str(),
            kev: exploited.any(|k| k.cve.get().is_some_and(is)),
            epss: epss.filter_map(|e| e.epss.0).max_by(f64::total_cmp),
            title: all().find_map(|v| v.description.get()).unwrap_or_default(),
            ..Draft::default()
        };
        self.report.findings.extend(draft.finding(Kind::Package, &self.scanner));
    }
}

impl Taker for Grype<'_> {
    fn take(&mut self, path: &[String]) -> Take {
        match path {
            [] => Take::Enter,
            [key] if key == "matches" || key == "ignoredMatches" => Take::Enter,
            [key] if key == "source" => Take::Whole,
            [key, _] if key == "matches" || key == "ignoredMatches" => Take::Whole,
            _ => Take::Skip,
        }
    }

    fn value(&mut self, path: &[String], json: &[u8]) -> Result<(), Fault> {
        match path[0].as_str() {
            "matches" => self.entry(&object::<Match<'_>>(json)?),
            "source" => {
                let source = object::<Source<'_>>(json)?;
                if source.r#type.str() == "image" {
                    self.image = place::image(source.target.user_input.str());
                }
            }
            _ => self.report.suppressed += 1,
        }
        Ok(())
    }

    fn end(&mut self, path: &[String]) {
        self.seen |= path.first().is_some_and(|key| key == "matches");
    }
}

impl Shape for Grype<'_> {
    fn finish(&mut self) -> Result<Report, Trouble> {
        if !self.seen {
            return Err(Trouble::NothingScanned("it has no list of matches".to_owned()));
        }
        if let Some(image) = &self.image {
            for finding in &mut self.report.findings {
                finding.places = vec![image.clone()];
            }
        }
        Ok(std::mem::take(&mut self.report))
    }
}
