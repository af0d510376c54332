//! Version arithmetic on Semantic Versioning 2.0.0 (<https://semver.org/>).

use std::fmt;
use std::str::FromStr;

use semver::{BuildMetadata, Prerelease, Version};

use super::bump::Level;

/// What a breaking change means while the major number is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ZeroBreaking {
    /// `0.4.2` → `0.5.0`.
    #[default]
    Minor,
    /// `0.4.2` → `1.0.0`, as semantic-release does.
    Major,
}

/// What a feature means while the major number is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ZeroFeature {
    /// `0.4.2` → `0.5.0`.
    #[default]
    Minor,
    /// `0.4.2` → `0.4.3`, so that a minor step always breaks, as Cargo reads it.
    Patch,
}

/// The rules while the major number is 0.
///
/// SemVer leaves them open (<https://semver.org/#spec-item-4>). By default a breaking change raises the minor number,
/// as Cargo's compatibility rules expect (<https://doc.rust-lang.org/cargo/reference/semver.html>) and release-please's
/// `bump-minor-pre-major` does, so that leaving 0.x is a decision that a person makes by naming the version
/// (<https://semver.org/#how-do-i-know-when-to-release-100>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Zero {
    /// What a breaking change does.
    pub breaking: ZeroBreaking,
    /// What a feature does.
    pub feature: ZeroFeature,
}

impl Zero {
    /// The level that `level` means for a version that follows `current`.
    pub fn apply(self, current: &Version, level: Level) -> Level {
        match level {
            Level::Major if current.major == 0 && self.breaking == ZeroBreaking::Minor => Level::Minor,
            Level::Minor if current.major == 0 && self.feature == ZeroFeature::Patch => Level::Patch,
            level => level,
        }
    }
}

/// How [`next`] and [`explicit`] make a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options<'a> {
    /// The first version of all. `0.1.0` by default, as SemVer advises
    /// (<https://semver.org/#how-should-i-deal-with-revisions-in-the-0yz-initial-development-phase>).
    pub initial: Version,
    /// The rules of 0.x.
    pub zero: Zero,
    /// The pre-release channel, such as `rc`; `None` for a stable release.
    pub channel: Option<&'a str>,
    /// Build metadata to put on the version; ignored in precedence.
    pub build: BuildMetadata,
    /// The versions already released on this line of history, in any order; only the pre-releases among them matter.
    pub released: &'a [Version],
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            initial: Version::new(0, 1, 0),
            zero: Zero::default(),
            channel: None,
            build: BuildMetadata::EMPTY,
            released: &[],
        }
    }
}

/// Why there is no such version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionError {
    /// A number would exceed 64 bits.
    Overflow(Version),
    /// A channel that is not one SemVer identifier with a letter in it.
    BadChannel(String),
    /// A pre-release without a channel to put it on.
    NoChannel,
    /// The version asked for is not higher than the current one.
    NotHigher {
        /// What was asked for.
        asked: Version,
        /// The current version, or the pre-release that stands in the way.
        current: Version,
    },
    /// Neither a level nor a version.
    BadRequest(String),
}

impl fmt::Display for VersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overflow(version) => write!(f, "no version can follow {version}: its number is too large"),
            Self::BadChannel(channel) => write!(
                f,
                "{channel:?} is not a pre-release channel: use letters, digits and `-`, with at least one letter"
            ),
            Self::NoChannel => f.write_str("a pre-release needs a channel, such as `rc`"),
            Self::NotHigher { asked, current } => {
                write!(f, "{asked} is not higher than {current}, which is released already")
            }
            Self::BadRequest(text) => {
                write!(f, "{text:?} is neither major, minor, patch or prerelease nor a version such as 1.2.3")
            }
        }
    }
}

impl std::error::Error for VersionError {}

/// What a person asks for in `version bump`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `major`, `minor` or `patch`.
    Level(Level),
    /// `prerelease`: the next one on the channel.
    Prerelease,
    /// This very version.
    Exact(Version),
}

impl FromStr for Request {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        Ok(match text {
            "major" => Self::Level(Level::Major),
            "minor" => Self::Level(Level::Minor),
            "patch" => Self::Level(Level::Patch),
            "prerelease" => Self::Prerelease,
            _ => Self::Exact(
                Version::parse(text.strip_prefix('v').unwrap_or(text))
                    .map_err(|_| VersionError::BadRequest(text.chars().take(80).collect()))?,
            ),
        })
    }
}

