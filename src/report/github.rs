//! GitHub Actions: outputs, the step's summary, annotations, groups, masks.
//!
//! The rules are those of <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands> and of the
//! runner's own readers: `FileCommandManager.cs` and `ActionCommand.cs` in <https://github.com/actions/runner>.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::html;
use super::values::Ending;
use crate::plan::{Answer, Finding};
use crate::rules::text::{Newlines, inert};

/// The longest value, in bytes, that becomes an output itself. Linux takes no variable above 128 KiB, and outputs are
/// handed on as variables.
pub const LONGEST: usize = 64 * 1024;
/// All outputs of a job, in bytes of UTF-16 (<https://docs.github.com/actions/reference/limits>): 1 MB.
pub const OUTPUTS: usize = 1_000_000;
/// The summary of a step, in bytes: 1 MiB.
pub const SUMMARY: usize = 1024 * 1024;
/// Annotations of a kind that a step shows.
pub const ANNOTATIONS: usize = 10;

/// Text for a file that the runner reads after the step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outputs {
    /// What comes after the text that is there.
    pub append: String,
    /// Files to be written before, for values that are too long.
    pub files: Vec<(PathBuf, String)>,
}

/// What is in a file already.
#[derive(Debug, Clone, Copy, Default)]
pub struct Before {
    /// Its length in bytes.
    pub length: usize,
    /// Whether its last line lacks an end.
    pub open: bool,
}

/// Outputs as text for `$GITHUB_OUTPUT`, within the limits. Long values go to files in `folder`; their output is then
/// `NAME_file`, the path. `random` makes delimiters. An error says that they cannot be written safely.
pub fn outputs(
    values: &[(String, String)],
    before: Before,
    folder: &Path,
    mut random: impl FnMut() -> String,
) -> Result<Outputs, String> {
    let mut long: Vec<bool> = values.iter().map(|(_, value)| value.len() > LONGEST).collect();
    let path = |name: &str| folder.join(format!("{name}.txt"));
    loop {
        let mut out = Outputs {
            append: if before.open { "\n".to_owned() } else { String::new() },
            ..Outputs::default()
        };
        for ((name, value), long) in values.iter().zip(&long) {
            let (name, value) = if *long {
                let file = path(name);
                let shown = file.display().to_string();
                out.files.push((file, value.clone()));
                (format!("{name}_file"), shown)
            } else {
                (name.clone(), value.clone())
            };
            out.append.push_str(&output(&name, &value, &mut random)?);
        }
        let length = 2 * before.length + 2 * out.append.encode_utf16().count();
        if length <= OUTPUTS {
            return Ok(out);
        }
        // The longest of those that are left goes to a file, and all is counted again.
        let next = (0..values.len()).filter(|at| !long[*at]).max_by_key(|at| values[*at].1.len());
        match next.filter(|at| values[*at].1.len() > path(&values[*at].0).as_os_str().len()) {
            Some(at) => long[at] = true,
            None => {
                return Err(format!(
                    "the outputs of this job would be {length} bytes, GitHub takes {OUTPUTS}"
                ));
            }
        }
    }
}

