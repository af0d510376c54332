//! Plain text, regular expressions, paths, and the formats that are one path: Helm, Composer,
//! pub.

use regex::RegexBuilder;

use super::error::{FileError, FileErrorKind};
use super::tree::Tree;
use super::{Context, Convention, Located, Spot, path};

/// A file that is the version.
pub(super) fn text(text: &str, cx: &Context<'_>) -> Result<Located, FileError> {
    let value = text.trim();
    if value.is_empty() {
        return Err(FileError::missing("the file is empty", "write the present version into it"));
    }
    let start = text.len() - text.trim_start().len();
    if let Some(end) = value.find(['\n', '\r']) {
        return Err(FileError::new(
            FileErrorKind::NotAVersion,
            "the file holds more than the version",
            "keep one line, or name the place by a regex",
        )
        .at(text, start + end + 1));
    }
    Ok(Located::Here(vec![Spot::new(
        text,
        start..start + value.len(),
        "the file".to_owned(),
        cx.convention.unwrap_or_default(),
    )]))
}

/// The only match of a regular expression.
pub(super) fn regex(text: &str, pattern: &str, cx: &Context<'_>) -> Result<Located, FileError> {
    let wrong = |why: String, hint: &str| FileError::new(FileErrorKind::Pattern, why, hint);
    let regex =
        RegexBuilder::new(pattern).multi_line(true).crlf(true).size_limit(1 << 20).build().map_err(|e| {
            wrong(format!("the regex is not valid: {e}"), "see https://docs.rs/regex/latest/regex/#syntax")
        })?;
    if regex.captures_len() < 2 {
        return Err(wrong(
            format!("the regex `{pattern}` has no group"),
            "put the version into a group, such as (?<version>[0-9.]+)",
        ));
    }
    let named = regex.capture_names().flatten().any(|n| n == "version");
    let mut found = regex
        .captures_iter(text)
        .filter_map(|captures| if named { captures.name("version") } else { captures.get(1) });
    let Some(first) = found.next() else {
        return Err(FileError::missing(
            format!("the regex `{pattern}` matches nothing"),
            "compare it with the file",
        ));
    };
    if let Some(second) = found.next() {
        return Err(FileError::ambiguous(text, "a match of the regex", first.start(), second.start()));
    }
    Ok(Located::Here(vec![Spot::new(
        text,
        first.range(),
        "the regex's group".to_owned(),
        cx.convention.unwrap_or_default(),
    )]))
}

/// What a path leads to.
pub(super) fn tree(tree: Tree<'_>, path: &str, cx: &Context<'_>) -> Result<Located, FileError> {
    let steps = path::parse(path)?;
    let Some(id) = tree.find(&steps)? else {
        return Err(FileError::missing(
            format!("there is nothing at `{path}`"),
            "compare the path with the file",
        ));
    };
    Ok(Located::Here(vec![tree.spot(id, path, cx.convention.unwrap_or_default())?]))
}

/// `version` and, where it is there, `appVersion`.
pub(super) fn chart(text: &str) -> Result<Located, FileError> {
    let tree = Tree::yaml(text)?;
    let root = tree.root()?;
    let mut spots = vec![top_level(&tree, "write the present version into it")?];
    if let Some(app) = tree.get(root, "appVersion")? {
        spots.push(tree.spot(app, "appVersion", Convention::Semver)?);
    }
    Ok(Located::Here(spots))
}

pub(super) fn composer(text: &str) -> Result<Located, FileError> {
    let spot =
        top_level(&Tree::json(text, false)?, "Composer takes it from the tag then; leave the file out")?;
    Ok(Located::Here(vec![spot]))
}

pub(super) fn pubspec(text: &str) -> Result<Located, FileError> {
    let spot = top_level(&Tree::yaml(text)?, "write the present version into it")?;
    Ok(Located::Here(vec![spot]))
}

/// The key `version` of the root.
pub(super) fn top_level(tree: &Tree<'_>, hint: &str) -> Result<Spot, FileError> {
    match tree.get(tree.root()?, "version")? {
        Some(id) => tree.spot(id, "version", Convention::Semver),
        None => Err(FileError::missing("the file has no `version`", hint)),
    }
}
