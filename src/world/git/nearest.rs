//! Which tagged commits are the nearest, and what is an ancestor of what.

use std::collections::HashSet;

use crate::data::CommitId;

use super::error::Error;
use super::objects::Objects;
use super::walk::{IdMap, Painter, Slop};

/// What a search for marked commits found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nearest {
    /// The marked commits, newest committer date first.
    pub commits: Vec<CommitId>,
    /// Shallow boundaries where the search had to stop although it was not done: if there are any, more marks may lie
    /// behind them and nothing may be concluded from what is missing.
    pub boundary: Vec<CommitId>,
}

const HEAD: u8 = 1;
const HIDDEN: u8 = 2;
const FOUND: u8 = 4;
const WANTED: u8 = 8;

pub(super) fn nearest(
    objects: &mut Objects,
    shallow: &HashSet<CommitId>,
    head: CommitId,
    marks: &[CommitId],
) -> Result<Nearest, Error> {
    let marks: IdMap<()> = marks.iter().map(|id| (*id, ())).collect();
    let mut painter = Painter::new(objects, shallow, HIDDEN);
    painter.start(head, HEAD)?;
    let mut found = Vec::new();
    let mut slop = Slop::new();
    while painter.is_open() || slop.goes_on(painter.newest()) {
        let Some((number, flags)) = painter.next() else {
            break;
        };
        if flags & HIDDEN != 0 {
            painter.parents(number, HIDDEN)?;
            continue;
        }
        let node = painter.graph.node_mut(number);
        if marks.contains_key(&node.id) {
            // only marks can be judged too early: what is not one need not be known exactly
            slop.guard(node.time);
            node.flags |= FOUND;
            found.push(number);
            painter.parents(number, HIDDEN)?;
        } else {
            painter.parents(number, HEAD)?;
        }
    }
    found.retain(|number| painter.graph.node(*number).flags & HIDDEN == 0);
    found.sort_by_key(|number| {
        let node = painter.graph.node(*number);
        (std::cmp::Reverse(node.time), node.id)
    });
    Ok(Nearest {
        commits: found.iter().map(|number| painter.graph.node(*number).id).collect(),
        boundary: painter.boundary(|flags| flags & (HEAD | HIDDEN | FOUND) == HEAD),
    })
}

pub(super) fn reachable(
    objects: &mut Objects,
    shallow: &HashSet<CommitId>,
    head: CommitId,
    candidates: &[CommitId],
) -> Result<Nearest, Error> {
    let mut painter = Painter::new(objects, shallow, FOUND);
    let mut slop = Slop::new();
    let mut wanted = Vec::new();
    for id in candidates {
        let number = painter.graph.number(*id);
        if painter.read(number)? {
            let node = painter.graph.node_mut(number);
            node.flags |= WANTED;
            slop.guard(node.time);
            wanted.push(number);
        }
    }
    painter.start(head, HEAD)?;
    let mut left = wanted.len();
    while left > 0 && slop.goes_on(painter.newest()) {
        let Some((number, flags)) = painter.next() else {
            break;
        };
        if flags & (WANTED | FOUND) == WANTED {
            painter.graph.node_mut(number).flags |= FOUND;
            left -= 1;
        }
        painter.parents(number, HEAD)?;
    }
    wanted.retain(|number| painter.graph.node(*number).flags & FOUND != 0);
    wanted.sort_by_key(|number| {
        let node = painter.graph.node(*number);
        (std::cmp::Reverse(node.time), node.id)
    });
    let boundary = if left > 0 { painter.boundary(|flags| flags & HEAD != 0) } else { Vec::new() };
    Ok(Nearest { commits: wanted.iter().map(|number| painter.graph.node(*number).id).collect(), boundary })
}

const ONE: u8 = 1;
const TWO: u8 = 2;
const STALE: u8 = 4;
const RESULT: u8 = 8;

/// Whether the first commit is the second or one of its ancestors. Exact for any clocks, as the walk ends only when
/// all that is left is an ancestor of both.
pub(super) fn is_ancestor(
    objects: &mut Objects,
    shallow: &HashSet<CommitId>,
    ancestor: CommitId,
    descendant: CommitId,
) -> Result<bool, Error> {
    let mut painter = Painter::new(objects, shallow, STALE);
    let number = painter.start(ancestor, ONE)?;
    painter.start(descendant, TWO)?;
    common(&mut painter, |painter| painter.graph.node(number).flags & TWO != 0)?;
    Ok(painter.graph.node(number).flags & TWO != 0)
}

/// The best common ancestors, newest first: those that are no ancestors of each other.
pub(super) fn merge_bases(
    objects: &mut Objects,
    shallow: &HashSet<CommitId>,
    one: CommitId,
    two: CommitId,
) -> Result<Vec<CommitId>, Error> {
    let mut painter = Painter::new(objects, shallow, STALE);
    painter.start(one, ONE)?;
    painter.start(two, TWO)?;
    let results = common(&mut painter, |_| false)?;
    let mut bases: Vec<_> = results
        .into_iter()
        .map(|number| painter.graph.node(number))
        .filter(|node| node.flags & STALE == 0)
        .map(|node| (std::cmp::Reverse(node.time), node.id))
        .collect();
    bases.sort_unstable();
    let bases: Vec<CommitId> = bases.into_iter().map(|(_, id)| id).collect();
    // with clocks that ran slow a result may be an ancestor of another one
    let mut best = Vec::new();
    for base in &bases {
        let mut redundant = false;
        for other in bases.iter().filter(|other| *other != base) {
            redundant = redundant || is_ancestor(objects, shallow, *base, *other)?;
        }
        if !redundant {
            best.push(*base);
        }
    }
    Ok(best)
}

/// Paints both histories until only common ancestors of common ancestors are left (`paint_down_to_common` in git's
/// `commit-reach.c`).
fn common<'a>(painter: &mut Painter<'a>, done: impl Fn(&Painter<'a>) -> bool) -> Result<Vec<u32>, Error> {
    let mut results = Vec::new();
    while painter.is_open() && !done(painter) {
        let Some((number, flags)) = painter.next() else {
            break;
        };
        let mut colours = flags & (ONE | TWO | STALE);
        if colours == ONE | TWO {
            if flags & RESULT == 0 {
                painter.graph.node_mut(number).flags |= RESULT;
                results.push(number);
            }
            colours |= STALE;
        }
        painter.parents(number, colours)?;
    }
    Ok(results)
}
