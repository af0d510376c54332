//! `rollback`: an environment back to the last version that was verified.

use jiff::Timestamp;

use crate::deploy::{Back, Skip, rollback};
use crate::error::Result;
use crate::facts::Facts;
use crate::steps::Step;

/// `rollback`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The environment: a name in `deploy:` of the configuration
    #[arg(value_name = "ENV")]
    environment: String,
    /// The version to go back to [default: the last that was verified there]
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Since when what is live is bad, such as 2026-12-24T10:00:00Z: the recovery is counted from then [default: now]
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Put back a version although it failed before
    #[arg(long)]
    force: bool,
    /// Leave this out, because another job does it
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    skip: Vec<Skip>,
}

/// Plans the rollback.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let wanted = Back {
        environment: &args.environment,
        to: args.to.clone(),
        since: args.since,
        force: args.force,
        skip: &args.skip,
    };
    Ok(rollback(facts, &wanted)?.into())
}
