//! What follows the header: paragraphs, footers, listed entries and sections.

use super::header::{self, KNOWN_TYPES, is_known_type};
use super::reference::whole;
use super::{Footer, Merge, Problem, Warning};

/// What one pass over the lines of a body finds.
#[derive(Default)]
pub(super) struct Scan<'a> {
    /// The text before the footers, the entries and the sections.
    pub body: &'a str,
    pub footers: Vec<Footer<'a>>,
    /// Each starts with its header, without its bullet.
    pub entries: Vec<(&'a str, Listed)>,
    /// The texts between `BEGIN_NESTED_COMMIT` and `END_NESTED_COMMIT`.
    pub nested: Vec<&'a str>,
    /// The text between `BEGIN_COMMIT_OVERRIDE` and `END_COMMIT_OVERRIDE`, when there is any.
    pub overriding: Option<&'a str>,
    pub warnings: Vec<Warning>,
}

/// A footer whose value may still grow.
struct Open<'a> {
    token: &'a str,
    value: usize,
    start: usize,
    end: Option<usize>,
}

impl<'a> Scan<'a> {
    fn keep(&mut self, section: &str, inner: &'a str) {
        if section == "NESTED_COMMIT" {
            self.nested.push(inner);
        } else if self.overriding.is_none() && !inner.trim().is_empty() {
            self.overriding = Some(inner);
        }
    }
}

/// Splits off the first line; `\n`, `\r\n` and a lone `\r` end it.
pub(super) fn split_line(text: &str) -> (&str, &str) {
    match memchr::memchr2(b'\n', b'\r', text.as_bytes()) {
        None => (trim_end(text), ""),
        Some(end) => {
            let rest = &text[end..];
            let rest = rest.strip_prefix("\r\n").unwrap_or(&rest[1..]);
            (trim_end(&text[..end]), rest)
        }
    }
}

/// Most lines have nothing to trim, which their last byte tells.
fn trim_end(line: &str) -> &str {
    if line.as_bytes().last().is_some_and(u8::is_ascii_graphic) { line } else { line.trim_end() }
}

/// Reads the lines after a header once. `whole` is false within an entry, which holds no entries of its own.
pub(super) fn scan(text: &str, whole: bool) -> Scan<'_> {
    let mut out = Scan::default();
    if text.is_empty() {
        return out;
    }
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut entries: Vec<(usize, usize, Listed)> = Vec::new();
    let mut section: Option<(&str, usize, usize)> = None;
    let mut breaking = false;
    let mut body_end = text.len();
    let (mut rest, mut number) = (text, 1);
    let (mut paragraph, mut after_entry, mut squash_log) = (true, false, false);
    while !rest.is_empty() {
        let start = text.len() - rest.len();
        let (line, next) = split_line(rest);
        let end = text.len() - next.len();
        rest = next;
        number += 1;
        if let Some((name, from, _)) = section {
            if line.trim_start().strip_prefix("END_") == Some(name) {
                out.keep(name, &text[from..start]);
                section = None;
                paragraph = true;
            }
            continue;
        }
        let Some(byte) = line.bytes().next() else {
            (paragraph, after_entry) = (true, false);
            continue;
        };
        let starts_paragraph = std::mem::replace(&mut paragraph, false);
        if whole && byte == b'B' && line.starts_with("BEGIN_") {
            let name = &line["BEGIN_".len()..];
            if matches!(name, "NESTED_COMMIT" | "COMMIT_OVERRIDE") {
                section = Some((name, end, number));
                body_end = body_end.min(start);
                close(&mut open, start);
                continue;
            }
        }
        if whole {
            if starts_paragraph && line == "Squashed commit of the following:" {
                squash_log = true;
            }
            let candidate = match byte {
                b'*' | b'-' => bullet(line),
                b' ' if squash_log && starts_paragraph => {
                    line.strip_prefix("    ").filter(|text| is_header(text, false))
                }
                _ if starts_paragraph || after_entry => Some(line).filter(|text| is_header(text, true)),
                _ => None,
            };
            if let Some(header) = candidate {
                if let Some(last) = entries.last_mut() {
                    last.1 = start;
                }
                let listed = if header.len() < line.len() { Listed::Bullet } else { Listed::Bare };
                entries.push((start + (line.len() - header.len()), text.len(), listed));
                while open.pop_if(|last| !is_breaking_token(last.token)).is_some() {}
                close(&mut open, start);
                body_end = body_end.min(start);
                after_entry = true;
                continue;
            }
        }
        after_entry = false;
        if !byte.is_ascii_alphabetic() {
            if starts_paragraph && !breaking {
                open.clear();
            }
            continue;
        }
        match footer(line) {
            Some((token, value)) if is_breaking_token(token) || starts_paragraph || continues(&open) => {
                breaking |= is_breaking_token(token);
                close(&mut open, start);
                open.push(Open { token, value: start + value, start, end: None });
            }
            _ => {
                if matches!(byte, b'b' | b'B') && misspelt_breaking(line) {
                    out.warnings.push(Warning::at(Problem::BreakingSpelling, number, 1));
                }
                // Only the last paragraphs are footers, but what breaks may be told in several.
                if starts_paragraph && !breaking {
                    open.clear();
                }
            }
        }
    }
    if let Some((name, from, line)) = section {
        out.keep(name, &text[from..]);
        out.warnings.push(Warning::at(Problem::UnclosedSection, line, 1));
    }
    close(&mut open, text.len());
    body_end = open.first().map_or(body_end, |first| body_end.min(first.start));
    out.body = text[..body_end].trim();
    out.footers = open
        .iter()
        .map(|footer| Footer {
            token: footer.token,
            value: text[footer.value..footer.end.unwrap_or(text.len())].trim(),
        })
        .collect();
    out.entries = entries.iter().map(|(from, to, listed)| (&text[*from..*to], *listed)).collect();
    out
}

