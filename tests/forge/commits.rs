//! Commits by the forges' APIs: the servers' side over a real repository, and the tests.

use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use release_steps::data::CommitId;
use release_steps::effect::{Before, ByForge, Commit, FileEdit, Make, Person, Rev};
use release_steps::error::Error;
use release_steps::world::State;
use release_steps::world::forge::{CommitText, Kind};
use release_steps::world::git::write::{Made, Writer};
use serde_json::{Value, json};

use crate::server::{Ask, Reply};
use crate::whole::Whole;
use crate::world::FAULTS;

/// Runs git in a repository; none where it fails.
fn git(repository: &Path, args: &[&str], input: &[u8]) -> Option<String> {
    use std::io::Write as _;
    let mut child = Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(args)
        .env("GIT_INDEX_FILE", repository.join(format!("index-{:?}", std::thread::current().id())))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git runs");
    child.stdin.take().expect("it has one").write_all(input).expect("git reads");
    let output = child.wait_with_output().expect("git ends");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn tip(repository: &Path, branch: &str) -> Option<String> {
    git(repository, &["rev-parse", "--verify", "--quiet", &format!("refs/heads/{branch}")], b"")
}

/// What a server is asked to commit.
struct Wish {
    parent: String,
    branch: String,
    message: String,
    author: String,
    changes: Vec<(String, Option<Vec<u8>>)>,
}

/// Commits as a server does: signed, with a committer of its own.
fn commit(repository: &Path, wish: &Wish) -> String {
    let run =
        |args: &[&str], input: &[u8]| git(repository, args, input).unwrap_or_else(|| panic!("git {args:?}"));
    run(&["read-tree", &wish.parent], b"");
    for (path, content) in &wish.changes {
        match content {
            Some(content) => {
                let blob = run(&["hash-object", "-w", "--stdin"], content);
                let there = run(&["ls-tree", &wish.parent, "--", path], b"");
                let mode =
                    there.split(' ').next().filter(|mode| !mode.is_empty()).unwrap_or("100644").to_owned();
                run(&["update-index", "--add", "--cacheinfo", &format!("{mode},{blob},{path}")], b"");
            }
            None => drop(run(&["update-index", "--force-remove", "--", path], b"")),
        }
    }
    let tree = run(&["write-tree"], b"");
    let text = format!(
        "tree {tree}\nparent {}\nauthor {} 1767225600 +0000\ncommitter Forge <noreply@forge.example> 1767225600 +0000\n\
         gpgsig -----BEGIN SSH SIGNATURE-----\n x\n -----END SSH SIGNATURE-----\n\n{}",
        wish.parent, wish.author, wish.message
    );
    let commit = run(&["hash-object", "-t", "commit", "-w", "--stdin"], text.as_bytes());
    run(&["update-ref", &format!("refs/heads/{}", wish.branch), &commit], b"");
    commit
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().expect("a text")).expect("base64")
}

