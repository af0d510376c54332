//! GitHub and GitHub Enterprise: `octocrab` over the one HTTP client. <https://docs.github.com/rest>

mod answers;
mod commit;
mod desk;
mod gate;
mod guard;
mod write;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT, HeaderName, HeaderValue};
use http::{Method, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use jiff::Timestamp;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_service::Service;
use url::Url;

use self::answers::{
    CombinedStatus, CommentAnswer, JobAnswer, Jobs, PullAnswer, RefAnswer, ReleaseAnswer, RepositoryAnswer,
    RunAnswer, Runs, from_graphql, run_state,
};
use super::{
    Answer, Asset, Brought, Comment, Commented, Job, Place, Release, Repository, Request, RequestState,
    RequestText, Run, RunText, Status, StatusState, View,
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

/// <https://docs.github.com/rest/issues/comments>, <https://docs.github.com/rest/commits/comments>
fn comments_of(on: Commented) -> String {
    match on {
        Commented::Request(number) => format!("issues/{number}/comments"),
        Commented::Commit(commit) => format!("commits/{commit}/comments"),
    }
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

    /// <https://docs.github.com/rest/releases/assets#get-a-release-asset>
    fn content(&self, asset: &Asset, keep: Keep) -> Answer<String> {
        let route = self.route(&format!("releases/assets/{}", asset.id));
        let mut request = web::Request::new(Method::GET, self.address(&route));
        say_version(&mut request.headers);
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/octet-stream"));
        request.keep = keep;
        Ok(String::from_utf8_lossy(self.http.call(request)?.body()).into_owned())
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
            private: answer.private,
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
        // Of several drafts the oldest is the one: every run that looks agrees on it.
        found.sort_by_key(|release| (release.draft, release.id));
        if found.is_empty() && more {
            let route = self.route(&format!("releases/tags/{}", utf8_percent_encode(tag, NAME)));
            return match self.get::<ReleaseAnswer>(&route) {
                Ok(release) => Ok(Some(release.into())),
                Err(e) if e.absent() => Ok(None),
                Err(e) => Err(e),
            };
        }
        let mut all = found.into_iter().map(Release::from);
        let mut release = all.next();
        if let Some(release) = &mut release {
            release.others = all.filter(|other| other.draft).collect();
        }
        Ok(release)
    }

    fn asset_sha256(&self, asset: &Asset) -> Answer<String> {
        self.content(asset, Keep::Sha256)
    }

    fn asset_text(&self, asset: &Asset) -> Answer<String> {
        self.content(asset, Keep::All)
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

    fn requests_of_range(
        &self,
        commits: &[Brought],
        _: Option<Timestamp>,
    ) -> Answer<BTreeMap<CommitId, Vec<Request>>> {
        let mut found = BTreeMap::new();
        let (owner, name) = self.place.repository.split_once('/').unwrap_or_default();
        for some in commits.chunks(COMMITS_AT_ONCE) {
            let asked: String = some
                .iter()
                .enumerate()
                .map(|(at, of)| format!("c{at}: object(oid: \"{}\") {{ ...requests }} ", of.commit))
                .collect();
            // <https://docs.github.com/graphql/reference/objects#commit>
            let query = format!(
                "query($owner: String!, $name: String!) {{ repository(owner: $owner, name: $name) {{ {asked} }} }} \
                 fragment requests on Commit {{ associatedPullRequests(first: 5) {{ nodes {{ number title body state url \
                 headRefOid headRefName baseRefName author {{ login }} labels(first: 20) {{ nodes {{ name }} }} \
                 closingIssuesReferences(first: 20) {{ nodes {{ number repository {{ nameWithOwner }} }} }} }} }} }}"
            );
            let payload = json!({ "query": query, "variables": { "owner": owner, "name": name } });
            let answer: Value = self.run_call(Method::POST, "/graphql", self.crab.graphql(&payload))?;
            // An answer with errors may hold nothing at all: no request is not the same as no answer.
            if !answer["repository"].is_object() {
                let why =
                    answer["errors"][0]["message"].as_str().unwrap_or("it says nothing of the repository");
                return Err(Failure::unreadable(Method::POST, &self.address("/graphql"), why));
            }
            for (at, of) in some.iter().enumerate() {
                let nodes = &answer["repository"][format!("c{at}")]["associatedPullRequests"]["nodes"];
                let requests = nodes
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|node| from_graphql(node, &self.place.repository))
                    .collect();
                found.insert(of.commit, requests);
            }
        }
        Ok(found)
    }

    fn comments(&self, on: Commented) -> Answer<Vec<Comment>> {
        let route = self.route(&format!("{}?per_page=100", comments_of(on)));
        let (comments, _) = self.pages::<CommentAnswer>(&route, 20, |_| false)?;
        let neutral =
            |it: CommentAnswer| Comment { id: it.id.to_string(), body: it.body.unwrap_or_default() };
        Ok(comments.into_iter().map(neutral).collect())
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
