//! Templates and components under `gitlab-ci-local`.

use super::{HOSTILE, PARTS, PLANTED, PROGRAM, Ran, Sample, copy, run, tools};

const HOST: &str = "https://gitlab.example.com";

/// Runs the pipeline of the sample, or some of its jobs.
pub fn pipeline(sample: &Sample, jobs: &[&str]) -> Ran {
    let mut command = sample.command(sample.tools.join("node_modules/.bin/gitlab-ci-local"));
    command.args(["--force-shell-executor", "--variable", &format!("RELEASE_STEPS_LOCAL={PROGRAM}")]);
    // Within jobs, the GitLab's address is the remote here; outside of them it names the GitLab.
    let origin = sample.dir.path().join("origin.git");
    command.args(["--variable", "GIT_CONFIG_COUNT=2"]);
    for (at, host) in [HOST, "https://gitlab.com"].iter().enumerate() {
        command
            .args(["--variable", &format!("GIT_CONFIG_KEY_{at}=url.{}.insteadOf", origin.display())])
            .args(["--variable", &format!("GIT_CONFIG_VALUE_{at}={host}/team/demo.git")]);
    }
    command.args(jobs);
    run(command)
}

/// A sample with a pipeline; the project's templates are at the stand-in of a GitLab, which git reaches in a folder.
fn sample(script: &str, pipeline: &str) -> Option<Sample> {
    let script = format!("{script}\ncat >.gitlab-ci.yml <<'PIPELINE'\n{pipeline}\nPIPELINE\n");
    let sample = Sample::new(tools()?, &script);
    at(&sample, HOST);
    Some(sample)
}

/// Has the sample be at a GitLab that has this project too.
pub fn at(sample: &Sample, host: &str) {
    let project = sample.dir.path().join("project");
    let components: Vec<String> =
        PARTS.iter().chain(&["pipeline"]).map(|part| format!("templates/{part}/template.yml")).collect();
    let files: Vec<&str> =
        ["gitlab-ci-templates"].into_iter().chain(components.iter().map(String::as_str)).collect();
    copy(&files, &project);
    sample
        .bash(&format!(
            "(cd \"$TOP/project\" && git init -q && git add -A && git commit -qm x && git tag v1)
             mkdir -p \"$TOP/server\" && git clone -q --bare \"$TOP/project\" \"$TOP/server/release-steps.git\"
             git config --global \"url.file://$TOP/server/.insteadOf\" {host}/release-steps/
             git remote set-url origin {host}/team/demo.git
             git config \"url.$TOP/origin.git.pushInsteadOf\" {host}/team/demo.git"
        ))
        .passes();
}

fn include(part: &str) -> String {
    format!(
        "  - project: release-steps/release-steps\n    ref: v1\n    file: gitlab-ci-templates/{part}.gitlab-ci.yml\n"
    )
}

fn component(part: &str, inputs: &str) -> String {
    format!(
        "  - component: gitlab.example.com/release-steps/release-steps/{part}@v1\n    inputs: {{{inputs}}}\n"
    )
}

#[test]
fn variables_of_one_job_reach_the_next() {
    let pipeline_yaml = format!(
        "include:\n{}{}{}stages: [test, use]\nversion:\n  extends: .release-steps:version\n  variables: {{RELEASE_STEPS_VERSION: local}}\n\
         use:\n  stage: use\n  needs: [version, changes, rc]\n  script:\n    - echo \"seen $VERSION_VERSION $VERSION_OUTCOME $RC_VERSION\"\n    \
         - cat \"$CHANGELOG_CHANGELOG_FILE\"\n",
        include("version"),
        component("changelog", "job: changes, tool-version: local"),
        component("version", "job: rc, prefix: RC_, tool-version: local, channel: rc, explain: true"),
    );
    let Some(sample) = sample(HOSTILE, &pipeline_yaml) else { return };
    let ran = pipeline(&sample, &[]).passes().says("seen 1.3.0 answered 1.3.0-rc.1").says_not("9.9.9");
    // What the message says comes through as it is: nothing was filled in, nothing was run.
    ran.says("::set-output name=version::6.6.6 $CI_JOB_TOKEN $(id)");
}

