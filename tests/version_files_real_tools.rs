//! The tools that own the formats must accept what the editors write, and leave it as it is.
//!
//! A test whose tool is not on the path says so and passes; none of them uses the network.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use release_steps::rules::files::{
    Context, Ecosystem, Format, Located, locate, locate_requirements, manifest, replace, requirement, write,
};
use semver::Version;
use tempfile::TempDir;

/// Runs a tool in a folder; `None`, with a line that says so, when it is not there.
fn run(dir: &Path, tool: &str, args: &[&str]) -> Option<Output> {
    let home = dir.join(".home");
    fs::create_dir_all(&home).unwrap();
    let mut command = Command::new(tool);
    command.args(args).current_dir(dir);
    // npm's cache and settings must not decide; Python's and Cargo's shims need the real home.
    if tool == "npm" {
        command.env("HOME", &home).env("npm_config_offline", "true");
        command.env("npm_config_update_notifier", "false");
    }
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("skipped: {tool} cannot be run here: {error}");
            None
        }
    }
}

#[track_caller]
fn accepted(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{out}\n{err}");
    out
}

fn put(dir: &Path, file: &str, text: &str) {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn get(dir: &Path, file: &str) -> String {
    fs::read_to_string(dir.join(file)).unwrap()
}

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

/// Writes a version into a file of the folder.
#[track_caller]
fn bump(dir: &Path, file: &str, to: &str, cx: &Context<'_>) {
    let format = Format::detect(file).unwrap();
    let text = get(dir, file);
    let found = match locate(&format, &text, cx) {
        Ok(Located::Here(spots)) => spots,
        other => panic!("{file}: {other:?}"),
    };
    put(dir, file, &write(&text, &found, &version(to)).unwrap());
}

/// Raises what a manifest requires of a package, and what its lockfile repeats of it.
fn raise(dir: &Path, folder: &str, file: &str, lock: Option<&str>, name: &str, to: &str) {
    let format = Format::detect(file).unwrap();
    let path = if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
    let ecosystem = match format {
        Format::PackageJson => Ecosystem::Npm,
        _ => Ecosystem::Cargo,
    };
    loop {
        let text = get(dir, &path);
        let found = manifest(&format, &text).unwrap();
        let next =
            found.dependencies.into_iter().filter(|d| d.name == name).filter_map(|d| d.requirement).find_map(
                |spot| requirement(&spot.value, &version(to), ecosystem).unwrap().map(|new| (spot, new)),
            );
        let Some((spot, new)) = next else { return };
        if let Some(lock) = lock {
            let locked = get(dir, lock);
            let format = Format::detect(lock).unwrap();
            let spots = locate_requirements(&format, &locked, folder, name, &spot.value).unwrap();
            put(dir, lock, &replace(&locked, &spots, &new));
        }
        put(dir, &path, &replace(&text, &[spot], &new));
    }
}

/// `npm ci` refuses a lockfile that does not fit; `npm install --package-lock-only` rewrites it.
fn npm_accepts(dir: &Path) {
    let before = get(dir, "package-lock.json");
    for args in [
        &["ci", "--dry-run", "--ignore-scripts", "--offline", "--no-audit"][..],
        &["install", "--package-lock-only", "--ignore-scripts", "--offline", "--no-audit"],
    ] {
        accepted(&run(dir, "npm", args).unwrap());
        assert_eq!(get(dir, "package-lock.json"), before, "npm {args:?}");
    }
}

fn npm_workspace(lockfile_version: &str) -> Option<TempDir> {
    let temp = TempDir::new().unwrap();
    let dir = temp.path();
    put(
        dir,
        "package.json",
        "{\n    \"name\": \"root\",\n    \"version\": \"1.0.0\",\n    \"private\": true,\n    \"workspaces\": [\"packages/*\"]\n}\n",
    );
    put(dir, "packages/a/package.json", "{\"name\": \"@x/a\", \"version\": \"1.0.0\"}\n");
    put(
        dir,
        "packages/b/package.json",
        "{\n\t\"name\": \"b\",\n\t\"version\": \"0.1.0\",\n\t\"dependencies\": {\"@x/a\": \"^1.0.0\"},\n\t\"peerDependencies\": {\"@x/a\": \"^1.0.0\"}\n}",
    );
    let made = run(
        dir,
        "npm",
        &[
            "install",
            "--package-lock-only",
            "--offline",
            "--no-audit",
            &format!("--lockfile-version={lockfile_version}"),
        ],
    )?;
    accepted(&made);
    put(dir, ".npmrc", &format!("lockfile-version={lockfile_version}\n"));
    Some(temp)
}

#[test]
fn npm_takes_every_lockfile_version() {
    for lockfile_version in ["1", "2", "3"] {
        let Some(temp) = npm_workspace(lockfile_version) else {
            return;
        };
        let dir = temp.path();
        let cx = Context::default();
        bump(dir, "package.json", "1.1.0-rc.1", &cx);
        bump(dir, "package-lock.json", "1.1.0-rc.1", &cx);
        npm_accepts(dir);
        if lockfile_version == "1" {
            continue; // It knows no workspaces.
        }
        // A breaking release of a package, carried along to the one that requires it.
        let a = Context { package: Some("@x/a"), ..Context::default() };
        bump(dir, "packages/a/package.json", "2.0.0", &cx);
        bump(dir, "package-lock.json", "2.0.0", &a);
        raise(dir, "packages/b", "package.json", Some("package-lock.json"), "@x/a", "2.0.0");
        let b = Context { folder: Some("packages/b"), ..Context::default() };
        bump(dir, "packages/b/package.json", "0.2.0", &cx);
        bump(dir, "package-lock.json", "0.2.0", &b);
        assert!(get(dir, "packages/b/package.json").contains("\"@x/a\": \"^2.0.0\"}\n}"));
        npm_accepts(dir);
    }
}

/// The checks above must be able to fail: npm writes what was left behind.
#[test]
fn npm_changes_what_was_left_behind() {
    let Some(temp) = npm_workspace("3") else {
        return;
    };
    let dir = temp.path();
    bump(dir, "packages/a/package.json", "2.0.0", &Context::default());
    raise(dir, "packages/b", "package.json", None, "@x/a", "2.0.0");
    let before = get(dir, "package-lock.json");
    let args = ["install", "--package-lock-only", "--offline", "--no-audit"];
    accepted(&run(dir, "npm", &args).unwrap());
    let after = get(dir, "package-lock.json");
    assert!(after != before && after.contains("^2.0.0") && after.contains("2.0.0"));
}

#[test]
fn cargo_takes_inherited_versions_and_raised_requirements() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path();
    put(
        dir,
        "Cargo.toml",
        "[workspace]\nmembers = [\"a\", \"b\", \"c\"]\nresolver = \"2\"\n\n[workspace.package]\nversion = \"1.0.0\" # shared\nedition = \"2021\"\n\n[workspace.dependencies]\na = { path = \"a\", version = \"1.0.0\" }\n",
    );
    put(dir, "a/Cargo.toml", "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\n");
    put(
        dir,
        "b/Cargo.toml",
        "package.name = \"b\"\r\npackage.version = '0.3.0'\r\npackage.edition = '2021'\r\n[dependencies]\r\na.workspace = true\r\n",
    );
    put(
        dir,
        "c/Cargo.toml",
        "[package]\nname = \"c\"\nversion = { workspace = true }\nedition = \"2021\"\n[dependencies]\na = { version = \">=1,<2\", path = \"../a\" }\nb = { version = \"0.3\", path = \"../b\" }\n",
    );
    for member in ["a", "b", "c"] {
        put(dir, &format!("{member}/src/lib.rs"), "");
    }
    let Some(made) = run(dir, "cargo", &["generate-lockfile", "--offline"]) else {
        return;
    };
    accepted(&made);
    let cx = Context::default();
    for member in ["a", "c"] {
        let text = get(dir, &format!("{member}/Cargo.toml"));
        assert!(matches!(locate(&Format::CargoToml, &text, &cx), Ok(Located::Elsewhere(_))));
    }
    bump(dir, "Cargo.toml", "2.0.0", &Context { workspace: true, ..Context::default() });
    for package in ["a", "c"] {
        let named = Context { package: Some(package), ..Context::default() };
        bump(dir, "Cargo.lock", "2.0.0", &named);
    }
    // The check must be able to fail: the requirements do not admit 2.0.0 yet.
    let args = ["metadata", "--locked", "--offline", "--format-version=1"];
    assert!(!run(dir, "cargo", &args).unwrap().status.success());
    raise(dir, "", "Cargo.toml", None, "a", "2.0.0");
    raise(dir, "c", "Cargo.toml", None, "a", "2.0.0");
    bump(dir, "b/Cargo.toml", "0.4.0-rc.1", &cx);
    bump(dir, "Cargo.lock", "0.4.0-rc.1", &Context { package: Some("b"), ..Context::default() });
    raise(dir, "c", "Cargo.toml", None, "b", "0.4.0-rc.1");
    let lock = get(dir, "Cargo.lock");
    let shown = accepted(&run(dir, "cargo", &args).unwrap());
    assert_eq!(get(dir, "Cargo.lock"), lock);
    // Without --locked it may write; it must not want to.
    accepted(&run(dir, "cargo", &["metadata", "--offline", "--format-version=1"]).unwrap());
    assert_eq!(get(dir, "Cargo.lock"), lock);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let mut versions: Vec<_> = shown["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| format!("{} {}", p["name"].as_str().unwrap(), p["version"].as_str().unwrap()))
        .collect();
    versions.sort();
    assert_eq!(versions, ["a 2.0.0", "b 0.4.0-rc.1", "c 2.0.0"]);
}

#[test]
fn python_reads_the_new_version() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path();
    put(
        dir,
        "pyproject.toml",
        "\u{23}\u{fc}\r\n[project]\r\nname = \"p\"\r\nversion = \"1.0.0\"\r\n[tool.x]\r\nversion = \"0\"\r\n",
    );
    put(dir, "setup.cfg", "[metadata]\nname = p\nversion =\n  1.0.0\n");
    put(dir, "__init__.py", "\"\"\"Doc.\n__version__ = '0'\n\"\"\"\n__version__: str = (\n    '1.0.0'\n)\n");
    put(
        dir,
        "own/setup.py",
        "from setuptools import setup\nsetup(\n    name='p',  # version='0'\n    version='1.0.0',\n    py_modules=[],\n)\n",
    );
    for file in ["pyproject.toml", "setup.cfg", "__init__.py", "own/setup.py"] {
        bump(dir, file, "1.1.0-rc.2", &Context::default());
    }
    let script = "
import ast, configparser, sys
read = lambda f: open(f, encoding='utf-8', newline='').read()
config = configparser.ConfigParser()
config.read('setup.cfg')
print(config['metadata']['version'].strip())
values = [n.value.value for n in ast.parse(read('__init__.py')).body if isinstance(n, ast.AnnAssign)]
print(*values)
try:
    import tomllib
    print(tomllib.loads(read('pyproject.toml'))['project']['version'])
except ImportError:
    print('1.1.0rc2')
try:
    import setuptools
except ImportError:
    print('no setuptools')
";
    let Some(output) = run(dir, "python3", &["-c", script]) else {
        return;
    };
    let shown = accepted(&output);
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines[..3], ["1.1.0rc2"; 3]);
    if lines.len() > 3 {
        eprintln!("skipped: python3 has no setuptools, so setup.py is not run");
        return;
    }
    let output = run(&dir.join("own"), "python3", &["setup.py", "--version"]).unwrap();
    assert_eq!(accepted(&output).lines().last(), Some("1.1.0rc2"));
}

