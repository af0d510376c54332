//! A small HTTP/1.1 server for tests: one thread a connection, one request a connection.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

/// What was asked.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The method.
    pub method: String,
    /// The path, still encoded, without the query.
    pub path: String,
    /// The query's parameters, decoded.
    pub query: BTreeMap<String, String>,
    /// The query as it came.
    pub raw_query: String,
    /// The headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Ask {
    /// The body as JSON, or as a form.
    pub fn json(&self) -> Value {
        if self.headers.get("content-type").is_some_and(|t| t.contains("x-www-form-urlencoded")) {
            let pairs = url::form_urlencoded::parse(&self.body);
            return Value::Object(
                pairs.map(|(n, v)| (n.into_owned(), Value::String(v.into_owned()))).collect(),
            );
        }
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// What is answered.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// More headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How it goes wrong on the way.
    pub breaks: Breaks,
}

/// How an answer goes wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Breaks {
    /// Not at all.
    #[default]
    Not,
    /// The connection is closed without a word.
    Cut,
    /// Nothing comes.
    Silent,
    /// Half of the body comes, and then nothing.
    Slow,
}

impl Reply {
    /// JSON with a status.
    pub fn json(status: u16, body: &Value) -> Reply {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Reply { status, headers, body: body.to_string().into_bytes(), breaks: Breaks::Not }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl ToString) -> Reply {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

/// Serves at a port of its own until the process ends; returns its address.
pub fn serve(answer: impl Fn(Ask) -> Reply + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("http://localhost:{}", listener.local_addr().expect("it has an address").port());
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                if let Some(ask) = read(&stream) {
                    write(stream, answer(ask));
                }
            });
        }
    });
    address
}

fn read(stream: &TcpStream) -> Option<Ask> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split_whitespace();
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, raw_query) = target.split_once('?').unwrap_or((&target, ""));
    let query = url::form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect();
    Some(Ask { method, path: path.to_owned(), query, raw_query: raw_query.to_owned(), headers, body })
}

fn write(mut stream: TcpStream, reply: Reply) {
    if reply.breaks == Breaks::Cut {
        return;
    }
    if reply.breaks == Breaks::Silent {
        std::thread::sleep(Duration::from_secs(2));
        return;
    }
    let mut head = format!("HTTP/1.1 {} x\r\nconnection: close\r\n", reply.status);
    let own = ["content-length", "transfer-encoding", "connection"];
    for (name, value) in reply.headers.iter().filter(|(name, _)| !own.contains(&name.as_str())) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if reply.status != 204 && reply.status != 304 {
        head.push_str(&format!("content-length: {}\r\n", reply.body.len()));
    }
    head.push_str("\r\n");
    let half = reply.body.len() / 2;
    let first = if reply.breaks == Breaks::Slow { &reply.body[..half] } else { &reply.body[..] };
    // A client that went away is its own affair.
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(first))
        .and_then(|()| stream.flush());
    if reply.breaks == Breaks::Slow {
        std::thread::sleep(Duration::from_secs(2));
    }
}
