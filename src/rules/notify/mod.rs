//! Messages about releases: which events there are, who takes which, and what each service is sent. Pure.

pub mod payload;
pub mod record;
pub mod service;
pub mod text;
pub mod timeline;

use std::fmt;

use serde::{Deserialize, Serialize};

/// What people are told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// A release is planned: about 48 hours before.
    Announcement,
    /// There will be a maintenance window: about 24 hours before.
    Maintenance,
    /// It begins soon: about 15 minutes before.
    Reminder,
    /// It has begun.
    Started,
    /// Where it stands.
    Progress,
    /// It is done.
    Done,
    /// It failed, and a person has to look.
    Failed,
    /// It was rolled back.
    Rollback,
    /// It is called off, before it began.
    Cancelled,
    /// How it went: about 60 minutes after.
    Report,
    /// Something is wrong in production.
    Incident,
}

impl Event {
    /// All of them, in the order of time.
    pub const ALL: [Event; 11] = [
        Event::Announcement,
        Event::Maintenance,
        Event::Reminder,
        Event::Started,
        Event::Progress,
        Event::Done,
        Event::Failed,
        Event::Rollback,
        Event::Cancelled,
        Event::Report,
        Event::Incident,
    ];

    /// The name, as it stands in configurations and file names.
    pub fn name(self) -> &'static str {
        match self {
            Event::Announcement => "announcement",
            Event::Maintenance => "maintenance",
            Event::Reminder => "reminder",
            Event::Started => "started",
            Event::Progress => "progress",
            Event::Done => "done",
            Event::Failed => "failed",
            Event::Rollback => "rollback",
            Event::Cancelled => "cancelled",
            Event::Report => "report",
            Event::Incident => "incident",
        }
    }

    /// Whether a message of this event says when something is going to happen.
    pub fn ahead(self) -> bool {
        matches!(self, Event::Announcement | Event::Maintenance | Event::Reminder)
    }

    /// Whether the release has come to an end by it, good or bad.
    pub fn ends(self) -> bool {
        matches!(self, Event::Done | Event::Failed | Event::Rollback | Event::Cancelled)
    }

    /// Whether a person has to do something.
    pub fn needs_a_person(self) -> bool {
        matches!(self, Event::Failed | Event::Rollback | Event::Incident)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
