//! The write side of git: what `apply` does to a repository, each thing looked at before it is done.
//!
//! Trees are built in the object database; commits, tags, refs and pushes go through the git command line, so that
//! signing, credentials and ref formats are those of the user's git. Every change can be made again: a commit with the
//! same parent, content, message and time is the same commit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::trees::{author_of, edited_tree, id, merged, of_git2, oid, picked, written};
use crate::crash;
use crate::data::CommitId;
use crate::effect::{Branch, Commit, Make, Rev, Tag};
use crate::error::{Error, Result};
use crate::plan::Precondition;
use crate::world::State;
use crate::world::process::Git;

/// The commits that the effects of this run have made, by name.
pub type Made = BTreeMap<String, CommitId>;

/// A repository to write to.
#[derive(Debug, Clone)]
pub struct Writer {
    pub(super) root: PathBuf,
}

impl Writer {
    /// A writer for the repository that has `root` as the top of its work tree (or as its bare folder).
    pub fn new(root: &Path) -> Self {
        Writer { root: root.to_owned() }
    }

    pub(super) fn git<const N: usize>(&self, args: [&str; N]) -> Git {
        Git::new(&self.root, args)
    }

    pub(super) fn open(&self) -> Result<git2::Repository> {
        git2::Repository::open(&self.root).map_err(|e| of_git2("the repository cannot be opened", &e))
    }

    /// The object that a revision means, peeled to a commit or not.
    fn parse(&self, rev: &str) -> Result<Option<CommitId>> {
        let output = self.git(["rev-parse", "--verify", "--quiet", "--end-of-options", rev]).output()?;
        Ok(output.ok().then(|| output.text().parse().ok()).flatten())
    }

    /// The commit of a revision that may be one that this run makes; none while that is not yet made.
    pub fn commit_of(&self, rev: &Rev, made: &Made) -> Result<Option<CommitId>> {
        match rev {
            Rev::Commit(id) => Ok(Some(*id)),
            Rev::Made(name) => Ok(made.get(name).copied()),
            Rev::Tag(name) => self.parse(&format!("refs/tags/{name}^{{commit}}")),
        }
    }

    pub(super) fn known(&self, rev: &Rev, made: &Made) -> Result<CommitId> {
        self.commit_of(rev, made)?.ok_or_else(|| {
            Error::outside(format!("{rev} is not there"))
                .hint("an earlier effect of this plan should have made it; plan again")
        })
    }

    /// The branch that `HEAD` is on, none when it is detached.
    fn head_branch(&self) -> Result<Option<String>> {
        let output = self.git(["symbolic-ref", "--quiet", "HEAD"]).output()?;
        Ok(output
            .ok()
            .then(|| output.text())
            .and_then(|name| Some(name.strip_prefix("refs/heads/")?.to_owned())))
    }

    /// The full name of the ref that a commit effect moves, and whether the work tree goes with it.
    fn moved_ref(&self, commit: &Commit, parent: CommitId) -> Result<(Option<String>, bool)> {
        if commit.aside {
            return Ok((None, false));
        }
        let head = self.head_branch()?;
        match &commit.branch {
            Some(branch) => Ok((Some(format!("refs/heads/{branch}")), head.as_ref() == Some(branch))),
            None if head.is_none() && self.parse("HEAD")? == Some(parent) => {
                Ok((Some("HEAD".to_owned()), true))
            }
            None => Ok((None, false)),
        }
    }

    /// Whether a commit is there already, can be made, or cannot.
    pub fn observe_commit(&self, commit: &Commit, made: &Made) -> Result<State> {
        let Some(parent) = self.commit_of(&commit.parent, made)? else {
            return Ok(State::Ready);
        };
        if commit.aside {
            return Ok(State::Ready);
        }
        let tip = match &commit.branch {
            Some(branch) => self.parse(&format!("refs/heads/{branch}"))?,
            None if self.head_branch()?.is_none() => self.parse("HEAD")?,
            None => return Ok(State::Ready),
        };
        let place = commit.branch.as_deref().unwrap_or("HEAD");
        let Some(tip) = tip else {
            return Ok(State::Conflict(Error::no(format!("branch {place} is gone")).hint("plan again")));
        };
        if tip == parent {
            return self.observe_files(commit, parent);
        }
        if let Some(found) = self.find_made(commit, parent, tip, made)? {
            return Ok(State::Done(Some(found)));
        }
        if commit.branch.is_none() {
            return Ok(State::Ready);
        }
        Ok(State::Conflict(moved(place, parent, tip)))
    }

