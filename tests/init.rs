//! `init` on a terminal, where it asks; what it writes is in `cases/init/`, and runs in `pipelines/init.rs`.

mod support;

use std::collections::BTreeMap;

use support::{Ran, World};

/// A repository whose files do not say at which forge it is; `answers` are typed on a terminal.
fn asked(answers: &str, flags: &str) -> (World, Ran) {
    let world = World::made_by("npm demo 1.2.3; commit 'feat: first'", BTreeMap::new(), |_| ());
    // util-linux's `script` makes a terminal.
    let ran = world.bash(&format!(
        "printf '{answers}' | script --quiet --return --command 'release-steps init {flags}' /dev/null"
    ));
    (world, ran)
}

#[test]
fn on_a_terminal_what_cannot_be_known_is_asked() {
    let (world, ran) = asked("gitlab\\nproduction\\n./deploy.sh\\n", "");
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    for question in ["github or gitlab?", "To which environment", "The command that deploys $VERSION:"] {
        assert!(ran.stdout.contains(question), "`{question}` was not asked:\n{}", ran.text());
    }
    let pipeline = world.read("repo/.gitlab-ci.yml").expect("it was written");
    assert!(pipeline.contains("production: 'production'"), "{pipeline}");
    let configuration = world.read("repo/release-steps.yml").expect("it was written");
    assert!(configuration.contains("deploy: './deploy.sh'"), "{configuration}");
    // An empty answer is the usual one: nothing is deployed.
    let (world, ran) = asked("github\\n\\n", "");
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let workflow = world.read("repo/.github/workflows/release-steps.yml").expect("it was written");
    assert!(!workflow.contains("deploy"), "{workflow}");
}

#[test]
fn a_wrong_answer_or_none_changes_nothing() {
    for (answers, flags, code) in [("svn\\n", "", 2), ("gitlab\\na b\\n", "", 2), ("", "--yes", 2)] {
        let (world, ran) = asked(answers, flags);
        assert_eq!(ran.code, Some(code), "{answers}: {}", ran.text());
        assert_eq!(world.git(&["status", "--porcelain"]), "", "{answers}: something was written");
    }
}
