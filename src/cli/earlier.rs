//! Runs that did not come to their end, as a later run of the same step sees them.

use super::tools;
use crate::apply::is_done;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::journal;
use crate::plan::Plan;
use crate::redact::Redactor;

/// Whether two steps do the same: `run release` does what `release` does.
fn alike(one: &str, other: &str) -> bool {
    one.trim_start_matches("run ") == other.trim_start_matches("run ")
}

/// With nothing to do, an earlier run of the same step may still have something left, such as a command that publishes.
pub(super) fn refuse_pending(facts: &Facts<'_>, redactor: &Redactor, plan: &Plan) -> Result<()> {
    let tools = tools(facts, redactor)?;
    for run in journal::unfinished(&facts.git_dir)? {
        if alike(&run.plan.step, &plan.step) && !is_done(&run.plan, &tools, &run.journal)? {
            let left = run.plan.effects().find(|(at, _)| !run.journal.done.contains(at));
            let left = left.map_or_else(String::new, |(at, effect)| format!(": {at} {effect}"));
            return Err(Error::unknown(format!(
                "{}; an earlier run did not come to its end{left}",
                plan.summary
            ))
            .hint(
                "`release-steps resume` goes on with it; `release-steps resume --abandon` leaves it as it is",
            ));
        }
    }
    Ok(())
}

/// Closes the runs of a step that were killed and of which nothing is left to do, because a later run did it.
pub(super) fn settle(facts: &Facts<'_>, redactor: &Redactor, step: &str) -> Result<()> {
    let tools = tools(facts, redactor)?;
    for mut run in journal::unfinished(&facts.git_dir)? {
        if alike(&run.plan.step, step) && is_done(&run.plan, &tools, &run.journal)? {
            run.journal.finish("superseded")?;
        }
    }
    Ok(())
}
