//! Actions and reusable workflows under `act`.

use std::fs;
use std::path::Path;

use super::{HOSTILE, PARTS, PLANTED, PROGRAM, ROOT, Ran, Sample, copy, run, tools};

/// Runs the workflow `job.yml` of the sample.
fn act(sample: &Sample) -> Ran {
    act_workflow(sample, "job.yml")
}

/// Runs a workflow of the sample as after a push.
pub fn act_workflow(sample: &Sample, workflow: &str) -> Ran {
    act_event(sample, workflow, "push")
}

/// Runs a workflow of the sample that says nothing of the program's version: the actions take the one of this build.
pub fn act_local(sample: &Sample, workflow: &str) -> Ran {
    let action = sample.dir.path().join("project");
    copied(&action);
    for part in PARTS.iter().copied().chain(["."]) {
        let file = action.join(part).join("action.yml");
        let text = fs::read_to_string(&file).expect("it was copied");
        let (before, after) = text.split_once("  tool-version:\n").expect("it takes a version");
        let after = after.replacen("default: ''", "default: local", 1);
        fs::write(&file, format!("{before}  tool-version:\n{after}")).expect("it can be written");
    }
    act_with(sample, workflow, "push", &action)
}

/// Runs a workflow of the sample for an event; the project is there with its actions and reusable workflows.
pub fn act_event(sample: &Sample, workflow: &str, event: &str) -> Ran {
    let action = sample.dir.path().join("project");
    copied(&action);
    act_with(sample, workflow, event, &action)
}

/// Copies the actions and the reusable workflows.
fn copied(action: &Path) {
    let folders: Vec<String> = PARTS.iter().map(|part| format!("{part}/action.yml")).collect();
    let files: Vec<&str> = ["action.yml", "action", ".github/workflows"]
        .into_iter()
        .chain(folders.iter().map(String::as_str))
        .collect();
    copy(&files, action);
    for workflow in fs::read_dir(action.join(".github/workflows")).expect("it was copied").flatten() {
        let text = fs::read_to_string(workflow.path()).expect("it is text");
        fs::write(workflow.path(), known_to_act(&text)).expect("it can be written");
    }
}

fn act_with(sample: &Sample, workflow: &str, event: &str, action: &Path) -> Ran {
    let mut command = sample.command(sample.tools.join("bin/act"));
    command
        .args([event, "--workflows", &format!(".github/workflows/{workflow}"), "--no-cache-server"])
        .args(["--platform", "ubuntu-latest=-self-hosted", "--platform", "ubuntu-24.04=-self-hosted"])
        .arg("--local-repository")
        .arg(format!("release-steps/release-steps@v1={}", action.display()))
        .args(["--env", &format!("RELEASE_STEPS_LOCAL={PROGRAM}")]);
    run(command)
}

/// A workflow without what act does not know yet, and without what it would fetch from github.com: a checkout of another
/// commit than its own, and the download of artifacts.
fn known_to_act(text: &str) -> String {
    let text = text.replace("      queue: max\n", "").replace("          ref: ${{ inputs.ref }}\n", "");
    let mut steps: Vec<&str> = text.split("      - ").collect();
    steps.retain(|step| !step.starts_with("uses: actions/download-artifact@"));
    steps.join("      - ")
}

fn sample(script: &str, workflow: &str) -> Option<Sample> {
    let tools = tools()?;
    let script = format!(
        "{script}\nmkdir -p .github/workflows\ncat >.github/workflows/job.yml <<'WORKFLOW'\n{workflow}\nWORKFLOW\n"
    );
    Some(Sample::new(tools, &script))
}

/// A workflow of one job; `$uses` is the project at its tag.
fn job(steps: &str) -> String {
    format!(
        "on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n{steps}"
    )
}

