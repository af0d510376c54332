//! What is remembered of the messages about one release in one channel, so that none is sent twice and the one that is
//! there is edited.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Event;
use super::text::Text;

/// The version of the record's JSON.
pub const FORMAT: u32 = 1;

/// The messages about one release in one channel. Holds no text that was sent and no secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// [`FORMAT`].
    pub format: u32,
    /// What the messages are about.
    pub about: String,
    /// The channel's name in the configuration.
    pub channel: String,
    /// The service's own name of the message that is edited: Slack's `ts`, Discord's message, Statuspage's incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where the service keeps it, where its name alone does not say: Slack's channel id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What was sent, the oldest first.
    #[serde(default)]
    pub sent: Vec<Sent>,
    /// What was about to be sent, and of which it is not known whether it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Open>,
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// What it told.
    pub event: Event,
    /// [`digest`] of what it said.
    pub digest: String,
    /// The start of the release that it was about, where it was told by the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
}

/// A message that is being sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// [`digest`] of what it says.
    pub digest: String,
    /// Which part of it.
    pub part: Part,
    /// Since when.
    pub at: Timestamp,
}

/// The parts of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The message itself.
    Message,
    /// The details in its thread.
    Details,
}

impl Conversation {
    /// Nothing said yet.
    pub fn new(about: &str, channel: &str) -> Self {
        Conversation {
            format: FORMAT,
            about: about.to_owned(),
            channel: channel.to_owned(),
            ..Self::default()
        }
    }

    /// Whether this was said: it is what was said last, or it is told by the clock and was told for this start. What was
    /// said before something else is news again: a second failure, after a second start.
    pub fn has(&self, event: Event, digest: &str, start: Option<Timestamp>) -> bool {
        let last = self.sent.last().is_some_and(|sent| sent.event == event && sent.digest == digest);
        last || start.is_some() && self.sent.iter().any(|sent| sent.event == event && sent.start == start)
    }
}

/// Names what a message says.
pub fn digest(event: Event, text: &Text) -> String {
    short(&format!("{event}\0{}\0{}", text.title, text.body), 8)
}

/// The first bytes of a text's SHA-256, in hexadecimal digits.
pub fn short(text: &str, bytes: usize) -> String {
    Sha256::digest(text).iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

/// A readable part of a path, different for different names.
fn part(name: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "._-+@".contains(c) { c } else { '-' };
    let plain: String = name.chars().map(keep).take(80).collect();
    let plain = plain.trim_start_matches('.');
    format!("{}.{}", if plain.is_empty() { "-" } else { plain }, short(name, 4))
}

/// The folder of what was said about a release.
pub fn folder(about: &str) -> String {
    format!("messages/{}/", part(about))
}

/// The record's path in the store.
pub fn path(about: &str, channel: &str) -> String {
    format!("{}{}.json", folder(about), part(channel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_and_differ() {
        for name in ["../../etc/passwd", ".hidden", "", "a/b", "ü"] {
            let path = path(name, name);
            let parts: Vec<&str> = path.split('/').collect();
            assert!(parts.len() == 3 && parts.iter().all(|part| !part.starts_with('.')), "{path}");
            assert!(path.is_ascii(), "{path}");
        }
        assert_ne!(path("a/b", "c"), path("a-b", "c"));
        assert_ne!(path("a", "b.c"), path("a.b", "c"));
        assert!(path("a", "b").starts_with(&folder("a")));
    }

    #[test]
    fn what_was_said_last_is_not_said_again() {
        let text = |body: &str| Text { title: "t".to_owned(), body: body.to_owned() };
        let of = |event, body: &str| digest(event, &text(body));
        let mut conversation = Conversation::new("1.2.3", "team");
        let mut say = |event, body: &str, start| {
            let said = conversation.has(event, &of(event, body), start);
            if !said {
                let digest = of(event, body);
                conversation.sent.push(Sent { event, digest, start, at: Timestamp::UNIX_EPOCH });
            }
            said
        };
        let told = [("half", false), ("half", true), ("all", false), ("half", false)];
        for (body, said) in told {
            assert_eq!(say(Event::Progress, body, None), said, "{body}");
        }
        let start = |second| Timestamp::from_second(second).ok();
        assert!(!say(Event::Reminder, "soon", start(1)));
        assert!(!say(Event::Started, "", None));
        assert!(say(Event::Reminder, "in other words", start(1)), "told by the clock, it is told once");
        assert!(!say(Event::Reminder, "soon", start(2)), "the release was moved");
    }
}
