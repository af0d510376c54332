//! `version check`: messages, a request's title, and whether tag, files and changelog agree.

use crate::config::CommitsConfig;
use crate::error::Result;
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::rules::changelog::headings;
use crate::rules::commit::{Kind, Parsed, parse};
use crate::steps::Step;
use crate::survey::files::{is_placeholder, written_versions};
use crate::survey::{Line, Package, packages};

/// `version check`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Check the messages of the commits of B that A does not have [default: those since the last release]
    #[arg(long, value_name = "A..B")]
    range: Option<String>,
    /// Check this title of a pull or merge request instead of commits
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

/// Checks.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let mut plan = Plan::new("version check", facts.now.timestamp());
    let rules = &facts.config.commits;
    if let Some(title) = &args.title {
        plan.findings = message(title, "the title", rules);
        plan.summary = "the title".to_owned();
    } else if let Some(range) = &args.range {
        let (from, to) = facts.range("--range", range)?;
        let history = facts.repo().history(&[to], &[from])?;
        let count = history.len();
        // What a merge commit says is git's or the forge's affair.
        for commit in history.iter().filter(|c| !c.is_merge()) {
            plan.findings.extend(message(&commit.message(), &commit.id().short(), rules));
        }
        plan.summary = format!("{count} commit messages of {range}");
    } else {
        let head = facts.head()?;
        let all = packages(facts)?;
        for package in &all {
            let line = Line::read(facts, package, head)?;
            if all.len() == 1 {
                for text in line.since_stable.iter().filter(|t| !t.merge) {
                    plan.findings.extend(message(&text.message, &text.id.short(), rules));
                }
            }
            agreement(facts, package, &line, &mut plan.findings)?;
        }
        plan.summary = "messages since the last release; tag, files and changelog".to_owned();
    }
    let failed = plan.findings.iter().filter(|f| f.answer == Answer::Fail).count();
    plan.output("failed", failed);
    plan.output("ok", failed == 0);
    if plan.findings.is_empty() {
        plan.findings.push(Finding::new(Answer::Pass, "version-check", "nothing to complain about"));
    }
    Ok(plan.into())
}

/// What is wrong with one message.
fn message(text: &str, place: &str, rules: &CommitsConfig) -> Vec<Finding> {
    let parsed: Parsed<'_> = parse(text);
    let fail = |message: String| Finding::new(Answer::Fail, "commit-message", message).at(place.to_owned());
    let mut found = Vec::new();
    let header = parsed.header;
    let conventional = parsed.changes.first().is_some_and(|c| c.type_.is_some());
    match parsed.kind {
        Kind::Merge(_) => return found,
        Kind::Autosquash { .. } => {
            found.push(
                fail(format!("`{header}` waits to be squashed into another commit"))
                    .hint("git rebase --autosquash"),
            );
            return found;
        }
        _ if !conventional => {
            let why = parsed.warnings.iter().find(|w| !w.problem.is_remark());
            let why = why.map_or_else(String::new, |w| format!(": {w}"));
            found.push(
                fail(format!("`{header}` is no conventional header{why}"))
                    .hint("write `type(scope): description`, such as `fix(api): accept empty names`"),
            );
            return found;
        }
        _ => {}
    }
    for warning in &parsed.warnings {
        found.push(
            Finding::new(Answer::Warning, "commit-message", format!("`{header}`: {warning}"))
                .at(place.to_owned()),
        );
    }
    if let Some(change) = parsed.changes.first() {
        let type_ = change.type_lower().unwrap_or_default();
        if let Some(types) = &rules.types
            && !types.iter().any(|t| t.eq_ignore_ascii_case(&type_))
            && parsed.kind != Kind::Revert
        {
            found.push(
                fail(format!("`{header}`: the type `{type_}` is not allowed"))
                    .hint(format!("allowed: {}", types.join(", "))),
            );
        }
        if let (Some(scopes), Some(scope)) = (&rules.scopes, change.scope)
            && !scopes.iter().any(|s| s == scope)
        {
            found.push(
                fail(format!("`{header}`: the scope `{scope}` is not allowed"))
                    .hint(format!("allowed: {}", scopes.join(", "))),
            );
        }
    }
    if let Some(max) = rules.max_header {
        let length = header.chars().count();
        if length > max {
            found.push(fail(format!("`{header}`: {length} characters, at most {max} are allowed")));
        }
    }
    found
}

/// Whether the last release's tag, the version files and the changelog say the same.
fn agreement(facts: &Facts<'_>, package: &Package, line: &Line, findings: &mut Vec<Finding>) -> Result<()> {
    let mut written = written_versions(facts, package)?;
    written.retain(|(_, version)| !is_placeholder(version));
    if let [(first_place, first), rest @ ..] = written.as_slice() {
        for (place, version) in rest.iter().filter(|(_, v)| v != first) {
            findings.push(
                Finding::new(
                    Answer::Fail,
                    "files-agree",
                    format!("{place} says {version}, but {first_place} says {first}"),
                )
                .hint("`release-steps version bump VERSION` writes the same in all"),
            );
        }
    }
    let Some(latest) = &line.latest else { return Ok(()) };
    if let Some((place, version)) = written.first() {
        // Ahead of the tag is a release being prepared.
        if version < &latest.version {
            findings.push(
                Finding::new(
                    Answer::Fail,
                    "tag-and-files",
                    format!("{place} says {version}, behind the tag {}", latest.tag),
                )
                .hint(format!("`release-steps version bump {}`", latest.version)),
            );
        } else if version > &latest.version {
            findings.push(Finding::new(
                Answer::Note,
                "tag-and-files",
                format!("{place} says {version}, ahead of the tag {}", latest.tag),
            ));
        }
    }
    if let Some(path) = &package.changelog
        && let Some(text) = facts.read(path)?
        && latest.version.pre.is_empty()
        && !headings(&text).iter().any(|h| h.version == latest.version.to_string())
    {
        findings.push(
            Finding::new(
                Answer::Fail,
                "tag-and-changelog",
                format!("{path} has no section for {}", latest.version),
            )
            .hint(format!("the tag {} exists: add its section", latest.tag)),
        );
    }
    Ok(())
}
