//! A secret is planted in everything that comes from outside, everything is run in every way, and every output of any kind
//! is searched for it: as it is, in base64, encoded for an address.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

#[path = "forge/server.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod server;
#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use serde_json::json;

use server::{Ask, Breaks, Reply, serve};
use support::{Ran, World};

/// In variables whose names speak of a secret, in those that stand where one does, and in addresses.
const PLANTED: [(&str, &str); 11] = [
    ("DEPLOY_TOKEN", "ghp_pl4nted+token/0123456789"),
    // One that begins as a path does.
    ("AWS_SECRET_ACCESS_KEY", "/pl4nted+that/begins/as+a/path0"),
    // One of several lines, as a key is.
    (
        "SIGNING_KEY",
        "-----BEGIN KEY-----\npl4nted0line0one0of0the0key\npl4nted0line0two0of0the0key\n-----END KEY-----\n",
    ),
    // In a header of a check, by a name that says nothing.
    ("APP_AUTH", "pl4nted-where-a-header-is"),
    // In an address' user info, by a name that says nothing.
    ("DATABASE", "postgres://shop:pl4nted-password-of-db@db.example/shop"),
    ("APP_URL", "http://probe:pl4nted-password-of-app@HOST"),
    ("METRICS_AUTH", "Bearer pl4nted-where-metrics-are"),
    ("TEAMS_WEBHOOK_URL", "http://HOST/teams/pl4nted-in-address-of-teams"),
    ("OWN_WEBHOOK_URL", "http://HOST/own/x?sig=pl4nted-in-address-of-own"),
    ("OWN_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("PAGERDUTY_ROUTING_KEY", "R0123456789PLANTED0123456789ABCD"),
];

/// What of it no output may hold: the whole is not needed to do harm.
fn needles() -> Vec<String> {
    let words = PLANTED.iter().flat_map(|(_, value)| {
        let parts = value.split(['\n', ' ']).flat_map(|line| line.split("HOST"));
        let parts = parts.filter(|part| !part.contains("://") && part.len() >= 12);
        let passwords = value.split_once("://").and_then(|(_, rest)| rest.split_once('@')?.0.split_once(':'));
        let last = value.contains("://").then(|| value.rsplit(['/', '=']).next()).flatten();
        parts
            .chain(passwords.map(|(_, password)| password))
            .chain(last.filter(|last| last.contains("pl4nted")))
            .map(|part| part.trim_start_matches(['/', '?']).trim_start_matches("teams/").to_owned())
            .collect::<Vec<_>>()
    });
    let words: Vec<String> =
        words.filter(|word| !word.starts_with("-----") && !word.starts_with("own/")).collect();
    assert!(words.len() >= 11, "{words:?}");
    let all = words.iter().flat_map(|word| forms(word));
    all.collect()
}

fn forms(secret: &str) -> [String; 3] {
    let base64 = base64::engine::general_purpose::STANDARD.encode(secret).trim_end_matches('=').to_owned();
    // The last digit depends on what follows.
    let base64 = base64[..base64.len() - 1].to_owned();
    [secret.to_owned(), base64, url::form_urlencoded::byte_serialize(secret.as_bytes()).collect()]
}

/// All values in all forms, as a log may have them.
fn log(values: &BTreeMap<String, String>) -> String {
    let mut out = String::from("line one\n");
    for value in values.values() {
        for form in forms(value) {
            out.push_str(&form);
            out.push('\n');
        }
        // Inside of something longer, and wrapped as `base64` does it.
        let engine = &base64::engine::general_purpose::STANDARD;
        out.push_str(&format!("x={value};\n{}\n", engine.encode(format!("user:{value}"))));
        let whole = engine.encode(value);
        whole
            .as_bytes()
            .chunks(76)
            .for_each(|line| out.push_str(&format!("{}\n", String::from_utf8_lossy(line))));
    }
    out
}

/// A service that says all that it was asked, and all that it knows.
fn talkative(ask: &Ask, log: &str) -> Reply {
    let said = format!("{} {} {:?} {log}", ask.path, ask.raw_query, ask.headers);
    let bad = |status| {
        Reply::json(status, &json!({ "status": "error", "errorType": said, "error": said, "message": said }))
    };
    match ask.path.as_str() {
        // A Prometheus that answers well, with labels that hold everything.
        path if path.contains("/good/api/v1/query") || path.contains("/warned/api/v1/query") => {
            let warnings = if path.contains("/warned/") { json!([said]) } else { json!([]) };
            let result = json!([{ "metric": { "instance": said }, "value": [1, "0.5"] }]);
            let data = json!({ "resultType": "vector", "result": result });
            Reply::json(200, &json!({ "status": "success", "warnings": warnings, "data": data }))
        }
        path if path.contains("/api/v1/") => bad(422),
        "/health" => Reply::json(200, &json!({ "status": "ok", "version": "9.9.9", "debug": said }))
            .header("x-debug", "x"),
        "/teams/gone" => Reply { breaks: Breaks::Cut, ..Reply::default() },
        _ => bad(400),
    }
}

const CONFIG: &str = r#"
smoke:
  production:
    within: 1s
    checks:
      - http: {url: "${APP_URL}/health", headers: {Authorization: "Bearer ${APP_AUTH}"}, json: {$.status: down}}
      - http: {url: "${APP_URL}/health", headers: {Authorization: "Bearer ${APP_AUTH}"}, contains: absent}
      - http: {url: "${APP_URL}/broken", headers: {Authorization: "Bearer ${APP_AUTH}"}, body: "${DEPLOY_TOKEN}", method: POST}
      - command: {run: 'printf "%s\n" "$LOG"; printf "%s\n" "$LOG" >&2; exit 1'}
  passing:
    checks:
      - http: {url: "${APP_URL}/health", headers: {Authorization: "Bearer ${APP_AUTH}"}, json: {$.status: ok}}
verify:
  production: &watch
    for: 1s
    interval: 400ms
    prometheus: "${APP_URL}/good"
    authorization: "${METRICS_AUTH}"
    metrics: [{name: errors, query: 'up{password="x"}', max: 0.1}]
  broken: {for: 1s, interval: 400ms, prometheus: "${APP_URL}/bad", authorization: "${METRICS_AUTH}", metrics: [{name: errors, query: up, max: 0.1}, {name: queue, json: {url: "${APP_URL}/health", authorization: "${METRICS_AUTH}", path: $.status}, max: 1}]}
  warned: {for: 1s, interval: 400ms, prometheus: "${APP_URL}/warned", metrics: [{name: errors, query: up, max: 0.1}]}
gates:
  production:
    - name: proof
      command: {run: 'printf "%s\n" "$LOG"; printf "%s\n" "$LOG" >&2; exit 7'}
    - rollback_plan: {file: done.j2, mentions: [database]}
deploy:
  production:
    artifacts: [dist/*]
    command:
      deploy: 'printf "%s\n" "$LOG"; mkdir -p live; echo $VERSION > live/production'
      version: 'cat live/production; printf "%s\n" "$LOG" >&2'
      verify: 'printf "%s\n" "$LOG"; printf "%s\n" "$LOG" >&2; test ! -e bad || test $VERSION = 1.2.3'
  failing:
    command: {deploy: 'printf "%s\n" "$LOG" >&2; exit 1'}
notify:
  name: shop
  budget: 1s
  templates: {done: done.j2}
  channels:
    chat: {teams: {url_env: TEAMS_WEBHOOK_URL}}
    own: {webhook: {url_env: OWN_WEBHOOK_URL, secret_env: OWN_SECRET}}
    pager: {pagerduty: {api: 'http://HOST'}}
record: {ref: true}
"#;

fn world(host: &str) -> World {
    let mut env: BTreeMap<String, String> =
        PLANTED.iter().map(|(name, value)| ((*name).to_owned(), value.replace("HOST", host))).collect();
    env.insert("LOG".to_owned(), log(&env));
    env.insert("HOST".to_owned(), host.to_owned());
    let script = "printf 'dist\nlive\nbad\nout\n*.j2\n' >.gitignore; npm demo 1.2.3; mkdir dist out; echo one >dist/app\n\
         commit \"feat: first\"; git commit -q --allow-empty -m \"fix: it\" -m \"$LOG\"; tag v1.2.3\n\
         git commit -q --allow-empty -m \"feat: x=$DEPLOY_TOKEN; $APP_AUTH\" -m \"$LOG\"; git tag -a -m \"$LOG\" v1.3.0\n\
         git commit -q --allow-empty -m \"feat: y=$DEPLOY_TOKEN; $APP_AUTH\" -m \"$LOG\"; origin";
    World::made_by(script, env, |repo| {
        fs::write(repo.join("release-steps.yml"), CONFIG.replace("HOST", host)).unwrap();
        fs::write(repo.join("done.j2"), format!("done\n{{{{ text }}}} {}\n", PLANTED[0].1)).unwrap();
    })
}

/// Every file below a folder, with what gzip and zlib hide of git's objects left to git.
fn files(dir: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => files(&path, found),
            false => {
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
                found.push((path.display().to_string(), text));
            }
        }
    }
}

#[test]
fn no_output_shows_a_secret_that_any_input_holds() {
    let all = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let said = all.clone();
    let address = serve(move |ask| talkative(&ask, &said.lock().unwrap()));
    let host = address.trim_start_matches("http://");
    let world = world(host);
    all.lock().unwrap().clone_from(&world.env["LOG"]);
    let out = world.root().join("repo/out");
    let file = |name: &str| out.join(name).to_string_lossy().into_owned();
    let github: Vec<(&str, String)> = vec![
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_OUTPUT", file("outputs")),
        ("GITHUB_STEP_SUMMARY", file("summary")),
        ("GITHUB_ENV", file("env")),
    ];
    let gitlab: Vec<(&str, String)> =
        vec![("GITLAB_CI", "true".to_owned()), ("RELEASE_STEPS_DOTENV", file("dotenv"))];
    let text = "--text \"$LOG\" --set notes=\"$LOG\" --set url=\"$DATABASE\" --set who=\"$APP_AUTH\"";
    let mut outputs: Vec<(String, String)> = Vec::new();
    let mut codes = BTreeMap::new();
    for (n, runner) in [vec![], github, gitlab].into_iter().enumerate() {
        let runner: Vec<(&str, &str)> = runner.iter().map(|(name, value)| (*name, value.as_str())).collect();
        const HOW: [&str; 4] = ["-v", "--json", "--dry-run --json --plan out/plan.json", "--dry-run"];
        for (m, how) in HOW.iter().take(if n == 0 { 4 } else { 2 }).enumerate() {
            let mut run = |line: &str| {
                let ran: Ran = world.steps_with(&format!("{line} {how}"), &runner);
                *codes.entry(ran.code).or_insert(0) += 1;
                assert!(ran.code.is_some_and(|code| code < 10), "{}", ran.text());
                outputs.push((format!("{line} {how} {runner:?}"), ran.text()));
            };
            world.bash("rm -rf bad live; git update-ref -d refs/release-steps/record; git push -q origin :refs/release-steps/record || true");
            run("deploy production 1.2.3 --skip gate --skip smoke --skip verify");
            world.bash("touch bad");
            run("deploy production 1.3.0 --skip gate --skip smoke --skip verify");
            run("deploy production 1.3.0");
            run("deploy failing 1.3.0");
            run("rollback production --skip gate --skip smoke --skip verify");
            run("smoke production --junit out/smoke.xml");
            run("smoke passing --junit out/smoke-pass.xml");
            run("smoke production --as-job --image x");
            // A secret on the command line is refused, and not repeated.
            run(
                "smoke --url \"http://$HOST/health\" --header \"Authorization: $METRICS_AUTH\" --expect 204 --once",
            );
            run("verify production --summary out/verify.md");
            run("verify broken");
            run("verify warned");
            run(&format!("notify done --release 1.{n}.{m} {text}"));
            run(&format!("notify failed --release 1.{n}.{m} {text}"));
            run(&format!("timeline --release 2.{n}.{m} --at 2026-02-03T05:00:00Z"));
            run(
                "incident open \"it burns: $DEPLOY_TOKEN\" --severity SEV1 --text \"$LOG\" --output out/incident.md",
            );
            run("log show");
            run("log show --markdown");
            run("log report production --html out/report.html");
            run("log export --from 2020-01-01 --to 2030-01-01 --output out/audit.csv");
            run("gate production");
            run("env check production");
            run("changelog --output out/changelog.md");
            run("version next");
            run("release");
            run("doctor");
            run("run nothing");
        }
    }
    // What is told of a remote whose address holds a password.
    world.bash(&format!("git remote set-url origin http://shop:pl4nted-password-of-db@{host}/x.git"));
    for line in
        ["release", "deploy production 1.3.0", "notify done --release 9.9.9", "resume", "doctor", "log show"]
    {
        outputs.push((format!("{line}, bad remote"), world.steps(&format!("{line} --yes -v")).text()));
    }
    files(&out, &mut outputs);
    files(&world.repo().join(".git/release-steps"), &mut outputs);
    let kept = world.bash("git -C ../origin.git log -p refs/release-steps/record -- || true; git log -p refs/release-steps/record -- || true");
    outputs.push(("the records".to_owned(), kept.stdout));
    assert!(codes.len() >= 4, "all kinds of ends: {codes:?}");
    let masked = outputs.iter().filter(|(_, text)| text.contains("***")).count();
    assert!(masked > 60, "only {masked} outputs of {} hide anything", outputs.len());
    let mut leaks = Vec::new();
    for needle in needles() {
        for (name, text) in &outputs {
            if let Some(at) = text.find(&needle) {
                let from = text[..at].rfind('\n').map_or(0, |at| at + 1);
                let line: String =
                    text[from..].lines().next().unwrap_or_default().chars().take(160).collect();
                leaks.push(format!("{needle} in {name}:\n    {line}"));
            }
        }
    }
    let shown: Vec<&String> = leaks.iter().take(12).collect();
    assert!(
        leaks.is_empty(),
        "{} leaks:\n{}",
        leaks.len(),
        shown.iter().map(|s| s.as_str()).collect::<Vec<_>>().join("\n")
    );
}
