//! `smoke` and `verify` against services that behave well and badly: small ones of these tests, a real server of gRPC's
//! health protocol, a real Prometheus. `.ci/tools.sh` installs the last two.

mod server;
mod tools;
mod verify;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use server::{Ask, Reply, certificate, say, serve, serve_tls};

/// What the program said.
pub(crate) struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Ran {
    /// The document of `--json`.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}\n{}", self.stdout, self.stderr))
    }

    /// Why a check came out as it did, by its place in the list.
    fn why(&self, at: usize) -> String {
        self.json()["checks"][at]["why"].as_str().unwrap_or_default().to_owned()
    }
}

/// A folder that is in no repository, with a configuration.
pub(crate) fn folder(config: &Value) -> TempDir {
    let dir = tempfile::Builder::new().prefix("release-steps-smoke-").tempdir().expect("a folder");
    // JSON is YAML.
    fs::write(dir.path().join("release-steps.yml"), config.to_string()).expect("a file");
    dir
}

pub(crate) fn program(dir: &Path, args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_release-steps"));
    command
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(env.iter().copied())
        .args(args)
        .stdin(Stdio::null());
    command
}

pub(crate) fn run(dir: &Path, args: &[&str], env: &[(&str, &str)]) -> Ran {
    let started = Instant::now();
    let output = program(dir, args, env).output().expect("it can be run");
    let took = started.elapsed();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("it ends by itself");
    Ran { code, stdout: text(output.stdout), stderr: text(output.stderr), took }
}

/// Checks of one environment, run with `--json`.
fn smoke(checks: Value, within: &str) -> Ran {
    let dir = folder(&json!({ "smoke": { "production": checks } }));
    run(dir.path(), &["smoke", "--json", "--within", within], &[])
}

/// Checks of one environment, each looked at once.
fn once(checks: Value) -> Ran {
    let dir = folder(&json!({ "smoke": { "production": checks } }));
    run(dir.path(), &["smoke", "--json", "--once"], &[])
}

fn http(address: &std::net::SocketAddr, more: Value) -> Value {
    let mut check = json!({ "url": format!("http://{address}/health") });
    check.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
    json!({ "http": check })
}

#[test]
fn a_healthy_service_passes() {
    let address = serve("127.0.0.1:0", |ask| match ask.target.as_str() {
        "/health" => Reply::Say(
            200,
            vec![("x-version", "1.2.3".to_owned())],
            json!({"status": "ok", "db": {"up": true}}).to_string(),
        ),
        _ => say(404, ""),
    });
    let ran = smoke(
        json!([
            http(&address, json!({"json": {"$.status": "ok", "$.db.up": true}, "contains": "ok", "matches": "\"up\": ?true"})),
            http(&address, json!({"version": {"header": "x-version", "equals": "v1.2.3"}})),
            {"tcp": {"address": address.to_string()}},
            {"dns": {"name": "localhost"}},
            {"command": {"run": "echo all fine", "contains": "fine"}},
        ]),
        "5s",
    );
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let found = ran.json();
    assert_eq!(found["verdict"], "pass");
    assert!(found["checks"].as_array().expect("a list").iter().all(|c| c["tries"] == 1));
    // Without any configuration, and outside of a repository.
    let dir = folder(&json!({}));
    let url = format!("http://{address}/health");
    let ran =
        run(dir.path(), &["smoke", "--url", &url, "--expect", "200", "--json-path", "$.status=ok"], &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("smoke checks: 1 pass"), "{}", ran.stdout);
    assert!(ran.stderr.contains("pass") && ran.stderr.contains("it answers 200"), "{}", ran.stderr);
    let ran = run(dir.path(), &["smoke", "--url", &url, "--expect", "204", "--once"], &[]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("it answers 200, not 204"), "{}", ran.stderr);
}

