//! What effects do at GitLab.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gitlab::api::common;
use gitlab::api::endpoint_prelude::Endpoint as _;
use gitlab::api::projects::merge_requests::{CreateMergeRequest, EditMergeRequest};
use gitlab::api::projects::packages::package_files::DeletePackageFile;
use gitlab::api::projects::pipelines::{CreatePipeline, PipelineVariable};
use gitlab::api::projects::releases::links::{CreateReleaseLink, DeleteReleaseLink};
use gitlab::api::projects::releases::{CreateRelease, CreateReleaseAssetLinks};
use gitlab::api::projects::repository::commits::{CommitStatusState, CreateCommitStatus};
use http::Method;
use serde_json::{Value, json};

use super::answers::{CommitAnswer, FileAnswer, MergeRequestAnswer, PipelineAnswer};
use super::{CORRELATION, GitLab, asset_id, package_version};
use crate::data::CommitId;
use crate::effect::Before;
use crate::world::forge::{
    Answer, Asset, Change, Commented, CommitText, Forge, Release, ReleaseText, Request, RequestText, Run,
    RunText, Status, StatusState, Token,
};
use crate::world::http::{self as web, Body, Failure};

fn draft_title(text: &RequestText<'_>) -> String {
    if text.draft && !text.title.starts_with("Draft:") {
        format!("Draft: {}", text.title)
    } else {
        text.title.to_owned()
    }
}

impl Forge for GitLab {
    fn wait(&self, failure: &Failure, tries: u32) -> bool {
        self.http.wait(failure, tries)
    }

    fn stage_release(&self, text: &ReleaseText<'_>) -> Answer<Release> {
        Ok(Release {
            id: String::new(),
            tag: text.tag.to_owned(),
            name: text.name.to_owned(),
            notes: text.notes.to_owned(),
            draft: true,
            prerelease: false,
            immutable: false,
            url: String::new(),
            assets: Vec::new(),
            others: Vec::new(),
            upload: String::new(),
        })
    }

    fn discard_draft(&self, _: &Release) -> Answer<()> {
        Ok(())
    }

    fn add_asset(&self, release: &Release, name: &str, content: Body) -> Answer<Asset> {
        let version = package_version(&release.tag);
        let endpoint = self.upload_endpoint(&version, name)?;
        let mut url = self.address(&endpoint)?;
        url.set_query(Some("select=package_file"));
        let mut request = web::Request::new(endpoint.method(), url.clone());
        request.body = content;
        let response = self.http.call(request)?;
        // A server that does not know `select` only says that it was made.
        let sent: Option<FileAnswer> = serde_json::from_slice(response.body()).ok();
        url.set_query(None);
        Ok(Asset {
            id: asset_id(None, sent.as_ref()),
            name: name.to_owned(),
            size: sent.as_ref().and_then(|sent| sent.size),
            sha256: sent.and_then(|sent| sent.file_sha256),
            complete: true,
            listed: false,
            url: url.to_string(),
        })
    }

    fn remove_asset(&self, release: &Release, asset: &Asset) -> Answer<()> {
        let ids: Vec<Option<u64>> = asset.id.split(':').map(|id| id.parse().ok()).collect();
        let gone = |answer: Answer<()>| match answer {
            Err(e) if !e.absent() => Err(e),
            _ => Ok(()),
        };
        let [link, package, file] = ids.as_slice() else { return Ok(()) };
        if let Some(link) = link {
            let endpoint = DeleteReleaseLink::builder()
                .project(self.project())
                .tag_name(release.tag.as_str())
                .link_id(*link)
                .build();
            gone(self.tell(endpoint))?;
        }
        if let (Some(package), Some(file)) = (package, file) {
            let endpoint = DeletePackageFile::builder()
                .project(self.project())
                .package_id(*package)
                .package_file_id(*file)
                .build();
            gone(self.tell(endpoint))?;
        }
        Ok(())
    }

