//! The one HTTP client: every request to a forge goes through [`Client::send`], whichever crate built it.
//!
//! What it sees to, once for all: time-outs, the size of answers, redirects that keep the token at home, waiting and
//! trying again (only what may be sent twice), rate limits, conditional requests, the count of calls, and errors that
//! name the request and never a secret.

mod failure;
mod limits;
mod once;
mod page;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use http::header::{ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION, USER_AGENT};
use http::{Method, Response, StatusCode};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;
use url::{Origin, Url};

use crate::error::{Error, Result};

pub use failure::{Cause, Failure};
pub use limits::Limits;
pub use once::{Headers, fetch};
pub use page::next_page;

/// The token, the header that carries it, and the only places that it is ever sent to.
#[derive(Clone)]
pub struct Auth {
    header: HeaderName,
    value: HeaderValue,
    secret: String,
    origins: Vec<Origin>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Auth({}: ***)", self.header)
    }
}

impl Auth {
    /// A header `name: prefix secret`, sent to the origins of `places` alone.
    ///
    /// A token never travels in the clear: plain `http` is taken for this machine only.
    pub fn new(name: HeaderName, prefix: &str, secret: &str, places: &[&Url]) -> Result<Auth> {
        for place in places {
            let local = match place.host() {
                Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
                Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
                Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
                None => false,
            };
            if place.scheme() != "https" && !local {
                return Err(Error::usage("a token is not sent over plain http").at(failure::shown(place)));
            }
        }
        let mut value = HeaderValue::from_str(&format!("{prefix}{secret}")).map_err(|_| {
            Error::usage("the token has characters that no token has").hint("is there a line break in it?")
        })?;
        value.set_sensitive(true);
        let origins = places.iter().map(|place| place.origin()).collect();
        Ok(Auth { header: name, value, secret: secret.to_owned(), origins })
    }
}

/// What is sent along.
#[derive(Debug, Clone, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// These bytes.
    Bytes(Bytes),
    /// A file, read while it is sent.
    File(PathBuf),
}

/// What of the answer's body is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// All of it; too much is an error.
    #[default]
    All,
    /// The last bytes.
    Tail(usize),
    /// Its SHA-256 in hexadecimal digits.
    Sha256,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The address.
    pub url: Url,
    /// Headers, without the token.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// What of the answer is kept.
    pub keep: Keep,
    /// Whether its headers are for this server alone: it is not sent on to another one that the server names.
    pub bound: bool,
    /// Whether it changes something although its address is GraphQL's, where questions are asked.
    pub mutation: bool,
}

impl Request {
    /// A request without a body.
    pub fn new(method: Method, url: Url) -> Self {
        Request {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::Empty,
            keep: Keep::All,
            bound: false,
            mutation: false,
        }
    }

    /// Whether the server does something for it, so that it matters whether it was sent.
    fn acts(&self) -> bool {
        self.mutation || acts(&self.method, &self.url)
    }

    /// Whether sending it twice is the same as sending it once
    /// (<https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2>). GraphQL's questions are.
    fn repeatable(&self) -> bool {
        matches!(self.method, Method::PUT | Method::DELETE) || !self.acts()
    }
}

/// Whether a request of this method to this address changes something.
fn acts(method: &Method, url: &Url) -> bool {
    let asks = *method == Method::POST && url.path().ends_with("/graphql");
    !matches!(*method, Method::GET | Method::HEAD) && !asks
}

/// How many requests went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Requests that went out, each try counted.
    pub calls: u32,
    /// Those of them that the server answered with "not modified", which GitHub does not count.
    pub unchanged: u32,
}

struct Remembered {
    etag: HeaderValue,
    headers: HeaderMap,
    body: Bytes,
}

struct Inner {
    http: reqwest::Client,
    auth: Option<Auth>,
    limits: Limits,
    calls: AtomicU32,
    unchanged: AtomicU32,
    waited: Mutex<Duration>,
    remembered: Mutex<HashMap<String, Remembered>>,
}

/// The client. Clones share the connections, the budget and the count.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("auth", &self.0.auth).finish_non_exhaustive()
    }
}

/// The runtime that drives all requests of this process: one thread, started with the first request.
pub fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build())
        .as_ref()
        .map_err(|e| Error::outside(format!("no thread for requests can be started: {e}")))
}

