//! `notify`: who is told what.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Lapse;
use crate::rules::notify::Event;
use crate::rules::notify::service::Service;
use crate::rules::notify::timeline::Point;

/// Who is told what about releases. What was sent is kept where `record` says.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NotifyConfig {
    /// Where messages go, by names of your own: `{team: {slack: {channel: C0123ABCD}}, post: {email: {…}}}`.
    pub channels: BTreeMap<String, Service>,
    /// Which channels are told about an event. An event that is not named goes to all channels that take it.
    pub send: BTreeMap<Event, Vec<String>>,
    /// Channels whose failure is an error; the failure of others is a warning.
    pub required: Vec<String>,
    /// Templates of your own, minijinja, by their path from the top of the repository: the first line is the title, the
    /// rest is Markdown.
    pub templates: BTreeMap<Event, String>,
    /// What the messages call this project. Default: the repository's name.
    pub name: Option<String>,
    /// How long a release takes, for announcements and for the maintenance window.
    pub window: Option<Lapse>,
    /// What `release-steps timeline` tells when. Default: announcement at -48h, maintenance at -24h, reminder at -15m,
    /// report at 60m.
    pub timeline: Option<Vec<Point>>,
    /// How long sending one message may take, waits included. Default: 10s.
    pub budget: Option<Lapse>,
}
