//! `gate` against a forge: whole runs of the program against stand-ins for GitHub and GitLab, with polling by the clock,
//! and every fault of the forge as "unknown".

#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "the suite of the forges uses more of it")]
#[path = "forge/server.rs"]
mod server;
mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::{Ask, Breaks, Reply, serve};
use support::{Ran, World};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    GitHub,
    GitLab,
}

const BOTH: [Kind; 2] = [Kind::GitHub, Kind::GitLab];
const TOKEN: &str = "glpat-hunter2-hunter2";

/// A forge that answers by a function of the request's short path and of how often that was asked before.
struct Forge {
    kind: Kind,
    url: String,
    asks: Arc<Mutex<Vec<Ask>>>,
}

/// `checks?page=1` for `/api/v3/repos/o/n/commits/…/check-runs`: what the two forges have in common.
fn short(kind: Kind, ask: &Ask) -> String {
    let path = percent_encoding::percent_decode_str(&ask.path).decode_utf8_lossy().into_owned();
    let rest = match kind {
        Kind::GitHub => path.trim_start_matches("/api/v3").trim_start_matches("/repos/o/n/"),
        Kind::GitLab => path.trim_start_matches("/api/v4").trim_start_matches("/projects/o/n/"),
    };
    let parts: Vec<&str> = rest.split('/').collect();
    match parts.as_slice() {
        ["commits", _, last] => (*last).to_owned(),
        ["repository", "commits", _, last] => format!("commit/{last}"),
        _ => rest.to_owned(),
    }
}

impl Forge {
    fn new(kind: Kind, answer: impl Fn(&str, usize, &Ask) -> Reply + Send + Sync + 'static) -> Forge {
        let asks: Arc<Mutex<Vec<Ask>>> = Arc::default();
        let known = asks.clone();
        let url = serve(move |ask| {
            let what = short(kind, &ask);
            let nth = {
                let mut asks = known.lock().unwrap();
                asks.push(ask.clone());
                asks.iter().filter(|a| short(kind, a) == what).count() - 1
            };
            let given = ["authorization", "private-token"].iter().find_map(|name| ask.headers.get(*name));
            if given.is_none_or(|token| !token.ends_with(TOKEN)) {
                return Reply::json(401, &json!({ "message": "who are you?" }));
            }
            answer(&what, nth, &ask)
        });
        Forge { kind, url, asks }
    }

    /// A repository whose gate `production` has these checks, on `main` or on a request merged into it.
    fn world(&self, checks: &str, env: &[(&str, &str)]) -> World {
        let kind = format!("{:?}", self.kind).to_lowercase();
        let config = format!(
            "forge: {{kind: {kind}, url: '{}', repository: o/n, token_env: FORGE_TOKEN}}\ngates:\n  production:\n{checks}\n",
            self.url
        );
        let env =
            env.iter().chain(&[("FORGE_TOKEN", TOKEN)]).map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        World::made_by("npm demo 1.2.3\ncommit \"feat: first\"\n", env.collect(), |repo| {
            std::fs::write(repo.join("release-steps.yml"), config).unwrap();
        })
    }

    fn count(&self, what: &str) -> usize {
        self.asks.lock().unwrap().iter().filter(|a| short(self.kind, a) == what).count()
    }
}

fn refuse(status: u16) -> Reply {
    Reply::json(status, &json!({ "message": "broken by the test" }))
}

