//! Merge requests and what is said on them.

use serde_json::{Value, json};

use super::{PROJECT, State, TIME, is_id, not_found, page, person, refuse};
use crate::server::{Ask, Reply};

/// An open request.
pub fn request(iid: u64, head: &str, base: &str, sha: &str) -> Value {
    json!({
        "id": iid + 1000, "iid": iid, "project_id": 1, "title": "", "description": null, "state": "opened",
        "created_at": TIME, "updated_at": TIME, "merged_at": null, "closed_at": null, "source_branch": head,
        "target_branch": base, "sha": sha, "author": person(9, "octocat"), "labels": [], "reviewers": [], "draft": false,
        "merge_commit_sha": null, "squash_commit_sha": null,
        "web_url": format!("https://gitlab.example/{PROJECT}/-/merge_requests/{iid}"),
    })
}

pub fn note(id: u64, iid: u64, body: &str) -> Value {
    json!({
        "id": id, "body": body, "system": false, "author": person(9, "octocat"), "created_at": TIME, "updated_at": TIME,
        "noteable_iid": iid, "noteable_type": "MergeRequest",
    })
}

/// `reviewer_ids[]`, once for each.
fn reviewers(ask: &Ask) -> Vec<Value> {
    let pairs = url::form_urlencoded::parse(&ask.body);
    let ids = pairs.filter(|(name, _)| name == "reviewer_ids[]").filter_map(|(_, id)| id.parse().ok());
    ids.map(|id: u64| person(id, if id == 1 { "anna" } else { "ben" })).collect()
}

fn labels(text: &Value) -> impl Iterator<Item = String> {
    let text = text.as_str().unwrap_or_default().to_owned();
    text.split(',').filter(|l| !l.is_empty()).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

impl State {
    pub fn merge_requests(&mut self, method: &str, rest: &[&str], ask: &Ask) -> Reply {
        let body = ask.json();
        if let [iid, ..] = rest
            && !self.requests.iter().any(|r| is_id(&r["iid"], iid))
        {
            return not_found();
        }
        match (method, rest) {
            ("GET", []) => {
                let fits = |request: &&Value| {
                    let of = |name: &str| {
                        ask.query.get(name).is_none_or(|v| v == "all" || request[name] == v.as_str())
                    };
                    ["source_branch", "target_branch", "state"].iter().all(|name| of(name))
                };
                page(ask, self.requests.iter().rev().filter(fits).cloned().collect())
            }
            ("POST", []) => self.open(&body, ask),
            ("PUT", [iid]) => {
                let request = self.requests.iter_mut().find(|r| is_id(&r["iid"], iid)).expect("it is known");
                for field in ["title", "description"] {
                    if !body[field].is_null() {
                        request[field] = body[field].clone();
                    }
                }
                let mut all: Vec<String> =
                    serde_json::from_value(request["labels"].clone()).unwrap_or_default();
                all.extend(labels(&body["add_labels"]));
                request["labels"] = json!(all);
                let asked = reviewers(ask);
                if !asked.is_empty() {
                    request["reviewers"] = json!(asked);
                }
                Reply::json(200, request)
            }
            ("GET", [_, "approvals"]) => {
                let by = json!({ "user": person(1, "anna"), "approved_at": "2026-01-02T00:00:00.000Z" });
                Reply::json(
                    200,
                    &json!({ "approvals_required": 1, "approvals_left": 0, "approved_by": [by] }),
                )
            }
            ("GET", [iid, "versions"]) => {
                let request = self.requests.iter().find(|r| is_id(&r["iid"], iid)).expect("it is known");
                page(ask, vec![json!({ "id": 1, "head_commit_sha": request["sha"], "created_at": TIME })])
            }
            ("GET", [iid, "notes"]) => {
                page(ask, iid.parse().ok().and_then(|iid| self.notes.get(&iid)).cloned().unwrap_or_default())
            }
            ("POST", [iid, "notes"]) => {
                let iid = iid.parse().unwrap_or(0);
                let note = note(self.id(), iid, body["body"].as_str().unwrap_or_default());
                self.notes.entry(iid).or_default().push(note.clone());
                Reply::json(201, &note)
            }
            ("PUT", [iid, "notes", id]) => {
                let notes = self.notes.entry(iid.parse().unwrap_or(0)).or_default();
                let Some(note) = notes.iter_mut().find(|n| is_id(&n["id"], id)) else { return not_found() };
                note["body"] = body["body"].clone();
                Reply::json(200, note)
            }
            _ => not_found(),
        }
    }

    fn open(&mut self, body: &Value, ask: &Ask) -> Reply {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (head, base) = (text("source_branch"), text("target_branch"));
        let open = |r: &&Value| {
            r["state"] == "opened"
                && r["source_branch"] == head.as_str()
                && r["target_branch"] == base.as_str()
        };
        if let Some(other) = self.requests.iter().find(open) {
            let message = format!(
                "Another open merge request already exists for this source branch: !{}",
                other["iid"]
            );
            return refuse(409, json!([message]));
        }
        let Some(sha) = self.branches.get(&head).cloned() else {
            return refuse(400, json!({ "source_branch": ["does not exist"] }));
        };
        let mut request = request(self.requests.len() as u64 + 1, &head, &base, &sha);
        request["title"] = text("title").into();
        request["description"] = body["description"].clone();
        request["draft"] = text("title").starts_with("Draft:").into();
        request["labels"] = labels(&body["labels"]).collect();
        request["reviewers"] = json!(reviewers(ask));
        self.requests.push(request.clone());
        Reply::json(201, &request)
    }
}