    /// Whether the work tree, where it goes with the commit, has the files as they were planned with or as they become.
    fn observe_files(&self, commit: &Commit, parent: CommitId) -> Result<State> {
        let Make::Files(files) = &commit.make else { return Ok(State::Ready) };
        if !self.moved_ref(commit, parent)?.1 || self.open()?.is_bare() {
            return Ok(State::Ready);
        }
        for file in files {
            if let State::Conflict(error) = crate::world::files::observe(&self.root, file)?
                && !self.as_committed(parent, &file.path)?
            {
                return Ok(State::Conflict(error));
            }
        }
        Ok(State::Ready)
    }

    /// Whether a file of the work tree is as a commit has it, once git's filters, such as that of line ends, are applied.
    fn as_committed(&self, commit: CommitId, path: &str) -> Result<bool> {
        let hash = self.git(["hash-object", "--path", path, "--", path]).output()?;
        Ok(hash.ok() && hash.text().parse().ok() == self.parse(&format!("{commit}:{path}"))?)
    }

    /// Looks on the first-parent line from `tip` down to `parent` for the commit that the effect would make.
    pub(super) fn find_made(
        &self,
        commit: &Commit,
        parent: CommitId,
        tip: CommitId,
        made: &Made,
    ) -> Result<Option<CommitId>> {
        let repo = self.open()?;
        let other = match &commit.make {
            Make::Merge(other) => self.commit_of(other, made)?,
            _ => None,
        };
        let mut at = tip;
        for _ in 0..1000 {
            let Ok(found) = repo.find_commit(oid(at)) else {
                return Ok(None);
            };
            let Some(first) = found.parent_ids().next().map(id) else {
                return Ok(None);
            };
            if first == parent {
                let same_message =
                    String::from_utf8_lossy(found.message_bytes()).trim_end() == commit.message.trim_end();
                let second = found.parent_ids().nth(1).map(id);
                let same_content = match &commit.make {
                    Make::Files(files) => files.iter().all(|file| {
                        found
                            .tree()
                            .and_then(|tree| tree.get_path(Path::new(&file.path)))
                            .and_then(|entry| repo.find_blob(entry.id()))
                            .is_ok_and(|blob| blob.content() == file.after.as_bytes())
                    }),
                    Make::Merge(_) => second.is_some() && second == other,
                    Make::Pick(_) => second.is_none(),
                };
                return Ok((same_message && same_content).then_some(at));
            }
            at = first;
        }
        Ok(None)
    }

    /// Makes a commit, brings index and work tree to it when its branch is checked out, and moves the branch.
    pub fn commit(&self, commit: &Commit, made: &Made) -> Result<CommitId> {
        let parent = self.known(&commit.parent, made)?;
        let repo = self.open()?;
        let tree = self.tree(&repo, commit, parent, made)?;
        let mut args = vec!["commit-tree".to_owned(), tree.to_string()];
        for each in [Some(parent), self.second_parent(commit, made)?].into_iter().flatten() {
            args.extend(["-p".to_owned(), each.to_string()]);
        }
        args.push(if commit.sign { "-S" } else { "--no-gpg-sign" }.to_owned());
        let date = git_date(&commit.when);
        let mut author = (commit.committer.clone(), date.clone());
        if let Make::Pick(source) = &commit.make {
            author = author_of(&repo, *source)?;
        }
        crash::point();
        let output = Git::new(&self.root, &args)
            .env("GIT_AUTHOR_NAME", &author.0.name)
            .env("GIT_AUTHOR_EMAIL", &author.0.email)
            .env("GIT_AUTHOR_DATE", &author.1)
            .env("GIT_COMMITTER_NAME", &commit.committer.name)
            .env("GIT_COMMITTER_EMAIL", &commit.committer.email)
            .env("GIT_COMMITTER_DATE", &date)
            .input(commit.message.as_bytes())
            .run()?;
        let new: CommitId = output.text().parse().map_err(|e| {
            Error::outside(format!("git commit-tree answered something else than a commit: {e}"))
        })?;
        self.move_to(&repo, commit, parent, new)?;
        Ok(new)
    }

