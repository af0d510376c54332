//! How versions are found and written: `version:` of the configuration.

use std::collections::BTreeMap;
use std::fmt;

use semver::Version;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::rules::bump::RuleSet;
use crate::rules::files::Format;
use crate::rules::tag::TagTemplate;
use crate::rules::version::Zero;

/// How versions are found and written.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct VersionConfig {
    /// How a release tag looks: `v{version}`, `{version}`, `{package}@{version}`, … Detected from the tags that exist.
    pub tag: Option<TagShape>,
    /// Which commits raise the version, and how far: `{build: patch, "docs(readme.md)": patch, refactor: none}`.
    /// These add to the defaults: feat → minor; fix, perf, revert → patch; breaking → major.
    pub rules: RuleSet,
    /// What raises what while the major version is 0.
    pub zero: Zero,
    /// The version of the first release. Default: what the version file says, otherwise 0.1.0.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub initial: Option<Version>,
    /// Pre-release channels by branch: `{next: next, "release/*": rc}`. A release on such a branch is a pre-release.
    pub channels: BTreeMap<String, String>,
    /// Build metadata for the version: `build.{{ commit }}`; ignored in precedence. A minijinja text with `commit`,
    /// `date`.
    pub build: Option<String>,
    /// The files that carry the version. Without it, the known files at the top of the package are found.
    pub files: Option<Vec<FileConfig>>,
}

/// How a release tag looks: a text with `{version}` and perhaps `{package}` before it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct TagShape(pub TagTemplate);

impl std::ops::Deref for TagShape {
    type Target = TagTemplate;

    fn deref(&self) -> &TagTemplate {
        &self.0
    }
}

impl TryFrom<String> for TagShape {
    type Error = crate::rules::tag::BadTemplate;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        TagTemplate::new(&text).map(TagShape)
    }
}

/// A file that carries the version: a path, or a path and where in the file to look.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(with = "FileSchema"))]
pub struct FileConfig {
    /// The path from the top of the repository.
    pub path: String,
    /// The format, where the name does not tell it.
    pub format: Option<Format>,
    /// Also write .NET's `AssemblyVersion` and `FileVersion`.
    pub assembly: bool,
}

/// The two ways to write a file in the configuration.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum FileSchema {
    /// A path; the format is known by the name.
    Path(String),
    /// A path with more.
    Long(LongFile),
}

/// A file and where in it the version stands.
#[derive(Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
struct LongFile {
    /// The path from the top of the repository.
    path: String,
    /// The format, where the name does not tell it.
    format: Option<Format>,
    /// A regular expression whose group `version`, or first group, is the version.
    regex: Option<String>,
    /// The path of the version in a JSON file: `a.b[0].version`.
    json: Option<String>,
    /// The path of the version in a TOML file.
    toml: Option<String>,
    /// The path of the version in a YAML file.
    yaml: Option<String>,
    /// The path of the version in an XML file: `project/properties/revision`.
    xml: Option<String>,
    /// Also write .NET's `AssemblyVersion` and `FileVersion`.
    assembly: bool,
}

impl<'de> Deserialize<'de> for FileConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathOrMap;
        impl<'de> Visitor<'de> for PathOrMap {
            type Value = FileConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path, or a map with `path` and one of `format`, `regex`, `json`, `toml`, `yaml`, `xml`")
            }

            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<FileConfig, E> {
                Ok(FileConfig { path: path.to_owned(), ..FileConfig::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FileConfig, A::Error> {
                let long = LongFile::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let places = [
                    long.format,
                    long.regex.map(Format::Regex),
                    long.json.map(Format::Json),
                    long.toml.map(Format::Toml),
                    long.yaml.map(Format::Yaml),
                    long.xml.map(Format::Xml),
                ];
                let mut places = places.into_iter().flatten();
                let format = places.next();
                if places.next().is_some() {
                    return Err(serde::de::Error::custom(
                        "only one of `format`, `regex`, `json`, `toml`, `yaml`, `xml` may say where the version stands",
                    ));
                }
                if long.path.is_empty() {
                    return Err(serde::de::Error::missing_field("path"));
                }
                Ok(FileConfig { path: long.path, format, assembly: long.assembly })
            }
        }
        deserializer.deserialize_any(PathOrMap)
    }
}
