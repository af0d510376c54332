//! npm's manifest and lockfile, and what pnpm's and Yarn's lockfiles repeat of manifests.

use super::cargo::{key_is, not_locked};
use super::error::FileError;
use super::generic::top_level;
use super::tree::{Id, Tree};
use super::{Context, Convention, FileErrorKind, Format, Located, Spot, shift, without_bom};

pub(super) fn package_json(text: &str) -> Result<Located, FileError> {
    let spot = top_level(
        &Tree::json(text, false)?,
        "npm never publishes a package without one; write the present version into it",
    )?;
    Ok(Located::Here(vec![spot]))
}

/// The places of one package's version in `package-lock.json`: of the root when no package is
/// named, or when the name is the root's.
pub(super) fn npm_lock(text: &str, cx: &Context<'_>) -> Result<Located, FileError> {
    let tree = Tree::json(text, false)?;
    let root = tree.root()?;
    let packages = tree.get(root, "packages")?;
    let name = tree.get(root, "name")?.and_then(|n| tree.str(n));
    let folder = match (cx.folder.map(tidy), cx.package) {
        (Some(folder), _) => folder.to_owned(),
        (None, Some(package)) if name != Some(package) => {
            // npm links every workspace into node_modules: the link knows the folder.
            let link = format!("node_modules/{package}");
            let resolved = match packages {
                Some(packages) => tree.dig(packages, &[&link, "resolved"])?,
                None => None,
            };
            match resolved.and_then(|id| tree.str(id)) {
                Some(folder) => tidy(folder).to_owned(),
                None => return Err(not_locked("the lockfile", package, UPDATE)),
            }
        }
        _ => String::new(),
    };
    let mut spots = Vec::new();
    if folder.is_empty()
        && let Some(id) = tree.get(root, "version")?
    {
        spots.push(tree.spot(id, "version", Convention::Semver)?);
    }
    if let Some(packages) = packages {
        let entry = tree.get(packages, &folder)?;
        if entry.is_none() && !folder.is_empty() {
            return Err(not_locked("the lockfile", &folder, UPDATE));
        }
        if let Some(entry) = entry
            && let Some(id) = tree.get(entry, "version")?
        {
            let what = format!("packages.\"{folder}\".version");
            spots.push(tree.spot(id, what, Convention::Semver)?);
        }
    }
    if spots.is_empty() {
        return Err(FileError::missing(
            "the lockfile holds no version of the package",
            format!("give its package.json a version, then run `{UPDATE}`"),
        ));
    }
    Ok(Located::Here(spots))
}

const UPDATE: &str = "npm install --package-lock-only";

/// A folder without `./` in front and `/` behind; the root is empty.
fn tidy(folder: &str) -> &str {
    let folder = folder.strip_prefix("./").unwrap_or(folder);
    let folder = folder.trim_end_matches('/');
    if folder == "." { "" } else { folder }
}

/// The sections of a manifest that lockfiles repeat.
pub(super) const SECTIONS: [&str; 4] =
    ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"];

/// The places where a lockfile repeats what one workspace package requires of another, with
/// the requirement as the manifest writes it (`^1.0.0`, `workspace:^1.0.0`). They must follow
/// when [`requirement`](super::requirement()) changes the manifest: npm writes them anew, and
/// `pnpm install --frozen-lockfile` and `yarn install --immutable` refuse a lockfile that
/// says otherwise. `folder` is the dependent's, from the lockfile's.
///
/// Edited are `packages."<folder>".<section>."<dependency>"` in npm's lockfile v2 and v3, with
/// the `requires` of the dependent's old entry in v2;
/// `importers."<folder>".<section>."<dependency>".specifier` in pnpm's, and in that of Yarn 2
/// and later the dependent's entry as well as the key of the dependency's entry, where the
/// range is written as a descriptor. Other formats repeat nothing; the answer is empty.
///
/// # Errors
/// As those of [`locate`](super::locate).
pub fn locate_requirements(
    format: &Format,
    text: &str,
    folder: &str,
    dependency: &str,
    requirement: &str,
) -> Result<Vec<Spot>, FileError> {
    let folder = tidy(folder);
    let run = |text: &str| match format {
        Format::NpmLock => npm_requirements(text, folder, dependency, requirement),
        Format::PnpmLock => pnpm_requirements(text, folder, dependency, requirement),
        Format::YarnLock if text.contains("\n__metadata:") => {
            yarn_requirements(text, folder, dependency, requirement)
        }
        _ => Ok(Vec::new()),
    };
    let mut spots = without_bom(text, run, |mut spots, by| {
        shift(&mut spots, by);
        spots
    })?;
    spots.sort_by_key(|s| s.range.start);
    Ok(spots)
}

