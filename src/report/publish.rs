//! Hands what came of a command to the runner: outputs, summary, annotations. Everything is made, and held against the
//! runner's limits, before the first byte is written.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::github::{self, Before};
use super::gitlab;
use super::values::Ending;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::redact::{Redactor, Runner, token};

/// The variable with which the action, whose log nobody but the runner reads, asks for masks.
const MASK: &str = "RELEASE_STEPS_MASK";
/// The variable that names the dotenv file to write.
const DOTENV: &str = "RELEASE_STEPS_DOTENV";
/// The variable that names what variables in it begin with.
const PREFIX: &str = "RELEASE_STEPS_PREFIX";

/// Tells GitHub's runner of the secrets in this process's environment, where the action asked for it. Elsewhere standard
/// error may go to a file, into which no secret is written.
pub fn masks(runner: Runner, env: &Env, redactor: &Redactor) {
    if runner == Runner::GitHub && env.get(MASK) == Some("true") {
        lines(&github::masks(redactor.secrets().iter().map(String::as_str)));
    }
}

/// Hands over what came of a command; `json` says that standard error holds JSON lines.
pub fn publish(runner: Runner, env: &Env, redactor: &Redactor, ending: Ending<'_>, json: bool) -> Result<()> {
    let values: Vec<(String, String)> = ending
        .values()
        .into_iter()
        .map(|(name, value)| (name, redactor.redacted(&value).into_owned()))
        .collect();
    match runner {
        Runner::None => Ok(()),
        Runner::GitHub => {
            // Standard error holds nothing but JSON lines where those were asked for.
            if !json {
                let annotations = github::annotations(ending);
                lines(
                    &annotations.iter().map(|line| redactor.redacted(line).into_owned()).collect::<Vec<_>>(),
                );
            }
            to_github(env, redactor, &values, ending)
        }
        Runner::GitLab => to_gitlab(env, redactor, &values),
    }
}

/// Commands for the runner, on standard error as they are.
fn lines(lines: &[String]) {
    let mut out = std::io::stderr().lock();
    for line in lines {
        // Nobody reads: not a reason to fail.
        drop(writeln!(out, "{line}"));
    }
}

fn to_github(env: &Env, redactor: &Redactor, values: &[(String, String)], ending: Ending<'_>) -> Result<()> {
    let mut notes = Vec::new();
    let summary = match env.get("GITHUB_STEP_SUMMARY") {
        None => None,
        Some(file) => {
            let file = PathBuf::from(file);
            let text = github::summary(ending, before(&file)?);
            if text.is_none() {
                notes.push("note: the step's summary is full: nothing was added");
            }
            text.map(|text| (file, redactor.redacted(&text).into_owned()))
        }
    };
    let outputs = match env.get("GITHUB_OUTPUT") {
        None => None,
        Some(file) => {
            let folder = env.get("RUNNER_TEMP").map_or_else(std::env::temp_dir, PathBuf::from);
            let folder = folder.join("release-steps").join(token());
            let file = PathBuf::from(file);
            let outputs = github::outputs(values, before(&file)?, &folder, token).map_err(|why| {
                Error::outside(why).at("GITHUB_OUTPUT").hint("put out less in this job, or in several jobs")
            })?;
            Some((file, outputs))
        }
    };
    if let Some((file, outputs)) = outputs {
        outputs.files.iter().try_for_each(|(file, text)| whole(file, text))?;
        append(&file, &outputs.append)?;
    }
    if let Some((file, text)) = summary {
        append(&file, &text)?;
    }
    lines(&notes.into_iter().map(str::to_owned).collect::<Vec<_>>());
    Ok(())
}

fn to_gitlab(env: &Env, redactor: &Redactor, values: &[(String, String)]) -> Result<()> {
    let Some(name) = env.get(DOTENV) else { return Ok(()) };
    let prefix = env.get(PREFIX).unwrap_or("RELEASE_");
    if !prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        || !prefix.starts_with(|c: char| c.is_ascii_uppercase())
    {
        return Err(Error::usage(format!(
            "`{prefix}` is nothing that the name of a variable may begin with"
        ))
        .at(PREFIX)
        .hint("upper case letters, digits and `_`, such as RELEASE_"));
    }
    let file = PathBuf::from(name);
    let existing = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(failed(&file, &e)),
    };
    let dotenv = gitlab::dotenv(values, prefix, &existing, file.parent().unwrap_or(Path::new("")));
    dotenv.files.iter().try_for_each(|(file, text)| whole(file, text))?;
    whole(&file, &dotenv.text)?;
    if !dotenv.left_out.is_empty() {
        let text = format!(
            "note: GitLab takes {} variables and {} bytes from a job: {} left out; {prefix}JSON_FILE has them all",
            gitlab::VARIABLES,
            gitlab::SIZE,
            dotenv.left_out.join(", ")
        );
        lines(&[redactor.clean(&text).into_owned()]);
    }
    Ok(())
}

fn failed(file: &Path, e: &std::io::Error) -> Error {
    Error::outside(format!("the outputs cannot be written: {e}")).at(file.display().to_string())
}

/// What the runner's file holds already: other commands of the same step write to it too.
fn before(file: &Path) -> Result<Before> {
    let look = || -> std::io::Result<Before> {
        let mut file = fs::File::open(file)?;
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        if length == 0 {
            return Ok(Before::default());
        }
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        Ok(Before { length, open: last != *b"\n" })
    };
    match look() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Before::default()),
        other => other.map_err(|e| failed(file, &e)),
    }
}

fn append(file: &Path, text: &str) -> Result<()> {
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|e| failed(file, &e))
}

fn whole(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
    }
    fs::write(file, text).map_err(|e| failed(file, &e))
}
