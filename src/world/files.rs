//! Files of the work tree: read and written by their path from the top of the repository, never outside of it.

use std::fs;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

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