#[test]
fn an_nginx_answers_as_it_does() {
    let locations = "
        location = /health { default_type application/json; add_header x-version 1.2.3; return 200 '{\"status\": \"ok\"}'; }
        location = /old { return 301 /health; }
        location = /down { return 503 'back soon'; }
        ";
    let Some(server) = tools::nginx(locations) else { return };
    let check = |path: &str, more: Value| {
        let mut check = json!({ "url": format!("http://{}{path}", server.address) });
        check.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        json!({ "http": check })
    };
    let ran = once(json!([
        check(
            "/health",
            json!({"json": {"$.status": "ok"}, "version": {"header": "x-version", "equals": "1.2.3"}})
        ),
        check(
            "/health",
            json!({"expect_headers": {"Content-Type": "application/json"}, "p95": "5s", "samples": 10})
        ),
        check("/old", json!({"status": 301, "redirects_to": "/health"})),
        check("/old", json!({"redirects": 3, "contains": "ok"})),
        check("/down", json!({"status": 503, "contains": "back soon"})),
    ]));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let ran = once(json!([check("/down", json!({})), check("/nowhere", json!({}))]));
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.why(0).contains("it answers 503"), "{}", ran.stdout);
    assert!(ran.why(1).contains("it answers 404"), "{}", ran.stdout);
}

#[test]
fn a_service_that_comes_up_late_passes_then() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let address = serve("127.0.0.1:0", move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => say(503, "starting"),
        1 => Reply::Reset,
        2 => Reply::Cut,
        _ => say(200, "up"),
    });
    let ran = smoke(json!([http(&address, json!({}))]), "10s");
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert_eq!(ran.json()["checks"][0]["tries"], 4);
    let before = ran.json()["checks"][0]["before"].to_string();
    assert!(before.contains("it answers 503") && before.contains("breaks off"), "{before}");
}

#[test]
fn the_deadline_ends_everything() {
    let silent = serve("127.0.0.1:0", |_| Reply::Silent);
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let deaf = deaf.local_addr().expect("an address");
    let slow = serve("127.0.0.1:0", |_| Reply::Later(Duration::from_secs(3), Box::new(say(200, ""))));
    let mut checks = vec![
        http(&silent, json!({"timeout": "400ms"})),
        http(&deaf, json!({})),
        http(&slow, json!({"p95": "1s"})),
        json!({"tls": {"address": silent.to_string()}}),
        json!({"grpc": {"address": silent.to_string()}}),
        json!({"command": {"run": "sleep 30 & sleep 30"}}),
        json!({"tcp": {"address": "127.0.0.1:1"}}),
    ];
    let ran = smoke(json!(checks.clone()), "2s");
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.took < Duration::from_secs(6), "{:?}", ran.took);
    for at in 0..checks.len() {
        assert_eq!(ran.json()["checks"][at]["verdict"], "fail", "{at}: {}", ran.stdout);
    }
    assert!(ran.json()["checks"][0]["tries"].as_u64() > Some(1), "{}", ran.stdout);
    // More than may look at once: some never have their turn, and are not known.
    checks = vec![http(&silent, json!({})); 70];
    let ran = smoke(json!(checks), "2s");
    assert_eq!(ran.code, 1);
    let found = ran.json();
    let unknown =
        found["checks"].as_array().expect("a list").iter().filter(|c| c["verdict"] == "unknown").count();
    assert_eq!(unknown, 6, "{}", ran.stdout);
    assert!(ran.took < Duration::from_secs(6), "{:?}", ran.took);
}

#[test]
fn waiting_is_done_side_by_side() {
    let slow = serve("127.0.0.1:0", |_| Reply::Later(Duration::from_millis(100), Box::new(say(200, ""))));
    let ran = smoke(json!(vec![http(&slow, json!({})); 100]), "10s");
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    // One after the other would take ten seconds.
    assert!(ran.took < Duration::from_secs(4), "{:?}", ran.took);
}

