//! Public lists of what is exploited, from local copies.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::Finding;

/// Names of exploited vulnerabilities.
pub type Exploited = HashSet<String>;
/// Probabilities of exploitation by CVE name.
pub type Probabilities = HashMap<String, f32>;

/// Reads CISA's catalogue (<https://www.cisa.gov/known-exploited-vulnerabilities-catalog>, JSON).
pub fn kev(text: &str) -> Result<Exploited, String> {
    #[derive(Deserialize)]
    struct Catalogue {
        vulnerabilities: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "cveID")]
        id: String,
    }
    let catalogue: Catalogue =
        serde_json::from_str(text).map_err(|e| format!("this is not CISA's catalogue: {e}"))?;
    Ok(catalogue.vulnerabilities.into_iter().map(|e| e.id).collect())
}

/// Reads FIRST's scores (<https://www.first.org/epss/data_stats>, CSV: `cve,epss,percentile`).
pub fn epss(text: &str) -> Result<Probabilities, String> {
    let mut scores = Probabilities::new();
    let lines = text.lines().enumerate().filter(|(_, l)| !l.starts_with('#') && !l.trim().is_empty());
    for (at, line) in lines {
        let mut fields = line.split(',').map(str::trim);
        let (Some(id), Some(score)) = (fields.next(), fields.next()) else {
            return Err(format!("line {} is no `cve,epss,percentile`", at + 1));
        };
        if id == "cve" {
            continue;
        }
        let score = score.parse().ok().filter(|s| (0.0..=1.0).contains(s));
        let score = score.ok_or_else(|| format!("line {}: the score is no number from 0 to 1", at + 1))?;
        scores.insert(id.to_owned(), score);
    }
    if scores.is_empty() {
        return Err("there are no scores in it".to_owned());
    }
    Ok(scores)
}

/// Marks findings that are known to be exploited.
pub fn mark_exploited(findings: &mut [Finding], list: &Exploited) {
    for finding in findings {
        finding.kev |= finding.ids.iter().any(|id| list.contains(&**id));
    }
}

/// Adds probabilities; of several the highest.
pub fn add_epss(findings: &mut [Finding], scores: &Probabilities) {
    for finding in findings {
        let found = finding.ids.iter().filter_map(|id| scores.get(&**id).copied());
        finding.epss = found.chain(finding.epss).max_by(f32::total_cmp);
    }
}
