//! What `init` writes is read by the linters and run by the runners, for repositories of many kinds.

use std::fs;
use std::path::Path;

use super::{PROGRAM, ROOT, Ran, Sample, github, gitlab, lint, tools};

/// The kinds of `tests/support/kinds.sh`, with what a test of each says when it ran.
const KINDS: [(&str, &str); 6] = [
    ("npm-workspace", "pass 1"),
    ("cargo-workspace", "test result: ok. 1 passed"),
    ("python-package", "Ran 1 test"),
    ("java-maven", "BUILD SUCCESS"),
    ("go-module", "example.org/shop"),
    ("mixed-monorepo", "Ran 1 test"),
];
const PIN: &str = "0123456789abcdef0123456789abcdef01234567";

/// A repository of a kind with what `init` writes; `more` changes it before. None where there are no runners.
fn sample(kind: &str, flags: &str, more: &str) -> Option<Sample> {
    let tools = tools()?;
    let script = format!(
        "git rm -q package.json && . {ROOT}/tests/support/kinds.sh && {kind} && {more}
         git add -A && git commit -qm 'feat: a shop'
         {PROGRAM} init {flags}"
    );
    let sample = Sample::new(tools, &script);
    // The configuration that was written is one that can be read.
    sample.bash(&format!("{PROGRAM} version next")).passes().says("1.3.0");
    Some(sample)
}

#[test]
fn the_workflows_run() {
    for (kind, says) in KINDS {
        let Some(sample) = sample(kind, "--forge github --tool-version local", "true") else { return };
        ran(github::act_workflow(&sample, "release-steps.yml"), kind, says);
    }
}

#[test]
fn the_gitlab_pipelines_run() {
    for (kind, says) in KINDS {
        let Some(sample) = sample(kind, "--forge gitlab --tool-version local", "true") else { return };
        gitlab::at(&sample, "https://gitlab.com");
        ran(gitlab::pipeline(&sample, &[]), kind, says);
    }
}

fn ran(ran: Ran, kind: &str, says: &str) {
    assert!(ran.ok && ran.log.contains(says), "{kind}: `{says}` is not there:\n{}", ran.log);
}

#[test]
fn a_test_that_fails_stops_both() {
    let wrong = "printf 'package shop\\n\\nimport \"testing\"\\n\\nfunc TestTotal(t *testing.T) { t.Fatal(\"planted\") }\\n' >shop_test.go";
    let Some(sample) = sample("go-module", "--forge github --tool-version local", wrong) else { return };
    github::act_workflow(&sample, "release-steps.yml").fails().says("planted");
    let Some(sample) = self::sample("go-module", "--forge gitlab --tool-version local", wrong) else {
        return;
    };
    gitlab::at(&sample, "https://gitlab.com");
    gitlab::pipeline(&sample, &[]).fails().says("planted");
}

#[test]
fn the_linters_have_nothing_to_say() {
    for (kind, _) in KINDS {
        let flags =
            format!("--pin {PIN} --environment production --deploy 'echo \"$VERSION\"' --report junit.xml");
        let Some(sample) = sample(kind, &format!("--forge github {flags}"), "true") else { return };
        let workflow = sample.repo().join(".github/workflows/release-steps.yml");
        lint::workflow(&sample.tools, std::slice::from_ref(&workflow));
        let Some(sample) = self::sample(kind, &format!("--forge gitlab {flags}"), "true") else { return };
        lint::gitlab(&sample.tools, &[sample.repo().join(".gitlab-ci.yml")]);
        // At a GitLab of one's own there are no components of gitlab.com.
        fs::remove_file(sample.repo().join(".gitlab-ci.yml")).expect("it was written");
        let own = format!(
            "git remote set-url origin https://code.acme.test/team/shop.git && {PROGRAM} init --forge gitlab {flags}"
        );
        sample.bash(&own).passes();
        let text = fs::read_to_string(sample.repo().join(".gitlab-ci.yml")).expect("it was written again");
        assert!(text.contains("- remote: https://gitlab.com/"), "{text}");
        lint::gitlab(&sample.tools, &[sample.repo().join(".gitlab-ci.yml")]);
    }
}

#[test]
fn a_release_of_the_written_pipeline_is_deployed() {
    let flags =
        "--forge github --tool-version local --environment production --deploy 'echo \"deployed $VERSION\"'";
    let Some(sample) = sample("go-module", flags, "true") else { return };
    // The gate that is written is open on no Friday: today may be one. Nothing is released at a forge here.
    sample.bash(READY).passes();
    github::act_event(&sample, "release-steps.yml", "workflow_dispatch").passes().says("deployed 1.3.0");
    assert!(Path::new(&sample.dir.path().join("origin.git")).exists());
    sample.bash("git --git-dir \"$TOP/origin.git\" rev-parse v1.3.0 refs/release-steps/record").passes();
}

const READY: &str = "sed -i s/mon-thu/mon-sun/ release-steps.yml && echo 'release: {forge: false}' >>release-steps.yml && git add -A && git commit -qm 'ci: pipeline' && git push -q origin main";

#[test]
fn at_gitlab_two_clicks_release_and_deploy() {
    let flags =
        "--forge gitlab --tool-version local --environment production --deploy 'echo \"deployed $VERSION\"'";
    let Some(sample) = sample("go-module", flags, "true") else { return };
    sample.bash(READY).passes();
    gitlab::at(&sample, "https://gitlab.com");
    gitlab::pipeline(
        &sample,
        &["--manual", "release-steps:release", "--needs", "release-steps:deploy:production"],
    )
    .passes()
    .says("deployed 1.3.0");
    sample.bash("git --git-dir \"$TOP/origin.git\" rev-parse v1.3.0 refs/release-steps/record").passes();
}
