//! GitLab's threads of comments on commits, beside the stand-in of the rest.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::gitlab::{PROJECT, TOKEN};
use crate::server::{Ask, Reply};

/// The threads, by the commit.
#[derive(Default)]
pub struct Threads {
    state: Mutex<(u64, BTreeMap<String, Vec<Value>>)>,
}

impl Threads {
    /// Answers what is about threads of a commit (<https://docs.gitlab.com/api/discussions/#commits>): their names are
    /// hexadecimal digits, those of their notes are numbers. The list of a commit's comments has neither.
    pub fn answer(&self, ask: &Ask, has: &dyn Fn(&str) -> bool) -> Option<Reply> {
        let project = PROJECT.replace('/', "%2F");
        let rest = ask.path.strip_prefix(&format!("/api/v4/projects/{project}/repository/commits/"))?;
        let parts: Vec<&str> = rest.split('/').collect();
        let (sha, rest) = match parts.as_slice() {
            [sha, "discussions", rest @ ..] => (*sha, rest),
            _ => return None,
        };
        if ask.headers.get("private-token").is_none_or(|token| token != TOKEN) {
            return Some(Reply::json(401, &json!({ "message": "401 Unauthorized" })));
        }
        if !has(sha) {
            return Some(Reply::json(404, &json!({ "message": "404 Commit Not Found" })));
        }
        let mut state = self.state.lock().expect("no test has failed in here");
        let (last, all) = &mut *state;
        let threads = all.entry(sha.to_owned()).or_default();
        let body = ask.json()["body"].clone();
        let reply = match (ask.method.as_str(), rest) {
            ("GET", []) => Reply::json(200, &json!(threads)).header("x-next-page", ""),
            ("POST", []) if body.is_string() => {
                *last += 1;
                let note = json!({ "id": last, "type": "DiscussionNote", "body": body, "system": false, "noteable_type": "Commit" });
                threads.push(
                    json!({ "id": format!("{:040x}", *last + 10), "individual_note": false, "notes": [note] }),
                );
                Reply::json(201, threads.last().expect("it was just added"))
            }
            ("PUT", [thread, "notes", id]) if body.is_string() => {
                let notes = threads.iter_mut().filter(|it| it["id"] == *thread);
                let mut notes = notes.flat_map(|it| it["notes"].as_array_mut().expect("it is a list"));
                match notes.find(|note| id.parse() == Ok(note["id"].as_u64().unwrap_or_default())) {
                    Some(note) => {
                        note["body"] = body;
                        Reply::json(200, note)
                    }
                    None => Reply::json(404, &json!({ "message": "404 Not Found" })),
                }
            }
            _ => Reply::json(400, &json!({ "message": "400 Bad Request" })),
        };
        Some(reply)
    }
}
