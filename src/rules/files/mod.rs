//! Version files: where a file states the version, and the text with another version in it.
//!
//! **A format is a locator.** It reads the text and returns [`Spot`]s, the byte ranges of
//! version values. The edit replaces exactly those bytes; so formatting, comments, key order,
//! line ends, a byte order mark and the final newline stay as they are, by construction.
//!
//! | [`Format`] | edited | after |
//! | --- | --- | --- |
//! | `package-json` | `version` | <https://docs.npmjs.com/cli/configuring-npm/package-json#version> |
//! | `npm-lock` | `version` and `packages."".version`, or a workspace's `packages."packages/a".version`; v1, v2, v3 | <https://docs.npmjs.com/cli/configuring-npm/package-lock-json> |
//! | `pnpm-lock`, `yarn-lock` | no version: pnpm records importers without one, Yarn 1 has no entries for workspaces, Yarn 2+ writes `0.0.0-use.local`; but requirements among workspaces, see [`locate_requirements`] | <https://github.com/pnpm/spec/blob/master/lockfile/9.0.md>, <https://yarnpkg.com/features/workspaces> |
//! | `cargo-toml` | `package.version`, or `workspace.package.version` for what inherits it | <https://doc.rust-lang.org/cargo/reference/workspaces.html#the-package-table> |
//! | `cargo-lock` | `version` of the `[[package]]` of that name without `source`, and `"name version"` where dependencies spell it out | <https://doc.rust-lang.org/cargo/reference/resolver.html>, `cargo/core/resolver/encode.rs` |
//! | `pyproject` | `project.version` and `tool.poetry.version`; `dynamic` leads to where it comes from | <https://packaging.python.org/en/latest/specifications/pyproject-toml/> |
//! | `uv-lock` | `version` of the package of that name whose `source` is `editable`, `virtual` or `directory` | <https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile> |
//! | `poetry-lock` | the same for `source.type = "directory"`; the root is not in it | <https://python-poetry.org/docs/basic-usage/> |
//! | `setup-py` | `version="…"` of the `setup(` call, or the name it refers to | <https://setuptools.pypa.io/en/latest/references/keywords.html> |
//! | `setup-cfg` | `version` of `[metadata]`; `attr:` and `file:` lead to where it comes from | <https://setuptools.pypa.io/en/latest/userguide/declarative_config.html> |
//! | `python` | `__version__ = "…"` at module level; `metadata.version(…)` leads elsewhere | <https://peps.python.org/pep-0396/> |
//! | `pom-xml` | `/project/version`, else `/project/parent/version`; `${name}` leads to `/project/properties/name` | <https://maven.apache.org/pom.html>, <https://maven.apache.org/maven-ci-friendly.html> |
//! | `gradle-properties` | `version` | <https://docs.gradle.org/current/userguide/build_environment.html> |
//! | `gradle` | `version = '…'`, `version '…'` of the project, `allprojects` or `subprojects`; Groovy and Kotlin | <https://docs.gradle.org/current/dsl/org.gradle.api.Project.html> |
//! | `chart` | `version` and `appVersion`, which must agree | <https://helm.sh/docs/topics/charts/#the-chartyaml-file> |
//! | `msbuild` | `Version` and `PackageVersion`, else `VersionPrefix`; `AssemblyVersion` and `FileVersion` if asked | <https://learn.microsoft.com/dotnet/core/project-sdk/msbuild-props#package-properties> |
//! | `composer` | `version` | <https://getcomposer.org/doc/04-schema.md#version> |
//! | `mix` | `version: "…"` of `project`, or the `@attribute` it refers to | <https://hexdocs.pm/mix/Mix.Project.html> |
//! | `pubspec` | `version` | <https://dart.dev/tools/pub/pubspec#version> |
//! | `gemspec`, `ruby` | `spec.version = "…"`; `VERSION = "…"` | <https://guides.rubygems.org/specification-reference/#version> |
//! | `text` | the whole file, white space aside | |
//! | `json`, `toml`, `yaml`, `xml` | what a path leads to, in the syntax below | as release-please's extra files: <https://github.com/googleapis/release-please/blob/main/docs/customizing.md#updating-arbitrary-files> |
//! | `regex` | the group `version`, else the first group, of the only match | |
//!
//! A path is dotted keys, quoted where needed, with `[n]` for places in lists from 0:
//! `a.b[0]."c.d"`, `packages["packages/a"].version`, optionally after JSONPath's `$.`. In XML a
//! key is a child element's local name, beginning with the root; `@name` is an attribute, and
//! `/` may stand for `.`.
//!
//! A leading `v` is never part of a spot, so it stays. What a place may hold, and how it is
//! written there, is a [`Convention`].

