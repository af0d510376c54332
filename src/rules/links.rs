//! Addresses of commits, requests, issues and comparisons at the forge, made from the remote's address.

use crate::data::CommitId;
use crate::rules::commit::{Reference, Sigil};

/// Where a repository's pages are, and how its forge names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    base: String,
    gitlab: bool,
}

impl Links {
    /// From the address of a web page, without a slash at its end: `https://github.com/owner/name`.
    pub fn new(base: &str) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        let gitlab = host(&base).contains("gitlab");
        Links { base, gitlab }
    }

    /// From a git remote: `https://host/path.git`, `ssh://git@host:22/path`, `git@host:path.git`. None for a local path.
    pub fn from_remote(url: &str) -> Option<Self> {
        let (host, path) = match url.split_once("://") {
            Some(("https" | "http" | "ssh" | "git" | "git+ssh", rest)) => {
                let (authority, path) = rest.split_once('/')?;
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                // The port of ssh says nothing of the web's.
                let host = if url.starts_with("http") {
                    host
                } else {
                    host.split_once(':').map_or(host, |(host, _)| host)
                };
                (host, path)
            }
            Some(_) => return None,
            None => {
                let (authority, path) = url.split_once(':')?;
                // `C:\path` and `./a:b` are local.
                if authority.len() < 2 || authority.contains('/') || path.starts_with('\\') {
                    return None;
                }
                (authority.rsplit_once('@').map_or(authority, |(_, host)| host), path)
            }
        };
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let plain = |text: &str| {
            !text.is_empty()
                && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "()[]<>\"".contains(c))
        };
        (plain(host) && plain(path)).then(|| Links::new(&format!("https://{host}/{path}")))
    }

    fn page(&self, what: &str) -> String {
        let separator = if self.gitlab { "/-/" } else { "/" };
        format!("{}{separator}{what}", self.base)
    }

    /// A commit.
    pub fn commit(&self, id: CommitId) -> String {
        self.page(&format!("commit/{id}"))
    }

    /// A pull or merge request of this repository; none where the forge would not mean a request by it.
    pub fn request(&self, request: Reference<'_>) -> Option<String> {
        let kind = match (self.gitlab, request.sigil) {
            (true, Sigil::MergeRequest) => "merge_requests",
            (false, Sigil::Number | Sigil::Gh) => "pull",
            _ => return None,
        };
        request.repository.is_none().then(|| self.page(&format!("{kind}/{}", request.number)))
    }

    /// All changes between two tags.
    pub fn compare(&self, from: &str, to: &str) -> String {
        self.page(&format!("compare/{}...{}", encoded(from), encoded(to)))
    }

    /// The state of the repository at a tag.
    pub fn tree(&self, tag: &str) -> String {
        self.page(&format!("tree/{}", encoded(tag)))
    }
}

fn host(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

/// Percent-encodes what a path of an address or the brackets of a Markdown link cannot hold; `/` and `@` stay.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b'@' => {
                out.push(char::from(byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes() {
        let base = |url: &str| Links::from_remote(url).map(|l| l.base);
        let github = Some("https://github.com/o/n".to_owned());
        for url in [
            "https://github.com/o/n.git",
            "https://user:secret@github.com/o/n",
            "git@github.com:o/n.git",
            "ssh://git@github.com:22/o/n.git",
        ] {
            assert_eq!(base(url), github, "{url}");
        }
        assert_eq!(base("http://localhost:3000/o/n"), Some("https://localhost:3000/o/n".to_owned()));
        for url in ["/srv/git/n.git", "../n", "C:\\n", "file:///srv/n", "https://h/a b", "https://h/", "x:"] {
            assert_eq!(base(url), None, "{url}");
        }
    }

    #[test]
    fn pages_by_forge() {
        let id = CommitId::from_bytes([1; 20]);
        let gitlab = Links::new("https://gitlab.example/g/s/n/");
        assert!(gitlab.commit(id).starts_with("https://gitlab.example/g/s/n/-/commit/0101"));
        let request = |text| crate::rules::commit::references(text).next().unwrap();
        assert_eq!(gitlab.request(request("!4")).unwrap(), "https://gitlab.example/g/s/n/-/merge_requests/4");
        assert_eq!(gitlab.request(request("#4")), None);
        let github = Links::new("https://github.com/o/n");
        assert_eq!(github.request(request("#4")).unwrap(), "https://github.com/o/n/pull/4");
        assert_eq!(github.request(request("a/b#4")), None);
        assert_eq!(github.compare("pkg@1.0.0", "a)b"), "https://github.com/o/n/compare/pkg@1.0.0...a%29b");
    }
}
