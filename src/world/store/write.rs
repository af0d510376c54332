//! The write side of the store: one text at a time, only over what the writer knows to be there.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::{LONGEST, RefStore, Store, check};
use crate::crash;
use crate::data::CommitId;
use crate::error::{Error, Result};
use crate::world::process::Git;

/// How often a push is tried again when another writer came first.
const TRIES: u32 = 12;

impl Store {
    /// Writes a text where there was `before` (none: nothing). When it stands there already, nothing is done; when
    /// something else does, this is an error (exit 4): somebody else wrote it meanwhile.
    pub fn put(&self, path: &str, text: &str, before: Option<&str>) -> Result<()> {
        check(path)?;
        if text.len() > LONGEST {
            return Err(Error::usage(format!("a record of {} bytes is too long", text.len())).at(path));
        }
        match self {
            Store::Folder(folder) => {
                if same(path, self.get(path)?, text, before)? {
                    return Ok(());
                }
                let full = folder.join(path);
                put_file(&full, text).map_err(|e| {
                    Error::outside(format!("the record cannot be written: {e}"))
                        .at(full.display().to_string())
                })
            }
            Store::Ref(store) => store.put(path, text, before),
        }
    }
}

/// Whether the text is there already; an error when it would replace what the writer does not know.
fn same(path: &str, now: Option<String>, text: &str, before: Option<&str>) -> Result<bool> {
    match now.as_deref() {
        Some(now) if now == text => Ok(true),
        now if now == before => Ok(false),
        _ => Err(Error::unknown("somebody else changed the record meanwhile")
            .at(path.to_owned())
            .hint("run it again: it then goes on from what is there")),
    }
}

/// The old text or the new one is there at any time, never a part.
fn put_file(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.new"));
    crash::point();
    let mut file = fs::File::create(&temporary)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
    fs::rename(&temporary, path)?;
    crash::point();
    Ok(())
}

