//! Which packages the repository holds.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::config::FileConfig;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::rules::files::{DependencyKind, Format, Manifest, manifest};
use crate::rules::tag::{TagPattern, TagTemplate, detect_pattern};

/// One package, released by itself.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name; empty where the repository is one package without a name.
    pub name: String,
    /// Its folder from the top of the repository, without a slash at the end; empty for the top.
    pub path: String,
    /// How its tags look.
    pub tags: TagPattern,
    /// The files that carry its version, where the configuration names them.
    pub files: Option<Vec<FileConfig>>,
    /// Its changelog, from the top of the repository.
    pub changelog: Option<String>,
    /// Packages of this repository that it is built or run with.
    pub depends_on: Vec<String>,
    /// What counts for it besides its folder.
    pub also: Vec<String>,
    /// Whether the repository holds others too.
    pub one_of_many: bool,
}

impl Package {
    /// A file of the package, from the top of the repository.
    pub fn file(&self, name: &str) -> String {
        joined(&self.path, name)
    }

    /// `pkg 1.2.3`, or just `1.2.3` where there is one package.
    pub fn named(&self, version: &semver::Version) -> String {
        if self.one_of_many { format!("{} {version}", self.name) } else { version.to_string() }
    }
}

/// `folder/name`, or `name` in the top folder.
pub(super) fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The packages: as configured, as the workspace has them when tags such as `pkg@1.2.3` exist, or the repository itself.
pub fn packages(facts: &Facts<'_>) -> Result<Vec<Package>> {
    let all = facts.tags()?;
    let tags: Vec<&str> = all.iter().map(|t| t.name.as_str()).collect();
    let mut found = match &facts.config.packages {
        Some(_) => configured(facts, &tags)?,
        None => detected(facts, &tags)?,
    };
    if found.is_empty() {
        let tags = match &facts.config.version.tag {
            Some(template) if template.has_package() => {
                let name = root_name(facts)?.ok_or_else(|| {
                    Error::usage("`version.tag` has a place for the package, and no package has a name")
                        .at("version.tag")
                        .hint("name the packages under `packages:`, or drop `{package}`")
                })?;
                template.pattern(&name)
            }
            Some(template) => template.pattern(""),
            None => detect_pattern(&tags).unwrap_or_else(TagPattern::v),
        };
        found.push(Package {
            name: root_name(facts)?.unwrap_or_default(),
            path: String::new(),
            tags,
            files: facts.config.version.files.clone(),
            changelog: facts.config.changelog.file.clone(),
            depends_on: Vec::new(),
            also: Vec::new(),
            one_of_many: false,
        });
    }
    if let Some(name) =
        facts.config.linked.iter().flatten().find(|name| !found.iter().any(|p| p.name == **name))
    {
        let names: Vec<&str> = found.iter().map(|p| p.name.as_str()).filter(|n| !n.is_empty()).collect();
        let error = Error::usage(format!("`{name}` is no package here")).at("linked");
        return Err(if names.is_empty() {
            error
        } else {
            error.hint(format!("there are: {}", names.join(", ")))
        });
    }
    Ok(found)
}

fn root_name(facts: &Facts<'_>) -> Result<Option<String>> {
    for (file, format) in MANIFESTS {
        if let Some(manifest) = read_manifest(facts, file, &format)?
            && manifest.name.is_some()
        {
            return Ok(manifest.name);
        }
    }
    Ok(None)
}

/// The manifests that tell of packages and of what they require.
pub(super) const MANIFESTS: [(&str, Format); 3] = [
    ("package.json", Format::PackageJson),
    ("Cargo.toml", Format::CargoToml),
    ("pyproject.toml", Format::Pyproject),
];

/// Reads a manifest; none when it is not there. One that cannot be read is a matter for whoever edits it.
pub(super) fn read_manifest(facts: &Facts<'_>, path: &str, format: &Format) -> Result<Option<Manifest>> {
    Ok(facts.read(path)?.and_then(|text| manifest(format, &text).ok()))
}

/// The folder of each member of the workspaces at the top, with its manifest's file name.
pub(super) fn members(facts: &Facts<'_>) -> Result<Vec<(String, &'static str, Manifest)>> {
    let mut found = Vec::new();
    for (file, format) in &MANIFESTS {
        let Some(root) = read_manifest(facts, file, format)? else {
            continue;
        };
        let mut include: Vec<String> = root.members.iter().filter(|m| !m.starts_with('!')).cloned().collect();
        let excluded = root.members.iter().filter_map(|m| m.strip_prefix('!'));
        let exclude: Vec<String> =
            root.exclude.iter().map(String::as_str).chain(excluded).map(str::to_owned).collect();
        if *file == "package.json"
            && let Some(text) = facts.read("pnpm-workspace.yaml")?
        {
            include.extend(pnpm_members(&text));
        }
        if include.is_empty() {
            continue;
        }
        let (include, exclude) = (folders(&include)?, folders(&exclude)?);
        for path in facts.tracked()?.iter().filter(|p| p.ends_with(file)) {
            let folder = path.strip_suffix(file).unwrap_or(path);
            // `x/my-package.json` is none.
            let Some(folder) = folder.strip_suffix('/') else { continue };
            if !include.is_match(folder) || exclude.is_match(folder) {
                continue;
            }
            if let Some(manifest) = read_manifest(facts, path, format)? {
                found.push((folder.to_owned(), *file, manifest));
            }
        }
    }
    Ok(found)
}

