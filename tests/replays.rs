//! `version replay` on histories of real repositories, where there are any: `HISTORIES` names a folder with streams of
//! `git fast-export`, compressed. The counts are those that were found by hand and by git's own ranges.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A repository of the history, and the folder that goes with it; none where the history is not at hand.
fn history(name: &str) -> Option<tempfile::TempDir> {
    let Some(folder) = std::env::var_os("HISTORIES").map(PathBuf::from) else {
        eprintln!("HISTORIES is not set: {name} is not replayed");
        return None;
    };
    let stream = folder.join(format!("{name}.fi.gz"));
    assert!(stream.is_file(), "{} is not there", stream.display());
    let repository = tempfile::tempdir().expect("a folder can be made");
    git(repository.path(), &["init", "-q", "-b", "main"], Stdio::null());
    let mut gzip =
        Command::new("gzip").arg("-dc").arg(&stream).stdout(Stdio::piped()).spawn().expect("gzip starts");
    let text = gzip.stdout.take().expect("it writes");
    git(repository.path(), &["fast-import", "--quiet", "--force"], text.into());
    assert!(gzip.wait().expect("gzip ends").success());
    Some(repository)
}

fn git(repository: &Path, arguments: &[&str], input: Stdio) {
    let status = Command::new("git").arg("-C").arg(repository).args(arguments).stdin(input).status();
    assert!(status.expect("git starts").success(), "git {arguments:?}");
}

/// Replays a history; answers with pairs, contradicting and without a bump.
fn replay(name: &str, configuration: &str) -> Option<(u64, u64, u64)> {
    let repository = history(name)?;
    let config = repository.path().join("release-steps.yml");
    std::fs::write(&config, configuration).expect("it can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_release-steps"))
        .arg("-C")
        .arg(repository.path())
        .args(["--json", "version", "replay"])
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let count = |key: &str| answer[key].as_u64().unwrap_or_else(|| panic!("no count of {key}"));
    eprintln!("{name}: {} pairs, {} contradict", count("pairs"), count("contradicting"));
    Some((count("pairs"), count("contradicting"), count("no_bump")))
}

#[test]
fn semantic_release() {
    let Some(counts) = replay("semantic-release", "") else { return };
    assert_eq!(counts, (314, 0, 1));
}

#[test]
fn release_please() {
    let Some(counts) = replay("release-please", "") else { return };
    assert_eq!(counts, (362, 0, 4));
}

#[test]
fn renovate() {
    let rules = "version:\n  rules: {build: patch, \"docs(readme.md)\": patch}\n";
    let Some(counts) = replay("renovate", rules) else { return };
    assert_eq!(counts, (10_861, 2, 295));
}
