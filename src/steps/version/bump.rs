//! `version bump`: writes a version into the files that carry it.

use crate::effect::Effect;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::steps::Step;
use crate::steps::asked::Asked;
use crate::survey::files::{Edits, Source, Versioned, set_versions};
use crate::survey::{Candidate, candidates, packages};

/// `version bump`
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    asked: Asked,
}

/// Plans the edits.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let found = candidates(facts, packages(facts)?, facts.head()?, &args.asked.ask()?)?;
    let mut plan = Plan::new("version bump", facts.now.timestamp());
    let released: Vec<Versioned<'_>> = found.iter().filter_map(Candidate::versioned).collect();
    if released.is_empty() {
        plan.summary = "nothing to release: no commit since the last release raises the version".to_owned();
        return Ok(plan.into());
    }
    let mut edits = Edits::new(facts, Source::WorkTree);
    if set_versions(&mut edits, &released)? == 0 {
        return Err(Error::usage("no file here carries a version")
            .hint("name it under `version.files`, with `regex`, `json`, `toml`, `yaml` or `xml` where its name does not tell the format"));
    }
    let names: Vec<String> = released.iter().map(|r| r.package.named(&r.version)).collect();
    plan.summary = format!("version {}", names.join(", "));
    plan.findings.append(&mut edits.findings);
    if let [one] = released.as_slice() {
        plan.output("version", one.version.to_string());
        plan.output("tag", one.package.tags.format(&one.version));
    }
    let files = edits.into_files();
    if files.is_empty() {
        plan.findings.push(Finding::new(
            Answer::Note,
            "version-files",
            "the files carry this version already",
        ));
    } else {
        plan.wave(files.into_iter().map(Effect::WriteFile).collect());
    }
    Ok(plan.into())
}
