//! Whether what was seen is what was expected. Each answer is `Ok` or says why not.

use core::net::IpAddr;

use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;
use serde_json_path::JsonPath;
use url::Url;

use super::config::{Command, Dns, Http, Tls, Version};
use super::text::brief;
use crate::data::Period;

/// An answer over HTTP.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it was read.
    pub body: String,
    /// How long it took up to the last byte, in seconds.
    pub seconds: f64,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        self.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }
}

type Judged = Result<(), String>;

/// Whether two locations are one, read from the address that was asked: servers answer with a path or with a whole address
/// (<https://www.rfc-editor.org/rfc/rfc9110#section-10.2.2>), nginx with the latter.
fn same_place(asked: &str, found: &str, wanted: &str) -> bool {
    let from = |base: &Url| base.join(found).ok().zip(base.join(wanted).ok());
    found == wanted
        || Url::parse(asked).ok().as_ref().and_then(from).is_some_and(|(found, wanted)| found == wanted)
}

/// Whether an answer is as expected, but for its version and how long it took.
pub fn http(check: &Http, answer: &Answer) -> Judged {
    if !check.status.has(answer.status) {
        let said = match answer.body.trim() {
            "" => String::new(),
            body => format!(": {}", brief(body)),
        };
        return Err(format!("it answers {}, not {}{said}", answer.status, check.status));
    }
    if let Some(wanted) = &check.redirects_to {
        match answer.header("location") {
            Some(found) if same_place(&check.url, found, wanted) => {}
            Some(found) => return Err(format!("it redirects to {}, not to {wanted}", brief(found))),
            None => return Err(format!("it does not redirect, to {wanted}")),
        }
    }
    for (name, wanted) in &check.expect_headers {
        match answer.header(name) {
            Some(found) if found.contains(wanted.as_str()) => {}
            Some(found) => {
                return Err(format!("the header {name} is `{}`, not `{}`", brief(found), brief(wanted)));
            }
            None => return Err(format!("it has no header {name}")),
        }
    }
    if let Some(text) = check.contains.as_ref().filter(|text| !answer.body.contains(text.as_str())) {
        return Err(format!("`{}` is not in the answer: {}", brief(text), brief(&answer.body)));
    }
    if let Some(pattern) = &check.matches {
        let found = Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(&answer.body));
        if !found {
            return Err(format!("`{}` does not match the answer: {}", brief(pattern), brief(&answer.body)));
        }
    }
    if check.json.is_empty() {
        return Ok(());
    }
    let body = json(&answer.body)?;
    for (path, wanted) in &check.json {
        let found = at(&body, path)?;
        match found.as_slice() {
            [] => return Err(format!("the answer has no {path}: {}", brief(&answer.body))),
            values if values.iter().any(|value| same(value, wanted)) => {}
            values => {
                let values: Vec<String> = values.iter().map(|v| v.to_string()).collect();
                return Err(format!("{path} is {}, not {wanted}", brief(&values.join(", "))));
            }
        }
    }
    Ok(())
}

fn json(body: &str) -> Result<Value, String> {
    serde_json::from_str(body).map_err(|_| match body.trim() {
        "" => "the answer is empty, not JSON".to_owned(),
        body => format!("the answer is no JSON: {}", brief(body)),
    })
}

/// The values at a JSONPath.
pub fn at<'v>(body: &'v Value, path: &str) -> Result<Vec<&'v Value>, String> {
    let path = JsonPath::parse(path).map_err(|e| format!("`{path}` is no JSONPath: {e}"))?;
    Ok(path.query(body).all())
}

/// Equality of values, in which 1 and 1.0 are one number.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => one == other,
    }
}

/// Whether an answer is of the version that was deployed. A leading `v` is no difference.
pub fn version(check: &Version, wanted: &str, answer: &Answer) -> Judged {
    let place = match (&check.json, &check.header) {
        (Some(path), _) => format!(" at {path}"),
        (None, Some(header)) => format!(" in the header {header}"),
        (None, None) => String::new(),
    };
    let found = match (&check.json, &check.header) {
        (Some(path), _) => {
            let body = json(&answer.body)?;
            match at(&body, path)?.first() {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => return Err(format!("the answer says no version{place}: {}", brief(&answer.body))),
            }
        }
        (None, Some(header)) => match answer.header(header) {
            Some(value) => value.to_owned(),
            None => return Err(format!("the answer says no version{place}")),
        },
        (None, None) => answer.body.clone(),
    };
    let found = match check.pattern.as_ref().and_then(|pattern| Regex::new(pattern).ok()) {
        None => found,
        Some(pattern) => {
            let captured = pattern.captures(&found).and_then(|c| c.get(1).or_else(|| c.get(0)));
            captured
                .map(|m| m.as_str().to_owned())
                .ok_or_else(|| format!("the answer says no version{place}: {}", brief(&found)))?
        }
    };
    let plain = |text: &str| {
        let text = text.trim();
        text.strip_prefix('v')
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or(text)
            .to_owned()
    };
    match plain(&found) == plain(wanted) {
        true => Ok(()),
        false => Err(format!("version {} answers, not {wanted}", brief(&found))),
    }
}

