//! Small, composable release-pipeline steps.
//!
//! A step reads the world and returns a [`plan::Plan`]; only [`apply::apply`] changes the world.

pub mod apply;
pub mod ask;
pub mod cli;
pub mod config;
pub mod crash;
pub mod data;
pub mod deploy;
pub mod effect;
pub mod env;
pub mod error;
pub mod event;
pub mod facts;
pub mod gate;
pub mod inputs;
pub mod journal;
pub mod notify;
pub mod plan;
pub mod publish;
pub mod redact;
pub mod release;
pub mod report;
pub mod rules;
pub mod steps;
pub mod survey;
pub mod world;
