//! Pure decisions: no I/O, no clock.

pub mod bump;
pub mod commit;
pub mod replay;
pub mod revert;
pub mod tag;
pub mod text;
pub mod version;
