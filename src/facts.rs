//! The read side of the world, as steps see it: the repository, the configuration, the environment, the clock.
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, Zoned};
use url::Url;

use crate::config::{self, Config};
use crate::data::CommitId;
use crate::effect::Person;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::event::{Event, Sink};
use crate::journal;
use crate::redact::Redactor;
use crate::world::clock;
use crate::world::files;
use crate::world::forge::{self, Forges, name_forge};
use crate::world::git::{self, Head, Repository};
use crate::world::http::{self, Headers};
use crate::world::messages;
use crate::world::process::{self, Git};
use crate::world::store::{RefStore, Store};

/// What the command line says for all steps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Given<'a> {
    /// The configuration's file.
    pub config: Option<&'a Path>,
    /// The address of the repository at the forge.
    pub repository: Option<&'a str>,
}

/// What steps may know. Reading it changes nothing but, in a shallow clone, how much of the history is here.
pub struct Facts<'a> {
    /// The top of the work tree, or the bare repository.
    pub root: PathBuf,
    /// The git directory that all work trees share.
    pub git_dir: PathBuf,
    /// The configuration.
    pub config: Config,
    /// The environment.
    pub env: Env,
    /// The time: that of `SOURCE_DATE_EPOCH` (<https://reproducible-builds.org/specs/source-date-epoch/>) where set.
    pub now: Zoned,
    repository: RefCell<Rc<Repository>>,
    remote: OnceCell<BTreeMap<String, CommitId>>,
    tracked: OnceCell<Vec<String>>,
    tags: RefCell<Option<Rc<Vec<git::Tag>>>>,
    forge: OnceCell<Option<forge::Detected>>,
    forges: Arc<Forges>,
    sink: &'a dyn Sink,
}

impl<'a> Facts<'a> {
    /// Blots out the secrets of this job, for what is made of the plan: payloads, evidence.
    pub fn redactor(&self) -> Redactor {
        let redactor = Redactor::from_env(self.env.iter().map(|(n, v)| (n.to_owned(), v.to_owned())));
        self.learn(&redactor);
        redactor
    }

    /// Tells a redactor of the secrets that the configuration names.
    pub fn learn(&self, redactor: &Redactor) {
        let names = self.config.secrets();
        names.iter().filter_map(|name| self.env.get(name)).for_each(|value| redactor.learn(value));
    }

    /// Opens the repository around `dir` and reads the configuration.
    pub fn gather(dir: &Path, given: Given<'_>, env: Env, sink: &'a dyn Sink) -> Result<Self> {
        Self::around(Repository::open(dir)?, given, env, sink)
    }

    /// The same for a step that asks nothing of a repository, which then need not be there: in a container, say.
    pub fn anywhere(dir: &Path, given: Given<'_>, env: Env, sink: &'a dyn Sink) -> Result<Self> {
        match Repository::open(dir) {
            Err(e) if e.kind() == git::ErrorKind::NotARepository => {
                let dir = std::path::absolute(dir)
                    .map_err(|e| Error::usage(format!("the folder cannot be read: {e}")))?;
                Self::around(Repository::none(&dir)?, given, env, sink)
            }
            opened => Self::around(opened?, given, env, sink),
        }
    }

    fn around(repository: Repository, given: Given<'_>, env: Env, sink: &'a dyn Sink) -> Result<Self> {
        let root = match repository.work_tree() {
            Some(top) => top.to_owned(),
            None => repository.git_dir().to_owned(),
        };
        let git_dir = repository.common_dir().to_owned();
        let mut loaded = config::load(&root, given.config)?;
        if let Some(address) = given.repository {
            name_forge(&mut loaded.config.forge, address)?;
        }
        let now = match env.get("SOURCE_DATE_EPOCH") {
            None => clock::now(),
            Some(seconds) => seconds
                .parse()
                .ok()
                .and_then(|s| Timestamp::from_second(s).ok())
                .ok_or_else(|| {
                    Error::usage(format!("`{seconds}` is no number of seconds since 1970"))
                        .at("SOURCE_DATE_EPOCH")
                })?
                .to_zoned(jiff::tz::TimeZone::UTC),
        };
        Ok(Facts {
            root,
            git_dir,
            forge: OnceCell::new(),
            forges: Arc::new(Forges::new(loaded.config.forge.clone(), env.clone())),
            config: loaded.config,
            env,
            now,
            repository: RefCell::new(Rc::new(repository)),
            remote: OnceCell::new(),
            tracked: OnceCell::new(),
            tags: RefCell::new(None),
            sink,
        })
    }

