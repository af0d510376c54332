//! Small, composable release-pipeline steps.
//!
//! A step reads the world and returns a [`plan::Plan`]; only [`apply::apply`] changes the world.

pub mod apply;
pub mod crash;
pub mod data;
pub mod effect;
pub mod error;
pub mod event;
pub mod journal;
pub mod plan;
pub mod report;
pub mod rules;
pub mod world;
