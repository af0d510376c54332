//! The write side of git: what `apply` does to a repository, each thing looked at before it is done.
//!
//! Trees are built in the object database; commits, tags, refs and pushes go through the git command line, so that
//! signing, credentials and ref formats are those of the user's git. Every change can be made again: a commit with the
//! same parent, content, message and time is the same commit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;

use crate::crash;
use crate::data::CommitId;
use crate::effect::{Branch, Commit, FileEdit, Make, Person, Push, RefUpdate, Rev, Tag};
use crate::error::{Error, Result};
use crate::plan::Precondition;
use crate::world::process::Git;

/// How the outside stands to an effect.
#[derive(Debug)]
pub enum State {
    /// It is already as the effect would make it; a commit effect has made this commit.
    Done(Option<CommitId>),
    /// It is as the plan expects it.
    Ready,
    /// It is neither: somebody changed it since the plan was made.
    Conflict(Error),
}

/// The commits that the effects of this run have made, by name.
pub type Made = BTreeMap<String, CommitId>;

/// A repository to write to.
#[derive(Debug, Clone)]
pub struct Writer {
    root: PathBuf,
}

impl Writer {
    /// A writer for the repository that has `root` as the top of its work tree (or as its bare folder).
    pub fn new(root: &Path) -> Self {
        Writer { root: root.to_owned() }
    }

    fn git<const N: usize>(&self, args: [&str; N]) -> Git {
        Git::new(&self.root, args)
    }

    fn open(&self) -> Result<git2::Repository> {
        git2::Repository::open(&self.root).map_err(|e| of_git2("the repository cannot be opened", &e))
    }

    /// The object that a revision means, peeled to a commit or not.
    fn parse(&self, rev: &str) -> Result<Option<CommitId>> {
        let output = self.git(["rev-parse", "--verify", "--quiet", "--end-of-options", rev]).output()?;
        Ok(output.ok().then(|| output.text().parse().ok()).flatten())
    }

    /// The commit of a revision that may be one that this run makes; none while that is not yet made.
    fn commit_of(&self, rev: &Rev, made: &Made) -> Result<Option<CommitId>> {
        match rev {
            Rev::Commit(id) => Ok(Some(*id)),
            Rev::Made(name) => Ok(made.get(name).copied()),
            Rev::Tag(name) => self.parse(&format!("refs/tags/{name}^{{commit}}")),
        }
    }

