//! The files that carry versions: which there are, and what they say after a release.

use std::collections::BTreeMap;

use semver::Version;

use crate::config::FileConfig;
use crate::data::CommitId;
use crate::effect::FileEdit;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding};
use crate::rules::files::{
    Context, Dependency, Ecosystem, FileError, FileErrorKind, Format, Located, Spot, locate,
    locate_requirements, manifest, replace_each, requirement, write,
};
use crate::survey::Package;
use crate::survey::packages::{MANIFESTS, joined, members};
use crate::world::files::locate as on_disk;

/// Where files are read: what is edited on disk, or what is committed.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// The work tree.
    WorkTree,
    /// A commit.
    Commit(CommitId),
}

impl Source {
    fn read(self, facts: &Facts<'_>, path: &str) -> Result<Option<String>> {
        match self {
            Source::WorkTree => facts.read(path),
            Source::Commit(id) => facts.read_at(id, path),
        }
    }
}

/// Changes of files that are gathered before any is written; later ones see what earlier ones would write.
pub struct Edits<'f, 'a> {
    facts: &'f Facts<'a>,
    source: Source,
    files: BTreeMap<String, FileEdit>,
    set: BTreeMap<(String, String), Version>,
    /// What was noticed on the way.
    pub findings: Vec<Finding>,
}

fn wrong(path: &str, error: &FileError) -> Error {
    let place = match (error.line, error.column) {
        (Some(line), Some(column)) => format!("{path}:{line}:{column}"),
        (Some(line), None) => format!("{path}:{line}"),
        _ => path.to_owned(),
    };
    let (message, detail) = error.message.split_once('\n').unwrap_or((&error.message, ""));
    Error::usage(message.trim_end_matches(':')).at(place).detail(detail).hint(error.hint.clone())
}

impl<'f, 'a> Edits<'f, 'a> {
    /// No changes yet.
    pub fn new(facts: &'f Facts<'a>, source: Source) -> Self {
        Edits { facts, source, files: BTreeMap::new(), set: BTreeMap::new(), findings: Vec::new() }
    }

    /// A file as it would be after the changes so far.
    pub fn read(&self, path: &str) -> Result<Option<String>> {
        match self.files.get(path) {
            Some(edit) => Ok(Some(edit.after.clone())),
            None => self.source.read(self.facts, path),
        }
    }

    /// Changes a file; the same content as before is no change.
    pub fn put(&mut self, path: &str, after: String, why: String) -> Result<()> {
        on_disk(&self.facts.root, path)?;
        if let Some(edit) = self.files.get_mut(path) {
            if edit.after == after {
                return Ok(());
            }
            if !edit.why.contains(&why) {
                edit.why = format!("{}, {why}", edit.why);
            }
            edit.after = after;
            return Ok(());
        }
        let before = self.source.read(self.facts, path)?;
        if before.as_deref() != Some(&after) {
            self.files.insert(path.to_owned(), FileEdit { path: path.to_owned(), before, after, why });
        }
        Ok(())
    }

    /// All changes, by path.
    pub fn into_files(self) -> Vec<FileEdit> {
        self.files.into_values().filter(|e| e.before.as_deref() != Some(&e.after)).collect()
    }

    /// Writes the version in one file. Says whether the file carries one.
    fn version(
        &mut self,
        path: &str,
        format: &Format,
        cx: &Context<'_>,
        version: &Version,
        must: bool,
    ) -> Result<bool> {
        let Some(text) = self.read(path)? else {
            return match must {
                true => Err(Error::usage("the version file is not there")
                    .at(path.to_owned())
                    .hint("commit it, or take it out of `files`")),
                false => Ok(false),
            };
        };
        let spots = match locate(format, &text, cx) {
            Ok(Located::Here(spots)) => spots,
            Ok(Located::Elsewhere(elsewhere)) => {
                let Some(file) = elsewhere.file else { return Ok(true) };
                let file = resolved(path, &file);
                let Some(format) = elsewhere.format.or_else(|| Format::detect(&file)) else {
                    return Ok(true);
                };
                let inherited = format == Format::CargoToml;
                let cx = Context { workspace: inherited, ..cx.clone() };
                // One hop is all that manifests make.
                return match file == path && !inherited {
                    true => Ok(true),
                    false => self.version(&file, &format, &cx, version, must),
                };
            }
            Err(e) if e.kind == FileErrorKind::Missing && !must => return Ok(false),
            Err(e) => return Err(wrong(path, &e)),
        };
        let placeholder =
            |spot: &Spot| spot.version().is_some_and(|v| (v.major, v.minor, v.patch) == (0, 0, 0));
        if !must && spots.iter().all(placeholder) {
            self.findings.push(
                Finding::new(
                    Answer::Note,
                    "version-files",
                    format!("`{}` is a placeholder and stays", spots[0].value),
                )
                .at(format!("{path}:{}", spots[0].line))
                .hint("name the file under `version.files` to have the version written there"),
            );
            return Ok(false);
        }
        for spot in &spots {
            let key = (path.to_owned(), spot.what.clone());
            if let Some(other) = self.set.insert(key, version.clone())
                && other != *version
            {
                return Err(Error::usage(format!(
                    "two packages share one place for their versions, {other} and {version}"
                ))
                .at(format!("{path}:{}", spot.line))
                .hint("put the packages under `linked`, or give each a version of its own"));
            }
        }
        let after = write(&text, &spots, version).map_err(|e| wrong(path, &e))?;
        let old = spots.first().map_or("", |s| s.value.as_str()).to_owned();
        self.put(path, after, format!("version {old} → {version}"))?;
        Ok(true)
    }
}

