//! `gitlab-ci-templates/` to be included, and the same as CI/CD components in `templates/NAME/template.yml`
//! (<https://docs.gitlab.com/ci/components/>).

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use release_steps::inputs::{PREFIX, variable};

use crate::parts::{COMMON, Input, PARTS, Part, inputs_of};
use crate::{check, quoted};

const WRITTEN: &str = "# Written by `UPDATE_PACKAGING=1 cargo test --test packaging` from the definition of the command line.\n";
/// Has git, curl, tar and a shell.
const IMAGE: &str = "buildpack-deps:bookworm-scm";
/// Where a job leaves what later jobs get. Two jobs of one part leave files of the same names, which meet where both jobs'
/// artifacts are fetched: so each job has a folder (`CI_JOB_NAME_SLUG`, GitLab 15.4; the runner expands paths of artifacts).
const FOLDER: &str = ".release-steps/$CI_JOB_NAME_SLUG";

#[test]
fn templates_say_what_the_command_line_says() {
    for part in &PARTS {
        check(&format!("gitlab-ci-templates/{}.gitlab-ci.yml", part.name), &include(part));
        check(&format!("templates/{}/template.yml", part.name), &component(part));
    }
    check("gitlab-ci-templates/pipeline.gitlab-ci.yml", &pipeline(None));
    check("templates/pipeline/template.yml", &pipeline(Some(CHAIN)));
}

/// The script of a job: what comes before, the installer's text, then the command.
fn script(before: &str, words: &str) -> String {
    let read = |path: &str| {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("it is there")
    };
    let installer = read("action/install.sh");
    let installer = installer.strip_prefix("#!/bin/sh\n").expect("a shell script");
    let table: String = read("action/sha256sums")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(!table.contains('\''), "the table of digests is plain");
    let text = format!(
        "{before}{installer}RELEASE_STEPS_SHA256SUMS='{}'\nbinary=$(release_steps_install)\n\"$binary\" from-inputs {words}\n",
        table.trim_end()
    );
    let mut out = String::from("  script:\n    - |\n");
    for line in text.lines() {
        let _ = writeln!(out, "{}", if line.is_empty() { String::new() } else { format!("      {line}") });
    }
    out
}

/// A job of one step. `variables` are its inputs by their names.
struct Job<'a> {
    name: &'a str,
    stage: &'a str,
    image: &'a str,
    /// Lines of the script before the command.
    before: &'a str,
    words: &'a str,
    prefix: &'a str,
    variables: Vec<(String, String)>,
    /// More of the job, as YAML.
    more: String,
    /// More reports, as YAML.
    reports: String,
}

impl Job<'_> {
    fn yaml(&self) -> String {
        let mut out = format!(
            "{}:\n  stage: {}\n  image: {}\n{}  variables:\n",
            quoted(self.name),
            quoted(self.stage),
            quoted(self.image),
            self.more
        );
        // The whole history, and its tags: the next version is counted from the last release.
        let _ = writeln!(
            out,
            "    GIT_DEPTH: '0'\n    RELEASE_STEPS_DOTENV: {FOLDER}/outputs.env\n    RELEASE_STEPS_PREFIX: {}",
            quoted(self.prefix)
        );
        for (name, value) in &self.variables {
            let _ = writeln!(out, "    {name}: {}", quoted(value));
        }
        out.push_str(&script(self.before, self.words));
        let _ = writeln!(
            out,
            "  artifacts:\n    when: always\n    paths:\n      - {FOLDER}/\n    reports:\n      dotenv: {FOLDER}/outputs.env"
        );
        out.push_str(&self.reports);
        out
    }
}

/// Starts of variables in the dotenv file, so that steps do not overwrite each other's.
fn prefix(part: &Part) -> String {
    format!("{}_", variable(part.name))
}

/// What a part writes into its folder, with the reports of it that GitLab shows.
fn files_of(part: &Part) -> (Vec<(String, String)>, String) {
    let files: &[(&str, &str)] = match part.name {
        "scan" => &[
            ("code-quality", "code-quality.json"),
            ("junit", "junit.xml"),
            ("result", "result.json"),
            ("summary", "summary.md"),
        ],
        "smoke" => &[("junit", "junit.xml")],
        "verify" => &[("summary", "summary.md")],
        _ => &[],
    };
    let variables = files
        .iter()
        .map(|(input, file)| (format!("{PREFIX}{}", variable(input)), format!("{FOLDER}/{file}")))
        .collect();
    let reports = [("code-quality", "codequality"), ("junit", "junit")]
        .iter()
        .filter_map(|(input, report)| {
            let (_, file) = files.iter().find(|(name, _)| name == input)?;
            Some(format!("      {report}: {FOLDER}/{file}\n"))
        })
        .collect();
    (variables, reports)
}