#[test]
fn a_half_finished_rollout_is_seen() {
    let version = |version: &'static str| move |_: &Ask| say(200, json!({ "version": version }).to_string());
    let new = serve("127.0.0.1:0", version("2.0.0"));
    let healed = Arc::new(AtomicBool::new(false));
    let state = healed.clone();
    let old = move |_: &Ask| {
        say(200, json!({"version": if state.load(Ordering::SeqCst) { "2.0.0" } else { "1.9.0" }}).to_string())
    };
    serve(&format!("127.0.0.2:{}", new.port()), old);
    let url = format!("http://shop.test:{}/", new.port());
    let check = json!([{"http": {"url": url, "addresses": ["127.0.0.1", "127.0.0.2"], "version": {"json": "$.version"}}}]);
    let dir = folder(&json!({"smoke": {"production": check}}));
    let args = ["smoke", "--json", "--once", "--deployed", "v2.0.0"];
    let ran = run(dir.path(), &args, &[]);
    assert_eq!((ran.code, ran.why(0).as_str()), (1, "127.0.0.2: version 1.9.0 answers, not v2.0.0"));
    healed.store(true, Ordering::SeqCst);
    let ran = run(dir.path(), &args, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(ran.why(0).starts_with("version v2.0.0 answers, 3 in a row on 2 addresses"), "{}", ran.why(0));
    let ran = run(dir.path(), &args[..3], &[]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.json()["error"]["message"] == "which version was deployed?");
    // Behind one address, a balancer that sends every third request to the old version.
    let count = AtomicUsize::new(0);
    let mixed = serve("127.0.0.1:0", move |_| {
        let old = count.fetch_add(1, Ordering::SeqCst) % 3 == 2;
        say(200, json!({"version": if old { "1.9.0" } else { "2.0.0" }}).to_string())
    });
    let ran = once(json!([http(&mixed, json!({"version": {"json": "$.version", "equals": "2.0.0"}}))]));
    assert_eq!((ran.code, ran.why(0).as_str()), (1, "version 1.9.0 answers, not 2.0.0"));
}

#[test]
fn certificates_are_looked_at() {
    let dir = folder(&json!({}));
    let look = |name: &str, from, to, trusted: bool| {
        let it = certificate(from, to);
        let address = serve_tls(&it, |_| say(200, "fine"));
        let roots = dir.path().join(format!("{name}.pem"));
        let other = certificate(-1, 1);
        fs::write(&roots, if trusted { &it.authority } else { &other.authority }).expect("a file");
        let place = format!("localhost:{}", address.port());
        let url = format!("https://{place}/");
        let args = ["smoke", "--json", "--once", "--tls", &place, "--url", &url];
        run(dir.path(), &args, &[("SSL_CERT_FILE", roots.to_str().expect("text"))])
    };
    let good = look("good", -10, 80, true);
    assert_eq!(good.code, 0, "{}", good.stdout);
    assert!(
        good.why(1).starts_with("its certificate ends in 79 days")
            || good.why(1).starts_with("its certificate ends in 80 days"),
        "{}",
        good.why(1)
    );
    let soon = look("soon", -10, 5, true);
    assert_eq!((soon.code, soon.json()["checks"][0]["verdict"] == "pass"), (1, true), "{}", soon.stdout);
    assert!(soon.why(1).contains("14 days are needed"), "{}", soon.why(1));
    let expired = look("expired", -20, -3, true);
    assert_eq!(expired.code, 1);
    assert!(expired.why(1).starts_with("its certificate expired on "), "{}", expired.why(1));
    assert!(expired.why(0).contains("xpired"), "{}", expired.why(0));
    let stranger = look("stranger", -10, 80, false);
    assert!(
        stranger.why(1).contains("not trusted") && stranger.why(0).contains("invalid peer"),
        "{}",
        stranger.stdout
    );
}

#[test]
fn ipv6_alone_is_enough() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return tools::skipped("there is no IPv6 on this machine");
    }
    let address = serve("[::1]:0", |_| say(200, ""));
    let url = format!("http://localhost:{}/health", address.port());
    let ran = smoke(
        json!([http(&address, json!({})), {"http": {"url": url}}, {"tcp": {"address": address.to_string()}}, {"tcp": {"address": format!("localhost:{}", address.port())}}]),
        "3s",
    );
    // A machine may not have `::1` among the addresses of its `localhost`.
    let known = fs::read_to_string("/etc/hosts")
        .is_ok_and(|hosts| hosts.lines().any(|l| l.starts_with("::1") && l.contains("localhost")));
    let wanted = if known { ["pass"; 4] } else { ["pass", "fail", "pass", "fail"] };
    for (at, wanted) in wanted.iter().enumerate() {
        assert_eq!(ran.json()["checks"][at]["verdict"], *wanted, "{}", ran.stdout);
    }
}

