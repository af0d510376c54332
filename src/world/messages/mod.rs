//! Messages to people: what was sent is remembered in the store, so that nothing is said twice, by no job; sending one has
//! a time budget and never shows an address or a key.

mod comment;
mod email;
mod hooks;
mod send;
mod slack;
mod statuspage;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::crash;
use crate::effect::Message;
use crate::env::Env;
use crate::error::{Error, Kind, Result};
use crate::redact::Redactor;
use crate::rules::notify::record::{Conversation, FORMAT, Open, Part, Sent, folder, path};
use crate::rules::notify::service::Service;
use crate::world::State;
use crate::world::forge::Forges;
use crate::world::store::Store;

use send::{Budget, Trouble};

/// The conversations about a release, by their paths in the store.
pub type Conversations = BTreeMap<String, Conversation>;

/// How long what was read of the store counts as read just now.
const FRESH: Duration = Duration::from_secs(10);
/// How much the clocks of two machines may differ.
const CLOCKS: Duration = Duration::from_secs(1);

/// What was said about a release.
pub fn conversations(store: &Store, about: &str) -> Result<Conversations> {
    store
        .read(&folder(about))?
        .into_iter()
        .map(|(path, text)| Ok((path.clone(), read(&path, &text)?)))
        .collect()
}

fn read(path: &str, text: &str) -> Result<Conversation> {
    let bad = |why: String| {
        Error::usage(format!("this is no record of messages: {why}")).at(path.to_owned()).hint(
            "if nothing can be told from it, delete it: then the messages about this release are sent anew",
        )
    };
    let known: Conversation = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    match known.format {
        FORMAT => Ok(known),
        other => Err(bad(format!("it has format {other}, this release-steps knows format {FORMAT}"))),
    }
}

/// The texts of a folder of the store, and when they were read.
type Texts = (Instant, BTreeMap<String, String>);

/// The write side.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    forges: Arc<Forges>,
    /// What was read, by folder.
    known: Mutex<BTreeMap<String, Texts>>,
}

/// What is being sent, with what is known of it.
struct Sending<'a> {
    message: &'a Message,
    env: &'a Env,
    redactor: &'a Redactor,
    writer: &'a Writer,
    budget: Budget,
    record: Conversation,
    /// The record as it stands in the store.
    stored: Option<String>,
}

impl Writer {
    /// A writer that remembers here what it sent, and writes comments at these forges.
    pub fn new(store: Store, forges: Arc<Forges>) -> Self {
        Writer { store, forges, known: Mutex::default() }
    }

    /// The record of a message's conversation and its text in the store: channels of one release are read at once.
    fn record(&self, message: &Message, fresh: Duration) -> Result<(Conversation, Option<String>)> {
        let (folder, path) = (folder(&message.about), path(&message.about, &message.channel));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(&folder).is_none_or(|(when, _)| when.elapsed() >= fresh) {
            known.insert(folder.clone(), (Instant::now(), self.store.read(&folder)?));
        }
        let text = known.get(&folder).and_then(|(_, texts)| texts.get(&path)).cloned();
        let record = match &text {
            Some(text) => read(&path, text)?,
            None => Conversation::new(&message.about, &message.channel),
        };
        Ok((record, text))
    }

    /// Whether it was said already.
    pub fn observe(&self, message: &Message) -> Result<State> {
        let (record, _) = self.record(message, FRESH)?;
        Ok(match record.has(message.event, &message.digest, message.start) {
            true => State::Done(None),
            false => State::Ready,
        })
    }

