//! The project itself, its branches, tags, commits and their statuses.

use serde_json::{Value, json};

use super::{PROJECT, State, TIME, not_found, page, person, refuse};
use crate::server::{Ask, Reply};

/// Two people are known.
pub fn users(ask: &Ask) -> Reply {
    let name = ask.query.get("username").cloned().unwrap_or_default();
    let known = ["anna", "ben"].iter().position(|n| *n == name);
    page(ask, known.map(|at| person(at as u64 + 1, &name)).into_iter().collect())
}

/// Those of a list that a search takes: `^` those that begin so, whatever the case.
fn searched<'a>(
    ask: &Ask,
    names: impl Iterator<Item = (&'a String, &'a String)>,
) -> Vec<(&'a String, &'a String)> {
    let search = ask.query.get("search").map(|s| s.to_uppercase()).unwrap_or_default();
    let fits = |name: &str| match search.strip_prefix('^') {
        Some(begin) => name.to_uppercase().starts_with(begin),
        None => name.to_uppercase().contains(&search),
    };
    names.filter(|(name, _)| fits(name)).collect()
}

impl State {
    pub fn repository(&mut self, method: &str, rest: &[&str], ask: &Ask) -> Reply {
        let body = ask.json();
        match (method, rest) {
            ("GET", []) => Reply::json(
                200,
                &json!({
                    "id": 1, "path_with_namespace": if self.moved { "group/sub/renamed" } else { PROJECT }, "default_branch": "main", "archived": false,
                    "permissions": { "project_access": { "access_level": 40 }, "group_access": null },
                }),
            ),
            ("GET", ["repository", "tags"]) => {
                let tag = |(name, commit): (&String, &String)| json!({ "name": name, "target": commit, "message": null, "commit": { "id": commit } });
                page(ask, searched(ask, self.tags.iter()).into_iter().map(tag).collect())
            }
            ("GET", ["repository", "branches"]) => {
                let branch =
                    |(name, commit): (&String, &String)| json!({ "name": name, "commit": { "id": commit } });
                page(ask, searched(ask, self.branches.iter()).into_iter().map(branch).collect())
            }
            ("POST", ["repository", "commits"]) => match &self.git {
                Some(git) => crate::commits::gitlab(&body, git),
                None => not_found(),
            },
            ("GET", ["repository", "commits", sha, "merge_requests"]) => {
                let mut brought: Vec<Value> =
                    self.requests.iter().filter(|r| r["sha"] == **sha).cloned().collect();
                // The page of this list knows no reviewers.
                brought.iter_mut().for_each(|r| {
                    _ = r.as_object_mut().map(|r| {
                        r.retain(|name, _| !["reviewers", "merged_at", "closed_at"].contains(&name.as_str()))
                    })
                });
                page(ask, brought)
            }
            ("GET", ["repository", "commits", sha, "statuses"]) => {
                page(ask, self.statuses.get(*sha).cloned().unwrap_or_default())
            }
            ("POST", ["statuses", sha]) => self.set_status(sha, &body),
            ("GET", ["freeze_periods"]) => page(
                ask,
                vec![json!({
                    "id": 1, "freeze_start": "0 23 * * 5", "freeze_end": "0 8 * * 1", "cron_timezone": "UTC",
                    "created_at": TIME, "updated_at": TIME,
                })],
            ),
            _ => not_found(),
        }
    }

    fn set_status(&mut self, sha: &str, body: &Value) -> Reply {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        // "Must be 255 characters or fewer."
        for field in ["description", "target_url"] {
            if text(field).chars().count() > 255 {
                return refuse(400, json!({ field: ["is too long (maximum is 255 characters)"] }));
            }
        }
        let id = self.id();
        let statuses = self.statuses.entry(sha.to_owned()).or_default();
        let same = |s: &Value| s["name"] == text("name").as_str();
        // A state that is set again cannot change from itself.
        if statuses.iter().any(|s| same(s) && s["status"] == text("state").as_str()) {
            return refuse(
                400,
                "Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via \"enqueue\")",
            );
        }
        statuses.retain(|s| !same(s));
        statuses.push(json!({
            "id": id, "name": text("name"), "status": text("state"), "description": body["description"], "sha": sha,
            "target_url": body["target_url"], "ref": null, "created_at": TIME, "started_at": null, "finished_at": null,
            "allow_failure": false,
        }));
        Reply::json(201, statuses.last().expect("it was just added"))
    }
}
