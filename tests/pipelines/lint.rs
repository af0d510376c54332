//! What others say of the files: zizmor, actionlint, check-jsonschema, shellcheck.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{PARTS, ROOT, Ran, run, tools};

fn tool(tools: &Path, program: &str, arguments: &[&str], files: &[PathBuf]) -> Ran {
    let mut command = Command::new(tools.join(program));
    let path =
        std::env::join_paths([tools.join("venv/bin"), "/usr/bin".into(), "/bin".into()]).expect("a path");
    command.current_dir(ROOT).env("PATH", path).args(arguments).args(files);
    run(command)
}

fn below(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(Path::new(ROOT).join(folder))
        .expect("it can be read")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} has none");
    found
}

fn actions() -> Vec<PathBuf> {
    PARTS
        .iter()
        .map(|part| format!("{part}/action.yml"))
        .chain(["action.yml".to_owned()])
        .map(|path| Path::new(ROOT).join(path))
        .collect()
}

#[test]
fn workflows_and_actions() {
    let Some(tools) = tools() else { return };
    let workflows = below(".github/workflows", "yml");
    workflow(&tools, &workflows);
    zizmor(&tools, &actions());
    service(&tools, &actions()).passes();
    tool(&tools, SCHEMA, &["--builtin-schema", "vendor.github-actions"], &actions()).passes();
}

const SCHEMA: &str = "venv/bin/check-jsonschema";

fn zizmor(tools: &Path, files: &[PathBuf]) {
    let arguments = ["--offline", "--persona=pedantic", "--config", ".github/zizmor.yml"];
    tool(tools, "venv/bin/zizmor", &arguments, files).passes();
}

/// GitHub's own language service.
fn service(tools: &Path, files: &[PathBuf]) -> Ran {
    let program = tools.join("languageservice.cjs").display().to_string();
    tool(tools, "node_modules/node/bin/node", &[&program, ROOT], files)
}

/// Workflows, as every linter sees them.
pub fn workflow(tools: &Path, files: &[PathBuf]) {
    zizmor(tools, files);
    service(tools, files).passes();
    // `queue` is newer than actionlint: https://github.blog/changelog/2026-05-07-github-actions-concurrency-groups-now-allow-larger-queues
    tool(tools, "bin/actionlint", &["-ignore", "unexpected key \"queue\" for \"concurrency\""], files)
        .passes();
    tool(tools, SCHEMA, &["--builtin-schema", "vendor.github-workflows"], files).passes();
}

/// Pipelines of GitLab, by its schema.
pub fn gitlab(tools: &Path, files: &[PathBuf]) {
    tool(tools, SCHEMA, &["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"], files)
        .passes();
}

#[test]
fn templates() {
    let Some(tools) = tools() else { return };
    gitlab(&tools, &below("gitlab-ci-templates", "yml"));
}

#[test]
fn scripts() {
    let Some(tools) = tools() else { return };
    let scripts: Vec<PathBuf> = below("action", "sh").into_iter().chain(below(".ci", "sh")).collect();
    tool(&tools, "venv/bin/shellcheck", &["--external-sources"], &scripts).passes();
}

#[test]
fn the_linters_find_something() {
    let Some(tools) = tools() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let bad = dir.path().join("bad.yml");
    fs::write(&bad, "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.head_ref }}\n").expect("written");
    tool(&tools, "venv/bin/zizmor", &["--offline"], std::slice::from_ref(&bad)).fails();
    fs::write(&bad, "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: release-steps/release-steps/gate@v1\n        with: {envronment: x}\n  b:\n    uses: release-steps/release-steps/.github/workflows/ci.yml@v1\n    with: {nope: 1}\n").expect("written");
    service(&tools, std::slice::from_ref(&bad))
        .fails()
        .says("Invalid action input 'envronment'")
        .says("Missing required input `environment`")
        .says("nope is not defined");
    let action = dir.path().join("action.yml");
    let text = fs::read_to_string(Path::new(ROOT).join("action.yml")).expect("it is there");
    fs::write(&action, text.replace("      shell: bash\n", "")).expect("written");
    service(&tools, &[action]).fails().says("Required property is missing: shell");
    fs::write(&bad, "on: push\njobs:\n  a:\n    steps: []\n").expect("written");
    tool(&tools, "bin/actionlint", &[], std::slice::from_ref(&bad)).fails();
    tool(&tools, "venv/bin/check-jsonschema", &["--builtin-schema", "vendor.github-workflows"], &[bad])
        .fails();
}
