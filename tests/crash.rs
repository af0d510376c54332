//! Kills runs at every change that they make, breaks what they stand on, and looks whether they converge.

mod support;

use std::collections::BTreeMap;

use support::{Ran, World, diff};

/// A day after `support::NOW`.
const TOMORROW: &str = "1770177906";

fn world(script: &str) -> World {
    World::made_by(script, BTreeMap::new(), |_| {})
}

fn same(what: &str, expected: &str, found: &str, ran: &Ran) {
    assert!(expected == found, "{what} came to something else:\n{}\n{}", diff(expected, found), ran.text());
}

/// Kills the run of a command line at its n-th change, for every n, and brings it to its end in several ways.
fn survives(world: &World, line: &str) {
    let before = world.state();
    let whole = world.copy();
    let ran = whole.steps(line);
    assert_eq!(ran.code, Some(0), "the run that is not killed fails:\n{}", ran.text());
    let expected = whole.changes(&before);
    let mut kills = 0;
    for n in 1.. {
        let killed = world.copy();
        let ran = killed.steps_with(line, &[("RELEASE_STEPS_CRASH_AT", &n.to_string())]);
        if ran.code == Some(0) {
            break;
        }
        kills = n;
        assert_eq!(ran.code, None, "it should have been killed at change {n}:\n{}", ran.text());

        let resumed = killed.copy();
        resume(&resumed, line, &[]);
        same(&format!("resume after a kill at change {n}"), &expected, &resumed.changes(&before), &ran);
        if n % 4 == 0 {
            let again = resumed.steps(line);
            assert_eq!(again.code, Some(0), "{}", again.text());
            let what = format!("a run after the resume after a kill at change {n}");
            same(&what, &expected, &resumed.changes(&before), &again);
        }
        let nothing = resumed.steps("resume");
        assert!(nothing.stdout.contains("nothing to resume"), "{}", nothing.text());

        let fresh = killed.copy();
        let ran = fresh.steps(line);
        same(&format!("a fresh run after a kill at change {n}"), &expected, &fresh.changes(&before), &ran);
        assert_eq!(ran.code, Some(0), "{}", ran.text());
        let nothing = fresh.steps("resume");
        assert!(nothing.stdout.contains("nothing to resume"), "after a fresh run:\n{}", nothing.text());

        let m = n % 5 + 1;
        {
            let twice = killed.copy();
            let ran = twice.steps_with("resume", &[("RELEASE_STEPS_CRASH_AT", &m.to_string())]);
            if ran.code.is_none() || ran.stdout.contains("nothing to resume") {
                resume(&twice, line, &[]);
            }
            same(
                &format!("resume after kills at changes {n} and {m}"),
                &expected,
                &twice.changes(&before),
                &ran,
            );
        }

        let tomorrow = killed.copy();
        let ran = tomorrow.steps_with(line, &[("SOURCE_DATE_EPOCH", TOMORROW)]);
        assert_eq!(ran.code, Some(0), "a fresh run a day after a kill at change {n}:\n{}", ran.text());
        let found = tomorrow.changes(&before);
        same(
            &format!("a fresh run a day after a kill at change {n}"),
            &undated(&expected),
            &undated(&found),
            &ran,
        );
    }
    assert!(kills > 2, "only {kills} places to be killed at");
}

/// A text without dates and ids.
fn undated(text: &str) -> String {
    let ids = regex::Regex::new(r"\b[0-9a-f]{10,40}\b").expect("a pattern");
    let dates = regex::Regex::new(r"2026-02-0[34](T[0-9:+]*)?|17700915\d\d|17701779\d\d").expect("a pattern");
    dates.replace_all(&ids.replace_all(text, "<id>"), "<date>").into_owned()
}

/// Resumes; a run that was killed before it began anything is run anew.
fn resume(world: &World, line: &str, env: &[(&str, &str)]) {
    let ran = world.steps_with("resume", env);
    assert_eq!(ran.code, Some(0), "resume fails:\n{}", ran.text());
    if ran.stdout.contains("nothing to resume") {
        let ran = world.steps_with(line, env);
        assert_eq!(ran.code, Some(0), "the run anew fails:\n{}", ran.text());
    }
}

const MONOREPO: &str = r#"
printf '{\n  "name": "root",\n  "private": true,\n  "workspaces": ["packages/*"]\n}\n' > package.json
npm core 1.0.0 packages/core
mkdir -p packages/app
printf '{\n  "name": "app",\n  "version": "2.0.0",\n  "dependencies": { "core": "1.0.0" }\n}\n' > packages/app/package.json
commit "feat: all"
tag core@1.0.0
tag app@2.0.0
commit "fix: core" packages/core/a
origin
"#;

