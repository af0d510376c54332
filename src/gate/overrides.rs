//! Checks of a gate that pass whatever they say, because a person answers for it.

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::rules::gate::{Check, Override, refused};

/// Which checks are overridden, why, by whom and until when.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Overrides {
    /// Let this check pass whatever it says; needs --reason, --by and --until
    #[arg(long = "override", value_name = "CHECK", value_delimiter = ',', requires_all = ["reason", "by", "until"])]
    overrides: Vec<String>,
    /// Why checks are overridden
    #[arg(long, requires = "overrides")]
    reason: Option<String>,
    /// Who answers for the override
    #[arg(long, value_name = "PERSON", requires = "overrides")]
    by: Option<String>,
    /// When the override ends, such as 2026-12-24T18:00:00Z
    #[arg(long, value_name = "TIME", requires = "overrides")]
    until: Option<Timestamp>,
}

impl Overrides {
    /// The overrides, each of a check that is asked, with a reason, a person and an end that is ahead.
    pub fn checked(&self, selected: &[&Check], at: Timestamp) -> Result<Vec<Override>> {
        let mut all = Vec::new();
        for check in &self.overrides {
            if !selected.iter().any(|c| c.name == *check) {
                let names: Vec<&str> = selected.iter().map(|c| c.name.as_str()).collect();
                return Err(Error::usage(format!("no check `{check}` is asked, to be overridden"))
                    .at("--override")
                    .hint(format!("those that are asked are {}", names.join(", "))));
            }
            let (Some(reason), Some(by), Some(until)) = (&self.reason, &self.by, self.until) else {
                return Err(Error::usage("an override needs --reason, --by and --until").at("--override"));
            };
            let it = Override { check: check.clone(), reason: reason.clone(), by: by.clone(), until };
            if let Some(why) = refused(&it, at) {
                return Err(Error::usage(why)
                    .at("--override")
                    .hint("give --reason, --by and an --until that is ahead"));
            }
            all.push(it);
        }
        Ok(all)
    }

    /// Refuses them where there is no gate.
    pub fn refuse_any(&self, environment: &str) -> Result<()> {
        match self.overrides.is_empty() {
            true => Ok(()),
            false => Err(Error::usage(format!("{environment} has no gate with checks to be overridden"))
                .at("--override")),
        }
    }
}