/// One output, of one line or many: a delimiter that the value does not hold ends it.
pub fn output(name: &str, value: &str, mut random: impl FnMut() -> String) -> Result<String, String> {
    for _ in 0..8 {
        let delimiter = random();
        if delimiter.len() >= 32 && !value.contains(&delimiter) && !name.contains(&delimiter) {
            return Ok(format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"));
        }
    }
    Err(format!("the system gives no random text that the value of {name} does not hold"))
}

/// A workflow command: `::name property=value::text`, escaped, without the line's end.
pub fn command(name: &str, properties: &[(&str, &str)], data: &str) -> String {
    let mut out = format!("::{name}");
    let given = properties.iter().filter(|(_, value)| !value.is_empty());
    for (at, (key, value)) in given.enumerate() {
        let value = data_of(value).replace(':', "%3A").replace(',', "%2C");
        let _ = write!(out, "{}{key}={value}", if at == 0 { ' ' } else { ',' });
    }
    let _ = write!(out, "::{}", data_of(data));
    out
}

fn data_of(text: &str) -> String {
    // A mark of the older form, `##[name]`, is read in any line that is no command of this form; this one always is.
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Commands that have the runner blot out these secrets, from here on and in later steps. Nothing else is printed of
/// them. The runner looks for a mask within lines, so each line of a secret is one.
pub fn masks<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let lines = secrets.into_iter().flat_map(|secret| secret.split(['\n', '\r']));
    lines.filter(|line| line.trim().len() >= 8).map(|line| command("add-mask", &[], line)).collect()
}

/// Annotations of what was found: at most as many of a kind as a step shows; a last one counts the others.
pub fn annotations(ending: Ending<'_>) -> Vec<String> {
    let mut out = Vec::new();
    let findings: &[Finding] = ending.plan.map_or(&[], |plan| &plan.findings);
    let kinds: [(&str, &[Answer]); 3] = [
        ("error", &[Answer::Fail]),
        ("warning", &[Answer::Unknown, Answer::Warning]),
        ("notice", &[Answer::Note]),
    ];
    for (kind, answers) in kinds {
        let own = ending.error.filter(|_| kind == "error");
        let of: Vec<&Finding> = findings.iter().filter(|f| answers.contains(&f.answer)).collect();
        let places = ANNOTATIONS - usize::from(own.is_some());
        let shown = if of.len() > places { places - 1 } else { of.len() };
        for finding in &of[..shown] {
            let message = with_hint(&finding.message, finding.hint.as_deref());
            out.push(annotation(kind, &finding.check, finding.at.as_deref(), &message));
        }
        if of.len() > shown {
            out.push(annotation(kind, "", None, &format!("{} more in the log", of.len() - shown)));
        }
        if let Some(error) = own {
            out.push(annotation(
                kind,
                "",
                error.at.as_deref(),
                &with_hint(&error.message, error.hint.as_deref()),
            ));
        }
    }
    out
}

fn with_hint(message: &str, hint: Option<&str>) -> String {
    hint.map_or_else(|| message.to_owned(), |hint| format!("{message}\n→ {hint}"))
}

fn annotation(kind: &str, title: &str, at: Option<&str>, message: &str) -> String {
    let title = format!("release-steps{}{title}", if title.is_empty() { "" } else { ": " });
    let message = inert(message, Newlines::Keep);
    let Some((file, line)) = at.and_then(place) else {
        let at = at.map_or_else(String::new, |at| format!(" ({})", inert(at, Newlines::Flatten)));
        return command(kind, &[("title", &title)], &format!("{message}{at}"));
    };
    command(kind, &[("file", file), ("line", line), ("title", &title)], &message)
}

/// The file and line of `src/a.rs:12:3 and 2 more`.
fn place(at: &str) -> Option<(&str, &str)> {
    let (file, rest) = at.split_once(':')?;
    let line = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
    let is_file = !file.is_empty() && !file.contains(char::is_whitespace) && !file.contains(char::is_control);
    (is_file && !line.is_empty() && line.len() < 8).then_some((file, line))
}

/// The step's summary, within what is left of its limit; none where nothing fits. It is HTML, in which only `&`, `<`
/// and `>` mean something, on lines without blank ones between them: Markdown leaves it alone.
pub fn summary(ending: Ending<'_>, before: Before) -> Option<String> {
    let room = SUMMARY.checked_sub(before.length)?.checked_sub(256)?;
    let start = if before.open { "\n\n" } else { "\n" };
    let mut out = format!("{start}{}", html::head(ending));
    if out.len() > room {
        return None;
    }
    let mut left_out = 0;
    for part in html::rows(ending) {
        if out.len() + part.len() > room {
            left_out += 1;
        } else {
            out.push_str(&part);
        }
    }
    if left_out > 0 {
        let _ = writeln!(out, "<p>{left_out} more did not fit here; the log has them.</p>");
    }
    Some(out)
}
