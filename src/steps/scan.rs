//! `scan`: reads what scanners, tests and coverage tools wrote, makes one list of it, and says whether it may pass.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::config::{ReportConfig, ScanConfig, Waivers, parse_waivers};
use crate::effect::Effect;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding as Found, Plan};
use crate::rules::scan::judge::{Baseline, Policy, Then, coverage, judge, new_ones, tests};
use crate::rules::scan::merge::merge;
use crate::rules::scan::read::{Format, Reader, Trouble};
use crate::rules::scan::waiver::{self, Export, State, Terms, Waived, Waiver};
use crate::rules::scan::write::{self, Limits, Outcome, Read, Verdict, by_objection, reason};
use crate::rules::scan::{Coverage, Finding, Kind, Report, Severity, Tests, intelligence};
use crate::steps::Step;
use crate::survey::files::{Edits, Source};
use crate::world::reports;

/// How many findings are listed one by one.
const LISTED: usize = 10;
/// How much of a title is shown, in characters.
const SHOWN: usize = 90;

/// `scan`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Reports, by path or glob from the top of the repository; `FORMAT=FILE` where the format does not tell itself
    /// [default: `scan.reports` of the configuration]
    #[arg(value_name = "FILE")]
    reports: Vec<String>,
    /// What is not new: an earlier result or merged SARIF, as a path or `REF:PATH` in git
    #[arg(long, value_name = "FILE")]
    baseline: Option<String>,
    /// Write merged SARIF for code scanning
    #[arg(long, value_name = "FILE")]
    sarif: Option<String>,
    /// Write GitLab's code quality report
    #[arg(long, value_name = "FILE")]
    code_quality: Option<String>,
    /// Write JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<String>,
    /// Write a summary in Markdown
    #[arg(long, value_name = "FILE")]
    summary: Option<String>,
    /// Write the result as JSON, for a gate and as a baseline
    #[arg(long, value_name = "FILE")]
    result: Option<String>,
    /// Write the waivers as a scanner's own file of what it is to ignore
    #[arg(long, value_name = "SCANNER")]
    export_waivers: Vec<Export>,
}

/// A report to read.
struct Asked {
    path: PathBuf,
    shown: String,
    format: Option<Format>,
}

