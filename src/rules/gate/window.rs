//! When a release may take place: weekly hours, holidays, freezes, the time before a release.

use std::ops::RangeInclusive;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::data::Zone;
use crate::rules::calendar::Calendar;
use crate::rules::gate::freeze::{Freeze, FreezeConfig};
use crate::rules::gate::times::Times;
use crate::rules::gate::{Answer, Fact};

/// A time during which something may be done.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct WindowConfig {
    /// The IANA time zone in which days, hours and dates are meant: `Europe/Berlin`.
    pub zone: Zone,
    /// When it is open: `[{days: mon-thu, hours: "10:00-16:00"}]`. Without, it is open unless something closes it.
    pub open: Vec<Times>,
    /// When it is closed although it would be open: holidays, Fridays, rush hours.
    pub closed: Vec<Times>,
    /// Freezes by cron schedules, as in GitLab.
    pub freezes: Vec<FreezeConfig>,
    /// Whether the freeze periods of the GitLab project close it too.
    pub freeze_periods: bool,
}

impl Default for WindowConfig {
    fn default() -> Self {
        WindowConfig {
            zone: Zone(TimeZone::UTC),
            open: Vec::new(),
            closed: Vec::new(),
            freezes: Vec::new(),
            freeze_periods: false,
        }
    }
}

/// The times that can be asked about: beyond, neither zones nor calendars say anything sensible.
pub const REASONABLE: RangeInclusive<Timestamp> =
    Timestamp::constant(0, 0)..=Timestamp::constant(253_000_000_000, 0);

/// How far ahead an opening is looked for: the next 29 February is at most eight years away.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 366 * 9);

/// How many changes are looked at: several a day for all of that time.
const MOST_CHANGES: usize = 60_000;

/// A window that can be asked.
#[derive(Debug, Clone)]
pub struct Window<'c> {
    config: &'c WindowConfig,
    calendar: Option<&'c Calendar>,
    freezes: Vec<Freeze>,
}

impl WindowConfig {
    /// What is wrong with the rules, if anything.
    pub fn refused(&self) -> Option<String> {
        if self.open.iter().chain(&self.closed).any(Times::is_empty) {
            return Some("a time needs one of `days`, `hours`, `dates`, `before_release`".to_owned());
        }
        let nothing = self.open.is_empty() && self.closed.is_empty() && self.freezes.is_empty();
        (nothing && !self.freeze_periods)
            .then(|| "a window needs one of `open`, `closed`, `freezes`, `freeze_periods`".to_owned())
    }

    /// Whether it needs the release calendar.
    pub fn needs_calendar(&self) -> bool {
        self.open.iter().chain(&self.closed).any(|t| t.before_release.is_some())
    }

    /// The answer at a time. `periods` are the freezes of the forge, where the window asks for them.
    pub fn answer(&self, calendar: Option<&Calendar>, periods: Fact<Vec<Freeze>>, at: Timestamp) -> Answer {
        if !REASONABLE.contains(&at) {
            return Answer::unknown(format!("{at} is too far away"));
        }
        let mut freezes: Vec<Freeze> =
            self.freezes.iter().map(|f| Freeze::of_config(f, &self.zone)).collect();
        match periods {
            Ok(periods) => {
                freezes.extend(periods);
                Window { config: self, calendar, freezes }.answer(at)
            }
            // Closed by what is known is closed; open by it is not yet open.
            Err(why) => {
                let window = Window { config: self, calendar, freezes };
                match window.closed(at) {
                    Some(_) => Answer { opens: None, until: None, ..window.answer(at) },
                    None => Answer::unknown(format!("the freeze periods of the forge are not known: {why}")),
                }
            }
        }
    }
}

impl<'c> Window<'c> {
    /// A window with the calendar of its releases and its freezes.
    pub fn new(config: &'c WindowConfig, calendar: Option<&'c Calendar>, freezes: Vec<Freeze>) -> Self {
        Window { config, calendar, freezes }
    }

