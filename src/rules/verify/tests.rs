#![allow(clippy::unwrap_used)]

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::change::{Change, Unit};
use super::config::Verify;
use super::report::{line, sparkline, summary, table};
use super::state::{Next, State, looks};
use super::{Past, Reading, Seen, Verdict};

fn verify(value: serde_json::Value) -> Verify {
    serde_json::from_value(value).unwrap()
}

fn wrong(value: serde_json::Value) -> String {
    serde_json::from_value::<Verify>(value).unwrap_err().to_string()
}

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// Plays a series, a value a look: letters stand for no data and for an error.
fn play(verify: &Verify, series: &[Seen]) -> State {
    let mut state = State::new("k", start());
    for seen in series {
        let now = match state.next(verify, state.started) {
            Next::Wait(until) => until,
            other => panic!("{other:?}"),
        };
        let Next::Look(number) = state.next(verify, now) else { panic!("it is due") };
        state.observe(verify, number, now, std::slice::from_ref(seen));
        // A new process goes on from what is stored.
        state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        if state.ended.is_some() {
            break;
        }
    }
    state
}

fn values(text: &str) -> Vec<Seen> {
    text.split_whitespace()
        .map(|word| {
            Seen::of(match word {
                "-" => Reading::Nothing("no traffic".to_owned()),
                "!" => Reading::Error("connection refused".to_owned()),
                number => Reading::Value(number.parse().unwrap()),
            })
        })
        .collect()
}

