//! `branch calendar`: the next releases, their freezes, and the version that comes next.

use std::fmt::Write as _;

use serde_json::json;

use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::Plan;
use crate::steps::Step;
use crate::survey::branches::calendar;
use crate::survey::{Ask, candidates, packages};

/// `branch calendar`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many releases to show
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,
}

/// Shows the calendar.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let Some(calendar) = calendar(facts)? else {
        return Err(Error::usage("there is no release calendar")
            .at("branch.calendar")
            .hint("set `branch: {calendar: {from: 2026-01-06, every: 2 weeks}}`"));
    };
    let mut plan = Plan::new("branch calendar", facts.now.timestamp());
    let next: Vec<String> = candidates(facts, packages(facts)?, facts.head()?, &Ask::default())?
        .iter()
        .filter_map(|c| Some(c.package.named(c.next.as_ref()?)))
        .collect();
    let next = (!next.is_empty()).then(|| next.join(", "));
    let mut text = String::new();
    let mut releases = Vec::new();
    let minute = "%a %Y-%m-%d %H:%M %Z";
    for (at, release) in calendar.after(&facts.now).take(usize::from(args.count)).enumerate() {
        let version = next.as_deref().filter(|_| at == 0);
        let _ =
            write!(text, "{}  freeze from {}", release.at.strftime(minute), release.freeze.strftime(minute));
        if let Some(moved) = release.moved_from {
            let _ = write!(text, "  (moved from {moved})");
        }
        if let Some(version) = version {
            let _ = write!(text, "  next: {version}");
        }
        text.push('\n');
        releases.push(json!({
            "at": release.at.timestamp(), "freeze": release.freeze.timestamp(), "zone": calendar.zone.iana_name(),
            "moved_from": release.moved_from, "version": version,
        }));
    }
    if releases.is_empty() {
        text.push_str("no release is ahead\n");
    }
    plan.summary = "the release calendar".to_owned();
    plan.output("frozen", calendar.frozen(&facts.now).is_some());
    plan.output("releases", releases);
    Ok(Step { plan, text: Some(text) })
}
