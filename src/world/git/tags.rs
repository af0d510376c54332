//! Tags, read from the files that hold them.
//!
//! A repository with twelve thousand tags is common enough, and a library that looks each of them up by name takes
//! longer than the whole of the rest. Precedence is git's: a file under `refs/` wins over a line of `packed-refs`
//! (<https://git-scm.com/docs/gitrepository-layout>).

use std::fs;
use std::path::Path;

use git2::ObjectType;

use crate::data::CommitId;

use super::error::{Error, ErrorKind};
use super::objects::{Objects, parse_hex};

/// A tag whose object, after any number of tag objects, is a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The name without `refs/tags/`.
    pub name: String,
    /// The commit that it names in the end.
    pub commit: CommitId,
    /// Whether it is a tag object rather than a bare name.
    pub annotated: bool,
}

/// What a reference holds.
pub(super) enum Value {
    Object([u8; 20]),
    Symbolic(String),
}

/// A reference, with what it peels to where that is known.
pub(super) struct Found {
    name: String,
    value: Value,
    peeled: Option<[u8; 20]>,
}

pub(super) fn parse(text: &[u8]) -> Option<Value> {
    if let Some(name) = text.strip_prefix(b"ref:") {
        return Some(Value::Symbolic(std::str::from_utf8(name.trim_ascii()).ok()?.to_owned()));
    }
    Some(Value::Object(parse_hex(text.get(..40)?)?))
}

/// The tags that the filter takes, sorted by name.
pub(super) fn read(
    common: &Path,
    objects: &mut Objects,
    keep: &dyn Fn(&str) -> bool,
    resolve: &dyn Fn(&str) -> Result<[u8; 20], Error>,
) -> Result<Vec<Tag>, Error> {
    let mut found = Vec::new();
    loose::scan(&common.join("refs/tags"), keep, &mut found)?;
    packed(common, keep, &mut found)?;
    // stable: a loose one stays in front of the packed one of its name
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found.dedup_by(|later, first| later.name == first.name);
    let mut tags = Vec::with_capacity(found.len());
    for Found { name, value, peeled } in found {
        let id = match value {
            Value::Object(id) => id,
            Value::Symbolic(target) => resolve(&target)?,
        };
        let (target, kind) = peel(objects, peeled.unwrap_or(id), &name)?;
        match kind {
            Some(ObjectType::Commit) => {
                tags.push(Tag { name, commit: CommitId::from_bytes(target), annotated: target != id })
            }
            Some(_) => {}
            None => {
                return Err(Error::missing(
                    &format!("the object of the tag {name},"),
                    CommitId::from_bytes(target),
                ));
            }
        }
    }
    Ok(tags)
}

/// Follows tag objects to what they name in the end, and says what that is.
fn peel(
    objects: &mut Objects,
    mut id: [u8; 20],
    name: &str,
) -> Result<([u8; 20], Option<ObjectType>), Error> {
    loop {
        let kind = objects.kind(&id)?;
        if kind != Some(ObjectType::Tag) {
            return Ok((id, kind));
        }
        let broken = || Error::corrupt(&format!("the object of the tag {name},"), CommitId::from_bytes(id));
        let Some((_, bytes)) = objects.read(&id)? else {
            return Err(broken());
        };
        let target = bytes.strip_prefix(b"object ").and_then(|rest| parse_hex(rest.get(..40)?));
        id = target.ok_or_else(broken)?;
    }
}

fn packed(common: &Path, keep: &dyn Fn(&str) -> bool, found: &mut Vec<Found>) -> Result<(), Error> {
    let path = common.join("packed-refs");
    let text = optional(&path)?;
    // A line has more than 50 bytes.
    found.reserve(text.len() / 50);
    let mut last_kept = false;
    for line in text.split(|byte| *byte == b'\n') {
        if let Some(peeled) = line.strip_prefix(b"^") {
            if last_kept && let Some(last) = found.last_mut() {
                last.peeled = parse_hex(peeled.trim_ascii_end());
            }
            continue;
        }
        last_kept = false;
        let Some(name) = line.get(40..).and_then(|rest| rest.strip_prefix(b" refs/tags/")) else {
            continue;
        };
        let Ok(name) = std::str::from_utf8(name.trim_ascii_end()) else {
            continue;
        };
        if keep(name) {
            let id = parse_hex(&line[..40]).ok_or_else(|| broken_ref(name))?;
            let value = Value::Object(id);
            found.push(Found { name: name.to_owned(), value, peeled: None });
            last_kept = true;
        }
    }
    Ok(())
}

