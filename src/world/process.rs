//! Programs: run, with their output kept.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead as _, Read, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

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

/// Runs a command line by `sh -c`, giving each line that it prints, on either stream, to `line` as it comes. One that does
/// not end `within` this time is killed with everything that it started. `release-steps` means this very program there.
pub fn shell(
    command: &str,
    dir: &Path,
    env: &BTreeMap<String, String>,
    within: Option<Duration>,
    line: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    let failed = |e: std::io::Error| Error::outside(format!("`{command}` could not be run: {e}"));
    let mut sh = Command::new("sh");
    sh.args(["-c", command]).current_dir(dir).envs(env);
    sh.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(path) = own_path() {
        sh.env("PATH", path);
    }
    #[cfg(unix)]
    if within.is_some() {
        std::os::unix::process::CommandExt::process_group(&mut sh, 0);
    }
    let mut child = sh.spawn().map_err(failed)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (ended, waits) = mpsc::channel::<()>();
    let (status, late) = std::thread::scope(|scope| {
        // What a killed command left running may hold its output open; who reads it ends with the program.
        let readers = [stdout.map(|s| Box::new(s) as Box<dyn Read + Send>), stderr.map(|s| Box::new(s) as _)];
        let readers: Vec<_> =
            readers.into_iter().flatten().map(|s| scope.spawn(|| each_line(s, line))).collect();
        let Some(within) = within else {
            readers.into_iter().for_each(|reader| drop(reader.join()));
            return (child.wait(), false);
        };
        let watch = scope.spawn(move || {
            let late = waits.recv_timeout(within) == Err(mpsc::RecvTimeoutError::Timeout);
            if late {
                kill(&mut child);
            }
            (child, late)
        });
        readers.into_iter().for_each(|reader| drop(reader.join()));
        let _ = ended.send(());
        match watch.join() {
            Ok((mut child, late)) => (child.wait(), late),
            Err(_) => (Err(std::io::Error::other("the watch over it ended in a panic")), false),
        }
    });
    let status = status.map_err(failed)?;
    if let (true, Some(within)) = (late, within) {
        return Err(Error::outside(format!(
            "`{command}` did not end within {} and was killed",
            seconds(within)
        )));
    }
    if status.success() {
        return Ok(());
    }
    Err(Error::no(format!("`{command}` failed: {status}")).hint("its output stands above"))
}

/// The search path with the folder of this program first, so that chains may name it.
fn own_path() -> Option<std::ffi::OsString> {
    let own = std::env::current_exe().ok()?;
    let folder = own.parent()?.to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&path))).ok()
}

fn each_line(stream: impl std::io::Read, line: &(dyn Fn(&str) + Sync)) {
    for bytes in std::io::BufReader::new(stream).split(b'\n') {
        let Ok(bytes) = bytes else { return };
        line(String::from_utf8_lossy(&bytes).trim_end_matches('\r'));
    }
}

/// The most that is kept of what a command prints when it is asked.
const KEPT: u64 = 1 << 20;

/// Runs a command line by `sh -c` to its end, whatever the end is, and keeps what it prints up to a megabyte. One that does
/// not end in time is killed with everything that it started, and is an error.
pub fn ask(line: &str, dir: &Path, within: Duration) -> Result<Output> {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    let failed = |e: std::io::Error| Error::outside(format!("`{line}` could not be run: {e}"));
    run_within(command, line, dir, within)?.map_err(failed)
}

/// Runs a program with these arguments, no shell between, as [`ask`] does; none where there is no such program.
pub fn tool(program: &str, arguments: &[String], dir: &Path, within: Duration) -> Result<Option<Output>> {
    let mut command = Command::new(program);
    command.args(arguments);
    match run_within(command, program, dir, within)? {
        Ok(output) => Ok(Some(output)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::outside(format!("`{program}` could not be run: {e}"))),
    }
}

