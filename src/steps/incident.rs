//! `incident`: opens the issue of an incident, and tells people.

use jiff::{Timestamp, ToSpan as _};
use serde_json::json;

use crate::effect::{Effect, FileEdit, OpenIssue};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::notify::{About, News, effects};
use crate::plan::Plan;
use crate::rules::notify::Event;
use crate::rules::record::incident::{Incident, Severity, markdown};
use crate::rules::record::standing::standing;
use crate::rules::record::{DEPLOYMENTS, Record};
use crate::rules::text::{Newlines, inert};
use crate::steps::Step;

/// `incident`
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Opens the issue: severity, response time, what was deployed before, and the draft of the post-mortem
    Open(Args),
}

/// `incident open`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What is wrong, in a line
    #[arg(value_name = "TITLE")]
    title: String,
    /// How bad it is: SEV1 complete outage, SEV2 major, SEV3 minor, SEV4 cosmetic
    #[arg(long, value_enum, ignore_case = true)]
    severity: Severity,
    /// The environment
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// When it began, such as 2026-12-24T10:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    began: Option<Timestamp>,
    /// What is known
    #[arg(long, value_name = "TEXT", default_value = "")]
    text: String,
    /// Write it to a file instead of opening an issue
    #[arg(short, long, value_name = "FILE")]
    output: Option<String>,
}

/// How long before an incident deployments stand in its timeline, in hours.
const HOURS: i64 = 72;

/// Plans the issue and the messages.
pub fn plan(command: &Command, facts: &Facts<'_>) -> Result<Step> {
    let Command::Open(args) = command;
    // What people paste while something burns may hold secrets, and an issue may be read by everybody.
    let redactor = facts.redactor();
    let title = inert(redactor.redacted(args.title.trim()).trim(), Newlines::Flatten).into_owned();
    let text = redactor.redacted(&args.text).into_owned();
    if title.is_empty() || title.chars().count() > 200 {
        return Err(Error::usage("an incident has a title of 1 to 200 characters").at("TITLE"));
    }
    let began = args.began.map_or_else(|| facts.now.clone(), |at| at.to_zoned(facts.now.time_zone().clone()));
    let records = before(args, facts, began.timestamp())?;
    let body = markdown(&Incident {
        title: &title,
        severity: args.severity,
        environment: args.env.as_deref(),
        began: &began,
        text: &text,
        records: &records,
    });
    let severity = args.severity.name();
    let mut plan = Plan::new("incident open", facts.now.timestamp());
    plan.summary = format!("{severity}: {title}");
    plan.output("severity", severity);
    plan.output("respond_by", json!(args.severity.respond_by(&began).timestamp()));
    let forge = facts.forge()?.filter(|found| found.token.is_some());
    match (&args.output, forge) {
        (Some(path), _) => {
            let after = format!("# {severity}: {title}\n\n{body}");
            let before = facts.read(path)?;
            if before.as_ref() != Some(&after) {
                let why = "the incident".to_owned();
                plan.then(Effect::WriteFile(FileEdit { path: path.clone(), before, after, why }));
            }
        }
        (None, Some(found)) => plan.then(Effect::OpenIssue(OpenIssue {
            place: found.place.clone(),
            name: name(args, &title, began.date()),
            title: format!("{severity}: {title}"),
            body,
            labels: vec!["incident".to_owned(), severity.to_lowercase()],
        })),
        (None, None) => {
            return Err(Error::usage(
                "no forge is known where the issue could be opened, or there is no token for it",
            )
            .at("forge")
            .hint("write it to a file: `--output incident.md`"));
        }
    }
    // What is live is what people are told about; where nothing is recorded, the day of the incident is.
    let live = standing(&records).live.map(|live| live.version);
    let about = About { release: live.unwrap_or_else(|| began.date().to_string()), env: args.env.clone() };
    let news = News::new(Event::Incident, &about).tell("text", format!("{severity}: {title}\n\n{text}"));
    let (messages, findings) = effects(facts, &news)?;
    plan.findings.extend(findings);
    if !messages.is_empty() {
        plan.wave(messages);
    }
    Ok(plan.into())
}

/// The same incident, reported twice on one day, is one.
fn name(args: &Args, title: &str, day: jiff::civil::Date) -> String {
    let plain: String =
        title.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("incident/{}/{day}/{}", args.env.as_deref().unwrap_or("all"), plain.trim_matches('-'))
}

/// What was deployed in the days before.
fn before(args: &Args, facts: &Facts<'_>, began: Timestamp) -> Result<Vec<Record>> {
    let from = began.checked_sub(HOURS.hours()).unwrap_or(began);
    let texts = facts.store()?.read(DEPLOYMENTS)?;
    let mut records: Vec<Record> = texts.values().filter_map(|text| Record::parse(text).ok()).collect();
    records.retain(|it| {
        let there = it.deployment.as_ref().map(|it| it.environment.as_str());
        (args.env.is_none() || there == args.env.as_deref()) && (from..=began).contains(&it.started)
    });
    records.sort_by_key(|it| it.started);
    Ok(records)
}