#[test]
fn pnpm_and_uv_take_their_lockfiles() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path();
    put(dir, "package.json", "{\"name\": \"root\", \"private\": true}");
    put(dir, "pnpm-workspace.yaml", "packages:\n  - packages/*\n");
    put(dir, "packages/a/package.json", "{\"name\": \"@x/a\", \"version\": \"1.0.0\"}");
    put(
        dir,
        "packages/b/package.json",
        "{\"name\": \"b\", \"version\": \"1.0.0\", \"dependencies\": {\"@x/a\": \"workspace:^1.0.0\"}}",
    );
    if let Some(made) = run(dir, "pnpm", &["install", "--lockfile-only", "--offline"]) {
        accepted(&made);
        bump(dir, "packages/a/package.json", "2.0.0", &Context::default());
        raise(dir, "packages/b", "package.json", Some("pnpm-lock.yaml"), "@x/a", "2.0.0");
        let lock = get(dir, "pnpm-lock.yaml");
        accepted(&run(dir, "pnpm", &["install", "--frozen-lockfile", "--offline"]).unwrap());
        accepted(&run(dir, "pnpm", &["install", "--lockfile-only", "--offline"]).unwrap());
        assert_eq!(get(dir, "pnpm-lock.yaml"), lock);
    }
    let temp = TempDir::new().unwrap();
    let dir = temp.path();
    put(
        dir,
        "pyproject.toml",
        "[project]\nname = \"My.Root\"\nversion = \"1.0.0\"\nrequires-python = \">=3.8\"\ndependencies = [\"a\"]\n[tool.uv.workspace]\nmembers = [\"packages/*\"]\n[tool.uv.sources]\na = { workspace = true }\n",
    );
    put(
        dir,
        "packages/a/pyproject.toml",
        "[project]\nname = \"a\"\nversion = \"1.0.0\"\nrequires-python = \">=3.8\"\n",
    );
    if let Some(made) = run(dir, "uv", &["lock", "--offline"]) {
        accepted(&made);
        for (package, file) in [("My.Root", "pyproject.toml"), ("a", "packages/a/pyproject.toml")] {
            bump(dir, file, "1.1.0-rc.1", &Context::default());
            let named = Context { package: Some(package), ..Context::default() };
            bump(dir, "uv.lock", "1.1.0-rc.1", &named);
        }
        accepted(&run(dir, "uv", &["lock", "--locked", "--offline"]).unwrap());
    }
}

