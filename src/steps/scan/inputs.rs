//! What a scan reads: reports, waivers, lists of what is exploited, the baseline.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::json;

use super::Args;
use super::files::Files;
use crate::config::{ReportConfig, ScanConfig, Waivers, parse_waivers};
use crate::data::CommitId;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding as Found};
use crate::rules::scan::judge::Baseline;
use crate::rules::scan::merge::merge;
use crate::rules::scan::read::{Format, Reader, Trouble};
use crate::rules::scan::waiver::Waiver;
use crate::rules::scan::write::Read;
use crate::rules::scan::{Coverage, Finding, Report, Tests, intelligence};
use crate::survey::branches::main_branch;
use crate::world::reports;

/// A report to read.
pub struct Asked {
    path: PathBuf,
    shown: String,
    format: Option<Format>,
}

/// The waivers of the configuration, or of the file that it names.
pub fn waivers(facts: &Facts<'_>, config: &ScanConfig) -> Result<Vec<Waiver>> {
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

/// The reports to read, each once; a pattern that nothing matches stands for itself, and is missed when it is read.
pub fn asked(args: &Args, config: &ScanConfig, root: &Path, files: &Files) -> Result<Vec<Asked>> {
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
    // What an earlier scan wrote is no report: read again, a finding would never go away.
    let own: BTreeSet<PathBuf> = files.written().map(|path| plain(&root.join(path))).collect();
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    for (pattern, format) in wanted {
        let mut found: Vec<PathBuf> = reports::find(root, &pattern)?.iter().map(|p| plain(p)).collect();
        let named = found.as_slice() == [plain(&root.join(&pattern))];
        if !named {
            found.retain(|path| !own.contains(path));
        }
        if found.is_empty() {
            found.push(root.join(&pattern));
        }
        for path in found.into_iter().filter(|p| seen.insert(p.clone())) {
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            all.push(Asked { path, shown, format });
        }
    }
    Ok(all)
}

/// A path without `.` on the way, so that one file is read once.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// What the reports say together.
#[derive(Default)]
pub struct Gathered {
    /// What they found.
    pub findings: Vec<Finding>,
    /// The tests of all of them.
    pub tests: Option<Tests>,
    /// The coverage of all of them.
    pub coverage: Option<Coverage>,
    /// How each was read.
    pub reads: Vec<Read>,
    /// What is to be said of them.
    pub notes: Vec<Found>,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
}

/// A report as it was read, and when it was written.
type OneRead = (std::result::Result<(Format, Report), Trouble>, Option<Timestamp>);

/// Reads one report; none when it is not there.
fn read_one(asked: &Asked, root: &str) -> Result<Option<OneRead>> {
    let mut reader = Reader::new(asked.format, root);
    let there = reports::read(&asked.path, |piece| reader.push(piece))?;
    Ok(there.map(|there| (reader.finish(), there.modified)))
}

/// Reads all reports, several at once; the result is in the order of the reports.
pub fn read_all(asked: &[Asked], root: &Path) -> Result<Gathered> {
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
            Some((Err(trouble), _)) => {
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
            Some((Ok((format, report)), modified)) => {
                all.oldest = all.oldest.into_iter().chain(modified).min();
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
    match all.findings.is_empty() {
        true => all.findings = report.findings,
        false => all.findings.extend(report.findings),
    }
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
pub fn enrich(facts: &Facts<'_>, config: &ScanConfig, findings: &mut [Finding]) -> Result<()> {
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

/// The target branch instead of a revision.
const TARGET: &str = "@target";

/// The tip of the branch that this work goes to: that of the request whose job this is, otherwise the main branch. At the
/// remote as last fetched, otherwise here; none where it is in neither.
fn target(facts: &Facts<'_>) -> Result<Option<CommitId>> {
    // <https://docs.github.com/actions/reference/workflows-and-actions/variables>,
    // <https://docs.gitlab.com/ci/variables/predefined_variables/#predefined-variables-for-merge-request-pipelines>
    let of_job = ["GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"];
    let of_job = of_job.iter().find_map(|name| facts.env.get(name)).map(str::to_owned);
    let Some(branch) = of_job.map_or_else(|| main_branch(facts), |b| Ok(Some(b)))? else { return Ok(None) };
    let remote = &facts.config.release.remote;
    let places = [format!("refs/remotes/{remote}/{branch}"), format!("refs/heads/{branch}")];
    Ok(places.iter().find_map(|place| facts.repo().resolve(place).ok()))
}

/// What is there to compare with; none when nothing is asked for or nothing is there yet.
pub fn baseline(args: &Args, facts: &Facts<'_>, findings: &mut Vec<Found>) -> Result<Option<Baseline>> {
    let Some(named) = args.baseline.as_ref().or(facts.config.scan.baseline.as_ref()) else { return Ok(None) };
    let root = facts.root.display().to_string();
    let mut reader = Reader::new(None, &root);
    let there = match named.split_once(':') {
        Some((revision, path)) if !facts.root.join(named).exists() => {
            let commit = match revision {
                TARGET => target(facts)?,
                _ => facts.repo().resolve(revision).ok(),
            };
            let commit = commit.ok_or_else(|| {
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
        _ => reports::read(&facts.root.join(named), |piece| reader.push(piece))?.is_some(),
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
