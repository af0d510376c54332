//! Brings a release to the state that an effect wants, from whatever state it is in: draft → files → published.
//!
//! Nothing is sent twice blindly: after a failure that may have had an effect, the release is looked at anew, and only
//! what is still missing is done.

use std::path::Path;

use super::{Answer, Asset, Forge, Release, ReleaseText, View};
use crate::data::CommitId;
use crate::effect::{AssetContent, AssetFile, ForgeRelease};
use crate::error::{Error, Result};
use crate::rules::artifacts::{self, Artifact, Record, Recorded, SUMS};
use crate::world::State;
use crate::world::files;
use crate::world::http::{Body, Failure};

/// How often the whole is tried.
const TRIES: u32 = 4;

/// What is still to be done.
#[derive(Debug)]
enum Todo<'a> {
    /// Make the draft.
    Stage,
    /// Take a file away: one whose upload broke off, or one that is replaced.
    Remove(Asset),
    /// Send a file.
    Send(&'a AssetFile),
    /// Publish, list the files, write the texts.
    Publish,
    /// Take away a draft that another run left.
    Discard(Release),
}

/// Why it is not done.
enum Trouble {
    /// Somebody must decide.
    Refused(Error),
    /// A request failed.
    Failed(Failure),
    /// Another run makes the same release.
    Overtaken,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Trouble::Failed(failure)
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(error) => error,
            Trouble::Failed(failure) => failure.into(),
            Trouble::Overtaken => Error::unknown("another run makes the same release")
                .hint("run again: what is done is found and not done twice"),
        }
    }
}

/// The release with the record of its files, where one is wanted.
fn recorded(want: &ForgeRelease, commit: CommitId) -> ForgeRelease {
    let mut want = want.clone();
    if want.record {
        let of = |file: &AssetFile| Artifact {
            name: file.name.clone(),
            size: file.size,
            sha256: file.sha256.clone(),
        };
        let text =
            Record::new(&want.tag, commit, want.assets.iter().filter(|file| file.name != SUMS).map(of))
                .to_json();
        want.assets.push(AssetFile {
            name: artifacts::FILE.to_owned(),
            size: text.len() as u64,
            sha256: files::digest_of(text.as_bytes()),
            content: AssetContent::Text(text),
        });
    }
    want
}

fn text(want: &ForgeRelease) -> ReleaseText<'_> {
    ReleaseText {
        tag: &want.tag,
        name: &want.name,
        notes: &want.notes,
        prerelease: want.prerelease,
        latest: want.latest,
    }
}

/// What a release lacks. Texts and marks of a published one are a person's to change and are kept, unless it is to be
/// replaced.
fn todo<'a>(
    forge: &dyn View,
    release: Option<&Release>,
    want: &'a ForgeRelease,
) -> std::result::Result<Vec<Todo<'a>>, Trouble> {
    let Some(release) = release else {
        let mut todo = vec![Todo::Stage];
        todo.extend(want.assets.iter().map(Todo::Send));
        todo.push(Todo::Publish);
        return Ok(todo);
    };
    let mut todo = Vec::new();
    let mut publish = release.draft;
    for file in &want.assets {
        let Some(there) = release.assets.iter().find(|asset| asset.name == file.name) else {
            todo.push(Todo::Send(file));
            // Where sending a file and listing it are two things.
            publish |= !release.id.is_empty() && want.place.kind == super::Kind::GitLab;
            continue;
        };
        if there.complete && same(forge, there, file)? {
            publish |= !there.listed;
            continue;
        }
        let published = there.complete && !release.draft && there.listed;
        if published && !release.immutable && !want.replace && !only_grows(forge, there, file)? {
            return Err(Trouble::Refused(
                Error::no(format!("the release {} has another {}", want.tag, file.name))
                    .at(release.url.clone())
                    .hint("a published file is not changed; if it must be: `release --replace`"),
            ));
        }
        todo.push(Todo::Remove(there.clone()));
        todo.push(Todo::Send(file));
        publish |= want.place.kind == super::Kind::GitLab && !release.draft;
    }
    if release.immutable && !release.draft {
        // Not even `--replace` may; its title and notes may still change.
        let sent = todo.iter().filter_map(|todo| if let Todo::Send(file) = todo { Some(file) } else { None });
        // A list of the files differs when one of them does: that one is named.
        if let Some(file) = sent.min_by_key(|file| [artifacts::FILE, SUMS].contains(&file.name.as_str())) {
            let other = release.assets.iter().any(|asset| asset.name == file.name);
            let what = if other { "has another" } else { "does not have" };
            return Err(Trouble::Refused(
                Error::no(format!("the release {} is immutable and {what} {}", want.tag, file.name))
                    .at(release.url.clone())
                    .hint(
                        "the forge lets nobody change its files any more: release the next version with them",
                    ),
            ));
        }
    }
    let texts = release.name != want.name || release.notes.trim() != want.notes.trim();
    let marks = want.place.kind == super::Kind::GitHub && release.prerelease != want.prerelease;
    publish |= want.replace && (texts || marks);
    if publish {
        todo.push(Todo::Publish);
    }
    // Only what a run of the same release made: people may keep drafts of their own.
    let same = |other: &&Release| other.name == want.name && other.notes.trim() == want.notes.trim();
    todo.extend(release.others.iter().filter(same).cloned().map(Todo::Discard));
    Ok(todo)
}

