//! Reads the configuration file.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::error::{Error, Result};

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
    serde_saphyr::from_str_with_options(text, options).map_err(|e| {
        let place = match e.location() {
            Some(at) => format!("{file}:{}:{}", at.line(), at.column()),
            None => file.to_owned(),
        };
        let plain = e.render_with_options(serde_saphyr::render_options! {
            snippets: serde_saphyr::SnippetMode::Off,
        });
        let message = plain.lines().next().unwrap_or("it is not valid").to_owned();
        Error::usage(format!("the configuration is wrong: {message}"))
            .at(place)
            .detail(e.render())
            .hint("`release-steps schema` prints what may stand there")
    })
}

/// The JSON Schema of the configuration (draft 2020-12), for editors and for check-jsonschema.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    if let Some(map) = schema.as_object_mut() {
        map.insert("title".to_owned(), "release-steps.yml".into());
    }
    schema
}
