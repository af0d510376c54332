//! Texts of columns, fitted to the terminal: what does not fit goes on below its own column.

use std::io::IsTerminal as _;

use console::Term;

/// The text with lines no longer than the terminal is wide. What goes to a file or a program stays as it is.
pub fn fitted(text: String) -> String {
    let width = Term::stdout().size_checked().map(|(_, width)| usize::from(width));
    match width.filter(|_| std::io::stdout().is_terminal()) {
        Some(width) => text.lines().map(|line| hung(line, width)).collect(),
        None => text,
    }
}

/// A line broken between words. What goes on is below the text behind the line's first word, its label, where that leaves
/// most of the width.
fn hung(line: &str, width: usize) -> String {
    let spaces = |text: &str| text.chars().take_while(|c| *c == ' ').count();
    let start = spaces(line);
    let label = line.chars().skip(start).take_while(|c| *c != ' ').count();
    let gap = spaces(&line.chars().skip(start + label).collect::<String>());
    let below = if start == 0 { 2 } else { start + label + gap };
    let below = if below * 3 <= width { below } else { start + 2 };
    let mut out = String::new();
    let mut at = 0;
    for (n, word) in line.trim_start().split(' ').enumerate() {
        let long = word.chars().count();
        match n {
            0 => {
                out.push_str(&" ".repeat(start));
                at = start;
            }
            _ if at + 1 + long > width && long > 0 => {
                out.truncate(out.trim_end().len());
                out.push('\n');
                out.push_str(&" ".repeat(below));
                at = below;
            }
            _ => {
                out.push(' ');
                at += 1;
            }
        }
        out.push_str(word);
        at += long;
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::hung;

    #[test]
    fn what_does_not_fit_goes_on_below_its_column() {
        for (line, want) in [
            ("Deployment of 1.3.0", "Deployment of 1.3.0\n"),
            ("", "\n"),
            (
                "  pass      one two three four five six seven",
                "  pass      one two three four five\n            six seven\n",
            ),
            (
                "  a-long-label sha256:0123456789abcdef0123",
                "  a-long-label\n    sha256:0123456789abcdef0123\n",
            ),
            ("  done      x", "  done      x\n"),
        ] {
            assert_eq!(hung(line, 36), want, "{line}");
        }
    }
}
