//! What is to be told when: from two days before a release to an hour after it.

use jiff::{Span, Timestamp};
use serde::Deserialize;

use super::Event;

/// A point of the timeline.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// How long before (`-48h`) or after (`60m`) the release's start.
    pub at: Offset,
    /// What is told.
    pub send: Event,
}

/// A length of time with a sign.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Offset(pub Span);

impl TryFrom<String> for Offset {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let span: Span = text
            .parse()
            .map_err(|_| format!("`{text}` is no length of time: write `-48h`, `-15m` or `60m`"))?;
        match Timestamp::UNIX_EPOCH.checked_add(span) {
            Ok(_) => Ok(Offset(span)),
            Err(_) => {
                Err(format!("`{text}` is not told in hours, minutes and seconds: write `-48h` for two days"))
            }
        }
    }
}

/// The points where none are configured.
pub fn usual() -> Vec<Point> {
    let point = |minutes: i64, send| Point { at: Offset(Span::new().minutes(minutes)), send };
    vec![
        point(-48 * 60, Event::Announcement),
        point(-24 * 60, Event::Maintenance),
        point(-15, Event::Reminder),
        point(60, Event::Report),
    ]
}

/// What a moment asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// What is to be told now, and since when.
    pub now: Option<(Timestamp, Event)>,
    /// What comes next.
    pub next: Option<(Timestamp, Event)>,
}

/// How long after the last point it is still worth telling, in hours.
const LATE: i64 = 24;

/// What is due: the last point that has come, until the next one does. What is told ahead is not told any more once the
/// release has started.
pub fn due(points: &[Point], start: Timestamp, now: Timestamp) -> Due {
    let mut times: Vec<(Timestamp, Event)> =
        points.iter().filter_map(|p| Some((start.checked_add(p.at.0).ok()?, p.send))).collect();
    times.sort_by_key(|(at, _)| *at);
    let next = times.iter().copied().find(|(at, _)| *at > now);
    let last = times.iter().copied().rfind(|(at, _)| *at <= now);
    let late = |at: Timestamp| at.checked_add(Span::new().hours(LATE)).is_ok_and(|end| now >= end);
    let now = last.filter(|(at, event)| if event.ahead() { now < start } else { !late(*at) });
    Due { now, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_is_due_until_the_next() {
        let start: Timestamp = "2026-03-10T09:00:00Z".parse().expect("a time");
        for (now, event, next) in [
            ("2026-03-08T08:59:59Z", None, Some(Event::Announcement)),
            ("2026-03-08T09:00:00Z", Some(Event::Announcement), Some(Event::Maintenance)),
            ("2026-03-09T08:59:59Z", Some(Event::Announcement), Some(Event::Maintenance)),
            ("2026-03-09T09:00:00Z", Some(Event::Maintenance), Some(Event::Reminder)),
            ("2026-03-10T08:45:00Z", Some(Event::Reminder), Some(Event::Report)),
            ("2026-03-10T09:00:00Z", None, Some(Event::Report)),
            ("2026-03-10T10:00:00Z", Some(Event::Report), None),
            ("2026-03-11T10:00:00Z", None, None),
        ] {
            let due = due(&usual(), start, now.parse().expect("a time"));
            assert_eq!((due.now.map(|d| d.1), due.next.map(|d| d.1)), (event, next), "at {now}");
        }
    }

    #[test]
    fn offsets_are_hours_with_a_sign() {
        assert!(Offset::try_from("-48h".to_owned()).is_ok());
        assert!(Offset::try_from("60m".to_owned()).is_ok());
        assert!(Offset::try_from("soon".to_owned()).is_err());
        assert!(Offset::try_from("1 month".to_owned()).is_err());
    }
}
