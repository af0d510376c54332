//! git repositories.
pub mod write;
