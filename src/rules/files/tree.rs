//! JSON, TOML and YAML as one tree whose leaves know their place in the text.
//!
//! The tree is an arena: aliases of YAML share nodes, depth costs no stack, and dropping it is
//! one step.

use std::collections::HashMap;
use std::ops::Range;

use jsonc_parser::common::Ranged as _;
use saphyr_parser::{Event, Parser};

use super::error::{FileError, FileErrorKind};
use super::path::Step;
use super::{Convention, Spot};

/// The index of a node in its tree.
pub(super) type Id = usize;

/// A key and its value.
pub(super) struct Entry {
    pub(super) key: String,
    /// Where the key begins.
    pub(super) at: usize,
    pub(super) value: Id,
}

enum Node {
    /// A string, or in YAML any scalar: its span with quotes, and its decoded value.
    Text(Range<usize>, String),
    /// A scalar that is no string: its span and its type's name.
    Other(Range<usize>, &'static str),
    Flag(bool),
    Map(usize, Vec<Entry>),
    List(usize, Vec<Id>),
}

/// A key of YAML and where it begins; `None` for one that is itself a collection, which no
/// path can name.
type Key = Option<(String, usize)>;

/// A parsed text.
pub(super) struct Tree<'t> {
    text: &'t str,
    nodes: Vec<Node>,
    roots: Vec<Id>,
}

fn syntax(language: &str, message: &str) -> FileError {
    FileError::new(
        FileErrorKind::Syntax,
        format!("this is not valid {language}: {message}"),
        "correct the file first",
    )
}

impl<'t> Tree<'t> {
    fn empty(text: &'t str) -> Self {
        Self { text, nodes: Vec::new(), roots: Vec::new() }
    }

