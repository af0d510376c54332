//! Build once, deploy many: what is deployed under a version is what was recorded of it.

use std::collections::BTreeMap;

use super::Record;
use crate::rules::gate::Verdict;

/// What was recorded of a version: the SHA-256 by file name, and by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The digests; none when nothing was recorded yet.
    pub digests: BTreeMap<String, String>,
    /// The environment that recorded them.
    pub from: Option<String>,
}

/// What was recorded of a version when it was first deployed anywhere.
pub fn known<'r>(records: impl IntoIterator<Item = &'r Record>, version: &str) -> Known {
    let of = |record: &'r Record| {
        let it = record.deployment.as_ref()?;
        (it.version == version && !it.digests.is_empty()).then_some((record.started, it))
    };
    match records.into_iter().filter_map(of).min_by_key(|(started, _)| *started) {
        Some((_, it)) => Known { digests: it.digests.clone(), from: Some(it.environment.clone()) },
        None => Known::default(),
    }
}

/// How files stand to what was recorded of their version: each with a sentence. None is a verdict where nothing was
/// recorded yet.
pub fn judged(
    known: &Known,
    found: &BTreeMap<String, String>,
    version: &str,
) -> Vec<(Option<Verdict>, String)> {
    let by = known.from.as_deref().unwrap_or_default();
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    let missing =
        known.digests.keys().filter(|name| !found.contains_key(*name)).map(|name| {
            (Some(Verdict::Fail), format!("{name}, which {by} recorded of {version}, is not here"))
        });
    let here = found.iter().map(|(name, sha256)| {
        let own = short(sha256);
        match known.digests.get(name) {
            _ if known.digests.is_empty() => (None, format!("{name} is sha256:{own}, recorded from now on")),
            Some(it) if it == sha256 => {
                (Some(Verdict::Pass), format!("{name} is sha256:{own}, as {by} recorded"))
            }
            Some(it) => {
                let text = format!("{name} is sha256:{own}, {by} recorded sha256:{} of {version}", short(it));
                (Some(Verdict::Fail), text)
            }
            None => (Some(Verdict::Fail), format!("{by} recorded no {name} of {version}")),
        }
    });
    here.chain(missing).collect()
}
