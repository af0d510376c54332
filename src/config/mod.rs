//! `release-steps.yml`: strict, with a published schema, and errors that point at the line.

mod deploy;
mod forge;
mod load;
mod notify;
mod record;
mod scan;
mod types;

pub use deploy::{CommandProvider, DeployConfig, OnFailure};
pub use forge::{
    AttestationConfig, CommitsBy, CosignConfig, ForgeConfig, Opens, RequestsConfig, SignaturesConfig,
};
pub use load::{Loaded, load, parse_waivers, schema};
pub use notify::NotifyConfig;
pub use record::{RecordConfig, RefName};
pub use scan::{LongReport, ReportConfig, ScanConfig, ScanFiles, Waivers};
pub use types::*;