/// How an entry of a body stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// With a bullet, or indented in a squash log.
    Bullet,
    /// As a line like others.
    Bare,
}

/// Ends the value of the last footer.
fn close(open: &mut [Open<'_>], at: usize) {
    if let Some(last) = open.last_mut() {
        last.end.get_or_insert(at);
    }
}

fn continues(open: &[Open<'_>]) -> bool {
    open.last().is_some_and(|last| last.end.is_none())
}

fn is_breaking_token(token: &str) -> bool {
    matches!(token, "BREAKING CHANGE" | "BREAKING-CHANGE")
}

/// The header on a bulleted line.
fn bullet(line: &str) -> Option<&str> {
    let text = line[1..].strip_prefix([' ', '\t'])?.trim_start();
    Some(text).filter(|text| is_header(text, false))
}

/// Whether a line of a body is a header. Without a bullet (`bare`) only the well-known types in lower case are, as
/// for release-please, and `fix: #12` is a footer; with one, any type in lower case is.
fn is_header(line: &str, bare: bool) -> bool {
    if !line.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) || !line.contains(':') {
        return false;
    }
    header::parse(line).is_ok_and(|found| {
        if bare {
            KNOWN_TYPES.contains(&found.type_) && !found.description.starts_with('#')
        } else {
            is_known_type(found.type_) || !found.type_.bytes().any(|b| b.is_ascii_uppercase())
        }
    })
}

/// Splits `Token: value` and `Token #value`: the token, and where the value starts.
fn footer(line: &str) -> Option<(&str, usize)> {
    let bytes = line.as_bytes();
    let end = if line.starts_with("BREAKING CHANGE:") {
        "BREAKING CHANGE".len()
    } else {
        bytes.iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'-'))?
    };
    let token = &line[..end];
    match (bytes.get(end), bytes.get(end + 1)) {
        (Some(b':'), Some(b' ' | b'\t')) => Some((token, end + 1)),
        // The text of a breaking change is often put on the next lines.
        (Some(b':'), None) if is_breaking_token(token) => Some((token, end + 1)),
        (Some(b' '), Some(b'#')) if !token.is_empty() => Some((token, end + 1)),
        _ => None,
    }
}

/// `BREAKING CHANGES:`, `Breaking change:`, `BREAKING:` and the like.
fn misspelt_breaking(line: &str) -> bool {
    let Some((before, _)) = line.split_once(':') else {
        return false;
    };
    if before.len() > 20 {
        return false;
    }
    let word = before.to_ascii_lowercase().replace(['-', '_'], " ");
    matches!(word.trim_end(), "breaking" | "breaking change" | "breaking changes" | "breakingchange")
}

