//! Maven and Gradle.

use super::code::{Code, Kind, Language};
use super::error::FileError;
use super::xml::{self, Reference};
use super::{Convention, Located, Spot};

const MAVEN: Convention = Convention::Maven;

/// The project's own version, else the one it inherits by naming its parent's.
pub(super) fn pom(text: &str) -> Result<Located, FileError> {
    let document = xml::parse(text)?;
    let project = document.root_element();
    if project.tag_name().name() != "project" {
        return Err(FileError::missing("the root element is not <project>", "name the place by an XML path")
            .at(text, project.range().start));
    }
    let own = xml::child(text, project, "version")?;
    let parent = match xml::child(text, project, "parent")? {
        Some(parent) => xml::child(text, parent, "version")?,
        None => None,
    };
    let (node, what) = match (own, parent) {
        (Some(node), _) => (node, "project/version"),
        (None, Some(node)) => (node, "project/parent/version"),
        (None, None) => {
            return Err(FileError::missing(
                "the project has no <version>, and no parent with one",
                "write the present version into /project/version",
            ));
        }
    };
    let spot = match xml::reference(node.text().unwrap_or(""), "${", '}') {
        Reference::None => xml::spot(text, node, what, MAVEN)?,
        Reference::To(property) => {
            let value = match xml::child(text, project, "properties")? {
                Some(properties) => xml::child(text, properties, property)?,
                None => None,
            };
            match value {
                Some(value) => {
                    if !matches!(xml::reference(value.text().unwrap_or(""), "${", '}'), Reference::None) {
                        return Err(xml::composed(text, value, property));
                    }
                    let what = format!("project/properties/{property}");
                    xml::spot(text, value, &what, MAVEN)?
                }
                // A CI-friendly child: the property is the parent's.
                None if parent.is_some() => {
                    return Ok(super::Elsewhere::because(format!(
                        "the version is ${{{property}}}, which the parent states"
                    )));
                }
                None => return Err(xml::composed(text, node, what)),
            }
        }
        Reference::Several => return Err(xml::composed(text, node, what)),
    };
    Ok(Located::Here(vec![spot]))
}

/// The key `version` of a properties file
/// (<https://docs.oracle.com/javase/8/docs/api/java/util/Properties.html#load-java.io.Reader->).
pub(super) fn gradle_properties(text: &str) -> Result<Located, FileError> {
    let mut found: Option<(usize, std::ops::Range<usize>)> = None;
    let mut offset = 0;
    let mut continues = false;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let content = line.trim_end_matches(['\n', '\r']);
        let part_of_value = continues;
        let slashes = content.len() - content.trim_end_matches('\\').len();
        let trimmed = content.trim_start();
        let comment = !part_of_value && trimmed.starts_with(['#', '!']);
        continues = slashes % 2 == 1 && !comment;
        let Some(rest) = trimmed.strip_prefix("version") else {
            continue;
        };
        if part_of_value || !(rest.is_empty() || rest.starts_with(['=', ':', ' ', '\t'])) {
            continue;
        }
        let value = rest.trim_start();
        let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim();
        if let Some((first, _)) = found {
            return Err(FileError::ambiguous(text, "the key `version`", first, start));
        }
        let end = start + content.trim_end().len();
        if continues {
            return Err(
                FileError::unsupported("`version` has several lines", "write it on one line").at(text, start)
            );
        }
        found = Some((start, end - value.len()..end));
    }
    match found {
        Some((start, range)) if range.is_empty() => {
            Err(FileError::missing("`version` is empty", "write the present version into it").at(text, start))
        }
        Some((_, range)) => {
            let spot = Spot::new(text, range, "version".to_owned(), MAVEN);
            Ok(Located::Here(vec![spot]))
        }
        None => Err(FileError::missing(
            "the file has no key `version`",
            "it may be in build.gradle; else write it there",
        )),
    }
}

/// `version = "…"` and `version '…'`, at the top or in `allprojects` and `subprojects`, also
/// as `project.version`.
pub(super) fn gradle(text: &str) -> Result<Located, FileError> {
    let code = Code::new(text, Language::Gradle);
    let mut spots = Vec::new();
    // How deep other brackets and blocks than those of all projects are open.
    let mut open: Vec<bool> = Vec::new();
    let mut not_plain = None;
    for i in 0..code.tokens.len() {
        match code.tokens[i].kind {
            Kind::Mark(b'{') => {
                let shared = i > 0 && (code.word(i - 1, "allprojects") || code.word(i - 1, "subprojects"));
                open.push(shared);
            }
            Kind::Mark(b'(' | b'[') => open.push(false),
            Kind::Mark(b'}' | b')' | b']') => {
                open.pop();
            }
            _ => {}
        }
        if !code.word(i, "version") || open.contains(&false) {
            continue;
        }
        let qualified = i >= 2
            && code.mark(i - 1, b'.')
            && (code.word(i - 2, "project") || code.word(i - 2, "rootProject"))
            && code.starts_statement(i - 2);
        if !qualified && !code.starts_statement(i) {
            continue;
        }
        let assigned = code.mark(i + 1, b'=');
        if assigned && code.mark(i + 2, b'=') {
            continue;
        }
        let value = if assigned { code.skip_newlines(i + 2) } else { i + 1 };
        match code.string(value) {
            Some((range, true)) if code.ends_statement(value + 1) => {
                spots.push(Spot::new(text, range, "version".to_owned(), MAVEN));
            }
            Some(_) => not_plain = Some(i),
            None if assigned => not_plain = Some(i),
            None => {}
        }
    }
    match not_plain {
        Some(i) => Err(FileError::unsupported(
            "`version` is no plain string",
            "name the file that states it, or the place by a regex",
        )
        .at(text, code.tokens[i].range.start)),
        None if spots.is_empty() => Err(FileError::missing(
            "the file assigns no `version` to the project",
            "it may be in gradle.properties; else write it there",
        )),
        None => Ok(Located::Here(spots)),
    }
}
