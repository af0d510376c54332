//! What a package requires of another one of the same repository, after that one's release.
//!
//! The rule is that of changesets and of cargo-release's `dependent-version = "fix"`: a
//! requirement that still admits the new version stays; one that does not is raised to it with
//! its operator and its number of parts kept
//! (<https://github.com/changesets/changesets/blob/main/docs/config-file-options.md>,
//! <https://github.com/crate-ci/cargo-release/blob/master/docs/reference.md>). It must change
//! then: Cargo refuses a path dependency whose version its requirement does not admit, and npm
//! would take the package from the registry instead of the workspace.

use semver::{BuildMetadata, Version};
use serde::{Deserialize, Serialize};

use super::convention::render;
use super::error::FileError;
use super::{Convention, shorten};

/// Whose requirements: each has its own operators and defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Ecosystem {
    /// <https://docs.npmjs.com/cli/using-npm/semver#ranges>; a bare version is exact.
    Npm,
    /// <https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html>; a bare version
    /// is `^`.
    Cargo,
    /// <https://packaging.python.org/en/latest/specifications/version-specifiers/>, and
    /// Poetry's `^`, `~` and bare versions.
    Python,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Exact,
    Caret,
    Tilde,
    /// Python's `~=`.
    Compatible,
    AtLeast,
    Above,
    Below,
    AtMost,
    Not,
}

/// One comparator: `>=1.2`.
struct Term<'t> {
    /// The operator as it is written, white space after it included.
    written: &'t str,
    op: Op,
    numbers: Vec<u64>,
    /// `.*`, `.x`, as it is written.
    wildcard: &'t str,
    /// A leading `v`.
    v: &'t str,
    pre: bool,
    /// The version in full, for comparisons.
    version: Version,
}

/// The requirement that admits `new`; `None` when `old` does, or names no version at all
/// (`*`, `workspace:^`, `file:../a`, `latest`).
///
/// `^1.2.0` becomes `^2.0.0`, `~1.2` becomes `~2.0`, `=1.2.3` becomes `=2.0.0`,
/// `workspace:^1.2.0` becomes `workspace:^2.0.0`, and of `>=1,<2` both bounds move: `>=2,<3`.
/// Where fewer parts would not admit a pre-release, it is written in full.
///
/// # Errors
/// The requirement is of a shape that cannot be raised without a decision: alternatives,
/// exclusions, an upper bound alone, or an alias.
pub fn requirement(old: &str, new: &Version, ecosystem: Ecosystem) -> Result<Option<String>, FileError> {
    let unclear = |why: &str| {
        FileError::unsupported(
            format!("the requirement `{}` does not admit {new}, and {why}", shorten(old)),
            "write the requirement that is meant",
        )
    };
    let trimmed = old.trim();
    let (prefix, range) = match ecosystem {
        Ecosystem::Npm => match trimmed.split_once(':') {
            Some(("workspace", rest)) => (&trimmed[..10], rest),
            // Files, links, catalogs, addresses: not by version.
            Some((scheme, _)) if scheme != "npm" => return Ok(None),
            Some((_, rest)) if rest.contains('@') => {
                return Err(unclear("it is an alias"));
            }
            Some((_, rest)) => (&trimmed[..4], rest),
            None => ("", trimmed),
        },
        _ => ("", trimmed),
    };
    if matches!(range, "" | "*" | "^" | "~" | "x" | "X")
        || (ecosystem == Ecosystem::Npm && range.contains('/'))
    {
        return Ok(None);
    }
    let alternatives: Vec<&str> = range.split("||").collect();
    let mut terms = Vec::new();
    for alternative in &alternatives {
        match read_terms(alternative.trim(), ecosystem) {
            Some(all) if admits(&all, new, ecosystem) => return Ok(None),
            Some(all) => terms = all,
            // A tag such as `latest`.
            None if ecosystem == Ecosystem::Npm && !range.contains(|c: char| c.is_ascii_digit()) => {
                return Ok(None);
            }
            None => return Err(unclear("it is in no form that is known")),
        }
    }
    if alternatives.len() > 1 {
        return Err(unclear("it has alternatives"));
    }
    let mut raised = String::from(prefix);
    // Rewritten within its own text, so that separators stay.
    let mut rest = range;
    let lower = terms.iter().any(|t| matches!(t.op, Op::AtLeast | Op::Above));
    for full in [false, true] {
        raised.truncate(prefix.len());
        rest = range;
        for term in &terms {
            let text = match term.op {
                Op::Not => return Err(unclear("it excludes versions")),
                Op::Above => return Err(unclear("it has a lower bound that is left out")),
                Op::Below if lower => upper(term, new).ok_or_else(|| {
                    unclear("its upper bound is neither the next major nor the next minor version")
                })?,
                Op::AtMost | Op::Below => return Err(unclear("it has an upper bound")),
                _ => raise(term, new, ecosystem, full)?,
            };
            let old = term_text(term, rest);
            let at = rest.find(old).unwrap_or(0);
            raised.push_str(&rest[..at]);
            raised.push_str(&text);
            rest = &rest[at + old.len()..];
        }
        let written = &raised[prefix.len()..];
        if read_terms(written, ecosystem).is_some_and(|all| admits(&all, new, ecosystem)) {
            break;
        }
    }
    raised.push_str(rest);
    let written = &raised[prefix.len()..];
    match read_terms(written, ecosystem) {
        Some(all) if admits(&all, new, ecosystem) => Ok(Some(raised)),
        _ => Err(unclear("raising it does not help")),
    }
}

