//! A repository on disk: what release planning asks of it, except history itself.

use std::cell::RefCell;
use std::collections::HashSet;
use std::env;
use std::path::{Path, PathBuf};

use git2::{BranchType, ObjectType, RepositoryOpenFlags, StatusOptions};

use crate::data::CommitId;
use crate::rules::text::decode;

use super::error::{Error, ErrorKind};
use super::head::{self, Head};
use super::history::History;
use super::nearest::{self, Nearest};
use super::objects::{Objects, hex, parse_hex};
use super::tags::{self, Tag};
use super::tree;

/// A repository, opened for reading.
pub struct Repository {
    git: git2::Repository,
    common: PathBuf,
    shallow: HashSet<CommitId>,
    objects: RefCell<Objects>,
    /// Whether there is none on disk.
    absent: bool,
}

/// A remote repository under its local name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The local name, such as `origin`.
    pub name: String,
    /// The address, with user and password of a URL taken out.
    pub url: String,
}

/// A branch here or of a remote, as last fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// `main`, or `origin/main` for one of a remote.
    pub name: String,
    /// Its last commit.
    pub commit: CommitId,
    /// Whether it is a remote's.
    pub remote: bool,
}

/// Paths that differ from HEAD. A path may be in the first two lists at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Changed in the index.
    pub staged: Vec<String>,
    /// Changed in the work tree, or left in conflict.
    pub modified: Vec<String>,
    /// Not known to git and not ignored.
    pub untracked: Vec<String>,
}

impl Status {
    /// Whether nothing differs, untracked files included.
    pub fn is_clean(&self) -> bool {
        self.staged.is_empty() && self.modified.is_empty() && self.untracked.is_empty()
    }
}

