//! Which forge, which repository, which token: from the configuration, the git remote and the CI job's variables.
//!
//! A pure function over them. A token belongs to a host and is never used for another one.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::ForgeConfig;
use crate::env::Env;
use crate::error::{Error, Result};

/// The kinds of forges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// github.com and GitHub Enterprise.
    GitHub,
    /// gitlab.com and GitLab on a server of one's own.
    GitLab,
}

/// A repository at a forge. Holds no secret: it stands in plans.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The kind of the forge.
    pub kind: Kind,
    /// Where its API is, without a slash at the end: `https://api.github.com`, `https://gitlab.com/api/v4`.
    pub api: String,
    /// Where its pages are, without a slash at the end: `https://github.com`.
    pub web: String,
    /// The repository: `owner/name`, `group/subgroup/name`.
    pub repository: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let web = self.web.split_once("://").map_or(self.web.as_str(), |(_, rest)| rest);
        write!(f, "{web}/{}", self.repository)
    }
}

/// How a token is sent.
#[derive(Clone, PartialEq, Eq)]
pub enum Token {
    /// A personal, project, App installation or `GITHUB_TOKEN` token.
    Access(String),
    /// GitLab's `CI_JOB_TOKEN`, which may do less (<https://docs.gitlab.com/ci/jobs/ci_job_token/>).
    Job(String),
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Token::Access(_) => "Access(***)",
            Token::Job(_) => "Job(***)",
        })
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// The repository.
    pub place: Place,
    /// The token, and the variable that it comes from.
    pub token: Option<(String, Token)>,
    /// Tokens that are there and not used, and why: for messages where one is missed.
    pub unused: Vec<String>,
}

/// A server that a CI job runs at.
struct Server {
    kind: Kind,
    web: Url,
    api: String,
    repository: String,
}

/// Finds the forge; none where nothing speaks of one.
///
/// The remote that is pushed to says which repository it is. The CI job's variables say what its server's API address is,
/// and stand in for a remote that is only a path. The configuration stands over both.
pub fn detect(config: &ForgeConfig, env: &Env, remote: Option<&str>) -> Result<Option<Detected>> {
    let server = ci_server(env);
    let remote = remote.and_then(parse_remote);
    let configured = match &config.url {
        Some(text) => Some(web_address(text).ok_or_else(|| {
            Error::usage(format!("`{text}` is no address of a forge"))
                .at("forge.url")
                .hint("such as https://gitlab.example.org")
        })?),
        None => None,
    };
    let Some(web) = configured
        .clone()
        .or_else(|| remote.as_ref().map(|r| r.web.clone()))
        .or_else(|| server.as_ref().map(|s| s.web.clone()))
        .or_else(|| config.kind.and_then(|kind| Url::parse(default_web(kind)).ok()))
    else {
        return Ok(None);
    };
    let at_server = server.as_ref().filter(|s| same_host(&s.web, &web));
    // An ssh remote says neither scheme nor port nor subfolder of the pages: the server's own variables do.
    let web = match (&configured, at_server) {
        (None, Some(server)) => server.web.clone(),
        _ => web,
    };
    let Some(kind) =
        config.kind.or_else(|| at_server.map(|s| s.kind)).or_else(|| kind_of_host(web.host_str()?))
    else {
        return Ok(None);
    };
    let from_remote = || {
        let remote = remote.as_ref().filter(|r| same_host(&r.web, &web))?;
        let folder = web.path().trim_matches('/');
        let below = remote.path.strip_prefix(folder).and_then(|p| p.strip_prefix('/'));
        Some(below.filter(|_| !folder.is_empty()).unwrap_or(&remote.path).to_owned())
    };
    let repository =
        config.repository.clone().or_else(from_remote).or_else(|| at_server.map(|s| s.repository.clone()));
    let Some(repository) = repository else { return Ok(None) };
    let repository = repository.trim_matches('/').to_owned();
    check_repository(kind, &repository)?;
    let api = match at_server.filter(|s| s.kind == kind) {
        Some(server) => server.api.clone(),
        None => default_api(kind, &web),
    };
    let place = Place { kind, api: api.trim_end_matches('/').to_owned(), web: base(&web), repository };
    let (token, unused) = token(config, env, kind, &web);
    Ok(Some(Detected { place, token, unused }))
}

/// Lets the configuration name a repository by the address of its page; what it says of that server stays.
pub fn name_forge(config: &mut ForgeConfig, address: &str) -> Result<()> {
    let no = || {
        Error::usage(format!("`{address}` is no address of a repository"))
            .at("--repository")
            .hint("such as https://gitlab.example.org/group/name")
    };
    let mut web = web_address(address).ok_or_else(no)?;
    let known = config.url.as_deref().and_then(web_address).filter(|known| same_host(known, &web));
    // A server may be in a folder, which only its own address tells from a group.
    let folder = known.as_ref().map_or("", |known| known.path().trim_matches('/'));
    let path = web.path().trim_matches('/').to_owned();
    let below = path.strip_prefix(folder).map(|path| path.trim_matches('/')).ok_or_else(no)?;
    if !below.contains('/') {
        return Err(no());
    }
    config.repository = Some(below.trim_end_matches(".git").to_owned());
    if known.is_none() {
        web.set_path("");
        config.kind = web.host_str().and_then(kind_of_host).or(config.kind);
        config.url = Some(base(&web));
        // That variable's token was given for another server.
        config.token_env = None;
    }
    Ok(())
}

