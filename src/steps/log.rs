//! `log`: what was deployed, as pages, as one report, as a list for auditors.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use minijinja::{Environment, context};
use serde_json::{Value, json};

use crate::effect::{Effect, FileEdit};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::Plan;
use crate::rules::record::chart::{BELOW, HEIGHT, LEFT, Series, WIDTH, chart};
use crate::rules::record::figures::{Figures, figures};
use crate::rules::record::{DEPLOYMENTS, Outcome, RUNS, Record, page};
use crate::rules::text::{Newlines, counted, inert};
use crate::steps::Step;
use crate::world::store::Store;

/// `log`
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// The pages of the newest deployments
    Show(Show),
    /// One page of HTML that needs no network: the deployments of a time, their checks, metrics and figures
    Report(Report),
    /// The list of what was done between two dates, for auditors, with the delivery figures of DORA
    Export(Export),
}

/// `log show`
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The environment [default: all]
    #[arg(value_name = "ENV")]
    environment: Option<String>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 1)]
    last: usize,
    /// In Markdown
    #[arg(long)]
    markdown: bool,
}

/// Which records.
#[derive(Debug, clap::Args)]
struct Span {
    /// The environment [default: all]
    #[arg(value_name = "ENV")]
    environment: Option<String>,
    /// The first day, in UTC [default: 90 days before the last]
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// The last day, in UTC [default: today]
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
}

/// `log report`
#[derive(Debug, clap::Args)]
pub struct Report {
    #[command(flatten)]
    span: Span,
    /// The file for the page
    #[arg(long, value_name = "FILE", default_value = "deployments.html")]
    html: String,
}

/// `log export`
#[derive(Debug, clap::Args)]
pub struct Export {
    #[command(flatten)]
    span: Span,
    /// Write it to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<String>,
}

/// Answers from the records.
pub fn plan(command: &Command, facts: &Facts<'_>) -> Result<Step> {
    match command {
        Command::Show(args) => show(args, facts),
        Command::Report(args) => report(args, facts),
        Command::Export(args) => export(args, facts),
    }
}

/// The records below a path, sorted by time; one that cannot be read is an error, for a list with a hole proves nothing.
fn records(facts: &Facts<'_>, below: &[&str]) -> Result<Vec<Record>> {
    let store = facts.store()?;
    let mut all = Vec::new();
    for below in below {
        for (path, text) in store.read(below)? {
            all.push(Record::parse(&text).map_err(|why| {
                Error::unknown(format!("a record cannot be read: {why}"))
                    .at(format!("{path} in {store}"))
                    .hint("a newer release-steps may have written it")
            })?);
        }
    }
    all.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    Ok(all)
}

fn of(environment: Option<&str>) -> impl Fn(&Record) -> bool {
    move |record| match (environment, &record.deployment) {
        (None, _) => true,
        (Some(environment), Some(it)) => it.environment == environment,
        (Some(_), None) => false,
    }
}

fn show(args: &Show, facts: &Facts<'_>) -> Result<Step> {
    let mut all = records(facts, &[DEPLOYMENTS])?;
    all.retain(of(args.environment.as_deref()));
    let newest: Vec<&Record> = all.iter().rev().take(args.last.max(1)).collect();
    let mut plan = Plan::new("log show", facts.now.timestamp());
    plan.output("records", json!(newest));
    if newest.is_empty() {
        let of = args.environment.as_deref().map_or(String::new(), |it| format!(" of {it}"));
        plan.summary = format!("no deployment{of} is recorded in {}", facts.store()?);
        return Ok(plan.into());
    }
    plan.summary = format!("{} of {}", newest.len(), counted(all.len(), "deployment"));
    let pages: Vec<String> = newest
        .iter()
        .map(|record| if args.markdown { page::markdown(record) } else { page::text(record) })
        .collect();
    Ok(Step { plan, text: Some(pages.join("\n")) })
}

