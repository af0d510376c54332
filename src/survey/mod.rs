//! What the repository says of its releases: the packages, the last release of each, the commits since, the next version.
//! Reads only; the steps make plans from it.

pub mod artifacts;
pub mod branches;
pub mod changelog;
pub mod enrich;
pub mod files;
mod history;
mod next;
mod packages;
pub mod project;

pub use history::{Line, Released, Text, commits, is_about};
pub use next::{Ask, Candidate, candidates};
pub use packages::{Package, packages};

use crate::error::Result;
use crate::facts::Facts;
use crate::rules::commit::Reading;
use crate::rules::links::Links;

/// How commits are read, as the configuration says: the same for the version and the changelog.
pub fn reading(facts: &Facts<'_>) -> Reading {
    Reading { squash: facts.config.commits.squash, merge_titles: facts.config.commits.merge_titles }
}

/// Where the repository's pages are, as the configuration or the remote's address says.
pub fn links(facts: &Facts<'_>) -> Result<Option<Links>> {
    Ok(match &facts.config.changelog.links {
        Some(None) => None,
        Some(Some(base)) => Some(Links::new(base)),
        None => facts.remote_url()?.and_then(|url| Links::from_remote(&url)),
    })
}
