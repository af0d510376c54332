//! Words, strings and marks of source code, with comments left out: just enough of a lexer to
//! find an assignment or a named argument in Gradle, Kotlin, Python, Elixir and Ruby.
//!
//! It knows no grammar. Where it misreads an exotic construct (a regex literal with an odd
//! quote in it), the rules that read its tokens find no version or two, and say so.

use std::ops::Range;

/// The language whose comments and strings apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// `//`, `/* */`; `'…'`, `"…"`, and three of them for several lines.
    Gradle,
    /// `#`; prefixes such as `r` and `f`.
    Python,
    /// `#`; heredocs, sigils, `?c`.
    Elixir,
    /// `#`, `=begin`; heredocs, `%q(…)`.
    Ruby,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a number.
    Word,
    /// A string; the token's range is its content.
    Text {
        /// The content is its value: no escapes, no interpolation.
        plain: bool,
    },
    /// Any other character.
    Mark(u8),
    /// An end of line.
    Newline,
}

/// A token and its bytes.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

/// Tokens of a text, with the text.
pub(super) struct Code<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: Vec<Token>,
}

impl<'t> Code<'t> {
    /// Never fails: a string that is open at the end of its line, or of the text, ends there.
    pub(super) fn new(text: &'t str, language: Language) -> Self {
        let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, language, tokens: Vec::new() };
        lexer.run();
        Self { text, tokens: lexer.tokens }
    }

    /// Whether the token at `i` is this word.
    pub(super) fn word(&self, i: usize, word: &str) -> bool {
        self.word_at(i) == Some(word)
    }

    /// The word at `i`.
    pub(super) fn word_at(&self, i: usize) -> Option<&'t str> {
        let token = self.tokens.get(i)?;
        (token.kind == Kind::Word).then(|| &self.text[token.range.clone()])
    }

    /// Whether the token at `i` is this character.
    pub(super) fn mark(&self, i: usize, mark: u8) -> bool {
        self.tokens.get(i).is_some_and(|t| t.kind == Kind::Mark(mark))
    }

    /// The string at `i`: its content's bytes and whether it is plain.
    pub(super) fn string(&self, i: usize) -> Option<(Range<usize>, bool)> {
        match self.tokens.get(i) {
            Some(Token { kind: Kind::Text { plain }, range }) => Some((range.clone(), *plain)),
            _ => None,
        }
    }

    /// Whether a statement can begin at `i`.
    pub(super) fn starts_statement(&self, i: usize) -> bool {
        i == 0 || matches!(self.tokens[i - 1].kind, Kind::Newline | Kind::Mark(b';' | b'{' | b'}'))
    }

    /// Whether a statement can end before `i`.
    pub(super) fn ends_statement(&self, i: usize) -> bool {
        self.tokens.get(i).is_none_or(|t| matches!(t.kind, Kind::Newline | Kind::Mark(b';' | b'}')))
    }

    /// Whether the token at `i` is the first on its line, without indentation.
    pub(super) fn unindented(&self, i: usize) -> bool {
        let start = self.tokens[i].range.start;
        start == 0 || self.text.as_bytes()[start - 1] == b'\n'
    }

    /// Skips ends of lines.
    pub(super) fn skip_newlines(&self, mut i: usize) -> usize {
        while self.tokens.get(i).is_some_and(|t| t.kind == Kind::Newline) {
            i += 1;
        }
        i
    }
}

struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    language: Language,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn push(&mut self, kind: Kind, range: Range<usize>) {
        self.tokens.push(Token { kind, range });
    }

    fn sees(&self, what: &str) -> bool {
        self.bytes[self.at..].starts_with(what.as_bytes())
    }

    fn line_start(&self) -> bool {
        self.at == 0 || self.bytes[self.at - 1] == b'\n'
    }

    /// The end of the line that `at` is on, before its line end.
    fn line_end(&self, at: usize) -> usize {
        self.bytes[at..].iter().position(|b| *b == b'\n').map_or(self.bytes.len(), |n| at + n)
    }

    fn run(&mut self) {
        while self.at < self.bytes.len() {
            let byte = self.bytes[self.at];
            match byte {
                b'\n' => {
                    self.push(Kind::Newline, self.at..self.at + 1);
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                // A line that goes on.
                b'\\' if self.continues() => self.at = self.line_end(self.at) + 1,
                _ if self.comment() => {}
                b'"' | b'\'' => self.quoted(),
                b'~' if self.language == Language::Elixir && self.sigil(1) => {}
                b'%' if self.language == Language::Ruby && self.percent() => {}
                b'<' if self.language == Language::Ruby && self.heredoc() => {}
                b'?' if self.language == Language::Elixir && self.at + 1 < self.bytes.len() => {
                    let next = self.text[self.at + 1..].chars().next();
                    self.at += 1 + next.map_or(0, char::len_utf8);
                }
                b if b == b'_' || b.is_ascii_alphanumeric() || b >= 0x80 => {
                    let start = self.at;
                    while self
                        .bytes
                        .get(self.at)
                        .is_some_and(|b| *b == b'_' || b.is_ascii_alphanumeric() || *b >= 0x80)
                    {
                        self.at += 1;
                    }
                    self.push(Kind::Word, start..self.at);
                }
                b => {
                    self.push(Kind::Mark(b), self.at..self.at + 1);
                    self.at += 1;
                }
            }
        }
    }

    fn continues(&self) -> bool {
        let end = self.line_end(self.at);
        end < self.bytes.len() && self.text[self.at + 1..end].trim().is_empty()
    }

    fn comment(&mut self) -> bool {
        let to_line_end = match self.language {
            Language::Gradle => self.sees("//"),
            _ => self.sees("#"),
        };
        if to_line_end || (self.at == 0 && self.sees("#!")) {
            self.at = self.line_end(self.at);
            return true;
        }
        if self.language == Language::Gradle && self.sees("/*") {
            let close = self.text[self.at + 2..].find("*/");
            self.at = close.map_or(self.bytes.len(), |n| self.at + 2 + n + 2);
            return true;
        }
        if self.language == Language::Ruby && self.line_start() {
            if self.sees("=begin") {
                let close = self.text[self.at..].find("\n=end");
                self.at = close.map_or(self.bytes.len(), |n| self.line_end(self.at + n + 1));
                return true;
            }
            if self.sees("__END__") && self.text[self.at..self.line_end(self.at)].trim_end() == "__END__" {
                self.at = self.bytes.len();
                return true;
            }
        }
        false
    }

    fn quoted(&mut self) {
        let quote = self.bytes[self.at];
        let three = [quote; 3];
        let long = self.language != Language::Ruby && self.bytes[self.at..].starts_with(&three);
        let close: &[u8] = if long { &three } else { &three[..1] };
        let raw = self.language == Language::Python && self.python_prefix(b"rR");
        let formatted = self.language == Language::Python && self.python_prefix(b"fF");
        // A prefix is part of the string, not a word of its own.
        if self.language == Language::Python && self.python_prefix(b"rRbBuUfFtT") {
            self.tokens.pop();
        }
        let interpolates = match self.language {
            Language::Gradle => quote == b'"',
            Language::Python => formatted,
            Language::Elixir | Language::Ruby => quote == b'"' || self.language == Language::Elixir,
        };
        self.string(close.to_vec(), long, !raw, interpolates, None, close.len());
    }

    /// Whether the word that touches the quote is a Python string prefix with one of these.
    fn python_prefix(&self, letters: &[u8]) -> bool {
        self.tokens.last().is_some_and(|t| {
            let word = &self.bytes[t.range.clone()];
            t.kind == Kind::Word
                && t.range.end == self.at
                && word.len() <= 2
                && word.iter().all(|b| b"rRbBuUfFtT".contains(b))
                && word.iter().any(|b| letters.contains(b))
        })
    }

    /// Reads a string from its opening on, `skip` bytes long, to `close`. `nests` is the
    /// opening bracket of strings such as `%q(a (b) c)`.
    fn string(
        &mut self,
        close: Vec<u8>,
        long: bool,
        escapes: bool,
        interpolates: bool,
        nests: Option<u8>,
        skip: usize,
    ) {
        let start = self.at + skip;
        let mut at = start;
        let mut plain = true;
        let mut depth = 0usize;
        while at < self.bytes.len() {
            let byte = self.bytes[at];
            if depth == 0 && self.bytes[at..].starts_with(&close) {
                break;
            }
            if Some(byte) == nests {
                depth += 1;
            } else if depth > 0 && close == [byte] {
                depth -= 1;
            }
            match byte {
                b'\n' if !long => break,
                b'\\' => {
                    plain &= !escapes;
                    at += 1;
                    // Even in a raw string a quote after `\` does not close it. The character
                    // may be of several bytes; the next round skips the rest of it.
                    if self.bytes.get(at).is_some_and(|b| long || *b != b'\n') {
                        at += 1;
                    }
                    continue;
                }
                b'$' if interpolates && self.language == Language::Gradle => plain = false,
                b'#' if interpolates && self.bytes.get(at + 1) == Some(&b'{') => plain = false,
                b'{' if interpolates && self.language == Language::Python => plain = false,
                _ => {}
            }
            // An interpolation may hold quotes of its own.
            let opens = interpolates
                && byte == b'{'
                && at > start
                && match self.language {
                    Language::Gradle => self.bytes[at - 1] == b'$',
                    Language::Elixir | Language::Ruby => self.bytes[at - 1] == b'#',
                    Language::Python => false,
                };
            at = if opens { self.braces(at, long) } else { at + 1 };
        }
        let end = at.min(self.bytes.len());
        self.push(Kind::Text { plain }, start.min(end)..end);
        self.at = if self.bytes[end..].starts_with(&close) { end + close.len() } else { end };
    }

    /// The byte after the brace that closes the one at `at`; the line's end for a short string.
    fn braces(&self, at: usize, long: bool) -> usize {
        let mut depth = 0usize;
        for (i, byte) in self.bytes.iter().enumerate().skip(at) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                b'\n' if !long => return i,
                _ => {}
            }
            if depth == 0 {
                return i + 1;
            }
        }
        self.bytes.len()
    }

    /// `~s(…)`, `~r/…/`, `~S"""…"""`.
    fn sigil(&mut self, start: usize) -> bool {
        let name = self.bytes[self.at + start..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
        name > 0 && self.delimited(start + name)
    }

    /// `%q(…)`, `%w[…]`, `%(…)`; not the operator in `a % b`.
    fn percent(&mut self) -> bool {
        let letter = self.bytes.get(self.at + 1).is_some_and(|b| b"qQwWiIrsx".contains(b));
        let after = if letter { 2 } else { 1 };
        let opens = self.bytes.get(self.at + after).is_some_and(|b| b"([{<|!/".contains(b));
        opens
            && (letter || !self.bytes.get(self.at + 1).is_some_and(|b| b"/<|!".contains(b)))
            && self.delimited(after)
    }

    fn delimited(&mut self, skip: usize) -> bool {
        let Some(open) = self.bytes.get(self.at + skip).copied() else {
            return false;
        };
        let rest = &self.bytes[self.at + skip..];
        if rest.starts_with(b"\"\"\"") || rest.starts_with(b"'''") {
            self.string(vec![open; 3], true, true, true, None, skip + 3);
            return true;
        }
        let close = match open {
            b'(' => b')',
            b'[' => b']',
            b'{' => b'}',
            b'<' => b'>',
            b'/' | b'|' | b'!' | b'"' | b'\'' => open,
            _ => return false,
        };
        let nests = (close != open).then_some(open);
        self.string(vec![close], true, true, false, nests, skip + 1);
        true
    }

    /// Ruby's `<<~EOS … EOS`: what the line goes on with is lost with the text, which is fine,
    /// since no version stands there. One that is open ends with the text.
    fn heredoc(&mut self) -> bool {
        let rest = &self.text[self.at..self.line_end(self.at)];
        let Some(name) = rest.strip_prefix("<<~").or_else(|| rest.strip_prefix("<<-")) else {
            return false;
        };
        let name = name.trim_start_matches(['"', '\'']);
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        let name = &name[..end];
        // `a <<-b` appends.
        if !name.starts_with(|c: char| c.is_uppercase() || c == '_') {
            return false;
        }
        let mut at = self.line_end(self.at);
        while at < self.bytes.len() {
            let start = at + 1;
            at = self.line_end(start);
            if self.text[start..at].trim() == name {
                break;
            }
        }
        self.at = at;
        true
    }
}