    fn publish_release(&self, release: &Release, text: &ReleaseText<'_>) -> Answer<Release> {
        let direct = |name: &str| format!("/{name}");
        if release.id.is_empty() {
            let mut links = Vec::new();
            for asset in &release.assets {
                links.push(
                    self.built(
                        CreateReleaseAssetLinks::builder()
                            .name(asset.name.as_str())
                            .url(asset.url.as_str())
                            .direct_asset_path(direct(&asset.name))
                            .build(),
                    )?,
                );
            }
            let endpoint = CreateRelease::builder()
                .project(self.project())
                .tag_name(text.tag)
                .name(text.name)
                .description(text.notes)
                .assets(links.into_iter())
                .build();
            self.tell(endpoint)?;
        } else {
            for asset in release.assets.iter().filter(|asset| !asset.listed) {
                let endpoint = CreateReleaseLink::builder()
                    .project(self.project())
                    .tag_name(text.tag)
                    .name(asset.name.as_str())
                    .url(asset.url.as_str())
                    .direct_asset_path(direct(&asset.name))
                    .build();
                self.tell(endpoint)?;
            }
            if release.name != text.name || release.notes != text.notes {
                let path = format!("/releases/{}", common::path_escaped(text.tag));
                let body = json!({ "name": text.name, "description": text.notes });
                self.tell(Ok::<_, String>(self.raw(Method::PUT, &path, Some(body))))?;
            }
        }
        let mut now = release.clone();
        now.id = text.tag.to_owned();
        now.draft = false;
        now.name = text.name.to_owned();
        now.notes = text.notes.to_owned();
        now.url = format!(
            "{}/{}/-/releases/{}",
            self.place.web,
            self.place.repository,
            common::path_escaped(text.tag)
        );
        now.assets.iter_mut().for_each(|asset| asset.listed = true);
        Ok(now)
    }

    /// <https://docs.gitlab.com/api/commits/#create-a-commit>. A branch that is replaced starts anew at the parent, in the same
    /// call. GitLab has no way to say where the branch must be; `last_commit_id` refuses files that somebody else changed
    /// meanwhile. It signs as it does for its web editor
    /// (<https://docs.gitlab.com/user/project/repository/signed_commits/web_commits/>).
    fn commit(&self, text: &CommitText<'_>) -> Answer<CommitId> {
        let action = |change: &Change| {
            let kind = match (&change.content, change.new) {
                (None, _) => "delete",
                (Some(_), true) => "create",
                (Some(_), false) => "update",
            };
            let mut action = json!({ "action": kind, "file_path": change.path });
            if let Some(content) = &change.content {
                action["encoding"] = "base64".into();
                action["content"] = STANDARD.encode(content).into();
            }
            if let (Some(last), false) = (change.last, change.new) {
                action["last_commit_id"] = last.to_string().into();
            }
            action
        };
        let actions: Vec<Value> = text.changes.iter().map(action).collect();
        let mut body = json!({
            "branch": text.branch, "commit_message": text.message, "actions": actions, "stats": false,
        });
        if text.before != Before::Parent {
            body["start_sha"] = text.parent.to_string().into();
            body["force"] = matches!(text.before, Before::At(_)).into();
        }
        if let Some((name, email)) = text.author {
            body["author_name"] = name.into();
            body["author_email"] = email.into();
        }
        let endpoint = self.raw(Method::POST, "/repository/commits", Some(body));
        let made: CommitAnswer = self.ask(Ok::<_, String>(endpoint))?;
        made.id.parse().map_err(|e| Failure::unreadable(Method::POST, &self.api, e))
    }

    fn open_request(&self, text: &RequestText<'_>) -> Answer<Request> {
        let reviewers = self.user_ids(text.reviewers)?;
        let mut endpoint = CreateMergeRequest::builder();
        endpoint
            .project(self.project())
            .source_branch(text.head)
            .target_branch(text.base)
            .title(draft_title(text))
            .description(text.body);
        if !reviewers.is_empty() {
            endpoint.reviewers(reviewers.into_iter());
        }
        if !text.labels.is_empty() {
            endpoint.labels(text.labels.iter().map(String::as_str));
        }
        Ok(self.ask::<MergeRequestAnswer, _>(endpoint.build())?.into())
    }

