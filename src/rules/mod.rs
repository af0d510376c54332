//! Pure decisions: no I/O, no clock.

pub mod artifacts;
pub mod branching;
pub mod bump;
pub mod calendar;
pub mod changelog;
pub mod commit;
pub mod dotenv;
pub mod files;
pub mod gate;
pub mod links;
pub mod markup;
pub mod notes;
pub mod notify;
pub mod packages;
pub mod pipeline;
pub mod record;
pub mod replay;
pub mod revert;
pub mod scan;
pub mod smoke;
pub mod tag;
pub mod text;
pub mod verify;
pub mod version;
pub mod yaml;
