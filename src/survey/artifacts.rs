//! The digests that a release recorded: for `release verify`, and for whoever deploys what was released.

use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::rules::artifacts::{FILE, Recorded, SUMS};
use crate::world::forge::{self, Place};
use crate::world::reports;

/// What was recorded, and where.
#[derive(Debug, Clone)]
pub struct Records {
    /// The digests.
    pub recorded: Recorded,
    /// The release that they were read from.
    pub release: Option<Release>,
    /// The file or address, for messages.
    pub from: String,
}

/// A release at a forge.
#[derive(Debug, Clone)]
pub struct Release {
    /// The repository.
    pub place: Place,
    /// The release.
    pub release: forge::Release,
}

/// The digests, or why they cannot be told.
pub type Known = std::result::Result<Records, String>;

/// The longest record that is read, in bytes.
const LONGEST: usize = 16 << 20;

/// Reads a record from a file.
pub fn in_file(facts: &Facts<'_>, file: &str) -> Result<Known> {
    let mut text = Vec::new();
    let there = reports::read(&facts.root.join(file), |piece| {
        text.extend_from_slice(&piece[..piece.len().min(LONGEST.saturating_sub(text.len()))]);
    })?;
    if there.is_none() {
        return Ok(Err(format!("there is no record {file}")));
    }
    // One that is too long is cut, and then no record.
    Ok(read(&String::from_utf8_lossy(&text), file).map(|recorded| Records {
        recorded,
        release: None,
        from: file.to_owned(),
    }))
}

/// Reads the record of a tag's release: its `artifacts.json`, otherwise its `SHA256SUMS`.
pub fn at_forge(facts: &Facts<'_>, tag: &str) -> Result<Known> {
    let found = facts.forge()?.ok_or_else(|| {
        Error::usage("no forge is known, where the digests of a release would be recorded")
            .at("forge")
            .hint("name it in the configuration, or a record with `--record artifacts.json`")
    })?;
    let place = found.place.clone();
    let view = facts.forge_view(&place)?;
    facts.working(&format!("asking {place}"));
    let Some(release) = view.release(tag)?.filter(|release| !release.draft) else {
        return Ok(Err(format!("{place} has no published release {tag}")));
    };
    let record = [FILE, SUMS].iter().find_map(|name| release.assets.iter().find(|a| a.name == *name));
    let Some(record) = record else {
        return Ok(Err(format!("the release {tag} at {place} has neither {FILE} nor {SUMS}")));
    };
    let text = view.asset_text(record)?;
    let from = record.url.clone();
    Ok(read(&text, &from).map(|recorded| Records {
        recorded,
        release: Some(Release { place, release }),
        from,
    }))
}

fn read(text: &str, from: &str) -> std::result::Result<Recorded, String> {
    Recorded::parse(text).map_err(|e| format!("{from}: {e}"))
}
