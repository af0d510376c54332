//! `version next`: the next version, and why.

use std::fmt::Write as _;

use serde_json::json;

use crate::error::Result;
use crate::facts::Facts;
use crate::plan::Plan;
use crate::rules::bump::{Decision, Level, Why, decide};
use crate::rules::commit::{Change, Origin};
use crate::rules::packages::Because;
use crate::rules::revert::Commit;
use crate::rules::text::{Newlines, counted, inert};
use crate::steps::Step;
use crate::steps::asked::Of;
use crate::survey::{Candidate, candidates, commits, packages, reading};

/// `version next`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show which commits raise the version, and by which rule
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    of: Of,
}

/// Says the next version.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let ask = args.of.ask();
    let found = candidates(facts, packages(facts)?, facts.head()?, &ask)?;
    let shown: Vec<&Candidate> =
        found.iter().filter(|c| ask.package.as_ref().is_none_or(|p| *p == c.package.name)).collect();
    let mut plan = Plan::new("version next", facts.now.timestamp());
    let mut text = String::new();
    let released: Vec<&Candidate> = shown.iter().copied().filter(|c| c.next.is_some()).collect();
    plan.summary = match released.as_slice() {
        [] => "nothing to release".to_owned(),
        some => {
            some.iter().filter_map(|c| Some(c.package.named(c.next.as_ref()?))).collect::<Vec<_>>().join(", ")
        }
    };
    let packages: Vec<_> = shown.iter().map(|c| described(c, facts, args.explain)).collect();
    if let [one] = shown.as_slice() {
        plan.outputs.extend(packages.first().and_then(|p| p.as_object()).cloned().unwrap_or_default());
        if let Some(version) = &one.next {
            let _ = writeln!(text, "{version}");
        }
    } else {
        plan.output("packages", packages);
        for candidate in &released {
            if let Some(version) = &candidate.next {
                let _ = writeln!(text, "{} {version}", candidate.package.name);
            }
        }
    }
    plan.output("released", !released.is_empty());
    if released.is_empty() {
        // The answer on standard output stays empty: a script sees that there is no version.
        facts.note(&idle(&shown));
    }
    if args.explain {
        text = shown.iter().map(|c| explained(c, facts)).collect();
    }
    Ok(Step { plan, text: Some(text) })
}

/// Why there is nothing to release. A history that does not keep to the convention at all is worth a word.
fn idle(shown: &[&Candidate]) -> String {
    let mut all = 0;
    let mut conventional = 0;
    for candidate in shown {
        for commit in commits(&candidate.line.since_stable) {
            all += 1;
            conventional += usize::from(commit.message.changes.iter().any(|c| c.type_.is_some()));
        }
    }
    match (all, conventional) {
        (0, _) => "nothing to release: there is no commit since the last release".to_owned(),
        (_, 0) => format!(
            "nothing to release: none of the {all} commits since the last release is a conventional commit \
             (https://www.conventionalcommits.org); a person can name the version: `release-steps release minor`"
        ),
        _ => {
            format!("nothing to release: none of the {all} commits since the last release raises the version")
        }
    }
}

fn described(candidate: &Candidate, facts: &Facts<'_>, explain: bool) -> serde_json::Value {
    let mut value = candidate.described();
    if explain {
        let commits = commits(&candidate.line.since_stable);
        let decision = decide(&commits, &facts.config.version.rules, reading(facts));
        value["reasons"] = reasons(&commits, &decision)
            .into_iter()
            .map(|r| json!({ "commit": r.id, "header": r.header, "level": r.level, "why": r.why }))
            .collect();
    }
    value
}

struct Reason {
    id: String,
    header: String,
    level: Level,
    why: String,
}

fn reasons(commits: &[Commit<'_>], decision: &Decision<'_>) -> Vec<Reason> {
    let short = |at: usize| commits.get(at).map_or_else(String::new, |c| c.id.short());
    decision
        .reasons
        .iter()
        .filter_map(|reason| {
            let commit = commits.get(reason.commit)?;
            let why = match reason.why {
                Why::Rule(rule) if reason.breaking => format!("breaking, rule `{}`", rule.pattern),
                Why::Rule(rule) => format!("rule `{}`", rule.pattern),
                Why::NoRule => "no rule is about this type".to_owned(),
                Why::RevertedBy(by) => format!("reverted by {}", short(by)),
                Why::Reverts(what) => format!("reverts {}, both cancel", short(what)),
                Why::NotConventional => "not a conventional commit".to_owned(),
                Why::Merge => "merge commit".to_owned(),
                Why::Autosquash => "fixup of another commit".to_owned(),
            };
            let change = commit.message.changes.get(reason.change);
            let header = match change.filter(|c| c.origin != Origin::Header) {
                Some(Change { type_: Some(type_), scope, bang, description, .. }) => {
                    let scope = scope.map_or_else(String::new, |s| format!("({s})"));
                    format!("{type_}{scope}{}: {description}", if *bang { "!" } else { "" })
                }
                _ => commit.message.header.to_owned(),
            };
            Some(Reason { id: commit.id.short(), header, level: reason.level, why })
        })
        .collect()
}

/// While the major version is 0, a bump may raise a lower part than it names.
fn held_back(candidate: &Candidate) -> &'static str {
    match (candidate.current(), &candidate.next, candidate.level) {
        (Some(current), Some(next), Level::Major)
            if next.major == current.major && next.minor > current.minor =>
        {
            ", which raises the minor part while the version is 0.x"
        }
        (Some(current), Some(next), Level::Minor | Level::Major)
            if (next.major, next.minor) == (current.major, current.minor) && next.patch > current.patch =>
        {
            ", which raises the patch part while the version is 0.x"
        }
        _ => "",
    }
}

fn explained(candidate: &Candidate, facts: &Facts<'_>) -> String {
    let mut out = String::new();
    let line = &candidate.line;
    let before =
        line.stable.as_ref().map_or("no release yet".to_owned(), |r| format!("last release {}", r.tag));
    let next = match &candidate.next {
        Some(version) => version.to_string(),
        None => "nothing to release".to_owned(),
    };
    let name =
        if candidate.package.one_of_many { format!("{}: ", candidate.package.name) } else { String::new() };
    let because = match &candidate.because {
        Because::Commits => String::new(),
        Because::Dependency(on) => format!(", because {on} is released"),
        Because::Linked(with) => format!(", linked with {with}"),
    };
    let _ = writeln!(
        out,
        "{name}{next} ({}{because}; {before}; {} since)",
        match candidate.level {
            Level::None => "no bump".to_owned(),
            level => format!("{level} bump{}", held_back(candidate)),
        },
        counted(line.since_stable.len(), "commit")
    );
    let commits = commits(&line.since_stable);
    let decision = decide(&commits, &facts.config.version.rules, reading(facts));
    for reason in reasons(&commits, &decision) {
        let header = inert(&reason.header, Newlines::Flatten);
        let _ = writeln!(out, "  {:<5} {} {header}\n          {}", reason.level, reason.id, reason.why);
    }
    out
}
