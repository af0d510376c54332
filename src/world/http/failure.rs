//! Why a request failed: what was asked of whom, what the answer was, and what to do next. Never a secret.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::Request;
use super::limits::{asked_to_wait, retry_after};
use crate::error::Error;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The server answered with this status.
    Status(StatusCode),
    /// The server has had enough requests for now.
    RateLimit(StatusCode),
    /// No connection was made: the request was never sent.
    Connect,
    /// No answer in time: the server may have acted.
    TimeOut,
    /// The connection broke: the server may have acted.
    Cut,
    /// The answer is not one.
    Answer,
    /// Something on this machine, before anything was sent.
    Local,
    /// The server answered that it does not do it, in words of its own: an error of GraphQL.
    Refused,
}

/// A request that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The method.
    pub method: Method,
    /// The address, without its query, which may hold signatures.
    pub url: String,
    /// What went wrong.
    pub cause: Cause,
    /// What the server says, or what can be said for it.
    pub said: String,
    /// What to do next.
    pub hint: Option<String>,
    /// How long the server asks to wait.
    pub pause: Option<Duration>,
    /// Whether the request was to change something.
    pub acts: bool,
}

/// An address as messages show it: no user, no password, no query.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Only addresses that cannot have them refuse.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

impl Failure {
    pub(super) fn new(request: &Request, cause: Cause, said: String) -> Self {
        Failure {
            method: request.method.clone(),
            url: shown(&request.url),
            cause,
            said,
            hint: None,
            pause: None,
            acts: request.acts(),
        }
    }

    /// A request that the server did not do, by its own words.
    pub fn refused(request: &Request, said: &str) -> Self {
        Self::new(request, Cause::Refused, said.to_owned())
            .hint("what the forge says is in the way: change that and run again")
    }

    /// An answer that cannot be read as what was asked for.
    pub fn unreadable(method: Method, url: &Url, why: impl fmt::Display) -> Self {
        let said = format!("the answer is not as documented: {why}");
        let acts = super::acts(&method, url);
        Failure { method, url: shown(url), cause: Cause::Answer, said, hint: None, pause: None, acts }
    }

    pub(super) fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }

    pub(super) fn transport(request: &Request, error: &reqwest::Error) -> Self {
        let cause = match () {
            () if error.is_connect() => Cause::Connect,
            () if error.is_timeout() => Cause::TimeOut,
            () if error.is_builder() => Cause::Local,
            () => Cause::Cut,
        };
        // The error's own text holds the address with its query; its sources say what happened.
        let mut said = String::new();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            said = inner.to_string();
            source = inner.source();
        }
        if said.is_empty() {
            said =
                if cause == Cause::TimeOut { "no answer in time" } else { "the connection broke" }.to_owned();
        }
        let failure = Self::new(request, cause, said);
        match cause {
            Cause::Connect => {
                failure.hint("is the address right, and does a proxy or a firewall stand in the way?")
            }
            Cause::TimeOut | Cause::Cut => {
                failure.hint("run again: what is done is found and not done twice")
            }
            _ => failure,
        }
    }

    pub(super) fn of_status(
        request: &Request,
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
        secret: Option<&str>,
        now: u64,
    ) -> Self {
        let mut said = said(body);
        if let Some(secret) = secret.filter(|s| !s.is_empty()) {
            said = said.replace(secret, "***");
        }
        let limited = asked_to_wait(status, headers, &said, now);
        let cause = if limited.is_some() { Cause::RateLimit(status) } else { Cause::Status(status) };
        let mut failure = Self::new(request, cause, said);
        failure.pause = limited.or_else(|| retry_after(headers).filter(|_| status.is_server_error()));
        failure.hint = match status {
            _ if limited.is_some() => {
                Some("run again later: what is done is found and not done twice".to_owned())
            }
            StatusCode::UNAUTHORIZED => Some("the token is wrong or has expired: make a new one".to_owned()),
            StatusCode::FORBIDDEN => Some(forbidden(headers)),
            StatusCode::NOT_FOUND => Some(
                "check the repository's name, and that the token may see it: forges hide what it may not"
                    .to_owned(),
            ),
            _ if status.is_server_error() => {
                Some("run again: what is done is found and not done twice".to_owned())
            }
            _ => Some("what the forge says is in the way: change that and run again".to_owned()),
        };
        failure
    }

    /// The status, where there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self.cause {
            Cause::Status(status) | Cause::RateLimit(status) => Some(status.as_u16()),
            _ => None,
        }
    }

    /// Whether the thing that was asked for is not there.
    pub fn absent(&self) -> bool {
        matches!(self.cause, Cause::Status(StatusCode::NOT_FOUND | StatusCode::GONE))
    }

    /// Whether it may go better next time.
    pub fn passing(&self) -> bool {
        match self.cause {
            Cause::Status(status) => {
                matches!(status.as_u16(), 408 | 425 | 500 | 502 | 503 | 504)
                    || (520..=527).contains(&status.as_u16())
            }
            Cause::RateLimit(_) | Cause::Connect | Cause::TimeOut | Cause::Cut => true,
            Cause::Answer | Cause::Local | Cause::Refused => false,
        }
    }

    /// Whether to look at what is there and perhaps do it anew: the request changes something and was not sent again by
    /// itself, and either it may go better next time, or the thing is there by now.
    pub fn look_again(&self) -> bool {
        let said = self.said.to_ascii_lowercase();
        let there = matches!(self.status(), Some(400 | 409 | 422))
            && (said.contains("already exist")
                || said.contains("already_exist")
                || said.contains("has already been taken"));
        // A commit that was made by the try before moved the branch.
        let moved = self.cause == Cause::Refused && said.contains("expected branch to point to");
        matches!(self.method, Method::POST | Method::PATCH) && self.acts && (self.passing() || there || moved)
    }

    /// Whether the server may have done what it was asked although this failed.
    pub fn uncertain(&self) -> bool {
        let maybe = match self.cause {
            Cause::Status(status) => status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT,
            Cause::TimeOut | Cause::Cut | Cause::Answer => true,
            Cause::RateLimit(_) | Cause::Connect | Cause::Local | Cause::Refused => false,
        };
        self.acts && maybe
    }
}