/// Plans the reports to write; says what is found and whether it may pass.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let config = &facts.config.scan;
    let policy = &config.policy;
    let today = facts.now.date();
    let terms = Terms { longest: i32::from(config.waiver_days), warn: i32::from(config.waiver_warning_days) };
    let waivers = waivers(facts, config)?;
    let mut plan = Plan::new("scan", facts.now.timestamp());
    plan.regardless = true;

    let (asked, missing) = asked(args, config, &facts.root)?;
    plan.findings.extend(missing);
    facts.working("reading reports");
    let mut gathered = read_all(&asked, &facts.root)?;
    plan.findings.append(&mut gathered.notes);
    enrich(facts, config, &mut gathered.findings)?;
    let merged = merge(gathered.findings);
    let Waived { open, waived, used } = waiver::apply(merged, &waivers, today, terms);
    let baseline = baseline(args, facts, &mut plan.findings)?;
    let new = match &baseline {
        Some(baseline) => new_ones(&open, &baseline.findings),
        None => vec![true; open.len()],
    };
    let objections = judge(&open, &new, policy);
    let troubles: Vec<(String, String)> =
        gathered.reads.iter().filter_map(|r| Some((r.path.clone(), r.trouble.clone()?))).collect();
    let outcome = Outcome {
        findings: &open,
        new: &new,
        objections: &objections,
        waived: waived.len(),
        troubles: &troubles,
        tests: gathered.tests.as_ref(),
        coverage: gathered.coverage,
    };

    listed(&outcome, policy, baseline.is_some(), &mut plan.findings);
    if let Some(found) = outcome.tests.and_then(|t| tests_found(t, policy)) {
        plan.findings.push(found);
    }
    let before = baseline.as_ref().and_then(|b| b.coverage);
    for (then, why) in coverage(outcome.coverage, before, policy) {
        plan.findings
            .push(Found::new(answer(then), "scan-coverage", why).hint("test more, or change `scan.policy`"));
    }
    waivers_found(&waivers, &used, today, terms, &mut plan.findings);

    let verdict = verdict(&plan.findings);
    let numbers = numbers(&outcome);
    if verdict == Verdict::Pass {
        plan.findings.insert(0, Found::new(Answer::Pass, "scan", numbers.clone()));
    }
    let headline = match verdict {
        Verdict::Pass => format!("passed: {numbers}"),
        Verdict::Fail => format!("failed: {numbers}"),
        Verdict::Unknown => format!("unknown: {numbers}"),
    };
    plan.summary = format!("scan {headline}");

    let files = &config.write;
    let chosen = |arg: &Option<String>, file: &Option<String>| arg.clone().or_else(|| file.clone());
    let mut edits = Edits::new(facts, Source::WorkTree);
    if let Some(path) = chosen(&args.sarif, &files.sarif) {
        let (text, cut) = write::sarif(&open, env!("CARGO_PKG_VERSION"), Limits::default());
        plan.findings.extend(cut.map(|why| Found::new(Answer::Warning, "scan-sarif", why).at(path.clone())));
        edits.put(&path, text, "merged SARIF".to_owned())?;
    }
    if let Some(path) = chosen(&args.code_quality, &files.code_quality) {
        edits.put(&path, write::code_quality(&open), "code quality report".to_owned())?;
    }
    if let Some(path) = chosen(&args.junit, &files.junit) {
        edits.put(&path, write::junit(&outcome, policy), "JUnit report".to_owned())?;
    }
    if let Some(path) = chosen(&args.summary, &files.summary) {
        edits.put(&path, write::summary(&outcome, policy, &headline), "summary".to_owned())?;
    }
    if let Some(path) = chosen(&args.result, &files.result) {
        let waived: Vec<&Finding> = waived.iter().map(|(finding, _)| finding).collect();
        let text = write::result(&outcome, policy, verdict, &gathered.reads, &waived);
        edits.put(&path, text, "the result, for gates and as a baseline".to_owned())?;
    }
    for export in &args.export_waivers {
        let text = waiver::export(*export, &waivers, today, terms);
        edits.put(export.file(), text, "the waivers".to_owned())?;
    }
    let effects: Vec<Effect> = edits.into_files().into_iter().map(Effect::WriteFile).collect();
    if !effects.is_empty() {
        plan.wave(effects);
    }
    outputs(&mut plan, &outcome, policy, verdict);
    Ok(plan.into())
}

fn outputs(plan: &mut Plan, outcome: &Outcome<'_>, policy: &Policy, verdict: Verdict) {
    plan.output("verdict", json!(verdict));
    plan.output("total", outcome.findings.len());
    plan.output("new", outcome.new.iter().filter(|new| **new).count());
    plan.output("waived", outcome.waived);
    plan.output("blocking", outcome.objections.iter().filter(|o| o.then == Then::Block).count());
    let counts = outcome.counts();
    for severity in Severity::WORST_FIRST {
        plan.output(severity.name(), counts.get(&severity).map_or(0, |(all, _)| *all));
    }
    if let Some(tests) = outcome.tests {
        plan.output("tests", json!(tests));
    }
    if let Some(percent) = outcome.coverage.and_then(Coverage::percent) {
        plan.output("coverage", json!(percent));
    }
    plan.output("annotations", write::annotations(outcome, policy));
}

fn answer(then: Then) -> Answer {
    match then {
        Then::Block => Answer::Fail,
        Then::Unknown => Answer::Unknown,
        Then::Warn => Answer::Warning,
        Then::Allow => Answer::Note,
    }
}

fn verdict(findings: &[Found]) -> Verdict {
    let any = |answer| findings.iter().any(|f| f.answer == answer);
    if any(Answer::Fail) {
        Verdict::Fail
    } else if any(Answer::Unknown) {
        Verdict::Unknown
    } else {
        Verdict::Pass
    }
}

