//! What is written for the runners of the forges, read by readers that keep to the runners' own rules: whatever a text
//! says, it makes no second output, variable, command, mask or section.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use release_steps::error::Error;
use release_steps::plan::{Answer, Finding, Plan};
use release_steps::redact::{Runner, token};
use release_steps::report::github::{self, Before};
use release_steps::report::{Ending, gitlab};

/// `FileCommandManager.cs` of <https://github.com/actions/runner>: names and values of an output file. On Windows
/// `\r\n` ends a line too.
fn outputs(text: &str, windows: bool) -> Result<Vec<(String, String)>, String> {
    let mut at = 0;
    // A line and its end; none at the end of the text.
    let mut next = || -> Option<(usize, &str, &str)> {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let start = at;
        let Some(lf) = rest.find('\n') else {
            at = text.len();
            return Some((start, rest, ""));
        };
        at += lf + 1;
        let line = &rest[..lf];
        match line.strip_suffix('\r') {
            Some(line) if windows => Some((start, line, "\r\n")),
            _ => Some((start, line, "\n")),
        }
    };
    let mut found = Vec::new();
    while let Some((_, line, _)) = next() {
        if line.is_empty() {
            continue;
        }
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            (Some(e), h) if h.is_none_or(|h| e < h) => {
                found.push((line[..e].to_owned(), line[e + 1..].to_owned()))
            }
            (_, Some(h)) => {
                let (name, delimiter) = (&line[..h], &line[h + 2..]);
                if name.is_empty() || delimiter.is_empty() {
                    return Err(format!("no name or no delimiter: {line}"));
                }
                let mut value = None;
                let mut last = "";
                loop {
                    let (start, line, end) = next().ok_or("no delimiter at the end")?;
                    if line == delimiter {
                        break;
                    }
                    let begin = value.map_or(start, |(begin, _)| begin);
                    value = Some((begin, start + line.len()));
                    last = end;
                }
                let _ = last;
                found.push((name.to_owned(), value.map_or("", |(a, b)| &text[a..b]).to_owned()));
            }
            _ => return Err(format!("no output: {line}")),
        }
    }
    Ok(found)
}

/// Commands that the runner registers.
const COMMANDS: [&str; 16] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
    "internal-set-repo-path",
];

type Command = (String, BTreeMap<String, String>, String);

/// `ActionCommand.cs`: the command that a line is, in either form.
fn command(line: &str) -> Option<Command> {
    let known = |name: &str| COMMANDS.iter().any(|c| c.eq_ignore_ascii_case(name));
    let unescape = |text: &str, property: bool| {
        let text = text.replace("%0D", "\r").replace("%0A", "\n");
        let text = if property { text.replace("%3A", ":").replace("%2C", ",") } else { text };
        text.replace("%25", "%")
    };
    let read = |info: &str, data: &str, between: char| {
        let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
        known(name).then(|| {
            let properties = properties
                .trim()
                .split(between)
                .filter_map(|pair| pair.split_once('='))
                .map(|(key, value)| (key.to_owned(), unescape(value, true)))
                .collect();
            (name.to_owned(), properties, unescape(data, false))
        })
    };
    let second = || {
        let rest = line.trim_start().strip_prefix("::")?;
        let end = rest.find("::")?;
        read(&rest[..end], &rest[end + 2..], ',')
    };
    let first = || {
        let rest = &line[line.find("##[")? + 3..];
        let end = rest.find(']')?;
        read(&rest[..end], &rest[end + 1..], ';')
    };
    second().or_else(first)
}

/// The commands of a log, by the letter and as the runner's comparison by the rules of a language may see them: without
/// the characters that it passes over.
fn commands(log: &str) -> Vec<Command> {
    let lines = || log.split(['\n', '\r']);
    let ignored = |c: &char| {
        !(c.is_control() && *c != '\t'
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}'))
    };
    let mut found: Vec<Command> = lines().filter_map(command).collect();
    found.extend(
        lines()
            .map(|line| line.chars().filter(ignored).collect::<String>())
            .filter_map(|line| command(&line)),
    );
    found
}

