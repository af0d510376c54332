//! Checks GraphQL requests and answers against GitHub's published schema: `openapi/graphql.json`, which `openapi/graphql.mjs`
//! takes from the npm package `@octokit/graphql-schema`. As much of GraphQL as is used here
//! (<https://spec.graphql.org/October2021/>); anything else fails the test.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::server::{Ask, Breaks, Reply};

/// One field of a selection, or a fragment's name.
enum Pick {
    Field { key: String, name: String, args: Vec<(String, Given)>, of: Vec<Pick> },
    Spread(String),
}

/// What an argument is given.
enum Given {
    Variable(String),
    Text,
    Number,
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
}

fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\n', ',']);
    while let Some(c) = rest.chars().next() {
        let word = |rest: &str| rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let end = match c {
            '.' => 3,
            '"' => 2 + rest[1..].find('"').expect("the text ends"),
            c if c.is_alphanumeric() || c == '_' => word(rest),
            _ => 1,
        };
        found.push(rest[..end].to_owned());
        rest = rest[end..].trim_start_matches([' ', '\n', ',']);
    }
    found
}

impl Parser {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned().unwrap_or_default()
    }

    fn take(&mut self, wanted: &str) -> bool {
        let there = self.peek() == wanted;
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, wanted: &str) {
        assert!(self.take(wanted), "`{wanted}` is wanted, and `{}` is there", self.peek());
    }

    fn selection(&mut self) -> Vec<Pick> {
        let mut picks = Vec::new();
        self.expect("{");
        while !self.take("}") {
            if self.take("...") {
                picks.push(Pick::Spread(self.next()));
                continue;
            }
            let mut name = self.next();
            let key = name.clone();
            if self.take(":") {
                name = self.next();
            }
            let mut args = Vec::new();
            if self.take("(") {
                while !self.take(")") {
                    let arg = self.next();
                    self.expect(":");
                    let given = self.next();
                    args.push((
                        arg,
                        match given.chars().next() {
                            Some('$') => Given::Variable(self.next()),
                            Some('"') => Given::Text,
                            Some(c) if c.is_ascii_digit() => Given::Number,
                            _ => panic!("`{given}` is not known here"),
                        },
                    ));
                }
            }
            let of = if self.peek() == "{" { self.selection() } else { Vec::new() };
            picks.push(Pick::Field { key, name, args, of });
        }
        picks
    }
}

/// The schema, and what of a request is needed to check it.
struct Check<'a> {
    types: &'a Value,
    fragments: BTreeMap<String, (String, Vec<Pick>)>,
    variables: BTreeMap<String, String>,
    wrong: Vec<String>,
}

fn base(of: &str) -> &str {
    of.trim_matches(['[', ']', '!'])
}

impl Check<'_> {
    fn say(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// Checks a selection, and where there is one what was answered to it.
    fn picks(&mut self, of: &str, picks: &[Pick], answer: Option<&Value>) {
        for pick in picks {
            match pick {
                Pick::Spread(name) => {
                    let Some((on, inner)) = self.fragments.remove(name) else {
                        self.say(format!("no fragment {name}"));
                        continue;
                    };
                    let possible = &self.types[of]["possible"];
                    if on != of && !possible.as_array().is_some_and(|p| p.iter().any(|p| *p == on.as_str())) {
                        self.say(format!("{of} is never {on}"));
                    }
                    // An object of another type answers nothing to the fragment.
                    let fits = answer.filter(|a| a.as_object().is_some_and(|a| !a.is_empty()));
                    self.picks(&on, &inner, fits);
                    self.fragments.insert(name.clone(), (on, inner));
                }
                Pick::Field { key, name, args, of: inner } => {
                    let field = self.types[of]["fields"][name.as_str()].clone();
                    let Some(kind) = field["type"].as_str() else {
                        self.say(format!("{of} has no field {name}"));
                        continue;
                    };
                    self.args(&format!("{of}.{name}"), &field["args"], args);
                    let object =
                        matches!(self.types[base(kind)]["kind"].as_str(), Some("OBJECT" | "INTERFACE"));
                    if object == inner.is_empty() {
                        self.say(format!("{of}.{name}: {kind} and its fields"));
                    }
                    if object {
                        self.picks(base(kind), inner, None);
                    }
                    match answer.map(|answer| answer.get(key)) {
                        Some(None) => self.say(format!("{of}.{key} is missing in the answer")),
                        Some(Some(value)) => self.value(&format!("{of}.{key}"), kind, inner, value),
                        None => {}
                    }
                }
            }
        }
    }

    fn args(&mut self, at: &str, known: &Value, given: &[(String, Given)]) {
        for (name, value) in given {
            let Some(kind) = known[name.as_str()].as_str() else {
                self.say(format!("{at} has no argument {name}"));
                continue;
            };
            let fits = match value {
                Given::Variable(name) => {
                    self.variables.get(name).is_some_and(|of| of == kind || of.trim_end_matches('!') == kind)
                }
                Given::Number => base(kind) == "Int",
                Given::Text => matches!(base(kind), "String" | "ID" | "GitObjectID"),
            };
            if !fits {
                self.say(format!("{at}({name}) is a {kind}"));
            }
        }
        for (name, kind) in known.as_object().into_iter().flatten() {
            if kind.as_str().is_some_and(|k| k.ends_with('!')) && given.iter().all(|(given, _)| given != name)
            {
                self.say(format!("{at} wants {name}"));
            }
        }
    }

    fn value(&mut self, at: &str, kind: &str, picks: &[Pick], value: &Value) {
        if value.is_null() {
            if kind.ends_with('!') {
                self.say(format!("{at} is never null"));
            }
            return;
        }
        let kind = kind.trim_end_matches('!');
        if let Some(item) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
            match value.as_array() {
                Some(items) => items.iter().for_each(|one| self.value(at, item, picks, one)),
                None => self.say(format!("{at} is a list")),
            }
            return;
        }
        let of = self.types[kind].clone();
        let fits = match of["kind"].as_str() {
            Some("OBJECT" | "INTERFACE") => {
                self.picks(kind, picks, Some(value));
                value.is_object()
            }
            Some("INPUT_OBJECT") => {
                let known = of["inputs"].as_object().cloned().unwrap_or_default();
                let given = value.as_object().cloned().unwrap_or_default();
                for (name, field) in &given {
                    match known.get(name).and_then(Value::as_str) {
                        Some(kind) => self.value(&format!("{at}.{name}"), kind, &[], field),
                        None => self.say(format!("{at} has no {name}")),
                    }
                }
                for (name, kind) in &known {
                    if kind.as_str().is_some_and(|k| k.ends_with('!')) && !given.contains_key(name) {
                        self.say(format!("{at} wants {name}"));
                    }
                }
                value.is_object()
            }
            Some("ENUM") => of["values"].as_array().is_some_and(|values| values.contains(value)),
            _ => match kind {
                "Int" => value.is_i64() || value.is_u64(),
                "Boolean" => value.is_boolean(),
                _ => value.is_string(),
            },
        };
        if !fits {
            self.say(format!("{at}: {value} is no {kind}"));
        }
    }
}

