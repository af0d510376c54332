//! git repositories.
//!
//! The read side stands on libgit2. Three things that release planning does thousands of times are done here
//! directly, each with libgit2 behind it for whatever is out of the ordinary: reading commits out of packs
//! (`objects`), reading tags ([`tags`]), and walking history ([`history`], [`nearest`]).
//!
//! Replacement objects (`refs/replace`) and the old `info/grafts` are ignored: a release describes the history
//! that everybody else clones. Shallow boundaries are honoured and reported.

pub mod by_forge;
pub mod error;
pub mod head;
pub mod history;
mod inflate;
pub mod nearest;
mod objects;
mod pack;
pub mod push;
pub mod repository;
pub mod tags;
mod tree;
pub mod trees;
mod walk;
pub mod write;

pub use error::{Error, ErrorKind};
pub use head::Head;
pub use history::{Commit, History, Ranges, Time};
pub use nearest::Nearest;
pub use repository::{Branch, Remote, Repository, Status};
pub use tags::Tag;

#[cfg(test)]
mod tests;
