//! Backups that lie in a folder.

use std::path::Path;

use globset::GlobBuilder;
use jiff::Timestamp;

use crate::rules::gate::Fact;
use crate::rules::gate::proof::Backup;

/// The newest file that a pattern names, in whose last part `*` stands for any text. Links are followed: where a backup
/// lies is up to who makes it.
pub(super) fn newest(root: &Path, pattern: &str) -> Fact<Option<Backup>> {
    let full = root.join(pattern);
    let (Some(folder), Some(name)) = (full.parent(), full.file_name().and_then(|n| n.to_str())) else {
        return Err(format!("`{pattern}` names no files"));
    };
    let glob =
        GlobBuilder::new(name).literal_separator(true).build().map_err(|e| e.to_string())?.compile_matcher();
    let unreadable = |e: std::io::Error| format!("{} cannot be read: {e}", folder.display());
    let mut newest: Option<Backup> = None;
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !glob.is_match(entry.file_name()) {
            continue;
        }
        let path = entry.path();
        let meta = std::fs::metadata(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
        if !meta.is_file() {
            continue;
        }
        let at = meta
            .modified()
            .ok()
            .and_then(|t| Timestamp::try_from(t).ok())
            .ok_or_else(|| format!("the time of {} cannot be told", path.display()))?;
        if newest.as_ref().is_none_or(|n| at > n.at) {
            let name = entry.file_name().to_string_lossy().into_owned();
            newest = Some(Backup { name, at, bytes: meta.len() });
        }
    }
    Ok(newest)
}
