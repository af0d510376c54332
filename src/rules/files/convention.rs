//! How each world writes a version.
//!
//! | convention | `1.2.0` | `1.2.0-rc.1` | after |
//! | --- | --- | --- | --- |
//! | SemVer | `1.2.0` | `1.2.0-rc.1` | <https://semver.org/spec/v2.0.0.html> |
//! | PEP 440 | `1.2.0` | `1.2.0rc1` | <https://peps.python.org/pep-0440/> |
//! | Maven | `1.2.0` | `1.2.0-rc.1`, `1.2.0-SNAPSHOT` | <https://maven.apache.org/pom.html#version-order-specification> |
//! | NuGet | `1.2.0` | `1.2.0-rc.1` | <https://learn.microsoft.com/nuget/concepts/package-versioning> |
//! | assembly | `1.2.0.0` | `1.2.0.0` | <https://learn.microsoft.com/dotnet/standard/assembly/versioning> |
//! | prefix | `1.2.0` | refused | `VersionPrefix`, <https://learn.microsoft.com/nuget/reference/msbuild-targets> |
//! | gem | `1.2.0` | `1.2.0.rc.1` | <https://guides.rubygems.org/patterns/#prerelease-gems> |

use semver::{BuildMetadata, Prerelease, Version};
use serde::{Deserialize, Serialize};

use super::error::FileError;

/// How a place writes a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Convention {
    /// As SemVer 2.0.0 does.
    #[default]
    Semver,
    /// As PEP 440 does.
    Pep440,
    /// As Maven and Gradle do: SemVer's text, read leniently (`1.0-SNAPSHOT`).
    Maven,
    /// As NuGet does: SemVer's text, read leniently (`1.0`).
    Nuget,
    /// Four numbers, the last one 0: `AssemblyVersion`, `FileVersion`.
    Assembly,
    /// Three numbers and no pre-release: `VersionPrefix`.
    Prefix,
    /// As RubyGems does.
    Gem,
}

/// Reads what a place holds; `None` when it is no version by the convention.
///
/// The lenient conventions read a missing minor or patch number as 0, as their own
/// orderings do. What SemVer cannot express (a fourth number, epochs, post-releases)
/// is not read.
pub fn read(value: &str, convention: Convention) -> Option<Version> {
    match convention {
        Convention::Semver => Version::parse(value).ok(),
        Convention::Maven | Convention::Nuget => {
            let end = value.find(['-', '+']).unwrap_or(value.len());
            let mut version = core(&value[..end], 3)?;
            let (pre, build) = match value[end..].split_once('+') {
                Some((pre, build)) => (pre, BuildMetadata::new(build).ok()?),
                None => (&value[end..], BuildMetadata::EMPTY),
            };
            version.build = build;
            match pre.strip_prefix('-') {
                // `1.0-` is a slip, not a release.
                Some("") => return None,
                Some(pre) => version.pre = Prerelease::new(pre).ok()?,
                None => {}
            }
            Some(version)
        }
        Convention::Assembly => core(value, 4),
        Convention::Prefix => core(value, 3),
        Convention::Pep440 => read_pep440(value),
        Convention::Gem => {
            let end = value.find(|c: char| c.is_ascii_alphabetic());
            let (numbers, pre) = match end {
                Some(at) => (value[..at].strip_suffix(['.', '-'])?, &value[at..]),
                None => (value, ""),
            };
            let mut version = core(numbers, 3)?;
            version.pre = Prerelease::new(pre).ok()?;
            Some(version)
        }
    }
}

