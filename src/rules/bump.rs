//! How far a change raises the version.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error as _, MapAccess, Visitor};

use super::commit::{Change, Kind, Reading};
use super::revert::{Commit, Fate, cancelled};

/// How far the version rises. Ordered: the highest of a range decides.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing to release.
    #[default]
    None,
    /// `x.y.Z`.
    Patch,
    /// `x.Y.0`.
    Minor,
    /// `X.0.0`.
    Major,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        })
    }
}

/// Why a text is not a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPattern {
    pattern: String,
    why: &'static str,
}

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a commit pattern: {} (patterns are `type`, `type(scope)`, `*`, each also with a final `!`)",
            self.pattern, self.why
        )
    }
}

impl std::error::Error for BadPattern {}

/// Which changes a rule is about: `type`, `type(scope)`, `*`, and the same with a final `!` for breaking changes.
///
/// `*` within the type or the scope stands for any text. Without a scope, any scope and none match. Case is ignored,
/// as the specification wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    type_: String,
    scope: Option<String>,
    breaking: bool,
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let bad = |why| BadPattern { pattern: text.chars().take(80).collect(), why };
        let rest = text.strip_suffix('!').unwrap_or(text);
        let (type_, scope) = match rest.split_once('(') {
            None => (rest, None),
            Some((type_, scope)) => {
                let scope = scope.strip_suffix(')').ok_or_else(|| bad("the scope must end with `)`"))?;
                (type_, Some(scope.trim()))
            }
        };
        if type_.is_empty() {
            return Err(bad("the type is missing"));
        }
        if !type_.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'*')) {
            return Err(bad("a type has only letters, digits, `-`, `_` and `*`"));
        }
        if type_.as_bytes()[0].is_ascii_digit() {
            return Err(bad("a type starts with a letter"));
        }
        if scope == Some("") {
            return Err(bad("the scope is empty"));
        }
        Ok(Self {
            type_: type_.to_ascii_lowercase(),
            scope: scope.map(str::to_lowercase),
            breaking: rest.len() < text.len(),
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.type_)?;
        if let Some(scope) = &self.scope {
            write!(f, "({scope})")?;
        }
        f.write_str(if self.breaking { "!" } else { "" })
    }
}

impl Pattern {
    /// Whether a change is one that the pattern is about.
    pub fn matches(&self, change: &Change<'_>, type_: Option<&str>, breaking: bool) -> bool {
        // Only a breaking change can be about no type at all.
        self.breaking == breaking
            && match type_ {
                Some(type_) => glob(&self.type_, type_),
                None => self.breaking && self.type_ == "*",
            }
            && self
                .scope
                .as_ref()
                .is_none_or(|pattern| change.scope.is_some_and(|scope| glob(pattern, &scope.to_lowercase())))
    }

    /// The more specific pattern is the greater one: first by scope, then by type; a literal text before a glob, a
    /// glob with more literal text before one with less.
    pub fn specificity(&self) -> (usize, usize) {
        let literal = |text: &str| match text.bytes().filter(|b| *b != b'*').count() {
            all if all == text.len() => usize::MAX,
            some => some + 1,
        };
        (self.scope.as_deref().map_or(0, literal), literal(&self.type_))
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    if !pattern.bytes().any(|byte| byte == b'*') {
        return pattern == text;
    }
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A pattern with its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it is about.
    pub pattern: Pattern,
    /// How far it raises the version.
    pub level: Level,
    /// Whether it comes from the configuration.
    pub user: bool,
}

/// The rules in force: the user's on top of the defaults.
///
/// The defaults are `feat: minor`, `fix: patch`, `perf: patch`, `revert: patch` (as semantic-release has them,
/// <https://github.com/semantic-release/commit-analyzer#default-rules-matching>) and `*!: major`.
///
/// For a change, the most specific matching pattern decides, where a scope is more specific than a type, and a literal
/// text more specific than a glob. At the same specificity the user's rule goes before the default, and a later one
/// before an earlier one. For a breaking change only patterns with `!` are asked, so it is major unless one of those
/// says otherwise; for other changes only those without.
///
/// Read from a map: `{ "build": "patch", "docs(readme.md)": "patch" }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    /// The most deciding first.
    rules: Vec<Rule>,
}

impl Default for RuleSet {
    fn default() -> Self {
        Self::new([])
    }
}

impl RuleSet {
    /// The defaults, extended by the user's rules in their order.
    pub fn new(user: impl IntoIterator<Item = (Pattern, Level)>) -> Self {
        let default = |type_: &str, breaking, level| Rule {
            pattern: Pattern { type_: type_.into(), scope: None, breaking },
            level,
            user: false,
        };
        let mut rules = vec![
            default("feat", false, Level::Minor),
            default("fix", false, Level::Patch),
            default("perf", false, Level::Patch),
            default("revert", false, Level::Patch),
            default("*", true, Level::Major),
        ];
        rules.extend(user.into_iter().map(|(pattern, level)| Rule { pattern, level, user: true }));
        rules.reverse();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.pattern.specificity()));
        Self { rules }
    }

    /// The rule that decides about a change, if there is one.
    pub fn matching(&self, change: &Change<'_>) -> Option<&Rule> {
        let (type_, breaking) = (change.type_lower(), change.is_breaking());
        self.rules.iter().find(|rule| rule.pattern.matches(change, type_.as_deref(), breaking))
    }

    /// All rules, the most deciding first.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

