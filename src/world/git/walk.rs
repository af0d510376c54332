//! The commits met by one walk: each is read once, and found again by its number.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use crate::data::CommitId;

use super::error::Error;
use super::objects::{Objects, parse_hex};

/// A hasher for names that are hashes already.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

pub(super) type IdMap<V> = HashMap<CommitId, V, BuildHasherDefault<IdHasher>>;

/// A commit that a walk has met.
pub(super) struct Node {
    pub(super) id: CommitId,
    /// Committer time, seconds since 1970; the order of every walk.
    pub(super) time: i64,
    pub(super) parents: Range<u32>,
    pub(super) flags: u8,
    pub(super) read: bool,
}

/// Nodes and edges of the part of the history that was met.
#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    edges: Vec<u32>,
    index: IdMap<u32>,
}

impl Graph {
    /// The number of a commit, which need not have been read.
    pub(super) fn number(&mut self, id: CommitId) -> u32 {
        let next = self.nodes.len() as u32;
        let number = *self.index.entry(id).or_insert(next);
        if number == next {
            self.nodes.push(Node { id, time: 0, parents: 0..0, flags: 0, read: false });
        }
        number
    }

    pub(super) fn find(&self, id: CommitId) -> Option<u32> {
        self.index.get(&id).copied()
    }

    pub(super) fn node(&self, number: u32) -> &Node {
        &self.nodes[number as usize]
    }

    pub(super) fn node_mut(&mut self, number: u32) -> &mut Node {
        &mut self.nodes[number as usize]
    }

    pub(super) fn parents(&self, number: u32) -> &[u32] {
        let range = &self.node(number).parents;
        &self.edges[range.start as usize..range.end as usize]
    }

    /// Reads a commit once: its time and parents, none for a shallow boundary. Returns the rest of its headers and
    /// its message for who wants to keep them, `None` if it was read before.
    pub(super) fn read<'a>(
        &mut self,
        number: u32,
        objects: &'a mut Objects,
        shallow: &HashSet<CommitId>,
    ) -> Result<Option<Raw<'a>>, Error> {
        let id = self.node(number).id;
        if self.node(number).read {
            return Ok(None);
        }
        let raw = Raw::parse(objects.commit(id.as_bytes())?).ok_or_else(|| Error::corrupt("commit", id))?;
        let first = self.edges.len() as u32;
        if !shallow.contains(&id) {
            for line in raw.parents.chunks_exact(48) {
                let parent = parse_hex(&line[7..47]).ok_or_else(|| Error::corrupt("commit", id))?;
                let parent = self.number(CommitId::from_bytes(parent));
                self.edges.push(parent);
            }
        }
        let parents = first..self.edges.len() as u32;
        let node = self.node_mut(number);
        node.read = true;
        node.parents = parents;
        node.time = seconds(signature(raw.committer).1);
        Ok(Some(raw))
    }
}

/// The parts of a commit object, as `parse_commit_buffer` in git's `commit.c` reads them.
pub(super) struct Raw<'a> {
    pub(super) tree: [u8; 20],
    /// Lines of 48 bytes, `parent `, the name and a newline.
    pub(super) parents: &'a [u8],
    pub(super) author: &'a [u8],
    pub(super) committer: &'a [u8],
    pub(super) encoding: Option<&'a [u8]>,
    pub(super) message: &'a [u8],
}

impl<'a> Raw<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (tree, rest) = bytes.strip_prefix(b"tree ")?.split_at_checked(40)?;
        let tree = parse_hex(tree)?;
        let mut rest = rest.strip_prefix(b"\n")?;
        let count = rest
            .chunks_exact(48)
            .take_while(|line| line.starts_with(b"parent ") && line[47] == b'\n')
            .count();
        let (parents, after) = rest.split_at(count * 48);
        rest = after;
        let (mut author, mut committer, mut encoding): (&[u8], &[u8], _) = (b"", b"", None);
        let mut previous = bytes;
        loop {
            let Some((line, after)) = line(rest) else {
                // no blank line: a commit without a message
                return Some(Self { tree, parents, author, committer, encoding, message: b"" });
            };
            rest = after;
            if line.is_empty() {
                return Some(Self { tree, parents, author, committer, encoding, message: rest });
            }
            // lines that start with a space continue a signature or a merge tag
            if let Some(value) = line.strip_prefix(b"author ") {
                author = value;
            } else if let Some(value) = line.strip_prefix(b"committer ") {
                committer = value;
            } else if let Some(value) = line.strip_prefix(b"encoding ") {
                encoding = Some(value);
            } else if line.starts_with(b"parent ") && !previous.starts_with(b" ") {
                return None;
            }
            previous = line;
        }
    }
}

fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// Splits `Name <mail> seconds offset` behind the mail.
pub(super) fn signature(line: &[u8]) -> (&[u8], &[u8]) {
    line.split_at(memchr::memrchr(b'>', line).map_or(line.len(), |end| end + 1))
}

fn fields(when: &[u8]) -> impl Iterator<Item = &[u8]> {
    when.split(|byte| *byte == b' ').filter(|field| !field.is_empty())
}

/// The seconds of `seconds offset`. What is missing or odd is zero, as in git.
fn seconds(when: &[u8]) -> i64 {
    fields(when).next().map_or(0, number)
}

/// The same, and the offset in minutes.
pub(super) fn when(when: &[u8]) -> (i64, i16) {
    let offset = fields(when).nth(1).map_or(0, number);
    (seconds(when), i16::try_from(offset / 100 * 60 + offset % 100).unwrap_or(0))
}

