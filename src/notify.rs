//! Messages as parts of plans: for `notify`, for `timeline`, and for whatever else has something to tell.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Unit};

use crate::config::NotifyConfig;
use crate::effect::{Effect, Message, On, Target};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::rules::notify::payload::{Subject, payload};
use crate::rules::notify::record::{digest, path};
use crate::rules::notify::service::{CommentOn, Service};
use crate::rules::notify::text::render;
use crate::rules::notify::{Event, text::Text};
use crate::world::messages::Conversations;

/// What the messages are about.
#[derive(Debug, Clone, clap::Args)]
pub struct About {
    /// The version
    #[arg(long, value_name = "VERSION")]
    pub release: String,
    /// The environment: production
    #[arg(long, value_name = "ENV")]
    pub env: Option<String>,
}

/// What is told.
#[derive(Debug, Clone)]
pub struct News {
    /// The event.
    pub event: Event,
    /// What it is about: messages about the same release in the same environment are one conversation.
    pub about: About,
    /// Values for the text, by the names of [`crate::rules::notify::text::NAMES`].
    pub told: BTreeMap<String, String>,
    /// When the release starts, where that is told: each point of a timeline is told once for each start.
    pub start: Option<Timestamp>,
    /// Only these channels; all that are configured for the event where none is named.
    pub only: Vec<String>,
    /// The request for comments; where none is named, that of the CI job or of the commit.
    pub request: Option<u64>,
}

impl News {
    /// An event of a release, with nothing more to tell.
    pub fn new(event: Event, about: &About) -> Self {
        News {
            event,
            about: about.clone(),
            told: BTreeMap::new(),
            start: None,
            only: Vec::new(),
            request: None,
        }
    }

    /// With a value for the text.
    #[must_use]
    pub fn tell(mut self, name: &str, value: impl Into<String>) -> Self {
        self.told.insert(name.to_owned(), value.into());
        self
    }
}

/// Names a conversation: `shop 1.3.0 production`.
pub fn conversation(facts: &Facts<'_>, about: &About) -> Result<String> {
    let mut name = format!("{} {}", project(facts)?, about.release);
    about.env.iter().for_each(|env| name = format!("{name} {env}"));
    Ok(name)
}

/// The messages about an event as effects of one wave, and what there is to know about those that are not sent. Nothing
/// where no channel is told of the event. What was said already is not said again.
pub fn effects(facts: &Facts<'_>, news: &News) -> Result<(Vec<Effect>, Vec<Finding>)> {
    let config = &facts.config.notify;
    let (mut effects, mut findings) = (Vec::new(), Vec::new());
    let channels = channels(config, news)?;
    if channels.is_empty() {
        return Ok((effects, findings));
    }
    let budget = budget(config)?;
    let window = window(config, news.start.filter(|_| news.event.ahead()))?;
    let about = conversation(facts, &news.about)?;
    let said = facts.conversations(&about)?;
    let text = text(facts, news, window, &said)?;
    let digest = digest(news.event, &text);
    for (channel, service) in channels {
        let place = format!("notify.channels.{channel}");
        let required = config.required.iter().any(|name| name == channel);
        let mut note = |answer, message: String| {
            findings.push(Finding::new(answer, "notify", message).at(place.clone()));
        };
        if let Some(name) = service.needs().into_iter().find(|name| facts.env.get(name).is_none()) {
            let message = format!("nothing is sent to {channel}: ${name} is not set");
            if required {
                return Err(Error::usage(message).at(place).hint(format!(
                    "give the job a variable {name}, or take {channel} out of `notify.required`"
                )));
            }
            note(Answer::Warning, message);
            continue;
        }
        let subject = Subject { about: &about, event: news.event, window };
        let Some(payload) = payload(service, subject, &text) else {
            note(Answer::Note, format!("{service} takes no {} without a time: give `--at`", news.event));
            continue;
        };
        let record = said.get(&path(&about, channel));
        if record.is_some_and(|record| record.has(news.event, &digest, news.start)) {
            note(Answer::Note, format!("{channel} was told already: \"{}\"", text.title));
            continue;
        }
        // One whose opening was cut off may be there.
        let opened = record.is_some_and(|record| record.id.is_some() || record.open.is_some());
        if matches!(service, Service::Statuspage(_)) && news.event != Event::Maintenance && !opened {
            note(Answer::Note, format!("{service} was told of no maintenance: nothing to move"));
            continue;
        }
        let target = match service {
            Service::Comment(comment) => match target(facts, news, comment.on)? {
                Ok(target) => Some(target),
                Err(why) if required => return Err(Error::usage(why).at(place)),
                Err(why) => {
                    note(Answer::Warning, why);
                    continue;
                }
            },
            _ => None,
        };
        effects.push(Effect::Message(Message {
            channel: channel.to_owned(),
            service: service.clone(),
            about: about.clone(),
            event: news.event,
            title: text.title.clone(),
            digest: digest.clone(),
            start: news.start,
            payload: payload.message,
            details: payload.details,
            required,
            budget,
            target,
        }));
    }
    Ok((effects, findings))
}

