//! The two forges behind one front, which records every exchange and breaks those that a test wants broken.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use release_steps::config::ForgeConfig;
use release_steps::env::Env;
use release_steps::world::forge::act::Writer;
use release_steps::world::forge::{Forges, Kind, Place};
use release_steps::world::http::Limits;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::actions::Actions;
use crate::desk::Lists;
use crate::gitlab::{self, GitLab, PROJECT, TOKEN};
use crate::openapi::Description;
use crate::server::{Ask, Breaks, Reply, serve};
use crate::threads::Threads;

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This status instead of the server's answer; the server never hears of the request.
    Status(u16),
    /// GitHub: 403 with the headers of a rate limit that is free again in a second. GitLab: 429 that does not say when.
    Limited,
    /// 429 with `Retry-After`.
    TooMany,
    /// 502 after the server has acted.
    ActedThen502,
    /// The connection is cut before the server hears of the request.
    Cut,
    /// The connection is cut after the server has acted.
    ActedThenCut,
    /// No answer, and the server never hears of the request.
    Silent,
    /// No answer, although the server has acted.
    ActedThenSilent,
    /// Half an answer, after the server has acted.
    ActedThenSlow,
}

/// All of them.
pub const FAULTS: [Fault; 15] = [
    Fault::Status(401),
    Fault::Status(403),
    Fault::Limited,
    Fault::Status(404),
    Fault::Status(409),
    Fault::Status(422),
    Fault::TooMany,
    Fault::Status(500),
    Fault::Status(503),
    Fault::ActedThen502,
    Fault::Cut,
    Fault::ActedThenCut,
    Fault::Silent,
    Fault::ActedThenSilent,
    Fault::ActedThenSlow,
];

impl Fault {
    /// Whether a run gets over it by itself: nothing was done, or what was done is found, and the wait is a short one.
    pub fn passes(self, kind: Kind) -> bool {
        match self {
            Fault::ActedThen502 | Fault::ActedThenCut | Fault::TooMany | Fault::Cut => true,
            Fault::Limited => kind == Kind::GitHub,
            _ => false,
        }
    }
}

#[derive(Default)]
struct Front {
    exchanges: Vec<(Ask, Reply)>,
    /// Which request from now on goes wrong, and how.
    fault: Option<(usize, Fault)>,
    /// What is answered to questions that no server here knows, by the path.
    says: BTreeMap<String, Reply>,
    /// What GitLab's documentation does not list.
    wrong: Vec<String>,
}

/// A forge that runs.
pub struct World {
    /// Which kind.
    pub kind: Kind,
    /// Where the front is.
    pub url: String,
    /// The stand-in, where it is one.
    pub gitlab: Arc<GitLab>,
    front: Arc<Mutex<Front>>,
    emulator: Option<(Child, String)>,
    /// The workflow runs, where the emulator has none.
    pub actions: Arc<Actions>,
    /// The requests that brought commits, where the emulator has none: by the commit, as GraphQL answers them.
    associated: Arc<Mutex<BTreeMap<String, Value>>>,
    /// The names of variables and secrets, which the emulator has none of.
    pub lists: Arc<Lists>,
    /// Whether releases can be changed no more once they are published.
    pub immutable: Arc<AtomicBool>,
    /// The git repository whose branches and tags the forge has.
    git: Arc<Mutex<Option<PathBuf>>>,
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.emulator {
            let _ = child.kill();
            let _ = child.wait();
        }
        if !std::thread::panicking() {
            let mut wrong = std::mem::take(&mut self.front.lock().expect("no test has failed in here").wrong);
            wrong.sort();
            wrong.dedup();
            assert!(wrong.is_empty(), "not as GitLab's documentation has it: {wrong:#?}");
        }
    }
}

