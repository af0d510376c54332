//! GitLab: the `gitlab` crate's endpoints over the one HTTP client. <https://docs.gitlab.com/api/rest/>
//!
//! GitLab has no draft releases. Here a release's files go to the generic package registry first, where nobody looks for
//! a release, and the release is created with links to all of them at once.

mod answers;
mod client;
mod desk;
mod gate;
mod guard;
mod write;

use std::collections::BTreeMap;

use gitlab::api::common;
use gitlab::api::projects::jobs::JobTrace;
use gitlab::api::projects::merge_requests::MergeRequests;
use gitlab::api::projects::merge_requests::notes::MergeRequestNotes;
use gitlab::api::projects::packages::Packages;
use gitlab::api::projects::packages::generic::UploadPackageFile;
use gitlab::api::projects::packages::package_files::PackageFiles;
use gitlab::api::projects::pipelines::{Pipeline, PipelineJobs, PipelineVariables, Pipelines};
use gitlab::api::projects::repository::branches::Branches;
use gitlab::api::projects::repository::commits::{CommitStatuses, MergeRequests as CommitRequests};
use gitlab::api::projects::repository::tags::Tags;
use gitlab::api::users::Users;
use http::Method;
use jiff::Timestamp;
use url::Url;

use self::answers::{
    FileAnswer, JobAnswer, MergeRequestAnswer, NoteAnswer, PackageAnswer, PipelineAnswer, ProjectAnswer,
    RefAnswer, ReleaseAnswer, StatusAnswer, ThreadAnswer, User, VariableAnswer, run_state,
};
use self::client::Raw;
use super::{
    Answer, Asset, Brought, Comment, Commented, Job, Place, Release, Repository, Request, RequestState, Run,
    RunState, RunText, Status, StatusState, Token, View,
};
use crate::data::CommitId;
use crate::world::http::{self as web, Client, Failure, Keep, Traffic};

/// The package that holds the files of releases; its versions are named as their tags.
const PACKAGE: &str = "release-assets";
/// The variable by which a pipeline is found again.
const CORRELATION: &str = "RELEASE_STEPS_CORRELATION";
/// How many commits are asked about one by one, where the list of merged requests does not tell.
const ONE_BY_ONE: usize = 20;
/// How many pages of a hundred merged requests are read.
const PAGES_OF_MERGED: usize = 10;
/// How many pages of a hundred branches or tags that begin as the wanted one are read.
const PAGES_OF_REFS: usize = 20;

/// A project at GitLab.
#[derive(Debug)]
pub(super) struct GitLab {
    place: Place,
    api: Url,
    http: Client,
    token: Option<Token>,
}

/// Sends what the crate's endpoints describe.
impl GitLab {
    /// The files that were sent for a tag, the newest of each name.
    fn files(&self, tag: &str) -> Answer<BTreeMap<String, FileAnswer>> {
        let version = package_version(tag);
        let packages = Packages::builder()
            .project(self.project())
            .package_name(PACKAGE)
            .package_version(version.as_str())
            .build();
        let packages: Vec<PackageAnswer> = match self.pages(packages, 2, |_| false) {
            Ok(packages) => packages,
            // A project without a package registry, or a token that may not list: what the release links to still counts.
            Err(e) if e.absent() || e.status() == Some(403) => Vec::new(),
            Err(e) => return Err(e),
        };
        let mut files = BTreeMap::new();
        for package in packages.iter().filter(|p| p.name == PACKAGE && p.version.as_deref() == Some(&version))
        {
            let endpoint = PackageFiles::builder().project(self.project()).package_id(package.id).build();
            for file in self.pages::<FileAnswer, _>(endpoint, 20, |_| false)? {
                let newest = files.get(&file.file_name).is_none_or(|known: &FileAnswer| known.id < file.id);
                if newest {
                    files.insert(file.file_name.clone(), file);
                }
            }
        }
        Ok(files)
    }

    fn file_url(&self, tag: &str, name: &str) -> Answer<Url> {
        let version = package_version(tag);
        let endpoint = self.upload_endpoint(&version, name)?;
        let mut url = self.address(&endpoint)?;
        url.set_query(None);
        Ok(url)
    }

