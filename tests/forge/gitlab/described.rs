//! Checks requests and answers against what GitLab's documentation lists: `api.txt`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::server::{Ask, Breaks, Reply};

/// One endpoint, as its page has it.
#[derive(Debug, Default)]
pub struct Endpoint {
    method: String,
    path: Vec<String>,
    page: String,
    takes: Vec<String>,
    list: bool,
    /// Whether `CI_JOB_TOKEN` may use it.
    pub job: bool,
    status: u16,
    gives: BTreeMap<String, String>,
}

static API: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    let text = include_str!("api.txt");
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    let mut all: Vec<Endpoint> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(list) = line.strip_prefix('@') {
            let (name, fields) = list.split_once(' ').expect("a name and fields");
            known.insert(name, fields);
        } else if !line.starts_with(' ') {
            let [method, path, page] = words[..] else { panic!("a method, a path, a page: {line}") };
            assert!(page.contains("/#"), "the exact place of the page: {line}");
            let path = path.trim_start_matches('/').split('/').map(str::to_owned).collect();
            all.push(Endpoint { method: method.into(), path, page: page.into(), ..Endpoint::default() });
        } else {
            let last = all.last_mut().expect("an endpoint is above");
            match words[0] {
                "takes" => last.takes = words[1..].iter().map(|&word| word.to_owned()).collect(),
                "list" => last.list = true,
                "job" => last.job = true,
                "gives" => {
                    last.status = words[1].parse().expect("a status");
                    let named = words.get(2).and_then(|name| name.strip_prefix('@')).map(|name| known[name]);
                    let fields =
                        named.map_or_else(|| words[2..].to_vec(), |f| f.split_whitespace().collect());
                    let pair = |field: &str| {
                        let (name, kind) = field.split_once(':').expect("a name and a type");
                        (name.to_owned(), kind.to_owned())
                    };
                    last.gives = fields.into_iter().map(pair).collect();
                }
                other => panic!("`{other}` is not known here"),
            }
        }
    }
    all
});

/// The endpoint that a request is for.
pub fn endpoint(ask: &Ask) -> Option<&'static Endpoint> {
    let parts: Vec<&str> = ask.path.trim_start_matches("/api/v4/").split('/').collect();
    let fits = |of: &&Endpoint| {
        let parts = of.path.iter().zip(&parts);
        of.method == ask.method && parts.clone().all(|(of, part)| of.starts_with(':') || of == part)
    };
    // A path without variables is the better fit.
    let all = API.iter().filter(|of| of.path.len() == parts.len()).filter(fits);
    all.min_by_key(|of| of.path.iter().filter(|part| part.starts_with(':')).count())
}

/// The names of what a body holds, as a form would have them: `assets[links][][name]`.
fn names(value: &Value, at: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = if at.is_empty() { name.clone() } else { format!("{at}[{name}]") };
                names(value, &name, all);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, &format!("{at}[]"), all)),
        _ => all.push(at.to_owned()),
    }
}

/// What an exchange breaks. `whole` says whether the answer is the server's own.
pub fn check(ask: &Ask, reply: &Reply, whole: bool) -> Vec<String> {
    let Some(endpoint) = endpoint(ask) else {
        return vec![format!("{} {} is not in api.txt", ask.method, ask.path)];
    };
    let mut wrong = Vec::new();
    let mut say = |what: String| {
        wrong
            .push(format!("{} {}: {what} (https://docs.gitlab.com/{})", ask.method, ask.path, endpoint.page));
    };
    let mut said: Vec<String> = ask.query.keys().cloned().collect();
    let file = ask.method == "PUT" && endpoint.path.iter().any(|part| part == "generic");
    if !file && !ask.body.is_empty() {
        names(&ask.json(), "", &mut said);
    }
    for name in &said {
        let paging = endpoint.list && ["page", "per_page"].contains(&name.as_str());
        let any =
            |known: &String| known.strip_suffix("[*]").is_some_and(|of| name.starts_with(&format!("{of}[")));
        if !paging && !endpoint.takes.iter().any(|known| known == name || any(known)) {
            say(format!("no parameter {name}"));
        }
    }
    if !whole || reply.breaks != Breaks::Not {
        return wrong;
    }
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    match reply.status {
        // <https://docs.gitlab.com/api/rest/troubleshooting/#status-codes>
        400.. if !(answer["message"].is_null() && answer["error"].is_null()) => {}
        400.. => say(format!("an error without a message: {answer}")),
        301 => {}
        status if status != endpoint.status => say(format!("no answer {status}")),
        _ if endpoint.gives.is_empty() => {}
        _ if answer.is_array() != endpoint.list => say("a list, or not".to_owned()),
        _ => fields(&answer, "", &endpoint.gives, &mut say),
    }
    wrong
}