/// What an exchange breaks.
pub fn check(ask: &Ask, reply: &Reply) -> Vec<String> {
    let schema: Value = serde_json::from_str(include_str!("openapi/graphql.json")).expect("it is JSON");
    let said = ask.json();
    let mut parser = Parser { tokens: tokens(said["query"].as_str().unwrap_or_default()), at: 0 };
    let mut check = Check {
        types: &schema["types"],
        fragments: BTreeMap::new(),
        variables: BTreeMap::new(),
        wrong: Vec::new(),
    };
    let mut operation = None;
    while parser.at < parser.tokens.len() {
        match parser.next().as_str() {
            "fragment" => {
                let name = parser.next();
                parser.expect("on");
                let on = parser.next();
                let picks = parser.selection();
                check.fragments.insert(name, (on, picks));
            }
            kind @ ("query" | "mutation") => {
                if parser.take("(") {
                    while !parser.take(")") {
                        parser.expect("$");
                        let name = parser.next();
                        parser.expect(":");
                        let of = parser.next();
                        let sure = if parser.take("!") { "!" } else { "" };
                        check.variables.insert(name, format!("{of}{sure}"));
                    }
                }
                let root = if kind == "query" { "Query" } else { "Mutation" };
                operation = Some((root, parser.selection()));
            }
            other => panic!("`{other}` is not known here"),
        }
    }
    let (root, picks) = operation.expect("there is an operation");
    for (name, kind) in check.variables.clone() {
        check.value(&format!("${name}"), &kind, &[], &said["variables"][&name]);
    }
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let whole = reply.status == 200 && reply.breaks == Breaks::Not && answer["errors"].is_null();
    check.picks(root, &picks, whole.then_some(&answer["data"]));
    check.wrong
}

#[test]
fn what_breaks_the_schema_is_seen() {
    let wrong = |query: &str, variables: Value, data: Value| {
        let ask = Ask {
            method: "POST".to_owned(),
            path: "/graphql".to_owned(),
            query: BTreeMap::new(),
            raw_query: String::new(),
            headers: BTreeMap::new(),
            body: serde_json::json!({ "query": query, "variables": variables }).to_string().into_bytes(),
        };
        check(&ask, &Reply::json(200, &serde_json::json!({ "data": data })))
    };
    let none = serde_json::json!({});
    let good = "query { repository(owner: \"a\", name: \"b\") { nameWithOwner } }";
    assert!(
        wrong(good, none.clone(), serde_json::json!({ "repository": { "nameWithOwner": "a/b" } })).is_empty()
    );
    for (query, variables, data, says) in [
        (good, none.clone(), serde_json::json!({ "repository": { "nameWithOwner": 1 } }), "is no String"),
        (good, none.clone(), serde_json::json!({ "repository": {} }), "is missing in the answer"),
        ("query { repository(owner: \"a\") { nameWithOwner } }", none.clone(), Value::Null, "wants name"),
        (
            "query { repository(owner: \"a\", name: 1) { nameWithOwner } }",
            none.clone(),
            Value::Null,
            "is a String!",
        ),
        (
            "query { repository(owner: \"a\", name: \"b\") { nme } }",
            none.clone(),
            Value::Null,
            "no field nme",
        ),
        ("query { repository(owner: \"a\", name: \"b\") }", none.clone(), Value::Null, "and its fields"),
        (
            "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }",
            serde_json::json!({ "input": { "branch": {}, "message": { "headline": 1 } } }),
            serde_json::json!({ "createCommitOnBranch": null }),
            "$input wants expectedHeadOid",
        ),
    ] {
        let found = wrong(query, variables, data);
        assert!(found.iter().any(|wrong| wrong.contains(says)), "{query}: {found:?}");
    }
}
