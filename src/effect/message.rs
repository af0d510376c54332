//! A message to people, as data.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::On;
use crate::rules::notify::Event;
use crate::rules::notify::service::Service;
use crate::world::forge::Place;

/// Tells people something: posts a message, or edits the one about the same release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The channel's name in the configuration.
    pub channel: String,
    /// The service.
    pub service: Service,
    /// What it is about: messages about the same release are one conversation.
    pub about: String,
    /// What it tells.
    pub event: Event,
    /// The title, for people who read the plan.
    pub title: String,
    /// Names what it says: the same is not said twice.
    pub digest: String,
    /// The start of the release, where it is told by the clock: for each start it is told once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// What is sent. Addresses and keys are added when it is sent.
    pub payload: Value,
    /// The details in the message's thread, where the service has threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// Whether a failure is an error; otherwise it is a warning.
    #[serde(default)]
    pub required: bool,
    /// How long it may take, in milliseconds.
    pub budget: u64,
    /// What a comment is written on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

/// What a comment is written on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The repository.
    pub place: Place,
    /// The request.
    pub on: On,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tell {} ({}", self.channel, self.service)?;
        self.target.iter().try_for_each(|target| write!(f, " on {} at {}", target.on, target.place))?;
        write!(f, "): \"{}\"", self.title)
    }
}
