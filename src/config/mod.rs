//! `release-steps.yml`: strict, with a published schema, and errors that point at the line.

mod deploy;
mod forge;
mod load;
mod notify;
mod record;
mod scan;
mod types;
mod version;

pub use deploy::{CommandProvider, DeployConfig, OnFailure};
pub use forge::{
    AttestationConfig, CommitsBy, CosignConfig, ForgeConfig, Opens, RequestsConfig, SignaturesConfig,
};
pub use load::{Loaded, SCHEMA, load, parse_waivers};
pub use notify::NotifyConfig;
pub use record::{RecordConfig, RefName};
pub use scan::{LongReport, ReportConfig, ScanConfig, ScanFiles, Waivers};
pub use types::*;
pub use version::{FileConfig, TagShape, VersionConfig};

use std::collections::BTreeSet;

impl Config {
    /// The variables that it names where secrets stand: their values are secrets whatever the variables are called.
    pub fn secrets(&self) -> BTreeSet<String> {
        let checks =
            self.smoke.values().flat_map(|smoke| &smoke.checks).flat_map(|check| check.kind.secrets());
        let watches = self.verify.values().flat_map(|watch| watch.secrets());
        let channels = self.notify.channels.values().flat_map(|service| service.needs());
        let named = channels.chain(self.forge.token_env.as_deref()).map(str::to_owned);
        checks.chain(watches).chain(named).collect()
    }
}
