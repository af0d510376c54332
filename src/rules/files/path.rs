//! The one path syntax for JSON, TOML, YAML and XML.
//!
//! ```text
//! path    = [ "$" [ "." ] ] step *( "." step / index )
//! step    = key / quoted / index
//! key     = 1*( any character but . [ ] " ' )
//! quoted  = '"' text '"' / "'" text "'"        \" \' \\ stand for themselves
//! index   = "[" ( number / quoted ) "]"        counts from 0
//! ```
//!
//! `a.b[0].c`, `packages."".version`, `packages["packages/a"].version` and `$.a.b` are paths.
//! It is the plain part of JSONPath (RFC 9535, <https://www.rfc-editor.org/rfc/rfc9535>) and of
//! TOML's dotted keys (<https://toml.io/en/v1.0.0#keys>). In XML a key is the local name of a
//! child element, starting with the root; `@name` is an attribute, and `/` may stand for `.`.

use super::error::{FileError, FileErrorKind};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A key of a map, or the name of an XML child.
    Key(String),
    /// A place in a list, from 0.
    Index(usize),
}

/// Reads a path; never empty.
pub(super) fn parse(path: &str) -> Result<Vec<Step>, FileError> {
    let wrong = |why: &str| {
        FileError::new(
            FileErrorKind::Pattern,
            format!("the path `{path}` is not valid: {why}"),
            "write it as `a.b[0].\"c.d\"`",
        )
    };
    let mut rest = path.trim();
    if let Some(after) = rest.strip_prefix('$')
        && (after.is_empty() || after.starts_with(['.', '[']))
    {
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    let mut steps = Vec::new();
    loop {
        match rest.chars().next() {
            None => return Err(wrong("a key is missing at its end")),
            Some('[') => {}
            Some(quote @ ('"' | '\'')) => {
                let (key, after) = quoted(rest, quote).ok_or_else(|| wrong("a quote is open"))?;
                steps.push(Step::Key(key));
                rest = after;
            }
            Some(_) => {
                let end = rest.find(['.', '[', ']', '"', '\'']).unwrap_or(rest.len());
                if end == 0 {
                    return Err(wrong("a key is missing"));
                }
                steps.push(Step::Key(rest[..end].to_owned()));
                rest = &rest[end..];
            }
        }
        while let Some(inner) = rest.strip_prefix('[') {
            let after = match inner.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    let (key, after) = quoted(inner, quote).ok_or_else(|| wrong("a quote is open"))?;
                    steps.push(Step::Key(key));
                    after
                }
                _ => {
                    let end = inner.find(|c: char| !c.is_ascii_digit()).unwrap_or(inner.len());
                    let index =
                        inner[..end].parse().map_err(|_| wrong("`[` needs a number or a quoted key"))?;
                    steps.push(Step::Index(index));
                    &inner[end..]
                }
            };
            rest = after.strip_prefix(']').ok_or_else(|| wrong("a `]` is missing"))?;
        }
        if rest.is_empty() {
            return Ok(steps);
        }
        rest = rest.strip_prefix('.').ok_or_else(|| wrong("a `.` is missing between two keys"))?;
    }
}

/// Reads a quoted key at the start of `text`; returns it and what follows.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some((key, &text[at + c.len_utf8()..]));
        }
        key.push(if c == '\\' { chars.next()?.1 } else { c });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths() {
        let key = |k: &str| Step::Key(k.to_owned());
        for (path, steps) in [
            ("a", vec![key("a")]),
            ("a.b", vec![key("a"), key("b")]),
            ("$.a.b", vec![key("a"), key("b")]),
            ("$[\"a\"]", vec![key("a")]),
            ("$schema", vec![key("$schema")]),
            ("a[0][12].b", vec![key("a"), Step::Index(0), Step::Index(12), key("b")]),
            ("packages.\"\".version", vec![key("packages"), key(""), key("version")]),
            ("p['a.b/c'].x", vec![key("p"), key("a.b/c"), key("x")]),
            (r#"p."a\"b\\""#, vec![key("p"), key("a\"b\\")]),
            ("[0].v", vec![Step::Index(0), key("v")]),
            ("größe.x-y_z/w", vec![key("größe"), key("x-y_z/w")]),
        ] {
            assert_eq!(parse(path).expect(path), steps, "{path}");
        }
        for path in [
            "",
            "$",
            ".",
            "a.",
            ".a",
            "a..b",
            "a[",
            "a[]",
            "a[x]",
            "a[0",
            "a\"b\"",
            "\"a",
            "a]",
            "a[0]b",
            "a[99999999999999999999999]",
        ] {
            assert_eq!(parse(path).expect_err(path).kind, FileErrorKind::Pattern, "{path}");
        }
    }
}
