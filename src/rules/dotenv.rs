//! Names in files such as `.env.example`.

/// The variables that a file of `NAME=value` lines names, each once, in its order; with the number of each line that is
/// none. A value may be quoted and go over several lines; a line may begin with `export`.
///
/// As <https://github.com/motdotla/dotenv> reads them; values are not looked at.
pub fn names(text: &str) -> (Vec<String>, Vec<usize>) {
    let (mut names, mut strange) = (Vec::<String>::new(), Vec::new());
    let mut open: Option<char> = None;
    for (line, number) in text.lines().zip(1..) {
        if let Some(quote) = open {
            if line.contains(quote) {
                open = None;
            }
            continue;
        }
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        let name = name.trim();
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(fine) {
            strange.push(number);
            continue;
        }
        let value = value.trim();
        open =
            value.chars().next().filter(|c| "\"'`".contains(*c)).filter(|quote| !value[1..].contains(*quote));
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    (names, strange)
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_read_and_values_are_not() {
        let text = "# comment\nA=1\n\nexport B='x'\nC=\"first\nD=inside\nlast\"\nE\nA=2\n1F=x\nno good=1\n";
        let (found, strange) = names(text);
        assert_eq!(found, ["A", "B", "C", "E"]);
        assert_eq!(strange, [10, 11]);
    }
}
