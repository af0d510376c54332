//! One request of a message, within its budget: what is known not to have arrived is sent again, what may have is not.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::Sending;
use crate::error::{Error, Kind};
use crate::world::http::{Auth, Body, Cause, Client, Failure, Limits, Request};

/// Why a message was not sent.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is known not to have arrived.
    NotSent(Error),
    /// The same, because the message that was to be edited is not there any more.
    Gone(Error),
    /// It may have arrived.
    Perhaps(Error),
    /// What was done could not be remembered.
    Local(Error),
}

/// How long sending may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    until: Instant,
    whole: Duration,
}

impl Budget {
    pub(super) fn new(whole: Duration) -> Self {
        Budget { until: Instant::now() + whole, whole }
    }

    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    fn wait(&self, pause: Duration) -> bool {
        let fits = pause < self.left();
        if fits {
            std::thread::sleep(pause);
        }
        fits
    }
}

/// Does something that has no time limit of its own; none when it takes longer than the budget. Then it is left behind.
pub(super) fn within<T: Send + 'static>(
    budget: Budget,
    act: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(act()));
    told.recv_timeout(budget.left()).ok()
}

/// Whether what is asked may be asked twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twice {
    /// Yes: the server knows it again, or it only edits.
    Safe,
    /// No: it would be said twice.
    Never,
}

/// A way to a service: the client with its key, and how messages name the place.
pub(super) struct Line {
    client: Client,
    /// The name that errors show in place of an address that is a secret.
    hidden: Option<String>,
}

impl Line {
    /// With a key in a header, sent to this address alone.
    pub(super) fn with_key(
        sending: &Sending<'_>,
        url: &Url,
        prefix: &str,
        key: &str,
    ) -> Result<Line, Trouble> {
        let auth = Auth::new(http::header::AUTHORIZATION, prefix, key, &[url]).map_err(Trouble::NotSent)?;
        Ok(Line { client: client(sending, Some(auth))?, hidden: None })
    }

    /// Without a key; the address is the secret, and `name` is shown in its place.
    pub(super) fn secret(sending: &Sending<'_>, name: &str) -> Result<(Line, Url), Trouble> {
        let text = sending.secret(name)?;
        let bad = |why: &str| Trouble::NotSent(Error::usage(format!("${name} is no address: {why}")));
        let url = Url::parse(text.trim()).map_err(|e| bad(&e.to_string()))?;
        if !is_safe(&url) {
            return Err(bad(CLEAR));
        }
        Ok((Line { client: client(sending, None)?, hidden: Some(format!("${name}")) }, url))
    }

    /// To an address that is none.
    pub(super) fn open(sending: &Sending<'_>) -> Result<Line, Trouble> {
        Ok(Line { client: client(sending, None)?, hidden: None })
    }

    /// Sends JSON.
    pub(super) fn json(
        &self,
        sending: &Sending<'_>,
        (method, url): (Method, &Url),
        body: &Value,
        twice: Twice,
    ) -> Result<Response<Bytes>, Trouble> {
        let mut request = Request::new(method, url.clone());
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        request.body = Body::Bytes(Bytes::from(body.to_string()));
        self.send(sending, request, twice)
    }

    /// Sends a request.
    pub(super) fn send(
        &self,
        sending: &Sending<'_>,
        request: Request,
        twice: Twice,
    ) -> Result<Response<Bytes>, Trouble> {
        let mut pause = Duration::from_millis(300);
        // An earlier try within this run may have arrived.
        let mut perhaps = false;
        loop {
            let failure = match self.once(sending, request.clone()) {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let arrived = match failure.cause {
                Cause::RateLimit(_) | Cause::Connect | Cause::Local | Cause::Refused => false,
                Cause::Status(status) => {
                    status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE
                }
                Cause::TimeOut | Cause::Cut | Cause::Answer => true,
            };
            perhaps |= arrived;
            let passing = arrived || failure.pause.is_some() || failure.passing();
            let wait = failure.pause.unwrap_or(pause);
            if passing && (!arrived || twice == Twice::Safe) && sending.budget.wait(wait) {
                pause *= 2;
                continue;
            }
            let gone = failure.absent();
            let error = self.error(sending, failure);
            return Err(match perhaps && twice == Twice::Never {
                true => Trouble::Perhaps(error),
                false if gone => Trouble::Gone(error),
                false => Trouble::NotSent(error),
            });
        }
    }

    fn once(&self, sending: &Sending<'_>, request: Request) -> Result<Response<Bytes>, Failure> {
        let left = sending.budget.left().max(Duration::from_millis(50));
        let (method, url) = (request.method.clone(), request.url.clone());
        let late = |why: &str| {
            let mut failure = Failure::unreadable(method.clone(), &url, why);
            failure.cause = Cause::TimeOut;
            why.clone_into(&mut failure.said);
            failure
        };
        match crate::world::http::runtime() {
            Err(e) => Err(late(&e.message)),
            Ok(runtime) => runtime
                .block_on(async { tokio::time::timeout(left, self.client.send(request)).await })
                .unwrap_or_else(|_| Err(late("no answer in time"))),
        }
    }

    /// The failure as an error that shows no address that is a secret.
    fn error(&self, sending: &Sending<'_>, mut failure: Failure) -> Error {
        if let Some(hidden) = &self.hidden {
            failure.url.clone_from(hidden);
        }
        failure.said = sending.redactor.redacted(&failure.said).into_owned();
        failure.hint = Some(match failure.cause {
            Cause::RateLimit(_) => format!(
                "the service wants to be left alone for {} s, and a message may take {} s: see `notify.budget`",
                failure.pause.map_or(0, |pause| pause.as_secs()),
                sending.budget.whole.as_secs_f32()
            ),
            Cause::Status(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => {
                format!("check the address and the key of {}", sending.place())
            }
            _ => "run again later: what was said is not said twice".to_owned(),
        });
        let error = Error::from(failure);
        // What a service answers is no verdict of the plan's.
        match error.kind {
            Kind::Usage => error,
            _ => Error { kind: Kind::Outside, ..error },
        }
    }
}

fn client(sending: &Sending<'_>, auth: Option<Auth>) -> Result<Client, Trouble> {
    let left = sending.budget.left();
    // Trying again is decided here, not there.
    let limits = Limits { connect: left, idle: left, total: left, tries: 1, ..Limits::default() };
    Client::new(auth, limits).map_err(Trouble::NotSent)
}

/// An address of the configuration with a path.
pub(super) fn at(api: &str, path: &str) -> Result<Url, Trouble> {
    let bad = |why: String| {
        Trouble::NotSent(Error::usage(format!("`{api}` is no address: {why}")).at("notify.channels"))
    };
    let url = Url::parse(&format!("{}/{path}", api.trim_end_matches('/'))).map_err(|e| bad(e.to_string()))?;
    if is_safe(&url) { Ok(url) } else { Err(bad(CLEAR.to_owned())) }
}

const CLEAR: &str = "it must begin with https://";

/// Keys and what is told are sent in the clear to this machine only.
fn is_safe(url: &Url) -> bool {
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || url.scheme() == "http" && local
}

/// The answer as JSON.
pub(super) fn read(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or(Value::Null)
}
