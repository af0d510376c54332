//! Python's manifests, lockfiles and modules.

use super::cargo::{needs_package, not_locked};
use super::code::{Code, Language};
use super::error::{FileError, FileErrorKind};
use super::tree::{Id, Tree};
use super::{Context, Convention, Elsewhere, Format, Located, Spot, shorten};

const PEP440: Convention = Convention::Pep440;

pub(super) fn pyproject(text: &str) -> Result<Located, FileError> {
    let tree = Tree::toml(text)?;
    let root = tree.root()?;
    let mut spots = Vec::new();
    for (what, keys) in [
        ("project.version", &["project", "version"][..]),
        ("tool.poetry.version", &["tool", "poetry", "version"]),
    ] {
        if let Some(id) = tree.dig(root, keys)? {
            let spot = tree.spot(id, what, PEP440)?;
            // Poetry's dynamic versioning plugins want this placeholder.
            if what == "tool.poetry.version" && spot.value == "0" {
                continue;
            }
            spots.push(spot);
        }
    }
    let dynamic = match tree.dig(root, &["project", "dynamic"])? {
        Some(list) => tree.items(list).iter().find(|id| tree.str(**id) == Some("version")).copied(),
        None => None,
    };
    match dynamic {
        Some(_) if spots.is_empty() => dynamic_source(&tree, root),
        // Poetry 2 reads its own key when `version` is dynamic.
        Some(id) if spots.iter().any(|s| s.what == "project.version") => Err(FileError::new(
            FileErrorKind::Ambiguous,
            "`project.version` is there, and `project.dynamic` names `version` too",
            "keep one of the two",
        )
        .at(text, tree.start(id))),
        _ if spots.is_empty() => Err(FileError::missing(
            "the file has neither `project.version` nor `tool.poetry.version`",
            "write the present version into one of them",
        )),
        _ => Ok(Located::Here(spots)),
    }
}

/// Where the build backend takes a dynamic version from.
fn dynamic_source(tree: &Tree<'_>, root: Id) -> Result<Located, FileError> {
    let setuptools = tree.dig(root, &["tool", "setuptools", "dynamic", "version"])?;
    if let Some(id) = setuptools {
        if let Some(attr) = tree.get(id, "attr")?.and_then(|a| tree.str(a)) {
            return Ok(attribute(attr));
        }
        if let Some(file) = tree.get(id, "file")? {
            let first = tree.items(file).first().copied().unwrap_or(file);
            if let Some(file) = tree.str(first) {
                return Ok(Elsewhere::file(
                    "the version is dynamic: setuptools reads a file",
                    file,
                    Some(Format::Text),
                ));
            }
        }
    }
    for (tool, keys) in
        [("Hatch", &["tool", "hatch", "version", "path"][..]), ("PDM", &["tool", "pdm", "version", "path"])]
    {
        if let Some(file) = tree.dig(root, keys)?.and_then(|p| tree.str(p)) {
            return Ok(Elsewhere::file(
                format!("the version is dynamic: {tool} reads a module"),
                file,
                Some(Format::Python),
            ));
        }
    }
    for (why, keys) in [
        ("setuptools_scm takes it from the tag", &["tool", "setuptools_scm"][..]),
        ("hatch-vcs takes it from the tag", &["tool", "hatch", "version", "source"]),
        ("PDM takes it from the tag", &["tool", "pdm", "version", "source"]),
        ("versioneer takes it from the tag", &["tool", "versioneer"]),
        ("poetry-dynamic-versioning takes it from the tag", &["tool", "poetry-dynamic-versioning"]),
    ] {
        if tree.dig(root, keys)?.is_some() {
            return Ok(Elsewhere::because(format!("the version is dynamic: {why}")));
        }
    }
    Ok(Elsewhere::because("the version is dynamic: the build backend finds it by itself"))
}

/// `package.module.__version__` → `package/module.py`, or the package's `__init__.py`: the
/// module's own file wins where both could be meant.
fn attribute(attr: &str) -> Located {
    let module = attr.rsplit_once('.').map_or("", |(module, _)| module);
    let file = match module.rsplit_once('.') {
        _ if module.is_empty() => None,
        Some(_) => Some(format!("{}.py", module.replace('.', "/"))),
        None => Some(format!("{module}/__init__.py")),
    };
    Located::Elsewhere(Elsewhere {
        why: format!("the version is the attribute `{}`", shorten(attr)),
        file,
        format: Some(Format::Python),
    })
}

