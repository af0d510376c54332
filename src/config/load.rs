//! Reads the configuration file.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::rules::gate::config::{Gate, Misfit};

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
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        strict_booleans: true,
    };
    let config: Config = serde_saphyr::from_str_with_options(text, options).map_err(|e| explain(&e, file))?;
    match config.gates.values().find_map(Gate::misfit) {
        Some(misfit) => Err(wrong(text, file, &misfit)),
        None => Ok(config),
    }
}

/// Says which check does not fit to the others, and shows its line.
fn wrong(text: &str, file: &str, misfit: &Misfit) -> Error {
    let (line, column) = misfit.place;
    let at = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    let shown = text.lines().nth(at).unwrap_or_default();
    let margin = " ".repeat(line.to_string().len());
    let mark = " ".repeat(usize::try_from(column.saturating_sub(1)).unwrap_or(0).min(shown.len()));
    Error::usage(format!("the configuration is wrong: {}", misfit.why))
        .at(format!("{file}:{line}:{column}"))
        .detail(format!(
            "{margin}--> {file}:{line}:{column}\n{margin} |\n{line} | {shown}\n{margin} | {mark}^"
        ))
        .hint("`release-steps schema` prints what may stand there")
}

/// Reads a file of waivers: a YAML list.
pub fn parse_waivers(text: &str, file: &str) -> Result<Vec<crate::rules::scan::waiver::Waiver>> {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| explain(&e, file))
}

/// Says what is wrong, where, and how the lines around look.
fn explain(error: &serde_saphyr::Error, file: &str) -> Error {
    let at = error.location();
    let place = at.map_or(file.to_owned(), |at| format!("{file}:{}:{}", at.line(), at.column()));
    let plainly = |text: &str| {
        text.replace(", set DuplicateKeyPolicy in Options if acceptable", "")
            .replace("expected mapping start", "expected keys with values")
            .replace(
                "invalid boolean (strict mode expects true/false)",
                "expected `true` or `false`, without quotes",
            )
    };
    let plain = error.render_with_options(serde_saphyr::render_options! {
        snippets: serde_saphyr::SnippetMode::Off,
    });
    let mut message = plainly(plain.lines().next().unwrap_or("it is not valid"));
    if let Some(at) = at {
        // The place stands apart.
        let suffix = format!(" at line {}, column {}", at.line(), at.column());
        message.truncate(message.trim_end_matches(&suffix).len());
    }
    let drawn = error.render_with_options(serde_saphyr::render_options! { source_name: Some(file) });
    let drawn = plainly(&drawn);
    let lines: Vec<&str> = drawn.lines().skip_while(|line| !line.trim_start().starts_with("-->")).collect();
    let hint = match meant(&message) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "`release-steps schema` prints what may stand there".to_owned(),
    };
    Error::usage(format!("the configuration is wrong: {message}"))
        .at(place)
        .detail(lines.join("\n"))
        .hint(hint)
}

/// The known name that an unknown one is close to.
fn meant(message: &str) -> Option<&str> {
    let (unknown, known) = message.strip_prefix("unknown field `")?.split_once("`, expected")?;
    let known: Vec<&str> = known
        .trim_start_matches(" one of")
        .split([',', ' '])
        .map(|n| n.trim_matches('`'))
        .filter(|n| !n.is_empty())
        .collect();
    similar::get_close_matches(unknown, &known, 1, 0.7).first().copied()
}

/// The JSON Schema of the configuration (draft 2020-12), for editors and for check-jsonschema.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    if let Some(map) = schema.as_object_mut() {
        map.insert("title".to_owned(), "release-steps.yml".into());
    }
    schema
}
