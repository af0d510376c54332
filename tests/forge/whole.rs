//! Whole runs of the program in a repository whose remote the forge has: the same on both forges.

use std::collections::BTreeMap;

use release_steps::world::forge::{Commented, Kind};

use crate::support::{Ran, World as Git};
use crate::world::World;

/// A repository, its remote, and the forge that has it.
pub struct Whole {
    pub forge: World,
    pub git: Git,
}

impl Whole {
    /// On each forge: a repository that a script makes, with more configuration.
    pub fn both(config: &str, script: &str) -> Vec<Whole> {
        Whole::both_with("", config, script)
    }

    /// The same, with more of `forge`.
    pub fn both_with(of_forge: &str, config: &str, script: &str) -> Vec<Whole> {
        crate::worlds().into_iter().map(|forge| Whole::new(forge, of_forge, config, script)).collect()
    }

    fn new(forge: World, of_forge: &str, config: &str, script: &str) -> Whole {
        let place = forge.place();
        let kind = if place.kind == Kind::GitHub { "github" } else { "gitlab" };
        let text = format!(
            "forge: {{kind: {kind}, url: \"{}\", repository: {}, token_env: FORGE_TOKEN, {of_forge}}}\n{config}",
            place.web, place.repository
        );
        let env: BTreeMap<String, String> =
            [("FORGE_TOKEN".to_owned(), crate::gitlab::TOKEN.to_owned())].into_iter().collect();
        let git = Git::made_by(&format!("{script}\norigin"), env, |repo| {
            std::fs::write(repo.join("release-steps.yml"), text).expect("it can be written");
        });
        forge.follow(&git.root().join("origin.git"));
        Whole { forge, git }
    }

    /// Runs a line that must end with this code, and nothing of which may show the token.
    pub fn steps(&self, line: &str, code: i32) -> Ran {
        let ran = self.git.steps(line);
        assert_eq!(ran.code, Some(code), "{:?} `{line}`:\n{}", self.forge.kind, ran.text());
        assert!(!ran.text().contains(crate::gitlab::TOKEN), "{}", ran.text());
        ran
    }

    /// Runs bash that must end well.
    pub fn bash(&self, script: &str) {
        let ran = self.git.bash(script);
        assert_eq!(ran.code, Some(0), "`{script}`:\n{}", ran.text());
    }

    /// Whether a second run changes nothing: no call that does, and exit code 0.
    pub fn settled(&self, line: &str) {
        self.forge.exchanges();
        let ran = self.steps(line, 0);
        let changing: Vec<String> = self
            .forge
            .exchanges()
            .iter()
            .filter(|(ask, _)| ask.method != "GET" && !ask.path.ends_with("/graphql"))
            .map(|(ask, _)| format!("{} {}", ask.method, ask.path))
            .collect();
        assert!(changing.is_empty(), "{:?} `{line}` again: {changing:?}\n{}", self.forge.kind, ran.text());
    }
}

const RELEASED: &str = "commit 'feat: one'; tag v1.0.0; mkdir dist; echo dist/ >.gitignore; commit 'fix: two' a; \
     echo first >dist/a.tgz; echo second >dist/b.tgz";

#[test]
fn a_release_records_its_artifacts_and_verify_refuses_others() {
    for whole in Whole::both("release: {assets: [\"dist/*.tgz\"]}\n", RELEASED) {
        let kind = whole.forge.kind;
        let ran = whole.steps("release", 0);
        assert!(ran.text().contains("with 3 files and their digests"), "{}", ran.text());
        crate::check(&whole.forge, &whole.forge.exchanges());
        whole.settled("release");
        let ran = whole.steps("release verify", 0);
        for name in ["a.tgz", "b.tgz"] {
            assert!(ran.text().contains(&format!("{name} is the recorded")), "{kind:?}: {}", ran.text());
        }
        // The record names the commit of the tag.
        let commit = whole.git.git(&["rev-parse", "v1.0.1^{commit}"]);
        let forge = whole.forge.forges().at(&whole.forge.place()).unwrap();
        let release = forge.release("v1.0.1").unwrap().expect("it is there");
        let record = release.assets.iter().find(|a| a.name == "artifacts.json").expect("it is there");
        let text = forge.asset_text(record).unwrap();
        assert!(text.contains(&format!("\"commit\": \"{}\"", commit.trim())), "{text}");

        whole.steps("release verify v1.0.1 dist/a.tgz", 0);
        let ran = whole.steps("release verify dist/a.tgz dist/b.tgz", 0);
        assert!(ran.text().contains("v1.0.1"), "{}", ran.text());
        whole.bash("echo other >dist/b.tgz; cp dist/a.tgz dist/c.tgz");
        assert!(
            whole
                .steps("release verify v1.0.1 dist/a.tgz dist/b.tgz", 1)
                .text()
                .contains("recorded is sha256:")
        );
        assert!(
            whole.steps("release verify v1.0.1 dist/c.tgz", 1).text().contains("no digest of dist/c.tgz")
        );
        whole.steps("release verify v1.0.1 dist/gone.tgz", 4);
        assert!(whole.steps("release verify v1.0.0", 4).text().contains("no published release"));
        // A tag that was moved is another commit than the recorded one.
        whole.bash("commit 'fix: three' a; command git tag -f -a -m x v1.0.1");
        assert!(whole.steps("release verify v1.0.1", 1).text().contains("and v1.0.1 is"));
    }
}

