//! Rules for times by the clock on the wall: days of the week, hours, dates.
//!
//! A rule holds whenever a clock in the zone shows a time that it names. So an hour that comes twice counts twice, one
//! that is left out does not come, and a rule's end is where the clock says so, whatever the daylight saving time does.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::data::Lapse;

/// Times that a rule names: those for which all that it says holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Times {
    /// Days of the week: `mon-thu`, `fri`, `sat, sun`.
    pub days: Option<Days>,
    /// Times of day: `10:00-16:00`, `22:00-04:00` (into the next day), `00:00-24:00`; several with commas.
    pub hours: Option<Hours>,
    /// Dates: `2026-12-24`, `2026-12-20..2027-01-02`, and each year `12-24`, `12-20..01-02`; several with commas or as
    /// a list.
    pub dates: Option<Dates>,
    /// The time of this length before each release of `branch.calendar`: `24h`.
    pub before_release: Option<Lapse>,
    /// Why; shown when this closes the window.
    pub reason: Option<String>,
}

/// Days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(with = "TextOrList"))]
pub struct Days([bool; 7]);

/// Times of day.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(with = "TextOrList"))]
pub struct Hours(Vec<(Minute, Minute)>);

/// Dates.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(with = "TextOrList"))]
pub struct Dates(Vec<DateRange>);

/// A text, or several.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum TextOrList {
    /// One, or several with commas.
    Text(String),
    /// Several.
    List(Vec<String>),
}

/// Minutes since the clock showed midnight; 1440 is the end of the day.
type Minute = i16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DateRange {
    /// From one date to another, both of them too.
    Once(Date, Date),
    /// From one month and day to another, each year; past the end of the year when the second is earlier.
    Yearly((i8, i8), (i8, i8)),
}

impl Times {
    /// Whether the rule names no time at all.
    pub fn is_empty(&self) -> bool {
        self.days.is_none() && self.hours.is_none() && self.dates.is_none() && self.before_release.is_none()
    }

    /// Whether the clock on the wall shows a time of days, hours and dates of this rule.
    pub fn shows(&self, clock: DateTime) -> bool {
        let day = |date: Date| {
            self.days.is_none_or(|d| d.has(date)) && self.dates.as_ref().is_none_or(|d| d.has(date))
        };
        let Some(hours) = &self.hours else { return day(clock.date()) };
        let now = i16::from(clock.hour()) * 60 + i16::from(clock.minute());
        hours.0.iter().any(|&(start, end)| {
            if start < end {
                return day(clock.date()) && (start..end).contains(&now);
            }
            // Into the next day: the part after midnight belongs to the day on which it began.
            (now >= start && day(clock.date())) || (now < end && clock.date().yesterday().is_ok_and(day))
        })
    }

    /// The first instant after `at` at which [`Times::shows`] may change; too early is no harm.
    pub fn next_change(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = at.to_zoned(zone.clone()).date();
        let mut next: Option<Timestamp> = None;
        let mut consider = |instant: Timestamp| {
            if instant > at && next.is_none_or(|n| instant < n) {
                next = Some(instant);
            }
        };
        let tomorrow = today.tomorrow().ok()?;
        for date in [today, tomorrow] {
            instants(date.at(0, 0, 0, 0), zone, &mut consider);
        }
        // When the zone leaves days out, neither of the two is ahead.
        instants(tomorrow.tomorrow().ok()?.at(0, 0, 0, 0), zone, &mut consider);
        for &(start, end) in self.hours.iter().flat_map(|h| &h.0) {
            for minute in [start, end] {
                if let Some(clock) = at_minute(today, minute) {
                    instants(clock, zone, &mut consider);
                }
            }
        }
        // The clock is moved: it may show anything from then on.
        zone.following(at).take(1).for_each(|moved| consider(moved.timestamp()));
        next
    }
}

/// The instants at which a clock shows a time: one, two when it is set back, and where it is set forward past the time,
/// that instant.
fn instants(clock: DateTime, zone: &TimeZone, each: &mut impl FnMut(Timestamp)) {
    let ambiguous = zone.to_ambiguous_timestamp(clock);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => {}
        AmbiguousOffset::Fold { before, after } | AmbiguousOffset::Gap { before, after } => {
            for offset in [before, after] {
                offset.to_timestamp(clock).into_iter().for_each(&mut *each);
            }
        }
    }
    ambiguous.compatible().into_iter().for_each(each);
}

fn at_minute(date: Date, minute: Minute) -> Option<DateTime> {
    date.at(0, 0, 0, 0).checked_add(i64::from(minute).minutes()).ok()
}

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Days {
    fn has(&self, date: Date) -> bool {
        self.0[usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())]
    }

    fn parse(parts: &[String]) -> Result<Self, String> {
        let day = |text: &str| {
            let lower = text.trim().to_ascii_lowercase();
            let long = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
            NAMES.iter().zip(long).position(|(short, long)| lower == *short || lower == long).ok_or_else(
                || format!("`{}` is no day of the week: write `mon`, `tue`, …, `mon-fri`", text.trim()),
            )
        };
        let mut days = [false; 7];
        for part in parts {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (day(first)?, day(last)?),
                None => (day(part)?, day(part)?),
            };
            // `fri-mon` goes on past Sunday.
            let count = (last + 7 - first) % 7 + 1;
            (0..count).for_each(|n| days[(first + n) % 7] = true);
        }
        Ok(Days(days))
    }
}