/// `3 findings (1 critical, 2 high; 1 new), 1 waived, seen by Grype, Trivy`.
fn numbers(outcome: &Outcome<'_>) -> String {
    let mut text = match outcome.findings.len() {
        0 => "no findings".to_owned(),
        n => {
            let counts = outcome.counts();
            let by = Severity::WORST_FIRST
                .iter()
                .filter_map(|s| counts.get(s).map(|(all, _)| format!("{all} {s}")))
                .collect::<Vec<_>>()
                .join(", ");
            let new = outcome.new.iter().filter(|new| **new).count();
            format!("{n} finding{} ({by}; {new} new)", if n == 1 { "" } else { "s" })
        }
    };
    if outcome.waived > 0 {
        text.push_str(&format!(", {} waived", outcome.waived));
    }
    if let Some(tests) = outcome.tests {
        text.push_str(&format!(", {} tests", tests.total));
    }
    if let Some(percent) = outcome.coverage.and_then(Coverage::percent) {
        text.push_str(&format!(", {percent:.1} % covered"));
    }
    text
}

/// The worst of what the policy objects to, one by one, and how many more there are.
fn listed(outcome: &Outcome<'_>, policy: &Policy, compared: bool, findings: &mut Vec<Found>) {
    let objected = || by_objection(outcome).filter_map(|at| outcome.objection(at));
    for objection in objected().take(LISTED) {
        let Some(finding) = outcome.findings.get(objection.finding) else { continue };
        let mut title: String = finding.title.chars().take(SHOWN).collect();
        if title.len() < finding.title.len() {
            title.push('…');
        }
        let mut what = finding.id().to_owned();
        if let Some(package) = finding.package_name() {
            what = format!("{what} in {package}");
        }
        let why = reason(objection.why, policy);
        let message =
            format!("{} {what}: {title} ({why}; {})", finding.severity, finding.scanners.join(", "));
        let mut found = Found::new(answer(objection.then), "scan-finding", message).hint(hint(finding));
        if let Some(place) = finding.places.first() {
            let more = finding.places.len() - 1;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            found = found.at(format!("{place}{more}"));
        }
        findings.push(found);
    }
    let of = |then| objected().skip(LISTED).filter(|o| o.then == then).count();
    for then in [Then::Block, Then::Unknown, Then::Warn] {
        let more = of(then);
        if more > 0 {
            findings.push(
                Found::new(answer(then), "scan-finding", format!("and {more} more findings like these"))
                    .hint("`--result FILE` writes them all"),
            );
        }
    }
    let tolerated = outcome.findings.len() - outcome.objections.len();
    if tolerated > 0 {
        let known = if compared { ", known or" } else { "" };
        findings.push(Found::new(
            Answer::Note,
            "scan-tolerated",
            format!(
                "{tolerated} other finding{}{known} within what the policy allows",
                if tolerated == 1 { "" } else { "s" }
            ),
        ));
    }
}

/// What would turn it.
fn hint(finding: &Finding) -> String {
    match finding.kind {
        Kind::Secret => "revoke it, then take it out of the code and its history".to_owned(),
        Kind::Package if !finding.fixed.is_empty() => {
            format!("update to {}, or add a waiver with an owner and an end", finding.fixed.join(" or "))
        }
        Kind::Package => {
            "no fixed version is named: replace it, or add a waiver with an owner and an end".to_owned()
        }
        _ => "change the code, or add a waiver with an owner and an end".to_owned(),
    }
}

fn tests_found(run: &Tests, policy: &Policy) -> Option<Found> {
    let then = tests(run, policy)?;
    let some: Vec<&str> = run.failures.iter().take(3).map(String::as_str).collect();
    let more = if run.failures.len() > some.len() { ", …" } else { "" };
    let message = format!("{} of {} tests failed: {}{more}", run.failed, run.total, some.join(", "));
    Some(Found::new(answer(then), "scan-tests", message))
}

/// What is to be said of the waivers themselves.
fn waivers_found(
    waivers: &[Waiver],
    used: &[usize],
    today: jiff::civil::Date,
    terms: Terms,
    findings: &mut Vec<Found>,
) {
    for (waiver, used) in waivers.iter().zip(used) {
        let mut name = waiver.id.clone();
        if let Some(package) = &waiver.package {
            name.push_str(&format!(" in {package}"));
        }
        let owner = &waiver.owner;
        let warn = |text: String| Found::new(Answer::Warning, "scan-waiver", text);
        match waiver.state(today, terms) {
            State::TooLong(days) => findings.push(
                Found::new(
                    Answer::Fail,
                    "scan-waiver",
                    format!(
                        "the waiver of {name} ends in {days} days; at most {} are allowed",
                        terms.longest
                    ),
                )
                .hint(format!("{owner} must name an earlier end")),
            ),
            State::Ended if *used > 0 => findings.push(
                warn(format!("the waiver of {name} ended on {}", waiver.until))
                    .hint(format!("{owner} must fix it, or answer for it anew")),
            ),
            _ if *used == 0 => {
                findings.push(warn(format!("the waiver of {name} covers nothing")).hint("take it out"));
            }
            State::Ends(days) => findings.push(
                warn(format!("the waiver of {name} ends in {days} days, on {}", waiver.until))
                    .hint(format!("{owner} answers for it: {}", waiver.reason)),
            ),
            State::Ended | State::Applies => {}
        }
    }
}

