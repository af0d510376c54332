//! `release`: version files and changelog in a commit, the tag, the push.

mod verify;

use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::release::{Wanted, release};
use crate::rules::version::Request;
use crate::steps::Step;
use crate::survey::Ask;

/// `release`
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// `major`, `minor`, `patch`, `prerelease` or a version [default: what the commits say]
    to: Option<String>,
    /// A pre-release of this channel: `rc` makes 1.3.0-rc.1
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// Only this package
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
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
    let request = match &args.to {
        None => None,
        Some(text) => Some(text.parse::<Request>().map_err(|e| Error::usage(e.to_string()))?),
    };
    let commit = match &args.commit {
        None => None,
        Some(rev) => Some(facts.commit("--commit", rev)?),
    };
    let wanted = Wanted {
        ask: Ask { channel: args.channel.clone(), package: args.package.clone(), request },
        commit,
        no_push: args.no_push,
        replace: args.replace,
        request: args.request,
    };
    Ok(release(facts, &wanted)?.into())
}
