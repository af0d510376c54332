//! Bad input: a clear message, before anything was changed where it can be known.

use release_steps::world::forge::{Kind, longest_notes};
use serde_json::{Value, json};

use crate::whole::Whole;

const GROWN: &str =
    "echo '{\"version\": \"1.0.0\"}' >package.json; commit 'feat: one'; tag v1.0.0; commit 'feat: two' a";

/// What the forge says of the repository, with other values.
pub fn says_of_repository(whole: &Whole, with: &Value) {
    let forge = whole.forge.forges().at(&whole.forge.place()).expect("it is known");
    let known = forge.repository().expect("it is there");
    let (path, mut answer) = match whole.forge.kind {
        Kind::GitHub => (
            "/repos/octocat/hello",
            json!({ "full_name": known.name, "default_branch": "main", "archived": false, "permissions": { "push": true } }),
        ),
        Kind::GitLab => (
            "/api/v4/projects/group%2Fsub%2Fhello",
            json!({ "path_with_namespace": known.name, "default_branch": "main", "archived": false }),
        ),
    };
    answer.as_object_mut().expect("it is one").extend(with.as_object().expect("it is one").clone());
    whole.forge.says(path, 200, answer);
}

/// Runs a line that must end with this code and change nothing, and whose text must hold all of these.
fn refused(whole: &Whole, line: &str, code: i32, texts: &[&str]) {
    let before = whole.git.state();
    whole.forge.exchanges();
    let ran = whole.steps(line, code);
    for text in texts {
        assert!(ran.text().contains(text), "{:?} {text}:\n{}", whole.forge.kind, ran.text());
    }
    assert_eq!(whole.git.changes(&before), "", "{}", ran.text());
    assert!(whole.forge.exchanges().iter().all(|(ask, _)| ask.method == "GET"), "{}", ran.text());
}

#[test]
fn without_a_token_nothing_is_begun() {
    for whole in Whole::both("release: {forge: true}\n", GROWN) {
        whole.bash("sed -i 's/FORGE_TOKEN/NO_TOKEN/' release-steps.yml; command git commit -qam 'chore: x'");
        refused(&whole, "release", 2, &["no token", "NO_TOKEN"]);
        assert!(whole.forge.exchanges().is_empty());
    }
}

#[test]
fn a_token_for_another_host_is_not_sent() {
    for whole in Whole::both("release: {forge: true}\n", GROWN) {
        whole.bash(
            "sed -i 's/, token_env: FORGE_TOKEN//' release-steps.yml; command git commit -qam 'chore: x'",
        );
        let env = match whole.forge.kind {
            Kind::GitHub => [("GITHUB_TOKEN", "ghs_elsewhere"), ("GITHUB_SERVER_URL", "https://github.com")],
            Kind::GitLab => [("CI_JOB_TOKEN", "glcbt-elsewhere"), ("CI_SERVER_URL", "https://gitlab.com")],
        };
        whole.forge.exchanges();
        let ran = whole.git.steps_with("release", &env);
        assert_eq!(ran.code, Some(2), "{}", ran.text());
        assert!(ran.text().contains("no token") && ran.text().contains(" is for "), "{}", ran.text());
        assert!(!ran.text().contains("elsewhere"), "{}", ran.text());
        let sent = whole.forge.exchanges();
        assert!(sent.iter().all(|(ask, _)| ask.headers.values().all(|value| !value.contains("elsewhere"))));
    }
}

#[test]
fn an_archived_repository_is_refused_and_a_renamed_one_and_a_fork_are_named() {
    for whole in Whole::both("", GROWN) {
        let kind = whole.forge.kind;
        says_of_repository(&whole, &json!({ "archived": true }));
        refused(&whole, "release", 1, &["is archived"]);
        match kind {
            Kind::GitHub => {
                says_of_repository(&whole, &json!({ "full_name": "other/new" }));
                refused(&whole, "release --dry-run", 0, &["is now other/new", "forge.repository: other/new"]);
            }
            // Questions are sent on to the new name, changes are not.
            Kind::GitLab => {
                whole.forge.says_no_more();
                whole.forge.gitlab.moved(true);
                let text = ["is now group/sub/renamed", "forge.repository: group/sub/renamed"];
                refused(&whole, "release", 2, &text);
                whole.forge.gitlab.moved(false);
            }
        }
        let fork = match kind {
            Kind::GitHub => json!({ "parent": { "full_name": "up/stream" } }),
            Kind::GitLab => json!({ "forked_from_project": { "path_with_namespace": "up/stream" } }),
        };
        says_of_repository(&whole, &fork);
        refused(&whole, "release --dry-run", 0, &["is a fork of up/stream: the release is made in the fork"]);
    }
}