/// The runs of checks on the commit of the request, as each forge says them; `going`, `green`, `red`.
fn runs(kind: Kind, what: &str, ask: &Ask, named: &[(&str, &str)]) -> Option<Reply> {
    let commit = ask.path.split('/').rev().nth(1).unwrap_or_default().to_owned();
    let first = ask.query.get("page").is_none_or(|page| page == "1");
    let body = match (kind, what) {
        (Kind::GitHub, "check-runs") => {
            let run = |(name, state): &(&str, &str)| {
                let (status, conclusion) = match *state {
                    "going" => ("in_progress", Value::Null),
                    "green" => ("completed", json!("success")),
                    _ => ("completed", json!("failure")),
                };
                json!({ "name": name, "head_sha": commit, "status": status, "conclusion": conclusion,
                    "started_at": "2026-02-03T04:00:00Z", "completed_at": null })
            };
            json!({ "total_count": named.len(), "check_runs": named.iter().map(run).collect::<Vec<_>>() })
        }
        (Kind::GitHub, "statuses") => json!([]),
        (Kind::GitLab, "commit/statuses") if !first => json!([]),
        (Kind::GitLab, "commit/statuses") => {
            let run = |(name, state): &(&str, &str)| {
                let status = match *state {
                    "going" => "running",
                    "green" => "success",
                    _ => "failed",
                };
                json!({ "name": name, "sha": commit, "status": status, "allow_failure": false,
                    "started_at": "2026-02-03T04:00:00Z", "finished_at": null })
            };
            json!(named.iter().map(run).collect::<Vec<_>>())
        }
        _ => return None,
    };
    Some(Reply::json(200, &body))
}

fn checks_path(kind: Kind) -> &'static str {
    match kind {
        Kind::GitHub => "check-runs",
        Kind::GitLab => "commit/statuses",
    }
}

fn gate(world: &World, more: &str) -> (Ran, Duration) {
    let began = Instant::now();
    let ran = world.steps(&format!("gate production {more}"));
    assert!(!ran.text().contains("hunter2"), "{}", ran.text());
    (ran, began.elapsed())
}

#[test]
fn pending_and_absent_checks_are_looked_at_again() {
    for kind in BOTH {
        // What each look finds; the last one counts from then on.
        type Look = &'static [(&'static str, &'static str)];
        let rows: &[(&[Look], Option<i32>, usize, &str)] = &[
            (&[&[("test", "green")]], Some(0), 1, "1 required check is green"),
            (&[&[("test", "going")], &[("test", "going")], &[("test", "green")]], Some(0), 3, "green"),
            (&[&[("test", "going")], &[("test", "red")]], Some(1), 2, "test says"),
            (&[&[], &[("test", "going")], &[("test", "green")]], Some(0), 3, "green"),
            (&[&[("other", "green")], &[("test", "green")]], Some(0), 2, "green"),
        ];
        for (looks, code, asked, said) in rows {
            let looks: Vec<Look> = looks.to_vec();
            let forge = Forge::new(kind, move |what, nth, ask| {
                let now = looks[nth.min(looks.len() - 1)];
                runs(kind, what, ask, now).unwrap_or_else(|| refuse(404))
            });
            let world = forge.world("    - checks: {require: [test], poll: 3s}", &[]);
            let (ran, took) = gate(&world, "");
            assert_eq!(ran.code, *code, "{kind:?}: {}", ran.text());
            assert!(ran.text().contains(said), "{kind:?}: {}", ran.text());
            assert_eq!(forge.count(checks_path(kind)), *asked, "{kind:?}");
            assert!(took < Duration::from_secs(4), "{kind:?} took {took:?}");
        }
    }
}

