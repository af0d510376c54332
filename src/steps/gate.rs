//! `gate`: the checks of an environment, and why each says what it says.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use crate::effect::{Effect, FileEdit};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::gate::{Overrides, Question, ask, select};
use crate::plan::Plan;
use crate::rules::gate::poll;
use crate::steps::Step;

/// `gate`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The environment: a name in `gates:` of the configuration
    #[arg(value_name = "ENV")]
    environment: String,
    /// Only these checks, by their names or kinds
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    only: Vec<String>,
    /// Answer for this time, such as 2026-12-24T10:00:00+01:00; facts are those of now
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// How long pending and absent checks are looked at again before the gate ends as pending; 0s for not at all
    /// [default: `poll` of each check, 30s]
    #[arg(long, value_name = "TIME", value_parser = lapse)]
    wait: Option<SignedDuration>,
    /// Show the facts that were used
    #[arg(long)]
    explain: bool,
    /// Write the evidence to a file of the repository: facts, answers, people, times
    #[arg(long, value_name = "FILE")]
    evidence: Option<String>,
    /// The plan that is to be let through: approvals may be bound to it
    #[arg(long = "for", value_name = "PLAN")]
    let_through: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

/// Asks the checks.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let environment = &args.environment;
    let at = args.at.unwrap_or_else(|| facts.now.timestamp());
    let asking = ask(
        facts,
        Question {
            environment,
            only: &args.only,
            at: args.at,
            wait: args.wait,
            overrides: args.overrides.checked(&select(facts, environment, &args.only)?, at)?,
            plan: args.let_through.as_deref().map(digest).transpose()?,
            commit: facts.head()?,
        },
    )?;
    let mut plan = Plan::new("gate", facts.now.timestamp());
    plan.summary = match args.at {
        Some(at) => format!("gate {environment} at {at}"),
        None => format!("gate {environment}"),
    };
    if !args.only.is_empty() {
        plan.summary.push_str(&format!(", only {}", args.only.join(", ")));
    }
    plan.findings = asking.findings(args.explain);
    plan.output("verdict", asking.verdict.to_string());
    plan.output("checks", asking.checks());
    if let Some(path) = &args.evidence {
        plan.regardless = true;
        if let Some(effect) = write(facts, path, asking.evidence(&args.only)?)? {
            plan.then(effect);
        }
        plan.output("evidence", path.as_str());
    }
    Ok(plan.into())
}

/// A length of time on the command line, nothing at all too.
fn lapse(text: &str) -> std::result::Result<SignedDuration, String> {
    let lapse: SignedDuration = text.parse().map_err(|_| "write `30s` or `2m`".to_owned())?;
    match (SignedDuration::ZERO..=poll::LONGEST).contains(&lapse) {
        true => Ok(lapse),
        false => Err("it goes from `0s` to `1h`".to_owned()),
    }
}

fn digest(file: &std::path::Path) -> Result<String> {
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|e| Error::usage(format!("the plan cannot be read: {e}")).at(shown.clone()))?;
    Ok(Plan::from_json(&text, &shown)?.digest())
}

fn write(facts: &Facts<'_>, path: &str, after: String) -> Result<Option<Effect>> {
    let before = facts.read(path)?;
    if before.as_ref() == Some(&after) {
        return Ok(None);
    }
    let why = "evidence of the gate".to_owned();
    Ok(Some(Effect::WriteFile(FileEdit { path: path.to_owned(), before, after, why })))
}
