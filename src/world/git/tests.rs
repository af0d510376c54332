//! Small repositories made by git itself, and what git says of them.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::*;
use crate::data::CommitId;

struct Fixture {
    root: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self { root: TempDir::new().unwrap() };
        fixture.git("init -q -b main");
        fixture
    }

    fn path(&self) -> PathBuf {
        self.root.path().to_owned()
    }

    fn command(&self, arguments: &[&str], date: i64) -> Command {
        let mut command = Command::new("git");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", "/nonexistent");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").env("TZ", "UTC");
        for who in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{who}_NAME"), "A U Thor")
                .env(format!("GIT_{who}_EMAIL"), "a@example.com");
            command.env(format!("GIT_{who}_DATE"), format!("@{date} +0130"));
        }
        command.current_dir(self.root.path()).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str], date: i64) -> String {
        let output = self.command(arguments, date).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn git(&self, arguments: &str) -> String {
        self.run(&arguments.split(' ').collect::<Vec<_>>(), 1_000_000_000)
    }

    fn commit(&self, message: &str, date: i64) -> CommitId {
        self.run(&["commit", "-q", "--allow-empty", "-m", message], date);
        self.id("HEAD")
    }

    fn id(&self, revision: &str) -> CommitId {
        id(&self.git(&format!("rev-parse {revision}^{{commit}}")))
    }

    fn open(&self) -> Repository {
        Repository::open(self.root.path()).unwrap()
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn import(&self, stream: &[u8]) {
        let mut child =
            self.command(&["fast-import", "--quiet", "--force"], 0).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stream).unwrap();
        assert!(child.wait().unwrap().success());
    }
}

fn id(hex: &str) -> CommitId {
    CommitId::from_bytes(objects::parse_hex(hex.as_bytes()).unwrap())
}

fn ids(text: &str) -> Vec<CommitId> {
    text.lines().map(id).collect()
}

fn listed(history: &History) -> Vec<CommitId> {
    history.iter().map(|commit| commit.id()).collect()
}

fn names(tags: &[Tag]) -> Vec<(&str, bool)> {
    tags.iter().map(|tag| (tag.name.as_str(), tag.annotated)).collect()
}

#[test]
fn head_is_on_a_branch_detached_or_unborn() {
    let fixture = Fixture::new();
    assert_eq!(fixture.open().head().unwrap(), Head::Unborn { branch: "main".into() });
    let commit = fixture.commit("one", 10);
    assert_eq!(fixture.open().head().unwrap(), Head::Branch { name: "main".into(), commit });
    fixture.git("pack-refs --all");
    assert_eq!(fixture.open().head().unwrap(), Head::Branch { name: "main".into(), commit });
    fixture.git("checkout -q --detach");
    assert_eq!(fixture.open().head().unwrap(), Head::Detached { commit });
    assert_eq!(fixture.open().head().unwrap().commit(), Some(commit));
}

#[test]
fn a_directory_without_a_repository_is_refused() {
    let empty = TempDir::new().unwrap();
    let error = Repository::open(empty.path()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotARepository);
    assert!(error.hint().is_some());
}

#[test]
fn sha256_is_refused() {
    let root = TempDir::new().unwrap();
    let fixture = Fixture { root };
    fixture.git("init -q --object-format=sha256");
    let error = Repository::open(&fixture.path()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("SHA-256"), "{error}");
}

#[test]
fn tags_are_peeled_and_those_of_no_commit_left_out() {
    let fixture = Fixture::new();
    let one = fixture.commit("one", 10);
    for command in [
        "tag light",
        "tag -a -m x annotated",
        "tag -a -m x nested annotated",
        "tag -a -m x of-tree HEAD^{tree}",
        "tag tree HEAD^{tree}",
        "tag pkg/core/v1.0.0",
        "symbolic-ref refs/tags/symbolic refs/tags/annotated",
    ] {
        fixture.git(command);
    }
    fixture.write("blob", b"x");
    let blob = fixture.git("hash-object -w blob");
    fixture.git(&format!("tag blob {blob}"));
    let expected = [
        ("annotated", true),
        ("light", false),
        ("nested", true),
        ("pkg/core/v1.0.0", false),
        ("symbolic", true),
    ];
    for pack in [false, true] {
        if pack {
            fixture.git("pack-refs --all");
            fixture.git("gc -q");
        }
        let tags = fixture.open().tags(|_| true).unwrap();
        assert_eq!(names(&tags), expected);
        assert!(tags.iter().all(|tag| tag.commit == one));
    }
    let only = fixture.open().tags(|name| name.starts_with("pkg/")).unwrap();
    assert_eq!(names(&only), [("pkg/core/v1.0.0", false)]);
}