/// The version after `current` for changes of this level, or `None` when there is nothing to release.
///
/// `current` is the last stable release and `level` that of all changes since, so that pre-releases in between neither
/// hide nor repeat a change: `1.2.3` and a feature give `1.3.0-rc.1`, then `-rc.2` (counted from `options.released`),
/// a breaking change among them raises that to `2.0.0-rc.1`, and without a channel the result is the stable release.
/// A pre-release never goes below one that is released already: going back from `rc` to `beta` is refused.
///
/// Where there was no stable release yet, `current` may be a pre-release; it then graduates as npm's `semver.inc` has
/// it (<https://github.com/npm/node-semver#functions>). Without any release the result is `options.initial`, whatever
/// the level.
pub fn next(
    current: Option<&Version>,
    level: Level,
    options: &Options<'_>,
) -> Result<Option<Version>, VersionError> {
    let base = match current {
        None => options.initial.clone(),
        Some(current) if level == Level::None && current.pre.is_empty() => return Ok(None),
        Some(current) => raise(current, options.zero.apply(current, level))?,
    };
    finish(current, base, options).map(Some)
}

/// The version that a person asked for.
///
/// A level is taken at its word: `major` leaves 0.x. An exact version must be higher than `current`.
pub fn explicit(
    current: Option<&Version>,
    request: &Request,
    options: &Options<'_>,
) -> Result<Version, VersionError> {
    match (request, current) {
        (Request::Exact(asked), _) => {
            if let Some(current) = current
                && asked.cmp_precedence(current).is_le()
            {
                return Err(VersionError::NotHigher { asked: asked.clone(), current: current.clone() });
            }
            let mut version = asked.clone();
            if version.build.is_empty() {
                version.build = options.build.clone();
            }
            Ok(version)
        }
        (Request::Level(_), None) => finish(None, options.initial.clone(), options),
        (Request::Level(level), Some(current)) => finish(Some(current), raise(current, *level)?, options),
        (Request::Prerelease, _) => {
            let latest = current.into_iter().chain(options.released).max_by(|a, b| a.cmp_precedence(b));
            let inherited = latest.and_then(|latest| split_pre(&latest.pre)).map(|(channel, _)| channel);
            let channel = options.channel.or(inherited).ok_or(VersionError::NoChannel)?;
            let base = match latest {
                None => options.initial.clone(),
                Some(latest) => raise(latest, Level::Patch)?,
            };
            finish(current, base, &Options { channel: Some(channel), ..options.clone() })
        }
    }
}

/// Raises a version; a pre-release that already stands for the level graduates.
fn raise(current: &Version, level: Level) -> Result<Version, VersionError> {
    let Version { major, minor, patch, .. } = *current;
    let pre = !current.pre.is_empty();
    let up = |number: u64| number.checked_add(1).ok_or_else(|| VersionError::Overflow(current.clone()));
    Ok(match level {
        Level::Major if pre && minor == 0 && patch == 0 => Version::new(major, 0, 0),
        Level::Major => Version::new(up(major)?, 0, 0),
        Level::Minor if pre && patch == 0 => Version::new(major, minor, 0),
        Level::Minor => Version::new(major, up(minor)?, 0),
        Level::Patch | Level::None if pre => Version::new(major, minor, patch),
        Level::Patch => Version::new(major, minor, up(patch)?),
        Level::None => current.clone(),
    })
}

/// Says whether a pre-release channel is one SemVer identifier with a letter in it
/// (<https://semver.org/#spec-item-9>): one without would be read as a number.
pub fn check_channel(channel: &str) -> Result<(), VersionError> {
    let valid = channel.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && channel.bytes().any(|b| !b.is_ascii_digit());
    if valid { Ok(()) } else { Err(VersionError::BadChannel(channel.chars().take(80).collect())) }
}