/// Adds the messages to a plan, in a wave of their own.
pub fn add(facts: &Facts<'_>, news: &News, plan: &mut Plan) -> Result<()> {
    let (effects, findings) = effects(facts, news)?;
    plan.findings.extend(findings);
    if !effects.is_empty() {
        plan.wave(effects);
    }
    Ok(())
}

/// What is commented on: the request that is named, that of the CI job, or the one that brought the commit; otherwise the
/// commit. Or why nothing can be.
fn target(facts: &Facts<'_>, news: &News, on: CommentOn) -> Result<std::result::Result<Target, String>> {
    let Some(found) = facts.forge()? else {
        return Ok(
            Err("no comment is written: it is not known at which forge this repository is".to_owned()),
        );
    };
    if found.token.is_none() {
        return Ok(Err(format!("no comment is written: there is no token for {}", found.place)));
    }
    let of_job = || {
        let github = facts.env.get("GITHUB_REF").and_then(|name| name.strip_prefix("refs/pull/"));
        let number = github.and_then(|rest| rest.split('/').next()).or(facts.env.get("CI_MERGE_REQUEST_IID"));
        number.and_then(|number| number.parse::<u64>().ok())
    };
    let on = match (news.request, on) {
        (Some(number), _) => On::Number(number),
        (None, CommentOn::Commit) => On::Commit(facts.head()?),
        (None, CommentOn::Request) => match of_job() {
            Some(number) => On::Number(number),
            None => {
                let head = facts.head()?;
                let requests = facts.forge_view(&found.place)?.requests_of(&[head])?;
                let brought = requests.get(&head).and_then(|all| all.first());
                brought.map_or(On::Commit(head), |request| On::Number(request.number))
            }
        },
    };
    Ok(Ok(Target { place: found.place.clone(), on }))
}

/// The channels that are told, by name.
fn channels<'c>(config: &'c NotifyConfig, news: &'c News) -> Result<Vec<(&'c str, &'c Service)>> {
    let known = |name: &str, place: &str| {
        config.channels.get_key_value(name).map(|(name, service)| (name.as_str(), service)).ok_or_else(|| {
            let names: Vec<&str> = config.channels.keys().map(String::as_str).collect();
            let hint = match names.is_empty() {
                true => "name channels in the configuration: `notify: { channels: { team: { slack: { channel: C0123ABCD } } } }`".to_owned(),
                false => format!("the channels are {}", names.join(", ")),
            };
            Error::usage(format!("there is no channel `{name}`")).at(place).hint(hint)
        })
    };
    for name in &config.required {
        known(name, "notify.required")?;
    }
    for (event, names) in &config.send {
        for name in names {
            known(name, &format!("notify.send.{event}"))?;
        }
    }
    if !news.only.is_empty() {
        return news.only.iter().map(|name| known(name, "--to")).collect();
    }
    match config.send.get(&news.event) {
        Some(names) => names.iter().map(|name| known(name, "notify.send")).collect(),
        None => Ok(config
            .channels
            .iter()
            .filter(|(_, service)| service.takes(news.event))
            .map(|(name, service)| (name.as_str(), service))
            .collect()),
    }
}