/// The object that `packed-refs` gives a full reference name.
pub(super) fn find_packed(common: &Path, name: &str) -> Result<Option<[u8; 20]>, Error> {
    let text = optional(&common.join("packed-refs"))?;
    let line = text
        .split(|byte| *byte == b'\n')
        .find(|line| line.get(40) == Some(&b' ') && line[41..].trim_ascii_end() == name.as_bytes());
    Ok(line.and_then(|line| parse_hex(&line[..40])))
}

/// A file's content, empty where it does not exist.
pub(super) fn optional(path: &Path) -> Result<Vec<u8>, Error> {
    match fs::read(path) {
        Ok(text) => Ok(text),
        Err(error) if absent(&error) => Ok(Vec::new()),
        Err(error) => Err(Error::io(path, &error)),
    }
}

fn absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory)
}

fn broken_ref(name: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the tag {name} cannot be understood"))
        .with_hint(format!("delete it with git tag -d {name} and fetch it again"))
}

/// Files under `refs/tags`.
///
/// Opened relative to their directory: the kernel then looks up one name for each and not the whole path, which saves
/// a fifth of the time.
#[cfg(unix)]
mod loose {
    use std::path::Path;

    use rustix::fd::OwnedFd;
    use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, openat};
    use rustix::io::Errno;

    use super::{Error, Found, broken_ref, parse};

    pub(super) fn scan(
        path: &Path,
        keep: &dyn Fn(&str) -> bool,
        found: &mut Vec<Found>,
    ) -> Result<(), Error> {
        let failed = |error: Errno| Error::io(path, &error.into());
        match openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(directory) => below(&directory, "", keep, found, &failed),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    fn below(
        directory: &OwnedFd,
        prefix: &str,
        keep: &dyn Fn(&str) -> bool,
        found: &mut Vec<Found>,
        failed: &dyn Fn(Errno) -> Error,
    ) -> Result<(), Error> {
        let mut buffer = [0; 512];
        for entry in Dir::read_from(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(part) = entry.file_name().to_str() else {
                continue;
            };
            if part.starts_with('.') || part.ends_with(".lock") {
                continue;
            }
            let name = format!("{prefix}{part}");
            let kind = entry.file_type();
            let open = |flags| openat(directory, entry.file_name(), flags | OFlags::CLOEXEC, Mode::empty());
            if matches!(kind, FileType::Directory | FileType::Unknown) {
                match open(OFlags::DIRECTORY) {
                    Ok(inner) => {
                        below(&inner, &format!("{name}/"), keep, found, failed)?;
                        continue;
                    }
                    Err(Errno::NOTDIR) => {}
                    // deleted or packed in the meantime
                    Err(Errno::NOENT) => continue,
                    Err(error) => return Err(failed(error)),
                }
            }
            if !keep(&name) {
                continue;
            }
            let length = match open(OFlags::NONBLOCK).and_then(|file| rustix::io::read(&file, &mut buffer)) {
                Ok(length) => length,
                Err(Errno::NOENT | Errno::ISDIR) => continue,
                Err(error) => return Err(failed(error)),
            };
            let value = parse(&buffer[..length]).ok_or_else(|| broken_ref(&name))?;
            found.push(Found { name, value, peeled: None });
        }
        Ok(())
    }
}

/// Files under `refs/tags`.
#[cfg(not(unix))]
mod loose {
    use std::fs;
    use std::path::Path;

    use super::{Error, Found, absent, broken_ref, parse};

    pub(super) fn scan(
        path: &Path,
        keep: &dyn Fn(&str) -> bool,
        found: &mut Vec<Found>,
    ) -> Result<(), Error> {
        below(path, "", keep, found)
    }

    fn below(
        path: &Path,
        prefix: &str,
        keep: &dyn Fn(&str) -> bool,
        found: &mut Vec<Found>,
    ) -> Result<(), Error> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if absent(&error) => return Ok(()),
            Err(error) => return Err(Error::io(path, &error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| Error::io(path, &error))?;
            let part = entry.file_name();
            let Some(part) = part.to_str().filter(|part| !part.starts_with('.') && !part.ends_with(".lock"))
            else {
                continue;
            };
            let name = format!("{prefix}{part}");
            if entry.path().is_dir() {
                below(&entry.path(), &format!("{name}/"), keep, found)?;
            } else if keep(&name) {
                match fs::read(entry.path()) {
                    Ok(text) => {
                        let value = parse(&text).ok_or_else(|| broken_ref(&name))?;
                        found.push(Found { name, value, peeled: None });
                    }
                    Err(error) if absent(&error) => {}
                    Err(error) => return Err(Error::io(&entry.path(), &error)),
                }
            }
        }
        Ok(())
    }
}
