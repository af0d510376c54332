//! Commits of a range, each read once, in one piece of memory.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use crate::data::CommitId;
use crate::rules::text::decode;

use super::error::Error;
use super::objects::Objects;
use super::walk::{Graph, Painter, Queue, Raw, Slop, signature, when};

const TIP: u8 = 1;
const HIDDEN: u8 = 2;

/// A moment, and the offset from UTC that its author's clock had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Seconds since 1970-01-01 00:00 UTC.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub offset_minutes: i16,
}

/// Where the text of a commit is: its author, the name of its encoding and its message, one behind the other.
#[derive(Clone, Copy, Default)]
struct Record {
    block: u32,
    start: u32,
    author: u32,
    encoding: u32,
    message: u32,
}

/// The commits of a range: newest first, no parent before its children.
///
/// Among commits whose children are all listed the newest committer date goes first, and of equal dates the smallest
/// name, so that the order depends on nothing but the commits. It is the order of `git log --date-order`
/// (<https://git-scm.com/docs/git-log>), in which equal dates are listed as they were met.
pub struct History {
    graph: Graph,
    texts: Texts,
    order: Vec<u32>,
    boundary: Vec<CommitId>,
}

impl History {
    /// Commits reachable from the tips and not from what is hidden.
    pub(super) fn read(
        objects: &mut Objects,
        shallow: &HashSet<CommitId>,
        tips: &[CommitId],
        hide: &[CommitId],
    ) -> Result<Self, Error> {
        let mut texts = Texts::default();
        let mut painter = Painter::new(objects, shallow, HIDDEN);
        if hide.is_empty() {
            let (graph, boundary) = everything(objects, shallow, tips, &mut texts)?;
            return Ok(Self::sorted(graph, boundary, texts));
        }
        for id in hide {
            painter.start(*id, HIDDEN)?;
        }
        for id in tips {
            let number = painter.graph.number(*id);
            if let Some(raw) = painter.paint(number, TIP)? {
                texts.keep(number, &raw);
            }
        }
        let mut slop = Slop::new();
        while painter.is_open() || slop.goes_on(painter.newest()) {
            let Some((number, flags)) = painter.next() else {
                break;
            };
            if flags & HIDDEN != 0 {
                painter.parents(number, HIDDEN)?;
                continue;
            }
            slop.guard(painter.graph.node(number).time);
            let mut index = 0;
            while let Some(parent) = painter.parent(number, index) {
                if let Some(raw) = painter.paint(parent, TIP)? {
                    texts.keep(parent, &raw);
                }
                index += 1;
            }
        }
        let boundary = painter.boundary(|flags| flags & (TIP | HIDDEN) == TIP);
        Ok(Self::sorted(painter.graph, boundary, texts))
    }

    fn sorted(mut graph: Graph, boundary: Vec<CommitId>, mut texts: Texts) -> Self {
        texts.records.resize(graph.nodes.len(), Record::default());
        let order = order(&mut graph);
        Self { graph, texts, order, boundary }
    }

    /// How many commits there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is no commit at all.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The commits in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Commit<'_>> + ExactSizeIterator {
        self.order.iter().map(|number| Commit { history: self, number: *number })
    }

    /// The commit at a place of the order.
    pub fn get(&self, place: usize) -> Option<Commit<'_>> {
        self.order.get(place).map(|number| Commit { history: self, number: *number })
    }

    /// Shallow boundaries among the commits: what came before them was not fetched, so the range may be incomplete.
    pub fn boundary(&self) -> &[CommitId] {
        &self.boundary
    }

    /// Prepares to read ranges of this history. It must have been read with nothing hidden.
    pub fn ranges(&self) -> Ranges<'_> {
        let mut place = vec![u32::MAX; self.graph.nodes.len()];
        for (at, number) in (0..).zip(&self.order) {
            place[*number as usize] = at;
        }
        Ranges { history: self, place, colours: vec![0; self.graph.nodes.len()], touched: Vec::new() }
    }

    /// Says for each commit, in the order of [`History::iter`], to which mark it belongs: the first in the order given
    /// whose history contains it. Marks in the order of release, oldest first, give the commits of each release, and
    /// `None` those of no release. Marks outside this history are passed over. Each commit is looked at once.
    pub fn split(&self, marks: &[(CommitId, usize)]) -> Vec<Option<usize>> {
        let mut owner = vec![None; self.graph.nodes.len()];
        let mut stack = Vec::new();
        for (id, mark) in marks {
            stack.extend(self.graph.find(*id));
            while let Some(number) = stack.pop() {
                // an owned commit's history is owned: each mark takes all that it can reach
                let node = self.graph.node(number);
                if node.flags & (TIP | HIDDEN) == TIP && owner[number as usize].is_none() {
                    owner[number as usize] = Some(*mark);
                    stack.extend_from_slice(self.graph.parents(number));
                }
            }
        }
        self.order.iter().map(|number| owner[*number as usize]).collect()
    }
}