#[test]
fn redirects_keep_secrets_at_home() {
    let heard = Arc::new(std::sync::Mutex::new(String::new()));
    let log = heard.clone();
    let other = serve("127.0.0.1:0", move |ask| {
        log.lock().expect("no panic").push_str(&ask.headers);
        say(200, "elsewhere")
    });
    let target = format!("http://{other}/there");
    let home = serve("127.0.0.1:0", move |ask| match ask.target.as_str() {
        "/health" => Reply::Say(302, vec![("location", target.clone())], String::new()),
        _ => Reply::Say(301, vec![("location", "/loop".to_owned())], String::new()),
    });
    let check = |url: &str, more: Value| {
        let mut check = json!({"url": format!("http://{home}{url}"), "headers": {"Authorization": "Bearer ${T}", "X-Team": "shop"}});
        check.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        json!({ "http": check })
    };
    let dir = folder(&json!({"smoke": {"p": [
        check("/health", json!({"contains": "elsewhere"})),
        check("/health", json!({"status": 302, "redirects_to": format!("http://{other}/there")})),
        check("/loop", json!({})),
    ]}}));
    let ran = run(dir.path(), &["smoke", "--json", "--once"], &[("T", "very-secret-token")]);
    let verdicts: Vec<&str> = (0..3)
        .map(|at| if ran.json()["checks"][at]["verdict"] == "pass" { "pass" } else { "fail" })
        .collect();
    assert_eq!(verdicts, ["pass", "pass", "fail"], "{}", ran.stdout);
    assert_eq!(ran.why(2), "it redirects more than 10 times");
    let heard = heard.lock().expect("no panic").to_ascii_lowercase();
    assert!(heard.contains("x-team") && !heard.contains("very-secret"), "{heard}");
}

#[test]
fn slow_answers_are_counted() {
    let count = AtomicUsize::new(0);
    let address = serve("127.0.0.1:0", move |_| {
        let slow = count.fetch_add(1, Ordering::SeqCst) % 10 == 9;
        Reply::Later(Duration::from_millis(if slow { 150 } else { 5 }), Box::new(say(200, "")))
    });
    let ran = smoke(json!([http(&address, json!({"p95": "1s", "samples": 20}))]), "30s");
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    let ran = once(json!([http(&address, json!({"p95": "100ms", "samples": 20}))]));
    assert_eq!(ran.code, 1);
    assert!(
        ran.why(0).starts_with("p95 of 20 samples is ") && ran.why(0).ends_with("at most 100ms is allowed"),
        "{}",
        ran.why(0)
    );
}

