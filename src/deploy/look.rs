//! What looks at a deployment: the provider's own command, smoke checks, watches.

use super::{Place, What, same};
use crate::effect::{Effect, Smoke, Verify};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::Deploying;
use crate::rules::record::standing::standing;
use crate::rules::record::{Deployment, Record, folder};
use crate::rules::smoke::config::AT_ONCE;

/// What a deployment may leave out, because another job does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Skip {
    /// The gate before.
    Gate,
    /// The smoke checks after.
    Smoke,
    /// The watch after.
    Verify,
}

impl Place<'_> {
    /// The looks at a version, in order. A version that was put back is not watched for long.
    pub(super) fn looks(&self, what: &What, skip: &[Skip], back: bool) -> Result<Vec<Effect>> {
        let (facts, environment) = (self.facts, &self.environment);
        let mut effects = Vec::new();
        if let Some(line) = &self.config.command.verify {
            effects.push(self.command(line, what, format!("look whether {} is well", what.version), false));
        }
        let unset = |name: &String| facts.env.get(name).is_none();
        let missing = |name: String, at: String| {
            Error::usage(format!("the variable {name} is not set")).at(at).hint("set it in the environment")
        };
        if let Some(smoke) = facts.config.smoke.get(environment).filter(|_| !skip.contains(&Skip::Smoke)) {
            let look = Smoke {
                environment: environment.clone(),
                within: smoke.within,
                at_once: AT_ONCE.min(smoke.checks.len()),
                again: true,
                version: Some(what.version.trim_start_matches('v').to_owned()),
                junit: None,
                checks: smoke.checks.clone(),
            };
            if let Some(name) = look.variables().into_iter().find(unset) {
                return Err(missing(name, format!("smoke.{environment}")));
            }
            effects.push(Effect::Smoke(look));
        }
        let watch = facts.config.verify.get(environment).filter(|_| !skip.contains(&Skip::Verify) && !back);
        if let Some(verify) = watch {
            if let Some(name) = verify.variables().into_iter().find(unset) {
                return Err(missing(name, format!("verify.{environment}")));
            }
            effects.push(Effect::Verify(Verify {
                environment: environment.clone(),
                verify: verify.clone(),
                deployed: what.version.clone(),
                since: Some(facts.now.timestamp()),
                state: facts.watch_state(environment).display().to_string(),
                restart: false,
                summary: None,
            }));
        }
        Ok(effects)
    }
}

/// What is live in an environment that is deployed to, for a look at it by itself: its answer is recorded. None where
/// no record speaks of it, or where another version is meant.
pub fn deployed(facts: &Facts<'_>, environment: &str, version: Option<&str>) -> Result<Option<Deploying>> {
    if !facts.config.deploy.contains_key(environment) {
        return Ok(None);
    }
    let texts = facts.store()?.read(&folder(environment))?;
    let records: Vec<Record> = texts.values().filter_map(|text| Record::parse(text).ok()).collect();
    let Some(live) = standing(&records).live else { return Ok(None) };
    if version.is_some_and(|version| !same(version, &live.version)) {
        return Ok(None);
    }
    let Some(known) = live.record.deployment else { return Ok(None) };
    let what = Deployment { version: live.version, verifies: true, recovery: None, bad_since: None, ..known };
    let store = facts.store()?;
    Ok(Some(Deploying {
        from: 1,
        to: 1,
        what,
        kept: store.shared().then(|| store.to_string()),
        failed: Vec::new(),
    }))
}