    /// The repository.
    pub fn repo(&self) -> Rc<Repository> {
        self.repository.borrow().clone()
    }

    /// Where answers are remembered that can be asked for again.
    pub fn cache_dir(&self) -> PathBuf {
        journal::state_dir(&self.git_dir).join("cache")
    }

    /// Where records of what was done are kept, as the configuration says.
    pub fn store(&self) -> Result<Store> {
        let config = &self.config.record;
        match (&config.by_ref, &config.folder) {
            (Some(_), Some(_)) => {
                Err(Error::usage("records are kept in one place: `ref` or `folder`").at("record"))
            }
            (Some(name), None) => Ok(Store::Ref(RefStore {
                root: self.root.clone(),
                remote: self.has_remote()?.then(|| self.config.release.remote.clone()),
                name: name.0.clone(),
            })),
            (None, Some(folder)) => Ok(Store::Folder(self.root.join(folder))),
            (None, None) => Ok(self.local_store()),
        }
    }

    /// Where records stay that nobody else needs: in git's folder of this checkout.
    pub fn local_store(&self) -> Store {
        Store::Folder(journal::state_dir(&self.git_dir).join("record"))
    }

    /// Where the state of an environment's watch is kept between looks.
    pub fn watch_state(&self, environment: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = environment.chars().map(plain).collect();
        journal::state_dir(&self.git_dir).join(format!("verify-{name}.json"))
    }

    /// Whether a plan with this digest was applied here, however far.
    pub fn has_begun(&self, digest: &str) -> bool {
        journal::path(&self.git_dir, digest).exists()
    }

    /// Tells whoever watches that something takes a while.
    pub fn working(&self, what: &str) {
        self.sink.event(&Event::Working { what });
    }

    /// Tells whoever watches something that is no finding.
    pub fn note(&self, text: &str) {
        self.sink.event(&Event::Note { text });
    }

    /// `HEAD`'s commit; an error while there is none.
    pub fn head(&self) -> Result<CommitId> {
        match self.repo().head()? {
            Head::Branch { commit, .. } | Head::Detached { commit } => Ok(commit),
            Head::Unborn { branch } => {
                let others: Vec<String> =
                    self.repo().branches()?.into_iter().filter(|b| !b.remote).map(|b| b.name).collect();
                let hint = match others.first() {
                    Some(other) => format!("switch to a branch that has some: `git switch {other}`"),
                    None => "make a first commit".to_owned(),
                };
                Err(Error::usage(format!("branch {branch} has no commit yet")).hint(hint))
            }
        }
    }

    /// The ends of a range that a person wrote, `A..B`; an end that is left out is `HEAD`. `option` is for the message.
    pub fn range(&self, option: &str, range: &str) -> Result<(CommitId, CommitId)> {
        let (from, to) = range.split_once("..").ok_or_else(|| {
            Error::usage(format!("`{range}` is no range")).at(option).hint("write A..B, such as v1.2.0..HEAD")
        })?;
        Ok((self.commit(option, from)?, self.commit(option, to)?))
    }

    /// The commit that a person named; nothing means `HEAD`. `option` is for the message.
    pub fn commit(&self, option: &str, rev: &str) -> Result<CommitId> {
        let rev = if rev.is_empty() { "HEAD" } else { rev };
        self.repo().resolve(rev).map_err(|_| {
            Error::usage(format!("`{rev}` names no commit here"))
                .at(option)
                .hint("fetch it, or check the name")
        })
    }

