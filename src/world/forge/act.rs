//! Requests, comments, checks and runs: looked at first, then brought to the state that an effect wants.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use std::collections::BTreeMap;

use super::desk::{Issue, IssueText};
use super::release::{self, Seen};
use super::{
    Commented, CommitText, Forge, Forges, Place, Request, RequestState, RequestText, Run, RunState, Status,
    View,
};
use crate::data::CommitId;
use crate::effect::{Comment, Dispatch, Effect, ForgeRequest, On, OpenIssue, SetStatus};
use crate::error::{Error, Result};
use crate::world::State;
use crate::world::http::Failure;

/// How long what was seen of a release counts as seen just now.
const FRESH: Duration = Duration::from_secs(30);
/// How often a change is tried, with a look before each.
const TRIES: u32 = 4;
/// How long a run takes to show, in seconds between looks.
const SHOWS_AFTER: [u64; 4] = [1, 2, 4, 8];
/// How long a run is waited for.
const LONGEST_RUN: Duration = Duration::from_secs(6 * 60 * 60);
/// How much of a failed job's log is shown.
const LOG_TAIL: usize = 4096;

/// The write side of the forges.
#[derive(Debug)]
pub struct Writer {
    forges: std::sync::Arc<Forges>,
    /// How to wait for a run.
    sleep: fn(Duration),
    /// What was seen of releases, by their tag, and when.
    seen: Mutex<BTreeMap<String, (Instant, Seen)>>,
}

impl Writer {
    /// A writer to these forges.
    pub fn new(forges: std::sync::Arc<Forges>) -> Self {
        Writer { forges, sleep: std::thread::sleep, seen: Mutex::default() }
    }

    /// The same with another way to wait for runs: tests have no half hour.
    #[must_use]
    pub fn waiting(self, sleep: fn(Duration)) -> Self {
        Writer { sleep, ..self }
    }

    /// How an effect stands; none for one that is not about a forge. `commit` is what a status or a release is about.
    pub fn observe(&self, effect: &Effect, commit: Option<CommitId>) -> Result<Option<State>> {
        Ok(Some(match effect {
            Effect::ForgeRelease(want) => {
                let forge = self.forges.at(&want.place)?;
                let lock = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                // A run looks at everything before it begins, and at each effect before it does it: once for both is enough
                // where nothing took long in between.
                let fresh = lock().remove(&want.tag).filter(|(at, _)| at.elapsed() < FRESH);
                let when = fresh.as_ref().map_or_else(Instant::now, |(at, _)| *at);
                let (state, seen) =
                    release::observe(forge.as_ref(), want, commit, fresh.map(|(_, seen)| seen))?;
                lock().insert(want.tag.clone(), (when, seen));
                state
            }
            Effect::ForgeRequest(want) => observe_request(self.forges.at(&want.place)?.as_ref(), want)?,
            Effect::OpenIssue(want) => match own_issue(self.forges.at(&want.place)?.as_ref(), want)? {
                Some(_) => State::Done(None),
                None => State::Ready,
            },
            Effect::Comment(want) => observe_comment(self.forges.at(&want.place)?.as_ref(), want)?,
            Effect::SetStatus(want) => observe_status(self.forges.at(&want.place)?.as_ref(), want, commit)?,
            Effect::Dispatch(want) => observe_run(self.forges.at(&want.place)?.as_ref(), want)?,
            _ => return Ok(None),
        }))
    }

    /// Lets a forge make a commit. `found` says whether the branch has it by now; it is asked before each try.
    pub fn commit(
        &self,
        place: &Place,
        text: &CommitText<'_>,
        found: &dyn Fn() -> Result<Option<CommitId>>,
    ) -> Result<CommitId> {
        let forge = self.forges.at(place)?;
        again(forge.as_ref(), || match found().map_err(Trouble::Refused)? {
            Some(there) => Ok(there),
            None => Ok(forge.commit(text)?),
        })
    }

