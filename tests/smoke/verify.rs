//! `verify` against a real Prometheus, which scrapes services whose errors and latency the tests set.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Reply, say, serve};
use crate::tools::{self, Server};
use crate::{Ran, folder, program, run};

/// How a service behaves.
#[derive(Debug, Clone, Copy)]
struct Behaviour {
    /// Requests a second.
    rate: f64,
    /// The share of them that fail.
    errors: f64,
    /// How long they take, in seconds.
    latency: f64,
}

#[derive(Debug, Clone, Copy)]
struct App {
    behaviour: Behaviour,
    requests: f64,
    errors: f64,
    seen: Instant,
}

/// Services by name, served as one target.
#[derive(Clone, Default)]
struct Apps(Arc<Mutex<BTreeMap<String, App>>>);

impl Apps {
    fn set(&self, name: &str, rate: f64, errors: f64, latency: f64) {
        let behaviour = Behaviour { rate, errors, latency };
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = App { behaviour, requests: 0.0, errors: 0.0, seen: Instant::now() };
        let app = apps.entry(name.to_owned()).or_insert(new);
        app.advance();
        app.behaviour = behaviour;
    }

    fn page(&self) -> String {
        let mut out = String::new();
        for (at, (name, app)) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut().enumerate()
        {
            app.advance();
            // A measurement is never the same twice.
            let noise = 1.0 + 0.02 * (app.requests * 7.0 + at as f64).sin();
            let _ = writeln!(out, "app_requests_total{{app=\"{name}\"}} {}", app.requests.floor());
            let _ = writeln!(out, "app_errors_total{{app=\"{name}\"}} {}", app.errors.floor());
            let _ = writeln!(out, "app_latency_seconds{{app=\"{name}\"}} {}", app.behaviour.latency * noise);
        }
        out
    }
}

impl App {
    fn advance(&mut self) {
        let passed = self.seen.elapsed().as_secs_f64();
        self.requests += passed * self.behaviour.rate;
        self.errors += passed * self.behaviour.rate * self.behaviour.errors;
        self.seen = Instant::now();
    }
}

fn target(apps: &Apps) -> String {
    let apps = apps.clone();
    let address = serve("127.0.0.1:0", move |_| {
        Reply::Say(200, vec![("content-type", "text/plain; version=0.0.4".to_owned())], apps.page())
    });
    address.to_string()
}

/// One Prometheus for all tests that leave it running.
fn shared() -> Option<(&'static Apps, &'static str)> {
    static SHARED: OnceLock<(Apps, Option<Server>)> = OnceLock::new();
    let (apps, server) = SHARED.get_or_init(|| {
        let apps = Apps::default();
        apps.set("any", 1.0, 0.0, 0.1);
        let server = tools::prometheus(&target(&apps));
        // It ends with the process: nothing drops what is static.
        server.as_ref().map(Server::end_with_parent);
        (apps, server)
    });
    Some((apps, server.as_ref()?.address.as_str()))
}

fn errors(app: &str) -> String {
    format!(
        "sum(rate(app_errors_total{{app=\"{app}\"}}[1s])) / sum(rate(app_requests_total{{app=\"{app}\"}}[1s]))"
    )
}

fn config(prometheus: &str, more: Value, metrics: Value) -> Value {
    let mut all = json!({
        "for": "5s", "interval": "500ms", "prometheus": format!("http://{prometheus}"), "metrics": metrics,
    });
    all.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
    json!({ "verify": { "production": all } })
}

fn verify(config: &Value) -> Ran {
    let dir = folder(config);
    run(dir.path(), &["verify", "--json"], &[])
}

fn verdict(ran: &Ran) -> (i32, String) {
    (ran.code, ran.json()["verdict"].as_str().unwrap_or_default().to_owned())
}

fn pause(seconds: f64) {
    std::thread::sleep(Duration::from_secs_f64(seconds));
}