impl Span {
    /// From the beginning of the first day to the end of the last.
    fn times(&self, facts: &Facts<'_>) -> Result<(Timestamp, Timestamp)> {
        let last = self.to.unwrap_or_else(|| facts.now.with_time_zone(TimeZone::UTC).date());
        let first = self.from.unwrap_or_else(|| last.saturating_sub(90.days()));
        if first > last {
            return Err(Error::usage(format!("{first} is after {last}")).at("--from"));
        }
        let start = |date: Date| date.to_zoned(TimeZone::UTC).map(|at| at.timestamp());
        let end = last.tomorrow().and_then(start);
        match (start(first), end) {
            (Ok(from), Ok(to)) => Ok((from, to)),
            _ => Err(Error::usage("these dates are out of range").at("--from")),
        }
    }
}

/// The figures of each environment that records speak of.
fn all_figures(
    facts: &Facts<'_>,
    records: &[Record],
    (from, to): (Timestamp, Timestamp),
) -> BTreeMap<String, Figures> {
    let of = |record: &Record| record.deployment.as_ref().map(|it| it.environment.clone());
    let environments: BTreeSet<String> = records.iter().filter_map(of).collect();
    let commits = records.iter().filter_map(|it| it.deployment.as_ref()?.commit.clone());
    let times: BTreeMap<String, Timestamp> = commits
        .filter_map(|commit| {
            let time = facts.repo().commit_time(commit.parse().ok()?).ok()?;
            Some((commit, time))
        })
        .collect();
    environments
        .into_iter()
        .map(|environment| {
            let own: Vec<&Record> = records.iter().filter(|it| self::of(Some(&environment))(it)).collect();
            let figures = figures(&own, from, to, &times);
            (environment, figures)
        })
        .collect()
}

fn export(args: &Export, facts: &Facts<'_>) -> Result<Step> {
    let (from, to) = args.span.times(facts)?;
    let mut all = records(facts, &[DEPLOYMENTS, RUNS])?;
    all.retain(of(args.span.environment.as_deref()));
    let figures = all_figures(facts, &all, (from, to));
    all.retain(|record| (from..to).contains(&record.started));
    let document = json!({
        "format": 1,
        "tool": format!("release-steps {}", env!("CARGO_PKG_VERSION")),
        "from": from,
        "to": to,
        "kept": Some(facts.store()?).filter(Store::shared).map(|store| store.to_string()),
        "figures": figures,
        "records": all,
    });
    let text = format!("{document:#}\n");
    let mut plan = Plan::new("log export", facts.now.timestamp());
    plan.summary = format!("{} between {from} and {to}", counted(all.len(), "record"));
    plan.output("count", all.len());
    let Some(path) = &args.output else {
        plan.output("export", document);
        return Ok(Step { plan, text: Some(text) });
    };
    write(facts, path, text, "the records for auditors", &mut plan)?;
    Ok(plan.into())
}

fn write(facts: &Facts<'_>, path: &str, after: String, why: &str, plan: &mut Plan) -> Result<()> {
    let before = facts.read(path)?;
    if before.as_ref() != Some(&after) {
        plan.regardless = true;
        plan.then(Effect::WriteFile(FileEdit { path: path.to_owned(), before, after, why: why.to_owned() }));
    }
    plan.output("file", path);
    Ok(())
}