/// Writes a version by the convention; refuses what the convention cannot say.
pub fn render(version: &Version, convention: Convention) -> Result<String, FileError> {
    let plain = format!("{}.{}.{}", version.major, version.minor, version.patch);
    let refuse = |world: &str, why: &str, hint: &str| {
        Err(FileError::unsupported(format!("{version} cannot be written as a {world} version: {why}"), hint))
    };
    match convention {
        Convention::Semver | Convention::Maven | Convention::Nuget => Ok(version.to_string()),
        Convention::Assembly => Ok(format!("{plain}.0")),
        Convention::Prefix if version.pre.is_empty() => Ok(plain),
        Convention::Prefix => {
            refuse("VersionPrefix", "it takes no pre-release", "state the version in <Version>")
        }
        Convention::Pep440 => {
            let Some(pre) = pep440_pre(&version.pre) else {
                return refuse(
                    "Python",
                    &format!("PEP 440 has no pre-release like `{}`", version.pre),
                    "use the channels alpha, beta, rc or dev with a number, such as rc.1",
                );
            };
            let local = version.build.replace('-', ".").to_ascii_lowercase();
            // PEP 440 allows no empty part, and SemVer allows `a--b`.
            if local.split('.').any(str::is_empty) && !local.is_empty() {
                return refuse(
                    "Python",
                    "its build metadata is no PEP 440 local version",
                    "use letters, digits and single dots",
                );
            }
            let plus = if local.is_empty() { "" } else { "+" };
            Ok(format!("{plain}{pre}{plus}{local}"))
        }
        Convention::Gem if !version.build.is_empty() => {
            refuse("gem", "it takes no build metadata", "leave it away")
        }
        // RubyGems takes a part with a letter as a pre-release, a number alone as a release.
        Convention::Gem
            if !version.pre.is_empty() && !version.pre.starts_with(|c: char| c.is_ascii_alphabetic()) =>
        {
            refuse("gem", "a pre-release must start with a letter", "use a channel such as rc.1")
        }
        Convention::Gem if version.pre.contains('-') => {
            refuse("gem", "a pre-release takes no `-`", "use a channel such as rc.1")
        }
        Convention::Gem if version.pre.is_empty() => Ok(plain),
        Convention::Gem => Ok(format!("{plain}.{}", version.pre)),
    }
}

/// Up to `most` dotted numbers, without leading zeros; a fourth one is dropped.
fn core(text: &str, most: usize) -> Option<Version> {
    let mut numbers = [0u64; 4];
    for (count, part) in text.split('.').enumerate() {
        if count == most || !is_number(part) {
            return None;
        }
        numbers[count] = part.parse().ok()?;
    }
    Some(Version::new(numbers[0], numbers[1], numbers[2]))
}

fn is_number(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'))
}

/// `rc.1`, `rc1`, `rc` → `rc1`, `rc1`, `rc0`, by the spellings that PEP 440 normalises.
fn pep440_pre(pre: &Prerelease) -> Option<String> {
    if pre.is_empty() {
        return Some(String::new());
    }
    let (name, number) = match pre.split_once('.') {
        Some(parts) => parts,
        None => {
            let at = pre.find(|c: char| c.is_ascii_digit()).unwrap_or(pre.len());
            pre.split_at(at)
        }
    };
    let number = if number.is_empty() { "0" } else { number };
    if !is_number(number) {
        return None;
    }
    let channel = match name.to_ascii_lowercase().as_str() {
        "a" | "alpha" => "a",
        "b" | "beta" => "b",
        "c" | "rc" | "pre" | "preview" => "rc",
        "dev" => ".dev",
        _ => return None,
    };
    Some(format!("{channel}{number}"))
}

