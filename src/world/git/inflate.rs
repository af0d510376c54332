//! Inflates objects of packs.
//!
//! A commit has some hundred bytes, and a decoder made for large streams spends most of its time on making tables for
//! it. The one here knows only what git writes for a small object — one block with codes of its own — and makes small
//! tables of the codes that occur. Everything else, and everything that is wrong, is left to libdeflate. Formats:
//! RFC 1950 (<https://www.rfc-editor.org/rfc/rfc1950>) and RFC 1951 (<https://www.rfc-editor.org/rfc/rfc1951>).

use libdeflater::{Decompressor, adler32};

/// More than this, and an object is left to libgit2.
pub(super) const MAX_SIZE: usize = 16 << 20;
/// Up to here the small decoder is tried first.
const SMALL: usize = 4 << 10;
/// Room after the object for the fast loops of the decoders.
pub(super) const SLACK: usize = 512;

/// Inflates one object after the other.
pub(super) struct Inflate {
    small: Box<Small>,
    /// Room for a small object, made once.
    room: Box<[u8; SMALL + SLACK]>,
    any: Decompressor,
}

impl Default for Inflate {
    fn default() -> Self {
        Self { small: Box::default(), room: Box::new([0; SMALL + SLACK]), any: Decompressor::new() }
    }
}

impl Inflate {
    /// Inflates exactly `size` bytes; the checksum is verified.
    pub(super) fn inflate(&mut self, input: &[u8], size: usize, output: &mut Vec<u8>) -> Option<()> {
        if size > MAX_SIZE {
            return None;
        }
        output.clear();
        if size <= SMALL && self.small.inflate(input, size, &mut self.room[..]).is_some() {
            output.extend_from_slice(&self.room[..size]);
            return Some(());
        }
        output.resize(size + SLACK, 0);
        let input = &input[..input.len().min(size + size / 8 + SLACK)];
        if self.any.zlib_decompress(input, output).ok()? != size {
            return None;
        }
        output.truncate(size);
        Some(())
    }
}

/// A decoder of streams with one block and codes of its own.
struct Small {
    literals: Code<512, 288>,
    distances: Code<128, 32>,
    lengths: Code<128, 19>,
    /// The symbols that have a code, as the stream names them; with room for a run that goes too far.
    given: [Entry; 352],
}

impl Default for Small {
    fn default() -> Self {
        Small {
            literals: Code::default(),
            distances: Code::default(),
            lengths: Code::default(),
            given: [0; 352],
        }
    }
}

/// A symbol, and in the lowest six bits the length of its code. 0 is none.
type Entry = u16;

fn entry(symbol: usize, length: u16) -> Entry {
    (symbol as u16) << 6 | length
}

fn length(entry: Entry) -> usize {
    usize::from(entry & 15)
}

fn symbol(entry: Entry) -> usize {
    usize::from(entry >> 6)
}

/// Whether it is a literal whose code the table holds.
fn is_literal(entry: Entry) -> bool {
    entry.wrapping_sub(1) < (256 << 6) - 1
}

/// A prefix code of at most `SYMBOLS` symbols, with a table for codes of up to log2 `SIZE` bits.
struct Code<const SIZE: usize, const SYMBOLS: usize> {
    /// What the next bits say; none where the code is longer than the index.
    table: [Entry; SIZE],
    /// The symbols by the length of their codes.
    sorted: [Entry; SYMBOLS],
    /// How many there are of each length.
    counts: [u16; 16],
}

impl<const SIZE: usize, const SYMBOLS: usize> Default for Code<SIZE, SYMBOLS> {
    fn default() -> Self {
        Code { table: [0; SIZE], sorted: [0; SYMBOLS], counts: [0; 16] }
    }
}

impl<const SIZE: usize, const SYMBOLS: usize> Code<SIZE, SYMBOLS> {
    /// Takes on a code: its symbols in their order, numbered from `first` on. None where codes are missing or too many.
    fn build(&mut self, given: &[Entry], first: usize) -> Option<()> {
        self.counts = [0; 16];
        for entry in given {
            self.counts[length(*entry)] += 1;
        }
        let mut offsets = [0u16; 16];
        let (mut left, mut sum) = (1i32, 0);
        for (offset, count) in offsets.iter_mut().zip(&self.counts).skip(1) {
            left = left * 2 - i32::from(*count);
            if left < 0 {
                return None;
            }
            *offset = sum;
            sum += count;
        }
        if left != 0 {
            return None;
        }
        let first = entry(first, 0);
        for entry in given {
            let offset = &mut offsets[length(*entry)];
            *self.sorted.get_mut(usize::from(*offset))? = entry - first;
            *offset += 1;
        }
        self.fill(given.len())
    }