#[test]
fn a_planted_failure_stops_each_job() {
    let cases = [
        ("version", "command: check, title: 'no convention'", "no convention"),
        ("scan", "reports: broken.sarif", "broken.sarif"),
        ("gate", "environment: closed", "planted"),
        ("run", "name: nothing", "there is no chain `nothing`"),
        ("version", "channel: 'rc --yes; touch planted'", "rc --yes; touch planted"),
        ("release", "to: '--no-push'", "--no-push"),
    ];
    for (part, inputs, says) in cases {
        let yaml = format!(
            "include:\n{}stages: [test]\n",
            component(part, &format!("job: step, tool-version: local, {inputs}"))
        );
        let Some(sample) = sample(PLANTED, &yaml) else { return };
        pipeline(&sample, &[]).fails().says(says);
        assert!(!sample.repo().join("planted").exists(), "{inputs} went through a shell");
    }
}

#[test]
fn a_component_checks_its_inputs() {
    let yaml = format!(
        "include:\n{}stages: [test]\n",
        component("version", "command: nothing, tool-version: local")
    );
    let Some(sample) = sample("", &yaml) else { return };
    pipeline(&sample, &[]).fails().says("nothing");
}

#[test]
fn the_whole_chain_runs_up_to_the_click() {
    let script = r"
        cat >release-steps.yml <<'CONFIG'
release: {forge: false}
scan: {reports: [report.xml]}
gates: {production: [{window: {zone: UTC, open: [{days: mon-sun, hours: '00:00-24:00'}]}}]}
CONFIG
        printf '<testsuite name=\042t\042 tests=\0421\042><testcase name=\042a\042 classname=\042b\042/></testsuite>' >report.xml
        git add -A; git commit -qm 'feat: more'";
    let chain = [
        format!(
            "include:\n{}",
            component("pipeline", "environment: production, scan: 'true', tool-version: local")
        ),
        format!(
            "include:\n{}variables: {{RELEASE_STEPS_ENVIRONMENT: production, RELEASE_STEPS_SCAN: 'true', RELEASE_STEPS_VERSION: local}}\n",
            include("pipeline")
        ),
    ];
    for yaml in chain {
        let Some(sample) = sample(script, &yaml) else { return };
        let ran = pipeline(&sample, &[]).passes().says("1.3.0");
        for job in ["scan", "version", "gate"] {
            assert!(
                ran.log.contains(&format!("PASS  release-steps:{job}")),
                "{job} did not run:\n{}",
                ran.log
            );
        }
        ran.says_not("PASS  release-steps:release").says_not("PASS  release-steps:check");
    }
}

#[test]
fn what_was_released_goes_to_staging_by_itself() {
    let script = r#"
        cat >release-steps.yml <<'CONFIG'
release: {forge: false}
record: {ref: true}
deploy:
  staging: {command: {deploy: 'echo "brought $VERSION to $ENVIRONMENT"', verify: 'true'}}
  production: {after: staging, command: {deploy: 'echo "brought $VERSION to $ENVIRONMENT"', verify: 'true'}}
CONFIG
        git add -A; git commit -qm 'feat: more'"#;
    let inputs = "staging: staging, production: production, tool-version: local";
    let variables = "RELEASE_STEPS_STAGING: staging, RELEASE_STEPS_PRODUCTION: production, RELEASE_STEPS_VERSION: local, RELEASE_STEPS_STAGING_STOP: 'echo took it down'";
    let chain = [
        format!(
            "include:\n{}",
            component("pipeline", &format!("{inputs}, staging-stop: 'echo took it down'"))
        ),
        format!("include:\n{}variables: {{{variables}}}\n", include("pipeline")),
    ];
    for yaml in chain {
        let Some(sample) = sample(script, &yaml) else { return };
        pipeline(&sample, &["--manual", "release-steps:release"])
            .passes()
            .says("brought 1.3.0 to staging")
            .says_not("brought 1.3.0 to production");
        // A click later, knowing from the record that it is well in staging.
        let click = ["--manual", "release-steps:release", "--needs", "release-steps:deploy:production"];
        pipeline(&sample, &click).passes();
        pipeline(&sample, &["release-steps:stop:staging"]).passes().says("took it down");
    }
}
