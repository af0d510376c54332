//! Reports of other tools, anywhere on disk: found by path or glob, read piece by piece.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use jiff::Timestamp;

use crate::error::{Error, Result};

/// How much is read at once.
const PIECE: usize = 1 << 20;
/// How many files and folders a glob may pass.
const MOST: usize = 1_000_000;

/// The files that a path or glob means, sorted. A path is meant even where there is no such file, so that a missing
/// report is noticed. Links are not followed into folders; `.git` is passed over.
pub fn find(root: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let special = |part: &str| part.contains(['*', '?', '[', '{']);
    let whole = root.join(pattern);
    if !special(pattern) || whole.is_file() {
        return Ok(vec![whole]);
    }
    let glob = GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|e| Error::usage(format!("this is no glob: {}", e.kind())).at(pattern.to_owned()))?
        .compile_matcher();
    let fixed: PathBuf =
        Path::new(pattern).components().take_while(|c| !c.as_os_str().to_str().is_none_or(special)).collect();
    let start = root.join(&fixed);
    let mut found = Vec::new();
    let mut folders = vec![start];
    let mut passed = 0;
    while let Some(folder) = folders.pop() {
        let unreadable = |e: std::io::Error| {
            Error::outside(format!("cannot be read: {e}")).at(folder.display().to_string())
        };
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            // A report that lies there would be passed over without a word.
            Err(e) => return Err(unreadable(e)),
        };
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            passed += 1;
            if passed > MOST {
                return Err(Error::usage("the glob passes more than a million files")
                    .at(pattern.to_owned())
                    .hint("begin it with the folder of the reports"));
            }
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if entry.file_name() != ".git" {
                    folders.push(path);
                }
                continue;
            }
            let shown = if Path::new(pattern).is_absolute() {
                &path
            } else {
                path.strip_prefix(root).unwrap_or(&path)
            };
            if glob.is_match(shown) && path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What is known of a file that is there.
#[derive(Debug, Clone, Copy)]
pub struct There {
    /// When it was written last, where the file system says it.
    pub modified: Option<Timestamp>,
}

/// Reads a file piece by piece; none when there is no such file.
pub fn read(path: &Path, mut take: impl FnMut(&[u8])) -> Result<Option<There>> {
    let failed =
        |e: std::io::Error| Error::outside(format!("cannot be read: {e}")).at(path.display().to_string());
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let mut piece = vec![0; PIECE];
    let mut full = 0;
    loop {
        match file.read(&mut piece[full..]) {
            Ok(0) => break,
            Ok(n) => full += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(failed(e)),
        }
        if full == piece.len() {
            take(&piece);
            full = 0;
        }
    }
    take(&piece[..full]);
    let modified = file.metadata().and_then(|m| m.modified()).ok();
    Ok(Some(There { modified: modified.and_then(|time| Timestamp::try_from(time).ok()) }))
}
