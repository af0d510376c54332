//! Text from outside: decoding it, and making it harmless where it is shown.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// How [`inert`] treats line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newlines {
    /// `\n` and `\t` stay; `\r\n` and a lone `\r` become `\n`.
    Keep,
    /// The result is one line: each break or tab becomes one space.
    Flatten,
}

/// Makes `text` safe to show on a terminal or on a line of markdown.
///
/// Removed are whole ANSI escape sequences (CSI, OSC and the other string controls of ECMA-48), all other C0 and C1
/// controls with NUL and DEL, the bidirectional overrides and isolates (U+202A to U+202E, U+2066 to U+2069, see
/// <https://trojansource.codes/>) and the byte order mark. U+2028 and U+2029 are line breaks. Markdown's own
/// characters are left alone: quoting them is the business of whoever writes markdown.
///
/// Text that is already safe is borrowed; the work is linear in the text.
pub fn inert(text: &str, newlines: Newlines) -> Cow<'_, str> {
    // Most text is plain, and looked through faster byte by byte.
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) || !text.chars().any(|c| is_unsafe(c, newlines)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\u{1b}' || matches!(c, '\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}'..='\u{9f}') {
            rest = after_escape(rest);
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '\r' if rest.starts_with('\n') => {}
            '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push(match newlines {
                Newlines::Keep => '\n',
                Newlines::Flatten => ' ',
            }),
            '\t' if newlines == Newlines::Flatten => out.push(' '),
            '\t' => out.push('\t'),
            _ if !is_unsafe(c, newlines) => out.push(c),
            _ => {}
        }
    }
    Cow::Owned(out)
}

fn is_unsafe(c: char, newlines: Newlines) -> bool {
    match c {
        '\n' | '\t' => newlines == Newlines::Flatten,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        '\u{2028}' | '\u{2029}' | '\u{feff}' => true,
        _ => c.is_control(),
    }
}

/// What follows the escape sequence that `text` starts with.
///
/// An unfinished sequence ends with its line, so it cannot hide the lines after it, and a string control is looked
/// for no further than its line, which keeps the work linear.
fn after_escape(text: &str) -> &str {
    let mut chars = text.char_indices();
    let first = chars.next().map_or('\0', |(_, c)| c);
    let kind = match first {
        '\u{1b}' => match chars.next() {
            Some((_, c @ ('[' | ']' | 'P' | 'X' | '^' | '_'))) => c,
            // Two-character sequences, also with intermediate bytes such as `ESC ( B`.
            Some((_, c @ ' '..='/')) => {
                let rest = chars.as_str();
                let _ = c;
                let skip = rest.bytes().take_while(|b| (0x20..=0x2f).contains(b)).count();
                return match rest.as_bytes().get(skip) {
                    Some(0x30..=0x7e) => &rest[skip + 1..],
                    _ => &rest[skip..],
                };
            }
            Some((_, '0'..='~')) => return chars.as_str(),
            _ => return &text[first.len_utf8()..],
        },
        '\u{9b}' => '[',
        _ => ']',
    };
    let rest = chars.as_str();
    if kind == '[' {
        let skip = rest.bytes().take_while(|b| (0x20..=0x3f).contains(b)).count();
        return match rest.as_bytes().get(skip) {
            Some(0x40..=0x7e) => &rest[skip + 1..],
            _ => &rest[skip..],
        };
    }
    let mut inside = rest.char_indices();
    while let Some((at, c)) = inside.next() {
        match c {
            '\u{7}' | '\u{9c}' => return inside.as_str(),
            '\u{1b}' => {
                let after = inside.as_str();
                return after.strip_prefix('\\').unwrap_or(&rest[at..]);
            }
            '\n' | '\r' => return &rest[at..],
            _ => {}
        }
    }
    ""
}

/// Something about the bytes of a text that a person may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeWarning {
    /// The commit names an encoding that nobody knows; its bytes were read as if it named none.
    UnknownEncoding(String),
    /// The bytes are not valid in the encoding; windows-1252 was taken instead.
    NotUtf8,
    /// Some bytes mean nothing in the named encoding and were replaced by U+FFFD.
    Malformed(&'static str),
}

impl std::fmt::Display for DecodeWarning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownEncoding(name) => {
                write!(f, "the encoding {name:?} of the commit message is not known")
            }
            Self::NotUtf8 => {
                f.write_str("the commit message is not UTF-8 and names no encoding: read as windows-1252")
            }
            Self::Malformed(name) => write!(f, "the commit message has bytes that are not {name}"),
        }
    }
}

