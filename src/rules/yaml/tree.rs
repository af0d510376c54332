//! The tree of a document.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::{NO_YAML, Place, Wrong};

/// Deeper than anybody writes, and not so deep that reading it could use up the stack.
const DEEPEST: usize = 100;
/// How many nodes may be read again by way of aliases, and how many merged: a few lines can stand for billions.
const REPEATED: usize = 100_000;

pub(super) type Id = usize;

pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) value: Id,
}

pub(super) enum Value {
    /// A scalar, and whether its type is what its text looks like.
    Scalar(String, bool),
    List(Vec<Id>),
    Map(Vec<Entry>),
}

pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
    depth: usize,
}

/// An arena: aliases share nodes, and dropping it takes one step.
pub(super) struct Tree {
    nodes: Vec<Node>,
    root: Id,
    /// How many nodes may still be merged, and later be read.
    left: Cell<usize>,
}

/// A node of its tree.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'t> {
    tree: &'t Tree,
    id: Id,
}

impl<'t> Cursor<'t> {
    pub(super) fn to(self, id: Id) -> Self {
        Cursor { id, ..self }
    }

    pub(super) fn place(self) -> Place {
        self.tree.nodes[self.id].place
    }

    /// The node's value, to be read: an error when aliases have too much be read.
    pub(super) fn value(self) -> Result<&'t Value, Wrong> {
        self.tree.spend(1, self.place())?;
        Ok(&self.tree.nodes[self.id].value)
    }

    /// The node's value, looked at.
    pub(super) fn peek(self) -> &'t Value {
        &self.tree.nodes[self.id].value
    }
}

fn place_of(mark: &Marker) -> Place {
    (mark.line(), mark.col() + 1)
}

/// A key that waits for its value.
enum Key {
    /// A text, whatever it looks like, and where it stands.
    Named(String, Place),
    /// `<<`, and where it stands.
    Merge(Place),
}

/// A collection that has not ended.
struct Open {
    value: Value,
    place: Place,
    anchor: usize,
    key: Option<Key>,
    keys: HashSet<String>,
    /// The maps to be merged, by the places of their `<<`.
    merged: Vec<(Place, Id)>,
}

impl Open {
    fn wants_key(&self) -> bool {
        self.key.is_none() && matches!(self.value, Value::Map(_))
    }
}

