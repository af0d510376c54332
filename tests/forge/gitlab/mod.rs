//! A stateful stand-in for a GitLab server, built from its published API documentation: `api.txt` has the page of each
//! endpoint, and every exchange of every test is checked against it, so that neither side uses what is not documented.

mod described;
mod desk;
mod releases;
mod repository;
mod requests;
mod runs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::server::{Ask, Reply};

pub use described::check;

/// The token that is taken, as a personal and as a job token.
pub const TOKEN: &str = "glpat-0123456789";
/// The one project.
pub const PROJECT: &str = "group/sub/hello";
/// When everything was made.
const TIME: &str = "2026-01-01T00:00:00.000Z";

/// The server.
#[derive(Default)]
pub struct GitLab {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tags: BTreeMap<String, String>,
    branches: BTreeMap<String, String>,
    releases: BTreeMap<String, Value>,
    /// By the version: package id, then its files with their content.
    packages: BTreeMap<String, (u64, Vec<releases::File>)>,
    /// Whether it does not say what it made of a file that was sent.
    silent_uploads: bool,
    requests: Vec<Value>,
    notes: BTreeMap<u64, Vec<Value>>,
    statuses: BTreeMap<String, Vec<Value>>,
    issues: Vec<Value>,
    /// By their place, `/projects/…` or `/groups/…`; whoever may not see them is not told that.
    variables: BTreeMap<String, Vec<Value>>,
    pipelines: Vec<(Value, Vec<Value>)>,
    /// When pipelines end, where they take their time.
    pipelines_end: Option<u64>,
    /// Whether pipelines end badly.
    pipelines_fail: bool,
    /// Whether the project has another path by now.
    moved: bool,
    /// Whether everybody may see the project and its pipelines.
    public: bool,
    last_id: u64,
    /// The repository whose branches and tags these are, where there is one.
    git: Option<PathBuf>,
}

impl State {
    fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

fn is_id(value: &Value, id: &str) -> bool {
    value.as_u64().is_some_and(|number| id.parse() == Ok(number))
}

/// A person, as lists and objects show one.
fn person(id: u64, username: &str) -> Value {
    json!({ "id": id, "username": username, "name": username })
}

/// `{"message": …}`, a text, a list of texts, or lists of texts by field
/// (<https://docs.gitlab.com/api/rest/troubleshooting/#status-code-400>).
fn refuse(status: u16, message: impl Into<Value>) -> Reply {
    Reply::json(status, &json!({ "message": message.into() }))
}

fn not_found() -> Reply {
    refuse(404, "404 Not Found")
}

/// A page of a list, with its headers: <https://docs.gitlab.com/api/rest/#offset-based-pagination>. How many there are is not
/// always said, and never of commits (<https://docs.gitlab.com/api/commits/#pagination-response-headers>).
fn page(ask: &Ask, items: Vec<Value>) -> Reply {
    let number =
        |name: &str, default: usize| ask.query.get(name).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (page, size) = (number("page", 1).max(1), number("per_page", 20).clamp(1, 100));
    let pages = items.len().div_ceil(size).max(1);
    let shown: Vec<Value> = items.iter().skip((page - 1) * size).take(size).cloned().collect();
    let at = |page: usize| {
        let others = ask.query.iter().filter(|(name, _)| *name != "page" && *name != "per_page");
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(others).append_pair("page", &page.to_string());
        let host = ask.headers.get("host").map_or("gitlab.example", String::as_str);
        format!("http://{host}{}?{}", ask.path, query.append_pair("per_page", &size.to_string()).finish())
    };
    let (previous, next) = (page.checked_sub(1).filter(|n| *n > 0), Some(page + 1).filter(|n| *n <= pages));
    let linked = [("prev", previous), ("next", next), ("first", Some(1)), ("last", Some(pages))];
    let links: Vec<String> = linked
        .iter()
        .filter_map(|(rel, page)| page.map(|page| format!("<{}>; rel=\"{rel}\"", at(page))))
        .collect();
    let text = |number: Option<usize>| number.map(|n| n.to_string()).unwrap_or_default();
    let reply = Reply::json(200, &json!(shown))
        .header("link", links.join(", "))
        .header("x-page", page)
        .header("x-per-page", size)
        .header("x-prev-page", text(previous))
        .header("x-next-page", text(next));
    if ask.path.contains("/repository/commits") {
        return reply;
    }
    reply.header("x-total", items.len()).header("x-total-pages", pages)
}

/// What an answer says when this many requests are too many: the server's own limit, or that of what was asked for, which no
/// header tells (<https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers>).
pub fn too_many(own: bool) -> Reply {
    if !own {
        let error = "This endpoint has been requested too many times. Try again later.";
        return refuse(429, json!({ "error": error }));
    }
    let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
    Reply { status: 429, headers, body: b"Retry later\n".to_vec(), ..Reply::default() }
        .header("ratelimit-limit", 60)
        .header("ratelimit-name", "throttle_authenticated_api")
        .header("ratelimit-observed", 61)
        .header("ratelimit-remaining", 0)
        .header("ratelimit-reset", 1)
        .header("ratelimit-resettime", "Thu, 01 Jan 1970 00:00:01 GMT")
        .header("retry-after", 1)
}

/// What an answer says that goes wrong otherwise.
pub fn broken(status: u16) -> Reply {
    match status {
        401 => refuse(401, "401 Unauthorized"),
        // <https://docs.gitlab.com/api/rest/authentication/>: a scope that the token lacks.
        403 => Reply::json(
            403,
            &json!({
                "error": "insufficient_scope", "scope": "api",
                "error_description": "The request requires higher privileges than provided by the access token.",
            }),
        ),
        404 => not_found(),
        409 => refuse(409, json!(["Conflict"])),
        422 => refuse(422, json!({ "base": ["is not valid"] })),
        other => refuse(other, format!("{other} Internal Server Error")),
    }
}

impl GitLab {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no test has failed in here")
    }

