//! Elixir's and Ruby's manifests, which are programs.

use super::code::{Code, Kind, Language};
use super::error::FileError;
use super::{Convention, Elsewhere, Format, Located, Spot};

/// `version: "…"` in the keyword list of `def project`, or the attribute it refers to.
pub(super) fn mix(text: &str) -> Result<Located, FileError> {
    let code = Code::new(text, Language::Elixir);
    let is_def = |i: usize| {
        code.starts_statement(i) && (code.word(i, "def") || code.word(i, "defp") || code.word(i, "defmodule"))
    };
    let mut found: Option<usize> = None;
    for start in 0..code.tokens.len() {
        if !(is_def(start) && code.word(start, "def") && code.word(start + 1, "project")) {
            continue;
        }
        let mut depth = 0i64;
        for i in start + 2..code.tokens.len() {
            match code.tokens[i].kind {
                Kind::Mark(b'(' | b'[' | b'{') => depth += 1,
                Kind::Mark(b')' | b']' | b'}') => depth -= 1,
                _ if is_def(i) => break,
                _ => {}
            }
            if depth == 1 && code.word(i, "version") && code.mark(i + 1, b':') {
                if let Some(first) = found {
                    return Err(twice(&code, "`version:` of the project", first, i));
                }
                found = Some(i);
            }
        }
    }
    let Some(at) = found else {
        return Err(FileError::missing(
            "the file has no `version:` in `def project`",
            "write the present version there",
        ));
    };
    let value = code.skip_newlines(at + 2);
    let after = code.skip_newlines(value + 1);
    let alone = |i: usize| code.mark(i, b',') || code.mark(i, b']');
    if let (Some((range, true)), true) = (code.string(value), alone(after)) {
        return here(&code, range, "project.version", Convention::Semver);
    }
    if code.mark(value, b'@')
        && let Some(name) = code.word_at(value + 1)
        && alone(code.skip_newlines(value + 2))
    {
        return attribute(&code, name);
    }
    Err(not_plain(&code, "`version:` of the project", at))
}

/// `@name "…"` in an Elixir module.
fn attribute(code: &Code<'_>, name: &str) -> Result<Located, FileError> {
    let what = format!("@{name}");
    let mut found: Option<usize> = None;
    for i in 0..code.tokens.len() {
        if code.mark(i, b'@') && code.word(i + 1, name) && code.starts_statement(i) {
            if let Some(first) = found {
                return Err(twice(code, &what, first, i));
            }
            found = Some(i);
        }
    }
    let Some(at) = found else {
        return Err(FileError::missing(
            format!("the module has no `{what}`"),
            "write the present version there",
        ));
    };
    match code.string(at + 2) {
        Some((range, true)) if code.ends_statement(at + 3) => here(code, range, &what, Convention::Semver),
        _ => Err(not_plain(code, &what, at)),
    }
}

/// `spec.version = "…"`.
pub(super) fn gemspec(text: &str) -> Result<Located, FileError> {
    let code = Code::new(text, Language::Ruby);
    let mut found: Option<usize> = None;
    for i in 0..code.tokens.len() {
        if code.starts_statement(i)
            && code.word_at(i).is_some()
            && code.mark(i + 1, b'.')
            && code.word(i + 2, "version")
            && code.mark(i + 3, b'=')
            && !code.mark(i + 4, b'=')
        {
            if let Some(first) = found {
                return Err(twice(&code, "`version =`", first, i));
            }
            found = Some(i);
        }
    }
    let Some(at) = found else {
        return Err(FileError::missing(
            "the file has no `spec.version = \"…\"`",
            "write the present version there",
        ));
    };
    if let Some(range) = ruby_string(&code, at + 4) {
        return here(&code, range, "spec.version", Convention::Gem);
    }
    let constant = code.word_at(at + 4).filter(|w| w.starts_with(|c: char| c.is_ascii_uppercase()));
    if constant.is_some_and(|c| c != "File" && c != "IO") {
        return Ok(Located::Elsewhere(Elsewhere {
            why: "spec.version is a constant of the library".to_owned(),
            file: None,
            format: Some(Format::Ruby),
        }));
    }
    Err(not_plain(&code, "`spec.version`", at))
}

/// `VERSION = "…"`.
pub(super) fn ruby(text: &str) -> Result<Located, FileError> {
    let code = Code::new(text, Language::Ruby);
    let mut found: Option<usize> = None;
    for i in 0..code.tokens.len() {
        if code.starts_statement(i)
            && code.word(i, "VERSION")
            && code.mark(i + 1, b'=')
            && !code.mark(i + 2, b'=')
        {
            if let Some(first) = found {
                return Err(twice(&code, "`VERSION`", first, i));
            }
            found = Some(i);
        }
    }
    let Some(at) = found else {
        return Err(FileError::missing(
            "the file has no `VERSION = \"…\"`",
            "write the present version there",
        ));
    };
    match ruby_string(&code, at + 2) {
        Some(range) => here(&code, range, "VERSION", Convention::Gem),
        None => Err(not_plain(&code, "`VERSION`", at)),
    }
}

/// A plain string that ends the statement, or is frozen there.
fn ruby_string(code: &Code<'_>, at: usize) -> Option<std::ops::Range<usize>> {
    let (range, plain) = code.string(at)?;
    let frozen = code.mark(at + 1, b'.') && code.word(at + 2, "freeze");
    let after = if frozen { at + 3 } else { at + 1 };
    (plain && (code.ends_statement(after))).then_some(range)
}

fn here(
    code: &Code<'_>,
    range: std::ops::Range<usize>,
    what: &str,
    convention: Convention,
) -> Result<Located, FileError> {
    let spot = Spot::new(code.text, range, what.to_owned(), convention);
    Ok(Located::Here(vec![spot]))
}

fn twice(code: &Code<'_>, what: &str, first: usize, second: usize) -> FileError {
    let at = |i: usize| code.tokens[i].range.start;
    FileError::ambiguous(code.text, what, at(first), at(second))
}

fn not_plain(code: &Code<'_>, what: &str, at: usize) -> FileError {
    FileError::unsupported(
        format!("{what} is no plain string"),
        "name the file that states it, or the place by a regex",
    )
    .at(code.text, code.tokens[at].range.start)
}
