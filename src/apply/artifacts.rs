//! Digests: what is about to be deployed must be what was recorded of its version.

use serde_json::json;

use super::Tools;
use crate::effect::Artifacts;
use crate::error::{Error, Result};
use crate::plan::{Answer, Finding};
use crate::rules::gate::Verdict;
use crate::rules::record::digests::{Known, judged, known};
use crate::rules::record::{DEPLOYMENTS, Record};
use crate::world::files;

impl Tools {
    pub(super) fn artifacts(&self, effect: &Artifacts) -> Result<()> {
        let place = format!("deploy.{}.artifacts", effect.environment);
        let found = files::digests(&self.root, &effect.files).map_err(|e| e.at(place.clone()))?;
        let mut recorded = Known { digests: effect.recorded.clone(), from: effect.from.clone() };
        if recorded.digests.is_empty() {
            // What another environment got by now counts as well: earlier in this very run, say.
            let all = self.store.read(DEPLOYMENTS)?;
            let records: Vec<Record> = all.values().filter_map(|text| Record::parse(text).ok()).collect();
            recorded = known(&records, &effect.version);
        }
        let said = judged(&recorded, &found, &effect.version);
        let refused: Vec<&str> =
            said.iter().filter(|(it, _)| *it == Some(Verdict::Fail)).map(|(_, text)| text.as_str()).collect();
        let refusal = refused.join("; ");
        let name = format!("digests.{}", effect.environment);
        let findings = said.iter().map(|(verdict, text)| {
            Finding::new(verdict.map_or(Answer::Note, Answer::from), "digest", text.as_str())
        });
        // What was refused is not recorded under this version.
        self.note(findings, refusal.is_empty().then(|| (name, json!(found))));
        match refusal.is_empty() {
            true => Ok(()),
            false => Err(Error::no(refusal)
                .at(place)
                .hint("deploy what was built and recorded, or give the new build a version of its own")),
        }
    }
}
