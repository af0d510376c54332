#![allow(clippy::unwrap_used)]

use super::config::{Check, Kind, Smoke};
use super::judge::{Answer, http, percentile, tls, version};
use super::status::Statuses;
use super::{job, report};
use jiff::Timestamp;
use serde_json::json;

fn check(value: serde_json::Value) -> Result<Check, String> {
    serde_json::from_value(value).map_err(|e| e.to_string())
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        body: body.to_owned(),
        headers: vec![("x-version".to_owned(), "v1.2.3".to_owned())],
        seconds: 0.1,
    }
}

#[test]
fn statuses() {
    for (text, shown, has, has_not) in [
        ("200", "200", 200, 201),
        ("2xx", "2xx", 299, 300),
        ("200-204, 404", "200-204, 404", 404, 205),
        ("3xx", "3xx", 301, 200),
    ] {
        let it: Statuses = text.parse().unwrap();
        assert_eq!(it.to_string(), shown);
        assert!(it.has(has) && !it.has(has_not), "{text}");
    }
    for wrong in ["", "20", "600", "xx", "204-200", "0xx", "2xx-3xx"] {
        assert!(wrong.parse::<Statuses>().is_err(), "{wrong}");
    }
}

#[test]
fn answers_are_judged() {
    let base = json!({"url": "http://h/"});
    for (more, status, body, says) in [
        (json!({}), 204, "", ""),
        (json!({}), 503, "down for\n maintenance", "it answers 503, not 2xx: down for maintenance"),
        (json!({"status": [200, "404"]}), 404, "", ""),
        (json!({"json": {"$.a.b": 1}}), 200, r#"{"a":{"b":1.0}}"#, ""),
        (json!({"json": {"$.a.b": 2}}), 200, r#"{"a":{"b":1}}"#, "$.a.b is 1, not 2"),
        (json!({"json": {"$.a[*].ok": true}}), 200, r#"{"a":[{"ok":false},{"ok":true}]}"#, ""),
        (json!({"json": {"$.a": 1}}), 200, "{}", "the answer has no $.a: {}"),
        (json!({"json": {"$.a": 1}}), 200, "<html>", "the answer is no JSON: <html>"),
        (json!({"json": {"$.a": 1}}), 200, " ", "the answer is empty, not JSON"),
        (json!({"contains": "up"}), 200, "it is up", ""),
        (json!({"contains": "up"}), 200, "down", "`up` is not in the answer: down"),
        (json!({"matches": "^ok$"}), 200, "not ok", "`^ok$` does not match the answer: not ok"),
        (json!({"expect_headers": {"X-Version": "1.2"}}), 200, "", ""),
        (json!({"expect_headers": {"x-version": "9"}}), 200, "", "the header x-version is `v1.2.3`, not `9`"),
        (json!({"expect_headers": {"etag": ""}}), 200, "", "it has no header etag"),
        (json!({"redirects_to": "/x", "status": 301}), 301, "", "it does not redirect, to /x"),
    ] {
        let mut value = base.clone();
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let Kind::Http(it) = check(json!({"http": value})).unwrap().kind else { panic!() };
        assert_eq!(http(&it, &answer(status, body)).err().unwrap_or_default(), says, "{more}");
    }
}

#[test]
fn a_location_is_a_path_or_a_whole_address() {
    let says = |location: &str, wanted: &str| {
        let value = json!({"url": "http://shop.example:8080/old", "status": 301, "redirects_to": wanted});
        let Kind::Http(it) = check(json!({"http": value})).unwrap().kind else { panic!() };
        let headers = vec![("location".to_owned(), location.to_owned())];
        http(&it, &Answer { status: 301, headers, ..Answer::default() }).is_ok()
    };
    for location in ["/health", "http://shop.example:8080/health", "health"] {
        assert!(says(location, "/health"), "{location}");
    }
    assert!(says("/health", "http://shop.example:8080/health"));
    for location in
        ["http://shop.example/health", "https://shop.example:8080/health", "/health2", "//evil/health"]
    {
        assert!(!says(location, "/health"), "{location}");
    }
}

#[test]
fn versions_are_compared() {
    for (place, body, wanted, says) in [
        (json!({"json": "$.version"}), r#"{"version":"v1.2.3"}"#, "1.2.3", ""),
        (json!({"json": "$.version"}), r#"{"version":"1.2.2"}"#, "1.2.3", "version 1.2.2 answers, not 1.2.3"),
        (json!({"json": "$.version"}), r#"{"version":7}"#, "7", ""),
        (json!({"json": "$.version"}), "{}", "7", "the answer says no version at $.version: {}"),
        (json!({"header": "X-Version"}), "", "1.2.3", ""),
        (json!({"header": "x-none"}), "", "1.2.3", "the answer says no version in the header x-none"),
        (json!({"pattern": "build ([0-9.]+)"}), "build 1.2.3 of today", "v1.2.3", ""),
        (json!({"pattern": "build ([0-9.]+)"}), "nothing", "1", "the answer says no version: nothing"),
    ] {
        let value = json!({"http": {"url": "http://h/", "version": place}});
        let Kind::Http(it) = check(value).unwrap().kind else { panic!() };
        let judged = version(&it.version.unwrap(), wanted, &answer(200, body));
        assert_eq!(judged.err().unwrap_or_default(), says, "{body}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (value, says) in [
        (json!({"name": "x"}), "a check needs one of"),
        (json!({"tcp": {"address": "h:1"}, "dns": {"name": "h"}}), "`tcp` and `dns` are two checks"),
        (json!({"http": {"url": "h/"}}), "is no address"),
        (json!({"http": {"url": "http://u:p@h/"}}), "holds a password"),
        (json!({"http": {"url": "http://h/?token=x"}}), "the parameter token holds a secret"),
        (
            json!({"http": {"url": "http://h/", "headers": {"Authorization": "Bearer x"}}}),
            "Authorization holds a secret",
        ),
        (json!({"http": {"url": "http://h/", "json": {"a.b": 1}}}), "is no JSONPath"),
        (json!({"http": {"url": "http://h/", "matches": "("}}), "is no regular expression"),
        (json!({"http": {"url": "http://h/", "version": {}}}), "`version` needs one of"),
        (json!({"http": {"url": "http://h/", "samples": 0}}), "`samples` is at least 1"),
        (json!({"http": {"url": "http://h/", "method": "get"}}), "is no method"),
        (json!({"http": {"url": "http://h/", "timeout": "1 day"}}), "no exact length of time"),
        (json!({"http": {"url": "http://h/", "statsu": 200}}), "unknown field"),
        (json!({"tcp": {"address": "h"}}), "write host:port"),
    ] {
        let error = check(value.clone()).expect_err(&value.to_string());
        assert!(error.contains(says), "{value}: {error}");
    }
}

#[test]
fn a_saved_check_is_the_same_check() {
    for value in [
        json!({"http": {"url": "https://h/", "status": ["2xx", "404"], "p95": "300ms", "version": {"json": "$.v"}}}),
        json!({"name": "n", "tls": {"address": "h:443", "days": 3}}),
        json!({"dns": {"name": "h", "addresses": ["::1"]}}),
        json!({"grpc": {"address": "h:1", "service": "s", "tls": true}}),
        json!({"command": {"run": "true", "timeout": "1s"}}),
        json!({"hurl": {"files": ["a.hurl"]}}),
    ] {
        let one = check(value).unwrap();
        let again = check(serde_json::to_value(&one).unwrap()).unwrap();
        assert_eq!(one, again);
    }
}

#[test]
fn percentiles_are_by_nearest_rank() {
    let values: Vec<f64> = (1..=20).map(f64::from).collect();
    assert_eq!(percentile(&values, 95.0), Some(19.0));
    assert_eq!(percentile(&[3.0], 95.0), Some(3.0));
    assert_eq!(percentile(&[], 95.0), None);
}

#[test]
fn certificates_are_judged() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let Kind::Tls(it) = check(json!({"tls": {"address": "h:443"}})).unwrap().kind else { panic!() };
    let (old, soon, late) =
        (at("2025-12-31T00:00:00Z"), at("2026-01-11T00:00:00Z"), at("2026-03-01T00:00:00Z"));
    let says = |ends: &[Timestamp], untrusted| tls(&it, ends, untrusted, now).unwrap_or_else(|e| e);
    assert_eq!(says(&[old], Some("expired")), "its certificate expired on 2025-12-31T00:00:00Z");
    assert_eq!(
        says(&[late, soon], None),
        "a certificate of its chain ends in 10 days, on 2026-01-11T00:00:00Z; 14 days are needed"
    );
    assert_eq!(says(&[late], Some("UnknownIssuer")), "its certificate is not trusted: UnknownIssuer");
    assert_eq!(says(&[late], None), "its certificate ends in 59 days, on 2026-03-01T00:00:00Z");
    assert_eq!(says(&[], None), "it shows no certificate");
}

#[test]
fn reports_hold_hostile_names() {
    let outcome = super::Outcome {
        name: "a\"<b>&\u{1}".to_owned(),
        kind: "http",
        verdict: super::Verdict::Fail,
        why: "]]>\nno".to_owned(),
        tries: 2,
        ms: 1234,
        before: vec!["try 1: <x>".to_owned()],
    };
    let text = report::junit("e\"", std::slice::from_ref(&outcome));
    let document = roxmltree::Document::parse(&text).unwrap();
    let case = document.descendants().find(|n| n.has_tag_name("testcase")).unwrap();
    assert_eq!((case.attribute("name"), case.attribute("time")), (Some("a\"<b>&"), Some("1.234")));
    assert!(case.children().any(|n| n.has_tag_name("failure")));
    assert_eq!(report::numbers(&[outcome]), "1 fail");
}

#[test]
fn a_job_holds_the_checks() {
    let smoke =
        Smoke::new(super::config::WITHIN, vec![check(json!({"tcp": {"address": "db:5432"}})).unwrap()])
            .unwrap();
    let terms = job::Terms {
        name: job::name("Prod EU_1"),
        image: "x:1".to_owned(),
        namespace: Some("shop".to_owned()),
        secret: Some("s".to_owned()),
        variables: vec!["TOKEN".to_owned()],
    };
    let text = job::manifest(&smoke, &terms);
    let documents: Vec<serde_json::Value> =
        text.split("---\n").map(|d| serde_json::from_str(d).unwrap()).collect();
    assert_eq!(documents[0]["metadata"]["name"], "smoke-prod-eu-1");
    let checks: serde_json::Value =
        serde_json::from_str(documents[0]["data"]["release-steps.yml"].as_str().unwrap()).unwrap();
    assert_eq!(checks["smoke"]["cluster"]["checks"][0]["tcp"]["address"], "db:5432");
    assert_eq!(
        documents[1]["spec"]["template"]["spec"]["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]["key"],
        "TOKEN"
    );
    assert_eq!(documents[1]["spec"]["activeDeadlineSeconds"], 90);
}