fn front(kind: Kind, answer: impl Fn(&Ask) -> Reply + Send + Sync + 'static) -> (String, Arc<Mutex<Front>>) {
    let front = Arc::new(Mutex::new(Front::default()));
    let shared = front.clone();
    let url = serve(move |ask| {
        let fault = {
            let mut front = shared.lock().expect("no test has failed in here");
            match &mut front.fault {
                Some((0, fault)) => {
                    let fault = *fault;
                    front.fault = None;
                    Some(fault)
                }
                Some((left, _)) => {
                    *left -= 1;
                    None
                }
                None => None,
            }
        };
        let told = {
            let front = shared.lock().expect("no test has failed in here");
            front.says.get(&ask.path).filter(|_| ask.method == "GET").cloned()
        };
        let answer = |ask: &Ask| told.clone().unwrap_or_else(|| answer(ask));
        let refuse = |status: u16| match kind {
            Kind::GitHub => Reply::json(
                status,
                &json!({ "message": "broken by the test", "documentation_url": "https://docs.github.com/rest" }),
            ),
            Kind::GitLab => gitlab::broken(status),
        };
        let broken = |breaks: Breaks| Reply { breaks, ..answer(&ask) };
        let reply = match fault {
            None => answer(&ask),
            Some(Fault::Status(status)) => refuse(status),
            Some(Fault::Limited) if kind == Kind::GitLab => gitlab::too_many(false),
            Some(Fault::TooMany) if kind == Kind::GitLab => gitlab::too_many(true),
            Some(Fault::Limited) => refuse(403)
                .header("x-ratelimit-remaining", 0)
                .header("x-ratelimit-reset", 1)
                .header("retry-after", 1),
            Some(Fault::TooMany) => refuse(429).header("retry-after", 1),
            Some(Fault::ActedThen502) => {
                answer(&ask);
                Reply { status: 502, body: b"<html>Bad Gateway</html>".to_vec(), ..Reply::default() }
            }
            Some(Fault::Cut) => Reply { breaks: Breaks::Cut, ..Reply::default() },
            Some(Fault::Silent) => Reply { breaks: Breaks::Silent, ..Reply::default() },
            Some(Fault::ActedThenCut) => broken(Breaks::Cut),
            Some(Fault::ActedThenSilent) => broken(Breaks::Silent),
            Some(Fault::ActedThenSlow) => broken(Breaks::Slow),
        };
        let mut front = shared.lock().expect("no test has failed in here");
        if kind == Kind::GitLab {
            front.wrong.extend(gitlab::check(&ask, &reply, fault.is_none()));
        }
        front.exchanges.push((ask, reply.clone()));
        drop(front);
        reply
    });
    (url, front)
}

/// Where `emulate` and the node that runs it are: `.ci/tools.sh` puts them into the target folder.
fn emulator() -> Option<(PathBuf, PathBuf)> {
    let tools = std::env::var_os("EMULATE_HOME").map(PathBuf::from).or_else(|| {
        Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).parent()?.join("tools").join("emulate"))
    })?;
    let (node, script) =
        (tools.join("node_modules/.bin/node"), tools.join("node_modules/emulate/dist/index.js"));
    (node.exists() && script.exists()).then_some((node, script))
}

