//! Reads the configuration file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::rules::gate::config::{Gate, Misfit};
use crate::rules::smoke::text::INTO_A_VARIABLE;
use crate::rules::yaml;

/// The names under which the configuration is looked for at the top of the repository.
pub const NAMES: [&str; 2] = ["release-steps.yml", "release-steps.yaml"];

/// A configuration and where it came from.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// The file; none when there is none and everything is detected.
    pub file: Option<PathBuf>,
}

/// Reads the configuration: the file that was named, or the one at the top of the repository, or none.
pub fn load(root: &Path, named: Option<&Path>) -> Result<Loaded> {
    let file = match named {
        Some(file) => file.to_owned(),
        None => {
            let found: Vec<PathBuf> = NAMES.iter().map(|n| root.join(n)).filter(|f| f.exists()).collect();
            match found.as_slice() {
                [] => return Ok(Loaded::default()),
                [one] => one.clone(),
                _ => {
                    return Err(Error::usage("there are two configuration files")
                        .at(NAMES.join(", "))
                        .hint("keep one of them"));
                }
            }
        }
    };
    let shown = file.strip_prefix(root).unwrap_or(&file).display().to_string();
    let text = std::fs::read_to_string(&file)
        .map_err(|e| Error::usage(format!("the configuration cannot be read: {e}")).at(shown.clone()))?;
    let config = parse(&text, &shown)?;
    Ok(Loaded { config, file: Some(file) })
}

/// Reads a configuration's text; `file` is for the messages.
pub fn parse(text: &str, file: &str) -> Result<Config> {
    let only_comments = text.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---"
    });
    if only_comments {
        return Ok(Config::default());
    }
    let config: Config = read(text, file)?;
    match config.gates.values().find_map(Gate::misfit) {
        Some(misfit) => Err(wrong(text, file, &misfit)),
        None => Ok(config),
    }
}

/// Says which check does not fit to the others, and shows its line.
fn wrong(text: &str, file: &str, misfit: &Misfit) -> Error {
    let (line, column) = misfit.place;
    Error::usage(format!("the configuration is wrong: {}", misfit.why))
        .at(format!("{file}:{line}:{column}"))
        .detail(drawn(text, file, misfit.place))
        .hint("`release-steps schema` prints what may stand there")
}

/// A place of the text with the lines before it.
fn drawn(text: &str, file: &str, (line, column): (usize, usize)) -> String {
    let margin = " ".repeat(line.to_string().len());
    let first = line.saturating_sub(2).max(1);
    let mut out = format!("{margin}--> {file}:{line}:{column}\n{margin} |\n");
    for (number, shown) in (1..).zip(text.lines()).skip(first - 1).take(line + 1 - first) {
        let _ = writeln!(out, "{number:>width$} | {shown}", width = margin.len());
    }
    let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let mark = " ".repeat(column.saturating_sub(1).min(shown.chars().count()));
    let _ = write!(out, "{margin} | {mark}^");
    out
}

/// Reads a file of waivers: a YAML list.
pub fn parse_waivers(text: &str, file: &str) -> Result<Vec<crate::rules::scan::waiver::Waiver>> {
    read(text, file)
}

fn read<T: DeserializeOwned>(text: &str, file: &str) -> Result<T> {
    yaml::read(text).map_err(|wrong| explain(&wrong, text, file))
}

/// Says what is wrong, where, and how the lines around look.
fn explain(wrong: &yaml::Wrong, text: &str, file: &str) -> Error {
    let message = wrong.message();
    let hint = match meant(message) {
        Some(name) => format!("did you mean `{name}`?"),
        None if message.starts_with(yaml::NO_YAML) => {
            "close quotes and brackets, indent with spaces; a text that begins with a sign needs quotes"
                .to_owned()
        }
        None => "`release-steps schema` prints what may stand there".to_owned(),
    };
    let told = Error::usage(format!("the configuration is wrong: {message}")).hint(hint);
    match wrong.place() {
        // A line that holds a secret is shown to nobody.
        Some((line, column)) if message.contains(INTO_A_VARIABLE) => {
            told.at(format!("{file}:{line}:{column}"))
        }
        Some(place) => told
            .at(format!("{file}:{}:{}", place.0, place.1))
            .detail(format!("{} {message}", drawn(text, file, place))),
        None => told.at(file),
    }
}

/// The known name that an unknown one is close to.
fn meant(message: &str) -> Option<&str> {
    let unknown =
        ["unknown field `", "unknown variant `"].iter().find_map(|start| message.strip_prefix(start))?;
    let (unknown, known) = unknown.split_once("`, expected")?;
    known
        .trim_start_matches(" one of")
        .split([',', ' '])
        .map(|name| name.trim_matches('`'))
        .map(|name| (strsim::normalized_damerau_levenshtein(unknown, name), name))
        .filter(|(near, name)| *near >= 0.6 && !name.is_empty())
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The JSON Schema of the configuration (draft 2020-12), for editors and for check-jsonschema.
pub const SCHEMA: &str = include_str!("schema.json");

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema is made of the types, in a test: what makes it is no part of the program.
    #[test]
    fn the_schema_says_what_the_types_take() {
        let mut schema = schemars::schema_for!(Config).to_value();
        schema["title"] = "release-steps.yml".into();
        let made = format!("{schema:#}\n");
        if std::env::var_os("UPDATE_PACKAGING").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/schema.json"), made).unwrap();
            return;
        }
        assert!(
            made == SCHEMA,
            "src/config/schema.json is another: UPDATE_PACKAGING=1 cargo test --lib schema"
        );
    }
}
