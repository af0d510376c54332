//! What a changelog lists, as values for a template.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Value};

use crate::data::CommitId;
use crate::rules::commit::Change;
use crate::rules::links::Links;
use crate::rules::text::{Newlines, inert};

/// One line of a changelog: a change that a commit makes.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The type in lower case.
    pub kind: Arc<str>,
    /// The scope.
    pub scope: Option<Arc<str>>,
    /// The description without the number of the request at its end.
    pub subject: Arc<str>,
    /// Whether it breaks.
    pub breaking: bool,
    /// What breaks, where a footer says more than the subject.
    pub notes: Vec<Arc<str>>,
    /// The commit.
    pub id: CommitId,
    /// The author's name.
    pub author: Arc<str>,
    /// A link to the request, or else to the commit, in Markdown; plain text where the forge is not known.
    pub link: Arc<str>,
}

impl Entry {
    /// From a change of a commit. Text from outside is made inert, one line each.
    pub fn new(change: &Change<'_>, id: CommitId, author: &str, links: Option<&Links>) -> Self {
        let line = |text: &str| -> Arc<str> { inert(text, Newlines::Flatten).trim().into() };
        let link = match (change.request(), links) {
            (Some(request), Some(links)) => match links.request(request) {
                Some(url) => format!("[{request}]({url})"),
                None => request.to_string(),
            },
            (Some(request), None) => request.to_string(),
            (None, Some(links)) => format!("[{}]({})", id.short(), links.commit(id)),
            (None, None) => id.short(),
        };
        Entry {
            kind: change.type_lower().unwrap_or_default().into(),
            scope: change.scope.map(line),
            subject: line(change.subject()),
            breaking: change.is_breaking(),
            notes: change
                .breaking_notes()
                .into_iter()
                .filter(|note| *note != change.description)
                .map(line)
                .collect(),
            id,
            author: line(author),
            link: link.into(),
        }
    }
}

impl Object for Entry {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "subject" => Value::from(self.subject.clone()),
            "scope" => self.scope.clone().map_or(Value::from(()), Value::from),
            "breaking" => Value::from(self.breaking),
            "link" => Value::from(self.link.clone()),
            "notes" => self.notes.iter().cloned().map(Value::from).collect(),
            "type" => Value::from(self.kind.clone()),
            "commit" => Value::from(self.id.to_string()),
            "short" => Value::from(self.id.short()),
            "author" => Value::from(self.author.clone()),
            _ => return None,
        })
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&[
            "type", "scope", "subject", "breaking", "notes", "link", "commit", "short", "author",
        ])
    }
}

/// A section of a release: `Added` and its entries.
#[derive(Debug, Clone)]
pub struct Section {
    /// The title.
    pub title: Arc<str>,
    /// The entries: breaking ones first, then in the order of history, the newest first.
    pub entries: Vec<Arc<Entry>>,
}

impl Object for Section {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "title" => Value::from(self.title.clone()),
            "entries" => self.entries.iter().cloned().map(Value::from_dyn_object).collect(),
            _ => return None,
        })
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["title", "entries"])
    }
}

/// One release, or what is not released yet.
#[derive(Debug, Clone, Default)]
pub struct Release {
    /// The version; none for what is not released yet.
    pub version: Option<String>,
    /// Its tag.
    pub tag: Option<String>,
    /// The tag of the release before it.
    pub previous: Option<String>,
    /// The package, in a repository with several.
    pub package: Option<String>,
    /// The date, `YYYY-MM-DD`.
    pub date: String,
    /// The comparison with the release before it, at the forge.
    pub url: Option<Arc<str>>,
    /// The sections that have entries.
    pub sections: Vec<Arc<Section>>,
}

impl Release {
    /// Says that the release is made because a package that it depends on is released, where nothing else is listed.
    pub fn depends(&mut self, on: &str) {
        let subject = format!("follow the release of {on}");
        let entry = Arc::new(Entry {
            kind: "deps".into(),
            scope: None,
            subject: subject.into(),
            breaking: false,
            notes: Vec::new(),
            id: CommitId::from_bytes([0; 20]),
            author: "".into(),
            link: "dependency".into(),
        });
        match self.sections.iter_mut().find(|s| &*s.title == "Changed") {
            Some(section) => Arc::make_mut(section).entries.push(entry),
            None => self.sections.push(Arc::new(Section { title: "Changed".into(), entries: vec![entry] })),
        }
    }
}

impl Object for Release {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let text = |value: &Option<String>| value.as_deref().map_or(Value::from(()), Value::from);
        Some(match key {
            "version" => text(&self.version),
            "tag" => text(&self.tag),
            "previous" => text(&self.previous),
            "package" => text(&self.package),
            "date" => Value::from(self.date.as_str()),
            "url" => self.url.clone().map_or(Value::from(()), Value::from),
            "sections" => self.sections.iter().cloned().map(Value::from_dyn_object).collect(),
            _ => return None,
        })
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["version", "tag", "previous", "package", "date", "url", "sections"])
    }
}
