//! The requests of commits, remembered on disk for a while: a dry run and the run that follows ask once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Answer, Brought, Request, RequestState, View};
use crate::data::CommitId;

/// How long an answer is taken for true: people change titles and labels.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// How many commits are remembered.
const MOST: usize = 10_000;
/// The version of the file.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    format: u32,
    /// By the repository and the commit.
    commits: BTreeMap<String, Known>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    at: Timestamp,
    requests: Vec<Request>,
}

/// The requests that brought these commits, by [`View::requests_of_range`] as far as `folder` does not remember them. Merged ones
/// are remembered; that a commit has none is not, for it may get one.
pub fn requests_of(
    view: &dyn View,
    commits: &[Brought],
    since: Option<Timestamp>,
    folder: &Path,
    now: Timestamp,
) -> Answer<BTreeMap<CommitId, Vec<Request>>> {
    let file = folder.join("requests.json");
    let place = view.place().to_string();
    let key = |commit: CommitId| format!("{place} {commit}");
    // A file that cannot be read, or not as this version writes it, is as good as none.
    let read = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Remembered>(&bytes).ok());
    let mut known = read.filter(|read| read.format == FORMAT).map(|read| read.commits).unwrap_or_default();
    known.retain(|_, known| (now - FRESH..=now).contains(&known.at));
    let mut found = BTreeMap::new();
    let mut rest = Vec::new();
    for brought in commits {
        match known.get(&key(brought.commit)) {
            Some(known) => drop(found.insert(brought.commit, known.requests.clone())),
            None => rest.push(*brought),
        }
    }
    if rest.is_empty() {
        return Ok(found);
    }
    let answered = view.requests_of_range(&rest, since)?;
    for (commit, requests) in &answered {
        let merged = requests.iter().any(|request| request.state == RequestState::Merged);
        if merged && known.len() < MOST {
            known.insert(key(*commit), Known { at: now, requests: requests.clone() });
        }
    }
    found.extend(answered);
    let text = serde_json::to_vec(&Remembered { format: FORMAT, commits: known }).unwrap_or_default();
    let temporary = folder.join(format!(".requests-{}.json", std::process::id()));
    // Without the file the next run asks again; nothing else depends on it.
    drop(
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&temporary, text))
            .and_then(|()| fs::rename(&temporary, &file)),
    );
    Ok(found)
}