    fn upload_endpoint<'a>(&'a self, version: &'a str, name: &'a str) -> Answer<UploadPackageFile<'a>> {
        self.built(
            UploadPackageFile::builder()
                .project(self.project())
                .package_name(PACKAGE)
                .package_version(version)
                .file_name(name)
                // The file itself is streamed; only the address is the endpoint's.
                .contents(&b""[..])
                .build(),
        )
    }

    fn content(&self, asset: &Asset, keep: Keep) -> Answer<String> {
        let url = Url::parse(&asset.url).map_err(|e| Failure::unreadable(Method::GET, &self.api, e))?;
        let mut request = web::Request::new(Method::GET, url);
        request.keep = keep;
        Ok(String::from_utf8_lossy(self.http.call(request)?.body()).into_owned())
    }

    fn user_ids(&self, names: &[String]) -> Answer<Vec<u64>> {
        let mut ids = Vec::new();
        for name in names {
            let found: Vec<User> = self.ask(Users::builder().username(name.as_str()).build())?;
            let user = found.into_iter().find(|user| user.username.eq_ignore_ascii_case(name));
            let missing = || {
                Failure::unreadable(Method::GET, &self.api, format!("nobody here has the user name {name}"))
            };
            ids.push(user.ok_or_else(missing)?.id);
        }
        Ok(ids)
    }
}

/// A package's version takes letters, digits and `.`, `_`, `+`, `-`
/// (<https://docs.gitlab.com/user/packages/generic_packages/#publish-a-single-file>); a tag may hold more.
fn package_version(tag: &str) -> String {
    tag.chars().map(|c| if c.is_ascii_alphanumeric() || ".+-_".contains(c) { c } else { '-' }).collect()
}

/// Where a file of a release is, as [`Asset::id`] holds it: the link's id, the package's, the file's.
fn asset_id(link: Option<u64>, file: Option<&FileAnswer>) -> String {
    let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    format!("{}:{}:{}", number(link), number(file.map(|f| f.package_id)), number(file.map(|f| f.id)))
}

impl View for GitLab {
    fn place(&self) -> &Place {
        &self.place
    }

    fn traffic(&self) -> Traffic {
        self.http.traffic()
    }

    fn repository(&self) -> Answer<Repository> {
        let project: ProjectAnswer = match self.ask(Ok::<_, String>(self.raw(Method::GET, "", None))) {
            // Nothing is known of it then; whether it is there shows with what a job token may ask.
            Err(e) if self.unseen_by_job(&e) => {
                return Ok(Repository {
                    name: self.project().to_owned(),
                    default_branch: String::new(),
                    archived: false,
                    fork_of: None,
                    can_write: None,
                    private: None,
                });
            }
            answer => answer?,
        };
        let level = project.permissions.map(|p| {
            [p.project_access, p.group_access]
                .into_iter()
                .flatten()
                .map(|a| a.access_level)
                .max()
                .unwrap_or(0)
        });
        Ok(Repository {
            name: project.path_with_namespace,
            default_branch: project.default_branch.unwrap_or_default(),
            archived: project.archived,
            fork_of: project.forked_from_project.map(|p| p.path_with_namespace),
            // 30 is Developer, the least that may release (<https://docs.gitlab.com/api/access_requests/#valid-access-levels>).
            can_write: level.map(|level| level >= 30),
            private: project.visibility.map(|visibility| visibility != "public"),
        })
    }

    fn ref_target(&self, name: &str) -> Answer<Option<String>> {
        let Some((kind, short)) = name.split_once('/') else { return Ok(None) };
        // The lists, since a job token may not ask for one alone
        // (<https://docs.gitlab.com/ci/jobs/ci_job_token/#job-token-access>); `^` takes names that begin so.
        let (search, project) = (format!("^{short}"), self.project());
        let enough = |found: &[RefAnswer]| found.iter().any(|it| it.name == short);
        let found = match kind {
            "heads" => self.pages(
                Branches::builder().project(project).search(search).build(),
                PAGES_OF_REFS,
                enough,
            )?,
            "tags" => {
                self.pages(Tags::builder().project(project).search(search).build(), PAGES_OF_REFS, enough)?
            }
            _ => return Ok(None),
        };
        let own = found.into_iter().find(|it| it.name == short);
        Ok(own.and_then(|it| it.target.or(it.commit.map(|commit| commit.id))))
    }

