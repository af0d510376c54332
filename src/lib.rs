//! Small, composable release-pipeline steps.
//!
//! A step reads the world and returns a plan; only `apply` changes the world.

pub mod data;
pub mod rules;
pub mod world;
