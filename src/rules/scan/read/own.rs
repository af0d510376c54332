//! The result of an earlier `release-steps scan`, mostly as a baseline.

use serde::Deserialize;

use super::split::{Fault, Take, Taker};
use super::{Shape, Trouble, object, parse};
use crate::rules::scan::{Coverage, Finding, Kind, Report, Tests};

/// The reader.
#[derive(Default)]
pub struct Own {
    report: Report,
    /// The format's number.
    format: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    format: Option<u32>,
}

/// Makes sets of a finding's lists again, whoever wrote them.
pub fn settled(mut finding: Finding) -> Finding {
    fn set<T: Ord>(list: &mut Vec<T>) {
        list.sort();
        list.dedup();
    }
    finding.ids.retain(|id| !id.is_empty());
    if finding.ids.is_empty() {
        finding.ids.push("?".into());
    }
    set(&mut finding.ids);
    set(&mut finding.cwes);
    set(&mut finding.versions);
    set(&mut finding.fixed);
    set(&mut finding.places);
    set(&mut finding.scanners);
    if finding.package.is_none() {
        finding.places.truncate(1);
    } else if finding.kind != Kind::Licence {
        finding.kind = Kind::Package;
    }
    finding
}

impl Taker for Own {
    fn take(&mut self, path: &[String]) -> Take {
        match path {
            [] => Take::Enter,
            [key] if key == "findings" => Take::Enter,
            [list, _] if list == "findings" => Take::Whole,
            [key] if ["release-steps-scan", "tests", "coverage", "scanners"].contains(&key.as_str()) => {
                Take::Whole
            }
            _ => Take::Skip,
        }
    }

    fn value(&mut self, path: &[String], json: &[u8]) -> Result<(), Fault> {
        match path.first().map(String::as_str) {
            Some("findings") => self.report.keep(settled(parse(json)?)),
            Some("release-steps-scan") => self.format = object::<Head>(json)?.format,
            Some("tests") => self.report.tests = parse::<Option<Tests>>(json)?,
            Some("coverage") => self.report.coverage = parse::<Option<Coverage>>(json)?,
            Some("scanners") => self.report.scanners = parse(json)?,
            _ => {}
        }
        Ok(())
    }
}

impl Shape for Own {
    fn finish(&mut self) -> Result<Report, Trouble> {
        match self.format {
            Some(1) => Ok(std::mem::take(&mut self.report)),
            other => Err(Trouble::Broken(format!(
                "its format is {}, this release-steps knows format 1",
                other.map_or("not named".to_owned(), |f| f.to_string())
            ))),
        }
    }
}
