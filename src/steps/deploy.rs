//! `deploy`: a version to an environment, with the gate before, the looks after, and the way back.

use crate::deploy::{Skip, Wanted, deploy};
use crate::error::Result;
use crate::facts::Facts;
use crate::gate::Overrides;
use crate::steps::Step;

/// `deploy`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The environment: a name in `deploy:` of the configuration
    #[arg(value_name = "ENV")]
    environment: String,
    /// The version [default: the variable VERSION, or the release tag at HEAD]
    #[arg(value_name = "VERSION")]
    version: Option<String>,
    /// Leave this out, because another job does it
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    skip: Vec<Skip>,
    /// Deploy it although it is live
    #[arg(long)]
    again: bool,
    /// Deploy although another deployment is said to be running, because that one is dead
    #[arg(long)]
    takeover: bool,
    #[command(flatten)]
    overrides: Overrides,
}

/// Plans the deployment.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let wanted = Wanted {
        environment: &args.environment,
        version: args.version.clone(),
        skip: &args.skip,
        again: args.again,
        takeover: args.takeover,
        overrides: &args.overrides,
        in_chain: false,
        released: None,
        before: &[],
    };
    Ok(deploy(facts, &wanted)?.into())
}