/// The text of the next term in what is left of the requirement.
fn term_text<'t>(term: &Term<'_>, rest: &'t str) -> &'t str {
    let start = rest.find(|c: char| !c.is_whitespace() && c != ',').unwrap_or(rest.len());
    let body = start + term.written.len();
    let end = rest[body..].find(|c: char| c.is_whitespace() || c == ',').map_or(rest.len(), |n| body + n);
    &rest[start..end]
}

fn read_terms(text: &str, ecosystem: Ecosystem) -> Option<Vec<Term<'_>>> {
    let mut terms = Vec::new();
    let mut rest = text.trim();
    if rest.contains(" - ") {
        return None;
    }
    while !rest.is_empty() {
        let operator = rest.find(|c: char| !"^~<>=!".contains(c)).unwrap_or(rest.len());
        let space = rest[operator..].len() - rest[operator..].trim_start().len();
        let (written, after) = rest.split_at(operator + space);
        let end = after.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(after.len());
        terms.push(read_term(written, &after[..end], ecosystem)?);
        let tail = after[end..].trim_start();
        let comma = tail.starts_with(',');
        // Cargo and Python separate by commas only.
        if !tail.is_empty() && !comma && ecosystem != Ecosystem::Npm {
            return None;
        }
        rest = tail.trim_start_matches(',').trim_start();
    }
    (!terms.is_empty()).then_some(terms)
}

fn read_term<'t>(written: &'t str, text: &'t str, ecosystem: Ecosystem) -> Option<Term<'t>> {
    let python = ecosystem == Ecosystem::Python;
    let op = match written.trim() {
        "" if ecosystem == Ecosystem::Cargo => Op::Caret,
        "" | "=" if !python => Op::Exact,
        "" | "==" if python => Op::Exact,
        "^" => Op::Caret,
        "~" => Op::Tilde,
        "~=" if python => Op::Compatible,
        ">=" => Op::AtLeast,
        ">" => Op::Above,
        "<" => Op::Below,
        "<=" => Op::AtMost,
        "!=" if python => Op::Not,
        _ => return None,
    };
    let bare = text.trim_start_matches(['v', 'V']);
    let v = &text[..text.len() - bare.len()];
    let end = bare.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(bare.len());
    let mut numbers = Vec::new();
    let digits = bare[..end].trim_end_matches('.');
    for part in digits.split('.').filter(|_| !digits.is_empty()) {
        numbers.push(part.parse().ok()?);
    }
    let rest = &bare[digits.len()..];
    let wildcard = !rest.is_empty() && rest.split('.').all(|p| p.is_empty() || matches!(p, "*" | "x" | "X"));
    let part = |i: usize| numbers.get(i).copied().unwrap_or(0);
    let version = if rest.is_empty() || wildcard {
        Version::new(part(0), part(1), part(2))
    } else {
        let convention = if python { Convention::Pep440 } else { Convention::Semver };
        super::read(bare, convention)?
    };
    // A bare `1.2.*` is no caret, with Cargo either.
    let op = if wildcard && written.is_empty() { Op::Exact } else { op };
    let known = !numbers.is_empty() || wildcard;
    (known && numbers.len() <= 3).then_some(Term {
        written,
        op,
        wildcard: if wildcard { rest } else { "" },
        v,
        pre: !version.pre.is_empty(),
        numbers,
        version,
    })
}