    /// The tree that a commit is to have.
    pub(super) fn tree(
        &self,
        repo: &git2::Repository,
        commit: &Commit,
        parent: CommitId,
        made: &Made,
    ) -> Result<git2::Oid> {
        match &commit.make {
            Make::Files(files) => edited_tree(repo, parent, files),
            Make::Merge(other) => written(repo, merged(repo, parent, self.known(other, made)?)?),
            Make::Pick(source) => written(repo, picked(repo, parent, *source)?),
        }
    }

    /// Moves the branch and the work tree from the parent to the new commit, as far as they go with it.
    pub(super) fn move_to(
        &self,
        repo: &git2::Repository,
        commit: &Commit,
        parent: CommitId,
        new: CommitId,
    ) -> Result<()> {
        let (moved_ref, with_tree) = self.moved_ref(commit, parent)?;
        if with_tree && !repo.is_bare() {
            self.check_out(repo, parent, new, commit)?;
        }
        if let Some(name) = moved_ref {
            crash::point();
            let why = format!("release-steps: {}", commit.message.lines().next().unwrap_or_default());
            self.git(["update-ref", "-m", &why, &name, &new.to_string(), &parent.to_string()]).run()?;
        }
        crash::point();
        Ok(())
    }

    fn second_parent(&self, commit: &Commit, made: &Made) -> Result<Option<CommitId>> {
        match &commit.make {
            Make::Merge(other) => self.known(other, made).map(Some),
            _ => Ok(None),
        }
    }

    /// Brings the index and the work tree from one commit to the next; a file that a person changed stops it.
    fn check_out(
        &self,
        repo: &git2::Repository,
        from: CommitId,
        to: CommitId,
        commit: &Commit,
    ) -> Result<()> {
        // A run that was killed here has written files that the index does not know: they are as planned, take them in.
        let tree = repo
            .find_commit(oid(to))
            .and_then(|c| c.tree())
            .map_err(|e| of_git2("the new commit cannot be read", &e))?;
        if let Make::Files(files) = &commit.make {
            for file in files {
                let Ok(entry) = tree.get_path(Path::new(&file.path)) else {
                    continue;
                };
                let hash = self.git(["hash-object", "--path", &file.path, "--", &file.path]).output()?;
                if hash.ok() && hash.text() == entry.id().to_string() {
                    let info = format!("{:06o},{},{}", entry.filemode(), entry.id(), file.path);
                    self.git(["update-index", "--add", "--cacheinfo", &info]).run()?;
                }
            }
        }
        self.git(["update-index", "-q", "--refresh"]).output()?;
        crash::point();
        self.git(["read-tree", "-m", "-u", &from.to_string(), &to.to_string()]).run().map_err(|e| {
            e.hint("a changed file is in the way: commit or stash it, then `release-steps resume`")
        })?;
        Ok(())
    }

    /// Whether a precondition holds; an error that says what changed when it does not.
    pub fn holds(&self, condition: &Precondition) -> Result<()> {
        let (place, planned, now) = match condition {
            Precondition::BranchAt { branch, commit } => {
                let now = self.parse(&format!("refs/heads/{branch}"))?;
                (branch.as_str(), commit, now)
            }
            Precondition::HeadAt { commit } => ("HEAD", commit, self.parse("HEAD")?),
            Precondition::Live { .. } | Precondition::Recorded { .. } => {
                return Err(Error::unknown("git does not know what is deployed"));
            }
            Precondition::TagFree { tag } => {
                return match self.parse(&format!("refs/tags/{tag}^{{commit}}"))? {
                    None => Ok(()),
                    Some(at) => Err(tag_elsewhere(tag, at, None)),
                };
            }
        };
        match now {
            Some(now) if now == *planned => Ok(()),
            Some(now) => Err(moved(place, *planned, now)),
            None => Err(Error::no(format!("branch {place} is gone")).hint("plan again")),
        }
    }