/// Puts `base` on the channel, with the next free number, and adds the build metadata.
fn finish(current: Option<&Version>, base: Version, options: &Options<'_>) -> Result<Version, VersionError> {
    let mut version = base;
    if let Some(channel) = options.channel {
        check_channel(channel)?;
        let highest = options
            .released
            .iter()
            .chain(current)
            .filter(|released| !released.pre.is_empty())
            .max_by(|a, b| a.cmp_precedence(b));
        if let Some(highest) = highest {
            let core = |v: &Version| (v.major, v.minor, v.patch);
            if core(highest) > core(&version) {
                version = Version::new(highest.major, highest.minor, highest.patch);
            }
        }
        let same = |released: &&Version| {
            (released.major, released.minor, released.patch) == (version.major, version.minor, version.patch)
        };
        let last = options
            .released
            .iter()
            .chain(current)
            .filter(same)
            .filter_map(|released| split_pre(&released.pre))
            .filter(|(name, _)| *name == channel)
            .map(|(_, number)| number)
            .max();
        let number = match last {
            None => 1,
            Some(last) => last.checked_add(1).ok_or_else(|| VersionError::Overflow(version.clone()))?,
        };
        version.pre = Prerelease::new(&format!("{channel}.{number}"))
            .map_err(|_| VersionError::BadChannel(channel.into()))?;
        if let Some(highest) = highest
            && version.cmp_precedence(highest).is_le()
        {
            return Err(VersionError::NotHigher { asked: version, current: highest.clone() });
        }
    }
    version.build = options.build.clone();
    match current {
        Some(current) if version.cmp_precedence(current).is_le() => {
            Err(VersionError::NotHigher { asked: version, current: current.clone() })
        }
        _ => Ok(version),
    }
}

/// Splits `rc.4` into its channel and number; `rc` alone has the number 0.
fn split_pre(pre: &Prerelease) -> Option<(&str, u64)> {
    match pre.as_str().split_once('.') {
        Some((channel, number)) => Some((channel, number.parse().ok()?)),
        None => Some((pre.as_str(), 0)).filter(|(channel, _)| !channel.is_empty()),
    }
}

/// How far `to` is above `from`: the highest number that differs.
pub fn distance(from: &Version, to: &Version) -> Level {
    if from.major != to.major {
        Level::Major
    } else if from.minor != to.minor {
        Level::Minor
    } else if from.patch != to.patch || from.pre != to.pre {
        Level::Patch
    } else {
        Level::None
    }
}

/// A version that belongs to somebody else already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The version.
    pub version: Version,
    /// The branch or tag that owns it.
    pub owner: String,
    /// The next number that is free, if there is one.
    pub free: Option<Version>,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} belongs to {}", self.version, self.owner)?;
        match &self.free {
            Some(free) => write!(f, "; the next free version is {free}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Taken {}

/// Refuses a version that another branch or tag owns, so that a hotfix never takes the number of a release that is
/// under way. `owned` are the versions of all tags and of release and hotfix branches with their names, but for the
/// branch that asks. Build metadata makes no difference (<https://semver.org/#spec-item-10>).
pub fn guard<O: fmt::Display>(next: &Version, owned: &[(Version, O)]) -> Result<(), Taken> {
    let Some((_, owner)) = owned.iter().find(|(version, _)| version.cmp_precedence(next).is_eq()) else {
        return Ok(());
    };
    let mut numbers: Vec<&Version> = owned.iter().map(|(version, _)| version).collect();
    numbers.sort_by(|a, b| a.cmp_precedence(b));
    let mut free = Some(next.clone());
    while let Some(version) = &free {
        if numbers.binary_search_by(|known| known.cmp_precedence(version)).is_err() {
            break;
        }
        free = successor(version);
    }
    Err(Taken { version: next.clone(), owner: owner.to_string(), free })
}

/// The next release of the same sort, or the next number on the channel: after 1.3.0 comes 1.4.0, for 1.3.1 mends what
/// another owns; after 1.2.4 comes 1.2.5.
fn successor(version: &Version) -> Option<Version> {
    let mut after = version.clone();
    if version.pre.is_empty() && version.patch == 0 {
        after.minor = after.minor.checked_add(1)?;
    } else if version.pre.is_empty() {
        after.patch = after.patch.checked_add(1)?;
    } else {
        let (channel, number) = split_pre(&version.pre)?;
        after.pre = Prerelease::new(&format!("{channel}.{}", number.checked_add(1)?)).ok()?;
    }
    Some(after)
}

#[cfg(test)]
mod tests;