    /// Makes the table. A code comes with its highest bit first, so its place is the code reversed, counted from its
    /// highest bit on; the table doubles with each bit that codes are longer.
    fn fill(&mut self, count: usize) -> Option<()> {
        let sorted = self.sorted.get(..count)?;
        if 1 << length(*sorted.last()?) > SIZE {
            self.table.fill(0);
        }
        let (mut place, mut size) = (0, 1 << length(*sorted.first()?));
        for entry in sorted {
            let wanted = 1 << length(*entry);
            if wanted > SIZE {
                break;
            }
            while size < wanted {
                self.table.copy_within(..size, size);
                size *= 2;
            }
            *self.table.get_mut(place)? = *entry;
            let zeros: usize = place ^ (size - 1);
            let bit = 1 << (zeros | 1).ilog2();
            place = place & (bit - 1) | bit;
        }
        while size < SIZE {
            self.table.copy_within(..size, size);
            size *= 2;
        }
        Some(())
    }

    fn table(&self, bits: &Bits<'_>) -> Entry {
        self.table[bits.ready as usize % SIZE]
    }

    /// The symbol that comes next, as the table has it.
    fn next(&self, entry: Entry, bits: &mut Bits<'_>) -> Option<usize> {
        let entry = if entry == 0 { self.long(bits)? } else { entry };
        bits.skip(entry);
        Some(symbol(entry))
    }

    /// What comes next where its code is longer than the table's, with the bits made ready that the table need not have.
    #[cold]
    fn long(&self, bits: &mut Bits<'_>) -> Option<Entry> {
        bits.refill()?;
        let mut bits = bits.ready;
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            let count = usize::from(*count);
            code |= bits as usize & 1;
            bits >>= 1;
            if code < first + count {
                return self.sorted.get(index + code - first).copied();
            }
            index += count;
            first = (first + count) * 2;
            code *= 2;
        }
        None
    }
}

/// The next bits of the input, the first of them the lowest.
struct Bits<'a> {
    input: &'a [u8],
    /// How much of the input was taken.
    at: usize,
    ready: u64,
    /// How many are ready, in the lowest six bits.
    count: u32,
}

impl Bits<'_> {
    /// Makes at least 56 bits ready. Behind every object of a pack is more: the next one, or the pack's own name.
    #[inline(always)]
    fn refill(&mut self) -> Option<()> {
        let next = self.input.get(self.at..)?.first_chunk()?;
        self.ready |= u64::from_le_bytes(*next).wrapping_shl(self.count);
        self.at += (!self.count >> 3 & 7) as usize;
        self.count |= 56;
        Some(())
    }

    /// Passes over as many bits as the lowest six of `entry` say.
    #[inline(always)]
    fn skip(&mut self, entry: Entry) {
        self.ready = self.ready.wrapping_shr(u32::from(entry));
        self.count = self.count.wrapping_sub(u32::from(entry));
    }

    #[inline(always)]
    fn take(&mut self, count: u8) -> usize {
        let value = self.ready & ((1 << count) - 1);
        self.skip(u16::from(count));
        value as usize
    }

    /// What follows at the next whole byte.
    fn rest(&self) -> Option<&[u8]> {
        self.input.get(self.at.checked_sub((self.count >> 3 & 7) as usize)?..)
    }
}

/// The order in which the lengths of the codes for lengths come.
const ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// The least length that each symbol from 257 on means, and how many bits more say by how much it is longer.
const LENGTHS: [(u16, u8); 29] = {
    let mut all = [(258, 0); 29];
    let (mut at, mut base) = (0, 3);
    while at < 28 {
        let more = if at < 8 { 0 } else { (at / 4 - 1) as u8 };
        all[at] = (base, more);
        base += 1 << more;
        at += 1;
    }
    all
};
/// The same for distances.
const DISTANCES: [(u16, u8); 30] = {
    let mut all = [(0, 0); 30];
    let (mut at, mut base) = (0, 1u16);
    while at < 30 {
        let more = if at < 4 { 0 } else { (at / 2 - 1) as u8 };
        all[at] = (base, more);
        base = base.wrapping_add(1 << more);
        at += 1;
    }
    all
};

