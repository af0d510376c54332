//! What the integration tests share: a fixed environment, repositories made by scripts, and texts of how they are.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// When the program runs: 2026-02-03 04:05:06 UTC, a month after the commits of the cases.
pub const NOW: &str = "1770091506";

/// The release-steps of this build.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_release-steps");

/// A folder with a repository (`repo`), perhaps its remote (`origin.git`), and a home.
pub struct World {
    dir: TempDir,
    root: PathBuf,
    /// Variables besides the fixed ones.
    pub env: BTreeMap<String, String>,
}

/// What a program printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    /// The exit code; none after a signal.
    pub code: Option<i32>,
}

impl Ran {
    /// As it stands in a session file.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                let end = if text.ends_with('\n') { "" } else { "⏎̸\n" };
                let _ = write!(out, "[{name}]\n{text}{end}");
            }
        }
        let code = self.code.map_or("signal".to_owned(), |c| c.to_string());
        let _ = writeln!(out, "[exit {code}]");
        out
    }
}

fn support() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support")
}

impl World {
    fn empty() -> World {
        let dir =
            tempfile::Builder::new().prefix("release-steps-case-").tempdir().expect("a temporary folder");
        let root = dir.path().canonicalize().expect("its path");
        for name in ["home", "repo"] {
            fs::create_dir(root.join(name)).expect("a folder");
        }
        World { dir, root, env: BTreeMap::new() }
    }

    /// A world whose repository a script makes; `prepare` may put files there before.
    pub fn made_by(script: &str, env: BTreeMap<String, String>, prepare: impl FnOnce(&Path)) -> World {
        let mut world = World::empty();
        world.env = env;
        let ran = world.bash("init");
        assert_eq!(ran.code, Some(0), "git init failed:\n{}", ran.text());
        prepare(&world.repo());
        let ran = world.bash(script);
        assert_eq!(ran.code, Some(0), "the repository's script failed:\n{}", ran.text());
        world
    }

    /// A copy of everything, to try something else with.
    pub fn copy(&self) -> World {
        let mut world = World::empty();
        world.env = self.env.clone();
        let status = Command::new("cp").arg("-a").arg(self.root.join(".")).arg(&world.root).status();
        assert!(status.is_ok_and(|s| s.success()), "cp -a failed");
        world.root = world.dir.path().canonicalize().expect("its path");
        world
    }

    /// The folder that holds everything.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The work tree.
    pub fn repo(&self) -> PathBuf {
        self.root.join("repo")
    }

