//! The actions and the GitLab components are written from the command line's own definition. A file that says something
//! else fails here; `UPDATE_PACKAGING=1 cargo test --test packaging` writes them anew, to be read before they are committed.

mod actions;
mod docs;
mod gitlab;
mod parts;

use std::fs;
use std::path::Path;

/// Compares a file of the project with what it should say, or writes it.
fn check(path: &str, text: &str) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_PACKAGING").is_some() {
        fs::create_dir_all(full.parent().expect("a folder")).expect("it can be made");
        fs::write(&full, text).expect("it can be written");
        return;
    }
    let there = fs::read_to_string(&full).unwrap_or_default();
    assert_eq!(
        there, text,
        "{path} is not what the command line says: UPDATE_PACKAGING=1 cargo test --test packaging"
    );
}

/// A text as YAML on one line.
fn quoted(text: &str) -> String {
    assert!(!text.contains(['\n', '\r']), "{text}");
    format!("'{}'", text.replace('\'', "''"))
}