impl World {
    /// The stand-in for GitLab.
    pub fn gitlab() -> World {
        let gitlab = Arc::new(GitLab::default());
        let shared = gitlab.clone();
        let git: Arc<Mutex<Option<PathBuf>>> = Arc::default();
        let followed = git.clone();
        let threads = Threads::default();
        let (url, front) = front(Kind::GitLab, move |ask| {
            let git = followed.lock().expect("no test has failed in here").clone();
            if let Some(git) = &git {
                shared.follow(refs(git), git);
            }
            let has = |commit: &str| git.as_ref().is_none_or(|git| has(git, commit));
            threads.answer(ask, &has).unwrap_or_else(|| shared.answer(ask))
        });
        World {
            kind: Kind::GitLab,
            url,
            gitlab,
            front,
            emulator: None,
            actions: Arc::default(),
            associated: Arc::default(),
            lists: Arc::default(),
            immutable: Arc::default(),
            git,
        }
    }

    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    /// GitHub's emulator; none where it is not installed, which a CI job does not forgive.
    pub fn github() -> Option<World> {
        let Some((node, script)) = emulator() else {
            assert!(std::env::var_os("CI").is_none(), "no emulator: run .ci/tools.sh");
            eprintln!("skipped: no emulator of GitHub here; .ci/tools.sh installs it");
            return None;
        };
        let upstream = Arc::new(Mutex::new(String::new()));
        let shared = upstream.clone();
        let digests: Mutex<Vec<Sent>> = Mutex::default();
        let statuses: Mutex<Vec<(String, Value)>> = Mutex::default();
        let git: Arc<Mutex<Option<PathBuf>>> = Arc::default();
        let followed = git.clone();
        let known: Mutex<BTreeMap<String, String>> = Mutex::default();
        let associated: Arc<Mutex<BTreeMap<String, Value>>> = Arc::default();
        let answers = associated.clone();
        let actions: Arc<Actions> = Arc::default();
        let runs = actions.clone();
        let lists: Arc<Lists> = Arc::default();
        let names = lists.clone();
        let immutable: Arc<AtomicBool> = Arc::default();
        let locked = immutable.clone();
        let (url, front) = front(Kind::GitHub, move |ask| {
            let upstream = shared.lock().expect("no test has failed in here").clone();
            let git = followed.lock().expect("no test has failed in here").clone();
            if let Some(git) = &git {
                mirror(git, &upstream, &known);
            }
            // As an Enterprise Server has it, where the address of the pages is known only.
            let path = ask.path.strip_prefix("/api/v3").unwrap_or(&ask.path).to_owned();
            let ask = &Ask { path, ..ask.clone() };
            if let Some(reply) = git.as_ref().and_then(|git| crate::commits::github(ask, git)) {
                return reply;
            }
            let ask = &match &git {
                Some(git) => on_a_commit_it_has(ask, git, &upstream),
                None => ask.clone(),
            };
            if ask.path.ends_with("/graphql") {
                return graphql(ask, &answers.lock().expect("no test has failed in here"));
            }
            if let Some(reply) = names.answer(ask).or_else(|| runs.answer(ask)) {
                return reply;
            }
            let locked = locked.load(Ordering::Relaxed);
            if let Some(reply) = crate::immutable::refuse(ask, |path| self::ask(&upstream, "GET", path, None))
                .filter(|_| locked)
            {
                return reply;
            }
            let mut reply = beside(ask, &statuses).unwrap_or_else(|| forward(ask, &upstream, &digests));
            if locked {
                crate::immutable::mark(&mut reply);
            }
            reply
        });
        // Each world has a port of its own.
        let port = url.rsplit(':').next().expect("the address has a port");
        let seed =
            std::env::temp_dir().join(format!("release-steps-emulate-{}-{port}.yaml", std::process::id()));
        let mut file = std::fs::File::create(&seed).expect("a file can be made");
        write!(
            file,
            "tokens:\n  {TOKEN}: {{ login: octocat, scopes: [repo, user, workflow] }}\ngithub:\n  baseUrl: {url}\n  users: [ {{ login: octocat, name: Octo, email: o@x.example }}, {{ login: anna, name: A, email: a@x.example }}, {{ login: ben, name: B, email: b@x.example }} ]\n  repos: [ {{ owner: octocat, name: hello, language: Rust, auto_init: true }} ]\n"
        )
        .expect("it can be written");
        // A port that was free a moment ago.
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("address").port();
        let child = Command::new(node)
            .arg(script)
            .args(["start", "--service", "github", "--port", &port.to_string(), "--seed"])
            .arg(&seed)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("node runs");
        let address = format!("http://127.0.0.1:{port}");
        *upstream.lock().expect("no test has failed in here") = address.clone();
        let world = World {
            kind: Kind::GitHub,
            url,
            gitlab: Arc::default(),
            front,
            emulator: Some((child, address.clone())),
            actions,
            associated,
            lists,
            immutable,
            git,
        };
        let started = Instant::now();
        while reqwest::blocking::get(format!("{address}/rate_limit")).is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "the emulator does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        world.actions.belong_to(world.ask_emulator("GET", "/repos/octocat/hello", None));
        Some(world)
    }

    /// From now on the forge has the branches and tags of this repository.
    pub fn follow(&self, git: &Path) {
        *self.git.lock().expect("no test has failed in here") = Some(git.to_owned());
    }

    /// The repository.
    pub fn place(&self) -> Place {
        let (api, repository) = match self.kind {
            Kind::GitHub => (self.url.clone(), "octocat/hello"),
            Kind::GitLab => (format!("{}/api/v4", self.url), PROJECT),
        };
        Place { kind: self.kind, api, web: self.url.clone(), repository: repository.to_owned() }
    }

    /// The forges as a new process would connect to them.
    pub fn forges(&self) -> Arc<Forges> {
        self.forges_by("TOKEN")
    }

