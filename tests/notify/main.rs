//! `notify` and `timeline` against Slack's emulator, a real SMTP server, and stand-ins of the other services.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod desk;
#[path = "../forge/server.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod server;
mod smtp;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};

use desk::{Desk, Fault, SLACK_TOKEN};
use support::{Ran, World};

const STARTED: &str = "notify started --release 1.3.0 --env production --set previous=1.2.3";
const DONE: &str = "notify done --release 1.3.0 --env production --text 'All *42* checks passed <!channel>'";

fn world(config: &str, env: &[(&str, &str)]) -> World {
    let env: BTreeMap<String, String> = env.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    World::made_by("commit 'feat: one'", env, |repo| {
        std::fs::write(repo.join("release-steps.yml"), config).unwrap();
    })
}

fn slack(desk: &Desk) -> World {
    let config = format!(
        "notify:\n  name: shop\n  channels:\n    team: {{slack: {{channel: {}, api: '{}/api'}}}}\n",
        desk.channel, desk.url
    );
    world(&config, &[("SLACK_BOT_TOKEN", SLACK_TOKEN)])
}

fn ok(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{}", ran.text());
}

/// One message about the release, edited; each event once in its thread.
fn is_once(desk: &Desk) {
    let told = desk.told();
    assert_eq!(told.len(), 1, "{told:?}");
    let (text, thread) = &told[0];
    assert_eq!(text, "shop 1.3.0 is live in production");
    assert_eq!(thread.len(), 2, "{told:?}");
    assert_eq!(thread[0], "From 1.2.3.");
    assert!(thread[1].contains("All *42* checks passed &lt;!channel&gt;"), "{told:?}");
}

#[test]
fn slack_keeps_one_message_a_release() {
    let Some(desk) = Desk::with_slack() else { return };
    let world = slack(&desk);
    let before = world.everything();
    let dry = world.steps(&format!("{STARTED} --dry-run"));
    ok(&dry);
    assert!(dry.stdout.contains("shop 1.3.0: deployment to production started"), "{}", dry.text());
    assert_eq!((world.everything(), desk.told().len()), (before, 0), "a dry run tells nobody");
    ok(&world.steps(STARTED));
    assert_eq!(desk.told().len(), 1);
    ok(&world.steps(DONE));
    is_once(&desk);
    let again = world.steps(DONE);
    ok(&again);
    assert!(again.stdout.contains("told already"), "{}", again.text());
    is_once(&desk);
    // Somebody deletes the message: the next one starts anew.
    let history = desk.slack("conversations.history", &json!({ "channel": desk.channel }));
    let ts = history["messages"][0]["ts"].clone();
    assert_eq!(desk.slack("chat.delete", &json!({ "channel": desk.channel, "ts": ts }))["ok"], true);
    ok(&world.steps("notify report --release 1.3.0 --env production --text 'No error'"));
    let told = desk.told();
    assert!(
        told.iter().any(|(text, thread)| text.contains("how it went")
            && thread.len() == 1
            && thread[0].starts_with("No error\n\n- ")
            && thread[0].contains("UTC: started\n")
            && thread[0].ends_with("UTC: done")),
        "{told:?}"
    );
}

/// Where it is remembered what was sent.
const STORES: [&str; 2] = ["", "record: {ref: true}\n"];

fn rewrite(world: &World, change: impl FnOnce(String) -> String) {
    let file = world.repo().join("release-steps.yml");
    std::fs::write(&file, change(std::fs::read_to_string(&file).unwrap())).unwrap();
}

