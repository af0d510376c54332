//! Who shows what happens: a terminal or a job log, GitHub Actions besides, or JSON lines.

pub mod github;
mod json;
mod redact;
mod terminal;

pub use json::{Json, document};
pub use redact::Redactor;
pub use terminal::{Terminal, error, plan, result};
