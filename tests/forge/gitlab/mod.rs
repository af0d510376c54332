//! A stateful stand-in for a GitLab server, built from its published API documentation; each endpoint names its page.
//! It answers errors, paging headers and rate limit headers as GitLab does.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::server::{Ask, Reply};

/// The token that is taken, as a personal and as a job token.
pub const TOKEN: &str = "glpat-0123456789";
/// The one project.
pub const PROJECT: &str = "group/sub/hello";

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
    packages: BTreeMap<String, (u64, Vec<File>)>,
    requests: Vec<Value>,
    notes: BTreeMap<u64, Vec<Value>>,
    statuses: BTreeMap<String, Vec<Value>>,
    pipelines: Vec<(Value, Vec<Value>)>,
    /// When pipelines end, where they take their time.
    pipelines_end: Option<u64>,
    last_id: u64,
    /// The repository whose branches and tags these are, where there is one.
    git: Option<std::path::PathBuf>,
}

impl State {
    fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

/// A file as it is answered, and its content.
type File = (Value, Vec<u8>);

fn is_id(value: &Value, id: &str) -> bool {
    value.as_u64().is_some_and(|number| id.parse() == Ok(number))
}

/// `{"message": …}`: <https://docs.gitlab.com/api/rest/troubleshooting/#status-codes>
fn refuse(status: u16, message: impl Into<Value>) -> Reply {
    Reply::json(status, &json!({ "message": message.into() }))
}

fn not_found() -> Reply {
    refuse(404, "404 Not Found")
}

/// A page of a list, with its headers: <https://docs.gitlab.com/api/rest/#offset-based-pagination>
fn page(ask: &Ask, items: Vec<Value>) -> Reply {
    let number =
        |name: &str, default: usize| ask.query.get(name).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (page, size) = (number("page", 1).max(1), number("per_page", 20).clamp(1, 100));
    let pages = items.len().div_ceil(size).max(1);
    let shown: Vec<Value> = items.iter().skip((page - 1) * size).take(size).cloned().collect();
    let next = if page < pages { (page + 1).to_string() } else { String::new() };
    Reply::json(200, &json!(shown))
        .header("x-page", page)
        .header("x-per-page", size)
        .header("x-next-page", next)
        .header("x-total", items.len())
        .header("x-total-pages", pages)
}

impl GitLab {
    /// Adds a branch or tag, as a push would.
    pub fn push(&self, name: &str, commit: &str) {
        let mut state = self.state.lock().expect("no test has failed in here");
        let (kind, short) = name.split_once('/').expect("heads/… or tags/…");
        let refs = if kind == "tags" { &mut state.tags } else { &mut state.branches };
        refs.insert(short.to_owned(), commit.to_owned());
    }

    /// Takes over the branches and tags of a repository.
    pub fn follow(&self, refs: Vec<(String, String)>, git: &std::path::Path) {
        let mut state = self.state.lock().expect("no test has failed in here");
        state.git = Some(git.to_owned());
        for (kind, names) in [("heads/", 0), ("tags/", 1)] {
            let of =
                refs.iter().filter_map(|(name, id)| Some((name.strip_prefix(kind)?.to_owned(), id.clone())));
            let of: BTreeMap<String, String> = of.collect();
            if names == 0 { state.branches = of } else { state.tags = of }
        }
    }

    /// Lets pipelines end at a second of the clock of runs.
    pub fn pipelines_end(&self, at: u64) {
        self.state.lock().expect("no test has failed in here").pipelines_end = Some(at);
    }

    /// The requests from a branch.
    pub fn requests(&self, head: &str) -> Vec<u64> {
        let state = self.state.lock().expect("no test has failed in here");
        state
            .requests
            .iter()
            .filter(|r| r["source_branch"] == head)
            .filter_map(|r| r["iid"].as_u64())
            .collect()
    }

    /// Says that a request was merged.
    pub fn merged(&self, number: u64) {
        let mut state = self.state.lock().expect("no test has failed in here");
        for request in state.requests.iter_mut().filter(|r| r["iid"] == number) {
            request["state"] = "merged".into();
        }
    }