/// GitHub: `createCommitOnBranch` (<https://docs.github.com/graphql/reference/commits#createcommitonbranch>) and git's refs
/// (<https://docs.github.com/rest/git/refs>), of a repository that the emulator does not have.
pub fn github(ask: &Ask, repository: &Path) -> Option<Reply> {
    let said = ask.json();
    if ask.path.ends_with("/graphql") {
        let input = &said["variables"]["input"];
        if !said["query"].as_str().is_some_and(|q| q.contains("createCommitOnBranch")) {
            return None;
        }
        let branch = input["branch"]["branchName"].as_str().unwrap_or_default().to_owned();
        let parent = input["expectedHeadOid"].as_str().unwrap_or_default().to_owned();
        let refuse = |kind: &str, message: String| {
            let error = json!({ "type": kind, "path": ["createCommitOnBranch"], "message": message });
            Reply::json(200, &json!({ "data": { "createCommitOnBranch": null }, "errors": [error] }))
        };
        let Some(now) = tip(repository, &branch) else {
            return Some(refuse("NOT_FOUND", format!("No ref found named \"{branch}\"")));
        };
        if now != parent {
            let message =
                format!("Expected branch to point to \"{parent}\" but it did not. Pull and try again.");
            return Some(refuse("STALE_DATA", message));
        }
        let list = |name: &str| input["fileChanges"][name].as_array().cloned().unwrap_or_default();
        let path = |change: &Value| change["path"].as_str().unwrap_or_default().to_owned();
        let mut changes: Vec<_> =
            list("additions").iter().map(|a| (path(a), Some(decoded(&a["contents"])))).collect();
        changes.extend(list("deletions").iter().map(|d| (path(d), None)));
        let text = |name: &str| input["message"][name].as_str().unwrap_or_default().to_owned();
        let message = format!("{}\n\n{}", text("headline"), text("body")).trim_end().to_owned();
        let author = "octocat <octocat@users.noreply.github.example>".to_owned();
        let oid = commit(repository, &Wish { parent, branch, message, author, changes });
        return Some(Reply::json(
            200,
            &json!({ "data": { "createCommitOnBranch": { "commit": { "oid": oid } } } }),
        ));
    }
    let rest = ask.path.strip_prefix("/repos/octocat/hello/git/refs")?;
    let refuse = |message: &str| {
        let url = "https://docs.github.com/rest/git/refs";
        Reply::json(422, &json!({ "message": message, "documentation_url": url }))
    };
    let answer = |status: u16, name: &str, sha: &str| {
        let object = json!({ "type": "commit", "sha": sha, "url": "https://x.example/" });
        let body = json!({ "ref": name, "node_id": "x", "url": "https://x.example/", "object": object });
        Reply::json(status, &body)
    };
    let sha = said["sha"].as_str().unwrap_or_default();
    Some(match ask.method.as_str() {
        "POST" => {
            let name = said["ref"].as_str().unwrap_or_default();
            match git(repository, &["update-ref", name, sha, ""], b"") {
                Some(_) => answer(201, name, sha),
                None => refuse("Reference already exists"),
            }
        }
        "PATCH" => {
            let name = format!("refs{}", percent_encoding::percent_decode_str(rest).decode_utf8_lossy());
            match git(repository, &["update-ref", &name, sha], b"") {
                Some(_) => answer(200, &name, sha),
                None => refuse("Reference does not exist"),
            }
        }
        "DELETE" => {
            let name = format!("refs{}", percent_encoding::percent_decode_str(rest).decode_utf8_lossy());
            match tip(repository, name.trim_start_matches("refs/heads/")) {
                Some(_) => {
                    git(repository, &["update-ref", "-d", &name], b"").expect("it is deleted");
                    Reply { status: 204, ..Reply::default() }
                }
                None => refuse("Reference does not exist"),
            }
        }
        _ => return None,
    })
}

/// GitLab: <https://docs.gitlab.com/api/commits/#create-a-commit>
pub fn gitlab(body: &Value, repository: &Path) -> Reply {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let refuse = |message: String| Reply::json(400, &json!({ "message": message }));
    let branch = text(&body["branch"]);
    let now = tip(repository, &branch);
    let parent = match (now, body["start_sha"].as_str()) {
        (Some(_), Some(_)) if body["force"] != true => {
            return refuse(format!(
                "A branch called '{branch}' already exists. Switch to that branch in order to make changes"
            ));
        }
        (_, Some(start)) => start.to_owned(),
        (Some(now), None) => now,
        (None, None) => {
            return refuse("You can only create or edit files when you are on a branch".to_owned());
        }
    };
    let mut changes = Vec::new();
    for action in body["actions"].as_array().into_iter().flatten() {
        let path = text(&action["file_path"]);
        let there = git(repository, &["cat-file", "-e", &format!("{parent}:{path}")], b"").is_some();
        let kind = text(&action["action"]);
        match (kind.as_str(), there) {
            ("create", true) => return refuse("A file with this name already exists".to_owned()),
            ("update" | "delete", false) => return refuse("A file with this name doesn't exist".to_owned()),
            _ => {}
        }
        let last =
            git(repository, &["log", "-1", "--format=%H", &parent, "--", &path], b"").unwrap_or_default();
        if action["last_commit_id"].as_str().is_some_and(|known| known != last) {
            return refuse(format!("The file has changed since you started editing it: {path}"));
        }
        changes.push((path, (kind != "delete").then(|| decoded(&action["content"]))));
    }
    let name = |field: &str, default: &str| body[field].as_str().unwrap_or(default).to_owned();
    let author = format!("{} <{}>", name("author_name", "octocat"), name("author_email", "o@x.example"));
    let message = text(&body["commit_message"]);
    let id = commit(
        repository,
        &Wish { parent: parent.clone(), branch, message: message.clone(), author, changes },
    );
    Reply::json(
        201,
        &json!({ "id": id, "short_id": &id[..11], "title": message.lines().next(), "message": message, "parent_ids": [parent] }),
    )
}