/// A path that a file names, from the top of the repository: `a/b.toml` naming `../c.py` means `c.py`.
fn resolved(from: &str, name: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A package, or a member of a workspace that is released with it.
struct Target {
    name: String,
    folder: String,
    version: Version,
}

/// A package that is released, and as what.
#[derive(Debug, Clone)]
pub struct Versioned<'p> {
    /// The package.
    pub package: &'p Package,
    /// The version that it gets.
    pub version: Version,
    /// The version of its last release.
    pub previous: Option<Version>,
}

/// Writes the versions of all packages that are released, in their manifests, in lockfiles, and where packages of the
/// repository require each other.
pub fn set_versions(edits: &mut Edits<'_, '_>, released: &[Versioned<'_>]) -> Result<usize> {
    let mut targets = Vec::new();
    let mut carrying = 0;
    for Versioned { package, version, previous } in released {
        targets.push(Target {
            name: package.name.clone(),
            folder: package.path.clone(),
            version: version.clone(),
        });
        if let Some(files) = &package.files {
            for file in files {
                carrying += usize::from(configured(edits, package, file, version)?);
            }
            continue;
        }
        carrying += detected(edits, &package.name, &package.path, version)?;
        if !package.one_of_many {
            carrying += members_of_one(edits, package, version, previous.as_ref(), &mut targets)?;
        }
    }
    locks(edits, &targets)?;
    requirements(edits, &targets)?;
    Ok(carrying)
}

/// Writes the version in the members of a workspace that is released as one: those that have the version of the
/// repository. The others keep theirs.
fn members_of_one(
    edits: &mut Edits<'_, '_>,
    package: &Package,
    version: &Version,
    previous: Option<&Version>,
    targets: &mut Vec<Target>,
) -> Result<usize> {
    let own = written_version(edits.facts, package)?.or_else(|| previous.cloned());
    let mut carrying = 0;
    let mut apart = Vec::new();
    for (folder, file, member) in members(edits.facts)? {
        let theirs = member.version.as_ref().and_then(Spot::version);
        let together = member.elsewhere || own.is_none() || theirs == own || theirs.as_ref() == Some(version);
        if let (Some(name), true) = (member.name, together) {
            carrying += detected(edits, &name, &folder, version)?;
            targets.push(Target { name, folder, version: version.clone() });
        } else if let Some(theirs) = theirs {
            apart.push(format!("{} ({theirs})", joined(&folder, file)));
        }
    }
    if let Some(first) = apart.first() {
        let text = match apart.len() {
            1 => format!("{first} keeps its own version"),
            n => format!("{n} members keep versions of their own, such as {first}"),
        };
        edits.findings.push(Finding::new(Answer::Note, "version-files", text));
    }
    Ok(carrying)
}

fn configured(
    edits: &mut Edits<'_, '_>,
    package: &Package,
    file: &FileConfig,
    version: &Version,
) -> Result<bool> {
    on_disk(&edits.facts.root, &file.path)?;
    let Some(format) = file.format.clone().or_else(|| Format::detect(&file.path)) else {
        return Err(Error::usage("how this file carries the version cannot be told from its name")
            .at(file.path.clone())
            .hint("add `format`, `regex`, `json`, `toml`, `yaml` or `xml` beside `path`"));
    };
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let below = package.path.strip_prefix(folder).unwrap_or(&package.path).trim_start_matches('/').to_owned();
    let cx = Context {
        package: Some(&package.name).filter(|n| !n.is_empty()).map(String::as_str),
        folder: Some(&below),
        assembly: file.assembly,
        ..Context::default()
    };
    // A lockfile may say nothing of a version, a version file must.
    edits.version(&file.path, &format, &cx, version, !is_lock(&format))
}

fn is_lock(format: &Format) -> bool {
    use Format::{CargoLock, NpmLock, PnpmLock, PoetryLock, UvLock, YarnLock};
    matches!(format, CargoLock | NpmLock | PnpmLock | PoetryLock | UvLock | YarnLock)
}

/// Writes the version in the known files of a folder; says how many carry one.
fn detected(edits: &mut Edits<'_, '_>, name: &str, folder: &str, version: &Version) -> Result<usize> {
    let mut carrying = 0;
    for (path, format) in known_files(edits.facts, folder)? {
        if is_lock(&format) {
            continue;
        }
        let cx = Context { package: Some(name), ..Context::default() };
        carrying += usize::from(edits.version(&path, &format, &cx, version, false)?);
        if format == Format::CargoToml {
            let cx = Context { workspace: true, ..Context::default() };
            carrying += usize::from(edits.version(&path, &format, &cx, version, false)?);
        }
    }
    Ok(carrying)
}

/// The tracked files of a folder whose names say that they may carry a version, and the places below it where Python and
/// Ruby keep it.
fn known_files(facts: &Facts<'_>, folder: &str) -> Result<Vec<(String, Format)>> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let tracked = facts.tracked()?;
    let from = tracked.partition_point(|p| p.as_str() < prefix.as_str());
    let inside = tracked[from..].iter().take_while(|p| p.starts_with(&prefix));
    let mut found = Vec::new();
    for path in inside {
        let rest = &path[prefix.len()..];
        let Some(format) = Format::detect(rest) else { continue };
        let depth = rest.matches('/').count();
        let below_source = rest.strip_prefix("src/").unwrap_or(rest).matches('/').count() == 1;
        let known = match format {
            Format::Python => below_source && !rest.starts_with("tests/"),
            Format::Ruby => rest.starts_with("lib/") && depth <= 3,
            _ => depth == 0,
        };
        if known {
            found.push((path.clone(), format));
        }
    }
    // A Python module counts only beside a Python project, and Ruby's version.rb only beside a gem.
    let has = |wanted: &[Format]| found.iter().any(|(_, f)| wanted.contains(f));
    let python = has(&[Format::Pyproject, Format::SetupPy, Format::SetupCfg]);
    let ruby = has(&[Format::Gemspec]);
    found.retain(|(_, f)| match f {
        Format::Python => python,
        Format::Ruby => ruby,
        _ => true,
    });
    Ok(found)
}

/// Writes the versions of packages in the lockfiles beside them and at the top.
fn locks(edits: &mut Edits<'_, '_>, targets: &[Target]) -> Result<()> {
    let mut folders: Vec<&str> = targets.iter().map(|t| t.folder.as_str()).collect();
    folders.push("");
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        for (path, format) in known_files(edits.facts, folder)?.into_iter().filter(|(_, f)| is_lock(f)) {
            for target in targets {
                let Some(below) = below(folder, &target.folder) else { continue };
                // A workspace's root without a name is in no lockfile but npm's.
                if target.name.is_empty() && format != Format::NpmLock {
                    continue;
                }
                let cx = Context {
                    package: Some(&target.name).filter(|n| !n.is_empty()).map(String::as_str),
                    folder: Some(below),
                    ..Context::default()
                };
                edits.version(&path, &format, &cx, &target.version, false)?;
            }
        }
    }
    Ok(())
}

