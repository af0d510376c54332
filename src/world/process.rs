//! Programs: run, with their output kept.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// What a program printed and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error, as text.
    pub stderr: String,
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
}

impl Output {
    /// Whether it ended with 0.
    pub fn ok(&self) -> bool {
        self.code == Some(0)
    }

    /// Standard output as text, without the white space around it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim().to_owned()
    }
}

/// One call of git.
pub struct Git {
    command: Command,
    what: String,
    input: Option<Vec<u8>>,
}

impl Git {
    /// `git -C root args…`, with messages in English and never a question.
    pub fn new<S: AsRef<OsStr>>(root: &Path, args: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(root)
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null());
        let mut what = String::from("git");
        for arg in args {
            what.push(' ');
            what.push_str(&arg.as_ref().to_string_lossy());
            command.arg(arg);
        }
        Git { command, what, input: None }
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Gives text on standard input.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Runs it to its end, whatever the end is.
    pub fn output(mut self) -> Result<Output> {
        let failed = |e: std::io::Error| {
            let error = Error::outside(format!("`{}` could not be run: {e}", self.what));
            match e.kind() {
                std::io::ErrorKind::NotFound => error.hint("install git 2.34 or newer"),
                _ => error,
            }
        };
        self.command
            .stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(failed)?;
        let writer = child
            .stdin
            .take()
            .zip(self.input.take())
            .map(|(mut stdin, input)| std::thread::spawn(move || stdin.write_all(&input)));
        let output = child.wait_with_output().map_err(failed)?;
        if let Some(writer) = writer {
            // A program that ends without reading its input is judged by its exit code.
            drop(writer.join());
        }
        Ok(Output {
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            code: output.status.code(),
        })
    }

    /// Runs it; another end than 0 is an error that shows what git said.
    pub fn run(self) -> Result<Output> {
        let what = self.what.clone();
        let output = self.output()?;
        if output.ok() {
            return Ok(output);
        }
        let ended = match output.code {
            Some(code) => format!("ended with {code}"),
            None => "was ended by a signal".to_owned(),
        };
        Err(Error::outside(format!("`{what}` {ended}")).detail(output.stderr))
    }
}

/// Runs a command line by `sh -c`, giving each line that it prints, on either stream, to `line` as it comes.
pub fn shell(
    command: &str,
    dir: &Path,
    env: &BTreeMap<String, String>,
    line: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    let failed = |e: std::io::Error| Error::outside(format!("`{command}` could not be run: {e}"));
    let mut child = Command::new("sh")
        .args(["-c", command])
        .current_dir(dir)
        .envs(env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        if let Some(stderr) = stderr {
            scope.spawn(|| each_line(stderr, line));
        }
        if let Some(stdout) = stdout {
            each_line(stdout, line);
        }
    });
    let status = child.wait().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    Err(Error::no(format!("`{command}` failed: {status}")).hint("its output stands above"))
}

fn each_line(stream: impl std::io::Read, line: &(dyn Fn(&str) + Sync)) {
    for bytes in std::io::BufReader::new(stream).split(b'\n') {
        let Ok(bytes) = bytes else { return };
        line(String::from_utf8_lossy(&bytes).trim_end_matches('\r'));
    }
}
