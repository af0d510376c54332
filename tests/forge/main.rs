//! One suite against both forges: the same effects, and the same neutral answers.
//!
//! GitHub is the stateful emulator `emulate` (npm), and every exchange is checked against GitHub's own description of its
//! API; GitLab is a stand-in of these tests. `.ci/tools.sh` installs the emulator.

mod actions;
mod commits;
mod desk;
mod doctor;
mod gitlab;
mod graphql;
mod immutable;
mod inputs;
mod openapi;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod tokens;
mod whole;
mod world;

use std::path::Path;

use release_steps::data::CommitId;
use release_steps::effect::{
    AssetContent, AssetFile, Comment, Dispatch, Effect, ForgeRelease, ForgeRequest, On, Rev, SetStatus,
};
use release_steps::error::{Error, Kind as ErrorKind};
use release_steps::world::State;
use release_steps::world::files::digest_of;
use release_steps::world::forge::{Commented, Kind, RunText, Status, StatusState, View};
use serde_json::Value;

use openapi::Description;
use server::{Ask, Reply};
use world::{FAULTS, Fault, World};

/// The commit of everything that is pushed to the stand-in.
const COMMIT: &str = "4e476dee14bb9ee4c20aebd51970efc827769e68";

fn worlds() -> Vec<World> {
    World::github().into_iter().chain([World::gitlab()]).collect()
}

fn asset(name: &str, text: &str) -> AssetFile {
    AssetFile {
        name: name.to_owned(),
        size: text.len() as u64,
        sha256: digest_of(text.as_bytes()),
        content: AssetContent::Text(text.to_owned()),
    }
}

fn release(world: &World, tag: &str) -> ForgeRelease {
    ForgeRelease {
        place: world.place(),
        tag: tag.to_owned(),
        name: tag.to_owned(),
        notes: "### Added\n\n- a thing: `ü`".to_owned(),
        prerelease: false,
        latest: Some(true),
        assets: vec![asset("a.txt", "one"), asset("b.txt", "two")],
        replace: false,
        record: true,
    }
}

fn request(world: &World, head: &str) -> ForgeRequest {
    ForgeRequest {
        place: world.place(),
        head: head.to_owned(),
        base: "main".to_owned(),
        title: "release 1.0.0".to_owned(),
        body: "The plan".to_owned(),
        labels: vec!["release".to_owned()],
        reviewers: vec!["anna".to_owned()],
        draft: false,
    }
}

/// What a new process would do with an effect: look, and act unless it is done. Says whether it acted.
fn run(world: &World, effect: &Effect, commit: Option<CommitId>) -> Result<bool, Error> {
    let writer = world.writer();
    match writer.observe(effect, commit)?.expect("it is about a forge") {
        State::Done(_) => Ok(false),
        State::Conflict(error) => Err(error),
        State::Ready => writer.act(effect, Path::new("/nowhere"), commit, &|_| {}).map(|()| true),
    }
}

fn view(world: &World) -> std::sync::Arc<dyn View> {
    world.forges().at(&world.place()).expect("there is a token")
}

/// Where the emulator answers otherwise than GitHub; nothing of it is read here.
const EMULATORS: [&str; 8] = [
    "requested_reviewers: no answer 200",
    "/description: null is no \"string\"",
    "status: answer: : url is missing",
    "status: answer: : repository is missing",
    "status: answer: : commit_url is missing",
    "/output: annotations_url is missing",
    ": network_count is missing",
    ": subscribers_count is missing",
];