#[test]
fn a_good_release_passes_and_a_bad_one_is_caught() {
    let Some((apps, prometheus)) = shared() else { return };
    apps.set("good", 200.0, 0.001, 0.1);
    apps.set("bad", 200.0, 0.001, 0.1);
    pause(2.0);
    let metrics = |app: &str| {
        json!([
            {"name": "errors", "query": errors(app), "max": 0.05, "events": format!("sum(rate(app_requests_total{{app=\"{app}\"}}[1s]))")},
            {"name": "latency", "query": format!("app_latency_seconds{{app=\"{app}\"}}"), "max": 0.5},
        ])
    };
    let good = verify(&config(prometheus, json!({}), metrics("good")));
    assert_eq!(verdict(&good), (0, "pass".to_owned()), "{}\n{}", good.stdout, good.stderr);
    assert_eq!(good.json()["looks"], 10);
    // One line for each look, and the table.
    let log =
        run(folder(&config(prometheus, json!({"for": "1500ms"}), metrics("good"))).path(), &["verify"], &[]);
    assert!(log.stderr.contains("look 3 of 3: errors 0") && log.stderr.contains('▁'), "{}", log.stderr);
    apps.set("bad", 200.0, 0.3, 0.1);
    pause(1.5);
    let bad = verify(&config(prometheus, json!({}), metrics("bad")));
    assert_eq!(verdict(&bad), (1, "fail".to_owned()), "{}\n{}", bad.stdout, bad.stderr);
    // A busy machine may miss a look.
    assert!((3..=5).contains(&bad.json()["looks"].as_u64().unwrap_or_default()), "{}", bad.stdout);
    assert_eq!(bad.json()["metrics"][1]["verdict"], "pass");
}

#[test]
fn a_release_that_turns_bad_is_caught_within_the_failures() {
    let Some((apps, prometheus)) = shared() else { return };
    apps.set("turns", 200.0, 0.0, 0.1);
    pause(1.5);
    let metrics = json!([{"name": "errors", "query": errors("turns"), "max": 0.05}]);
    let dir = folder(&config(prometheus, json!({"for": "60s"}), metrics));
    let mut child =
        program(dir.path(), &["verify", "--json", "--summary", "summary.md"], &[]).spawn().expect("it runs");
    pause(1.5);
    let turned = Instant::now();
    apps.set("turns", 200.0, 0.5, 0.1);
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    // A scrape, the first second of the rate, three looks.
    assert!(turned.elapsed() < Duration::from_secs(30), "{:?}", turned.elapsed());
    let summary = std::fs::read_to_string(dir.path().join("summary.md")).expect("a summary");
    assert!(
        summary.contains("## Verify production: fail") && summary.contains("| errors | fail |"),
        "{summary}"
    );
}

#[test]
fn no_traffic_is_no_data() {
    let Some((apps, prometheus)) = shared() else { return };
    apps.set("quiet", 0.0, 0.0, 0.1);
    pause(1.5);
    let quiet = json!([{"name": "errors", "query": errors("quiet"), "max": 0.05}]);
    let none = json!([{"name": "errors", "query": errors("nobody"), "max": 0.05}]);
    let few = json!([{"name": "errors", "query": "vector(0)", "max": 0.05, "min_events": 10,
        "events": "sum(increase(app_requests_total{app=\"quiet\"}[2s]))"}]);
    let short = json!({"for": "1500ms"});
    for metrics in [quiet.clone(), none, few] {
        let ran = verify(&config(prometheus, short.clone(), metrics));
        assert_eq!(verdict(&ran), (4, "no-data".to_owned()), "{}", ran.stdout);
    }
    let ran = verify(&config(prometheus, json!({"for": "1500ms", "on_no_data": "fail"}), quiet.clone()));
    assert_eq!(verdict(&ran), (1, "fail".to_owned()), "{}", ran.stdout);
    let ran = verify(&config(prometheus, json!({"for": "1500ms", "on_no_data": "pass"}), quiet));
    assert_eq!(verdict(&ran), (0, "pass".to_owned()), "{}", ran.stdout);
}

