//! Schedules of cron: five fields, as crontab(5) has them (<https://man7.org/linux/man-pages/man5/crontab.5.html>).
//!
//! A time that the clock leaves out is the end of the gap; one that comes twice is the first or the second, as is asked.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// Five fields of cron: minute, hour, day of the month, month, day of the week; lists, ranges, steps, English names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Cron {
    text: String,
    /// Sets of numbers, as bits.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether day of the month and day of the week are both given, of which then either does.
    either: bool,
}

/// Which of two times counts when the clock is set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twice {
    /// The first one.
    First,
    /// The second one.
    Second,
}

/// How many days are looked through: the next 29 February is at most eight years away.
const DAYS: usize = 366 * 9;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl TryFrom<String> for Cron {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Cron::parse(&text)
    }
}

impl Cron {
    /// Reads the five fields.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!("`{text}` is no schedule of cron: write five fields, such as `0 23 * * 5`"));
        };
        let bad = |why: String| format!("`{text}` is no schedule of cron: {why}");
        let mut weekdays = field(weekday, 0, 7, &WEEKDAYS).map_err(bad)?;
        // Sunday is 0 and 7.
        weekdays |= weekdays >> 7 & 1;
        Ok(Cron {
            text: text.to_owned(),
            minutes: field(minute, 0, 59, &[]).map_err(bad)?,
            hours: field(hour, 0, 23, &[]).map_err(bad)?,
            days: field(day, 1, 31, &[]).map_err(bad)?,
            months: field(month, 1, 12, &MONTHS).map_err(bad)?,
            weekdays,
            either: !day.starts_with('*') && !weekday.starts_with('*'),
        })
    }

    /// The first time after another; none within nine years.
    pub fn next(&self, after: Timestamp, zone: &TimeZone, twice: Twice) -> Option<Timestamp> {
        let today = after.to_zoned(zone.clone()).date();
        // Set back over midnight, the clock shows times of yesterday again.
        let mut date = today.yesterday().ok()?;
        for _ in 0..DAYS {
            if self.on(date) {
                let found =
                    self.clocks(date).filter_map(|c| instant(c, zone, twice)).filter(|t| *t > after).min();
                if found.is_some() {
                    return found;
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The last time up to another; none within nine years.
    pub fn last(&self, until: Timestamp, zone: &TimeZone, twice: Twice) -> Option<Timestamp> {
        let today = until.to_zoned(zone.clone()).date();
        let mut date = today.tomorrow().ok()?;
        for _ in 0..DAYS {
            if self.on(date) {
                let found =
                    self.clocks(date).filter_map(|c| instant(c, zone, twice)).filter(|t| *t <= until).max();
                if found.is_some() {
                    return found;
                }
            }
            date = date.yesterday().ok()?;
        }
        None
    }

    fn on(&self, date: Date) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        has(self.months, date.month()) && if self.either { day || weekday } else { day && weekday }
    }

    fn clocks(&self, date: Date) -> impl Iterator<Item = DateTime> + '_ {
        let minutes = move |hour| {
            (0..60_i8).filter(|m| has(self.minutes, *m)).map(move |minute| date.at(hour, minute, 0, 0))
        };
        (0..24_i8).filter(|h| has(self.hours, *h)).flat_map(minutes)
    }
}

fn instant(clock: DateTime, zone: &TimeZone, twice: Twice) -> Option<Timestamp> {
    use jiff::tz::AmbiguousOffset;
    let ambiguous = zone.to_ambiguous_timestamp(clock);
    match ambiguous.offset() {
        // The instant at which the clock is set forward: with the offset from then on, the clock would still be before it.
        AmbiguousOffset::Gap { before, after } => {
            let late = before.to_timestamp(clock).ok()?;
            let early = after.to_timestamp(clock).ok()?.checked_sub(SignedDuration::from_secs(1)).ok()?;
            zone.following(early).next().map(|moved| moved.timestamp()).filter(|moved| *moved <= late)
        }
        AmbiguousOffset::Fold { .. } if twice == Twice::Second => ambiguous.later().ok(),
        _ => ambiguous.compatible().ok(),
    }
}

fn has(set: u64, number: i8) -> bool {
    set >> number & 1 == 1
}

fn field(text: &str, least: u8, most: u8, names: &[&str]) -> Result<u64, String> {
    let number = |text: &str| {
        let lower = text.to_ascii_lowercase();
        let first = if names.len() == 7 { 0 } else { 1 };
        let named = names.iter().zip(first..).find(|(name, _)| **name == lower).map(|(_, n)| n);
        named
            .or_else(|| text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit())))
            .filter(|n| (least..=most).contains(n))
            .ok_or_else(|| format!("`{text}` is not within {least} and {most}"))
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step = step.parse().ok().filter(|s| *s > 0_u8);
                (range, step.ok_or_else(|| format!("`{part}` has no step"))?)
            }
            None => (part, 1),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((first, last)) => (number(first)?, number(last)?),
            None if part.contains('/') => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        if first > last {
            return Err(format!("`{range}` ends before it begins"));
        }
        (first..=last).step_by(usize::from(step)).for_each(|n| set |= 1 << n);
    }
    Ok(set)
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, after: &str, zone: &str, count: usize) -> Vec<String> {
        let (cron, zone) = (Cron::parse(cron).unwrap(), TimeZone::get(zone).unwrap());
        let mut cursor: Timestamp = after.parse().unwrap();
        std::iter::from_fn(|| {
            cursor = cron.next(cursor, &zone, Twice::First)?;
            assert_eq!(cron.last(cursor, &zone, Twice::First), Some(cursor));
            Some(cursor.to_zoned(zone.clone()).strftime("%a %F %R %z").to_string())
        })
        .take(count)
        .collect()
    }

    #[test]
    fn fields_have_lists_ranges_steps_and_names() {
        let after = "2026-01-01T00:00:00Z";
        assert_eq!(
            next("0 23 * * 5", after, "UTC", 2),
            ["Fri 2026-01-02 23:00 +0000", "Fri 2026-01-09 23:00 +0000"]
        );
        assert_eq!(
            next("*/20 8-9/1 1 FEB,apr *", after, "UTC", 2),
            ["Sun 2026-02-01 08:00 +0000", "Sun 2026-02-01 08:20 +0000"]
        );
        assert_eq!(next("5 4 * * sun", after, "UTC", 1), next("5 4 * * 7", after, "UTC", 1));
        assert_eq!(next("0 0 29 2 *", after, "UTC", 1), ["Tue 2028-02-29 00:00 +0000"]);
        assert_eq!(next("0 0 30 2 *", after, "UTC", 1), [""; 0]);
    }

    /// <https://crontab.guru/cron-bug.html>
    #[test]
    fn either_day_does_when_both_are_given() {
        let after = "2026-01-01T12:00:00Z";
        assert_eq!(
            next("0 0 13 * 5", after, "UTC", 3),
            ["Fri 2026-01-02 00:00 +0000", "Fri 2026-01-09 00:00 +0000", "Tue 2026-01-13 00:00 +0000"]
        );
        assert_eq!(
            next("0 0 */2 * 5", after, "UTC", 2),
            ["Fri 2026-01-09 00:00 +0000", "Fri 2026-01-23 00:00 +0000"]
        );
    }

    #[test]
    fn gaps_and_folds() {
        assert_eq!(
            next("30 2 * * *", "2026-03-28T12:00:00Z", "Europe/Berlin", 2),
            ["Sun 2026-03-29 03:00 +0200", "Mon 2026-03-30 02:30 +0200"]
        );
        let (cron, zone) = (Cron::parse("30 2 * * *").unwrap(), TimeZone::get("Europe/Berlin").unwrap());
        let next =
            |twice| cron.next("2026-10-24T12:00:00Z".parse().unwrap(), &zone, twice).unwrap().to_string();
        assert_eq!(next(Twice::First), "2026-10-25T00:30:00Z");
        assert_eq!(next(Twice::Second), "2026-10-25T01:30:00Z");
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "5-1 * * * *",
            "*/0 * * * *",
            "+1 * * * *",
            "L * * * *",
            ", * * * *",
        ] {
            assert!(Cron::parse(text).is_err(), "{text}");
        }
    }
}
