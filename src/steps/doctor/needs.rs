//! What the configured steps need of a token, the least that there is to write down.

use std::collections::BTreeMap;

use crate::config::{CommitsBy, Config, Opens};
use crate::world::forge::{Kind, Place, Token};

/// GitHub's permissions of a job, by name (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#permissions>).
pub(super) fn permissions(config: &Config) -> BTreeMap<&'static str, &'static str> {
    let mut all = BTreeMap::from([("contents", "write")]);
    if !config.requests.from.is_empty() {
        all.insert("pull-requests", "write");
    }
    if config.changelog.enrich || !config.gates.is_empty() {
        all.entry("pull-requests").or_insert("read");
        all.insert("issues", "read");
    }
    if !config.gates.is_empty() {
        all.extend([("checks", "read"), ("statuses", "read")]);
    }
    if config.release.signatures.attestation.is_some() {
        all.insert("attestations", "read");
    }
    all
}

/// The lines to write.
pub(super) fn to_write(config: &Config, place: &Place) -> String {
    match place.kind {
        Kind::GitHub => {
            let all = permissions(config);
            let all: Vec<String> = all.iter().map(|(name, level)| format!("{name}: {level}")).collect();
            let backport = match config.requests.from.as_slice() {
                [Opens::Backport] => "; `pull-requests: write` is for `branch backport` alone",
                _ => "",
            };
            format!(
                "in the workflow's job: `permissions: {{ {} }}`{backport}; `actions: write` where `build dispatch` runs",
                all.join(", ")
            )
        }
        Kind::GitLab if needs_access(config) => {
            "a project access token with the role Developer and the scope `api`, as the masked variable GITLAB_TOKEN".to_owned()
        }
        Kind::GitLab => "the job token is enough for releases where Settings → CI/CD → Job token permissions → \
             Allow Git push requests to the repository is on; requests, comments and statuses need a project access token \
             with the role Developer and the scope `api`"
            .to_owned(),
    }
}

/// Whether a job token is not enough at GitLab (<https://docs.gitlab.com/ci/jobs/ci_job_token/#job-token-access>).
fn needs_access(config: &Config) -> bool {
    let requests = config.requests.from.iter().any(|from| *from != Opens::Backport);
    requests || config.forge.commits == CommitsBy::Api
}

/// What needs another plan than the free one.
pub(super) fn other_plans(
    config: &Config,
    place: &Place,
    private: Option<bool>,
) -> Vec<(String, &'static str)> {
    let requests = &config.requests;
    let mut all = Vec::new();
    match place.kind {
        // <https://docs.gitlab.com/user/project/merge_requests/reviews/#request-a-review>
        Kind::GitLab if requests.reviewers.len() > 1 => all.push((
            format!("{} reviewers are asked for, and GitLab Free takes one", requests.reviewers.len()),
            "Premium and Ultimate take more; name one in `requests.reviewers` otherwise",
        )),
        // <https://docs.github.com/get-started/learning-about-github/githubs-plans>
        Kind::GitHub if private == Some(true) => {
            if requests.draft {
                all.push((
                    "drafts of requests in a private repository need GitHub Team or Enterprise".to_owned(),
                    "set `requests: {draft: false}` otherwise",
                ));
            }
            if !requests.reviewers.is_empty() && requests.reviewers.len() > 1 {
                all.push((
                    "several reviewers of a request in a private repository need GitHub Pro, Team or Enterprise".to_owned(),
                    "name one in `requests.reviewers` otherwise",
                ));
            }
        }
        _ => {}
    }
    all
}

/// What a token cannot do that the configuration asks for.
pub(super) fn cannot(config: &Config, token: &Token) -> Vec<&'static str> {
    let Token::Job(_) = token else { return Vec::new() };
    let mut all = Vec::new();
    if config.forge.commits == CommitsBy::Api {
        all.push("`forge: {commits: api}`: CI_JOB_TOKEN makes no commits");
    }
    if config.requests.from.iter().any(|from| *from != Opens::Backport) {
        all.push("`requests.from`: CI_JOB_TOKEN opens no merge requests");
    }
    all
}