/// A hidden job to be extended; its inputs are variables.
fn include(part: &Part) -> String {
    let mut out = WRITTEN.to_owned();
    let name = format!(".release-steps:{}", part.name);
    let _ =
        writeln!(out, "#\n# {}: a job that extends `{name}`. Its inputs are variables:", part.description);
    let mut inputs = inputs_of(Some(part));
    command_input(part, &mut inputs);
    for input in &inputs {
        let _ = writeln!(out, "#   {PREFIX}{}: {}", variable(&input.name), input.help);
    }
    let _ = writeln!(out, "#   RELEASE_STEPS_VERSION: {TOOL_VERSION}");
    let _ = writeln!(out, "# Later jobs get, as variables that begin with {}:", prefix(part));
    for (name, help) in
        COMMON.iter().chain(part.outputs).filter(|(name, _)| !name.ends_with("_file") && *name != "json")
    {
        let _ = writeln!(out, "#   {}{}: {help}", prefix(part), name.to_ascii_uppercase());
    }
    let _ = writeln!(
        out,
        "# A value that cannot stand in a line is in a file; the variable NAME_FILE is its path. {}JSON_FILE has all.\n# Files are in `.release-steps/JOB/`, JOB being the job's CI_JOB_NAME_SLUG.\n",
        prefix(part)
    );
    let (mut variables, reports) = files_of(part);
    if let Some(first) = part.commands.first() {
        variables.push((format!("{PREFIX}COMMAND"), (*first).to_owned()));
    }
    let job = Job {
        name: &name,
        stage: "test",
        image: IMAGE,
        before: "",
        words: part.words,
        prefix: &prefix(part),
        variables,
        more: String::new(),
        reports,
    };
    out.push_str(&job.yaml());
    out
}

const TOOL_VERSION: &str =
    "The version of release-steps, of those whose digests this file holds [default: the last]";

fn command_input(part: &Part, inputs: &mut Vec<Input>) {
    if let Some(default) = part.commands.first() {
        let values: Vec<String> = part.commands.iter().map(|name| (*name).to_owned()).collect();
        let help = format!("The command: {} [default: {default}]", part.commands.join(", "));
        inputs.insert(0, Input { name: "command".to_owned(), help, flag: false, required: false, values });
    }
    inputs.push(Input {
        name: "args".to_owned(),
        help: "Further arguments, one a line".to_owned(),
        flag: false,
        required: false,
        values: Vec::new(),
    });
}

/// One input of a component: its name, its kind as YAML lines, its description.
fn spec(out: &mut String, name: &str, help: &str, kind: &str) {
    let _ = write!(out, "    {name}:\n      description: {}\n{kind}", quoted(help));
}

fn text_default(default: &str) -> String {
    format!("      default: {}\n", quoted(default))
}

/// What every component takes for its job.
pub const JOB_INPUTS: [&str; 6] = ["job", "stage", "image", "rules", "prefix", "tool-version"];