    /// Adds a branch or tag, as a push would.
    pub fn push(&self, name: &str, commit: &str) {
        let mut state = self.state();
        let (kind, short) = name.split_once('/').expect("heads/… or tags/…");
        let refs = if kind == "tags" { &mut state.tags } else { &mut state.branches };
        refs.insert(short.to_owned(), commit.to_owned());
    }

    /// Takes over the branches and tags of a repository.
    pub fn follow(&self, refs: Vec<(String, String)>, git: &Path) {
        let mut state = self.state();
        state.git = Some(git.to_owned());
        let of = |kind: &str| {
            refs.iter()
                .filter_map(|(name, id)| Some((name.strip_prefix(kind)?.to_owned(), id.clone())))
                .collect()
        };
        (state.branches, state.tags) = (of("heads/"), of("tags/"));
    }

    /// Lets pipelines end at a second of the clock of runs.
    pub fn pipelines_end(&self, at: u64) {
        self.state().pipelines_end = Some(at);
    }

    /// Lets pipelines end badly.
    pub fn pipelines_fail(&self) {
        self.state().pipelines_fail = true;
    }

    /// Lets everybody see the project.
    pub fn public(&self) {
        self.state().public = true;
    }

    /// Adds comments of others to a request.
    pub fn remark(&self, request: u64, times: usize) {
        let mut state = self.state();
        for _ in 0..times {
            let note = requests::note(state.id(), request, "a remark");
            state.notes.entry(request).or_default().push(note);
        }
    }

    /// Says whether the project is at another path by now.
    pub fn moved(&self, moved: bool) {
        self.state().moved = moved;
    }

    /// Lets it answer uploads as one that does not know `select`.
    pub fn silent_uploads(&self) {
        self.state().silent_uploads = true;
    }

    /// Gives a place, `/projects/…`, `/groups/…` or `/admin/ci`, variables: their names and the environments that they are for.
    pub fn variables(&self, place: &str, of: &[(&str, &str)]) {
        let list = of.iter().map(|(key, scope)| desk::variable(key, scope)).collect();
        self.state().variables.insert(place.to_owned(), list);
    }

    /// The requests from a branch.
    pub fn requests(&self, head: &str) -> Vec<u64> {
        let state = self.state();
        let from = state.requests.iter().filter(|r| r["source_branch"] == head);
        from.filter_map(|r| r["iid"].as_u64()).collect()
    }

    /// Says that a request was merged.
    pub fn merged(&self, number: u64) {
        for request in self.state().requests.iter_mut().filter(|r| r["iid"] == number) {
            request["state"] = "merged".into();
        }
    }