/// The token for a place that a plan names; an error that says what is missed where there is none.
pub fn token_for(config: &ForgeConfig, env: &Env, place: &Place) -> Result<Token> {
    let web = Url::parse(&place.web)
        .map_err(|_| Error::usage(format!("`{}` is no address of a forge", place.web)))?;
    let (found, unused) = token(config, env, place.kind, &web);
    found.map(|(_, token)| token).ok_or_else(|| no_token(config, place, &unused))
}

/// What is said where a token is missed.
fn no_token(config: &ForgeConfig, place: &Place, unused: &[String]) -> Error {
    let public = matches!(place.web.as_str(), "https://github.com" | "https://gitlab.com");
    let hint = match (&config.token_env, place.kind) {
        (Some(name), _) => format!("set {name}, which `forge.token_env` names"),
        (None, Kind::GitHub) if public => {
            "set GITHUB_TOKEN; in GitHub Actions: `env: { GITHUB_TOKEN: ${{ github.token }} }`".to_owned()
        }
        (None, Kind::GitLab) if public => {
            "set GITLAB_TOKEN; in GitLab CI, CI_JOB_TOKEN is there by itself".to_owned()
        }
        (None, _) => "name the variable that holds it in the configuration: `forge: { token_env: MY_TOKEN }`"
            .to_owned(),
    };
    Error::usage(format!("there is no token for {}", place.web))
        .at(place.repository.clone())
        .hint(hint)
        .detail(unused.join("\n"))
}

/// The server whose CI job this is: <https://docs.github.com/actions/reference/workflows-and-actions/variables>,
/// <https://docs.gitlab.com/ci/variables/predefined_variables/>.
fn ci_server(env: &Env) -> Option<Server> {
    let github = || {
        env.get("GITHUB_ACTIONS")?;
        let web = web_address(env.get("GITHUB_SERVER_URL")?)?;
        let api = env.get("GITHUB_API_URL").map_or_else(|| default_api(Kind::GitHub, &web), str::to_owned);
        Some(Server { kind: Kind::GitHub, web, api, repository: env.get("GITHUB_REPOSITORY")?.to_owned() })
    };
    let gitlab = || {
        env.get("GITLAB_CI")?;
        let web = web_address(env.get("CI_SERVER_URL")?)?;
        let api = env.get("CI_API_V4_URL").map_or_else(|| default_api(Kind::GitLab, &web), str::to_owned);
        Some(Server { kind: Kind::GitLab, web, api, repository: env.get("CI_PROJECT_PATH")?.to_owned() })
    };
    github().or_else(gitlab)
}

struct Remote {
    web: Url,
    path: String,
}