#[test]
fn a_file_that_was_replaced_at_the_forge_is_refused() {
    for whole in Whole::both("release: {assets: [\"dist/*.tgz\"]}\n", RELEASED) {
        whole.steps("release", 0);
        let forge = whole.forge.forges().at(&whole.forge.place()).unwrap();
        let release = forge.release("v1.0.1").unwrap().expect("it is there");
        let asset = release.assets.iter().find(|a| a.name == "a.tgz").expect("it is there");
        forge.remove_asset(&release, asset).unwrap();
        let ran = whole.steps("release verify v1.0.1", 4);
        assert!(
            ran.text().contains("a.tgz was recorded, and the release does not have it"),
            "{}",
            ran.text()
        );
        let mut release = forge.release("v1.0.1").unwrap().expect("it is there");
        let body = release_steps::world::http::Body::Bytes("wrong!".into());
        let asset = forge.add_asset(&release, "a.tgz", body).unwrap();
        if whole.forge.kind == Kind::GitLab {
            release.assets.push(asset);
            let (name, notes) = (release.name.clone(), release.notes.clone());
            let text = release_steps::world::forge::ReleaseText {
                tag: "v1.0.1",
                name: &name,
                notes: &notes,
                prerelease: false,
                latest: None,
            };
            forge.publish_release(&release, &text).unwrap();
        }
        let ran = whole.steps("release verify v1.0.1", 1);
        assert!(ran.text().contains("a.tgz is sha256:"), "{}", ran.text());
    }
}

const PREPARED: &str = "echo '{\"version\": \"1.0.0\"}' >package.json; commit 'feat: one'; tag v1.0.0; \
     commit 'feat: <b>two</b> @everyone' a";