    /// Does an effect that is about a forge. `line` gets what there is to tell while it takes time.
    pub fn act(
        &self,
        effect: &Effect,
        root: &Path,
        commit: Option<CommitId>,
        line: &dyn Fn(&str),
    ) -> Result<()> {
        match effect {
            Effect::ForgeRelease(want) => {
                let forge = self.forges.at(&want.place)?;
                let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(&want.tag);
                release::converge(forge.as_ref(), want, commit, root, seen.map(|(_, seen)| seen))
            }
            Effect::ForgeRequest(want) => {
                let forge = self.forges.at(&want.place)?;
                let request = again(forge.as_ref(), || converge_request(forge.as_ref(), want))?;
                line(&request.url);
                Ok(())
            }
            Effect::OpenIssue(want) => {
                let forge = self.forges.at(&want.place)?;
                let body = format!("{}\n{}", want.mark(), want.body.trim_end());
                let text = IssueText { title: &want.title, body: &body, labels: &want.labels };
                let issue = again(forge.as_ref(), || match own_issue(forge.as_ref(), want)? {
                    Some(issue) => Ok(issue),
                    None => Ok(forge.open_issue(text)?),
                })?;
                line(&issue.url);
                Ok(())
            }
            Effect::Comment(want) => write_comment(self.forges.at(&want.place)?.as_ref(), want),
            Effect::SetStatus(want) => {
                let forge = self.forges.at(&want.place)?;
                let commit = commit.ok_or_else(|| Error::outside(format!("{} is not there", want.commit)))?;
                again(forge.as_ref(), || {
                    if !has_status(&forge.statuses(commit)?, &want.status) {
                        forge.set_status(commit, &want.status)?;
                    }
                    Ok(())
                })
            }
            Effect::Dispatch(want) => dispatch(self.forges.at(&want.place)?.as_ref(), want, line, self.sleep),
            _ => Ok(()),
        }
    }
}

/// Why something was not done.
enum Trouble {
    Refused(Error),
    Failed(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Trouble::Failed(failure)
    }
}

/// Does something that looks first, and again after a failure that may have had an effect.
fn again<T>(forge: &dyn Forge, act: impl Fn() -> std::result::Result<T, Trouble>) -> Result<T> {
    let mut tries = 1;
    loop {
        match act() {
            Ok(value) => return Ok(value),
            Err(Trouble::Refused(error)) => return Err(error),
            Err(Trouble::Failed(failure))
                if failure.look_again() && tries < TRIES && forge.wait(&failure, tries + 1) => {}
            Err(Trouble::Failed(failure)) => return Err(failure.into()),
        }
        tries += 1;
    }
}

fn text(want: &ForgeRequest) -> RequestText<'_> {
    RequestText {
        head: &want.head,
        base: &want.base,
        title: &want.title,
        body: &want.body,
        labels: &want.labels,
        reviewers: &want.reviewers,
        draft: want.draft,
    }
}

/// Whether an open request is as it is wanted. People may have added labels and reviewers.
fn is_as_wanted(request: &Request, want: &ForgeRequest) -> bool {
    // GitLab keeps "draft" in the title; whoever takes that away says that it is ready.
    let title = request.title.strip_prefix("Draft: ").filter(|_| want.draft).unwrap_or(&request.title);
    let asked =
        |who: &String| request.reviewers.iter().any(|r| r.eq_ignore_ascii_case(who) || *r == request.author);
    title == want.title
        && request.body.trim() == want.body.trim()
        && want.labels.iter().all(|label| request.labels.contains(label))
        && want.reviewers.iter().all(asked)
}

/// What is to become of the newest request between two branches.
fn judge_request(
    forge: &dyn View,
    there: Option<&Request>,
    want: &ForgeRequest,
) -> std::result::Result<State, Failure> {
    Ok(match there {
        None => State::Ready,
        Some(request) if request.state == RequestState::Open => match is_as_wanted(request, want) {
            true => State::Done(None),
            false => State::Ready,
        },
        Some(request) => {
            // What was merged or closed counts for the commits that it was about; new ones want a new request.
            let head = forge.ref_target(&format!("heads/{}", want.head))?;
            match (head.is_some_and(|head| head == request.commit), request.state) {
                (false, _) => State::Ready,
                (true, RequestState::Merged) => State::Done(None),
                (true, _) => State::Conflict(
                    Error::no(format!(
                        "request {} for {} was closed without being merged",
                        request.number, want.head
                    ))
                    .at(request.url.clone())
                    .hint("open it again, or delete the branch"),
                ),
            }
        }
    })
}

