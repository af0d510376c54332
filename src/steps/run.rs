//! `run NAME`: a chain of steps as one plan.

use std::collections::BTreeMap;

use crate::config::ChainStep;
use crate::deploy::{self, Released};
use crate::effect::{Command, Effect};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::gate::Overrides;
use crate::notify::{self, About, News};
use crate::plan::Plan;
use crate::release::{Wanted, release};
use crate::steps::Step;

/// `run`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The chain's name: `release`, or one of `run:` in the configuration
    name: String,
}

/// Plans a chain: the effects of its steps in order, later ones fed by what earlier ones would put out.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let built_in = [ChainStep::Release];
    let chain: &[ChainStep] = match facts.config.run.get(&args.name) {
        Some(chain) => chain,
        None if args.name == "release" => &built_in,
        None => {
            let mut names: Vec<&str> = facts.config.run.keys().map(String::as_str).collect();
            names.push("release");
            return Err(Error::usage(format!("there is no chain `{}`", args.name))
                .at("run")
                .hint(format!("there are: {}", names.join(", "))));
        }
    };
    let mut plan = Plan::new(&format!("run {}", args.name), facts.now.timestamp());
    let planned = match chain.contains(&ChainStep::Release) {
        true => Some(release(facts, &Wanted::default())?),
        false => None,
    };
    let env = planned.as_ref().map(variables).unwrap_or_default();
    // With nothing to release, a chain that is for a release has nothing to do: commands that publish must not run.
    let prepares = |plan: &Plan| plan.outputs.contains_key("request_branch");
    let idle = planned.as_ref().is_some_and(|plan| plan.is_empty() || prepares(plan));
    let released =
        env.get("VERSION").map(|version| Released { version: version.clone(), tag: env.get("TAG").cloned() });
    let command = |line: &String, what: Option<String>| {
        Effect::Command(Command {
            line: line.clone(),
            dir: None,
            env: env.clone(),
            what,
            within: None,
            leaves: false,
        })
    };
    let mut summaries = Vec::new();
    let mut before = Vec::new();
    for step in chain {
        match step {
            ChainStep::Release => {
                if let Some(planned) = planned.clone() {
                    summaries.push(planned.summary.clone());
                    plan.append(planned);
                }
            }
            ChainStep::Notify(event) if event.ahead() => {
                let text = format!("a chain does not know when something will happen: {event}");
                return Err(Error::usage(text)
                    .at(format!("run.{}", args.name))
                    .hint("`release-steps timeline` tells what is ahead"));
            }
            _ if idle => {}
            ChainStep::Notify(event) => {
                let Some(version) = env.get("VERSION") else {
                    let text = format!(
                        "there is nothing to tell of: the chain releases nothing before `notify: {event}`"
                    );
                    return Err(Error::usage(text).at(format!("run.{}", args.name)).hint(
                        "put `release` into the chain, or a command: `release-steps notify EVENT --release VERSION`",
                    ));
                };
                let mut news = News::new(*event, &About { release: version.clone(), env: None });
                if let Some(previous) = env.get("PREVIOUS_VERSION") {
                    news = news.tell("previous", previous.as_str());
                }
                notify::add(facts, &news, &mut plan)?;
            }
            ChainStep::Command(line) => plan.then(command(line, None)),
            ChainStep::Stage(stage) => {
                plan.wave(
                    stage.commands.iter().map(|line| command(line, Some(stage.name.clone()))).collect(),
                );
            }
            ChainStep::Deploy(environment) => {
                let wanted = deploy::Wanted {
                    environment,
                    version: None,
                    skip: &[],
                    again: false,
                    takeover: false,
                    overrides: &Overrides::default(),
                    in_chain: !plan.is_empty(),
                    released: released.as_ref(),
                    before: &before,
                };
                let planned = deploy::deploy(facts, &wanted)?;
                before.extend(
                    planned
                        .deployments
                        .iter()
                        .filter(|it| it.what.verifies)
                        .map(|it| (it.what.environment.clone(), it.what.version.clone())),
                );
                summaries.push(planned.summary.clone());
                plan.append(planned);
            }
        }
    }
    plan.summary = match summaries.is_empty() {
        true => format!("run {}", args.name),
        false => summaries.join("; "),
    };
    Ok(plan.into())
}

/// What the commands of a chain may know of the release, as variables.
fn variables(plan: &Plan) -> BTreeMap<String, String> {
    [("version", "VERSION"), ("tag", "TAG"), ("previous", "PREVIOUS_VERSION")]
        .into_iter()
        .filter_map(|(output, name)| Some((name.to_owned(), plan.outputs.get(output)?.as_str()?.to_owned())))
        .collect()
}