mod cargo;
mod code;
mod convention;
mod error;
mod generic;
mod jvm;
mod manifest;
mod npm;
mod path;
mod python;
mod requirement;
mod script;
mod tree;
mod xml;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::ops::Range;

use semver::Version;
use serde::{Deserialize, Serialize};

pub use convention::{Convention, read, render};
pub use error::{FileError, FileErrorKind};
pub use manifest::{Dependency, DependencyKind, Manifest, manifest};
pub use npm::locate_requirements;
pub use requirement::{Ecosystem, requirement};

/// A place in a text that holds a version (or, from [`manifest`], a requirement).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Its bytes, without quotes and without a leading `v`.
    pub range: Range<usize>,
    /// What is written there.
    pub value: String,
    /// What it is in the file's own terms, such as `packages."".version`.
    pub what: String,
    /// Its line, from 1.
    pub line: usize,
    /// How a version is written there.
    pub convention: Convention,
}

impl Spot {
    /// A version's place; a leading `v` before a digit is left out of it.
    fn new(text: &str, range: Range<usize>, what: String, convention: Convention) -> Self {
        let mut spot = Self::raw(text, range, what);
        let mut chars = spot.value.chars();
        if matches!(chars.next(), Some('v' | 'V')) && chars.next().is_some_and(|c| c.is_ascii_digit()) {
            spot.range.start += 1;
            spot.value.remove(0);
        }
        spot.convention = convention;
        spot
    }

    /// Any text's place.
    fn raw(text: &str, range: Range<usize>, what: String) -> Self {
        Self {
            value: text[range.clone()].to_owned(),
            line: error::position(text, range.start).0,
            range,
            what,
            convention: Convention::Semver,
        }
    }

    /// The version written there; `None` for requirements.
    pub fn version(&self) -> Option<Version> {
        read(&self.value, self.convention)
    }
}

/// A kind of version file. [`Format::detect`] finds it by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// npm's `package.json`.
    PackageJson,
    /// `package-lock.json` and `npm-shrinkwrap.json`.
    NpmLock,
    /// `pnpm-lock.yaml`.
    PnpmLock,
    /// `yarn.lock` of Yarn 1 and of Yarn 2 and later.
    YarnLock,
    /// `Cargo.toml`.
    CargoToml,
    /// `Cargo.lock`.
    CargoLock,
    /// `pyproject.toml`.
    Pyproject,
    /// `uv.lock`.
    UvLock,
    /// `poetry.lock`.
    PoetryLock,
    /// `setup.py`.
    SetupPy,
    /// `setup.cfg`.
    SetupCfg,
    /// A Python module with `__version__`.
    Python,
    /// Maven's `pom.xml`.
    PomXml,
    /// `gradle.properties`.
    GradleProperties,
    /// `build.gradle` and `build.gradle.kts`.
    Gradle,
    /// Helm's `Chart.yaml`.
    Chart,
    /// `.csproj`, `.fsproj`, `.vbproj`, `Directory.Build.props`.
    Msbuild,
    /// `composer.json`.
    Composer,
    /// Elixir's `mix.exs`.
    Mix,
    /// Dart's `pubspec.yaml`.
    Pubspec,
    /// A `.gemspec`.
    Gemspec,
    /// Ruby's `version.rb`.
    Ruby,
    /// A file that holds the version alone, such as `VERSION`.
    Text,
    /// What a path leads to in a JSON file; comments and trailing commas pass.
    Json(String),
    /// What a path leads to in a TOML file.
    Toml(String),
    /// What a path leads to in a YAML file.
    Yaml(String),
    /// What a path leads to in an XML file.
    Xml(String),
    /// What the group `version`, else the first group, of a regular expression matches
    /// (<https://docs.rs/regex/latest/regex/#syntax>; `^` and `$` match at lines).
    Regex(String),
}

impl Format {
    /// The format that a file's name says, `None` for names that say none. `/` and `\` both
    /// separate folders. Python modules are not detected by name, but for `__init__.py`,
    /// `__about__.py`, `__version__.py`, `_version.py` and `version.py`.
    pub fn detect(path: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        Some(match name {
            "package.json" => Self::PackageJson,
            "package-lock.json" | "npm-shrinkwrap.json" => Self::NpmLock,
            "pnpm-lock.yaml" => Self::PnpmLock,
            "yarn.lock" => Self::YarnLock,
            "Cargo.toml" => Self::CargoToml,
            "Cargo.lock" => Self::CargoLock,
            "pyproject.toml" => Self::Pyproject,
            "uv.lock" => Self::UvLock,
            "poetry.lock" => Self::PoetryLock,
            "setup.py" => Self::SetupPy,
            "setup.cfg" => Self::SetupCfg,
            "__init__.py" | "__about__.py" | "__version__.py" | "_version.py" | "version.py" => Self::Python,
            "pom.xml" => Self::PomXml,
            "gradle.properties" => Self::GradleProperties,
            "build.gradle" | "build.gradle.kts" => Self::Gradle,
            "Chart.yaml" => Self::Chart,
            "Directory.Build.props" => Self::Msbuild,
            "composer.json" => Self::Composer,
            "mix.exs" => Self::Mix,
            "pubspec.yaml" => Self::Pubspec,
            "version.rb" => Self::Ruby,
            "VERSION" | "VERSION.txt" | "version.txt" => Self::Text,
            _ => match name.rsplit_once('.')?.1 {
                "csproj" | "fsproj" | "vbproj" => Self::Msbuild,
                "gemspec" => Self::Gemspec,
                _ => return None,
            },
        })
    }
}