    fn release(&self, tag: &str) -> Answer<Option<Release>> {
        let path = format!("/releases/{}", common::path_escaped(tag));
        let release: Option<ReleaseAnswer> =
            match self.ask(Ok::<_, String>(self.raw(Method::GET, &path, None))) {
                Ok(release) => Some(release),
                Err(e) if e.absent() => None,
                Err(e) => return Err(e),
            };
        let mut files = self.files(tag)?;
        if release.is_none() && files.is_empty() {
            return Ok(None);
        }
        let mut assets = Vec::new();
        let (mut id, mut name, mut notes, mut url) = <(String, String, String, String)>::default();
        if let Some(release) = release {
            for link in release.assets.links {
                let file = files.remove(&link.name);
                assets.push(Asset {
                    id: asset_id(Some(link.id), file.as_ref()),
                    name: link.name,
                    size: file.as_ref().and_then(|f| f.size),
                    sha256: file.and_then(|f| f.file_sha256),
                    complete: true,
                    listed: true,
                    url: link.url,
                });
            }
            id = release.tag_name;
            name = release.name.unwrap_or_default();
            notes = release.description.unwrap_or_default();
            url = release.links.itself.unwrap_or_default();
        }
        for (name, file) in files {
            assets.push(Asset {
                id: asset_id(None, Some(&file)),
                size: file.size,
                complete: true,
                listed: false,
                url: self.file_url(tag, &name)?.to_string(),
                sha256: file.file_sha256,
                name,
            });
        }
        Ok(Some(Release {
            draft: id.is_empty(),
            id,
            tag: tag.to_owned(),
            name,
            notes,
            prerelease: false,
            immutable: false,
            url,
            assets,
            others: Vec::new(),
            upload: String::new(),
        }))
    }

    fn asset_sha256(&self, asset: &Asset) -> Answer<String> {
        self.content(asset, Keep::Sha256)
    }

    fn asset_text(&self, asset: &Asset) -> Answer<String> {
        self.content(asset, Keep::All)
    }

    fn request(&self, head: &str, base: &str) -> Answer<Option<Request>> {
        let endpoint =
            MergeRequests::builder().project(self.project()).source_branch(head).target_branch(base).build();
        let found: Vec<MergeRequestAnswer> = self.pages(endpoint, 1, |_| true)?;
        let mut requests: Vec<Request> = found.into_iter().map(Request::from).collect();
        requests.retain(|request| request.head == head && request.base == base);
        requests
            .sort_by_key(|request| (request.state != RequestState::Open, std::cmp::Reverse(request.number)));
        Ok(requests.into_iter().next())
    }

    fn requests_of_range(
        &self,
        commits: &[Brought],
        since: Option<Timestamp>,
    ) -> Answer<BTreeMap<CommitId, Vec<Request>>> {
        let mut found: BTreeMap<CommitId, Vec<Request>> = BTreeMap::new();
        // The merged requests name their merge, squash and head commits: one call for a hundred of them. What was merged since
        // was also changed since.
        let after = since.map(|since| format!("&updated_after={since}")).unwrap_or_default();
        let path = format!("/merge_requests?state=merged&order_by=updated_at&sort=desc{after}");
        let merged: Vec<MergeRequestAnswer> = match commits.len() > 1 {
            true => {
                self.pages(Ok::<_, String>(self.raw(Method::GET, &path, None)), PAGES_OF_MERGED, |_| false)?
            }
            false => Vec::new(),
        };
        let mut of: BTreeMap<CommitId, Vec<Request>> = BTreeMap::new();
        for request in merged {
            let shas = [&request.merge_commit_sha, &request.squash_commit_sha, &request.sha];
            let mut ids: Vec<CommitId> =
                shas.into_iter().flatten().filter_map(|sha| sha.parse().ok()).collect();
            ids.sort_unstable();
            ids.dedup();
            let request = Request::from(request);
            ids.into_iter().for_each(|id| of.entry(id).or_default().push(request.clone()));
        }
        let mut rest = Vec::new();
        for brought in commits {
            let by = || brought.by.and_then(|by| of.get(&by));
            match of.get(&brought.commit).or_else(by) {
                Some(requests) => drop(found.insert(brought.commit, requests.clone())),
                None => rest.push(brought.commit),
            }
        }
        for id in rest.into_iter().take(ONE_BY_ONE) {
            let endpoint = CommitRequests::builder().project(self.project()).sha(id.to_string()).build();
            let requests: Vec<MergeRequestAnswer> = match self.ask(endpoint) {
                Err(e) if e.absent() => Vec::new(),
                answer => answer?,
            };
            found.insert(id, requests.into_iter().map(Request::from).collect());
        }
        Ok(found)
    }

