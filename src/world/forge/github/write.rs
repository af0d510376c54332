//! What effects do at GitHub.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use http_body_util::BodyExt as _;
use percent_encoding::utf8_percent_encode;
use serde_json::{Value, json};
use url::Url;

use super::answers::{AssetAnswer, PullAnswer, ReleaseAnswer, Started};
use super::{GitHub, NAME, comments_of, say_version};
use crate::data::CommitId;
use crate::world::forge::{
    Answer, Asset, Commented, CommitText, Forge, Release, ReleaseText, Request, RequestText, Run, RunState,
    RunText, Status, StatusState,
};
use crate::world::http::{self as web, Body, Failure};

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

impl Forge for GitHub {
    fn wait(&self, failure: &Failure, tries: u32) -> bool {
        self.http.wait(failure, tries)
    }

    fn stage_release(&self, text: &ReleaseText<'_>) -> Answer<Release> {
        Ok(self.post::<ReleaseAnswer>(&self.route("releases"), &release_body(text, true))?.into())
    }

    fn discard_draft(&self, release: &Release) -> Answer<()> {
        if !release.draft {
            return Ok(());
        }
        let route = self.route(&format!("releases/{}", release.id));
        match self.run_call(Method::DELETE, &route, self.crab._delete(route.as_str(), None::<&()>)) {
            Err(e) if !e.absent() => Err(e),
            _ => Ok(()),
        }
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

    fn commit(&self, text: &CommitText<'_>) -> Answer<CommitId> {
        self.make_commit(text)
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

    fn write_comment(&self, on: Commented, there: Option<&str>, body: &str) -> Answer<()> {
        let body = json!({ "body": body });
        let written: Answer<Value> = match (there, on) {
            (Some(id), Commented::Request(_)) => {
                self.patch(&self.route(&format!("issues/comments/{id}")), &body)
            }
            (Some(id), Commented::Commit(_)) => self.patch(&self.route(&format!("comments/{id}")), &body),
            (None, _) => self.post(&self.route(&comments_of(on)), &body),
        };
        written.map(drop)
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
