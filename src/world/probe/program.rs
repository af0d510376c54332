//! Commands and hurl.

use std::time::Duration;

use super::Probe;
use crate::rules::smoke::config::{Command, Hurl};
use crate::rules::smoke::{Look, judge, text};
use crate::rules::text::counted;
use crate::world::{process, reports};

/// How much before the deadline a program is killed, so that it is over by then.
const SPARE: Duration = Duration::from_millis(30);

async fn ask(line: String, cx: &Probe, time: Duration) -> Result<process::Output, Look> {
    let root = cx.root.clone();
    let time = time.saturating_sub(SPARE).max(Duration::from_millis(1));
    match tokio::task::spawn_blocking(move || process::ask(&line, &root, time)).await {
        Ok(Ok(output)) => Ok(process::Output {
            stdout: (cx.clean)(&output.text()).into_bytes(),
            stderr: (cx.clean)(&output.stderr),
            code: output.code,
        }),
        Ok(Err(e)) => Err(Look::fail(e.message)),
        Err(_) => Err(Look::unknown("it could not be run")),
    }
}

/// Whether a command ends well.
pub(super) async fn command(cx: &Probe, check: &Command, left: Duration) -> Look {
    let time = check.timeout.map_or(left, |most| most.std().min(left));
    match ask(check.run.clone(), cx, time).await {
        Ok(output) => match judge::command(check, output.code, &output.text(), &output.stderr) {
            Ok(()) => Look::pass("it ended with 0"),
            Err(why) => Look::fail(why),
        },
        Err(look) => look,
    }
}

/// Whether hurl's own assertions hold. Its deadline is ours: `--max-time` is for each request, and multiplies with
/// `--retry` (<https://hurl.dev/docs/manual.html>).
pub(super) async fn hurl(cx: &Probe, check: &Hurl, left: Duration) -> Look {
    let mut files = Vec::new();
    for pattern in &check.files {
        match reports::find(&cx.root, pattern) {
            Ok(found) if found.is_empty() => {
                return Look::unknown(format!("no file is named like {pattern}"));
            }
            Ok(found) => files.extend(found),
            Err(e) => return Look::unknown(e.to_string()),
        }
    }
    if let Some(missing) = files.iter().find(|file| !file.is_file()) {
        return Look::unknown(format!("{} is not there", missing.display()));
    }
    let names: Vec<String> = files.iter().map(|file| quoted(&file.display().to_string())).collect();
    let time = check.timeout.map_or(left, |most| most.std().min(left));
    let line = format!("hurl --test --no-color --jobs 64 -- {}", names.join(" "));
    match ask(line, cx, time).await {
        Ok(output) if output.ok() => Look::pass(format!("{} passed", counted(files.len(), "file"))),
        Ok(output) if output.code == Some(127) => {
            Look::unknown("hurl is not installed: see https://hurl.dev/docs/installation.html")
        }
        Ok(output) => {
            // What failed, where, what was found and what was wanted.
            let telling = |line: &&str| {
                let line = line.trim_start_matches(['|', ' ']);
                ["error", "-->", "actual:", "expected:"].iter().any(|word| line.starts_with(word))
            };
            let root = format!("{}/", cx.root.display());
            let said: Vec<String> = output
                .stderr
                .lines()
                .filter(telling)
                .take(8)
                .map(|line| line.trim_start_matches(['|', ' ']).replace(&root, ""))
                .collect();
            Look::fail(format!("hurl: {}", text::brief(&said.join(" "))))
        }
        Err(look) => look,
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