/// The inner error is that the program did not start.
fn run_within(
    mut command: Command,
    line: &str,
    dir: &Path,
    within: Duration,
) -> Result<std::io::Result<Output>> {
    let failed = |e: std::io::Error| Error::outside(format!("`{line}` could not be run: {e}"));
    command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return Ok(Err(e)),
    };
    let deadline = Instant::now() + within;
    let (sender, printed) = mpsc::channel();
    let streams: [(bool, Option<Box<dyn Read + Send>>); 2] = [
        (true, child.stdout.take().map(|s| Box::new(s) as _)),
        (false, child.stderr.take().map(|s| Box::new(s) as _)),
    ];
    for (out, stream) in streams {
        let (Some(mut stream), sender) = (stream, sender.clone()) else { continue };
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            drop(stream.by_ref().take(KEPT).read_to_end(&mut kept));
            // The rest is read too, so that the program can go on.
            drop(std::io::copy(&mut stream, &mut std::io::sink()));
            drop(sender.send((out, kept)));
        });
    }
    drop(sender);
    let left = || deadline.saturating_duration_since(Instant::now());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    // Both streams end, and then the program; what it left running may hold them open.
    for _ in 0..2 {
        match printed.recv_timeout(left()) {
            Ok((true, kept)) => stdout = kept,
            Ok((false, kept)) => stderr = kept,
            Err(_) => break,
        }
    }
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break Some(status),
            None if left().is_zero() => break None,
            None => std::thread::sleep(Duration::from_millis(5).min(left())),
        }
    };
    if left().is_zero() {
        kill(&mut child);
    }
    let Some(status) = status else {
        drop(child.wait());
        return Err(Error::outside(format!("`{line}` did not end within {}", seconds(within))));
    };
    Ok(Ok(Output { stdout, stderr: String::from_utf8_lossy(&stderr).trim().to_owned(), code: status.code() }))
}

/// `30 s`, `250 ms`.
fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds => format!("{seconds} s"),
    }
}

/// Kills a program with everything that it started.
fn kill(child: &mut std::process::Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended by itself just now.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        return;
    }
    drop(child.kill());
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn asked(line: &str, ms: u64) -> Result<Output> {
        ask(line, Path::new("/"), Duration::from_millis(ms))
    }

    #[test]
    fn what_is_asked_is_kept() {
        let output = asked("echo yes; echo no >&2; exit 3", 5_000).unwrap();
        assert_eq!((output.text().as_str(), output.stderr.as_str(), output.code), ("yes", "no", Some(3)));
        let long = asked("yes | head -c 3000000", 20_000).unwrap();
        assert_eq!((long.stdout.len(), long.code), (1 << 20, Some(0)));
    }

    #[test]
    fn a_program_that_is_not_there_is_told_from_one_that_fails() {
        let run = |program: &str, argument: &str| {
            tool(program, &[argument.to_owned()], Path::new("/"), Duration::from_secs(5)).unwrap()
        };
        assert!(run("release-steps-no-such-program", "x").is_none());
        assert_eq!(run("echo", "$HOME; `id`").unwrap().text(), "$HOME; `id`");
        assert_eq!(run("false", "x").unwrap().code, Some(1));
    }

    #[test]
    fn a_command_that_does_not_end_is_killed_with_what_it_started() {
        let started = Instant::now();
        let lines = std::sync::Mutex::new(Vec::new());
        let line = |text: &str| lines.lock().unwrap().push(text.to_owned());
        let run = |command: &str, ms| {
            shell(command, Path::new("/"), &BTreeMap::new(), Some(Duration::from_millis(ms)), &line)
        };
        let error = run("echo begins; sleep 60 & sleep 60", 300).unwrap_err();
        assert!(error.message.contains("did not end within 300 ms"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10));
        run("echo ends", 60_000).unwrap();
        assert_eq!(run("exit 3", 60_000).unwrap_err().kind, crate::error::Kind::No);
        assert_eq!(*lines.lock().unwrap(), ["begins", "ends"]);
    }

    #[test]
    fn what_does_not_end_is_killed() {
        let started = Instant::now();
        let error = asked("sleep 60 & sleep 60", 200).unwrap_err();
        assert!(error.message.contains("did not end within"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}