/// Reads ranges out of one [`History`], where many are wanted: each commit was read once.
pub struct Ranges<'a> {
    history: &'a History,
    /// The place of each node in the order.
    place: Vec<u32>,
    colours: Vec<u8>,
    touched: Vec<u32>,
}

impl<'a> Ranges<'a> {
    /// The commits of this history that `to` reaches and `from` does not, in its order: those of `git log from..to`.
    /// `None` where one of the two is not in this history.
    ///
    /// Exact whatever the clocks said: no parent comes before its children, so a commit's colours are known when its
    /// turn comes. The walk ends where all that is left is in the history of `from`.
    pub fn between(&mut self, from: CommitId, to: CommitId) -> Option<Vec<Commit<'a>>> {
        for number in self.touched.drain(..) {
            self.colours[number as usize] = 0;
        }
        let (from, to) = (self.find(from)?, self.find(to)?);
        let mut queue = BinaryHeap::new();
        let mut open = 0;
        self.paint(from, HIDDEN, &mut queue, &mut open);
        self.paint(to, TIP, &mut queue, &mut open);
        let mut found = Vec::new();
        while open > 0 {
            let Some(Reverse((_, number))) = queue.pop() else { break };
            let colour = self.colours[number as usize];
            if colour == TIP {
                open -= 1;
                found.push(Commit { history: self.history, number });
            }
            for parent in self.history.graph.parents(number) {
                self.paint(*parent, colour, &mut queue, &mut open);
            }
        }
        Some(found)
    }

    fn find(&self, id: CommitId) -> Option<u32> {
        let number = self.history.graph.find(id)?;
        (self.place[number as usize] != u32::MAX).then_some(number)
    }

    /// Gives a commit a colour; it waits for its turn from the first on. `open` counts those that wait and are not
    /// hidden.
    fn paint(
        &mut self,
        number: u32,
        colour: u8,
        queue: &mut BinaryHeap<Reverse<(u32, u32)>>,
        open: &mut usize,
    ) {
        let before = self.colours[number as usize];
        let after = if (before | colour) & HIDDEN != 0 { HIDDEN } else { TIP };
        self.colours[number as usize] = after;
        if before == 0 {
            self.touched.push(number);
            queue.push(Reverse((self.place[number as usize], number)));
        }
        *open += usize::from(after == TIP && before != TIP);
        *open -= usize::from(before == TIP && after != TIP);
    }
}

/// Reads all that the tips reach, in the order in which it is met: nothing is hidden, so no date matters yet.
fn everything(
    objects: &mut Objects,
    shallow: &HashSet<CommitId>,
    tips: &[CommitId],
    texts: &mut Texts,
) -> Result<(Graph, Vec<CommitId>), Error> {
    let mut graph = Graph::default();
    let mut boundary = Vec::new();
    let mut stack: Vec<u32> = tips.iter().rev().map(|id| graph.number(*id)).collect();
    while let Some(number) = stack.pop() {
        let Some(raw) = graph.read(number, objects, shallow)? else {
            continue;
        };
        texts.keep(number, &raw);
        graph.node_mut(number).flags = TIP;
        let parents = graph.parents(number);
        stack.extend(parents.iter().rev().filter(|parent| !graph.node(**parent).read));
        let id = graph.node(number).id;
        if shallow.contains(&id) {
            boundary.push(id);
        }
    }
    boundary.sort_unstable();
    Ok((graph, boundary))
}

fn order(graph: &mut Graph) -> Vec<u32> {
    let listed = |graph: &Graph, number: u32| graph.node(number).flags & (TIP | HIDDEN) == TIP;
    let mut children = vec![0u32; graph.nodes.len()];
    let numbers = 0..graph.nodes.len() as u32;
    for number in numbers.clone().filter(|number| listed(graph, *number)) {
        for parent in graph.parents(number) {
            children[*parent as usize] += 1;
        }
    }
    let mut queue = Queue::default();
    for number in numbers.filter(|number| listed(graph, *number) && children[*number as usize] == 0) {
        queue.push(graph, number);
    }
    let mut order = Vec::new();
    while let Some(number) = queue.pop() {
        order.push(number);
        for parent in graph.parents(number) {
            let left = &mut children[*parent as usize];
            *left -= 1;
            if *left == 0 && listed(graph, *parent) {
                queue.push(graph, *parent);
            }
        }
    }
    order
}

