//! Reads objects out of a pack and its version 2 index.
//!
//! Format: <https://git-scm.com/docs/gitformat-pack>. A fast path only: whatever is not as expected is answered with
//! `None`, and the caller asks libgit2, which then reads the object or says what is wrong with it.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use git2::ObjectType;
use memmap2::Mmap;

use super::inflate::{Inflate, MAX_SIZE, SLACK};

const MAX_CHAIN: usize = 4096;
/// Delta bases kept for one pack: neighbours in history are mostly deltas of each other.
const BASES: usize = 512;
const MAX_BASE: usize = 16 << 10;

/// A pack and its index, both mapped.
pub(super) struct Pack {
    index: Mmap,
    data: Mmap,
    count: usize,
    bases: Vec<Option<Base>>,
}

struct Base {
    offset: usize,
    kind: ObjectType,
    bytes: Vec<u8>,
}

/// Buffers that outlive one read.
#[derive(Default)]
pub(super) struct Scratch {
    inflate: Inflate,
    buffer: Vec<u8>,
    delta: Vec<u8>,
    spare: Vec<u8>,
}

impl Scratch {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer
    }
}

enum Entry {
    Whole(ObjectType),
    /// A delta against the object that starts at this offset of the pack.
    Delta(usize),
}

struct Header {
    entry: Entry,
    size: usize,
    /// Where the compressed bytes start.
    start: usize,
}

impl Pack {
    /// Maps the pack that belongs to this `.idx` file.
    pub(super) fn open(index: &Path) -> Option<Self> {
        let data = map(&index.with_extension("pack"))?;
        let index = map(index)?;
        if index.get(..8)? != b"\xfftOc\0\0\0\x02"
            || !matches!(data.get(..8)?, b"PACK\0\0\0\x02" | b"PACK\0\0\0\x03")
        {
            return None;
        }
        let count = usize::try_from(be32(&index, 8 + 255 * 4)?).ok()?;
        // names, checksums and short offsets
        index.get(..8usize.checked_add(1024)?.checked_add(count.checked_mul(28)?)?)?;
        let mut bases = Vec::new();
        bases.resize_with(BASES, || None);
        Some(Self { index, data, count, bases })
    }

    /// Where the object starts in the pack.
    pub(super) fn find(&self, id: &[u8; 20]) -> Option<usize> {
        let first = usize::from(id[0]);
        let low = if first == 0 { 0 } else { be32(&self.index, 8 + (first - 1) * 4)? as usize };
        let high = (be32(&self.index, 8 + first * 4)? as usize).min(self.count);
        let names = self.index.get(1032..1032 + self.count * 20)?;
        let (names, _) = names.as_chunks::<20>();
        let at = low + search(names.get(low..high)?, id)?;
        let short = be32(&self.index, 1032 + self.count * 24 + at * 4)?;
        if short & 0x8000_0000 == 0 {
            return Some(short as usize);
        }
        let long = 1032 + self.count * 28 + (short & 0x7fff_ffff) as usize * 8;
        let bytes = self.index.get(long..long.checked_add(8)?)?;
        usize::try_from(u64::from_be_bytes(bytes.try_into().ok()?)).ok()
    }

    /// The kind of the object at an offset, without inflating it.
    pub(super) fn kind(&self, mut offset: usize) -> Option<ObjectType> {
        for _ in 0..MAX_CHAIN {
            match self.header(offset)?.entry {
                Entry::Whole(kind) => return Some(kind),
                Entry::Delta(base) => offset = base,
            }
        }
        None
    }

    /// Reads the object at an offset into the scratch buffer.
    pub(super) fn read(&mut self, offset: usize, scratch: &mut Scratch) -> Option<ObjectType> {
        let mut chain: Vec<Range<usize>> = Vec::new();
        let mut at = offset;
        // down to a whole object or a base that is still at hand
        let kind = loop {
            if let Some(base) = self.bases[slot(at)].as_ref().filter(|base| base.offset == at) {
                scratch.buffer.clear();
                scratch.buffer.extend_from_slice(&base.bytes);
                break base.kind;
            }
            let header = self.header(at)?;
            match header.entry {
                Entry::Whole(kind) => {
                    let input = self.data.get(header.start..)?;
                    scratch.inflate.inflate(input, header.size, &mut scratch.buffer)?;
                    // an object that is a delta's base is worth keeping, any other is read once
                    if !chain.is_empty() {
                        self.keep(at, kind, &scratch.buffer);
                    }
                    break kind;
                }
                Entry::Delta(base) => {
                    if chain.len() == MAX_CHAIN {
                        return None;
                    }
                    chain.push(at..header.start);
                    at = base;
                }
            }
        };
        while let Some(step) = chain.pop() {
            let header = self.header(step.start)?;
            let input = self.data.get(header.start..)?;
            scratch.inflate.inflate(input, header.size, &mut scratch.delta)?;
            apply(&scratch.buffer, &scratch.delta, &mut scratch.spare)?;
            std::mem::swap(&mut scratch.buffer, &mut scratch.spare);
            self.keep(step.start, kind, &scratch.buffer);
        }
        Some(kind)
    }

