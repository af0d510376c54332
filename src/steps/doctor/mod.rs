//! `doctor`: what is known of the forge, and what its token can and cannot do for the steps that are configured.

mod guards;
mod needs;

use crate::error::{Error, Kind as ErrorKind, Result};
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
        Some(found) => examine(facts, found, &mut plan)?,
    }
    Ok(plan.into())
}

fn examine(facts: &Facts<'_>, found: &Detected, plan: &mut Plan) -> Result<()> {
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
                .hint(needs::to_write(&facts.config, place)),
        );
        return Ok(());
    };
    plan.findings.push(Finding::new(Answer::Pass, "token", format!("from {name}")));
    answer_of_the_forge(facts, place, plan)?;
    what_will_not_happen(facts, place, name, token, plan)?;
    if place.kind == Kind::GitHub {
        plan.output("permissions", serde_json::json!(needs::permissions(&facts.config)));
    }
    plan.findings.push(Finding::new(
        Answer::Note,
        "permissions",
        format!("the least to write down: {}", needs::to_write(&facts.config, place)),
    ));
    Ok(())
}

/// What a question failed with, as a finding: what cannot be told is no pass; what the forge refuses is a no.
fn failed(check: &str, error: Error) -> Finding {
    let answer = if error.kind == ErrorKind::Outside { Answer::Unknown } else { Answer::Fail };
    let mut finding = Finding::new(answer, check, error.message);
    (finding.at, finding.hint) = (error.at, error.hint);
    finding
}

fn answer_of_the_forge(facts: &Facts<'_>, place: &Place, plan: &mut Plan) -> Result<()> {
    facts.working(&format!("asking {place}"));
    let repository = match facts.forge_view(place).and_then(|view| Ok(view.repository()?)) {
        Ok(repository) => repository,
        Err(error) => {
            plan.findings.push(failed("repository", error));
            return Ok(());
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
        Some(false) => say(
            Answer::Warning,
            "the token may perhaps not write".to_owned(),
            &needs::to_write(&facts.config, place),
        ),
        None => say(
            Answer::Note,
            "the forge does not say whether the token may write".to_owned(),
            &needs::to_write(&facts.config, place),
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
    for (message, hint) in needs::other_plans(&facts.config, place, repository.private) {
        plan.findings.push(Finding::new(Answer::Note, "plans", message).hint(hint));
    }
    let branch = facts.branch()?.unwrap_or(repository.default_branch);
    match facts.forge_view(place).and_then(|view| Ok(view.guards(&branch)?)) {
        Ok(found) => plan.findings.extend(guards::judge(facts, place, &branch, &found)?),
        Err(error) => plan.findings.push(failed("rules", error)),
    }
    Ok(())
}

/// <https://docs.github.com/actions/concepts/security/github_token#when-github_token-triggers-workflow-runs>,
/// <https://docs.gitlab.com/ci/jobs/ci_job_token/#job-token-access>
fn what_will_not_happen(
    facts: &Facts<'_>,
    place: &Place,
    name: &str,
    token: &Token,
    plan: &mut Plan,
) -> Result<()> {
    let waits = workflows_that_wait(facts)?;
    let mut note = |answer, message: &str, hint: &str| {
        plan.findings.push(Finding::new(answer, "consequences", message).hint(hint));
    };
    match token {
        Token::Access(_) if place.kind == Kind::GitHub && name == "GITHUB_TOKEN" => {
            let hint = "use an App's installation token or a personal one where a workflow should follow, or start it by `build dispatch`";
            match waits.as_slice() {
                [] => note(
                    Answer::Note,
                    "tags, releases and requests made with GITHUB_TOKEN start no workflow, except by `build dispatch`",
                    hint,
                ),
                some => note(
                    Answer::Warning,
                    &format!(
                        "{} would wait in vain: tags and releases made with GITHUB_TOKEN start no workflow",
                        some.join(", ")
                    ),
                    hint,
                ),
            }
        }
        Token::Job(_) => {
            note(
                Answer::Note,
                "CI_JOB_TOKEN makes releases; it opens no merge requests, writes no comments, sets no statuses and sees no pipelines",
                "set GITLAB_TOKEN to a project access token with the scope `api` for these",
            );
            note(
                Answer::Note,
                "what CI_JOB_TOKEN pushes starts no pipeline, and pushing must be allowed first",
                "Settings → CI/CD → Job token permissions → Allow Git push requests to the repository",
            );
            for cannot in needs::cannot(&facts.config, token) {
                note(
                    Answer::Fail,
                    cannot,
                    "set GITLAB_TOKEN to a project access token with the role Developer and the scope `api`",
                );
            }
        }
        Token::Access(_) => {}
    }
    Ok(())
}

/// The workflows here that a tag or a release should start.
fn workflows_that_wait(facts: &Facts<'_>) -> Result<Vec<String>> {
    let mut waits = Vec::new();
    for path in facts.tracked()? {
        let workflow = path.strip_prefix(".github/workflows/").is_some_and(|name| !name.contains('/'));
        if !workflow || !(path.ends_with(".yml") || path.ends_with(".yaml")) {
            continue;
        }
        let text = facts.read(path)?.unwrap_or_default();
        // What cannot be read as YAML is no workflow. YAML 1.1 took `on` for a truth; the key is compared as it is written.
        let Ok(workflow) = crate::rules::yaml::read::<serde_json::Value>(&text) else { continue };
        let on = workflow.get("on").or_else(|| workflow.get("true")).unwrap_or(&serde_json::Value::Null);
        let names = |name: &str| {
            on == name
                || on.get(name).is_some()
                || on.as_array().is_some_and(|all| all.iter().any(|n| n == name))
        };
        let tags = on.get("push").is_some_and(|push| push.get("tags").is_some());
        if names("release") || tags {
            waits.push(path.clone());
        }
    }
    Ok(waits)
}
