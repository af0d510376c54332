//! References to issues, pull requests and merge requests.

use std::fmt;

/// A reference to an issue, a pull request or a merge request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Reference<'a> {
    /// `owner/repo` or `group/sub/project` when it names another one.
    pub repository: Option<&'a str>,
    /// The number.
    pub number: u64,
    /// How it was written.
    pub sigil: Sigil,
    /// Whether a keyword such as `Closes` stands before it.
    pub closes: bool,
}

impl fmt::Display for Reference<'_> {
    /// As it was written, without the keyword.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sigil = match self.sigil {
            Sigil::Number => "#",
            Sigil::MergeRequest => "!",
            Sigil::Gh => "GH-",
        };
        write!(f, "{}{sigil}{}", self.repository.unwrap_or_default(), self.number)
    }
}

/// The sign before the number of a [`Reference`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sigil {
    /// `#12`: an issue, or a pull request on GitHub.
    Number,
    /// `!12`: a merge request on GitLab.
    MergeRequest,
    /// `GH-12`: GitHub's other spelling.
    Gh,
}

/// Finds `#12`, `owner/repo#12`, `GH-12`, `!12` and `group/project!12` in a text, in order.
///
/// A reference closes when a keyword stands before it, with or without a colon:
/// <https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue>;
/// in a list, `Closes #1, #2 and #3`, all do, as on GitLab:
/// <https://docs.gitlab.com/user/project/issues/managing_issues/#closing-issues-automatically>.
pub fn references(text: &str) -> impl Iterator<Item = Reference<'_>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut last_end = 0;
    let mut last_closes = false;
    std::iter::from_fn(move || {
        while let Some(skip) = bytes[at..].iter().position(|b| matches!(b, b'#' | b'!' | b'-')) {
            let sign = at + skip;
            at = sign + 1;
            let Some((number, end)) = number(bytes, at) else {
                continue;
            };
            let (start, sigil) = match bytes[sign] {
                b'-' => match sign.checked_sub(2) {
                    Some(start) if bytes[start..sign].eq_ignore_ascii_case(b"gh") => (start, Sigil::Gh),
                    _ => continue,
                },
                b'#' => (path_start(bytes, last_end, sign), Sigil::Number),
                _ => (path_start(bytes, last_end, sign), Sigil::MergeRequest),
            };
            if start > 0 && !opens(bytes[start - 1]) {
                continue;
            }
            let repository = match (sigil, &text[start..sign]) {
                (Sigil::Gh, _) | (_, "") => None,
                (_, path) if is_path(path) => Some(path),
                _ => continue,
            };
            let between = &text[last_end..start];
            let listed = last_end > 0 && matches!(between.trim(), "," | "and" | ", and" | "&" | "or");
            let closes = (listed && last_closes) || is_closing(last_word(between));
            (at, last_end, last_closes) = (end, end, closes);
            return Some(Reference { repository, number, sigil, closes });
        }
        at = bytes.len();
        None
    })
}

/// The number at `at` and where it ends. No letter may follow it, and it must fit.
fn number(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let digits = bytes[at..].iter().take(20).take_while(|b| b.is_ascii_digit()).count();
    let end = at + digits;
    if digits == 0 || bytes.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
        return None;
    }
    let number = std::str::from_utf8(&bytes[at..end]).ok()?.parse().ok()?;
    Some((number, end))
}

/// Where the path before a sign starts. Looks back no further than 200 bytes, so hostile text stays linear.
fn path_start(bytes: &[u8], from: usize, sign: usize) -> usize {
    let from = from.max(sign.saturating_sub(200));
    let path = bytes[from..sign]
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.'))
        .count();
    sign - path
}

fn is_path(path: &str) -> bool {
    path.contains('/') && path.split('/').all(|part| !part.is_empty())
}

fn opens(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, b'(' | b'[' | b'{' | b',' | b';' | b':' | b'"' | b'\'' | b'*')
}

/// The last word of a text, without a colon after it.
fn last_word(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches(':').trim_end();
    let letters = text.bytes().rev().take(10).take_while(u8::is_ascii_alphabetic).count();
    &text[text.len() - letters..]
}

pub(super) fn is_closing(word: &str) -> bool {
    [
        "close",
        "closes",
        "closed",
        "closing",
        "fix",
        "fixes",
        "fixed",
        "fixing",
        "resolve",
        "resolves",
        "resolved",
        "resolving",
    ]
    .iter()
    .any(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// Splits ` (#12)`, `(!12)` or `(owner/repo#12)` off the end of a line.
pub fn trailing(line: &str) -> Option<(&str, Reference<'_>)> {
    let (before, inside) = line.trim_end().strip_suffix(')')?.rsplit_once('(')?;
    let inside = inside.strip_prefix("pull request ").unwrap_or(inside);
    let found = whole(inside)?;
    Some((before.trim_end(), found))
}

/// Reads a text that is one reference and nothing else.
pub(super) fn whole(text: &str) -> Option<Reference<'_>> {
    let sign = text.rfind(['#', '!'])?;
    let (number, end) = number(text.as_bytes(), sign + 1)?;
    let path = &text[..sign];
    (end == text.len() && (path.is_empty() || is_path(path)) && !path.contains(char::is_whitespace)).then(
        || Reference {
            repository: Some(path).filter(|path| !path.is_empty()),
            number,
            sigil: if text.as_bytes()[sign] == b'#' { Sigil::Number } else { Sigil::MergeRequest },
            closes: false,
        },
    )
}