/// `parse_dotenv_artifact_service.rb` of GitLab, with its limits.
fn dotenv(text: &str) -> Result<BTreeMap<String, String>, String> {
    if text.len() >= 5 * 1024 {
        return Err("too big".to_owned());
    }
    let mut found = BTreeMap::new();
    for line in text.split_inclusive('\n') {
        let (name, value) = line.trim_end_matches('\n').split_once('=').ok_or("invalid format")?;
        found.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    if found.len() > 20 { Err("too many".to_owned()) } else { Ok(found) }
}

/// `build_trace_section_regex` of GitLab.
fn sections(log: &str) -> usize {
    let section = regex::Regex::new(r"section_(start|end):(\d+):([a-zA-Z0-9_.-]+)(\[[^\]]*\])?\r\x1b\[0K")
        .expect("it is one");
    section.find_iter(log).count()
}

/// Text of people who mean harm, and of people who do not.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "::",
        ":",
        "#",
        "##[",
        "[",
        "]",
        "add-mask",
        "error",
        "set-output name=x",
        "::error::",
        "::add-mask::x",
        "##[group]",
        "##[add-mask]secret",
        "::stop-commands::",
        "::set-env name=PATH::/tmp",
        "\n",
        "\r",
        "\r\n",
        " ",
        "\t",
        "%0A",
        "%25",
        "%",
        "EOF",
        "<<",
        "x<<EOF",
        "=",
        "evil=1",
        "\u{200b}",
        "\u{ad}",
        "\u{feff}",
        "\u{1b}",
        "\u{1b}[0K",
        "\u{1b}[1m",
        "\u{0}",
        "section_start:1:x",
        "section_end:1:x\r\u{1b}[0K",
        "\u{2028}",
        "\u{85}",
        "$CI_JOB_TOKEN",
        "`id`",
        "$(id)",
        "\"",
        "'",
        "\\",
        "é",
        "日本",
        "<b>",
        "</p>",
        "|",
        "fix: a bug",
        DELIMITER,
    ]);
    prop_oneof![
        4 => prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
        1 => "\\PC{0,40}",
    ]
}

/// What an adversary guessed.
const DELIMITER: &str = "0123456789abcdef0123456789abcdef";

/// Random texts of which the first was guessed.
fn random() -> impl FnMut() -> String {
    let mut asked = 0;
    move || {
        asked += 1;
        if asked == 1 { DELIMITER.to_owned() } else { token() }
    }
}