#[test]
fn a_stopped_prometheus_is_its_own_verdict() {
    let apps = Apps::default();
    apps.set("own", 100.0, 0.0, 0.1);
    let Some(mut server) = tools::prometheus(&target(&apps)) else { return };
    pause(1.5);
    let metrics = json!([{"name": "errors", "query": errors("own"), "max": 0.05}]);
    let dir = folder(&config(&server.address, json!({"for": "6s"}), metrics.clone()));
    let mut child = program(dir.path(), &["verify", "--json"], &[])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("it runs");
    pause(1.0);
    server.stop();
    // It is not the release that failed.
    assert_eq!(child.wait().expect("it ends").code(), Some(3));
    let ran = verify(&config(&server.address, json!({"for": "1500ms"}), metrics.clone()));
    assert_eq!(verdict(&ran), (3, "provider-error".to_owned()), "{}", ran.stdout);
    assert!(
        ran.json()["metrics"][0]["why"].as_str().is_some_and(|why| why.contains("does not answer")),
        "{}",
        ran.stdout
    );
    let ran =
        verify(&config(&server.address, json!({"for": "1500ms", "on_provider_error": "fail"}), metrics));
    assert_eq!(verdict(&ran), (1, "fail".to_owned()), "{}", ran.stdout);
}

#[test]
fn baselines_canaries_and_budgets() {
    let Some((apps, prometheus)) = shared() else { return };
    for app in ["slower", "same", "canary", "stable", "budget"] {
        apps.set(app, 100.0, 0.0, 0.2);
    }
    pause(3.0);
    apps.set("slower", 100.0, 0.0, 0.3);
    apps.set("canary", 100.0, 0.0, 0.26);
    apps.set("budget", 100.0, 0.2, 0.2);
    pause(1.5);
    let latency = |app: &str| format!("app_latency_seconds{{app=\"{app}\"}}");
    let rise = |app: &str| json!([{"name": "latency", "query": latency(app), "max_rise": "20 %", "baseline": {"window": "2s"}}]);
    let since = (jiff::Timestamp::now() - jiff::SignedDuration::from_millis(1700)).to_string();
    let at = |metrics: Value, more: Value| {
        let dir = folder(&config(prometheus, more, metrics));
        run(dir.path(), &["verify", "--json", "--since", &since], &[])
    };
    let slower = at(rise("slower"), json!({}));
    assert_eq!(verdict(&slower), (1, "fail".to_owned()), "{}", slower.stdout);
    assert!(
        slower.json()["metrics"][0]["why"].as_str().is_some_and(|w| w.contains("above the baseline 0.")),
        "{}",
        slower.stdout
    );
    let same = at(rise("same"), json!({}));
    assert_eq!(verdict(&same), (0, "pass".to_owned()), "{}", same.stdout);
    let canary = |ours: &str| json!([{"name": "latency", "query": latency(ours), "canary": {"stable": latency("stable"), "min_looks": 6}}]);
    let worse = at(canary("canary"), json!({}));
    assert_eq!(verdict(&worse), (1, "fail".to_owned()), "{}", worse.stdout);
    assert!((8..=10).contains(&worse.json()["looks"].as_u64().unwrap_or_default()), "{}", worse.stdout);
    let alike = at(canary("same"), json!({"fail": {"after": 5}}));
    assert_eq!(verdict(&alike), (0, "pass".to_owned()), "{}", alike.stdout);
    let slo = |app: &str| {
        let errors = format!(
            "sum(rate(app_errors_total{{app=\"{app}\"}}[{{window}}])) / sum(rate(app_requests_total{{app=\"{app}\"}}[{{window}}]))"
        );
        json!([{"name": "budget", "slo": {"objective": 99, "errors": errors, "burn": [{"long": "2s", "short": "1s", "rate": 5}]}}])
    };
    let burns = at(slo("budget"), json!({}));
    assert_eq!(verdict(&burns), (1, "fail".to_owned()), "{}", burns.stdout);
    let keeps = at(slo("same"), json!({"for": "1500ms"}));
    assert_eq!(verdict(&keeps), (0, "pass".to_owned()), "{}", keeps.stdout);
    // A query that nobody understands is no outage.
    let wrong = at(json!([{"name": "m", "query": "sum(", "max": 1}]), json!({}));
    assert_eq!(wrong.code, 2, "{}", wrong.stdout);
}