#[test]
fn outputs_of_one_job_reach_the_next() {
    let workflow = r#"
on: push
jobs:
  plan:
    runs-on: ubuntu-latest
    outputs:
      version: ${{ steps.next.outputs.version }}
      notes: ${{ steps.log.outputs.changelog }}
      reasons: ${{ steps.next.outputs.json }}
    steps:
      - uses: actions/checkout@v4
      - id: next
        uses: release-steps/release-steps/version@v1
        with: {tool-version: local, explain: true}
      - id: log
        uses: release-steps/release-steps/changelog@v1
        with: {tool-version: local}
  use:
    needs: plan
    runs-on: ubuntu-latest
    steps:
      - env:
          VERSION: ${{ needs.plan.outputs.version }}
          NOTES: ${{ needs.plan.outputs.notes }}
          JSON: ${{ needs.plan.outputs.reasons }}
        run: |
          printf '%s' "$VERSION" >"$TOP/version"
          printf '%s' "$NOTES" >"$TOP/notes"
          printf '%s' "$JSON" >"$TOP/json"
"#;
    let Some(sample) = sample(HOSTILE, workflow) else { return };
    let workflow = workflow.replace("$TOP", &sample.dir.path().display().to_string());
    sample.write("repo/.github/workflows/job.yml", &workflow);
    // The version that a hostile message wanted to have masked is still there, and nothing was planted.
    act(&sample)
        .passes()
        .says("| 1.3.0 (minor bump")
        .says_not("❗  ::error")
        .says_not("::set-output:: version=9.9.9");
    let read =
        |name: &str| fs::read_to_string(sample.dir.path().join(name)).expect("the second job wrote it");
    assert_eq!(read("version"), "1.3.0");
    let notes = sample.bash(&format!("{PROGRAM} changelog")).passes().log;
    assert_eq!(read("notes"), notes);
    assert!(notes.contains("##[add-mask]1.3.0"), "{notes}");
    let json: serde_json::Value = serde_json::from_str(&read("json")).expect("JSON");
    assert_eq!((&json["version"], &json["commits"]), (&"1.3.0".into(), &3.into()));
}

#[test]
fn a_long_value_is_a_file() {
    let script = "for n in $(seq 900); do echo \"feat: number $n of very many changes that make a long changelog, which is longer than an output may be\"; done >all
        while read -r line; do printf 'commit refs/heads/main\\ncommitter Ada <ada@example.org> 1767225600 +0000\\ndata %s\\n%s\\n' \"${#line}\" \"$line\"; [ -n \"${first:-}\" ] || { first=1; printf 'from refs/heads/main^0\\n'; }; done <all | git fast-import --quiet
        rm all";
    let steps = r#"      - id: log
        uses: release-steps/release-steps/changelog@v1
        with: {tool-version: local}
      - env:
          SHORT: ${{ steps.log.outputs.changelog }}
          FILE: ${{ steps.log.outputs.changelog_file }}
        run: test -z "$SHORT" && grep -c 'number' "$FILE"
"#;
    let Some(sample) = sample(script, &job(steps)) else { return };
    act(&sample).passes().says("| 900");
}

#[test]
fn a_release_is_pushed_and_its_tag_handed_on() {
    let steps = r#"      - id: plan
        uses: release-steps/release-steps/release@v1
        with: {tool-version: local, dry-run: true}
      - id: release
        uses: release-steps/release-steps@v1
        with: {tool-version: local, command: run release}
      - env: {PLANNED: "${{ steps.plan.outputs.tag }} ${{ steps.plan.outputs.outcome }}", MADE: "${{ steps.release.outputs.tag }} ${{ steps.release.outputs.outcome }}"}
        run: echo "planned $PLANNED, made $MADE"
      - id: again
        uses: release-steps/release-steps/release@v1
        with: {tool-version: local}
      - env: {MADE: "${{ steps.again.outputs.outcome }} ${{ steps.again.outputs.released }}"}
        run: echo "again $MADE"
"#;
    let script =
        "printf 'release: {forge: false}\\n' >release-steps.yml; git add -A; git commit -qm 'feat: more'";
    let Some(sample) = sample(script, &job(steps)) else { return };
    act(&sample).passes().says("planned v1.3.0 planned, made v1.3.0 done").says("again nothing-to-do false");
    sample.bash("git --git-dir \"$TOP/origin.git\" show v1.3.0:package.json").passes().says("1.3.0");
}

