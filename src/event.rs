//! What happens while a plan is made and applied, for whoever reports it.

use serde::Serialize;

use crate::plan::Plan;

/// Something that a reporter may show.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event<'a> {
    /// Something takes a while: reading history, deepening a clone.
    Working {
        /// What.
        what: &'a str,
    },
    /// A plan stands. The plan itself is the answer of the command, not an event.
    Planned {
        /// The step.
        step: &'a str,
        /// What it would bring about.
        summary: &'a str,
        /// How many effects it has.
        effects: usize,
    },
    /// An effect begins.
    Started {
        /// Its place in the plan, `wave.effect`.
        at: &'a str,
        /// What it does.
        effect: &'a str,
    },
    /// An effect is done.
    Done {
        /// Its place in the plan.
        at: &'a str,
        /// What it did.
        effect: &'a str,
        /// Whether it was found to be done already.
        already: bool,
        /// How long it took, in milliseconds.
        ms: u64,
    },
    /// An effect failed.
    Failed {
        /// Its place in the plan.
        at: &'a str,
        /// What it was to do.
        effect: &'a str,
    },
    /// An effect failed, and the plan goes on without it.
    Missed {
        /// Its place in the plan.
        at: &'a str,
        /// What it was to do.
        effect: &'a str,
        /// Why it was not done.
        why: &'a str,
    },
    /// Something failed, and what was there before is put back.
    Back {
        /// What that brings about.
        what: &'a str,
        /// What failed.
        why: &'a str,
    },
    /// A line that a command printed.
    Output {
        /// The effect's place in the plan.
        at: &'a str,
        /// The line.
        line: &'a str,
    },
    /// A look of a watch.
    Watching {
        /// The effect's place in the plan.
        at: &'a str,
        /// What was seen, in a line: for a log.
        line: &'a str,
        /// How all of it stands, a line for each metric: for a terminal, which shows it instead of what stood there.
        table: &'a [String],
    },
    /// Something to know that is no finding of a plan.
    Note {
        /// The text.
        text: &'a str,
    },
}

impl<'a> Event<'a> {
    /// A plan stands.
    pub fn planned(plan: &'a Plan) -> Self {
        Event::Planned { step: &plan.step, summary: &plan.summary, effects: plan.effects().count() }
    }
}

/// Takes events. Shared by the effects of a wave, which run side by side.
pub trait Sink: Sync {
    /// Takes one.
    fn event(&self, event: &Event<'_>);
}
