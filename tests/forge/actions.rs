//! GitHub's workflow runs. The emulator knows their addresses, and has no way to give a repository a workflow; its runs have
//! no title of their own and never end. So this stands in for it, and its answers are checked against GitHub's description.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Ask, Reply};

/// The runs of the one workflow, `build.yml`, whose `run-name` is its input `correlation`.
#[derive(Default)]
pub struct Actions {
    runs: Mutex<Vec<Run>>,
    /// Whether it knows `return_run_details`: Enterprise Server 3.17 to 3.19 does not.
    pub silent: AtomicBool,
    /// Whether it passes over what it does not know instead of refusing it.
    pub lenient: AtomicBool,
    /// The repository, as the emulator shows it.
    repository: Mutex<Value>,
    /// Whether runs end badly.
    pub failing: AtomicBool,
    /// When runs end by [`CLOCK`]; 0 lets them end when they are looked at for the second time.
    pub ends: AtomicU64,
}

/// The seconds that have passed where nobody really waits.
pub static CLOCK: AtomicU64 = AtomicU64::new(0);

/// Lets time pass.
pub fn pass(time: Duration) {
    CLOCK.fetch_add(time.as_secs(), Ordering::Relaxed);
}

struct Run {
    id: u64,
    title: String,
    looks: u32,
    failed: bool,
}

/// Where the repository's runs are.
const API: &str = "https://api.github.example/repos/octocat/hello/actions";
const WEB: &str = "https://github.example/octocat/hello/actions";
const TIME: &str = "2026-01-01T00:00:00Z";

impl Run {
    fn conclusion(&self) -> &'static str {
        if self.failed { "failure" } else { "success" }
    }

    /// Under way when it is looked at first, at its end from then on.
    fn shown(&mut self, ends: u64, repository: &Value) -> Value {
        let ended = if ends > 0 { CLOCK.load(Ordering::Relaxed) >= ends } else { self.looks > 0 };
        self.looks += 1;
        let (api, web) = (format!("{API}/runs/{}", self.id), format!("{WEB}/runs/{}", self.id));
        let who = json!({ "name": "x", "email": "x@x.example" });
        let commit = json!({
            "id": crate::COMMIT, "tree_id": crate::COMMIT, "message": "x", "timestamp": TIME, "author": who, "committer": who,
        });
        json!({
            "id": self.id, "node_id": "x", "name": "build", "display_title": self.title, "event": "workflow_dispatch",
            "status": if ended { "completed" } else { "in_progress" },
            "conclusion": if ended { Value::from(self.conclusion()) } else { Value::Null },
            "head_branch": "main", "head_sha": crate::COMMIT, "head_commit": commit, "run_number": self.id, "run_attempt": 1,
            "path": ".github/workflows/build.yml@main", "workflow_id": 1, "pull_requests": [], "created_at": TIME,
            "updated_at": TIME, "url": api, "html_url": web, "jobs_url": format!("{api}/jobs"), "logs_url": format!("{api}/logs"),
            "check_suite_url": format!("{api}/suite"), "cancel_url": format!("{api}/cancel"), "rerun_url": format!("{api}/rerun"),
            "artifacts_url": format!("{api}/artifacts"), "workflow_url": format!("{API}/workflows/1"),
            "repository": repository, "head_repository": repository,
        })
    }

    fn job(&self) -> Value {
        json!({
            "id": self.id, "node_id": "x", "run_id": self.id, "run_url": format!("{API}/runs/{}", self.id), "name": "compile",
            "head_sha": crate::COMMIT, "head_branch": "main", "workflow_name": "build", "status": "completed",
            "conclusion": self.conclusion(), "created_at": TIME, "started_at": TIME, "completed_at": TIME, "steps": [],
            "url": format!("{API}/jobs/{}", self.id), "html_url": format!("{WEB}/runs/{}/job/{}", self.id, self.id),
            "check_run_url": "https://api.github.example/x", "labels": ["ubuntu-latest"], "runner_id": null, "runner_name": null,
            "runner_group_id": null, "runner_group_name": null,
        })
    }
}