#[test]
fn killed_at_each_change_nothing_is_said_twice() {
    let Some(desk) = Desk::with_slack() else { return };
    for (store, more) in STORES.iter().enumerate() {
        let mut kills = 0;
        for at in 1.. {
            let world = slack(&desk);
            ok(&world.bash("origin"));
            rewrite(&world, |config| format!("{config}  budget: 700ms\n{more}"));
            let about = format!("1.{store}.{at}");
            let started = format!("notify started --release {about} --set previous=1.2.3");
            let killed = world.steps_with(&started, &[("RELEASE_STEPS_CRASH_AT", &at.to_string())]);
            if killed.code == Some(0) {
                break;
            }
            kills += 1;
            // Half of the time by resuming, half by a fresh run.
            if at % 2 == 0 {
                ok(&world.steps("resume"));
            }
            ok(&world.steps(&started));
            let told = desk.told();
            let of_it: Vec<_> = told.iter().filter(|(text, _)| text.contains(&format!("{about}:"))).collect();
            assert_eq!(of_it.len(), 1, "killed at {at}: {told:?}");
            assert_eq!(of_it[0].1, ["From 1.2.3."], "killed at {at}: {told:?}");
        }
        assert!(kills >= 6, "only {kills} kills: is anything killed at all?");
    }
}

