//! `verify`: watches metrics after a deployment, until they have told whether it is well.

use jiff::Timestamp;

use crate::data::Period;
use crate::deploy;
use crate::effect::{Effect, Verify as Watch};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::Plan;
use crate::steps::Step;
use crate::world::files;

/// `verify`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The environment: a name in `verify:` of the configuration [default: the only one]
    #[arg(value_name = "ENV")]
    environment: Option<String>,
    /// How long is watched, such as 30m or 24h
    #[arg(long = "for", value_name = "TIME")]
    length: Option<Period>,
    /// How far apart the looks are
    #[arg(long, value_name = "TIME")]
    interval: Option<Period>,
    /// When it was deployed: the baseline is the time before [default: now]
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// What was deployed; a watch of something else begins anew [default: the variable VERSION, or HEAD]
    #[arg(long, value_name = "VERSION")]
    deployed: Option<String>,
    /// The file that holds the state between looks; with it, a later job goes on [default: in git's folder]
    #[arg(long, value_name = "FILE")]
    state: Option<String>,
    /// Begin anew, also where an earlier watch did not come to its end
    #[arg(long)]
    restart: bool,
    /// Write a summary in Markdown
    #[arg(long, value_name = "FILE")]
    summary: Option<String>,
}

/// Plans the watch.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let all = &facts.config.verify;
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    let found = match (&args.environment, names.as_slice()) {
        (Some(name), _) => all.get_key_value(name),
        (None, [_]) => all.first_key_value(),
        (None, _) => None,
    };
    let Some((environment, verify)) = found else {
        let hint = match names.as_slice() {
            [] => "write `verify: {production: {prometheus: …, metrics: [{name: errors, query: …, max: 0.01}]}}`".to_owned(),
            names => format!("there are watches for {}", names.join(", ")),
        };
        return Err(match &args.environment {
            Some(name) => Error::usage(format!("there is no watch for `{name}`")),
            None => Error::usage("which environment?"),
        }
        .at("verify")
        .hint(hint));
    };
    let verify =
        verify.clone().timed(args.length, args.interval).map_err(|e| Error::usage(e).at("--interval"))?;
    if let Some(name) = verify.variables().into_iter().find(|name| facts.env.get(name).is_none()) {
        return Err(Error::usage(format!("the variable {name} is not set"))
            .at(format!("verify.{environment}"))
            .hint("set it in the environment"));
    }
    if let Some(path) = &args.summary {
        files::locate(&facts.root, path)?;
    }
    let deployed = args.deployed.clone().or_else(|| facts.env.get("VERSION").map(str::to_owned));
    let deployed =
        deployed.or_else(|| facts.head().ok().map(|commit| commit.to_string())).unwrap_or_default();
    let state = match &args.state {
        Some(state) => facts.root.join(state),
        None => facts.watch_state(environment),
    };
    let mut plan = Plan::new("verify", facts.now.timestamp());
    plan.summary = format!("verify {environment}");
    plan.output("environment", environment.as_str());
    plan.deployments.extend(deploy::deployed(facts, environment, args.deployed.as_deref())?);
    plan.then(Effect::Verify(Watch {
        environment: environment.clone(),
        verify,
        deployed,
        since: args.since,
        state: state.display().to_string(),
        restart: args.restart,
        summary: args.summary.clone(),
    }));
    Ok(plan.into())
}