#[test]
fn release_of_one_package() {
    survives(&world("simple"), "release");
}

#[test]
fn release_with_changelog_and_untracked_file() {
    survives(
        &world(
            "printf '# Changelog\\n\\n## [1.2.3] - 2026-01-01\\n\\n- mine\\n' > CHANGELOG.md; simple; echo x > note.txt",
        ),
        "run release",
    );
}

#[test]
fn release_of_two_packages() {
    survives(&world(MONOREPO), "release");
}

#[test]
fn release_of_linked_packages() {
    let world = world(&format!(
        "printf 'linked: [[core, ui]]\\n' > release-steps.yml; npm ui 1.0.0 packages/ui; {MONOREPO}
         tag ui@1.0.0; commit 'feat: core' packages/core/b; commit 'fix: ui' packages/ui/b; command git push -q origin main --tags"
    ));
    survives(&world, "release");
}

const GITFLOW: &str =
    "simple; command git checkout -q -b develop; commit 'feat: dev' d; command git push -q origin develop";

#[test]
fn branch_cut() {
    survives(&world(GITFLOW), "branch cut");
}

#[test]
fn branch_merge_back() {
    let script = format!(
        "{GITFLOW}; command git checkout -q -b release/v1.3.0; commit 'fix: last' e; tag v1.3.0
         command git checkout -q develop; commit 'feat: meanwhile' f; command git checkout -q release/v1.3.0
         command git push -q origin develop release/v1.3.0 --tags"
    );
    survives(&world(&script), "branch merge-back");
}

#[test]
fn branch_backport() {
    let script = "simple; command git branch release/v1.2.0 v1.2.3; command git push -q origin release/v1.2.0
         commit 'fix: needed' q; commit 'fix: too' r";
    survives(&world(script), "branch backport HEAD~1 HEAD --to release/v1.2.0");
}

#[test]
fn chain_with_a_command() {
    let world = world(
        "printf 'run:\\n  ship:\\n    - release\\n    - command: echo ran >../ran\\n' > release-steps.yml; simple",
    );
    for n in 1.. {
        let killed = world.copy();
        let ran = killed.steps_with("run ship", &[("RELEASE_STEPS_CRASH_AT", &n.to_string())]);
        if ran.code == Some(0) {
            assert!(n > 3);
            break;
        }
        // A fresh run that finds the release made says that something is left; it does not say that all is well.
        let fresh = killed.steps("run ship");
        if fresh.code != Some(0) {
            assert_eq!(fresh.code, Some(4), "{}", fresh.text());
            let ran = killed.steps("resume");
            assert_eq!(ran.code, Some(0), "{}", ran.text());
        }
        assert_eq!(killed.read("ran").as_deref(), Some("ran\n"), "killed at {n}:\n{}", fresh.text());
        assert_eq!(killed.git(&["-C", "../origin.git", "tag", "--list"]), "v1.2.3\nv1.3.0\n");
    }
}

#[test]
fn release_of_a_tag_alone() {
    survives(&world("commit 'feat: a' a; tag v1.0.0; commit 'fix: b' b; origin"), "release --no-push");
}

#[test]
fn prerelease() {
    survives(&world("simple"), "release --channel rc");
}

#[test]
fn release_from_a_detached_head_in_ci() {
    let env = [
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REF_TYPE", "branch"),
        ("GITHUB_REF_NAME", "main"),
    ];
    let env = env.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
    let world = World::made_by(
        "simple; command git checkout -q --detach; command git branch -q -D main",
        env,
        |_| {},
    );
    survives(&world, "release");
}

#[test]
fn release_of_a_planned_commit() {
    survives(
        &world(
            "simple; command git tag planned; elsewhere 'feat: theirs' x; command git pull -q origin main",
        ),
        "release --commit planned",
    );
}

#[test]
fn version_bump_of_several_files() {
    let world = world(
        "npm demo 1.2.3; printf '[package]\\nname = \"demo\"\\nversion = \"1.2.3\"\\n' > Cargo.toml; echo 1.2.3 > VERSION
         commit 'feat: first'; tag v1.2.3; commit 'feat: second' a; origin",
    );
    survives(&world, "version bump");
}

