//! Whole runs of the program in a repository whose remote the forge has: the same on both forges.

use std::collections::BTreeMap;

use release_steps::world::forge::Kind;

use crate::support::{Ran, World as Git};
use crate::world::World;

/// A repository, its remote, and the forge that has it.
pub struct Whole {
    pub forge: World,
    pub git: Git,
}

impl Whole {
    /// On each forge: a repository that a script makes, with more configuration.
    pub fn both(config: &str, script: &str) -> Vec<Whole> {
        crate::worlds().into_iter().map(|forge| Whole::new(forge, config, script)).collect()
    }

    fn new(forge: World, config: &str, script: &str) -> Whole {
        let place = forge.place();
        let kind = if place.kind == Kind::GitHub { "github" } else { "gitlab" };
        let text = format!(
            "forge: {{kind: {kind}, url: \"{}\", repository: {}, token_env: FORGE_TOKEN}}\n{config}",
            place.web, place.repository
        );
        let env: BTreeMap<String, String> =
            [("FORGE_TOKEN".to_owned(), crate::gitlab::TOKEN.to_owned())].into_iter().collect();
        let git = Git::made_by(&format!("{script}\norigin"), env, |repo| {
            std::fs::write(repo.join("release-steps.yml"), text).expect("it can be written");
        });
        forge.follow(&git.root().join("origin.git"));
        Whole { forge, git }
    }

    /// Runs a line that must end with this code, and nothing of which may show the token.
    pub fn steps(&self, line: &str, code: i32) -> Ran {
        let ran = self.git.steps(line);
        assert_eq!(ran.code, Some(code), "{:?} `{line}`:\n{}", self.forge.kind, ran.text());
        assert!(!ran.text().contains(crate::gitlab::TOKEN), "{}", ran.text());
        ran
    }

    /// Runs bash that must end well.
    pub fn bash(&self, script: &str) {
        let ran = self.git.bash(script);
        assert_eq!(ran.code, Some(0), "`{script}`:\n{}", ran.text());
    }

    /// Whether a second run changes nothing: no call that does, and exit code 0.
    pub fn settled(&self, line: &str) {
        self.forge.exchanges();
        let ran = self.steps(line, 0);
        let changing: Vec<String> = self
            .forge
            .exchanges()
            .iter()
            .filter(|(ask, _)| ask.method != "GET" && !ask.path.ends_with("/graphql"))
            .map(|(ask, _)| format!("{} {}", ask.method, ask.path))
            .collect();
        assert!(changing.is_empty(), "{:?} `{line}` again: {changing:?}\n{}", self.forge.kind, ran.text());
    }
}

const RELEASED: &str = "commit 'feat: one'; tag v1.0.0; mkdir dist; echo dist/ >.gitignore; commit 'fix: two' a; \
     echo first >dist/a.tgz; echo second >dist/b.tgz";

#[test]
fn a_release_records_its_artifacts_and_verify_refuses_others() {
    for whole in Whole::both("release: {assets: [\"dist/*.tgz\"]}\n", RELEASED) {
        let kind = whole.forge.kind;
        let ran = whole.steps("release", 0);
        assert!(ran.text().contains("with 3 files and their digests"), "{}", ran.text());
        crate::check(&whole.forge, &whole.forge.exchanges());
        whole.settled("release");
        let ran = whole.steps("release verify", 0);
        for name in ["a.tgz", "b.tgz"] {
            assert!(ran.text().contains(&format!("{name} is the recorded")), "{kind:?}: {}", ran.text());
        }
        // The record names the commit of the tag.
        let commit = whole.git.git(&["rev-parse", "v1.0.1^{commit}"]);
        let forge = whole.forge.forges().at(&whole.forge.place()).unwrap();
        let release = forge.release("v1.0.1").unwrap().expect("it is there");
        let record = release.assets.iter().find(|a| a.name == "artifacts.json").expect("it is there");
        let text = forge.asset_text(record).unwrap();
        assert!(text.contains(&format!("\"commit\": \"{}\"", commit.trim())), "{text}");

        whole.steps("release verify v1.0.1 dist/a.tgz", 0);
        let ran = whole.steps("release verify dist/a.tgz dist/b.tgz", 0);
        assert!(ran.text().contains("v1.0.1"), "{}", ran.text());
        whole.bash("echo other >dist/b.tgz; cp dist/a.tgz dist/c.tgz");
        assert!(
            whole
                .steps("release verify v1.0.1 dist/a.tgz dist/b.tgz", 1)
                .text()
                .contains("recorded is sha256:")
        );
        assert!(
            whole.steps("release verify v1.0.1 dist/c.tgz", 1).text().contains("no digest of dist/c.tgz")
        );
        whole.steps("release verify v1.0.1 dist/gone.tgz", 4);
        assert!(whole.steps("release verify v1.0.0", 4).text().contains("no published release"));
        // A tag that was moved is another commit than the recorded one.
        whole.bash("commit 'fix: three' a; command git tag -f -a -m x v1.0.1");
        assert!(whole.steps("release verify v1.0.1", 1).text().contains("and v1.0.1 is"));
    }
}

#[test]
fn a_file_that_was_replaced_at_the_forge_is_refused() {
    for whole in Whole::both("release: {assets: [\"dist/*.tgz\"]}\n", RELEASED) {
        whole.steps("release", 0);
        let forge = whole.forge.forges().at(&whole.forge.place()).unwrap();
        let release = forge.release("v1.0.1").unwrap().expect("it is there");
        let asset = release.assets.iter().find(|a| a.name == "a.tgz").expect("it is there");
        forge.remove_asset(&release, asset).unwrap();
        let ran = whole.steps("release verify v1.0.1", 4);
        assert!(
            ran.text().contains("a.tgz was recorded, and the release does not have it"),
            "{}",
            ran.text()
        );
        let mut release = forge.release("v1.0.1").unwrap().expect("it is there");
        let body = release_steps::world::http::Body::Bytes("wrong!".into());
        let asset = forge.add_asset(&release, "a.tgz", body).unwrap();
        if whole.forge.kind == Kind::GitLab {
            release.assets.push(asset);
            let (name, notes) = (release.name.clone(), release.notes.clone());
            let text = release_steps::world::forge::ReleaseText {
                tag: "v1.0.1",
                name: &name,
                notes: &notes,
                prerelease: false,
                latest: None,
            };
            forge.publish_release(&release, &text).unwrap();
        }
        let ran = whole.steps("release verify v1.0.1", 1);
        assert!(ran.text().contains("a.tgz is sha256:"), "{}", ran.text());
    }
}