    fn update_request(&self, request: &Request, text: &RequestText<'_>) -> Answer<Request> {
        let missing = |wanted: &[String], there: &[String]| -> Vec<String> {
            wanted.iter().filter(|w| !there.contains(w)).cloned().collect()
        };
        let labels = missing(text.labels, &request.labels);
        let reviewers = missing(text.reviewers, &request.reviewers);
        let title = draft_title(text);
        if request.title == title && request.body == text.body && labels.is_empty() && reviewers.is_empty() {
            return Ok(request.clone());
        }
        let mut endpoint = EditMergeRequest::builder();
        endpoint.project(self.project()).merge_request(request.number).title(title).description(text.body);
        for label in &labels {
            endpoint.add_label(label.as_str());
        }
        if !reviewers.is_empty() {
            // The list is set as a whole: those who are asked already stay.
            let all: Vec<String> = request.reviewers.iter().chain(&reviewers).cloned().collect();
            endpoint.reviewers(self.user_ids(&all)?.into_iter());
        }
        Ok(self.ask::<MergeRequestAnswer, _>(endpoint.build())?.into())
    }

    /// <https://docs.gitlab.com/api/notes/#merge-requests>, <https://docs.gitlab.com/api/discussions/#commits>
    fn write_comment(&self, on: Commented, there: Option<&str>, body: &str) -> Answer<()> {
        let all = match on {
            Commented::Request(request) => format!("/merge_requests/{request}/notes"),
            Commented::Commit(commit) => format!("/repository/commits/{commit}/discussions"),
        };
        let (method, path) = match there {
            Some(id) => (Method::PUT, format!("{all}/{id}")),
            None => (Method::POST, all),
        };
        self.tell(Ok::<_, String>(self.raw(method, &path, Some(json!({ "body": body })))))
    }

    fn set_status(&self, commit: CommitId, status: &Status) -> Answer<()> {
        let state = match status.state {
            StatusState::Pending => CommitStatusState::Pending,
            StatusState::Success => CommitStatusState::Success,
            StatusState::Failure => CommitStatusState::Failed,
        };
        let mut endpoint = CreateCommitStatus::builder();
        endpoint
            .project(self.project())
            .commit(commit.to_string())
            .state(state)
            .name(status.name.as_str())
            .description(status.text.as_str());
        if let Some(url) = &status.url {
            endpoint.target_url(url.as_str());
        }
        self.tell(endpoint.build())
    }

    fn start_run(&self, text: &RunText) -> Answer<Option<Run>> {
        let named = text.inputs.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let variables: Vec<(&str, &str)> = named.chain([(CORRELATION, text.correlation.as_str())]).collect();
        // A job token starts pipelines by the trigger alone (<https://docs.gitlab.com/ci/triggers/#use-a-cicd-job>).
        if let Some(Token::Job(token)) = &self.token {
            let variables: BTreeMap<&str, &str> = variables.into_iter().collect();
            let body = json!({ "token": token, "ref": text.git_ref, "variables": variables });
            let endpoint = self.raw(Method::POST, "/trigger/pipeline", Some(body));
            return Ok(Some(self.ask::<PipelineAnswer, _>(Ok::<_, String>(endpoint))?.into()));
        }
        let mut all = Vec::new();
        for (key, value) in variables {
            all.push(self.built(PipelineVariable::builder().key(key).value(value).build())?);
        }
        let endpoint = CreatePipeline::builder()
            .project(self.project())
            .ref_(text.git_ref.as_str())
            .variables(all.into_iter())
            .build();
        Ok(Some(self.ask::<PipelineAnswer, _>(endpoint)?.into()))
    }
}
