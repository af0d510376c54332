//! The only place that changes the outside: looks at every effect, then does what is missing, wave by wave.

mod look;
mod verify;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::data::CommitId;
use crate::effect::{Command, Effect, Rev};
use crate::error::{Error, Kind, Result};
use crate::event::{Event, Sink};
use crate::facts::Env;
use crate::journal::Journal;
use crate::plan::{Plan, Precondition};
use crate::report::Redactor;
use crate::world::State;
use crate::world::files;
use crate::world::forge::{Forges, act};
use crate::world::git::write::{Made, Writer};
use crate::world::messages;
use crate::world::process;
use crate::world::store::Store;

/// How many effects of one wave run side by side.
const SIDE_BY_SIDE: usize = 8;

/// The write side of the world.
#[derive(Debug)]
pub struct Tools {
    /// The top of the work tree.
    pub root: PathBuf,
    git: Writer,
    forge: act::Writer,
    env: Env,
    messages: messages::Writer,
    redactor: Redactor,
    told: Mutex<Told>,
}

pub use look::{Told, look};

/// What became of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done now.
    Done,
    /// It had been done before.
    Already,
    /// It failed, and the plan goes on without it.
    Missed,
}

/// What became of every effect, by its place in the plan.
pub type Report = Vec<(String, Outcome)>;

impl Tools {
    /// Tools for the repository whose work tree has its top at `root`, for these forges, and for this store of what was
    /// done.
    pub fn new(root: &Path, forges: Arc<Forges>, store: Store) -> Self {
        Tools {
            root: root.to_owned(),
            git: Writer::new(root),
            messages: messages::Writer::new(store, forges.clone()),
            forge: act::Writer::new(forges),
            env: Env::default(),
            redactor: Redactor::default(),
            told: Mutex::default(),
        }
    }

    /// With the variables that effects may name, and what keeps secrets out of reports.
    #[must_use]
    pub fn with(mut self, env: Env, redactor: Redactor) -> Self {
        (self.env, self.redactor) = (env, redactor);
        self
    }

    /// The commit that an effect at a forge is about.
    fn subject(&self, effect: &Effect, made: &Made) -> Result<Option<CommitId>> {
        match effect {
            Effect::SetStatus(status) => self.git.commit_of(&status.commit, made),
            Effect::ForgeRelease(release) => self.git.commit_of(&Rev::Tag(release.tag.clone()), made),
            _ => Ok(None),
        }
    }

    fn observe(&self, effect: &Effect, made: &Made) -> Result<State> {
        match effect {
            Effect::WriteFile(edit) => files::observe(&self.root, edit),
            Effect::Commit(commit) => self.git.observe_commit(commit, made),
            Effect::Branch(branch) => self.git.observe_branch(branch, made),
            Effect::Tag(tag) => self.git.observe_tag(tag, made),
            Effect::Push(push) => self.git.observe_push(push, made),
            Effect::Command(_) | Effect::Smoke(_) | Effect::Verify(_) => Ok(State::Ready),
            Effect::Message(message) => self.messages.observe(message),
            _ => Ok(self.forge.observe(effect, self.subject(effect, made)?)?.unwrap_or(State::Ready)),
        }
    }

    fn act(&self, at: &str, effect: &Effect, made: &Made, sink: &dyn Sink) -> Result<Option<CommitId>> {
        match effect {
            Effect::WriteFile(edit) => files::write(&self.root, edit).map(|()| None),
            Effect::Commit(commit) => self.git.commit(commit, made).map(Some),
            Effect::Branch(branch) => self.git.branch(branch, made).map(|()| None),
            Effect::Tag(tag) => self.git.tag(tag, made).map(|()| None),
            Effect::Push(push) => self.git.push(push, made).map(|()| None),
            Effect::Command(command) => self.run(at, command, sink).map(|()| None),
            Effect::Message(message) => self.messages.send(message, &self.env, &self.redactor).map(|()| None),
            Effect::Smoke(smoke) => self.smoke(at, smoke, sink).map(|()| None),
            Effect::Verify(watch) => self.verify(at, watch, sink).map(|()| None),
            _ => {
                let line = |line: &str| sink.event(&Event::Output { at, line });
                self.forge.act(effect, &self.root, self.subject(effect, made)?, &line).map(|()| None)
            }
        }
    }

    fn run(&self, at: &str, command: &Command, sink: &dyn Sink) -> Result<()> {
        let dir = match &command.dir {
            Some(dir) => files::locate(&self.root, dir)?,
            None => self.root.clone(),
        };
        process::shell(&command.line, &dir, &command.env, &|line| {
            sink.event(&Event::Output { at, line });
        })
    }

    fn holds(&self, condition: &Precondition) -> Result<()> {
        self.git.holds(condition)
    }
}