impl Actions {
    /// Says which repository it is.
    pub fn belong_to(&self, repository: Value) {
        *self.repository.lock().expect("no test has failed in here") = repository;
    }

    /// How many runs have this text.
    pub fn count(&self, title: &str) -> usize {
        self.runs.lock().expect("no test has failed in here").iter().filter(|run| run.title == title).count()
    }

    /// The answer to a request about runs.
    pub fn answer(&self, ask: &Ask) -> Option<Reply> {
        let parts: Vec<&str> = ask.path.trim_start_matches('/').split('/').collect();
        let mut runs = self.runs.lock().expect("no test has failed in here");
        let rest = match parts.as_slice() {
            ["repos", _, _, "actions", rest @ ..] => rest,
            ["logs", _] => {
                return Some(Reply { status: 200, body: b"line 1\nline 2\n".to_vec(), ..Reply::default() });
            }
            _ => return None,
        };
        let ends = self.ends.load(Ordering::Relaxed);
        let repository = self.repository.lock().expect("no test has failed in here").clone();
        let not_found = || {
            Reply::json(
                404,
                &json!({ "message": "Not Found", "documentation_url": "https://docs.github.com/rest" }),
            )
        };
        Some(match (ask.method.as_str(), rest) {
            // <https://docs.github.com/rest/actions/workflows#create-a-workflow-dispatch-event>
            ("POST", ["workflows", "build.yml", "dispatches"]) => {
                let said = ask.json();
                let silent = self.silent.load(Ordering::Relaxed);
                let details = said["return_run_details"] == true && !silent;
                if !said["return_run_details"].is_null() && silent && !self.lenient.load(Ordering::Relaxed) {
                    let message = "Invalid request.\n\n\"return_run_details\" is not a permitted key.";
                    return Some(Reply::json(422, &json!({ "message": message })));
                }
                let id = runs.len() as u64 + 1;
                let title = said["inputs"]["correlation"].as_str().unwrap_or("build").to_owned();
                runs.push(Run { id, title, looks: 0, failed: self.failing.load(Ordering::Relaxed) });
                match details {
                    false => Reply { status: 204, ..Reply::default() },
                    true => Reply::json(
                        200,
                        &json!({
                            "workflow_run_id": id,
                            "run_url": format!("{API}/runs/{id}"),
                            "html_url": format!("{WEB}/runs/{id}"),
                        }),
                    ),
                }
            }
            // <https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow>
            ("GET", ["workflows", "build.yml", "runs"]) => {
                let list: Vec<Value> =
                    runs.iter_mut().rev().map(|run| run.shown(ends, &repository)).collect();
                Reply::json(200, &json!({ "total_count": list.len(), "workflow_runs": list }))
            }
            // <https://docs.github.com/rest/actions/workflow-runs#get-a-workflow-run>
            ("GET", ["runs", id]) => match runs.iter_mut().find(|run| run.id.to_string() == *id) {
                Some(run) => {
                    let now = run.shown(ends, &repository);
                    // <https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>
                    let etag = format!("W/\"{id}-{}\"", now["status"].as_str().unwrap_or_default());
                    let known = ask.headers.get("if-none-match") == Some(&etag);
                    let reply = if known {
                        Reply { status: 304, ..Reply::default() }
                    } else {
                        Reply::json(200, &now)
                    };
                    reply.header("etag", etag)
                }
                None => not_found(),
            },
            // <https://docs.github.com/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run>
            ("GET", ["runs", id, "jobs"]) => match runs.iter().find(|run| run.id.to_string() == *id) {
                Some(run) => Reply::json(200, &json!({ "total_count": 1, "jobs": [run.job()] })),
                None => not_found(),
            },
            // <https://docs.github.com/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run>
            ("GET", ["jobs", id, "logs"]) => {
                Reply { status: 302, ..Reply::default() }.header("location", format!("/logs/{id}"))
            }
            _ => not_found(),
        })
    }
}
