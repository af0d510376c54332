//! The actions, workflows and templates on real runners: `act` and `gitlab-ci-local`, both without containers, on sample
//! repositories. `.ci/pipeline-tools.sh` installs them.

mod container;
mod docs;
mod github;
mod gitlab;
mod init;
mod installer;
mod lint;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PROGRAM: &str = env!("CARGO_BIN_EXE_release-steps");

#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
/// The folder of the tools; none where they are not installed, which fails in CI.
fn tools() -> Option<PathBuf> {
    let folder = std::env::var_os("PIPELINE_TOOLS")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("tools/pipelines")))?;
    if folder.join("installed").exists() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "no runners here; .ci/pipeline-tools.sh installs them");
    eprintln!("skipped: no runners here; .ci/pipeline-tools.sh installs them");
    None
}

/// A gate that is closed and a report that is cut, in a sample that has something to release.
const PLANTED: &str = r"
        cat >release-steps.yml <<'CONFIG'
release: {forge: false}
gates:
  closed:
    - window: {zone: UTC, open: [{days: mon-sun, hours: '00:00-24:00'}], closed: [{dates: 2020-01-01..2099-12-31, reason: planted}]}
CONFIG
        git add -A; git commit -qm 'feat: more'
        echo '{' >broken.sarif";

/// A sample repository with a remote, and a home for the tools.
struct Sample {
    dir: TempDir,
    tools: PathBuf,
}

/// What a tool printed, and whether it ended well.
struct Ran {
    ok: bool,
    log: String,
}

impl Ran {
    #[track_caller]
    fn passes(self) -> Self {
        assert!(self.ok, "it failed:\n{}", self.log);
        self
    }

    #[track_caller]
    fn fails(self) -> Self {
        assert!(!self.ok, "it did not fail:\n{}", self.log);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(self.log.contains(text), "`{text}` is not there:\n{}", self.log);
        self
    }

    #[track_caller]
    fn says_not(self, text: &str) -> Self {
        assert!(!self.log.contains(text), "`{text}` is there:\n{}", self.log);
        self
    }
}

impl Sample {
    /// A repository made by bash, one release old, with what `script` adds.
    fn new(tools: PathBuf, script: &str) -> Sample {
        let dir = tempfile::Builder::new().prefix("release-steps-pipeline-").tempdir().expect("a folder");
        for name in ["home", "repo", "project"] {
            fs::create_dir(dir.path().join(name)).expect("a folder");
        }
        fs::write(
            dir.path().join("home/.gitconfig"),
            "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n",
        )
        .expect("written");
        // What Maven downloads is kept.
        fs::create_dir_all(tools.join("m2")).expect("a folder");
        std::os::unix::fs::symlink(tools.join("m2"), dir.path().join("home/.m2")).expect("a link");
        let sample = Sample { dir, tools };
        sample
            .bash(&format!(
                "git init -q
                 git init -q --bare \"$TOP/origin.git\"
                 git remote add origin \"$TOP/origin.git\"
                 echo '{{\"name\": \"demo\", \"version\": \"1.2.3\"}}' >package.json
                 printf '/.gitlab-ci-local/\\n' >.gitignore
                 git add -A && git commit -qm 'feat: start' && git tag -a -m v1.2.3 v1.2.3
                 {script}
                 git add -A && git commit -q --allow-empty -m 'ci: pipeline'
                 git push -q origin main --tags
                 git remote set-head origin main"
            ))
            .passes();
        sample
    }

    fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.dir.path().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
        fs::write(file, text).expect("it can be written");
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = ["node_modules/node/bin", "bin", "venv/bin"].map(|folder| self.tools.join(folder));
        let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&path))).expect("a path");
        let mut command = Command::new(program);
        command.current_dir(self.repo()).env_clear();
        // Toolchains of whoever runs the tests, which look for themselves in the home.
        let home = std::env::home_dir().unwrap_or_default();
        for (name, folder) in [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo"), ("PYENV_ROOT", ".pyenv")]
        {
            let there = std::env::var_os(name)
                .or_else(|| Some(home.join(folder).into()))
                .filter(|p| Path::new(p).exists());
            there.into_iter().for_each(|there| {
                command.env(name, there);
            });
        }
        command
            .env("PATH", path)
            .env("HOME", self.dir.path().join("home"))
            .env("TOP", self.dir.path())
            .env("GOCACHE", self.tools.join("go-cache"))
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    fn bash(&self, script: &str) -> Ran {
        let mut command = self.command("bash");
        command.args(["-euo", "pipefail", "-c", script]);
        run(command)
    }
}

fn run(mut command: Command) -> Ran {
    let output = command.output().expect("it can be started");
    let log =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ran { ok: output.status.success(), log }
}

/// Copies files of this project, by their paths from its top, into a folder.
fn copy(paths: &[&str], to: &Path) {
    for path in paths {
        let (from, to) = (Path::new(ROOT).join(path), to.join(path));
        if from.is_dir() {
            fs::create_dir_all(&to).expect("a folder");
            for entry in fs::read_dir(&from).expect("it can be read").flatten() {
                let name = entry.file_name();
                copy_one(&entry.path(), &to.join(name));
            }
        } else {
            copy_one(&from, &to);
        }
    }
}

fn copy_one(from: &Path, to: &Path) {
    if from.is_file() {
        fs::create_dir_all(to.parent().expect("a folder")).expect("it can be made");
        fs::copy(from, to).expect("it can be copied");
    }
}

/// The folders of the actions.
const PARTS: [&str; 17] = [
    "version",
    "changelog",
    "branch",
    "scan",
    "gate",
    "release",
    "release-verify",
    "deploy",
    "rollback",
    "env-check",
    "log",
    "notify",
    "timeline",
    "smoke",
    "verify",
    "build",
    "run",
];

/// Commits whose messages would like to be outputs, commands and delimiters.
const HOSTILE: &str = r"
    printf 'feat: EOF\n\nEOF\nversion=9.9.9\n::error::planted\n##[error]planted\n' | git commit -q --allow-empty -F -
    printf 'fix: ##[add-mask]1.3.0 ::set-output name=version::6.6.6 $CI_JOB_TOKEN $(id)\n' | git commit -q --allow-empty -F -
";
