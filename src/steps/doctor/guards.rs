//! What guards the branches and tags of a release, and what that means for the steps that are configured.

use crate::config::{CommitsBy, Opens};
use crate::error::Result;
use crate::facts::Facts;
use crate::plan::{Answer, Finding};
use crate::world::forge::guard::{Guard, Rule};
use crate::world::forge::{Kind, Place};

/// How a release changes its branch.
struct Way {
    /// It is pushed, or committed by the forge.
    commits: bool,
    /// The commits are signed.
    signed: bool,
}

/// What each guard of a branch means.
pub(super) fn judge(
    facts: &Facts<'_>,
    place: &Place,
    branch: &str,
    guards: &[Guard],
) -> Result<Vec<Finding>> {
    let config = &facts.config;
    let way = Way {
        commits: config.release.commit
            && config.release.push
            && !config.requests.from.contains(&Opens::Release),
        signed: config.forge.commits == CommitsBy::Api || facts.signs("commit.gpgsign")?,
    };
    let mut findings: Vec<Finding> = guards.iter().map(|guard| one(place, branch, guard, &way)).collect();
    findings.dedup();
    if findings.is_empty() {
        findings.push(Finding::new(Answer::Pass, "rules", format!("nothing guards {branch} or the tags")));
    }
    Ok(findings)
}

fn one(place: &Place, branch: &str, guard: &Guard, way: &Way) -> Finding {
    let by = &guard.by;
    let say = |answer, message: String| Finding::new(answer, "rules", message);
    let request = "prepare releases in a request, `requests: {from: [release]}`, commit nothing, `release: {commit: false}`, or let the token's owner by";
    match &guard.rule {
        Rule::Signed if way.signed => {
            say(Answer::Pass, format!("{by} wants signed commits, and these are signed"))
        }
        Rule::Signed => say(Answer::Warning, format!("{by} wants signed commits: the release commit would be refused"))
            .hint(match place.kind {
                Kind::GitHub => "let GitHub make and sign it, `forge: {commits: api}`, or sign it here, `release: {sign: true}`",
                Kind::GitLab => "let GitLab make it, `forge: {commits: api}`, which signs where the server signs its web commits, or sign it here, `release: {sign: true}`",
            }),
        Rule::ByRequest(approvals) if way.commits => say(
            Answer::Warning,
            match approvals {
                0 => format!("{by} wants requests: the release commit cannot go to {branch} directly"),
                n => format!("{by} wants requests with {n} approvals: the release commit cannot go to {branch} directly"),
            },
        )
        .hint(request),
        Rule::Checks(checks) if way.commits => say(
            Answer::Warning,
            format!("{by} wants the checks {} before a commit is on {branch}: a new release commit has none", checks.join(", ")),
        )
        .hint(request),
        Rule::FewPush if way.commits => say(
            Answer::Warning,
            format!("{by} lets only some push to {branch}: the release commit may be refused"),
        )
        .hint(request),
        Rule::ByRequest(_) | Rule::Checks(_) | Rule::FewPush => {
            say(Answer::Pass, format!("{by} guards {branch}, and releases do not commit to it"))
        }
        Rule::Linear => say(Answer::Note, format!("{by} wants a linear history: `branch merge-back` into {branch} needs a request"))
            .hint("`requests: {from: [merge-back]}`"),
        Rule::FewTag(pattern) => {
            let which = pattern.as_ref().map_or_else(|| "tags".to_owned(), |pattern| format!("tags {pattern}"));
            say(Answer::Warning, format!("{by} lets only some make {which}: the release's tag may be refused"))
                .hint("let the token's owner make these tags")
        }
        Rule::Pattern(text) => say(Answer::Note, format!("{by} asks for {text}"))
            .hint("`release.message` is the release commit's message"),
        Rule::Hidden => say(
            Answer::Unknown,
            format!("{branch} has {by}, and this token may not see whether it wants signed commits or reviews"),
        )
        .hint("ask who administers the repository, or look with a token that may"),
    }
}
