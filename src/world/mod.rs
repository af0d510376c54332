//! The outside: one module for each thing, with a read and a write side.

pub mod clock;
pub mod files;
pub mod forge;
pub mod git;
pub mod http;
pub mod messages;
pub mod metrics;
pub mod probe;
pub mod process;
pub mod reports;
pub mod store;

use crate::data::CommitId;
use crate::error::Error;

/// How the outside stands to an effect.
#[derive(Debug)]
pub enum State {
    /// It is already as the effect would make it; a commit effect has made this commit.
    Done(Option<CommitId>),
    /// It is as the plan expects it.
    Ready,
    /// It is neither: somebody changed it since the plan was made.
    Conflict(Error),
}
