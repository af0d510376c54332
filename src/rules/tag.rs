//! How versions are written as tag names.

use std::fmt;

use semver::Version;

/// Why a text is not a tag template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadTemplate {
    template: String,
    why: &'static str,
}

impl fmt::Display for BadTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a tag template: {}", self.template, self.why)
    }
}

impl std::error::Error for BadTemplate {}

/// A tag name with places to fill: `v{version}`, `{package}@{version}`, `{package}-v{version}` and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTemplate {
    before: String,
    /// The text between package and version, when there is a package.
    between: Option<String>,
    after: String,
}

impl std::str::FromStr for TagTemplate {
    type Err = BadTemplate;

    fn from_str(text: &str) -> Result<Self, BadTemplate> {
        Self::new(text)
    }
}

impl TagTemplate {
    /// Reads a template: `{version}` once, `{package}` at most once and before it, and nothing that git does not allow
    /// in a reference (<https://git-scm.com/docs/git-check-ref-format>).
    pub fn new(template: &str) -> Result<Self, BadTemplate> {
        let bad = |why| BadTemplate { template: template.chars().take(80).collect(), why };
        let (front, after) = template.split_once("{version}").ok_or_else(|| bad("`{version}` is missing"))?;
        let (before, between) = match front.split_once("{package}") {
            Some((before, between)) => (before, Some(between)),
            None => (front, None),
        };
        if between == Some("") {
            return Err(bad("a separator is missing between `{package}` and `{version}`"));
        }
        for text in [before, between.unwrap_or_default(), after] {
            if text.contains(['{', '}']) {
                return Err(bad("only `{package}` and then `{version}` are filled in, each once"));
            }
            if text.contains(|c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c))
                || text.contains("..")
                || text.contains("//")
                || text.contains("@{")
            {
                return Err(bad("git does not allow such a name"));
            }
        }
        if before.starts_with(['/', '-']) || after.ends_with(['/', '.']) || after.ends_with(".lock") {
            return Err(bad("git does not allow such a name"));
        }
        Ok(Self { before: before.into(), between: between.map(Into::into), after: after.into() })
    }

    /// The pattern of one package; its name is ignored where the template has no place for it.
    pub fn pattern(&self, package: &str) -> TagPattern {
        let prefix = match &self.between {
            Some(between) => format!("{}{package}{between}", self.before),
            None => self.before.clone(),
        };
        TagPattern { prefix, suffix: self.after.clone(), either: false }
    }

    /// Whether there is a place for the package.
    pub fn has_package(&self) -> bool {
        self.between.is_some()
    }

    /// Splits a tag name of any package; the package is empty where the template has no place for it.
    pub fn split<'t>(&self, tag: &'t str) -> Option<(&'t str, Version)> {
        let text = tag.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        match &self.between {
            None => Some(("", version(text)?)),
            Some(between) => text
                .match_indices(&**between)
                .filter(|(at, _)| *at > 0)
                .find_map(|(at, _)| Some((&text[..at], version(&text[at + between.len()..])?))),
        }
    }
}

/// How the versions of one package are written as tag names: a fixed text before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagPattern {
    prefix: String,
    suffix: String,
    /// Whether a `v` before the version may also be missing, or be there, when reading.
    either: bool,
}

impl TagPattern {
    /// `v{version}`, what most use.
    pub fn v() -> Self {
        Self { prefix: "v".into(), suffix: String::new(), either: false }
    }

    /// The tag name of a version.
    pub fn format(&self, version: &Version) -> String {
        format!("{}{version}{}", self.prefix, self.suffix)
    }

    /// The version in a tag name. What is not SemVer in full (`v1`, `1.2`, `nightly`) is `None`, never guessed.
    pub fn parse(&self, tag: &str) -> Option<Version> {
        self.parse_exact(tag).or_else(|| {
            let bare = self.prefix.strip_suffix('v').unwrap_or(&self.prefix);
            let text = tag.strip_prefix(bare)?.strip_suffix(&*self.suffix)?;
            version(text.strip_prefix('v').unwrap_or(text)).filter(|_| self.either)
        })
    }

    /// The same, and the tag is written as [`TagPattern::format`] writes it.
    pub fn parse_exact(&self, tag: &str) -> Option<Version> {
        version(tag.strip_prefix(&*self.prefix)?.strip_suffix(&*self.suffix)?)
    }

    /// Also reads tags with the `v` that this pattern lacks, or without the one that it has.
    pub fn either(self) -> Self {
        Self { either: true, ..self }
    }
}

/// Reads a version, quickly saying no to what does not start like one.
fn version(text: &str) -> Option<Version> {
    text.as_bytes().first().filter(|b| b.is_ascii_digit())?;
    Version::parse(text).ok()
}

/// Finds out whether a repository writes `1.2.3` or `v1.2.3`. Histories that changed from one to the other have both:
/// the pattern reads both, and writes as the tag with the highest version does. `None` when there is neither.
pub fn detect_pattern(tags: &[&str]) -> Option<TagPattern> {
    let plain = TagPattern { prefix: String::new(), suffix: String::new(), either: true };
    let (_, newest) = tags
        .iter()
        .filter_map(|tag| Some((plain.parse(tag)?, *tag)))
        .max_by(|(a, x), (b, y)| a.cmp_precedence(b).then(x.cmp(y)))?;
    Some(if newest.starts_with('v') { TagPattern::v().either() } else { plain })
}

#[cfg(test)]
mod tests;