#[test]
fn a_release_is_prepared_in_one_request_and_made_once_it_is_merged() {
    for (how, merge) in [
        ("squash", "git merge -q --squash FETCH_HEAD; git commit -q -m 'chore(release): 1.2.0 (#1)'"),
        ("merge", "git merge -q --no-ff -m \"Merge branch 'release-request/main' into 'main'\" FETCH_HEAD"),
        ("rebase", "git merge -q --ff-only FETCH_HEAD"),
    ] {
        let config = "requests: {from: [release], labels: [release], reviewers: [anna]}\n";
        for whole in Whole::both(config, PREPARED) {
            let kind = whole.forge.kind;
            let main = whole.git.git(&["rev-parse", "main", "origin/main"]);
            let dry = whole.steps("release --dry-run", 0);
            assert!(whole.forge.requests("release-request/main").is_empty());
            whole.forge.exchanges();
            whole.steps("release", 0);
            crate::check(&whole.forge, &whole.forge.exchanges());
            assert!(dry.stdout.contains("request \"chore(release): 1.1.0\""), "{}", dry.stdout);
            whole.bash("command git fetch -q");
            assert_eq!(whole.git.git(&["rev-parse", "main", "origin/main"]), main, "main stays where it is");
            assert_eq!(whole.git.git(&["status", "--porcelain"]), "");
            whole.settled("release");
            let request = || {
                let forge = whole.forge.forges().at(&whole.forge.place()).unwrap();
                forge.request("release-request/main", "main").unwrap().expect("it is there")
            };
            let first = request();
            assert_eq!(
                (first.labels.as_slice(), first.reviewers.as_slice()),
                (&["release".to_owned()][..], &["anna".to_owned()][..])
            );
            assert!(
                first.body.contains("### Added")
                    && first.body.contains("`package.json`: version 1.0.0 → 1.1.0"),
                "{}",
                first.body
            );
            assert!(!first.body.contains(" <b>"), "{}", first.body);

            // It follows the main branch: the same request, another version.
            whole.bash("commit 'feat!: three' a; command git push -q origin main");
            whole.steps("release 1.2.0", 0);
            whole.settled("release 1.2.0");
            assert_eq!(whole.forge.requests("release-request/main"), [first.number], "{kind:?}");
            assert_eq!(request().title, "chore(release): 1.2.0");
            let subjects = whole.git.git(&["ls-remote", "origin", "release-request/main"]);
            assert_eq!(subjects.lines().count(), 1);

            // What people add to the branch would be lost.
            whole.bash("command git fetch -q origin release-request/main; command git branch -q mine FETCH_HEAD; \
                 command git switch -q mine; commit 'docs: mine' b; command git push -q origin HEAD:release-request/main; \
                 command git switch -q main");
            assert!(whole.steps("release 1.2.0", 1).stderr.contains("has 2 commits"));
            whole.bash("command git push -q --force origin mine~1:release-request/main");

            whole.bash(&format!(
                "command git fetch -q origin release-request/main; {merge}; command git push -q origin main"
            ));
            whole.forge.merged(first.number);
            let released = whole.git.git(&["rev-parse", "main"]);
            whole.bash("commit 'fix: four' a; command git push -q origin main");
            let ran = whole.steps("release", 0);
            assert!(ran.text().contains("v1.2.0"), "{how}: {}", ran.text());
            assert_eq!(whole.git.git(&["rev-parse", "v1.2.0^{commit}"]), released, "{how}");
            assert!(whole.git.git(&["ls-remote", "origin", "v1.2.0"]).contains("refs/tags/v1.2.0"));
            let forge = whole.forge.forges().at(&whole.forge.place()).unwrap();
            let made = forge.release("v1.2.0").unwrap().expect("it is published");
            assert!(
                !made.draft && made.notes.contains("three") && !made.notes.contains("four"),
                "{}",
                made.notes
            );
            // The next release is prepared in a new request.
            whole.steps("release", 0);
            assert_eq!(whole.forge.requests("release-request/main").len(), 2, "{kind:?} {how}");
            assert_eq!(request().title, "chore(release): 1.2.1");
        }
    }
}

#[test]
fn release_and_hotfix_branches_and_merges_back_get_one_request_each() {
    let config =
        "branch: {model: gitflow}\nrequests: {from: [cut, merge-back], labels: [flow], draft: true}\n";
    let script = "commit 'feat: one'; tag v1.0.0; command git switch -q -c develop; commit 'feat: `two` @x' a; commit 'x' b";
    for whole in Whole::both(config, script) {
        let kind = whole.forge.kind;
        let forge = whole.forge.forges().at(&whole.forge.place()).unwrap();
        whole.steps("branch cut", 0);
        crate::check(&whole.forge, &whole.forge.exchanges());
        whole.settled("branch cut");
        let request = forge.request("release/v1.1.0", "main").unwrap().expect("it is there");
        assert!(request.body.contains("`feat: 'two' @x`"), "{}", request.body);
        assert!(request.labels == ["flow"] && request.title.ends_with("Release 1.1.0"), "{request:?}");
        // Grown, it is brought up to date, not opened again.
        whole.bash("command git switch -q release/v1.1.0; commit 'fix: three' a; command git push -q origin release/v1.1.0");
        whole.steps("branch cut 1.1.0", 0);
        assert_eq!(whole.forge.requests("release/v1.1.0"), [request.number], "{kind:?}");
        assert!(forge.request("release/v1.1.0", "main").unwrap().unwrap().body.contains("fix: three"));

        // A hotfix branch has nothing to be requested yet.
        let ran = whole.steps("branch hotfix PAY-1 --request", 0);
        assert!(ran.text().contains("a request is opened once it has not"), "{}", ran.text());
        assert_eq!(forge.request("hotfix/v1.0.1-PAY-1", "main").unwrap(), None);
        whole.bash(
            "command git switch -q hotfix/v1.0.1-PAY-1; commit 'fix: it' c; command git push -q origin HEAD",
        );
        whole.steps("branch hotfix PAY-1 --version 1.0.1 --request", 0);
        whole.settled("branch hotfix PAY-1 --version 1.0.1 --request");
        assert_eq!(whole.forge.requests("hotfix/v1.0.1-PAY-1").len(), 1);

        let main = whole.git.git(&["ls-remote", "origin", "main", "develop"]);
        whole.steps("branch merge-back hotfix/v1.0.1-PAY-1", 0);
        whole.settled("branch merge-back hotfix/v1.0.1-PAY-1");
        assert_eq!(
            whole.git.git(&["ls-remote", "origin", "main", "develop"]),
            main,
            "nothing is merged by itself"
        );
        for into in ["main", "develop", "release/v1.1.0"] {
            assert!(forge.request("hotfix/v1.0.1-PAY-1", into).unwrap().is_some(), "{kind:?}: {into}");
        }
        assert_eq!(whole.forge.requests("hotfix/v1.0.1-PAY-1").len(), 3);
    }
}