    /// The same with the token of this variable.
    pub fn forges_by(&self, token_env: &str) -> Arc<Forges> {
        let config = ForgeConfig { token_env: Some(token_env.to_owned()), ..ForgeConfig::default() };
        let env: Env = [(token_env.to_owned(), TOKEN.to_owned())].into_iter().collect();
        // Short where an answer is to be missed; a busy machine is no fault.
        let broken = self.front.lock().expect("no test has failed in here").fault.is_some();
        // A server that runs git for its answers takes longer.
        let git = self.git.lock().expect("no test has failed in here").is_some();
        let (idle, total) = match (broken, git) {
            (false, _) => (10_000, 20_000),
            (true, true) => (1_500, 1_800),
            (true, false) => (250, 800),
        };
        let limits = Limits {
            idle: Duration::from_millis(idle),
            total: Duration::from_millis(total),
            transfer: Duration::from_millis(total),
            step: Duration::from_millis(5),
            wait: Duration::from_secs(6),
            ..Limits::default()
        };
        Arc::new(Forges::with_limits(config, env, limits))
    }

    /// The write side, as a new process has it.
    pub fn writer(&self) -> Writer {
        Writer::new(self.forges())
    }

    /// Lets a request from now on go wrong, counted from 0.
    pub fn break_request(&self, number: usize, fault: Fault) {
        let mut front = self.front.lock().expect("no test has failed in here");
        front.fault = Some((number, fault));
        front.exchanges.clear();
    }

    /// Says what is answered to a question that no server here knows.
    pub fn says(&self, path: &str, status: u16, body: Value) {
        self.says_with(path, status, body, ("x-request-id", "01"));
    }

    /// The same with a header.
    pub fn says_with(&self, path: &str, status: u16, body: Value, (name, value): (&str, &str)) {
        let mut front = self.front.lock().expect("no test has failed in here");
        let reply = Reply::json(status, &body).header(name, value);
        front.says.insert(path.to_owned(), reply.clone());
        // As an Enterprise Server has it, where the address of the pages is known only.
        front.says.insert(format!("/api/v3{path}"), reply);
    }

    /// Lets the servers answer all questions by themselves again.
    pub fn says_no_more(&self) {
        self.front.lock().expect("no test has failed in here").says.clear();
    }

    /// The exchanges since the last call.
    pub fn exchanges(&self) -> Vec<(Ask, Reply)> {
        let mut front = self.front.lock().expect("no test has failed in here");
        front.fault = None;
        let mut exchanges = std::mem::take(&mut front.exchanges);
        for (ask, _) in &mut exchanges {
            if self.kind == Kind::GitHub {
                ask.path = ask.path.strip_prefix("/api/v3").unwrap_or(&ask.path).to_owned();
            }
        }
        exchanges
    }

    /// Adds a branch or tag, as a push would, and returns its commit.
    pub fn push(&self, name: &str) -> String {
        match &self.emulator {
            None => {
                let commit = crate::COMMIT.to_owned();
                self.gitlab.push(name, &commit);
                commit
            }
            Some(_) => {
                let main = self.ask_emulator("GET", "/repos/octocat/hello/git/ref/heads/main", None);
                let commit = main["object"]["sha"].as_str().expect("main has a commit").to_owned();
                let body = json!({ "ref": format!("refs/{name}"), "sha": commit });
                let made = self.ask_emulator("POST", "/repos/octocat/hello/git/refs", Some(&body));
                assert!(made["object"]["sha"].is_string(), "{made}");
                commit
            }
        }
    }

    /// The requests from a branch, whatever became of them: their numbers.
    pub fn requests(&self, head: &str) -> Vec<u64> {
        match self.kind {
            Kind::GitLab => self.gitlab.requests(head),
            Kind::GitHub => {
                let path = format!("/repos/octocat/hello/pulls?state=all&per_page=100&head=octocat:{head}");
                let list = self.ask_emulator("GET", &path, None);
                list.as_array().into_iter().flatten().filter_map(|r| r["number"].as_u64()).collect()
            }
        }
    }

