//! The services that messages go to: Slack's emulator, and stand-ins made after the published descriptions of the others,
//! behind one front that records every exchange and breaks those that a test wants broken.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Ask, Breaks, Reply, serve};

/// The bot's token at Slack.
pub const SLACK_TOKEN: &str = "xoxb-0123456789-planted";

/// What goes wrong with the next request to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 429 with `Retry-After`, in seconds.
    TooMany(u32),
    /// The service acts, and the answer is lost.
    ActedThenCut,
    /// The service acts, and a proxy answers 502.
    ActedThen502,
    /// This status; the service hears of nothing.
    Status(u16),
    /// No answer; the service hears of nothing.
    Silent,
}

#[derive(Default)]
struct State {
    exchanges: Vec<(Ask, u16)>,
    faults: Vec<(String, Fault)>,
    /// Discord's messages and Statuspage's incidents, by their ids.
    kept: Vec<(String, Value)>,
    slack: String,
}

/// The services.
pub struct Desk {
    /// Where the front is.
    pub url: String,
    state: Arc<Mutex<State>>,
    emulator: Option<Child>,
    /// The channel's id at Slack.
    pub channel: String,
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(child) = &mut self.emulator {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Desk {
    /// The stand-ins alone.
    pub fn new() -> Desk {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let url = serve(move |ask| {
            let fault = {
                let mut state = lock(&shared);
                let at = state.faults.iter().position(|(path, _)| ask.path.starts_with(path));
                at.map(|at| state.faults.remove(at).1)
            };
            let reply = match fault {
                Some(Fault::TooMany(seconds)) => {
                    Reply::json(429, &json!({ "ok": false, "error": "ratelimited" }))
                        .header("retry-after", seconds)
                }
                Some(Fault::Status(status)) => {
                    // A service that repeats what it was asked.
                    Reply::json(
                        status,
                        &json!({ "message": format!("no {} with {:?}", ask.path, ask.headers) }),
                    )
                }
                Some(Fault::Silent) => Reply { breaks: Breaks::Silent, ..Reply::default() },
                Some(Fault::ActedThenCut) => Reply { breaks: Breaks::Cut, ..answer(&shared, &ask) },
                Some(Fault::ActedThen502) => {
                    answer(&shared, &ask);
                    Reply { status: 502, body: b"<html>Bad Gateway</html>".to_vec(), ..Reply::default() }
                }
                None => answer(&shared, &ask),
            };
            lock(&shared).exchanges.push((ask, reply.status));
            reply
        });
        Desk { url, state, emulator: None, channel: String::new() }
    }

    /// With Slack's emulator; none where it is not installed, which a CI job does not forgive.
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub fn with_slack() -> Option<Desk> {
        let tools = std::env::var_os("EMULATE_HOME").map(PathBuf::from).or_else(|| {
            Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).parent()?.join("tools").join("emulate"))
        })?;
        let (node, script) =
            (tools.join("node_modules/.bin/node"), tools.join("node_modules/emulate/dist/index.js"));
        if !(node.exists() && script.exists()) {
            assert!(std::env::var_os("CI").is_none(), "no emulator: run .ci/tools.sh");
            eprintln!("skipped: no emulator of Slack here; .ci/tools.sh installs it");
            return None;
        }
        let mut desk = Desk::new();
        let seed = tempfile::Builder::new().suffix(".yaml").tempfile().expect("a file can be made");
        let text = format!(
            "slack:\n  channels: [{{ name: releases }}]\n  strict_scopes: true\n  tokens: [{{ token: {SLACK_TOKEN}, scopes: ['chat:write', 'channels:history', 'channels:read'] }}]\n"
        );
        std::fs::write(seed.path(), text).expect("it can be written");
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .expect("a port")
            .local_addr()
            .expect("an address")
            .port();
        let child = Command::new(node)
            .arg(script)
            .args(["start", "--service", "slack", "--port", &port.to_string(), "--seed"])
            .arg(seed.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("node runs");
        desk.emulator = Some(child);
        lock(&desk.state).slack = format!("http://127.0.0.1:{port}");
        let started = Instant::now();
        loop {
            let channels = desk.slack("conversations.list", &json!({}));
            let named = |channel: &&Value| channel["name"] == "releases";
            if let Some(channel) = channels["channels"].as_array().and_then(|all| all.iter().find(named)) {
                desk.channel = channel["id"].as_str().expect("it has an id").to_owned();
                return Some(desk);
            }
            assert!(started.elapsed() < Duration::from_secs(60), "the emulator does not start: {channels}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks the emulator itself, past the front.
    pub fn slack(&self, method: &str, body: &Value) -> Value {
        let address = lock(&self.state).slack.clone();
        let answer = reqwest::blocking::Client::new()
            .post(format!("{address}/api/{method}"))
            .header("authorization", format!("Bearer {SLACK_TOKEN}"))
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .and_then(|answer| answer.text());
        answer.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null)
    }

    /// The texts of the channel's own messages, the newest first, each with those of its thread.
    pub fn told(&self) -> Vec<(String, Vec<String>)> {
        let text = |message: &Value| message["text"].as_str().unwrap_or_default().to_owned();
        let history = self.slack("conversations.history", &json!({ "channel": self.channel }));
        let all = history["messages"].as_array().cloned().unwrap_or_default();
        all.iter()
            .map(|message| {
                let replies = self
                    .slack("conversations.replies", &json!({ "channel": self.channel, "ts": message["ts"] }));
                let replies = replies["messages"].as_array().cloned().unwrap_or_default();
                let of_thread = replies.iter().filter(|reply| reply["ts"] != message["ts"]);
                (text(message), of_thread.map(text).collect())
            })
            .collect()
    }

    /// Lets the next request to a path go wrong.
    pub fn break_next(&self, path: &str, fault: Fault) {
        lock(&self.state).faults.push((path.to_owned(), fault));
    }

    /// The requests to a path that were answered, and forgets them.
    pub fn asked(&self, path: &str) -> Vec<Ask> {
        let mut state = lock(&self.state);
        let (found, rest) = std::mem::take(&mut state.exchanges)
            .into_iter()
            .partition::<Vec<_>, _>(|(ask, _)| ask.path.starts_with(path));
        state.exchanges = rest;
        found.into_iter().map(|(ask, _)| ask).collect()
    }

    /// What Discord and Statuspage keep.
    pub fn kept(&self) -> Vec<Value> {
        lock(&self.state).kept.iter().map(|(_, value)| value.clone()).collect()
    }
}

/// What the services answer.
fn answer(state: &Mutex<State>, ask: &Ask) -> Reply {
    let path: Vec<&str> = ask.path.trim_matches('/').split('/').collect();
    let body = ask.json();
    match (ask.method.as_str(), path.as_slice()) {
        (_, ["api", ..]) => forward(&lock(state).slack.clone(), ask),
        // https://learn.microsoft.com/connectors/teams/#microsoft-teams-webhook: 202 without a body.
        // At most 28 KB (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
        ("POST", ["teams", ..]) => {
            let card = &body["attachments"][0];
            let is_one = body["type"] == "message"
                && card["contentType"] == "application/vnd.microsoft.card.adaptive"
                && card["content"]["type"] == "AdaptiveCard"
                && card["content"]["body"].as_array().is_some_and(|all| {
                    !all.is_empty() && all.iter().all(|b| b["type"] == "TextBlock" && b["text"].is_string())
                });
            Reply { status: if is_one && ask.body.len() < 28_000 { 202 } else { 400 }, ..Reply::default() }
        }
        // https://docs.discord.com/developers/resources/webhook#execute-webhook: 204, with `wait` 200 and the message.
        ("POST", ["discord", ..]) => {
            let long = |name: &str, most| {
                body["embeds"][0][name].as_str().is_some_and(|text| text.chars().count() > most)
            };
            if long("title", 256) || long("description", 4_096) || !body["embeds"].is_array() {
                return Reply::json(400, &json!({ "message": "Invalid Form Body", "code": 50_035 }));
            }
            let mut state = lock(state);
            let id = format!("{}", 1_000 + state.kept.len());
            state.kept.push((id.clone(), body));
            match ask.query.get("wait").map(String::as_str) {
                Some("true") => Reply::json(200, &json!({ "id": id, "type": 0 })),
                _ => Reply { status: 204, ..Reply::default() },
            }
        }
        ("PATCH", ["discord", .., "messages", id]) => {
            let mut state = lock(state);
            match state.kept.iter_mut().find(|(kept, _)| kept == id) {
                Some((_, kept)) => {
                    *kept = body;
                    Reply::json(200, &json!({ "id": id }))
                }
                // https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
                None => Reply::json(404, &json!({ "message": "Unknown Message", "code": 10_008 })),
            }
        }
        ("POST", ["hook", ..]) => Reply { status: 204, ..Reply::default() },
        // https://developer.pagerduty.com/docs/send-alert-event and send-change-event: 202.
        ("POST", ["v2", "enqueue"] | ["v2", "change", "enqueue"]) => {
            let known = body["routing_key"] == "R0123456789PLANTED0123456789ABCD";
            let short = |value: &Value, most| value.as_str().is_some_and(|t| t.chars().count() <= most);
            let alert = path[1] == "enqueue";
            let right = match alert {
                true => {
                    body["event_action"] == "trigger"
                        && short(&body["dedup_key"], 255)
                        && ["critical", "error", "warning", "info"]
                            .iter()
                            .any(|severity| body["payload"]["severity"] == *severity)
                        && body["payload"]["source"].is_string()
                }
                false => body["payload"]["timestamp"].is_string() && body.get("event_action").is_none(),
            };
            match known && right && short(&body["payload"]["summary"], 1_024) {
                true => Reply::json(202, &json!({ "status": "success", "message": "Event processed" })),
                false => Reply::json(
                    400,
                    &json!({ "status": "invalid event", "message": "Event object is invalid" }),
                ),
            }
        }
        // https://developer.statuspage.io/#tag/incidents: its statuses for maintenance, its required field.
        ("POST" | "PATCH", ["v1", ..])
            if ask.headers.get("authorization").is_none_or(|key| key != "OAuth statuspage-planted-key")
                || !["scheduled", "in_progress", "verifying", "completed"]
                    .iter()
                    .any(|status| body["incident"]["status"] == *status)
                || ask.method == "POST" && !body["incident"]["name"].is_string() =>
        {
            Reply::json(422, &json!({ "error": ["not an incident"] }))
        }
        ("GET", ["v1", "pages", "PAGE", "incidents", "scheduled"]) => {
            let state = lock(state);
            let all: Vec<Value> = state.kept.iter().map(|(_, incident)| incident.clone()).collect();
            Reply::json(200, &json!(all))
        }
        ("POST", ["v1", "pages", "PAGE", "incidents"]) => {
            let mut state = lock(state);
            let id = format!("inc{}", state.kept.len());
            let mut incident = body["incident"].clone();
            incident["id"] = json!(id);
            state.kept.push((id, incident.clone()));
            Reply::json(201, &incident)
        }
        ("PATCH", ["v1", "pages", "PAGE", "incidents", id]) => {
            let mut state = lock(state);
            match state.kept.iter_mut().find(|(kept, _)| kept == id) {
                Some((_, incident)) => {
                    let told = body["incident"].as_object().cloned().unwrap_or_default();
                    incident.as_object_mut().expect("it is one").extend(told);
                    Reply::json(200, incident)
                }
                None => Reply::json(404, &json!({ "error": "Not found" })),
            }
        }
        _ => Reply::json(404, &json!({ "message": "nothing is here" })),
    }
}

fn forward(upstream: &str, ask: &Ask) -> Reply {
    let mut request = reqwest::blocking::Client::new().post(format!("{upstream}{}", ask.path));
    for name in ["authorization", "content-type"] {
        if let Some(value) = ask.headers.get(name) {
            request = request.header(name, value);
        }
    }
    let answer = request.body(ask.body.clone()).send().expect("the emulator answers");
    let status = answer.status().as_u16();
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Reply {
        status,
        headers,
        body: answer.bytes().expect("the emulator answers").to_vec(),
        breaks: Breaks::Not,
    }
}