fn names(values: Vec<String>) -> Vec<(String, String)> {
    values.into_iter().enumerate().map(|(n, value)| (format!("out_{n}"), value)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn outputs_come_out_as_they_went_in(
        values in prop::collection::vec(hostile(), 0..6), before in "(a=b\n?)?",
    ) {
        let values = names(values);
        let known = Before { length: before.len(), open: !before.is_empty() && !before.ends_with('\n') };
        let written = github::outputs(&values, known, Path::new("/tmp/x"), random()).expect("it is short");
        let text = format!("{before}{}", written.append);
        let mut expected = values;
        if !before.is_empty() {
            expected.insert(0, ("a".to_owned(), "b".to_owned()));
        }
        prop_assert_eq!(outputs(&text, false), Ok(expected.clone()));
        // On Windows a carriage return at the end of a value's last line belongs to the line's end.
        let trimmed: Vec<_> = expected
            .into_iter()
            .map(|(name, value)| (name, value.strip_suffix('\r').map(str::to_owned).unwrap_or(value)))
            .collect();
        prop_assert_eq!(outputs(&text, true), Ok(trimmed));
    }

    #[test]
    fn a_log_holds_no_command_of_others(text in hostile()) {
        prop_assert_eq!(commands(&Runner::GitHub.inert(&text)), []);
        prop_assert_eq!(Runner::None.inert(&text), text.as_str());
        // A second time it is as it is.
        let once = Runner::GitHub.inert(&text).into_owned();
        prop_assert_eq!(Runner::GitHub.inert(&once), once.as_str());
    }

    #[test]
    fn json_means_the_same(text in hostile()) {
        let document = serde_json::json!({ "text": text, "##[error]": [text] });
        for json in [format!("{document}"), format!("{document:#}")] {
            let shown = Runner::GitHub.inert_json(&json).into_owned();
            prop_assert_eq!(commands(&shown), []);
            prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), &document);
        }
    }

    #[test]
    fn a_command_says_what_it_was_given(
        data in hostile(), title in hostile().prop_filter("empty ones are left out", |t| !t.trim().is_empty()),
    ) {
        let line = github::command("error", &[("file", "a.rs"), ("title", &title)], &data);
        prop_assert!(!line.contains(['\n', '\r']), "{}", line);
        let (name, properties, read) = command(&line).expect("it is one");
        prop_assert_eq!(name, "error");
        prop_assert_eq!(read, data);
        prop_assert_eq!(properties.len(), 2);
        prop_assert_eq!(properties["title"].trim(), title.trim());
    }

    #[test]
    fn masks_show_a_secret_to_nobody_else(secret in hostile()) {
        for line in github::masks([secret.as_str()]) {
            let (name, properties, data) = command(&line).expect("it is one");
            prop_assert_eq!((name.as_str(), properties.len()), ("add-mask", 0));
            prop_assert!(secret.contains(&data));
            prop_assert!(!line.contains(['\n', '\r']));
        }
        for part in secret.split(['\n', '\r']).filter(|part| part.trim().len() >= 8) {
            prop_assert!(github::masks([secret.as_str()]).iter().any(|line| command(line).is_some_and(|c| c.2 == part)));
        }
    }

    #[test]
    fn annotations_are_one_command_each(
        texts in prop::collection::vec((hostile(), hostile(), prop::option::of(hostile())), 0..40), error in hostile(),
    ) {
        let mut plan = Plan::new("gate", jiff::Timestamp::UNIX_EPOCH);
        for (n, (check, message, at)) in texts.iter().enumerate() {
            let answer = [Answer::Fail, Answer::Unknown, Answer::Note, Answer::Pass][n % 4];
            let mut finding = Finding::new(answer, check, message.clone());
            finding.at = at.clone();
            plan.findings.push(finding);
        }
        let error = Error::no(error);
        let lines = github::annotations(Ending { plan: Some(&plan), report: None, error: Some(&error) });
        for kind in ["error", "warning", "notice"] {
            let of = lines.iter().filter(|line| command(line).is_some_and(|c| c.0 == kind)).count();
            prop_assert!(of <= 10, "{} of {}", of, kind);
        }
        for line in &lines {
            prop_assert!(!line.contains(['\n', '\r']));
            let (name, ..) = command(line).expect("it is one");
            prop_assert!(["error", "warning", "notice"].contains(&name.as_str()));
        }
    }

    #[test]
    fn a_summary_is_text(summary in hostile(), check in hostile(), message in hostile(), hint in hostile()) {
        let mut plan = Plan::new("gate", jiff::Timestamp::UNIX_EPOCH);
        plan.summary = summary;
        plan.findings.push(Finding::new(Answer::Fail, &check, message).at(hint.clone()).hint(hint));
        let text = github::summary(Ending { plan: Some(&plan), report: None, error: None }, Before::default());
        let text = text.expect("it fits");
        // Only our own tags, and no blank line, after which Markdown would be read.
        let rest = ["<h3>", "</h3>", "<p>", "</p>", "<b>", "</b>", "<br>", "<code>", "</code>"]
            .iter()
            .fold(text.clone(), |text, tag| text.replace(tag, ""));
        prop_assert!(!rest.contains(['<', '>']), "{}", text);
        prop_assert!(!text.trim().lines().any(|line| line.trim().is_empty()), "{:?}", text);
    }

    #[test]
    fn variables_come_out_as_they_went_in(values in prop::collection::vec(hostile(), 0..40), existing in "(A=b\n)?") {
        let values = names(values);
        let written = gitlab::dotenv(&values, "RELEASE_", &existing, Path::new("out"));
        let read = dotenv(&written.text).expect("GitLab takes it");
        let files: BTreeMap<_, _> = written.files.iter().map(|(path, text)| (path.display().to_string(), text)).collect();
        for (name, value) in &values {
            let own = format!("RELEASE_{}", name.to_ascii_uppercase());
            match (read.get(&own), read.get(&format!("{own}_FILE"))) {
                (Some(there), None) => {
                    prop_assert_eq!(there, value);
                    // Nothing that GitLab would fill in.
                    prop_assert!(!there.contains('$'));
                }
                (None, Some(path)) => prop_assert_eq!(files[path], value),
                (None, None) => prop_assert!(written.left_out.iter().any(|left| left.starts_with(&own))),
                both => prop_assert!(false, "{:?}", both),
            }
        }
        prop_assert_eq!(read.contains_key("A"), !existing.is_empty());
        prop_assert!(read.keys().all(|name| name == "A" || name.starts_with("RELEASE_OUT_")));
        // A second step of the same job, with the same names, replaces them.
        let again = gitlab::dotenv(&values, "RELEASE_", &written.text, Path::new("out"));
        prop_assert_eq!(dotenv(&again.text), Ok(read));
    }

    #[test]
    fn a_log_holds_no_section_of_others(text in hostile()) {
        prop_assert_eq!(sections(&Runner::GitLab.inert(&text)), 0);
    }
}

