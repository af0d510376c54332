//! `changelog`: what of history people want to read, as text or into the file.

use crate::data::CommitId;
use crate::effect::Effect;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Finding, Plan};
use crate::rules::changelog::{PREAMBLE, Release, insert_unreleased};
use crate::steps::Step;
use crate::survey::changelog::{Writer, dated, full};
use crate::survey::enrich::enrich;
use crate::survey::files::{Edits, Source};
use crate::survey::{Line, Package, Released, packages};

/// `changelog`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The whole history, every release with its section
    #[arg(long, conflicts_with_all = ["unreleased", "range"])]
    full: bool,
    /// What is not released yet [default]
    #[arg(long, conflicts_with = "range")]
    unreleased: bool,
    /// The commits of B that A does not have
    #[arg(long, value_name = "A..B")]
    range: Option<String>,
    /// Write to a file instead of standard output, `-`; an existing file gets the new section inserted
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: String,
    /// Only this package
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
}

/// Plans the changelog.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let head = facts.head()?;
    let writer = Writer::new(facts)?;
    let chosen: Vec<Package> = packages(facts)?
        .into_iter()
        .filter(|p| args.package.as_ref().is_none_or(|name| *name == p.name))
        .collect();
    if chosen.is_empty() {
        return Err(Error::usage(format!(
            "there is no package `{}`",
            args.package.as_deref().unwrap_or_default()
        )));
    }
    if chosen.len() > 1 && args.output != "-" {
        return Err(Error::usage("there are several packages, each with a changelog of its own")
            .hint("choose one with `--package NAME`"));
    }
    let mut plan = Plan::new("changelog", facts.now.timestamp());
    let mut text = String::new();
    for package in &chosen {
        if package.one_of_many && chosen.len() > 1 {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("# {}\n\n", package.name));
        }
        if args.full {
            full(facts, &writer, package, head, &mut text)?;
        } else {
            text.push_str(&writer.changelog(release(
                args,
                facts,
                &writer,
                package,
                head,
                &mut plan.findings,
            )?)?);
        }
    }
    plan.summary =
        if args.full { "the whole changelog".to_owned() } else { "the changelog's section".to_owned() };
    if args.output == "-" {
        plan.output("changelog", text.as_str());
        return Ok(Step { plan, text: Some(text) });
    }
    let mut edits = Edits::new(facts, Source::WorkTree);
    let existing = edits.read(&args.output)?;
    let after = match existing {
        Some(existing) if args.full && existing == text => text,
        None if args.full => text,
        Some(_) if args.full => {
            return Err(Error::no(
                "the file is there already, and a whole changelog would replace what people wrote",
            )
            .at(args.output.clone())
            .hint("write to another file, or to `-`"));
        }
        existing => insert_unreleased(existing.as_deref().unwrap_or(PREAMBLE), &text).ok_or_else(|| {
            Error::no("the file has an Unreleased section already, and it says something else")
                .at(args.output.clone())
                .hint("bring them together by hand: `release-steps changelog` prints the new one")
        })?,
    };
    edits.put(&args.output, after, "a section".to_owned())?;
    plan.output("file", args.output.as_str());
    let effects: Vec<Effect> = edits.into_files().into_iter().map(Effect::WriteFile).collect();
    if !effects.is_empty() {
        plan.wave(effects);
    }
    Ok(plan.into())
}

fn release(
    args: &Args,
    facts: &Facts<'_>,
    writer: &Writer,
    package: &Package,
    head: CommitId,
    findings: &mut Vec<Finding>,
) -> Result<Release> {
    let Some(range) = &args.range else {
        let line = Line::read(facts, package, head)?;
        let texts = line.since_latest_texts();
        let mut release = writer.release(package, &texts, line.latest.as_ref(), None);
        enrich(facts, &mut release, &texts, line.latest.as_ref(), findings)?;
        release.date = dated(&facts.now);
        return Ok(release);
    };
    let (from, to) = facts.range("--range", range)?;
    let texts = Line::between(facts, package, from, to)?;
    let mut release = writer.release(package, &texts, None, None);
    let before = Released { tag: String::new(), version: semver::Version::new(0, 0, 0), commit: from };
    enrich(facts, &mut release, &texts, Some(&before), findings)?;
    Ok(release)
}