/// How long one message may take, in milliseconds.
fn budget(config: &NotifyConfig) -> Result<u64> {
    let Some(lapse) = config.budget else { return Ok(10_000) };
    let total = lapse.0.total(Unit::Millisecond).ok();
    total.filter(|ms| (1.0..=600_000.0).contains(ms)).map(|ms| ms as u64).ok_or_else(|| {
        Error::usage("it must be at most ten minutes, told in minutes and seconds").at("notify.budget")
    })
}

/// From when to when the release takes, where both are known.
fn window(config: &NotifyConfig, start: Option<Timestamp>) -> Result<Option<(Timestamp, Timestamp)>> {
    let Some(start) = start else { return Ok(None) };
    let length = config.window.map_or_else(|| Span::new().minutes(60), |lapse| lapse.0);
    let end = start.checked_add(length).map_err(|_| {
        Error::usage("a window is told in hours and minutes")
            .at("notify.window")
            .hint("write `90m`, or `24h` for a day")
    })?;
    Ok(Some((start, end)))
}

/// The text, without the secrets of this job: what commits, logs and people say may hold some.
fn text(
    facts: &Facts<'_>,
    news: &News,
    window: Option<(Timestamp, Timestamp)>,
    said: &Conversations,
) -> Result<Text> {
    let config = &facts.config.notify;
    let redactor = facts.redactor();
    let zone =
        facts.config.branch.calendar.as_ref().map_or(TimeZone::UTC, |calendar| calendar.zone.0.clone());
    let shown = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
    let mut told = news.told.clone();
    let mut know = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            told.entry(name.to_owned()).or_insert(value);
        }
    };
    know("name", Some(project(facts)?));
    know("version", Some(news.about.release.clone()));
    know("environment", news.about.env.clone());
    know("at", window.map(|(from, _)| shown(from)));
    know("until", window.map(|(_, until)| shown(until)));
    know("window", config.window.map(|lapse| format!("{:#}", lapse.0)));
    know("history", Some(history(said, &shown)));
    let own = match config.templates.get(&news.event) {
        None => None,
        Some(path) => Some((
            path.as_str(),
            facts.read(path)?.ok_or_else(|| {
                Error::usage("the template is not there").at(path.clone()).hint("see `notify.templates`")
            })?,
        )),
    };
    let text = render(news.event, own.as_ref().map(|(path, text)| (*path, text.as_str())), &told)?;
    let clean = |text: &str| redactor.redacted(text).into_owned();
    Ok(Text { title: clean(&text.title), body: clean(&text.body) })
}

/// What happened when, by what people were told, as a list.
fn history(said: &Conversations, shown: &impl Fn(Timestamp) -> String) -> String {
    let mut all: BTreeMap<&str, (Timestamp, Event)> = BTreeMap::new();
    for sent in said.values().flat_map(|conversation| &conversation.sent) {
        if !sent.event.ahead() && sent.event != Event::Report {
            let first = all.entry(&sent.digest).or_insert((sent.at, sent.event));
            first.0 = first.0.min(sent.at);
        }
    }
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(at, event)| format!("- {}: {event}\n", shown(at))).collect()
}

/// What messages call this project.
pub fn project(facts: &Facts<'_>) -> Result<String> {
    if let Some(name) = &facts.config.notify.name {
        return Ok(name.clone());
    }
    if let Some(found) = facts.forge()? {
        let name = &found.place.repository;
        return Ok(name.rsplit('/').next().unwrap_or(name).to_owned());
    }
    Ok(facts
        .root
        .file_name()
        .map_or_else(|| "the project".to_owned(), |name| name.to_string_lossy().into_owned()))
}