const CONFIG: &str = "commits: api";

/// On each forge: a repository whose commits the forge makes.
fn both(config: &str, script: &str) -> Vec<Whole> {
    Whole::both_with(CONFIG, config, script)
}

const GROWN: &str =
    "echo '{\"version\": \"1.0.0\"}' >package.json; commit 'feat: one'; tag v1.0.0; commit 'feat: two' a";

fn signed(whole: &Whole, rev: &str) -> bool {
    whole.git.git(&["cat-file", "commit", rev]).contains("gpgsig ")
}

#[test]
fn a_release_commit_is_made_and_signed_by_the_forge() {
    for whole in both("", GROWN) {
        let kind = whole.forge.kind;
        let dry = whole.steps("release --dry-run", 0);
        assert!(dry.stdout.contains(" on main by the API of "), "{}", dry.stdout);
        assert!(!whole.git.git(&["ls-remote", "origin", "v1.1.0"]).contains("v1.1.0"));
        whole.forge.exchanges();
        whole.steps("release", 0);
        crate::check(&whole.forge, &whole.forge.exchanges());
        let commit = whole.git.git(&["rev-parse", "main"]);
        for same in ["origin/main", "v1.1.0^{commit}"] {
            assert_eq!(whole.git.git(&["rev-parse", same]), commit, "{kind:?} {same}");
        }
        assert_eq!(whole.git.git(&["log", "-1", "--format=%s"]).trim(), "chore(release): 1.1.0");
        assert_eq!(whole.git.git(&["status", "--porcelain"]), "", "{kind:?}");
        assert!(signed(&whole, "main"), "{kind:?}");
        assert!(whole.git.git(&["show", "main:package.json"]).contains("1.1.0"));
        whole.settled("release");
    }
}

#[test]
fn a_commit_that_the_forge_made_for_another_job_is_taken() {
    for whole in both("", GROWN) {
        let kind = whole.forge.kind;
        whole.steps("release", 0);
        let made = whole.git.git(&["rev-parse", "main"]);
        // A clone that knows nothing of the commit, as a job that is started again for the same commit.
        whole.bash(
            "command git push -q origin :v1.1.0; command git tag -d v1.1.0 >/dev/null; command git reset -q --hard main~1; \
             command git update-ref refs/remotes/origin/main main; rm -rf .git/release-steps",
        );
        whole.forge.exchanges();
        whole.steps("release", 0);
        let commits = |ask: &Ask| ask.path.ends_with("/graphql") || ask.path.ends_with("/repository/commits");
        assert!(!whole.forge.exchanges().iter().any(|(ask, _)| commits(ask)), "{kind:?}: none is made again");
        assert_eq!(whole.git.git(&["rev-parse", "main"]), made, "{kind:?}");
        assert_eq!(whole.git.git(&["rev-parse", "v1.1.0^{commit}"]), made, "{kind:?}");
    }
}

#[test]
fn a_release_that_is_killed_anywhere_makes_one_commit() {
    let mut killed = 0;
    for at in 1.. {
        let mut ended = 0;
        let wholes = both("", GROWN);
        for whole in &wholes {
            let kind = whole.forge.kind;
            let ran = whole.git.steps_with("release", &[("RELEASE_STEPS_CRASH_AT", &at.to_string())]);
            match ran.code {
                Some(0) => ended += 1,
                _ => killed += 1,
            }
            whole.steps(if at % 2 == 0 { "resume" } else { "release" }, 0);
            whole.bash("command git fetch -q origin");
            let line = whole.git.git(&["log", "--format=%s", "origin/main"]);
            assert_eq!(line.lines().count(), 3, "{kind:?} {at}: {line}");
            assert_eq!(
                whole.git.git(&["rev-parse", "v1.1.0^{commit}"]),
                whole.git.git(&["rev-parse", "origin/main"]),
                "{kind:?} {at}"
            );
            assert_eq!(whole.git.git(&["status", "--porcelain"]), "", "{kind:?} {at}");
            let made = whole.forge.forges().at(&whole.forge.place()).unwrap().release("v1.1.0").unwrap();
            assert!(made.is_some_and(|made| !made.draft), "{kind:?} {at}");
        }
        if ended == wholes.len() {
            break;
        }
    }
    assert!(killed >= 8, "{killed}");
}

