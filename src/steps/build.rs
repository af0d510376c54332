//! `build dispatch`: starts a workflow run or pipeline at the forge, and waits for its end.

use std::collections::BTreeMap;

use crate::effect::{Dispatch, Effect};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::Plan;
use crate::steps::Step;
use crate::world::files::digest_of;
use crate::world::forge::{Kind, RunText};

/// `build`
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Start a workflow (GitHub) or a pipeline (GitLab)
    Dispatch(Args),
}

/// `build dispatch`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The workflow's file, such as build.yml; GitLab has one pipeline for all
    #[arg(long, value_name = "FILE")]
    workflow: Option<String>,
    /// The branch or tag it runs on [default: the current branch]
    #[arg(long = "ref", value_name = "REF")]
    git_ref: Option<String>,
    /// An input of the workflow, a variable of the pipeline
    #[arg(long = "input", value_name = "NAME=VALUE")]
    inputs: Vec<String>,
    /// The input that gets a text by which the run is found again; `run-name` should show it. Needed only for GitHub
    /// Enterprise Server before 3.20
    #[arg(long, value_name = "NAME")]
    correlation_input: Option<String>,
    /// Wait for its end, and end as it does
    #[arg(long)]
    wait: bool,
}

/// GitHub's limit (<https://docs.github.com/rest/actions/workflows#create-a-workflow-dispatch-event>).
const MOST_INPUTS: usize = 25;

/// Plans the start of a run.
pub fn plan(command: &Command, facts: &Facts<'_>) -> Result<Step> {
    let Command::Dispatch(args) = command;
    let found = facts.forge()?.ok_or_else(|| {
        Error::usage("no forge is known").at("forge").hint("name it in the configuration, or set the remote")
    })?;
    let place = found.place.clone();
    if place.kind == Kind::GitHub && args.workflow.is_none() {
        return Err(Error::usage("which workflow?")
            .at("--workflow")
            .hint("name its file: `--workflow build.yml`"));
    }
    let mut inputs = BTreeMap::new();
    for input in &args.inputs {
        let (name, value) = input
            .split_once('=')
            .ok_or_else(|| Error::usage(format!("`{input}` is no `name=value`")).at("--input"))?;
        inputs.insert(name.to_owned(), value.to_owned());
    }
    let git_ref = match &args.git_ref {
        Some(git_ref) => git_ref.clone(),
        None => facts.branch()?.ok_or_else(|| {
            Error::usage("HEAD is detached, and no branch is known")
                .at("--ref")
                .hint("name a branch or tag: `--ref main`")
        })?,
    };
    let seed = format!("{} {place} {git_ref} {:?} {inputs:?}", facts.now.timestamp(), args.workflow);
    let correlation = format!("rs-{}", &digest_of(seed.as_bytes())[..20]);
    if let Some(name) = &args.correlation_input {
        inputs.insert(name.clone(), correlation.clone());
    }
    if place.kind == Kind::GitHub && inputs.len() > MOST_INPUTS {
        return Err(Error::usage(format!(
            "a workflow takes {MOST_INPUTS} inputs, these are {}",
            inputs.len()
        ))
        .at("--input"));
    }
    let view = facts.forge_view(&place)?;
    facts.working(&format!("asking {place}"));
    if view.ref_target(&format!("heads/{git_ref}"))?.is_none()
        && view.ref_target(&format!("tags/{git_ref}"))?.is_none()
    {
        return Err(Error::usage(format!("{place} has no branch or tag {git_ref}"))
            .at("--ref")
            .hint("push it first"));
    }
    let mut plan = Plan::new("build dispatch", facts.now.timestamp());
    plan.output("correlation", correlation.as_str());
    let dispatch = Dispatch {
        place,
        run: RunText { workflow: args.workflow.clone(), git_ref, inputs, correlation },
        wait: args.wait,
    };
    plan.summary = dispatch.to_string();
    plan.then(Effect::Dispatch(dispatch));
    Ok(plan.into())
}