#[test]
fn a_loose_tag_wins_over_a_packed_one() {
    let fixture = Fixture::new();
    fixture.commit("one", 10);
    fixture.git("tag -a -m x v1");
    fixture.git("tag v0");
    fixture.git("pack-refs --all");
    let two = fixture.commit("two", 20);
    fixture.git("tag -f v1");
    let tags = fixture.open().tags(|_| true).unwrap();
    assert_eq!(names(&tags), [("v0", false), ("v1", false)]);
    assert_eq!(tags[1].commit, two);
}

#[test]
fn packed_tags_without_peeled_lines_are_peeled() {
    let fixture = Fixture::new();
    let one = fixture.commit("one", 10);
    fixture.git("tag -a -m x v1");
    let object = fixture.git("rev-parse v1");
    fixture.git("tag -d v1");
    fixture.write(".git/packed-refs", format!("{object} refs/tags/v1\n").as_bytes());
    let tags = fixture.open().tags(|_| true).unwrap();
    assert_eq!(tags, [Tag { name: "v1".into(), commit: one, annotated: true }]);
}

#[test]
fn broken_tags_are_named() {
    let fixture = Fixture::new();
    fixture.commit("one", 10);
    fixture.write(".git/refs/tags/v1", b"nonsense\n");
    let error = fixture.open().tags(|_| true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("v1"));
    fixture.write(".git/refs/tags/v1", b"1234567890123456789012345678901234567890\n");
    let error = fixture.open().tags(|_| true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingObject);
    assert!(error.to_string().contains("1234567890123456789012345678901234567890"));
}

#[test]
fn a_commit_is_read_whole() {
    let fixture = Fixture::new();
    let one = fixture.commit("one\n\nbody\n", 1_700_000_000);
    let repository = fixture.open();
    let history = repository.history(&[one], &[]).unwrap();
    let commit = history.get(0).unwrap();
    assert_eq!(commit.message(), "one\n\nbody\n");
    assert_eq!(
        (commit.author_name().as_ref(), commit.author_email().as_ref()),
        ("A U Thor", "a@example.com")
    );
    assert_eq!(commit.author_time(), Time { seconds: 1_700_000_000, offset_minutes: 90 });
    assert_eq!(commit.committer_seconds(), 1_700_000_000);
    assert!(!commit.is_merge() && commit.parents().len() == 0);
    assert!(history.get(1).is_none());
}

#[test]
fn messages_in_other_encodings_are_converted() {
    let fixture = Fixture::new();
    let mut stream = Vec::new();
    for (at, (label, message)) in [
        ("", "caf\u{e9}".as_bytes()),
        ("ISO-8859-2", b"\xb1"),
        ("", b"caf\xe9"),
        ("nonsense", b"caf\xe9"),
        ("", b"a\0b"),
    ]
    .into_iter()
    .enumerate()
    {
        let label = if label.is_empty() { String::new() } else { format!("encoding {label}\n") };
        let date = 100 + at;
        write!(
            stream,
            "commit refs/heads/main\ncommitter A <a> {date} -0130\n{label}data {}\n",
            message.len()
        )
        .unwrap();
        stream.extend_from_slice(message);
        stream.push(b'\n');
    }
    fixture.import(&stream);
    let repository = fixture.open();
    let history = repository.history(&[fixture.id("main")], &[]).unwrap();
    let messages: Vec<_> = history.iter().rev().map(|commit| commit.message().into_owned()).collect();
    assert_eq!(messages, ["caf\u{e9}", "\u{105}", "caf\u{e9}", "caf\u{e9}", "a\0b"]);
    assert_eq!(history.get(0).unwrap().author_time().offset_minutes, -90);
}

#[test]
fn odd_headers_do_not_panic() {
    let fixture = Fixture::new();
    let tree = fixture.git("write-tree");
    for (body, read) in [
        (format!("tree {tree}\nauthor nobody\ncommitter\n\nmessage"), Some("message")),
        (format!("tree {tree}\nauthor A <a> 99999999999999999999 +9999999\ncommitter A> -5\n\n"), Some("")),
        (format!("tree {tree}\n"), Some("")),
        (format!("tree {tree}\nparent 12\n\n"), None),
        ("tree 12\n\n".to_owned(), None),
        (String::new(), None),
    ] {
        fixture.write("raw", body.as_bytes());
        let odd = id(&fixture.git("hash-object -t commit --literally -w raw"));
        match (fixture.open().history(&[odd], &[]), read) {
            (Ok(history), Some(message)) => assert_eq!(history.get(0).unwrap().message(), message),
            (Err(error), None) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                assert!(error.to_string().contains(&odd.to_string()));
            }
            (result, _) => panic!("{body:?}: {:?}", result.map(|history| history.len())),
        }
    }
}