/// How a request stands.
pub fn observe_request(forge: &dyn View, want: &ForgeRequest) -> Result<State> {
    let there = forge.request(&want.head, &want.base)?;
    Ok(judge_request(forge, there.as_ref(), want)?)
}

fn converge_request(forge: &dyn Forge, want: &ForgeRequest) -> std::result::Result<Request, Trouble> {
    let there = forge.request(&want.head, &want.base)?;
    match (judge_request(forge, there.as_ref(), want)?, there) {
        (State::Conflict(error), _) => Err(Trouble::Refused(error)),
        (State::Done(_), Some(request)) => Ok(request),
        (_, Some(request)) if request.state == RequestState::Open => {
            Ok(forge.update_request(&request, &text(want))?)
        }
        _ => Ok(forge.open_request(&text(want))?),
    }
}

fn commented(forge: &dyn Forge, on: &On) -> std::result::Result<Option<Commented>, Failure> {
    Ok(match on {
        On::Number(number) => Some(Commented::Request(*number)),
        On::Branches { head, base } => {
            forge.request(head, base)?.map(|request| Commented::Request(request.number))
        }
        On::Commit(commit) => Some(Commented::Commit(*commit)),
    })
}

/// The issue that an earlier try opened.
fn own_issue(forge: &dyn Forge, want: &OpenIssue) -> std::result::Result<Option<Issue>, Failure> {
    forge.issue_with(&want.mark(), want.labels.first().map_or("", String::as_str))
}

/// Our comment, and whether it says what it should.
fn own_comment(
    forge: &dyn Forge,
    want: &Comment,
    on: Commented,
) -> std::result::Result<Option<(String, bool)>, Failure> {
    let mark = want.mark();
    let own = forge.comments(on)?.into_iter().find(|comment| comment.body.contains(&mark));
    // Forges store line ends in their own way.
    let plain = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
    Ok(own.map(|comment| (comment.id, plain(&comment.body) == plain(&want.text()))))
}

fn observe_comment(forge: &dyn Forge, want: &Comment) -> Result<State> {
    let Some(on) = commented(forge, &want.on)? else { return Ok(State::Ready) };
    Ok(match own_comment(forge, want, on)? {
        Some((_, true)) => State::Done(None),
        _ => State::Ready,
    })
}

/// Writes a comment, or writes it anew.
pub fn write_comment(forge: &dyn Forge, want: &Comment) -> Result<()> {
    again(forge, || converge_comment(forge, want))
}

fn converge_comment(forge: &dyn Forge, want: &Comment) -> std::result::Result<(), Trouble> {
    let Some(on) = commented(forge, &want.on)? else {
        return Err(Trouble::Refused(
            Error::no(format!("there is no {} to comment on", want.on)).at(want.place.to_string()),
        ));
    };
    let written = match own_comment(forge, want, on) {
        Ok(Some((_, true))) => Ok(()),
        Ok(Some((id, false))) => forge.write_comment(on, Some(&id), &want.text()),
        Ok(None) => forge.write_comment(on, None, &want.text()),
        Err(failure) => Err(failure),
    };
    written.map_err(|failure| match on {
        // GitHub answers 422 to a commit that it does not have.
        Commented::Commit(_) if failure.absent() || failure.status() == Some(422) => Trouble::Refused(
            Error::outside(format!("{} has no {}, or the token may not see it", want.place, want.on))
                .at(failure.url)
                .hint("push the commit before it is commented on"),
        ),
        _ => Trouble::Failed(failure),
    })
}

fn has_status(there: &[Status], want: &Status) -> bool {
    there.iter().any(|status| status == want)
}

fn observe_status(forge: &dyn Forge, want: &SetStatus, commit: Option<CommitId>) -> Result<State> {
    let Some(commit) = commit else { return Ok(State::Ready) };
    // A commit that is not pushed yet has none.
    let there = match forge.statuses(commit) {
        Err(e) if e.absent() || e.status() == Some(422) => Vec::new(),
        answer => answer?,
    };
    Ok(if has_status(&there, &want.status) { State::Done(None) } else { State::Ready })
}