#[test]
fn yarn_takes_its_lockfile() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path();
    put(
        dir,
        "package.json",
        "{\"name\": \"root\", \"version\": \"1.0.0\", \"private\": true, \"workspaces\": [\"packages/*\"]}",
    );
    put(dir, "packages/a/package.json", "{\"name\": \"@x/a\", \"version\": \"1.0.0\"}");
    put(
        dir,
        "packages/b/package.json",
        "{\"name\": \"b\", \"version\": \"1.0.0\", \"dependencies\": {\"@x/a\": \"workspace:^1.0.0\"}}",
    );
    put(
        dir,
        "packages/c/package.json",
        "{\"name\": \"c\", \"devDependencies\": {\"@x/a\": \"^1.0.0\"}, \"peerDependencies\": {\"@x/a\": \"^1.0.0\"}}",
    );
    put(dir, "yarn.lock", "");
    put(
        dir,
        ".yarnrc.yml",
        "enableTelemetry: false\nenableNetwork: false\nenableGlobalCache: false\nenableImmutableInstalls: false\n",
    );
    let Some(output) = run(dir, "yarn", &["--version"]) else {
        return;
    };
    if accepted(&output).starts_with("1.") {
        eprintln!("skipped: yarn is Yarn 1, which locks no workspaces");
        return;
    }
    accepted(&run(dir, "yarn", &["install", "--mode=update-lockfile"]).unwrap());
    bump(dir, "package.json", "1.1.0", &Context::default());
    bump(dir, "packages/a/package.json", "2.0.0", &Context::default());
    raise(dir, "packages/b", "package.json", Some("yarn.lock"), "@x/a", "2.0.0");
    raise(dir, "packages/c", "package.json", Some("yarn.lock"), "@x/a", "2.0.0");
    let lock = get(dir, "yarn.lock");
    accepted(&run(dir, "yarn", &["install", "--immutable"]).unwrap());
    assert_eq!(get(dir, "yarn.lock"), lock);
}

#[test]
fn maven_reads_the_new_version() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path();
    put(
        dir,
        "pom.xml",
        "<?xml version=\"1.0\"?>\n<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <modelVersion>4.0.0</modelVersion>\n  <groupId>g</groupId><artifactId>p</artifactId>\n  <version>${revision}</version><!-- <version>0</version> -->\n  <packaging>pom</packaging>\n  <properties><revision>1.0-SNAPSHOT</revision></properties>\n</project>\n",
    );
    bump(dir, "pom.xml", "1.1.0-rc.1", &Context::default());
    let Some(output) = run(dir, "mvn", &["-o", "-B", "validate"]) else {
        return;
    };
    let shown =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // The model is read, and named, before any plugin is needed.
    if shown.contains("Building") {
        assert!(shown.contains("1.1.0-rc.1"), "{shown}");
    } else {
        eprintln!("skipped: mvn cannot work offline here");
    }
}