const GROWN: &str = "commit 'feat: one'; tag v1.0.0; commit 'feat: two' a; \
     export GIT_AUTHOR_NAME=Bob GIT_AUTHOR_EMAIL=bob@example.org; \
     command git switch -q -c topic; commit 'fix: three' b; commit 'fix: three more' b; command git switch -q main; \
     git merge -q --no-ff -m 'Merge topic' topic; export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.org; commit 'fix: four' c";

#[test]
fn a_changelog_is_enriched_by_the_requests_of_its_commits() {
    let config = "changelog: {enrich: true, notes: notes.j2}\n";
    let template = "{% for s in sections %}{% for e in s.entries %}{{ e.subject }}|{{ e.link }}|{% if e.request %}\
         {{ e.request.author }}|{{ e.request.labels | join(',') }}|{{ e.request.issues | join(',') }}{% endif %}\n{% endfor %}{% endfor %}\
         {% for c in contributors %}{{ c.name }} {{ c.login }} {{ c.first_time }}\n{% endfor %}";
    let script = format!("printf '%s' \"$NOTES\" >notes.j2\n{GROWN}");
    for whole in Whole::both(config, &script.replace("$NOTES", template)) {
        let kind = whole.forge.kind;
        let id = |rev: &str| whole.git.git(&["rev-parse", rev]).trim().to_owned();
        whole.forge.brought(7, "ada-l", &["api", "big"], "Closes #3", &[id("main~2")]);
        let topic = [id("topic"), id("topic~1"), id("main~1")];
        whole.forge.brought(8, "bob-x", &[], "text", &topic);
        whole.forge.exchanges();
        let ran = whole.steps("release --dry-run --json", 0);
        let calls = whole.forge.exchanges();
        crate::check(&whole.forge, &calls);
        let asked = calls
            .iter()
            .filter(|(ask, _)| ask.path.contains("graphql") || ask.path.contains("merge_requests"))
            .count();
        // GitLab: the list, and one commit that no request brought.
        assert_eq!(asked, if kind == Kind::GitHub { 1 } else { 2 }, "{kind:?}");
        let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let notes = document["notes"].as_str().unwrap_or_default().to_owned();
        let place = whole.forge.place();
        let link = |mark: &str, number: u64| match kind {
            Kind::GitHub => format!("[#{mark}]({}/{}/pull/{number})", place.web, place.repository),
            Kind::GitLab => {
                format!("[!{mark}]({}/{}/-/merge_requests/{number})", place.web, place.repository)
            }
        };
        for line in [
            format!("two|{}|ada-l|api,big|3", link("7", 7)),
            format!("three|{}|bob-x||", link("8", 8)),
            format!("three more|{}|bob-x||", link("8", 8)),
            "Bob bob-x True".to_owned(),
            "Ada ada-l False".to_owned(),
        ] {
            assert!(notes.lines().any(|l| l == line), "{kind:?}: {line}\n{notes}\n{document:#}");
        }
        assert!(notes.lines().any(|l| l.starts_with("four|") && l.ends_with('|')), "{notes}");
        assert!(!notes.contains("evil"), "the address is made here: {notes}");
        // Asked for again at once, only what has no request is looked up.
        whole.steps("release --dry-run", 0);
        let again = whole.forge.exchanges();
        let asked = again
            .iter()
            .filter(|(ask, _)| ask.path.contains("graphql") || ask.path.contains("merge_requests"));
        for (ask, _) in asked {
            let body = String::from_utf8_lossy(&ask.body).into_owned() + &ask.path;
            assert!(!body.contains(&id("main~2")) && body.contains(&id("main")), "{kind:?}: {body}");
        }
        // Without an answer the release is listed without, and that is said.
        whole.bash("rm -r .git/release-steps/cache");
        let number = calls
            .iter()
            .position(|(ask, _)| ask.path.contains("graphql") || ask.path.contains("merge_requests"))
            .unwrap();
        whole.forge.break_request(number, crate::world::Fault::Status(403));
        let ran = whole.steps("release --dry-run", 0);
        assert!(
            ran.stdout.contains("warning: the requests of the changes could not be looked up: 403"),
            "{kind:?} {}",
            ran.text()
        );
    }
}

