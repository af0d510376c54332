//! What a manifest says beyond its version: the package's name, the workspace's members, and
//! what it requires, each requirement with its place in the text.

use super::error::FileError;
use super::tree::{Id, Tree};
use super::{BOM, Context, FileErrorKind, Format, Located, Spot, cargo, npm, python, shift};

/// A manifest's statements about packages of the same repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The package's name; `None` for the root of a workspace that is no package.
    pub name: Option<String>,
    /// The place of its version; `None` when it states none itself.
    pub version: Option<Spot>,
    /// It leaves its version to another file (`version.workspace = true`, `dynamic`).
    pub elsewhere: bool,
    /// The members of the workspace that it is the root of, as globs of folders. For npm, a
    /// leading `!` excludes.
    pub members: Vec<String>,
    /// Folders that are no members, as globs.
    pub exclude: Vec<String>,
    /// What it requires, in the order of its sections.
    pub dependencies: Vec<Dependency>,
    /// Whether a registry may get it: not `private`, not `publish = false`.
    pub publish: bool,
}

/// A package that a manifest requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The package's own name, where the manifest gives it another one too.
    pub name: String,
    /// The place of the requirement; `None` when there is none, or it is inherited.
    /// [`requirement`](super::requirement()) says what to write there.
    pub requirement: Option<Spot>,
    /// What for.
    pub kind: DependencyKind,
    /// The folder that it is taken from, from the manifest's.
    pub path: Option<String>,
    /// The workspace's root states the rest (`workspace = true`).
    pub inherited: bool,
}

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DependencyKind {
    /// To run.
    Normal,
    /// To develop and test.
    Dev,
    /// To build.
    Build,
    /// To be brought along by whoever uses the package (npm).
    Peer,
    /// If possible, or when asked for.
    Optional,
    /// Stated for members to inherit (`[workspace.dependencies]`).
    Workspace,
}

/// Reads the manifest of an npm package, a Cargo package or workspace, or a Python project.
///
/// # Errors
/// The text is not well-formed, its version is ambiguous or none, or the format is no
/// manifest that can be read this way. A manifest without a version is no error.
pub fn manifest(format: &Format, text: &str) -> Result<Manifest, FileError> {
    let (body, bom) = match text.strip_prefix(BOM) {
        Some(rest) => (rest, BOM.len()),
        None => (text, 0),
    };
    let mut manifest = match format {
        Format::PackageJson => read_npm(body)?,
        Format::CargoToml => read_cargo(body)?,
        Format::Pyproject => read_python(body)?,
        _ => {
            return Err(FileError::unsupported(
                "dependencies are read from package.json, Cargo.toml and pyproject.toml only",
                "state the packages and what they depend on in the configuration",
            ));
        }
    };
    match super::locate(format, body, &Context::default()) {
        Ok(Located::Here(spots)) => {
            // A workspace's shared version is no package's own.
            manifest.version = spots.into_iter().next().filter(|s| s.what != "workspace.package.version");
        }
        Ok(Located::Elsewhere(_)) => manifest.elsewhere = true,
        Err(error) if error.kind == FileErrorKind::Missing => {}
        Err(error) => return Err(error),
    }
    for spot in manifest
        .version
        .iter_mut()
        .chain(manifest.dependencies.iter_mut().filter_map(|d| d.requirement.as_mut()))
    {
        shift(std::slice::from_mut(spot), bom);
    }
    Ok(manifest)
}

fn text_at(tree: &Tree<'_>, id: Id, keys: &[&str]) -> Result<Option<String>, FileError> {
    Ok(tree.dig(id, keys)?.and_then(|v| tree.str(v)).map(str::to_owned))
}

fn texts(tree: &Tree<'_>, list: Option<Id>) -> Vec<String> {
    list.map_or(&[][..], |id| tree.items(id))
        .iter()
        .filter_map(|id| tree.str(*id).map(str::to_owned))
        .collect()
}