fn report(args: &Report, facts: &Facts<'_>) -> Result<Step> {
    let (from, to) = args.span.times(facts)?;
    let mut all = records(facts, &[DEPLOYMENTS])?;
    all.retain(of(args.span.environment.as_deref()));
    let by_environment = all_figures(facts, &all, (from, to));
    all.retain(|record| (from..to).contains(&record.started));
    let last = to.checked_sub(1.second()).unwrap_or(to).to_zoned(TimeZone::UTC).date();
    let first = from.to_zoned(TimeZone::UTC).date();
    let title = match &args.span.environment {
        Some(environment) => format!("Deployments to {environment}"),
        None => "Deployments".to_owned(),
    };
    let environments: Vec<Value> = by_environment
        .iter()
        .map(|(name, it)| {
            let own: Vec<&Record> = all.iter().filter(|record| of(Some(name))(record)).collect();
            json!({ "name": name, "figures": told(it), "points": points(&own, &all) })
        })
        .collect();
    // The newest is open, and what lately went wrong.
    let open = |at: usize, record: &Record| at == 0 || at < LATELY && tone(record) == "bad";
    let records: Vec<Value> =
        all.iter().rev().enumerate().map(|(at, record)| described(record, open(at, record))).collect();
    let day = |record: Option<&Record>| record.map(|it| page::minute(it.started)).unwrap_or_default();
    let mut environment = Environment::new();
    let template = include_str!("../../templates/log/report.html.j2");
    let broken = |e: minijinja::Error| Error::outside(format!("the report's template is broken: {e:#}"));
    environment.add_template("report.html", template).map_err(broken)?;
    let text = environment
        .get_template("report.html")
        .and_then(|template| {
            template.render(context! {
                title,
                subtitle => format!("{first} to {last}, {}", counted(all.len(), "record")),
                environments => minijinja::Value::from(minijinja::value::Serde(&environments)),
                records => minijinja::Value::from(minijinja::value::Serde(&records)),
                first => day(all.first()),
                last => day(all.last()),
                width => WIDTH,
                height => HEIGHT,
                left => LEFT,
                below => BELOW,
            })
        })
        .map_err(broken)?;
    let mut plan = Plan::new("log report", facts.now.timestamp());
    plan.summary = format!("report of {} from {first} to {last}", counted(all.len(), "deployment"));
    write(facts, &args.html, text, "the report of deployments", &mut plan)?;
    Ok(plan.into())
}

/// How many of the newest records may be open.
const LATELY: usize = 10;

/// Figures for people.
fn told(it: &Figures) -> Vec<(&'static str, String)> {
    let mut shown =
        vec![("deployments", it.deployments.to_string()), ("a week", format!("{:.1}", it.per_week))];
    shown.extend(it.change_failure_rate.map(|r| ("change failure rate", format!("{:.0} %", r * 100.0))));
    let lead = it.lead_time_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    shown.extend(lead.map(|s| ("median lead time", page::whole_seconds(s))));
    shown.extend(it.time_to_restore_seconds.map(|s| ("median time to restore", page::whole_seconds(s))));
    shown
}

/// Where the records of an environment are on a line from the first to the last of all, in percent.
fn points(own: &[&Record], all: &[Record]) -> Vec<Value> {
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return Vec::new() };
    let whole = last.started.duration_since(first.started).as_secs_f64().max(1.0);
    let point = |record: &&Record| {
        let at = record.started.duration_since(first.started).as_secs_f64() / whole * 100.0;
        let title =
            format!("{}, {}: {}", page::minute(record.started), page::title(record), page::status(record));
        let tone = tone(record);
        let mark = match tone {
            "good" => "✓",
            "bad" => "×",
            _ => "?",
        };
        json!({ "at": format!("{at:.2}"), "tone": tone, "mark": mark, "title": title, "id": record.id })
    };
    own.iter().map(point).collect()
}

fn tone(record: &Record) -> &'static str {
    match record.outcome {
        Outcome::Done => "good",
        Outcome::Running | Outcome::Unverified | Outcome::Refused => "warn",
        Outcome::RolledBack | Outcome::Failed => "bad",
    }
}

/// A record as the report shows it.
fn described(record: &Record, open: bool) -> Value {
    let series: Vec<Series> = record
        .outputs
        .get("series")
        .and_then(|it| serde_json::from_value(it.clone()).ok())
        .unwrap_or_default();
    let who = record.who.as_ref().map_or(String::new(), |who| format!(", by {who}"));
    json!({
        "id": record.id,
        "open": open,
        "title": page::title(record),
        "status": page::status(record),
        "tone": tone(record),
        "when": inert(&format!("{}{who}", page::minute(record.started)), Newlines::Flatten),
        "parts": page::parts(record),
        "charts": series.iter().filter_map(chart).collect::<Vec<_>>(),
    })
}
