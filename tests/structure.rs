//! The edges of the architecture, checked on the sources: who may know of whom.

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The files below a folder of this project with their text, sorted, named from the top of the project.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    below(&Path::new(ROOT).join(folder), &mut found);
    found.sort();
    assert!(!found.is_empty(), "{folder} holds no sources");
    found
        .into_iter()
        .map(|path| {
            let name =
                path.strip_prefix(ROOT).expect("it is below the top").to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(&path).expect("it is text"))
        })
        .collect()
}

/// The paths that a source says after `crate::`, with the names of a group (`crate::{a, b::c}`) one by one, and the
/// line of each.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let line = text[..at].matches('\n').count() + 1;
        let start = text[..at].rfind('\n').map_or(0, |n| n + 1);
        if text[start..at].trim_start().starts_with("//") {
            continue;
        }
        expand("", &text[at + "crate::".len()..], &mut |path| found.push((line, path)));
    }
    found
}

/// Calls `each` with every path that the text begins with; returns what follows.
fn expand<'t>(before: &str, text: &'t str, each: &mut dyn FnMut(String)) -> &'t str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len());
    let (path, mut rest) = text.split_at(end);
    let path = format!("{before}{path}");
    let is_group = path.ends_with("::") || path.is_empty() && rest.starts_with('{');
    if !is_group {
        each(path);
        return rest;
    }
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            let after = expand(&path, rest, each);
            // Nothing was taken: this is no path.
            if after.len() == rest.len() {
                return after;
            }
            rest = after;
        }
    }
    each(path);
    rest
}

fn is_below(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The module of the folder that a file stands in: `steps::branch` for `src/steps/branch/cut.rs`.
fn module_above(file: &str) -> String {
    let folder = file.trim_start_matches("src/").rsplit_once('/').map_or("", |(folder, _)| folder);
    let module = folder.replace('/', "::");
    match file.ends_with("/mod.rs") {
        true => module.rsplit_once("::").map_or(String::new(), |(above, _)| above.to_owned()),
        false => module,
    }
}

/// Fails with every use that is not allowed.
fn check(folder: &str, allowed: impl Fn(&str, &str) -> bool) {
    let mut wrong = Vec::new();
    for (file, text) in sources(folder) {
        // `super::` is the folder's module, which for a command with parts of its own is that command.
        let text = match folder {
            "src/steps" => text.replace("super::", &format!("crate::{}::", module_above(&file))),
            _ => text,
        };
        for (line, path) in uses(&text) {
            if !allowed(&file, &path) {
                wrong.push(format!("{file}:{line}: crate::{path}"));
            }
        }
    }
    assert!(wrong.is_empty(), "not allowed in {folder}:\n{}", wrong.join("\n"));
}

#[test]
fn uses_are_found() {
    let paths = |text: &str| uses(text).into_iter().map(|(_, path)| path).collect::<Vec<_>>();
    assert_eq!(
        paths("use crate::{a, b::{c, d::e}, f};\nx: crate::g::H"),
        ["a", "b::c", "b::d::e", "f", "g::H"]
    );
    assert_eq!(paths("// crate::a\nuse crate::b::*;"), ["b::"]);
}

/// Decisions are pure: they see data and each other.
#[test]
fn rules_import_only_data() {
    check("src/rules", |_, path| ["rules", "data", "error"].iter().any(|module| is_below(path, module)));
    for (file, text) in sources("src/rules") {
        for outside in [
            "std::fs",
            "std::env",
            "std::net",
            "std::process",
            "std::thread",
            "std::time",
            "git2::",
            "::now()",
        ] {
            let outside_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(&text);
            assert!(
                file.ends_with("tests.rs") || !outside_tests.contains(outside),
                "{file} reaches outside: {outside}"
            );
        }
    }
}

/// What steps share is in `survey` and `release`; one step does not call another. `steps::Step` is what they answer,
/// `steps::asked` has arguments that several take.
#[test]
fn no_step_imports_a_step() {
    check("src/steps", |file, path| {
        let own = module_above(file);
        let Some(inside) = path.strip_prefix("steps") else { return true };
        inside.is_empty()
            || inside == "::Step"
            || is_below(inside, "::asked")
            || (own != "steps" && is_below(path, &own))
    });
}

/// A step plans. What changes the world is out of its reach.
#[test]
fn steps_cannot_write() {
    const WRITES: [&str; 5] =
        ["apply", "journal", "world::git::write", "world::process", "world::store::write"];
    for folder in ["src/steps", "src/survey", "src/release", "src/gate", "src/rules"] {
        check(folder, |_, path| !WRITES.iter().any(|module| is_below(path, module)));
    }
    for folder in ["src/steps", "src/survey", "src/release", "src/gate"] {
        for (file, text) in sources(folder) {
            for write in ["fs::write", "File::create", "OpenOptions", "Command::new"] {
                assert!(!text.contains(write), "{file} writes: {write}");
            }
        }
    }
}

/// What is shown, and how, is the command line's to say.
#[test]
fn only_the_command_line_reports() {
    check("src", |file, path| {
        ["src/cli.rs", "src/cli/", "src/report/"].iter().any(|above| file.starts_with(above))
            || !is_below(path, "report")
    });
}

#[test]
fn only_the_command_line_knows_of_dry_runs() {
    for (file, text) in sources("src") {
        assert!(file == "src/cli.rs" || !text.contains("dry_run"), "{file} knows of dry runs");
    }
}

/// A page that names files which are gone misleads.
#[test]
fn the_architecture_page_names_files_that_exist() {
    let Ok(page) = fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")) else { return };
    let tops = ["src/", "tests/", "benches/", "templates/", ".ci/", ".github/"];
    let missing: Vec<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| tops.iter().any(|top| code.starts_with(top)))
        // `tests/cases/<step>/` and `src/*.rs` stand for many.
        .filter(|code| !code.contains(['<', '*', ' ', '{', '…']))
        .filter(|code| !Path::new(ROOT).join(code).exists())
        .collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what is not there: {missing:?}");
}