#[test]
fn grpc_says_whether_it_serves() {
    let Some(server) = tools::grpc() else { return };
    let http = serve("127.0.0.1:0", |_| say(200, "not grpc"));
    let at = |service: &str| json!({"grpc": {"address": server.address, "service": service}});
    let ran = once(
        json!([at(""), at("shop.Cart"), at("shop.Down"), at("shop.None"), {"grpc": {"address": http.to_string()}}]),
    );
    assert_eq!(ran.code, 1);
    assert!(
        ran.why(0).starts_with("it is serving") && ran.why(1).starts_with("it is serving"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.why(2), "it says NOT_SERVING");
    assert!(ran.why(3).starts_with("it answers status 5, NOT_FOUND"), "{}", ran.why(3));
    assert_eq!(ran.json()["checks"][4]["verdict"], "fail");
}

#[test]
fn commands_and_hurl() {
    let ran = once(json!([
        {"command": {"run": "echo no such thing >&2; exit 3"}},
        {"command": {"run": "kill -9 $$"}},
        {"command": {"run": "echo yes", "contains": "no"}},
        {"command": {"run": "sleep 20", "timeout": "100ms"}},
    ]));
    assert_eq!(ran.code, 1);
    assert_eq!(ran.why(0), "it ended with 3: no such thing");
    assert_eq!(ran.why(1), "it was ended by a signal");
    assert_eq!(ran.why(2), "`no` is not in what it printed: yes");
    assert!(ran.why(3).contains("did not end within"), "{}", ran.why(3));
    let dir = folder(&json!({"smoke": {"p": [{"hurl": {"files": ["*.hurl"]}}]}}));
    let args = ["smoke", "--json", "--once"];
    let ran = run(dir.path(), &args, &[]);
    assert_eq!((ran.code, ran.why(0).as_str()), (4, "no file is named like *.hurl"));
    fs::write(dir.path().join("a.hurl"), "GET http://127.0.0.1:1/\n").expect("a file");
    // What could not be looked at is not known.
    let bin = dir.path().join("bin");
    fs::create_dir(&bin)
        .and_then(|()| std::os::unix::fs::symlink("/bin/sh", bin.join("sh")))
        .expect("a link");
    let ran = run(dir.path(), &args, &[("PATH", &bin.to_string_lossy())]);
    assert!(ran.code == 4 && ran.why(0).contains("hurl is not installed"), "{}", ran.stdout);
}

/// With the real program, where it is installed.
#[test]
fn hurl_files_pass_and_fail_as_hurl_says() {
    if Command::new("hurl").arg("--version").output().is_err() {
        return tools::skipped("no hurl here: https://hurl.dev/docs/installation.html");
    }
    let address = serve("127.0.0.1:0", |ask| {
        let said = ask.headers.lines().find_map(|line| line.strip_prefix("authorization: "));
        match said.map(str::trim) {
            None => say(200, "{\"status\": \"ok\"}"),
            Some("Bearer pl4nted-in-a-variable") => say(200, "in"),
            Some(other) => say(401, format!("not with {other}")),
        }
    });
    let hurl = |asserts: &str| format!("GET http://{address}/\nHTTP 200\n[Asserts]\n{asserts}\n");
    let files = [
        ("pass/a b's.hurl", hurl("jsonpath \"$.status\" == \"ok\"")),
        ("pass/two.hurl", hurl("duration < 60000")),
        ("fail.hurl", hurl("jsonpath \"$.status\" == \"down\"")),
        (
            "secret.hurl",
            format!("GET http://{address}/\nAuthorization: Bearer {{{{auth_token}}}}\nHTTP 200\n"),
        ),
        (
            "refused.hurl",
            format!(
                "GET http://{address}/\nAuthorization: Bearer {{{{auth_token}}}}x\nHTTP 200\n[Asserts]\nbody == \"in\"\n"
            ),
        ),
        ("silent.hurl", "GET http://192.0.2.1/\n".to_owned()),
    ];
    let checks = json!([
        {"hurl": {"files": ["pass/*.hurl"]}},
        {"hurl": {"files": ["fail.hurl"]}},
        {"hurl": {"files": ["secret.hurl"]}},
        {"hurl": {"files": ["refused.hurl"]}},
        {"hurl": {"files": ["gone.hurl"]}},
        {"hurl": {"files": ["silent.hurl"], "timeout": "300ms"}},
    ]);
    let dir = folder(&json!({ "smoke": { "p": checks } }));
    fs::create_dir(dir.path().join("pass")).expect("a folder");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("a file");
    }
    let token = ("HURL_VARIABLE_auth_token", "pl4nted-in-a-variable");
    let ran = run(dir.path(), &["smoke", "--json", "--once"], &[token]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert_eq!(ran.why(0), "2 files passed");
    assert_eq!(
        ran.why(1),
        "hurl: error: Assert failure --> fail.hurl:4:0 actual:   string <ok> expected: string <down>"
    );
    assert_eq!(ran.why(2), "1 file passed");
    assert!(ran.why(3).contains("actual:   <401>"), "{}", ran.why(3));
    assert_eq!(ran.json()["checks"][4]["verdict"], "unknown", "{}", ran.stdout);
    assert!(ran.why(5).contains("did not end within"), "{}", ran.why(5));
    assert!(ran.took < Duration::from_secs(20), "{:?}", ran.took);
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("pl4nted"), "{}", ran.stdout);
}

