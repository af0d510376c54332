//! Reads the configuration file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::rules::gate::config::{Gate, Misfit};
use crate::rules::smoke::text::INTO_A_VARIABLE;

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
    let at = |number| usize::try_from(number).unwrap_or(usize::MAX);
    Error::usage(format!("the configuration is wrong: {}", misfit.why))
        .at(format!("{file}:{line}:{column}"))
        .detail(drawn(text, file, (at(line), at(column))))
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

/// Reads YAML. The types do not meet the reader itself but one that is behind a pointer: the code of the reader is there once
/// and not once for each type, which would be a tenth of the program. The price is that errors come as texts, with the place at
/// their end.
fn read<T: DeserializeOwned>(text: &str, file: &str) -> Result<T> {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |reader| {
        erased_serde::deserialize(&mut <dyn erased_serde::Deserializer<'_>>::erase(reader))
            .map_err(serde::de::Error::custom)
    })
    .map_err(|error| explain(&error, text, file))
}

/// Says what is wrong, where, and how the lines around look.
fn explain(error: &serde_saphyr::Error, text: &str, file: &str) -> Error {
    let plain = error.render_with_options(serde_saphyr::render_options! {
        snippets: serde_saphyr::SnippetMode::Off,
    });
    let plain = plain.lines().next().unwrap_or("it is not valid");
    // The first place is the innermost.
    let (message, place) = plain
        .match_indices(" at line ")
        .find_map(|(at, start)| Some((&plain[..at], Some(place(&plain[at + start.len()..])?))))
        .unwrap_or((plain, None));
    let place = place.or_else(|| {
        let at = error.location()?;
        Some((usize::try_from(at.line()).ok()?, usize::try_from(at.column()).ok()?))
    });
    let message = message
        .replace(", set DuplicateKeyPolicy in Options if acceptable", "")
        .replace("expected mapping start", "expected keys with values")
        .replace(
            "invalid boolean (strict mode expects true/false)",
            "expected `true` or `false`, without quotes",
        );
    let hint = match meant(&message) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "`release-steps schema` prints what may stand there".to_owned(),
    };
    let told = Error::usage(format!("the configuration is wrong: {message}")).hint(hint);
    match place {
        // A line that holds a secret is shown to nobody.
        Some(place) if message.contains(INTO_A_VARIABLE) => {
            told.at(format!("{file}:{}:{}", place.0, place.1))
        }
        Some(place) => told
            .at(format!("{file}:{}:{}", place.0, place.1))
            .detail(format!("{} {message}", drawn(text, file, place))),
        None => told.at(file),
    }
}

/// `3, column 5`, and whatever follows.
fn place(text: &str) -> Option<(usize, usize)> {
    let (line, rest) = text.split_once(", column ")?;
    let column: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((line.parse().ok()?, column.parse().ok()?))
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
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    if let Some(map) = schema.as_object_mut() {
        map.insert("title".to_owned(), "release-steps.yml".into());
    }
    schema
}