#[test]
fn changelog_into_a_file() {
    survives(
        &world(
            "simple; printf '# Changelog\\n\\n## [1.2.3] - 2026-01-01\\n' > CHANGELOG.md; commit 'docs: log'",
        ),
        "changelog --output CHANGELOG.md",
    );
}

#[test]
fn origin_that_cannot_be_reached() {
    let world = world("simple");
    let before = world.state();
    let whole = world.copy();
    whole.steps("release");
    let expected = whole.changes(&before);
    world.bash("mv \"$ROOT/origin.git\" \"$ROOT/away.git\"");
    let all = world.everything();
    let ran = world.steps("release");
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    assert_eq!(all, world.everything(), "something was half done:\n{}", ran.text());
    world.bash("mv \"$ROOT/away.git\" \"$ROOT/origin.git\"");
    let ran = world.steps("release");
    same("the run after the origin is back", &expected, &world.changes(&before), &ran);
}

#[test]
fn origin_that_goes_away_between_plan_and_apply() {
    let world = world("simple");
    let before = world.state();
    let whole = world.copy();
    whole.steps("release");
    let expected = whole.changes(&before);
    world.steps("release --dry-run --plan ../plan.json");
    world.bash("mv \"$ROOT/origin.git\" \"$ROOT/away.git\"");
    let ran = world.steps("apply ../plan.json");
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    world.bash("mv \"$ROOT/away.git\" \"$ROOT/origin.git\"");
    assert_eq!(world.changes(&before), "", "something was half done:\n{}", ran.text());
    let ran = world.steps("apply ../plan.json");
    same("apply after the origin is back", &expected, &world.changes(&before), &ran);
}

/// A hook refuses once; then each way of going on comes to the same.
fn refused_once(hook: &str, says: &str) {
    let world = world("simple");
    let before = world.state();
    let whole = world.copy();
    whole.steps("release");
    let expected = whole.changes(&before);
    let ran = world.bash(&format!("hook {hook}"));
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let ran = world.steps("release");
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    assert!(ran.stderr.contains(says), "{}", ran.text());
    let changes = world.changes(&before);
    assert!(!changes.contains("origin "), "something reached the origin:\n{changes}");
    for line in ["resume", "release", "run release"] {
        let world = world.copy();
        let ran = world.steps(line);
        assert_eq!(ran.code, Some(3), "it is still refused:\n{}", ran.text());
        world.bash("rm \"$ROOT\"/origin.git/hooks/{pre-receive,update} || true");
        let ran = world.steps(line);
        assert_eq!(ran.code, Some(0), "{}", ran.text());
        same(&format!("`{line}` after the hook is gone"), &expected, &world.changes(&before), &ran);
    }
}

#[test]
fn pre_receive_hook_that_refuses() {
    refused_once("pre-receive <<'X'\n#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\nX", "not on a Friday");
}

#[test]
fn update_hook_that_refuses_tags() {
    refused_once(
        "update <<'X'\n#!/bin/sh\ncase $1 in refs/tags/*) echo 'no tags here' >&2; exit 1;; esac\nX",
        "no tags here",
    );
}

#[test]
fn push_whose_answer_is_lost() {
    for end in ["exit 1", "kill -KILL $PPID; kill -KILL $$"] {
        let world = world("simple");
        let before = world.state();
        let whole = world.copy();
        whole.steps("release");
        let expected = whole.changes(&before);
        let script = format!(
            "mkdir -p \"$ROOT/bin\"; real=$(type -P git)
             cat > \"$ROOT/bin/git\" <<X
#!/bin/bash
case \" \\$* \" in *' push '*) '$real' \"\\$@\" >/dev/null 2>&1; {end};; esac
exec '$real' \"\\$@\"
X
             chmod +x \"$ROOT/bin/git\"",
            end = end.replace('$', "\\$")
        );
        let ran = world.bash(&script);
        assert_eq!(ran.code, Some(0), "{}", ran.text());
        let path =
            format!("{}:{}", world.root().join("bin").display(), std::env::var("PATH").unwrap_or_default());
        let program = support::PROGRAM;
        let mut command = world.command(program);
        command.arg("release").env("PATH", path);
        let ran = world.run(command);
        assert!(matches!(ran.code, Some(3) | None), "{}", ran.text());
        for line in ["resume", "release"] {
            let world = world.copy();
            let ran = world.steps(line);
            assert_eq!(ran.code, Some(0), "{}", ran.text());
            same(&format!("`{line}` after the answer was lost"), &expected, &world.changes(&before), &ran);
        }
    }
}