/// The message was deleted, the one in its place may have been posted: it is found, not posted again.
#[test]
fn killed_at_each_change_a_deleted_message_is_replaced_once() {
    let Some(desk) = Desk::with_slack() else { return };
    let mut kills = 0;
    for at in 1.. {
        let world = slack(&desk);
        rewrite(&world, |config| format!("{config}  budget: 500ms\n"));
        ok(&world.steps(&format!("notify started --release 1.0.{at}")));
        let history = desk.slack("conversations.history", &json!({ "channel": desk.channel }));
        let ts = history["messages"][0]["ts"].clone();
        assert_eq!(desk.slack("chat.delete", &json!({ "channel": desk.channel, "ts": ts }))["ok"], true);
        let done = format!("notify done --release 1.0.{at}");
        let killed = world.steps_with(&done, &[("RELEASE_STEPS_CRASH_AT", &at.to_string())]);
        ok(&world.steps(&done));
        let told = desk.told();
        let of_it = told.iter().filter(|(text, _)| text.contains(&format!("1.0.{at} is live"))).count();
        assert_eq!(of_it, 1, "killed at {at}: {told:?}");
        if killed.code == Some(0) {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 4, "only {kills} kills: is anything killed at all?");
}

/// The services that cannot be asked: where a kill leaves it open whether a message arrived, it is not sent again, and that
/// is said.
#[test]
fn killed_at_each_change_no_service_is_told_twice() {
    for (channel, path) in [("chat", "/teams"), ("game", "/discord"), ("own", "/hook"), ("pager", "/v2/")] {
        let (mut kills, mut told) = (0, 0);
        for at in 1.. {
            let desk = Desk::new();
            let world = hooks(&desk);
            rewrite(&world, |config| format!("{config}  budget: 300ms\n"));
            let line = format!("notify done --release 1.3.{at} --to {channel}");
            if world.steps_with(&line, &[("RELEASE_STEPS_CRASH_AT", &at.to_string())]).code == Some(0) {
                break;
            }
            kills += 1;
            let again = world.steps(if at % 2 == 0 { "resume" } else { &line });
            ok(&again);
            let asked = desk.asked(path);
            let ids: std::collections::BTreeSet<_> =
                asked.iter().map(|ask| ask.headers.get("webhook-id")).collect();
            let times = if channel == "own" { ids.len() } else { asked.len() };
            assert!(times <= 1, "{channel} killed at {at}: {asked:?}");
            assert!(times == 1 || again.stderr.contains("may have been sent"), "{}", again.text());
            told += times;
        }
        assert!(kills >= 2 && told >= 1, "{channel}: {kills} kills, {told} told");
    }
}

/// Whichever message of a maintenance is cut off, and whether its job is run again or never: it was opened once at most, and
/// is closed in the end.
#[test]
fn killed_at_each_change_a_maintenance_is_opened_once_and_closed() {
    let lines =
        ["maintenance --at 2026-02-05T09:00:00Z", "maintenance --at 2026-02-06T09:00:00Z", "started", "done"];
    let desk = Desk::new();
    let world = hooks(&desk);
    rewrite(&world, |config| format!("{config}  budget: 300ms\n"));
    let (mut kills, mut cut_after_opening) = (0, 0);
    for (cut, again) in (0..lines.len()).flat_map(|cut| [(cut, true), (cut, false)]) {
        for at in 1.. {
            let release = format!("{cut}.{at}.{}", u8::from(again));
            let mut killed = false;
            for (n, line) in lines.iter().enumerate() {
                let line = format!("notify {line} --release {release} --to page");
                if n == cut {
                    let ran = world.steps_with(&line, &[("RELEASE_STEPS_CRASH_AT", &at.to_string())]);
                    killed = ran.code != Some(0);
                    if killed && !again && n + 1 < lines.len() {
                        // Not even `resume` is run: the next job comes along.
                        ok(&world.bash("rm -f .git/release-steps/lock .git/release-steps/runs/*"));
                        continue;
                    }
                }
                ok(&world.steps(&line));
            }
            let about = json!(format!("shop {release}"));
            let of_it: Vec<_> = desk
                .kept()
                .into_iter()
                .filter(|it| it["metadata"]["release_steps"]["about"] == about)
                .collect();
            let opened = if again || cut > 0 { 1..=1 } else { 0..=1 };
            assert!(opened.contains(&of_it.len()), "{release}, killed in {}: {of_it:?}", lines[cut]);
            assert!(of_it.iter().all(|it| it["status"] == "completed"), "{release}: {of_it:?}");
            kills += usize::from(killed);
            cut_after_opening += usize::from(killed && cut == 0 && !again && of_it.len() == 1);
            if !killed {
                break;
            }
        }
    }
    assert!(kills >= 20 && cut_after_opening >= 1, "{kills} kills, {cut_after_opening} after the opening");
}

#[test]
fn the_next_job_on_another_machine_goes_on() {
    let Some(desk) = Desk::with_slack() else { return };
    let world = slack(&desk);
    rewrite(&world, |config| format!("{config}record: {{ref: true}}\n"));
    ok(&world.bash("origin"));
    ok(&world.steps(STARTED));
    let next = |name: &str, line: &str| {
        ok(&world.bash(&format!("command git clone -q \"$ROOT/origin.git\" \"$ROOT/{name}\"; cp release-steps.yml \"$ROOT/{name}/\"")));
        world.steps(&format!("{line} -C ../{name}"))
    };
    let again = next("two", STARTED);
    ok(&again);
    assert!(again.stdout.contains("told already"), "{}", again.text());
    ok(&next("three", DONE));
    is_once(&desk);
}

#[test]
fn of_two_jobs_at_once_one_sends() {
    for release in ["1.0.0", "1.0.1", "1.0.2"] {
        let desk = Desk::new();
        let world = hooks(&desk);
        rewrite(&world, |config| format!("{config}  budget: 2s\nrecord: {{ref: true}}\n"));
        ok(&world.bash("origin; command git clone -q \"$ROOT/origin.git\" \"$ROOT/two\"; cp release-steps.yml \"$ROOT/two/\""));
        std::thread::scope(|scope| {
            for dir in [".", "../two"] {
                let world = &world;
                scope.spawn(move || {
                    let line = format!("notify done --release {release} --to chat -C {dir}");
                    let ran = world.steps(&line);
                    assert_eq!(ran.code, Some(0), "{}", ran.text());
                });
            }
        });
        assert_eq!(desk.asked("/teams").len(), 1, "{release}");
    }
}

#[test]
fn slack_answers_badly() {
    let Some(desk) = Desk::with_slack() else { return };
    for fault in
        [Fault::TooMany(1), Fault::ActedThenCut, Fault::ActedThen502, Fault::Status(503), Fault::Silent]
    {
        for path in ["/api/chat.postMessage", "/api/chat.update"] {
            let world = slack(&desk);
            let release = format!("{fault:?}{path}").replace(|c: char| !c.is_ascii_alphanumeric(), "");
            let started = format!("notify started --release {release} --set previous=1.2.3");
            let done = format!("notify done --release {release} --text good");
            if path.ends_with("update") {
                ok(&world.steps(&started));
            }
            desk.break_next(path, fault);
            // Whatever happens to the message, the release goes on.
            ok(&world.steps(&started));
            ok(&world.steps(&done));
            ok(&world.steps(&done));
            let told = desk.told();
            let of_it: Vec<_> = told.iter().filter(|(text, _)| text.contains(&release)).collect();
            assert_eq!(of_it.len(), 1, "{fault:?} at {path}: {told:?}");
            let mut thread = of_it[0].1.clone();
            thread.dedup();
            assert_eq!(thread, of_it[0].1, "{fault:?} at {path}");
            assert!(
                of_it[0].0.contains("is live") && thread.iter().any(|t| t == "good"),
                "{fault:?} at {path}: {told:?}"
            );
        }
    }
}

const HOOKS: &str = "notify:
  name: shop
  window: 90m
  channels:
    chat: {teams: {url_env: TEAMS_WEBHOOK_URL}}
    game: {discord: {url_env: DISCORD_WEBHOOK_URL}}
    own: {webhook: {url_env: OWN_WEBHOOK_URL, secret_env: OWN_SECRET}}
    pager: {pagerduty: {api: 'DESK'}}
    page: {statuspage: {page: PAGE, components: [web], api: 'DESK'}}
";
const PLANTED: [&str; 6] = [
    "planted-in-teams-0123456789",
    "planted-in-discord-0123456789",
    "planted-in-hook-0123456789",
    "R0123456789PLANTED0123456789ABCD",
    "statuspage-planted-key",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
];

fn hooks(desk: &Desk) -> World {
    let url = |path: &str| format!("{}/{path}", desk.url);
    world(
        &HOOKS.replace("DESK", &desk.url),
        &[
            ("TEAMS_WEBHOOK_URL", &url(&format!("teams/{}", PLANTED[0]))),
            ("DISCORD_WEBHOOK_URL", &url(&format!("discord/1/{}", PLANTED[1]))),
            ("OWN_WEBHOOK_URL", &url(&format!("hook/{}", PLANTED[2]))),
            ("OWN_SECRET", PLANTED[5]),
            ("PAGERDUTY_ROUTING_KEY", PLANTED[3]),
            ("STATUSPAGE_API_KEY", PLANTED[4]),
        ],
    )
}

#[test]
fn every_service_gets_what_it_documents() {
    let desk = Desk::new();
    let world = hooks(&desk);
    ok(&world.steps("notify maintenance --release 1.3.0 --at 2026-02-05T09:00:00Z"));
    let incident = &desk.kept().into_iter().find(|kept| kept["status"] == "scheduled").unwrap();
    assert_eq!(incident["scheduled_for"], "2026-02-05T09:00:00Z");
    assert_eq!(incident["scheduled_until"], "2026-02-05T10:30:00Z");
    assert_eq!(desk.asked("/v2/").len(), 0, "a plan wakes nobody");
    ok(&world.steps("notify started --release 1.3.0"));
    ok(&world.steps("notify failed --release 1.3.0 --text 'p99 is too high'"));
    ok(&world.steps("notify done --release 1.3.0"));
    let kept = desk.kept();
    assert_eq!(kept.len(), 2, "one message at Discord, one maintenance: {kept:?}");
    assert!(kept.iter().any(|incident| incident["status"] == "completed"), "{kept:?}");
    assert!(kept.iter().any(|m| m["embeds"][0]["title"] == "shop 1.3.0 is live"), "{kept:?}");
    let paged = desk.asked("/v2/");
    let [alert, change] = &paged[..] else { panic!("{paged:?}") };
    assert_eq!((alert.path.as_str(), change.path.as_str()), ("/v2/enqueue", "/v2/change/enqueue"));
    assert_eq!(alert.json()["event_action"], "trigger");
    assert!(change.json()["payload"]["timestamp"].is_string());
    for ask in desk.asked("/hook") {
        let header = |name: &str| ask.headers[name].clone();
        let key = base64::engine::general_purpose::STANDARD.decode(&PLANTED[5]["whsec_".len()..]).unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        let body = String::from_utf8(ask.body.clone()).unwrap();
        mac.update(format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp")).as_bytes());
        let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(header("webhook-signature"), format!("v1,{signature}"));
    }
    let cards = desk.asked("/teams");
    assert_eq!(cards.len(), 4);
    assert!(cards.iter().all(|ask| ask.json()["attachments"][0]["content"]["type"] == "AdaptiveCard"));
}

/// The deployment fails, and so does the way back: a person is woken, the maintenance is closed; and once it was put back
/// after all, that is told.
#[test]
fn what_failed_and_was_not_put_back_is_told() {
    let desk = Desk::new();
    let world = hooks(&desk);
    let deploy = "deploy: {production: {command: {deploy: 'test $VERSION = 1.0.0 || test ! -e broken', rollback: 'test ! -e broken', verify: 'test ! -e bad'}}}\n";
    rewrite(&world, |config| format!("{config}{deploy}record: {{ref: true}}\n"));
    ok(&world.bash("git add release-steps.yml; commit 'feat: two'; tag v1.0.0; origin"));
    let types = || -> Vec<String> {
        let asked = desk.asked("/hook");
        asked.iter().map(|ask| ask.json()["type"].as_str().unwrap_or_default().to_owned()).collect()
    };
    ok(&world.steps("deploy production --yes"));
    assert_eq!(types(), ["release.started", "release.done"]);
    ok(&world.bash("git commit -q --allow-empty -m 'feat: three'; tag v1.1.0; touch bad broken"));
    ok(&world.steps("notify maintenance --release 1.1.0 --env production --at 2026-02-03T09:00:00Z"));
    desk.asked("/");
    let dry = world.steps("deploy production --dry-run");
    assert!(dry.stdout.contains("If 1.1.0 in production is not put back either:"), "{}", dry.text());
    // It never got through, and there is nothing to put it back with.
    let ran = world.steps("deploy production --yes");
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    assert_eq!(types(), ["release.started", "release.failed"]);
    assert_eq!(desk.asked("/v2/enqueue").len(), 1);
    let incident = desk.kept().into_iter().find(|it| it["scheduled_for"].is_string()).unwrap();
    assert_eq!(incident["status"], "completed");
    // Once more it is not told; once it is back, that is.
    assert_eq!(world.steps("resume").code, Some(3));
    assert_eq!(types(), [""; 0]);
    ok(&world.bash("rm broken bad"));
    assert_eq!(world.steps("resume").code, Some(1));
    assert_eq!(types(), ["release.rollback"]);
}

#[test]
fn a_chain_tells_of_what_it_released() {
    let desk = Desk::new();
    let world = hooks(&desk);
    rewrite(&world, |config| format!("{config}run: {{ship: [release, {{notify: done}}]}}\n"));
    ok(&world.bash("git add release-steps.yml; commit 'feat: two'; origin"));
    let dry = world.steps("run ship --dry-run");
    ok(&dry);
    assert!(dry.stdout.contains("shop 0.1.0 is live"), "{}", dry.text());
    assert_eq!(desk.asked("/").len(), 0);
    for told in [1, 0] {
        ok(&world.steps("run ship"));
        assert_eq!(desk.asked("/teams").len(), told);
    }
}

#[test]
fn what_may_have_arrived_is_not_sent_again() {
    for path in ["/teams", "/discord", "/hook", "/v2/"] {
        let desk = Desk::new();
        let world = hooks(&desk);
        desk.break_next(path, Fault::ActedThenCut);
        let done = "notify done --release 1.3.0";
        let first = world.steps(done);
        ok(&first);
        ok(&world.steps(done));
        let asked = desk.asked(path);
        let ids: std::collections::BTreeSet<_> =
            asked.iter().map(|ask| ask.headers.get("webhook-id")).collect();
        match path {
            // The receiver knows it again by its id.
            "/hook" => assert_eq!((asked.len(), ids.len()), (2, 1)),
            _ => {
                assert_eq!(asked.len(), 1, "{path}: {}", first.text());
                assert!(first.stderr.contains("may have been sent"), "{}", first.text());
            }
        }
    }
}

#[test]
fn a_channel_that_is_required_stops_and_others_do_not() {
    let desk = Desk::new();
    let world = hooks(&desk);
    let text = HOOKS.replace("DESK", &desk.url);
    for (required, code) in [("", 0), ("  required: [own]\n", 3)] {
        std::fs::write(world.repo().join("release-steps.yml"), format!("{text}{required}")).unwrap();
        desk.break_next("/hook", Fault::Status(400));
        let ran = world.steps(&format!("notify done --release 2.{code}.0"));
        assert_eq!(ran.code, Some(code), "{}", ran.text());
        // What came after is sent by the next run.
        ok(&world.steps(&format!("notify done --release 2.{code}.0")));
    }
    let missing = world.steps_with("notify done --release 3.0.0", &[("OWN_WEBHOOK_URL", "")]);
    assert_eq!(missing.code, Some(2), "{}", missing.text());
    let unknown = world.steps("notify done --release 3.0.0 --to nobody");
    assert_eq!(unknown.code, Some(2), "{}", unknown.text());
    assert!(unknown.stderr.contains("chat, game, own, page, pager"), "{}", unknown.text());
}

#[test]
fn a_service_that_is_slow_costs_the_budget_and_no_more() {
    let desk = Desk::new();
    let world = hooks(&desk);
    let config = HOOKS.replace("DESK", &desk.url) + "  budget: 700ms\n";
    std::fs::write(world.repo().join("release-steps.yml"), config).unwrap();
    for (n, fault) in [Fault::Silent, Fault::TooMany(30)].into_iter().enumerate() {
        desk.break_next("/teams", fault);
        let started = std::time::Instant::now();
        let ran = world.steps(&format!("notify done --release 1.0.{n} --to chat"));
        ok(&ran);
        assert!(started.elapsed().as_millis() < 2_500, "{fault:?} took {:?}", started.elapsed());
        assert!(ran.stdout.contains("1 message not sent"), "{}", ran.text());
    }
}

/// A secret as it is, in base64, and encoded for an address.
fn forms(secret: &str) -> [String; 3] {
    let encoded = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    [secret.to_owned(), base64::engine::general_purpose::STANDARD.encode(secret), encoded]
}

#[test]
fn no_output_shows_a_secret_that_any_input_holds() {
    const TOKEN: &str = "ghp_pl4nted+token/0123456789";
    let desk = Desk::new();
    let mut world = hooks(&desk);
    let secrets: Vec<&str> = PLANTED.into_iter().chain([TOKEN]).collect();
    let all: Vec<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    world.env.insert("DEPLOY_TOKEN".to_owned(), TOKEN.to_owned());
    world.env.insert("GITHUB_ACTIONS".to_owned(), "true".to_owned());
    for (name, file) in [("GITHUB_OUTPUT", "outputs"), ("GITHUB_STEP_SUMMARY", "summary")] {
        world.env.insert(name.to_owned(), world.root().join(file).to_string_lossy().into_owned());
    }
    // In a log that somebody hands over, in a value, in a template.
    world.env.insert("LOG".to_owned(), format!("line one\n{}", all.join("\n")));
    std::fs::write(world.repo().join("done.j2"), format!("{{{{ name }}}} done\n{{{{ text }}}} {TOKEN}\n"))
        .unwrap();
    rewrite(&world, |config| {
        format!("{config}  templates: {{done: done.j2}}\n  budget: 2s\nrecord: {{ref: true}}\n")
    });
    let mut outputs = Vec::new();
    let mut faults = 0;
    for (n, path) in ["/teams", "/discord", "/hook", "/v2/", "/v1/"].iter().enumerate() {
        let event = if *path == "/v1/" { "maintenance --at 2026-02-05T09:00:00Z" } else { "done" };
        for (m, more) in ["--dry-run", "--dry-run --json --plan plan.json", "-v", "--json"].iter().enumerate()
        {
            // The service repeats what it was asked, with the address and all headers.
            if m >= 2 {
                desk.break_next(path, Fault::Status(400));
                faults += 1;
            }
            let values = "--text \"$LOG\" --set notes=\"$LOG\" --set url=\"https://x:$DEPLOY_TOKEN@h/\"";
            let ran = world.steps(&format!("notify {event} --release 1.{n}.{m} {values} {more}"));
            ok(&ran);
            outputs.push(ran.text());
        }
    }
    assert_eq!(outputs.iter().filter(|o| o.contains("400 Bad Request")).count(), faults, "{outputs:#?}");
    outputs.extend(["repo/plan.json", "summary", "outputs"].map(|file| world.read(file).expect(file)));
    let kept = world.bash("cat .git/release-steps/runs/*; command git log -p refs/release-steps/record");
    ok(&kept);
    outputs.push(kept.stdout);
    // What people get to read. The key of PagerDuty stands in its body, as documented.
    let told = desk.asked("/");
    assert!(told.len() >= 10, "{told:?}");
    outputs.extend(told.iter().map(|ask| {
        let text = String::from_utf8_lossy(&ask.body).into_owned();
        let key = format!("\"routing_key\":\"{}\"", PLANTED[3]);
        assert!(text.contains(&key) == ask.path.starts_with("/v2/"), "{text}");
        text.replace(&key, "")
    }));
    assert!(outputs.iter().any(|output| output.contains("line one") && output.contains("***")));
    for (secret, output) in all.iter().flat_map(|s| outputs.iter().map(move |o| (s, o))) {
        assert!(!output.contains(secret.trim_end_matches('=')), "{secret} in:\n{output}");
    }
}

#[test]
fn a_maintenance_is_opened_moved_and_always_closed() {
    let desk = Desk::new();
    let world = hooks(&desk);
    let page = |line: &str| {
        let ran = world.steps(&format!("notify {line} --to page"));
        ok(&ran);
        ran
    };
    let nothing = page("started --release 1.0.0");
    assert!(nothing.stdout.contains("told of no maintenance"), "{}", nothing.text());
    for (n, end) in ["done", "failed", "rollback", "cancelled", "report"].iter().enumerate() {
        let release = format!("--release 2.{n}.0");
        page(&format!("maintenance {release} --at 2026-02-05T09:00:00Z"));
        page(&format!("maintenance {release} --at 2026-02-06T09:00:00Z"));
        let incident = || desk.kept()[n].clone();
        assert_eq!((desk.kept().len(), incident()["status"].clone()), (n + 1, json!("scheduled")));
        assert_eq!(incident()["scheduled_for"], "2026-02-06T09:00:00Z", "it was moved");
        assert_eq!(incident()["scheduled_auto_completed"], true, "also when every job dies");
        if *end != "cancelled" {
            page(&format!("started {release}"));
            assert_eq!(incident()["status"], "in_progress");
        }
        page(&format!("{end} {release}"));
        assert_eq!(incident()["status"], "completed", "{end}");
    }
}

#[test]
fn a_release_that_is_called_off_is_told_of_no_more() {
    let desk = Desk::new();
    let world = hooks(&desk);
    ok(&world.steps("notify cancelled --release 1.3.0 --to own"));
    desk.asked("/hook");
    let now: jiff::Timestamp = "2026-02-05T08:50:00Z".parse().unwrap();
    let line = "timeline --release 1.3.0 --at 2026-02-05T09:00:00Z --to own";
    let ran = world.steps_with(line, &[("SOURCE_DATE_EPOCH", &now.as_second().to_string())]);
    ok(&ran);
    assert!(ran.stdout.contains("called off"), "{}", ran.text());
    assert_eq!(desk.asked("/hook").len(), 0);
}

#[test]
fn a_second_failure_wakes_people_again() {
    let desk = Desk::new();
    let world = hooks(&desk);
    let long = "9".repeat(300);
    for (event, alerts) in [("failed", 1), ("failed", 0), ("done", 0), ("failed", 1)] {
        ok(&world.steps(&format!("notify {event} --release {long} --to pager")));
        assert_eq!(desk.asked("/v2/enqueue").len(), alerts, "{event}");
    }
}

#[test]
fn a_service_that_asks_to_wait_is_waited_for() {
    let desk = Desk::new();
    let world = hooks(&desk);
    desk.break_next("/teams", Fault::TooMany(2));
    let started = std::time::Instant::now();
    ok(&world.steps("notify done --release 1.0.0 --to chat"));
    assert!(started.elapsed() >= std::time::Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(desk.asked("/teams").len(), 2);
}

#[test]
fn mail_arrives() {
    let Some(server) = smtp::Server::start() else { return };
    let config = "notify:\n  name: shop\n  channels:\n    post: {email: {from: 'Shop <shop@example.org>', to: [ops@example.org, 'Ada <ada@example.org>']}}\n";
    let world = world(config, &[("SMTP_URL", &server.url())]);
    let line = "notify done --release 1.3.0 --text 'Grüße'";
    ok(&world.steps(line));
    ok(&world.steps(line));
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let mail = &mails[0];
    assert!(mail.contains("Subject: shop 1.3.0 is live"), "{mail}");
    assert!(mail.contains("ops@example.org") && mail.contains("Ada <ada@example.org>"), "{mail}");
    assert!(mail.contains("R3LDvMOfZQ"), "{mail}");
    // In the clear only to this machine.
    let far = world
        .steps_with("notify failed --release 1.3.0", &[("SMTP_URL", "smtp://mail.example.org?tls=none")]);
    ok(&far);
    assert!(far.stderr.contains("in the clear"), "{}", far.text());
    // Killed at any change, no mail is sent twice.
    rewrite(&world, |config| format!("{config}  budget: 1s\n"));
    for at in 1..=6 {
        let line = format!("notify done --release 2.0.{at}");
        let before = server.mails().len();
        world.steps_with(&line, &[("RELEASE_STEPS_CRASH_AT", &at.to_string())]);
        ok(&world.steps(&line));
        assert!(server.mails().len() <= before + 1, "killed at {at}");
    }
    drop(server);
    let gone = world.steps("notify rollback --release 1.3.0");
    ok(&gone);
    assert!(gone.stderr.contains("mail server"), "{}", gone.text());
}

#[test]
fn the_timeline_tells_each_thing_once() {
    let desk = Desk::new();
    let world = hooks(&desk);
    let at = |time: &str| {
        let now: jiff::Timestamp = time.parse().unwrap();
        let line = "timeline --release 1.3.0 --at 2026-02-05T09:00:00Z --to own --json";
        let ran = world.steps_with(line, &[("SOURCE_DATE_EPOCH", &now.as_second().to_string())]);
        ok(&ran);
        let types: Vec<Value> = desk.asked("/hook").iter().map(|ask| ask.json()["type"].clone()).collect();
        types
    };
    let expected: [(&str, &[&str]); 9] = [
        ("2026-02-01T09:00:00Z", &[]),
        ("2026-02-03T09:00:00Z", &["release.announcement"]),
        ("2026-02-03T10:00:00Z", &[]),
        ("2026-02-04T09:10:00Z", &["release.maintenance"]),
        ("2026-02-04T09:20:00Z", &[]),
        ("2026-02-05T08:50:00Z", &["release.reminder"]),
        ("2026-02-05T09:30:00Z", &[]),
        ("2026-02-05T10:30:00Z", &["release.report"]),
        ("2026-02-05T11:30:00Z", &[]),
    ];
    for (time, types) in expected {
        assert_eq!(at(time), types, "at {time}");
    }
}