/// The part of `folder` below `top`; none when it is not below.
fn below<'p>(top: &str, folder: &'p str) -> Option<&'p str> {
    if top.is_empty() {
        return Some(folder);
    }
    let rest = folder.strip_prefix(top)?;
    (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/'))
}

/// Raises what packages of the repository require of each other, where it does not admit the new version.
fn requirements(edits: &mut Edits<'_, '_>, targets: &[Target]) -> Result<()> {
    let facts = edits.facts;
    let mut manifests: Vec<(String, &str, &Format)> =
        MANIFESTS.iter().map(|(file, format)| (String::new(), *file, format)).collect();
    for (folder, file, _) in members(facts)? {
        if let Some((_, format)) = MANIFESTS.iter().find(|(name, _)| *name == file) {
            manifests.push((folder, file, format));
        }
    }
    for target in targets {
        manifests.extend(MANIFESTS.iter().map(|(file, format)| (target.folder.clone(), *file, format)));
    }
    manifests.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    manifests.dedup_by(|a, b| (&a.0, a.1) == (&b.0, b.1));
    for (folder, file, format) in manifests {
        let path = joined(&folder, file);
        let Some(text) = edits.read(&path)? else { continue };
        let Ok(found) = manifest(format, &text) else { continue };
        let ecosystem = match format {
            Format::PackageJson => Ecosystem::Npm,
            Format::CargoToml => Ecosystem::Cargo,
            _ => Ecosystem::Python,
        };
        let mut changes: Vec<(Spot, String, String)> = Vec::new();
        for Dependency { name, requirement: spot, .. } in found.dependencies {
            let (Some(target), Some(spot)) = (targets.iter().find(|t| t.name == name), spot) else {
                continue;
            };
            match requirement(&spot.value, &target.version, ecosystem) {
                Ok(None) => {}
                Ok(Some(new)) => changes.push((spot, name, new)),
                Err(e) => edits.findings.push(
                    Finding::new(Answer::Warning, "requirements", e.message)
                        .at(format!("{path}:{}", spot.line))
                        .hint(e.hint),
                ),
            }
        }
        if changes.is_empty() {
            continue;
        }
        let ranges: Vec<_> =
            changes.iter().map(|(spot, _, new)| (spot.range.clone(), new.as_str())).collect();
        let why: Vec<String> = changes.iter().map(|(_, name, new)| format!("{name} {new}")).collect();
        edits.put(&path, replace_each(&text, &ranges), format!("requires {}", why.join(", ")))?;
        for top in ["", folder.as_str()] {
            for (lock, format) in known_files(facts, top)?.into_iter().filter(|(_, f)| is_lock(f)) {
                let (Some(text), Some(below)) = (edits.read(&lock)?, below(top, &folder)) else { continue };
                let mut ranges: Vec<(Spot, &str)> = Vec::new();
                for (spot, name, new) in &changes {
                    let places = locate_requirements(&format, &text, below, name, &spot.value)
                        .map_err(|e| wrong(&lock, &e))?;
                    ranges.extend(places.into_iter().map(|p| (p, new.as_str())));
                }
                let ranges: Vec<_> = ranges.iter().map(|(p, new)| (p.range.clone(), *new)).collect();
                edits.put(&lock, replace_each(&text, &ranges), "requirements".to_owned())?;
            }
            if folder.is_empty() {
                break;
            }
        }
    }
    Ok(())
}

