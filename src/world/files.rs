//! Files of the work tree: read and written by their path from the top of the repository, never outside of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use globset::GlobBuilder;
use sha2::{Digest as _, Sha256};

use crate::crash;
use crate::effect::FileEdit;
use crate::error::{Error, Result};
use crate::world::State;

/// Where a path of the repository lies on disk: refused when it is absolute, has `..`, or passes through a link.
pub fn locate(root: &Path, path: &str) -> Result<PathBuf> {
    let refuse = |why: &str| {
        Err(Error::usage(format!("{why}: release-steps touches only files inside the repository"))
            .at(path.to_owned())
            .hint("name the file by its path from the top of the repository"))
    };
    let relative = Path::new(path);
    if path.is_empty() || relative.components().any(|c| !matches!(c, Component::Normal(_))) {
        return refuse("the path leads outside");
    }
    if relative.components().any(|c| c.as_os_str().eq_ignore_ascii_case(".git")) {
        return refuse("the path leads into git's own folder");
    }
    let mut at = root.to_owned();
    for part in relative.components() {
        at.push(part);
        match fs::symlink_metadata(&at) {
            Ok(meta) if meta.file_type().is_symlink() => return refuse("the path passes through a link"),
            _ => {}
        }
    }
    Ok(at)
}

/// Reads a text file; none when it is not there.
pub fn read(root: &Path, path: &str) -> Result<Option<String>> {
    let full = locate(root, path)?;
    match fs::read(&full) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|e| {
            Error::usage("the file is not UTF-8 text")
                .at(format!("{path}, byte {}", e.utf8_error().valid_up_to()))
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::outside(format!("the file cannot be read: {e}")).at(path.to_owned())),
    }
}

/// The length and the SHA-256, in hexadecimal digits, of a file of any size.
pub fn digest(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = fs::File::open(path)?;
    let mut sha256 = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut length = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        sha256.update(&buffer[..read]);
        length += read as u64;
    }
    Ok((length, sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// The SHA-256 of some bytes, in hexadecimal digits.
pub fn digest_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files below a folder of the repository, by their paths from its top. Links are not followed, `.git` is not
/// entered. More than `most` are refused.
pub fn below(root: &Path, folder: &str, most: usize) -> Result<Vec<String>> {
    let top = if folder.is_empty() { root.to_owned() } else { locate(root, folder)? };
    let mut folders = vec![(top, folder.to_owned())];
    let mut found = Vec::new();
    while let Some((at, name)) = folders.pop() {
        let Ok(entries) = fs::read_dir(&at) else { continue };
        for entry in entries.flatten() {
            // A name that is no text cannot be named in a configuration.
            let Ok(own) = entry.file_name().into_string() else { continue };
            let path = if name.is_empty() { own.clone() } else { format!("{name}/{own}") };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && own != ".git" => folders.push((entry.path(), path)),
                Ok(kind) if kind.is_file() => found.push(path),
                _ => {}
            }
            if found.len() > most {
                return Err(
                    Error::usage(format!("the folder holds more than {most} files")).at(folder.to_owned())
                );
            }
        }
    }
    Ok(found)
}

/// The files of the work tree, tracked or not, that a glob takes, sorted. `*` stays within a folder.
pub fn matching(root: &Path, glob: &str) -> Result<Vec<String>> {
    let matcher = GlobBuilder::new(glob)
        .literal_separator(true)
        .build()
        .map_err(|e| Error::usage(format!("`{glob}` is no glob: {}", e.kind())))?
        .compile_matcher();
    // Only the folder that the glob names for certain is searched.
    let fixed =
        glob.split('/').take_while(|part| !part.contains(['*', '?', '[', '{', '\\'])).collect::<Vec<_>>();
    let top = match fixed.len() == glob.split('/').count() {
        true => fixed[..fixed.len() - 1].join("/"),
        false => fixed.join("/"),
    };
    let mut found = below(root, &top, 200_000)?;
    found.retain(|path| matcher.is_match(path));
    found.sort();
    Ok(found)
}

/// The SHA-256 of the files that the globs take, by file name: each takes some, and no two files have one name.
pub fn digests(root: &Path, globs: &[String]) -> Result<BTreeMap<String, String>> {
    let mut found: BTreeMap<String, (String, String)> = BTreeMap::new();
    for glob in globs {
        let paths = matching(root, glob)?;
        if paths.is_empty() {
            return Err(Error::no(format!("`{glob}` matches no file"))
                .hint("build it first, or fetch what was built"));
        }
        for path in paths {
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            let (_, sha256) = digest(&locate(root, &path)?)
                .map_err(|e| Error::outside(format!("{path} cannot be read: {e}")))?;
            if let Some((other, _)) = found.get(&name).filter(|(other, _)| *other != path) {
                return Err(Error::usage(format!("two artifacts are called {name}: {other} and {path}")));
            }
            found.insert(name, (path, sha256));
        }
    }
    Ok(found.into_iter().map(|(name, (_, sha256))| (name, sha256)).collect())
}

/// Whether a file holds what would be written, what was planned with, or something else.
pub fn observe(root: &Path, edit: &FileEdit) -> Result<State> {
    let now = read(root, &edit.path)?;
    Ok(if now.as_deref() == Some(&edit.after) {
        State::Done(None)
    } else if now == edit.before {
        State::Ready
    } else {
        State::Conflict(
            Error::no("the file changed since the plan was made").at(edit.path.clone()).hint("plan again"),
        )
    })
}

/// Writes a file whole: the old content or the new one is there at any time, never a part.
pub fn write(root: &Path, edit: &FileEdit) -> Result<()> {
    let path = locate(root, &edit.path)?;
    let failed =
        |e: std::io::Error| Error::outside(format!("the file cannot be written: {e}")).at(edit.path.clone());
    let dir = path.parent().unwrap_or(root);
    fs::create_dir_all(dir).map_err(failed)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = dir.join(format!(".{name}.release-steps"));
    crash::point();
    let mut file = fs::File::create(&temporary).map_err(failed)?;
    file.write_all(edit.after.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    if let Ok(meta) = fs::metadata(&path) {
        fs::set_permissions(&temporary, meta.permissions()).map_err(failed)?;
    }
    crash::point();
    fs::rename(&temporary, &path).map_err(failed)?;
    crash::point();
    Ok(())
}