impl Small {
    /// Inflates exactly `size` bytes to the beginning of `output`, which is longer. None where the stream is of another
    /// kind, or wrong.
    fn inflate(&mut self, input: &[u8], size: usize, output: &mut [u8]) -> Option<()> {
        let [first, second, input @ ..] = input else { return None };
        let deflate = first & 15 == 8 && second & 0x20 == 0;
        if !deflate || !u16::from_be_bytes([*first, *second]).is_multiple_of(31) {
            return None;
        }
        let mut bits = Bits { input, at: 0, ready: 0, count: 0 };
        bits.refill()?;
        // the last block, with codes of its own
        if bits.take(3) != 0b101 {
            return None;
        }
        self.codes(&mut bits)?;
        if self.block(&mut bits, output)? != size {
            return None;
        }
        let checksum = u32::from_be_bytes(*bits.rest()?.first_chunk()?);
        (adler32(output.get(..size)?) == checksum).then_some(())
    }

    /// Reads the block's codes (RFC 1951, 3.2.7).
    fn codes(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let (literals, distances, lengths) = (257 + bits.take(5), 1 + bits.take(5), 4 + bits.take(4));
        let mut found = [0; 19];
        for places in ORDER[..lengths].chunks(18) {
            bits.refill()?;
            for place in places {
                found[usize::from(*place)] = bits.take(3) as u16;
            }
        }
        let mut count = 0;
        for (symbol, length) in found.iter().enumerate() {
            self.given[count] = entry(symbol, *length);
            count += usize::from(*length > 0);
        }
        self.lengths.build(&self.given[..count], 0)?;
        let (mut at, end, mut last, mut count) = (0, literals + distances, 0, 0);
        while at < end {
            bits.refill()?;
            // each takes at most 14 bits
            for _ in 0..4 {
                let code = self.lengths.next(self.lengths.table(bits), bits)?;
                if code < 16 {
                    last = code as u16;
                    *self.given.get_mut(count)? = entry(at, last);
                    count += usize::from(last > 0);
                    at += 1;
                } else if code == 16 {
                    for _ in 0..3 + bits.take(2) {
                        *self.given.get_mut(count)? = entry(at, last);
                        count += usize::from(last > 0);
                        at += 1;
                    }
                } else {
                    last = 0;
                    at += if code == 17 { 3 + bits.take(3) } else { 11 + bits.take(7) };
                }
                if at >= end {
                    break;
                }
            }
        }
        let given = self.given.get(..count).filter(|_| at == end)?;
        let (one, other) = given.split_at(given.partition_point(|entry| symbol(*entry) < literals));
        self.literals.build(one, 0)?;
        self.distances.build(other, literals)
    }

    /// Reads the block's content; returns its length.
    fn block(&self, bits: &mut Bits<'_>, output: &mut [u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            // The table's codes take 9 bits at most, so that there is enough for two literals, a length and a distance.
            bits.refill()?;
            let mut entry = self.literals.table(bits);
            if is_literal(entry) {
                entry = self.literal(entry, bits, output, &mut at)?;
                if is_literal(entry) {
                    entry = self.literal(entry, bits, output, &mut at)?;
                    if is_literal(entry) {
                        self.literal(entry, bits, output, &mut at)?;
                        continue;
                    }
                }
            }
            let length = match self.literals.next(entry, bits)? {
                256 => return Some(at),
                literal @ 0..256 => {
                    *output.get_mut(at)? = literal as u8;
                    at += 1;
                    continue;
                }
                symbol => {
                    let (base, more) = *LENGTHS.get(symbol - 257)?;
                    usize::from(base) + bits.take(more)
                }
            };
            let (base, more) = *DISTANCES.get(self.distances.next(self.distances.table(bits), bits)?)?;
            let distance = usize::from(base) + bits.take(more);
            copy(output, at, distance, length)?;
            at += length;
        }
    }
}

impl Small {
    /// Writes a literal; returns what comes next.
    fn literal(&self, entry: Entry, bits: &mut Bits<'_>, output: &mut [u8], at: &mut usize) -> Option<Entry> {
        *output.get_mut(*at)? = symbol(entry) as u8;
        *at += 1;
        bits.skip(entry);
        Some(self.literals.table(bits))
    }
}

/// Repeats `length` bytes from `distance` before `at`.
fn copy(output: &mut [u8], at: usize, distance: usize, length: usize) -> Option<()> {
    const STEP: usize = 8;
    let from = at.checked_sub(distance)?;
    if distance < STEP {
        let target = output.get_mut(from..at + length)?;
        for place in distance..target.len() {
            target[place] = target[place - distance];
        }
        return Some(());
    }
    // what is copied too much is overwritten by what comes next
    for done in (0..length).step_by(STEP) {
        let step: [u8; STEP] = *output.get(from + done..)?.first_chunk()?;
        *output.get_mut(at + done..)?.first_chunk_mut()? = step;
    }
    Some(())
}

#[cfg(test)]
mod tests;