    /// A program in the fixed environment, in the work tree.
    pub fn command(&self, program: &str) -> Command {
        let bin = Path::new(PROGRAM).parent().expect("a folder").to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&path))).expect("a path");
        let mut command = Command::new(program);
        command
            .current_dir(self.repo())
            .env_clear()
            .env("PATH", path)
            .env("ROOT", &self.root)
            .env("HOME", self.root.join("home"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.org")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.org")
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8")
            .env("SOURCE_DATE_EPOCH", NOW)
            .envs(self.env.iter().filter(|(_, value)| !value.is_empty()))
            .stdin(Stdio::null());
        command
    }

    /// Runs a program to its end; the world's folder is `<ROOT>` in what it printed.
    pub fn run(&self, mut command: Command) -> Ran {
        let output = command.output().expect("the program can be run");
        let text = |bytes: &[u8]| self.normal(&String::from_utf8_lossy(bytes));
        Ran { stdout: text(&output.stdout), stderr: text(&output.stderr), code: output.status.code() }
    }

    /// Runs bash with the helpers of `functions.sh`.
    pub fn bash(&self, script: &str) -> Ran {
        let mut command = self.command("bash");
        let functions = support().join("functions.sh");
        command.arg("-c").arg(format!("set -euo pipefail\n. '{}'\n{script}", functions.display()));
        self.run(command)
    }

    /// Runs release-steps with a line of arguments, as a shell would read them.
    pub fn steps(&self, line: &str) -> Ran {
        self.steps_with(line, &[])
    }

    /// Like [`World::steps`], with more variables.
    pub fn steps_with(&self, line: &str, env: &[(&str, &str)]) -> Ran {
        let mut command = self.command("bash");
        command.arg("-c").arg(format!("exec release-steps {line}")).envs(env.iter().copied());
        // An empty value in a case's `env` takes the variable away.
        for (name, _) in self.env.iter().filter(|(_, value)| value.is_empty()) {
            command.env_remove(name);
        }
        self.run(command)
    }

    /// Git's standard output.
    pub fn git(&self, args: &[&str]) -> String {
        let mut command = self.command("git");
        command.args(args);
        let ran = self.run(command);
        assert_eq!(ran.code, Some(0), "git {args:?} failed:\n{}", ran.text());
        ran.stdout
    }

    /// Text without what differs from run to run.
    fn normal(&self, text: &str) -> String {
        let text = text.replace(&*self.root.to_string_lossy(), "<ROOT>");
        let text = regex::Regex::new(r#""time":"[^"]*""#)
            .expect("a pattern")
            .replace_all(&text, r#""time":"<TIME>""#)
            .into_owned();
        let text =
            regex::Regex::new(r#""ms":\d+"#).expect("a pattern").replace_all(&text, r#""ms":0"#).into_owned();
        // Records have the time of the run itself.
        let id = regex::Regex::new(r"\b\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{16}\b").expect("a pattern");
        let text = id.replace_all(&text, "<RECORD>");
        let took = regex::Regex::new(r"\bin \d+ s, (within|beyond)").expect("a pattern");
        let text = took.replace_all(&text, "in <N> s, $1");
        let now = jiff::Timestamp::now();
        let time = regex::Regex::new(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").expect("a pattern");
        let today = |found: &regex::Captures<'_>| {
            let at: Option<jiff::Timestamp> = found[0].parse().ok();
            match at.is_some_and(|at| now.duration_since(at).abs() < jiff::SignedDuration::from_hours(24)) {
                true => "<NOW>".to_owned(),
                false => found[0].to_owned(),
            }
        };
        let text = time.replace_all(&text, today).into_owned();
        // Effects of one wave end in any order.
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let place = |line: &str| {
            let (wave, effect) =
                line.strip_prefix(['✓', '=', '!'])?.trim_start().split(' ').next()?.split_once('.')?;
            Some((wave.parse::<u32>().ok()?, effect.parse::<u32>().ok()?))
        };
        for run in lines.chunk_by_mut(|a, b| place(a).is_some() && place(b).is_some()) {
            run.sort_by_key(|line| place(line));
        }
        let text = lines.concat();
        // What git itself says differs between its versions.
        let said = regex::Regex::new(r"(?m)(^  │ (fatal|error|hint): .*\n(  │.*\n)*)").expect("a pattern");
        let text = said.replace_all(&text, "  │ <what git says>\n").into_owned();
        let said = regex::Regex::new(r#""detail": "(fatal|error): .*""#).expect("a pattern");
        let text = said.replace_all(&text, r#""detail": "<what git says>""#).into_owned();
        let tool = concat!(r#""tool": ""#, env!("CARGO_PKG_VERSION"), '"');
        text.replace(tool, r#""tool": "<VERSION>""#)
            .replace(&tool.replace(": ", ":"), r#""tool":"<VERSION>""#)
    }

    /// A file of the world's folder as text.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read(self.root.join(path)).ok().map(|bytes| self.normal(&String::from_utf8_lossy(&bytes)))
    }

    /// Every file with its mode and content, but for this program's own state: what a dry run must not change.
    pub fn everything(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        // A shallow clone may be deepened by a question: its objects and tags may grow.
        let shallow = self.repo().join(".git/shallow").exists() || self.root.join(".deepens").exists();
        walk(&self.root, &self.root, &mut found, &|path| {
            let own = path == ".clock"
                || path == ".deepens"
                || path.starts_with("home")
                || path.ends_with("/release-steps/lock");
            let state = path.contains(".git/release-steps/") || path.ends_with(".git/release-steps");
            let grows = shallow
                && path.starts_with("repo/.git/")
                && ["objects", "shallow", "packed-refs", "refs", "logs"]
                    .iter()
                    .any(|p| path["repo/.git/".len()..].starts_with(p));
            !(own || state || grows)
        });
        if shallow {
            fs::write(self.root.join(".deepens"), "").expect("a mark");
            found.insert("heads".to_owned(), self.git(&["for-each-ref", "refs/heads", "refs/remotes"]));
        }
        found
    }

    /// [`World::state`], or none where `HEAD` has no commit yet or this is no repository.
    pub fn state_or_none(&self) -> Option<State> {
        let mut command = self.command("git");
        command.args(["rev-parse", "--verify", "--quiet", "HEAD", "--is-inside-work-tree"]);
        let ran = self.run(command);
        (ran.code == Some(0) && !ran.stdout.contains("false")).then(|| self.state())
    }

    /// How the repository and its remote are, for people.
    pub fn state(&self) -> State {
        let head = self.git(&["rev-parse", "--symbolic-full-name", "HEAD"]).trim().to_owned();
        let mut files = BTreeMap::new();
        walk(&self.repo(), &self.repo(), &mut files, &|path| path != ".git");
        let mut refs = BTreeMap::new();
        let mut places = vec![(String::new(), self.repo())];
        if self.root.join("origin.git").exists() {
            places.push(("origin ".to_owned(), self.root.join("origin.git")));
        }
        for (name, dir) in places {
            let dir = dir.to_string_lossy().into_owned();
            for line in self.git(&["-C", &dir, "for-each-ref", "--format=%(refname) %(objectname)"]).lines() {
                // Records are other ones each time.
                if let Some((reference, id)) =
                    line.split_once(' ').filter(|_| !line.starts_with("refs/release-steps/"))
                {
                    refs.insert(format!("{name}{reference}"), id.to_owned());
                }
            }
        }
        State {
            head,
            commit: self.git(&["rev-parse", "--verify", "HEAD"]).trim().to_owned(),
            refs,
            files,
            status: self.git(&["status", "--porcelain"]),
        }
    }

    /// What changed since an earlier state: refs, commits, tags, files.
    pub fn changes(&self, before: &State) -> String {
        let after = self.state();
        let mut out = String::new();
        let short = |id: &str| id[..id.len().min(10)].to_owned();
        if after.head != before.head {
            let _ = writeln!(out, "HEAD {} → {}", before.head, after.head);
        }
        if after.commit != before.commit && after.head == "HEAD" {
            let _ = writeln!(out, "HEAD at {} → {}", short(&before.commit), short(&after.commit));
        }
        let names: std::collections::BTreeSet<&String> =
            before.refs.keys().chain(after.refs.keys()).collect();
        let mut new = Vec::new();
        for name in names {
            match (before.refs.get(name), after.refs.get(name)) {
                (Some(was), Some(is)) if was == is => {}
                (was, is) => {
                    let or_none = |id: Option<&String>| id.map_or("none".to_owned(), |id| short(id));
                    let _ = writeln!(out, "{name} {} → {}", or_none(was), or_none(is));
                    if !name.starts_with("origin ") {
                        new.extend(is.map(|id| (name.clone(), id.clone())));
                    }
                }
            }
        }
        for (name, id) in &new {
            if name.starts_with("refs/tags/") {
                let kind = self.git(&["cat-file", "-t", id]);
                let text = self.git(&["cat-file", kind.trim(), id]);
                let _ = writeln!(out, "\n=== {name}\n{}", text.trim_end());
            }
        }
        let mut args = vec![
            "log",
            "--reverse",
            "--format=commit %H%nparents %P%nauthor %an <%ae> %aI%ncommitter %cn <%ce> %cI%n%n%B",
        ];
        let mut tips: Vec<&str> = new.iter().map(|(_, id)| id.as_str()).collect();
        tips.push(&after.commit);
        args.extend(tips);
        args.push("--not");
        args.extend(before.refs.iter().filter(|(n, _)| !n.starts_with("origin ")).map(|(_, id)| id.as_str()));
        args.push(&before.commit);
        let log = self.git(&args);
        if !log.trim().is_empty() {
            let _ = writeln!(out, "\n=== new commits\n{}", log.trim_end());
        }
        let paths: std::collections::BTreeSet<&String> =
            before.files.keys().chain(after.files.keys()).collect();
        for path in paths {
            let (was, is) = (before.files.get(path), after.files.get(path));
            if was != is {
                let text = |t: Option<&String>| t.cloned().unwrap_or_default();
                let (was, is) = (text(was), text(is));
                let diff = similar::TextDiff::from_lines(&was, &is);
                let diff = diff.unified_diff().context_radius(2).to_string();
                let _ = writeln!(out, "\n=== {path}\n{}", diff.trim_end());
            }
        }
        if after.status != before.status {
            let _ = writeln!(out, "\n=== git status\n{}", after.status.trim_end());
        }
        self.normal(&out)
    }
}

/// The state of a repository and its remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub head: String,
    pub commit: String,
    pub refs: BTreeMap<String, String>,
    pub files: BTreeMap<String, String>,
    pub status: String,
}

fn walk(top: &Path, dir: &Path, found: &mut BTreeMap<String, String>, wanted: &dyn Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().into_owned();
        if !wanted(&name) {
            continue;
        }
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if meta.is_symlink() {
            let target = fs::read_link(&path).map(|t| t.display().to_string()).unwrap_or_default();
            found.insert(name, format!("link to {target}\n"));
        } else if meta.is_dir() {
            walk(top, &path, found, wanted);
        } else {
            let bytes = fs::read(&path).unwrap_or_default();
            found.insert(name, printable(&bytes));
        }
    }
}

/// Bytes as text in which nothing gets lost.
fn printable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.escape_ascii().to_string(),
    }
}

/// Two texts as a readable diff.
pub fn diff(expected: &str, found: &str) -> String {
    let diff = similar::TextDiff::from_lines(expected, found);
    diff.unified_diff().context_radius(3).header("expected", "found").to_string()
}