#[test]
fn a_planted_failure_stops_each_step() {
    // The step, its inputs, what it says, the outcome that later steps see, and an output.
    let cases = [
        ("version", "command: check, title: 'no convention'", "no convention", "verdict", ""),
        ("scan", "reports: broken.sarif", "broken.sarif", "verdict", "unknown fail"),
        ("gate", "environment: closed", "planted", "verdict", "fail"),
        ("smoke", "url: 'http://127.0.0.1:9/', within: 1s", "127.0.0.1:9", "verdict", "fail"),
        ("gate", "environment: missing", "missing", "verdict", ""),
        ("version", "dry-run: 'perhaps'", "neither true nor false", "version", ""),
        ("version", "channel: 'rc --yes'", "rc --yes", "version", ""),
        ("release", "to: '--no-push'", "--no-push", "tag", ""),
        ("run", "name: nothing", "there is no chain `nothing`", "tag", ""),
        ("branch", "command: check, issue: PAY-1", "takes no such input", "branch", ""),
        ("build", "workflow: build.yml", "forge", "correlation", ""),
    ];
    for (part, with, says, output, value) in cases {
        let steps = format!(
            "      - id: step\n        continue-on-error: true\n        uses: release-steps/release-steps/{part}@v1\n        \
             with: {{tool-version: local, token: '', {with}}}\n      \
             - env: {{SEEN: \"${{{{ steps.step.outcome }}}} [${{{{ steps.step.outputs.{output} }}}}]\"}}\n        run: echo \"seen $SEEN\"\n"
        );
        let Some(sample) = sample(PLANTED, &job(&steps)) else { return };
        let ran = act(&sample).passes().says(says);
        let seen = value.split(' ').any(|value| ran.log.contains(&format!("seen failure [{value}]")));
        assert!(seen, "{part}, {with}: the failure is not seen with `{value}`:\n{}", ran.log);
    }
}

/// A workflow of the sample that calls a reusable one of ours.
fn calling(script: &str, workflow: &str, with: &str, more: &str) -> Option<Sample> {
    let call = format!(
        "on: push\njobs:\n  call:\n    uses: ./.github/workflows/{workflow}\n    with: {{tool-version: local, {with}}}\n{more}"
    );
    let sample = sample(script, &call)?;
    own_workflow(&sample, workflow);
    Some(sample)
}

/// Copies one of our reusable workflows into the sample's repository.
fn own_workflow(sample: &Sample, workflow: &str) {
    let path = format!(".github/workflows/{workflow}");
    let text = fs::read_to_string(Path::new(ROOT).join(&path)).expect("there is such a workflow");
    sample.write(&format!("repo/{path}"), &known_to_act(&text));
}

#[test]
fn the_ci_workflow_builds_tests_and_scans() {
    let after = "  after:\n    needs: call\n    runs-on: ubuntu-latest\n    steps:\n      - env: {SEEN: '${{ needs.call.outputs.version }} ${{ needs.call.outputs.verdict }}'}\n        run: echo \"after $SEEN\"\n";
    let report = r#"<testsuite name="t" tests="1"><testcase name="a" classname="b"/></testsuite>"#;
    let script = format!(
        "git commit -q --allow-empty -m 'feat: more'\nprintf 'scan: {{reports: [report.xml]}}\\n' >release-steps.yml\ncat >report.txt <<'END'\n{report}\nEND\n"
    );
    let Some(sample) = calling(
        &script,
        "ci.yml",
        "build: 'echo \"built $VERSION\"', test: cp report.txt report.xml, scan: true",
        after,
    ) else {
        return;
    };
    act(&sample).passes().says("built 1.3.0").says("after 1.3.0 pass");
    let Some(sample) = calling(
        &script,
        "ci.yml",
        "build: 'echo built', test: cp report.txt report.xml && false, scan: true",
        after,
    ) else {
        return;
    };
    act(&sample).fails().says("1 tests").says_not("after 1.3.0");
}