#[test]
fn what_stays_pending_ends_as_unknown_when_the_time_is_up() {
    for kind in BOTH {
        let forge = Forge::new(kind, move |what, _, ask| {
            runs(kind, what, ask, &[("test", "going")]).unwrap_or_else(|| refuse(404)).header("etag", "\"1\"")
        });
        let path = checks_path(kind);
        let world = forge.world("    - checks: {require: [test], poll: 2s}", &[]);
        let (ran, took) = gate(&world, "");
        assert_eq!(ran.code, Some(4), "{}", ran.text());
        assert!(ran.text().contains("wait for test"), "{}", ran.text());
        let long = Duration::from_secs(2);
        assert!(took >= long && took < long + Duration::from_secs(3), "{took:?}");
        let asked = forge.count(path);
        assert!((3..=8).contains(&asked), "{asked} looks");
        // Each look but the first is conditional, so that the forge need not count it.
        let asks = forge.asks.lock().unwrap().clone();
        let looks: Vec<&Ask> = asks.iter().filter(|a| short(kind, a) == path).collect();
        assert!(looks[1..].iter().all(|a| a.headers.contains_key("if-none-match")), "{kind:?}");

        // Not at all when that is asked for, for another time, or when something else says no anyway.
        for (more, checks) in [
            ("--wait 0s", ""),
            ("--at 2026-02-03T10:00:00Z", ""),
            ("", "\n    - window: {closed: [{hours: '00:00-24:00'}]}"),
        ] {
            let before = forge.count(path);
            let world = forge.world(&format!("    - checks: {{require: [test], poll: 20s}}{checks}"), &[]);
            let (ran, took) = gate(&world, more);
            assert_eq!(ran.code, Some(if checks.is_empty() { 4 } else { 1 }), "{more}: {}", ran.text());
            assert_eq!(forge.count(path) - before, 1, "{more}");
            assert!(took < long, "{more}: {took:?}");
        }
        // What rests on a check is asked after the wait.
        let world = forge.world(
            "    - checks: {require: [test]}\n    - checklist: {items: [{item: CI, proved_by: checks}]}",
            &[],
        );
        let (ran, _) =
            gate(&world, "--wait 500ms --override checks --reason x --by ann --until 2026-02-04T00:00:00Z");
        assert_eq!(ran.code, Some(4), "{}", ran.text());
        assert!(ran.text().contains("CI (checks is unknown)"), "{}", ran.text());
    }
}

#[test]
fn an_absent_check_is_waited_for_and_then_fails() {
    for kind in BOTH {
        let forge = Forge::new(kind, move |what, _, ask| {
            runs(kind, what, ask, &[("other", "green")]).unwrap_or_else(|| refuse(404))
        });
        // The run of `other` began five minutes ago.
        for (discover, code, said) in [
            ("10m", 4, "it is looked for until 2026-02-03T04:10:00Z"),
            ("5m", 1, "test never ran"),
            ("307s", 1, "test never ran"),
        ] {
            let checks = format!("    - checks: {{require: [test], discover_for: {discover}, poll: 1s}}");
            let (ran, _) = gate(&forge.world(&checks, &[]), "");
            assert_eq!(ran.code, Some(code), "{discover}: {}", ran.text());
            assert!(ran.text().contains(said), "{discover}: {}", ran.text());
        }
    }
}

/// A fault of the forge is unknown, never pass, whatever is asked; and never a crash or a hang.
#[test]
fn a_fault_of_the_forge_is_unknown() {
    type Fault = fn() -> Reply;
    let faults: [(&str, Fault); 8] = [
        ("401", || refuse(401)),
        ("403", || refuse(403)),
        ("404", || refuse(404)),
        ("500", || refuse(500)),
        ("empty", || Reply { status: 200, ..Reply::default() }),
        ("a page", || Reply { status: 200, body: b"<html>Log in".to_vec(), ..Reply::default() }),
        ("another shape", || Reply::json(200, &json!({ "x": [null] }))),
        ("cut", || Reply { breaks: Breaks::Cut, ..Reply::default() }),
    ];
    let checks = "    - checks: {require: [test], poll: 1s}\n    - approvals: {}\n    - checklist: {issue: 3}\n    \
                  - window: {freeze_periods: true}";
    let one = |kind: Kind, name: &str, fault: Fault| {
        let forge = Forge::new(kind, move |_, _, _| fault());
        let (ran, took) = gate(&forge.world(checks, &[]), "--json");
        assert_eq!(ran.code, Some(4), "{kind:?} {name}: {}", ran.text());
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        for check in said["checks"].as_array().unwrap() {
            // GitHub has no freeze periods, and is not asked for any.
            let free = kind == Kind::GitHub && check["name"] == "window";
            let wanted = if free { "pass" } else { "unknown" };
            assert_eq!(check["verdict"], wanted, "{kind:?} {name}: {check}");
        }
        assert!(took < Duration::from_secs(60), "{kind:?} {name}: {took:?}");
    };
    // Side by side: tries again take their time.
    std::thread::scope(|scope| {
        for kind in BOTH {
            for (name, fault) in faults {
                scope.spawn(move || one(kind, name, fault));
            }
        }
    });
}