#[test]
fn the_built_in_notes_name_requests_and_new_contributors() {
    for whole in Whole::both("changelog: {enrich: true}\n", GROWN) {
        let id = |rev: &str| whole.git.git(&["rev-parse", rev]).trim().to_owned();
        whole.forge.brought(7, "ada-l", &[], "Closes #3", &[id("main~2")]);
        whole.forge.brought(8, "bob-x", &[], "", &[id("topic"), id("topic~1"), id("main~1")]);
        whole.steps("release", 0);
        let forge = whole.forge.forges().at(&whole.forge.place()).unwrap();
        let notes = forge.release("v1.1.0").unwrap().expect("it is there").notes;
        let mark = if whole.forge.kind == Kind::GitHub { '#' } else { '!' };
        assert!(notes.contains("by @ada-l, closes #3\n"), "{notes}");
        assert!(notes.contains(&format!("### New contributors\n\n- @bob-x with [{mark}8](")), "{notes}");
        assert!(!notes.contains("- @ada-l with"), "{notes}");
        whole.settled("release");
    }
}

#[test]
fn a_comment_on_the_request_is_edited_in_place() {
    let config = "requests: {from: [release]}\nnotify: {name: shop, channels: {request: {comment: {}}}, required: [request]}\n";
    for whole in Whole::both(config, PREPARED) {
        let kind = whole.forge.kind;
        whole.steps("release", 0);
        let forge = whole.forge.forges().at(&whole.forge.place()).unwrap();
        let number = forge.request("release-request/main", "main").unwrap().expect("it is there").number;
        let comment = || {
            let all = forge.comments(Commented::Request(number)).unwrap();
            assert_eq!(all.len(), 1, "{kind:?}: {all:?}");
            all[0].body.clone()
        };
        whole.forge.exchanges();
        let started = format!("notify started --release 1.1.0 --set previous=1.0.0 --request {number}");
        whole.steps(&started, 0);
        assert!(comment().contains("**shop 1.1.0: deployment started**\n\nFrom 1.0.0."), "{}", comment());
        whole.settled(&started);
        whole.steps(&format!("notify done --release 1.1.0 --text 'thanks @anna' --request {number}"), 0);
        assert!(comment().contains("shop 1.1.0 is live"), "{}", comment());
        assert!(!comment().contains("@anna"), "nobody is called: {}", comment());
        crate::check(&whole.forge, &whole.forge.exchanges());
        // Which one is told by the CI job, too.
        let variable = match kind {
            Kind::GitHub => ("GITHUB_REF".to_owned(), format!("refs/pull/{number}/merge")),
            Kind::GitLab => ("CI_MERGE_REQUEST_IID".to_owned(), number.to_string()),
        };
        let ran = whole.git.steps_with("notify report --release 1.1.0", &[(&variable.0, &variable.1)]);
        assert_eq!(ran.code, Some(0), "{}", ran.text());
        assert!(comment().contains("how it went"), "{}", comment());
    }
}

