//! The journal: what a run has begun and done, on disk before the next effect starts, so that a new process can go on.
//!
//! One file a run, `<git dir>/release-steps/runs/<plan digest>.jsonl`: the plan on the first line, then an entry a line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::data::CommitId;
use crate::error::{Error, Result};
use crate::plan::Plan;

/// The folder of this program's state in a repository, below the (common) git directory.
pub fn state_dir(git_dir: &Path) -> PathBuf {
    git_dir.join("release-steps")
}

/// The file of the journal of a plan with this digest.
pub fn path(git_dir: &Path, digest: &str) -> PathBuf {
    state_dir(git_dir).join("runs").join(format!("{digest}.jsonl"))
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Entry {
    Plan(Box<Plan>),
    Started {
        effect: String,
        at: Timestamp,
    },
    Done {
        effect: String,
        at: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        made: Option<(String, CommitId)>,
    },
    /// The effect ended with an answer that says it was not done.
    Refused {
        effect: String,
        at: Timestamp,
    },
    /// An effect failed, and what was there before is being put back.
    Back {
        fallback: usize,
        error: Error,
        at: Timestamp,
    },
    Finished {
        at: Timestamp,
        how: String,
    },
}

/// The journal of one run.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Effects that a run of this plan has done, by their place.
    pub done: BTreeSet<String>,
    /// Effects that were begun and of which it is not known how they ended.
    pub open: BTreeSet<String>,
    /// Effects that were ever begun.
    pub tried: BTreeSet<String>,
    /// The fallback that this run has turned to, and why.
    pub back: Option<(usize, Error)>,
    /// The commits that were made, by name.
    pub made: BTreeMap<String, CommitId>,
}

/// A run that did not come to its end.
#[derive(Debug)]
pub struct Unfinished {
    /// The plan.
    pub plan: Plan,
    /// The journal, to go on with.
    pub journal: Journal,
    /// When the last entry was written.
    pub last: Timestamp,
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |e| Error::outside(format!("the journal cannot be written: {e}")).at(path.display().to_string())
}

impl Journal {
    /// Starts, or goes on with, the journal of a plan.
    pub fn open(git_dir: &Path, plan: &Plan) -> Result<Journal> {
        let path = path(git_dir, &plan.digest());
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed(&path))?;
        if path.exists()
            && let Some(unfinished) = read(&path)?
        {
            return Ok(unfinished.journal);
        }
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed(&path))?;
        let mut journal = Journal {
            file,
            path,
            done: BTreeSet::new(),
            open: BTreeSet::new(),
            tried: BTreeSet::new(),
            back: None,
            made: BTreeMap::new(),
        };
        journal.write(&Entry::Plan(Box::new(plan.clone())))?;
        Ok(journal)
    }

    fn write(&mut self, entry: &Entry) -> Result<()> {
        let mut line = serde_json::to_vec(entry)
            .map_err(|e| Error::outside(format!("the journal's entry cannot be written: {e}")))?;
        line.push(b'\n');
        self.file.write_all(&line).and_then(|()| self.file.sync_data()).map_err(failed(&self.path))
    }

    /// An effect begins.
    pub fn started(&mut self, effect: &str) -> Result<()> {
        self.tried.insert(effect.to_owned());
        self.open.insert(effect.to_owned());
        self.write(&Entry::Started { effect: effect.to_owned(), at: Timestamp::now() })
    }

    /// Whether an effect was ever begun.
    pub fn begun(&self) -> bool {
        !self.tried.is_empty()
    }

    /// The run turns to a fallback, because of this error.
    pub fn back(&mut self, fallback: usize, error: &Error) -> Result<()> {
        self.back = Some((fallback, error.clone()));
        self.write(&Entry::Back { fallback, error: error.clone(), at: Timestamp::now() })
    }

    /// An effect is done.
    pub fn done(&mut self, effect: &str, made: Option<(String, CommitId)>) -> Result<()> {
        self.done.insert(effect.to_owned());
        self.open.remove(effect);
        self.made.extend(made.clone());
        self.write(&Entry::Done { effect: effect.to_owned(), at: Timestamp::now(), made })
    }

    /// An effect failed, and is known not to have been done.
    pub fn refused(&mut self, effect: &str) -> Result<()> {
        self.open.remove(effect);
        self.write(&Entry::Refused { effect: effect.to_owned(), at: Timestamp::now() })
    }

    /// The run has come to its end: `done`, or why there is nothing left to resume.
    pub fn finish(&mut self, how: &str) -> Result<()> {
        self.write(&Entry::Finished { at: Timestamp::now(), how: how.to_owned() })
    }
}

