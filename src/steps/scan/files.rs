//! The files that a scan writes.

use super::Args;
use crate::config::ScanConfig;
use crate::error::Result;
use crate::plan::{Answer, Finding as Found};
use crate::rules::scan::judge::Policy;
use crate::rules::scan::write::{self, Limits, Outcome};
use crate::survey::files::Edits;

/// The files to write, by their paths from the top of the repository.
pub struct Files {
    sarif: Option<String>,
    code_quality: Option<String>,
    junit: Option<String>,
    summary: Option<String>,
    result: Option<String>,
}

impl Files {
    /// Those of the command line, otherwise those of the configuration.
    pub fn chosen(args: &Args, config: &ScanConfig) -> Self {
        let files = &config.write;
        let either = |arg: &Option<String>, file: &Option<String>| arg.clone().or_else(|| file.clone());
        Files {
            sarif: either(&args.sarif, &files.sarif),
            code_quality: either(&args.code_quality, &files.code_quality),
            junit: either(&args.junit, &files.junit),
            summary: either(&args.summary, &files.summary),
            result: either(&args.result, &files.result),
        }
    }

    /// Their paths.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        let all = [&self.sarif, &self.code_quality, &self.junit, &self.summary, &self.result];
        all.into_iter().flatten().map(String::as_str)
    }

    /// Puts them down to be written; says where limits cut something off.
    pub fn put(
        &self,
        edits: &mut Edits<'_, '_>,
        outcome: &Outcome<'_>,
        policy: &Policy,
        headline: &str,
        result: impl Fn() -> String,
    ) -> Result<Option<Found>> {
        let mut said = None;
        if let Some(path) = &self.sarif {
            let (text, cut) = write::sarif(outcome.findings, env!("CARGO_PKG_VERSION"), Limits::default());
            said = cut.map(|why| Found::new(Answer::Warning, "scan-sarif", why).at(path.clone()));
            edits.put(path, text, "merged SARIF".to_owned())?;
        }
        if let Some(path) = &self.code_quality {
            edits.put(path, write::code_quality(outcome.findings), "code quality report".to_owned())?;
        }
        if let Some(path) = &self.junit {
            edits.put(path, write::junit(outcome, policy), "JUnit report".to_owned())?;
        }
        if let Some(path) = &self.summary {
            edits.put(path, write::summary(outcome, policy, headline), "summary".to_owned())?;
        }
        if let Some(path) = &self.result {
            edits.put(path, result(), "the result, for gates and as a baseline".to_owned())?;
        }
        Ok(said)
    }
}
