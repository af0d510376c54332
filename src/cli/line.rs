//! Reads the command line.

use clap::{CommandFactory as _, Parser as _};

use super::{Cli, Command, finish};
use crate::env::Env;
use crate::error::Error;
use crate::inputs;
use crate::redact::Redactor;

/// Why there is nothing to run.
pub(super) enum Unread {
    Line(clap::Error),
    Inputs(Error),
}

impl Unread {
    /// Says it; returns the exit code. Help and version come this way too, with code 0.
    pub(super) fn tell(self, json: bool, redactor: &Redactor) -> u8 {
        match self {
            Unread::Line(error) if json && error.use_stderr() => {
                finish(true, redactor, Err(usage(&error)), None)
            }
            Unread::Line(error) => {
                let code = u8::try_from(error.exit_code()).unwrap_or(2);
                drop(error.print());
                code
            }
            Unread::Inputs(error) => finish(json, redactor, Err(error), None),
        }
    }
}

/// Whether a command line that cannot be read, or the inputs in its place, ask for JSON.
pub(super) fn wants_json(env: &Env) -> bool {
    let options = std::env::args_os().skip(1).take_while(|arg| arg != "--");
    options.into_iter().any(|arg| arg == "--json") || inputs::wants(env, "json")
}

/// What clap says of a command line, as an error of this program: its first paragraph is what is wrong, the others
/// what to do.
fn usage(error: &clap::Error) -> Error {
    let text = error.to_string();
    let (message, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    let message = message.strip_prefix("error: ").unwrap_or(message).trim();
    let hint: Vec<&str> = rest.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Error::usage(message).hint(hint.join("; "))
}

/// Reads the command line, or what inputs make of it.
pub(super) fn parse(env: &Env) -> std::result::Result<Cli, Unread> {
    let cli = Cli::try_parse().map_err(Unread::Line)?;
    let Command::FromInputs { words } = &cli.command else { return Ok(cli) };
    let mut program = Cli::command();
    program.build();
    let line = inputs::arguments(&program, words, env).map_err(Unread::Inputs)?;
    let cli = Cli::try_parse_from(line).map_err(Unread::Line)?;
    match cli.command {
        Command::FromInputs { .. } => {
            Err(Unread::Inputs(Error::usage("`from-inputs` is no command for inputs").at("input `command`")))
        }
        _ => Ok(cli),
    }
}