/// What the caller knows that the file does not say.
#[derive(Debug, Clone, Default)]
pub struct Context<'a> {
    /// The package whose version is meant, by the name in its manifest. Lockfiles need it,
    /// but for npm's root; manifests ignore it.
    pub package: Option<&'a str>,
    /// That package's folder from the lockfile's folder, with `/`; empty for the same folder.
    pub folder: Option<&'a str>,
    /// In `Cargo.toml`: the version that members inherit, not the package's own.
    pub workspace: bool,
    /// In MSBuild files: `AssemblyVersion` and `FileVersion` too.
    pub assembly: bool,
    /// For paths, regular expressions and plain text files: how the place writes versions,
    /// if not as SemVer does.
    pub convention: Option<Convention>,
}

/// Where a file's version is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// Here, in these places, in the order of the text; never empty, and all agree.
    Here(Vec<Spot>),
    /// Not in this file, by its own account: this file needs no edit.
    Elsewhere(Elsewhere),
}

/// Why a file needs no edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The file's reason, such as `version.workspace = true`.
    pub why: String,
    /// The file that states the version, from this one's folder, where this one names it.
    pub file: Option<String>,
    /// How to read that file, where this is known.
    pub format: Option<Format>,
}

impl Elsewhere {
    fn because(why: impl Into<String>) -> Located {
        Located::Elsewhere(Self { why: why.into(), file: None, format: None })
    }

    fn file(why: impl Into<String>, file: impl Into<String>, format: Option<Format>) -> Located {
        Located::Elsewhere(Self { why: why.into(), file: Some(file.into()), format })
    }
}

impl Located {
    /// The spots; none when the version is elsewhere.
    pub fn spots(&self) -> &[Spot] {
        match self {
            Self::Here(spots) => spots,
            Self::Elsewhere(_) => &[],
        }
    }
}

/// The byte order mark, which stays in front of every edit.
const BOM: &str = "\u{feff}";

/// Runs a reader on the text after its byte order mark.
fn without_bom<T>(
    text: &str,
    run: impl FnOnce(&str) -> Result<T, FileError>,
    shift: impl FnOnce(T, usize) -> T,
) -> Result<T, FileError> {
    match text.strip_prefix(BOM) {
        Some(rest) => run(rest).map(|found| shift(found, BOM.len())),
        None => run(text),
    }
}

/// Moves spots by the length of a byte order mark.
fn shift(spots: &mut [Spot], by: usize) {
    for spot in spots {
        spot.range.start += by;
        spot.range.end += by;
    }
}

/// Finds the places of `text` that state the version.
///
/// # Errors
/// The text is not well-formed; names no version; names it in more than one place that could be
/// meant; holds different versions in places that must agree; or holds no version by the
/// [`Convention`] of the place.
pub fn locate(format: &Format, text: &str, cx: &Context<'_>) -> Result<Located, FileError> {
    let shifted = |mut found: Located, by| {
        if let Located::Here(spots) = &mut found {
            shift(spots, by);
        }
        found
    };
    without_bom(text, |text| dispatch(format, text, cx), shifted)
}