/// Whether a list of digests only lacks files that were added since: all that it has stays true.
fn only_grows(forge: &dyn View, there: &Asset, file: &AssetFile) -> Answer<bool> {
    let AssetContent::Text(text) = &file.content else { return Ok(false) };
    if ![artifacts::FILE, SUMS].contains(&file.name.as_str()) {
        return Ok(false);
    }
    let read = (Recorded::parse(&forge.asset_text(there)?), Recorded::parse(text));
    let (Ok(old), Ok(new)) = read else { return Ok(false) };
    let kept = old.artifacts.iter().all(|(name, artifact)| new.artifacts.get(name) == Some(artifact));
    Ok(kept && old.tag == new.tag && old.commit == new.commit)
}

/// Whether a file is the one that is wanted, by its digest, which is fetched where the forge does not say it.
fn same(forge: &dyn View, there: &Asset, file: &AssetFile) -> Answer<bool> {
    if there.size.is_some_and(|size| size != file.size) {
        return Ok(false);
    }
    match &there.sha256 {
        Some(sha256) => Ok(sha256.eq_ignore_ascii_case(&file.sha256)),
        None => Ok(forge.asset_sha256(there)? == file.sha256),
    }
}

/// What was seen of a release, so that acting need not look at once again.
pub type Seen = Option<Release>;

/// Looks at the release. `commit` is the tag's; none while the tag is not made. `seen` is what was seen of it a moment ago.
pub fn observe(
    forge: &dyn View,
    want: &ForgeRelease,
    commit: Option<CommitId>,
    seen: Option<Seen>,
) -> Result<(State, Seen)> {
    let seen = match seen {
        Some(seen) => seen,
        None => forge.release(&want.tag)?,
    };
    let whole = commit.map(|commit| recorded(want, commit));
    Ok(match todo(forge, seen.as_ref(), whole.as_ref().unwrap_or(want)) {
        Ok(todo) if todo.is_empty() && (whole.is_some() || !want.record) => (State::Done(None), seen),
        Ok(_) => (State::Ready, seen),
        Err(Trouble::Refused(error)) => (State::Conflict(error), seen),
        Err(trouble) => return Err(trouble.into()),
    })
}

