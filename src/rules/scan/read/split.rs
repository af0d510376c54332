//! Cuts a JSON text into the values that a reader wants, while the text arrives piece by piece.
//!
//! A report of 100 MB is never in memory: only the value that is just being read is. What nobody wants is skipped by
//! counting brackets; what is wanted is parsed, and so checked, by serde_json.

use memchr::memchr2;

/// What to do with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// Look at what is inside, if it is an array or object.
    Enter,
    /// Hand it over whole.
    Whole,
    /// Pass over it.
    Skip,
}

/// Who takes the values. A path names the keys from the top; the entries of an array are `*`.
pub trait Taker {
    /// Asked at the start of each value inside a container that was entered.
    fn take(&mut self, path: &[String]) -> Take;
    /// Gets a whole value.
    fn value(&mut self, path: &[String], json: &[u8]) -> Result<(), Fault>;
    /// Told when an entered container ends.
    fn end(&mut self, _path: &[String]) {}
}

/// Why a text cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub String);

/// The largest single value that is taken whole, in bytes.
const LARGEST: usize = 64 << 20;
/// The longest key.
const LONGEST_KEY: usize = 4096;
/// How deep containers are entered.
const DEEPEST: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a document.
    Top,
    /// After the document.
    After,
    /// In an array: before a value or the end.
    Entry,
    /// In an object: before a key or the end.
    Key,
    /// In a key.
    InKey { escaped: bool },
    /// After a key.
    Colon,
    /// After a colon.
    Value,
    /// After a value: a comma or the end.
    Comma,
    /// In a value that is taken whole or skipped.
    In { whole: bool, scan: Scan },
}

/// Where in a value that is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scan {
    depth: u32,
    string: bool,
    escaped: bool,
    /// A number, `true`, `false` or `null`: ends before what is none of it.
    bare: bool,
}

/// The cutter.
#[derive(Debug)]
pub struct Splitter {
    state: State,
    /// Whether each entered container is an array.
    open: Vec<bool>,
    path: Vec<String>,
    key: Vec<u8>,
    carry: Vec<u8>,
    at: usize,
    documents: usize,
    /// Whether further documents may follow, as in JSON lines.
    many: bool,
}

impl Splitter {
    /// For one document, or for JSON lines.
    pub fn new(many: bool) -> Self {
        Splitter {
            state: State::Top,
            open: Vec::new(),
            path: Vec::new(),
            key: Vec::new(),
            carry: Vec::new(),
            at: 0,
            documents: 0,
            many,
        }
    }

    fn fault<T>(&self, what: &str, i: usize) -> Result<T, Fault> {
        Err(Fault(format!("{what} at byte {}", self.at + i + 1)))
    }

    /// Takes the next piece of the text.
    pub fn push(&mut self, bytes: &[u8], taker: &mut dyn Taker) -> Result<(), Fault> {
        let mut i = 0;
        while i < bytes.len() {
            let byte = bytes[i];
            match self.state {
                State::In { whole, scan } => {
                    let (end, scan) = pass(&bytes[i..], scan);
                    let part = &bytes[i..i + end];
                    i += end;
                    match scan {
                        Some(scan) => {
                            self.state = State::In { whole, scan };
                            if whole {
                                self.carry(part, i)?;
                            }
                        }
                        None => self.complete(whole, part, taker)?,
                    }
                    continue;
                }
                State::InKey { escaped: true } => {
                    self.key.push(byte);
                    self.state = State::InKey { escaped: false };
                }
                State::InKey { escaped: false } => match byte {
                    b'"' => self.state = State::Colon,
                    _ if self.key.len() >= LONGEST_KEY => return self.fault("a key without an end", i),
                    b'\\' => self.state = State::InKey { escaped: true },
                    _ => self.key.push(byte),
                },
                _ if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') => {}
                State::Colon if byte == b':' => self.state = State::Value,
                State::Key if byte == b'"' => {
                    self.key.clear();
                    self.state = State::InKey { escaped: false };
                }
                State::Comma if byte == b',' => {
                    self.state = if self.open.last() == Some(&true) { State::Entry } else { State::Key };
                }
                State::Comma | State::Key | State::Entry if matches!(byte, b'}' | b']') => {
                    if self.open.last() != Some(&(byte == b']')) {
                        return self.fault("the wrong closing bracket", i);
                    }
                    self.open.pop();
                    taker.end(&self.path);
                    self.leave();
                }
                State::After if !self.many => return self.fault("text after the end of the JSON", i),
                State::Top | State::After | State::Value | State::Entry => {
                    i = self.begin(byte, i, taker)?;
                    continue;
                }
                _ => return self.fault(&format!("`{}` where JSON has none", byte.escape_ascii()), i),
            }
            i += 1;
        }
        self.at += bytes.len();
        Ok(())
    }