/// Applies a plan: refuses it when its findings (but for effects that are made regardless of them) or its preconditions
/// say no, looks at every effect before the first one is
/// done, and journals each before the next starts.
///
/// A run that was begun before goes on: what its journal or the world shows as done is not done again.
pub fn apply(plan: &Plan, tools: &Tools, journal: &mut Journal, sink: &dyn Sink) -> Result<Report> {
    if !plan.regardless {
        plan.verdict()?;
    }
    if !journal.begun {
        still_holds(plan, tools)?;
    }
    // Everything that can be known to be in the way is known before anything is changed.
    let mut made = journal.made.clone();
    for (at, effect) in plan.effects() {
        if journal.done.contains(&at) {
            continue;
        }
        match tools.observe(effect, &made)? {
            State::Conflict(error) => return Err(error),
            State::Done(commit) => made.extend(effect.makes().map(str::to_owned).zip(commit)),
            State::Ready => {}
        }
    }
    let mut report = Report::new();
    for (w, wave) in plan.waves.iter().enumerate() {
        let places: Vec<(String, &Effect)> = wave
            .effects
            .iter()
            .enumerate()
            .map(|(e, effect)| (format!("{}.{}", w + 1, e + 1), effect))
            .collect();
        for some in places.chunks(SIDE_BY_SIDE) {
            report.extend(side_by_side(some, tools, journal, sink)?);
        }
    }
    journal.finish("done")?;
    Ok(report)
}

/// Refuses a plan whose preconditions do not hold any more, unless that is because it was applied already.
pub fn still_holds(plan: &Plan, tools: &Tools) -> Result<()> {
    let refused = plan.requires.iter().try_for_each(|condition| tools.holds(condition));
    match refused {
        Err(_) if all_done(plan, tools, &BTreeSet::new(), Made::new())? => Ok(()),
        refused => refused,
    }
}

/// Whether nothing of a plan is left to do: by its journal, or because the world is so already. A command line is done
/// only when the journal says so.
pub fn is_done(plan: &Plan, tools: &Tools, journal: &Journal) -> Result<bool> {
    all_done(plan, tools, &journal.done, journal.made.clone())
}

fn all_done(plan: &Plan, tools: &Tools, done: &BTreeSet<String>, mut made: Made) -> Result<bool> {
    for (at, effect) in plan.effects() {
        if done.contains(&at) {
            continue;
        }
        match tools.observe(effect, &made)? {
            State::Done(commit) => made.extend(effect.makes().map(str::to_owned).zip(commit)),
            State::Ready | State::Conflict(_) => return Ok(false),
        }
    }
    Ok(true)
}

fn side_by_side(
    effects: &[(String, &Effect)],
    tools: &Tools,
    journal: &mut Journal,
    sink: &dyn Sink,
) -> Result<Report> {
    let made = journal.made.clone();
    let shared = Mutex::new(journal);
    if let [(at, effect)] = effects {
        return Ok(vec![one(at, effect, tools, &made, &shared, sink)?]);
    }
    let results: Vec<Result<(String, Outcome)>> = std::thread::scope(|scope| {
        let threads: Vec<_> = effects
            .iter()
            .map(|(at, effect)| scope.spawn(|| one(at, effect, tools, &made, &shared, sink)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(Error::outside("an effect ended in a panic"))))
            .collect()
    });
    results.into_iter().collect()
}

fn one(
    at: &str,
    effect: &Effect,
    tools: &Tools,
    made: &Made,
    journal: &Mutex<&mut Journal>,
    sink: &dyn Sink,
) -> Result<(String, Outcome)> {
    let lock = || journal.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let text = effect.to_string();
    let started = Instant::now();
    let done = |outcome| {
        sink.event(&Event::Done {
            at,
            effect: &text,
            already: outcome == Outcome::Already,
            ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        Ok((at.to_owned(), outcome))
    };
    if lock().done.contains(at) {
        return done(Outcome::Already);
    }
    match tools.observe(effect, made)? {
        State::Conflict(error) => {
            sink.event(&Event::Failed { at, effect: &text });
            return Err(error);
        }
        State::Done(commit) => {
            let made = effect.makes().map(str::to_owned).zip(commit);
            lock().done(at, made)?;
            return done(Outcome::Already);
        }
        State::Ready => {}
    }
    if let (Effect::Dispatch(dispatch), true) = (effect, lock().open.contains(at)) {
        // Nothing shows that a run was started, and nothing that none was: a second one could be one too many.
        sink.event(&Event::Failed { at, effect: &text });
        return Err(Error::unknown("an earlier try may have started this run")
            .at(dispatch.place.to_string())
            .hint("look at the runs there; to start one in any case, plan again"));
    }
    sink.event(&Event::Started { at, effect: &text });
    lock().started(at)?;
    match tools.act(at, effect, made, sink) {
        Ok(commit) => {
            let made = effect.makes().map(str::to_owned).zip(commit);
            lock().done(at, made)?;
            done(Outcome::Done)
        }
        // That somebody was not told stops no release.
        Err(error) if matches!(effect, Effect::Message(message) if !message.required) => {
            sink.event(&Event::Failed { at, effect: &text });
            let hint = error.hint.map_or_else(String::new, |hint| format!(" ({hint})"));
            sink.event(&Event::Note { text: &format!("{}{hint}", error.message) });
            lock().done(at, None)?;
            Ok((at.to_owned(), Outcome::Missed))
        }
        Err(error) => {
            sink.event(&Event::Failed { at, effect: &text });
            if error.kind != Kind::Unknown {
                lock().refused(at)?;
            }
            Err(error)
        }
    }
}
