//! `deploy:` of the configuration.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::data::{Lapse, Period};

/// How an environment is deployed to.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeployConfig {
    /// The command lines of whatever deploys: Terraform, Ansible, a script, `npm run deploy:prod`.
    pub command: CommandProvider,
    /// The environment in which a version must be verified before it may come here: `staging`.
    #[serde(default)]
    pub after: Option<String>,
    /// What is deployed, as globs from the top of the repository. The digests are recorded, and nothing else than what was
    /// recorded for a version is deployed under its name.
    #[serde(default)]
    pub artifacts: Vec<String>,
    /// Whether what was there before is put back by itself when the deployment or a look at it says no.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// How long a recovery may take.
    #[serde(default = "quarter")]
    pub objective: Period,
    /// How long after a deployment a rollback is offered: `7d`.
    #[serde(default)]
    pub rollback_within: Option<Lapse>,
    /// Variables that must be there, besides those of `.env.example`, for `env check`.
    #[serde(default)]
    pub variables: Vec<String>,
}

/// The command lines, each for `sh -c` at the top of the repository, with `VERSION`, `ENVIRONMENT` and, where they are known,
/// `TAG`, `COMMIT` and `PREVIOUS_VERSION` set.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CommandProvider {
    /// Brings `VERSION` live. It may run again after a crash: it must not mind.
    pub deploy: String,
    /// Prints the version that is live. It only looks, and runs while planning. Without it, the records say what is live.
    #[serde(default)]
    pub version: Option<String>,
    /// Ends once what was deployed is ready.
    #[serde(default)]
    pub wait: Option<String>,
    /// Ends with 0 when what was deployed is well. Smoke checks and watches of the environment come after it.
    #[serde(default)]
    pub verify: Option<String>,
    /// Brings `VERSION`, an older one, back. Default: `deploy`.
    #[serde(default)]
    pub rollback: Option<String>,
    /// Variables for all of them.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// How long each may take; then it is killed and has failed.
    #[serde(default = "half_hour")]
    pub within: Period,
}

/// What is done when a deployment fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The last verified version is put back.
    #[default]
    Rollback,
    /// Nothing: a person decides.
    Hold,
}

fn quarter() -> Period {
    Period::secs(15 * 60)
}

fn half_hour() -> Period {
    Period::secs(30 * 60)
}
