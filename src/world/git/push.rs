//! Pushes: what a remote has, what of a push is missing there, and the push itself, all refs or none.

use std::collections::BTreeMap;
use std::path::Path;

use super::write::{Made, Writer, moved, tag_elsewhere};
use crate::crash;
use crate::data::CommitId;
use crate::effect::{Push, RefUpdate, Rev};
use crate::error::{Error, Result};
use crate::world::State;
use crate::world::process::Git;

impl Writer {
    /// Whether a push is done already, can be made, or cannot.
    pub fn observe_push(&self, push: &Push, made: &Made) -> Result<State> {
        let there = ls_remote(&self.root, &push.remote)?;
        let mut missing = 0;
        for update in &push.updates {
            match self.observe_ref(update, &there, made)? {
                State::Done(_) => {}
                State::Ready => missing += 1,
                conflict @ State::Conflict(_) => return Ok(conflict),
            }
        }
        Ok(if missing == 0 { State::Done(None) } else { State::Ready })
    }

    fn observe_ref(
        &self,
        update: &RefUpdate,
        there: &BTreeMap<String, CommitId>,
        made: &Made,
    ) -> Result<State> {
        let ours = self.commit_of(&update.from, made)?;
        // A tag is the same when it marks the same commit, whoever made the tag object.
        let theirs = there.get(&format!("{}^{{}}", update.to)).or_else(|| there.get(&update.to)).copied();
        if theirs == update.expect && (theirs.is_none() || theirs != ours) {
            return Ok(State::Ready);
        }
        let Some(theirs) = theirs else {
            return Ok(State::Conflict(
                Error::no(format!("{} is gone from the remote", update.to)).hint("plan again"),
            ));
        };
        if Some(theirs) == ours {
            return Ok(State::Done(None));
        }
        if let Some(tag) = update.to.strip_prefix("refs/tags/") {
            return Ok(State::Conflict(tag_elsewhere(tag, theirs, ours).at("the remote")));
        }
        if let Some(ours) = ours
            && !update.force
            && self
                .git(["merge-base", "--is-ancestor", &ours.to_string(), &theirs.to_string()])
                .output()?
                .ok()
        {
            return Ok(State::Done(None));
        }
        let name = update.to.strip_prefix("refs/heads/").unwrap_or(&update.to);
        Ok(State::Conflict(match update.expect {
            Some(expect) => moved(&format!("{name} at the remote"), expect, theirs),
            None => {
                Error::no(format!("{name} exists at the remote, at {}", theirs.short())).hint("plan again")
            }
        }))
    }

    /// Pushes what is missing at the remote, all or none.
    pub fn push(&self, push: &Push, made: &Made) -> Result<()> {
        let there = ls_remote(&self.root, &push.remote)?;
        let (mut refspecs, mut leases) = (Vec::new(), Vec::new());
        for update in &push.updates {
            if let State::Done(_) = self.observe_ref(update, &there, made)? {
                continue;
            }
            let from = match &update.from {
                Rev::Tag(name) => format!("refs/tags/{name}"),
                rev => self.known(rev, made)?.to_string(),
            };
            refspecs.push(format!("{from}:{}", update.to));
            if update.force {
                let expect = update.expect.map(|id| id.to_string()).unwrap_or_default();
                leases.push(format!("--force-with-lease={}:{expect}", update.to));
            }
        }
        crash::point();
        let head = ["push", "--porcelain", "--no-follow-tags"];
        let call = |atomic: Option<&str>, refspecs: &[String]| {
            let args = head
                .into_iter()
                .chain(atomic)
                .chain(leases.iter().map(String::as_str))
                .chain(["--", &push.remote])
                .chain(refspecs.iter().map(String::as_str));
            Git::new(&self.root, args).output()
        };
        let output = call(Some("--atomic"), &refspecs)?;
        let mut failed = (!output.ok()).then_some(output);
        if failed.as_ref().is_some_and(|o| o.stderr.contains("does not support --atomic")) {
            // Branches come first in a plan, so a tag is never at the remote without its commit on the branch.
            failed = None;
            for refspec in &refspecs {
                let output = call(None, std::slice::from_ref(refspec))?;
                if !output.ok() {
                    failed = Some(output);
                    break;
                }
            }
        }
        crash::point();
        match failed {
            None => Ok(()),
            Some(output) => {
                let said = String::from_utf8_lossy(&output.stdout);
                Err(push_error(push, &format!("{}\n{}", said.trim(), output.stderr)))
            }
        }
    }
}

/// What a remote has: full ref names to ids; the commit of an annotated tag under `<name>^{}`.
pub fn ls_remote(root: &Path, remote: &str) -> Result<BTreeMap<String, CommitId>> {
    let output = Git::new(root, ["ls-remote", "--", remote]).run().map_err(|e| {
        e.at(format!("remote {remote}")).hint("check the remote's address, the network and the credentials")
    })?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| {
            let (id, name) = line.split_once('\t')?;
            Some((name.to_owned(), id.parse().ok()?))
        })
        .collect())
}

fn push_error(push: &Push, said: &str) -> Error {
    let hint = if said.contains("[rejected]")
        || said.contains("fetch first")
        || said.contains("non-fast-forward")
    {
        "the branch moved at the remote: fetch it and plan again"
    } else if said.contains("protected branch") || said.contains("GH006") || said.contains("GH013") {
        "the branch is protected: allow this identity to push, or release through a request"
    } else if said.contains("Permission")
        || said.contains("403")
        || said.contains("Authentication failed")
        || said.contains("could not read Username")
    {
        "the credentials may not push: on GitHub give the job `permissions: contents: write`, on GitLab allow the job token to push"
    } else {
        "mend the cause, then `release-steps resume`"
    };
    Error::outside(format!("the push to {} was refused", push.remote)).hint(hint).detail(said.trim())
}