fn component(part: &Part) -> String {
    let mut out = format!("{WRITTEN}spec:\n  inputs:\n");
    spec(&mut out, "job", "The name of the job", &text_default(&format!("release-steps:{}", part.name)));
    spec(&mut out, "stage", "The stage of the job", &text_default("test"));
    spec(&mut out, "image", "An image with git, curl, tar and a shell", &text_default(IMAGE));
    spec(
        &mut out,
        "rules",
        "When the job runs",
        "      type: array\n      default:\n        - when: on_success\n",
    );
    let pattern = "      regex: '^[A-Z][A-Z0-9_]*$'\n";
    spec(
        &mut out,
        "prefix",
        "What the variables for later jobs begin with",
        &format!("{}{pattern}", text_default(&prefix(part))),
    );
    spec(&mut out, "tool-version", TOOL_VERSION, &text_default(""));
    let mut inputs = inputs_of(Some(part));
    command_input(part, &mut inputs);
    let (reports_at, reports) = files_of(part);
    let mut variables = vec![("RELEASE_STEPS_VERSION".to_owned(), "$[[ inputs.tool-version ]]".to_owned())];
    for input in &inputs {
        let own = format!("{PREFIX}{}", variable(&input.name));
        let known = reports_at.iter().find(|(name, _)| *name == own).map(|(_, file)| file.as_str());
        let kind = match (&input.values[..], input.flag, input.required) {
            (_, true, _) => "      type: boolean\n      default: false\n".to_owned(),
            (_, _, true) => String::new(),
            ([], ..) => text_default(known.unwrap_or("")),
            (values, ..) => {
                let first = if input.name == "command" { values[0].as_str() } else { "" };
                let empty = if first.is_empty() { vec![String::new()] } else { Vec::new() };
                let options: Vec<String> = empty.iter().chain(values).map(|value| quoted(value)).collect();
                format!("{}      options: [{}]\n", text_default(first), options.join(", "))
            }
        };
        // The job's own inputs come first.
        let name = match JOB_INPUTS.contains(&input.name.as_str()) {
            true => format!("{}-{}", part.name, input.name),
            false => input.name.clone(),
        };
        spec(&mut out, &name, &input.help, &kind);
        variables.push((own, format!("$[[ inputs.{name} ]]")));
    }
    out.push_str("---\n");
    let job = Job {
        name: "$[[ inputs.job ]]",
        stage: "$[[ inputs.stage ]]",
        image: "$[[ inputs.image ]]",
        before: "",
        words: part.words,
        prefix: "$[[ inputs.prefix ]]",
        variables,
        more: "  rules: $[[ inputs.rules ]]\n".to_owned(),
        reports,
    };
    out.push_str(&job.yaml());
    out
}