/// Does what is missing. `seen` is what [`observe`] saw just now.
pub fn converge(
    forge: &dyn Forge,
    want: &ForgeRelease,
    commit: Option<CommitId>,
    root: &Path,
    seen: Option<Seen>,
) -> Result<()> {
    let want = &match (want.record, commit) {
        (false, _) => want.clone(),
        (true, Some(commit)) => recorded(want, commit),
        (true, None) => {
            return Err(Error::no(format!(
                "there is no tag {} here, whose commit is to be recorded",
                want.tag
            ))
            .hint("`git fetch --tags`, then run again"));
        }
    };
    let mut seen = seen;
    for tries in 1.. {
        match attempt(forge, want, root, seen.take()) {
            Ok(()) => break,
            // What was done shows with a delay: longer waits than after a question.
            Err(Trouble::Failed(failure))
                if failure.look_again() && tries < TRIES && forge.wait(&failure, tries + 1) => {}
            Err(Trouble::Overtaken) if tries < TRIES => {}
            Err(trouble) => return Err(trouble.into()),
        }
    }
    Ok(())
}

fn attempt(
    forge: &dyn Forge,
    want: &ForgeRelease,
    root: &Path,
    seen: Option<Seen>,
) -> std::result::Result<(), Trouble> {
    let mut release = match seen {
        Some(seen) => seen,
        None => forge.release(&want.tag)?,
    };
    let todo = todo(forge, release.as_ref(), want)?;
    // Publishing the release of a tag that is not there would make the tag, on whatever commit is the newest.
    if !todo.is_empty() && forge.ref_target(&format!("tags/{}", want.tag))?.is_none() {
        return Err(Trouble::Refused(
            Error::no(format!("{} has no tag {}", want.place, want.tag))
                .hint("push it first; is the remote that it was pushed to this repository?"),
        ));
    }
    // Everything that is to be sent is what was planned, or nothing is sent.
    for file in &want.assets {
        check(root, file).map_err(Trouble::Refused)?;
    }
    for todo in todo {
        let known = release.as_mut();
        match (todo, known) {
            (Todo::Stage, _) => match stage(forge, want)? {
                Some(staged) => release = Some(staged),
                None => return Err(Trouble::Overtaken),
            },
            (Todo::Discard(draft), _) => forge.discard_draft(&draft)?,
            (Todo::Remove(asset), Some(release)) => {
                forge.remove_asset(release, &asset)?;
                release.assets.retain(|a| a.name != asset.name);
            }
            (Todo::Send(file), Some(release)) => {
                let content = content(root, file).map_err(Trouble::Refused)?;
                let sent = forge.add_asset(release, &file.name, content)?;
                if sent.sha256.as_ref().is_some_and(|sha256| !sha256.eq_ignore_ascii_case(&file.sha256)) {
                    return Err(Trouble::Refused(Error::outside(format!(
                        "{} arrived at {} with another digest than it left",
                        file.name, want.place
                    ))));
                }
                release.assets.push(sent);
            }
            (Todo::Publish, Some(known)) => release = Some(forge.publish_release(known, &text(want))?),
            (_, None) => {}
        }
    }
    Ok(())
}

/// Makes the draft; none when another run was first, whose draft is gone on with.
fn stage(forge: &dyn Forge, want: &ForgeRelease) -> Answer<Option<Release>> {
    let staged = forge.stage_release(&text(want))?;
    if want.place.kind != super::Kind::GitHub {
        return Ok(Some(staged));
    }
    // GitHub takes any number of drafts of a tag. Each run looks again after it made one, so that the oldest is left.
    match forge.release(&want.tag)? {
        Some(first) if first.id != staged.id => {
            forge.discard_draft(&staged)?;
            Ok(None)
        }
        _ => Ok(Some(staged)),
    }
}

fn content(root: &Path, file: &AssetFile) -> Result<Body> {
    Ok(match &file.content {
        AssetContent::Text(text) => Body::Bytes(text.clone().into_bytes().into()),
        AssetContent::Path(path) => Body::File(files::locate(root, path)?),
    })
}

/// Refuses a file that is not what it was when the plan was made.
fn check(root: &Path, file: &AssetFile) -> Result<()> {
    let AssetContent::Path(path) = &file.content else { return Ok(()) };
    let now = files::digest(&files::locate(root, path)?)
        .map_err(|e| Error::outside(format!("cannot be read: {e}")).at(path.clone()))?;
    if now == (file.size, file.sha256.clone()) {
        return Ok(());
    }
    Err(Error::no("changed since the plan was made").at(path.clone()).hint("plan again"))
}