    /// Says which merged request brought commits: its head, and the last is its merge.
    pub fn brought(&self, number: u64, author: &str, labels: &[&str], body: &str, commits: &[String]) {
        let mut state = self.state.lock().expect("no test has failed in here");
        let request = json!({
            "id": number, "iid": number, "title": "a title", "description": body, "state": "merged",
            "source_branch": "x", "target_branch": "main", "sha": commits[0], "labels": labels, "reviewers": [],
            "author": { "id": 9, "username": author }, "merge_commit_sha": commits.last(), "squash_commit_sha": null,
            "web_url": "https://evil.example/",
        });
        state.requests.push(request);
    }

    /// How many releases a tag has: at most one, by GitLab's own rule; and how many files it links to.
    pub fn links(&self, tag: &str) -> Option<Vec<String>> {
        let state = self.state.lock().expect("no test has failed in here");
        let links = state.releases.get(tag)?["assets"]["links"].as_array()?;
        Some(links.iter().map(|l| l["name"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// How many requests, comments and pipelines there are.
    pub fn counts(&self) -> (usize, usize, usize) {
        let state = self.state.lock().expect("no test has failed in here");
        (state.requests.len(), state.notes.values().map(Vec::len).sum(), state.pipelines.len())
    }

    /// Answers one request.
    pub fn answer(&self, ask: &Ask) -> Reply {
        // <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers>
        self.route(ask)
            .header("ratelimit-limit", 2000)
            .header("ratelimit-remaining", 1999)
            .header("ratelimit-reset", 4_102_444_800_u64)
            .header("x-request-id", "01")
    }

    fn route(&self, ask: &Ask) -> Reply {
        let given = ["private-token", "job-token"].iter().find_map(|name| ask.headers.get(*name));
        // <https://docs.gitlab.com/api/rest/authentication/>
        if given.is_none_or(|token| token != TOKEN) {
            return refuse(401, "401 Unauthorized");
        }
        let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        let parts: Vec<String> = ask.path.trim_start_matches('/').split('/').map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let mut state = self.state.lock().expect("no test has failed in here");
        match (ask.method.as_str(), parts.as_slice()) {
            // <https://docs.gitlab.com/api/users/#list-users>
            ("GET", ["api", "v4", "users"]) => {
                let name = ask.query.get("username").cloned().unwrap_or_default();
                let known = ["anna", "ben"].iter().position(|n| *n == name);
                page(ask, known.map(|at| json!({ "id": at + 1, "username": name })).into_iter().collect())
            }
            (_, ["api", "v4", "projects", project, ..]) if *project != PROJECT => {
                refuse(404, "404 Project Not Found")
            }
            (method, ["api", "v4", "projects", _, rest @ ..]) => state.project(method, rest, ask),
            _ => refuse(404, "404 Not Found"),
        }
    }
}

impl State {
    fn project(&mut self, method: &str, rest: &[&str], ask: &Ask) -> Reply {
        let body = ask.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        match (method, rest) {
            // <https://docs.gitlab.com/api/projects/#retrieve-a-project>
            ("GET", []) => Reply::json(
                200,
                &json!({
                    "id": 1, "path_with_namespace": PROJECT, "default_branch": "main", "archived": false,
                    "permissions": { "project_access": { "access_level": 40 }, "group_access": null },
                }),
            ),
            // <https://docs.gitlab.com/api/tags/#retrieve-a-tag>
            ("GET", ["repository", "tags", tag]) => match self.tags.get(*tag) {
                Some(commit) => {
                    Reply::json(200, &json!({ "name": tag, "target": commit, "commit": { "id": commit } }))
                }
                None => refuse(404, "404 Tag Not Found"),
            },
            // <https://docs.gitlab.com/api/branches/#retrieve-a-repository-branch>
            ("GET", ["repository", "branches", branch]) => match self.branches.get(*branch) {
                Some(commit) => Reply::json(200, &json!({ "name": branch, "commit": { "id": commit } })),
                None => refuse(404, "404 Branch Not Found"),
            },
            // <https://docs.gitlab.com/api/releases/#retrieve-a-release-by-a-tag-name>
            ("GET", ["releases", tag]) => {
                self.releases.get(*tag).map_or_else(not_found, |r| Reply::json(200, r))
            }
            // <https://docs.gitlab.com/api/releases/#create-a-release>
            ("POST", ["releases"]) => self.create_release(&body),
            // <https://docs.gitlab.com/api/releases/#update-a-release>
            ("PUT", ["releases", tag]) => {
                let Some(release) = self.releases.get_mut(*tag) else { return not_found() };
                for field in ["name", "description"] {
                    if !body[field].is_null() {
                        release[field] = body[field].clone();
                    }
                }
                Reply::json(200, release)
            }
            // <https://docs.gitlab.com/api/releases/links/#create-a-release-link>
            ("POST", ["releases", tag, "assets", "links"]) => {
                let id = self.id();
                let Some(release) = self.releases.get_mut(*tag) else { return not_found() };
                let (name, url) = (text("name"), text("url"));
                let links = release["assets"]["links"].as_array_mut().expect("it is a list");
                if links.iter().any(|l| l["name"] == name.as_str() || l["url"] == url.as_str()) {
                    return refuse(400, json!({ "name": ["has already been taken"] }));
                }
                links.push(json!({ "id": id, "name": name, "url": url, "link_type": "other" }));
                Reply::json(201, links.last().expect("it was just added"))
            }
            // <https://docs.gitlab.com/api/releases/links/#delete-a-release-link>
            ("DELETE", ["releases", tag, "assets", "links", id]) => {
                let Some(release) = self.releases.get_mut(*tag) else { return not_found() };
                let links = release["assets"]["links"].as_array_mut().expect("it is a list");
                match links.iter().position(|l| is_id(&l["id"], id)) {
                    Some(at) => Reply::json(200, &links.remove(at)),
                    None => not_found(),
                }
            }
            (_, ["packages", ..]) => self.packages(method, &rest[1..], ask),
            (_, ["merge_requests", ..]) => self.merge_requests(method, &rest[1..], ask, &body),
            // <https://docs.gitlab.com/api/commits/#create-a-commit>
            ("POST", ["repository", "commits"]) => match &self.git {
                Some(git) => crate::commits::gitlab(&body, git),
                None => not_found(),
            },
            // <https://docs.gitlab.com/api/commits/#list-merge-requests-associated-with-a-commit>
            ("GET", ["repository", "commits", sha, "merge_requests"]) => {
                page(ask, self.requests.iter().filter(|r| r["sha"] == **sha).cloned().collect())
            }
            // <https://docs.gitlab.com/api/commits/#list-commit-statuses>
            ("GET", ["repository", "commits", sha, "statuses"]) => {
                page(ask, self.statuses.get(*sha).cloned().unwrap_or_default())
            }
            // <https://docs.gitlab.com/api/commits/#set-commit-pipeline-status>
            ("POST", ["statuses", sha]) => {
                let id = self.id();
                let statuses = self.statuses.entry((*sha).to_owned()).or_default();
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
                    "id": id, "name": text("name"), "status": text("state"), "description": text("description"),
                    "target_url": body["target_url"], "sha": sha,
                }));
                Reply::json(201, statuses.last().expect("it was just added"))
            }
            // <https://docs.gitlab.com/api/freeze_periods/>
            ("GET", ["freeze_periods"]) => page(
                ask,
                vec![json!({
                    "id": 1, "freeze_start": "0 23 * * 5", "freeze_end": "0 8 * * 1", "cron_timezone": "UTC",
                    "created_at": "2020-05-15T17:03:35.702Z", "updated_at": "2020-05-15T17:06:41.566Z",
                })],
            ),
            // <https://docs.gitlab.com/api/issues/#retrieve-a-project-issue>
            ("GET", ["issues", "1"]) => {
                Reply::json(200, &json!({ "iid": 1, "title": "an issue", "description": "- [x] done" }))
            }
            (_, ["pipeline" | "pipelines" | "jobs" | "trigger", ..]) => {
                self.pipelines(method, rest, ask, &body)
            }
            _ => refuse(404, "404 Not Found"),
        }
    }

    fn create_release(&mut self, body: &Value) -> Reply {
        let tag = body["tag_name"].as_str().unwrap_or_default().to_owned();
        if self.releases.contains_key(&tag) {
            return refuse(409, "Release already exists");
        }
        if !self.tags.contains_key(&tag) && body["ref"].is_null() {
            return refuse(422, "Ref is not specified");
        }
        let mut links = Vec::new();
        for link in body["assets"]["links"].as_array().into_iter().flatten() {
            let mut link = link.clone();
            link["id"] = self.id().into();
            links.push(link);
        }
        let release = json!({
            "tag_name": tag, "name": body["name"], "description": body["description"],
            "assets": { "count": links.len() + 4, "sources": [], "links": links },
            "_links": { "self": format!("https://gitlab.example/{PROJECT}/-/releases/{tag}") },
        });
        self.releases.insert(tag, release.clone());
        Reply::json(201, &release)
    }

    fn packages(&mut self, method: &str, rest: &[&str], ask: &Ask) -> Reply {
        match (method, rest) {
            // <https://docs.gitlab.com/api/packages/#list-packages-for-a-project>
            ("GET", []) => {
                let version = ask.query.get("package_version");
                let of = |(v, (id, _)): (&String, &(u64, Vec<_>))| json!({ "id": id, "name": "release-assets", "version": v, "package_type": "generic" });
                page(
                    ask,
                    self.packages.iter().filter(|(v, _)| version.is_none_or(|w| w == *v)).map(of).collect(),
                )
            }
            // <https://docs.gitlab.com/api/packages/#list-package-files>
            ("GET", [id, "package_files"]) => {
                match self.packages.values().find(|(own, _)| own.to_string() == *id) {
                    Some((_, files)) => page(ask, files.iter().map(|(file, _)| file.clone()).collect()),
                    None => not_found(),
                }
            }
            // <https://docs.gitlab.com/api/packages/#delete-a-package-file>
            ("DELETE", [id, "package_files", file]) => {
                for (own, files) in self.packages.values_mut() {
                    if own.to_string() == *id {
                        files.retain(|(f, _)| !is_id(&f["id"], file));
                    }
                }
                Reply { status: 204, ..Reply::default() }
            }
            // <https://docs.gitlab.com/user/packages/generic_packages/#publish-a-single-file>
            ("PUT", ["generic", "release-assets", version, name]) => {
                let id = self.id();
                let package = self.id();
                let (package, files) =
                    self.packages.entry((*version).to_owned()).or_insert((package, Vec::new()));
                let sha256: String = Sha256::digest(&ask.body).iter().map(|b| format!("{b:02x}")).collect();
                let file = json!({
                    "id": id, "package_id": package, "file_name": name, "size": ask.body.len(), "file_sha256": sha256,
                });
                files.push((file.clone(), ask.body.clone()));
                match ask.query.get("select").map(String::as_str) {
                    Some("package_file") => Reply::json(201, &file),
                    _ => Reply::json(201, &json!({ "message": "201 Created" })),
                }
            }
            // <https://docs.gitlab.com/user/packages/generic_packages/#download-a-single-file>
            ("GET", ["generic", "release-assets", version, name]) => {
                let files =
                    self.packages.get(*version).map(|(_, files)| files.as_slice()).unwrap_or_default();
                match files.iter().rev().find(|(file, _)| file["file_name"] == **name) {
                    Some((_, content)) => Reply { status: 200, body: content.clone(), ..Reply::default() },
                    None => not_found(),
                }
            }
            _ => not_found(),
        }
    }

    fn merge_requests(&mut self, method: &str, rest: &[&str], ask: &Ask, body: &Value) -> Reply {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let users = |ids: &str| -> Vec<Value> {
            let name = |id: &str| if id == "1" { "anna" } else { "ben" };
            ids.split(',')
                .filter(|id| !id.is_empty())
                .map(|id| json!({ "id": id.parse::<u64>().unwrap_or(0), "username": name(id) }))
                .collect()
        };
        let reviewers = || -> Vec<Value> {
            // The crate sends `reviewer_ids[]`, once for each.
            let pairs = url::form_urlencoded::parse(&ask.body);
            pairs.filter(|(n, _)| n.starts_with("reviewer_ids")).flat_map(|(_, id)| users(&id)).collect()
        };
        let labels = |text: String| -> Vec<String> {
            text.split(',').filter(|l| !l.is_empty()).map(str::to_owned).collect()
        };
        match (method, rest) {
            // <https://docs.gitlab.com/api/merge_requests/#list-project-merge-requests>
            ("GET", []) => {
                let fits = |request: &&Value| {
                    [
                        ("source_branch", "source_branch"),
                        ("target_branch", "target_branch"),
                        ("state", "state"),
                    ]
                    .iter()
                    .all(|(q, f)| ask.query.get(*q).is_none_or(|v| request[*f] == v.as_str()))
                };
                page(ask, self.requests.iter().rev().filter(fits).cloned().collect())
            }
            // <https://docs.gitlab.com/api/merge_requests/#create-a-merge-request>
            ("POST", []) => {
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
                let iid = self.requests.len() + 1;
                let request = json!({
                    "id": self.id(), "iid": iid, "title": text("title"), "description": text("description"),
                    "state": "opened", "source_branch": head, "target_branch": base, "sha": sha,
                    "author": { "id": 9, "username": "octocat" }, "labels": labels(text("labels")),
                    "reviewers": reviewers(), "merge_commit_sha": null, "squash_commit_sha": null,
                    "web_url": format!("https://gitlab.example/{PROJECT}/-/merge_requests/{iid}"),
                });
                self.requests.push(request.clone());
                Reply::json(201, &request)
            }
            // <https://docs.gitlab.com/api/merge_requests/#update-a-merge-request>
            ("PUT", [iid]) => {
                let Some(request) = self.requests.iter_mut().find(|r| is_id(&r["iid"], iid)) else {
                    return not_found();
                };
                for (from, to) in [("title", "title"), ("description", "description")] {
                    if !body[from].is_null() {
                        request[to] = body[from].clone();
                    }
                }
                let mut all: Vec<String> =
                    serde_json::from_value(request["labels"].clone()).unwrap_or_default();
                all.extend(labels(text("add_labels")));
                request["labels"] = json!(all);
                let asked = reviewers();
                if !asked.is_empty() {
                    request["reviewers"] = json!(asked);
                }
                Reply::json(200, request)
            }
            // <https://docs.gitlab.com/api/merge_request_approvals/#retrieve-approval-details-for-a-merge-request>
            ("GET", [_, "approvals"]) => Reply::json(
                200,
                &json!({
                    "approved": true,
                    "approved_by": [{
                        "user": { "id": 1, "username": "anna", "name": "A" }, "approved_at": "2026-01-02T00:00:00.000Z",
                    }],
                }),
            ),
            // <https://docs.gitlab.com/api/merge_requests/#list-merge-request-diff-versions>
            ("GET", [iid, "versions"]) => {
                let Some(request) = self.requests.iter().find(|r| is_id(&r["iid"], iid)) else {
                    return not_found();
                };
                let version = json!({ "id": 1, "head_commit_sha": request["sha"], "created_at": "2026-01-01T00:00:00.000Z" });
                page(ask, vec![version])
            }
            // <https://docs.gitlab.com/api/notes/#list-all-merge-request-notes>
            ("GET", [iid, "notes"]) => {
                page(ask, iid.parse().ok().and_then(|iid| self.notes.get(&iid)).cloned().unwrap_or_default())
            }
            // <https://docs.gitlab.com/api/notes/#create-a-merge-request-note>
            ("POST", [iid, "notes"]) => {
                let note = json!({ "id": self.id(), "body": text("body"), "system": false });
                self.notes.entry(iid.parse().unwrap_or(0)).or_default().push(note.clone());
                Reply::json(201, &note)
            }
            // <https://docs.gitlab.com/api/notes/#update-a-merge-request-note>
            ("PUT", [iid, "notes", id]) => {
                let notes = self.notes.entry(iid.parse().unwrap_or(0)).or_default();
                let Some(note) = notes.iter_mut().find(|n| is_id(&n["id"], id)) else {
                    return not_found();
                };
                note["body"] = text("body").into();
                Reply::json(200, note)
            }
            _ => not_found(),
        }
    }

    fn pipelines(&mut self, method: &str, rest: &[&str], ask: &Ask, body: &Value) -> Reply {
        match (method, rest) {
            // <https://docs.gitlab.com/api/pipelines/#create-a-pipeline>,
            // <https://docs.gitlab.com/api/pipeline_triggers/#trigger-a-pipeline-with-a-token>
            ("POST", ["pipeline"] | ["trigger", "pipeline"]) => {
                let mut variables = Vec::new();
                let mut key = None;
                for (name, value) in url::form_urlencoded::parse(&ask.body) {
                    match name.as_ref() {
                        "variables[][key]" => key = Some(value.into_owned()),
                        "variables[][value]" => variables.push(json!({ "key": key.take(), "value": value })),
                        _ => {}
                    }
                }
                for variable in body["variables"].as_array().into_iter().flatten() {
                    variables.push(variable.clone());
                }
                for (key, value) in body["variables"].as_object().into_iter().flatten() {
                    variables.push(json!({ "key": key, "value": value }));
                }
                let id = self.id();
                let pipeline = json!({
                    "id": id, "status": if self.pipelines_end.is_some() { "created" } else { "success" }, "ref": body["ref"],
                    "web_url": format!("https://gitlab.example/{PROJECT}/-/pipelines/{id}"),
                });
                self.pipelines.push((pipeline.clone(), variables));
                Reply::json(201, &pipeline)
            }
            // <https://docs.gitlab.com/api/pipelines/#list-project-pipelines>
            ("GET", ["pipelines"]) => {
                page(ask, self.pipelines.iter().rev().map(|(p, _)| p.clone()).collect())
            }
            // <https://docs.gitlab.com/api/pipelines/#retrieve-a-pipeline>, …/#list-pipeline-variables
            ("GET", ["pipelines", id, rest @ ..]) => {
                let Some((pipeline, variables)) = self.pipelines.iter().find(|(p, _)| is_id(&p["id"], id))
                else {
                    return not_found();
                };
                let ends = self.pipelines_end.unwrap_or(0);
                match rest {
                    [] if crate::actions::CLOCK.load(std::sync::atomic::Ordering::Relaxed) < ends => {
                        let mut going = pipeline.clone();
                        going["status"] = "running".into();
                        Reply::json(200, &going)
                    }
                    [] => {
                        let mut ended = pipeline.clone();
                        ended["status"] = "success".into();
                        Reply::json(200, &ended)
                    }
                    ["variables"] => Reply::json(200, &json!(variables)),
                    // <https://docs.gitlab.com/api/jobs/#list-pipeline-jobs>
                    ["jobs"] => page(
                        ask,
                        vec![
                            json!({ "id": 77, "name": "build", "status": "success", "allow_failure": false }),
                        ],
                    ),
                    _ => not_found(),
                }
            }
            // <https://docs.gitlab.com/api/jobs/#retrieve-a-log-file>
            ("GET", ["jobs", "77", "trace"]) => {
                Reply { status: 200, body: b"line 1\nline 2\n".to_vec(), ..Reply::default() }
            }
            _ => not_found(),
        }
    }
}
