//! XML: paths, and MSBuild's project files.

use roxmltree::{Document, Node};

use super::error::{FileError, FileErrorKind};
use super::path::{self, Step};
use super::{Context, Convention, Located, Spot};

/// Reads XML 1.0; a document type declaration is refused, as no version file needs one.
pub(super) fn parse(text: &str) -> Result<Document<'_>, FileError> {
    Document::parse(text).map_err(|e| {
        let pos = e.pos();
        FileError {
            line: Some(pos.row as usize),
            column: Some(pos.col as usize),
            ..FileError::new(
                FileErrorKind::Syntax,
                format!("this is not valid XML: {e}"),
                "correct the file first",
            )
        }
    })
}

/// The children of that local name; namespaces do not matter.
pub(super) fn children<'a, 'i>(node: Node<'a, 'i>, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |c| c.is_element() && c.tag_name().name() == name)
}

/// The only child of that name.
pub(super) fn child<'a, 'i>(
    text: &str,
    node: Node<'a, 'i>,
    name: &'a str,
) -> Result<Option<Node<'a, 'i>>, FileError> {
    let mut found = children(node, name);
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => {
            Err(FileError::ambiguous(text, &format!("<{name}>"), first.range().start, second.range().start))
        }
        (first, _) => Ok(first),
    }
}

/// The spot of an element's text, which may be CDATA, with white space around it left out.
pub(super) fn spot(
    text: &str,
    node: Node<'_, '_>,
    what: &str,
    convention: Convention,
) -> Result<Spot, FileError> {
    let start = node.range().start;
    let mut content =
        node.children().filter(|c| !(c.is_text() && c.text().is_some_and(|t| t.trim().is_empty())));
    let unsupported =
        |why: &str, hint: &str| Err(FileError::unsupported(format!("`{what}` {why}"), hint).at(text, start));
    let Some(leaf) = content.next() else {
        return Err(FileError::missing(format!("`{what}` is empty"), "write the present version into it")
            .at(text, start));
    };
    if content.next().is_some() || !leaf.is_text() {
        return unsupported("holds more than text", "leave the version alone in it");
    }
    let value = leaf.text().unwrap_or("").trim();
    // A text node with CDATA in it spans more than its own range says.
    let from = leaf.range().start;
    let until = text[node.range()].rfind("</").map_or(from, |at| start + at);
    let raw = text.get(from..until).unwrap_or("");
    let blank = |part: &str| matches!(part.trim(), "" | "<![CDATA[" | "]]>");
    match raw.find(value) {
        Some(at) if blank(&raw[..at]) && blank(&raw[at + value.len()..]) => {
            let range = from + at..from + at + value.len();
            Ok(Spot::new(text, range, what.to_owned(), convention))
        }
        _ => unsupported("is written with escapes", "write its value as it is"),
    }
}

/// What a path leads to, from the root element's own name on.
pub(super) fn at_path(text: &str, path: &str, cx: &Context<'_>) -> Result<Located, FileError> {
    let convention = cx.convention.unwrap_or_default();
    // `/` is in no name of XML.
    let steps = path::parse(path.trim_start_matches('/'))?;
    let mut names: Vec<Step> = Vec::new();
    for step in steps {
        match step {
            Step::Key(key) => {
                names.extend(key.split('/').map(|k| Step::Key(k.to_owned())));
            }
            index => names.push(index),
        }
    }
    let missing = || {
        FileError::missing(
            format!("there is nothing at `{path}`"),
            "compare the path with the file; it begins with the root element",
        )
    };
    let document = parse(text)?;
    let mut here = vec![document.root()];
    for (i, step) in names.iter().enumerate() {
        match step {
            Step::Index(index) => {
                here = vec![*here.get(*index).ok_or_else(missing)?];
                continue;
            }
            Step::Key(key) => {
                let [node] = here[..] else {
                    return Err(several(text, &here).unwrap_or_else(missing));
                };
                if let Some(name) = key.strip_prefix('@') {
                    let attribute = node
                        .attributes()
                        .find(|a| a.name() == name)
                        .filter(|_| i + 1 == names.len())
                        .ok_or_else(missing)?;
                    let range = attribute.range_value();
                    if text.get(range.clone()) != Some(attribute.value()) || range.is_empty() {
                        return Err(FileError::unsupported(
                            format!("`{path}` is empty or written with escapes"),
                            "write its value as it is",
                        )
                        .at(text, range.start));
                    }
                    let spot = Spot::new(text, range, path.to_owned(), convention);
                    return Ok(Located::Here(vec![spot]));
                }
                here = children(node, key).collect();
            }
        }
        if here.is_empty() {
            return Err(missing());
        }
    }
    match here[..] {
        [node] => Ok(Located::Here(vec![spot(text, node, path, convention)?])),
        _ => Err(several(text, &here).unwrap_or_else(missing)),
    }
}