#[test]
fn the_repository_that_a_flag_names_is_the_one() {
    for whole in Whole::both("", GROWN) {
        let place = whole.forge.place();
        refused(
            &whole,
            &format!("release --repository {}/other/x", place.web),
            2,
            &["404", "check the repository's name"],
        );
        let named = format!("release --dry-run --repository {}/{}", place.web, place.repository);
        refused(&whole, &named, 0, &[&format!("publish release v1.1.0 at {place}")]);
    }
}

#[test]
fn a_protected_branch_and_a_locked_tag_leave_nothing_half_done() {
    for (what, name) in [("heads/main", "protected branch"), ("tags/v1.1.0", "locked tag")] {
        for whole in Whole::both("", GROWN) {
            let hook = format!(
                "printf '%s\\n' '#!/bin/sh' 'while read old new ref; do [ \"$ref\" != refs/{what} ] || {{ echo \"GH013: {name}\" >&2; exit 1; }}; done' \
                 >../origin.git/hooks/pre-receive; chmod +x ../origin.git/hooks/pre-receive"
            );
            whole.bash(&format!("mkdir -p ../origin.git/hooks; {hook}"));
            let before = whole.git.git(&["ls-remote", "origin"]);
            let ran = whole.git.steps("release");
            assert!(matches!(ran.code, Some(1 | 3)), "{:?} {}", ran.code, ran.text());
            assert!(ran.text().contains(&format!("GH013: {name}")), "{}", ran.text());
            assert_eq!(whole.git.git(&["ls-remote", "origin"]), before, "all or none");
            let forge = whole.forge.forges().at(&whole.forge.place()).expect("it is known");
            assert_eq!(forge.release("v1.1.0").unwrap(), None);
            // Once it is let by, a new run finishes it.
            whole.bash("rm ../origin.git/hooks/pre-receive");
            whole.steps("release", 0);
            assert!(forge.release("v1.1.0").unwrap().is_some_and(|release| !release.draft));
            whole.settled("release");
        }
    }
}

#[test]
fn names_with_slashes_and_other_letters_go_all_the_way() {
    let config = "version: {tag: \"größe/{version}\"}\nrequests: {from: [release], branch: \"vorschlag/größe 1%/{base}\"}\n";
    for whole in Whole::both(&config.replace("größe 1%", "größe+1%"), &GROWN.replace("v1.0.0", "größe/1.0.0"))
    {
        whole.steps("release", 0);
        whole.settled("release");
        let head = "vorschlag/größe+1%/main";
        let forge = whole.forge.forges().at(&whole.forge.place()).expect("it is known");
        let request = forge.request(head, "main").unwrap().expect("it is there");
        assert_eq!(request.head, head);
        whole.bash(&format!(
            "command git fetch -q origin '{head}'; git merge -q --ff-only FETCH_HEAD; command git push -q origin main"
        ));
        whole.forge.merged(request.number);
        whole.steps("release", 0);
        assert!(forge.release("größe/1.1.0").unwrap().is_some_and(|release| !release.draft));
        whole.settled("release");
    }
}

#[test]
fn notes_of_a_mebibyte_are_cut_and_that_is_said() {
    let script = format!(
        "{GROWN}; for i in $(seq 1 40); do for j in $(seq 1 27000); do printf ü; done; echo; done >../long; \
         {{ printf 'feat!: long\\n\\n'; sed 's/^/BREAKING CHANGE: /' ../long; }} >../message; command git commit -q --allow-empty -F ../message"
    );
    for whole in Whole::both("", &script) {
        let ran = whole.steps("release 2.0.0", 0);
        let most = longest_notes(whole.forge.kind);
        let forge = whole.forge.forges().at(&whole.forge.place()).expect("it is known");
        let notes = forge.release("v2.0.0").unwrap().expect("it is there").notes;
        assert!(
            ran.text().contains("are longer than") && ran.text().contains("are cut"),
            "{}",
            &ran.text()[..2000]
        );
        assert!(
            notes.chars().count() <= most && notes.chars().count() > most * 3 / 4,
            "{}",
            notes.chars().count()
        );
        assert!(
            notes.trim_end().ends_with(").*") && notes.contains("CHANGELOG.md"),
            "{}",
            &notes[notes.len() - 200..]
        );
        whole.settled("release");
    }
}

#[test]
fn subjects_mention_nobody_and_link_to_no_script() {
    let script = "commit 'feat: one'; tag v1.0.0; commit 'fix: bump @types/node, thanks @alice' a; commit 'fix: [x](javascript:alert(1))' b";
    for whole in Whole::both("", script) {
        whole.steps("release", 0);
        let forge = whole.forge.forges().at(&whole.forge.place()).expect("it is known");
        let notes = forge.release("v1.0.1").unwrap().expect("it is there").notes;
        assert!(notes.contains("bump `@types/node`, thanks `@alice` "), "{notes}");
        assert!(notes.contains("[x\\](javascript:"), "{notes}");
    }
}