/// `[metadata] version` as configparser reads it, without inline comments
/// (<https://docs.python.org/3/library/configparser.html#supported-ini-file-structure>).
pub(super) fn setup_cfg(text: &str) -> Result<Located, FileError> {
    let mut section = "";
    let mut found: Option<(usize, std::ops::Range<usize>)> = None;
    let mut in_version = false;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        let lead = line.len() - line.trim_start().len();
        if lead > 0 && !section.is_empty() {
            // A value goes on; it counts when the line of the key held nothing.
            if in_version && let Some((_, range)) = &mut found {
                if range.start < range.end {
                    return Err(FileError::unsupported(
                        "`metadata.version` has several lines",
                        "write it on one line",
                    )
                    .at(text, start + lead));
                }
                *range = start + lead..start + lead + trimmed.len();
            }
            continue;
        }
        in_version = false;
        if let Some(name) = trimmed.strip_prefix('[') {
            section = name.find(']').map_or("", |end| &name[..end]);
            continue;
        }
        let Some(split) = trimmed.find(['=', ':']) else {
            continue;
        };
        if section != "metadata" || !trimmed[..split].trim().eq_ignore_ascii_case("version") {
            continue;
        }
        let value = &trimmed[split + 1..];
        let at = start + lead + split + 1 + (value.len() - value.trim_start().len());
        if let Some((first, _)) = found {
            return Err(FileError::ambiguous(text, "`metadata.version`", first, start));
        }
        found = Some((start, at..at + value.trim().len()));
        in_version = true;
    }
    let Some((_, range)) = found.filter(|(_, range)| range.start < range.end) else {
        return Err(FileError::missing(
            "the file has no `version` under [metadata]",
            "it may be in pyproject.toml or setup.py; else write it there",
        ));
    };
    let value = &text[range.clone()];
    if let Some(attr) = value.strip_prefix("attr:") {
        return Ok(attribute(attr.trim()));
    }
    if let Some(file) = value.strip_prefix("file:") {
        return Ok(Elsewhere::file("the version is a file's content", file.trim(), Some(Format::Text)));
    }
    let spot = Spot::new(text, range, "metadata.version".to_owned(), PEP440);
    Ok(Located::Here(vec![spot]))
}

