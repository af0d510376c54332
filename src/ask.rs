//! Questions to a person, where there is one: on a terminal, and not in CI.

use std::io::{IsTerminal as _, Write as _};

use crate::env::Env;
use crate::error::{Error, Result};

/// Whether a person is there who can be asked.
pub fn someone_there(env: &Env) -> bool {
    !env.ci() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// One line that a person writes, without white space around it.
pub fn line(question: &str) -> Result<String> {
    drop(anstream::stderr().write_all(question.as_bytes()));
    let mut line = String::new();
    let read = std::io::stdin()
        .read_line(&mut line)
        .map_err(|e| Error::outside(format!("the answer cannot be read: {e}")))?;
    match read {
        0 => Err(Error::no("no answer: nothing was changed")),
        _ => Ok(line.trim().to_owned()),
    }
}
