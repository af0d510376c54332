//! What stands in the way of a release: versions that others own, tags that were not fetched, a changed work tree.

use semver::Version;

use super::Place;
use crate::effect::FileEdit;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding};
use crate::rules::version::guard;
use crate::survey::Candidate;
use crate::survey::branches::owned;
use crate::survey::files::{is_placeholder, written_versions};

/// A version that a tag, or another release or hotfix branch, owns is not taken.
pub(super) fn refuse_taken(facts: &Facts<'_>, place: &Place, released: &[&Candidate]) -> Result<()> {
    let by_branches = owned(facts, place.branch.as_deref())?;
    for candidate in released {
        let Some(next) = &candidate.next else { continue };
        let mut owners: Vec<(Version, String)> =
            candidate.line.all.iter().map(|r| (r.version.clone(), format!("tag {}", r.tag))).collect();
        if !candidate.package.one_of_many {
            owners.extend(by_branches.iter().cloned());
        }
        if let Err(taken) = guard(next, &owners) {
            return Err(Error::no(taken.to_string()).hint(match &taken.free {
                Some(free) => format!("release another version: `release-steps release {free}`"),
                None => "release another version".to_owned(),
            }));
        }
    }
    Ok(())
}

/// A release tag that the remote has and this clone lacks would make the next version wrong.
pub(super) fn refuse_unfetched_tags(facts: &Facts<'_>, released: &[&Candidate]) -> Result<()> {
    let Some(refs) = facts.remote_refs()? else { return Ok(()) };
    for candidate in released {
        let current = candidate.line.latest.as_ref().map(|r| &r.version);
        let missing = refs.keys().filter_map(|n| n.strip_prefix("refs/tags/")).find(|tag| {
            let version = candidate.package.tags.parse(tag);
            version.is_some_and(|v| {
                current.is_none_or(|c| v > *c) && candidate.line.all.iter().all(|r| r.tag != **tag)
            })
        });
        if let Some(tag) = missing {
            return Err(Error::no(format!("the remote has the release tag {tag}, and this clone does not"))
                .hint(format!("`git fetch --tags {}`, then plan again", facts.config.release.remote)));
        }
    }
    Ok(())
}

pub(super) fn mention_disagreement(
    facts: &Facts<'_>,
    released: &[&Candidate],
    findings: &mut Vec<Finding>,
) -> Result<()> {
    for candidate in released {
        let (Some(current), Some(next)) = (candidate.line.latest.as_ref(), &candidate.next) else { continue };
        for (place, version) in written_versions(facts, &candidate.package)? {
            if version != current.version && version != *next && !is_placeholder(&version) {
                findings.push(
                    Finding::new(
                        Answer::Warning,
                        "version-files",
                        format!(
                            "a version file says {version}, though the last release is {}; it becomes {next}",
                            current.version
                        ),
                    )
                    .at(place),
                );
            }
        }
    }
    Ok(())
}

/// Refuses changes in the work tree that are not those that this release itself would make.
pub(super) fn check_work_tree(
    facts: &Facts<'_>,
    place: &Place,
    files: &[FileEdit],
    findings: &mut Vec<Finding>,
) -> Result<()> {
    if place.branch.is_none() || facts.repo().work_tree().is_none() {
        return Ok(());
    }
    let status = facts.repo().status()?;
    let mut changed: Vec<String> = Vec::new();
    for path in status.staged.iter().chain(&status.modified) {
        let planned = files.iter().find(|f| f.path == *path);
        let as_planned = match planned {
            Some(file) => facts.work_tree_holds(path, &file.after)?,
            None => false,
        };
        if !as_planned && !changed.contains(path) {
            changed.push(path.clone());
        }
    }
    if !changed.is_empty() {
        let some = changed.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        let more = if changed.len() > 5 { format!(" and {} more", changed.len() - 5) } else { String::new() };
        return Err(Error::no(format!("the work tree has changes that are not committed: {some}{more}"))
            .hint(
                "commit or stash them; after a run that was killed, `release-steps resume` goes on with it",
            ));
    }
    let in_the_way = status.untracked.iter().find(|path| files.iter().any(|f| f.path == **path));
    if let Some(path) = in_the_way
        && let Some(file) = files.iter().find(|f| f.path == *path)
        && !facts.work_tree_holds(path, &file.after)?
    {
        return Err(Error::no("git does not track this file, and the release would write it")
            .at(path.clone())
            .hint("`git add` and commit it, or move it away"));
    }
    let others: Vec<&String> =
        status.untracked.iter().filter(|p| !files.iter().any(|f| f.path == **p)).collect();
    if let Some(first) = others.first() {
        findings.push(Finding::new(
            Answer::Note,
            "work-tree",
            match others.len() {
                1 => format!("the untracked file {first} is left out of the release"),
                n => format!("{n} untracked files, such as {first}, are left out of the release"),
            },
        ));
    }
    Ok(())
}