#[test]
fn freeze_periods_of_gitlab_close_a_window() {
    // The program runs on Tuesday 2026-02-03 at 04:05:06 UTC.
    for (start, end, zone, code, said) in [
        ("0 23 * * 1", "0 7 * * 2", "UTC", 1, "opens Tue 2026-02-03 07:00 UTC"),
        ("0 23 * * 5", "0 7 * * 1", "UTC", 0, "open until Fri 2026-02-06 23:00 UTC"),
        ("0 5 * * 2", "0 6 * * 2", "Europe/Berlin", 1, "opens Tue 2026-02-03 05:00 UTC"),
        ("0 23 * * 5", "0 7 * * 1", "Europe/Nowhere", 4, "is no IANA time zone"),
        ("whenever", "0 7 * * 1", "UTC", 4, "is no schedule of cron"),
    ] {
        let forge = Forge::new(Kind::GitLab, move |what, _, ask| match what {
            "freeze_periods" if ask.query.get("page").is_none_or(|p| p == "1") => Reply::json(
                200,
                &json!([{ "id": 1, "freeze_start": start, "freeze_end": end, "cron_timezone": zone }]),
            ),
            "freeze_periods" => Reply::json(200, &json!([])),
            _ => refuse(404),
        });
        let (ran, _) = gate(&forge.world("    - window: {freeze_periods: true}", &[]), "");
        assert_eq!(ran.code, Some(code), "{start}: {}", ran.text());
        assert!(ran.text().contains(said), "{start}: {}", ran.text());
    }
}

