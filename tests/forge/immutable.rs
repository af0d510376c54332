//! Releases whose files can be changed no more once they are published
//! (<https://docs.github.com/code-security/concepts/supply-chain-security/immutable-releases>): the emulator has none, so its
//! answers are marked and its changes refused in GitHub's words.

use std::sync::atomic::Ordering;

use release_steps::effect::{Effect, ForgeRelease};
use release_steps::error::Kind as ErrorKind;
use release_steps::world::forge::Kind;
use serde_json::{Value, json};

use crate::server::{Ask, Reply};
use crate::whole::Whole;
use crate::world::World;
use crate::{COMMIT, asset, check, release, run, view};

/// The refusal of a change to the files of a published release; title and notes may change, and drafts.
pub fn refuse(ask: &Ask, look: impl Fn(&str) -> Value) -> Option<Reply> {
    let parts: Vec<&str> = ask.path.trim_start_matches('/').split('/').collect();
    let published = |release: &Value| release["draft"] == false;
    let (there, message) = match (ask.method.as_str(), parts.as_slice()) {
        ("POST", ["repos", _, _, "releases", _, "assets"]) => {
            let release = look(ask.path.trim_end_matches("/assets"));
            (published(&release), "Cannot upload assets to an immutable release.")
        }
        ("DELETE", ["repos", owner, name, "releases", "assets", id]) => {
            let id: Option<u64> = id.parse().ok();
            let all = look(&format!("/repos/{owner}/{name}/releases?per_page=100"));
            let has = |release: &&Value| {
                release["assets"]
                    .as_array()
                    .is_some_and(|assets| assets.iter().any(|a| a["id"].as_u64() == id))
            };
            let of = all.as_array().into_iter().flatten().find(has).is_some_and(published);
            (of, "Cannot delete asset from an immutable release")
        }
        _ => return None,
    };
    there.then(|| {
        Reply::json(422, &json!({ "message": message, "documentation_url": "https://docs.github.com/rest" }))
    })
}

/// Says of every published release that it is immutable.
pub fn mark(reply: &mut Reply) {
    fn one(value: &mut Value) {
        if value["tag_name"].is_string() {
            value["immutable"] = json!(value["draft"] == false);
        }
        value.as_array_mut().into_iter().flatten().for_each(one);
    }
    if let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) {
        one(&mut body);
        reply.body = body.to_string().into_bytes();
    }
}

/// What changes something, in its order, and whether it publishes.
fn changes(world: &World) -> Vec<String> {
    let exchanges = world.exchanges();
    check(world, &exchanges);
    let changing = exchanges.iter().filter(|(ask, _)| ask.method != "GET");
    let name = |ask: &Ask| match (ask.method.as_str(), ask.path.ends_with("/assets"), &ask.json()["draft"]) {
        ("POST", true, _) => "file".to_owned(),
        (_, false, Value::Bool(true)) => "draft".to_owned(),
        (_, false, Value::Bool(false)) => "publish".to_owned(),
        (method, _, _) => method.to_owned(),
    };
    changing.map(|(ask, _)| name(ask)).collect()
}

#[test]
fn an_immutable_release_is_made_whole_and_refuses_other_files_before_anything_is_changed() {
    let Some(world) = World::github() else { return };
    world.immutable.store(true, Ordering::Relaxed);
    world.push("tags/v1.0.0");
    let commit = COMMIT.parse().ok();
    let want = release(&world, "v1.0.0");
    world.exchanges();
    assert!(run(&world, &Effect::ForgeRelease(want.clone()), commit).unwrap());
    assert_eq!(changes(&world), ["draft", "file", "file", "file", "publish"]);
    let made = view(&world).release("v1.0.0").unwrap().expect("it is there");
    assert!(made.immutable && !made.draft && made.assets.len() == 3, "{made:?}");
    assert!(!run(&world, &Effect::ForgeRelease(want.clone()), commit).unwrap(), "it is right already");
    assert_eq!(changes(&world), [""; 0]);

    let changed = |replace: bool| ForgeRelease {
        assets: vec![asset("a.txt", "other"), asset("b.txt", "two")],
        replace,
        ..want.clone()
    };
    let more = ForgeRelease {
        assets: vec![asset("a.txt", "one"), asset("b.txt", "two"), asset("c.txt", "three")],
        ..want.clone()
    };
    for (want, says) in [
        (changed(false), "is immutable and has another a.txt"),
        (changed(true), "is immutable and has another a.txt"),
        (ForgeRelease { replace: true, ..more.clone() }, "is immutable and does not have c.txt"),
        (more, "is immutable and does not have c.txt"),
    ] {
        let error = run(&world, &Effect::ForgeRelease(want), commit).unwrap_err();
        assert!(error.kind == ErrorKind::No && error.message.contains(says), "{error:?}");
        assert!(error.hint.is_some_and(|hint| hint.contains("next version") && !hint.contains("--replace")));
        assert_eq!(changes(&world), [""; 0], "{says}");
    }
    // Its texts are not locked.
    let texts = ForgeRelease { notes: "new".to_owned(), replace: true, ..want };
    assert!(run(&world, &Effect::ForgeRelease(texts), commit).unwrap());
    assert_eq!(changes(&world), ["publish"]);
    assert_eq!(view(&world).release("v1.0.0").unwrap().unwrap().notes, "new");
}

#[test]
fn a_run_that_broke_off_before_it_published_goes_on_where_releases_are_immutable() {
    use crate::world::Fault;
    let Some(world) = World::github() else { return };
    world.immutable.store(true, Ordering::Relaxed);
    // The list, the tag, the draft, the list again, three files: what comes then publishes.
    for number in 2..8 {
        let tag = format!("v{number}.0.0");
        world.push(&format!("tags/{tag}"));
        let effect = Effect::ForgeRelease(release(&world, &tag));
        world.break_request(number, Fault::Status(403));
        assert!(run(&world, &effect, COMMIT.parse().ok()).is_err(), "{number}");
        run(&world, &effect, COMMIT.parse().ok()).unwrap_or_else(|e| panic!("{number}: {e:?}"));
        let made = view(&world).release(&tag).unwrap().expect("it is there");
        assert!(made.immutable && made.assets.len() == 3 && made.others.is_empty(), "{number}: {made:?}");
    }
}

#[test]
fn release_says_of_an_immutable_release_that_its_files_stay() {
    let script = "commit 'feat: one'; tag v1.0.0; mkdir dist; echo dist/ >.gitignore; commit 'fix: two' a; echo first >dist/a.tgz";
    for whole in Whole::both("release: {assets: [\"dist/*.tgz\"]}\n", script) {
        if whole.forge.kind == Kind::GitLab {
            continue;
        }
        whole.forge.immutable.store(true, Ordering::Relaxed);
        whole.steps("release", 0);
        whole.settled("release");
        whole.bash("echo other >dist/a.tgz");
        for line in ["release", "release --replace"] {
            whole.forge.exchanges();
            let ran = whole.steps(line, 1);
            assert!(ran.text().contains("v1.0.1 is immutable and has another a.tgz"), "{}", ran.text());
            assert_eq!(changes(&whole.forge), [""; 0], "{line}");
        }
    }
}