    /// The branch that is checked out, or that a CI job with a detached checkout runs for.
    pub fn branch(&self) -> Result<Option<String>> {
        Ok(match self.repo().head()? {
            Head::Branch { name, .. } => Some(name),
            Head::Unborn { branch } => Some(branch),
            Head::Detached { .. } => self.env.branch().map(str::to_owned),
        })
    }

    /// Whether `HEAD` is detached.
    pub fn detached(&self) -> Result<bool> {
        Ok(matches!(self.repo().head()?, Head::Detached { .. }))
    }

    /// A text file of the work tree (of `HEAD` in a bare repository); none when it is not there.
    pub fn read(&self, path: &str) -> Result<Option<String>> {
        if self.repo().work_tree().is_some() {
            return files::read(&self.root, path);
        }
        let Some(commit) = self.repo().head()?.commit() else {
            return Ok(None);
        };
        self.read_at(commit, path)
    }

    /// A text file as a commit has it; none when it is not there.
    pub fn read_at(&self, commit: CommitId, path: &str) -> Result<Option<String>> {
        let Some(bytes) = self.repo().read_blob_at(commit, path)? else {
            return Ok(None);
        };
        String::from_utf8(bytes).map(Some).map_err(|_| {
            Error::usage("the file is not UTF-8 text").at(format!("{path} at {}", commit.short()))
        })
    }

    /// What a command line of the configuration says that only looks, run at the top of the repository.
    pub fn ask(&self, line: &str, within: Duration) -> Result<process::Output> {
        self.working(&format!("asking `{line}`"));
        process::ask(line, &self.root, within)
    }

    /// What a program says that only looks, run at the top of the repository without a shell: its exit code, none after a
    /// signal, and its last line. None where there is no such program.
    pub fn tool(
        &self,
        program: &str,
        arguments: &[String],
        within: Duration,
    ) -> Result<Option<(Option<i32>, String)>> {
        self.working(&format!("asking {program}"));
        let output = process::tool(program, arguments, &self.root, within)?;
        Ok(output.map(|output| {
            let text = if output.stderr.is_empty() { output.text() } else { output.stderr.clone() };
            let last = text.lines().last().unwrap_or_default();
            (output.code, last.chars().filter(|c| !c.is_control()).take(200).collect())
        }))
    }

    /// What an address answers, asked once (`http::fetch`).
    pub fn fetch(&self, url: &str, headers: &Headers, within: Duration) -> Result<(u16, String)> {
        let url = Url::parse(url).map_err(|e| Error::usage(format!("`{url}` is no address: {e}")))?;
        self.working(&format!("asking {}", url.host_str().unwrap_or("an address")));
        http::fetch(url, headers, within)
    }

    /// Lets time pass before the world is looked at again.
    pub fn pause(&self, what: &str, lapse: Duration) {
        self.working(what);
        std::thread::sleep(lapse);
    }

    /// All tags that name commits, sorted by name. Read once, and again after the clone was deepened.
    pub fn tags(&self) -> Result<Rc<Vec<git::Tag>>> {
        if let Some(tags) = self.tags.borrow().as_ref() {
            return Ok(tags.clone());
        }
        let tags = Rc::new(self.repo().tags(|_| true)?);
        *self.tags.borrow_mut() = Some(tags.clone());
        Ok(tags)
    }

    /// The paths of all tracked files, sorted by their bytes. Read once.
    pub fn tracked(&self) -> Result<&[String]> {
        if self.tracked.get().is_none() {
            let mut paths = self.repo().tracked()?;
            paths.sort_unstable();
            // Only this process looks, one thread at a time: it is not set yet.
            drop(self.tracked.set(paths));
        }
        Ok(self.tracked.get().map_or(&[], Vec::as_slice))
    }

