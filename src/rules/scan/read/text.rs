//! Tests and coverage: JUnit XML, Cobertura XML, lcov's tracefile.

use std::collections::BTreeMap;

use roxmltree::{Document, Node, ParsingOptions};

use super::{Trouble, name};
use crate::rules::scan::{Coverage, Report, Tests};

/// How many failed tests are named.
const NAMED: usize = 50;
/// Deeper than any real report; the XML parser and what walks its tree must not run out of stack.
const DEEPEST: usize = 200;

fn broken(why: impl Into<String>) -> Trouble {
    Trouble::Broken(why.into())
}

fn utf8(bytes: &[u8]) -> Result<&str, Trouble> {
    std::str::from_utf8(bytes).map_err(|e| broken(format!("it is not UTF-8 at byte {}", e.valid_up_to() + 1)))
}

/// How deep elements are nested. Every byte is looked at once or twice, whatever the text is.
fn depth(text: &str) -> usize {
    const PASSED: [(&str, &str); 3] = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")];
    let (mut depth, mut deepest) = (0usize, 0usize);
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        // What stands in there is no element: `Bar.<init>` in the stack trace of a test.
        if let Some((open, close)) = PASSED.iter().find(|(open, _)| rest.starts_with(open)) {
            rest = rest[open.len()..].split_once(close).map_or("", |(_, after)| after);
            continue;
        }
        if rest.starts_with('/') {
            depth = depth.saturating_sub(1);
            continue;
        }
        if rest.starts_with('!') {
            continue;
        }
        // Values of attributes may hold `>`, but no `<`.
        let tag = &rest[..rest.find('<').unwrap_or(rest.len())];
        let mut quote = None;
        let end = tag.bytes().position(|byte| {
            match (quote, byte) {
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), _) if open == byte => quote = None,
                _ => {}
            }
            quote.is_none() && byte == b'>'
        });
        if end.is_some_and(|end| !tag[..end].ends_with('/')) {
            depth += 1;
            deepest = deepest.max(depth);
        }
    }
    deepest
}

fn document(text: &str) -> Result<Document<'_>, Trouble> {
    if depth(text) > DEEPEST {
        return Err(broken(format!("its elements are nested deeper than {DEEPEST}")));
    }
    // Cobertura names its DTD; entities of one are not fetched, and roxmltree bounds their expansion.
    let options = ParsingOptions { allow_dtd: true, nodes_limit: 20_000_000, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|e| broken(e.to_string()))
}

fn number(node: Node<'_, '_>, attribute: &str) -> Option<u64> {
    node.attribute(attribute).and_then(|v| v.trim().parse().ok())
}

/// JUnit: what counts are the test cases themselves, since runners differ in what the totals include.
pub fn junit(bytes: &[u8]) -> Result<Report, Trouble> {
    let text = utf8(bytes)?;
    let document = document(text)?;
    let root = document.root_element();
    if !root.has_tag_name("testsuites") && !root.has_tag_name("testsuite") {
        return Err(broken("it is not JUnit XML: its top is neither <testsuites> nor <testsuite>"));
    }
    let mut tests = Tests::default();
    let is = |n: Node<'_, '_>, names: &[&str]| n.is_element() && names.contains(&n.tag_name().name());
    for case in document.descendants().filter(|n| is(*n, &["testcase"])) {
        tests.total += 1;
        if case.children().any(|n| is(n, &["failure", "error"])) {
            tests.failed += 1;
            if tests.failures.len() < NAMED {
                let class = case.attribute("classname").filter(|c| !c.is_empty());
                let case_name = case.attribute("name").unwrap_or("?");
                let full = class.map_or_else(|| case_name.to_owned(), |c| format!("{c}: {case_name}"));
                tests.failures.push(name(&full).into());
            }
        } else if case.children().any(|n| is(n, &["skipped"])) {
            tests.skipped += 1;
        }
    }
    // A suite that broke before its cases has only totals.
    for suite in document.descendants().filter(|n| is(*n, &["testsuite"])) {
        let count = |name: &str| number(suite, name).unwrap_or(0);
        let broke = count("errors").saturating_add(count("failures"));
        if broke > 0 && !suite.descendants().any(|n| is(n, &["testcase"])) {
            tests.total = tests.total.saturating_add(broke);
            tests.failed = tests.failed.saturating_add(broke);
            if tests.failures.len() < NAMED {
                tests.failures.push(name(suite.attribute("name").unwrap_or("a suite")).into());
            }
        }
    }
    if tests.total == 0 {
        return Err(Trouble::NothingScanned("not one test ran".to_owned()));
    }
    Ok(Report { tests: Some(tests), ..Report::default() })
}

