//! The command line by itself: no repository, no network.

use assert_cmd::Command;

fn release_steps() -> Command {
    let mut command = Command::cargo_bin("release-steps").expect("it is built");
    command.current_dir(std::env::temp_dir());
    command
}

fn stdout(arguments: &[&str]) -> String {
    let output = release_steps().args(arguments).assert().success().get_output().stdout.clone();
    String::from_utf8(output).expect("UTF-8")
}

#[test]
fn version_and_help() {
    assert_eq!(stdout(&["--version"]), format!("release-steps {}\n", env!("CARGO_PKG_VERSION")));
    let help = stdout(&["--help"]);
    for word in
        ["version", "changelog", "branch", "release", "run", "apply", "resume", "schema", "completions"]
    {
        assert!(help.contains(&format!("\n  {word} ")), "{word} is not listed:\n{help}");
    }
    for code in ["0 done", "1 the answer is no", "2 wrong usage", "3 the", "4 unknown"] {
        assert!(help.contains(code), "the exit code is not told: {code}\n{help}");
    }
}

#[test]
fn every_command_has_help_that_fits() {
    let commands: [&[&str]; 21] = [
        &["version"],
        &["version", "next"],
        &["version", "bump"],
        &["version", "check"],
        &["version", "replay"],
        &["changelog"],
        &["branch"],
        &["branch", "cut"],
        &["branch", "hotfix"],
        &["branch", "merge-back"],
        &["branch", "backport"],
        &["branch", "check"],
        &["branch", "calendar"],
        &["smoke"],
        &["verify"],
        &["release"],
        &["run"],
        &["apply"],
        &["resume"],
        &["schema"],
        &["completions"],
    ];
    for command in commands {
        let help = stdout(&[command, &["--help"]].concat());
        assert!(help.contains("Usage: release-steps"), "{command:?}");
        let widest = help.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{command:?} is {widest:?} wide:\n{help}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    for wrong in
        [&["relese"][..], &[], &["version"], &["--dryrun", "release"], &["branch", "backport", "HEAD"]]
    {
        release_steps().args(wrong).assert().code(2);
    }
}

#[test]
fn outside_of_a_repository_ends_with_2_and_a_hint() {
    let nowhere = tempfile::tempdir().expect("a folder");
    let mut command = release_steps();
    let assert = command.current_dir(nowhere.path()).args(["version", "next"]).assert().code(2);
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(said.contains("in no git repository") && said.contains("-C"), "{said}");
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(stdout(&["completions", shell]).contains("merge-back"), "{shell}");
    }
}

#[test]
fn the_schema_knows_the_configuration() {
    let schema: serde_json::Value = serde_json::from_str(&stdout(&["schema"])).expect("JSON");
    assert_eq!(schema["title"], "release-steps.yml");
    assert_eq!(schema["additionalProperties"], false);
    for key in ["version", "commits", "changelog", "branch", "packages", "linked", "release", "run"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    let described = schema["$defs"].as_object().expect("definitions");
    let bare: Vec<_> =
        described.iter().filter(|(_, d)| d.get("description").is_none()).map(|(n, _)| n).collect();
    assert!(bare.is_empty(), "not described: {bare:?}");
}