#[test]
fn origin_that_moved_between_plan_and_apply() {
    let world = world("simple");
    let before = world.state();
    world.steps("release --dry-run --plan ../plan.json");
    let ran = world.bash("elsewhere 'feat: theirs' x");
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let state = world.state();
    for line in ["apply ../plan.json", "release"] {
        let ran = world.steps(line);
        assert_eq!(ran.code, Some(1), "{}", ran.text());
        assert!(ran.stderr.contains("moved"), "{}", ran.text());
        assert_eq!(world.changes(&state), "", "something was half done:\n{}", ran.text());
    }
    drop(before);
}

#[test]
fn branch_that_moved_between_plan_and_apply() {
    let world = world("simple");
    world.steps("release --dry-run --plan ../plan.json");
    world.bash("commit 'fix: later' c");
    let state = world.state();
    let ran = world.steps("apply ../plan.json");
    assert_eq!(ran.code, Some(1), "{}", ran.text());
    assert!(ran.stderr.contains("main moved since the plan"), "{}", ran.text());
    assert_eq!(world.changes(&state), "");
}

#[test]
fn file_that_a_person_changed_between_plan_and_apply() {
    for (edit, line) in [
        ("echo '// mine' >> package.json", "release"),
        ("printf 'mine\\n' > CHANGELOG.md", "release"),
        ("sed -i.bak s/demo/mine/ package.json && rm package.json.bak", "version bump"),
        ("rm package.json; mkdir package.json; touch package.json/x", "version bump"),
        ("rm package.json; mkdir package.json; touch package.json/x", "release"),
        ("mkdir CHANGELOG.md; touch CHANGELOG.md/x", "release"),
    ] {
        let world = world("simple");
        let ran = world.steps(&format!("{line} --dry-run --plan ../plan.json"));
        assert_eq!(ran.code, Some(0), "{}", ran.text());
        world.bash(edit);
        let before = world.everything();
        let state = world.state();
        let ran = world.steps("apply ../plan.json");
        assert!(matches!(ran.code, Some(1..=3)), "`{edit}` went unnoticed:\n{}", ran.text());
        assert_eq!(world.changes(&state), "", "`{edit}`, and something was half done:\n{}", ran.text());
        assert_eq!(before, world.everything(), "`{edit}`, and something was changed:\n{}", ran.text());
    }
}

#[test]
fn lock_that_another_process_holds() {
    let world = world("simple");
    std::fs::create_dir_all(world.repo().join(".git/release-steps")).expect("a folder");
    let file = std::fs::File::create(world.repo().join(".git/release-steps/lock")).expect("a lock");
    file.try_lock().expect("nobody has it");
    let before = world.everything();
    for line in ["release", "resume", "version bump"] {
        let ran = world.steps(line);
        assert_eq!(ran.code, Some(4), "{}", ran.text());
        assert!(ran.stderr.contains("another run"), "{}", ran.text());
    }
    assert_eq!(before, world.everything());
    let ran = world.steps("version next");
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "1.3.0\n"),
        "a question needs no lock:\n{}",
        ran.text()
    );
    drop(file);
    assert_eq!(world.steps("release").code, Some(0));
}

#[test]
fn two_processes_at_once() {
    let world = world("simple");
    let before = world.state();
    let whole = world.copy();
    whole.steps("release");
    let expected = whole.changes(&before);
    for _ in 0..3 {
        let world = world.copy();
        let runs: Vec<Ran> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| world.steps("release"))).collect();
            threads.into_iter().map(|t| t.join().expect("no panic")).collect()
        });
        let all: String = runs.iter().map(Ran::text).collect();
        assert!(runs.iter().any(|r| r.code == Some(0)), "none came through:\n{all}");
        assert!(runs.iter().all(|r| matches!(r.code, Some(0 | 1 | 4))), "{all}");
        let after = world.steps("release");
        same("two runs at once", &expected, &world.changes(&before), &after);
    }
}

#[test]
fn clock_of_a_run_that_is_not_fixed() {
    let world = world("simple");
    let mut command = world.command(support::PROGRAM);
    command.arg("release").env_remove("SOURCE_DATE_EPOCH").env("RELEASE_STEPS_CRASH_AT", "7");
    let ran = world.run(command);
    assert_eq!(ran.code, None, "{}", ran.text());
    let mut command = world.command(support::PROGRAM);
    command.arg("resume").env_remove("SOURCE_DATE_EPOCH");
    let ran = world.run(command);
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    assert_eq!(world.git(&["tag", "--list"]), "v1.2.3\nv1.3.0\n");
    assert_eq!(world.git(&["rev-list", "--count", "v1.2.3..main"]), "3\n");
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}

