//! `notify`: tells people about a release.

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::notify::{About, News, add, conversation};
use crate::plan::Plan;
use crate::rules::notify::Event;
use crate::rules::notify::text::NAMES;
use crate::rules::text::counted;
use crate::steps::Step;

/// `notify`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What is told
    #[arg(value_enum)]
    event: Event,
    #[command(flatten)]
    about: About,
    /// Only these channels [default: `notify.send` of the configuration, or all that take the event]
    #[arg(long, value_name = "CHANNEL")]
    to: Vec<String>,
    /// What happened, in Markdown
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Another value for the text: previous, commit, who, url, notes, …
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// When the release starts: 2026-03-10T09:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// The request that gets the comment [default: that of the CI job, or the one that brought the commit, or the commit itself]
    #[arg(long, value_name = "NUMBER")]
    request: Option<u64>,
}

/// Plans the messages.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let mut news = News::new(args.event, &args.about);
    if facts.config.notify.channels.is_empty() {
        return Err(Error::usage("nobody is there to be told").at("notify.channels").hint(
            "name channels in the configuration: `notify: {channels: {team: {slack: {channel: C0123ABCD}}}}`",
        ));
    }
    if args.event.ahead() && args.at.is_none() {
        return Err(Error::usage(format!("a message about what comes says when: {}", args.event))
            .at("--at")
            .hint("give the time at which the release starts: `--at 2026-03-10T09:00:00Z`"));
    }
    for pair in &args.set {
        match pair.split_once('=') {
            Some((name, value)) if NAMES.contains(&name) => news = news.tell(name, value),
            _ => {
                return Err(Error::usage(format!("`{pair}` sets no value"))
                    .at("--set")
                    .hint(format!("write NAME=VALUE with one of {}", NAMES.join(", "))));
            }
        }
    }
    if let Some(text) = &args.text {
        news = news.tell("text", text);
    }
    news.start = args.at;
    news.only.clone_from(&args.to);
    news.request = args.request;
    let mut plan = Plan::new("notify", facts.now.timestamp());
    add(facts, &news, &mut plan)?;
    let about = conversation(facts, &args.about)?;
    let count = plan.effects().count();
    plan.summary = match count {
        0 => format!("{about}: nothing to tell about {}", args.event),
        _ => format!("{about}: {} about {}", counted(count, "message"), args.event),
    };
    plan.output("messages", count);
    Ok(plan.into())
}
