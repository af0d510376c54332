//! `doctor`: what is known of the forge, and what its token can and cannot do for the steps that are configured.

use crate::error::{Kind as ErrorKind, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::steps::Step;
use crate::world::forge::{Detected, Kind, Place, Token};

/// Plans nothing: its findings are the answer.
pub fn plan(facts: &Facts<'_>) -> Result<Step> {
    let mut plan = Plan::new("doctor", facts.now.timestamp());
    plan.summary = "the forge and its token".to_owned();
    match facts.forge()? {
        None => plan.findings.push(
            Finding::new(Answer::Note, "forge", "no forge is known: releases and requests are not made")
                .hint("add a remote, or name the forge in the configuration"),
        ),
        Some(found) => examine(facts, found, &mut plan),
    }
    Ok(plan.into())
}

fn examine(facts: &Facts<'_>, found: &Detected, plan: &mut Plan) {
    let place = &found.place;
    plan.output("forge", place.to_string());
    plan.output("api", place.api.as_str());
    plan.findings.push(Finding::new(Answer::Pass, "forge", format!("{place}, its API at {}", place.api)));
    for unused in &found.unused {
        plan.findings.push(Finding::new(Answer::Note, "token", unused.clone()));
    }
    let Some((name, token)) = &found.token else {
        plan.findings.push(
            Finding::new(Answer::Warning, "token", "there is no token: nothing is done at the forge")
                .hint(permissions(place)),
        );
        return;
    };
    plan.findings.push(Finding::new(Answer::Pass, "token", format!("from {name}")));
    answer_of_the_forge(facts, place, plan);
    what_will_not_happen(place, name, token, plan);
}

fn answer_of_the_forge(facts: &Facts<'_>, place: &Place, plan: &mut Plan) {
    facts.working(&format!("asking {place}"));
    let repository = match facts.forge_view(place).and_then(|view| Ok(view.repository()?)) {
        Ok(repository) => repository,
        Err(error) => {
            // What cannot be told is no pass; what the forge refuses is a no.
            let answer = if error.kind == ErrorKind::Outside { Answer::Unknown } else { Answer::Fail };
            let mut finding = Finding::new(answer, "repository", error.message);
            finding.at = error.at;
            finding.hint = error.hint;
            plan.findings.push(finding);
            return;
        }
    };
    plan.output("default_branch", repository.default_branch.as_str());
    let mut say = |answer, message: String, hint: &str| {
        let finding = Finding::new(answer, "repository", message);
        plan.findings.push(if hint.is_empty() { finding } else { finding.hint(hint) });
    };
    say(Answer::Pass, format!("the token reads {}", repository.name), "");
    match repository.can_write {
        Some(true) => say(Answer::Pass, "the token's owner may write".to_owned(), ""),
        Some(false) => {
            say(Answer::Warning, "the token may perhaps not write".to_owned(), &permissions(place))
        }
        None => say(
            Answer::Note,
            "the forge does not say whether the token may write".to_owned(),
            &permissions(place),
        ),
    }
    if !repository.name.eq_ignore_ascii_case(&place.repository) {
        say(
            Answer::Warning,
            format!("{} is now {}", place.repository, repository.name),
            "set the remote's address",
        );
    }
    if let Some(parent) = &repository.fork_of {
        say(Answer::Note, format!("it is a fork of {parent}"), "");
    }
    if repository.archived {
        say(Answer::Fail, "it is archived: nothing can be written".to_owned(), "");
    }
}

/// <https://docs.github.com/actions/concepts/security/github_token#when-github_token-triggers-workflow-runs>,
/// <https://docs.gitlab.com/ci/jobs/ci_job_token/#job-token-access>
fn what_will_not_happen(place: &Place, name: &str, token: &Token, plan: &mut Plan) {
    let mut note = |message: &str, hint: &str| {
        plan.findings.push(Finding::new(Answer::Note, "consequences", message).hint(hint));
    };
    match token {
        Token::Access(_) if place.kind == Kind::GitHub && name == "GITHUB_TOKEN" => note(
            "tags, releases and requests made with GITHUB_TOKEN start no workflow, except by `build dispatch`",
            "use an App's installation token or a personal one where a workflow should follow",
        ),
        Token::Job(_) => {
            note(
                "CI_JOB_TOKEN makes releases, and opens no merge requests, writes no comments and sets no statuses",
                "set GITLAB_TOKEN to a project access token with the scope `api` for these",
            );
            note(
                "what CI_JOB_TOKEN pushes starts no pipeline, and pushing must be allowed first",
                "Settings → CI/CD → Job token permissions → Allow Git push requests to the repository",
            );
        }
        Token::Access(_) => {}
    }
}

/// The least to write down.
fn permissions(place: &Place) -> String {
    match place.kind {
        Kind::GitHub => "in the workflow: `permissions: { contents: write, pull-requests: write, statuses: write, actions: write }`, \
            of which `contents: write` is enough for releases"
            .to_owned(),
        Kind::GitLab => "a project access token with the role Developer and the scope `api`; for releases alone, the job token".to_owned(),
    }
}
