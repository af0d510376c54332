//! Against a server of this process that answers what a test tells it to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap};
use http::{Method, StatusCode};
use url::Url;

use super::limits::asked_to_wait;
use super::*;
use crate::error::Kind;

/// A server that answers the requests in turn, the last answer for all that follow; keeps what it was asked.
struct Server {
    url: Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answers: Vec<String>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, next) = (asked.clone(), AtomicUsize::new(0));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let answer = answers[next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)].clone();
                answer_one(stream.unwrap(), &answer, &kept);
            }
        });
        Server { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer_one(mut stream: TcpStream, answer: &str, kept: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    kept.lock().unwrap().push(head);
    if answer == "silence" {
        std::thread::sleep(Duration::from_secs(3));
    } else if answer != "cut" {
        stream.write_all(answer.as_bytes()).unwrap();
        if answer.contains("content-length: 1000\r\n\r\n{") {
            // The rest comes too late.
            std::thread::sleep(Duration::from_secs(3));
        }
    }
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn quick() -> Limits {
    Limits {
        idle: Duration::from_millis(500),
        total: Duration::from_secs(2),
        step: Duration::from_millis(10),
        wait: Duration::from_secs(3),
        body: 4096,
        ..Limits::default()
    }
}

fn client(server: &Server) -> Client {
    let auth = Auth::new(AUTHORIZATION, "Bearer ", "s3cret-token", &[&server.url]).unwrap();
    Client::new(Some(auth), quick()).unwrap()
}

fn get(server: &Server) -> Request {
    Request::new(Method::GET, server.url.join("x?page=1&sig=abc").unwrap())
}

#[test]
fn what_may_be_repeated_is_and_nothing_else() {
    let broken = reply("502 Bad Gateway", "", "<html>");
    for (method, calls) in [("GET", 3), ("PUT", 3), ("DELETE", 3), ("POST", 1), ("PATCH", 1)] {
        let server = Server::new(vec![broken.clone(), "cut".to_owned(), reply("200 OK", "", "{}")]);
        let client = client(&server);
        let request = Request::new(method.parse().unwrap(), server.url.clone());
        let outcome = client.call(request);
        assert_eq!(client.traffic().calls, calls, "{method}");
        assert_eq!(outcome.is_ok(), calls == 3, "{method}");
        if let Err(failure) = outcome {
            assert!(failure.uncertain() && failure.look_again());
            assert_eq!(Error::from(failure).kind, Kind::Unknown);
        }
    }
}

#[test]
fn silence_slow_bodies_and_long_bodies_end() {
    let slow = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{".to_owned();
    for (answer, cause) in [
        ("silence".to_owned(), Cause::TimeOut),
        (slow, Cause::TimeOut),
        (reply("200 OK", "", &"x".repeat(5000)), Cause::Answer),
    ] {
        let server = Server::new(vec![answer]);
        let mut request = get(&server);
        request.method = Method::POST;
        let failure = client(&server).call(request).unwrap_err();
        assert_eq!(failure.cause, cause, "{failure}");
    }
}

#[test]
fn rate_limits_are_waited_for_within_the_budget() {
    let limited =
        |after| reply("429 Too Many Requests", &format!("retry-after: {after}\r\n"), r#"{"message":"slow"}"#);
    let server = Server::new(vec![limited(1), reply("200 OK", "", "{}")]);
    let started = std::time::Instant::now();
    client(&server).call(get(&server)).unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    // An hour is not waited for: the run ends, and says when it may go on.
    let server = Server::new(vec![limited(3600)]);
    let error = Error::from(client(&server).call(get(&server)).unwrap_err());
    assert_eq!(error.kind, Kind::Outside);
    assert!(error.message.contains("3600 s"), "{error:?}");
}

#[test]
fn errors_name_the_request_and_no_secret() {
    let body = r#"{"message":"Bad s3cret-token","errors":[{"resource":"Release","code":"already_exists","field":"tag_name"}]}"#;
    let server = Server::new(vec![reply("422 Unprocessable Entity", "", body)]);
    let failure = client(&server).call(get(&server)).unwrap_err();
    let error = Error::from(failure);
    let all = format!("{error:?}");
    assert!(!all.contains("s3cret") && !all.contains("sig=abc"), "{all}");
    assert!(
        all.contains("Release tag_name already_exists") && error.at.unwrap().starts_with("GET http://127")
    );
    for (body, said) in [
        (r#"{"message":{"tag_name":["has already been taken"]}}"#, "tag_name has already been taken"),
        (r#"{"message":{"base":["Label is locked"]}}"#, "Label is locked"),
        (r#"{"message":{"error":"requested too many times"}}"#, "requested too many times"),
        (
            r#"{"error":"insufficient_scope","error_description":"needs api"}"#,
            "insufficient_scope; needs api",
        ),
        ("<html>down</html>", "403 Forbidden"),
        ("\u{1b}[31mred", " [31mred"),
    ] {
        let server = Server::new(vec![reply("403 Forbidden", "", body)]);
        let error = Error::from(client(&server).call(get(&server)).unwrap_err());
        assert!(error.message.contains(said), "{error:?}");
        assert_eq!(error.kind, Kind::No);
    }
}

#[test]
fn the_token_stays_with_its_server() {
    let other = Server::new(vec![reply("200 OK", "", "log")]);
    let away = reply("302 Found", &format!("location: {}blob?sig=1\r\n", other.url), "");
    let server = Server::new(vec![away.clone(), away]);
    let client = client(&server);
    assert_eq!(client.call(get(&server)).unwrap().body(), "log");
    assert!(server.asked()[0].contains("s3cret-token"));
    assert!(!other.asked()[0].contains("s3cret-token"), "{}", other.asked()[0]);
    let mut post = get(&server);
    post.method = Method::POST;
    let failure = client.call(post).unwrap_err();
    assert!(failure.hint.unwrap().contains("renamed"));
    assert_eq!(other.asked().len(), 1, "a change is not sent elsewhere");
    let plain = Url::parse("http://forge.example/").unwrap();
    assert!(Auth::new(AUTHORIZATION, "", "t", &[&plain]).is_err(), "a token does not travel in the clear");
}

#[test]
fn what_did_not_change_is_not_sent_again() {
    let server = Server::new(vec![
        reply("200 OK", "etag: \"1\"\r\n", "[1]"),
        reply("304 Not Modified", "etag: \"1\"\r\n", ""),
    ]);
    let client = client(&server);
    for _ in 0..3 {
        assert_eq!(client.call(get(&server)).unwrap().body(), "[1]");
    }
    assert_eq!(client.traffic(), Traffic { calls: 3, unchanged: 2 });
    assert!(server.asked()[1].to_ascii_lowercase().contains("if-none-match: \"1\""));
}

#[test]
fn tails_and_digests() {
    let text = "0123456789".repeat(1000);
    let server = Server::new(vec![reply("200 OK", "", &text)]);
    let mut request = get(&server);
    request.keep = Keep::Tail(5);
    assert_eq!(client(&server).call(request.clone()).unwrap().body(), "56789");
    request.keep = Keep::Sha256;
    assert_eq!(
        client(&server).call(request).unwrap().body(),
        &crate::world::files::digest_of(text.as_bytes())
    );
}

#[test]
fn waiting_times() {
    let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    };
    let wait = |status: u16, pairs: &[(&'static str, &'static str)], said: &str| {
        asked_to_wait(StatusCode::from_u16(status).unwrap(), &headers(pairs), said, 1000).map(|d| d.as_secs())
    };
    assert_eq!(wait(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1060")], ""), Some(61));
    assert_eq!(wait(403, &[("retry-after", "30")], ""), Some(30));
    assert_eq!(wait(403, &[], "You have exceeded a secondary rate limit."), Some(60));
    assert_eq!(wait(403, &[("x-ratelimit-remaining", "12")], "Resource not accessible"), None);
    assert_eq!(wait(429, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "1010")], ""), Some(11));
    assert_eq!(wait(429, &[("retry-after", "Thu, 01 Jan 1970 00:17:00 GMT")], ""), Some(20));
    assert_eq!(wait(500, &[("retry-after", "5")], ""), None);
}

#[test]
fn pages() {
    let url = Url::parse("https://h/api/v4/projects/1/x?per_page=100&page=2").unwrap();
    let next = |name: &'static str, value: &'static str| {
        let headers =
            [(HeaderName::from_static(name), HeaderValue::from_static(value))].into_iter().collect();
        next_page(&headers, &url).map(|u| u.to_string())
    };
    let link = r#"<https://h/a?x=1,2;3>; rel="prev first", <https://h/b?cursor=%3D>; title="a"; rel="next""#;
    assert_eq!(next("link", link).unwrap(), "https://h/b?cursor=%3D");
    assert_eq!(next("link", r#"<https://evil/b>; rel="next""#), None);
    assert_eq!(next("link", r#"<https://h/b>; rel="last""#), None);
    assert_eq!(next("link", ">>; rel=next, <"), None);
    assert_eq!(next("x-next-page", "3").unwrap(), "https://h/api/v4/projects/1/x?per_page=100&page=3");
    assert_eq!(next("x-next-page", ""), None);
}
