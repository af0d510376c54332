//! Cargo's manifest and lockfile.

use super::error::FileError;
use super::tree::{Id, Tree};
use super::{Context, Convention, Elsewhere, Format, Located, Spot};

/// The places of the version in `Cargo.toml`.
pub(super) fn manifest(text: &str, cx: &Context<'_>) -> Result<Located, FileError> {
    let tree = Tree::toml(text)?;
    let root = tree.root()?;
    let shared = tree.dig(root, &["workspace", "package", "version"])?;
    let own = tree.dig(root, &["package", "version"])?;
    let here = |id: Id, what: &str| -> Result<Located, FileError> {
        Ok(Located::Here(vec![tree.spot(id, what, Convention::Semver)?]))
    };
    let from_shared = || match shared {
        Some(id) => here(id, "workspace.package.version"),
        None => Err(FileError::missing(
            "the file has no `workspace.package.version`",
            "write it there, or give every package its own `version`",
        )),
    };
    if cx.workspace {
        return from_shared();
    }
    match own {
        Some(id) if tree.is_map(id) => {
            if !inherits(&tree, id)? {
                return Err(FileError::missing(
                    "`package.version` is a table without `workspace = true`",
                    "write `version = \"1.2.3\"` or `version.workspace = true`",
                )
                .at(text, tree.start(id)));
            }
            // The root package of the workspace, or a member that does not know its root.
            if tree.get(root, "workspace")?.is_some() { from_shared() } else { Ok(inherited(&tree, root)?) }
        }
        Some(id) => here(id, "package.version"),
        None if tree.get(root, "package")?.is_some() => Err(FileError::missing(
            "`[package]` has no `version`",
            "Cargo takes it as 0.0.0 and never publishes it; write a version to release it",
        )),
        None => from_shared(),
    }
}

/// Whether `version` is `{ workspace = true }`.
pub(super) fn inherits(tree: &Tree<'_>, id: Id) -> Result<bool, FileError> {
    Ok(tree.get(id, "workspace")?.is_some_and(|w| tree.is_true(w)))
}

fn inherited(tree: &Tree<'_>, root: Id) -> Result<Located, FileError> {
    let why = "version.workspace = true: the workspace's root states it";
    Ok(match tree.dig(root, &["package", "workspace"])? {
        Some(id) => {
            let (_, folder) = tree.content(id, "package.workspace")?;
            let file = format!("{}/Cargo.toml", folder.trim_end_matches('/'));
            Elsewhere::file(why, file, Some(Format::CargoToml))
        }
        None => {
            Located::Elsewhere(Elsewhere { why: why.to_owned(), file: None, format: Some(Format::CargoToml) })
        }
    })
}

/// The places of one workspace package's version in `Cargo.lock`.
///
/// A dependency is `name`, `name version` where the name alone is not unique, and
/// `name version (source)` where that is not either; packages of the workspace have no source.
pub(super) fn lock(text: &str, cx: &Context<'_>) -> Result<Located, FileError> {
    let tree = Tree::toml(text)?;
    let root = tree.root()?;
    let Some(name) = cx.package else {
        return Err(needs_package("Cargo.lock"));
    };
    let packages: Vec<Id> = match tree.get(root, "package")? {
        Some(list) => tree.items(list).to_vec(),
        None => Vec::new(),
    };
    let mut own: Option<Id> = None;
    for id in &packages {
        if key_is(&tree, *id, "name", name)? && tree.get(*id, "source")?.is_none() {
            if let Some(first) = own {
                return Err(FileError::ambiguous(
                    text,
                    &format!("a package `{name}` without source"),
                    tree.start(first),
                    tree.start(*id),
                ));
            }
            own = Some(*id);
        }
    }
    let Some(version) = own.map(|id| tree.get(id, "version")).transpose()?.flatten() else {
        return Err(not_locked("Cargo.lock", name, "cargo update --workspace --offline"));
    };
    let spot = tree.spot(version, format!("package.{name}.version"), Convention::Semver)?;
    let spelled = format!("{name} {}", spot.value);
    let mut spots = vec![spot];
    for package in &packages {
        let Some(dependencies) = tree.get(*package, "dependencies")? else {
            continue;
        };
        for id in tree.items(dependencies) {
            if tree.str(*id) == Some(spelled.as_str()) {
                let (range, _) = tree.content(*id, "dependencies")?;
                spots.push(Spot::new(
                    text,
                    range.start + name.len() + 1..range.end,
                    format!("a dependency on {name}"),
                    Convention::Semver,
                ));
            }
        }
    }
    Ok(Located::Here(spots))
}

/// Whether the key holds this text.
pub(super) fn key_is(tree: &Tree<'_>, id: Id, key: &str, value: &str) -> Result<bool, FileError> {
    Ok(tree.get(id, key)?.and_then(|v| tree.str(v)) == Some(value))
}

pub(super) fn needs_package(file: &str) -> FileError {
    FileError::new(
        super::FileErrorKind::Pattern,
        format!("{file} holds many packages, and none was named"),
        "name the package whose version is meant",
    )
}

pub(super) fn not_locked(file: &str, name: &str, command: &str) -> FileError {
    FileError::missing(
        format!("{file} has no entry for the package `{name}` of this repository"),
        format!("bring it up to date first: `{command}`"),
    )
}