/// Messages, authors and names of encodings, as the commits have them, in blocks that are never moved.
#[derive(Default)]
struct Texts {
    blocks: Vec<Vec<u8>>,
    records: Vec<Record>,
}

impl Texts {
    const BLOCK: usize = 1 << 20;

    fn keep(&mut self, number: u32, raw: &Raw<'_>) {
        let number = number as usize;
        if self.records.len() <= number {
            self.records.resize(number + 1, Record::default());
        }
        let parts = [raw.author, raw.encoding.unwrap_or_default(), raw.message];
        let length = parts.iter().map(|part| part.len()).sum();
        let full = self.blocks.last().is_none_or(|block| block.capacity() - block.len() < length);
        if full {
            self.blocks.push(Vec::with_capacity(length.max(Self::BLOCK)));
        }
        let index = self.blocks.len() - 1;
        let block = &mut self.blocks[index];
        let start = block.len() as u32;
        let [author, encoding, message] = parts.map(|part| {
            block.extend_from_slice(part);
            part.len() as u32
        });
        self.records[number] = Record { block: index as u32, start, author, encoding, message };
    }

    /// The three parts.
    fn get(&self, number: u32) -> [&[u8]; 3] {
        let Record { block, start, author, encoding, message } = self.records[number as usize];
        let mut rest = self.blocks.get(block as usize).map_or(&[][..], |block| &block[start as usize..]);
        [author, encoding, message].map(|length| {
            let (part, after) = rest.split_at(length as usize);
            rest = after;
            part
        })
    }
}

/// A commit of a [`History`].
#[derive(Clone, Copy)]
pub struct Commit<'a> {
    history: &'a History,
    number: u32,
}

impl<'a> Commit<'a> {
    /// Author, name of the encoding, message.
    fn texts(&self) -> [&'a [u8]; 3] {
        self.history.texts.get(self.number)
    }

    /// The commit's name.
    pub fn id(&self) -> CommitId {
        self.history.graph.node(self.number).id
    }

    /// The names of its parents, also of those outside the range; none at a shallow boundary.
    pub fn parents(&self) -> impl ExactSizeIterator<Item = CommitId> + use<'a> {
        let graph = &self.history.graph;
        graph.parents(self.number).iter().map(|parent| graph.node(*parent).id)
    }

    /// Whether it has more than one parent.
    pub fn is_merge(&self) -> bool {
        self.history.graph.parents(self.number).len() > 1
    }

    /// When it was committed, in seconds since 1970.
    pub fn committer_seconds(&self) -> i64 {
        self.history.graph.node(self.number).time
    }

    fn author(&self) -> (&'a [u8], &'a [u8]) {
        signature(self.texts()[0])
    }

    /// When it was written.
    pub fn author_time(&self) -> Time {
        let (seconds, offset_minutes) = when(self.author().1);
        Time { seconds, offset_minutes }
    }

    /// The author's name.
    pub fn author_name(&self) -> Cow<'a, str> {
        self.decode(split_author(self.author().0).0)
    }

    /// The author's mail address, without the angle brackets.
    pub fn author_email(&self) -> Cow<'a, str> {
        self.decode(split_author(self.author().0).1)
    }

    /// The message, in UTF-8; borrowed where it is that already.
    ///
    /// A message in the encoding that its commit names is converted; bytes that are not UTF-8 in a commit that names
    /// none are read as Windows-1252, the usual reason for them.
    pub fn message(&self) -> Cow<'a, str> {
        self.decode(self.message_bytes())
    }

    /// The message as it is stored.
    pub fn message_bytes(&self) -> &'a [u8] {
        self.texts()[2]
    }

    fn decode(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        let label = std::str::from_utf8(self.texts()[1]).ok().filter(|label| !label.is_empty());
        decode(bytes, label).0
    }
}

fn split_author(who: &[u8]) -> (&[u8], &[u8]) {
    let Some(start) = who.iter().position(|byte| *byte == b'<') else {
        return (who.trim_ascii(), b"");
    };
    let (name, mail) = who.split_at(start);
    (name.trim_ascii(), mail[1..].strip_suffix(b">").unwrap_or(&mail[1..]).trim_ascii())
}