    /// Says which merged request brought commits: the last of them is its merge.
    pub fn brought(&self, number: u64, author: &str, labels: &[&str], body: &str, commits: &[String]) {
        match self.kind {
            Kind::GitLab => self.gitlab.brought(number, author, labels, body, commits),
            Kind::GitHub => {
                let labels: Vec<Value> = labels.iter().map(|name| json!({ "name": name })).collect();
                let issues: Vec<Value> = body
                    .split_once("Closes #")
                    .map(|(_, n)| json!({ "number": n.parse::<u64>().expect("a number"), "repository": { "nameWithOwner": "octocat/hello" } }))
                    .into_iter()
                    .collect();
                let request = json!({
                    "number": number, "title": "a title", "body": body, "state": "MERGED",
                    "url": "https://evil.example/", "headRefOid": commits[0], "headRefName": "x", "baseRefName": "main",
                    "author": { "login": author }, "labels": { "nodes": labels },
                    "closingIssuesReferences": { "nodes": issues },
                });
                let mut associated = self.associated.lock().expect("no test has failed in here");
                associated.extend(commits.iter().map(|commit| (commit.clone(), request.clone())));
            }
        }
    }

    /// Says that a request was merged, as the forge would after merging it.
    pub fn merged(&self, number: u64) {
        match self.kind {
            Kind::GitLab => self.gitlab.merged(number),
            Kind::GitHub => {
                let path = format!("/repos/octocat/hello/pulls/{number}/merge");
                let answer = self.ask_emulator("PUT", &path, Some(&json!({})));
                assert_eq!(answer["merged"], true, "{answer}");
            }
        }
    }

    /// Asks the emulator itself, past the front.
    pub fn ask_emulator(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (_, address) = self.emulator.as_ref().expect("only GitHub has one");
        ask(address, method, path, body)
    }

    /// What the exchanges break of GitHub's description of its API. What the emulator itself leaves out is no fault of
    /// ours.
    pub fn violations(&self, exchanges: &[(Ask, Reply)], described: &Description) -> Vec<String> {
        exchanges.iter().flat_map(|(ask, reply)| described.check(ask, reply)).collect()
    }
}

/// The branches and tags of a repository: their names below `refs/`, and their commits.
fn refs(git: &Path) -> Vec<(String, String)> {
    let format = "--format=%(refname) %(objectname) %(*objectname)";
    let output =
        Command::new("git").arg("-C").arg(git).args(["for-each-ref", format]).output().expect("git runs");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| {
            let mut parts = line.split(' ');
            let name = parts.next()?.strip_prefix("refs/")?.to_owned();
            let (own, peeled) = (parts.next()?, parts.next().unwrap_or_default());
            Some((name, if peeled.is_empty() { own } else { peeled }.to_owned()))
        })
        .collect()
}

/// Gives the emulator the branches and tags of a repository. It has none of their commits: each gets one of its own.
fn mirror(git: &Path, upstream: &str, known: &Mutex<BTreeMap<String, String>>) {
    let mut known = known.lock().expect("no test has failed in here");
    let repo = |rest: &str| format!("/repos/octocat/hello/git/{rest}");
    for (name, id) in refs(git) {
        let before = known.insert(name.clone(), id.clone());
        if before.as_ref() == Some(&id) || name == "heads/main" {
            continue;
        }
        let main = ask(upstream, "GET", &repo("ref/heads/main"), None)["object"]["sha"].clone();
        let tree = ask(upstream, "GET", &repo(&format!("commits/{}", main.as_str().expect("main"))), None);
        let commit = json!({ "message": id, "tree": tree["tree"]["sha"], "parents": [main] });
        let sha = ask(upstream, "POST", &repo("commits"), Some(&commit))["sha"].clone();
        assert!(sha.is_string(), "the emulator makes a commit");
        match before {
            None => {
                ask(
                    upstream,
                    "POST",
                    &repo("refs"),
                    Some(&json!({ "ref": format!("refs/{name}"), "sha": sha })),
                );
            }
            Some(_) => {
                ask(
                    upstream,
                    "PATCH",
                    &repo(&format!("refs/{name}")),
                    Some(&json!({ "sha": sha, "force": true })),
                );
            }
        }
    }
}

/// Whether a repository has a commit.
fn has(git: &Path, commit: &str) -> bool {
    let look =
        Command::new("git").current_dir(git).args(["cat-file", "-e", commit]).stderr(Stdio::null()).status();
    look.is_ok_and(|it| it.success())
}