#[test]
fn long_values_go_to_files() {
    let long = "x".repeat(github::LONGEST + 1);
    let values = names(vec!["short".to_owned(), long.clone()]);
    let written = github::outputs(&values, Before::default(), Path::new("/t"), token).expect("it fits");
    assert_eq!(written.files, [("/t/out_1.txt".into(), long.clone())]);
    let read = outputs(&written.append, false).expect("they can be read");
    assert_eq!(
        read,
        [("out_0".to_owned(), "short".to_owned()), ("out_1_file".to_owned(), "/t/out_1.txt".to_owned())]
    );
    // The limit of the job counts too, with what is there already.
    let many = names(vec!["y".repeat(60_000); 20]);
    let written = github::outputs(&many, Before::default(), Path::new("/t"), token).expect("it fits");
    assert!(
        !written.files.is_empty() && 2 * written.append.len() <= github::OUTPUTS,
        "{}",
        written.append.len()
    );
    let full = Before { length: github::OUTPUTS / 2, open: false };
    let refused = github::outputs(&many, full, Path::new("/t"), token).expect_err("there is no room");
    assert!(refused.contains("1000000"), "{refused}");
}

#[test]
fn an_output_is_not_written_without_a_safe_delimiter() {
    let refused = github::output("version", DELIMITER, || DELIMITER.to_owned());
    assert!(refused.is_err_and(|why| why.contains("version")));
    assert!(github::output("version", "1", String::new).is_err());
    assert_eq!(token().len(), 32);
    assert_ne!(token(), token());
}

#[test]
fn a_summary_leaves_out_what_does_not_fit() {
    let mut plan = Plan::new("scan", jiff::Timestamp::UNIX_EPOCH);
    for n in 0..20_000 {
        plan.findings.push(Finding::new(Answer::Fail, "scan-finding", format!("{n} {}", "x".repeat(80))));
    }
    let ending = Ending { plan: Some(&plan), report: None, error: None };
    let text = github::summary(ending, Before::default()).expect("some fits");
    assert!(text.len() <= github::SUMMARY && text.contains(" more did not fit"), "{}", text.len());
    assert_eq!(github::summary(ending, Before { length: github::SUMMARY, open: false }), None);
}

#[test]
fn the_readers_see_what_there_is() {
    let read = |line: &str| commands(line).len();
    assert_eq!(read("  ::error file=a::b"), 2);
    assert_eq!(read("text ##[add-mask]b"), 2);
    assert_eq!(read("a ::error::b"), 0);
    assert_eq!(read("\u{200b}:\u{ad}:error::b"), 1);
    assert_eq!(sections("section_start:1:x[collapsed=true]\r\u{1b}[0KTitle"), 1);
    assert_eq!(outputs("a<<E\nx\nE\nb=1\nE\n", false), Err("no output: E".to_owned()));
    let two = [("a".to_owned(), "x".to_owned()), ("b".to_owned(), "1".to_owned())];
    assert_eq!(outputs("a<<E\nx\nE\nb=1\n", false), Ok(two.to_vec()));
    assert!(dotenv("a=1\n\nb=2\n").is_err());
}
