//! Freeze periods as GitLab has them: one cron schedule says when a freeze begins, another when it ends.
//!
//! A time is frozen when it lies between the last beginning before it and the first end after that beginning
//! (<https://docs.gitlab.com/user/project/releases/#prevent-unintentional-releases-by-setting-a-deploy-freeze>;
//! `Ci::FreezePeriod` in GitLab's source).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::data::Zone;
use crate::rules::gate::cron::{Cron, Twice};

/// A freeze that comes again and again.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FreezeConfig {
    /// When it begins: five fields of cron, such as `0 23 * * 5`.
    pub start: Cron,
    /// When it ends: five fields of cron, such as `0 7 * * 1`.
    pub end: Cron,
    /// The IANA time zone. Default: that of the window.
    #[serde(default)]
    pub zone: Option<Zone>,
    /// Why; shown when this closes the window.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A freeze period as a forge has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezePeriod {
    /// When it begins: cron.
    pub start: String,
    /// When it ends: cron.
    pub end: String,
    /// The IANA time zone.
    pub zone: String,
}

/// A freeze that can be asked.
#[derive(Debug, Clone)]
pub struct Freeze {
    start: Cron,
    end: Cron,
    zone: TimeZone,
    /// Why.
    pub reason: String,
}

impl Freeze {
    /// A freeze of the configuration, with the zone of its window where it has none.
    pub fn of_config(config: &FreezeConfig, window: &Zone) -> Self {
        let zone = &config.zone.as_ref().unwrap_or(window).0;
        Freeze {
            start: config.start.clone(),
            end: config.end.clone(),
            zone: zone.clone(),
            reason: config.reason.clone().unwrap_or_else(|| reason(&config.start, &config.end, zone)),
        }
    }

    /// A freeze period of a forge; an error says what of it cannot be read.
    pub fn of_forge(period: &FreezePeriod) -> Result<Self, String> {
        let zone =
            TimeZone::get(&period.zone).map_err(|_| format!("`{}` is no IANA time zone", period.zone))?;
        let (start, end) = (Cron::parse(&period.start)?, Cron::parse(&period.end)?);
        let reason = reason(&start, &end, &zone);
        Ok(Freeze { start, end, zone, reason })
    }

    /// Whether a time is frozen.
    pub fn holds(&self, at: Timestamp) -> bool {
        // Where the clock is set back, a freeze begins the first time and ends the second time.
        let Some(start) = self.start.last(at, &self.zone, Twice::First) else { return false };
        self.end.next(start, &self.zone, Twice::Second).is_none_or(|end| at < end)
    }

    /// The first instant after `at` at which [`Freeze::holds`] may change.
    pub fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let start = self.start.next(at, &self.zone, Twice::First);
        let end = self.end.next(at, &self.zone, Twice::Second);
        start.into_iter().chain(end).min()
    }
}

fn reason(start: &Cron, end: &Cron, zone: &TimeZone) -> String {
    format!("frozen from `{start}` to `{end}` {}", zone.iana_name().unwrap_or("in its zone"))
}