fn dispatch(format: &Format, text: &str, cx: &Context<'_>) -> Result<Located, FileError> {
    let found = match format {
        Format::PackageJson => npm::package_json(text),
        Format::NpmLock => npm::npm_lock(text, cx),
        Format::PnpmLock => {
            Ok(Elsewhere::because("pnpm-lock.yaml records no versions of workspace packages"))
        }
        Format::YarnLock => Ok(Elsewhere::because("yarn.lock records no versions of workspace packages")),
        Format::CargoToml => cargo::manifest(text, cx),
        Format::CargoLock => cargo::lock(text, cx),
        Format::Pyproject => python::pyproject(text),
        Format::UvLock => python::uv_lock(text, cx),
        Format::PoetryLock => python::poetry_lock(text, cx),
        Format::SetupPy => python::setup_py(text),
        Format::SetupCfg => python::setup_cfg(text),
        Format::Python => python::module(text),
        Format::PomXml => jvm::pom(text),
        Format::GradleProperties => jvm::gradle_properties(text),
        Format::Gradle => jvm::gradle(text),
        Format::Chart => generic::chart(text),
        Format::Msbuild => xml::msbuild(text, cx),
        Format::Composer => generic::composer(text),
        Format::Mix => script::mix(text),
        Format::Pubspec => generic::pubspec(text),
        Format::Gemspec => script::gemspec(text),
        Format::Ruby => script::ruby(text),
        Format::Text => generic::text(text, cx),
        Format::Json(path) => generic::tree(tree::Tree::json(text, true)?, path, cx),
        Format::Toml(path) => generic::tree(tree::Tree::toml(text)?, path, cx),
        Format::Yaml(path) => generic::tree(tree::Tree::yaml(text)?, path, cx),
        Format::Xml(path) => xml::at_path(text, path, cx),
        Format::Regex(pattern) => generic::regex(text, pattern, cx),
    }?;
    match found {
        Located::Here(mut spots) => {
            spots.sort_by_key(|s| s.range.start);
            spots.dedup_by(|a, b| a.range == b.range);
            check(text, &spots)?;
            Ok(Located::Here(spots))
        }
        elsewhere => Ok(elsewhere),
    }
}

/// Every spot holds a version, and all hold the same.
fn check(text: &str, spots: &[Spot]) -> Result<(), FileError> {
    let mut first: Option<(&Spot, Version)> = None;
    for spot in spots {
        let Some(version) = spot.version() else {
            return Err(FileError::new(
                FileErrorKind::NotAVersion,
                format!("`{}` is `{}`, which is no version", spot.what, shorten(&spot.value)),
                match spot.convention {
                    Convention::Semver => "write the present version there as SemVer, such as 1.2.3",
                    _ => "write the present version there with three numbers, such as 1.2.3",
                },
            )
            .at(text, spot.range.start));
        };
        match &first {
            None => first = Some((spot, version)),
            Some((other, expected)) => {
                let core = [spot.convention, other.convention]
                    .iter()
                    .any(|c| matches!(c, Convention::Assembly | Convention::Prefix));
                let same = if core {
                    (version.major, version.minor, version.patch)
                        == (expected.major, expected.minor, expected.patch)
                } else {
                    version == *expected
                };
                if !same {
                    return Err(FileError::new(
                        FileErrorKind::Disagreement,
                        format!(
                            "`{}` is {} (line {}), but `{}` is {} (line {})",
                            other.what, other.value, other.line, spot.what, spot.value, spot.line
                        ),
                        "make them agree, or name by a path the one that is meant",
                    )
                    .at(text, spot.range.start));
                }
            }
        }
    }
    if spots.is_empty() {
        return Err(FileError::missing("the file names no version", "write the present version into it"));
    }
    Ok(())
}

/// Foreign text in a message: one line, of bounded length.
fn shorten(value: &str) -> String {
    let mut short: String = value.chars().take(40).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    short.escape_debug().to_string()
}

/// The text with `new` in every spot. Spots that are the same place count once; a spot that
/// does not fit the text, or overlaps another, is left as it is.
pub fn replace(text: &str, spots: &[Spot], new: &str) -> String {
    let edits: Vec<_> = spots.iter().map(|s| (s.range.clone(), new)).collect();
    replace_each(text, &edits)
}

/// Like [`replace`], with a text of its own for every place: versions of several packages in
/// one lockfile, or a version and its requirements.
pub fn replace_each(text: &str, edits: &[(Range<usize>, &str)]) -> String {
    let mut edits: Vec<_> = edits.iter().collect();
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::with_capacity(text.len() + 16);
    let mut at = 0;
    for (range, new) in edits {
        let fits = range.start >= at
            && range.start < range.end
            && text.is_char_boundary(range.start)
            && text.is_char_boundary(range.end);
        if let (true, Some(before)) = (fits, text.get(at..range.start)) {
            out.push_str(before);
            out.push_str(new);
            at = range.end;
        }
    }
    out.push_str(&text[at..]);
    out
}

/// The text with a version in every spot, each written by its [`Convention`].
///
/// # Errors
/// A convention cannot say the version, such as `-next.1` in PEP 440.
pub fn write(text: &str, spots: &[Spot], version: &Version) -> Result<String, FileError> {
    let mut values = Vec::with_capacity(spots.len());
    for spot in spots {
        values.push(render(version, spot.convention).map_err(|e| FileError { line: Some(spot.line), ..e })?);
    }
    let edits: Vec<_> =
        spots.iter().zip(&values).map(|(spot, value)| (spot.range.clone(), value.as_str())).collect();
    Ok(replace_each(text, &edits))
}