#[test]
fn a_comment_without_a_request_is_on_the_commit() {
    for (on, budget) in [("{}", 10), ("{on: commit}", 1)] {
        let config = format!(
            "notify: {{name: shop, budget: {budget}s, channels: {{forge: {{comment: {on}}}}}, required: [forge]}}\n"
        );
        for whole in Whole::both(&config, RELEASED) {
            let kind = whole.forge.kind;
            let head = whole.git.git(&["rev-parse", "HEAD"]).trim().to_owned();
            let forge = whole.forge.forges().at(&whole.forge.place()).unwrap();
            let comments = || forge.comments(Commented::Commit(head.parse().unwrap())).unwrap();
            let dry = whole.steps("notify started --release 1.1.0 --dry-run", 0);
            assert!(dry.stdout.contains(&format!("on commit {}", &head[..7])), "{}", dry.text());
            assert_eq!(comments(), []);
            whole.forge.exchanges();
            whole.steps("notify started --release 1.1.0 --set previous=1.0.0", 0);
            whole.settled("notify started --release 1.1.0 --set previous=1.0.0");
            whole.steps("notify done --release 1.1.0", 0);
            crate::check(&whole.forge, &whole.forge.exchanges());
            let all = comments();
            assert_eq!(all.len(), 1, "{kind:?}: {all:?}");
            assert!(all[0].body.contains("shop 1.1.0 is live"), "{all:?}");
            // A commit that the forge does not have.
            whole.bash("commit 'fix: here only' a");
            let ran = whole.steps("notify done --release 1.1.1", 3);
            assert!(ran.stderr.contains("push the commit"), "{}", ran.text());
        }
    }
}

/// However often a run is cut off, before or after any change: one comment, which says what was said last.
#[test]
fn killed_at_each_change_there_is_one_comment() {
    let config = "requests: {from: [release]}\nnotify: {name: shop, budget: 2s, channels: {forge: {comment: {}}}, required: [forge]}\n";
    for whole in Whole::both(config, PREPARED) {
        let kind = whole.forge.kind;
        whole.steps("release", 0);
        let forge = whole.forge.forges().at(&whole.forge.place()).unwrap();
        let number = forge.request("release-request/main", "main").unwrap().expect("it is there").number;
        let head = whole.git.git(&["rev-parse", "HEAD"]).trim().parse().unwrap();
        for (on, flag) in [
            (Commented::Request(number), format!(" --request {number}")),
            (Commented::Commit(head), String::new()),
        ] {
            let mut kills = 0;
            for at in 1.. {
                let release = format!("1.{at}.0");
                let started = format!("notify started --release {release}{flag}");
                let killed = whole.git.steps_with(&started, &[("RELEASE_STEPS_CRASH_AT", &at.to_string())]);
                let whole_run = killed.code == Some(0);
                kills += usize::from(!whole_run);
                whole.steps(if at % 2 == 0 && !whole_run { "resume" } else { &started }, 0);
                let done = format!("notify done --release {release}{flag}");
                whole.git.steps_with(&done, &[("RELEASE_STEPS_CRASH_AT", &at.to_string())]);
                whole.steps(&done, 0);
                let of_it: Vec<_> = forge
                    .comments(on)
                    .unwrap()
                    .into_iter()
                    .filter(|it| it.body.contains(&format!("shop {release}")))
                    .collect();
                assert_eq!(of_it.len(), 1, "{kind:?} killed at {at}: {of_it:?}");
                assert!(of_it[0].body.contains("is live"), "{kind:?} killed at {at}: {of_it:?}");
                if whole_run {
                    break;
                }
            }
            assert!(kills >= 3, "{kind:?}: only {kills} kills: is anything killed at all?");
        }
    }
}

#[test]
fn the_number_of_calls_is_told() {
    for whole in Whole::both("release: {assets: [\"dist/*.tgz\"]}\n", RELEASED) {
        whole.forge.exchanges();
        let ran = whole.steps("release -v", 0);
        let calls = whole.forge.exchanges().len();
        assert!(ran.text().contains(&format!("{calls} calls to the forge")), "{calls}: {}", ran.text());
    }
}

#[test]
fn build_dispatch_waits_and_ends_as_the_run_does() {
    use std::sync::atomic::Ordering;
    for whole in Whole::both("", "commit 'feat: one'") {
        let kind = whole.forge.kind;
        let line = match kind {
            Kind::GitHub => "build dispatch --workflow build.yml --input target=prod --wait",
            Kind::GitLab => "build dispatch --input TARGET=prod --wait",
        };
        let ran = whole.steps(&format!("{line} --ref none"), 2);
        assert!(ran.text().contains("has no branch or tag none"), "{}", ran.text());
        whole.steps(line, 0);
        whole.forge.actions.failing.store(true, Ordering::Relaxed);
        whole.forge.gitlab.pipelines_fail();
        // The same at the same second would be the same run.
        let text = whole.steps(&line.replace("=prod", "=stage"), 1).text();
        assert!(text.contains("the run ended with ") && text.contains("line 2"), "{kind:?}: {text}");
    }
}