    /// The list of a commit's comments gives them no name; that of its threads does
    /// (<https://docs.gitlab.com/api/discussions/#list-all-discussion-items-for-a-commit>).
    fn comments(&self, on: Commented) -> Answer<Vec<Comment>> {
        let threads = match on {
            Commented::Request(request) => {
                let endpoint =
                    MergeRequestNotes::builder().project(self.project()).merge_request(request).build();
                vec![(String::new(), self.pages(endpoint, 20, |_| false)?)]
            }
            Commented::Commit(commit) => {
                let path = format!("/repository/commits/{commit}/discussions");
                let endpoint = self.raw(Method::GET, &path, None);
                let threads: Vec<ThreadAnswer> = self.pages(Ok::<_, String>(endpoint), 20, |_| false)?;
                threads.into_iter().map(|thread| (format!("{}/notes/", thread.id), thread.notes)).collect()
            }
        };
        let of = |(thread, notes): (String, Vec<NoteAnswer>)| {
            let own = notes.into_iter().filter(|note| !note.system);
            own.map(move |note| Comment { id: format!("{thread}{}", note.id), body: note.body })
        };
        Ok(threads.into_iter().flat_map(of).collect())
    }

    fn statuses(&self, commit: CommitId) -> Answer<Vec<Status>> {
        let endpoint = CommitStatuses::builder().project(self.project()).commit(commit.to_string()).build();
        let statuses: Vec<StatusAnswer> = self.pages(endpoint, 5, |_| false)?;
        let neutral = |status: StatusAnswer| Status {
            name: status.name,
            state: match status.status.as_str() {
                "success" | "skipped" => StatusState::Success,
                "failed" | "canceled" => StatusState::Failure,
                _ => StatusState::Pending,
            },
            text: status.description.unwrap_or_default(),
            url: status.target_url.filter(|u| !u.is_empty()),
        };
        Ok(statuses.into_iter().map(neutral).collect())
    }

    fn find_run(&self, text: &RunText) -> Answer<Option<Run>> {
        let endpoint = Pipelines::builder().project(self.project()).ref_(text.git_ref.as_str()).build();
        let newest: Vec<PipelineAnswer> = match self.pages(endpoint, 1, |_| true) {
            Err(mut e) if self.unseen_by_job(&e) => {
                e.hint = Some(
                    "CI_JOB_TOKEN sees no pipelines, so that it could start the same one twice: use a project access token \
                     with the role Developer and the scope `api`, as GITLAB_TOKEN"
                        .to_owned(),
                );
                return Err(e);
            }
            answer => answer?,
        };
        for pipeline in newest.into_iter().take(10) {
            let endpoint = PipelineVariables::builder().project(self.project()).pipeline(pipeline.id).build();
            let variables: Vec<VariableAnswer> = match self.ask(endpoint) {
                Err(e) if e.absent() || e.status() == Some(403) => continue,
                answer => answer?,
            };
            if variables.iter().any(|v| v.key == CORRELATION && v.value == text.correlation) {
                return Ok(Some(pipeline.into()));
            }
        }
        Ok(None)
    }

    fn run(&self, id: u64) -> Answer<Run> {
        let endpoint = Pipeline::builder().project(self.project()).pipeline(id).build();
        Ok(self.ask::<PipelineAnswer, _>(endpoint)?.into())
    }

    fn jobs(&self, run: u64) -> Answer<Vec<Job>> {
        let endpoint = PipelineJobs::builder().project(self.project()).pipeline(run).build();
        let jobs: Vec<JobAnswer> = self.pages(endpoint, 5, |_| false)?;
        let neutral = |job: JobAnswer| {
            let state = match run_state(&job.status) {
                RunState::Failure if job.allow_failure => RunState::Success,
                state => state,
            };
            Job { id: job.id, name: job.name, state, said: job.status }
        };
        Ok(jobs.into_iter().map(neutral).collect())
    }

    fn log_tail(&self, job: u64, bytes: usize) -> Answer<String> {
        let endpoint = self.built(JobTrace::builder().project(self.project()).job(job).build())?;
        let mut request = web::Request::new(Method::GET, self.address(&endpoint)?);
        request.keep = Keep::Tail(bytes);
        Ok(String::from_utf8_lossy(self.http.call(request)?.body()).into_owned())
    }
}