    /// What the remote has: full ref names to ids. Read once. Nothing where there is no such remote.
    pub fn remote_refs(&self) -> Result<Option<&BTreeMap<String, CommitId>>> {
        if !self.has_remote()? {
            return Ok(None);
        }
        if let Some(refs) = self.remote.get() {
            return Ok(Some(refs));
        }
        let remote = &self.config.release.remote;
        self.working(&format!("reading {remote}"));
        let refs = git::push::ls_remote(&self.root, remote)?;
        Ok(Some(self.remote.get_or_init(|| refs)))
    }

    /// The branch that the remote's `HEAD` named when it was cloned.
    pub fn remote_head(&self) -> Result<Option<String>> {
        let remote = &self.config.release.remote;
        let name = format!("refs/remotes/{remote}/HEAD");
        let output = Git::new(&self.root, ["symbolic-ref", "--quiet", &name]).output()?;
        Ok(output
            .ok()
            .then(|| output.text())
            .and_then(|t| t.strip_prefix(&format!("refs/remotes/{remote}/")).map(str::to_owned)))
    }

    /// Whether a file of the work tree holds this content, as git would store it.
    pub fn work_tree_holds(&self, path: &str, content: &str) -> Result<bool> {
        let hash = |git: Git| -> Result<Option<String>> {
            let output = git.output()?;
            Ok(output.ok().then(|| output.text()))
        };
        let there = hash(Git::new(&self.root, ["hash-object", "--path", path, "--", path]))?;
        let wanted = hash(Git::new(&self.root, ["hash-object", "--stdin"]).input(content))?;
        Ok(there.is_some() && there == wanted)
    }

    /// Whether the configured remote exists.
    pub fn has_remote(&self) -> Result<bool> {
        let name = &self.config.release.remote;
        Ok(self.repo().remotes()?.iter().any(|r| r.name == *name))
    }

    /// The address of the configured remote, without credentials.
    pub fn remote_url(&self) -> Result<Option<String>> {
        let name = &self.config.release.remote;
        Ok(self.repo().remotes()?.into_iter().find(|r| r.name == *name).map(|r| r.url))
    }

    /// The forge, its repository, and whether there is a token for it; none where nothing speaks of a forge.
    pub fn forge(&self) -> Result<Option<&forge::Detected>> {
        if let Some(known) = self.forge.get() {
            return Ok(known.as_ref());
        }
        let found = forge::detect(&self.config.forge, &self.env, self.remote_url()?.as_deref())?;
        Ok(self.forge.get_or_init(|| found).as_ref())
    }

    /// What was said about a release, by the paths of the channels' records.
    pub fn conversations(&self, about: &str) -> Result<messages::Conversations> {
        messages::conversations(&self.store()?, about)
    }

    /// What the forge can be asked; an error where there is no token for it.
    pub fn forge_view(&self, place: &forge::Place) -> Result<Arc<dyn forge::View>> {
        let forge: Arc<dyn forge::View> = self.forges.at(place)?;
        Ok(forge)
    }

    /// The forges that this process talks to, for those that change something there.
    pub fn forges(&self) -> Arc<Forges> {
        self.forges.clone()
    }

    /// Who commits and tags: git's own answer, or the forge's bot in a CI job where git has none.
    pub fn identity(&self) -> Result<Person> {
        let ident = Git::new(&self.root, ["var", "GIT_COMMITTER_IDENT"]).output()?;
        let text = ident.text();
        let parsed = text
            .split_once(" <")
            .and_then(|(name, rest)| Some((name, rest.split_once('>')?.0)))
            .filter(|(name, email)| ident.ok() && !name.is_empty() && !email.is_empty());
        // Git makes up `root@host` where nothing is configured; in a CI job the bot is the better answer.
        let configured = self.repo().config("user.email")?.is_some()
            || self.env.get("GIT_COMMITTER_EMAIL").is_some()
            || self.env.get("EMAIL").is_some();
        let person = |name: &str, email: &str| Person { name: name.to_owned(), email: email.to_owned() };
        if let (Some((name, email)), true) = (parsed, configured) {
            return Ok(person(name, email));
        }
        if self.env.get("GITHUB_ACTIONS").is_some() {
            // <https://github.com/actions/checkout#push-a-commit-using-the-built-in-token>
            return Ok(person(
                "github-actions[bot]",
                "41898282+github-actions[bot]@users.noreply.github.com",
            ));
        }
        if let (Some(name), Some(email)) =
            (self.env.get("GITLAB_USER_NAME"), self.env.get("GITLAB_USER_EMAIL"))
        {
            return Ok(person(name, email));
        }
        Err(Error::usage("git does not know who commits here")
            .hint("set `git config user.name` and `git config user.email`"))
    }

