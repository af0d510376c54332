//! `branch`.
use crate::error::Result;
use crate::facts::Facts;
use crate::steps::Step;

/// `branch …`
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// x
    Calendar,
}
/// x
pub fn plan(_command: &Command, facts: &Facts<'_>) -> Result<Step> {
    Ok(crate::plan::Plan::new("branch", facts.now.timestamp()).into())
}
