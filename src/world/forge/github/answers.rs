//! What GitHub answers, and its neutral form.

use serde::Deserialize;
use serde_json::Value;

use crate::world::forge::{Asset, Release, Request, RequestState, Run, RunState, closed_by};

#[derive(Deserialize)]
pub(super) struct RepositoryAnswer {
    pub(super) full_name: String,
    pub(super) default_branch: String,
    #[serde(default)]
    pub(super) archived: bool,
    pub(super) private: Option<bool>,
    pub(super) parent: Option<Named>,
    pub(super) permissions: Option<Permissions>,
}

#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) full_name: String,
}

#[derive(Deserialize)]
pub(super) struct Permissions {
    #[serde(default)]
    pub(super) push: bool,
}

#[derive(Deserialize)]
pub(super) struct RefAnswer {
    #[serde(rename = "ref")]
    pub(super) name: String,
    pub(super) object: Object,
}

#[derive(Deserialize)]
pub(super) struct Object {
    pub(super) sha: String,
}

#[derive(Deserialize)]
pub(super) struct ReleaseAnswer {
    pub(super) id: u64,
    pub(super) tag_name: String,
    pub(super) name: Option<String>,
    pub(super) body: Option<String>,
    pub(super) draft: bool,
    pub(super) prerelease: bool,
    #[serde(default)]
    pub(super) immutable: Option<bool>,
    pub(super) html_url: String,
    pub(super) upload_url: String,
    #[serde(default)]
    pub(super) assets: Vec<AssetAnswer>,
}

#[derive(Deserialize)]
pub(super) struct AssetAnswer {
    pub(super) id: u64,
    pub(super) name: String,
    #[serde(default)]
    pub(super) state: String,
    pub(super) size: Option<u64>,
    #[serde(default)]
    pub(super) digest: Option<String>,
    pub(super) browser_download_url: String,
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
            others: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct PullAnswer {
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) state: String,
    pub(super) merged_at: Option<String>,
    pub(super) head: Branch,
    pub(super) base: Branch,
    pub(super) user: Option<Login>,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
    #[serde(default)]
    pub(super) requested_reviewers: Vec<Login>,
    #[serde(default)]
    pub(super) requested_teams: Vec<Team>,
    pub(super) html_url: String,
}

#[derive(Deserialize)]
pub(super) struct Branch {
    #[serde(rename = "ref")]
    pub(super) name: String,
    pub(super) sha: String,
}

#[derive(Deserialize)]
pub(super) struct Login {
    pub(super) login: String,
}

#[derive(Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Team {
    pub(super) slug: String,
}

impl PullAnswer {
    pub(super) fn neutral(self, owner: &str) -> Request {
        let mut labels: Vec<String> = self.labels.into_iter().map(|l| l.name).collect();
        labels.sort();
        let teams = self.requested_teams.into_iter().map(|t| format!("{owner}/{}", t.slug));
        let mut reviewers: Vec<String> =
            self.requested_reviewers.into_iter().map(|r| r.login).chain(teams).collect();
        reviewers.sort();
        let closes = closed_by(self.body.as_deref().unwrap_or_default());
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
            closes,
            url: self.html_url,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct CommentAnswer {
    pub(super) id: u64,
    pub(super) body: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct CombinedStatus {
    pub(super) statuses: Vec<StatusAnswer>,
}

#[derive(Deserialize)]
pub(super) struct StatusAnswer {
    pub(super) context: String,
    pub(super) state: String,
    pub(super) description: Option<String>,
    pub(super) target_url: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Runs {
    pub(super) workflow_runs: Vec<RunAnswer>,
}

#[derive(Deserialize)]
pub(super) struct RunAnswer {
    pub(super) id: u64,
    pub(super) name: Option<String>,
    pub(super) display_title: Option<String>,
    pub(super) status: Option<String>,
    pub(super) conclusion: Option<String>,
    pub(super) html_url: String,
}

#[derive(Deserialize)]
pub(super) struct Started {
    pub(super) workflow_run_id: u64,
    pub(super) html_url: String,
}

#[derive(Deserialize)]
pub(super) struct Jobs {
    pub(super) jobs: Vec<JobAnswer>,
}

#[derive(Deserialize)]
pub(super) struct JobAnswer {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
}

/// <https://docs.github.com/rest/actions/workflow-runs>: `status` until it is `completed`, then `conclusion`.
pub(super) fn run_state(status: Option<&str>, conclusion: Option<&str>) -> (RunState, String) {
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

pub(super) fn from_graphql(node: &Value, repository: &str) -> Request {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut labels: Vec<String> =
        node["labels"]["nodes"].as_array().into_iter().flatten().map(|label| text(&label["name"])).collect();
    labels.sort();
    let issues = node["closingIssuesReferences"]["nodes"].as_array();
    // Those of other repositories have numbers of their own.
    let own = issues.into_iter().flatten().filter(|issue| issue["repository"]["nameWithOwner"] == repository);
    let mut closes: Vec<u64> = own.filter_map(|issue| issue["number"].as_u64()).collect();
    closes.sort_unstable();
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
        closes,
        url: text(&node["url"]),
    }
}
