//! Compares the rules with the releases that a repository really made.

use semver::Version;

use super::bump::{Decision, Level, RuleSet, decide};
use super::commit::Reading;
use super::revert::Commit;
use super::tag::TagPattern;
use super::version::{Zero, distance};

/// A tag that names a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release<'t> {
    /// The tag.
    pub tag: &'t str,
    /// Its version.
    pub version: Version,
}

/// Two releases that follow each other; the commits between are those of `git log from..to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair<'t> {
    /// The lower one.
    pub from: Release<'t>,
    /// The higher one.
    pub to: Release<'t>,
}

/// Pairs the stable tags by version, each with the next higher one.
///
/// Only tags that are written as the pattern writes them count: a history that went from `v1.2.3` to `1.2.3` changed
/// its release tooling at that point, and what came before says nothing about the rules in force. Of several tags that
/// differ in build metadata alone, the first counts. Two tags of one commit are a pair with an empty range.
pub fn pairs<'t>(tags: &[&'t str], pattern: &TagPattern) -> Vec<Pair<'t>> {
    let mut releases: Vec<_> = tags
        .iter()
        .filter_map(|tag| Some(Release { tag, version: pattern.parse_exact(tag)? }))
        .filter(|release| release.version.pre.is_empty())
        .collect();
    releases.sort_by(|a, b| a.version.cmp(&b.version));
    releases.dedup_by(|a, b| a.version.cmp_precedence(&b.version).is_eq());
    releases.windows(2).map(|two| Pair { from: two[0].clone(), to: two[1].clone() }).collect()
}

/// How a pair compares with the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The rules come to the step that was published.
    Equal,
    /// A commit of the range raises the version, but by another step than the published one.
    Contradicting,
    /// No commit of the range raises the version: the rules would not have released.
    NoBump,
    /// The release left 0.x although the rules in force keep to it: a person decided so, and no rule could.
    Graduated,
}

/// What the rules say about a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<'r> {
    /// The comparison.
    pub verdict: Verdict,
    /// The step that was published: the highest number that differs, however far it went.
    pub published: Level,
    /// The step that the rules come to, by the rules of 0.x where they apply.
    pub computed: Level,
    /// Why.
    pub decision: Decision<'r>,
}

/// Compares one pair with the rules. `commits` are those of the range, newest first.
pub fn classify<'r>(
    pair: &Pair<'_>,
    commits: &[Commit<'_>],
    rules: &'r RuleSet,
    reading: Reading,
    zero: Zero,
) -> Outcome<'r> {
    let (from, to) = (&pair.from.version, &pair.to.version);
    let decision = decide(commits, rules, reading);
    let computed = zero.apply(from, decision.level);
    let published = distance(from, to);
    let verdict = if computed == Level::None {
        Verdict::NoBump
    } else if computed == published {
        Verdict::Equal
    } else if from.major == 0 && to.major > 0 {
        Verdict::Graduated
    } else {
        Verdict::Contradicting
    };
    Outcome { verdict, published, computed, decision }
}

/// How many pairs compare in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Tally {
    /// All pairs.
    pub pairs: usize,
    /// Those that are [`Verdict::Equal`].
    pub equal: usize,
    /// Those that are [`Verdict::Contradicting`].
    pub contradicting: usize,
    /// Those that are [`Verdict::NoBump`].
    pub no_bump: usize,
    /// Those that are [`Verdict::Graduated`].
    pub graduated: usize,
}

impl Tally {
    /// Counts one more pair.
    pub fn add(&mut self, verdict: Verdict) {
        self.pairs += 1;
        *match verdict {
            Verdict::Equal => &mut self.equal,
            Verdict::Contradicting => &mut self.contradicting,
            Verdict::NoBump => &mut self.no_bump,
            Verdict::Graduated => &mut self.graduated,
        } += 1;
    }
}

impl Extend<Verdict> for Tally {
    fn extend<I: IntoIterator<Item = Verdict>>(&mut self, verdicts: I) {
        verdicts.into_iter().for_each(|verdict| self.add(verdict));
    }
}

#[cfg(test)]
mod tests;