impl RefStore {
    fn put(&self, path: &str, text: &str, before: Option<&str>) -> Result<()> {
        let mut said = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                // Others write too: not all at the same time again.
                let spread = u64::from(std::process::id() % 50);
                std::thread::sleep(Duration::from_millis(u64::from(attempt) * 40 + spread));
            }
            let tip = self.tip()?;
            let now = match tip {
                Some(tip) => self.read_at(tip, path)?.remove(path),
                None => None,
            };
            if same(path, now, text, before)? {
                return Ok(());
            }
            let new = self.commit(tip, path, text)?;
            crash::point();
            match self.publish(tip, new)? {
                None => {
                    crash::point();
                    return Ok(());
                }
                Some(refusal) => said = refusal,
            }
        }
        Err(Error::outside("the record could not be kept: the ref was refused")
            .at(match &self.remote {
                Some(remote) => format!("{} at {remote}", self.name),
                None => self.name.clone(),
            })
            .hint("this identity must be allowed to push refs below refs/release-steps/: on GitHub `permissions: contents: write`")
            .detail(said.trim()))
    }

    /// A commit on the tip, or the first one, that has the text at the path.
    fn commit(&self, tip: Option<CommitId>, path: &str, text: &str) -> Result<CommitId> {
        let failed = |e: git2::Error| {
            Error::outside("the record cannot be written").at(self.name.clone()).detail(e.message())
        };
        let repo = git2::Repository::open(&self.root).map_err(failed)?;
        let parent = match tip {
            Some(tip) => Some(
                git2::Oid::from_bytes(tip.as_bytes()).and_then(|id| repo.find_commit(id)).map_err(failed)?,
            ),
            None => None,
        };
        let base = match &parent {
            Some(parent) => parent.tree().map_err(failed)?,
            None => {
                let empty = repo.treebuilder(None).and_then(|tree| tree.write()).map_err(failed)?;
                repo.find_tree(empty).map_err(failed)?
            }
        };
        let blob = repo.blob(text.as_bytes()).map_err(failed)?;
        let mut update = git2::build::TreeUpdateBuilder::new();
        update.upsert(path, blob, git2::FileMode::Blob);
        let tree = update.create_updated(&repo, &base).and_then(|id| repo.find_tree(id)).map_err(failed)?;
        let who = git2::Signature::now("release-steps", "release-steps@localhost").map_err(failed)?;
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let id =
            repo.commit(None, &who, &who, &format!("record {path}\n"), &tree, &parents).map_err(failed)?;
        Ok(id.as_bytes().try_into().map_or(CommitId::from_bytes([0; 20]), CommitId::from_bytes))
    }

    /// Moves the ref, only from the tip that was seen; what git says when it does not.
    fn publish(&self, tip: Option<CommitId>, new: CommitId) -> Result<Option<String>> {
        let old = tip.map_or_else(String::new, |tip| tip.to_string());
        let output = match &self.remote {
            Some(remote) => {
                let lease = format!("--force-with-lease={}:{old}", self.name);
                let refs = format!("{new}:{}", self.name);
                Git::new(&self.root, ["push", "--quiet", "--no-verify", &lease, "--", remote, &refs])
                    .output()?
            }
            None => {
                let new = new.to_string();
                let why = "release-steps: record";
                Git::new(&self.root, ["update-ref", "-m", why, &self.name, &new, &old]).output()?
            }
        };
        Ok((!output.ok()).then_some(output.stderr))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::error::Kind;

    fn git(dir: &Path, args: &[&str]) -> String {
        let output = Git::new(dir, args).run().unwrap();
        output.text()
    }

    /// A folder, a ref without a remote, a ref with one.
    fn stores(dir: &Path) -> Vec<Store> {
        let (own, clone, far) = (dir.join("own"), dir.join("clone"), dir.join("far.git"));
        git(dir, &["init", "-q", "own"]);
        git(dir, &["init", "-q", "--bare", "far.git"]);
        git(dir, &["clone", "-q", "far.git", "clone"]);
        assert!(far.exists());
        let name = "refs/release-steps/record".to_owned();
        let of = |root: PathBuf, remote: Option<&str>| {
            Store::Ref(RefStore { root, remote: remote.map(str::to_owned), name: name.clone() })
        };
        vec![Store::Folder(dir.join("records")), of(own, None), of(clone, Some("origin"))]
    }

    #[test]
    fn what_is_put_is_there_and_nothing_else_is_replaced() {
        let dir = TempDir::new().unwrap();
        for store in stores(dir.path()) {
            assert!(store.read("").unwrap().is_empty(), "{store}");
            store.put("a/one.json", "1", None).unwrap();
            store.put("a/one.json", "1", None).unwrap();
            store.put("a/two.json", "2", None).unwrap();
            store.put("b.json", "3", None).unwrap();
            store.put("b.json", "4", Some("3")).unwrap();
            for before in [None, Some("3")] {
                assert_eq!(store.put("b.json", "5", before).unwrap_err().kind, Kind::Unknown, "{store}");
            }
            let all = store.read("a/").unwrap();
            let want: BTreeMap<String, String> =
                [("a/one.json", "1"), ("a/two.json", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
            assert_eq!(all, want, "{store}");
            assert_eq!(store.get("b.json").unwrap().as_deref(), Some("4"));
            assert_eq!(store.get("c.json").unwrap(), None);
            for bad in ["", "../x", "a//b", ".git/config", "a/.b", "a\\b", "ä"] {
                assert_eq!(store.put(bad, "x", None).unwrap_err().kind, Kind::Usage, "{bad}");
            }
        }
    }

    #[test]
    fn two_machines_lose_nothing() {
        let dir = TempDir::new().unwrap();
        git(dir.path(), &["init", "-q", "--bare", "far.git"]);
        let machines = ["one", "two", "three"];
        let stores: Vec<Store> = machines
            .iter()
            .map(|name| {
                git(dir.path(), &["clone", "-q", "far.git", name]);
                let name_of_ref = "refs/release-steps/record".to_owned();
                Store::Ref(RefStore {
                    root: dir.path().join(name),
                    remote: Some("origin".to_owned()),
                    name: name_of_ref,
                })
            })
            .collect();
        std::thread::scope(|scope| {
            for (store, name) in stores.iter().zip(machines) {
                scope.spawn(move || {
                    for n in 0..3 {
                        store.put(&format!("{name}/{n}.json"), name, None).unwrap();
                    }
                });
            }
        });
        assert_eq!(stores[0].read("").unwrap().len(), 9);
        // No branch of the remote shows it.
        assert_eq!(git(&dir.path().join("far.git"), &["branch", "--list"]), "");
    }

    #[test]
    fn names_from_outside_stay_inside() {
        for name in ["../../etc/passwd", ".hidden", "a b\nc", "ü/ö", &"x".repeat(500)] {
            let path = format!("{}x.json", crate::rules::record::folder(name));
            assert!(check(&path).is_ok(), "{path}");
        }
        assert!(check(&format!("{}x.json", crate::rules::record::folder(""))).is_err());
    }
}