#[test]
fn missing_and_corrupt_objects_are_named() {
    let fixture = Fixture::new();
    let one = fixture.commit("one", 10);
    let two = fixture.commit("two", 20);
    let hex = one.to_string();
    let path = fixture.path().join(".git/objects").join(&hex[..2]).join(&hex[2..]);
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "a temporary file")]
    permissions.set_readonly(false);
    fs::set_permissions(&path, permissions).unwrap();
    fs::write(&path, b"garbage").unwrap();
    let error = fixture.open().history(&[two], &[]).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains(&hex));
    fs::remove_file(&path).unwrap();
    let error = fixture.open().history(&[two], &[]).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::MissingObject);
    assert!(error.to_string().contains(&hex));
}

#[test]
fn damaged_packs_never_panic() {
    let fixture = Fixture::new();
    for at in 0..30 {
        fixture.write("file", format!("{at}\n").repeat(50).as_bytes());
        fixture.git("add file");
        fixture.commit(&format!("commit {at}\n\n{}", "a body that repeats\n".repeat(20)), 100 + at);
    }
    let head = fixture.id("HEAD");
    fixture.git("gc -q");
    fixture.git("repack -adfq --depth=50 --window=50");
    let files: Vec<_> = fs::read_dir(fixture.path().join(".git/objects/pack"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pack" || extension == "idx"))
        .collect();
    assert_eq!(files.len(), 2);
    assert_eq!(fixture.open().history(&[head], &[]).unwrap().len(), 30);
    let mut random = Random(7);
    for file in files {
        let whole = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        for _ in 0..300 {
            let mut bytes = whole.clone();
            match random.below(4) {
                0 => bytes.truncate(random.below(whole.len())),
                _ => bytes[random.below(whole.len())] ^= 1 << random.below(8),
            }
            // a new file each time: a mapped one is not to be changed
            fs::write(&file, &bytes).unwrap();
            if let Ok(history) = fixture.open().history(&[head], &[]) {
                assert!(history.len() <= 30);
            }
            fs::remove_file(&file).unwrap();
        }
        fs::write(&file, &whole).unwrap();
    }
}

#[test]
fn work_trees_share_tags_and_have_their_own_head() {
    let fixture = Fixture::new();
    let one = fixture.commit("one", 10);
    fixture.git("tag v1");
    fixture.git("worktree add -q -b other wt");
    let repository = Repository::open(&fixture.path().join("wt")).unwrap();
    assert_eq!(repository.head().unwrap(), Head::Branch { name: "other".into(), commit: one });
    assert_eq!(names(&repository.tags(|_| true).unwrap()), [("v1", false)]);
    assert_eq!(repository.history(&[one], &[]).unwrap().len(), 1);
}

#[test]
fn alternates_are_read() {
    let fixture = Fixture::new();
    let one = fixture.commit("one", 10);
    fixture.git("gc -q");
    fixture.git("clone -q --bare --shared . bare.git");
    let repository = Repository::open(&fixture.path().join("bare.git")).unwrap();
    assert!(repository.work_tree().is_none());
    assert_eq!(repository.history(&[one], &[]).unwrap().len(), 1);
}

#[test]
fn a_shallow_boundary_is_reported() {
    let fixture = Fixture::new();
    fixture.commit("one", 10);
    fixture.git("tag v1");
    let two = fixture.commit("two", 20);
    let three = fixture.commit("three", 30);
    let url = format!("file://{}", fixture.path().display());
    fixture.run(&["clone", "-q", "--depth=2", &url, "shallow"], 0);
    let repository = Repository::open(&fixture.path().join("shallow")).unwrap();
    assert!(repository.is_shallow());
    let history = repository.history(&[three], &[]).unwrap();
    assert_eq!((listed(&history), history.boundary()), (vec![three, two], &[two][..]));
    assert_eq!(repository.since(three, &[]).unwrap(), Nearest { commits: vec![], boundary: vec![two] });
    // a mark at the boundary or above it answers all
    assert_eq!(repository.since(three, &[two]).unwrap(), Nearest { commits: vec![two], boundary: vec![] });
    let history = repository.history(&[three], &[two]).unwrap();
    assert_eq!((listed(&history), history.boundary().len()), (vec![three], 0));
}

#[test]
fn criss_cross_has_two_merge_bases() {
    let fixture = Fixture::new();
    fixture.commit("root", 10);
    fixture.git("checkout -q -b side");
    let side = fixture.commit("side", 20);
    fixture.git("checkout -q main");
    let main = fixture.commit("main", 30);
    fixture.run(&["merge", "-q", "--no-edit", "side"], 40);
    fixture.git("checkout -q side");
    fixture.run(&["merge", "-q", "--no-edit", &main.to_string()], 50);
    let repository = fixture.open();
    let bases = repository.merge_bases(fixture.id("main"), fixture.id("side")).unwrap();
    assert_eq!(bases, [main, side]);
}

#[test]
fn a_slow_clock_hides_nothing() {
    let fixture = Fixture::new();
    let tagged = fixture.commit("tagged in the year 2030", 1_900_000_000);
    let slow = fixture.commit("a clock of 1970", 10);
    let head = fixture.commit("head", 1_600_000_000);
    let repository = fixture.open();
    assert_eq!(listed(&repository.history(&[head], &[tagged]).unwrap()), [head, slow]);
    assert_eq!(repository.history(&[tagged], &[head]).unwrap().len(), 0);
    assert_eq!(repository.since(head, &[tagged]).unwrap().commits, [tagged]);
    assert_eq!(repository.reachable(head, &[tagged]).unwrap().commits, [tagged]);
    assert_eq!(repository.since(head, &[tagged, slow]).unwrap().commits, [slow]);
    assert!(repository.is_ancestor(tagged, head).unwrap() && !repository.is_ancestor(head, tagged).unwrap());
}

#[test]
fn paths_of_commits_and_merges() {
    let fixture = Fixture::new();
    let mut commits = Vec::new();
    let mut change = |fixture: &Fixture, path: &str, date| {
        fixture.write(path, format!("{path} {date}").as_bytes());
        fixture.git("add .");
        commits.push(fixture.commit(path, date));
    };
    change(&fixture, "packages/a/x", 10);
    change(&fixture, "packages/b/deep/y", 20);
    change(&fixture, "packages/a-b", 30);
    fixture.git("checkout -q -b side HEAD~1");
    change(&fixture, "packages/b/z", 40);
    fixture.git("checkout -q main");
    fixture.run(&["merge", "-q", "--no-edit", "side"], 50);
    let merge = fixture.id("HEAD");
    let repository = fixture.open();
    let paths =
        ["packages/a", "packages/b/", "packages/b/deep", "./packages/a-b", "none", ".", "packages/a/x"];
    let touched = |commit| repository.touches(commit, &paths).unwrap();
    assert_eq!(touched(commits[0]), [true, false, false, false, false, true, true]);
    assert_eq!(touched(commits[1]), [false, true, true, false, false, true, false]);
    assert_eq!(touched(commits[2]), [false, false, false, true, false, true, false]);
    assert_eq!(touched(commits[3]), [false, true, false, false, false, true, false]);
    // the merge differs from both parents as a whole, and in no path from both
    assert_eq!(touched(merge), [false, false, false, false, false, true, false]);
    assert_eq!(repository.changed_paths(commits[0]).unwrap(), ["packages/a/x"]);
    assert_eq!(repository.changed_paths(merge).unwrap(), [""; 0]);
    assert_eq!(repository.read_blob_at(merge, "packages/b/z").unwrap().unwrap(), b"packages/b/z 40");
    assert_eq!(repository.read_blob_at(commits[0], "packages/b/z").unwrap(), None);
    assert_eq!(repository.read_blob_at(merge, "packages").unwrap(), None);
}

#[test]
fn a_partial_clone_says_which_content_is_missing() {
    let fixture = Fixture::new();
    fixture.write("file", b"content");
    fixture.git("add .");
    let one = fixture.commit("one", 10);
    fixture.git("config uploadpack.allowFilter true");
    let url = format!("file://{}", fixture.path().display());
    fixture.run(&["clone", "-q", "--filter=blob:none", "--no-checkout", &url, "partial"], 0);
    let repository = Repository::open(&fixture.path().join("partial")).unwrap();
    assert_eq!(repository.history(&[one], &[]).unwrap().len(), 1);
    assert_eq!(repository.touches(one, &["file"]).unwrap(), [true]);
    let error = repository.read_blob_at(one, "file").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingObject);
    assert!(error.to_string().contains("file"));
}

#[test]
fn status_branches_remotes_and_configuration() {
    let fixture = Fixture::new();
    fixture.write("file", b"one");
    fixture.git("add .");
    let one = fixture.commit("one", 10);
    assert!(fixture.open().status().unwrap().is_clean());
    fixture.write("file", b"two");
    fixture.write("new", b"new");
    fixture.git("add new");
    fixture.write("directory/untracked", b"x");
    let status = fixture.open().status().unwrap();
    let expected = Status {
        staged: vec!["new".into()],
        modified: vec!["file".into()],
        untracked: vec!["directory/untracked".into()],
    };
    assert_eq!(status, expected);
    fixture.git("remote add origin https://user:secret@example.com/a/b@c.git");
    fixture.git("remote add deploy ssh://git:secret@example.com/a.git");
    fixture.git("update-ref refs/remotes/origin/main HEAD");
    fixture.git("config branch.main.remote origin");
    fixture.git("config branch.main.merge refs/heads/main");
    fixture.git("config user.name Somebody");
    let repository = fixture.open();
    let urls: Vec<_> = repository.remotes().unwrap().into_iter().map(|remote| remote.url).collect();
    assert_eq!(urls, ["ssh://git@example.com/a.git", "https://example.com/a/b@c.git"]);
    let upstream = Branch { name: "origin/main".into(), commit: one, remote: true };
    assert_eq!(repository.upstream("main").unwrap(), Some(upstream.clone()));
    assert_eq!(
        repository.branches().unwrap(),
        [Branch { name: "main".into(), commit: one, remote: false }, upstream]
    );
    assert_eq!(repository.config("user.name").unwrap().as_deref(), Some("Somebody"));
    assert_eq!(repository.config("no.such").unwrap(), None);
}

/// A linear congruential generator: the same histories in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// A history by chance: branches, merges, octopuses, several roots; with dates that go up, or any.
fn generate(random: &mut Random, skewed: bool) -> (Fixture, Vec<CommitId>) {
    let fixture = Fixture::new();
    let count = 20 + random.below(41);
    let mut stream = String::new();
    for at in 1..=count {
        let date = if skewed { random.below(100_000_000) } else { at * 50_000 } + 1_000_000_000;
        write!(stream, "commit refs/heads/b{at}\nmark :{at}\ncommitter A <a> {date} +0000\ndata 1\nx\n")
            .unwrap();
        let parents = match random.below(12) {
            _ if at == 1 => 0,
            0 => 0,
            1..=7 => 1,
            8..=10 => 2,
            _ => 3,
        };
        let recent = 8.min(at - 1).max(1);
        let parents: BTreeSet<_> =
            (0..parents).map(|_| at - 1 - random.below(recent)).filter(|at| *at > 0).collect();
        for (place, parent) in parents.iter().rev().enumerate() {
            writeln!(stream, "{} :{parent}", if place == 0 { "from" } else { "merge" }).unwrap();
        }
    }
    fixture.import(stream.as_bytes());
    let listed = fixture.git(
        "for-each-ref --format=%(objectname)%20%(refname:short) refs/heads/b*".replace("%20", ":").as_str(),
    );
    let by_name: HashMap<_, _> =
        listed.lines().filter_map(|line| line.split_once(':')).map(|(hex, name)| (name, id(hex))).collect();
    let commits = (1..=count).map(|at| by_name[format!("b{at}").as_str()]).collect();
    (fixture, commits)
}

type Closure = HashMap<CommitId, BTreeSet<CommitId>>;

/// The history of each commit, itself included, the slow and sure way.
fn closures(fixture: &Fixture) -> Closure {
    let mut closures = Closure::new();
    for line in fixture.git("rev-list --all --parents --topo-order --reverse").lines() {
        let line: Vec<_> = line.split(' ').map(id).collect();
        let mut all: BTreeSet<_> = line[1..].iter().flat_map(|parent| closures[parent].clone()).collect();
        all.insert(line[0]);
        closures.insert(line[0], all);
    }
    closures
}

fn sorted(ids: impl IntoIterator<Item = CommitId>) -> Vec<CommitId> {
    let set: BTreeSet<_> = ids.into_iter().collect();
    set.into_iter().collect()
}

#[test]
fn generated_histories_are_walked_as_git_walks_them() {
    let mut random = Random(42);
    for round in 0..24 {
        let skewed = round % 2 == 1;
        let (fixture, commits) = generate(&mut random, skewed);
        let truth = closures(&fixture);
        let mut pick = || commits[random.below(commits.len())];
        for at in 0..3 {
            fixture.git(&format!("tag v{at} {}", pick()));
        }
        let repository = fixture.open();
        let tags: Vec<_> = repository.tags(|_| true).unwrap();
        let marks: Vec<_> = tags.iter().map(|tag| tag.commit).collect();

        let mut ends = Vec::new();
        for _ in 0..40 {
            ends.push([pick(), pick(), pick(), pick()]);
        }
        let everything = repository.history(&commits, &[]).unwrap();
        let mut ranges = everything.ranges();
        for (case, [one, two, three, four]) in ends.into_iter().enumerate() {
            let history = repository.history(&[one, two], &[three, four]).unwrap();
            let list = listed(&history);
            let expected = &(&truth[&one] | &truth[&two]) - &(&truth[&three] | &truth[&four]);
            assert_eq!(sorted(list.clone()), sorted(expected), "round {round}");
            if case < 4 && !skewed {
                let told = fixture.git(&format!("rev-list --date-order {one} {two} ^{three} ^{four}"));
                assert_eq!(list, ids(&told));
            }
            for (place, commit) in history.iter().enumerate() {
                assert!(
                    commit.parents().all(|parent| {
                        list.iter().position(|id| *id == parent).is_none_or(|at| at > place)
                    })
                );
            }

            let range = ranges.between(one, two).unwrap();
            let range: Vec<_> = range.iter().map(|commit| commit.id()).collect();
            if !skewed {
                assert_eq!(range, listed(&repository.history(&[two], &[one]).unwrap()));
            }
            assert_eq!(sorted(range), sorted(&truth[&two] - &truth[&one]));

            let whole = repository.history(&[one], &[]).unwrap();
            assert_eq!(sorted(listed(&whole)), sorted(truth[&one].clone()));
            let numbered: Vec<_> =
                marks.iter().copied().zip(10..).filter(|(mark, _)| truth[&one].contains(mark)).collect();
            for (commit, owner) in whole.iter().zip(whole.split(&numbered)) {
                let expected = numbered.iter().find(|(mark, _)| truth[mark].contains(&commit.id()));
                assert_eq!(owner, expected.map(|(_, number)| *number));
            }

            let ours = repository.is_ancestor(one, two).unwrap();
            assert_eq!(ours, truth[&two].contains(&one));
            if case < 4 {
                let git =
                    fixture.command(&["merge-base", "--is-ancestor", &one.to_string(), &two.to_string()], 0);
                assert_eq!(ours, { git }.status().unwrap().success());
                let told = fixture
                    .command(&["merge-base", "--all", &one.to_string(), &two.to_string()], 0)
                    .output()
                    .unwrap();
                let told = ids(String::from_utf8(told.stdout).unwrap().trim_end());
                assert_eq!(sorted(repository.merge_bases(one, two).unwrap()), sorted(told));
            }

            let reached: Vec<_> = marks.iter().copied().filter(|mark| truth[&one].contains(mark)).collect();
            let nearest = reached
                .iter()
                .copied()
                .filter(|mark| !reached.iter().any(|other| other != mark && truth[other].contains(mark)));
            let since = repository.since(one, &marks).unwrap();
            assert_eq!(sorted(since.commits.clone()), sorted(nearest), "round {round}");
            assert_eq!(sorted(repository.reachable(one, &marks).unwrap().commits), sorted(reached));
            if case < 4 {
                let merged = fixture.git(&format!("tag --merged {one}"));
                let found = repository.reachable(one, &marks).unwrap().commits;
                let ours: Vec<_> = tags
                    .iter()
                    .filter(|tag| found.contains(&tag.commit))
                    .map(|tag| tag.name.as_str())
                    .collect();
                assert_eq!(ours, merged.lines().collect::<Vec<_>>());
                let told = fixture
                    .command(&["describe", "--tags", "--abbrev=0", &one.to_string()], 0)
                    .output()
                    .unwrap();
                let told = String::from_utf8(told.stdout).unwrap();
                if !skewed && !told.is_empty() {
                    let described = tags.iter().find(|tag| tag.name == told.trim_end()).unwrap();
                    assert!(since.commits.contains(&described.commit));
                }
            }
        }
    }
}