    fn known(&self, rev: &Rev, made: &Made) -> Result<CommitId> {
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
    fn find_made(
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
        let tree = match &commit.make {
            Make::Files(files) => edited_tree(&repo, parent, files)?,
            Make::Merge(other) => written(&repo, merged(&repo, parent, self.known(other, made)?)?)?,
            Make::Pick(source) => written(&repo, picked(&repo, parent, *source)?)?,
        };
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
        let (moved_ref, with_tree) = self.moved_ref(commit, parent)?;
        if with_tree && !repo.is_bare() {
            self.check_out(&repo, parent, new, commit)?;
        }
        if let Some(name) = moved_ref {
            crash::point();
            let why = format!("release-steps: {}", commit.message.lines().next().unwrap_or_default());
            self.git(["update-ref", "-m", &why, &name, &new.to_string(), &parent.to_string()]).run()?;
        }
        crash::point();
        Ok(new)
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
        let mut refspecs = Vec::new();
        for update in &push.updates {
            if let State::Done(_) = self.observe_ref(update, &there, made)? {
                continue;
            }
            let from = match &update.from {
                Rev::Tag(name) => format!("refs/tags/{name}"),
                rev => self.known(rev, made)?.to_string(),
            };
            refspecs.push(format!("{from}:{}", update.to));
        }
        crash::point();
        let head = ["push", "--porcelain", "--no-follow-tags"];
        let call = |atomic: Option<&str>, refspecs: &[String]| {
            let args = head
                .into_iter()
                .chain(atomic)
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

fn moved(place: &str, planned: CommitId, now: CommitId) -> Error {
    Error::no(format!("{place} moved since the plan: planned at {}, now at {}", planned.short(), now.short()))
        .hint(format!("plan again, or release just the planned commit with `release --commit {planned}`"))
}

fn tag_elsewhere(tag: &str, at: CommitId, target: Option<CommitId>) -> Error {
    let wanted = target.map_or_else(String::new, |t| format!(", not {}", t.short()));
    Error::no(format!("tag {tag} exists already at another commit: {}{wanted}", at.short())).hint(
        "a published tag is not moved: release the next version, or delete the tag where it was a mistake",
    )
}

/// The tree of `parent` with files changed; modes are kept, and a link or folder in the way is refused.
fn edited_tree(repo: &git2::Repository, parent: CommitId, files: &[FileEdit]) -> Result<git2::Oid> {
    let failed = |e| of_git2("the tree cannot be written", &e);
    let base = repo
        .find_commit(oid(parent))
        .and_then(|c| c.tree())
        .map_err(|e| of_git2("the parent commit cannot be read", &e))?;
    let mut update = TreeUpdateBuilder::new();
    for file in files {
        let mode = match base.get_path(Path::new(&file.path)).map(|entry| entry.filemode()) {
            Ok(0o100755) => git2::FileMode::BlobExecutable,
            Ok(0o100644) | Err(_) => git2::FileMode::Blob,
            Ok(_) => {
                return Err(Error::usage("the path is a link or a folder, not a file").at(file.path.clone()));
            }
        };
        let blob = repo.blob(file.after.as_bytes()).map_err(failed)?;
        update.upsert(file.path.as_str(), blob, mode);
    }
    update.create_updated(repo, &base).map_err(failed)
}

fn written(repo: &git2::Repository, mut index: git2::Index) -> Result<git2::Oid> {
    index.write_tree_to(repo).map_err(|e| of_git2("the tree cannot be written", &e))
}

fn merged(repo: &git2::Repository, ours: CommitId, theirs: CommitId) -> Result<git2::Index> {
    let find = |id| repo.find_commit(oid(id)).map_err(|e| of_git2("a commit cannot be read", &e));
    let index = repo
        .merge_commits(&find(ours)?, &find(theirs)?, None)
        .map_err(|e| of_git2("the merge failed", &e))?;
    without_conflicts(index, &format!("merging {}", theirs.short()))
}

fn picked(repo: &git2::Repository, onto: CommitId, source: CommitId) -> Result<git2::Index> {
    let find = |id| repo.find_commit(oid(id)).map_err(|e| of_git2("a commit cannot be read", &e));
    let source = find(source)?;
    let mainline = u32::from(source.parent_count() > 1);
    let index = repo
        .cherrypick_commit(&source, &find(onto)?, mainline, None)
        .map_err(|e| of_git2("the cherry-pick failed", &e))?;
    without_conflicts(index, &format!("cherry-picking {}", id(source.id()).short()))
}

fn without_conflicts(index: git2::Index, doing: &str) -> Result<git2::Index> {
    if index.has_conflicts() {
        let mut paths: Vec<String> = index
            .conflicts()
            .map_err(|e| of_git2("the conflicts cannot be read", &e))?
            .flatten()
            .filter_map(|c| c.our.or(c.their).or(c.ancestor))
            .map(|entry| String::from_utf8_lossy(&entry.path).into_owned())
            .collect();
        paths.sort();
        paths.dedup();
        return Err(Error::no(format!("{doing} conflicts in {}", paths.join(", ")))
            .hint("do it by hand on a branch of your own and open a request; nothing was changed here"));
    }
    Ok(index)
}

/// Makes commits one on the other in memory, to see whether a merge or a cherry-pick among them conflicts: an error then
/// names the paths. The answer says for each whether it changes anything. Nothing is written to the repository.
pub fn rehearse(root: &Path, parent: CommitId, makes: &[Make]) -> Result<Vec<bool>> {
    let failed = |e: git2::Error| of_git2("the rehearsal failed", &e);
    let repo = Writer::new(root).open()?;
    // What is written from here on goes to memory and is gone with this handle.
    let odb = repo.odb().map_err(failed)?;
    odb.add_new_mempack_backend(1000).map_err(failed)?;
    let mut at = parent;
    let mut changes = Vec::new();
    for make in makes {
        let index = match make {
            Make::Merge(Rev::Commit(other)) => merged(&repo, at, *other)?,
            Make::Pick(source) => picked(&repo, at, *source)?,
            Make::Merge(_) | Make::Files(_) => continue,
        };
        let tree = written(&repo, index)?;
        let under = repo.find_commit(oid(at)).map_err(failed)?;
        changes.push(tree != under.tree_id());
        let tree = repo.find_tree(tree).map_err(failed)?;
        let nobody =
            git2::Signature::new("rehearsal", "rehearsal", &git2::Time::new(0, 0)).map_err(failed)?;
        at = id(repo.commit(None, &nobody, &nobody, "rehearsal", &tree, &[&under]).map_err(failed)?);
    }
    Ok(changes)
}

fn author_of(repo: &git2::Repository, source: CommitId) -> Result<(Person, String)> {
    let commit = repo.find_commit(oid(source)).map_err(|e| of_git2("a commit cannot be read", &e))?;
    let author = commit.author();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let when = author.when();
    let offset = when.offset_minutes();
    let sign = if offset < 0 { '-' } else { '+' };
    Ok((
        Person { name: text(author.name_bytes()), email: text(author.email_bytes()) },
        format!("@{} {sign}{:02}{:02}", when.seconds(), offset.abs() / 60, offset.abs() % 60),
    ))
}

/// A time as git reads it: `@seconds +zone`.
fn git_date(when: &jiff::Zoned) -> String {
    format!("@{} {}", when.timestamp().as_second(), when.strftime("%z"))
}

fn oid(id: CommitId) -> git2::Oid {
    git2::Oid::from_bytes(id.as_bytes()).unwrap_or(git2::Oid::ZERO_SHA1)
}

fn id(oid: git2::Oid) -> CommitId {
    oid.as_bytes().try_into().map_or(CommitId::from_bytes([0; 20]), CommitId::from_bytes)
}

fn of_git2(what: &str, error: &git2::Error) -> Error {
    Error::outside(what).detail(error.message())
}
