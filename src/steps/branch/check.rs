//! `branch check`: the age of short-lived branches, and the code freeze.

use jiff::SignedDuration;

use crate::data::CommitId;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::steps::Step;
use crate::survey::branches::{Trunks, releases};

/// `branch check`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The branch [default: the one that is checked out]
    #[arg(conflicts_with = "all")]
    branch: Option<String>,
    /// All short-lived branches, here and at the remote as last fetched
    #[arg(long)]
    all: bool,
}

/// Checks.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let mut plan = Plan::new("branch check", facts.now.timestamp());
    let trunks = Trunks::of(facts)?;
    let long_lived = |name: &str| trunks.long_lived(facts, name);
    let mut checked = Vec::new();
    let named = match (&args.branch, args.all) {
        (Some(branch), _) => Some(branch.clone()),
        (None, true) => None,
        (None, false) => Some(facts.branch()?.ok_or_else(|| {
            Error::usage("HEAD is detached: which branch is meant?").hint("name it, or check `--all`")
        })?),
    };
    match &named {
        None => checked.extend(trunks.all.iter().filter(|(name, _)| !long_lived(name)).cloned()),
        Some(name) => {
            let commit = match trunks.all.iter().find(|(n, _)| n == name) {
                Some((_, commit)) => *commit,
                None if args.branch.is_none() => facts.head()?,
                None => {
                    return Err(Error::usage(format!("there is no branch {name}"))
                        .hint("fetch it, or check the name"));
                }
            };
            match long_lived(name) {
                true => plan.findings.push(Finding::new(
                    Answer::Pass,
                    "branch-age",
                    format!("{name} is a long-lived branch"),
                )),
                false => checked.push((name.clone(), commit)),
            }
        }
    }
    for (name, commit) in &checked {
        plan.findings.push(age(facts, name, *commit, &trunks)?);
    }
    if args.all && checked.is_empty() {
        plan.findings.push(Finding::new(Answer::Pass, "branch-age", "there is no short-lived branch"));
    }
    plan.findings.extend(freeze(facts, named.as_deref())?);
    plan.summary = match &named {
        Some(name) => format!("branch {name}"),
        None => "all short-lived branches".to_owned(),
    };
    plan.output("ok", plan.findings.iter().all(|f| f.answer != Answer::Fail));
    Ok(plan.into())
}

/// How long ago the first commit was made that a branch has and the trunks have not.
fn age(facts: &Facts<'_>, name: &str, commit: CommitId, trunks: &Trunks) -> Result<Finding> {
    let Some(first) = trunks.first_of(facts, commit)? else {
        return Ok(Finding::new(
            Answer::Pass,
            "branch-age",
            format!("{name} has nothing that is not merged"),
        ));
    };
    let limit = &facts.config.branch.max_age.0;
    let deadline = first
        .to_zoned(facts.now.time_zone().clone())
        .checked_add(*limit)
        .map_err(|e| Error::usage(e.to_string()).at("branch.max_age"))?;
    let old = facts.now.timestamp().duration_since(first);
    let words = format!("{name} is {} old, its first commit is of {}", in_words(old), first);
    Ok(if facts.now <= deadline {
        Finding::new(Answer::Pass, "branch-age", words)
    } else {
        Finding::new(Answer::Fail, "branch-age", format!("{words}; {limit:#} are allowed"))
            .hint("merge it, or split it into parts that can be merged")
    })
}

fn in_words(lapse: SignedDuration) -> String {
    let hours = lapse.as_hours();
    match hours {
        0..48 => format!("{hours} h"),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}

/// Whether the code is frozen for what goes into the next release; release and hotfix branches are not.
fn freeze(facts: &Facts<'_>, branch: Option<&str>) -> Result<Option<Finding>> {
    let Some(calendar) = crate::survey::branches::calendar(facts)? else { return Ok(None) };
    let exempt = branch.is_some_and(|b| releases(facts, b));
    Ok(Some(match calendar.frozen(&facts.now) {
        None => {
            let next = calendar.after(&facts.now).next();
            let text = next
                .map_or("no release is ahead".to_owned(), |r| format!("the next freeze begins {}", r.freeze));
            Finding::new(Answer::Pass, "code-freeze", text)
        }
        Some(release) if exempt => Finding::new(
            Answer::Pass,
            "code-freeze",
            format!("frozen until the release of {}, but not for a release or hotfix branch", release.at),
        ),
        Some(release) => Finding::new(
            Answer::Fail,
            "code-freeze",
            format!("the code is frozen since {} until the release of {}", release.freeze, release.at),
        )
        .hint("merge after the release, or bring a fix to the release branch"),
    }))
}
