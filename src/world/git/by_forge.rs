//! Commits that a forge makes by its API, seen from git: what the remote has of them, and how they are brought here.

use super::push::ls_remote;
use super::trees::{author_of, of_git2, oid};
use super::write::{Made, Writer, moved};
use crate::crash;
use crate::data::CommitId;
use crate::effect::{Before, ByForge, Commit, Make};
use crate::error::{Error, Result};
use crate::world::State;
use crate::world::forge::Change;

/// What a forge is to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The parent.
    pub parent: CommitId,
    /// What differs from it.
    pub changes: Vec<Change>,
    /// Who wrote it, where it is a pick: name and e-mail address.
    pub author: Option<(String, String)>,
    tree: git2::Oid,
}

impl Writer {
    /// Whether the commit is here already, or the remote's branch is where it can be made or has it.
    pub fn observe_by_forge(&self, commit: &Commit, by: &ByForge, made: &Made) -> Result<State> {
        let state = self.observe_commit(commit, made)?;
        let Some(parent) = self.commit_of(&commit.parent, made)? else { return Ok(state) };
        if !matches!(state, State::Ready) {
            return Ok(state);
        }
        Ok(match self.found_at_remote(commit, by, parent, made) {
            Ok(_) => State::Ready,
            Err(error) if error.kind == crate::error::Kind::No => State::Conflict(error),
            Err(error) => return Err(error),
        })
    }

    /// The commit, where the remote's branch has it; an error where the branch is neither there nor where the plan has it.
    pub fn found_at_remote(
        &self,
        commit: &Commit,
        by: &ByForge,
        parent: CommitId,
        made: &Made,
    ) -> Result<Option<CommitId>> {
        let name = format!("refs/heads/{}", by.branch);
        let tip = ls_remote(&self.root, &by.remote)?.get(&name).copied();
        let here = match by.before {
            // Where an effect before this one pushes the parent, the branch may not have it yet.
            Before::Parent => tip.is_none_or(|tip| tip == parent || self.is_ancestor(tip, parent)),
            // A try that was killed may have got as far as to create it.
            Before::Absent => tip.is_none_or(|tip| tip == parent),
            Before::At(before) => tip == Some(before),
        };
        if here {
            return Ok(None);
        }
        let Some(tip) = tip else {
            return Err(
                Error::no(format!("branch {} is gone from {}", by.branch, by.remote)).hint("plan again")
            );
        };
        self.fetch(by)?;
        let expected = if let Before::At(before) = by.before { before } else { parent };
        let found = self.find_made(commit, parent, tip, made)?;
        found.map(Some).ok_or_else(|| moved(&format!("{} at {}", by.branch, by.remote), expected, tip))
    }

    fn is_ancestor(&self, one: CommitId, of: CommitId) -> bool {
        let asked = self.git(["merge-base", "--is-ancestor", &one.to_string(), &of.to_string()]).output();
        asked.is_ok_and(|output| output.ok())
    }

    fn fetch(&self, by: &ByForge) -> Result<()> {
        let name = format!("refs/heads/{}", by.branch);
        let options = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--"];
        let [a, b, c, d, e] = options;
        self.git([a, b, c, d, e, &by.remote, &name]).run().map(drop)
    }

    /// What a forge is to commit; refused where its API cannot say it.
    pub fn wanted(&self, commit: &Commit, made: &Made) -> Result<Wanted> {
        let failed = |e: git2::Error| of_git2("what the forge is to commit cannot be told", &e);
        let parent = self.known(&commit.parent, made)?;
        let repo = self.open()?;
        if matches!(commit.make, Make::Merge(_)) {
            return Err(Error::usage("a merge is not made by a forge's API").hint("merge by a request"));
        }
        let tree = self.tree(&repo, commit, parent, made)?;
        let before = repo.find_commit(oid(parent)).and_then(|c| c.tree()).map_err(failed)?;
        let after = repo.find_tree(tree).map_err(failed)?;
        let diff = repo.diff_tree_to_tree(Some(&before), Some(&after), None).map_err(failed)?;
        let shallow = repo.is_shallow();
        let mut changes = Vec::new();
        for delta in diff.deltas() {
            let (old, new) = (delta.old_file(), delta.new_file());
            let path =
                new.path().or(old.path()).and_then(|path| path.to_str()).unwrap_or_default().to_owned();
            let plain = match new.mode() {
                git2::FileMode::Blob | git2::FileMode::Unreadable => true,
                git2::FileMode::BlobExecutable => old.mode() == git2::FileMode::BlobExecutable,
                _ => false,
            };
            if !plain || path.is_empty() {
                return Err(Error::usage(
                    "a link, a submodule or a new executable is not committed by a forge's API",
                )
                .at(path)
                .hint("commit with git: `forge: {commits: git}`"));
            }
            let is_new = !old.exists();
            let content = match new.exists() {
                true => Some(repo.find_blob(new.id()).map_err(failed)?.content().to_vec()),
                false => None,
            };
            let last = match is_new || shallow {
                true => None,
                false => self
                    .git(["log", "-1", "--format=%H", &parent.to_string(), "--", &path])
                    .run()?
                    .text()
                    .parse()
                    .ok(),
            };
            changes.push(Change { path, content, new: is_new, last });
        }
        let author = match &commit.make {
            Make::Pick(source) => Some(author_of(&repo, *source)?.0).map(|a| (a.name, a.email)),
            _ => None,
        };
        Ok(Wanted { parent, changes, author, tree })
    }

    /// Brings a commit here that the forge made, and moves the branch and the work tree as if it had been made here. One that
    /// holds something else than was planned is refused.
    pub fn land(&self, commit: &Commit, by: &ByForge, wanted: &Wanted, id: CommitId) -> Result<()> {
        crash::point();
        self.fetch(by)?;
        let repo = self.open()?;
        let found =
            repo.find_commit(oid(id)).map_err(|e| of_git2("the forge's commit cannot be read", &e))?;
        if found.tree_id() != wanted.tree || found.parent_ids().ne([oid(wanted.parent)]) {
            return Err(Error::outside(format!("the forge made another commit than was planned: {id}"))
                .at(format!("{} at {}", by.branch, by.remote))
                .hint("somebody pushed at the same time: look at the branch, then plan again"));
        }
        self.move_to(&repo, commit, wanted.parent, id)
    }
}
