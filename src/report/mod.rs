//! Who shows what happens: a terminal or a job's log, JSON lines, and what the forge's runner takes.

pub mod github;
pub mod gitlab;
mod html;
mod json;
mod page;
mod publish;
mod terminal;
mod values;

pub use json::{Json, document};
pub use page::fitted;
pub use publish::{masks, publish};
pub use terminal::{Terminal, error, plan, result};
pub use values::Ending;