const DEPLOYS: &str = r#"
printf 'dist\nlive\nbad*\n' > .gitignore
cat > release-steps.yml <<'CONFIG'
deploy:
  staging:
    artifacts: [dist/*]
    command: {deploy: 'mkdir -p live; echo $VERSION > live/staging', verify: 'test -e live/staging'}
  production:
    after: staging
    artifacts: [dist/*]
    command:
      deploy: mkdir -p live; echo $VERSION > live/production
      version: cat live/production
      wait: test -e live/production
      verify: test ! -e bad || test $VERSION = 1.2.3
run:
  ship: [release, {stage: {build: ['mkdir -p dist; echo $VERSION > dist/app']}}, {deploy: staging}, {deploy: production}]
CONFIG
simple
"#;

#[test]
fn deployment() {
    survives(
        &world(&format!("{DEPLOYS} mkdir dist; echo one > dist/app; git tag -a -m v1.3.0 v1.3.0")),
        "deploy staging",
    );
}

/// Killed at any change of a deployment that goes back, it goes back: on a resume, and on a fresh run.
#[test]
fn deployment_that_goes_back() {
    let world = world(&format!("{DEPLOYS} mkdir dist; echo one > dist/app; git tag -a -m v1.3.0 v1.3.0"));
    for line in ["deploy staging", "deploy production"] {
        let ran = world.steps(line);
        assert_eq!(ran.code, Some(0), "{}", ran.text());
    }
    let set_up = world.bash(
        "git commit -q --allow-empty -m 'feat: more'; git tag -a -m v1.4.0 v1.4.0; echo two > dist/app",
    );
    assert_eq!(set_up.code, Some(0), "{}", set_up.text());
    assert_eq!(world.steps("deploy staging").code, Some(0));
    // The version to go back to is looked at with the same command.
    world.bash("sed -i 's/= 1.2.3/= 1.3.0/' release-steps.yml; touch bad");
    let live = |world: &World| world.bash("cat live/production").stdout.trim().to_owned();
    let mut kills = 0;
    for n in 1.. {
        let killed = world.copy();
        let ran = killed.steps_with("deploy production", &[("RELEASE_STEPS_CRASH_AT", &n.to_string())]);
        if ran.code.is_some() {
            assert_eq!((ran.code, live(&killed).as_str()), (Some(1), "1.3.0"), "{}", ran.text());
            break;
        }
        kills = n;
        let resumed = killed.copy();
        let ran = resumed.steps("resume");
        if !ran.stdout.contains("nothing to resume") {
            assert_eq!(
                (ran.code, live(&resumed).as_str()),
                (Some(1), "1.3.0"),
                "kill at {n}, resume:\n{}",
                ran.text()
            );
        }
        let ran = killed.steps("deploy production");
        assert_eq!(
            (ran.code, live(&killed).as_str()),
            (Some(1), "1.3.0"),
            "kill at {n}, fresh run:\n{}",
            ran.text()
        );
    }
    assert!(kills > 2, "only {kills} places to be killed at");
}

/// With nothing left to release, a fresh run of a chain names the run that is not at its end: only that one knows which
/// commands have run. Resumed, it comes to its end.
#[test]
fn chain_with_deployments() {
    let world = world(DEPLOYS);
    let before = world.state();
    let whole = world.copy();
    let ran = whole.steps("run ship");
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let expected = whole.changes(&before);
    for n in 1.. {
        let killed = world.copy();
        let ran = killed.steps_with("run ship", &[("RELEASE_STEPS_CRASH_AT", &n.to_string())]);
        if ran.code == Some(0) {
            assert!(n > 8, "only {n} places to be killed at");
            break;
        }
        let fresh = killed.copy();
        let ran = fresh.steps("run ship");
        if ran.code != Some(0) {
            let named = ran.text().contains("`release-steps resume` goes on with it");
            assert!(ran.code == Some(4) && named, "a fresh run after a kill at change {n}:\n{}", ran.text());
            resume(&fresh, "run ship", &[]);
        }
        same(&format!("a fresh run after a kill at change {n}"), &expected, &fresh.changes(&before), &ran);
        resume(&killed, "run ship", &[]);
        same(&format!("resume after a kill at change {n}"), &expected, &killed.changes(&before), &ran);
    }
}
