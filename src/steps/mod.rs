//! The steps: each reads the world and returns a plan. None writes, pushes or runs anything, and none calls another.

mod asked;
pub mod branch;
pub mod build;
pub mod changelog;
pub mod deploy;
pub mod doctor;
pub mod gate;
pub mod init;
pub mod log;
pub mod notify;
pub mod release;
pub mod rollback;
pub mod run;
pub mod scan;
pub mod smoke;
pub mod timeline;
pub mod verify;
pub mod version;

use crate::plan::Plan;

/// What a step answers.
#[derive(Debug, Clone)]
pub struct Step {
    /// The plan; for a question it has outputs and no effects.
    pub plan: Plan,
    /// The answer for people, where it is more than the plan itself.
    pub text: Option<String>,
}

impl From<Plan> for Step {
    fn from(plan: Plan) -> Self {
        Step { plan, text: None }
    }
}