fn fields(value: &Value, at: &str, known: &BTreeMap<String, String>, say: &mut dyn FnMut(String)) {
    for item in value.as_array().into_iter().flatten() {
        fields(item, at, known, say);
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        let Some(kind) = known.get(&name) else {
            // What is not written down of a part is not looked at: `commit:o` alone.
            if at.is_empty() || known.keys().any(|of| of.starts_with(&format!("{at}."))) {
                say(format!("no field {name}"));
            }
            continue;
        };
        let fits = match kind.trim_end_matches('?') {
            _ if value.is_null() => kind.ends_with('?'),
            "i" => value.is_u64(),
            "f" => value.is_number(),
            "s" => value.is_string(),
            "b" => value.is_boolean(),
            "a" => value.is_array(),
            "o" => value.is_object(),
            other => panic!("`{other}` is no type"),
        };
        if !fits {
            say(format!("{name} is {kind}, not {value}"));
        }
        fields(value, &name, known, say);
    }
}

#[test]
fn what_breaks_the_documentation_is_seen() {
    let wrong = |method: &str, target: &str, body: Value, status: u16, answer: Value| {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let ask = Ask {
            method: method.to_owned(),
            path: format!("/api/v4/projects/g%2Fn/{path}"),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            raw_query: query.to_owned(),
            headers: BTreeMap::new(),
            body,
        };
        check(&ask, &Reply::json(status, &answer), true).join("; ")
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("it is JSON");
    for (method, target, body, status, answer, says) in [
        ("GET", "releases/v1", "null", 200, r#"{"tag_name": "v1", "description": null}"#, ""),
        ("GET", "releases/v1?per_page=2", "null", 200, "{}", "no parameter per_page"),
        ("GET", "releases/v1", "null", 200, r#"{"tag": "v1"}"#, "no field tag"),
        ("GET", "releases/v1", "null", 200, r#"{"tag_name": null}"#, "tag_name is s, not null"),
        (
            "GET",
            "releases/v1",
            "null",
            200,
            r#"{"assets": {"links": [{"id": "1"}]}}"#,
            "assets.links.id is i",
        ),
        ("GET", "releases/v1", "null", 200, "[]", "a list, or not"),
        ("GET", "releases/v1", "null", 404, r#"{"message": "404 Not Found"}"#, ""),
        ("GET", "releases/v1", "null", 404, "{}", "an error without a message"),
        ("POST", "releases", r#"{"assets": {"links": [{"name": "a"}]}}"#, 201, "{}", ""),
        (
            "POST",
            "releases",
            r#"{"assets": {"links": [{"nme": "a"}]}}"#,
            201,
            "{}",
            "no parameter assets[links][][nme]",
        ),
        ("POST", "trigger/pipeline", r#"{"variables": {"A": "b"}}"#, 201, "{}", ""),
        ("POST", "releases", "{}", 200, "{}", "no answer 200"),
        ("PATCH", "releases/v1", "{}", 200, "{}", "is not in api.txt"),
    ] {
        let found = wrong(method, target, json(body), status, json(answer));
        assert!(
            if says.is_empty() { found.is_empty() } else { found.contains(says) },
            "{method} {target}: {found}"
        );
    }
}
