//! Objects by name: out of the packs directly where possible, through libgit2 otherwise.

use std::path::{Path, PathBuf};

use git2::{ObjectType, Odb, Oid};

use crate::data::CommitId;

use super::error::Error;
use super::pack::{Pack, Scratch};

/// Reads objects one at a time; what is read stays borrowed until the next read.
///
/// Objects from packs are checked by their zlib checksum, as git itself checks them; objects that libgit2 reads are
/// checked by their name too.
pub(super) struct Objects {
    directory: PathBuf,
    /// Opened when first needed.
    odb: Option<Odb<'static>>,
    packs: Vec<Pack>,
    scratch: Scratch,
    loose: Vec<u8>,
}

impl Objects {
    pub(super) fn new(directory: PathBuf) -> Self {
        let mut indexes: Vec<_> = std::fs::read_dir(directory.join("pack"))
            .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
            .unwrap_or_default();
        indexes.retain(|path| path.extension().is_some_and(|extension| extension == "idx"));
        indexes.sort();
        let packs = indexes.iter().filter_map(|index| Pack::open(index)).collect();
        Self { directory, odb: None, packs, scratch: Scratch::default(), loose: Vec::new() }
    }

    /// The kind and the bytes of an object, or `None` where it does not exist.
    pub(super) fn read(&mut self, id: &[u8; 20]) -> Result<Option<(ObjectType, &[u8])>, Error> {
        if let Some((at, offset)) = self.find(id)
            && let Some(kind) = self.packs[at].read(offset, &mut self.scratch)
        {
            return Ok(Some((kind, self.scratch.bytes())));
        }
        match odb(&mut self.odb, &self.directory)?.read(Oid::from_bytes(id)?) {
            Ok(object) => {
                self.loose.clear();
                self.loose.extend_from_slice(object.data());
                Ok(Some((object.kind(), &self.loose)))
            }
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(Error::corrupt("object", hex(id)).with_hint(error.message().to_owned())),
        }
    }

    /// The kind of an object, without reading it.
    pub(super) fn kind(&mut self, id: &[u8; 20]) -> Result<Option<ObjectType>, Error> {
        if let Some((at, offset)) = self.find(id)
            && let Some(kind) = self.packs[at].kind(offset)
        {
            return Ok(Some(kind));
        }
        match odb(&mut self.odb, &self.directory)?.read_header(Oid::from_bytes(id)?) {
            Ok((_, kind)) => Ok(Some(kind)),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(Error::corrupt("object", hex(id)).with_hint(error.message().to_owned())),
        }
    }

    /// Reads a commit; anything else under that name is an error.
    pub(super) fn commit(&mut self, id: &[u8; 20]) -> Result<&[u8], Error> {
        match self.read(id)? {
            Some((ObjectType::Commit, bytes)) => Ok(bytes),
            Some(_) => Err(Error::corrupt("commit", hex(id))),
            None => Err(Error::missing("commit", hex(id))),
        }
    }

    /// The pack that holds an object, and where. The pack of the last hit moves to the front.
    fn find(&mut self, id: &[u8; 20]) -> Option<(usize, usize)> {
        let (at, offset) = self.packs.iter().enumerate().find_map(|(at, pack)| Some((at, pack.find(id)?)))?;
        self.packs.swap(0, at);
        Some((0, offset))
    }
}

/// libgit2's view of the object directory, with its alternates.
fn odb<'a>(odb: &'a mut Option<Odb<'static>>, directory: &Path) -> Result<&'a Odb<'static>, Error> {
    let opened = match odb.take() {
        Some(opened) => opened,
        None => {
            let opened = Odb::new()?;
            opened.add_disk_alternate(&directory.to_string_lossy())?;
            opened
        }
    };
    Ok(odb.insert(opened))
}

/// Any object's name, to be shown.
pub(super) fn hex(id: &[u8; 20]) -> CommitId {
    CommitId::from_bytes(*id)
}

/// Reads forty hexadecimal digits.
#[inline]
pub(super) fn parse_hex(text: &[u8]) -> Option<[u8; 20]> {
    let digits: &[u8; 40] = text.try_into().ok()?;
    let mut id = [0; 20];
    let mut bad = 0;
    for (byte, pair) in id.iter_mut().zip(digits.as_chunks::<2>().0) {
        let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
        bad |= high | low;
        *byte = high << 4 | low & 15;
    }
    (bad & 0x80 == 0).then_some(id)
}

/// The value of each hexadecimal digit, 0x80 for any other byte.
const DIGITS: [u8; 256] = {
    let mut digits = [0x80; 256];
    let mut value = 0u8;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        digits[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};