    fn keep(&mut self, offset: usize, kind: ObjectType, bytes: &[u8]) {
        if bytes.len() <= MAX_BASE {
            let mut base =
                self.bases[slot(offset)].take().unwrap_or(Base { offset, kind, bytes: Vec::new() });
            base.offset = offset;
            base.kind = kind;
            base.bytes.clear();
            base.bytes.extend_from_slice(bytes);
            self.bases[slot(offset)] = Some(base);
        }
    }

    fn header(&self, offset: usize) -> Option<Header> {
        let mut at = offset;
        let mut next = || {
            let byte = *self.data.get(at)?;
            at += 1;
            Some(byte)
        };
        let first = next()?;
        let mut size = u64::from(first & 15);
        let mut shift = 4;
        let mut byte = first;
        while byte & 0x80 != 0 {
            byte = next()?;
            size |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
        }
        let entry = match first >> 4 & 7 {
            1 => Entry::Whole(ObjectType::Commit),
            2 => Entry::Whole(ObjectType::Tree),
            3 => Entry::Whole(ObjectType::Blob),
            4 => Entry::Whole(ObjectType::Tag),
            6 => {
                let mut byte = next()?;
                let mut back = usize::from(byte & 0x7f);
                while byte & 0x80 != 0 {
                    byte = next()?;
                    back = back.checked_add(1)?.checked_mul(128)? + usize::from(byte & 0x7f);
                }
                Entry::Delta(offset.checked_sub(back).filter(|_| back > 0)?)
            }
            7 => {
                let name = self.data.get(at..at.checked_add(20)?)?;
                at += 20;
                Entry::Delta(self.find(name.try_into().ok()?)?)
            }
            _ => return None,
        };
        Some(Header { entry, size: usize::try_from(size).ok()?, start: at })
    }
}

#[expect(unsafe_code, reason = "mapping a file is unsafe by nature; git never changes a pack in place")]
fn map(path: &Path) -> Option<Mmap> {
    let file = File::open(path).ok()?;
    // SAFETY: packs and their indexes are written once, read-only, and replaced only by unlinking, which leaves
    // the mapped bytes as they are. Every read of them is bounds-checked, so odd content is harmless.
    unsafe { Mmap::map(&file) }.ok()
}

/// Finds a name among sorted ones. Names are evenly spread, so the search starts where the name should be and steps
/// towards it: that touches one or two lines of memory where halving touches many.
fn search(names: &[[u8; 20]], id: &[u8; 20]) -> Option<usize> {
    const STEPS: usize = 64;
    let spread = u64::from(u16::from_be_bytes([id[1], id[2]]));
    let mut at = ((names.len() as u64 * spread) >> 16) as usize;
    let wanted = head(id);
    for _ in 0..STEPS {
        let name = names.get(at)?;
        let found = head(name);
        if found == wanted && name == id {
            return Some(at);
        }
        at = if found < wanted { at + 1 } else { at.checked_sub(1)? };
    }
    // an unusual spread, or a name that is not there
    names.binary_search(id).ok()
}

fn head(name: &[u8; 20]) -> u64 {
    name.first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
}

fn slot(offset: usize) -> usize {
    (offset ^ offset >> 9) % BASES
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Rebuilds an object from its base and a delta.
fn apply(base: &[u8], mut delta: &[u8], output: &mut Vec<u8>) -> Option<()> {
    let (from, to) = (size(&mut delta)?, size(&mut delta)?);
    if from != base.len() || to > MAX_SIZE {
        return None;
    }
    output.clear();
    output.reserve(to + SLACK);
    while let Some(op) = byte(&mut delta) {
        if op & 0x80 != 0 {
            let mut field = |first: u8, count: u8| {
                (0..count).try_fold(0usize, |value, index| {
                    let present = op >> (first + index) & 1 != 0;
                    Some(if present { value | usize::from(byte(&mut delta)?) << (8 * index) } else { value })
                })
            };
            let (offset, length) = (field(0, 4)?, field(4, 3)?);
            let length = if length == 0 { 0x10000 } else { length };
            output.extend_from_slice(base.get(offset..offset.checked_add(length)?)?);
        } else if op != 0 {
            let (bytes, rest) = delta.split_at_checked(usize::from(op))?;
            output.extend_from_slice(bytes);
            delta = rest;
        } else {
            return None;
        }
        if output.len() > to {
            return None;
        }
    }
    (output.len() == to).then_some(())
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

fn size(bytes: &mut &[u8]) -> Option<usize> {
    let (mut value, mut shift) = (0u64, 0);
    loop {
        let next = byte(bytes)?;
        value |= u64::from(next & 0x7f).checked_shl(shift)?;
        shift += 7;
        if next & 0x80 == 0 {
            return usize::try_from(value).ok();
        }
    }
}
