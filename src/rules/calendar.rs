//! The release calendar: every two weeks from a date, never on days that are skipped, in a time zone.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

/// When releases take place.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The date of any one release.
    pub from: Date,
    /// How far apart they are.
    pub every: Span,
    /// The time of day.
    pub at: Time,
    /// The zone in which date and time are meant.
    pub zone: TimeZone,
    /// Dates on which there is none.
    pub skip: Vec<Date>,
    /// How long before a release the code is frozen.
    pub freeze: Span,
}

/// One release of the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// When it takes place.
    pub at: Zoned,
    /// When the freeze before it begins.
    pub freeze: Zoned,
    /// The date that was moved because it was skipped.
    pub moved_from: Option<Date>,
}

/// Far more releases than any calendar is asked for; keeps a senseless calendar from running on.
const MOST: i64 = 100_000;

impl Calendar {
    /// The releases that have not begun at a time, in order. A time of day that the zone leaves out on that date (a
    /// clock set forward) is the first after the gap, and one that comes twice is the first, as jiff and RFC 5545 have
    /// it (<https://docs.rs/jiff/latest/jiff/tz/enum.Disambiguation.html>).
    pub fn after<'c>(&'c self, now: &'c Zoned) -> impl Iterator<Item = Release> + 'c {
        let mut last: Option<Zoned> = None;
        (self.start(now)..MOST)
            .map_while(|n| self.release(n))
            .filter(move |release| release.at > *now)
            // Two dates that are moved to the same day are one release.
            .filter(move |release| {
                let new = last.as_ref() != Some(&release.at);
                last = Some(release.at.clone());
                new
            })
    }

    /// A number of a release that is surely before `now`, so that a calendar of long ago is not counted through.
    fn start(&self, now: &Zoned) -> i64 {
        let today = now.with_time_zone(self.zone.clone()).date();
        // The shortest that a step can be, in days; a month has at least 28.
        let days = i64::from(self.every.get_years()) * 365
            + i64::from(self.every.get_months()) * 28
            + i64::from(self.every.get_weeks()) * 7
            + i64::from(self.every.get_days());
        let (mut low, mut high) = (0, MOST);
        if days == 0 || self.from >= today {
            return 0;
        }
        // The dates only grow: halve until the last one before today is found, and step back for those that were moved.
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            match self.nominal(middle) {
                Some(date) if date < today => low = middle,
                _ => high = middle,
            }
        }
        (low - 2).max(0)
    }

    fn nominal(&self, n: i64) -> Option<Date> {
        self.from.checked_add(self.every.checked_mul(n).ok()?).ok()
    }

    fn release(&self, n: i64) -> Option<Release> {
        let nominal = self.nominal(n)?;
        let mut date = nominal;
        let weekend = |d: Date| matches!(d.weekday(), Weekday::Saturday | Weekday::Sunday);
        while self.skip.contains(&date) || (date != nominal && weekend(date)) {
            date = date.tomorrow().ok()?;
        }
        let at = date.to_datetime(self.at).to_zoned(self.zone.clone()).ok()?;
        let freeze = at.checked_sub(self.freeze).ok()?;
        Some(Release { at, freeze, moved_from: (date != nominal).then_some(nominal) })
    }

    /// The release whose freeze has begun at a time, if there is one.
    pub fn frozen(&self, now: &Zoned) -> Option<Release> {
        self.after(now).next().filter(|release| release.freeze <= *now)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    fn calendar(from: Date, every: &str, zone: &str, skip: &[Date]) -> Calendar {
        Calendar {
            from,
            every: every.parse().unwrap(),
            at: time(2, 30, 0, 0),
            zone: TimeZone::get(zone).unwrap(),
            skip: skip.to_vec(),
            freeze: "24h".parse().unwrap(),
        }
    }

    fn dates(calendar: &Calendar, now: &str, count: usize) -> Vec<String> {
        let now: Zoned = now.parse().unwrap();
        calendar.after(&now).take(count).map(|r| r.at.to_string()).collect()
    }

    #[test]
    fn every_two_weeks_from_long_ago() {
        let calendar = calendar(date(2020, 1, 7), "2 weeks", "UTC", &[]);
        assert_eq!(
            dates(&calendar, "2026-11-21T00:00:00[UTC]", 2),
            ["2026-12-01T02:30:00+00:00[UTC]", "2026-12-15T02:30:00+00:00[UTC]"]
        );
    }

    #[test]
    fn a_release_of_today_counts_until_it_begins() {
        let calendar = calendar(date(2026, 3, 3), "1 week", "UTC", &[]);
        assert!(dates(&calendar, "2026-03-03T02:29:00[UTC]", 1)[0].starts_with("2026-03-03"));
        assert!(dates(&calendar, "2026-03-03T02:30:00[UTC]", 1)[0].starts_with("2026-03-10"));
    }

    #[test]
    fn months_keep_the_day_and_end_with_the_month() {
        let calendar = calendar(date(2026, 1, 31), "1 month", "UTC", &[]);
        let days: Vec<_> =
            dates(&calendar, "2026-01-01T00:00:00[UTC]", 4).iter().map(|d| d[..10].to_owned()).collect();
        assert_eq!(days, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]);
    }

    #[test]
    fn skipped_days_move_past_weekends() {
        let calendar =
            calendar(date(2026, 12, 25), "2 weeks", "UTC", &[date(2026, 12, 25), date(2026, 12, 28)]);
        let now: Zoned = "2026-12-20T00:00:00[UTC]".parse().unwrap();
        let first = calendar.after(&now).next().unwrap();
        assert_eq!(
            first.at.date(),
            date(2026, 12, 29),
            "Friday → Saturday, Sunday, then Monday is skipped too"
        );
        assert_eq!(first.moved_from, Some(date(2026, 12, 25)));
    }

    #[test]
    fn gaps_and_folds_of_the_clock() {
        let gap = calendar(date(2026, 3, 29), "1 week", "Europe/Berlin", &[]);
        assert_eq!(dates(&gap, "2026-03-28T00:00:00[UTC]", 1), ["2026-03-29T03:30:00+02:00[Europe/Berlin]"]);
        let fold = calendar(date(2026, 10, 25), "1 week", "Europe/Berlin", &[]);
        assert_eq!(dates(&fold, "2026-10-24T00:00:00[UTC]", 1), ["2026-10-25T02:30:00+02:00[Europe/Berlin]"]);
    }

    #[test]
    fn the_freeze_holds_from_its_start_to_the_release() {
        let calendar = calendar(date(2026, 3, 3), "2 weeks", "UTC", &[]);
        let frozen = |now: &str| calendar.frozen(&now.parse().unwrap()).is_some();
        assert!(!frozen("2026-03-02T02:29:59[UTC]"));
        assert!(frozen("2026-03-02T02:30:00[UTC]"));
        assert!(frozen("2026-03-03T02:29:59[UTC]"));
        assert!(!frozen("2026-03-03T02:30:00[UTC]"));
    }
}