/// The error for a name that several elements have.
fn several(text: &str, nodes: &[Node<'_, '_>]) -> Option<FileError> {
    let [first, second, ..] = nodes else {
        return None;
    };
    let what = format!("<{}>", first.tag_name().name());
    let mut error = FileError::ambiguous(text, &what, first.range().start, second.range().start);
    error.hint = "choose one by its place from 0, such as `[1]`".to_owned();
    Some(error)
}

/// The version properties of a project file, in any of its property groups.
pub(super) fn msbuild(text: &str, cx: &Context<'_>) -> Result<Located, FileError> {
    let document = parse(text)?;
    let root = document.root_element();
    let all = |name: &'static str| -> Vec<Node<'_, '_>> {
        children(root, "PropertyGroup").flat_map(|group| children(group, name)).collect()
    };
    let mut spots = Vec::new();
    for name in ["Version", "PackageVersion"] {
        for node in all(name) {
            match reference(node.text().unwrap_or(""), "$(", ')') {
                Reference::None => spots.push(spot(text, node, name, Convention::Nuget)?),
                // `<PackageVersion>$(Version)</PackageVersion>` follows by itself.
                Reference::To("Version" | "VersionPrefix") => {}
                Reference::To(property) => {
                    let targets: Vec<_> =
                        children(root, "PropertyGroup").flat_map(|g| children(g, property)).collect();
                    if targets.is_empty() {
                        return Err(composed(text, node, name));
                    }
                    for target in targets {
                        spots.push(spot(text, target, property, Convention::Nuget)?);
                    }
                }
                Reference::Several => return Err(composed(text, node, name)),
            }
        }
    }
    if spots.is_empty() {
        for node in all("VersionPrefix") {
            if let Some(suffix) = all("VersionSuffix").first()
                && suffix.text().is_some_and(|t| !t.trim().is_empty())
            {
                return Err(composed(text, *suffix, "VersionSuffix"));
            }
            spots.push(spot(text, node, "VersionPrefix", Convention::Prefix)?);
        }
    }
    if spots.is_empty() {
        return Err(FileError::missing(
            "the file has no <Version> and no <VersionPrefix> in a <PropertyGroup>",
            "it may be in Directory.Build.props; else write it there",
        ));
    }
    if cx.assembly {
        for name in ["AssemblyVersion", "FileVersion"] {
            for node in all(name) {
                if let Reference::None = reference(node.text().unwrap_or(""), "$(", ')') {
                    spots.push(spot(text, node, name, Convention::Assembly)?);
                }
            }
        }
    }
    Ok(Located::Here(spots))
}

/// What a value says by reference to properties.
pub(super) enum Reference<'t> {
    /// Nothing: it is a value.
    None,
    /// All of it, by one property's name.
    To(&'t str),
    /// Several, or a part of it.
    Several,
}

/// Reads `${name}` or `$(name)`.
pub(super) fn reference<'t>(value: &'t str, open: &str, close: char) -> Reference<'t> {
    let value = value.trim();
    match value.strip_prefix(open).and_then(|v| v.strip_suffix(close)) {
        Some(name) if !name.contains(['$', close]) => Reference::To(name),
        _ if value.contains(open) => Reference::Several,
        _ => Reference::None,
    }
}

/// The error for a version that is put together of parts.
pub(super) fn composed(text: &str, node: Node<'_, '_>, what: &str) -> FileError {
    FileError::unsupported(
        format!("`{what}` is put together of properties that this file does not state as one"),
        "name the property that changes by an XML path",
    )
    .at(text, node.range().start)
}
