//! Releases, their links, and the package registry that holds their files.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{PROJECT, State, TIME, is_id, not_found, page, refuse};
use crate::server::{Ask, Reply};

/// A file as it is answered, and its content.
pub type File = (Value, Vec<u8>);

/// A link as it is answered: its path is shown as an address.
fn link(id: u64, tag: &str, said: &Value) -> Value {
    let path = said["direct_asset_path"].as_str().unwrap_or_default();
    json!({
        "id": id, "name": said["name"], "url": said["url"], "link_type": said["link_type"].as_str().unwrap_or("other"),
        "direct_asset_url": format!("https://gitlab.example/{PROJECT}/-/releases/{tag}/downloads{path}"),
    })
}

/// Whether a package's file may be called so
/// (<https://docs.gitlab.com/user/packages/generic_packages/#valid-package-filename-format>).
fn valid(name: &str) -> bool {
    let edge = ['~', '@'];
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-+~@/".contains(c));
    plain && !name.starts_with(edge) && !name.ends_with(edge)
}

impl State {
    pub fn releases(&mut self, method: &str, rest: &[&str], ask: &Ask) -> Reply {
        let body = ask.json();
        match (method, rest) {
            ("GET", [tag]) => self.releases.get(*tag).map_or_else(not_found, |r| Reply::json(200, r)),
            ("POST", []) => self.create_release(&body),
            ("PUT", [tag]) => {
                let Some(release) = self.releases.get_mut(*tag) else { return not_found() };
                for field in ["name", "description"] {
                    if !body[field].is_null() {
                        release[field] = body[field].clone();
                    }
                }
                Reply::json(200, release)
            }
            ("POST", [tag, "assets", "links"]) => {
                let id = self.id();
                let Some(release) = self.releases.get_mut(*tag) else { return not_found() };
                let links = release["assets"]["links"].as_array_mut().expect("it is a list");
                if links.iter().any(|l| l["name"] == body["name"] || l["url"] == body["url"]) {
                    return refuse(400, json!({ "name": ["has already been taken"] }));
                }
                links.push(link(id, tag, &body));
                Reply::json(201, links.last().expect("it was just added"))
            }
            ("DELETE", [tag, "assets", "links", id]) => {
                let Some(release) = self.releases.get_mut(*tag) else { return not_found() };
                let links = release["assets"]["links"].as_array_mut().expect("it is a list");
                match links.iter().position(|l| is_id(&l["id"], id)) {
                    Some(at) => Reply::json(200, &links.remove(at)),
                    None => not_found(),
                }
            }
            _ => not_found(),
        }
    }

    fn create_release(&mut self, body: &Value) -> Reply {
        let tag = body["tag_name"].as_str().unwrap_or_default().to_owned();
        if self.releases.contains_key(&tag) {
            return refuse(409, "Release already exists");
        }
        if !self.tags.contains_key(&tag) && body["ref"].is_null() {
            return refuse(422, "Ref is not specified");
        }
        let said = body["assets"]["links"].as_array().cloned().unwrap_or_default();
        let links: Vec<Value> = said.iter().map(|said| link(self.id(), &tag, said)).collect();
        let release = json!({
            "tag_name": tag, "name": body["name"].as_str().unwrap_or(&tag), "description": body["description"],
            "created_at": TIME, "released_at": TIME,
            "assets": { "count": links.len() + 4, "sources": [], "links": links },
            "_links": { "self": format!("https://gitlab.example/{PROJECT}/-/releases/{tag}") },
        });
        self.releases.insert(tag, release.clone());
        Reply::json(201, &release)
    }

    pub fn packages(&mut self, method: &str, rest: &[&str], ask: &Ask) -> Reply {
        match (method, rest) {
            ("GET", []) => {
                let version = ask.query.get("package_version");
                let of = |(v, (id, _)): (&String, &(u64, Vec<_>))| json!({ "id": id, "name": "release-assets", "version": v, "package_type": "generic", "created_at": TIME });
                let found = self.packages.iter().filter(|(v, _)| version.is_none_or(|w| w == *v));
                page(ask, found.map(of).collect())
            }
            ("GET", [id, "package_files"]) => {
                match self.packages.values().find(|(own, _)| own.to_string() == *id) {
                    Some((_, files)) => page(ask, files.iter().map(|(file, _)| file.clone()).collect()),
                    None => not_found(),
                }
            }
            ("DELETE", [id, "package_files", file]) => {
                for (own, files) in self.packages.values_mut() {
                    if own.to_string() == *id {
                        files.retain(|(f, _)| !is_id(&f["id"], file));
                    }
                }
                Reply { status: 204, ..Reply::default() }
            }
            ("PUT", ["generic", "release-assets", version, name]) => self.upload(version, name, ask),
            ("GET", ["generic", "release-assets", version, name]) => {
                let files =
                    self.packages.get(*version).map(|(_, files)| files.as_slice()).unwrap_or_default();
                match files.iter().rev().find(|(file, _)| file["file_name"] == **name) {
                    Some((_, content)) => Reply { status: 200, body: content.clone(), ..Reply::default() },
                    None => not_found(),
                }
            }
            _ => not_found(),
        }
    }

    fn upload(&mut self, version: &str, name: &str, ask: &Ask) -> Reply {
        if !valid(name) {
            return Reply::json(400, &json!({ "error": "file_name is invalid" }));
        }
        let (id, package) = (self.id(), self.id());
        let (package, files) = self.packages.entry(version.to_owned()).or_insert((package, Vec::new()));
        let sha256: String = Sha256::digest(&ask.body).iter().map(|b| format!("{b:02x}")).collect();
        let file = json!({
            "id": id, "package_id": package, "file_name": name, "size": ask.body.len(), "file_sha256": sha256,
            "created_at": TIME,
        });
        files.push((file.clone(), ask.body.clone()));
        match ask.query.get("select").map(String::as_str) {
            Some("package_file") if !self.silent_uploads => Reply::json(201, &file),
            _ => Reply::json(201, &json!({ "message": "201 Created" })),
        }
    }
}