fn observe_run(forge: &dyn Forge, want: &Dispatch) -> Result<State> {
    Ok(match forge.find_run(&want.run)? {
        Some(run) if !want.wait => {
            drop(run);
            State::Done(None)
        }
        Some(run) if run.state == RunState::Success => State::Done(None),
        _ => State::Ready,
    })
}

/// Starts a run unless it was started before, and follows it to its end where that is wanted.
fn dispatch(forge: &dyn Forge, want: &Dispatch, line: &dyn Fn(&str), sleep: fn(Duration)) -> Result<()> {
    let run = again(forge, || {
        if let Some(run) = forge.find_run(&want.run)? {
            return Ok(Some(run));
        }
        match forge.start_run(&want.run) {
            Ok(run) => Ok(run),
            // It may have been started, and may never show which one it is: never a second time.
            Err(failure) if failure.uncertain() => match wait_for_run(forge, want, sleep)? {
                Some(run) => Ok(Some(run)),
                None => Err(Trouble::Refused(failure.into())),
            },
            Err(failure) => Err(failure.into()),
        }
    })?;
    let run = match run {
        Some(run) => run,
        // A server that does not say which run it started is asked for the run with the text.
        None => {
            let found = wait_for_run(forge, want, sleep)?;
            match found {
                Some(run) => run,
                None if !want.wait => return Ok(()),
                None => {
                    return Err(Error::unknown("the run was started, and cannot be told from others")
                        .at(want.place.to_string())
                        .hint(format!(
                            "let the workflow's `run-name` hold the input that says `{}`",
                            want.run.correlation
                        )));
                }
            }
        }
    };
    line(&run.url);
    if want.wait { follow(forge, run, line, sleep) } else { Ok(()) }
}

/// Looks for a run that should show soon.
fn wait_for_run(
    forge: &dyn Forge,
    want: &Dispatch,
    sleep: fn(Duration),
) -> std::result::Result<Option<Run>, Failure> {
    for pause in SHOWS_AFTER {
        sleep(Duration::from_secs(pause));
        if let Some(run) = forge.find_run(&want.run)? {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

/// How long a run is left alone after it was looked at this often: short ones are seen to end soon, and half an hour costs
/// less than a hundred looks.
fn pause(looks: u32) -> Duration {
    Duration::from_secs(match looks {
        0..=3 => 5,
        4..=30 => 15,
        _ => 25,
    })
}

/// Looks at a run until it ends, and tells what changes. How it ends is the answer.
fn follow(forge: &dyn Forge, run: Run, line: &dyn Fn(&str), sleep: fn(Duration)) -> Result<()> {
    let mut waited = Duration::ZERO;
    let mut run = run;
    let mut said = String::new();
    let mut looks = 0;
    while run.state == RunState::Going {
        if run.said != said {
            line(&run.said);
            said = run.said.clone();
        }
        if waited > LONGEST_RUN {
            return Err(Error::unknown(format!(
                "the run has not ended after {} hours",
                LONGEST_RUN.as_secs() / 3600
            ))
            .at(run.url));
        }
        sleep(pause(looks));
        waited += pause(looks);
        looks += 1;
        run = forge.run(run.id)?;
    }
    let jobs = forge.jobs(run.id)?;
    for job in &jobs {
        line(&format!("{}: {}", job.name, job.said));
    }
    if run.state == RunState::Success {
        return Ok(());
    }
    let failed = jobs.iter().find(|job| job.state == RunState::Failure);
    let tail = match failed {
        // The log is an extra: that the run failed is the answer.
        Some(job) => forge.log_tail(job.id, LOG_TAIL).unwrap_or_default(),
        None => String::new(),
    };
    let name = failed.map(|job| format!(", job {}", job.name)).unwrap_or_default();
    Err(Error::no(format!("the run ended with {}{name}", run.said)).at(run.url).detail(tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_hour_costs_less_than_a_hundred_looks() {
        let half_an_hour = Duration::from_secs(30 * 60);
        let mut passed = Duration::ZERO;
        let looks = (0..).take_while(|looks| {
            passed += pause(*looks);
            passed <= half_an_hour
        });
        // With the start, the look for the run before it, its jobs and a log: at most 120 calls, none of them taken for free.
        let looks = looks.count();
        assert!((60..100).contains(&looks), "{looks}");
        assert_eq!(pause(0), Duration::from_secs(5));
    }
}
