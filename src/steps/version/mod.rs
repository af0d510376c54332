//! `version`: the next version and why, the files that carry it, and whether messages and history keep to the rules.

mod bump;
mod check;
mod next;
mod replay;

use crate::error::Result;
use crate::facts::Facts;
use crate::steps::Step;

/// `version …`
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print the next version, alone on standard output
    Next(next::Args),
    /// Write a version into the files that carry it, without commit and tag
    Bump(bump::Args),
    /// Check commit messages, a request's title, and that tag, files and changelog agree
    Check(check::Args),
    /// Compare the rules with the releases that were really made
    Replay(replay::Args),
}

/// Plans a `version` command.
pub fn plan(command: &Command, facts: &Facts<'_>) -> Result<Step> {
    match command {
        Command::Next(args) => next::plan(args, facts),
        Command::Bump(args) => bump::plan(args, facts),
        Command::Check(args) => check::plan(args, facts),
        Command::Replay(args) => replay::plan(args, facts),
    }
}
