//! `branch cut` and `branch hotfix`: a branch whose name says the version that it will become.

use semver::Version;

use super::{Tip, at_remote, plan_request_into, push, tip};
use crate::config::{Model, Opens};
use crate::data::CommitId;
use crate::effect::{Branch, Effect, Rev};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::publish::opens;
use crate::rules::branching::{name, version_in};
use crate::rules::bump::Level;
use crate::rules::version::{Options, Request, explicit, guard};
use crate::steps::Step;
use crate::survey::branches::{main_branch, model, owned};
use crate::survey::{Ask, Line, Package, candidates, packages};

/// `branch cut`
#[derive(Debug, clap::Args)]
pub struct Cut {
    /// The version [default: the next one]
    version: Option<Version>,
    /// The branch to cut from [default: develop in GitFlow, otherwise main]
    #[arg(long, value_name = "BRANCH")]
    from: Option<String>,
    /// Open the request into main, or bring it up to date
    #[arg(long)]
    request: bool,
}

/// `branch hotfix`
#[derive(Debug, clap::Args)]
pub struct Hotfix {
    /// The issue, for the branch's name: `PAY-12`
    issue: Option<String>,
    /// The version [default: the next patch that nobody owns]
    #[arg(long)]
    version: Option<Version>,
    /// The branch, tag or commit to cut from [default: main in GitFlow, otherwise the last release]
    #[arg(long, value_name = "REV")]
    from: Option<String>,
    /// Open the request into main once the branch has commits, or bring it up to date
    #[arg(long)]
    request: bool,
}

/// The one package of the repository; branches by version mean all of it.
fn package(facts: &Facts<'_>) -> Result<Package> {
    let mut all = packages(facts)?;
    match (all.pop(), all.is_empty()) {
        (Some(package), true) => Ok(package),
        _ => Err(Error::usage("a branch named by one version does not fit a repository of several packages")
            .hint("release the packages from main with `release-steps release --package NAME`")),
    }
}

fn no_main() -> Error {
    Error::usage("which branch is main cannot be told").hint("name it: `branch: {main: …}`")
}

/// Cuts a release branch.
pub fn cut(args: &Cut, facts: &Facts<'_>) -> Result<Step> {
    let package = package(facts)?;
    let base = match (&args.from, model(facts)?) {
        (Some(from), _) => from.clone(),
        (None, Model::Gitflow) => facts.config.branch.develop.clone(),
        (None, _) => main_branch(facts)?.ok_or_else(no_main)?,
    };
    let base = tip(facts, &base)?;
    let version = match &args.version {
        Some(version) => version.clone(),
        None => {
            let found = candidates(facts, vec![package.clone()], base.commit, &Ask::default())?;
            match found.into_iter().find_map(|c| c.next) {
                Some(next) => next,
                None => {
                    let mut plan = Plan::new("branch cut", facts.now.timestamp());
                    plan.summary =
                        format!("nothing to release on {}: no commit raises the version", base.name);
                    plan.output("released", false);
                    return Ok(plan.into());
                }
            }
        }
    };
    let branch = name(&facts.config.branch.release, &[("version", &version.to_string())]);
    let mut plan = branch_off(facts, "branch cut", &package, &version, &branch, &base, Vec::new())?;
    if opens(facts, Opens::Cut, args.request) {
        request(facts, &branch, &format!("Release {version}"), args.request, &mut plan)?;
    }
    Ok(plan.into())
}

/// Cuts a hotfix branch.
pub fn hotfix(args: &Hotfix, facts: &Facts<'_>) -> Result<Step> {
    let package = package(facts)?;
    let base = match (&args.from, model(facts)?) {
        (Some(from), _) => from_rev(facts, from)?,
        (None, Model::Gitflow) => tip(facts, &main_branch(facts)?.ok_or_else(no_main)?)?,
        (None, _) => last_release(facts, &package)?,
    };
    let line = Line::read(facts, &package, base.commit)?;
    let Some(last) = &line.stable else {
        return Err(Error::no(format!("{} holds no release that a hotfix could mend", base.name))
            .hint("make a first release: `release-steps run release`"));
    };
    let mut findings = Vec::new();
    let version = match &args.version {
        Some(version) => version.clone(),
        None => {
            let patch = explicit(Some(&last.version), &Request::Level(Level::Patch), &Options::default())
                .map_err(|e| Error::usage(e.to_string()))?;
            let issue = args.issue.as_deref().unwrap_or_default();
            let own = |v: &Version| {
                name(&facts.config.branch.hotfix, &[("version", &v.to_string()), ("issue", issue)])
            };
            let but = own(&patch);
            match guard(&patch, &owners(facts, &line, Some(&but))?) {
                Ok(()) => patch,
                Err(taken) => {
                    let free = taken.free.clone().ok_or_else(|| Error::no(taken.to_string()))?;
                    findings.push(Finding::new(
                        Answer::Note,
                        "version-order",
                        format!("{taken}: it is used"),
                    ));
                    free
                }
            }
        }
    };
    let issue = args.issue.as_deref().unwrap_or_default();
    let branch = name(&facts.config.branch.hotfix, &[("version", &version.to_string()), ("issue", issue)]);
    let mut plan = branch_off(facts, "branch hotfix", &package, &version, &branch, &base, findings)?;
    if opens(facts, Opens::Hotfix, args.request) {
        request(facts, &branch, &format!("Hotfix {version}"), args.request, &mut plan)?;
    }
    Ok(plan.into())
}

