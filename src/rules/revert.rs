//! Which commits of a range cancel each other: a revert and what it reverts.
//!
//! Bump and changelog both ask here, so that they agree (the peers' disagree: commit-analyzer#323,
//! commit-and-tag-version#132).

use std::collections::{HashMap, HashSet};

use super::commit::{Parsed, Target};
use crate::data::CommitId;

/// A commit, as the rules need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit<'a> {
    /// Its name.
    pub id: CommitId,
    /// What its message says.
    pub message: Parsed<'a>,
}

/// What becomes of a commit within its range. The numbers are indices into the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It counts.
    Kept,
    /// A later commit of the range reverts it: it does not count.
    RevertedBy(usize),
    /// It is a revert, and all that it reverts lies in the range (one is named): it does not count either.
    Reverts(usize),
}

/// Says which commits of a range cancel each other.
///
/// `commits` are newest first, as `git log` lists them; a commit comes before its ancestors. A revert that is itself
/// reverted does nothing, so a revert of a revert brings the commit back. A revert names commits by id, full or of at
/// least 7 digits, or else by header, which then is that of the nearest earlier commit that is still in force; the
/// pull request number at the end of a header is ignored when there is no exact match. A revert with a target outside
/// of the range is kept: it undoes something that was released.
///
/// Linear in the commits but for the sorting of their ids, which is done only when a revert names one.
pub fn cancelled(commits: &[Commit<'_>]) -> Vec<Fate> {
    let mut fates = vec![Fate::Kept; commits.len()];
    let mut index = Index::new(commits);
    for (at, commit) in commits.iter().enumerate() {
        if commit.message.revert.is_none() || fates[at] != Fate::Kept {
            continue;
        }
        let mut outside = false;
        let mut found = None;
        for target in commit.message.revert_targets() {
            let hit = match &target {
                Target::Sha(prefix) => index.by_prefix(prefix),
                Target::Header(header) => index.by_header(header, at, &fates),
            };
            match hit.filter(|hit| *hit > at) {
                None => outside = true,
                Some(hit) => {
                    if fates[hit] == Fate::Kept {
                        fates[hit] = Fate::RevertedBy(at);
                    }
                    found.get_or_insert(hit);
                }
            }
        }
        if let (Some(hit), false) = (found, outside) {
            fates[at] = Fate::Reverts(hit);
        }
    }
    fates
}

/// The range by id and by header, made when first asked.
struct Index<'c, 'a> {
    commits: &'c [Commit<'a>],
    ids: Option<Vec<(CommitId, usize)>>,
    headers: Option<Headers<'a>>,
}

/// Indices by header and by header without pull request number, the oldest first.
type Headers<'a> = (HashMap<&'a str, Vec<usize>>, HashMap<&'a str, Vec<usize>>);

impl<'c, 'a> Index<'c, 'a> {
    fn new(commits: &'c [Commit<'a>]) -> Self {
        Self { commits, ids: None, headers: None }
    }

    /// The only commit with this abbreviated id.
    fn by_prefix(&mut self, prefix: &str) -> Option<usize> {
        let ids = self.ids.get_or_insert_with(|| {
            let mut ids: Vec<_> = self.commits.iter().enumerate().map(|(at, c)| (c.id, at)).collect();
            ids.sort_unstable();
            ids
        });
        let lowest: CommitId = format!("{prefix:0<40}").parse().ok()?;
        let from = ids.partition_point(|(id, _)| *id < lowest);
        let (id, at) = ids.get(from)?;
        let ambiguous = ids.get(from + 1).is_some_and(|(next, _)| next.has_prefix(prefix));
        (id.has_prefix(prefix) && !ambiguous).then_some(*at)
    }

    /// The nearest commit older than `after` with this header that is still in force.
    fn by_header(&mut self, header: &str, after: usize, fates: &[Fate]) -> Option<usize> {
        let (exact, bare) = self.headers.get_or_insert_with(|| {
            let mut maps = Headers::default();
            let targets = self.commits.iter().flat_map(|commit| commit.message.revert_targets());
            let wanted: HashSet<String> = targets
                .filter_map(|target| match target {
                    Target::Header(header) => Some(without_request(&header).to_owned()),
                    Target::Sha(_) => None,
                })
                .collect();
            for (at, commit) in self.commits.iter().enumerate().rev() {
                if !wanted.contains(without_request(commit.message.header)) {
                    continue;
                }
                maps.0.entry(commit.message.header).or_default().push(at);
                maps.1.entry(without_request(commit.message.header)).or_default().push(at);
            }
            maps
        });
        nearest(exact.get_mut(header), after, fates)
            .or_else(|| nearest(bare.get_mut(without_request(header)), after, fates))
    }
}

/// Takes from the newest end what is not older than `after` or no longer in force; later calls ask for older ones.
fn nearest(at: Option<&mut Vec<usize>>, after: usize, fates: &[Fate]) -> Option<usize> {
    let at = at?;
    while at.pop_if(|last| *last <= after || fates[*last] != Fate::Kept).is_some() {}
    at.last().copied()
}

fn without_request(header: &str) -> &str {
    let bare = super::commit::trailing_request(header);
    bare.map_or(header, |(before, _)| before)
}

#[cfg(test)]
mod tests;
