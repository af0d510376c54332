//! Checks requests and answers against GitHub's published description of its API: `openapi/*.json`, which
//! `openapi/extract.mjs` takes from the npm package `@octokit/openapi`.

use serde_json::Value;

use crate::server::{Ask, Breaks, Reply};

/// One description.
pub struct Description {
    api: Value,
}

impl Description {
    /// github.com's, and Enterprise Server's.
    pub fn both() -> [Description; 2] {
        [include_str!("openapi/github.json"), include_str!("openapi/ghes.json")]
            .map(|text| Description { api: serde_json::from_str(text).expect("it is JSON") })
    }

    /// What an exchange breaks; nothing for one that is not described.
    pub fn check(&self, ask: &Ask, reply: &Reply) -> Vec<String> {
        let Some((name, operation)) = self.operation(&ask.method, &ask.path) else {
            return vec![format!("{} {} is not described", ask.method, ask.path)];
        };
        let mut wrong = Vec::new();
        let known: Vec<&str> =
            operation["query"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        wrong.extend(
            ask.query
                .keys()
                .filter(|q| !known.contains(&q.as_str()))
                .map(|q| format!("{name}: no parameter {q}")),
        );
        let request = &operation["request"];
        if !request.is_null() && !ask.path.ends_with("/assets") {
            let body = ask.json();
            wrong
                .extend(self.violations(request, &body).into_iter().map(|v| format!("{name}: request: {v}")));
            if let (Some(said), Some(known)) = (body.as_object(), request["properties"].as_object()) {
                wrong.extend(
                    said.keys()
                        .filter(|k| !known.contains_key(*k))
                        .map(|k| format!("{name}: no property {k}")),
                );
            }
        }
        // What was cut on the way is no answer; of errors only those that are described can be checked.
        if reply.breaks == Breaks::Not && reply.status > 0 {
            match operation["answers"].get(reply.status.to_string()) {
                None if reply.status >= 300 => {}
                None => wrong.push(format!("{name}: no answer {}", reply.status)),
                Some(Value::Null) => {}
                // What a file holds, not what is said of it.
                Some(_) if ask.headers.get("accept").is_some_and(|a| a == "application/octet-stream") => {}
                Some(schema) => {
                    let body: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
                    wrong.extend(
                        self.violations(schema, &body).into_iter().map(|v| format!("{name}: answer: {v}")),
                    );
                }
            }
        }
        wrong
    }

    fn violations(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        self.validate(schema, value, "", &mut wrong);
        wrong
    }

    /// JSON Schema, as far as GitHub's description uses it; a keyword that is not known here fails the test, so that none
    /// is passed over. (The crates that know all of it change the features of half of our dependencies, which doubles the
    /// time that every build takes.)
    fn validate(&self, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        let Some(schema) = schema.as_object() else { return };
        let mut say = |what: String| wrong.push(format!("{at}: {what}").chars().take(300).collect());
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let fails = |schema: &Value| {
            let mut wrong = Vec::new();
            self.validate(schema, value, at, &mut wrong);
            wrong
        };
        let mut inner = Vec::new();
        for (keyword, says) in schema {
            match keyword.as_str() {
                "$ref" => {
                    let name =
                        says.as_str().and_then(|r| r.rsplit('/').next()).expect("a reference is a text");
                    inner.extend(fails(&self.api["definitions"][name]));
                }
                "type" => {
                    let one = |name: &Value| match name.as_str().expect("a type is a text") {
                        "null" => value.is_null(),
                        "object" => value.is_object(),
                        "array" => value.is_array(),
                        "string" => value.is_string(),
                        "boolean" => value.is_boolean(),
                        "integer" => value.is_i64() || value.is_u64(),
                        "number" => value.is_number(),
                        other => panic!("unknown type {other}"),
                    };
                    if !(one_or_many(says).iter().any(one)) {
                        say(format!("{value} is no {says}"));
                    }
                }
                "enum" if !list(says).contains(value) => say(format!("{value} is none of {says}")),
                "allOf" => inner.extend(list(says).iter().flat_map(fails)),
                "anyOf" | "oneOf" => {
                    let all: Vec<Vec<String>> = list(says).iter().map(fails).collect();
                    if !all.iter().any(Vec::is_empty) {
                        inner.extend(all.into_iter().min_by_key(Vec::len).unwrap_or_default());
                    }
                }
                "required" => {
                    if let Some(fields) = value.as_object() {
                        for name in
                            list(says).iter().filter_map(Value::as_str).filter(|n| !fields.contains_key(*n))
                        {
                            say(format!("{name} is missing"));
                        }
                    }
                }
                "properties" => {
                    for (name, of) in says.as_object().into_iter().flatten() {
                        if let Some(field) = value.get(name) {
                            self.validate(of, field, &format!("{at}/{name}"), &mut inner);
                        }
                    }
                }
                "items" => {
                    for (n, item) in list(value).iter().enumerate() {
                        self.validate(says, item, &format!("{at}/{n}"), &mut inner);
                    }
                }
                "maxProperties"
                    if value.as_object().is_some_and(|o| o.len() as u64 > says.as_u64().unwrap_or(0)) =>
                {
                    say(format!("more than {says} properties"));
                }
                "minItems" if list(value).len() < says.as_u64().unwrap_or(0) as usize => {
                    say("too few".to_owned())
                }
                "maxItems" if list(value).len() > says.as_u64().unwrap_or(0) as usize => {
                    say("too many".to_owned())
                }
                "enum"
                | "maxProperties"
                | "minItems"
                | "maxItems"
                | "additionalProperties"
                | "discriminator"
                | "minimum"
                | "maximum"
                | "minLength"
                | "maxLength"
                | "pattern"
                | "uniqueItems"
                | "readOnly" => {}
                other => panic!("the description uses `{other}`, which is not checked here"),
            }
        }
        wrong.extend(inner);
    }

    /// The operation whose path fits. Only `{ref}` takes slashes.
    fn operation(&self, method: &str, path: &str) -> Option<(&String, &Value)> {
        let operations = self.api["operations"].as_object()?;
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let fits = |name: &str| {
            let Some((m, template)) = name.split_once(' ') else { return false };
            let template: Vec<&str> = template.trim_start_matches('/').split('/').collect();
            let open = template.last() == Some(&"{ref}");
            let length = if open { parts.len() >= template.len() } else { parts.len() == template.len() };
            m == method && length && template.iter().zip(&parts).all(|(t, p)| t.starts_with('{') || t == p)
        };
        // A path without variables is the better fit: `/releases/tags/…` before `/releases/{release_id}/…`.
        operations.iter().filter(|(name, _)| fits(name)).min_by_key(|(name, _)| name.matches('{').count())
    }
}

fn one_or_many(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}