    /// Says which merged request brought commits: its head, and the last is its merge.
    pub fn brought(&self, number: u64, author: &str, labels: &[&str], body: &str, commits: &[String]) {
        let mut request = requests::request(number, "x", "main", &commits[0]);
        request["author"] = person(9, author);
        request["title"] = "a title".into();
        request["description"] = body.into();
        request["labels"] = json!(labels);
        request["state"] = "merged".into();
        request["merge_commit_sha"] = json!(commits.last());
        request["web_url"] = "https://evil.example/".into();
        self.state().requests.push(request);
    }

    /// The files that a tag's release links to; a tag has at most one release by GitLab's own rule.
    pub fn links(&self, tag: &str) -> Option<Vec<String>> {
        let state = self.state();
        let links = state.releases.get(tag)?["assets"]["links"].as_array()?;
        Some(links.iter().map(|l| l["name"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// How many requests, comments and pipelines there are.
    pub fn counts(&self) -> (usize, usize, usize) {
        let state = self.state();
        (state.requests.len(), state.notes.values().map(Vec::len).sum(), state.pipelines.len())
    }

    /// How many issues hold a text.
    pub fn issues_with(&self, text: &str) -> usize {
        let state = self.state();
        state.issues.iter().filter(|i| i["description"].as_str().is_some_and(|d| d.contains(text))).count()
    }

    /// Answers one request.
    pub fn answer(&self, ask: &Ask) -> Reply {
        // <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#headers-returned-for-all-requests>
        self.route(ask)
            .header("ratelimit-limit", 2000)
            .header("ratelimit-name", "throttle_authenticated_api")
            .header("ratelimit-observed", 1)
            .header("ratelimit-remaining", 1999)
            .header("ratelimit-reset", 4_102_444_800_u64)
            .header("x-request-id", "01")
    }

    fn route(&self, ask: &Ask) -> Reply {
        // <https://docs.gitlab.com/api/rest/authentication/>
        let given = |name: &str| ask.headers.get(name).is_some_and(|token| token == TOKEN);
        let job = given("job-token");
        if !job && !given("private-token") {
            return refuse(401, "401 Unauthorized");
        }
        // Elsewhere a job token is nobody's (<https://docs.gitlab.com/ci/jobs/ci_job_token/#job-token-access>).
        let seen = ask.method == "GET" && self.state().public;
        if job && !seen && !described::endpoint(ask).is_some_and(|endpoint| endpoint.job) {
            return refuse(404, "404 Project Not Found");
        }
        let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        let parts: Vec<String> = ask.path.trim_start_matches('/').split('/').map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let mut state = self.state();
        match (ask.method.as_str(), parts.as_slice()) {
            ("GET", ["api", "v4", "users"]) => repository::users(ask),
            ("GET", ["api", "v4", kind @ ("projects" | "groups"), of, "variables"]) => {
                state.list_variables(&format!("/{kind}/{of}"), ask)
            }
            // <https://docs.gitlab.com/api/rest/#redirects>: only questions find what was moved.
            ("GET", ["api", "v4", "projects", PROJECT, ..]) if state.moved => {
                let to = ask.path.replace("group%2Fsub%2Fhello", "1");
                Reply {
                    status: 301,
                    body: b"This resource has been moved permanently".to_vec(),
                    ..Reply::default()
                }
                .header("location", format!("{to}?{}", ask.raw_query))
            }
            ("GET", ["api", "v4", "admin", "ci", "variables"]) => match state.variables.get("/admin/ci") {
                Some(list) => page(ask, list.iter().map(desk::of_server).collect()),
                None => refuse(403, "403 Forbidden"),
            },
            (_, ["api", "v4", "projects", project, ..])
                if *project != if state.moved { "1" } else { PROJECT } =>
            {
                refuse(404, "404 Project Not Found")
            }
            (method, ["api", "v4", "projects", _, rest @ ..]) => state.project(method, rest, ask),
            _ => not_found(),
        }
    }
}

impl State {
    fn project(&mut self, method: &str, rest: &[&str], ask: &Ask) -> Reply {
        match rest {
            ["releases", ..] => self.releases(method, &rest[1..], ask),
            ["packages", ..] => self.packages(method, &rest[1..], ask),
            ["merge_requests", ..] => self.merge_requests(method, &rest[1..], ask),
            ["issues", ..] => self.issues(method, &rest[1..], ask),
            ["pipeline" | "pipelines" | "jobs" | "trigger", ..] => self.pipelines(method, rest, ask),
            _ => self.repository(method, rest, ask),
        }
    }
}