#[test]
fn a_release_request_is_committed_by_the_forge_and_replaced_by_it() {
    for whole in both("requests: {from: [release]}\n", GROWN) {
        let kind = whole.forge.kind;
        whole.steps("release", 0);
        whole.settled("release");
        whole.bash("commit 'feat!: three' a; command git push -q origin main");
        whole.steps("release 1.2.0", 0);
        crate::check(&whole.forge, &whole.forge.exchanges());
        whole.settled("release 1.2.0");
        whole.bash("command git fetch -q origin release-request/main");
        assert!(signed(&whole, "FETCH_HEAD"), "{kind:?}");
        let line = whole.git.git(&["log", "--format=%s", "main..FETCH_HEAD"]);
        assert_eq!(line.trim(), "chore(release): 1.2.0", "{kind:?}");
        assert_eq!(whole.forge.requests("release-request/main").len(), 1, "{kind:?}");
        let branches = whole.git.git(&["ls-remote", "--heads", "origin"]);
        assert_eq!(branches.lines().count(), 2, "{kind:?}: {branches}");
    }
}

#[test]
fn a_backport_is_picked_by_the_forge() {
    let script = "commit 'feat: one' a; tag v1.0.0; command git branch release/1.x; commit 'feat: two' b; \
         export GIT_AUTHOR_NAME=Bob GIT_AUTHOR_EMAIL=bob@example.org; \
         commit 'fix: three' c; commit 'fix: four' d";
    for whole in both("", script) {
        let kind = whole.forge.kind;
        whole.steps("branch backport HEAD~1 HEAD --to release/1.x", 0);
        crate::check(&whole.forge, &whole.forge.exchanges());
        let branches = whole.git.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/backport"]);
        let branch = branches.trim();
        let subjects = whole.git.git(&["log", "--format=%s", &format!("release/1.x..{branch}")]);
        assert_eq!(subjects.trim(), "fix: four\nfix: three", "{kind:?}");
        let message = whole.git.git(&["log", "-1", "--format=%an%n%B", branch]);
        assert!(message.contains("(cherry picked from commit "), "{message}");
        match kind {
            Kind::GitHub => assert!(message.contains("Co-authored-by: Bob <bob@example.org>"), "{message}"),
            Kind::GitLab => assert!(message.starts_with("Bob\n"), "{message}"),
        }
        assert!(signed(&whole, branch) && signed(&whole, &format!("{branch}~1")), "{kind:?}");
        assert_eq!(whole.forge.requests(branch).len(), 1, "{kind:?}");
        whole.settled("branch backport HEAD~1 HEAD --to release/1.x");
    }
}

#[test]
fn what_the_api_cannot_commit_is_refused_before_anything_is_done() {
    let script = "commit 'feat: one' a; tag v1.0.0; command git branch release/1.x; touch run; chmod +x run; commit 'fix: x' run";
    for whole in both("branch: {model: gitflow, develop: main}\n", script) {
        let before = whole.git.git(&["ls-remote", "origin"]);
        let ran = whole.steps("branch backport HEAD --to release/1.x", 2);
        assert!(ran.text().contains("new executable") && ran.text().contains("run"), "{}", ran.text());
        let ran = whole.steps("release --no-push", 2);
        assert!(ran.text().contains("forge.commits"), "{}", ran.text());
        let ran = whole.steps("branch merge-back main --into release/1.x", 2);
        assert!(ran.text().contains("requests: {from: [merge-back]}"), "{}", ran.text());
        let ran = whole.steps("release --commit HEAD", 2);
        assert!(ran.text().contains("release from the branch"), "{}", ran.text());
        assert_eq!(whole.git.git(&["ls-remote", "origin"]), before);
    }
}

/// What a new process does with a commit by the forge.
fn run(whole: &Whole, effect: &Commit) -> Result<CommitId, Error> {
    let by = effect.by.as_ref().expect("it is one");
    let (git, made) = (Writer::new(&whole.git.repo()), Made::new());
    match git.observe_by_forge(effect, by, &made)? {
        State::Conflict(error) => return Err(error),
        State::Done(Some(done)) => return Ok(done),
        State::Done(None) | State::Ready => {}
    }
    let wanted = git.wanted(effect, &made)?;
    let text = CommitText {
        branch: &by.branch,
        parent: wanted.parent,
        before: by.before,
        message: effect.message.trim_end(),
        author: None,
        changes: &wanted.changes,
    };
    let found = || git.found_at_remote(effect, by, wanted.parent, &made);
    let id = whole.forge.writer().commit(&by.place, &text, &found)?;
    git.land(effect, by, &wanted, id)?;
    Ok(id)
}

