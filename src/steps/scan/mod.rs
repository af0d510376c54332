//! `scan`: reads what scanners, tests and coverage tools wrote, makes one list of it, and says whether it may pass.

mod files;
mod inputs;
mod say;

use crate::effect::Effect;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding as Found, Plan};
use crate::rules::scan::Finding;
use crate::rules::scan::judge::{Then, coverage, judge, new_ones};
use crate::rules::scan::merge::merge;
use crate::rules::scan::waiver::{self, Export, Terms, Waived};
use crate::rules::scan::write::{self, Made, Outcome, Verdict};
use crate::steps::Step;
use crate::survey::files::{Edits, Source};

use files::Files;
use inputs::{asked, baseline, enrich, read_all, waivers};
use say::{answer, listed, numbers, outputs, tests_found, verdict, waivers_found};

/// `scan`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Reports, by path or glob from the top of the repository; `FORMAT=FILE` where the format does not tell itself
    /// [default: `scan.reports` of the configuration]
    #[arg(value_name = "FILE")]
    reports: Vec<String>,
    /// What is not new: an earlier result or merged SARIF, as a path, `REF:PATH` in git, or `@target:PATH` on the branch that
    /// this goes to
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

/// Plans the reports to write; says what is found and whether it may pass.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let config = &facts.config.scan;
    let policy = &config.policy;
    let today = facts.now.date();
    let terms = Terms { longest: i32::from(config.waiver_days), warn: i32::from(config.waiver_warning_days) };
    let waivers = waivers(facts, config)?;
    let mut plan = Plan::new("scan", facts.now.timestamp());
    plan.regardless = true;

    let files = Files::chosen(args, config);
    let asked = asked(args, config, &facts.root, &files)?;
    facts.working("reading reports");
    let mut gathered = read_all(&asked, &facts.root)?;
    plan.findings.append(&mut gathered.notes);
    // A scan is as old as the oldest of its reports.
    let now = facts.now.timestamp();
    let made_at = gathered.oldest.map_or(now, |oldest| oldest.min(now));
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
        let hint = match then {
            Then::Unknown => "report it, and write a baseline with `--result` on the target branch",
            _ => "test more, or change `scan.policy`",
        };
        plan.findings.push(Found::new(answer(then), "scan-coverage", why).hint(hint));
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

    let made = Made { commit: facts.repo().head()?.commit(), at: made_at };
    let waived: Vec<&Finding> = waived.iter().map(|(finding, _)| finding).collect();
    let result = || write::result(&outcome, policy, verdict, &gathered.reads, &waived, made);
    let mut edits = Edits::new(facts, Source::WorkTree);
    let cut = files.put(&mut edits, &outcome, policy, &headline, result)?;
    plan.findings.extend(cut);
    for export in &args.export_waivers {
        let text = waiver::export(*export, &waivers, today, terms);
        if edits.read(export.file())?.is_some_and(|there| !waiver::is_exported(&there)) {
            return Err(Error::no("a person wrote this file, and the waivers would replace it")
                .at(export.file())
                .hint("make waivers of what it ignores and delete it, or do without `--export-waivers`"));
        }
        edits.put(export.file(), text, "the waivers".to_owned())?;
    }
    let effects: Vec<Effect> = edits.into_files().into_iter().map(Effect::WriteFile).collect();
    if !effects.is_empty() {
        plan.wave(effects);
    }
    outputs(&mut plan, &outcome, verdict);
    Ok(plan.into())
}
