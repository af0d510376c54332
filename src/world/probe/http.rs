//! HTTP: requests that are sent once, each over a connection of its own, to the address that is asked for.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use http::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT};
use reqwest::Client;
use tokio::task::JoinSet;
use url::Url;

use super::net::resolve;
use super::{Probe, reason, tls};
use crate::rules::smoke::config::Http;
use crate::rules::smoke::judge::{self, Answer};
use crate::rules::smoke::text::is_secret_name;
use crate::rules::smoke::{Look, text};

/// The most that is read of an answer.
const MOST: usize = 1 << 20;

/// Clients and certificates, made when they are needed first: to read the system's certificates takes longer than most
/// checks.
#[derive(Default)]
pub struct Clients {
    plain: OnceLock<Result<Client, String>>,
    secure: OnceLock<Result<Client, String>>,
    tls: tls::Trust,
    pinned: Mutex<Vec<(bool, String, SocketAddr, Client)>>,
}

impl Clients {
    pub(super) fn trust(&self) -> &tls::Trust {
        &self.tls
    }

    fn build(&self, secure: bool, pin: Option<(&str, SocketAddr)>) -> Result<Client, String> {
        let config = if secure { self.tls.config()? } else { tls::trusting_none()? };
        let mut builder = Client::builder()
            .tls_backend_preconfigured(config)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // A load balancer chooses anew for each connection; a kept one would show the same backend again and again.
            .pool_max_idle_per_host(0);
        if let Some((host, address)) = pin {
            builder = builder.no_proxy().resolve_to_addrs(host, &[address]);
        }
        builder.build().map_err(|e| reason(&e))
    }

    fn at(&self, url: &Url, pin: Option<SocketAddr>) -> Result<Client, String> {
        let secure = url.scheme() == "https";
        let Some(address) = pin else {
            let slot = if secure { &self.secure } else { &self.plain };
            return slot.get_or_init(|| self.build(secure, None)).clone();
        };
        let host = url.host_str().unwrap_or_default();
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |(s, h, a, _): &&(bool, String, SocketAddr, Client)| *s == secure && h == host && *a == address;
        if let Some((.., client)) = pinned.iter().find(same) {
            return Ok(client.clone());
        }
        let client = self.build(secure, Some((host, address)))?;
        pinned.push((secure, host.to_owned(), address, client.clone()));
        Ok(client)
    }
}

/// A check with its variables put in.
struct Asked {
    check: Http,
    url: Url,
    method: http::Method,
    headers: HeaderMap,
    body: Option<String>,
    version: Option<String>,
}