impl Client {
    /// A client with its limits, and the token if there is one.
    pub fn new(auth: Option<Auth>, limits: Limits) -> Result<Client> {
        let http = reqwest::Client::builder()
            .connect_timeout(limits.connect)
            .read_timeout(limits.idle)
            // A custom header with a token would be carried to wherever a redirect leads: redirects are followed here.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_idle_timeout(Duration::from_secs(20))
            .build()
            .map_err(|e| Error::outside(format!("requests cannot be made: {e}")))?;
        Ok(Client(Arc::new(Inner {
            http,
            auth,
            limits,
            calls: AtomicU32::new(0),
            unchanged: AtomicU32::new(0),
            waited: Mutex::new(Duration::ZERO),
            remembered: Mutex::new(HashMap::new()),
        })))
    }

    /// How many requests went out so far.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            calls: self.0.calls.load(Ordering::Relaxed),
            unchanged: self.0.unchanged.load(Ordering::Relaxed),
        }
    }

    /// [`Client::send`], for callers that are not async.
    pub fn call(&self, request: Request) -> std::result::Result<Response<Bytes>, Failure> {
        match runtime() {
            Ok(runtime) => runtime.block_on(self.send(request)),
            Err(e) => Err(Failure::new(&request, Cause::Local, e.message)),
        }
    }

    /// Sends a request, and again where that is safe and promises something. Every status from 400 on is a [`Failure`].
    pub async fn send(&self, request: Request) -> std::result::Result<Response<Bytes>, Failure> {
        let mut tries = 1;
        loop {
            let failure = match self.once(&request).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            if !request.repeatable() || !failure.passing() || tries >= self.0.limits.tries {
                return Err(failure);
            }
            let pause = failure.pause.unwrap_or_else(|| self.0.limits.back_off(tries));
            if !self.spend(pause) {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            tries += 1;
        }
    }

    /// Waits before a request that failed is made anew, after its caller has looked that it had no effect: for as long
    /// as the server asked, otherwise a little. False when the budget for waiting is used up.
    pub fn wait(&self, failure: &Failure, tries: u32) -> bool {
        let pause = failure.pause.unwrap_or_else(|| self.0.limits.back_off(tries));
        let fits = self.spend(pause);
        if fits {
            std::thread::sleep(pause);
        }
        fits
    }

    fn spend(&self, pause: Duration) -> bool {
        let mut waited = self.0.waited.lock().unwrap_or_else(PoisonError::into_inner);
        let total = waited.saturating_add(pause);
        if total > self.0.limits.wait {
            return false;
        }
        *waited = total;
        true
    }

    /// Sends a request once, following redirects.
    async fn once(&self, request: &Request) -> std::result::Result<Response<Bytes>, Failure> {
        let mut url = request.url.clone();
        for _ in 0..5 {
            let response = self.exchange(request, &url).await?;
            let status = response.status();
            if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
                return self.judge(request, response).await;
            }
            let target = response
                .headers()
                .get(LOCATION)
                .and_then(|to| to.to_str().ok())
                .and_then(|to| url.join(to).ok())
                .filter(|to| {
                    matches!(to.scheme(), "https" | "http")
                        && !(url.scheme() == "https" && to.scheme() == "http")
                        && (!request.bound || to.origin() == url.origin())
                });
            let same = matches!(request.method, Method::GET | Method::HEAD)
                // Nothing was done yet, and the same request is asked for elsewhere on this server.
                || (matches!(status.as_u16(), 307 | 308) && target.as_ref().is_some_and(|to| to.origin() == url.origin()));
            match target {
                Some(to) if same => url = to,
                _ => {
                    let to = target.as_ref().map(failure::shown).unwrap_or_default();
                    return Err(Failure::new(request, Cause::Status(status), format!("moved to {to}"))
                        .hint("was the repository renamed or moved? set `forge.repository`, or the remote's address"));
                }
            }
        }
        Err(Failure::new(request, Cause::Answer, "it redirects again and again".to_owned()))
    }

    /// One request, one answer, its body not read yet.
    async fn exchange(
        &self,
        request: &Request,
        url: &Url,
    ) -> std::result::Result<reqwest::Response, Failure> {
        let inner = &self.0;
        let mut headers = request.headers.clone();
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("release-steps/", env!("CARGO_PKG_VERSION"))),
        );
        if let Some(auth) = inner.auth.as_ref().filter(|a| a.origins.contains(&url.origin())) {
            headers.insert(auth.header.clone(), auth.value.clone());
        }
        if let Some(etag) = self.remembered_etag(request, url) {
            headers.insert(IF_NONE_MATCH, etag);
        }
        let mut limit = inner.limits.total;
        let mut builder = inner.http.request(request.method.clone(), url.clone());
        match &request.body {
            Body::Empty => {}
            Body::Bytes(bytes) => builder = builder.body(bytes.clone()),
            Body::File(path) => {
                let local = |e: std::io::Error| {
                    Failure::new(request, Cause::Local, format!("{} cannot be read: {e}", path.display()))
                };
                let file = tokio::fs::File::open(path).await.map_err(local)?;
                let length = file.metadata().await.map_err(local)?.len();
                headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(length));
                builder = builder.body(file);
                limit = inner.limits.transfer;
            }
        }
        if request.keep == Keep::Sha256 {
            limit = inner.limits.transfer;
        }
        inner.calls.fetch_add(1, Ordering::Relaxed);
        builder.headers(headers).timeout(limit).send().await.map_err(|e| Failure::transport(request, &e))
    }

    /// Reads the answer, and tells an answer from a failure.
    async fn judge(
        &self,
        request: &Request,
        mut response: reqwest::Response,
    ) -> std::result::Result<Response<Bytes>, Failure> {
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        if status == StatusCode::NOT_MODIFIED {
            self.0.unchanged.fetch_add(1, Ordering::Relaxed);
            let remembered = self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = remembered.get(request.url.as_str()) {
                return Ok(answer(StatusCode::OK, known.headers.clone(), known.body.clone()));
            }
            return Err(Failure::new(request, Cause::Answer, "it says \"not modified\" unasked".to_owned()));
        }
        if status.is_client_error() || status.is_server_error() {
            // What an error says matters less than its status: half of it, or none, will do.
            let body = self.read(request, &mut response, Keep::All).await.unwrap_or_default();
            let secret = self.0.auth.as_ref().map(|auth| auth.secret.as_str());
            return Err(Failure::of_status(request, status, &headers, &body, secret, now()));
        }
        let body = self.read(request, &mut response, request.keep).await?;
        self.remember(request, &headers, &body);
        Ok(answer(status, headers, body))
    }

    async fn read(
        &self,
        request: &Request,
        response: &mut reqwest::Response,
        keep: Keep,
    ) -> std::result::Result<Bytes, Failure> {
        let mut kept = BytesMut::new();
        let mut digest = Sha256::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| Failure::transport(request, &e))? {
            match keep {
                Keep::Sha256 => digest.update(&chunk),
                Keep::All if kept.len() + chunk.len() > self.0.limits.body => {
                    let most = self.0.limits.body;
                    return Err(Failure::new(
                        request,
                        Cause::Answer,
                        format!("the answer is longer than {most} bytes"),
                    ));
                }
                Keep::All => kept.extend_from_slice(&chunk),
                Keep::Tail(most) => {
                    kept.extend_from_slice(&chunk);
                    if kept.len() > most.saturating_mul(2) {
                        kept = kept.split_off(kept.len() - most);
                    }
                }
            }
        }
        Ok(match keep {
            Keep::All => kept.freeze(),
            Keep::Tail(most) => kept.split_off(kept.len().saturating_sub(most)).freeze(),
            Keep::Sha256 => Bytes::from(
                digest.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")),
            ),
        })
    }

    fn remembered_etag(&self, request: &Request, url: &Url) -> Option<HeaderValue> {
        let plain = request.method == Method::GET && request.keep == Keep::All && *url == request.url;
        let remembered = self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(url.as_str()).filter(|_| plain).map(|known| known.etag.clone())
    }

    /// Remembers an answer that can be asked for again under a condition: runs that are followed, releases looked at twice.
    fn remember(&self, request: &Request, headers: &HeaderMap, body: &Bytes) {
        const MOST: usize = 64;
        let plain = request.method == Method::GET && request.keep == Keep::All && body.len() <= 1 << 20;
        let Some(etag) = headers.get(ETAG).filter(|_| plain) else { return };
        let mut remembered = self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MOST && !remembered.contains_key(request.url.as_str()) {
            remembered.clear();
        }
        let known = Remembered { etag: etag.clone(), headers: headers.clone(), body: body.clone() };
        remembered.insert(request.url.as_str().to_owned(), known);
    }
}

fn answer(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