fn from_rev(facts: &Facts<'_>, rev: &str) -> Result<Tip> {
    if let Ok(found) = tip(facts, rev) {
        return Ok(found);
    }
    let commit = facts.commit("--from", rev)?;
    Ok(Tip { name: rev.to_owned(), commit, local: false, remote: None })
}

/// The highest stable release, as main has it.
fn last_release(facts: &Facts<'_>, package: &Package) -> Result<Tip> {
    let main = tip(facts, &main_branch(facts)?.ok_or_else(no_main)?)?;
    let line = Line::read(facts, package, main.commit)?;
    Ok(match line.stable {
        Some(last) => Tip { name: last.tag, commit: last.commit, local: false, remote: None },
        None => main,
    })
}

fn owners(facts: &Facts<'_>, line: &Line, but: Option<&str>) -> Result<Vec<(Version, String)>> {
    let mut all: Vec<(Version, String)> =
        line.all.iter().map(|r| (r.version.clone(), format!("tag {}", r.tag))).collect();
    all.extend(owned(facts, but)?);
    Ok(all)
}

fn branch_off(
    facts: &Facts<'_>,
    step: &str,
    package: &Package,
    version: &Version,
    branch: &str,
    base: &Tip,
    findings: Vec<Finding>,
) -> Result<Plan> {
    let line = Line::read(facts, package, base.commit)?;
    if let Some(last) = &line.stable
        && *version <= last.version
    {
        return Err(Error::no(format!("{version} is not higher than {}, the last release", last.tag))
            .hint("choose a higher version"));
    }
    if let Err(taken) = guard(version, &owners(facts, &line, Some(branch))?) {
        return Err(Error::no(taken.to_string()).hint("choose a version that nobody owns"));
    }
    if version_in(&facts.config.branch.release, branch).is_none()
        && version_in(&facts.config.branch.hotfix, branch).is_none()
    {
        return Err(Error::usage(format!("`{branch}` does not say its version back"))
            .at("branch.release, branch.hotfix")
            .hint("the template needs `{version}`, parted from what follows"));
    }
    let mut plan = Plan::new(step, facts.now.timestamp());
    plan.findings = findings;
    plan.output("branch", branch);
    plan.output("version", version.to_string());
    plan.output("base", base.name.as_str());
    plan.output("commit", base.commit.to_string());
    let existing = facts.repo().branches()?.into_iter().find(|b| !b.remote && b.name == branch);
    let there = at_remote(facts, branch)?;
    // A branch that is there and has grown since is not cut again.
    let contains = |commit| -> Result<bool> {
        let repo = facts.repo();
        Ok(repo.resolve(&format!("{commit}")).is_err() || repo.is_ancestor(base.commit, commit)?)
    };
    if let Some(commit) = existing.as_ref().map(|b| b.commit).or(there) {
        if !contains(commit)? {
            return Err(Error::no(format!("branch {branch} exists already, at {}", commit.short()))
                .hint(format!("it does not stand on {}: delete it, or choose another version", base.name)));
        }
        if there.is_some() || !facts.has_remote()? {
            plan.summary = format!("{branch} is there already");
            return Ok(plan);
        }
    }
    plan.summary = format!("{branch} from {} ({})", base.name, base.commit.short());
    let tip = match &existing {
        Some(branch) => branch.commit,
        None => {
            plan.then(Effect::Branch(Branch { name: branch.to_owned(), at: Rev::Commit(base.commit) }));
            base.commit
        }
    };
    if let Some(push) = push(facts, vec![(branch.to_owned(), Rev::Commit(tip), there)])? {
        plan.then(Effect::Push(push));
    }
    Ok(plan)
}

/// The request from the branch into main. There is none while main has all of the branch: forges refuse an empty one.
fn request(facts: &Facts<'_>, branch: &str, title: &str, asked: bool, plan: &mut Plan) -> Result<()> {
    let main = tip(facts, &main_branch(facts)?.ok_or_else(no_main)?)?;
    let planned = plan.effects().find_map(|(_, effect)| match effect {
        Effect::Branch(made) => match made.at {
            Rev::Commit(commit) => Some(commit),
            _ => None,
        },
        _ => None,
    });
    let here = || -> Result<Option<CommitId>> {
        let local = facts.repo().branches()?.into_iter().find(|b| !b.remote && b.name == branch);
        Ok(local.map(|b| b.commit))
    };
    let there = at_remote(facts, branch)?;
    let tip = match planned {
        Some(commit) => Some(commit),
        None => here()?.or(there),
    };
    let known = |commit: &CommitId| facts.repo().resolve(&commit.to_string()).is_ok();
    let Some(tip) = tip.filter(known) else {
        return Err(Error::usage(format!("the commits of {branch} are not here"))
            .hint(format!("fetch them: `git fetch {}`", facts.config.release.remote)));
    };
    plan_request_into(facts, branch, tip, &main, title, asked, plan)
}
