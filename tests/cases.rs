//! Runs every case below `tests/cases/<step>/<case>/`, dry and for real. `tests/README.md` says what a case is.
//!
//! `CASE=release/first cargo test --test cases` runs those whose name contains the text; `UPDATE_CASES=1` writes the
//! expectations anew.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::{Ran, World, diff};

struct Case {
    name: String,
    dir: PathBuf,
}

/// What a case's run came to: the files that its folder should hold.
#[derive(Default)]
struct Outcome {
    session: String,
    plan: String,
    after: String,
    faults: Vec<String>,
}

#[test]
fn cases() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let only = std::env::var("CASE").unwrap_or_default();
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let cases: Vec<Case> = folders(&top)
        .into_iter()
        .flat_map(|step| folders(&step))
        .map(|dir| Case { name: dir.strip_prefix(&top).expect("below").display().to_string(), dir })
        .filter(|case| case.name.contains(&only))
        .collect();
    assert!(!cases.is_empty(), "no case is named like `{only}`");
    let next = AtomicUsize::new(0);
    let failures: Mutex<BTreeMap<String, String>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get()).clamp(2, 16);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let result = std::panic::catch_unwind(|| check(case, update));
                    let said = result.unwrap_or_else(|panic| {
                        let text = panic.downcast_ref::<String>().cloned();
                        text.unwrap_or_else(|| "the case panicked".to_owned())
                    });
                    if !said.is_empty() {
                        failures.lock().expect("no panic holds it").insert(case.name.clone(), said);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic held it");
    let mut report = String::new();
    for (name, said) in &failures {
        let _ = writeln!(report, "\n━━━ {name}\n{said}\nrun it alone: CASE={name} cargo test --test cases");
    }
    assert!(failures.is_empty(), "{report}\n{} of {} cases failed", failures.len(), cases.len());
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    found.sort();
    found
}

fn check(case: &Case, update: bool) -> String {
    let outcome = run(case);
    let mut said = outcome.faults.join("\n");
    for (file, found) in
        [("session.txt", &outcome.session), ("plan.json", &outcome.plan), ("after.txt", &outcome.after)]
    {
        let path = case.dir.join(file);
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if expected == *found {
            continue;
        }
        if !update {
            let _ = writeln!(
                said,
                "{file} differs (`UPDATE_CASES=1` accepts what was found):\n{}",
                diff(&expected, found)
            );
        } else if found.is_empty() {
            fs::remove_file(&path).expect("the old expectation goes");
        } else {
            fs::write(&path, found).expect("the new expectation is written");
        }
    }
    said
}

fn run(case: &Case) -> Outcome {
    let text = |name: &str| fs::read_to_string(case.dir.join(name)).unwrap_or_default();
    let env = text("env")
        .lines()
        .filter_map(|l| l.split_once('='))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    let world = World::made_by(&text("repo.sh"), env, |repo| {
        let config = case.dir.join("release-steps.yml");
        if config.exists() {
            fs::copy(config, repo.join("release-steps.yml")).expect("the configuration is copied");
        }
        let files = case.dir.join("files");
        if files.exists() {
            let status = std::process::Command::new("cp").arg("-R").arg(files.join(".")).arg(repo).status();
            assert!(status.is_ok_and(|s| s.success()), "cp failed");
        }
    });
    let mut outcome = Outcome::default();
    let again = !case.dir.join("not-again").exists();
    for line in text("command").lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')) {
        match line.strip_prefix("! ") {
            Some(script) => {
                let ran = world.bash(script);
                assert_eq!(ran.code, Some(0), "`{script}` failed:\n{}", ran.text());
                let _ = writeln!(outcome.session, "$ {script}\n{}{}", ran.stdout, ran.stderr);
            }
            None => step(&world, line, again, &mut outcome),
        }
    }
    outcome
}

