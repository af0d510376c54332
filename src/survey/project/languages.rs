//! What is built in a repository, and how.

use serde_json::Value;

use super::is_plain;
use crate::error::Result;
use crate::facts::Facts;
use crate::survey::packages::joined;

/// A way to build and test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Node packages, installed with npm.
    Npm,
    /// Node packages, installed with pnpm.
    Pnpm,
    /// Node packages, installed with yarn.
    Yarn,
    /// Rust.
    Cargo,
    /// Python.
    Python,
    /// Java with Maven.
    Maven,
    /// Java or Kotlin with Gradle.
    Gradle,
    /// Go.
    Go,
}

impl Kind {
    /// Its name, as jobs are called.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Npm => "npm",
            Kind::Pnpm => "pnpm",
            Kind::Yarn => "yarn",
            Kind::Cargo => "cargo",
            Kind::Python => "python",
            Kind::Maven => "maven",
            Kind::Gradle => "gradle",
            Kind::Go => "go",
        }
    }

    /// The official image at Docker Hub that has its tools.
    pub fn image(self) -> &'static str {
        match self {
            Kind::Npm | Kind::Pnpm | Kind::Yarn => "node:24",
            Kind::Cargo => "rust:1",
            Kind::Python => "python:3",
            Kind::Maven => "maven:3-eclipse-temurin-21",
            Kind::Gradle => "gradle:jdk21",
            Kind::Go => "golang:1",
        }
    }
}

/// Something that is built by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language {
    /// How.
    pub kind: Kind,
    /// Its folder, empty at the top.
    pub folder: String,
    /// Lines for a shell that build it, in its folder.
    pub build: Vec<String>,
    /// Lines that test it; none where no tests were found.
    pub test: Vec<String>,
}

/// The files by which a build is known, each list for one kind: of those, one nearer to the top covers what is below it.
const MANIFESTS: [&[&str]; 6] = [
    &["package.json"],
    &["Cargo.toml"],
    &["pyproject.toml", "setup.py"],
    &["pom.xml"],
    &["settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts"],
    &["go.mod"],
];
/// Folders of what others wrote, and of what only looks like a project.
const PASSED: [&str; 9] =
    ["node_modules", "vendor", "third_party", "testdata", "fixtures", "examples", "tests", "test", "docs"];
/// How deep below the top projects are looked for.
const DEEP: usize = 3;

/// What is built here, in the order of the folders; and the folders whose names are not written into a shell's line.
pub fn languages(facts: &Facts<'_>) -> Result<(Vec<Language>, Vec<String>)> {
    let tracked = facts.tracked()?;
    let mut found = Vec::new();
    let mut odd = Vec::new();
    for manifests in MANIFESTS {
        for folder in outermost(tracked, manifests) {
            match is_plain(folder) {
                true => found.push(language(facts, manifests[0], folder, tracked)?),
                false => odd.push(folder.to_owned()),
            }
        }
    }
    found.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok((found, odd))
}

/// The folders that have one of some files and are below no other such folder.
fn outermost<'t>(tracked: &'t [String], files: &[&str]) -> Vec<&'t str> {
    let mut folders: Vec<&str> = tracked
        .iter()
        .filter_map(|path| {
            let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
            let parts = || folder.split('/').filter(|part| !part.is_empty());
            let fits = files.contains(&file)
                && parts().count() <= DEEP
                && !parts().any(|part| PASSED.contains(&part) || part.starts_with('.'));
            fits.then_some(folder)
        })
        .collect();
    folders.sort_unstable();
    folders.dedup();
    let covered = |folder: &str| {
        folders
            .iter()
            .any(|above| *above != folder && (above.is_empty() || folder.starts_with(&format!("{above}/"))))
    };
    folders.iter().copied().filter(|folder| !covered(folder)).collect()
}

