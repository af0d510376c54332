//! Issues, and CI/CD variables.

use serde_json::{Value, json};

use super::{PROJECT, State, TIME, is_id, not_found, page, refuse};
use crate::server::{Ask, Reply};

/// A variable, with a value that nobody needs to see.
pub fn variable(key: &str, scope: &str) -> Value {
    json!({
        "variable_type": "env_var", "key": key, "value": format!("{}-of-{key}", crate::desk::VALUE), "protected": false,
        "masked": true, "hidden": false, "raw": false, "environment_scope": scope, "description": null,
    })
}

/// One of the server's own, which are for all environments.
pub fn of_server(variable: &Value) -> Value {
    let mut own = variable.clone();
    own.as_object_mut()
        .expect("it is one")
        .retain(|name, _| !["hidden", "environment_scope"].contains(&name.as_str()));
    own
}

fn issue(iid: u64, title: &str, description: &Value, labels: Vec<&str>) -> Value {
    json!({
        "id": iid + 2000, "iid": iid, "project_id": 1, "title": title, "description": description, "state": "opened",
        "labels": labels, "created_at": TIME, "updated_at": TIME, "closed_at": null, "issue_type": "issue",
        "web_url": format!("https://gitlab.example/{PROJECT}/-/issues/{iid}"),
    })
}

impl State {
    /// What is not there for a token, or not at all, is not found.
    pub fn list_variables(&mut self, place: &str, ask: &Ask) -> Reply {
        self.variables.get(place).map_or_else(not_found, |list| page(ask, list.clone()))
    }

    pub fn issues(&mut self, method: &str, rest: &[&str], ask: &Ask) -> Reply {
        let body = ask.json();
        match (method, rest) {
            ("GET", []) => {
                let wanted = ask.query.get("labels").cloned().unwrap_or_default();
                let has = |issue: &Value, label: &str| {
                    issue["labels"].as_array().is_some_and(|l| l.iter().any(|l| l == label))
                };
                // "issues must have all labels to be returned"
                let fits = |issue: &&Value| {
                    wanted.split(',').filter(|l| !l.is_empty()).all(|label| has(issue, label))
                };
                page(ask, self.issues.iter().rev().filter(fits).cloned().collect())
            }
            ("GET", [iid]) => match self.issues.iter().find(|issue| is_id(&issue["iid"], iid)) {
                Some(issue) => Reply::json(200, issue),
                None if *iid == "1" => {
                    Reply::json(200, &issue(1, "an issue", &json!("- [x] done"), Vec::new()))
                }
                None => not_found(),
            },
            ("POST", []) => {
                let Some(title) = body["title"].as_str() else {
                    return refuse(400, "400 (Bad request) \"title\" not given");
                };
                let labels = body["labels"].as_str().unwrap_or_default().split(',').collect();
                let issue = issue(self.issues.len() as u64 + 2, title, &body["description"], labels);
                self.issues.push(issue.clone());
                Reply::json(201, &issue)
            }
            _ => not_found(),
        }
    }
}
