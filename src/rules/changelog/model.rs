//! What a changelog lists, as values for a template.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Value};

use crate::data::CommitId;
use crate::rules::commit::Change;
use crate::rules::links::Links;
use crate::rules::text::{Newlines, inert};

/// The request that brought a change, as the forge tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// Its number.
    pub number: u64,
    /// As people write it: `#12`, `!12`.
    pub mark: String,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Who made it, by the user name.
    pub author: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// The numbers of the issues that it closes.
    pub issues: Vec<u64>,
}

impl Object for Origin {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "number" => Value::from(self.number),
            "mark" => Value::from(self.mark.as_str()),
            "url" => Value::from(self.url.as_str()),
            "title" => Value::from(self.title.as_str()),
            "author" => Value::from(self.author.as_str()),
            "labels" => self.labels.iter().map(|label| Value::from(label.as_str())).collect(),
            "issues" => self.issues.iter().copied().map(Value::from).collect(),
            _ => return None,
        })
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["number", "mark", "url", "title", "author", "labels", "issues"])
    }
}

/// Somebody who contributed to a release.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contributor {
    /// The name in the commits.
    pub name: String,
    /// The user name at the forge; empty where it is not known.
    pub login: String,
    /// Whether no release before had a commit of theirs.
    pub first_time: bool,
    /// Their first request of this release.
    pub request: Option<Arc<Origin>>,
}

impl Object for Contributor {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "name" => Value::from(self.name.as_str()),
            "login" => Value::from(self.login.as_str()),
            "first_time" => Value::from(self.first_time),
            "request" => self.request.clone().map_or(Value::from(()), Value::from_dyn_object),
            _ => return None,
        })
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["name", "login", "first_time", "request"])
    }
}

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
    /// The request, where the forge was asked.
    pub request: Option<Arc<Origin>>,
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
            request: None,
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
            "request" => self.request.clone().map_or(Value::from(()), Value::from_dyn_object),
            _ => return None,
        })
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&[
            "type", "scope", "subject", "breaking", "notes", "link", "commit", "short", "author", "request",
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
    /// Who contributed, where the forge was asked.
    pub contributors: Vec<Arc<Contributor>>,
}

impl Release {
    /// Gives every entry the request that brought it.
    pub fn enrich(&mut self, origins: &BTreeMap<CommitId, Arc<Origin>>) {
        for section in &mut self.sections {
            for entry in &mut Arc::make_mut(section).entries {
                if let Some(origin) = origins.get(&entry.id) {
                    let entry = Arc::make_mut(entry);
                    entry.link = format!("[{}]({})", origin.mark, origin.url).into();
                    entry.request = Some(origin.clone());
                }
            }
        }
    }

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
            request: None,
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
            "contributors" => self.contributors.iter().cloned().map(Value::from_dyn_object).collect(),
            _ => return None,
        })
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["version", "tag", "previous", "package", "date", "url", "sections", "contributors"])
    }
}