/// Reads a journal; none when its run is finished or nothing in it can be gone on with.
fn read(path: &Path) -> Result<Option<Unfinished>> {
    let text = fs::read_to_string(path).map_err(failed(path))?;
    // A line that was cut off by a kill is the last one, and what it would have said did not happen.
    let mut entries = text.lines().map_while(|line| serde_json::from_str::<Entry>(line).ok());
    let Some(Entry::Plan(plan)) = entries.next() else {
        return Ok(None);
    };
    let file = OpenOptions::new().append(true).open(path).map_err(failed(path))?;
    let mut journal = Journal {
        file,
        path: path.to_owned(),
        done: BTreeSet::new(),
        open: BTreeSet::new(),
        tried: BTreeSet::new(),
        back: None,
        made: BTreeMap::new(),
    };
    let mut last = plan.created;
    let mut finished = false;
    for entry in entries {
        match entry {
            Entry::Finished { .. } => finished = true,
            // The same plan, applied anew after it had come to its end.
            Entry::Plan(_) => {
                finished = false;
                journal.tried.clear();
                journal.back = None;
                journal.open.clear();
                journal.done.clear();
                journal.made.clear();
            }
            Entry::Started { effect, at } => {
                journal.tried.insert(effect.clone());
                journal.open.insert(effect);
                last = at;
            }
            Entry::Back { fallback, error, at } => {
                journal.back = Some((fallback, error));
                last = at;
            }
            Entry::Refused { effect, at } => {
                journal.open.remove(&effect);
                last = at;
            }
            Entry::Done { effect, at, made } => {
                journal.open.remove(&effect);
                journal.done.insert(effect);
                journal.made.extend(made);
                last = at;
            }
        }
    }
    if finished {
        return Ok(None);
    }
    if !text.ends_with('\n') {
        journal.file.write_all(b"\n").map_err(failed(path))?;
    }
    Ok(Some(Unfinished { plan: *plan, journal, last }))
}

/// The runs of a repository that began and did not come to their end, the newest first.
pub fn unfinished(git_dir: &Path) -> Result<Vec<Unfinished>> {
    let dir = state_dir(git_dir).join("runs");
    let Ok(entries) = fs::read_dir(&dir) else {
        return Ok(Vec::new());
    };
    let mut runs = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "jsonl") {
            runs.extend(read(&path)?.filter(|run| run.journal.begun()));
        }
    }
    runs.sort_by_key(|run| std::cmp::Reverse(run.last));
    Ok(runs)
}

/// The lock that keeps two runs in one repository apart. The system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, or says who has it (exit 4).
    pub fn take(git_dir: &Path, what: &str) -> Result<Lock> {
        let dir = state_dir(git_dir);
        fs::create_dir_all(&dir).map_err(failed(&dir))?;
        let path = dir.join("lock");
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(failed(&path))?;
        match file.try_lock() {
            Ok(()) => {
                let note = format!("{what}, process {}\n", std::process::id());
                // Who holds it is only for the message of another run.
                drop(file.set_len(0).and_then(|()| file.write_all(note.as_bytes())));
                Ok(Lock { _file: file })
            }
            Err(fs::TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&path).unwrap_or_default();
                Err(Error::unknown(format!("another run works in this repository: {}", holder.trim()))
                    .at(path.display().to_string())
                    .hint("wait for it to end and try again"))
            }
            Err(fs::TryLockError::Error(e)) => Err(failed(&path)(e)),
        }
    }
}