    /// Whether git is configured to sign (`commit.gpgSign`, `tag.gpgSign`).
    pub fn signs(&self, key: &str) -> Result<bool> {
        Ok(match self.config.release.sign {
            Some(sign) => sign,
            None => self
                .repo()
                .config(key)?
                .is_some_and(|v| matches!(v.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1")),
        })
    }

    /// Brings `by` more commits of a shallow clone, and the release tags on them. Says whether the clone grew.
    pub fn deepen(&self, by: u32, is_release_tag: impl Fn(&str) -> bool) -> Result<bool> {
        let remote = &self.config.release.remote;
        let refs = self.remote_refs()?.ok_or_else(|| too_shallow("there is no remote to fetch more from"))?;
        self.working(&format!("deepening the shallow clone by {by} commits"));
        let before: Vec<_> = self.repo().shallow_boundary().collect();
        let source = match self.branch()? {
            Some(branch) if refs.contains_key(&format!("refs/heads/{branch}")) => {
                format!("refs/heads/{branch}")
            }
            _ => self.head()?.to_string(),
        };
        let deepen = format!("--deepen={by}");
        Git::new(
            &self.root,
            ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", &deepen, "--", remote, &source],
        )
        .run()
        .map_err(|e| e.hint("fetch the history yourself: `git fetch --unshallow --tags`"))?;
        *self.repository.borrow_mut() = Rc::new(Repository::open(&self.root)?);
        let repo = self.repo();
        let known = |commit: CommitId| repo.resolve(&commit.to_string()).is_ok();
        let specs: Vec<String> = refs
            .keys()
            .filter_map(|name| name.strip_prefix("refs/tags/"))
            .filter(|tag| !tag.ends_with("^{}") && is_release_tag(tag))
            .filter(|tag| {
                let full = format!("refs/tags/{tag}");
                let commit = refs.get(&format!("{full}^{{}}")).or_else(|| refs.get(&full));
                commit.is_some_and(|c| known(*c)) && repo.resolve(&full).is_err()
            })
            .map(|tag| format!("refs/tags/{tag}:refs/tags/{tag}"))
            .collect();
        for some in specs.chunks(200) {
            let head = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", remote];
            Git::new(&self.root, head.into_iter().chain(some.iter().map(String::as_str))).run()?;
        }
        if !specs.is_empty() {
            *self.repository.borrow_mut() = Rc::new(Repository::open(&self.root)?);
        }
        *self.tags.borrow_mut() = None;
        let after: Vec<_> = self.repo().shallow_boundary().collect();
        Ok(before != after || !specs.is_empty())
    }
}

impl Facts<'_> {
    /// Brings the commits of a branch of the remote that are not here yet; moves no ref.
    pub fn fetch_branch(&self, branch: &str) -> Result<()> {
        let remote = &self.config.release.remote;
        self.working(&format!("fetching {branch}"));
        let source = format!("refs/heads/{branch}");
        Git::new(
            &self.root,
            ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", remote, &source],
        )
        .run()?;
        *self.repository.borrow_mut() = Rc::new(Repository::open(&self.root)?);
        Ok(())
    }
}

/// The refusal to guess from a history that is cut off.
pub fn too_shallow(why: &str) -> Error {
    Error::usage(format!("the clone is too shallow to find the last release: {why}"))
        .hint("fetch the history: `git fetch --unshallow --tags`; in GitHub Actions `fetch-depth: 0`, in GitLab CI `GIT_DEPTH: 0`")
}