fn waivers(facts: &Facts<'_>, config: &ScanConfig) -> Result<Vec<Waiver>> {
    let (list, file) = match &config.waivers {
        Waivers::List(list) => (list.clone(), "scan.waivers"),
        Waivers::File(file) => {
            let text = facts.read(file)?.ok_or_else(|| {
                Error::usage("the file of waivers is not there").at(file.clone()).hint("see `scan.waivers`")
            })?;
            (parse_waivers(&text, file)?, file.as_str())
        }
    };
    for waiver in &list {
        if let Some(fault) = waiver.fault() {
            return Err(
                Error::usage(format!("the waiver of `{}` cannot be used: {fault}", waiver.id)).at(file)
            );
        }
    }
    Ok(list)
}

/// The reports to read, each once, and what is missing.
fn asked(args: &Args, config: &ScanConfig, root: &Path) -> Result<(Vec<Asked>, Vec<Found>)> {
    let wanted: Vec<(String, Option<Format>)> = if args.reports.is_empty() {
        let all = config.reports.iter().map(|r| match r {
            ReportConfig::Path(path) => (path.clone(), None),
            ReportConfig::Long(long) => (long.path.clone(), Some(long.format)),
        });
        all.collect()
    } else {
        let split = |text: &String| match text.split_once('=') {
            Some((name, path)) => match serde_json::from_value::<Format>(json!(name)) {
                Ok(format) => (path.to_owned(), Some(format)),
                Err(_) => (text.clone(), None),
            },
            None => (text.clone(), None),
        };
        args.reports.iter().map(split).collect()
    };
    if wanted.is_empty() {
        return Err(Error::usage("there is no report to read")
            .hint("name some: `release-steps scan reports/*.sarif`, or list them in `scan.reports`"));
    }
    let mut all = Vec::new();
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for (pattern, format) in wanted {
        let found = reports::find(root, &pattern)?;
        if found.is_empty() {
            findings.push(
                Found::new(Answer::Fail, "scan-report", "no report matches")
                    .at(pattern.clone())
                    .hint("did the scanner run, and does it write there?"),
            );
        }
        for path in found.into_iter().filter(|p| seen.insert(p.clone())) {
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            all.push(Asked { path, shown, format });
        }
    }
    Ok((all, findings))
}

/// What the reports say together.
#[derive(Default)]
struct Gathered {
    findings: Vec<Finding>,
    tests: Option<Tests>,
    coverage: Option<Coverage>,
    reads: Vec<Read>,
    notes: Vec<Found>,
}

/// Reads one report; none when it is not there.
fn read_one(asked: &Asked, root: &str) -> Result<Option<std::result::Result<(Format, Report), Trouble>>> {
    let mut reader = Reader::new(asked.format, root);
    let there = reports::read(&asked.path, |piece| reader.push(piece))?;
    Ok(there.then(|| reader.finish()))
}