fn read_npm(text: &str) -> Result<Manifest, FileError> {
    let tree = Tree::json(text, false)?;
    let root = tree.root()?;
    let workspaces = match tree.get(root, "workspaces")? {
        // Yarn 1 knows `{ "packages": […], "nohoist": […] }`.
        Some(id) if tree.is_map(id) => tree.get(id, "packages")?,
        other => other,
    };
    let mut dependencies = Vec::new();
    for (section, name, id) in npm::sections(&tree, root)? {
        let kind = match section {
            "devDependencies" => DependencyKind::Dev,
            "peerDependencies" => DependencyKind::Peer,
            "optionalDependencies" => DependencyKind::Optional,
            _ => DependencyKind::Normal,
        };
        let value = tree.str(id).unwrap_or("");
        let path =
            ["file:", "link:", "portal:"].iter().find_map(|p| value.strip_prefix(p)).map(str::to_owned);
        // `npm:other@^1` and `workspace:other@^1` name another package.
        let alias = value
            .strip_prefix("npm:")
            .or_else(|| value.strip_prefix("workspace:"))
            .and_then(|v| v.rsplit_once('@'))
            .map(|(name, _)| name.to_owned())
            .filter(|n| !n.is_empty());
        let requirement =
            if value.is_empty() { None } else { Some(tree.raw_spot(id, format!("{section}.\"{name}\""))?) };
        dependencies.push(Dependency {
            name: alias.unwrap_or(name),
            requirement,
            kind,
            path,
            inherited: false,
        });
    }
    let private = tree.get(root, "private")?.is_some_and(|p| tree.is_true(p));
    Ok(Manifest {
        name: text_at(&tree, root, &["name"])?,
        members: texts(&tree, workspaces),
        dependencies,
        publish: !private,
        ..Manifest::default()
    })
}

fn read_cargo(text: &str) -> Result<Manifest, FileError> {
    let tree = Tree::toml(text)?;
    let root = tree.root()?;
    let mut dependencies = Vec::new();
    let mut places = vec![(root, String::new())];
    if let Some(targets) = tree.get(root, "target")? {
        for target in tree.entries(targets) {
            places.push((target.value, format!("target.'{}'.", target.key)));
        }
    }
    for (place, prefix) in places {
        for (section, kind) in [
            ("dependencies", DependencyKind::Normal),
            ("dev-dependencies", DependencyKind::Dev),
            ("dev_dependencies", DependencyKind::Dev),
            ("build-dependencies", DependencyKind::Build),
            ("build_dependencies", DependencyKind::Build),
        ] {
            if let Some(table) = tree.get(place, section)? {
                let what = format!("{prefix}{section}");
                cargo_section(&tree, table, &what, kind, &mut dependencies)?;
            }
        }
    }
    if let Some(table) = tree.dig(root, &["workspace", "dependencies"])? {
        let (what, kind) = ("workspace.dependencies", DependencyKind::Workspace);
        cargo_section(&tree, table, what, kind, &mut dependencies)?;
    }
    // `publish` is a flag or the list of registries; an empty list is none.
    let publish = match tree.dig(root, &["package", "publish"])? {
        None => true,
        Some(id) if tree.is_map(id) => true,
        Some(id) => tree.is_true(id) || !tree.items(id).is_empty(),
    };
    Ok(Manifest {
        name: text_at(&tree, root, &["package", "name"])?,
        members: texts(&tree, tree.dig(root, &["workspace", "members"])?),
        exclude: texts(&tree, tree.dig(root, &["workspace", "exclude"])?),
        dependencies,
        publish,
        ..Manifest::default()
    })
}

fn cargo_section(
    tree: &Tree<'_>,
    table: Id,
    what: &str,
    kind: DependencyKind,
    out: &mut Vec<Dependency>,
) -> Result<(), FileError> {
    for entry in tree.entries(table) {
        let what = format!("{what}.{}", entry.key);
        let mut dependency =
            Dependency { name: entry.key.clone(), requirement: None, kind, path: None, inherited: false };
        if tree.is_map(entry.value) {
            if let Some(name) = text_at(tree, entry.value, &["package"])? {
                dependency.name = name;
            }
            dependency.path = text_at(tree, entry.value, &["path"])?;
            dependency.inherited = cargo::inherits(tree, entry.value)?;
            if let Some(id) = tree.get(entry.value, "version")? {
                dependency.requirement = Some(tree.raw_spot(id, format!("{what}.version"))?);
            }
        } else {
            dependency.requirement = Some(tree.raw_spot(entry.value, what)?);
        }
        out.push(dependency);
    }
    Ok(())
}

