//! The only place that changes the outside: looks at every effect, then does what is missing, wave by wave.

mod artifacts;
mod look;
mod record;
mod verify;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::Timestamp;

use crate::data::{CommitId, Period};
use crate::effect::{ByForge, Command, Commit, Effect, Rev};
use crate::env::Env;
use crate::error::{Error, Kind, Result};
use crate::event::{Event, Sink};
use crate::journal::Journal;
use crate::plan::{ASKED, Answer, Deploying, Finding, Plan, Precondition, Wave};
use crate::redact::Redactor;
use crate::rules::record::{Outcome as Ended, folder};
use crate::world::State;
use crate::world::files;
use crate::world::forge::{CommitText, Forges, act};
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
    store: Store,
    local: Store,
    told: Mutex<Told>,
}

pub use look::{Told, look};
use record::Tee;

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
    /// Tools for the repository whose work tree has its top at `root`, for these forges, and for records: those that
    /// others need, and those that stay.
    pub fn new(root: &Path, forges: Arc<Forges>, store: Store, local: Store) -> Self {
        Tools {
            root: root.to_owned(),
            git: Writer::new(root),
            messages: messages::Writer::new(store.clone(), forges.clone()),
            forge: act::Writer::new(forges),
            env: Env::default(),
            redactor: Redactor::default(),
            store,
            local,
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
            Effect::Commit(commit) => match &commit.by {
                Some(by) => self.git.observe_by_forge(commit, by, made),
                None => self.git.observe_commit(commit, made),
            },
            Effect::Branch(branch) => self.git.observe_branch(branch, made),
            Effect::Tag(tag) => self.git.observe_tag(tag, made),
            Effect::Push(push) => self.git.observe_push(push, made),
            Effect::Command(_) | Effect::Artifacts(_) | Effect::Smoke(_) | Effect::Verify(_) => {
                Ok(State::Ready)
            }
            Effect::Message(message) => self.messages.observe(message),
            _ => Ok(self.forge.observe(effect, self.subject(effect, made)?)?.unwrap_or(State::Ready)),
        }
    }

    fn act(&self, at: &str, effect: &Effect, made: &Made, sink: &dyn Sink) -> Result<Option<CommitId>> {
        match effect {
            Effect::WriteFile(edit) => files::write(&self.root, edit).map(|()| None),
            Effect::Commit(commit) => match &commit.by {
                Some(by) => self.commit_by_forge(commit, by, made).map(Some),
                None => self.git.commit(commit, made).map(Some),
            },
            Effect::Branch(branch) => self.git.branch(branch, made).map(|()| None),
            Effect::Tag(tag) => self.git.tag(tag, made).map(|()| None),
            Effect::Push(push) => self.git.push(push, made).map(|()| None),
            Effect::Command(command) => self.run(at, command, sink).map(|()| None),
            Effect::Message(message) => self.messages.send(message, &self.env, &self.redactor).map(|()| None),
            Effect::Artifacts(artifacts) => self.artifacts(artifacts).map(|()| None),
            Effect::Smoke(smoke) => self.smoke(at, smoke, sink).map(|()| None),
            Effect::Verify(watch) => self.verify(at, watch, sink).map(|()| None),
            _ => {
                let line = |line: &str| sink.event(&Event::Output { at, line });
                self.forge.act(effect, &self.root, self.subject(effect, made)?, &line).map(|()| None)
            }
        }
    }

    /// Lets the forge make a commit unless the remote's branch has it, and brings it here.
    fn commit_by_forge(&self, commit: &Commit, by: &ByForge, made: &Made) -> Result<CommitId> {
        let wanted = self.git.wanted(commit, made)?;
        let text = CommitText {
            branch: &by.branch,
            parent: wanted.parent,
            before: by.before,
            message: commit.message.trim_end(),
            author: wanted.author.as_ref().map(|(name, email)| (name.as_str(), email.as_str())),
            changes: &wanted.changes,
        };
        let found = || self.git.found_at_remote(commit, by, wanted.parent, made);
        let id = self.forge.commit(&by.place, &text, &found)?;
        self.git.land(commit, by, &wanted, id)?;
        Ok(id)
    }

    fn run(&self, at: &str, command: &Command, sink: &dyn Sink) -> Result<()> {
        let dir = match &command.dir {
            Some(dir) => files::locate(&self.root, dir)?,
            None => self.root.clone(),
        };
        process::shell(&command.line, &dir, &command.env, command.within.map(Period::std), &|line| {
            sink.event(&Event::Output { at, line });
        })
        .map_err(|error| match &command.what {
            Some(what) => Error { message: format!("{what}: {}", error.message), ..error },
            None => error,
        })
    }

    fn holds(&self, condition: &Precondition) -> Result<()> {
        match condition {
            Precondition::Live { environment, command, version } => {
                let output = process::ask(command, &self.root, ASKED)?;
                let now = output.text();
                match output.ok() && now == *version {
                    true => Ok(()),
                    false => Err(Error::no(format!(
                        "{environment} changed since the plan: {version} was live, now `{command}` says {now:?}"
                    ))
                    .hint("plan again")),
                }
            }
            Precondition::Recorded { environment, last } => {
                let now = self.store.read(&folder(environment))?.pop_last().map(|(path, _)| path);
                match now == *last {
                    true => Ok(()),
                    false => {
                        Err(Error::no(format!("somebody deployed to {environment} since the plan was made"))
                            .at(now.unwrap_or_default())
                            .hint("plan again"))
                    }
                }
            }
            _ => self.git.holds(condition),
        }
    }
}