#[test]
fn a_dry_run_looks_at_nothing() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let address = serve("127.0.0.1:0", move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        say(200, "")
    });
    let config = json!({"smoke": {"p": [http(&address, json!({"json": {"$.a": 1}})), {"command": {"run": "touch ran"}}]}});
    let dir = folder(&config);
    let ran = run(dir.path(), &["smoke", "--dry-run", "--junit", "j.xml"], &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains(&format!("http://{address}/health: 2xx, $.a = 1")), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("`touch ran`: ends with 0") && ran.stdout.contains("write j.xml"),
        "{}",
        ran.stdout
    );
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert!(!dir.path().join("ran").exists() && !dir.path().join("j.xml").exists());
}

#[test]
fn what_cannot_be_meant_changes_nothing() {
    let dir = folder(&json!({"smoke": {"a": [{"command": {"run": "touch ran"}}], "b": []}}));
    for (args, code, says) in [
        (vec!["smoke"], 2, "there are checks for a, b"),
        (vec!["smoke", "c"], 2, "there are no checks for `c`"),
        (vec!["smoke", "b"], 1, "smoke b has no check"),
        (vec!["smoke", "a", "--junit", "../j.xml"], 2, "the path leads outside"),
        (vec!["smoke", "--url", "localhost"], 2, "is no address"),
        (
            vec!["smoke", "--url", "http://h/", "--header", "Authorization: x"],
            2,
            "Authorization holds a secret",
        ),
        (
            vec!["smoke", "--url", "http://h/", "--header", "X-A: ${NOT_SET}"],
            2,
            "the variable NOT_SET is not set",
        ),
        (vec!["smoke", "a", "--within", "1 month"], 2, "no exact length of time"),
        (vec!["smoke", "a", "--as-job", "--image", "x"], 2, "needs files and programs"),
    ] {
        let ran = run(dir.path(), &args, &[]);
        assert_eq!(ran.code, code, "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
        assert!(!dir.path().join("ran").exists(), "{args:?}");
    }
}

#[test]
fn a_job_runs_the_same_checks() {
    let address = serve("127.0.0.1:0", |ask| match ask.headers.contains("Bearer in-cluster") {
        true => say(200, json!({"version": "1.0.0"}).to_string()),
        false => say(401, ""),
    });
    let check = http(
        &address,
        json!({"headers": {"Authorization": "Bearer ${TOKEN}"}, "version": {"json": "$.version"}}),
    );
    let dir = folder(&json!({"smoke": {"Prod EU": {"within": "5s", "checks": [check]}}}));
    let args = [
        "smoke",
        "--as-job",
        "--image",
        "registry.example/release-steps:1",
        "--namespace",
        "shop",
        "--deployed",
        "1.0.0",
    ];
    let ran = run(dir.path(), &args, &[]);
    assert!(ran.code == 2 && ran.stderr.contains("--secret"), "{}", ran.stderr);
    let ran = run(dir.path(), &[&args[..], &["--secret", "smoke-secrets"]].concat(), &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let documents: Vec<Value> =
        ran.stdout.split("---\n").map(|d| serde_json::from_str(d).expect("JSON")).collect();
    assert_eq!(documents[1]["metadata"]["name"], "smoke-prod-eu");
    // What the pod runs: its arguments, on the ConfigMap's file.
    let inside = tempfile::tempdir().expect("a folder");
    let config = documents[0]["data"]["release-steps.yml"].as_str().expect("text");
    fs::write(inside.path().join("release-steps.yml"), config).expect("a file");
    let container = &documents[1]["spec"]["template"]["spec"]["containers"][0];
    let place = inside.path().to_str().expect("text");
    let args: Vec<String> = container["args"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|a| a.as_str().expect("text").replace("/checks", place))
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = run(Path::new("/"), &args, &[("TOKEN", "in-cluster")]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn a_saved_plan_is_what_is_looked_at() {
    let address = serve("127.0.0.1:0", |_| say(200, ""));
    let dir = folder(
        &json!({"smoke": {"p": [http(&address, json!({})), {"tcp": {"address": address.to_string()}}]}}),
    );
    let made = Command::new("git").args(["init", "-q"]).current_dir(dir.path()).status();
    assert!(made.is_ok_and(|s| s.success()));
    let ran = run(dir.path(), &["smoke", "--dry-run", "--plan", "plan.json"], &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = run(dir.path(), &["apply", "plan.json", "--json"], &[]);
    assert_eq!((ran.code, ran.json()["verdict"].as_str()), (0, Some("pass")), "{}", ran.stderr);
}

/// A secret in every place where one may stand, and a service that says it back in every form.
#[test]
fn secrets_are_in_no_output() {
    const SECRET: &str = "hunter2+/\"secret\"&<key>";
    let base64 = base64::engine::general_purpose::STANDARD;
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let forms = format!(
        "{SECRET} {} {} {} {}",
        base64.encode(format!("user:{SECRET}")),
        base64.encode(SECRET),
        encoded(SECRET),
        json!(SECRET)
    );
    // What a header can hold: with a quote taken out, it would be another text than the secret.
    let headed =
        format!("{} {} {}", base64.encode(format!("user:{SECRET}")), base64.encode(SECRET), encoded(SECRET));
    // Where an answer is cut for a message, so that a part of the secret could be left.
    let pads: Vec<usize> = (0..40).map(|n| 160 - n).collect();
    let next = AtomicUsize::new(0);
    let address = serve("127.0.0.1:0", move |ask| {
        let pad = "x".repeat(pads[next.fetch_add(1, Ordering::SeqCst) % pads.len()]);
        Reply::Say(
            500,
            vec![("x-echo", headed.clone())],
            format!("{pad}{forms} {} {}", ask.target, ask.headers),
        )
    });
    let url = |more: &str| format!("http://user:${{S}}@{address}/{more}");
    let mut checks: Vec<Value> = (0..40)
        .map(|n| json!({"http": {"url": url(&format!("?access_token=${{S}}&n={n}")), "method": "POST", "headers": {"X-Api-Key": "${S}"}, "body": "{\"p\": \"${S}\"}"}}))
        .collect();
    checks.push(json!({"http": {"url": url(""), "status": 500, "expect_headers": {"x-echo": "nothing"}}}));
    checks.push(json!({"http": {"url": url("j"), "status": 500, "json": {"$.a": 1}}}));
    checks.push(json!({"command": {"run": "echo \"$S\" | base64 >&2; echo \"$S\" >&2; exit 1"}}));
    let config = json!({"smoke": {"p": checks}, "verify": {"p": {
        "for": "200ms", "interval": "100ms", "prometheus": format!("http://user:${{S}}@{address}"), "metrics": [
            {"name": "a", "query": "up", "max": 1},
            {"name": "b", "json": {"url": url("?token=${S}"), "path": "$.x"}, "max": 1}]}}});
    let dir = folder(&config);
    let mut outputs = Vec::new();
    for args in [
        vec!["smoke", "--within", "300ms", "--junit", "junit.xml"],
        vec!["smoke", "--within", "300ms", "--json", "-v"],
        vec!["smoke", "--dry-run", "--plan", "plan.json"],
        vec!["verify", "--summary", "summary.md", "--state", "state.json"],
        vec!["verify", "--json"],
    ] {
        let ran = run(dir.path(), &args, &[("S", SECRET)]);
        assert!(args.contains(&"--dry-run") || ran.code != 0, "{args:?}: {}", ran.stderr);
        outputs.push((format!("{args:?}"), format!("{}\n{}", ran.stdout, ran.stderr)));
    }
    for file in ["junit.xml", "plan.json", "summary.md", "state.json"] {
        outputs.push((
            file.to_owned(),
            fs::read_to_string(dir.path().join(file)).unwrap_or_else(|e| panic!("{file}: {e}")),
        ));
    }
    let plain = base64.encode(format!("user:{SECRET}"));
    let other = base64.encode(SECRET);
    for (what, text) in &outputs {
        for part in [
            "hunter2",
            "secret\"&",
            "secret%22",
            "&lt;key",
            &encoded("+/\"s"),
            &plain[8..24],
            &other[..12],
            "aHVudGVyMg",
        ] {
            let found =
                text.find(part).map(|at| text[at.saturating_sub(60)..].chars().take(160).collect::<String>());
            assert_eq!(found, None, "{what} shows {part}");
        }
    }
    assert!(outputs[0].1.contains("***"), "{}", outputs[0].1);
}
