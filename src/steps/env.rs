//! `env check`: whether an environment has the variables that are required of it. Names only, never a value.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::rules::dotenv;
use crate::rules::text::counted;
use crate::steps::Step;
use crate::world::forge::desk::Names;

/// `env`
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Whether the variables of .env.example and of the configuration are there; only names are read and shown
    Check(Args),
}

/// `env check`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The environment: production
    #[arg(value_name = "ENV")]
    environment: String,
    /// The file that names what is required
    #[arg(long, value_name = "FILE", default_value = ".env.example")]
    example: String,
    /// Where they must be [default: the forge where there is a token for it, otherwise this process]
    #[arg(long = "in", value_name = "PLACE")]
    place: Option<Target>,
}

/// Where variables are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Target {
    /// In the environment, repository and organization, or project and groups, at the forge.
    Forge,
    /// In this process, as a CI job of the environment has them.
    Process,
}

/// Answers; plans nothing.
pub fn plan(command: &Command, facts: &Facts<'_>) -> Result<Step> {
    let Command::Check(args) = command;
    let environment = &args.environment;
    let mut plan = Plan::new("env check", facts.now.timestamp());
    let required = required(args, facts, &mut plan)?;
    plan.output("environment", environment.as_str());
    plan.output("required", required.iter().cloned().collect::<Vec<_>>());
    let (names, place) = there(args, facts)?;
    let missing: Vec<&String> = required.iter().filter(|name| !names.known.contains(*name)).collect();
    for name in &missing {
        let text = format!("{name} is not in {place}");
        plan.findings.push(match names.hidden.is_empty() {
            true => Finding::new(Answer::Fail, "variable", text).hint(format!("set it for {environment}")),
            false => Finding::new(Answer::Unknown, "variable", text).hint(format!(
                "this token may not see the {}: use one that may, or ask within the job: `--in process`",
                names.hidden.join(", the ")
            )),
        });
    }
    plan.output("missing", missing.iter().map(|name| name.as_str()).collect::<Vec<_>>());
    plan.summary = match missing.len() {
        0 => format!(
            "{environment} has {}",
            match required.len() {
                1 => "the 1 required variable".to_owned(),
                n => format!("all {n} required variables"),
            }
        ),
        n => format!("{environment} lacks {} of {}", n, counted(required.len(), "required variable")),
    };
    Ok(plan.into())
}

/// What is required: by the example file, by the configuration, and by the checks that name variables.
fn required(args: &Args, facts: &Facts<'_>, plan: &mut Plan) -> Result<BTreeSet<String>> {
    let environment = &args.environment;
    let config = &facts.config;
    let deploy = config.deploy.get(environment);
    let text = facts.read(&args.example)?;
    if text.is_none() && args.example != ".env.example" {
        return Err(Error::usage("there is no such file").at(args.example.clone()));
    }
    let (names, strange) = text.as_deref().map(dotenv::names).unwrap_or_default();
    for line in strange {
        let text = "this line names no variable";
        plan.findings
            .push(Finding::new(Answer::Warning, "example", text).at(format!("{}:{line}", args.example)));
    }
    let mut required: BTreeSet<String> = names.into_iter().collect();
    required.extend(deploy.into_iter().flat_map(|it| it.variables.iter().cloned()));
    if let Some(smoke) = config.smoke.get(environment) {
        required.extend(smoke.checks.iter().flat_map(|check| check.kind.variables()));
    }
    required.extend(config.verify.get(environment).into_iter().flat_map(|verify| verify.variables()));
    if required.is_empty() {
        return Err(Error::usage(format!("nothing is required of {environment}"))
            .at(args.example.clone())
            .hint(format!(
                "commit a .env.example, or write `deploy: {{{environment}: {{variables: [DATABASE_URL]}}}}`"
            )));
    }
    Ok(required)
}

/// The names that are there, and where that is.
fn there(args: &Args, facts: &Facts<'_>) -> Result<(Names, String)> {
    let process = || {
        let known = facts.env.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.to_owned());
        (Names { known: known.collect(), hidden: Vec::new() }, "this process".to_owned())
    };
    if args.place == Some(Target::Process) {
        return Ok(process());
    }
    let forge = facts.forge()?.filter(|found| args.place.is_some() || found.token.is_some());
    let Some(found) = forge else {
        return match args.place {
            Some(_) => Err(Error::usage("no forge is known")
                .at("forge")
                .hint("name it in the configuration: `forge: {kind: github, repository: owner/name}`")),
            None => Ok(process()),
        };
    };
    facts.working(&format!("asking {}", found.place));
    let names = facts.forge_view(&found.place)?.variable_names(&args.environment)?;
    Ok((names, format!("{} at {}", args.environment, found.place)))
}