    /// Whether a branch is there already, can be made, or cannot.
    pub fn observe_branch(&self, branch: &Branch, made: &Made) -> Result<State> {
        let at = self.parse(&format!("refs/heads/{}", branch.name))?;
        let target = self.commit_of(&branch.at, made)?;
        Ok(match at {
            None => State::Ready,
            Some(at) if Some(at) == target => State::Done(None),
            Some(at) => State::Conflict(
                Error::no(format!("branch {} exists already, at {}", branch.name, at.short()))
                    .hint("delete it, or choose another name"),
            ),
        })
    }

    /// Creates a branch.
    pub fn branch(&self, branch: &Branch, made: &Made) -> Result<()> {
        let at = self.known(&branch.at, made)?.to_string();
        crash::point();
        let name = format!("refs/heads/{}", branch.name);
        // The empty old value means: only if it does not exist.
        self.git(["update-ref", "-m", "release-steps: branch", &name, &at, ""]).run()?;
        crash::point();
        Ok(())
    }

    /// Whether a tag is there already, can be made, or cannot.
    pub fn observe_tag(&self, tag: &Tag, made: &Made) -> Result<State> {
        let at = self.parse(&format!("refs/tags/{}^{{commit}}", tag.name))?;
        let target = self.commit_of(&tag.target, made)?;
        Ok(match at {
            None => State::Ready,
            Some(at) if Some(at) == target => State::Done(None),
            Some(at) => State::Conflict(tag_elsewhere(&tag.name, at, target)),
        })
    }

    /// Creates an annotated tag.
    pub fn tag(&self, tag: &Tag, made: &Made) -> Result<()> {
        let target = self.known(&tag.target, made)?.to_string();
        let sign = if tag.sign { "--sign" } else { "--no-sign" };
        // From a file, not from standard input: were this process killed, git would take what it has got so far, perhaps
        // nothing, for the whole message.
        let dir = self.open()?.commondir().join("release-steps");
        let file = dir.join(format!("message-{}", std::process::id())).join(tag.name.replace('/', "-"));
        let failed = |e: std::io::Error| {
            Error::outside(format!("the tag's message cannot be written: {e}")).at(file.display().to_string())
        };
        let folder = file.parent().unwrap_or(&dir);
        std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, &tag.message)).map_err(failed)?;
        let from = format!("--file={}", file.display());
        crash::point();
        self.git(["tag", "--annotate", sign, "--cleanup=verbatim", &from, "--", &tag.name, &target])
            .env("GIT_COMMITTER_NAME", &tag.tagger.name)
            .env("GIT_COMMITTER_EMAIL", &tag.tagger.email)
            .env("GIT_COMMITTER_DATE", git_date(&tag.when))
            .run()?;
        // Of no use any more; the folder goes with the last message in it.
        drop(std::fs::remove_file(&file).and_then(|()| std::fs::remove_dir(folder)));
        crash::point();
        Ok(())
    }
}

pub(super) fn moved(place: &str, planned: CommitId, now: CommitId) -> Error {
    Error::no(format!("{place} moved since the plan: planned at {}, now at {}", planned.short(), now.short()))
        .hint(format!("plan again, or release just the planned commit with `release --commit {planned}`"))
}

pub(super) fn tag_elsewhere(tag: &str, at: CommitId, target: Option<CommitId>) -> Error {
    let wanted = target.map_or_else(String::new, |t| format!(", not {}", t.short()));
    Error::no(format!("tag {tag} exists already at another commit: {}{wanted}", at.short())).hint(
        "a published tag is not moved: release the next version, or delete the tag where it was a mistake",
    )
}

/// A time as git reads it: `@seconds +zone`.
fn git_date(when: &jiff::Zoned) -> String {
    format!("@{} {}", when.timestamp().as_second(), when.strftime("%z"))
}