fn asked(cx: &Probe, check: &Http) -> Result<Asked, Look> {
    let url = cx.expand_url(&check.url)?;
    let url = Url::parse(&url).map_err(|e| Look::unknown(format!("its address cannot be read: {e}")))?;
    let method =
        check.method.parse().map_err(|_| Look::unknown(format!("`{}` is no method", check.method)))?;
    let mut headers = HeaderMap::new();
    headers
        .insert(USER_AGENT, HeaderValue::from_static(concat!("release-steps/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in &check.headers {
        let value = cx.expand(value)?;
        let wrong = || Look::unknown(format!("the header {name} has characters that no header has"));
        let name = HeaderName::from_str(name).map_err(|_| wrong())?;
        headers.insert(name, HeaderValue::from_str(&value).map_err(|_| wrong())?);
    }
    let body = check.body.as_ref().map(|body| cx.expand(body)).transpose()?;
    let version = match &check.version {
        None => None,
        Some(version) => match version.equals.clone().or_else(|| cx.version.clone()) {
            Some(version) => Some(version),
            None => return Err(Look::unknown("it is not known which version was deployed")),
        },
    };
    Ok(Asked { check: check.clone(), url, method, headers, body, version })
}

/// Whether an address answers as expected.
pub(super) async fn look(cx: &Arc<Probe>, check: &Http, time: Duration) -> Look {
    match looked(cx, check, time).await {
        Ok(look) | Err(look) => look,
    }
}

async fn looked(cx: &Arc<Probe>, check: &Http, time: Duration) -> Result<Look, Look> {
    let asked = Arc::new(asked(cx, check)?);
    let port = asked.url.port_or_known_default().unwrap_or(80);
    let every = check.version.as_ref().is_some_and(|v| v.every_address);
    let targets: Vec<Option<SocketAddr>> = if !check.addresses.is_empty() {
        let parse = |text: &String| {
            let ip: IpAddr = text
                .trim_matches(['[', ']'])
                .parse()
                .map_err(|_| Look::unknown(format!("`{text}` is no IP address")))?;
            Ok(Some(SocketAddr::new(ip, port)))
        };
        check.addresses.iter().map(parse).collect::<Result<_, Look>>()?
    } else if every {
        match asked.url.host() {
            Some(url::Host::Domain(name)) => {
                super::within(time, resolve(name, port)).await?.into_iter().map(Some).collect()
            }
            _ => vec![None],
        }
    } else {
        vec![None]
    };
    let times = check.version.as_ref().map_or(1, |v| v.times).max(check.samples());
    let mut running = JoinSet::new();
    let many = targets.len();
    for target in targets {
        let (cx, asked) = (cx.clone(), asked.clone());
        running.spawn(async move {
            let mut seconds = Vec::with_capacity(usize::from(times));
            let place = target.filter(|_| many > 1).map_or(String::new(), |t| format!("{}: ", t.ip()));
            for _ in 0..times {
                let answer = once(&cx, &asked, target, time)
                    .await
                    .map_err(|why| Look::fail(format!("{place}{why}")))?;
                let judged = judge::http(&asked.check, &answer).and_then(|()| {
                    match asked.check.version.as_ref().zip(asked.version.as_ref()) {
                        Some((check, wanted)) => judge::version(check, wanted, &answer),
                        None => Ok(()),
                    }
                });
                judged.map_err(|why| Look::fail(format!("{place}{why}")))?;
                seconds.push((answer.status, answer.seconds));
            }
            Ok::<_, Look>(seconds)
        });
    }
    let mut all = Vec::new();
    while let Some(ended) = running.join_next().await {
        all.extend(ended.map_err(|_| Look::unknown("it ended in a panic"))??);
    }
    let seconds: Vec<f64> = all.iter().map(|(_, seconds)| *seconds).collect();
    let status = all.first().map_or(0, |(status, _)| *status);
    let mut words = match asked.version.as_ref() {
        Some(version) => format!(
            "version {version} answers, {times} in a row{}",
            if many > 1 { format!(" on {many} addresses") } else { String::new() }
        ),
        None => format!("it answers {status}"),
    };
    match check.p95 {
        Some(most) => match judge::latency(most, &seconds) {
            Ok(latency) => words = format!("{words}; {latency}"),
            Err(why) => return Err(Look::fail(why)),
        },
        None => {
            let longest = seconds.iter().copied().fold(0.0, f64::max);
            words = format!("{words} in {}", judge::shown(longest));
        }
    }
    Ok(Look::pass(words))
}

/// One request with its redirects, each hop counted in the time.
async fn once(cx: &Probe, asked: &Asked, pin: Option<SocketAddr>, time: Duration) -> Result<Answer, String> {
    let started = Instant::now();
    let exchange = async {
        let mut url = asked.url.clone();
        let mut method = asked.method.clone();
        let mut followed = 0;
        loop {
            let response = send(cx, asked, &url, &method, pin).await?;
            let status = response.status();
            let target = response
                .headers()
                .get(LOCATION)
                .and_then(|to| to.to_str().ok())
                .and_then(|to| url.join(to).ok());
            let moved = status.is_redirection() && status.as_u16() != 304;
            match target.filter(|to| moved && matches!(to.scheme(), "http" | "https")) {
                Some(_) if followed >= asked.check.redirects() && asked.check.redirects() > 0 => {
                    return Err(format!("it redirects more than {followed} times"));
                }
                Some(to) if followed < asked.check.redirects() => {
                    if url.scheme() == "https" && to.scheme() == "http" {
                        return Err("it redirects from https to http".to_owned());
                    }
                    // <https://www.rfc-editor.org/rfc/rfc9110#section-15.4>
                    if status.as_u16() == 303
                        || (matches!(status.as_u16(), 301 | 302) && method == http::Method::POST)
                    {
                        method = http::Method::GET;
                    }
                    followed += 1;
                    url = to;
                }
                _ => return read(cx, response).await,
            }
        }
    };
    match tokio::time::timeout(time, exchange).await {
        Ok(answer) => {
            let mut answer = answer?;
            answer.seconds = started.elapsed().as_secs_f64();
            Ok(answer)
        }
        Err(_) => Err(format!("no answer within {}", judge::shown(time.as_secs_f64()))),
    }
}

async fn send(
    cx: &Probe,
    asked: &Asked,
    url: &Url,
    method: &http::Method,
    pin: Option<SocketAddr>,
) -> Result<reqwest::Response, String> {
    let home = url.origin() == asked.url.origin();
    let client = cx.clients.at(
        url,
        pin.filter(|_| {
            url.host_str() == asked.url.host_str()
                && url.port_or_known_default() == asked.url.port_or_known_default()
        }),
    )?;
    let mut headers = asked.headers.clone();
    if !home {
        // What opens this door does not belong to another.
        let secret: Vec<HeaderName> = asked
            .check
            .headers
            .iter()
            .filter(|(name, value)| is_secret_name(name) || !text::names(value).is_empty())
            .filter_map(|(name, _)| HeaderName::from_str(name).ok())
            .collect();
        for name in secret {
            headers.remove(name);
        }
    }
    let mut request = client.request(method.clone(), url.clone()).headers(headers);
    if let Some(body) = asked.body.as_ref().filter(|_| home && *method == asked.method) {
        request = request.body(body.clone());
    }
    request.send().await.map_err(|e| text::brief(&reason(&e.without_url())))
}

async fn read(cx: &Probe, mut response: reqwest::Response) -> Result<Answer, String> {
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), (cx.clean)(&String::from_utf8_lossy(value.as_bytes())))
        })
        .collect();
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|e| format!("its answer breaks off: {}", text::brief(&reason(&e.without_url()))))?
    {
        body.extend_from_slice(&chunk);
        if body.len() >= MOST {
            body.truncate(MOST);
            break;
        }
    }
    let body = (cx.clean)(&String::from_utf8_lossy(&body));
    Ok(Answer { status, headers, body, seconds: 0.0 })
}
