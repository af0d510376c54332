//! Arguments that several commands share: what release a person asks for.

use crate::error::{Error, Result};
use crate::survey::Ask;

/// Which packages, and on which channel.
#[derive(Debug, clap::Args)]
pub struct Of {
    /// A pre-release of this channel: `rc` makes 1.3.0-rc.1
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// Only this package
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
}

/// The same, and the version that it is to be.
#[derive(Debug, clap::Args)]
pub struct Asked {
    /// `major`, `minor`, `patch`, `prerelease` or a version [default: what the commits say]
    to: Option<String>,
    #[command(flatten)]
    of: Of,
}

impl Of {
    /// What the commits say of it.
    pub fn ask(&self) -> Ask {
        Ask { channel: self.channel.clone(), package: self.package.clone(), request: None }
    }
}

impl Asked {
    /// As the survey takes it.
    pub fn ask(&self) -> Result<Ask> {
        let request = match &self.to {
            None => None,
            Some(text) => Some(text.parse().map_err(|e| Error::usage(format!("{e}")))?),
        };
        Ok(Ask { request, ..self.of.ask() })
    }
}