#[test]
fn a_watch_goes_on_after_its_job_died() {
    let calls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = calls.clone();
    let address = serve("127.0.0.1:0", move |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        say(200, json!({"queue": {"depth": "3"}}).to_string())
    });
    let metrics = json!([{"name": "queue", "json": {"url": format!("http://{address}/"), "path": "$.queue.depth"}, "max": 10}]);
    let dir = folder(&config("unused.test", json!({"for": "8s", "interval": "400ms"}), metrics));
    let args = ["verify", "--json", "--state", "watch/state.json", "--deployed", "1.0.0"];
    let mut child = program(dir.path(), &args, &[]).spawn().expect("it runs");
    let looked = || -> Option<u64> {
        let text = std::fs::read_to_string(dir.path().join("watch/state.json")).ok()?;
        serde_json::from_str::<Value>(&text).ok()?["looked"].as_u64()
    };
    let started = Instant::now();
    while looked() < Some(3) {
        assert!(started.elapsed() < Duration::from_secs(60), "nobody looks");
        pause(0.05);
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    let before: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("watch/state.json")).expect("a state"))
            .expect("JSON");
    let seen = before["looked"].as_u64().expect("a number");
    assert!(seen > 1 && seen < 15, "{before}");
    // Three intervals: whatever the moment of the kill, the times of two looks pass.
    pause(1.3);
    let ran = run(dir.path(), &args, &[]);
    assert_eq!(verdict(&ran), (0, "pass".to_owned()), "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("goes on with the watch"), "{}", ran.stderr);
    assert_eq!((ran.json()["looks"].as_u64(), &ran.json()["started"]), (Some(20), &before["started"]));
    // Those that were missed are missing.
    assert!(ran.json()["metrics"][0]["looks"].as_u64() < Some(20), "{}", ran.stdout);
    let asked = calls.load(std::sync::atomic::Ordering::SeqCst);
    assert!((8..20).contains(&asked), "{asked}");
    // Another release is another watch.
    let other = ["verify", "--json", "--state", "watch/state.json", "--deployed", "2.0.0", "--for", "800ms"];
    let ran = run(dir.path(), &other, &[]);
    assert!(ran.code == 0 && !ran.stderr.contains("goes on"), "{}", ran.stderr);
    std::fs::write(dir.path().join("watch/state.json"), "{").expect("a file");
    let ran = run(dir.path(), &other, &[]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}

#[test]
fn a_dry_run_asks_nobody() {
    let address = serve("127.0.0.1:0", |_| panic!("nobody is to be asked"));
    let metrics = json!([{"name": "errors", "query": "up", "max": 0.01, "fail": {"after": 1}}]);
    let dir = folder(&config(&address.to_string(), json!({}), metrics));
    let ran = run(dir.path(), &["verify", "--dry-run"], &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("watch 1 metric for 5s, every 500ms"), "{}", ran.stdout);
    assert!(ran.stdout.contains("errors: at most 0.01; fails after 1 in a row"), "{}", ran.stdout);
    assert!(!dir.path().join("release-steps").exists());
    for (args, says) in [
        (vec!["verify", "staging"], "there are watches for production"),
        (vec!["verify", "--interval", "1h"], "`interval` is longer than `for`"),
    ] {
        let ran = run(dir.path(), &args, &[]);
        assert!(ran.code == 2 && ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
    }
}
