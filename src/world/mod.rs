//! The outside: one module for each thing, with a read and a write side.
pub mod files;
pub mod git;
pub mod process;