fn npm_requirements(
    text: &str,
    folder: &str,
    dependency: &str,
    requirement: &str,
) -> Result<Vec<Spot>, FileError> {
    let tree = Tree::json(text, false)?;
    let root = tree.root()?;
    let mut found = Vec::new();
    if let Some(entry) = tree.dig(root, &["packages", folder])? {
        for section in SECTIONS {
            let what = format!("packages.\"{folder}\".{section}.\"{dependency}\"");
            found.push((tree.dig(entry, &[section, dependency])?, what));
        }
    }
    // Lockfile v2 says it again for npm 6.
    if let Some(old) = tree.get(root, "dependencies")? {
        let place = format!("file:{folder}");
        for entry in tree.entries(old) {
            if key_is(&tree, entry.value, "version", &place)? {
                let what = format!("dependencies.\"{}\".requires.\"{dependency}\"", entry.key);
                found.push((tree.dig(entry.value, &["requires", dependency])?, what));
            }
        }
    }
    let mut spots = Vec::new();
    for (id, what) in found {
        if let Some(id) = id.filter(|id| tree.str(*id) == Some(requirement)) {
            spots.push(tree.raw_spot(id, what)?);
        }
    }
    Ok(spots)
}

fn pnpm_requirements(
    text: &str,
    folder: &str,
    dependency: &str,
    requirement: &str,
) -> Result<Vec<Spot>, FileError> {
    let tree = Tree::yaml(text)?;
    let folder = if folder.is_empty() { "." } else { folder };
    let mut spots = Vec::new();
    for root in tree.roots() {
        let Some(importer) = tree.dig(*root, &["importers", folder])? else {
            continue;
        };
        for section in SECTIONS {
            // Lockfiles before v6 keep the specifiers in a section of their own.
            for path in [[section, dependency, "specifier"], ["specifiers", dependency, ""]] {
                let keys: &[&str] = if path[2].is_empty() { &path[..2] } else { &path };
                if let Some(id) = tree.dig(importer, keys)?
                    && tree.str(id) == Some(requirement)
                {
                    let what = format!("importers.\"{folder}\".{}", keys.join("."));
                    spots.push(tree.raw_spot(id, what)?);
                }
            }
        }
    }
    spots.sort_by_key(|s| s.range.start);
    spots.dedup_by(|a, b| a.range == b.range);
    Ok(spots)
}

fn yarn_requirements(
    text: &str,
    folder: &str,
    dependency: &str,
    requirement: &str,
) -> Result<Vec<Spot>, FileError> {
    let tree = Tree::yaml(text)?;
    let root = tree.root()?;
    let place = format!("@workspace:{}", if folder.is_empty() { "." } else { folder });
    // Yarn writes a bare range with its default protocol.
    let written = [requirement.to_owned(), format!("npm:{requirement}")];
    let mut spots = Vec::new();
    for entry in tree.entries(root) {
        let resolution = tree.get(entry.value, "resolution")?.and_then(|r| tree.str(r));
        if !resolution.is_some_and(|r| r.contains("@workspace:")) {
            continue;
        }
        if resolution.is_some_and(|r| r.ends_with(&place)) {
            for section in SECTIONS {
                if let Some(id) = tree.dig(entry.value, &[section, dependency])?
                    && let Some(value) = tree.str(id)
                    && written.iter().any(|w| w == value)
                {
                    let skip = value.len() - requirement.len();
                    let mut spot = tree.raw_spot(id, format!("{section}.\"{dependency}\""))?;
                    spot.range.start += skip;
                    spot.value.drain(..skip);
                    spots.push(spot);
                }
            }
        }
        descriptors(text, entry.at, &entry.key, dependency, requirement, &mut spots)?;
    }
    Ok(spots)
}

/// The ranges of one dependency in an entry's key, `"a@npm:^1.0.0, a@workspace:packages/a"`.
fn descriptors(
    text: &str,
    at: usize,
    key: &str,
    dependency: &str,
    requirement: &str,
    spots: &mut Vec<Spot>,
) -> Result<(), FileError> {
    let mut offset = 0;
    for descriptor in key.split(", ") {
        let range = descriptor
            .strip_prefix(dependency)
            .and_then(|d| d.strip_prefix('@'))
            .map(|d| d.strip_prefix("npm:").unwrap_or(d));
        if range == Some(requirement) {
            let quote = usize::from(text[at..].starts_with(['"', '\'']));
            let start = at + quote + offset + descriptor.len() - requirement.len();
            let range = start..start + requirement.len();
            if text.get(range.clone()) != Some(requirement) {
                return Err(FileError::new(
                    FileErrorKind::Unsupported,
                    format!("the key of `{dependency}` is written with escapes"),
                    "let yarn write the lockfile again",
                )
                .at(text, at));
            }
            spots.push(Spot::raw(text, range, format!("the key of `{dependency}`")));
        }
        offset += descriptor.len() + 2;
    }
    Ok(())
}

/// The id of every entry in the dependency sections, for [`manifest`](super::manifest()).
pub(super) fn sections(tree: &Tree<'_>, root: Id) -> Result<Vec<(&'static str, String, Id)>, FileError> {
    let mut all = Vec::new();
    for section in SECTIONS {
        if let Some(map) = tree.get(root, section)? {
            for entry in tree.entries(map) {
                all.push((section, entry.key.clone(), entry.value));
            }
        }
    }
    Ok(all)
}