/// A git remote's host and path: `https://host:port/path.git`, `ssh://git@host:22/path`, `git@host:path.git`.
fn parse_remote(text: &str) -> Option<Remote> {
    let (scheme, authority, path) = match text.split_once("://") {
        Some((scheme @ ("https" | "http" | "ssh" | "git+ssh"), rest)) => {
            let (authority, path) = rest.split_once('/')?;
            (scheme, authority, path)
        }
        Some(_) => return None,
        None => {
            let (authority, path) = text.split_once(':')?;
            // `C:\path` and `./a:b` are local.
            if authority.len() < 2 || authority.contains('/') || path.starts_with('\\') {
                return None;
            }
            ("ssh", authority, path)
        }
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let web = match scheme {
        "https" | "http" => format!("{scheme}://{host}/"),
        // The port of ssh says nothing of the web's; GitHub's and GitLab's own hosts for ssh over 443 are not their web's.
        _ => {
            let host = host.split_once(':').map_or(host, |(host, _)| host);
            let host = match host {
                "ssh.github.com" => "github.com",
                "altssh.gitlab.com" => "gitlab.com",
                other => other,
            };
            format!("https://{host}/")
        }
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let web = Url::parse(&web).ok().filter(|url| url.host_str().is_some_and(|host| !host.is_empty()))?;
    (!path.is_empty()).then(|| Remote { web, path: path.to_owned() })
}

fn web_address(text: &str) -> Option<Url> {
    let mut url = Url::parse(text.trim()).ok()?;
    let plain = matches!(url.scheme(), "https" | "http") && url.host_str().is_some();
    url.set_query(None);
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    plain.then_some(url)
}

fn base(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Hosts are one when their names and, where both are said, their ports are.
fn same_host(one: &Url, other: &Url) -> bool {
    one.host_str().zip(other.host_str()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
        && (one.port() == other.port() || one.port().is_none() || other.port().is_none())
}

fn kind_of_host(host: &str) -> Option<Kind> {
    let host = host.to_ascii_lowercase();
    let label = |name: &str| host.split('.').any(|label| label.split('-').any(|part| part == name));
    match host.as_str() {
        _ if host == "github.com" || host.ends_with(".ghe.com") || label("github") || label("ghe") => {
            Some(Kind::GitHub)
        }
        _ if host == "gitlab.com" || label("gitlab") => Some(Kind::GitLab),
        _ => None,
    }
}

fn default_web(kind: Kind) -> &'static str {
    match kind {
        Kind::GitHub => "https://github.com",
        Kind::GitLab => "https://gitlab.com",
    }
}

/// <https://docs.github.com/enterprise-server/rest/using-the-rest-api/getting-started-with-the-rest-api>,
/// <https://docs.github.com/enterprise-cloud@latest/admin/data-residency/network-details-for-ghecom>,
/// <https://docs.gitlab.com/api/rest/>
fn default_api(kind: Kind, web: &Url) -> String {
    let host = web.host_str().unwrap_or_default();
    match kind {
        Kind::GitHub if host.eq_ignore_ascii_case("github.com") => "https://api.github.com".to_owned(),
        Kind::GitHub if host.ends_with(".ghe.com") => format!("https://api.{host}"),
        Kind::GitHub => format!("{}/api/v3", base(web)),
        Kind::GitLab => format!("{}/api/v4", base(web)),
    }
}

fn check_repository(kind: Kind, repository: &str) -> Result<()> {
    let parts: Vec<&str> = repository.split('/').collect();
    let fits = match kind {
        Kind::GitHub => parts.len() == 2,
        Kind::GitLab => parts.len() >= 2,
    };
    let plain = |part: &&str| {
        !part.is_empty()
            && *part != "."
            && *part != ".."
            && !part.contains(|c: char| c.is_control() || c.is_whitespace() || "?#%\\<>\"".contains(c))
    };
    if fits && parts.iter().all(plain) {
        return Ok(());
    }
    Err(Error::usage(format!("`{repository}` is no repository's name at a forge"))
        .at("forge.repository")
        .hint("owner/name, at GitLab also group/subgroup/name"))
}

/// The token for a host, and what is said of those that are for others.
fn token(config: &ForgeConfig, env: &Env, kind: Kind, web: &Url) -> (Option<(String, Token)>, Vec<String>) {
    let take = |name: &str, token: fn(String) -> Token| {
        Some((name.to_owned(), token(env.get(name)?.trim().to_owned())))
    };
    if let Some(name) = &config.token_env {
        // Named in the configuration together with the forge: the one case in which nothing else says its host.
        let job = kind == Kind::GitLab && name == "CI_JOB_TOKEN";
        return (take(name, if job { Token::Job } else { Token::Access }), Vec::new());
    }
    let host = |text: Option<&str>| {
        let text = text?;
        let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        Url::parse(&text).ok()
    };
    let actions = env.get("GITHUB_ACTIONS").and_then(|_| host(env.get("GITHUB_SERVER_URL")));
    let gitlab_ci = env.get("GITLAB_CI").and_then(|_| host(env.get("CI_SERVER_URL")));
    let public = |name: &str| host(Some(name));
    // Who a variable's token is for, as the forges' own command lines take them:
    // <https://cli.github.com/manual/gh_help_environment>, <https://docs.gitlab.com/cli/#environment-variables>.
    let gh_host = host(env.get("GH_HOST"));
    let cloud = gh_host
        .clone()
        .filter(|h| h.host_str().is_some_and(|h| h.ends_with(".ghe.com")))
        .or_else(|| public("github.com"));
    let enterprise = gh_host.clone().or_else(|| actions.clone());
    let gitlab_host =
        host(env.get("GITLAB_HOST").or_else(|| env.get("GITLAB_URI"))).or_else(|| gitlab_ci.clone());
    type Known = (&'static str, Kind, fn(String) -> Token, Option<Url>);
    let known: [Known; 7] = [
        ("GH_TOKEN", Kind::GitHub, Token::Access, cloud.clone()),
        ("GITHUB_TOKEN", Kind::GitHub, Token::Access, actions.clone().or(cloud)),
        ("GH_ENTERPRISE_TOKEN", Kind::GitHub, Token::Access, enterprise.clone()),
        ("GITHUB_ENTERPRISE_TOKEN", Kind::GitHub, Token::Access, enterprise),
        ("GITLAB_TOKEN", Kind::GitLab, Token::Access, gitlab_host.clone().or_else(|| public("gitlab.com"))),
        ("GITLAB_ACCESS_TOKEN", Kind::GitLab, Token::Access, gitlab_host.or_else(|| public("gitlab.com"))),
        ("CI_JOB_TOKEN", Kind::GitLab, Token::Job, gitlab_ci),
    ];
    let mut found = None;
    let mut unused = Vec::new();
    for (name, of, make, host) in known {
        let Some(token) = take(name, make) else { continue };
        if of == kind && host.as_ref().is_some_and(|h| same_host(h, web)) {
            found = found.or(Some(token));
        } else {
            let whose = host.as_ref().and_then(Url::host_str).unwrap_or("a host that nothing names");
            unused.push(format!(
                "{name} is for {whose} and is not sent to {}",
                web.host_str().unwrap_or_default()
            ));
        }
    }
    (found, unused)
}