    /// Sends a message. An error of the kind unknown says that it may have been sent, and is not sent again.
    pub fn send(&self, message: &Message, env: &Env, redactor: &Redactor) -> Result<()> {
        let whole = Duration::from_millis(message.budget);
        let (mut record, mut stored) = self.record(message, FRESH)?;
        if let Some(open) = &record.open {
            // Another job may be sending just now. After its budget it is not any more.
            let since = Timestamp::now().duration_since(open.at).unsigned_abs();
            std::thread::sleep((whole + CLOCKS).saturating_sub(since));
            (record, stored) = self.record(message, Duration::ZERO)?;
            if record.has(message.event, &message.digest, message.start) {
                return Ok(());
            }
        }
        let budget = Budget::new(whole);
        let mut sending = Sending { message, env, redactor, writer: self, budget, record, stored };
        let sent = match &message.service {
            Service::Slack(to) => slack::send(&mut sending, to),
            Service::Teams(to) => hooks::teams(&mut sending, to),
            Service::Discord(to) => hooks::discord(&mut sending, to),
            Service::Webhook(to) => hooks::webhook(&mut sending, to),
            Service::Pagerduty(to) => hooks::pagerduty(&mut sending, to),
            Service::Email(to) => email::send(&mut sending, to),
            Service::Statuspage(to) => statuspage::send(&mut sending, to),
            Service::Comment(_) => comment::send(&mut sending),
        };
        match sent {
            Ok(()) => sending.said(),
            Err(Trouble::NotSent(error) | Trouble::Gone(error)) => {
                sending.close()?;
                Err(error)
            }
            Err(Trouble::Perhaps(error)) => Err(Error {
                kind: Kind::Unknown,
                message: format!("the message may have been sent: {}", error.message),
                hint: Some(
                    "it is not sent again by itself: look there, and change its text to have it sent anew"
                        .to_owned(),
                ),
                ..error
            }),
            Err(Trouble::Local(error)) => Err(error),
        }
    }
}

impl Sending<'_> {
    /// The channel's place in the configuration.
    fn place(&self) -> String {
        format!("notify.channels.{}", self.message.channel)
    }

    /// The value of a variable that holds an address or a key.
    fn secret(&self, name: &str) -> std::result::Result<String, Trouble> {
        self.env.get(name).map(str::to_owned).ok_or_else(|| {
            Trouble::NotSent(
                Error::usage(format!("${name} is not set"))
                    .at(self.place())
                    .hint(format!("give the job a variable {name}")),
            )
        })
    }

    /// Whether an earlier try may have sent a part of this message.
    fn tried(&self, part: Part) -> bool {
        self.record.open.as_ref().is_some_and(|open| open.digest == self.message.digest && open.part == part)
    }

    /// Refuses what an earlier try may have sent, where nobody can be asked.
    fn refuse_again(&self) -> std::result::Result<(), Trouble> {
        match self.tried(Part::Message) {
            true => Err(Trouble::Perhaps(
                Error::unknown(format!(
                    "an earlier try was cut off, and {} cannot be asked",
                    self.message.service
                ))
                .at(self.place()),
            )),
            false => Ok(()),
        }
    }

    /// Remembers that a part is about to be sent, before it is.
    fn open(&mut self, part: Part) -> std::result::Result<(), Trouble> {
        self.record.open = Some(Open { digest: self.message.digest.clone(), part, at: Timestamp::now() });
        self.save().map_err(Trouble::Local)
    }

    /// Remembers that nothing is under way any more.
    fn close(&mut self) -> Result<()> {
        if self.record.open.take().is_some() { self.save() } else { Ok(()) }
    }

    /// Knows the message that is edited from now on; remembered with what comes next.
    fn known_as(&mut self, id: &str, place: Option<&str>) {
        crash::point();
        self.record.id = Some(id.to_owned());
        self.record.place = place.map(str::to_owned);
    }

    /// Remembers that all of it was said.
    fn said(&mut self) -> Result<()> {
        self.record.open = None;
        self.record.sent.push(Sent {
            event: self.message.event,
            digest: self.message.digest.clone(),
            start: self.message.start,
            at: Timestamp::now(),
        });
        self.save()
    }

    /// Writes the record over the one that was read, and over nothing else: of two jobs, one sends.
    fn save(&mut self) -> Result<()> {
        let path = path(&self.message.about, &self.message.channel);
        let mut json = serde_json::to_string_pretty(&self.record)
            .map_err(|e| Error::outside(format!("the record of messages cannot be written: {e}")))?;
        json.push('\n');
        self.writer.store.put(&path, &json, self.stored.as_deref())?;
        let mut known = self.writer.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, texts)) = known.get_mut(&folder(&self.message.about)) {
            texts.insert(path, json.clone());
        }
        self.stored = Some(json);
        Ok(())
    }
}
