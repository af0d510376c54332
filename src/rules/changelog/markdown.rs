//! One line of text from a commit, made safe within Markdown.

use memchr::memchr3;
use memchr::memmem::find;
use std::borrow::Cow;

/// Makes a line safe within Markdown; most lines are so already.
///
/// `<` outside of code would start an HTML tag or a comment, and an open code span would swallow the rest of the list: both are
/// escaped. `@name` would call a person or a team who has nothing to do with it (`@types/node` is a package): it becomes code,
/// in which forges mention nobody. A link to anything but `http`, `https`, `mailto` or a place of the same site becomes text.
pub(super) fn safe(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if memchr3(b'`', b'<', b'@', bytes).is_none()
        && find(bytes, b"](").is_none()
        && find(bytes, b"]:").is_none()
    {
        return Cow::Borrowed(text);
    }
    let closed = text.matches('`').count().is_multiple_of(2);
    let mut out = String::with_capacity(text.len() + 8);
    let (mut code, mut before, mut rest) = (false, ' ', text);
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        match c {
            '`' if closed => code = !code,
            '`' => out.push('\\'),
            '<' if !code => out.push('\\'),
            ']' if !code && leads_astray(tail) => out.push('\\'),
            '@' if !(code || before.is_alphanumeric() || "_/`".contains(before)) => {
                let name = name(tail);
                if !name.is_empty() {
                    out.push_str(&format!("`@{name}`"));
                    before = '`';
                    rest = &tail[name.len()..];
                    continue;
                }
            }
            _ => {}
        }
        out.push(c);
        (before, rest) = (c, tail);
    }
    Cow::Owned(out)
}

/// The name of a person, a team or a package that a text begins with.
fn name(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c))).unwrap_or(text.len());
    let name = text[..end].trim_end_matches(['-', '_', '.', '/']);
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) { name } else { "" }
}

/// Whether what follows a `]` makes it a link to somewhere that a link in a changelog does not go, or names an address for
/// other links (<https://spec.commonmark.org/0.31.2/#link-reference-definitions>).
fn leads_astray(after: &str) -> bool {
    let Some(target) = after.strip_prefix('(') else { return after.starts_with(':') };
    let target = target.trim_start().trim_start_matches('<');
    let end = target.find(|c: char| "/?#) \t".contains(c)).unwrap_or(target.len());
    let head = &target[..end];
    // A colon can be written in other ways, and nobody does so who means well.
    if head.contains(['&', '\\', '%']) {
        return true;
    }
    let scheme = head.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| !matches!(scheme.as_str(), "http" | "https" | "mailto"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_safe() {
        for (text, wanted) in [
            ("plain", "plain"),
            ("a `b <c", "a \\`b \\<c"),
            ("a `b` <c>", "a `b` \\<c>"),
            ("bump @types/node from 1 to 2", "bump `@types/node` from 1 to 2"),
            ("thanks @alice, @org/team.", "thanks `@alice`, `@org/team`."),
            ("(@alice) @bob", "(`@alice`) `@bob`"),
            ("mail a@b.example", "mail a@b.example"),
            ("`@Input()` stays", "`@Input()` stays"),
            ("@ alone, @@ and @-x", "@ alone, @@ and @-x"),
            ("an open ` and @alice", "an open \\` and `@alice`"),
            ("[x](https://a.example) [y](#z) [z](b/c:d)", "[x](https://a.example) [y](#z) [z](b/c:d)"),
            ("[x](javascript:alert(1))", "[x\\](javascript:alert(1))"),
            ("[x]( <JavaScript:alert(1)>)", "[x\\]( \\<JavaScript:alert(1)>)"),
            ("[x](javascript&#58;alert(1))", "[x\\](javascript&#58;alert(1))"),
            ("[x](data:text/html,x)", "[x\\](data:text/html,x)"),
            ("[x]: javascript:alert(1)", "[x\\]: javascript:alert(1)"),
            ("`a[0](b:c)`", "`a[0](b:c)`"),
            ("ü@alice @ü", "ü@alice @ü"),
        ] {
            assert_eq!(safe(text), wanted);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_mention_is_left_outside_of_code(text in "[a@`\\]\\[(): <x/-]{0,30}") {
            let safe = safe(&text);
            let mut code = false;
            let mut before = ' ';
            let chars: Vec<char> = safe.chars().collect();
            for (at, c) in chars.iter().enumerate() {
                if *c == '`' && before != '\\' {
                    code = !code;
                }
                let name = chars.get(at + 1).is_some_and(char::is_ascii_alphanumeric);
                let mentions = *c == '@' && !code && name && !(before.is_alphanumeric() || "_/`".contains(before));
                proptest::prop_assert!(!mentions, "{text:?} {safe:?}");
                before = *c;
            }
        }
    }
}