impl Tree {
    pub(super) fn root(&self) -> Cursor<'_> {
        Cursor { tree: self, id: self.root }
    }

    pub(super) fn read(text: &str) -> Result<Self, Wrong> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut tree = Tree { nodes: Vec::new(), root: 0, left: Cell::new(REPEATED) };
        let mut anchors: HashMap<usize, Id> = HashMap::new();
        let mut open: Vec<Open> = Vec::new();
        let mut root = None;
        for event in Parser::new_from_str(text) {
            let (event, span) = event
                .map_err(|e| Wrong::new(format!("{NO_YAML}: {}", e.info()), Some(place_of(e.marker()))))?;
            let place = place_of(&span.start);
            let wrong = |message: String| Wrong::new(message, Some(place));
            let begins = |value, anchor| Open {
                value,
                place,
                anchor,
                key: None,
                keys: HashSet::new(),
                merged: Vec::new(),
            };
            let wants_key = open.last().is_some_and(Open::wants_key);
            let (id, anchor) = match event {
                Event::Scalar(text, style, anchor, tag) => {
                    let plain = match kind(tag.as_deref()).map_err(wrong)? {
                        Kind::Text => false,
                        Kind::Typed => true,
                        Kind::Untagged => style == ScalarStyle::Plain,
                    };
                    if let Some(map) = open.last_mut().filter(|_| wants_key) {
                        map.key = match plain && text == "<<" {
                            true => Some(Key::Merge(place)),
                            false if map.keys.insert(text.to_string()) => {
                                Some(Key::Named(text.into_owned(), place))
                            }
                            false => return Err(wrong(format!("duplicate key `{text}`"))),
                        };
                        continue;
                    }
                    (tree.push(Value::Scalar(text.into_owned(), plain), place, 1), anchor)
                }
                Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(_) if wants_key => {
                    return Err(wrong("a key can only be a text here".to_owned()));
                }
                Event::SequenceStart(anchor, tag) => {
                    kind(tag.as_deref()).map_err(wrong)?;
                    open.push(begins(Value::List(Vec::new()), anchor));
                    continue;
                }
                Event::MappingStart(anchor, tag) => {
                    kind(tag.as_deref()).map_err(wrong)?;
                    open.push(begins(Value::Map(Vec::new()), anchor));
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let Some(ended) = open.pop() else { continue };
                    let anchor = ended.anchor;
                    (tree.close(ended)?, anchor)
                }
                Event::Alias(anchor) => match anchors.get(&anchor) {
                    Some(id) => (*id, 0),
                    None => return Err(wrong("an alias has no anchor before it".to_owned())),
                },
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(wrong("there is a second document".to_owned()));
                }
                _ => continue,
            };
            if anchor != 0 {
                anchors.insert(anchor, id);
            }
            let Some(parent) = open.last_mut() else {
                root = Some(id);
                continue;
            };
            match (&mut parent.value, parent.key.take()) {
                (Value::List(items), _) => items.push(id),
                (Value::Map(entries), Some(Key::Named(key, place))) => {
                    entries.push(Entry { key, place, value: id });
                }
                (_, Some(Key::Merge(place))) => parent.merged.push((place, id)),
                _ => {}
            }
        }
        tree.root = match root {
            Some(root) => root,
            None => tree.push(Value::Scalar(String::new(), true), (1, 1), 1),
        };
        tree.left.set(tree.nodes.len() * 2 + REPEATED);
        Ok(tree)
    }

    fn spend(&self, count: usize, place: Place) -> Result<(), Wrong> {
        let left = self.left.get().checked_sub(count);
        let left = left.ok_or_else(|| Wrong::new("aliases repeat too much here".to_owned(), Some(place)))?;
        self.left.set(left);
        Ok(())
    }

    fn push(&mut self, value: Value, place: Place, depth: usize) -> Id {
        self.nodes.push(Node { value, place, depth });
        self.nodes.len() - 1
    }

    /// Ends a collection: what it merges comes after its own, and the first of several wins.
    fn close(&mut self, mut ended: Open) -> Result<Id, Wrong> {
        let Value::Map(entries) = &mut ended.value else { return self.ended(ended) };
        for (place, id) in std::mem::take(&mut ended.merged) {
            let maps = match &self.nodes[id].value {
                Value::List(maps) => maps.clone(),
                _ => vec![id],
            };
            for map in maps {
                let Value::Map(more) = &self.nodes[map].value else {
                    let why = "`<<` takes keys with values, or a list of them".to_owned();
                    return Err(Wrong::new(why, Some(place)));
                };
                self.spend(more.len(), place)?;
                let new = more.iter().filter(|entry| ended.keys.insert(entry.key.clone()));
                entries.extend(new.map(|e| Entry { key: e.key.clone(), ..*e }));
            }
        }
        self.ended(ended)
    }

    fn ended(&mut self, ended: Open) -> Result<Id, Wrong> {
        let depth = |id: &Id| self.nodes[*id].depth;
        let below = match &ended.value {
            Value::List(items) => items.iter().map(depth).max(),
            Value::Map(entries) => entries.iter().map(|e| depth(&e.value)).max(),
            Value::Scalar(..) => None,
        };
        let depth = below.unwrap_or(0) + 1;
        match depth > DEEPEST {
            true => Err(Wrong::new("this is nested too deep".to_owned(), Some(ended.place))),
            false => Ok(self.push(ended.value, ended.place, depth)),
        }
    }
}

enum Kind {
    Untagged,
    Text,
    Typed,
}

/// What a tag says of its value; those of a program's own are not read.
fn kind(tag: Option<&Tag>) -> Result<Kind, String> {
    let Some(tag) = tag else { return Ok(Kind::Untagged) };
    match (tag.is_yaml_core_schema(), tag.suffix.as_str()) {
        (true, "str") => Ok(Kind::Text),
        (true, "null" | "bool" | "int" | "float" | "seq" | "map") => Ok(Kind::Typed),
        _ => Err(format!("the tag `{tag}` is not read")),
    }
}