/// `version="…"` of the call `setup(…)`.
pub(super) fn setup_py(text: &str) -> Result<Located, FileError> {
    let code = Code::new(text, Language::Python);
    let mut found: Option<(usize, usize)> = None;
    let mut next = 0;
    while next < code.tokens.len() {
        let call = next;
        next += 1;
        let is_call = code.word(call, "setup")
            && code.mark(call + 1, b'(')
            && !(call > 0 && code.word(call - 1, "def"));
        if !is_call {
            continue;
        }
        let mut depth = 0usize;
        for i in call + 1..code.tokens.len() {
            // What is inside the call is no call of its own.
            next = i;
            match code.tokens[i].kind {
                super::code::Kind::Mark(b'(' | b'[' | b'{') => depth += 1,
                super::code::Kind::Mark(b')' | b']' | b'}') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            if depth == 1 && code.word(i, "version") && code.mark(i + 1, b'=') && !code.mark(i + 2, b'=') {
                if let Some((first, _)) = found {
                    return Err(FileError::ambiguous(
                        text,
                        "`version` in setup()",
                        code.tokens[first].range.start,
                        code.tokens[i].range.start,
                    ));
                }
                found = Some((i, code.skip_newlines(i + 2)));
            }
        }
    }
    let Some((at, value)) = found else {
        return Err(FileError::missing(
            "the file has no `version=` in a call of setup()",
            "it may be in setup.cfg or pyproject.toml; else write it there",
        ));
    };
    let next = code.skip_newlines(value + 1);
    let alone = code.mark(next, b',') || code.mark(next, b')');
    if let (Some((range, true)), true) = (code.string(value), alone) {
        let spot = Spot::new(text, range, "version".to_owned(), PEP440);
        return Ok(Located::Here(vec![spot]));
    }
    // A name that the module itself assigns.
    if let (Some(name), true) = (code.word_at(value), alone)
        && let Some(spot) = assignment(&code, name)?
    {
        return Ok(Located::Here(vec![spot]));
    }
    Err(FileError::unsupported(
        "`version` in setup() is no plain string",
        "name the file that states it, or a regex",
    )
    .at(text, code.tokens[at].range.start))
}

/// `__version__ = "…"` at module level.
pub(super) fn module(text: &str) -> Result<Located, FileError> {
    let code = Code::new(text, Language::Python);
    if asks_metadata(&code) {
        return Ok(Elsewhere::because("__version__ is what the installed package's metadata says"));
    }
    match assignment(&code, "__version__")? {
        Some(spot) => Ok(Located::Here(vec![spot])),
        None => Err(FileError::missing(
            "the module has no `__version__ = \"…\"` at its top level",
            "write it there, or name the place by a regex",
        )),
    }
}

/// `__version__ = importlib.metadata.version(…)`, however it was imported
/// (<https://docs.python.org/3/library/importlib.metadata.html#distribution-versions>).
fn asks_metadata(code: &Code<'_>) -> bool {
    (0..code.tokens.len()).any(|start| {
        if !(code.word(start, "__version__")
            && code.starts_statement(start)
            && code.unindented(start)
            && code.mark(start + 1, b'='))
        {
            return false;
        }
        let mut i = start + 2;
        while code.word_at(i).is_some() && code.mark(i + 1, b'.') {
            i += 2;
        }
        code.word(i, "version") && code.mark(i + 1, b'(')
    })
}

/// `name = "…"`, `name: str = "…"` or `name = other = "…"`, not indented.
fn assignment(code: &Code<'_>, name: &str) -> Result<Option<Spot>, FileError> {
    let mut found: Option<Spot> = None;
    for start in 0..code.tokens.len() {
        if !(code.word(start, name) && code.starts_statement(start) && code.unindented(start)) {
            continue;
        }
        let mut i = start + 1;
        if code.mark(i, b':') {
            while i < code.tokens.len() && !code.mark(i, b'=') && !code.ends_statement(i) {
                i += 1;
            }
        }
        if !code.mark(i, b'=') || code.mark(i + 1, b'=') {
            continue;
        }
        i += 1;
        while code.word_at(i).is_some() && code.mark(i + 1, b'=') && !code.mark(i + 2, b'=') {
            i += 2;
        }
        // Parentheses may stand around it.
        let open = code.mark(i, b'(');
        let at = if open { code.skip_newlines(i + 1) } else { i };
        let after = if open { code.skip_newlines(at + 1) } else { at + 1 };
        let alone = if open { code.mark(after, b')') } else { code.ends_statement(after) };
        let Some((range, true)) = code.string(at).filter(|_| alone) else {
            return Err(FileError::unsupported(
                format!("`{name}` is no plain string"),
                "name the place by a regex",
            )
            .at(code.text, code.tokens[start].range.start));
        };
        let spot = Spot::new(code.text, range, name.to_owned(), PEP440);
        if let Some(first) = &found {
            return Err(FileError::ambiguous(
                code.text,
                &format!("`{name}`"),
                first.range.start,
                spot.range.start,
            ));
        }
        found = Some(spot);
    }
    Ok(found)
}

/// Names compare by PEP 503: without case, and `-`, `_` and `.` are one
/// (<https://peps.python.org/pep-0503/#normalized-names>).
pub(super) fn normalized(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

pub(super) fn uv_lock(text: &str, cx: &Context<'_>) -> Result<Located, FileError> {
    let local = |tree: &Tree<'_>, source: Id| -> Result<bool, FileError> {
        for key in ["editable", "virtual", "directory"] {
            if tree.get(source, key)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    };
    match locked(text, "uv.lock", cx, local)? {
        // uv leaves the version out when it is dynamic.
        Some((_, None)) => Ok(Elsewhere::because("uv.lock leaves out dynamic versions")),
        Some((_, Some(spot))) => Ok(Located::Here(vec![spot])),
        None => Err(not_locked("uv.lock", cx.package.unwrap_or(""), "uv lock --offline")),
    }
}

pub(super) fn poetry_lock(text: &str, cx: &Context<'_>) -> Result<Located, FileError> {
    let local = |tree: &Tree<'_>, source: Id| super::cargo::key_is(tree, source, "type", "directory");
    match locked(text, "poetry.lock", cx, local)? {
        Some((_, Some(spot))) => Ok(Located::Here(vec![spot])),
        _ => Ok(Elsewhere::because("poetry.lock does not list the package itself")),
    }
}

/// The `[[package]]` of that name with a local source.
fn locked(
    text: &str,
    file: &str,
    cx: &Context<'_>,
    local: impl Fn(&Tree<'_>, Id) -> Result<bool, FileError>,
) -> Result<Option<(Id, Option<Spot>)>, FileError> {
    let tree = Tree::toml(text)?;
    let name = normalized(cx.package.ok_or_else(|| needs_package(file))?);
    let mut found: Option<Id> = None;
    let packages = tree.get(tree.root()?, "package")?;
    for id in packages.map_or(&[][..], |list| tree.items(list)) {
        let same = tree.get(*id, "name")?.and_then(|n| tree.str(n)).is_some_and(|n| normalized(n) == name);
        let Some(source) = tree.get(*id, "source")? else {
            continue;
        };
        if same && local(&tree, source)? {
            if let Some(first) = found {
                return Err(FileError::ambiguous(
                    text,
                    &format!("the package `{name}`"),
                    tree.start(first),
                    tree.start(*id),
                ));
            }
            found = Some(*id);
        }
    }
    let Some(id) = found else {
        return Ok(None);
    };
    let spot = match tree.get(id, "version")? {
        Some(version) => Some(tree.spot(version, format!("package.{name}.version"), PEP440)?),
        None => None,
    };
    Ok(Some((id, spot)))
}