#[test]
fn the_release_workflow_releases_once() {
    let after = "  after:\n    needs: call\n    runs-on: ubuntu-latest\n    steps:\n      - env: {SEEN: '${{ needs.call.outputs.tag }}'}\n        run: echo \"after $SEEN\"\n";
    let script =
        "printf 'release: {forge: false}\\n' >release-steps.yml; git add -A; git commit -qm 'feat: more'";
    let Some(sample) = calling(script, "release.yml", "environment: release", after) else { return };
    act(&sample).passes().says("after v1.3.0");
    sample.bash("git --git-dir \"$TOP/origin.git\" rev-parse v1.3.0").passes();
}

#[test]
fn the_deploy_workflow_asks_the_gate_and_rolls_back() {
    let script = r#"
        cat >release-steps.yml <<'CONFIG'
record: {ref: true}
gates:
  open: [{window: {zone: UTC, open: [{days: mon-sun, hours: "00:00-24:00"}]}}]
  closed: [{expression: "false"}]
deploy:
  open: &commands {command: {deploy: 'echo "deployed $VERSION after ${PREVIOUS_VERSION:-nothing} from $(cat package.json) with ${#KEY}"', verify: 'test "$VERSION" != 1.3.0'}}
  closed: *commands
CONFIG
        git add -A; git commit -qm 'feat: more'; git tag -a -m v1.3.0 v1.3.0; git push -q origin main --tags"#;
    let call = |name: &str, needs: &str, environment: &str, version: &str| {
        format!(
            "  {name}:\n{needs}    uses: ./.github/workflows/deploy.yml\n    \
             with: {{tool-version: local, environment: {environment}, version: {version}}}\n    \
             secrets:\n      variables: |\n        # of the commands\n        KEY=planted-key\n"
        )
    };
    let workflow = |jobs: &str| {
        let sample = sample(script, &format!("on: push\njobs:\n{jobs}"))?;
        own_workflow(&sample, "deploy.yml");
        Some(sample)
    };
    // The bad version goes, and what was verified comes back; the second job knows it from the record.
    let jobs = call("first", "", "open", "1.2.3") + &call("second", "    needs: first\n", "open", "1.3.0");
    let Some(sample) = workflow(&jobs) else { return };
    let ran = act(&sample).fails().says("deployed 1.2.3 after nothing").says("deployed 1.3.0 after 1.2.3");
    assert!(ran.log.contains("deployed 1.2.3 after 1.2.3"), "it does not go back:\n{}", ran.log);
    let seen = r#""rollback_to":"1.2.3","verdict":"fail""#;
    ran.says(" with 11").says(seen).says_not("planted-key");
    let Some(sample) = workflow(&call("only", "", "closed", "1.2.3")) else { return };
    act(&sample).fails().says_not("deployed 1.2.3 after");
}

#[test]
fn the_hotfix_workflow_pushes_a_branch() {
    let after = "  after:\n    needs: call\n    runs-on: ubuntu-latest\n    steps:\n      - env: {SEEN: '${{ needs.call.outputs.branch }} ${{ needs.call.outputs.version }}'}\n        run: echo \"after $SEEN\"\n";
    let Some(sample) =
        calling("git commit -q --allow-empty -m 'feat: more'", "hotfix.yml", "issue: PAY-12", after)
    else {
        return;
    };
    act(&sample).passes().says("after hotfix/").says("1.2.4");
    sample.bash("git --git-dir \"$TOP/origin.git\" branch --list 'hotfix/*'").passes().says("hotfix/");
}
