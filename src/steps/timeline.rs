//! `timeline`: tells what is due now, from two days before a release to an hour after it. Run on a schedule, it tells
//! each thing once.

use jiff::Timestamp;
use serde_json::json;

use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::notify::{About, News, add, conversation};
use crate::plan::Plan;
use crate::rules::notify::Event;
use crate::rules::notify::timeline::{Due, due, usual};
use crate::steps::Step;
use crate::survey::branches::calendar;

/// `timeline`
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    about: About,
    /// When the release starts: 2026-03-10T09:00:00Z [default: the next date of `branch.calendar`]
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Only these channels
    #[arg(long, value_name = "CHANNEL")]
    to: Vec<String>,
}

/// Plans the messages that are due.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let start = match args.at {
        Some(at) => at,
        None => next_release(facts)?,
    };
    let points = facts.config.notify.timeline.clone().unwrap_or_else(usual);
    let mut plan = Plan::new("timeline", facts.now.timestamp());
    let Due { now, next } = due(&points, start, facts.now.timestamp());
    let about = conversation(facts, &args.about)?;
    // What was called off is told of no more.
    let off = facts.conversations(&about)?.values().any(|conversation| {
        conversation
            .sent
            .iter()
            .rfind(|sent| sent.event.ends())
            .is_some_and(|sent| sent.event == Event::Cancelled)
    });
    let (now, next) = if off { (None, None) } else { (now, next) };
    if let Some((_, event)) = now {
        let mut news = News::new(event, &args.about);
        news.start = Some(start);
        news.only.clone_from(&args.to);
        add(facts, &news, &mut plan)?;
    }
    let then = next.map_or_else(String::new, |(at, event)| format!("; next: {event} at {at}"));
    plan.summary = match (now, plan.is_empty()) {
        (Some((_, event)), false) => format!("{about}: {event} is due{then}"),
        (Some((_, event)), true) => format!("{about}: {event} was told{then}"),
        (None, _) if off => format!("{about}: it is called off"),
        (None, _) => format!("{about}: nothing is due{then}"),
    };
    let point =
        |point: Option<(Timestamp, Event)>| point.map(|(at, event)| json!({ "at": at, "event": event }));
    plan.output("start", start.to_string());
    plan.output("due", json!(point(now)));
    plan.output("next", json!(point(next)));
    Ok(plan.into())
}

/// The next release by the calendar; one that began within the last day counts, for what is told after it.
fn next_release(facts: &Facts<'_>) -> Result<Timestamp> {
    let none = || {
        Error::usage("it is not known when the release starts")
            .at("--at")
            .hint("give `--at 2026-03-10T09:00:00Z`, or set `branch.calendar`")
    };
    let calendar = calendar(facts)?.ok_or_else(none)?;
    let yesterday = facts.now.checked_sub(jiff::Span::new().days(1)).map_err(|_| none())?;
    calendar.after(&yesterday).next().map(|release| release.at.timestamp()).ok_or_else(none)
}