impl Hours {
    fn parse(parts: &[String]) -> Result<Self, String> {
        let bad = |text: &str| format!("`{text}` are no times of day: write `10:00-16:00`");
        let minute = |text: &str, whole: &str| {
            let text = text.trim();
            if text == "24:00" {
                return Ok(1440);
            }
            let (hour, minute) = text.split_once(':').ok_or_else(|| bad(whole))?;
            let two = |t: &str, most: i16| {
                let digits = (1..=2).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
                t.parse::<i16>().ok().filter(|n| digits && *n < most).ok_or_else(|| bad(whole))
            };
            Ok::<_, String>(two(hour, 24)? * 60 + two(minute, 60)?)
        };
        let range = |part: &String| {
            let (start, end) = part.split_once('-').ok_or_else(|| bad(part))?;
            let (start, end) = (minute(start, part)?, minute(end, part)?);
            if start == end || start == 1440 {
                return Err(format!("`{part}` has no length: write `00:00-24:00` for the whole day"));
            }
            Ok((start, end))
        };
        parts.iter().map(range).collect::<Result<_, _>>().map(Hours)
    }
}

impl Dates {
    fn has(&self, date: Date) -> bool {
        let day = (date.month(), date.day());
        self.0.iter().any(|range| match *range {
            DateRange::Once(first, last) => first <= date && date <= last,
            DateRange::Yearly(first, last) if first <= last => first <= day && day <= last,
            DateRange::Yearly(first, last) => first <= day || day <= last,
        })
    }

    fn parse(parts: &[String]) -> Result<Self, String> {
        let bad = |text: &str| {
            format!(
                "`{text}` is no date: write `2026-12-24`, `2026-12-20..2027-01-02` or, for every year, `12-24`"
            )
        };
        // A leap year, so that 02-29 is a day.
        let yearly = |text: &str| {
            (text.len() == 5)
                .then(|| format!("2000-{text}").parse::<Date>().ok())
                .flatten()
                .map(|d| (d.month(), d.day()))
        };
        let once = |text: &str| (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten();
        let range = |part: &String| {
            let (first, last) = part.split_once("..").unwrap_or((part, part));
            let (first, last) = (first.trim(), last.trim());
            if let Some((first, last)) = once(first).zip(once(last)) {
                return match first <= last {
                    true => Ok(DateRange::Once(first, last)),
                    false => Err(format!("`{part}` ends before it begins")),
                };
            }
            yearly(first).zip(yearly(last)).map(|(a, b)| DateRange::Yearly(a, b)).ok_or_else(|| bad(part))
        };
        parts.iter().map(range).collect::<Result<_, _>>().map(Dates)
    }
}

/// Takes a text with commas, or a list of texts, apart.
fn parts<'de, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
) -> Result<Vec<String>, D::Error> {
    struct Parts(&'static str);
    impl<'de> Visitor<'de> for Parts {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<String>, E> {
            let parts: Vec<String> = text.split(',').map(|p| p.trim().to_owned()).collect();
            if parts.iter().any(String::is_empty) {
                return Err(E::custom(format!("`{text}` has an empty part: expected {}", self.0)));
            }
            Ok(parts)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
            let mut all = Vec::new();
            while let Some(text) = list.next_element::<String>()? {
                all.extend(Parts(self.0).visit_str(&text)?);
            }
            if all.is_empty() {
                return Err(serde::de::Error::custom(format!("an empty list: expected {}", self.0)));
            }
            Ok(all)
        }
    }
    deserializer.deserialize_any(Parts(expected))
}

macro_rules! from_parts {
    ($($name:ident: $expected:literal),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $name::parse(&parts(deserializer, $expected)?).map_err(serde::de::Error::custom)
            }
        }
    )*};
}
from_parts!(Days: "days of the week", Hours: "times of day", Dates: "dates");

impl fmt::Display for Times {
    /// The rule for people: `Mon–Thu 10:00–16:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = Vec::new();
        said.extend(self.days.map(|d| d.to_string()));
        said.extend(self.dates.as_ref().map(|d| d.to_string()));
        said.extend(self.hours.as_ref().map(|h| h.to_string()));
        said.extend(self.before_release.map(|l| format!("{:#} before a release", l.0)));
        f.write_str(&said.join(" "))
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = Vec::new();
        let mut day = 0;
        while day < 7 {
            let end = (day..7).find(|d| !self.0[*d]).unwrap_or(7);
            match end - day {
                0 => {}
                1 => said.push(name(day)),
                _ => said.push(format!("{}–{}", name(day), name(end - 1))),
            }
            day = end.max(day) + 1;
        }
        f.write_str(&said.join(", "))
    }
}

fn name(day: usize) -> String {
    let short = NAMES[day];
    format!("{}{}", short[..1].to_ascii_uppercase(), &short[1..])
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |m: Minute| format!("{:02}:{:02}", m / 60, m % 60);
        let ranges: Vec<String> =
            self.0.iter().map(|(start, end)| format!("{}–{}", clock(*start), clock(*end))).collect();
        f.write_str(&ranges.join(", "))
    }
}

impl fmt::Display for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |(month, day): (i8, i8)| format!("{month:02}-{day:02}");
        let ranges: Vec<String> = self
            .0
            .iter()
            .map(|range| match *range {
                DateRange::Once(first, last) if first == last => first.to_string(),
                DateRange::Once(first, last) => format!("{first}..{last}"),
                DateRange::Yearly(first, last) if first == last => day(first),
                DateRange::Yearly(first, last) => format!("{}..{}", day(first), day(last)),
            })
            .collect();
        f.write_str(&ranges.join(", "))
    }
}