/// What people said of request 7 at the stand-ins, and who is in the team.
#[derive(Default, Clone)]
struct Said {
    commit: String,
    merged: bool,
    author: &'static str,
    /// Who approved.
    approved: Vec<&'static str>,
    /// Person, text, whether it was changed later.
    remarks: Vec<(&'static str, String, bool)>,
    members: Vec<&'static str>,
}

fn said(kind: Kind, what: &str, ask: &Ask, state: &Said) -> Option<Reply> {
    const WHEN: &str = "2026-02-03T03:00:00Z";
    let later = |changed: bool| if changed { "2026-02-03T03:30:00Z" } else { WHEN };
    let first = ask.query.get("page").is_none_or(|page| page == "1");
    let body = match (kind, what) {
        (Kind::GitHub, "/api/graphql") => {
            let pull = json!({ "number": 7, "title": "t", "body": "", "state": if state.merged { "MERGED" } else { "OPEN" },
                "url": "", "headRefOid": state.commit, "headRefName": "work", "baseRefName": "main",
                "author": { "login": state.author }, "labels": { "nodes": [] } });
            json!({ "data": { "repository": { "c0": { "associatedPullRequests": { "nodes": [pull] } } } } })
        }
        (Kind::GitHub, "pulls/7/reviews") => {
            let review = |person: &&str| {
                json!({ "user": { "login": person, "type": "User" }, "state": "APPROVED",
                "submitted_at": WHEN, "commit_id": state.commit, "author_association": "MEMBER" })
            };
            state.approved.iter().map(review).collect()
        }
        (Kind::GitHub, "issues/7/comments") => {
            let comment = |(person, text, changed): &(&str, String, bool)| {
                json!({ "user": { "login": person },
                "body": text, "created_at": WHEN, "updated_at": later(*changed) })
            };
            state.remarks.iter().map(comment).collect()
        }
        (Kind::GitHub, "/orgs/org/teams/release/members") => {
            state.members.iter().map(|m| json!({ "login": m, "type": "User" })).collect()
        }
        (Kind::GitLab, _) if !first => json!([]),
        (Kind::GitLab, _) if what.ends_with("/merge_requests") && state.merged => {
            json!([{ "id": 1, "iid": 7, "title": "t", "description": "", "state": "merged",
            "source_branch": "work", "target_branch": "main", "sha": state.commit, "merge_commit_sha": state.commit,
            "author": { "id": 1, "username": state.author }, "labels": [], "reviewers": [], "web_url": "" }])
        }
        (Kind::GitLab, _) if what.ends_with("/merge_requests") => json!([]),
        (Kind::GitLab, "merge_requests/7/approvals") => {
            let by = |person: &&str| json!({ "user": { "username": person, "name": person }, "approved_at": WHEN });
            json!({ "approved_by": state.approved.iter().map(by).collect::<Vec<_>>() })
        }
        (Kind::GitLab, "merge_requests/7/versions") => {
            json!([{ "head_commit_sha": state.commit, "created_at": "2026-02-03T02:00:00Z" }])
        }
        (Kind::GitLab, "merge_requests/7/notes") => {
            let note = |(person, text, changed): &(&str, String, bool)| {
                json!({ "author": { "username": person },
                "body": text, "created_at": WHEN, "updated_at": later(*changed), "system": false })
            };
            state.remarks.iter().map(note).collect()
        }
        (Kind::GitLab, "/groups/org/release/members/all") => {
            let member = |name: &&str| json!({ "username": name, "state": "active", "access_level": 30 });
            let guest = json!({ "username": "guest", "state": "active", "access_level": 10 });
            state.members.iter().map(member).chain([guest]).collect()
        }
        _ => return None,
    };
    Some(Reply::json(200, &body))
}

#[test]
fn approvals_are_bound_to_commit_plan_and_team() {
    for kind in BOTH {
        let state: Arc<Mutex<Said>> = Arc::default();
        let known = state.clone();
        let forge = Forge::new(kind, move |what, _, ask| {
            said(kind, what, ask, &known.lock().unwrap()).unwrap_or_else(|| refuse(404))
        });
        let checks = "    - name: reviews\n      approvals: {plan: true, count: 2, of: ['@org/release', bob]}\n    - name: senior\n      \
                      approvals: {senior: {of: ['@org/nobody']}}";
        let world = forge.world(checks, &[]);
        let commit = world.git(&["rev-parse", "HEAD"]).trim().to_owned();
        let text = |who: &'static str, plan: &str| (who, format!("Approved plan: `{plan}`"), false);
        let base = Said {
            commit: commit.clone(),
            merged: true,
            author: "carol",
            approved: vec!["ann", "bob"],
            remarks: Vec::new(),
            members: vec!["ann", "carol"],
        };
        let ask = |now: Said, more: &str| {
            *state.lock().unwrap() = now;
            gate(&world, &format!("--only reviews {more}")).0
        };
        let expect = |ran: &Ran, code: i32, part: &str| {
            assert_eq!(ran.code, Some(code), "{kind:?}: {}", ran.text());
            assert!(ran.text().contains(part), "{kind:?}: no `{part}` in {}", ran.text());
        };
        expect(&ask(base.clone(), ""), 4, "give it with `--for PLAN`");
        let make = |name: &str, more: &str| {
            let ran = world.steps(&format!("changelog {more} --dry-run --plan {name}"));
            assert_eq!(ran.code, Some(0), "{}", ran.text());
        };
        make("one.json", "");
        make("two.json", "--full");
        let ran = ask(base.clone(), "--for one.json");
        expect(&ran, 4, "ann named no plan");
        let digest =
            ran.text().split("to comment `plan ").nth(1).unwrap().split('`').next().unwrap().to_owned();
        let both = Said { remarks: vec![text("ann", &digest), text("bob", &digest)], ..base.clone() };
        expect(&ask(both.clone(), "--for one.json"), 0, "approved by ann, bob");
        // Another plan, one that was changed since, or somebody else's word for it.
        expect(&ask(both.clone(), "--for two.json"), 4, &format!("ann approved another plan, {digest}"));
        let mut changed = both.clone();
        changed.remarks[0].2 = true;
        expect(&ask(changed, "--for one.json"), 4, "ann named no plan");
        let other = Said { remarks: vec![text("carol", &digest), text("bob", &digest)], ..base.clone() };
        expect(&ask(other, "--for one.json"), 4, "ann named no plan");
        // Who is not in the team, the author, and one who only may look.
        let gone = Said { members: vec!["carol"], ..both.clone() };
        expect(&ask(gone, "--for one.json"), 4, "ann is not asked");
        let own = Said { author: "ann", ..both.clone() };
        expect(&ask(own, "--for one.json"), 4, "ann is the author");
        if kind == Kind::GitLab {
            let guest = Said {
                approved: vec!["guest", "bob"],
                remarks: vec![text("guest", &digest), text("bob", &digest)],
                ..base.clone()
            };
            expect(&ask(guest, "--for one.json"), 4, "guest is not asked");
        }
        // A team that cannot be read is unknown.
        *state.lock().unwrap() = both;
        let (ran, _) = gate(&world, "--only senior");
        expect(&ran, 4, "there is no @org/nobody, or this token may not see who is in it");
    }
}

/// A merge is also by those whose commits it brings; where a shallow clone does not show them, nobody can say.
#[test]
fn whoever_wrote_what_is_merged_does_not_approve_it() {
    let state: Arc<Mutex<Said>> = Arc::default();
    let known = state.clone();
    let forge = Forge::new(Kind::GitHub, move |what, _, ask| {
        said(Kind::GitHub, what, ask, &known.lock().unwrap()).unwrap_or_else(|| refuse(404))
    });
    let world = forge.world("    - approvals: {}", &[]);
    let made = world.bash(
        "git switch -qc work\nexport GIT_AUTHOR_NAME=Eve GIT_AUTHOR_EMAIL=1+eve@users.noreply.github.com\n\
         commit \"feat: second\n\nCo-authored-by: Dan <2+dan@users.noreply.github.com>\" a\nexport GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.org\n\
         git switch -q main\ngit merge -q --no-ff -m 'Merge work' work",
    );
    assert_eq!(made.code, Some(0), "{}", made.text());
    let commit = world.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let now = |approved| Said {
        commit: commit.clone(),
        merged: true,
        author: "carol",
        approved,
        ..Said::default()
    };
    for (who, code, part) in
        [("eve", 4, "eve is the author"), ("dan", 4, "dan is the author"), ("ann", 0, "approved by ann")]
    {
        *state.lock().unwrap() = now(vec![who]);
        let (ran, _) = gate(&world, "");
        assert!(ran.code == Some(code) && ran.text().contains(part), "{who}: {}", ran.text());
    }
    let cut =
        world.bash("cd .. && git clone -q --depth 1 file://$PWD/repo cut && cp repo/release-steps.yml cut/");
    assert_eq!(cut.code, Some(0), "{}", cut.text());
    let (ran, _) = gate(&world, "-C ../cut");
    assert!(ran.code == Some(4) && ran.text().contains("too shallow to tell who wrote"), "{}", ran.text());
    // A commit on the way to what was approved is not what was approved.
    *state.lock().unwrap() = now(vec!["ann"]);
    let back = world.bash("git switch -q --detach HEAD~1");
    assert_eq!(back.code, Some(0), "{}", back.text());
    let (ran, _) = gate(&world, "");
    assert!(ran.code == Some(4) && ran.text().contains("ann approved"), "{}", ran.text());
}

/// Credentials go to their server alone and come out nowhere, whatever the server sends back.
#[test]
fn credentials_of_health_and_metrics_stay_with_their_server() {
    const SECRET: &str = "pa55word-pa55word";
    let strangers: Arc<Mutex<Vec<Ask>>> = Arc::default();
    let seen = strangers.clone();
    let elsewhere = serve(move |ask| {
        seen.lock().unwrap().push(ask);
        Reply::json(
            200,
            &json!({ "status": "success", "data": { "resultType": "scalar", "result": [1, "0"] } }),
        )
    });
    let to = elsewhere.clone();
    let server = serve(move |ask| {
        let given = |name: &str| ask.headers.get(name).cloned().unwrap_or_default();
        let known = given("authorization") == format!("Bearer {SECRET}")
            || (given("x-api-key") == SECRET && given("x-scope-orgid") == "team");
        // A server that tells all it was told.
        let echo = format!("{:?}", ask.headers);
        match ask.path.as_str() {
            _ if !known => Reply { status: 401, body: echo.into_bytes(), ..Reply::default() },
            "/echo" => Reply { status: 200, body: echo.into_bytes(), ..Reply::default() },
            "/away" | "/away/api/v1/query" => {
                Reply { status: 302, ..Reply::default() }.header("location", &to)
            }
            "/api/v1/query" => Reply::json(
                200,
                &json!({ "status": "success",
                "data": { "resultType": "vector", "result": [{ "metric": { "leak": echo }, "value": [1, "0.5"] }] } }),
            ),
            _ => Reply { status: 404, ..Reply::default() },
        }
    });
    let run = |check: &str, env: &[(&str, &str)]| {
        let config = format!("gates:\n  production:\n    - {}\n", check.replace("URL", &server));
        let env = env.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let world = World::made_by("npm demo 1.2.3\ncommit \"feat: first\"\n", env, |repo| {
            std::fs::write(repo.join("release-steps.yml"), config).unwrap();
        });
        let ran = world.steps("gate production --explain --evidence gate.json");
        let text = format!("{}\n{}", ran.text(), world.read("repo/gate.json").unwrap_or_default());
        assert!(!text.contains("pa55word"), "{text}");
        (ran.code.unwrap(), text)
    };
    let has = [("PROM_AUTH", SECRET)];
    let headers = "headers: {X-Scope-OrgID: team, X-Api-Key: {env: PROM_AUTH}}";
    for (check, env, code, part) in [
        ("health: {url: 'URL/echo', token_env: PROM_AUTH}".to_owned(), &has[..], 0, "Bearer ***"),
        (format!("health: {{url: 'URL/echo', {headers}}}"), &has, 0, "answers 200"),
        ("health: {url: 'URL/echo'}".to_owned(), &has, 1, "it answers 401"),
        (
            "health: {url: 'URL/echo', token_env: PROM_AUTH}".to_owned(),
            &[],
            4,
            "the variable PROM_AUTH is not set",
        ),
        (
            "health: {url: 'URL/echo', token_env: PROM_AUTH}".to_owned(),
            &[("PROM_AUTH", "pa55word\u{1}")],
            4,
            "value of header",
        ),
        ("health: {url: 'URL/away', token_env: PROM_AUTH}".to_owned(), &has, 1, "it answers 302"),
        (
            "prometheus: {url: 'URL', query: up, at_most: 1, token_env: PROM_AUTH}".to_owned(),
            &has,
            0,
            "`up` is 0.5",
        ),
        (
            format!("prometheus: {{url: 'URL/', query: up, at_most: 0.1, {headers}}}"),
            &has,
            1,
            "`up` is 0.5, at most",
        ),
        ("prometheus: {url: 'URL', query: up, at_most: 1}".to_owned(), &has, 4, "answers 401"),
        (
            "prometheus: {url: 'URL/away', query: up, at_most: 1, token_env: PROM_AUTH}".to_owned(),
            &has,
            4,
            "answers 302",
        ),
    ] {
        let (ended, text) = run(&check, env);
        assert_eq!(ended, code, "{check}: {text}");
        assert!(text.contains(part), "{check}: no `{part}` in {text}");
    }
    assert!(strangers.lock().unwrap().is_empty(), "nothing was sent on");
}
