use jiff::civil::{Date, Time};
use jiff::{Span, ToSpan as _};
use proptest::prelude::*;

use super::*;
use crate::data::Lapse;
use crate::rules::gate::Verdict;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    window: WindowConfig,
    calendar: Option<CalendarCase>,
    times: Vec<TimeCase>,
}

#[derive(Deserialize)]
struct CalendarCase {
    from: Date,
    every: Lapse,
    at: Time,
    zone: Zone,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeCase {
    at: Timestamp,
    #[serde(default)]
    open: bool,
    why: Option<String>,
    next: String,
    since: Option<Timestamp>,
}

#[test]
fn every_case_of_the_table() {
    let cases: Vec<Case> =
        crate::rules::yaml::read(include_str!("cases.yml")).expect("the table can be read");
    let mut wrong = Vec::new();
    for case in &cases {
        assert_eq!(case.window.refused(), None, "{}", case.name);
        let calendar = case.calendar.as_ref().map(|c| Calendar {
            from: c.from,
            every: c.every.0,
            at: c.at,
            zone: c.zone.0.clone(),
            skip: Vec::new(),
            freeze: Span::new().hours(24),
        });
        for time in &case.times {
            let answer = case.window.answer(calendar.as_ref(), Ok(Vec::new()), time.at);
            let verdict = if time.open { Verdict::Pass } else { Verdict::Fail };
            let next = (time.next != "never").then(|| time.next.parse::<Timestamp>().expect("a time"));
            let why = time.why.as_ref().map(|why| format!("closed: {why}"));
            let fits = answer.verdict == verdict
                && answer.until == next
                && answer.opens == next.filter(|_| !time.open)
                && why.is_none_or(|why| why == answer.why)
                && time.since.is_none_or(|since| answer.since == Some(since));
            if !fits {
                wrong.push(format!("{} at {}: {answer:#?}", case.name, time.at));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unknown_freeze_periods_pass_nothing() {
    let window: WindowConfig =
        crate::rules::yaml::read("{freeze_periods: true, closed: [{days: fri}]}").unwrap();
    let answer = |at: &str| window.answer(None, Err("timeout".to_owned()), at.parse().unwrap());
    let unknown = answer("2026-11-19T12:00:00Z");
    assert_eq!(unknown.verdict, Verdict::Unknown);
    assert!(unknown.why.contains("timeout"), "{}", unknown.why);
    let closed = answer("2026-11-20T12:00:00Z");
    assert_eq!((closed.verdict, closed.opens), (Verdict::Fail, None), "closed whatever the freezes are");
}

#[test]
fn times_beyond_all_calendars_are_unknown() {
    let window: WindowConfig = crate::rules::yaml::read("{open: [{days: mon}]}").unwrap();
    for at in [Timestamp::MIN, Timestamp::MAX] {
        assert_eq!(window.answer(None, Ok(Vec::new()), at).verdict, Verdict::Unknown);
    }
    let edge = *REASONABLE.end();
    assert_ne!(window.answer(None, Ok(Vec::new()), edge).verdict, Verdict::Unknown);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let wrong = [
        "{open: [{}]}",
        "{open: [{days: someday}]}",
        "{open: [{days: []}]}",
        "{open: [{hours: 10-16}]}",
        "{open: [{hours: '10:00-10:00'}]}",
        "{open: [{hours: '24:00-02:00'}]}",
        "{open: [{hours: '10:00-24:01'}]}",
        "{open: [{dates: 2026-02-29}]}",
        "{open: [{dates: 02-30}]}",
        "{open: [{dates: 2026-03-01..2026-02-01}]}",
        "{zone: Europe/Berlim, open: [{days: mon}]}",
        "{freezes: [{start: 0 23 * *, end: 0 7 * * 1}]}",
        "{freezes: [{start: 0 25 * * 5, end: 0 7 * * 1}]}",
        "{}",
    ];
    for text in wrong {
        let window = crate::rules::yaml::read::<WindowConfig>(text);
        assert!(window.is_err() || window.is_ok_and(|w| w.refused().is_some()), "{text}");
    }
}

/// Windows of few rules, in zones that move their clocks.
fn windows() -> impl Strategy<Value = WindowConfig> {
    let zone = prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "America/Asuncion",
    ]);
    let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
    let hours = (0..1440_u32, 1..1440_u32)
        .prop_map(move |(start, length)| format!("{}-{}", clock(start), clock((start + length) % 1440)));
    let days = prop::sample::select(vec!["mon-fri", "sun", "fri-mon", "tue, thu", "mon-sun"]);
    let dates = prop::sample::select(vec!["03-29", "10-20..11-02", "12-24..01-02", "02-29"]);
    let times = (prop::option::of(days), prop::option::of(hours), prop::option::weighted(0.2, dates))
        .prop_map(|(days, hours, dates)| {
            let days = days.or(hours.is_none().then_some("mon-thu"));
            let mut text = Vec::new();
            text.extend(days.map(|d| format!("days: '{d}'")));
            text.extend(hours.map(|h| format!("hours: '{h}'")));
            text.extend(dates.map(|d| format!("dates: '{d}'")));
            format!("{{{}}}", text.join(", "))
        });
    let list = || prop::collection::vec(times.clone(), 0..3);
    (zone, list(), list(), any::<bool>()).prop_map(|(zone, open, closed, freeze)| {
        let freezes = if freeze { "[{start: '30 2 * * 6', end: '0 3 * * 0'}]" } else { "[]" };
        let text = format!(
            "{{zone: {zone}, open: [{}], closed: [{}], freezes: {freezes}}}",
            open.join(", "),
            closed.join(", ")
        );
        crate::rules::yaml::read(&text).expect("a window")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// What is said to change next changes just then, and nothing changes before: every minute is looked at.
    #[test]
    fn nothing_opens_before_the_next_opening(
        config in windows(),
        // Around the days on which clocks are moved, to be sure.
        day in prop::sample::select(vec![
            "2026-03-27T00:00:00Z", "2026-10-23T00:00:00Z", "2026-10-31T00:00:00Z", "2026-10-02T00:00:00Z",
            "2026-12-31T00:00:00Z", "2028-02-28T00:00:00Z",
        ]),
        minutes in 0..4320_i64,
    ) {
        let window = Window::new(
            &config,
            None,
            config.freezes.iter().map(|f| Freeze::of_config(f, &config.zone)).collect(),
        );
        let at = day.parse::<Timestamp>().unwrap() + minutes.minutes();
        let now = window.closed(at).is_none();
        let next = window.next(at, !now);
        let mut cursor = at;
        for _ in 0..3 * 1440 {
            cursor += 1.minutes();
            let changed = (window.closed(cursor).is_none()) != now;
            if Some(cursor) == next {
                prop_assert!(changed, "no change at {cursor}");
                break;
            }
            prop_assert!(next.is_none_or(|n| cursor < n), "{next:?} was missed at {cursor}");
            prop_assert!(!changed, "changed at {cursor}, not {next:?}");
        }
        let answer = config.answer(None, Ok(Vec::new()), at);
        if let Some(since) = answer.since {
            prop_assert!(since <= at && window.closed(since).is_none() == now);
            let before = since - 1.seconds();
            prop_assert!(window.closed(before).is_none() != now, "since {since}, yet no other before");
        }
    }

    /// The order of rules does not matter.
    #[test]
    fn rules_have_no_order(mut config in windows(), minutes in 0..525_600_i64) {
        let at = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + minutes.minutes();
        let before = config.answer(None, Ok(Vec::new()), at);
        config.open.reverse();
        config.closed.reverse();
        let after = config.answer(None, Ok(Vec::new()), at);
        prop_assert_eq!((before.verdict, before.until, before.since), (after.verdict, after.until, after.since));
    }
}