impl Repository {
    /// Opens the repository that contains a directory, or the one that `GIT_DIR` names, relative to that directory as
    /// for `git -C`. Work trees, bare repositories and `safe.directory` are honoured as git honours them.
    ///
    /// # Errors
    /// By kind: there is none, it belongs to somebody else, or its format cannot be read (SHA-256, reftable).
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let no_ceiling: [&Path; 0] = [];
        let opened = match env::var_os("GIT_DIR") {
            Some(git_dir) => {
                let flags = RepositoryOpenFlags::FROM_ENV | RepositoryOpenFlags::NO_SEARCH;
                git2::Repository::open_ext(directory.join(git_dir), flags, no_ceiling)
            }
            None => git2::Repository::open_ext(directory, RepositoryOpenFlags::FROM_ENV, no_ceiling),
        };
        let git = opened.map_err(|error| explain(directory, &error))?;
        if git.object_format() != git2::ObjectFormat::Sha1 {
            return Err(sha256(directory));
        }
        let common = git.commondir().to_owned();
        let objects = env::var_os("GIT_OBJECT_DIRECTORY")
            .map_or_else(|| common.join("objects"), |path| directory.join(path));
        let text = tags::optional(&common.join("shallow"))?;
        let lines =
            text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty());
        let shallow = lines.map(|line| parse_hex(line).map(CommitId::from_bytes)).collect::<Option<_>>();
        let shallow = shallow.ok_or_else(|| Error::corrupt("the file", common.join("shallow").display()))?;
        Ok(Self { git, common, shallow, objects: RefCell::new(Objects::new(objects)), absent: false })
    }

    /// A repository with nothing in it, not on disk, for a folder that is in none: what does not ask of history goes on.
    pub fn none(directory: &Path) -> Result<Self, Error> {
        let git = git2::Odb::new()
            .and_then(git2::Repository::from_odb)
            .map_err(|error| explain(directory, &error))?;
        let objects = RefCell::new(Objects::new(directory.join("objects")));
        Ok(Self { git, common: directory.to_owned(), shallow: HashSet::new(), objects, absent: true })
    }

    /// Where the files are, or `None` for a bare repository.
    pub fn work_tree(&self) -> Option<&Path> {
        self.git.workdir()
    }

    /// The directory of this work tree's own git files.
    pub fn git_dir(&self) -> &Path {
        if self.absent { &self.common } else { self.git.path() }
    }

    /// The directory of the git files that all work trees share.
    pub fn common_dir(&self) -> &Path {
        &self.common
    }

    /// Whether part of the history was not fetched.
    pub fn is_shallow(&self) -> bool {
        !self.shallow.is_empty()
    }

    /// Commits whose parents were not fetched, in no order.
    pub fn shallow_boundary(&self) -> impl Iterator<Item = CommitId> + '_ {
        self.shallow.iter().copied()
    }

    /// Where HEAD is.
    ///
    /// # Errors
    /// A HEAD that cannot be read.
    pub fn head(&self) -> Result<Head, Error> {
        if self.absent {
            return Err(Error::new(
                ErrorKind::NotARepository,
                format!("{} is in no repository", self.common.display()),
            ));
        }
        head::read(self.git.path(), &self.common)
    }

    /// The commit that a revision names (<https://git-scm.com/docs/gitrevisions>).
    ///
    /// # Errors
    /// A revision that names nothing, several objects or no commit.
    pub fn resolve(&self, revision: &str) -> Result<CommitId, Error> {
        let commit = self.git.revparse_single(revision)?.peel_to_commit()?;
        Ok(commit_id(commit.id()))
    }

    /// When a commit was made, by its committer's clock.
    ///
    /// # Errors
    /// A commit that is not here.
    pub fn commit_time(&self, commit: CommitId) -> Result<jiff::Timestamp, Error> {
        let id = git2::Oid::from_bytes(commit.as_bytes())?;
        let seconds = self.git.find_commit(id)?.time().seconds();
        Ok(jiff::Timestamp::from_second(seconds).unwrap_or_default())
    }

    /// The tags whose names the filter takes and which name a commit in the end, sorted by name. What the filter does
    /// not take is not read at all.
    ///
    /// # Errors
    /// A tag that cannot be read or whose object is missing.
    pub fn tags(&self, keep: impl Fn(&str) -> bool) -> Result<Vec<Tag>, Error> {
        let resolve = |name: &str| Ok(raw_id(self.git.refname_to_id(name)?));
        tags::read(&self.common, &mut self.objects.borrow_mut(), &keep, &resolve)
    }

    /// Commits reachable from the tips and not from what is hidden: `git rev-list --date-order TIPS --not HIDE`.
    ///
    /// With clocks that ran slow the hidden side may be met late; the walk then goes on for a day of committer time
    /// and for 256 commits more before it takes what is left for visible (git: 5 commits).
    ///
    /// # Errors
    /// A commit that is missing or cannot be read, by its name.
    pub fn history(&self, tips: &[CommitId], hide: &[CommitId]) -> Result<History, Error> {
        History::read(&mut self.objects.borrow_mut(), &self.shallow, tips, hide)
    }

    /// The marks nearest to a commit: those of its history that no other mark of its history contains. A release tag
    /// that the last version is counted from is among them.
    ///
    /// # Errors
    /// A commit that is missing or cannot be read, by its name.
    pub fn since(&self, head: CommitId, marks: &[CommitId]) -> Result<Nearest, Error> {
        nearest::nearest(&mut self.objects.borrow_mut(), &self.shallow, head, marks)
    }

    /// Which of some commits are in the history of another. The walk ends a day of committer time before the oldest
    /// of them and 256 commits further on, so it is cheap for recent candidates.
    ///
    /// # Errors
    /// A commit that is missing or cannot be read, by its name.
    pub fn reachable(&self, head: CommitId, candidates: &[CommitId]) -> Result<Nearest, Error> {
        nearest::reachable(&mut self.objects.borrow_mut(), &self.shallow, head, candidates)
    }

    /// Whether the first commit is the second or one of its ancestors, as `git merge-base --is-ancestor` says.
    ///
    /// # Errors
    /// A commit that is missing or cannot be read, by its name.
    pub fn is_ancestor(&self, ancestor: CommitId, descendant: CommitId) -> Result<bool, Error> {
        nearest::is_ancestor(&mut self.objects.borrow_mut(), &self.shallow, ancestor, descendant)
    }

    /// The best common ancestors of two commits, newest first, as `git merge-base --all` says.
    ///
    /// # Errors
    /// A commit that is missing or cannot be read, by its name.
    pub fn merge_bases(&self, one: CommitId, two: CommitId) -> Result<Vec<CommitId>, Error> {
        nearest::merge_bases(&mut self.objects.borrow_mut(), &self.shallow, one, two)
    }

    /// Whether a commit has several parents, also where a shallow clone ends with it.
    ///
    /// # Errors
    /// A commit that is missing or cannot be read.
    pub fn is_merge(&self, commit: CommitId) -> Result<bool, Error> {
        let mut objects = self.objects.borrow_mut();
        let Some((_, bytes)) = objects.read(commit.as_bytes())? else {
            return Err(Error::corrupt("the commit", commit));
        };
        let header = bytes.split(|b| *b == b'\n').take_while(|line| !line.is_empty());
        Ok(header.filter(|line| line.starts_with(b"parent ")).count() > 1)
    }

    /// The message of one commit.
    ///
    /// # Errors
    /// A commit that is missing or cannot be read.
    pub fn message(&self, commit: CommitId) -> Result<String, Error> {
        let found = self.git.find_commit(git2::Oid::from_bytes(commit.as_bytes())?)?;
        let encoding = found.message_encoding().ok().flatten();
        Ok(decode(found.message_bytes(), encoding).0.into_owned())
    }

    /// When a commit was made, in seconds since 1970.
    pub fn seconds(&self, commit: CommitId) -> Result<i64, Error> {
        Ok(self.git.find_commit(git2::Oid::from_bytes(commit.as_bytes())?)?.time().seconds())
    }

    /// The paths of all tracked files: those of the index, or of `HEAD` in a bare repository.
    ///
    /// # Errors
    /// An index or tree that cannot be read.
    pub fn tracked(&self) -> Result<Vec<String>, Error> {
        let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        if !self.git.is_bare() {
            return Ok(self.git.index()?.iter().map(|entry| text(&entry.path)).collect());
        }
        let mut paths = Vec::new();
        self.git.head()?.peel_to_tree()?.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() == Some(git2::ObjectType::Blob) {
                paths.push(format!("{folder}{}", text(entry.name_bytes())));
            }
            git2::TreeWalkResult::Ok
        })?;
        Ok(paths)
    }

    /// Says for each path, a directory or a file, whether a commit changed anything there.
    ///
    /// A merge changes what differs from all of its parents: what it only brought in was changed by the commits that
    /// it merges. This is what `git log -- PATH` lists with `--full-history`. A commit without parents, or at a
    /// shallow boundary, changes all that it has. Only the trees on the way to the paths are read.
    ///
    /// # Errors
    /// A commit or tree that is missing or cannot be read, by its name.
    pub fn touches(&self, commit: CommitId, paths: &[&str]) -> Result<Vec<bool>, Error> {
        tree::touches(&mut self.objects.borrow_mut(), &self.shallow, commit, paths)
    }

    /// The files that a commit changed, sorted; of a merge as for [`Repository::touches`]. Renames are a removal and
    /// an addition.
    ///
    /// # Errors
    /// A commit or tree that is missing or cannot be read.
    pub fn changed_paths(&self, commit: CommitId) -> Result<Vec<String>, Error> {
        tree::changed_paths(&self.git, &mut self.objects.borrow_mut(), &self.shallow, commit)
    }

    /// A file's content as of a commit, `None` where the commit has no such file.
    ///
    /// # Errors
    /// A content that is not there, as in a partial clone, by its name.
    pub fn read_blob_at(&self, commit: CommitId, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let tree = self.git.find_commit(git2::Oid::from_bytes(commit.as_bytes())?)?.tree()?;
        let entry = match tree.get_path(Path::new(path)) {
            Ok(entry) => entry,
            Err(error) if error.code() == git2::ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if entry.kind() != Some(ObjectType::Blob) {
            return Ok(None);
        }
        let id = raw_id(entry.id());
        match self.objects.borrow_mut().read(&id)? {
            Some((_, bytes)) => Ok(Some(bytes.to_vec())),
            None => Err(Error::missing(&format!("the content of {path},"), hex(&id))),
        }
    }

    /// What differs from HEAD in the index and the work tree.
    ///
    /// # Errors
    /// A bare repository, or files that cannot be read.
    pub fn status(&self) -> Result<Status, Error> {
        let mut options = StatusOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .exclude_submodules(false)
            .renames_head_to_index(false);
        let mut status = Status::default();
        for entry in self.git.statuses(Some(&mut options))?.iter() {
            let path = String::from_utf8_lossy(entry.path_bytes()).into_owned();
            let flags = entry.status();
            let any = |wanted: git2::Status| flags.intersects(wanted);
            if any(git2::Status::INDEX_NEW
                | git2::Status::INDEX_MODIFIED
                | git2::Status::INDEX_DELETED
                | git2::Status::INDEX_RENAMED
                | git2::Status::INDEX_TYPECHANGE)
            {
                status.staged.push(path.clone());
            }
            if any(git2::Status::WT_MODIFIED
                | git2::Status::WT_DELETED
                | git2::Status::WT_RENAMED
                | git2::Status::WT_TYPECHANGE
                | git2::Status::CONFLICTED)
            {
                status.modified.push(path.clone());
            }
            if any(git2::Status::WT_NEW) {
                status.untracked.push(path);
            }
        }
        Ok(status)
    }

    /// The remotes, sorted by name.
    ///
    /// # Errors
    /// A configuration that cannot be read.
    pub fn remotes(&self) -> Result<Vec<Remote>, Error> {
        let mut remotes = Vec::new();
        for name in self.git.remotes()?.iter_bytes().map(String::from_utf8_lossy) {
            let remote = self.git.find_remote(&name)?;
            let url = String::from_utf8_lossy(remote.url_bytes()).into_owned();
            remotes.push(Remote { name: name.into_owned(), url: redact(&url) });
        }
        remotes.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(remotes)
    }

    /// The branches here and those of remotes, sorted by name; symbolic ones such as `origin/HEAD` are left out.
    ///
    /// # Errors
    /// A reference that cannot be read.
    pub fn branches(&self) -> Result<Vec<Branch>, Error> {
        let mut branches = Vec::new();
        for branch in self.git.branches(None)? {
            let (branch, kind) = branch?;
            if let Some(id) = branch.get().target() {
                let name = String::from_utf8_lossy(branch.name_bytes()?).into_owned();
                branches.push(Branch { name, commit: commit_id(id), remote: kind == BranchType::Remote });
            }
        }
        branches.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(branches)
    }

    /// The branch of a remote that a local branch follows, if it follows one that was fetched.
    ///
    /// # Errors
    /// No such local branch.
    pub fn upstream(&self, branch: &str) -> Result<Option<Branch>, Error> {
        let upstream = match self.git.find_branch(branch, BranchType::Local)?.upstream() {
            Ok(upstream) => upstream,
            Err(error) if error.code() == git2::ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let name = String::from_utf8_lossy(upstream.name_bytes()?).into_owned();
        let id = upstream.get().target();
        let remote = upstream.get().is_remote();
        Ok(id.map(|id| Branch { name, commit: commit_id(id), remote }))
    }

    /// A value of git's configuration, such as `user.name`.
    ///
    /// # Errors
    /// A configuration that cannot be read.
    pub fn config(&self, key: &str) -> Result<Option<String>, Error> {
        match self.git.config()?.snapshot()?.get_string(key) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn raw_id(id: git2::Oid) -> [u8; 20] {
    let mut raw = [0; 20];
    raw.copy_from_slice(&id.as_bytes()[..20]);
    raw
}

fn commit_id(id: git2::Oid) -> CommitId {
    CommitId::from_bytes(raw_id(id))
}

fn sha256(directory: &Path) -> Error {
    let message = format!(
        "the repository of {} has SHA-256 object names, which are not supported",
        directory.display()
    );
    Error::new(ErrorKind::Unsupported, message)
}

fn explain(directory: &Path, error: &git2::Error) -> Error {
    let shown = match directory.to_str() {
        Some("." | "") => "this folder".to_owned(),
        _ => directory.display().to_string(),
    };
    match error.code() {
        git2::ErrorCode::NotFound => {
            Error::new(ErrorKind::NotARepository, format!("{shown} is in no git repository"))
                .with_hint("run in a clone, or name one with -C")
        }
        git2::ErrorCode::Owner => {
            Error::new(ErrorKind::Ownership, format!("the repository of {shown} belongs to another user"))
                .with_hint(format!("if you trust it: git config --global --add safe.directory {shown}"))
        }
        _ if error.message().contains("objectformat") || error.message().contains("object format") => {
            sha256(directory)
        }
        _ if error.message().contains("unsupported extension") => Error::new(
            ErrorKind::Unsupported,
            format!("the repository of {shown} cannot be read: {}", error.message()),
        ),
        _ => Error::from(git2::Error::new(
            error.code(),
            error.class(),
            format!("cannot open the repository of {shown}: {}", error.message()),
        )),
    }
}

/// Takes user and password out of a URL. An address of the form `git@host:path` has no secret and stays.
fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        // the user of ssh says which account to use, and is no secret without a password
        Some((user, host)) if scheme.ends_with("ssh") => {
            format!("{scheme}://{}@{host}{path}", user.split(':').next().unwrap_or_default())
        }
        Some((_, host)) => format!("{scheme}://{host}{path}"),
        None => url.to_owned(),
    }
}
