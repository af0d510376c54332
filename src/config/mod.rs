//! `release-steps.yml`: strict, with a published schema, and errors that point at the line.

mod load;
mod types;

pub use load::{Loaded, load, parse_waivers, schema};
pub use types::*;
