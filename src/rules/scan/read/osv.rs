//! OSV-Scanner's JSON (<https://google.github.io/osv-scanner/output/#json>), with records of the OSV schema
//! (<https://ossf.github.io/osv-schema/>).

use std::sync::Arc;

use super::lax::{List, Num, Obj, Text};
use super::split::{Fault, Take, Taker};
use super::{Draft, Shape, Trouble, cwe, name, object, place, purl, shape};
use crate::rules::scan::{Kind, Report, cvss_score};

shape! {
    Source { source: Obj<At<'a>>, packages: List<Obj<Package<'a>>> ; }
    At { path: Text<'a>, r#type: Text<'a> ; }
    Package { package: Obj<Info<'a>>, vulnerabilities: List<Obj<Record<'a>>>, groups: List<Obj<Group<'a>>> ; }
    Info { name: Text<'a>, version: Text<'a>, ecosystem: Text<'a>, commit: Text<'a> ; }
    Group { ids: List<Text<'a>>, aliases: List<Text<'a>> ; max_severity: Num }
    Record { id: Text<'a>, aliases: List<Text<'a>>, summary: Text<'a>, details: Text<'a>,
        severity: List<Obj<Score<'a>>>, affected: List<Obj<Affected<'a>>>,
        database_specific: Obj<Specific<'a>> ; }
    Score { r#type: Text<'a>, score: Text<'a> ; }
    Affected { package: Obj<Info<'a>>, ranges: List<Obj<Range<'a>>> ; }
    Range { events: List<Obj<Event<'a>>> ; }
    Event { fixed: Text<'a> ; }
    Specific { severity: Text<'a>, cwe_ids: List<Text<'a>> ; }
}

/// The reader.
pub struct Osv<'r> {
    root: &'r str,
    scanner: Arc<str>,
    report: Report,
    listed: bool,
    /// Whether an entry says where it is from: OSV-Scanner's own lists of packages, which it reads, do not.
    sourceless: bool,
}

impl<'r> Osv<'r> {
    /// A reader that shortens absolute paths by `root`.
    pub fn new(root: &'r str) -> Self {
        Osv {
            root,
            scanner: Arc::from("OSV-Scanner"),
            report: Report::default(),
            listed: false,
            sourceless: false,
        }
    }

    fn source(&mut self, source: &Source<'_>) {
        self.sourceless |= source.source.path.get().is_none();
        for package in source.packages.iter() {
            let info = &package.package;
            for record in package.vulnerabilities.iter() {
                let id = record.id.str();
                let group = package.groups.iter().find(|g| g.ids.iter().any(|i| i.str() == id));
                let by_vector = || {
                    record.severity.iter().filter_map(|s| cvss_score(s.score.str())).max_by(f64::total_cmp)
                };
                let affected = record.affected.iter().filter(|a| a.package.name.str() == info.name.str());
                let fixed = affected.flat_map(|a| a.ranges.iter()).flat_map(|r| r.events.iter());
                let aliases = record.aliases.iter().chain(group.iter().flat_map(|g| g.aliases.iter()));
                let draft = Draft {
                    ids: std::iter::once(&record.id).chain(aliases).map(|i| name(i.str())).collect(),
                    cwes: record.database_specific.cwe_ids.iter().filter_map(|c| cwe(c.str())).collect(),
                    purl: purl::make(
                        info.ecosystem.str(),
                        info.name.get().unwrap_or(info.commit.str()),
                        info.version.str(),
                    ),
                    fixed: fixed.filter_map(|e| e.fixed.get()).map(name).take(20).collect(),
                    place: place::file(source.source.path.str(), None, self.root),
                    score: by_vector().or_else(|| group.and_then(|g| g.max_severity.0)),
                    word: record.database_specific.severity.str(),
                    title: record.summary.get().unwrap_or(record.details.str()),
                    ..Draft::default()
                };
                self.report.findings.extend(draft.finding(Kind::Package, &self.scanner));
            }
        }
    }
}

impl Taker for Osv<'_> {
    fn take(&mut self, path: &[String]) -> Take {
        match path {
            [] => Take::Enter,
            [key] if key == "results" => Take::Enter,
            [key, _] if key == "results" => Take::Whole,
            _ => Take::Skip,
        }
    }

    fn value(&mut self, _: &[String], json: &[u8]) -> Result<(), Fault> {
        self.source(&object::<Source<'_>>(json)?);
        Ok(())
    }

    fn end(&mut self, path: &[String]) {
        self.listed |= path.first().is_some_and(|key| key == "results");
    }
}

impl Shape for Osv<'_> {
    fn finish(&mut self) -> Result<Report, Trouble> {
        // An empty list is clean: where OSV-Scanner finds no package it writes nothing and ends 128.
        if !self.listed {
            return Err(Trouble::NothingScanned("it has no list of results".to_owned()));
        }
        if self.sourceless {
            return Err(Trouble::NothingScanned("it is a list of packages, not a report".to_owned()));
        }
        Ok(std::mem::take(&mut self.report))
    }
}