/// The value that so many of a hundred do not exceed, by nearest rank; none of nothing.
pub fn percentile(values: &[f64], percent: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (percent / 100.0 * sorted.len() as f64).ceil().max(1.0);
    // A rank is a small whole number.
    sorted.get(rank as usize - 1).copied()
}

/// Whether samples were fast enough.
pub fn latency(most: Period, seconds: &[f64]) -> Result<String, String> {
    let Some(p95) = percentile(seconds, 95.0) else { return Err("there are no samples".to_owned()) };
    let words = format!("p95 of {} samples is {}", seconds.len(), shown(p95));
    match p95 <= most.as_secs_f64() {
        true => Ok(words),
        false => Err(format!("{words}, at most {most} is allowed")),
    }
}

/// Seconds for people.
pub fn shown(seconds: f64) -> String {
    match seconds {
        s if s < 0.001 => format!("{:.0} µs", s * 1e6),
        s if s < 0.01 => format!("{:.1} ms", s * 1e3),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

/// Whether a name resolved to what was expected.
pub fn dns(check: &Dns, found: &[IpAddr]) -> Result<String, String> {
    let list = |all: &[IpAddr]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if !check.addresses.is_empty() {
        let missing: Vec<IpAddr> = check.addresses.iter().filter(|a| !found.contains(a)).copied().collect();
        let strange: Vec<IpAddr> = found.iter().filter(|a| !check.addresses.contains(a)).copied().collect();
        match (missing.as_slice(), strange.as_slice()) {
            ([], []) => {}
            ([], strange) => return Err(format!("it also resolves to {}", list(strange))),
            (missing, _) => return Err(format!("it resolves to {}, not to {}", list(found), list(missing))),
        }
    }
    match found.len() < usize::from(check.at_least) {
        true => Err(format!("it has {} addresses, {} are needed", found.len(), check.at_least)),
        false => Ok(list(found)),
    }
}

/// Whether certificates last long enough. `ends` are their ends, the server's own first; `untrusted` says why the chain
/// is not trusted.
pub fn tls(
    check: &Tls,
    ends: &[Timestamp],
    untrusted: Option<&str>,
    now: Timestamp,
) -> Result<String, String> {
    let Some(own) = ends.first() else { return Err("it shows no certificate".to_owned()) };
    let days = |end: Timestamp| end.duration_since(now).as_hours() / 24;
    if *own <= now {
        return Err(format!("its certificate expired on {own}"));
    }
    if let Some(chain) = ends.iter().find(|end| **end <= now) {
        return Err(format!("a certificate of its chain expired on {chain}"));
    }
    if let Some(why) = untrusted.filter(|_| check.trusted) {
        return Err(format!("its certificate is not trusted: {}", brief(why)));
    }
    let first = ends.iter().min().copied().unwrap_or(*own);
    let left = days(first);
    let whose = if first == *own { "its certificate" } else { "a certificate of its chain" };
    match left < i64::from(check.days) {
        true => Err(format!("{whose} ends in {left} days, on {first}; {} days are needed", check.days)),
        false => Ok(format!("{whose} ends in {left} days, on {first}")),
    }
}

/// Whether a command ended well.
pub fn command(check: &Command, code: Option<i32>, stdout: &str, stderr: &str) -> Judged {
    if code != Some(0) {
        let said =
            [stderr, stdout].into_iter().map(str::trim).find(|text| !text.is_empty()).unwrap_or_default();
        let last = said.lines().last().map_or(String::new(), |line| format!(": {}", brief(line)));
        return Err(match code {
            Some(code) => format!("it ended with {code}{last}"),
            None => format!("it was ended by a signal{last}"),
        });
    }
    match check.contains.as_ref().filter(|text| !stdout.contains(text.as_str())) {
        Some(text) => Err(format!("`{}` is not in what it printed: {}", brief(text), brief(stdout))),
        None => Ok(()),
    }
}

/// What gRPC's health protocol says with a status
/// (<https://github.com/grpc/grpc/blob/master/src/proto/grpc/health/v1/health.proto>).
pub fn serving(status: u64) -> Judged {
    Err(match status {
        0 => "it says UNKNOWN".to_owned(),
        1 => return Ok(()),
        2 => "it says NOT_SERVING".to_owned(),
        3 => "it says SERVICE_UNKNOWN".to_owned(),
        other => format!("it says {other}, which is no status of the health protocol"),
    })
}

/// Why a call of gRPC failed, by its status (<https://grpc.io/docs/guides/status-codes/>).
pub fn grpc_error(status: &str, message: &str) -> String {
    let meaning = match status {
        "4" => "DEADLINE_EXCEEDED",
        "5" => "NOT_FOUND: it does not know the service",
        "7" => "PERMISSION_DENIED",
        "12" => "UNIMPLEMENTED: it has no health service",
        "13" => "INTERNAL",
        "14" => "UNAVAILABLE",
        "16" => "UNAUTHENTICATED",
        _ => "an error",
    };
    match message {
        "" => format!("it answers status {status}, {meaning}"),
        message => format!("it answers status {status}, {meaning}: {}", brief(message)),
    }
}
