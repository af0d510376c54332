//! What GitLab answers, and its neutral form.

use serde::Deserialize;

use crate::world::forge::{Request, RequestState, Run, RunState, closed_by};

#[derive(Deserialize)]
pub(super) struct ProjectAnswer {
    pub(super) path_with_namespace: String,
    pub(super) default_branch: Option<String>,
    #[serde(default)]
    pub(super) archived: bool,
    pub(super) visibility: Option<String>,
    pub(super) forked_from_project: Option<Forked>,
    pub(super) permissions: Option<Permissions>,
}

#[derive(Deserialize)]
pub(super) struct Forked {
    pub(super) path_with_namespace: String,
}

#[derive(Deserialize)]
pub(super) struct Permissions {
    pub(super) project_access: Option<Access>,
    pub(super) group_access: Option<Access>,
}

#[derive(Deserialize)]
pub(super) struct Access {
    pub(super) access_level: u64,
}

#[derive(Deserialize)]
pub(super) struct RefAnswer {
    pub(super) name: String,
    pub(super) commit: Option<CommitAnswer>,
    /// Of a tag: the tag object, or the commit.
    pub(super) target: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct CommitAnswer {
    pub(super) id: String,
}

#[derive(Deserialize)]
pub(super) struct ReleaseAnswer {
    pub(super) tag_name: String,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) assets: Assets,
    #[serde(rename = "_links", default)]
    pub(super) links: SelfLink,
}

#[derive(Deserialize, Default)]
pub(super) struct Assets {
    #[serde(default)]
    pub(super) links: Vec<LinkAnswer>,
}

#[derive(Deserialize)]
pub(super) struct LinkAnswer {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) url: String,
}

#[derive(Deserialize, Default)]
pub(super) struct SelfLink {
    #[serde(rename = "self")]
    pub(super) itself: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PackageAnswer {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) version: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct FileAnswer {
    pub(super) id: u64,
    pub(super) package_id: u64,
    pub(super) file_name: String,
    pub(super) size: Option<u64>,
    pub(super) file_sha256: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct MergeRequestAnswer {
    pub(super) iid: u64,
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) state: String,
    pub(super) source_branch: String,
    pub(super) target_branch: String,
    pub(super) author: Option<User>,
    #[serde(default)]
    pub(super) labels: Vec<String>,
    #[serde(default)]
    pub(super) reviewers: Option<Vec<User>>,
    pub(super) web_url: String,
    /// The commit of its head.
    pub(super) sha: Option<String>,
    pub(super) merge_commit_sha: Option<String>,
    pub(super) squash_commit_sha: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) username: String,
}

impl From<MergeRequestAnswer> for Request {
    fn from(request: MergeRequestAnswer) -> Self {
        let mut labels = request.labels;
        labels.sort();
        let mut reviewers: Vec<String> =
            request.reviewers.unwrap_or_default().into_iter().map(|user| user.username).collect();
        reviewers.sort();
        Request {
            commit: request.sha.unwrap_or_default(),
            number: request.iid,
            title: request.title,
            state: match request.state.as_str() {
                "merged" => RequestState::Merged,
                "closed" => RequestState::Closed,
                // `locked` is on its way to `merged`.
                _ => RequestState::Open,
            },
            head: request.source_branch,
            base: request.target_branch,
            author: request.author.map(|a| a.username).unwrap_or_default(),
            labels,
            reviewers,
            closes: closed_by(request.description.as_deref().unwrap_or_default()),
            body: request.description.unwrap_or_default(),
            url: request.web_url,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct NoteAnswer {
    pub(super) id: u64,
    pub(super) body: String,
    #[serde(default)]
    pub(super) system: bool,
}

/// A thread of comments.
#[derive(Deserialize)]
pub(super) struct ThreadAnswer {
    pub(super) id: String,
    pub(super) notes: Vec<NoteAnswer>,
}

#[derive(Deserialize)]
pub(super) struct StatusAnswer {
    pub(super) name: String,
    pub(super) status: String,
    pub(super) description: Option<String>,
    pub(super) target_url: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PipelineAnswer {
    pub(super) id: u64,
    pub(super) status: String,
    pub(super) web_url: String,
}

#[derive(Deserialize)]
pub(super) struct VariableAnswer {
    pub(super) key: String,
    pub(super) value: String,
}

#[derive(Deserialize)]
pub(super) struct JobAnswer {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) allow_failure: bool,
}

/// <https://docs.gitlab.com/api/pipelines/#list-project-pipelines>
pub(super) fn run_state(status: &str) -> RunState {
    match status {
        "success" | "skipped" => RunState::Success,
        "failed" => RunState::Failure,
        "canceled" => RunState::Cancelled,
        _ => RunState::Going,
    }
}

impl From<PipelineAnswer> for Run {
    fn from(pipeline: PipelineAnswer) -> Self {
        Run {
            id: pipeline.id,
            state: run_state(&pipeline.status),
            said: pipeline.status,
            url: pipeline.web_url,
        }
    }
}
