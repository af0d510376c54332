//! Which forge, which repository, which token.

use super::*;

fn env(variables: &[(&str, &str)]) -> Env {
    variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

fn found(variables: &[(&str, &str)], remote: &str) -> Option<Detected> {
    detect(&ForgeConfig::default(), &env(variables), (!remote.is_empty()).then_some(remote)).unwrap()
}

const ACTIONS: [(&str, &str); 5] = [
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_SERVER_URL", "https://github.com"),
    ("GITHUB_API_URL", "https://api.github.com"),
    ("GITHUB_REPOSITORY", "o/n"),
    ("GITHUB_TOKEN", "ghs_actions"),
];

const GITLAB_CI: [(&str, &str); 5] = [
    ("GITLAB_CI", "true"),
    ("CI_SERVER_URL", "https://git.example.org/lab"),
    ("CI_API_V4_URL", "https://git.example.org/lab/api/v4"),
    ("CI_PROJECT_PATH", "g/s/n"),
    ("CI_JOB_TOKEN", "job"),
];

#[test]
fn places() {
    let none: &[(&str, &str)] = &[];
    for (variables, remote, kind, api, repository) in [
        (none, "https://github.com/o/n.git", Kind::GitHub, "https://api.github.com", "o/n"),
        (none, "git@github.com:o/n.git", Kind::GitHub, "https://api.github.com", "o/n"),
        (none, "ssh://git@ssh.github.com:443/o/n.git", Kind::GitHub, "https://api.github.com", "o/n"),
        (none, "https://acme.ghe.com/o/n", Kind::GitHub, "https://api.acme.ghe.com", "o/n"),
        (none, "https://github.corp.example/o/n", Kind::GitHub, "https://github.corp.example/api/v3", "o/n"),
        (none, "git@gitlab.com:g/s/t/n.git", Kind::GitLab, "https://gitlab.com/api/v4", "g/s/t/n"),
        (
            none,
            "https://user:pw@gitlab.corp:8443/g/n.git",
            Kind::GitLab,
            "https://gitlab.corp:8443/api/v4",
            "g/n",
        ),
        (&ACTIONS, "", Kind::GitHub, "https://api.github.com", "o/n"),
        (&ACTIONS, "/srv/git/n.git", Kind::GitHub, "https://api.github.com", "o/n"),
        // The remote is where the tag is pushed to.
        (&ACTIONS, "https://github.com/fork/n", Kind::GitHub, "https://api.github.com", "fork/n"),
        (
            &GITLAB_CI,
            "https://git.example.org/lab/g/s/n.git",
            Kind::GitLab,
            "https://git.example.org/lab/api/v4",
            "g/s/n",
        ),
        (
            &GITLAB_CI,
            "git@git.example.org:g/s/n.git",
            Kind::GitLab,
            "https://git.example.org/lab/api/v4",
            "g/s/n",
        ),
        (&GITLAB_CI, "https://github.com/mirror/n", Kind::GitHub, "https://api.github.com", "mirror/n"),
    ] {
        let place = found(variables, remote).unwrap().place;
        assert_eq!(
            (place.kind, place.api.as_str(), place.repository.as_str()),
            (kind, api, repository),
            "{remote}"
        );
    }
    for remote in
        ["", "/srv/n.git", "https://git.example.org/o/n", "C:\\n", "file:///n", "https://github.com/"]
    {
        assert_eq!(found(none, remote), None, "{remote}");
    }
    let bad = detect(&ForgeConfig::default(), &env(none), Some("https://github.com/a/b/c"));
    assert!(bad.unwrap_err().message.contains("a/b/c"));
}

#[test]
fn tokens_stay_with_their_hosts() {
    let name = |variables: &[(&str, &str)], remote: &str| {
        found(variables, remote).unwrap().token.map(|(name, _)| name)
    };
    let github = "https://github.com/o/n";
    let corp = "https://github.corp.example/o/n";
    assert_eq!(name(&[("GITHUB_TOKEN", "t")], github).as_deref(), Some("GITHUB_TOKEN"));
    assert_eq!(name(&[("GITHUB_TOKEN", "t"), ("GH_TOKEN", "u")], github).as_deref(), Some("GH_TOKEN"));
    assert_eq!(name(&[("GITHUB_TOKEN", "t"), ("GH_TOKEN", "u")], corp), None);
    assert_eq!(name(&[("GH_ENTERPRISE_TOKEN", "t")], corp), None, "nothing says which server it is for");
    let enterprise = [("GH_ENTERPRISE_TOKEN", "t"), ("GH_HOST", "github.corp.example")];
    assert_eq!(name(&enterprise, corp).as_deref(), Some("GH_ENTERPRISE_TOKEN"));
    assert_eq!(name(&[("GITLAB_TOKEN", "t")], github), None);
    assert_eq!(name(&[("GITLAB_TOKEN", "t")], "https://gitlab.com/o/n").as_deref(), Some("GITLAB_TOKEN"));
    assert_eq!(name(&[("GITLAB_TOKEN", "t")], "https://gitlab.corp/o/n"), None);
    let own = [("GITLAB_TOKEN", "t"), ("GITLAB_HOST", "https://gitlab.corp")];
    assert_eq!(name(&own, "https://gitlab.corp/o/n").as_deref(), Some("GITLAB_TOKEN"));
    // A job of one server that works on a repository of another.
    assert_eq!(name(&GITLAB_CI, "https://gitlab.com/o/n"), None);
    assert_eq!(name(&GITLAB_CI, "git@git.example.org:g/s/n.git").as_deref(), Some("CI_JOB_TOKEN"));
    let on_server: Vec<(&str, &str)> = ACTIONS
        .iter()
        .map(|(n, v)| (*n, if *n == "GITHUB_SERVER_URL" { "https://github.corp.example" } else { v }))
        .collect();
    assert_eq!(
        name(&on_server, github),
        None,
        "the token of an Enterprise Server's job is not for github.com"
    );
    let unused = found(&on_server, github).unwrap().unused;
    assert_eq!(unused, ["GITHUB_TOKEN is for github.corp.example and is not sent to github.com"]);
}

#[test]
fn the_configuration_stands_over_all() {
    let config = ForgeConfig {
        commits: crate::config::CommitsBy::default(),
        kind: Some(Kind::GitLab),
        url: Some("https://code.example.org/git/".to_owned()),
        repository: Some("g/n".to_owned()),
        token_env: Some("MY_TOKEN".to_owned()),
    };
    let all: Vec<(&str, &str)> = ACTIONS.into_iter().chain([("MY_TOKEN", "mine")]).collect();
    let found = detect(&config, &env(&all), Some("https://github.com/o/n")).unwrap().unwrap();
    assert_eq!(found.place.api, "https://code.example.org/git/api/v4");
    assert_eq!(found.place.to_string(), "code.example.org/git/g/n");
    assert_eq!(found.token, Some(("MY_TOKEN".to_owned(), Token::Access("mine".to_owned()))));
    assert!(!format!("{found:?}").contains("mine"));
    let missing = token_for(&config, &env(&ACTIONS), &found.place).unwrap_err();
    assert!(missing.hint.unwrap().contains("MY_TOKEN"));
    let bad = ForgeConfig { url: Some("ssh://x".to_owned()), ..ForgeConfig::default() };
    assert_eq!(detect(&bad, &env(&[]), None).unwrap_err().at.as_deref(), Some("forge.url"));
}

#[test]
fn a_flag_stands_over_the_configuration() {
    let named = |url: Option<&str>, address: &str| {
        let kind = url.map(|_| Kind::GitLab);
        let token_env = Some("T".to_owned());
        let mut config =
            ForgeConfig { kind, url: url.map(str::to_owned), token_env, ..ForgeConfig::default() };
        name_forge(&mut config, address).map(|()| {
            // A token goes along where the configuration gave it for that server.
            let there =
                detect(&config, &env(&[("T", "t")]), Some("https://github.com/o/n")).unwrap().expect("known");
            let own = url.is_some_and(|url| address.starts_with(url));
            assert_eq!(there.token.is_some(), own, "{address}");
            there.place
        })
    };
    for (url, address, kind, api, repository) in [
        (None, "https://gitlab.com/g/s/n", Kind::GitLab, "https://gitlab.com/api/v4", "g/s/n"),
        (
            Some("https://git.x.example"),
            "https://github.com/a/b.git",
            Kind::GitHub,
            "https://api.github.com",
            "a/b",
        ),
        (
            Some("https://x.example/git"),
            "https://x.example/git/g/n/",
            Kind::GitLab,
            "https://x.example/git/api/v4",
            "g/n",
        ),
    ] {
        let place = named(url, address).unwrap();
        assert_eq!(
            (place.kind, place.api.as_str(), place.repository.as_str()),
            (kind, api, repository),
            "{address}"
        );
    }
    for bad in ["g/n", "https://gitlab.com/n", "ssh://git@gitlab.com/g/n", "https://x.example/other/g/n"] {
        let error = named(Some("https://x.example/git"), bad).unwrap_err();
        assert_eq!(error.at.as_deref(), Some("--repository"), "{bad}");
    }
}
