//! Slack: one message a release, edited in place, with the details in its thread.

use http::Method;
use serde_json::{Value, json};

use super::Sending;
use super::send::{Line, Trouble, Twice, at, read};
use crate::error::Error;
use crate::rules::notify::record::Part;
use crate::rules::notify::service::Slack;

/// How many messages of a channel or thread are looked through for one that may have been sent.
const LOOK: u32 = 100;

pub(super) fn send(sending: &mut Sending<'_>, to: &Slack) -> Result<(), Trouble> {
    let slack = Api { line: line(sending, to)?, api: &to.api };
    let message = sending.message.payload.clone();
    // An earlier try, of this message or of the one before, was cut off and may have posted.
    let cut = sending.record.open.as_ref().map(|open| open.part);
    if cut == Some(Part::Message)
        && let Some(found) = slack.find(sending, &to.channel, None, &message)?
    {
        sending.known_as(&found, Some(&to.channel));
    }
    let edited = match sending.record.id.clone().zip(sending.record.place.clone()) {
        Some((ts, channel)) => slack.edit(sending, &channel, &ts, &message)?,
        None => false,
    };
    if !edited {
        sending.open(Part::Message)?;
        let answer = slack.ask(sending, "chat.postMessage", &message, Twice::Never)?;
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        sending.known_as(&text("ts"), Some(&text("channel")));
    }
    let Some(details) = sending.message.details.clone() else { return Ok(()) };
    let (Some(ts), Some(channel)) = (sending.record.id.clone(), sending.record.place.clone()) else {
        return Ok(());
    };
    if edited && sending.tried(Part::Details) && slack.find(sending, &channel, Some(&ts), &details)?.is_some()
    {
        return Ok(());
    }
    sending.open(Part::Details)?;
    let details = with(&details, json!({ "channel": channel, "thread_ts": ts }));
    slack.ask(sending, "chat.postMessage", &details, Twice::Never).map(drop)
}

fn line(sending: &Sending<'_>, to: &Slack) -> Result<Line, Trouble> {
    let token = sending.secret(&to.token_env)?;
    Line::with_key(sending, &at(&to.api, "")?, "Bearer ", &token)
}

fn with(message: &Value, more: Value) -> Value {
    let mut message = message.clone();
    if let (Some(message), Value::Object(more)) = (message.as_object_mut(), more) {
        message.extend(more);
    }
    message
}

struct Api<'a> {
    line: Line,
    api: &'a str,
}

impl Api<'_> {
    /// Calls a method. Slack answers 200 also to what it refuses, and says so in `ok` and `error`
    /// (<https://docs.slack.dev/apis/web-api/#responses>).
    fn ask(&self, sending: &Sending<'_>, method: &str, body: &Value, twice: Twice) -> Result<Value, Trouble> {
        let url = at(self.api, method)?;
        let response = self.line.json(sending, (Method::POST, &url), body, twice)?;
        let answer = read(&response);
        if answer["ok"] == true {
            return Ok(answer);
        }
        let said = answer["error"].as_str().unwrap_or("its answer cannot be read").to_owned();
        let hint = match said.as_str() {
            "not_in_channel" | "channel_not_found" => {
                "invite the bot into the channel, and give the channel's id"
            }
            "missing_scope" => "give the bot the scope that the method needs",
            "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
                "the token is wrong or has ended: make a new one"
            }
            _ => "see https://docs.slack.dev/reference/methods for what it means",
        };
        let error = Error::outside(format!("Slack refuses {method}: {said}")).at(url.to_string()).hint(hint);
        Err(if said == "message_not_found" { Trouble::Gone(error) } else { Trouble::NotSent(error) })
    }

    /// Edits the message; false when it is not there any more.
    fn edit(&self, sending: &Sending<'_>, channel: &str, ts: &str, message: &Value) -> Result<bool, Trouble> {
        let body = with(message, json!({ "channel": channel, "ts": ts }));
        match self.ask(sending, "chat.update", &body, Twice::Safe) {
            Ok(_) => Ok(true),
            Err(Trouble::Gone(_)) => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }

    /// Looks for a message that may have been sent: by what it is about, and by its text within the thread.
    fn find(
        &self,
        sending: &Sending<'_>,
        channel: &str,
        thread: Option<&str>,
        message: &Value,
    ) -> Result<Option<String>, Trouble> {
        let (method, body) = match thread {
            None => (
                "conversations.history",
                json!({ "channel": channel, "limit": LOOK, "include_all_metadata": true }),
            ),
            Some(ts) => (
                "conversations.replies",
                json!({ "channel": channel, "ts": ts, "limit": LOOK, "include_all_metadata": true }),
            ),
        };
        let answer = match self.ask(sending, method, &body, Twice::Safe) {
            Ok(answer) => answer,
            // Without a look it cannot be told whether it is there.
            Err(Trouble::NotSent(error) | Trouble::Gone(error)) => return Err(Trouble::Perhaps(error)),
            Err(trouble) => return Err(trouble),
        };
        let about = &message["metadata"]["event_payload"]["about"];
        let same = |seen: &&Value| {
            let told = &seen["metadata"];
            told["event_type"] == message["metadata"]["event_type"]
                && told["event_payload"]["about"] == *about
                && seen["ts"].as_str() != thread
                && (thread.is_none() || seen["text"] == message["text"])
        };
        let found = answer["messages"].as_array().and_then(|all| all.iter().find(same));
        Ok(found.and_then(|seen| seen["ts"].as_str()).map(str::to_owned))
    }
}