    /// Why it is closed at a time; none when it is open.
    pub fn closed(&self, at: Timestamp) -> Option<String> {
        if let Some(times) = self.config.closed.iter().find(|t| self.holds(t, at)) {
            return Some(times.reason.clone().unwrap_or_else(|| times.to_string()));
        }
        if let Some(freeze) = self.freezes.iter().find(|f| f.holds(at)) {
            return Some(freeze.reason.clone());
        }
        if self.config.open.is_empty() || self.config.open.iter().any(|t| self.holds(t, at)) {
            return None;
        }
        let open: Vec<String> = self.config.open.iter().map(Times::to_string).collect();
        Some(format!("open only {}", open.join("; ")))
    }

    /// The first instant after `at` from which it is open, or closed; none when that does not come within years.
    pub fn next(&self, at: Timestamp, open: bool) -> Option<Timestamp> {
        let end = at.checked_add(AHEAD).ok()?;
        let mut cursor = at;
        for _ in 0..MOST_CHANGES {
            cursor = self.next_change(cursor).filter(|next| *next <= end && *next > cursor)?;
            if self.closed(cursor).is_none() == open {
                return Some(cursor);
            }
        }
        None
    }

    /// Since when it is as it is at a time; none when that is more than a year.
    fn since(&self, at: Timestamp) -> Option<Timestamp> {
        let now = self.closed(at).is_none();
        for days in [2, 16, 400] {
            let mut cursor = at.checked_sub(SignedDuration::from_hours(24 * days)).ok()?;
            let mut last = None;
            let mut was = self.closed(cursor).is_none();
            while let Some(next) = self.next_change(cursor).filter(|next| *next <= at && *next > cursor) {
                let is = self.closed(next).is_none();
                if is != was {
                    last = (is == now).then_some(next);
                }
                (cursor, was) = (next, is);
            }
            if last.is_some() {
                return last;
            }
        }
        None
    }

    fn answer(&self, at: Timestamp) -> Answer {
        let since = self.since(at);
        match self.closed(at) {
            None => {
                let until = self.next(at, false);
                let words =
                    until.map_or("for years to come".to_owned(), |end| format!("until {}", self.words(end)));
                Answer::pass(format!("open {words}")).since(since).until(until)
            }
            Some(why) => {
                let opens = self.next(at, true);
                let turn = opens.map_or("it does not open within nine years".to_owned(), |opens| {
                    format!("opens {}", self.words(opens))
                });
                let answer = Answer::fail(format!("closed: {why}")).turn(turn).since(since).until(opens);
                Answer { opens, ..answer }
            }
        }
    }

    fn words(&self, at: Timestamp) -> String {
        at.to_zoned(self.config.zone.0.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string()
    }

    fn holds(&self, times: &Times, at: Timestamp) -> bool {
        let before_release = |lapse: &crate::data::Lapse| {
            let Some(calendar) = self.calendar else { return false };
            let now = at.to_zoned(calendar.zone.clone());
            let next = calendar.after(&now).next();
            next.is_some_and(|release| release.at.checked_sub(lapse.0).is_ok_and(|start| start <= now))
        };
        times.shows(at.to_zoned(self.config.zone.0.clone()).datetime())
            && times.before_release.as_ref().is_none_or(before_release)
    }

    /// The first instant after `at` at which anything may change.
    fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let rules = || self.config.open.iter().chain(&self.config.closed);
        let clock = rules().filter_map(|t| t.next_change(at, &self.config.zone.0)).min();
        let release = rules().filter_map(|t| self.release_change(t.before_release.as_ref()?, at)).min();
        let freeze = self.freezes.iter().filter_map(|f| f.next_change(at)).min();
        [clock, release, freeze].into_iter().flatten().min()
    }

    fn release_change(&self, lapse: &crate::data::Lapse, at: Timestamp) -> Option<Timestamp> {
        let calendar = self.calendar?;
        let now = at.to_zoned(calendar.zone.clone());
        calendar
            .after(&now)
            .take(2)
            .flat_map(|release| [release.at.checked_sub(lapse.0).ok(), Some(release.at)])
            .flatten()
            .map(|zoned| zoned.timestamp())
            .filter(|instant| *instant > at)
            .min()
    }
}

#[cfg(test)]
mod tests;