/// Decodes a commit message.
///
/// `encoding` is the commit's `encoding` header (<https://git-scm.com/docs/git-commit#_discussion>); without one the
/// bytes are UTF-8. Bytes that are not UTF-8 and carry no header are read as windows-1252, which reads every byte, as
/// git's own tools do. Never fails: what cannot be read is replaced, and the warning says so. Labels are those of the
/// Encoding Standard (<https://encoding.spec.whatwg.org/#names-and-labels>), where `ISO-8859-1` means windows-1252.
pub fn decode<'a>(raw: &'a [u8], encoding: Option<&str>) -> (Cow<'a, str>, Option<DecodeWarning>) {
    let named = encoding.map(str::trim).filter(|name| !name.is_empty());
    let known = named.map(|name| Encoding::for_label(name.as_bytes()));
    let unknown = match (named, known) {
        (Some(name), Some(None)) => {
            Some(DecodeWarning::UnknownEncoding(inert(name, Newlines::Flatten).chars().take(40).collect()))
        }
        _ => None,
    };
    if let Some(Some(encoding)) = known.filter(|known| *known != Some(UTF_8)) {
        let (text, malformed) = encoding.decode_without_bom_handling(raw);
        return (text, malformed.then(|| DecodeWarning::Malformed(encoding.name())));
    }
    match std::str::from_utf8(raw) {
        Ok(text) => (Cow::Borrowed(text), unknown),
        Err(_) => {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(raw);
            (text, Some(unknown.unwrap_or(DecodeWarning::NotUtf8)))
        }
    }
}

/// `1 commit`, `2 commits`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_overrides_and_controls_go() {
        for (text, flat) in [
            ("plain – ünïcode", "plain – ünïcode"),
            ("a\u{1b}[31mred\u{1b}[0m b", "ared b"),
            ("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{1b}\\ end", "link end"),
            ("a\u{1b}(Bb\u{1b}cc", "abc"),
            ("nul\0 bell\u{7} del\u{7f} c1\u{9b}31mx", "nul bell del c1x"),
            ("a\u{202e}b\u{2066}c\u{feff}", "abc"),
            ("one\r\ntwo\rthree\tfour\u{2028}five", "one two three four five"),
            ("cut \u{1b}]0;title\nshown", "cut  shown"),
            ("\u{1b}[", ""),
            ("\u{1b}", ""),
            ("\u{1b}é", "é"),
        ] {
            assert_eq!(inert(text, Newlines::Flatten), flat, "{text:?}");
        }
        assert_eq!(inert("a\r\nb\rc\td", Newlines::Keep), "a\nb\nc\td");
        assert!(matches!(inert("a\nb", Newlines::Keep), Cow::Borrowed(_)));
    }

    #[test]
    fn messages_in_other_encodings() {
        assert_eq!(decode("fix: é".as_bytes(), None), ("fix: é".into(), None));
        assert_eq!(decode(b"fix: \xe9", Some("ISO-8859-1")), ("fix: é".into(), None));
        assert_eq!(decode(b"fix: \xe9", None), ("fix: é".into(), Some(DecodeWarning::NotUtf8)));
        assert_eq!(decode(b"fix: \xe9", Some("UTF-8")).1, Some(DecodeWarning::NotUtf8));
        assert_eq!(decode(b"\x82\xa0", Some("Shift_JIS")).0, "あ");
        assert_eq!(decode(b"\xff\xff", Some("Shift_JIS")).1, Some(DecodeWarning::Malformed("Shift_JIS")));
        let (text, warning) = decode(b"fix: x", Some("klingon"));
        assert_eq!((&*text, warning), ("fix: x", Some(DecodeWarning::UnknownEncoding("klingon".into()))));
    }

    proptest! {
        #[test]
        fn inert_is_safe_and_settled(text in "(?s).{0,80}|[\\x1b\\x07\\[\\];m\\\\\r\n\u{9b}\u{202e}a]{0,40}") {
            let flat = inert(&text, Newlines::Flatten);
            prop_assert!(!flat.chars().any(|c| is_unsafe(c, Newlines::Flatten)));
            prop_assert_eq!(&inert(&flat, Newlines::Flatten), &flat);
        }

        #[test]
        fn decode_never_fails(raw: Vec<u8>, label in "[ -~]{0,12}") {
            let _ = decode(&raw, Some(&label));
            let _ = decode(&raw, None);
        }
    }
}
