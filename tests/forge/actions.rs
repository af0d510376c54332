//! GitHub's workflow runs: the emulator has no workflows, so this stands in for it, built from GitHub's documentation.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Ask, Reply};

/// The runs of the one workflow, `build.yml`, whose `run-name` is its input `correlation`.
#[derive(Default)]
pub struct Actions {
    runs: Mutex<Vec<Run>>,
    /// Whether it says which run it started: Enterprise Server 3.17 to 3.19 does not know `return_run_details`.
    pub silent: AtomicBool,
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

impl Run {
    /// Under way when it is looked at first, at its end from then on.
    fn shown(&mut self, ends: u64) -> Value {
        let ended = if ends > 0 { CLOCK.load(Ordering::Relaxed) >= ends } else { self.looks > 0 };
        self.looks += 1;
        let conclusion = if self.failed { "failure" } else { "success" };
        json!({
            "id": self.id, "name": "build", "display_title": self.title, "event": "workflow_dispatch",
            "status": if ended { "completed" } else { "in_progress" },
            "conclusion": if ended { Value::from(conclusion) } else { Value::Null },
            "html_url": format!("https://github.example/octocat/hello/actions/runs/{}", self.id),
        })
    }
}

impl Actions {
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
        let not_found = || Reply::json(404, &json!({ "message": "Not Found" }));
        Some(match (ask.method.as_str(), rest) {
            // <https://docs.github.com/rest/actions/workflows#create-a-workflow-dispatch-event>
            ("POST", ["workflows", "build.yml", "dispatches"]) => {
                let said = ask.json();
                let details = !said["return_run_details"].is_null();
                if details && self.silent.load(Ordering::Relaxed) {
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
                            "run_url": format!("https://api.github.example/repos/octocat/hello/actions/runs/{id}"),
                            "html_url": format!("https://github.example/octocat/hello/actions/runs/{id}"),
                        }),
                    ),
                }
            }
            // <https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow>
            ("GET", ["workflows", "build.yml", "runs"]) => {
                let list: Vec<Value> = runs.iter_mut().rev().map(|run| run.shown(ends)).collect();
                Reply::json(200, &json!({ "total_count": list.len(), "workflow_runs": list }))
            }
            // <https://docs.github.com/rest/actions/workflow-runs#get-a-workflow-run>
            ("GET", ["runs", id]) => match runs.iter_mut().find(|run| run.id.to_string() == *id) {
                Some(run) => Reply::json(200, &run.shown(ends)),
                None => not_found(),
            },
            // <https://docs.github.com/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run>
            ("GET", ["runs", id, "jobs"]) => match runs.iter().find(|run| run.id.to_string() == *id) {
                Some(run) => {
                    let conclusion = if run.failed { "failure" } else { "success" };
                    let job = json!({ "id": run.id, "name": "compile", "status": "completed", "conclusion": conclusion });
                    Reply::json(200, &json!({ "total_count": 1, "jobs": [job] }))
                }
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
