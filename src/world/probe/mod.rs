//! Looks whether what was deployed answers: all checks at once, each until it is as expected, within one deadline.

mod grpc;
mod http;
mod net;
mod program;
mod tls;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::error::{Error, Result};
use crate::rules::smoke::config::{Check, Kind};
use crate::rules::smoke::{Look, Outcome, Verdict, text};
use crate::world::http::runtime;

pub use http::Clients;

/// The pause after the first look that was not as expected; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// With less time left, no other look is begun, and one that did not end well was cut short.
const TOO_LATE: Duration = Duration::from_millis(40);

/// What all looks share.
pub struct Probe {
    /// The folder in which commands run, and from which files are named.
    pub root: PathBuf,
    /// The variables that checks name, with their values.
    pub variables: HashMap<String, String>,
    /// The version that was deployed, where it is known.
    pub version: Option<String>,
    /// How long all checks may take together.
    pub within: Duration,
    /// How many checks look at the same time.
    pub at_once: usize,
    /// Whether a check is looked at again until it is as expected.
    pub again: bool,
    /// Takes secrets out of a text that came from outside, before any of it is cut and shown.
    pub clean: Box<dyn Fn(&str) -> String + Send + Sync>,
    clients: Clients,
}

impl Probe {
    /// With nothing known of variables and version yet.
    pub fn new(root: PathBuf, within: Duration, at_once: usize, again: bool) -> Self {
        let (variables, version) = (HashMap::new(), None);
        let clean = Box::new(str::to_owned);
        Probe { root, variables, version, within, at_once, again, clean, clients: Clients::default() }
    }

    /// Looks at all; `told` gets each outcome as it comes. The answer has the order of the checks.
    pub fn run(self, checks: &[Check], told: &dyn Fn(&Outcome)) -> Result<Vec<Outcome>> {
        let runtime = runtime()?;
        let started = Instant::now();
        let cx = Arc::new(self);
        let permits = Arc::new(Semaphore::new(cx.at_once.max(1)));
        let mut found: Vec<Option<Outcome>> = vec![None; checks.len()];
        runtime.block_on(async {
            let mut running = JoinSet::new();
            for (at, check) in checks.iter().enumerate() {
                let (cx, permits, check) = (cx.clone(), permits.clone(), check.clone());
                running.spawn(async move { (at, settle(&cx, &permits, &check, started).await) });
            }
            while let Some(ended) = running.join_next().await {
                let Ok((at, outcome)) = ended else { continue };
                told(&outcome);
                found[at] = Some(outcome);
            }
        });
        let all: Option<Vec<Outcome>> = found.into_iter().collect();
        all.ok_or_else(|| Error::outside("a check ended in a panic"))
    }

    /// A text with its variables put in.
    fn expand(&self, template: &str) -> std::result::Result<String, Look> {
        text::expand(template, |name| self.variables.get(name).cloned()).map_err(unset)
    }

    /// The same for an address.
    fn expand_url(&self, template: &str) -> std::result::Result<String, Look> {
        text::expand_url(template, |name| self.variables.get(name).cloned()).map_err(unset)
    }
}

fn unset(name: &str) -> Look {
    Look::unknown(format!("the variable {name} is not set"))
}

/// Looks until it is as expected, or until the time is over.
async fn settle(cx: &Arc<Probe>, permits: &Semaphore, check: &Check, started: Instant) -> Outcome {
    let deadline = started + cx.within;
    let mut pause = FIRST_PAUSE;
    let mut outcome = Outcome {
        name: check.shown(),
        kind: check.kind.name(),
        verdict: Verdict::Unknown,
        why: format!("its turn did not come within {:?}", cx.within),
        tries: 0,
        ms: 0,
        before: Vec::new(),
    };
    let mut said: Option<String> = None;
    loop {
        let turn = tokio::time::timeout_at(deadline.into(), permits.acquire()).await;
        let left = || deadline.saturating_duration_since(Instant::now());
        // Those that are cut short at the deadline hand on their turns too late.
        let Ok(Ok(permit)) = turn else { break };
        if left() < TOO_LATE.min(cx.within / 2) {
            break;
        }
        outcome.tries += 1;
        let look = look(cx, check, deadline).await;
        drop(permit);
        if look.verdict != Verdict::Pass && outcome.tries > 1 && left() < TOO_LATE {
            // What an earlier look saw says more than that this one had no time.
            break;
        }
        if let Some(before) = said.replace(look.why.clone()).filter(|before| *before != look.why) {
            outcome.before.push(format!("before try {}: {before}", outcome.tries));
        }
        (outcome.verdict, outcome.why) = (look.verdict, look.why);
        let left = left();
        if outcome.verdict == Verdict::Pass || !cx.again || left < TOO_LATE {
            break;
        }
        // Near the end the pauses grow shorter, so that the last look is as late as can be.
        tokio::time::sleep(pause.min((left / 2).max(TOO_LATE)).min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    outcome.ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    outcome
}

/// Looks once; it takes as long as the check says, and never longer than to the deadline.
async fn look(cx: &Arc<Probe>, check: &Check, deadline: Instant) -> Look {
    let left = deadline.saturating_duration_since(Instant::now());
    let looked = async {
        match &check.kind {
            Kind::Http(it) => http::look(cx, it, it.timeout.std().min(left)).await,
            Kind::Tcp(it) => net::tcp(&it.address, it.timeout.std().min(left)).await,
            Kind::Dns(it) => net::dns(it, it.timeout.std().min(left)).await,
            Kind::Tls(it) => tls::look(&cx.clients, it, it.timeout.std().min(left)).await,
            Kind::Grpc(it) => grpc::look(&cx.clients, it, it.timeout.std().min(left)).await,
            Kind::Command(it) => program::command(cx, it, left).await,
            Kind::Hurl(it) => program::hurl(cx, it, left).await,
        }
    };
    match tokio::time::timeout_at(deadline.into(), looked).await {
        Ok(look) => look,
        Err(_) => Look::fail("it did not answer before the deadline of all checks"),
    }
}

/// Waits for something for so long.
async fn within<T>(
    time: Duration,
    what: impl Future<Output = std::result::Result<T, Look>>,
) -> std::result::Result<T, Look> {
    match tokio::time::timeout(time, what).await {
        Ok(done) => done,
        Err(_) => Err(Look::fail(format!(
            "no answer within {}",
            crate::rules::smoke::judge::shown(time.as_secs_f64())
        ))),
    }
}

/// The innermost reason of an error, which says what happened.
fn reason(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        said = inner.to_string();
        source = inner.source();
    }
    said
}