/// Whether a version says that it is not kept in this file: `0.0.0`, `0.0.0-development`.
pub fn is_placeholder(version: &Version) -> bool {
    (version.major, version.minor, version.patch) == (0, 0, 0)
}

/// The versions that a package's files state now, with their places.
pub fn written_versions(facts: &Facts<'_>, package: &Package) -> Result<Vec<(String, Version)>> {
    let mut found = Vec::new();
    let mut look = |path: &str, format: &Format, cx: &Context<'_>, must: bool| -> Result<()> {
        let Some(text) = facts.read(path)? else { return Ok(()) };
        match locate(format, &text, cx) {
            Ok(located) => {
                found.extend(
                    located.spots().iter().filter_map(|s| Some((format!("{path}:{}", s.line), s.version()?))),
                );
                Ok(())
            }
            Err(e) if !must && e.kind == FileErrorKind::Missing => Ok(()),
            Err(e) => Err(wrong(path, &e)),
        }
    };
    let cx = Context { package: Some(&package.name), ..Context::default() };
    match &package.files {
        Some(files) => {
            for file in files {
                if let Some(format) = file.format.clone().or_else(|| Format::detect(&file.path)) {
                    look(&file.path, &format, &cx, !is_lock(&format))?;
                }
            }
        }
        None => {
            for (path, format) in known_files(facts, &package.path)? {
                if is_lock(&format) && package.name.is_empty() && format != Format::NpmLock {
                    continue;
                }
                let cx =
                    if is_lock(&format) { Context { folder: Some(""), ..cx.clone() } } else { cx.clone() };
                look(&path, &format, &cx, false)?;
                if format == Format::CargoToml {
                    look(&path, &format, &Context { workspace: true, ..Context::default() }, false)?;
                }
            }
        }
    }
    Ok(found)
}

/// The version that a package's first version file states.
pub fn written_version(facts: &Facts<'_>, package: &Package) -> Result<Option<Version>> {
    Ok(written_versions(facts, package)?.into_iter().map(|(_, version)| version).next())
}