fn simple(more: serde_json::Value) -> serde_json::Value {
    let mut all = json!({"for": "10s", "interval": "1s", "prometheus": "http://p", "metrics": [{"name": "m", "query": "q", "max": 5}]});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

/// The verdict, the number of the look that decided, and why.
fn ended(state: &State) -> (Verdict, u32, String) {
    let end = state.ended.as_ref().expect("it has ended");
    (end.verdict, state.looked, end.metrics[0].2.clone())
}

#[test]
fn series_are_decided() {
    use Verdict::{Fail, NoData, Pass, ProviderError};
    let cumulative = json!({"fail": {"after": 3, "counting": "cumulative"}});
    for (more, series, verdict, at, why) in [
        (json!({}), "1 2 3 4 5 1 2 3 4 5", Pass, 10, "5"),
        (json!({}), "1 9 9 9 1 1 1 1 1 1", Fail, 4, "3 times in a row: 9 is above 5"),
        (json!({}), "9 9 1 9 9 1 9 9 1 1", Pass, 10, "failed 6 times, fewer than 3"),
        (cumulative.clone(), "9 9 1 9 1 1 1 1 1 1", Fail, 4, "3 times in all: 9 is above 5"),
        // Nothing seen neither counts nor makes forgotten.
        (json!({}), "9 - 9 ! 9 1 1 1 1 1", Fail, 5, "3 times in a row: 9 is above 5"),
        (json!({}), "- - - - - - - - - -", NoData, 10, "10 of 10 looks: no traffic"),
        (json!({}), "! ! ! ! ! ! ! ! ! !", ProviderError, 10, "10 of 10 looks: connection refused"),
        (json!({}), "! ! ! - - - ! 1 1 1", ProviderError, 10, "4 of 10 looks: connection refused"),
        (json!({}), "- - - - - 1 1 1 1 1", Pass, 10, "1"),
        (json!({"on_no_data": "fail"}), "1 - - - 1 1 1 1 1 1", Fail, 4, "3 times in a row: no traffic"),
        (json!({"on_no_data": "pass"}), "- - - - - - - - - -", Pass, 10, ""),
        (
            json!({"on_provider_error": "fail"}),
            "! ! ! 1 1 1 1 1 1 1",
            Fail,
            3,
            "3 times in a row: connection refused",
        ),
        (json!({}), "NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN", NoData, 10, "10 of 10 looks: no value (NaN)"),
        (json!({}), "inf inf inf 1 1 1 1 1 1 1", Fail, 3, "3 times in a row: inf is above 5"),
        (
            json!({"metrics": [{"name": "m", "query": "q", "max": 0, "fail": {"after": 1}}]}),
            "0 0 1 0 0 0 0 0 0 0",
            Fail,
            3,
            "once in a row: 1 is above 0",
        ),
        (
            json!({"metrics": [{"name": "m", "query": "q", "min": 5}]}),
            "6 4 4 4",
            Fail,
            4,
            "3 times in a row: 4 is below 5",
        ),
    ] {
        let verify = verify(simple(more.clone()));
        let state = play(&verify, &values(series));
        assert_eq!(ended(&state), (verdict, at, why.to_owned()), "{more} {series}");
    }
}

fn with_past(value: f64, mean: f64, deviation: f64, events: Option<f64>) -> Seen {
    Seen {
        events: events.map(Reading::Value),
        past: Some(Ok(Past { mean, deviation: Some(deviation), count: 60 })),
        ..Seen::of(Reading::Value(value))
    }
}

#[test]
fn changes_are_against_the_baseline_and_need_a_sample() {
    let rise = |change: &str, more: serde_json::Value| {
        let mut metric = json!({"name": "m", "query": "q", "max_rise": change});
        metric.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        verify(simple(json!({"metrics": [metric]})))
    };
    let all = |seen: Seen| vec![seen; 10];
    // +1 point on a share of 0.5 % takes 1,223 events a side.
    let errors = rise("1 point", json!({"events": "e"}));
    for (found, events, verdict, says) in [
        (0.006, 200.0, Verdict::Pass, "0.006, baseline 0.005"),
        (
            0.006,
            100.0,
            Verdict::NoData,
            "inconclusive: to show a change of 0.01 from 0.005 takes 1224 events, there were 1000",
        ),
        (
            0.05,
            200.0,
            Verdict::Fail,
            "3 times in a row: 0.05 is 0.045 above the baseline 0.005, at most 1 point is allowed",
        ),
        // One error of twenty is five percent, and chance.
        (
            0.05,
            20.0,
            Verdict::NoData,
            "10 of 10 looks: inconclusive: 0.05 is 0.045 above the baseline 0.005, at most 1 point is allowed, which chance makes of 20 events",
        ),
        (0.05, 0.0, Verdict::NoData, "10 of 10 looks: 0 events, 1 are needed"),
    ] {
        let state = play(&errors, &all(with_past(found, 0.005, 0.001, Some(events))));
        let (ended, _, why) = ended(&state);
        assert_eq!((ended, why.as_str()), (verdict, says), "{found} {events}");
    }
    // +20 % of 250 ms is 50 ms.
    let latency = rise("20 %", json!({}));
    for (found, deviation, verdict, says) in [
        (0.29, 0.02, Verdict::Pass, "0.29, baseline 0.25"),
        (
            0.31,
            0.02,
            Verdict::Fail,
            "3 times in a row: 0.31 is 0.06 above the baseline 0.25, at most 20 % is allowed",
        ),
        (
            0.29,
            0.2,
            Verdict::NoData,
            "inconclusive: to show a change of 0.05 from 0.25 takes 198 looks, there were 10",
        ),
    ] {
        let state = play(&latency, &all(with_past(found, 0.25, deviation, None)));
        let (ended, _, why) = ended(&state);
        assert_eq!((ended, why.as_str()), (verdict, says), "{found}");
    }
    let unknown =
        Seen { past: Some(Err(Reading::Error("refused".to_owned()))), ..Seen::of(Reading::Value(1.0)) };
    assert_eq!(ended(&play(&latency, &all(unknown))).0, Verdict::ProviderError);
    let constant = rise("0.5", json!({"baseline": {"value": 2.0}}));
    assert_eq!(ended(&play(&constant, &values("2 2.4 2.6 2.6 2.6"))).0, Verdict::Fail);
    let fall = verify(simple(json!({"metrics": [
        {"name": "m", "query": "q", "max_fall": "1 point", "unit": "percent", "baseline": {"value": 99.9}}]})));
    assert_eq!(ended(&play(&fall, &values("99.5 98 98 98"))).0, Verdict::Fail);
}

#[test]
fn a_canary_is_compared_over_all_looks() {
    let canary = |worse: &str| {
        verify(simple(json!({"for": "20s", "metrics": [
            {"name": "m", "query": "q", "canary": {"stable": "s", "worse": worse, "min_looks": 8}}]})))
    };
    let series = |shift: f64| -> Vec<Seen> {
        (0..20)
            .map(|i| {
                let noise = f64::from(i * 7 % 5);
                let value = Reading::Value(100.0 + noise + shift);
                Seen { other: Some(Reading::Value(100.0 + f64::from(i * 3 % 5))), ..Seen::of(value) }
            })
            .collect()
    };
    let decided = |worse: &str, shift: f64| {
        let state = play(&canary(worse), &series(shift));
        (ended(&state).0, state.looked)
    };
    assert_eq!(decided("higher", 0.0), (Verdict::Pass, 20));
    // The eighth look is the first that is compared; three in a row fail.
    assert_eq!(decided("higher", 10.0), (Verdict::Fail, 10));
    assert_eq!(decided("higher", -10.0), (Verdict::Pass, 20));
    assert_eq!(decided("lower", -10.0), (Verdict::Fail, 10));
    assert_eq!(decided("either", -10.0), (Verdict::Fail, 10));
}

#[test]
fn budgets_burn() {
    let slo = verify(simple(json!({"metrics": [{"name": "m", "slo": {
        "objective": 99.9, "errors": "e[{window}]", "burn": [{"long": "1h", "short": "5m", "rate": 14.4}]}}]})));
    let seen = |long: f64, short: f64| Seen {
        burn: vec![(Reading::Value(long), Reading::Value(short))],
        ..Seen::of(Reading::Nothing(String::new()))
    };
    let state = play(&slo, &vec![seen(0.02, 0.03); 10]);
    assert_eq!(
        ended(&state).2,
        "3 times in a row: the budget burns 20× over 1h, 30× over 5m; 14.4× is too fast"
    );
    // It has stopped: the short window says so.
    assert_eq!(ended(&play(&slo, &vec![seen(0.02, 0.001); 10])).0, Verdict::Pass);
}

#[test]
fn a_watch_goes_on_where_it_was() {
    let verify = verify(simple(json!({"after": "5s"})));
    let mut state = State::new("k", start());
    let at = |seconds: i64| start() + SignedDuration::from_secs(seconds);
    assert_eq!(looks(&verify), 10);
    assert_eq!(state.next(&verify, at(0)), Next::Wait(at(6)));
    assert_eq!(state.next(&verify, at(6)), Next::Look(1));
    state.observe(&verify, 1, at(6), &values("1"));
    assert_eq!(state.next(&verify, at(6)), Next::Wait(at(7)));
    // The job was away for three looks.
    assert_eq!(state.next(&verify, at(10)), Next::Look(5));
    // It never came back, and then somebody looked.
    assert_eq!(state.next(&verify, at(60)), Next::Close);
    state.close(&verify, at(60));
    assert_eq!(state.next(&verify, at(61)), Next::Done(Verdict::NoData));
    let mut late = State::new("k", start());
    late.observe(&verify, 9, at(14), &values("1"));
    late.close(&verify, at(60));
    assert_eq!(ended(&late), (Verdict::NoData, 9, "9 of 10 looks were missed".to_owned()));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let metric = |m: serde_json::Value| simple(json!({"metrics": [m]}));
    for (value, says) in [
        (json!({"metrics": []}), "watches nothing"),
        (simple(json!({"interval": "1m"})), "longer than `for`"),
        (simple(json!({"fail": {"after": 0}})), "at least 1"),
        (simple(json!({"authorization": "Bearer abc"})), "holds a secret"),
        (metric(json!({"name": "m", "max": 1})), "one of `query`, `json`, `slo`"),
        (metric(json!({"name": "m", "query": "q"})), "it needs one of `max`"),
        (json!({"metrics": [{"name": "m", "query": "q", "max": 1}]}), "need `prometheus`"),
        (metric(json!({"name": "m", "query": "q", "max_rise": "much"})), "is no change"),
        (
            metric(json!({"name": "m", "query": "q", "max": 1, "baseline": {"value": 1}})),
            "belongs to `max_rise`",
        ),
        (
            metric(json!({"name": "m", "json": {"url": "http://h", "path": "$.x"}, "max_rise": "1"})),
            "has no past",
        ),
        (metric(json!({"name": "m", "json": {"url": "http://h", "path": "x"}, "max": 1})), "no JSONPath"),
        (metric(json!({"name": "m", "slo": {"objective": 99, "errors": "e"}})), "needs `{window}`"),
        (metric(json!({"name": "m", "query": "q", "max": 1, "maxx": 2})), "unknown field"),
    ] {
        let error = wrong(value.clone());
        assert!(error.contains(says), "{value}: {error}");
    }
    let one = verify(simple(json!({"metrics": [{"name": "m", "query": "q", "max_rise": "+20 %"}]})));
    assert_eq!(serde_json::from_value::<Verify>(serde_json::to_value(&one).unwrap()).unwrap(), one);
    assert_eq!(Change::Points(1.0).of(0.5, Unit::Share), 0.01);
    assert_eq!(Change::Points(1.0).of(0.5, Unit::Percent), 1.0);
}

#[test]
fn reports() {
    let verify = verify(simple(json!({})));
    let state = play(&verify, &values("1 2 - 9 9 9"));
    assert_eq!(line(&verify, &state), "look 6 of 10: m 9 fail 3/3 (9 is above 5)");
    assert_eq!(table(&verify, &state), ["fail            m  9  ▁▂·███  3 times in a row: 9 is above 5"]);
    let text = summary("prod|x", &verify, &state);
    assert!(text.starts_with("## Verify prod\\|x: fail\n") && text.contains("| ▁▂·███ |"), "{text}");
    assert_eq!(sparkline(&[Some(1.0), Some(1.0), None], 10), "▁▁·");
    let many: Vec<Option<f64>> = (0..1000).map(|n| Some(f64::from(n % 100))).collect();
    assert_eq!(sparkline(&many, 40).chars().count(), 40);
}
