//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html>), entry by entry.

use std::collections::HashMap;
use std::sync::Arc;

use super::lax::{List, Num, Obj, Text};
use super::split::{Fault, Take, Taker};
use super::{
    Draft, Scanners, Shape, Trouble, cwe, is_advisory, name, object, place, purl, severity, shape, title,
};
use crate::rules::scan::{Finding, Kind, Report, Severity};

shape! {
    #[serde(rename_all = "camelCase")]
    Entry {
        rule_id: Text<'a>, rule: Obj<RuleRef<'a>>, level: Text<'a>, kind: Text<'a>, message: Obj<Message<'a>>,
        locations: List<Obj<Location<'a>>>, partial_fingerprints: Obj<Fingerprints<'a>>,
        suppressions: List<Obj<Suppression<'a>>>, baseline_state: Text<'a>, properties: Obj<EntryBag<'a>> ;
        rule_index: Num
    }
    RuleRef { id: Text<'a> ; index: Num }
    Message { text: Text<'a>, markdown: Text<'a> ; }
    #[serde(rename_all = "camelCase")]
    Location { physical_location: Obj<Physical<'a>> ; }
    #[serde(rename_all = "camelCase")]
    Physical { artifact_location: Obj<Artifact<'a>> ; region: Obj<Region> }
    Artifact { uri: Text<'a> ; }
    #[serde(rename_all = "camelCase")]
    Fingerprints { primary_location_line_hash: Text<'a> ; }
    Suppression { status: Text<'a> ; }
    EntryBag { tags: List<Text<'a>> ; #[serde(rename = "security-severity")] score: Num,
        #[serde(rename = "releaseSteps")] own: Option<serde_json::Value> }
    Tool { driver: Obj<Component<'a>>, extensions: List<Obj<Component<'a>>> ; }
    Component { name: Text<'a>, rules: List<Obj<Rule<'a>>> ; }
    #[serde(rename_all = "camelCase")]
    Rule {
        id: Text<'a>, short_description: Obj<Message<'a>>, full_description: Obj<Message<'a>>,
        default_configuration: Obj<Default_<'a>>, properties: Obj<RuleBag<'a>> ;
    }
    Default_ { level: Text<'a> ; }
    RuleBag { tags: List<Text<'a>>, purls: List<Text<'a>>, cwe: List<Text<'a>> ;
        #[serde(rename = "security-severity")] score: Num }
    #[serde(rename_all = "camelCase")]
    Invocation { tool_execution_notifications: List<Obj<Notification<'a>>>, execution_successful: Text<'a> ; }
    Notification { level: Text<'a>, message: Obj<Message<'a>> ; }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Region {
    start_line: Num,
}

/// What is kept of a rule until its run ends.
#[derive(Default)]
struct Known {
    level: Option<Severity>,
    score: Option<f64>,
    cwes: Vec<u32>,
    purl: Option<purl::Package>,
    kind: Option<Kind>,
    title: Box<str>,
}

/// A finding whose rule may not have been read yet: tools write results before or after their rules.
struct Pending {
    /// Its index in the report.
    at: usize,
    level: Option<Severity>,
    rule: Option<u32>,
    kind: Option<Kind>,
}

/// The reader.
pub struct Sarif<'r> {
    root: &'r str,
    scanners: Scanners,
    nobody: Arc<str>,
    report: Report,
    pending: Vec<Pending>,
    rules: Vec<Known>,
    by_id: HashMap<Box<str>, u32>,
    /// The driver's rules in their order, for results that name only the index.
    by_index: Vec<(Box<str>, u32)>,
    nameless: Vec<(usize, usize)>,
    tool: String,
    failed: Option<String>,
    runs: usize,
    ran: bool,
    silent: Vec<String>,
}

impl<'r> Sarif<'r> {
    /// A reader that shortens absolute paths by `root`.
    pub fn new(root: &'r str) -> Self {
        Sarif {
            root,
            scanners: Scanners::default(),
            nobody: Arc::from(""),
            report: Report::default(),
            pending: Vec::new(),
            rules: Vec::new(),
            by_id: HashMap::new(),
            by_index: Vec::new(),
            nameless: Vec::new(),
            tool: String::new(),
            failed: None,
            runs: 0,
            ran: false,
            silent: Vec::new(),
        }
    }

    fn rule(&mut self, id: &str) -> u32 {
        if let Some(at) = self.by_id.get(id) {
            return *at;
        }
        let at = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        self.rules.push(Known::default());
        self.by_id.insert(name(id), at);
        at
    }

    fn tool(&mut self, tool: &Tool<'_>) {
        self.tool = name(tool.driver.name.str()).into();
        let components =
            std::iter::once((true, &tool.driver)).chain(tool.extensions.iter().map(|e| (false, e)));
        for (driver, component) in components {
            for rule in component.rules.iter() {
                let at = self.rule(rule.id.str());
                if driver {
                    self.by_index.push((name(rule.id.str()), at));
                }
                let bag = &rule.properties;
                let tags = || bag.tags.iter().map(Text::str);
                let known = Known {
                    level: rule.default_configuration.level.get().map(of_level),
                    score: bag.score.0,
                    cwes: tags().chain(bag.cwe.iter().map(Text::str)).filter_map(cwe).take(20).collect(),
                    purl: bag.purls.iter().find_map(|p| purl::parse(p.str())),
                    kind: tags().find_map(of_tag),
                    title: title(
                        rule.short_description.text.get().unwrap_or(rule.full_description.text.str()),
                    ),
                };
                if let Some(slot) = self.rules.get_mut(at as usize) {
                    *slot = known;
                }
            }
        }
    }

    fn entry(&mut self, entry: &mut Entry<'_>) {
        let passed = ["pass", "notApplicable", "informational"].contains(&entry.kind.str());
        if passed || entry.baseline_state.str() == "absent" {
            return;
        }
        if entry.suppressions.iter().any(|s| matches!(s.status.get(), None | Some("accepted"))) {
            self.report.suppressed += 1;
            return;
        }
        let own = entry.properties.0.own.take();
        if let Some(own) = own.and_then(|own| serde_json::from_value::<Finding>(own).ok()) {
            self.report.keep(super::own::settled(own));
            return;
        }
        let id = entry.rule_id.get().or(entry.rule.id.get());
        let index = entry.rule_index.count().or(entry.rule.index.count());
        let text = entry.message.text.get().or(entry.message.markdown.get()).unwrap_or_default();
        let physical = entry.locations.first().map(|l| &l.physical_location);
        let score = entry.properties.score.0;
        let rule = id.map(|id| self.rule(id));
        let hash = entry.partial_fingerprints.primary_location_line_hash.get();
        let draft = Draft {
            ids: vec![name(id.map_or("?", advisory))],
            place: physical.and_then(|p| {
                place::uri(p.artifact_location.uri.str(), p.region.start_line.line(), self.root, false)
            }),
            score,
            title: if id.is_some_and(is_advisory) { "" } else { text },
            line_hash: hash.map(name),
            ..Draft::default()
        };
        let Some(mut finding) = draft.finding(Kind::Code, &self.nobody) else { return };
        finding.scanners = Vec::new();
        if let Some((ecosystem, package, version)) = in_message(text) {
            let path = finding.places.first().map_or("", |p| &*p.path);
            let ecosystem = ecosystem.unwrap_or_else(|| purl::ecosystem_of(path));
            if !ecosystem.is_empty() {
                let (package, version) = purl::make(ecosystem, package, version).unzip();
                finding.package = package;
                finding.versions = version.flatten().into_iter().collect();
            }
        }
        // <https://github.com/aquasecurity/trivy/blob/main/pkg/report/sarif.go> puts the package into the message.
        if text.starts_with("Package: ") {
            let field = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)).map(str::trim);
            let path = finding.places.first().map_or("", |p| &*p.path);
            let ecosystem = purl::ecosystem_of(path);
            if let (false, Some(package)) = (ecosystem.is_empty(), field("Package:")) {
                let (package, version) =
                    purl::make(ecosystem, package, field("Installed Version:").unwrap_or_default()).unzip();
                finding.package = package;
                finding.versions = version.flatten().into_iter().collect();
                finding.fixed =
                    field("Fixed Version:").filter(|f| !f.is_empty()).map(name).into_iter().collect();
            }
        }
        let tag = entry.properties.tags.iter().find_map(|t| of_tag(t.str()));
        if let (None, Some(index)) = (id, index) {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            self.nameless.push((self.pending.len(), index));
        }
        let level = entry.level.get().map(of_level);
        self.pending.push(Pending { at: self.report.findings.len(), level, rule, kind: tag });
        self.report.keep(finding);
    }

    fn end_of_run(&mut self) {
        let tool = if self.tool.is_empty() { "SARIF".to_owned() } else { std::mem::take(&mut self.tool) };
        let scanner = self.scanners.get(&tool);
        for (at, index) in self.nameless.drain(..) {
            if let (Some(pending), Some((id, rule))) = (self.pending.get_mut(at), self.by_index.get(index)) {
                if let Some(finding) = self.report.findings.get_mut(pending.at) {
                    finding.ids = vec![name(advisory(id))];
                }
                pending.rule = Some(*rule);
            }
        }
        let lower = tool.to_ascii_lowercase();
        let whole = if ["gitleaks", "trufflehog", "detect-secrets", "ggshield"]
            .iter()
            .any(|t| lower.contains(t))
        {
            Some(Kind::Secret)
        } else if ["hadolint", "checkov", "tfsec", "kics", "kube-linter"].iter().any(|t| lower.contains(t)) {
            Some(Kind::Configuration)
        } else {
            None
        };
        let images =
            ["trivy", "grype", "snyk container", "docker scout", "clair"].iter().any(|t| lower.contains(t));
        let nothing = Known::default();
        for pending in self.pending.drain(..) {
            let Some(finding) = self.report.findings.get_mut(pending.at) else { continue };
            let rule = pending.rule.and_then(|at| self.rules.get(at as usize)).unwrap_or(&nothing);
            let score = finding.score.map(f64::from).or(rule.score);
            // Without a level the rule's counts; without one there, `warning` (§3.27.10).
            let level = pending.level.or(rule.level).unwrap_or(Severity::Medium);
            finding.severity = match severity(score, "") {
                Severity::Unknown => level,
                by_score => by_score,
            };
            #[allow(clippy::cast_possible_truncation, reason = "scores have one decimal")]
            if finding.score.is_none() {
                finding.score = score.filter(|s| (0.0..=10.0).contains(s)).map(|s| s as f32);
            }
            let advisory = finding.ids.iter().any(|id| is_advisory(id));
            finding.kind = match pending.kind.or(rule.kind).or(whole) {
                Some(kind) => kind,
                None if advisory => Kind::Package,
                None => Kind::Code,
            };
            finding.cwes = rule.cwes.clone();
            finding.cwes.sort_unstable();
            finding.cwes.dedup();
            if let Some((package, version)) = &rule.purl {
                finding.package = Some(package.clone());
                finding.versions = version.iter().cloned().collect();
            }
            if finding.ids.first() == Some(&finding.title) && !rule.title.is_empty() {
                finding.title = rule.title.clone();
            }
            if images && let Some(place) = finding.places.first_mut() {
                let line = place.line;
                if let Some(image) = place::uri(&place.path, line, self.root, true) {
                    *place = image;
                }
            }
            finding.scanners = vec![scanner.clone()];
        }
        if self.ran {
            self.report.scanners.push(scanner);
        } else {
            self.silent.push(tool);
        }
        self.ran = false;
        self.runs += 1;
        self.rules.clear();
        self.by_id.clear();
        self.by_index.clear();
    }

    fn invocation(&mut self, invocation: &Invocation<'_>) {
        let errors = || {
            let all = invocation.tool_execution_notifications.iter().filter(|n| n.level.str() == "error");
            all.map(|n| title(n.message.text.str()))
        };
        if invocation.execution_successful.str() == "false" {
            let why = errors().next().unwrap_or_else(|| "executionSuccessful is false".into());
            self.failed.get_or_insert(why.into());
        }
        self.report.gaps.extend(errors().take(20).map(String::from));
    }
}

/// Ecosystem, package and version in the messages of two tools that write them nowhere else:
/// `A low vulnerability in rpm package: bash, version 5.1 was found in …` by Grype,
/// `Package 'lodash@4.17.4' is vulnerable to 'CVE-2021-23337' …` by OSV-Scanner.
fn in_message(text: &str) -> Option<(Option<&str>, &str, &str)> {
    if let Some(rest) = text.strip_prefix("Package '") {
        let (package, _) = rest.split_once("' is vulnerable to ")?;
        let (name, version) = package.rsplit_once('@').filter(|(name, _)| !name.is_empty())?;
        return Some((None, name, version));
    }
    let (_, rest) = text.strip_prefix("A ")?.split_once(" vulnerability in ")?;
    let (ecosystem, rest) = rest.split_once(" package: ")?;
    let (name, rest) = rest.split_once(", version ")?;
    let (version, _) = rest.split_once(" was found ")?;
    Some((Some(ecosystem), name, version))
}

/// `level` to severity; `none` and anything else says nothing.
fn of_level(level: &str) -> Severity {
    match level {
        "error" => Severity::High,
        "warning" => Severity::Medium,
        "note" => Severity::Low,
        _ => Severity::Unknown,
    }
}

fn of_tag(tag: &str) -> Option<Kind> {
    match tag.to_ascii_lowercase().as_str() {
        "vulnerability" => Some(Kind::Package),
        "misconfiguration" => Some(Kind::Configuration),
        "secret" | "secrets" => Some(Kind::Secret),
        "license" | "licence" => Some(Kind::Licence),
        _ => None,
    }
}

/// The advisory at the start of a rule's name: Grype writes `CVE-2021-23337-lodash`.
fn advisory(id: &str) -> &str {
    let parts = match id {
        _ if id.starts_with("CVE-") => 3,
        _ if id.starts_with("GHSA-") => 4,
        _ => return id,
    };
    id.match_indices('-').nth(parts - 1).map_or(id, |(end, _)| &id[..end])
}

impl Taker for Sarif<'_> {
    fn take(&mut self, path: &[String]) -> Take {
        let mut at = [""; 4];
        if path.len() > 4 {
            return Take::Skip;
        }
        for (slot, key) in at.iter_mut().zip(path) {
            *slot = key;
        }
        match at[..path.len()] {
            [] | ["runs"] | ["runs", "*"] | ["runs", "*", "results" | "invocations"] => Take::Enter,
            ["runs", "*", "tool"] | ["runs", "*", "results" | "invocations", "*"] => Take::Whole,
            _ => Take::Skip,
        }
    }

    fn value(&mut self, path: &[String], json: &[u8]) -> Result<(), Fault> {
        match path.get(2).map(String::as_str) {
            Some("results") => self.entry(&mut object::<Entry<'_>>(json)?),
            Some("tool") => self.tool(&object::<Tool<'_>>(json)?),
            Some("invocations") => self.invocation(&object::<Invocation<'_>>(json)?),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, path: &[String]) {
        match path {
            [_, _] => self.end_of_run(),
            [_, _, results] if results == "results" => self.ran = true,
            _ => {}
        }
    }
}

impl Shape for Sarif<'_> {
    fn finish(&mut self) -> Result<Report, Trouble> {
        if let Some(why) = self.failed.take() {
            return Err(Trouble::ScannerFailed(why));
        }
        if self.runs == 0 {
            return Err(Trouble::NothingScanned("it has no runs".to_owned()));
        }
        if !self.silent.is_empty() {
            return Err(Trouble::NothingScanned(format!("no results of {}", self.silent.join(", "))));
        }
        self.report.scanners.sort();
        self.report.scanners.dedup();
        Ok(std::mem::take(&mut self.report))
    }
}