/// git's `Revert "header"` and `Reapply "header"`; a pull request number may follow the closing quote.
pub(super) fn git_revert(line: &str) -> Option<(bool, &str)> {
    let (reapply, rest) = match line.strip_prefix("Revert \"") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("Reapply \"")?),
    };
    let end = rest.rfind('"')?;
    let tail = rest[end + 1..].trim();
    let request = || whole(tail.strip_prefix('(')?.strip_suffix(')')?);
    (tail.is_empty() || request().is_some()).then_some((reapply, &rest[..end]))
}

/// The target of `fixup! header`, through repeated prefixes.
pub(super) fn autosquash(line: &str) -> Option<&str> {
    let strip = |text: &'_ str| -> Option<usize> {
        ["fixup! ", "squash! ", "amend! "].iter().find(|word| text.starts_with(**word)).map(|word| word.len())
    };
    let mut target = &line[strip(line)?..];
    while let Some(more) = strip(target) {
        target = &target[more..];
    }
    Some(target)
}

/// The commits of `This reverts commit …`: several may follow, joined by commas, `and` or line breaks. The parent in
/// `reversing changes made to …` is none of them.
pub(super) fn reverted_shas(text: &str) -> Vec<&str> {
    let mut shas = Vec::new();
    for (at, _) in text.match_indices("This reverts commit") {
        let list = &text[at + "This reverts commit".len()..];
        let list = list.strip_prefix('s').unwrap_or(list).trim_start_matches(':');
        for word in list.split(|c: char| c.is_whitespace() || matches!(c, ',' | '`')) {
            let word = word.trim_end_matches('.');
            if is_sha(word) {
                shas.push(word);
            } else if !matches!(word, "" | "and" | "&" | "commit" | "commits" | "*" | "-") {
                break;
            }
        }
    }
    shas
}

/// The commits of a conventional revert's `Refs: 676104e, a215868` footers
/// (<https://www.conventionalcommits.org/en/v1.0.0/#how-does-conventional-commits-handle-revert-commits>).
pub(super) fn refs_shas<'a>(footers: &[Footer<'a>]) -> Vec<&'a str> {
    footers
        .iter()
        .filter(|footer| footer.is("Refs"))
        .flat_map(|footer| footer.value.split(|c: char| c.is_whitespace() || c == ','))
        .filter(|word| is_sha(word))
        .collect()
}

fn is_sha(word: &str) -> bool {
    (7..=40).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The first line of a merge commit's body.
pub(super) fn title(text: &str) -> Option<&str> {
    let line = split_line(text.trim_start()).0;
    (!line.is_empty()).then_some(line)
}

/// Reads the messages that git, GitHub, GitLab and Bitbucket give to merge commits.
pub(super) fn merge<'a>(line: &'a str, rest: &'a str) -> Option<Merge<'a>> {
    if let Some(text) = line.strip_prefix("Merged in ") {
        let (source, request) = text.split_once(" (pull request ")?;
        let request = whole(request.strip_suffix(')')?);
        return Some(Merge { source: Some(source), target: None, request });
    }
    let text = line.strip_prefix("Merge ")?;
    if let Some(text) = text.strip_prefix("pull request ") {
        let (number, source) = text.split_once(' ').unwrap_or((text, ""));
        let request = Some(whole(number)?);
        let source = source.strip_prefix("from ").map(|source| source.split(' ').next().unwrap_or(source));
        return Some(Merge { source, target: None, request });
    }
    let (source, target) = match text.rsplit_once(" into ") {
        Some((source, target)) => (source, Some(target.trim_matches('\''))),
        None => (text, None),
    };
    let word = [
        "branch ",
        "branches ",
        "remote-tracking branch ",
        "remote-tracking branches ",
        "tag ",
        "tags ",
        "commit ",
    ]
    .iter()
    .find_map(|word| source.strip_prefix(*word));
    if word.is_none() && target.is_none() {
        return None;
    }
    let source = word.unwrap_or(source);
    let source = match source.strip_prefix('\'') {
        Some(quoted) => quoted.split('\'').next(),
        None => Some(source),
    };
    // GitLab names the merge request in the body: `See merge request group/project!12`.
    let request = rest
        .rfind("See merge request ")
        .and_then(|at| whole(split_line(&rest[at + "See merge request ".len()..]).0));
    Some(Merge { source, target, request })
}