/// Reads all reports, several at once; the result is in the order of the reports.
fn read_all(asked: &[Asked], root: &Path) -> Result<Gathered> {
    let root = root.display().to_string();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = asked.get(at) else { return };
            let read = read_one(one, &root);
            results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, read));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get()).min(asked.len()).min(8);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    let mut all = Gathered::default();
    for ((_, result), asked) in results.into_iter().zip(asked) {
        let mut read = Read { path: asked.shown.clone(), format: asked.format, findings: 0, trouble: None };
        match result? {
            None => {
                all.notes.push(
                    Found::new(Answer::Fail, "scan-report", "the report is missing")
                        .at(asked.shown.clone())
                        .hint("did the scanner run, and does it write there?"),
                );
                read.trouble = Some("the report is missing".to_owned());
            }
            Some(Err(trouble)) => {
                let answer = match trouble {
                    Trouble::Unrecognised(_) => Answer::Unknown,
                    _ => Answer::Fail,
                };
                all.notes.push(
                    Found::new(answer, "scan-report", trouble.to_string())
                        .at(asked.shown.clone())
                        .hint(trouble.hint()),
                );
                read.trouble = Some(trouble.to_string());
            }
            Some(Ok((format, report))) => {
                read.format = Some(format);
                read.findings = report.findings.len();
                add(&mut all, report, &asked.shown);
            }
        }
        all.reads.push(read);
    }
    Ok(all)
}

fn add(all: &mut Gathered, report: Report, shown: &str) {
    for gap in report.gaps.iter().take(3) {
        let names: Vec<&str> = report.scanners.iter().map(|s: &Arc<str>| &**s).collect();
        let text = format!("{} could not look at everything: {gap}", names.join(", "));
        all.notes.push(Found::new(Answer::Warning, "scan-gap", text).at(shown.to_owned()));
    }
    all.findings.extend(report.findings);
    if let Some(tests) = report.tests {
        let sum = all.tests.get_or_insert_default();
        sum.total = sum.total.saturating_add(tests.total);
        sum.failed = sum.failed.saturating_add(tests.failed);
        sum.skipped = sum.skipped.saturating_add(tests.skipped);
        sum.failures.extend(tests.failures);
    }
    if let Some(coverage) = report.coverage {
        let sum = all.coverage.get_or_insert_default();
        sum.covered = sum.covered.saturating_add(coverage.covered);
        sum.lines = sum.lines.saturating_add(coverage.lines);
    }
}

/// Adds what is known of exploitation from local copies of the public lists.
fn enrich(facts: &Facts<'_>, config: &ScanConfig, findings: &mut [Finding]) -> Result<()> {
    let text = |path: &String| {
        facts.read(path)?.ok_or_else(|| Error::usage("the file is not there").at(path.clone()))
    };
    let wrong = |path: &String, why: String| Error::usage(why).at(path.clone());
    if let Some(path) = &config.kev {
        let list = intelligence::kev(&text(path)?).map_err(|why| wrong(path, why))?;
        intelligence::mark_exploited(findings, &list);
    }
    if let Some(path) = &config.epss {
        let scores = intelligence::epss(&text(path)?).map_err(|why| wrong(path, why))?;
        intelligence::add_epss(findings, &scores);
    }
    Ok(())
}

/// What is there to compare with; none when nothing is asked for or nothing is there yet.
fn baseline(args: &Args, facts: &Facts<'_>, findings: &mut Vec<Found>) -> Result<Option<Baseline>> {
    let Some(named) = args.baseline.as_ref().or(facts.config.scan.baseline.as_ref()) else { return Ok(None) };
    let root = facts.root.display().to_string();
    let mut reader = Reader::new(None, &root);
    let there = match named.split_once(':') {
        Some((revision, path)) if !facts.root.join(named).exists() => {
            let commit = facts.repo().resolve(revision).map_err(|_| {
                Error::usage(format!("`{revision}` names no commit here"))
                    .at(format!("baseline {named}"))
                    .hint("fetch it, or check the name")
            })?;
            let text = facts.read_at(commit, path)?;
            if let Some(text) = &text {
                reader.push(text.as_bytes());
            }
            text.is_some()
        }
        _ => reports::read(&facts.root.join(named), |piece| reader.push(piece))?,
    };
    if !there {
        findings.push(
            Found::new(Answer::Warning, "scan-baseline", "there is no baseline yet: everything is new")
                .at(named.clone()),
        );
        return Ok(None);
    }
    match reader.finish() {
        Ok((_, report)) => Ok(Some(Baseline { findings: merge(report.findings), coverage: report.coverage })),
        Err(trouble) => {
            findings.push(
                Found::new(Answer::Unknown, "scan-baseline", format!("nothing can be compared: {trouble}"))
                    .at(named.clone())
                    .hint("write it anew with `--result` on the target branch"),
            );
            Ok(None)
        }
    }
}
