//! `type(scope)!: description`.

use super::{Change, Origin, Problem};

/// The types that are taken for one wherever they stand: those of the Angular convention
/// (<https://github.com/conventional-changelog/commitlint/tree/master/%40commitlint/config-conventional>).
pub(super) const KNOWN_TYPES: [&str; 11] =
    ["build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"];

pub(super) struct Header<'a> {
    pub type_: &'a str,
    pub scope: Option<&'a str>,
    pub bang: bool,
    pub description: &'a str,
    /// What is odd, though the header counts.
    pub remark: Option<(Problem, usize)>,
}

impl<'a> Header<'a> {
    pub fn change(self, origin: Origin) -> Change<'a> {
        Change {
            origin,
            type_: Some(self.type_),
            scope: self.scope,
            bang: self.bang,
            description: self.description,
            body: "",
            footers: Vec::new(),
        }
    }
}

pub(super) fn is_known_type(word: &str) -> bool {
    KNOWN_TYPES.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Reads one line, or says what is wrong with it and at which column.
pub(super) fn parse(line: &str) -> Result<Header<'_>, (Problem, usize)> {
    let bytes = line.as_bytes();
    if line.chars().all(char::is_whitespace) {
        return Err((Problem::Empty, 1));
    }
    let end = bytes
        .iter()
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')))
        .unwrap_or(bytes.len());
    let type_ = &line[..end];
    if !type_.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) {
        return Err((Problem::NotConventional, 1));
    }
    let mut at = end;
    let mut scope = None;
    let mut remark = None;
    if bytes.get(at) == Some(&b'(') {
        let Some(close) = closing(&bytes[at..]) else {
            return Err(if is_known_type(type_) || line[at..].contains(": ") {
                (Problem::UnclosedScope, column(line, at))
            } else {
                (Problem::NotConventional, 1)
            });
        };
        let text = line[at + 1..at + close].trim();
        if text.is_empty() {
            remark = Some((Problem::EmptyScope, column(line, at)));
        } else {
            scope = Some(text);
        }
        at += close + 1;
    }
    let bang = bytes.get(at) == Some(&b'!');
    at += usize::from(bang);
    match bytes.get(at) {
        Some(b':') => {}
        Some(b'(') if bang && scope.is_none() => {
            return Err((Problem::BangBeforeScope, column(line, at - 1)));
        }
        _ => return Err(near_miss(line, type_, at)),
    }
    at += 1;
    let description = line[at..].trim();
    if description.is_empty() {
        return Err((Problem::EmptyDescription, column(line, at)));
    }
    if !matches!(bytes.get(at), Some(b' ' | b'\t')) {
        // `https://…` and `foo::bar` are no near misses.
        let known = is_known_type(type_) || scope.is_some() || bang;
        return Err(if known && !matches!(bytes.get(at), Some(b'/' | b':')) {
            (Problem::MissingSpace, column(line, at))
        } else {
            (Problem::NotConventional, 1)
        });
    }
    Ok(Header { type_, scope, bang, description, remark })
}

/// The offset of the parenthesis that closes the one at the start.
fn closing(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Says what is wrong where a colon was expected at `at`.
fn near_miss(line: &str, type_: &str, at: usize) -> (Problem, usize) {
    let rest = &line[at..];
    let after = rest.trim_start_matches([' ', '\t']);
    let spaced = after.len() < rest.len();
    if spaced && after.starts_with(':') {
        return (Problem::SpaceBeforeColon, column(line, at));
    }
    let known = is_known_type(type_);
    let scoped = after
        .strip_prefix('(')
        .and_then(|_| closing(after.as_bytes()))
        .is_some_and(|close| after[close + 1..].trim_start_matches('!').starts_with(':'));
    if spaced && known && scoped {
        return (Problem::SpaceBeforeColon, column(line, at));
    }
    if known && (spaced || at > type_.len()) {
        return (Problem::MissingColon, column(line, at));
    }
    (Problem::NotConventional, 1)
}

/// The column of a byte offset, counted from 1 in characters.
fn column(line: &str, at: usize) -> usize {
    line.get(..at).map_or(at, |before| before.chars().count()) + 1
}
