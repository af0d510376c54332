//! GitHub and GitHub Enterprise: `octocrab` over the one HTTP client. <https://docs.github.com/rest>

mod gate;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_service::Service;
use url::Url;

use super::{
    Answer, Asset, Comment, Forge, Job, Place, Release, ReleaseText, Repository, Request, RequestState,
    RequestText, Run, RunState, RunText, Status, StatusState, View,
};
use crate::data::CommitId;
use crate::error::Result;
use crate::world::http::{self as web, Body, Client, Failure, Keep, Traffic, next_page, runtime};

/// A name in a path: everything but RFC 3986's unreserved characters is encoded, the slash too.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// A path of names: slashes stay.
const NAMES: &AsciiSet = &NAME.remove(b'/');
/// How many commits one GraphQL question is about.
const COMMITS_AT_ONCE: usize = 100;

/// Sends what octocrab builds.
struct Wire {
    http: Client,
    api: Url,
}

impl Wire {
    /// The address of a route: below the API's own path, GraphQL of an Enterprise Server beside it
    /// (<https://docs.github.com/enterprise-server/graphql/guides/forming-calls-with-graphql#the-graphql-endpoint>).
    fn address(&self, uri: &Uri) -> std::result::Result<Url, url::ParseError> {
        if uri.authority().is_some() {
            return Url::parse(&uri.to_string());
        }
        let route = uri.path_and_query().map_or("", |route| route.as_str()).trim_start_matches('/');
        if route == "graphql" && self.api.path().ends_with("/api/v3/") {
            return self.api.join("../graphql");
        }
        Url::parse(&format!("{}{route}", self.api))
    }
}

impl Service<http::Request<OctoBody>> for Wire {
    type Response = Response<Full<Bytes>>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Answer<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Answer<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<OctoBody>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let http = self.http.clone();
        let url = self.address(&parts.uri);
        let api = self.api.clone();
        Box::pin(async move {
            let url = url.map_err(|e| Failure::unreadable(parts.method.clone(), &api, e))?;
            let mut request = web::Request::new(parts.method, url);
            request.headers = parts.headers;
            request.headers.remove(http::header::CONTENT_LENGTH);
            say_version(&mut request.headers);
            let bytes = body
                .collect()
                .await
                .map_err(|e| Failure::unreadable(request.method.clone(), &request.url, first_line(&e)))?
                .to_bytes();
            if !bytes.is_empty() {
                request.body = Body::Bytes(bytes);
            }
            Ok(http.send(request).await?.map(Full::new))
        })
    }
}

