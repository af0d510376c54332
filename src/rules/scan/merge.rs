//! One finding for each weakness, however many scanners saw it.
//!
//! Two findings are the same weakness when they share a key: of a package, one of its advisory's names together with
//! the package (not the version, not the file: scanners name the same file in different ways); of a secret, the line;
//! of anything else, the rule, or the CWE number, together with the line. What shares keys by way of a third finding
//! is one weakness too, so the result does not depend on the order in which reports are read, and merging what is
//! merged changes nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Finding, Kind};

/// What a finding is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key<'f> {
    /// An advisory's name and a package.
    Package(&'f str, &'f str),
    /// A rule, a file and a line.
    Rule(&'f str, &'f str, Option<u32>),
    /// A CWE number, a file and a line.
    Cwe(u32, &'f str, u32),
    /// A file and a line with a secret.
    Secret(&'f str, u32),
    /// A rule and what it says, of something that has no place.
    Nowhere(&'f str, &'f str),
}

/// What a finding is known by, all of it.
pub fn keys(finding: &Finding) -> impl Iterator<Item = Key<'_>> {
    let package = finding.package.as_deref();
    let place = finding.places.first();
    let by_id = finding.ids.iter().map(move |id| match (package, place) {
        (Some(package), _) => Key::Package(id, package),
        (None, Some(place)) => Key::Rule(id, &place.path, place.line),
        (None, None) => Key::Nowhere(id, &finding.title),
    });
    let at = place.filter(|_| package.is_none()).and_then(|p| Some((&*p.path, p.line?)));
    let by_cwe = finding.cwes.iter().filter_map(move |cwe| at.map(|(path, line)| Key::Cwe(*cwe, path, line)));
    let secret = at.filter(|_| finding.kind == Kind::Secret).map(|(path, line)| Key::Secret(path, line));
    by_id.chain(by_cwe).chain(secret)
}

/// The representative of each finding, by union-find with halved paths.
struct Sets(Vec<usize>);

impl Sets {
    fn find(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.find(one), self.find(other));
        // The earlier one stands for both.
        self.0[one.max(other)] = one.min(other);
    }
}

/// Merges findings; the worst come first.
pub fn merge(mut findings: Vec<Finding>) -> Vec<Finding> {
    let mut sets = Sets((0..findings.len()).collect());
    let mut seen: HashMap<Key<'_>, usize> = HashMap::with_capacity(findings.len());
    for (at, finding) in findings.iter().enumerate() {
        for key in keys(finding) {
            match seen.entry(key) {
                Entry::Occupied(first) => sets.join(*first.get(), at),
                Entry::Vacant(free) => {
                    free.insert(at);
                }
            }
        }
    }
    drop(seen);
    // In place: a second list would double the memory. The first of each set stands for it, and so comes before what is
    // folded into it.
    for at in 0..findings.len() {
        let first = sets.find(at);
        if let Some((before, [other, ..])) = findings.split_at_mut_checked(at)
            && let Some(known) = before.get_mut(first)
        {
            fold(known, other);
        }
    }
    let mut at = 0;
    findings.retain(|_| {
        at += 1;
        sets.find(at - 1) == at - 1
    });
    findings.sort_unstable_by(Finding::alarm);
    findings
}

/// Adds what another report says of the same weakness. The order of the reports does not matter.
fn fold(known: &mut Finding, other: &mut Finding) {
    fn add<T: Ord>(set: &mut Vec<T>, more: &mut Vec<T>) {
        if more.iter().any(|m| set.binary_search(m).is_err()) {
            set.append(more);
            set.sort_unstable();
            set.dedup();
        }
    }
    fn greater(one: Option<f32>, other: Option<f32>) -> Option<f32> {
        match (one, other) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        }
    }
    add(&mut known.ids, &mut other.ids);
    add(&mut known.cwes, &mut other.cwes);
    add(&mut known.versions, &mut other.versions);
    add(&mut known.fixed, &mut other.fixed);
    add(&mut known.places, &mut other.places);
    add(&mut known.scanners, &mut other.scanners);
    known.kind = known.kind.max(other.kind);
    known.severity = known.severity.max(other.severity);
    known.score = greater(known.score, other.score);
    known.epss = greater(known.epss, other.epss);
    known.kev |= other.kev;
    // Of several titles, one that says more than a name; then the shortest.
    fn rank(title: &str) -> (bool, usize, &str) {
        (!title.contains(' '), title.len(), title)
    }
    if rank(&other.title) < rank(&known.title) {
        known.title = std::mem::take(&mut other.title);
    }
    known.line_hash = match (known.line_hash.take(), other.line_hash.take()) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
}