/// Cobertura: the totals where the report has them, otherwise its lines.
pub fn cobertura(bytes: &[u8]) -> Result<Report, Trouble> {
    let text = utf8(bytes)?;
    let document = document(text)?;
    let root = document.root_element();
    if !root.has_tag_name("coverage") {
        return Err(broken("it is not Cobertura XML: its top is not <coverage>"));
    }
    let totals =
        number(root, "lines-covered").zip(number(root, "lines-valid")).filter(|(_, lines)| *lines > 0);
    let (covered, lines) = totals.unwrap_or_else(|| {
        // Lines of methods are there twice: once in the method, once in the class.
        let class_lines = document.descendants().filter(|n| {
            n.has_tag_name("line")
                && n.parent().and_then(|p| p.parent()).is_some_and(|c| c.has_tag_name("class"))
        });
        let all: Vec<u64> = class_lines.map(|n| number(n, "hits").unwrap_or(0)).collect();
        (all.iter().filter(|hits| **hits > 0).count() as u64, all.len() as u64)
    });
    coverage(covered, lines)
}

/// lcov: `DA:` lines by file, each counted once.
pub fn lcov(bytes: &[u8]) -> Result<Report, Trouble> {
    let text = String::from_utf8_lossy(bytes);
    let mut files: BTreeMap<&str, BTreeMap<u64, bool>> = BTreeMap::new();
    let mut totals: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut file: Option<&str> = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        let value = |key: &str| -> Result<Option<u64>, Trouble> {
            let Some(text) = line.strip_prefix(key) else { return Ok(None) };
            let count = text.trim().parse::<u64>();
            count.map(Some).map_err(|_| broken(format!("line {} is no `{key}count`", at + 1)))
        };
        if let Some(path) = line.strip_prefix("SF:") {
            if file.is_some() {
                return Err(broken(format!("line {}: a file begins before the last one ended", at + 1)));
            }
            file = Some(path);
        } else if line == "end_of_record" {
            file = None;
        } else if file.is_none() && ["DA:", "LF:", "LH:"].iter().any(|key| line.starts_with(key)) {
            return Err(broken(format!("line {} belongs to no file", at + 1)));
        } else if let (Some(file), Some(da)) = (file, line.strip_prefix("DA:")) {
            let mut parts = da.split(',');
            let number = parts.next().and_then(|n| n.trim().parse().ok());
            let hits = parts.next().and_then(|n| n.trim().parse::<f64>().ok());
            let (Some(number), Some(hits)) = (number, hits) else {
                return Err(broken(format!("line {} is no `DA:line,hits`", at + 1)));
            };
            *files.entry(file).or_default().entry(number).or_default() |= hits > 0.0;
        } else if let (Some(file), Some(lines)) = (file, value("LF:")?) {
            let known = totals.entry(file).or_default();
            known.1 = known.1.max(lines);
        } else if let (Some(file), Some(hit)) = (file, value("LH:")?) {
            let known = totals.entry(file).or_default();
            known.0 = known.0.max(hit);
        }
    }
    if file.is_some() {
        return Err(broken("it breaks off before `end_of_record`"));
    }
    let counted = files.values().map(|l| (l.values().filter(|hit| **hit).count() as u64, l.len() as u64));
    // Some writers leave out the lines and give only the totals.
    let summed = totals.iter().filter(|(file, _)| !files.contains_key(*file)).map(|(_, totals)| *totals);
    let (covered, lines) = counted
        .chain(summed)
        .fold((0u64, 0u64), |sum, part| (sum.0.saturating_add(part.0), sum.1.saturating_add(part.1)));
    coverage(covered, lines)
}

fn coverage(covered: u64, lines: u64) -> Result<Report, Trouble> {
    if lines == 0 {
        return Err(Trouble::NothingScanned("not one line of code".to_owned()));
    }
    if covered > lines {
        return Err(broken(format!("{covered} of {lines} lines are covered")));
    }
    Ok(Report { coverage: Some(Coverage { covered, lines }), ..Report::default() })
}