fn language(facts: &Facts<'_>, manifest: &str, folder: &str, tracked: &[String]) -> Result<Language> {
    let has = |file: &str| tracked.binary_search(&joined(folder, file)).is_ok();
    let line = |line: &str| vec![line.to_owned()];
    let (kind, build, test) = match manifest {
        "package.json" => {
            let (kind, install, run) = if has("pnpm-lock.yaml") {
                (Kind::Pnpm, "corepack enable && pnpm install --frozen-lockfile", "pnpm run")
            } else if has("yarn.lock") {
                (Kind::Yarn, "corepack enable && yarn install --immutable", "yarn run")
            } else if has("package-lock.json") {
                (Kind::Npm, "npm ci", "npm run")
            } else {
                (Kind::Npm, "npm install --no-package-lock", "npm run")
            };
            let scripts = scripts(facts, folder)?;
            // What `npm init` writes always fails.
            let has = |name: &str| scripts[name].as_str().is_some_and(|s| !s.contains("no test specified"));
            let script = |name: &str| has(name).then(|| format!("{run} {name}"));
            (
                kind,
                line(install).into_iter().chain(script("build")).collect(),
                script("test").into_iter().collect(),
            )
        }
        "Cargo.toml" => {
            let locked = if has("Cargo.lock") { " --locked" } else { "" };
            let run = |what: &str| vec![format!("cargo {what} --workspace{locked}")];
            (Kind::Cargo, run("build"), run("test"))
        }
        "pyproject.toml" => python(facts, folder, tracked)?,
        "pom.xml" => {
            let maven = if has("mvnw") { "./mvnw" } else { "mvn" };
            let run = |what: &str| vec![format!("{maven} --batch-mode --no-transfer-progress {what}")];
            (Kind::Maven, run("package -DskipTests"), run("verify"))
        }
        "go.mod" => (Kind::Go, line("go build ./..."), line("go test ./...")),
        _ => {
            let gradle = if has("gradlew") { "./gradlew" } else { "gradle" };
            (Kind::Gradle, vec![format!("{gradle} assemble")], vec![format!("{gradle} check")])
        }
    };
    Ok(Language { kind, folder: folder.to_owned(), build, test })
}

/// The scripts of a `package.json`; nothing where it cannot be read, for `npm` itself says that better.
pub(super) fn scripts(facts: &Facts<'_>, folder: &str) -> Result<Value> {
    let text = facts.read(&joined(folder, "package.json"))?.unwrap_or_default();
    Ok(serde_json::from_str::<Value>(&text).unwrap_or_default()["scripts"].take())
}

type Lines = Vec<String>;

/// Tests run with pytest where a file says so, otherwise with what Python brings.
fn python(facts: &Facts<'_>, folder: &str, tracked: &[String]) -> Result<(Kind, Lines, Lines)> {
    let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let mut tested = false;
    let mut pytest = false;
    for path in tracked.iter().filter_map(|path| path.strip_prefix(&below)) {
        let file = path.rsplit('/').next().unwrap_or_default();
        tested |= file.ends_with(".py") && (file.starts_with("test_") || file.ends_with("_test.py"));
        let says = matches!(path, "pytest.ini" | "conftest.py" | "tests/conftest.py")
            || (matches!(path, "pyproject.toml" | "setup.py" | "setup.cfg" | "tox.ini")
                || path.starts_with("requirements"))
                && facts.read(&joined(folder, path))?.is_some_and(|text| text.contains("pytest"));
        pytest |= says;
    }
    let with = if pytest { " pytest" } else { "" };
    let build = vec![
        "python3 -m venv .venv".to_owned(),
        format!(".venv/bin/python -m pip install --quiet --disable-pip-version-check .{with}"),
    ];
    let test = match (tested, pytest) {
        (false, _) => Vec::new(),
        (true, true) => vec![".venv/bin/python -m pytest".to_owned()],
        (true, false) => {
            let within = if tracked.iter().any(|path| path.starts_with(&format!("{below}tests/"))) {
                " --start-directory tests --top-level-directory ."
            } else {
                ""
            };
            vec![format!(".venv/bin/python -m unittest discover{within}")]
        }
    };
    Ok((Kind::Python, build, test))
}