/// Runs one command dry, for real, again, and its plan in a copy.
fn step(world: &World, line: &str, again: bool, outcome: &mut Outcome) {
    for name in ["dry.json", "real.json"] {
        drop(fs::remove_file(world.root().join(name)));
    }
    let before = world.everything();
    let state = world.state_or_none();
    // A line may itself ask for a dry run.
    let switch = if line.contains("--dry-run") { "" } else { " --dry-run" };
    let dry = world.steps(&format!("{line}{switch} --plan \"$ROOT/dry.json\""));
    let mut fault = |text: String| outcome.faults.push(format!("`{line}`: {text}"));
    let changed = difference(&before, &world.everything(), &["dry.json"]);
    if !changed.is_empty() {
        fault(format!("the dry run changed:\n{changed}"));
    }
    let plan = world.read("dry.json").unwrap_or_default();
    let copy = plan.contains("\"effect\": ").then(|| world.copy());
    let real = world.steps(&format!("{line} --plan \"$ROOT/real.json\""));
    let real_plan = world.read("real.json").unwrap_or_default();
    if plan != real_plan {
        fault(format!("the real run planned something else than the dry one:\n{}", diff(&plan, &real_plan)));
    }
    for (how, ran) in [("dry", &dry), ("real", &real)] {
        if line.split_whitespace().any(|word| word == "--json") {
            json(ran, how, &mut fault);
        }
        if ran.stdout.contains('\x1b') || ran.stderr.contains('\x1b') {
            fault(format!("the {how} run printed an escape sequence"));
        }
        if ["hunter2", "pa55word"].iter().any(|s| ran.stdout.contains(s) || ran.stderr.contains(s)) {
            fault(format!("the {how} run printed a secret:\n{}", ran.text()));
        }
        if ran.stderr.contains("panicked at") || ran.code.is_none() {
            fault(format!("the {how} run panicked:\n{}", ran.stderr));
        }
    }
    let effects = plan.contains("\"effect\": ");
    if dry == real {
        session(outcome, line, "", &real);
    } else {
        session(outcome, line, " --dry-run", &dry);
        // The real run shows the plan once more before it acts.
        let mut real = real.clone();
        if effects && let Some(rest) = real.stderr.strip_prefix(&dry.stdout) {
            real.stderr = format!("(the plan, as above)\n{rest}");
        }
        session(outcome, line, "", &real);
    }
    let mut fault = |text: String| outcome.faults.push(format!("`{line}`: {text}"));
    let effects = effects && !line.contains("--dry-run");
    if !effects || real.code != Some(0) {
        let ignored = ["dry.json", "real.json"];
        let changed = difference(&before, &world.everything(), &ignored);
        let commands = plan.contains("\"effect\": \"command\"");
        // Evidence and reports are written whatever the answer is.
        let regardless = plan.contains("\n  \"regardless\": true");
        let refused = (matches!(real.code, Some(1 | 2 | 4)) && !commands && !regardless) || !effects;
        if refused && !changed.is_empty() {
            fault(format!("nothing was to be done, yet this changed:\n{changed}"));
        }
    }
    if !effects {
        return;
    }
    let Some(state) = state else { return };
    let changes = world.changes(&state);
    if real.code == Some(0)
        && let Some(copy) = copy
    {
        let ran = copy.steps(&format!("apply \"{}\"", world.root().join("dry.json").display()));
        let applied = copy.changes(&state);
        if ran.code != Some(0) || applied != changes {
            fault(format!(
                "`apply` of the dry plan came to something else:\n{}\n{}",
                diff(&changes, &applied),
                ran.text()
            ));
        }
        if again {
            let settled = world.everything();
            let ran = world.steps(line);
            let changed = difference(&settled, &world.everything(), &[]);
            if !changed.is_empty() {
                fault(format!("a second run changed:\n{changed}"));
            }
            session(outcome, line, "   # again", &ran);
        }
    }
    outcome.plan.push_str(&plan);
    if !outcome.after.is_empty() {
        outcome.after.push('\n');
    }
    let _ = write!(outcome.after, "##### {line}\n{changes}");
}

fn session(outcome: &mut Outcome, line: &str, more: &str, ran: &Ran) {
    let _ = writeln!(outcome.session, "$ release-steps {line}{more}\n{}", ran.text());
}

/// With `--json`, standard output is one document, and standard error holds an event a line.
fn json(ran: &Ran, how: &str, fault: &mut impl FnMut(String)) {
    if let Err(e) = serde_json::from_str::<serde_json::Value>(&ran.stdout) {
        fault(format!("standard output of the {how} run is no JSON document: {e}"));
    }
    for line in ran.stderr.lines() {
        if let Err(e) = serde_json::from_str::<serde_json::Value>(line) {
            fault(format!("standard error of the {how} run has a line that is no JSON: {e}: {line}"));
        }
    }
}

/// What differs between two sets of files, but for some.
fn difference(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>, but: &[&str]) -> String {
    let mut out = String::new();
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names.into_iter().filter(|n| !but.contains(&n.as_str())) {
        match (before.get(name), after.get(name)) {
            (Some(was), Some(is)) if was == is => {}
            (None, Some(is)) => {
                let _ = writeln!(out, "  new: {name}: {}", is.chars().take(200).collect::<String>());
            }
            (Some(_), None) => {
                let _ = writeln!(out, "  gone: {name}");
            }
            _ => {
                let _ = writeln!(out, "  changed: {name}");
            }
        }
    }
    out
}