    /// At the first byte of a value; says where to go on.
    fn begin(&mut self, byte: u8, i: usize, taker: &mut dyn Taker) -> Result<usize, Fault> {
        match self.state {
            State::Entry => self.path.push("*".to_owned()),
            State::Value => self.path.push(String::from_utf8_lossy(&self.key).into_owned()),
            _ => {}
        }
        let container = matches!(byte, b'{' | b'[');
        if !container && !matches!(byte, b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') {
            return self.fault(&format!("`{}` where JSON has none", byte.escape_ascii()), i);
        }
        let take = taker.take(&self.path);
        if take == Take::Enter && container && self.open.len() < DEEPEST {
            self.open.push(byte == b'[');
            self.state = if byte == b'[' { State::Entry } else { State::Key };
            return Ok(i + 1);
        }
        let bare = !container && byte != b'"';
        let scan = Scan { depth: 0, string: false, escaped: false, bare };
        self.state = State::In { whole: take == Take::Whole, scan };
        Ok(i)
    }

    fn carry(&mut self, part: &[u8], i: usize) -> Result<(), Fault> {
        if self.carry.len() + part.len() > LARGEST {
            return self.fault("a single entry of more than 64 MiB", i);
        }
        self.carry.extend_from_slice(part);
        Ok(())
    }

    fn complete(&mut self, whole: bool, part: &[u8], taker: &mut dyn Taker) -> Result<(), Fault> {
        if whole {
            if self.carry.is_empty() {
                taker.value(&self.path, part)?;
            } else {
                self.carry(part, 0)?;
                taker.value(&self.path, &self.carry)?;
                self.carry.clear();
                self.carry.shrink_to(1 << 20);
            }
        }
        self.leave();
        Ok(())
    }

    fn leave(&mut self) {
        if self.open.is_empty() {
            self.documents += 1;
            self.path.clear();
            self.state = State::After;
        } else {
            self.path.pop();
            self.state = State::Comma;
        }
    }

    /// The text has ended.
    pub fn finish(mut self, taker: &mut dyn Taker) -> Result<(), Fault> {
        if let State::In { whole, scan: Scan { bare: true, .. } } = self.state {
            self.complete(whole, &[], taker)?;
        }
        match self.state {
            State::After => Ok(()),
            State::Top => Err(Fault("there is no JSON in it".to_owned())),
            _ => Err(Fault(format!("it breaks off after {} bytes", self.at))),
        }
    }
}

/// Passes over a value; where it ends, or how far it got.
fn pass(bytes: &[u8], mut scan: Scan) -> (usize, Option<Scan>) {
    let mut i = 0;
    if scan.bare {
        let bare = |b: &u8| matches!(b, b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z');
        return match bytes.iter().position(|b| !bare(b)) {
            Some(end) => (end, None),
            None => (bytes.len(), Some(scan)),
        };
    }
    while i < bytes.len() {
        if scan.string {
            if scan.escaped {
                scan.escaped = false;
                i += 1;
                continue;
            }
            let Some(found) = memchr2(b'"', b'\\', &bytes[i..]) else { break };
            i += found + 1;
            if bytes[i - 1] == b'\\' {
                scan.escaped = true;
            } else {
                scan.string = false;
                if scan.depth == 0 {
                    return (i, None);
                }
            }
            continue;
        }
        match bytes[i] {
            b'"' => scan.string = true,
            b'{' | b'[' => scan.depth += 1,
            b'}' | b']' => {
                scan.depth = scan.depth.saturating_sub(1);
                if scan.depth == 0 {
                    return (i + 1, None);
                }
            }
            _ => {}
        }
        i += 1;
    }
    (bytes.len(), Some(scan))
}