fn read_python(text: &str) -> Result<Manifest, FileError> {
    let tree = Tree::toml(text)?;
    let root = tree.root()?;
    let mut dependencies = Vec::new();
    let mut lists = Vec::new();
    if let Some(id) = tree.dig(root, &["project", "dependencies"])? {
        lists.push((id, DependencyKind::Normal, "project.dependencies".to_owned()));
    }
    for (keys, kind) in [
        (&["project", "optional-dependencies"][..], DependencyKind::Optional),
        (&["dependency-groups"], DependencyKind::Dev),
    ] {
        if let Some(id) = tree.dig(root, keys)? {
            for entry in tree.entries(id) {
                lists.push((entry.value, kind, format!("{}.{}", keys.join("."), entry.key)));
            }
        }
    }
    if let Some(id) = tree.dig(root, &["build-system", "requires"])? {
        lists.push((id, DependencyKind::Build, "build-system.requires".to_owned()));
    }
    for (list, kind, what) in lists {
        for id in tree.items(list) {
            // A group may include another by a table.
            if tree.str(*id).is_some()
                && let Some(dependency) = pep508(text, &tree, *id, kind, &what)?
            {
                dependencies.push(dependency);
            }
        }
    }
    poetry(&tree, root, &mut dependencies)?;
    if let Some(sources) = tree.dig(root, &["tool", "uv", "sources"])? {
        for entry in tree.entries(sources) {
            let path = text_at(&tree, entry.value, &["path"])?;
            let name = python::normalized(&entry.key);
            for dependency in &mut dependencies {
                if path.is_some() && python::normalized(&dependency.name) == name {
                    dependency.path.clone_from(&path);
                }
            }
        }
    }
    let name = match text_at(&tree, root, &["project", "name"])? {
        Some(name) => Some(name),
        None => text_at(&tree, root, &["tool", "poetry", "name"])?,
    };
    let workspace = &["tool", "uv", "workspace"];
    let list = |key: &'static str| -> Result<Vec<String>, FileError> {
        let keys = [workspace[0], workspace[1], workspace[2], key];
        Ok(texts(&tree, tree.dig(root, &keys)?))
    };
    let classifiers = texts(&tree, tree.dig(root, &["project", "classifiers"])?);
    Ok(Manifest {
        name,
        members: list("members")?,
        exclude: list("exclude")?,
        dependencies,
        // PyPI refuses every classifier that begins so.
        publish: !classifiers.iter().any(|c| c.starts_with("Private ::")),
        ..Manifest::default()
    })
}

/// `name[extra]>=1,<2; marker` (<https://packaging.python.org/en/latest/specifications/dependency-specifiers/>).
fn pep508(
    text: &str,
    tree: &Tree<'_>,
    id: Id,
    kind: DependencyKind,
    what: &str,
) -> Result<Option<Dependency>, FileError> {
    let (range, value) = tree.content(id, what)?;
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c)).unwrap_or(value.len());
    let name = value[..end].to_owned();
    if name.is_empty() {
        return Ok(None);
    }
    let mut start = end;
    let rest = value[start..].trim_start();
    start = value.len() - rest.len();
    if rest.starts_with('[') {
        start += rest.find(']').map_or(rest.len(), |n| n + 1);
    }
    let address = value[start..].trim_start().starts_with('@');
    let stop = value[start..].find(';').map_or(value.len(), |n| start + n);
    let specifiers = value[start..stop].trim_matches(|c: char| c.is_whitespace() || c == '(' || c == ')');
    let requirement = (!address && !specifiers.is_empty()).then(|| {
        let at = value[start..stop].find(specifiers).unwrap_or(0);
        let from = range.start + start + at;
        Spot::raw(text, from..from + specifiers.len(), format!("{what}: {name}"))
    });
    let path = value[start..stop]
        .trim()
        .strip_prefix('@')
        .and_then(|a| a.trim().strip_prefix("file:"))
        .map(str::to_owned);
    Ok(Some(Dependency { name, requirement, kind, path, inherited: false }))
}

/// Poetry's own tables.
fn poetry(tree: &Tree<'_>, root: Id, out: &mut Vec<Dependency>) -> Result<(), FileError> {
    let Some(poetry) = tree.dig(root, &["tool", "poetry"])? else {
        return Ok(());
    };
    let mut tables = Vec::new();
    for (key, kind) in [("dependencies", DependencyKind::Normal), ("dev-dependencies", DependencyKind::Dev)] {
        if let Some(id) = tree.get(poetry, key)? {
            tables.push((id, kind, format!("tool.poetry.{key}")));
        }
    }
    if let Some(groups) = tree.get(poetry, "group")? {
        for group in tree.entries(groups) {
            if let Some(id) = tree.get(group.value, "dependencies")? {
                let what = format!("tool.poetry.group.{}.dependencies", group.key);
                tables.push((id, DependencyKind::Dev, what));
            }
        }
    }
    for (table, kind, what) in tables {
        for entry in tree.entries(table).iter().filter(|e| e.key != "python") {
            let what = format!("{what}.{}", entry.key);
            let (version, path) = if tree.is_map(entry.value) {
                (tree.get(entry.value, "version")?, text_at(tree, entry.value, &["path"])?)
            } else {
                (tree.str(entry.value).map(|_| entry.value), None)
            };
            out.push(Dependency {
                name: entry.key.clone(),
                requirement: version.map(|id| tree.raw_spot(id, what)).transpose()?,
                kind,
                path,
                inherited: false,
            });
        }
    }
    Ok(())
}