#[test]
fn commits_on_a_branch_survive_every_fault() {
    survive(|_| Before::Parent);
}

#[test]
fn commits_on_a_new_branch_survive_every_fault() {
    survive(|_| Before::Absent);
}

#[test]
fn commits_that_replace_a_branch_survive_every_fault() {
    survive(Before::At);
}

fn survive(before: fn(CommitId) -> Before) {
    for whole in both("", "echo 1 >f; commit 'feat: one' a; commit 'feat: two' b") {
        let kind = whole.forge.kind;
        let id =
            |rev: &str| -> CommitId { whole.git.git(&["rev-parse", rev]).trim().parse().expect("an id") };
        let (parent, old) = (id("main"), id("main~1"));
        let mut trial = 0;
        let before = before(old);
        let mut requests = 1;
        let mut number = 0;
        while number < requests {
            for fault in std::iter::once(None).chain(FAULTS.map(Some)) {
                trial += 1;
                let branch = format!("t/{trial}");
                let at = match before {
                    Before::Parent => Some(parent),
                    Before::Absent => None,
                    Before::At(old) => Some(old),
                };
                if let Some(at) = at {
                    whole.git.git(&["push", "-q", "origin", &format!("{at}:refs/heads/{branch}")]);
                }
                let edit = FileEdit {
                    path: "f".to_owned(),
                    before: Some("1\n".to_owned()),
                    after: format!("{trial}\n"),
                    why: "x".to_owned(),
                };
                let place = whole.forge.place();
                let effect = Commit {
                    name: "it".to_owned(),
                    parent: Rev::Commit(parent),
                    branch: None,
                    make: Make::Files(vec![edit]),
                    message: "fix: it\nmore\n".to_owned(),
                    committer: Person { name: "A".to_owned(), email: "a@x.example".to_owned() },
                    when: "2026-01-01T00:00:00Z[UTC]".parse().expect("a time"),
                    sign: false,
                    aside: true,
                    by: None,
                };
                let by = ByForge { place, remote: "origin".to_owned(), branch: branch.clone(), before };
                let effect = effect.made_by(by);
                whole.forge.exchanges();
                if let Some(fault) = fault {
                    whole.forge.break_request(number, fault);
                }
                let what = format!("{kind:?} {before:?}: {fault:?} at request {number} of {requests}");
                let first = run(&whole, &effect);
                let exchanges = whole.forge.exchanges();
                match (&first, fault) {
                    (Err(error), None) => panic!("{what}: {error:?}"),
                    (Err(error), Some(fault)) => {
                        assert!(error.hint.is_some(), "{what}: {error:?}");
                        assert!(!fault.passes(kind), "{what}: {error:?}");
                    }
                    (Ok(_), None) => requests = exchanges.len(),
                    (Ok(_), Some(_)) => {}
                }
                let second = run(&whole, &effect).unwrap_or_else(|e| panic!("{what}: again: {e:?}"));
                assert_eq!(run(&whole, &effect).expect("it is there"), second, "{what}");
                crate::check(&whole.forge, &exchanges);
                let line = whole.git.git(&["ls-remote", "origin", &format!("refs/heads/{branch}")]);
                assert!(line.starts_with(&second.to_string()), "{what}: {line}");
                let made = whole.git.git(&["log", "--format=%P|%B", "-1", &second.to_string()]);
                assert_eq!(made.trim(), format!("{parent}|fix: it\n\nmore"), "{what}");
            }
            number += 1;
        }
    }
}

#[test]
fn a_branch_that_moved_is_not_committed_to() {
    for whole in both("", GROWN) {
        let dry = whole.steps("release --dry-run --plan ../plan.json", 0);
        assert!(dry.stdout.contains("by the API"), "{}", dry.stdout);
        whole.bash(
            "command git switch -q -c other; commit 'fix: theirs' z; command git push -q origin other:main; command git switch -q main",
        );
        let before = whole.git.git(&["ls-remote", "origin"]);
        let ran = whole.steps("apply ../plan.json --yes", 1);
        assert!(ran.text().contains("moved") || ran.text().contains("is not where"), "{}", ran.text());
        assert_eq!(whole.git.git(&["ls-remote", "origin"]), before);
    }
}