/// `packages:` of pnpm-workspace.yaml (<https://pnpm.io/pnpm-workspace_yaml>); what cannot be read has none.
fn pnpm_members(text: &str) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Workspace {
        #[serde(default)]
        packages: Vec<String>,
    }
    crate::rules::yaml::read::<Workspace>(text)
        .map_or_else(|_| Vec::new(), |w| w.packages.into_iter().filter(|p| !p.starts_with('!')).collect())
}

fn folders(globs: &[String]) -> Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let plain = glob.trim_start_matches("./").trim_end_matches('/');
        let glob = GlobBuilder::new(plain)
            .literal_separator(true)
            .build()
            .map_err(|e| Error::usage(format!("a workspace member is no pattern of folders: {e}")))?;
        set.add(glob);
    }
    set.build().map_err(|e| Error::usage(format!("the workspace members cannot be read: {e}")))
}

/// Shapes in which workspaces tag their packages, the most usual first.
const SHAPES: [&str; 4] =
    ["{package}@{version}", "{package}-v{version}", "{package}/v{version}", "{package}-{version}"];

fn shape_in_use(names: &[&str], tags: &[&str]) -> Option<TagTemplate> {
    if names.is_empty() {
        return None;
    }
    let known: BTreeSet<&str> = names.iter().copied().collect();
    SHAPES.iter().filter_map(|shape| TagTemplate::new(shape).ok()).find(|template| {
        tags.iter().any(|tag| template.split(tag).is_some_and(|(name, _)| known.contains(name)))
    })
}

fn detected(facts: &Facts<'_>, tags: &[&str]) -> Result<Vec<Package>> {
    let members = members(facts)?;
    let names: Vec<&str> = members.iter().filter_map(|(_, _, m)| m.name.as_deref()).collect();
    let template = match &facts.config.version.tag {
        Some(template) if template.has_package() => Some(template.0.clone()),
        Some(_) => None,
        None => shape_in_use(&names, tags),
    };
    let Some(template) = template else {
        return Ok(Vec::new());
    };
    Ok(members
        .iter()
        .filter_map(|(folder, _, manifest)| {
            let name = manifest.name.clone()?;
            let pattern = template.pattern(&name);
            // A private package, such as the documentation's, is released only where it has been before.
            if !manifest.publish && !tags.iter().any(|tag| pattern.parse(tag).is_some()) {
                return None;
            }
            Some(Package {
                tags: pattern,
                path: folder.clone(),
                files: None,
                changelog: facts.config.changelog.file.as_ref().map(|f| joined(folder, f)),
                depends_on: runtime_dependencies(manifest),
                also: Vec::new(),
                one_of_many: true,
                name,
            })
        })
        .collect())
}

fn configured(facts: &Facts<'_>, tags: &[&str]) -> Result<Vec<Package>> {
    let Some(packages) = &facts.config.packages else {
        return Ok(Vec::new());
    };
    let names: Vec<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let fallback = match &facts.config.version.tag {
        Some(template) => template.0.clone(),
        None => match shape_in_use(&names, tags).map_or_else(|| TagTemplate::new(SHAPES[0]), Ok) {
            Ok(template) => template,
            Err(e) => return Err(Error::usage(e.to_string())),
        },
    };
    let mut found: Vec<Package> = Vec::new();
    for package in packages {
        let wrong = |what: &str| Err(Error::usage(what).at(format!("packages: {}", package.name)));
        if found.iter().any(|p| p.name == package.name) {
            return wrong("two packages have the same name");
        }
        let path = package.path.trim_start_matches("./").trim_matches('/');
        let path = if path == "." { "" } else { path };
        if !path.is_empty() {
            crate::world::files::locate(&facts.root, path)?;
        }
        if !path.is_empty()
            && !facts.tracked()?.iter().any(|p| p.strip_prefix(path).is_some_and(|r| r.starts_with('/')))
        {
            return wrong(&format!("git tracks no file in its folder `{path}`"));
        }
        let template = package.tag.as_ref().map_or(&fallback, |t| &t.0);
        if packages.len() > 1 && !template.has_package() && package.tag.is_none() {
            return Err(Error::usage("with several packages, the tag needs a place for the package")
                .at("version.tag")
                .hint("write `{package}@{version}`, or give each package a `tag` of its own"));
        }
        let mut depends_on = package.depends_on.clone();
        for (file, format) in &MANIFESTS {
            if let Some(manifest) = read_manifest(facts, &joined(path, file), format)? {
                depends_on.extend(runtime_dependencies(&manifest));
            }
        }
        if let Some(unknown) = package.depends_on.iter().find(|d| !names.contains(&d.as_str())) {
            return wrong(&format!("it depends on `{unknown}`, which is no package here"));
        }
        found.push(Package {
            name: package.name.clone(),
            path: path.to_owned(),
            tags: template.pattern(&package.name),
            files: package.files.clone(),
            changelog: package
                .changelog
                .as_ref()
                .or(facts.config.changelog.file.as_ref())
                .map(|f| joined(path, f)),
            depends_on,
            also: package.also.clone(),
            one_of_many: packages.len() > 1,
        });
    }
    Ok(found)
}

fn runtime_dependencies(manifest: &Manifest) -> Vec<String> {
    manifest
        .dependencies
        .iter()
        .filter(|d| !matches!(d.kind, DependencyKind::Dev | DependencyKind::Workspace))
        .map(|d| d.name.clone())
        .collect()
}