/// The version from which on a prefix of numbers no longer fits.
fn bump(numbers: &[u64], keep: usize) -> Version {
    let part = |i: usize| match i.cmp(&(keep.max(1) - 1)) {
        std::cmp::Ordering::Less => numbers.get(i).copied().unwrap_or(0),
        std::cmp::Ordering::Equal => numbers.get(i).copied().unwrap_or(0).saturating_add(1),
        std::cmp::Ordering::Greater => 0,
    };
    Version::new(part(0), part(1), part(2))
}

/// Whether a version fits all terms. Pre-releases fit as in semver and node-semver: only where
/// a term names one of the same three numbers; in Python, where any term names one.
fn admits(terms: &[Term<'_>], version: &Version, ecosystem: Ecosystem) -> bool {
    let mut version = version.clone();
    version.build = BuildMetadata::EMPTY;
    if !version.pre.is_empty() {
        let named = terms.iter().any(|t| {
            t.pre
                && (ecosystem == Ecosystem::Python
                    || (t.version.major, t.version.minor, t.version.patch)
                        == (version.major, version.minor, version.patch))
        });
        if !named {
            return false;
        }
    }
    terms.iter().all(|term| {
        let mut from = term.version.clone();
        from.build = BuildMetadata::EMPTY;
        let length = term.numbers.len();
        let partial = length < 3 && !term.pre;
        // Python fills a short version up with zeros.
        let filled = ecosystem == Ecosystem::Python && term.wildcard.is_empty();
        let below = |keep: usize| length == 0 || version < without_pre(bump(&term.numbers, keep));
        match term.op {
            Op::Exact if partial && !filled => version >= from && below(length),
            Op::Exact => version == from,
            Op::Not if partial && !filled => !(version >= from && below(length)),
            Op::Not => version != from,
            Op::Caret => {
                let zeros = term.numbers.iter().take_while(|n| **n == 0).count();
                let keep = if zeros >= length { length } else { zeros + 1 };
                version >= from && below(keep)
            }
            Op::Tilde => version >= from && below(length.min(2)),
            Op::Compatible => length >= 2 && version >= from && below(length - 1),
            Op::AtLeast => version >= from,
            Op::Above if partial && !filled => !below(length),
            Op::Above => version > from,
            Op::Below => version < from,
            Op::AtMost if partial && !filled => below(length),
            Op::AtMost => version <= from,
        }
    })
}

/// A bound below which pre-releases of the bound itself do not fit either.
fn without_pre(mut bound: Version) -> Version {
    bound.pre = semver::Prerelease::new("0").unwrap_or(semver::Prerelease::EMPTY);
    bound
}

/// The term with the new version in its numbers.
fn raise(term: &Term<'_>, new: &Version, ecosystem: Ecosystem, full: bool) -> Result<String, FileError> {
    let numbers = [new.major, new.minor, new.patch];
    let length = term.numbers.len();
    let text = if full || (length >= 3 && term.wildcard.is_empty()) || term.pre {
        let mut plain = new.clone();
        // Requirements take no build metadata: it has no part in precedence.
        plain.build = BuildMetadata::EMPTY;
        let convention = match ecosystem {
            Ecosystem::Python => Convention::Pep440,
            _ => Convention::Semver,
        };
        render(&plain, convention)?
    } else {
        let parts: Vec<String> = numbers.iter().take(length).map(u64::to_string).collect();
        format!("{}{}", parts.join("."), term.wildcard)
    };
    Ok(format!("{}{}{text}", term.written, term.v))
}

/// The upper bound moved to the next version of its kind: `<2` to `<3`, `<1.3` to `<1.4`.
fn upper(term: &Term<'_>, new: &Version) -> Option<String> {
    let zeros = |from: usize| term.numbers.iter().skip(from).all(|n| *n == 0);
    if term.pre || !term.wildcard.is_empty() {
        return None;
    }
    // A bound that still fits need not move.
    let fits = *new < term.version;
    let minor = term.numbers.get(1).copied().unwrap_or(0);
    let mut next = match () {
        () if fits => term.version.clone(),
        () if zeros(1) => Version::new(new.major.checked_add(1)?, 0, 0),
        () if zeros(2) && minor > 0 => Version::new(new.major, new.minor.checked_add(1)?, 0),
        () => return None,
    };
    next.pre = semver::Prerelease::EMPTY;
    let parts: Vec<String> =
        [next.major, next.minor, next.patch].iter().take(term.numbers.len()).map(u64::to_string).collect();
    Some(format!("{}{}{}", term.written, term.v, parts.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(old: &str, new: &str, ecosystem: Ecosystem) -> Result<Option<String>, FileError> {
        requirement(old, &Version::parse(new).expect(new), ecosystem)
    }

    #[test]
    fn stays_or_is_raised() {
        use Ecosystem::*;
        for (ecosystem, old, new, expected) in [
            (Npm, "^1.2.0", "1.3.0", None),
            (Npm, "^1.2.0", "2.0.0", Some("^2.0.0")),
            (Npm, "~1.2", "1.2.9", None),
            (Npm, "~1.2", "1.3.4", Some("~1.3")),
            (Npm, "1.2.3", "1.2.4", Some("1.2.4")),
            (Npm, "=1.2.3", "1.2.4", Some("=1.2.4")),
            (Npm, "1.x", "1.9.0", None),
            (Npm, "1.x", "2.1.0", Some("2.x")),
            (Npm, "1", "1.9.0", None),
            (Npm, "v1.2.3", "1.3.0", Some("v1.3.0")),
            (Npm, "workspace:*", "9.0.0", None),
            (Npm, "workspace:^", "9.0.0", None),
            (Npm, "workspace:^1.2.0", "2.0.0", Some("workspace:^2.0.0")),
            (Npm, "workspace:1.2.0", "1.2.1", Some("workspace:1.2.1")),
            (Npm, "npm:^1.2.0", "2.0.0", Some("npm:^2.0.0")),
            (Npm, "file:../a", "2.0.0", None),
            (Npm, "catalog:", "2.0.0", None),
            (Npm, "latest", "2.0.0", None),
            (Npm, "user/repo", "2.0.0", None),
            (Npm, ">=1.0.0 <2.0.0", "2.1.0", Some(">=2.1.0 <3.0.0")),
            (Npm, "^1.0.0 || ^2.0.0", "2.5.0", None),
            (Npm, "^1.2.0", "1.3.0-rc.1", Some("^1.3.0-rc.1")),
            (Npm, "^1.3.0-rc.1", "1.3.0-rc.2", None),
            (Npm, "^1.3.0-rc.1", "1.3.0", None),
            (Npm, "~1.2", "1.3.0-rc.1", Some("~1.3.0-rc.1")),
            (Npm, "^0.2.3", "0.3.0", Some("^0.3.0")),
            (Npm, "^0.0.3", "0.0.4", Some("^0.0.4")),
            (Cargo, "1.2", "1.9.0", None),
            (Cargo, "1", "2.3.4", Some("2")),
            (Cargo, "0.3", "0.4.0", Some("0.4")),
            (Cargo, "=1.2.3", "1.2.4+b.1", Some("=1.2.4")),
            (Cargo, "= 1.2.3", "1.2.4", Some("= 1.2.4")),
            (Cargo, ">=1,<2", "2.1.0", Some(">=2,<3")),
            (Cargo, ">=1, <2", "1.5.0", None),
            (Cargo, ">= 1.2, < 1.3", "1.3.0", Some(">= 1.3, < 1.4")),
            (Cargo, "*", "2.0.0", None),
            (Cargo, "1.*", "2.0.0", Some("2.*")),
            (Cargo, "1", "2.0.0-rc.1", Some("2.0.0-rc.1")),
            (Python, ">=1.2,<2", "1.9.0", None),
            (Python, ">=1.2,<2", "2.0.0", Some(">=2.0,<3")),
            (Python, "~=1.2", "1.9.0", None),
            (Python, "~=1.2", "2.1.0", Some("~=2.1")),
            (Python, "~=1.2.3", "1.3.0", Some("~=1.3.0")),
            (Python, "==1.2.3", "1.2.4-rc.1", Some("==1.2.4rc1")),
            (Python, "==1.2.*", "1.3.1", Some("==1.3.*")),
            (Python, "==1.2", "1.2.0", None),
            (Python, ">=1.0", "2.0.0", None),
            (Python, "^1.2", "2.0.0", Some("^2.0")),
        ] {
            assert_eq!(run(old, new, ecosystem).expect(old).as_deref(), expected, "{old} for {new}");
        }
        for (ecosystem, old, new) in [
            (Npm, "^1.0.0 || ^2.0.0", "3.0.0"),
            (Npm, "1.0.0 - 2.0.0", "3.0.0"),
            (Npm, "npm:other@^1", "2.0.0"),
            (Npm, "<2.0.0", "2.0.0"),
            (Cargo, ">1.0, <1.2.5", "1.3.0"),
            (Cargo, "what", "1.3.0"),
            (Cargo, "", "1.3.0"),
            (Python, "!=1.2.3", "1.2.3"),
            (Python, "===1.2.3", "1.2.4"),
        ] {
            if old.is_empty() {
                assert_eq!(run(old, new, ecosystem), Ok(None));
            } else {
                assert!(run(old, new, ecosystem).is_err(), "{old} for {new}");
            }
        }
    }

    /// The semver crate implements Cargo's rules: both must agree on what is admitted.
    #[test]
    fn admits_what_cargo_admits() {
        let versions = [
            "0.0.1",
            "0.0.4",
            "0.3.0",
            "0.4.1",
            "1.0.0-a.1",
            "1.0.0",
            "1.2.0",
            "1.2.3",
            "1.3.0-rc.1",
            "1.3.0",
            "2.0.0-rc.1",
            "2.0.0",
            "2.1.0",
        ];
        let requirements = [
            "1",
            "1.2",
            "1.2.3",
            "^0.0.1",
            "^0.3",
            "0",
            "0.0",
            "~1",
            "~1.2",
            "~1.2.3",
            "=1",
            "=1.2",
            "=1.2.3",
            ">1",
            ">1.2",
            ">1.2.3",
            ">=1",
            "<1.2",
            "<2",
            "<=1",
            "<=1.2",
            "<=1.2.3",
            "1.*",
            "1.2.*",
            ">=1, <2",
            "^1.0.0-a.1",
            ">=1.3.0-rc.1, <2",
            "*",
        ];
        for requirement in requirements {
            let theirs = semver::VersionReq::parse(requirement).expect(requirement);
            let ours = read_terms(requirement, Ecosystem::Cargo).expect(requirement);
            for version in versions {
                let version = Version::parse(version).expect(version);
                if requirement == "*" && !version.pre.is_empty() {
                    continue;
                }
                assert_eq!(
                    admits(&ours, &version, Ecosystem::Cargo),
                    theirs.matches(&version),
                    "{requirement} and {version}"
                );
            }
        }
    }
}