/// <https://docs.github.com/rest/about-the-rest-api/api-versions>
fn say_version(headers: &mut http::HeaderMap) {
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/vnd.github+json"));
    headers.insert(HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28"));
}

fn first_line(error: &impl std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Where release files are sent to, besides the API's own server
/// (<https://docs.github.com/rest/releases/assets#upload-a-release-asset>).
pub(super) fn uploads(api: &Url) -> Url {
    let mut uploads = api.clone();
    if let Some(host) = api.host_str().and_then(|host| host.strip_prefix("api.")) {
        let host = format!("uploads.{host}");
        // A host that a name was made of stays a host.
        let _ = uploads.set_host(Some(&host));
    }
    uploads
}

/// A repository at GitHub.
#[derive(Debug)]
pub(super) struct GitHub {
    place: Place,
    api: Url,
    http: Client,
    crab: Octocrab,
}

impl GitHub {
    pub(super) fn new(place: Place, api: Url, http: Client) -> Result<Self> {
        // octocrab's queue needs a runtime to live on.
        let _on = runtime()?.enter();
        let wire = Wire { http: http.clone(), api: api.clone() };
        let crab = match OctocrabBuilder::new_empty().with_service(wire).with_auth(AuthState::None).build() {
            Ok(crab) => crab,
            Err(never) => match never {},
        };
        Ok(GitHub { place, api, http, crab })
    }

    /// A route below the repository.
    fn route(&self, rest: &str) -> String {
        format!("/repos/{}/{rest}", utf8_percent_encode(&self.place.repository, NAMES))
    }

    fn address(&self, route: &str) -> Url {
        let joined = Url::parse(&format!("{}{}", self.api, route.trim_start_matches('/')));
        joined.unwrap_or_else(|_| self.api.clone())
    }

    /// Runs one of octocrab's calls, and finds our own failure in its error.
    fn run_call<T>(
        &self,
        method: Method,
        route: &str,
        call: impl Future<Output = octocrab::Result<T>>,
    ) -> Answer<T> {
        let unreadable = |why: String| Failure::unreadable(method.clone(), &self.address(route), why);
        let runtime = runtime().map_err(|e| unreadable(e.message))?;
        runtime.block_on(call).map_err(|error| match error {
            octocrab::Error::Service { source, .. } => match source.downcast::<Failure>() {
                Ok(failure) => *failure,
                Err(other) => unreadable(first_line(&other)),
            },
            other => unreadable(first_line(&other)),
        })
    }

    fn get<T: DeserializeOwned>(&self, route: &str) -> Answer<T> {
        self.run_call(Method::GET, route, self.crab.get(route, None::<&()>))
    }

    fn post<T: DeserializeOwned>(&self, route: &str, body: &Value) -> Answer<T> {
        self.run_call(Method::POST, route, self.crab.post(route, Some(body)))
    }

    fn patch<T: DeserializeOwned>(&self, route: &str, body: &Value) -> Answer<T> {
        self.run_call(Method::PATCH, route, self.crab.patch(route, Some(body)))
    }

    /// Pages of a list, until `enough` or `most` pages.
    fn pages<T: DeserializeOwned>(
        &self,
        route: &str,
        most: usize,
        enough: impl Fn(&[T]) -> bool,
    ) -> Answer<(Vec<T>, bool)> {
        let mut items = Vec::new();
        let mut url = self.address(route);
        for _ in 0..most {
            let response = self.run_call(Method::GET, route, async {
                let (parts, body) = self.crab._get(url.as_str()).await?.into_parts();
                Ok((parts, body.collect().await?.to_bytes()))
            });
            let (parts, body) = response?;
            let page: Vec<T> =
                serde_json::from_slice(&body).map_err(|e| Failure::unreadable(Method::GET, &url, e))?;
            items.extend(page);
            match next_page(&parts.headers, &url) {
                Some(next) if !enough(&items) => url = next,
                Some(_) => return Ok((items, true)),
                None => return Ok((items, false)),
            }
        }
        Ok((items, true))
    }

    fn owner(&self) -> &str {
        self.place.repository.split('/').next().unwrap_or_default()
    }

    fn label_and_ask(&self, request: &Request, text: &RequestText<'_>) -> Answer<()> {
        let missing = |wanted: &[String], there: &[String]| -> Vec<String> {
            wanted.iter().filter(|w| !there.contains(w)).cloned().collect()
        };
        let labels = missing(text.labels, &request.labels);
        if !labels.is_empty() {
            let route = self.route(&format!("issues/{}/labels", request.number));
            self.post::<Value>(&route, &json!({ "labels": labels }))?;
        }
        let asked = missing(text.reviewers, &request.reviewers);
        if !asked.is_empty() {
            // `org/team` is a team, by the name after the slash.
            let (teams, people): (Vec<&str>, Vec<&str>) =
                asked.iter().map(String::as_str).partition(|r| r.contains('/'));
            let teams: Vec<&str> = teams.iter().filter_map(|t| t.rsplit('/').next()).collect();
            let route = self.route(&format!("pulls/{}/requested_reviewers", request.number));
            self.post::<Value>(&route, &json!({ "reviewers": people, "team_reviewers": teams }))?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct RepositoryAnswer {
    full_name: String,
    default_branch: String,
    #[serde(default)]
    archived: bool,
    parent: Option<Named>,
    permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Named {
    full_name: String,
}

#[derive(Deserialize)]
struct Permissions {
    #[serde(default)]
    push: bool,
}

#[derive(Deserialize)]
struct RefAnswer {
    #[serde(rename = "ref")]
    name: String,
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: String,
}

#[derive(Deserialize)]
struct ReleaseAnswer {
    id: u64,
    tag_name: String,
    name: Option<String>,
    body: Option<String>,
    draft: bool,
    prerelease: bool,
    #[serde(default)]
    immutable: Option<bool>,
    html_url: String,
    upload_url: String,
    #[serde(default)]
    assets: Vec<AssetAnswer>,
}

#[derive(Deserialize)]
struct AssetAnswer {
    id: u64,
    name: String,
    #[serde(default)]
    state: String,
    size: Option<u64>,
    #[serde(default)]
    digest: Option<String>,
    browser_download_url: String,
}

impl From<AssetAnswer> for Asset {
    fn from(asset: AssetAnswer) -> Self {
        Asset {
            id: asset.id.to_string(),
            sha256: asset.digest.and_then(|d| d.strip_prefix("sha256:").map(str::to_ascii_lowercase)),
            // A file whose upload broke off stays behind as `starter`.
            complete: asset.state == "uploaded",
            name: asset.name,
            size: asset.size,
            listed: true,
            url: asset.browser_download_url,
        }
    }
}

impl From<ReleaseAnswer> for Release {
    fn from(release: ReleaseAnswer) -> Self {
        Release {
            id: release.id.to_string(),
            tag: release.tag_name,
            name: release.name.unwrap_or_default(),
            notes: release.body.unwrap_or_default(),
            draft: release.draft,
            prerelease: release.prerelease,
            immutable: release.immutable.unwrap_or(false),
            url: release.html_url,
            // `https://uploads.github.com/…/assets{?name,label}`, RFC 6570.
            upload: release.upload_url.split('{').next().unwrap_or_default().to_owned(),
            assets: release.assets.into_iter().map(Asset::from).collect(),
        }
    }
}

#[derive(Deserialize)]
struct PullAnswer {
    number: u64,
    title: String,
    body: Option<String>,
    state: String,
    merged_at: Option<String>,
    head: Branch,
    base: Branch,
    user: Option<Login>,
    #[serde(default)]
    labels: Vec<Label>,
    #[serde(default)]
    requested_reviewers: Vec<Login>,
    #[serde(default)]
    requested_teams: Vec<Team>,
    html_url: String,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(rename = "ref")]
    name: String,
    sha: String,
}

#[derive(Deserialize)]
struct Login {
    login: String,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Deserialize)]
struct Team {
    slug: String,
}

impl PullAnswer {
    fn neutral(self, owner: &str) -> Request {
        let mut labels: Vec<String> = self.labels.into_iter().map(|l| l.name).collect();
        labels.sort();
        let teams = self.requested_teams.into_iter().map(|t| format!("{owner}/{}", t.slug));
        let mut reviewers: Vec<String> =
            self.requested_reviewers.into_iter().map(|r| r.login).chain(teams).collect();
        reviewers.sort();
        Request {
            number: self.number,
            title: self.title,
            body: self.body.unwrap_or_default(),
            state: match (self.state.as_str(), &self.merged_at) {
                ("open", _) => RequestState::Open,
                (_, Some(_)) => RequestState::Merged,
                (_, None) => RequestState::Closed,
            },
            commit: self.head.sha,
            head: self.head.name,
            base: self.base.name,
            author: self.user.map(|u| u.login).unwrap_or_default(),
            labels,
            reviewers,
            url: self.html_url,
        }
    }
}

#[derive(Deserialize)]
struct CommentAnswer {
    id: u64,
    body: Option<String>,
}

#[derive(Deserialize)]
struct CombinedStatus {
    statuses: Vec<StatusAnswer>,
}

#[derive(Deserialize)]
struct StatusAnswer {
    context: String,
    state: String,
    description: Option<String>,
    target_url: Option<String>,
}

#[derive(Deserialize)]
struct Runs {
    workflow_runs: Vec<RunAnswer>,
}

#[derive(Deserialize)]
struct RunAnswer {
    id: u64,
    name: Option<String>,
    display_title: Option<String>,
    status: Option<String>,
    conclusion: Option<String>,
    html_url: String,
}

#[derive(Deserialize)]
struct Started {
    workflow_run_id: u64,
    html_url: String,
}

#[derive(Deserialize)]
struct Jobs {
    jobs: Vec<JobAnswer>,
}

#[derive(Deserialize)]
struct JobAnswer {
    id: u64,
    name: String,
    status: String,
    conclusion: Option<String>,
}

/// <https://docs.github.com/rest/actions/workflow-runs>: `status` until it is `completed`, then `conclusion`.
fn run_state(status: Option<&str>, conclusion: Option<&str>) -> (RunState, String) {
    let state = match (status, conclusion) {
        (Some("completed"), Some("success" | "neutral" | "skipped")) => RunState::Success,
        (Some("completed"), Some("cancelled")) => RunState::Cancelled,
        (Some("completed"), _) => RunState::Failure,
        _ => RunState::Going,
    };
    let said = match state {
        RunState::Going => status,
        _ => conclusion,
    };
    (state, said.unwrap_or("unknown").to_owned())
}

impl From<RunAnswer> for Run {
    fn from(run: RunAnswer) -> Self {
        let (state, said) = run_state(run.status.as_deref(), run.conclusion.as_deref());
        Run { id: run.id, state, said, url: run.html_url }
    }
}

/// What a release's texts and marks are called; `draft` says whether anybody sees it.
fn release_body(text: &ReleaseText<'_>, draft: bool) -> Value {
    let mut body = json!({
        "tag_name": text.tag, "name": text.name, "body": text.notes, "draft": draft, "prerelease": text.prerelease,
    });
    if !draft {
        // A draft cannot be the latest.
        body["make_latest"] = match text.latest {
            Some(true) => "true",
            Some(false) => "false",
            None => "legacy",
        }
        .into();
    }
    body
}

impl View for GitHub {
    fn place(&self) -> &Place {
        &self.place
    }

    fn traffic(&self) -> Traffic {
        self.http.traffic()
    }

    fn repository(&self) -> Answer<Repository> {
        let route = self.route("");
        let answer: RepositoryAnswer = self.get(route.trim_end_matches('/'))?;
        Ok(Repository {
            name: answer.full_name,
            default_branch: answer.default_branch,
            archived: answer.archived,
            fork_of: answer.parent.map(|p| p.full_name),
            can_write: answer.permissions.map(|p| p.push),
        })
    }

    fn ref_target(&self, name: &str) -> Answer<Option<String>> {
        let route = self.route(&format!("git/ref/{}", utf8_percent_encode(name, NAMES)));
        match self.get::<RefAnswer>(&route) {
            Ok(answer) if answer.name == format!("refs/{name}") => Ok(Some(answer.object.sha)),
            Ok(_) => Ok(None),
            // 409 is an empty repository's answer.
            Err(e) if e.absent() || e.status() == Some(409) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// A draft has no address by its tag, it only stands in the list, near its head: drafts of new tags are young.
    fn release(&self, tag: &str) -> Answer<Option<Release>> {
        let of_tag = |release: &ReleaseAnswer| release.tag_name == tag;
        let route = self.route("releases?per_page=100");
        let (mut found, more) = self.pages(&route, 3, |list: &[ReleaseAnswer]| list.iter().any(of_tag))?;
        found.retain(of_tag);
        found.sort_by_key(|release| release.draft);
        if found.is_empty() && more {
            let route = self.route(&format!("releases/tags/{}", utf8_percent_encode(tag, NAME)));
            return match self.get::<ReleaseAnswer>(&route) {
                Ok(release) => Ok(Some(release.into())),
                Err(e) if e.absent() => Ok(None),
                Err(e) => Err(e),
            };
        }
        Ok(found.into_iter().next().map(Release::from))
    }

    fn asset_sha256(&self, asset: &Asset) -> Answer<String> {
        let route = self.route(&format!("releases/assets/{}", asset.id));
        let mut request = web::Request::new(Method::GET, self.address(&route));
        say_version(&mut request.headers);
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/octet-stream"));
        request.keep = Keep::Sha256;
        Ok(String::from_utf8_lossy(self.http.call(request)?.body()).into_owned())
    }

    fn request(&self, head: &str, base: &str) -> Answer<Option<Request>> {
        let owned = format!("{}:{head}", self.owner());
        let route = self.route(&format!(
            "pulls?state=all&sort=created&direction=desc&per_page=100&head={}&base={}",
            utf8_percent_encode(&owned, NAME),
            utf8_percent_encode(base, NAME)
        ));
        let (pulls, _) = self.pages::<PullAnswer>(&route, 1, |_| true)?;
        let mut requests: Vec<Request> = pulls
            .into_iter()
            .map(|pull| pull.neutral(self.owner()))
            .filter(|request| request.head == head && request.base == base)
            .collect();
        requests
            .sort_by_key(|request| (request.state != RequestState::Open, std::cmp::Reverse(request.number)));
        Ok(requests.into_iter().next())
    }

    fn requests_of(&self, commits: &[CommitId]) -> Answer<BTreeMap<CommitId, Vec<Request>>> {
        let mut found = BTreeMap::new();
        let (owner, name) = self.place.repository.split_once('/').unwrap_or_default();
        for some in commits.chunks(COMMITS_AT_ONCE) {
            let asked: String = some
                .iter()
                .enumerate()
                .map(|(at, id)| format!("c{at}: object(oid: \"{id}\") {{ ...requests }} "))
                .collect();
            // <https://docs.github.com/graphql/reference/objects#commit>
            let query = format!(
                "query($owner: String!, $name: String!) {{ repository(owner: $owner, name: $name) {{ {asked} }} }} \
                 fragment requests on Commit {{ associatedPullRequests(first: 5) {{ nodes {{ number title body state url \
                 headRefOid headRefName baseRefName author {{ login }} labels(first: 20) {{ nodes {{ name }} }} }} }} }}"
            );
            let payload = json!({ "query": query, "variables": { "owner": owner, "name": name } });
            let answer: Value = self.run_call(Method::POST, "/graphql", self.crab.graphql(&payload))?;
            for (at, id) in some.iter().enumerate() {
                let nodes = &answer["repository"][format!("c{at}")]["associatedPullRequests"]["nodes"];
                let requests = nodes.as_array().into_iter().flatten().map(from_graphql).collect();
                found.insert(*id, requests);
            }
        }
        Ok(found)
    }

    fn comments(&self, request: u64) -> Answer<Vec<Comment>> {
        let route = self.route(&format!("issues/{request}/comments?per_page=100"));
        let (comments, _) = self.pages::<CommentAnswer>(&route, 20, |_| false)?;
        Ok(comments.into_iter().map(|c| Comment { id: c.id, body: c.body.unwrap_or_default() }).collect())
    }

    fn statuses(&self, commit: CommitId) -> Answer<Vec<Status>> {
        let combined: CombinedStatus =
            self.get(&self.route(&format!("commits/{commit}/status?per_page=100")))?;
        Ok(combined
            .statuses
            .into_iter()
            .map(|status| Status {
                name: status.context,
                state: match status.state.as_str() {
                    "success" => StatusState::Success,
                    "pending" => StatusState::Pending,
                    _ => StatusState::Failure,
                },
                text: status.description.unwrap_or_default(),
                url: status.target_url.filter(|u| !u.is_empty()),
            })
            .collect())
    }

    fn find_run(&self, text: &RunText) -> Answer<Option<Run>> {
        let Some(workflow) = &text.workflow else { return Ok(None) };
        let route = self.route(&format!(
            "actions/workflows/{}/runs?event=workflow_dispatch&per_page=50",
            utf8_percent_encode(workflow, NAME)
        ));
        let runs: Runs = self.get(&route)?;
        let names_it = |run: &RunAnswer| {
            [&run.display_title, &run.name]
                .into_iter()
                .flatten()
                .any(|title| title.contains(&text.correlation))
        };
        Ok(runs.workflow_runs.into_iter().find(names_it).map(Run::from))
    }

    fn run(&self, id: u64) -> Answer<Run> {
        Ok(self.get::<RunAnswer>(&self.route(&format!("actions/runs/{id}")))?.into())
    }

    fn jobs(&self, run: u64) -> Answer<Vec<Job>> {
        let jobs: Jobs =
            self.get(&self.route(&format!("actions/runs/{run}/jobs?filter=latest&per_page=100")))?;
        let neutral = |job: JobAnswer| {
            let (state, said) = run_state(Some(&job.status), job.conclusion.as_deref());
            Job { id: job.id, name: job.name, state, said }
        };
        Ok(jobs.jobs.into_iter().map(neutral).collect())
    }

    fn log_tail(&self, job: u64, bytes: usize) -> Answer<String> {
        let mut request =
            web::Request::new(Method::GET, self.address(&self.route(&format!("actions/jobs/{job}/logs"))));
        say_version(&mut request.headers);
        request.keep = Keep::Tail(bytes);
        Ok(String::from_utf8_lossy(self.http.call(request)?.body()).into_owned())
    }
}

impl Forge for GitHub {
    fn wait(&self, failure: &Failure, tries: u32) -> bool {
        self.http.wait(failure, tries)
    }

    fn stage_release(&self, text: &ReleaseText<'_>) -> Answer<Release> {
        Ok(self.post::<ReleaseAnswer>(&self.route("releases"), &release_body(text, true))?.into())
    }

    fn add_asset(&self, release: &Release, name: &str, content: Body) -> Answer<Asset> {
        let mut url = Url::parse(&release.upload)
            .map_err(|e| Failure::unreadable(Method::POST, &self.address("/"), e))?;
        url.query_pairs_mut().append_pair("name", name);
        let mut request = web::Request::new(Method::POST, url.clone());
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        say_version(&mut request.headers);
        request.body = content;
        let response = self.http.call(request)?;
        let asset: AssetAnswer = serde_json::from_slice(response.body())
            .map_err(|e| Failure::unreadable(Method::POST, &url, e))?;
        Ok(asset.into())
    }

    fn remove_asset(&self, _: &Release, asset: &Asset) -> Answer<()> {
        let route = self.route(&format!("releases/assets/{}", asset.id));
        let gone = self.run_call(Method::DELETE, &route, self.crab._delete(route.as_str(), None::<&()>));
        match gone {
            Err(e) if !e.absent() => Err(e),
            _ => Ok(()),
        }
    }

    fn publish_release(&self, release: &Release, text: &ReleaseText<'_>) -> Answer<Release> {
        let route = self.route(&format!("releases/{}", release.id));
        Ok(self.patch::<ReleaseAnswer>(&route, &release_body(text, false))?.into())
    }

    fn open_request(&self, text: &RequestText<'_>) -> Answer<Request> {
        let body = json!({
            "title": text.title, "head": text.head, "base": text.base, "body": text.body, "draft": text.draft,
        });
        let request = self.post::<PullAnswer>(&self.route("pulls"), &body)?.neutral(self.owner());
        self.label_and_ask(&request, text)?;
        Ok(request)
    }

    fn update_request(&self, request: &Request, text: &RequestText<'_>) -> Answer<Request> {
        let mut now = request.clone();
        if request.title != text.title || request.body != text.body {
            let route = self.route(&format!("pulls/{}", request.number));
            let body = json!({ "title": text.title, "body": text.body });
            now = self.patch::<PullAnswer>(&route, &body)?.neutral(self.owner());
        }
        self.label_and_ask(request, text)?;
        Ok(now)
    }

    fn write_comment(&self, request: u64, there: Option<u64>, body: &str) -> Answer<()> {
        let body = json!({ "body": body });
        match there {
            Some(id) => self.patch::<Value>(&self.route(&format!("issues/comments/{id}")), &body)?,
            None => self.post::<Value>(&self.route(&format!("issues/{request}/comments")), &body)?,
        };
        Ok(())
    }

    fn set_status(&self, commit: CommitId, status: &Status) -> Answer<()> {
        let state = match status.state {
            StatusState::Pending => "pending",
            StatusState::Success => "success",
            StatusState::Failure => "failure",
        };
        let mut body = json!({ "state": state, "context": status.name, "description": status.text });
        if let Some(url) = &status.url {
            body["target_url"] = url.as_str().into();
        }
        self.post::<Value>(&self.route(&format!("statuses/{commit}")), &body).map(drop)
    }

    fn start_run(&self, text: &RunText) -> Answer<Option<Run>> {
        let workflow = text.workflow.as_deref().unwrap_or_default();
        let route =
            self.route(&format!("actions/workflows/{}/dispatches", utf8_percent_encode(workflow, NAME)));
        let body = json!({ "ref": text.git_ref, "inputs": text.inputs, "return_run_details": true });
        let send = |body: &Value| {
            self.run_call(Method::POST, &route, async {
                let response = self.crab._post(route.as_str(), Some(body)).await?;
                Ok(response.into_body().collect().await?.to_bytes())
            })
        };
        let answer = match send(&body) {
            // An older server that refuses what it does not know has started nothing.
            Err(e) if e.status() == Some(422) && e.said.contains("return_run_details") => {
                send(&json!({ "ref": text.git_ref, "inputs": text.inputs }))?
            }
            answer => answer?,
        };
        // 204, without a body, where the server does not say which run it started.
        let started: Option<Started> = serde_json::from_slice(&answer).ok();
        Ok(started.map(|run| Run {
            id: run.workflow_run_id,
            state: RunState::Going,
            said: "queued".to_owned(),
            url: run.html_url,
        }))
    }
}

fn from_graphql(node: &Value) -> Request {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut labels: Vec<String> =
        node["labels"]["nodes"].as_array().into_iter().flatten().map(|label| text(&label["name"])).collect();
    labels.sort();
    Request {
        number: node["number"].as_u64().unwrap_or_default(),
        title: text(&node["title"]),
        body: text(&node["body"]),
        state: match node["state"].as_str() {
            Some("MERGED") => RequestState::Merged,
            Some("CLOSED") => RequestState::Closed,
            _ => RequestState::Open,
        },
        commit: text(&node["headRefOid"]),
        head: text(&node["headRefName"]),
        base: text(&node["baseRefName"]),
        author: text(&node["author"]["login"]),
        labels,
        reviewers: Vec::new(),
        url: text(&node["url"]),
    }
}