fn check(world: &World, exchanges: &[(Ask, Reply)]) {
    if world.kind != Kind::GitHub {
        return;
    }
    // GraphQL has a description of its own.
    let (asked, rest): (Vec<_>, Vec<_>) =
        exchanges.iter().cloned().partition(|(ask, _)| ask.path.ends_with("/graphql"));
    let wrong: Vec<String> = asked.iter().flat_map(|(ask, reply)| graphql::check(ask, reply)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for description in Description::both() {
        let mut wrong = world.violations(&rest, &description);
        wrong.retain(|violation| EMULATORS.iter().all(|known| !violation.ends_with(known)));
        wrong.dedup();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn a_release_is_made_once_and_converges() {
    for world in worlds() {
        let kind = world.kind;
        for tag in ["v1.0.0", "release/v2.0.0-ü"] {
            let effect = Effect::ForgeRelease(release(&world, tag));
            let commit = COMMIT.parse().ok();
            let error = run(&world, &effect, commit).expect_err("there is no tag");
            assert!(error.message.contains("has no tag"), "{kind:?}: {error:?}");
            assert_eq!(view(&world).release(tag).unwrap(), None);
            world.push(&format!("tags/{tag}"));
            world.exchanges();
            assert!(run(&world, &effect, commit).unwrap(), "{kind:?}");
            let exchanges = world.exchanges();
            check(&world, &exchanges);
            // Look, tag, draft, two files a second look for other drafts, and their record, publish; GitLab looks at the release and at its package's files apart.
            assert!(exchanges.len() <= 8, "{kind:?}: {} calls", exchanges.len());
            let made = view(&world).release(tag).unwrap().expect("it is there");
            assert_eq!(
                (made.tag.as_str(), made.name.as_str(), made.draft, made.prerelease),
                (tag, tag, false, false)
            );
            assert_eq!(made.notes, "### Added\n\n- a thing: `ü`");
            let record = made.assets.iter().find(|a| a.name == "artifacts.json");
            let record = record.map(|record| view(&world).asset_text(record).unwrap());
            assert!(
                record.as_ref().is_some_and(|text| text.contains(COMMIT) && text.contains(tag)),
                "{record:?}"
            );
            let mut assets: Vec<_> =
                made.assets.iter().map(|a| (a.name.as_str(), a.size, a.complete, a.listed)).collect();
            assets.sort();
            assert_eq!(
                assets,
                [
                    ("a.txt", Some(3), true, true),
                    ("artifacts.json", record.map(|r| r.len() as u64), true, true),
                    ("b.txt", Some(3), true, true)
                ],
                "{kind:?}"
            );
            assert_eq!(
                made.assets.iter().find(|a| a.name == "a.txt").unwrap().sha256,
                Some(digest_of(b"one"))
            );
            assert!(!run(&world, &effect, commit).unwrap(), "{kind:?}: nothing is left to do");
        }
        let commit = COMMIT.parse().ok();
        // A changed file is an error, unless it is to be replaced; a new one is added.
        let mut changed = release(&world, "v1.0.0");
        changed.assets[0] = asset("a.txt", "other");
        let error = run(&world, &Effect::ForgeRelease(changed.clone()), commit).unwrap_err();
        assert_eq!(error.kind, ErrorKind::No);
        assert!(error.message.contains("a.txt") && error.hint.unwrap().contains("--replace"));
        changed.assets[0] = asset("a.txt", "one");
        changed.assets.push(asset("c.txt", "three"));
        assert!(run(&world, &Effect::ForgeRelease(changed.clone()), commit).unwrap());
        changed.assets[0] = asset("a.txt", "other");
        changed.replace = true;
        changed.notes = "new".to_owned();
        assert!(run(&world, &Effect::ForgeRelease(changed.clone()), commit).unwrap());
        assert!(!run(&world, &Effect::ForgeRelease(changed), commit).unwrap(), "{kind:?}");
        let made = view(&world).release("v1.0.0").unwrap().unwrap();
        assert_eq!((made.assets.len(), made.notes.as_str()), (4, "new"));
        check(&world, &world.exchanges());
    }
}

#[test]
fn two_runs_at_once_make_one_release() {
    for world in worlds() {
        for round in 0..8 {
            let tag = format!("v{round}.0.0");
            world.push(&format!("tags/{tag}"));
            let effect = Effect::ForgeRelease(release(&world, &tag));
            let both: Vec<Result<bool, Error>> = std::thread::scope(|scope| {
                let threads: Vec<_> =
                    (0..2).map(|_| scope.spawn(|| run(&world, &effect, COMMIT.parse().ok()))).collect();
                threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
            });
            assert!(both.iter().any(Result::is_ok), "{:?} {tag}: {both:?}", world.kind);
            for error in both.iter().filter_map(|one| one.as_ref().err()) {
                assert!(error.hint.is_some(), "{error:?}");
            }
            run(&world, &effect, COMMIT.parse().ok())
                .unwrap_or_else(|e| panic!("{:?} {tag}: {e:?}", world.kind));
            let made = view(&world).release(&tag).unwrap().expect("it is there");
            assert!(!made.draft && made.others.is_empty(), "{:?} {tag}: {made:?}", world.kind);
            let mut names: Vec<&str> = made.assets.iter().map(|asset| asset.name.as_str()).collect();
            names.sort_unstable();
            assert_eq!(names, ["a.txt", "artifacts.json", "b.txt"], "{:?} {tag}", world.kind);
        }
    }
}

#[test]
fn a_draft_that_a_killed_run_left_is_taken_away() {
    let Some(world) = World::github() else { return };
    let want = release(&world, "v1.0.0");
    world.push("tags/v1.0.0");
    let body = |name: &str| serde_json::json!({ "tag_name": "v1.0.0", "name": name, "body": want.notes, "draft": true });
    for name in ["v1.0.0", "v1.0.0", "mine"] {
        let url = format!("{}/repos/octocat/hello/releases", world.url);
        let made = reqwest::blocking::Client::new()
            .post(url)
            .header("authorization", format!("Bearer {}", gitlab::TOKEN))
            .header("content-type", "application/json")
            .body(body(name).to_string())
            .send();
        assert_eq!(made.expect("it answers").status(), 201);
    }
    assert!(run(&world, &Effect::ForgeRelease(want.clone()), COMMIT.parse().ok()).unwrap());
    check(&world, &world.exchanges());
    let made = view(&world).release("v1.0.0").unwrap().expect("it is there");
    let left: Vec<&str> = made.others.iter().map(|other| other.name.as_str()).collect();
    assert_eq!((made.draft, left), (false, vec!["mine"]), "a person's own draft stays");
    assert!(!run(&world, &Effect::ForgeRelease(want), COMMIT.parse().ok()).unwrap());
}

#[test]
fn requests_comments_and_checks_are_made_once() {
    for world in worlds() {
        let kind = world.kind;
        let commit: CommitId = world.push("heads/release/v1").parse().unwrap();
        world.exchanges();
        let mut want = request(&world, "release/v1");
        assert!(run(&world, &Effect::ForgeRequest(want.clone()), None).unwrap());
        assert!(!run(&world, &Effect::ForgeRequest(want.clone()), None).unwrap(), "{kind:?}");
        want.body = "Another plan".to_owned();
        want.labels.push("more".to_owned());
        want.reviewers.push("ben".to_owned());
        assert!(run(&world, &Effect::ForgeRequest(want.clone()), None).unwrap());
        assert!(!run(&world, &Effect::ForgeRequest(want.clone()), None).unwrap(), "{kind:?}");
        let made = view(&world).request("release/v1", "main").unwrap().expect("it is there");
        assert_eq!(
            (made.title.as_str(), made.body.as_str(), made.base.as_str()),
            ("release 1.0.0", "Another plan", "main")
        );
        assert_eq!(
            (made.labels, made.reviewers, made.author.as_str()),
            (
                vec!["more".to_owned(), "release".to_owned()],
                vec!["anna".to_owned(), "ben".to_owned()],
                "octocat"
            )
        );
        assert_eq!(made.commit, commit.to_string());
        assert_eq!(view(&world).request("none", "main").unwrap(), None);

        for (on, body) in [
            (On::Number(made.number), "first"),
            (On::Branches { head: "release/v1".to_owned(), base: "main".to_owned() }, "second"),
            (On::Commit(commit), "first"),
            (On::Commit(commit), "second"),
        ] {
            let comment =
                Comment { place: world.place(), on, name: "plan".to_owned(), body: body.to_owned() };
            assert!(run(&world, &Effect::Comment(comment.clone()), None).unwrap(), "{kind:?}");
            assert!(!run(&world, &Effect::Comment(comment), None).unwrap(), "{kind:?}");
        }
        for on in [Commented::Request(made.number), Commented::Commit(commit)] {
            let comments = view(&world).comments(on).unwrap();
            assert_eq!(comments.len(), 1, "{kind:?} {on:?}");
            assert_eq!(comments[0].body, "<!-- release-steps: plan -->\nsecond");
        }

        for state in [StatusState::Pending, StatusState::Success] {
            let status = Status { name: "gate".to_owned(), state, text: "so far".to_owned(), url: None };
            let effect = Effect::SetStatus(SetStatus {
                place: world.place(),
                commit: Rev::Commit(commit),
                status: status.clone(),
            });
            assert!(run(&world, &effect, Some(commit)).unwrap());
            assert!(!run(&world, &effect, Some(commit)).unwrap(), "{kind:?}");
            assert_eq!(view(&world).statuses(commit).unwrap(), [status]);
        }
        check(&world, &world.exchanges());

        let facts = view(&world).repository().unwrap();
        assert_eq!(
            (facts.name, facts.default_branch.as_str(), facts.archived, facts.can_write),
            (world.place().repository, "main", false, Some(true))
        );
        assert_eq!(view(&world).ref_target("heads/none").unwrap(), None);
        assert_eq!(view(&world).ref_target("heads/release/v1").unwrap(), Some(commit.to_string()));
    }
}

#[test]
fn a_comment_is_found_behind_hundreds_of_others() {
    for world in worlds() {
        world.push("heads/release/v1");
        assert!(run(&world, &Effect::ForgeRequest(request(&world, "release/v1")), None).unwrap());
        let number = view(&world).request("release/v1", "main").unwrap().expect("it is there").number;
        world.gitlab.remark(number, 230);
        if world.kind == Kind::GitHub {
            let path = format!("/repos/octocat/hello/issues/{number}/comments");
            for _ in 0..230 {
                world.ask_emulator("POST", &path, Some(&serde_json::json!({ "body": "a remark" })));
            }
        }
        let comment = |body: &str| {
            let (place, name, body) = (world.place(), "plan".to_owned(), body.to_owned());
            Effect::Comment(Comment { place, on: On::Number(number), name, body })
        };
        world.exchanges();
        assert!(run(&world, &comment("one"), None).unwrap());
        assert!(!run(&world, &comment("one"), None).unwrap(), "{:?}", world.kind);
        assert!(run(&world, &comment("two"), None).unwrap());
        check(&world, &world.exchanges());
        assert_eq!(view(&world).comments(Commented::Request(number)).unwrap().len(), 231, "{:?}", world.kind);
        assert_eq!(world.exchanges().len(), 3, "{:?}: a hundred in a page", world.kind);
    }
}

#[test]
fn gates_read_checks_reviews_freezes_and_issues() {
    use release_steps::rules::gate::approvals::Says;
    use release_steps::rules::gate::runs::RunState;
    for world in worlds() {
        let kind = world.kind;
        let commit: CommitId = world.push("heads/release/v1").parse().unwrap();
        assert!(view(&world).check_runs(commit).unwrap().is_empty(), "{kind:?}");
        for (name, state) in
            [("gate", StatusState::Success), ("lint", StatusState::Failure), ("slow", StatusState::Pending)]
        {
            let status = Status { name: name.to_owned(), state, text: String::new(), url: None };
            let effect =
                Effect::SetStatus(SetStatus { place: world.place(), commit: Rev::Commit(commit), status });
            assert!(run(&world, &effect, Some(commit)).unwrap());
        }
        let mut wanted = vec![
            ("gate".to_owned(), RunState::Success),
            ("lint".to_owned(), RunState::Failure),
            ("slow".to_owned(), RunState::Pending),
        ];
        if kind == Kind::GitHub {
            let run = serde_json::json!({ "name": "test", "head_sha": commit.to_string(), "status": "completed", "conclusion": "success" });
            let made = world.ask_emulator("POST", "/repos/octocat/hello/check-runs", Some(&run));
            assert!(made["id"].is_number(), "{made}");
            wanted.push(("test".to_owned(), RunState::Success));
        }
        let mut runs: Vec<(String, RunState)> = view(&world)
            .check_runs(commit)
            .unwrap()
            .into_iter()
            .inspect(|run| assert_eq!(run.commit, commit))
            .map(|run| (run.name, run.state))
            .collect();
        runs.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(runs, wanted, "{kind:?}");

        assert!(run(&world, &Effect::ForgeRequest(request(&world, "release/v1")), None).unwrap());
        let made = view(&world).request("release/v1", "main").unwrap().expect("it is there");
        if kind == Kind::GitHub {
            let path = format!("/repos/octocat/hello/pulls/{}/reviews", made.number);
            world.ask_emulator("POST", &path, Some(&serde_json::json!({ "event": "APPROVE" })));
        }
        let said = view(&world).reviews(&made).unwrap();
        let [approval] = said.as_slice() else { panic!("{kind:?}: {said:?}") };
        let person = if kind == Kind::GitHub { "octocat" } else { "anna" };
        assert_eq!(
            (approval.person.as_str(), approval.says, approval.commit),
            (person, Says::Approve, Some(commit))
        );

        let freezes = view(&world).freeze_periods().unwrap();
        match kind {
            Kind::GitHub => assert!(freezes.is_empty()),
            Kind::GitLab => assert_eq!((freezes.len(), freezes[0].zone.as_str()), (1, "UTC")),
        }
        if kind == Kind::GitHub {
            let issue = serde_json::json!({ "title": "an issue", "body": "- [x] done" });
            let made = world.ask_emulator("POST", "/repos/octocat/hello/issues", Some(&issue));
            let number = made["number"].as_u64().expect("an issue");
            assert_eq!(view(&world).issue_text(number).unwrap().as_deref(), Some("- [x] done"));
        } else {
            assert_eq!(view(&world).issue_text(1).unwrap().as_deref(), Some("- [x] done"));
        }
        assert_eq!(view(&world).issue_text(999).unwrap(), None, "{kind:?}");
        check(&world, &world.exchanges());
    }
}

#[test]
fn checks_survive_every_fault() {
    for world in worlds() {
        let commit: CommitId = world.push("heads/c").parse().unwrap();
        let effect = |trial: usize| {
            let name = format!("check-{trial}");
            let status = Status { name, state: StatusState::Success, text: "x".to_owned(), url: None };
            Effect::SetStatus(SetStatus { place: world.place(), commit: Rev::Commit(commit), status })
        };
        let one = |trial: usize| {
            let name = format!("check-{trial}");
            let there = view(&world).statuses(commit).unwrap();
            assert_eq!(there.iter().filter(|status| status.name == name).count(), 1, "{name}");
        };
        survive(&world, "check", effect, one, Some(commit));
    }
}

#[test]
fn a_pipeline_is_started_once_and_followed() {
    let world = World::gitlab();
    let run_text = RunText {
        workflow: None,
        git_ref: "main".to_owned(),
        inputs: [("TARGET".to_owned(), "prod".to_owned())].into(),
        correlation: "c0ffee".to_owned(),
    };
    let effect = Effect::Dispatch(Dispatch { place: world.place(), run: run_text.clone(), wait: true });
    assert!(run(&world, &effect, None).unwrap());
    assert!(!run(&world, &effect, None).unwrap());
    assert_eq!(world.gitlab.counts().2, 1);
    let found = view(&world).find_run(&run_text).unwrap().unwrap();
    assert_eq!(view(&world).jobs(found.id).unwrap()[0].name, "build");
    assert_eq!(view(&world).log_tail(77, 7).unwrap(), "line 2\n");

    // Where it may have been started, it is not started again unless it can be told that it was not.
    for (n, fault) in
        [Fault::ActedThen502, Fault::ActedThenCut, Fault::ActedThenSilent].into_iter().enumerate()
    {
        let mut text = run_text.clone();
        text.correlation = format!("run-{n}");
        let effect = Effect::Dispatch(Dispatch { place: world.place(), run: text, wait: true });
        // The list, then the variables of each pipeline, then the start.
        world.break_request(n + 2, fault);
        run(&world, &effect, None).unwrap_or_else(|e| panic!("{fault:?}: {e:?}"));
        assert!(!run(&world, &effect, None).unwrap());
        assert_eq!(world.gitlab.counts().2, n + 2, "{fault:?}");
    }
    // It ends as the pipeline does, with the end of the log of the job that failed.
    world.gitlab.pipelines_fail();
    let bad = RunText { correlation: "bad".to_owned(), ..run_text };
    let effect = Effect::Dispatch(Dispatch { place: world.place(), run: bad, wait: true });
    let error = run(&world, &effect, None).unwrap_err();
    assert!(error.kind == ErrorKind::No && error.message.contains("failed, job build"), "{error:?}");
    assert!(error.detail.as_ref().is_some_and(|detail| detail.contains("line 2")), "{error:?}");
}

#[test]
fn a_workflow_is_started_once_and_followed() {
    use std::sync::atomic::Ordering;
    let Some(world) = World::github() else { return };
    let dispatch = |name: &str, wait: bool| {
        let run = RunText {
            workflow: Some("build.yml".to_owned()),
            git_ref: "main".to_owned(),
            inputs: [("correlation".to_owned(), name.to_owned())].into(),
            correlation: name.to_owned(),
        };
        Effect::Dispatch(Dispatch { place: world.place(), run, wait })
    };
    // What was asked and answered keeps to the description: github.com's, and Enterprise Server's where the server is one,
    // which is asked once what it does not know.
    let keeps = |enterprise: bool| {
        let [own, old] = Description::both();
        let exchanges = world.exchanges();
        let exchanges: Vec<_> =
            exchanges.into_iter().filter(|(ask, _)| !ask.path.starts_with("/logs/")).collect();
        let mut wrong = world.violations(&exchanges, if enterprise { &old } else { &own });
        wrong.retain(|violation| EMULATORS.iter().all(|known| !violation.ends_with(known)));
        let unknown = |violation: &String| violation.ends_with("dispatches: no property return_run_details");
        assert_eq!(wrong.iter().filter(|violation| unknown(violation)).count(), usize::from(enterprise));
        wrong.retain(|violation| !unknown(violation));
        assert!(wrong.is_empty(), "{wrong:#?}");
    };
    world.exchanges();
    // A server that says which run it started, one that refuses that question, and one that passes over it.
    for (silent, lenient, name) in [(false, false, "new"), (true, false, "old"), (true, true, "lenient")] {
        world.actions.silent.store(silent, Ordering::Relaxed);
        world.actions.lenient.store(lenient, Ordering::Relaxed);
        assert!(run(&world, &dispatch(name, true), None).unwrap(), "{name}");
        assert!(!run(&world, &dispatch(name, true), None).unwrap(), "{name}");
        assert_eq!(world.actions.count(name), 1, "{name}");
        keeps(silent);
    }
    world.actions.silent.store(false, Ordering::Relaxed);
    world.actions.failing.store(true, Ordering::Relaxed);
    let error = run(&world, &dispatch("bad", true), None).unwrap_err();
    assert_eq!(error.kind, ErrorKind::No);
    assert!(error.message.contains("failure, job compile"), "{error:?}");
    assert!(error.detail.as_ref().is_some_and(|detail| detail.contains("line 2")), "{error:?}");
    keeps(false);

    // The list, then the start: whatever goes wrong, a run is never started twice.
    world.actions.failing.store(false, Ordering::Relaxed);
    for number in 0..2 {
        for (trial, fault) in FAULTS.into_iter().enumerate() {
            let name = format!("fault-{number}-{trial}");
            world.break_request(number, fault);
            if let Err(error) = run(&world, &dispatch(&name, false), None) {
                assert!(error.hint.is_some(), "{name} {fault:?}: {error:?}");
            }
            never_blindly_twice(&world.exchanges(), &name);
            run(&world, &dispatch(&name, false), None).unwrap_or_else(|e| panic!("{name} {fault:?}: {e:?}"));
            assert_eq!(world.actions.count(&name), 1, "{name} {fault:?}");
        }
    }
}

#[test]
fn half_an_hour_of_waiting_costs_at_most_120_calls() {
    use std::sync::atomic::Ordering;
    for world in worlds() {
        let ends = actions::CLOCK.load(Ordering::Relaxed) + 30 * 60;
        world.actions.ends.store(ends, Ordering::Relaxed);
        world.gitlab.pipelines_end(ends);
        let run = RunText {
            workflow: Some("build.yml".to_owned()),
            git_ref: "main".to_owned(),
            inputs: [("correlation".to_owned(), "slow".to_owned())].into(),
            correlation: "slow".to_owned(),
        };
        let effect = Effect::Dispatch(Dispatch { place: world.place(), run, wait: true });
        world.exchanges();
        let writer = world.writer().waiting(actions::pass);
        writer.observe(&effect, None).unwrap();
        writer.act(&effect, Path::new("/nowhere"), None, &|_| {}).unwrap();
        let late = actions::CLOCK.load(Ordering::Relaxed) - ends;
        assert!(late < 30, "{:?}: {late} s too late", world.kind);
        // At most so many even where none is free; GitHub does not count those that it answers by "not modified".
        let exchanges = world.exchanges();
        let calls = exchanges.len();
        let free = exchanges.iter().filter(|(_, reply)| reply.status == 304).count();
        assert!(world.kind == Kind::GitLab || free > calls * 9 / 10, "{free} of {calls}");
        assert!((60..=120).contains(&calls), "{:?}: {calls} calls", world.kind);
    }
}

/// Whatever goes wrong with whichever request: the run ends well or says what to do, a new run ends well, and there is one
/// of everything.
fn survive(
    world: &World,
    name: &str,
    effect: impl Fn(usize) -> Effect,
    one: impl Fn(usize),
    commit: Option<CommitId>,
) {
    world.exchanges();
    run(world, &effect(0), commit).unwrap_or_else(|e| panic!("{name}: {e:?}"));
    let requests = world.exchanges().len();
    one(0);
    let mut trial = 0;
    for number in 0..requests {
        for fault in FAULTS {
            trial += 1;
            let effect = effect(trial);
            let what = format!("{:?} {name}: {fault:?} at request {number} of {requests}", world.kind);
            world.break_request(number, fault);
            let first = run(world, &effect, commit);
            let exchanges = world.exchanges();
            if let Err(error) = &first {
                assert!(error.hint.is_some(), "{what}: {error:?}");
                assert!(!format!("{error:?}").contains(gitlab::TOKEN), "{what}: {error:?}");
            }
            if fault.passes(world.kind) {
                assert!(first.is_ok(), "{what}: {first:?}");
            }
            never_blindly_twice(&exchanges, &what);
            check(world, &exchanges);
            run(world, &effect, commit).unwrap_or_else(|e| panic!("{what}: again: {e:?}"));
            let left = run(world, &effect, commit).expect("it went well a moment ago");
            assert!(!left, "{what}: it does not converge");
            one(trial);
        }
    }
}

/// Between two POSTs of the same there is a look.
fn never_blindly_twice(exchanges: &[(Ask, Reply)], what: &str) {
    for pair in exchanges.windows(2) {
        let [(a, _), (b, _)] = pair else { continue };
        let same = a.method == "POST"
            && b.method == "POST"
            && a.path == b.path
            && a.query == b.query
            && a.body == b.body;
        assert!(!same, "{what}: {} {} was sent twice without a look", a.method, a.path);
    }
}

#[test]
fn a_release_survives_every_fault() {
    for world in worlds() {
        for trial in 0..200 {
            world.push(&format!("tags/v{trial}.0.0"));
        }
        let one = |trial: usize| {
            let tag = format!("v{trial}.0.0");
            match world.kind {
                Kind::GitLab => {
                    let mut links = world.gitlab.links(&tag).expect("it is there");
                    links.sort();
                    assert_eq!(links, ["a.txt", "artifacts.json", "b.txt"]);
                }
                Kind::GitHub => {
                    let mut of_tag = Vec::new();
                    for page in 1..4 {
                        let path = format!("/repos/octocat/hello/releases?per_page=100&page={page}");
                        let list = world.ask_emulator("GET", &path, None);
                        of_tag.extend(
                            list.as_array()
                                .into_iter()
                                .flatten()
                                .filter(|r| r["tag_name"] == tag.as_str())
                                .cloned(),
                        );
                    }
                    let [only] = of_tag.as_slice() else { panic!("{tag}: {} releases", of_tag.len()) };
                    let mut names: Vec<&str> = only["assets"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(|a| a["name"].as_str())
                        .collect();
                    names.sort_unstable();
                    assert_eq!(
                        (names, &only["draft"]),
                        (vec!["a.txt", "artifacts.json", "b.txt"], &Value::Bool(false))
                    );
                }
            }
        };
        survive(
            &world,
            "release",
            |trial| Effect::ForgeRelease(release(&world, &format!("v{trial}.0.0"))),
            one,
            COMMIT.parse().ok(),
        );
    }
}

#[test]
fn a_request_and_its_comment_survive_every_fault() {
    for world in worlds() {
        let commits: Vec<CommitId> =
            (0..200).map(|trial| world.push(&format!("heads/r/{trial}")).parse().unwrap()).collect();
        let number =
            |trial: usize| view(&world).request(&format!("r/{trial}"), "main").unwrap().unwrap().number;
        let one = |trial: usize| {
            let count = match world.kind {
                // The emulator's list is GitHub's; GitLab's stand-in refuses a second open request by itself.
                Kind::GitHub => {
                    let path =
                        format!("/repos/octocat/hello/pulls?state=all&per_page=100&head=octocat:r/{trial}");
                    world.ask_emulator("GET", &path, None).as_array().map_or(0, Vec::len)
                }
                Kind::GitLab => usize::from(world.gitlab.counts().0 == trial + 1),
            };
            assert_eq!(count, 1, "request r/{trial}");
        };
        survive(
            &world,
            "request",
            |trial| Effect::ForgeRequest(request(&world, &format!("r/{trial}"))),
            one,
            None,
        );
        let comment = |on: On| {
            let (name, body) = ("plan".to_owned(), "text".to_owned());
            Effect::Comment(Comment { place: world.place(), on, name, body })
        };
        let one = |on: Commented| assert_eq!(view(&world).comments(on).unwrap().len(), 1, "{on:?}");
        let on_request = |trial: usize| comment(On::Number(number(trial)));
        survive(&world, "comment", on_request, |trial| one(Commented::Request(number(trial))), None);
        // The stand-in gives every branch the same commit: here each trial has one of its own.
        let commits: Vec<CommitId> = match world.kind {
            Kind::GitHub => commits,
            Kind::GitLab => (0..200).map(|n| format!("{n:040x}").parse().unwrap()).collect(),
        };
        let on_commit = |trial: usize| comment(On::Commit(commits[trial]));
        survive(&world, "comment", on_commit, |trial| one(Commented::Commit(commits[trial])), None);
    }
}

#[test]
fn a_token_that_is_missing_or_for_another_host_is_said_before_anything_is_sent() {
    let world = World::gitlab();
    let config = release_steps::config::ForgeConfig::default();
    let env = [("GITHUB_TOKEN".to_owned(), "ghs_x".to_owned())].into_iter().collect();
    let forges = release_steps::world::forge::Forges::new(config, env);
    let error = forges.at(&world.place()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage);
    assert!(error.hint.unwrap().contains("token_env"));
    assert!(error.detail.unwrap().contains("GITHUB_TOKEN is for github.com"));
    assert!(world.exchanges().is_empty());
}