    fn push(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Reads strict JSON (RFC 8259), as npm and Composer do; `comments` lets comments and
    /// trailing commas pass, for files such as `deno.jsonc`.
    pub(super) fn json(text: &'t str, comments: bool) -> Result<Self, FileError> {
        let options = jsonc_parser::ParseOptions {
            allow_comments: comments,
            allow_trailing_commas: comments,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let parsed = jsonc_parser::parse_to_ast(text, &Default::default(), &options)
            .map_err(|e| syntax("JSON", &e.kind().to_string()).at(text, e.range().start))?;
        let value = parsed.value.ok_or_else(|| syntax("JSON", "the file is empty"))?;
        let mut tree = Self::empty(text);
        let root = tree.add_json(&value);
        tree.roots.push(root);
        Ok(tree)
    }

    /// The parser bounds the depth at 512.
    fn add_json(&mut self, value: &jsonc_parser::ast::Value<'_>) -> Id {
        use jsonc_parser::ast::Value;
        let range = value.range();
        let span = range.start..range.end;
        let node = match value {
            Value::StringLit(s) => Node::Text(span, s.value.to_string()),
            Value::NumberLit(_) => Node::Other(span, "a number"),
            Value::BooleanLit(b) => Node::Flag(b.value),
            Value::NullKeyword(_) => Node::Other(span, "null"),
            Value::Object(object) => {
                let entries = object.properties.iter().map(|p| Entry {
                    key: p.name.as_str().to_owned(),
                    at: p.range.start,
                    value: self.add_json(&p.value),
                });
                Node::Map(span.start, entries.collect())
            }
            Value::Array(array) => {
                Node::List(span.start, array.elements.iter().map(|e| self.add_json(e)).collect())
            }
        };
        self.push(node)
    }

    /// Reads TOML (<https://toml.io/en/v1.0.0>).
    pub(super) fn toml(text: &'t str) -> Result<Self, FileError> {
        let document = toml_edit::Document::parse(text).map_err(|e| {
            let error = syntax("TOML", e.message().trim());
            match e.span() {
                Some(span) => error.at(text, span.start),
                None => error,
            }
        })?;
        let mut tree = Self::empty(text);
        let root = tree.add_table(document.as_table());
        tree.roots.push(root);
        Ok(tree)
    }

    /// The parser bounds the depth at 80.
    fn add_table(&mut self, table: &dyn toml_edit::TableLike) -> Id {
        let mut entries = Vec::new();
        for (key, item) in table.iter() {
            let at = table.key(key).and_then(toml_edit::Key::span).map_or(0, |s| s.start);
            let value = match item {
                toml_edit::Item::None => continue,
                toml_edit::Item::Value(value) => self.add_toml(value),
                toml_edit::Item::Table(table) => self.add_table(table),
                toml_edit::Item::ArrayOfTables(tables) => {
                    let items = tables.iter().map(|t| self.add_table(t)).collect();
                    self.push(Node::List(at, items))
                }
            };
            entries.push(Entry { key: key.to_owned(), at, value });
        }
        let at = entries.first().map_or(0, |e| e.at);
        self.push(Node::Map(at, entries))
    }

    fn add_toml(&mut self, value: &toml_edit::Value) -> Id {
        let span = value.span().unwrap_or(0..0);
        let node = match value {
            toml_edit::Value::String(s) => Node::Text(span, s.value().clone()),
            toml_edit::Value::Boolean(b) => Node::Flag(*b.value()),
            toml_edit::Value::Integer(_) | toml_edit::Value::Float(_) => Node::Other(span, "a number"),
            toml_edit::Value::Datetime(_) => Node::Other(span, "a date"),
            toml_edit::Value::Array(array) => {
                Node::List(span.start, array.iter().map(|v| self.add_toml(v)).collect())
            }
            toml_edit::Value::InlineTable(table) => return self.add_table(table),
        };
        self.push(node)
    }

    /// Reads YAML 1.2 (<https://yaml.org/spec/1.2.2/>), all documents of the stream.
    pub(super) fn yaml(text: &'t str) -> Result<Self, FileError> {
        // The parser counts characters; spots count bytes.
        let mut offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        offsets.push(text.len());
        let byte = |index: usize| offsets.get(index).copied().unwrap_or(text.len());

        let mut tree = Self::empty(text);
        let mut anchors: HashMap<usize, Id> = HashMap::new();
        // Open collections, and for a map the key that waits for its value.
        let mut open: Vec<(Id, Option<Key>)> = Vec::new();
        for event in Parser::new_from_str(text) {
            let (event, span) =
                event.map_err(|e| syntax("YAML", e.info()).at(text, byte(e.marker().index())))?;
            let span = byte(span.start.index())..byte(span.end.index());
            let at = span.start;
            let (id, opens) = match event {
                Event::Scalar(value, _, anchor, _) => {
                    let id = tree.push(Node::Text(span, value.into_owned()));
                    anchors.insert(anchor, id);
                    (id, false)
                }
                Event::MappingStart(anchor, _) => {
                    let id = tree.push(Node::Map(at, Vec::new()));
                    anchors.insert(anchor, id);
                    (id, true)
                }
                Event::SequenceStart(anchor, _) => {
                    let id = tree.push(Node::List(at, Vec::new()));
                    anchors.insert(anchor, id);
                    (id, true)
                }
                Event::Alias(anchor) => match anchors.get(&anchor) {
                    Some(id) => (*id, false),
                    None => return Err(syntax("YAML", "an alias has no anchor").at(text, at)),
                },
                Event::MappingEnd | Event::SequenceEnd => {
                    open.pop();
                    continue;
                }
                _ => continue,
            };
            match open.last_mut() {
                None => tree.roots.push(id),
                Some((parent, key)) => match &mut tree.nodes[*parent] {
                    Node::List(_, items) => items.push(id),
                    Node::Map(_, entries) => match key.take() {
                        Some(Some((key, at))) => entries.push(Entry { key, at, value: id }),
                        Some(None) => {}
                        None => *key = Some(tree.key_text(id).map(|k| (k, at))),
                    },
                    _ => {}
                },
            }
            if opens {
                open.push((id, None));
            }
        }
        Ok(tree)
    }

    fn key_text(&self, id: Id) -> Option<String> {
        self.str(id).map(str::to_owned)
    }

    /// The roots: one, or in YAML one for each document.
    pub(super) fn roots(&self) -> &[Id] {
        &self.roots
    }

    /// The only root; YAML with several documents is ambiguous.
    pub(super) fn root(&self) -> Result<Id, FileError> {
        match self.roots[..] {
            [root] => Ok(root),
            [] => Err(FileError::missing("the file is empty", "write the version into it")),
            [first, second, ..] => {
                Err(FileError::ambiguous(self.text, "a YAML document", self.start(first), self.start(second)))
            }
        }
    }

    /// Where a node begins.
    pub(super) fn start(&self, id: Id) -> usize {
        match &self.nodes[id] {
            Node::Text(span, _) | Node::Other(span, _) => span.start,
            Node::Map(at, _) | Node::List(at, _) => *at,
            Node::Flag(_) => 0,
        }
    }

    /// The entries of a map; none for anything else.
    pub(super) fn entries(&self, id: Id) -> &[Entry] {
        match &self.nodes[id] {
            Node::Map(_, entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub(super) fn items(&self, id: Id) -> &[Id] {
        match &self.nodes[id] {
            Node::List(_, items) => items,
            _ => &[],
        }
    }

    /// Whether the node is a map.
    pub(super) fn is_map(&self, id: Id) -> bool {
        matches!(self.nodes[id], Node::Map(..))
    }

    /// The value of a key. A key that is there twice is an error, as readers differ in which
    /// of the two they take.
    pub(super) fn get(&self, id: Id, key: &str) -> Result<Option<Id>, FileError> {
        let mut found = self.entries(id).iter().filter(|e| e.key == key);
        match (found.next(), found.next()) {
            (Some(first), Some(second)) => {
                Err(FileError::ambiguous(self.text, &format!("the key `{key}`"), first.at, second.at))
            }
            (first, _) => Ok(first.map(|e| e.value)),
        }
    }

    /// Follows keys.
    pub(super) fn dig(&self, id: Id, keys: &[&str]) -> Result<Option<Id>, FileError> {
        let mut id = id;
        for key in keys {
            match self.get(id, key)? {
                Some(next) => id = next,
                None => return Ok(None),
            }
        }
        Ok(Some(id))
    }

    /// Follows a path through every document; `Ambiguous` when two documents have it.
    pub(super) fn find(&self, path: &[Step]) -> Result<Option<Id>, FileError> {
        let mut found = None;
        for root in &self.roots {
            let mut here = Some(*root);
            for step in path {
                let Some(id) = here else { break };
                here = match step {
                    Step::Key(key) => self.get(id, key)?,
                    Step::Index(index) => self.items(id).get(*index).copied(),
                };
            }
            match (found, here) {
                (Some(first), Some(second)) => {
                    return Err(FileError::ambiguous(
                        self.text,
                        "the path",
                        self.start(first),
                        self.start(second),
                    ));
                }
                (None, Some(_)) => found = here,
                _ => {}
            }
        }
        Ok(found)
    }

    /// The decoded value of a string.
    pub(super) fn str(&self, id: Id) -> Option<&str> {
        match &self.nodes[id] {
            Node::Text(_, value) => Some(value),
            _ => None,
        }
    }

    /// Whether the node is `true`, or in YAML the word.
    pub(super) fn is_true(&self, id: Id) -> bool {
        match &self.nodes[id] {
            Node::Flag(flag) => *flag,
            Node::Text(_, value) => value == "true",
            _ => false,
        }
    }

    /// The text inside the quotes: its bytes in the file and their value. Refuses values that
    /// are no strings and strings whose bytes differ from their value.
    pub(super) fn content(&self, id: Id, what: &str) -> Result<(Range<usize>, &str), FileError> {
        let (span, value) = match &self.nodes[id] {
            Node::Text(span, value) => (span.clone(), value.trim()),
            other => {
                let (at, is) = match other {
                    Node::Other(span, is) => (span.start, *is),
                    Node::Map(at, _) => (*at, "a map"),
                    Node::List(at, _) => (*at, "a list"),
                    _ => (0, "a boolean"),
                };
                let error = FileError::new(
                    FileErrorKind::NotAVersion,
                    format!("`{what}` is {is}, not a string"),
                    "write the version as a string",
                );
                return Err(if at > 0 { error.at(self.text, at) } else { error });
            }
        };
        if value.is_empty() {
            return Err(FileError::missing(
                format!("`{what}` is empty"),
                "write the present version into it",
            )
            .at(self.text, span.start));
        }
        let raw = self.text.get(span.clone()).unwrap_or("");
        match raw.find(value) {
            Some(at) if is_quoting(&raw[..at]) && is_blank(&raw[at + value.len()..]) => {
                let start = span.start + at;
                Ok((start..start + value.len(), value))
            }
            _ => Err(FileError::unsupported(
                format!("`{what}` is written with escapes"),
                "write its value as it is",
            )
            .at(self.text, span.start)),
        }
    }

    /// The spot of a version, without a leading `v`.
    pub(super) fn spot(
        &self,
        id: Id,
        what: impl Into<String>,
        convention: Convention,
    ) -> Result<Spot, FileError> {
        let what = what.into();
        let (range, _) = self.content(id, &what)?;
        Ok(Spot::new(self.text, range, what, convention))
    }

    /// The spot of any text, such as a requirement: nothing is left away.
    pub(super) fn raw_spot(&self, id: Id, what: impl Into<String>) -> Result<Spot, FileError> {
        let what = what.into();
        let (range, _) = self.content(id, &what)?;
        Ok(Spot::raw(self.text, range, what))
    }
}

/// Nothing but quotes and white space.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c == '"' || c == '\'')
}

/// What may stand before the bytes that are the value: an anchor and a tag of YAML, then quotes
/// or the header of a block scalar. Anything else may be an escape that is part of the value:
/// in `\u0031.0.0` the bytes `1.0.0` are not the value.
fn is_quoting(text: &str) -> bool {
    let mut text = text;
    while text.starts_with(['&', '!']) {
        text = match text.find(char::is_whitespace) {
            Some(end) => text[end..].trim_start(),
            None => return false,
        };
    }
    is_blank(text)
        || text.starts_with(['|', '>'])
            && text.rsplit_once('\n').is_some_and(|(_, line)| line.trim().is_empty())
}
