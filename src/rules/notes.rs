//! Release notes that fit into what a forge takes.

/// The notes, cut where they are longer than `most` characters: at the end of a section where there is one in the second
/// half, otherwise of a line, with a link to the rest.
///
/// Code fences that the cut leaves open are closed.
pub fn fit(notes: &str, most: usize, rest: &str) -> String {
    if notes.chars().count() <= most {
        return notes.to_owned();
    }
    let tail = format!("\n\n*These notes are cut short: [all of them]({rest}).*\n");
    // Room for a fence that must be closed.
    let room = most.saturating_sub(tail.chars().count() + 4);
    let end = notes.char_indices().nth(room).map_or(notes.len(), |(at, _)| at);
    let head = &notes[..end];
    let cut = last_section(head).filter(|at| *at > end / 2).or_else(|| head.rfind('\n')).unwrap_or(end);
    let kept = head[..cut].trim_end();
    let close = if in_fence(kept) { "\n```" } else { "" };
    format!("{kept}{close}{tail}")
}

/// Where the last heading that is in no fence begins.
fn last_section(text: &str) -> Option<usize> {
    let (mut at, mut fenced, mut section) = (0, false, None);
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced && line.starts_with('#') && at > 0 {
            section = Some(at);
        }
        at += line.len();
    }
    section
}

fn in_fence(text: &str) -> bool {
    text.lines().filter(|line| line.trim_start().starts_with("```")).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_notes_end_with_a_section_and_a_link() {
        let notes =
            format!("### Added\n\n{}\n### Fixed\n\n- ü {}\n", "- a line\n".repeat(20), "x".repeat(200));
        let cut = fit(&notes, 300, "https://h/CHANGELOG.md");
        assert!(cut.chars().count() <= 300, "{}", cut.chars().count());
        assert!(cut.starts_with("### Added") && !cut.contains("### Fixed"), "{cut}");
        assert!(cut.ends_with("[all of them](https://h/CHANGELOG.md).*\n"));
        assert_eq!(fit("short", 300, "x"), "short");
    }

    #[test]
    fn nothing_but_one_line_is_cut_too() {
        let cut = fit(&"é".repeat(1 << 20), 125_000, "https://h");
        assert!(cut.chars().count() <= 125_000);
        let fenced = fit(&format!("```\n{}", "code\n".repeat(100)), 200, "https://h");
        assert_eq!(fenced.matches("```").count(), 2, "{fenced}");
        assert!(fit(&"x".repeat(100), 3, "https://h").len() < 80, "a limit below the link is no panic");
    }
}