/// What a token lacks, by GitHub's own words (<https://docs.github.com/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens>).
fn forbidden(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).filter(|v| !v.is_empty());
    match (text("x-accepted-github-permissions"), text("x-accepted-oauth-scopes")) {
        (Some(wanted), _) => format!("give the token the permission {wanted}"),
        (None, Some(wanted)) => format!("give the token the scope {wanted}"),
        (None, None) => {
            "give the token the permission for this; `release-steps doctor` says which".to_owned()
        }
    }
}

/// A forge's own message: GitHub's `message` and `errors`
/// (<https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api>), GitLab's `message`, which may be a
/// text, a list or lists by field, or `error` and `error_description`
/// (<https://docs.gitlab.com/api/rest/troubleshooting/>).
fn said(body: &Bytes) -> String {
    const MOST: usize = 500;
    let mut parts: Vec<String> = Vec::new();
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(fields)) => {
            for name in ["message", "error", "error_description", "errors"] {
                if let Some(value) = fields.get(name) {
                    flatten(value, &mut parts);
                }
            }
        }
        Ok(other) => flatten(&other, &mut parts),
        // A proxy's page of HTML says nothing to a person in a log.
        Err(_) => {
            let text = String::from_utf8_lossy(body);
            let text = text.trim();
            if !text.starts_with('<') {
                parts.extend(text.lines().next().map(str::to_owned));
            }
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.dedup();
    let text: String = parts.join("; ").chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.char_indices().nth(MOST) {
        // Not within a word: it could be the beginning of a secret, which nobody would know as one.
        Some((end, _)) => format!("{} …", text[..end].rfind(' ').map_or("", |space| &text[..space])),
        None => text,
    }
}

fn flatten(value: &Value, parts: &mut Vec<String>) {
    match value {
        Value::String(text) => parts.push(text.clone()),
        Value::Array(items) => items.iter().take(8).for_each(|item| flatten(item, parts)),
        Value::Object(fields) => {
            // One of GitHub's: {"resource": "Release", "code": "already_exists", "field": "tag_name"}.
            let text = |name: &str| fields.get(name).and_then(Value::as_str);
            if let Some(code) = text("code") {
                let of =
                    [text("resource"), text("field")].into_iter().flatten().collect::<Vec<_>>().join(" ");
                parts.push(format!("{of} {code} {}", text("message").unwrap_or_default()).trim().to_owned());
                return;
            }
            for (name, value) in fields.iter().take(8) {
                let mut inner = Vec::new();
                flatten(value, &mut inner);
                // GitLab's names for no field: `{"message": {"error": …}}`, `{"message": {"base": […]}}`.
                let of = if matches!(name.as_str(), "error" | "base") { "" } else { name };
                parts.push(format!("{of} {}", inner.join(", ")).trim().to_owned());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.said.trim().trim_end_matches('.');
        match self.cause {
            Cause::Status(status) => {
                write!(f, "{} {}", status.as_u16(), status.canonical_reason().unwrap_or("status"))?;
                if said.is_empty() { Ok(()) } else { write!(f, ": {said}") }
            }
            Cause::RateLimit(status) => {
                write!(f, "rate limit ({}): {said}", status.as_u16())?;
                self.pause.map_or(Ok(()), |pause| write!(f, "; free again in {} s", pause.as_secs()))
            }
            Cause::Connect => write!(f, "no connection: {said}"),
            Cause::TimeOut => write!(f, "no answer in time: {said}"),
            Cause::Cut => write!(f, "the connection broke: {said}"),
            Cause::Answer | Cause::Local | Cause::Refused => f.write_str(said),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let uncertain = failure.uncertain();
        let message = failure.to_string();
        let kind: fn(String) -> Error = match failure.cause {
            _ if uncertain => Error::unknown,
            Cause::Status(StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) => Error::usage,
            Cause::Status(status) if status.is_redirection() => Error::usage,
            Cause::Status(status) if status.is_client_error() => Error::no,
            Cause::Refused => Error::no,
            _ => Error::outside,
        };
        let mut error = kind(message).at(format!("{} {}", failure.method, failure.url));
        error.hint = match uncertain {
            true => Some(
                "it may have been done: run again, which looks first and does not do it twice".to_owned(),
            ),
            false => failure.hint,
        };
        error
    }
}