/// The part of PEP 440 that SemVer can express.
fn read_pep440(value: &str) -> Option<Version> {
    let (public, local) = match value.split_once('+') {
        Some((public, local)) => (public, BuildMetadata::new(local).ok()?),
        None => (value, BuildMetadata::EMPTY),
    };
    let end = public.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(public.len());
    let numbers = &public[..end];
    let suffix = public[end..].trim_start_matches(['-', '_']);
    let mut version = core(numbers.strip_suffix('.').unwrap_or(numbers), 3)?;
    if public.len() > end {
        let at = suffix.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(suffix.len());
        let name = suffix[..at].to_ascii_lowercase();
        let number = suffix[at..].trim_start_matches(['.', '-', '_']);
        let number = if number.is_empty() { "0" } else { number };
        let channel = match name.as_str() {
            "a" | "alpha" => "alpha",
            "b" | "beta" => "beta",
            "c" | "rc" | "pre" | "preview" => "rc",
            "dev" => "dev",
            _ => return None,
        };
        if !is_number(number) {
            return None;
        }
        version.pre = Prerelease::new(&format!("{channel}.{number}")).ok()?;
    } else if numbers.ends_with('.') {
        return None;
    }
    version.build = local;
    Some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads() {
        use Convention::*;
        for (semver, convention, written) in [
            ("1.2.0", Semver, "1.2.0"),
            ("1.2.0-rc.1+b.7", Semver, "1.2.0-rc.1+b.7"),
            ("1.2.0", Pep440, "1.2.0"),
            ("1.2.0-rc.1", Pep440, "1.2.0rc1"),
            ("1.2.0-alpha.0", Pep440, "1.2.0a0"),
            ("1.2.0-beta.12", Pep440, "1.2.0b12"),
            ("1.2.0-dev.3", Pep440, "1.2.0.dev3"),
            ("1.2.0+abc.1", Pep440, "1.2.0+abc.1"),
            ("1.2.0-SNAPSHOT", Maven, "1.2.0-SNAPSHOT"),
            ("1.2.0-beta.1", Nuget, "1.2.0-beta.1"),
            ("1.2.0", Assembly, "1.2.0.0"),
            ("1.2.0", Prefix, "1.2.0"),
            ("1.2.0", Gem, "1.2.0"),
            ("1.2.0-rc.1", Gem, "1.2.0.rc.1"),
        ] {
            let version = Version::parse(semver).expect(semver);
            assert_eq!(render(&version, convention).expect(semver), written);
            assert_eq!(read(written, convention), Some(version), "{written}");
        }
        for (semver, convention, written) in [
            ("1.2.0-rc", Pep440, "1.2.0rc0"),
            ("1.2.0-rc1", Pep440, "1.2.0rc1"),
            ("1.2.0-preview.2", Pep440, "1.2.0rc2"),
            ("1.2.0-rc.1", Assembly, "1.2.0.0"),
            ("1.2.0+A-b", Pep440, "1.2.0+a.b"),
        ] {
            let version = Version::parse(semver).expect(semver);
            assert_eq!(render(&version, convention).expect(semver), written);
        }
        for (semver, convention) in [
            ("1.2.0-next.1", Pep440),
            ("1.2.0-rc.1.2", Pep440),
            ("1.2.0-post.1", Pep440),
            ("1.2.0-1", Pep440),
            ("1.2.0+a--b", Pep440),
            ("1.2.0-rc.1", Prefix),
            ("1.2.0-1", Gem),
            ("1.2.0-a-b", Gem),
            ("1.2.0+b", Gem),
        ] {
            let version = Version::parse(semver).expect(semver);
            assert!(render(&version, convention).is_err(), "{semver}");
        }
    }

    #[test]
    fn reads_leniently_only_where_the_world_does() {
        use Convention::*;
        for (text, convention, semver) in [
            ("1.0-SNAPSHOT", Maven, Some("1.0.0-SNAPSHOT")),
            ("1", Maven, Some("1.0.0")),
            ("1.2.3.RELEASE", Maven, None),
            ("1.2.3.4", Maven, None),
            ("1.0-", Maven, None),
            ("1.2", Nuget, Some("1.2.0")),
            ("1.2.3.0", Assembly, Some("1.2.3")),
            ("1.2", Semver, None),
            ("v1.2.3", Semver, None),
            ("1.2", Pep440, Some("1.2.0")),
            ("1.2rc1", Pep440, Some("1.2.0-rc.1")),
            ("1.2.0-alpha.1", Pep440, Some("1.2.0-alpha.1")),
            ("1.2.0.post1", Pep440, None),
            ("1!1.2.0", Pep440, None),
            ("1.2.", Pep440, None),
            ("", Pep440, None),
            ("1.2.0rc", Gem, None),
            ("1.2.0.pre", Gem, Some("1.2.0-pre")),
            ("unknown", Pep440, None),
        ] {
            assert_eq!(read(text, convention), semver.map(|v| Version::parse(v).expect(v)), "{text}");
        }
    }
}