impl<'de> serde::Deserialize<'de> for RuleSet {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = RuleSet;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from commit patterns to major, minor, patch or none")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RuleSet, A::Error> {
                let mut user: Vec<(Pattern, Level)> = Vec::new();
                while let Some(text) = map.next_key::<String>()? {
                    let pattern: Pattern = text.parse().map_err(A::Error::custom)?;
                    if user.iter().any(|(known, _)| *known == pattern) {
                        return Err(A::Error::custom(format_args!(
                            "the commit pattern {text:?} is given twice"
                        )));
                    }
                    user.push((pattern, map.next_value()?));
                }
                Ok(RuleSet::new(user))
            }
        }
        from.deserialize_map(Map)
    }
}

impl serde::Serialize for RuleSet {
    /// Writes the user's rules, which is what [`Deserialize`](serde::Deserialize) reads.
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // The order among rules of different specificity means nothing, so this reads back the same.
        to.collect_map(
            self.rules
                .iter()
                .rev()
                .filter(|rule| rule.user)
                .map(|rule| (rule.pattern.to_string(), rule.level)),
        )
    }
}

#[cfg(test)]
impl schemars::JsonSchema for RuleSet {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RuleSet".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let level = generator.subschema_for::<Level>();
        schemars::json_schema!({
            "type": "object",
            "description": "How far a commit raises the version: `type`, `type(scope)` or `*`, with `!` for breaking changes. Extends the defaults.",
            "propertyNames": { "pattern": r"^[A-Za-z*_-][A-Za-z0-9*_-]*(\([^()].*\))?!?$" },
            "additionalProperties": level,
        })
    }
}

/// What a range of commits means for the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'r> {
    /// The highest level of all.
    pub level: Level,
    /// Why, in the order of the commits: one for each change that counts, and one for each commit without any.
    pub reasons: Vec<Reason<'r>>,
}

/// What one change means for the version, for `version next --explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason<'r> {
    /// The index of the commit in the range.
    pub commit: usize,
    /// The index in [`Parsed::changes`](super::commit::Parsed::changes).
    pub change: usize,
    /// How far it raises the version.
    pub level: Level,
    /// Whether the change is breaking.
    pub breaking: bool,
    /// What decided.
    pub why: Why<'r>,
}

/// What decided about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'r> {
    /// This rule.
    Rule(&'r Rule),
    /// No rule is about it.
    NoRule,
    /// A later commit of the range reverts the commit.
    RevertedBy(usize),
    /// The commit reverts a commit of the range, so that both cancel.
    Reverts(usize),
    /// It is not conventional.
    NotConventional,
    /// It is a merge commit.
    Merge,
    /// It is a `fixup!`, `squash!` or `amend!` commit.
    Autosquash,
}

/// Decides how far a range of commits, newest first, raises the version.
pub fn decide<'r>(commits: &[Commit<'_>], rules: &'r RuleSet, reading: Reading) -> Decision<'r> {
    let mut reasons = Vec::with_capacity(commits.len());
    for (at, (commit, fate)) in commits.iter().zip(cancelled(commits)).enumerate() {
        let message = &commit.message;
        let none = |why| Reason { commit: at, change: 0, level: Level::None, breaking: false, why };
        match fate {
            Fate::RevertedBy(by) => reasons.push(none(Why::RevertedBy(by))),
            Fate::Reverts(what) => reasons.push(none(Why::Reverts(what))),
            Fate::Kept => {
                let before = reasons.len();
                for change in message.counting(reading) {
                    let rule = rules.matching(change);
                    let why = match rule {
                        Some(rule) => Why::Rule(rule),
                        None if change.type_.is_some() => Why::NoRule,
                        None => continue,
                    };
                    // `counting` hands out references into this very vector.
                    let index = message.changes.iter().position(|known| std::ptr::eq(known, change));
                    reasons.push(Reason {
                        commit: at,
                        change: index.unwrap_or_default(),
                        level: rule.map_or(Level::None, |rule| rule.level),
                        breaking: change.is_breaking(),
                        why,
                    });
                }
                if reasons.len() == before {
                    reasons.push(none(match message.kind {
                        Kind::Merge(_) => Why::Merge,
                        Kind::Autosquash { .. } => Why::Autosquash,
                        _ => Why::NotConventional,
                    }));
                }
            }
        }
    }
    let level = reasons.iter().map(|reason| reason.level).max().unwrap_or_default();
    Decision { level, reasons }
}

#[cfg(test)]
mod tests;