fn number(field: &[u8]) -> i64 {
    std::str::from_utf8(field).ok().and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// A commit that waits for its turn: newest first, then by name, so that the order never depends on chance.
#[derive(PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) time: i64,
    pub(super) id: CommitId,
    pub(super) number: u32,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.time.cmp(&other.time).then_with(|| other.id.cmp(&self.id))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Commits that wait, newest first.
#[derive(Default)]
pub(super) struct Queue(BinaryHeap<Waiting>);

impl Queue {
    pub(super) fn push(&mut self, graph: &Graph, number: u32) {
        let node = graph.node(number);
        self.0.push(Waiting { time: node.time, id: node.id, number });
    }

    pub(super) fn pop(&mut self) -> Option<u32> {
        Some(self.0.pop()?.number)
    }

    pub(super) fn newest(&self) -> Option<i64> {
        Some(self.0.peek()?.time)
    }
}

const QUEUED: u8 = 0x80;

/// Walks from several sides at once, newest commits first, and carries each side's colour to the parents. A commit
/// that gains a colour after its turn gets another turn, so colours are right whatever the clocks said.
pub(super) struct Painter<'a> {
    pub(super) graph: Graph,
    queue: Queue,
    objects: &'a mut Objects,
    shallow: &'a HashSet<CommitId>,
    /// Commits of this colour need no further look by themselves.
    closed: u8,
    open: usize,
}

impl<'a> Painter<'a> {
    pub(super) fn new(objects: &'a mut Objects, shallow: &'a HashSet<CommitId>, closed: u8) -> Self {
        Self { graph: Graph::default(), queue: Queue::default(), objects, shallow, closed, open: 0 }
    }

    /// Gives a commit colours; if any is new the commit waits for its turn. Returns its content when it is read now.
    pub(super) fn paint(&mut self, number: u32, colours: u8) -> Result<Option<Raw<'_>>, Error> {
        let before = self.graph.node(number).flags;
        let after = before | colours;
        if before == after {
            return Ok(None);
        }
        let raw = self.graph.read(number, self.objects, self.shallow)?;
        if before & QUEUED == 0 {
            self.queue.push(&self.graph, number);
        } else if before & self.closed == 0 {
            self.open -= 1;
        }
        if after & self.closed == 0 {
            self.open += 1;
        }
        self.graph.node_mut(number).flags = after | QUEUED;
        Ok(raw)
    }

    /// Reads a commit that no side has met yet. `false` where it was read before.
    pub(super) fn read(&mut self, number: u32) -> Result<bool, Error> {
        Ok(self.graph.read(number, self.objects, self.shallow)?.is_some())
    }

    /// Starts a side at a commit.
    pub(super) fn start(&mut self, id: CommitId, colours: u8) -> Result<u32, Error> {
        let number = self.graph.number(id);
        self.paint(number, colours)?;
        Ok(number)
    }

    pub(super) fn parent(&self, number: u32, index: usize) -> Option<u32> {
        self.graph.parents(number).get(index).copied()
    }

    /// Paints all the parents.
    pub(super) fn parents(&mut self, number: u32, colours: u8) -> Result<(), Error> {
        let mut index = 0;
        while let Some(parent) = self.parent(number, index) {
            self.paint(parent, colours)?;
            index += 1;
        }
        Ok(())
    }

    /// The next commit and its colours.
    pub(super) fn next(&mut self) -> Option<(u32, u8)> {
        let number = self.queue.pop()?;
        let node = self.graph.node_mut(number);
        node.flags &= !QUEUED;
        let flags = node.flags;
        if flags & self.closed == 0 {
            self.open -= 1;
        }
        Some((number, flags))
    }

    /// Whether a commit waits that is not of a closed colour.
    pub(super) fn is_open(&self) -> bool {
        self.open > 0
    }

    pub(super) fn newest(&self) -> Option<i64> {
        self.queue.newest()
    }

    /// The shallow boundaries among the commits that this filter takes.
    pub(super) fn boundary(&self, mut takes: impl FnMut(u8) -> bool) -> Vec<CommitId> {
        let nodes = self.graph.nodes.iter().filter(|node| node.read && takes(node.flags));
        let mut ids: Vec<_> = nodes.map(|node| node.id).filter(|id| self.shallow.contains(id)).collect();
        ids.sort_unstable();
        ids
    }
}

/// Decides how long a walk goes on among commits that are settled already, because a clock that ran slow may still
/// bring one that settles more.
///
/// git has the same two rules, each in another place: a day of slop (`CUTOFF_DATE_SLOP` in `builtin/name-rev.c`) and a
/// number of further commits (`SLOP` in `revision.c`, there 5). Both must be used up here.
pub(super) struct Slop {
    oldest: i64,
    left: u32,
}

impl Slop {
    pub(super) const COMMITS: u32 = 256;
    const SECONDS: i64 = 24 * 60 * 60;

    pub(super) fn new() -> Self {
        Self { oldest: i64::MAX, left: Self::COMMITS }
    }

    /// A commit of this time must not be judged too early.
    pub(super) fn guard(&mut self, time: i64) {
        self.oldest = self.oldest.min(time);
    }

    /// Whether a walk whose next commit has this time must go on.
    pub(super) fn goes_on(&mut self, next: Option<i64>) -> bool {
        let Some(next) = next else { return false };
        if self.oldest == i64::MAX {
            return false;
        }
        if next >= self.oldest.saturating_sub(Self::SECONDS) {
            return true;
        }
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }
}