/// Applies a plan: refuses it when its findings (but for effects that are made regardless of them) or its preconditions
/// say no, looks at every effect before the first one is
/// done, and journals each before the next starts.
///
/// A run that was begun before goes on: what its journal or the world shows as done is not done again.
pub fn apply(plan: &Plan, tools: &Tools, journal: &mut Journal, sink: &dyn Sink) -> Result<Report> {
    let started = Timestamp::now();
    let tee = Tee::new(sink);
    let result = run(plan, tools, journal, &tee);
    tools.keep(plan, &result, &tee, started);
    result
}

fn run(plan: &Plan, tools: &Tools, journal: &mut Journal, tee: &Tee<'_>) -> Result<Report> {
    if let Some((number, error)) = journal.back.clone() {
        return back(plan, number, error, tools, journal, tee);
    }
    if !plan.regardless {
        plan.verdict()?;
    }
    if !journal.begun() {
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
    for (wave, number) in plan.waves.iter().zip(1..) {
        plan.deployments.iter().filter(|it| it.from == number).try_for_each(|it| tools.begin(plan, it))?;
        match in_wave(wave, &format!("{number}."), tools, journal, tee) {
            Ok(done) => report.extend(done),
            Err(broken) => {
                let (at, error) = *broken;
                if let Some(number) = falls_back(plan, number, &at, &error, journal) {
                    return back(plan, number, error, tools, journal, tee);
                }
                let looks = plan.effects().any(|(place, effect)| place == at && effect.only_looks());
                let outcome = match looks && error.kind != Kind::No {
                    _ if !acted(plan, number, journal) => Ended::Refused,
                    true => Ended::Unverified,
                    false => Ended::Failed,
                };
                tools.wave_failed(plan, number, outcome, &error, tee)?;
                if outcome != Ended::Unverified {
                    tell_failed(plan, number, tools, journal, tee);
                }
                return Err(error);
            }
        }
        tools.wave_done(plan, number, tee)?;
    }
    journal.finish("done")?;
    Ok(report)
}

/// An effect that failed, by its place.
type Broken = Box<(String, Error)>;

fn in_wave(
    wave: &Wave,
    before: &str,
    tools: &Tools,
    journal: &mut Journal,
    sink: &dyn Sink,
) -> std::result::Result<Report, Broken> {
    let name = |(e, effect)| (format!("{before}{}", e + 1), effect);
    let places: Vec<(String, &Effect)> = wave.effects.iter().enumerate().map(name).collect();
    let mut report = Report::new();
    for some in places.chunks(SIDE_BY_SIDE) {
        report.extend(side_by_side(some, tools, journal, sink)?);
    }
    Ok(report)
}

/// The fallback to turn to after an effect failed: none when nothing that it would put back was begun, and none when the
/// effect only looks and could not tell, for then nothing says that it is bad.
fn falls_back(plan: &Plan, wave: usize, at: &str, error: &Error, journal: &Journal) -> Option<usize> {
    let number = plan.fallback_of(wave)?;
    if !plan.fallbacks.get(number)?.always && !acted(plan, wave, journal) {
        return None;
    }
    let looks = plan.effects().any(|(place, effect)| place == at && effect.only_looks());
    (!looks || error.kind == Kind::No).then_some(number)
}

/// Whether the deployment of a wave has begun to change anything.
fn acted(plan: &Plan, wave: usize, journal: &Journal) -> bool {
    let of = |it: &&Deploying| (it.from..=it.to).contains(&wave);
    let Some(it) = plan.deployments.iter().find(of) else { return true };
    plan.effects().any(|(at, effect)| {
        let wave = at.split('.').next().and_then(|wave| wave.parse().ok()).unwrap_or(0);
        (it.from..=it.to).contains(&wave) && !effect.only_looks() && journal.tried.contains(&at)
    })
}

/// Puts back what was there before, and says why. Never ends well: the plan did not do what it was for.
fn back(
    plan: &Plan,
    number: usize,
    error: Error,
    tools: &Tools,
    journal: &mut Journal,
    tee: &Tee<'_>,
) -> Result<Report> {
    let Some(fallback) = plan.fallbacks.get(number) else {
        return Err(Error::usage("the journal names a fallback that the plan does not have"));
    };
    if journal.back.is_none() {
        journal.back(number, &error)?;
    }
    tee.event(&Event::Back { what: &fallback.what, why: &error.message });
    for (wave, at) in fallback.waves.iter().zip(1..) {
        if let Err(broken) = in_wave(wave, &format!("b{}.{at}.", number + 1), tools, journal, tee) {
            let (at, second) = *broken;
            let message =
                format!("{}; {} failed too, at {at}: {}", error.message, fallback.what, second.message);
            let error = Error { message, kind: Kind::Outside, ..second }
                .hint("somebody must look now; then `release-steps resume` goes on putting it back");
            tools.wave_failed(plan, fallback.from, Ended::Failed, &error, tee)?;
            tell_failed(plan, fallback.from, tools, journal, tee);
            return Err(error);
        }
    }
    if !fallback.restores {
        tools.wave_failed(plan, fallback.from, Ended::Failed, &error, tee)?;
        journal.finish("failed")?;
        return Err(error);
    }
    let took = tools.recovered(plan, fallback.from, tee);
    let message = format!("{}; {}{took}", error.message, fallback.done);
    let error = Error { message, kind: Kind::No, ..error };
    tools.wave_failed(plan, fallback.from, Ended::RolledBack, &error, tee)?;
    journal.finish("back")?;
    Err(error)
}

/// Tells that the deployment of a wave failed and was not put back. What is in the way of that is the smaller trouble.
fn tell_failed(plan: &Plan, wave: usize, tools: &Tools, journal: &mut Journal, sink: &dyn Sink) {
    let number = plan.deployments.iter().position(|it| (it.from..=it.to).contains(&wave));
    let messages: Vec<(String, &Effect)> =
        number.into_iter().flat_map(|number| plan.failed(number)).collect();
    if let (false, Err(broken)) = (messages.is_empty(), side_by_side(&messages, tools, journal, sink)) {
        let (at, error) = *broken;
        sink.event(&Event::Note {
            text: &format!("not everybody was told that it failed, at {at}: {error}"),
        });
    }
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
    if let Some((number, _)) = journal.back {
        return Ok(plan.fallback(number).all(|(at, _)| journal.done.contains(&at)));
    }
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
) -> std::result::Result<Report, Broken> {
    let made = journal.made.clone();
    let shared = Mutex::new(journal);
    let one = |at: &String, effect: &Effect| {
        one(at, effect, tools, &made, &shared, sink).map_err(|error| Box::new((at.clone(), error)))
    };
    if let [(at, effect)] = effects {
        return Ok(vec![one(at, effect)?]);
    }
    let results: Vec<std::result::Result<(String, Outcome), Broken>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            effects.iter().map(|(at, effect)| (at, scope.spawn(|| one(at, effect)))).collect();
        let ended = |(at, thread): (&String, std::thread::ScopedJoinHandle<'_, _>)| {
            let panicked = || Box::new((at.clone(), Error::outside("an effect ended in a panic")));
            thread.join().unwrap_or_else(|_| Err(panicked()))
        };
        threads.into_iter().map(ended).collect()
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
            let hint = error.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
            sink.event(&Event::Missed { at, effect: &text, why: &format!("{}{hint}", error.message) });
            let found = Finding::new(Answer::Warning, "notify", format!("{text}: {}", error.message));
            tools.note([Finding { at: error.at, hint: error.hint, ..found }], []);
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