/// The emulator has other commits than the repository: what is said of one of the repository is kept at its main branch.
fn on_a_commit_it_has(ask: &Ask, git: &Path, upstream: &str) -> Ask {
    let mut ask = ask.clone();
    let parts: Vec<&str> = ask.path.trim_start_matches('/').split('/').collect();
    if let ["repos", owner, name, "commits", commit, "comments"] = parts.as_slice()
        && has(git, commit)
    {
        let main = self::ask(upstream, "GET", &format!("/repos/{owner}/{name}/git/ref/heads/main"), None);
        let main = main["object"]["sha"].as_str().expect("it has a main branch");
        ask.path = format!("/repos/{owner}/{name}/commits/{main}/comments");
    }
    ask
}

fn ask(upstream: &str, method: &str, path: &str, body: Option<&Value>) -> Value {
    let client = reqwest::blocking::Client::new();
    let mut request = client
        .request(method.parse().expect("a method"), format!("{upstream}{path}"))
        .header("authorization", format!("Bearer {TOKEN}"));
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let text = request.send().and_then(|r| r.text()).expect("the emulator answers");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// What the emulator does not know, answered as GitHub's documentation says: commit statuses
/// (<https://docs.github.com/rest/commits/statuses>).
fn beside(ask: &Ask, statuses: &Mutex<Vec<(String, Value)>>) -> Option<Reply> {
    let mut statuses = statuses.lock().expect("no test has failed in here");
    let parts: Vec<&str> = ask.path.trim_start_matches('/').split('/').collect();
    match (ask.method.as_str(), parts.as_slice()) {
        ("POST", ["repos", _, _, "statuses", sha]) => {
            let said = ask.json();
            let status = json!({
                "url": "", "avatar_url": "", "id": statuses.len() + 1, "node_id": "", "state": said["state"],
                "description": said["description"], "target_url": said["target_url"], "context": said["context"],
                "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "creator": null,
            });
            statuses.retain(|(of, s)| of != sha || s["context"] != said["context"]);
            statuses.push(((*sha).to_owned(), status.clone()));
            Some(Reply::json(201, &status))
        }
        // <https://docs.github.com/rest/commits/statuses#list-commit-statuses-for-a-reference>
        ("GET", ["repos", _, _, "commits", sha, "statuses"]) => {
            let of: Vec<&Value> = statuses.iter().rev().filter(|(of, _)| of == sha).map(|(_, s)| s).collect();
            Some(Reply::json(200, &json!(of)))
        }
        ("GET", ["repos", _, _, "commits", sha, "status"]) => {
            let of: Vec<&Value> = statuses.iter().filter(|(of, _)| of == sha).map(|(_, s)| s).collect();
            Some(Reply::json(
                200,
                &json!({ "state": "pending", "statuses": of, "sha": sha, "total_count": of.len() }),
            ))
        }
        _ => None,
    }
}

/// GraphQL, which the emulator does not know: the one question that is asked
/// (<https://docs.github.com/graphql/reference/objects#commit>).
fn graphql(ask: &Ask, associated: &BTreeMap<String, Value>) -> Reply {
    let query = ask.json()["query"].as_str().unwrap_or_default().to_owned();
    let mut repository = json!({});
    for part in query.split("object(oid: \"").skip(1) {
        let (oid, _) = part.split_once('"').expect("an object's name");
        let nodes: Vec<&Value> = associated.get(oid).into_iter().collect();
        let at = repository.as_object().map_or(0, serde_json::Map::len);
        repository[format!("c{at}")] = json!({ "associatedPullRequests": { "nodes": nodes } });
    }
    Reply::json(200, &json!({ "data": { "repository": repository } }))
}

/// A file of a release, as it was sent.
struct Sent {
    url: String,
    digest: String,
    content: Vec<u8>,
}

/// Passes a request on to the emulator. To the files of releases it adds their digest, which GitHub tells since 2025
/// (<https://docs.github.com/rest/releases/assets#get-a-release-asset>) and the emulator does not.
fn forward(ask: &Ask, upstream: &str, digests: &Mutex<Vec<Sent>>) -> Reply {
    let query = if ask.raw_query.is_empty() { String::new() } else { format!("?{}", ask.raw_query) };
    let client = reqwest::blocking::Client::new();
    let mut request =
        client.request(ask.method.parse().expect("a method"), format!("{upstream}{}{query}", ask.path));
    for name in ["authorization", "accept", "content-type"] {
        if let Some(value) = ask.headers.get(name) {
            request = request.header(name, value);
        }
    }
    // What the emulator does not look after itself is looked at first: one change at a time then.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = (ask.method == "POST").then(|| ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    if ask.method == "POST" && ask.path.ends_with("/assets") {
        // <https://docs.github.com/rest/releases/assets#upload-a-release-asset>
        let list = self::ask(upstream, "GET", &ask.path, None);
        let name = ask.query.get("name").cloned().unwrap_or_default();
        if list.as_array().into_iter().flatten().any(|asset| asset["name"] == name.as_str()) {
            let errors = json!([{ "resource": "ReleaseAsset", "code": "already_exists", "field": "name" }]);
            return Reply::json(422, &json!({ "message": "Validation Failed", "errors": errors }));
        }
    }
    let mut body = ask.body.clone();
    let mut said = ask.json();
    if ask.path.ends_with("/releases") && ask.method == "POST" && said["draft"] == true {
        // GitHub takes any number of drafts of a tag, the emulator one: the others have a tag of their own there.
        let list = self::ask(upstream, "GET", &format!("{}?per_page=100", ask.path), None);
        let tag = said["tag_name"].clone();
        let of_tag = |r: &&Value| r["tag_name"] == tag;
        if list.as_array().into_iter().flatten().filter(of_tag).any(|r| r["draft"] == true) {
            let number = list.as_array().map_or(0, Vec::len);
            let thread = std::thread::current().id();
            said["tag_name"] =
                format!("{}{TWIN}{number}-{thread:?}", tag.as_str().unwrap_or_default()).into();
            body = said.to_string().into_bytes();
        }
    }
    let answer = request.body(body).send().expect("the emulator answers");
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.replace(upstream, ""))))
        .collect();
    let body = answer.bytes().expect("the emulator answers").to_vec();
    let Ok(mut json) = serde_json::from_slice::<Value>(&body) else {
        return Reply { status, headers, body, breaks: Breaks::Not };
    };
    let mut digests = digests.lock().expect("no test has failed in here");
    // The emulator does not keep what files hold (<https://docs.github.com/rest/releases/assets#get-a-release-asset>).
    if ask.method == "GET" && ask.headers.get("accept").is_some_and(|a| a == "application/octet-stream") {
        let sent = digests.iter().find(|sent| json["url"] == sent.url.as_str());
        return match sent {
            Some(sent) => Reply { status: 200, body: sent.content.clone(), ..Reply::default() },
            None => Reply::json(404, &json!({ "message": "Not Found" })),
        };
    }
    if ask.method == "POST" && ask.path.ends_with("/assets") && status == 201 {
        let sha256: String = Sha256::digest(&ask.body).iter().map(|b| format!("{b:02x}")).collect();
        let url = json["url"].as_str().unwrap_or_default().to_owned();
        digests.push(Sent { url, digest: format!("sha256:{sha256}"), content: ask.body.clone() });
    }
    add_digests(&mut json, &digests);
    untwin(&mut json);
    Reply { status, headers, body: json.to_string().into_bytes(), breaks: Breaks::Not }
}

/// What stands between a tag and the rest of a twin's.
const TWIN: &str = "--twin-";

/// Gives drafts that had to be told apart their tag.
fn untwin(value: &mut Value) {
    if let Some((tag, _)) = value["tag_name"].as_str().and_then(|tag| tag.split_once(TWIN)) {
        value["tag_name"] = tag.to_owned().into();
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(untwin),
        Value::Object(fields) => fields.values_mut().filter(|v| v.is_object()).for_each(untwin),
        _ => {}
    }
}

fn add_digests(value: &mut Value, digests: &[Sent]) {
    if value["browser_download_url"].is_string() {
        let known = digests.iter().find(|sent| value["url"] == sent.url.as_str());
        value["digest"] = known.map(|sent| sent.digest.as_str()).into();
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| add_digests(item, digests)),
        Value::Object(fields) => fields.values_mut().for_each(|field| add_digests(field, digests)),
        _ => {}
    }
}