/// An input of the whole chain: name, default, what it says.
type ChainInput = (&'static str, &'static str, &'static str);

/// The inputs of the whole chain; included plainly, they are variables `RELEASE_STEPS_NAME`.
const CHAIN: &[ChainInput] = &[
    (
        "environment",
        "",
        "The environment whose gate a release has to pass, of `gates:` in the configuration; empty: no gate",
    ),
    ("scan", "false", "`true` judges the reports that `scan.reports` of the configuration names"),
    (
        "staging",
        "",
        "The environment that a release is deployed to by itself, of `deploy:` in the configuration; empty: none",
    ),
    (
        "staging-stop",
        "",
        "Commands that take the staging environment down, for `sh`; empty: it cannot be stopped from GitLab",
    ),
    (
        "production",
        "",
        "The environment that a release is deployed to with a click, of `deploy:` in the configuration; empty: none",
    ),
    ("channel", "", "A pre-release of this channel: `rc` makes 1.3.0-rc.1"),
    ("tool-version", "", TOOL_VERSION),
];

/// What a release made, which a deployment of this pipeline is about.
const RELEASED: &str = "if [ \"${RELEASE_RELEASED:-}\" != true ]; then echo 'nothing was released'; exit 0; fi\nexport VERSION=\"$RELEASE_VERSION\"\n";

/// The chain: messages and titles are checked in merge requests; on the default branch the next version is told, what
/// scanners said is judged, the gate is asked, and the release is one click away. What was released is deployed to staging by
/// itself, and to production by another click; a third goes back.
fn pipeline(component: Option<&[ChainInput]>) -> String {
    let value = |name: &str| match component {
        Some(_) => format!("$[[ inputs.{name} ]]"),
        None if name == "tool-version" => "$RELEASE_STEPS_VERSION".to_owned(),
        None => format!("$RELEASE_STEPS_{}", variable(name)),
    };
    // GitLab compares texts, which a component's inputs are put into.
    let is = |name: &str, what: &str| match component {
        Some(_) => format!("\"{}\" {what}", value(name)),
        None => format!("{} {what}", value(name)),
    };
    let mut out = WRITTEN.to_owned();
    match component {
        Some(inputs) => {
            out.push_str("spec:\n  inputs:\n");
            for (name, default, help) in inputs {
                spec(&mut out, name, help, &text_default(default));
            }
            out.push_str("---\n");
        }
        None => {
            out.push_str("#\n# The whole chain. Variables:\n");
            for (name, _, help) in CHAIN.iter().filter(|(name, ..)| *name != "tool-version") {
                let _ = writeln!(out, "#   RELEASE_STEPS_{}: {help}", variable(name));
            }
            let _ = writeln!(out, "#   RELEASE_STEPS_VERSION: {TOOL_VERSION}");
        }
    }
    out.push_str("stages: [build, test, scan, version, gate, release, deploy]\n\n");
    let part = |name: &str| PARTS.iter().find(|part| part.name == name).expect("there is such a part");
    let on_default = "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH";
    let requests = "$CI_PIPELINE_SOURCE == \"merge_request_event\"";
    let rule = |condition: &str, when: &str| format!("  rules:\n    - if: {}\n{when}", quoted(condition));
    let input = |name: &str, of: &str| (format!("{PREFIX}{}", variable(name)), of.to_owned());
    let tool = (component.is_some()).then(|| ("RELEASE_STEPS_VERSION".to_owned(), value("tool-version")));
    let mut job = |name: &str, stage: &str, part: &Part, variables: Vec<(String, String)>, more: String| {
        let (reports_at, reports) = files_of(part);
        let variables = tool.iter().cloned().chain(reports_at).chain(variables).collect();
        let job = Job {
            name,
            stage,
            image: IMAGE,
            before: if name.contains("deploy") { RELEASED } else { "" },
            words: part.words,
            prefix: &prefix(part),
            variables,
            more,
            reports,
        };
        let _ = writeln!(out, "{}", job.yaml());
    };
    // What is in the request alone: commits that others made before it are not its fault.
    let check =
        vec![input("command", "check"), input("range", "$CI_MERGE_REQUEST_DIFF_BASE_SHA..$CI_COMMIT_SHA")];
    job("release-steps:check", "test", part("version"), check, rule(requests, ""));
    let scan = format!("{} && ({requests} || {on_default})", is("scan", "== \"true\""));
    job("release-steps:scan", "scan", part("scan"), Vec::new(), rule(&scan, ""));
    job(
        "release-steps:version",
        "version",
        part("version"),
        vec![input("command", "next"), input("channel", &value("channel"))],
        rule(on_default, ""),
    );
    let named = |name: &str| match component {
        Some(_) => format!("{} && {on_default}", is(name, "!= \"\"")),
        None => format!("{} && {on_default}", value(name)),
    };
    let gate = named("environment");
    job(
        "release-steps:gate",
        "gate",
        part("gate"),
        vec![
            input("environment", &value("environment")),
            input("evidence", &format!("{FOLDER}/evidence.json")),
        ],
        rule(&gate, ""),
    );
    // One release at a time, and the oldest first is no matter: each plans from what is there.
    let release = format!("  resource_group: release-steps\n{}", rule(on_default, "      when: manual\n"));
    job(
        "release-steps:release",
        "release",
        part("release"),
        vec![input("channel", &value("channel"))],
        release,
    );
    let place = |name: &str, more: &str| {
        let name_of = value(name);
        format!(
            "  environment:\n    name: {0}\n    deployment_tier: {name}\n{more}  resource_group: {0}\n",
            quoted(&name_of)
        )
    };
    let needs = "  needs: ['release-steps:release']\n";
    let manual = "      when: manual\n";
    let deploy = |name: &str| vec![input("environment", &value(name))];
    job(
        "release-steps:deploy:staging",
        "deploy",
        part("deploy"),
        deploy("staging"),
        format!(
            "{needs}{}{}",
            place("staging", "    on_stop: 'release-steps:stop:staging'\n"),
            rule(&named("staging"), "")
        ),
    );
    job(
        "release-steps:deploy:production",
        "deploy",
        part("deploy"),
        deploy("production"),
        format!("{needs}{}{}", place("production", ""), rule(&named("production"), manual)),
    );
    let by_hand = "      when: manual\n      allow_failure: true\n";
    job(
        "release-steps:rollback:production",
        "deploy",
        part("rollback"),
        deploy("production"),
        format!("  needs: []\n{}{}", place("production", ""), rule(&named("production"), by_hand)),
    );
    let _ = write!(
        out,
        "'release-steps:stop:staging':\n  stage: deploy\n  image: {}\n  needs: []\n  environment:\n    name: {}\n    action: stop\n  \
         resource_group: {1}\n{}  variables:\n    GIT_DEPTH: '1'\n    RELEASE_STEPS_STOP_COMMANDS: {}\n  script:\n    - sh -euc \"$RELEASE_STEPS_STOP_COMMANDS\"\n",
        quoted(IMAGE),
        quoted(&value("staging")),
        rule(
            &format!(
                "{} && {}",
                named("staging"),
                named("staging-stop").split(" && ").next().expect("a condition")
            ),
            by_hand
        ),
        quoted(&value("staging-stop")),
    );
    out
}
