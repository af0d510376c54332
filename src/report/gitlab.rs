//! GitLab CI: the dotenv report that hands variables to later jobs, and sections of the log.
//!
//! The rules are those of <https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv> and of GitLab's own
//! reader (`app/services/ci/parse_dotenv_artifact_service.rb`): every line is `NAME=value`, taken as it is but for white
//! space at its ends; an empty line is an error; and `$NAME` in a value is replaced when a job gets it.

use std::path::{Path, PathBuf};

/// The whole file has to be smaller than this, in bytes.
pub const SIZE: usize = 5 * 1024;
/// How many variables a file may have, by default on an installation of one's own.
pub const VARIABLES: usize = 20;
/// The longest value that becomes a variable itself, in bytes.
pub const LONGEST: usize = 1024;

/// A dotenv file, and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dotenv {
    /// The whole text of the file.
    pub text: String,
    /// Files to be written before, for values that cannot stand in a line.
    pub files: Vec<(PathBuf, String)>,
    /// The variables that found no place.
    pub left_out: Vec<String>,
}

/// Which come first where there is not room for all.
const FIRST: [&str; 8] = ["outcome", "json", "released", "version", "tag", "verdict", "branch", "previous"];

/// Outputs as a dotenv file. `existing` is what an earlier step of this job wrote; a variable of the same name is
/// replaced. Names are upper case after `prefix`, so that no output is taken for `PATH` or a variable of GitLab. What
/// cannot stand in a line, and `json`, goes to a file in `folder`, and the variable `NAME_FILE` is its path.
pub fn dotenv(values: &[(String, String)], prefix: &str, existing: &str, folder: &Path) -> Dotenv {
    let mut out = Dotenv::default();
    let mut order: Vec<&(String, String)> = values.iter().collect();
    order.sort_by_key(|(name, _)| FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len()));
    let mut lines: Vec<(String, String)> = existing
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let ours: Vec<String> =
        values.iter().map(|(name, _)| format!("{prefix}{}", name.to_ascii_uppercase())).collect();
    lines.retain(|(name, _)| !ours.iter().any(|own| name == own || *name == format!("{own}_FILE")));
    for (name, value) in order {
        let own = format!("{prefix}{}", name.to_ascii_uppercase());
        let (own, line, file) = if name != "json" && stands_in_a_line(value) {
            (own, value.clone(), None)
        } else {
            let extension = if name == "json" { "json" } else { "txt" };
            let file = folder.join(format!("{}.{extension}", own.to_ascii_lowercase()));
            (
                format!("{own}_FILE"),
                file.display().to_string().replace('\\', "/"),
                Some((file, value.clone())),
            )
        };
        let length: usize = lines.iter().map(|(n, v)| n.len() + v.len() + 2).sum();
        // A path that cannot stand in a line is the doing of whoever named the folder.
        if lines.len() >= VARIABLES || length + own.len() + line.len() + 2 >= SIZE || !stands_in_a_line(&line)
        {
            out.left_out.push(own);
            continue;
        }
        out.files.extend(file);
        lines.push((own, line));
    }
    out.text = lines.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    out
}

/// Whether a value comes out of a dotenv file as it went in, whoever reads the file: others than GitLab take quotes,
/// backslashes and `#` for something.
fn stands_in_a_line(value: &str) -> bool {
    value.len() <= LONGEST
        && value.trim() == value
        && !value.chars().any(|c| {
            c.is_control()
                || matches!(c, '$' | '"' | '\'' | '`' | '\\' | '#' | '\u{2028}' | '\u{2029}' | '\u{feff}')
        })
}

/// The mark that opens a section of the log (<https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections>).
/// `time` is seconds since 1970; `name` has letters, digits, `_`, `.` and `-`; the title is one line without escapes.
pub fn section_start(time: i64, name: &str, title: &str) -> String {
    format!("\u{1b}[0Ksection_start:{time}:{name}\r\u{1b}[0K{title}")
}

/// The mark that closes it.
pub fn section_end(time: i64, name: &str) -> String {
    format!("\u{1b}[0Ksection_end:{time}:{name}\r\u{1b}[0K")
}
