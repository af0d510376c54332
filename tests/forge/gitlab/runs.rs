//! Pipelines and their jobs.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::{PROJECT, State, TIME, is_id, not_found, page};
use crate::server::{Ask, Reply};

/// The variables of a new pipeline: a form's pairs, JSON's list of pairs, or the trigger's fields.
fn variables(ask: &Ask, body: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let mut add =
        |key: &str, value: &str| all.push(json!({ "key": key, "value": value, "variable_type": "env_var" }));
    let mut key = None;
    for (name, value) in url::form_urlencoded::parse(&ask.body) {
        match name.as_ref() {
            "variables[][key]" => key = Some(value.into_owned()),
            "variables[][value]" => add(&key.take().unwrap_or_default(), &value),
            _ => {}
        }
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for pair in body["variables"].as_array().into_iter().flatten() {
        add(&text(&pair["key"]), &text(&pair["value"]));
    }
    for (key, value) in body["variables"].as_object().into_iter().flatten() {
        add(key, &text(value));
    }
    all
}

impl State {
    fn end(&self) -> &'static str {
        if self.pipelines_fail { "failed" } else { "success" }
    }

    pub fn pipelines(&mut self, method: &str, rest: &[&str], ask: &Ask) -> Reply {
        match (method, rest) {
            ("POST", ["pipeline"] | ["trigger", "pipeline"]) => {
                let body = ask.json();
                let variables = variables(ask, &body);
                let id = self.id();
                let pipeline = json!({
                    "id": id, "iid": id, "project_id": 1, "ref": body["ref"], "created_at": TIME, "updated_at": TIME,
                    "status": if self.pipelines_end.is_some() { "created" } else { self.end() },
                    "web_url": format!("https://gitlab.example/{PROJECT}/-/pipelines/{id}"),
                });
                self.pipelines.push((pipeline.clone(), variables));
                Reply::json(201, &pipeline)
            }
            ("GET", ["pipelines"]) => {
                page(ask, self.pipelines.iter().rev().map(|(p, _)| p.clone()).collect())
            }
            ("GET", ["pipelines", id, rest @ ..]) => {
                let Some((pipeline, variables)) = self.pipelines.iter().find(|(p, _)| is_id(&p["id"], id))
                else {
                    return not_found();
                };
                match rest {
                    [] => {
                        let going =
                            crate::actions::CLOCK.load(Ordering::Relaxed) < self.pipelines_end.unwrap_or(0);
                        let mut now = pipeline.clone();
                        now["status"] = if going { "running" } else { self.end() }.into();
                        Reply::json(200, &now)
                    }
                    ["variables"] => page(ask, variables.clone()),
                    ["jobs"] => {
                        let job = json!({ "id": 77, "name": "build", "status": self.end(), "allow_failure": false });
                        page(ask, vec![job])
                    }
                    _ => not_found(),
                }
            }
            ("GET", ["jobs", "77", "trace"]) => {
                Reply { status: 200, body: b"line 1\nline 2\n".to_vec(), ..Reply::default() }
            }
            _ => not_found(),
        }
    }
}
