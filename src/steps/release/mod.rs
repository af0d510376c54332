//! `release`: version files and changelog in a commit, the tag, the push.

mod verify;

use crate::error::Result;
use crate::facts::Facts;
use crate::release::{Wanted, release};
use crate::steps::Step;
use crate::steps::asked::Asked;

/// `release`
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    asked: Asked,
    /// Release this commit although the branch has moved on: the tag is pushed, the branch stays where it is
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    /// Do not push
    #[arg(long)]
    no_push: bool,
    /// Replace files and texts of the forge's release where they differ
    #[arg(long)]
    replace: bool,
    /// Prepare the release in a request, or bring that up to date; once it is merged, make the release
    #[arg(long, conflicts_with_all = ["commit", "no_push"])]
    request: bool,
}

/// What is done with releases that were made.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Refuse what is not what a release recorded
    Verify(verify::Args),
}

/// Plans a release.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    if let Some(Command::Verify(args)) = &args.command {
        return verify::plan(args, facts);
    }
    let commit = match &args.commit {
        None => None,
        Some(rev) => Some(facts.commit("--commit", rev)?),
    };
    let wanted = Wanted {
        ask: args.asked.ask()?,
        commit,
        no_push: args.no_push,
        replace: args.replace,
        request: args.request,
    };
    Ok(release(facts, &wanted)?.into())
}
