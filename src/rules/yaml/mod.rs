//! Reads YAML 1.2 (<https://yaml.org/spec/1.2.2/>, core schema) into types, and says of what is wrong where it stands.
//!
//! The text is read into a tree first, and types from there: a library that reads into types from the text itself is built
//! once for each type, or asks each type through a table, and was a tenth of this program either way. Merge keys (`<<`) are
//! those of YAML 1.1 (<https://yaml.org/type/merge.html>), as GitLab and Compose have them.

mod de;
mod tree;

#[cfg(test)]
mod tests;

use serde::de::DeserializeOwned;

/// How the message of a text begins that is no YAML at all.
pub const NO_YAML: &str = "this is not YAML";

/// A line and a column in characters, both counted from 1.
pub type Place = (usize, usize);

/// What is wrong with a text, or with a value for its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong(Box<Details>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Details {
    message: String,
    place: Option<Place>,
}

impl Wrong {
    fn new(message: String, place: Option<Place>) -> Self {
        Wrong(Box::new(Details { message, place }))
    }

    /// Says where, unless that is known better already.
    fn at(mut self, place: Place) -> Self {
        self.0.place.get_or_insert(place);
        self
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where.
    pub fn place(&self) -> Option<Place> {
        self.0.place
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.place {
            Some((line, column)) => write!(f, "{} at line {line}, column {column}", self.0.message),
            None => f.write_str(&self.0.message),
        }
    }
}

impl std::error::Error for Wrong {}

/// A value and where it begins; at line 0 where that is not known, such as within an untagged enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// Line and column.
    pub place: Place,
    /// The value.
    pub value: T,
}

/// Reads the one document of a text.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Wrong> {
    let tree = tree::Tree::read(text)?;
    let root = tree.root();
    T::deserialize(root).map_err(|wrong| wrong.at(root.place()))
}
