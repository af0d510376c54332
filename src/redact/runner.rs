//! The runner of a CI job: which one this is, and what its log takes for a command.

use std::borrow::Cow;

use crate::env::Env;

/// Who runs this process and reads its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Runner {
    /// A person, or a CI system that reads no commands in a log.
    #[default]
    None,
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
}

impl Runner {
    /// Told by the variable that each runner documents as always set: `GITHUB_ACTIONS`, `GITLAB_CI`.
    pub fn detect(env: &Env) -> Self {
        match (env.get("GITHUB_ACTIONS"), env.get("GITLAB_CI")) {
            (Some("true"), _) => Runner::GitHub,
            (_, Some(_)) => Runner::GitLab,
            _ => Runner::None,
        }
    }

    /// Text of which no line is a command of this runner; other text stays as it is.
    pub fn inert(self, text: &str) -> Cow<'_, str> {
        match self {
            Runner::None => Cow::Borrowed(text),
            Runner::GitHub => without_commands(text),
            Runner::GitLab => without_sections(text),
        }
    }

    /// The same for a JSON document, which means the same afterwards.
    pub fn inert_json(self, json: &str) -> Cow<'_, str> {
        match self {
            // A line of JSON begins with no colon, and `#` only stands within strings, where it can be spelt out.
            Runner::GitHub if without_commands(json) != json => Cow::Owned(json.replace('#', "\\u0023")),
            _ => Cow::Borrowed(json),
        }
    }
}

/// The runner reads `::name …::` at the start of a line, after white space, and `##[name …]` anywhere in one
/// (`ActionCommand.TryParseV2` and `TryParse`,
/// <https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>). Its lines end with `\n`, `\r` or
/// both, and it compares by the rules of a language, which pass over characters that are not shown. A space within the
/// mark makes it text.
fn without_commands(text: &str) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("#[") && !text.chars().any(passed_over) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut start = true;
    // The marks seen just before, characters that are not shown left out.
    let (mut colons, mut hashes) = (0, 0);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // A colour: shown or taken out, it is no text.
            '\u{1b}' if chars.peek() == Some(&'[') => {
                out.push(c);
                out.extend(chars.next());
                while let Some(c) = chars.next_if(|c| matches!(c, '0'..='9' | ';')) {
                    out.push(c);
                }
                out.extend(chars.next_if_eq(&'m'));
                continue;
            }
            '\n' | '\r' => (start, colons, hashes) = (true, 0, 0),
            c if passed_over(c) => {}
            ':' if start => {
                colons += 1;
                if colons == 2 {
                    out.push(' ');
                    start = false;
                }
                hashes = 0;
            }
            c if c.is_whitespace() => {
                start = start && colons == 0;
                hashes = 0;
            }
            c => {
                start = false;
                if c == '[' && hashes >= 2 {
                    out.push(' ');
                }
                hashes = if c == '#' { hashes + 1 } else { 0 };
            }
        }
        out.push(c);
    }
    Cow::Owned(out)
}

/// Characters that a comparison by the rules of a language may pass over: controls, formats, joiners, selectors
/// (Unicode's `Default_Ignorable_Code_Point`).
fn passed_over(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// A section's mark needs a carriage return and an escape (<https://docs.gitlab.com/ci/jobs/job_logs/>); colours stay.
fn without_sections(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// 128 random bits as 32 hexadecimal digits, from the operating system: what nobody can foretell, nobody can write.
/// Empty where the system gives none.
pub fn token() -> String {
    let mut bytes = [0_u8; 16];
    match getrandom::getrandom(&mut bytes) {
        Ok(()) => bytes.iter().map(|b| format!("{b:02x}")).collect(),
        Err(_) => String::new(),
    }
}
