//! Tokens of each kind: a job's, which may do less, and a GitHub App's.

use release_steps::effect::{Dispatch, Effect, ForgeRelease};
use release_steps::error::Kind as ErrorKind;
use release_steps::world::State;
use release_steps::world::forge::act::Writer;
use release_steps::world::forge::{Kind, RunText};

use crate::whole::Whole;
use crate::world::World;
use crate::{COMMIT, release, request};

#[test]
fn a_job_token_makes_a_release_with_what_it_may_use_alone() {
    let world = World::gitlab();
    world.push("tags/v1.0.0");
    world.push("tags/v1.0.0-rc.1");
    let forges = world.forges_by("CI_JOB_TOKEN");
    let commit = COMMIT.parse().ok();
    let effect = |want: ForgeRelease| Effect::ForgeRelease(want);
    let writer = Writer::new(forges.clone());
    let want = release(&world, "v1.0.0");
    assert!(matches!(writer.observe(&effect(want.clone()), commit).unwrap(), Some(State::Ready)));
    writer.act(&effect(want.clone()), std::path::Path::new("/nowhere"), commit, &|_| {}).unwrap();
    assert!(matches!(writer.observe(&effect(want), commit).unwrap(), Some(State::Done(_))));
    let exchanges = world.exchanges();
    assert!(exchanges.iter().all(|(ask, _)| ask.headers.contains_key("job-token")));
    assert!(exchanges.iter().all(|(ask, _)| !ask.headers.contains_key("private-token")));
    // Of the project itself it is told nothing; that is no reason to stop.
    let view = forges.at(&world.place()).unwrap();
    assert_eq!(view.repository().unwrap().can_write, None);
    assert_eq!(view.ref_target("tags/v1.0").unwrap(), None, "another tag begins so");
    // What it may not do is said, with what would.
    world.push("heads/r");
    let error =
        writer.act(&Effect::ForgeRequest(request(&world, "r")), std::path::Path::new("/"), None, &|_| {});
    assert_eq!(error.unwrap_err().kind, ErrorKind::Usage);
    let text = RunText {
        workflow: None,
        git_ref: "main".to_owned(),
        inputs: [].into(),
        correlation: "c".to_owned(),
    };
    let failure = view.find_run(&text).unwrap_err();
    assert!(failure.hint.is_some_and(|hint| hint.contains("project access token")));
    assert_eq!(world.gitlab.counts().2, 0, "none is started that could not be found again");
    // Where everybody may see them, the trigger starts one, and it is found again.
    world.gitlab.public();
    let effect = Effect::Dispatch(Dispatch { place: world.place(), run: text, wait: true });
    assert!(matches!(writer.observe(&effect, None).unwrap(), Some(State::Ready)));
    writer.act(&effect, std::path::Path::new("/"), None, &|_| {}).unwrap();
    assert!(matches!(writer.observe(&effect, None).unwrap(), Some(State::Done(_))));
    assert_eq!(world.gitlab.counts().2, 1);
}

#[test]
fn a_token_of_an_app_goes_along_as_bearer_and_what_it_lacks_is_said() {
    let Some(world) = World::github() else { return };
    world.push("tags/v1.0.0");
    let forges = world.forges_by("GITHUB_TOKEN");
    let want = Effect::ForgeRelease(release(&world, "v1.0.0"));
    let writer = Writer::new(forges.clone());
    world.exchanges();
    writer.act(&want, std::path::Path::new("/nowhere"), COMMIT.parse().ok(), &|_| {}).unwrap();
    let bearer = format!("Bearer {}", crate::gitlab::TOKEN);
    let exchanges = world.exchanges();
    assert!(exchanges.iter().all(|(ask, _)| ask.headers.get("authorization") == Some(&bearer)));
    // <https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#resource-not-accessible>
    let said = serde_json::json!({ "message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest" });
    world.says_with("/repos/octocat/hello", 403, said, ("x-accepted-github-permissions", "metadata=read"));
    let failure = forges.at(&world.place()).unwrap().repository().unwrap_err();
    assert!(failure.hint.is_some_and(|hint| hint.contains("the permission metadata=read")));
}

#[test]
fn a_server_that_does_not_say_what_it_made_of_a_file_is_taken_at_its_word() {
    let world = World::gitlab();
    world.gitlab.silent_uploads();
    world.push("tags/v1.0.0");
    let effect = Effect::ForgeRelease(release(&world, "v1.0.0"));
    assert!(crate::run(&world, &effect, COMMIT.parse().ok()).unwrap());
    assert!(!crate::run(&world, &effect, COMMIT.parse().ok()).unwrap());
}

#[test]
fn a_whole_release_goes_through_with_the_token_of_a_job() {
    let script = "commit 'feat: one'; tag v1.0.0; commit 'fix: two' a";
    for whole in Whole::both("", script).into_iter().filter(|whole| whole.forge.kind == Kind::GitLab) {
        whole.bash("sed -i 's/FORGE_TOKEN/CI_JOB_TOKEN/' release-steps.yml; command git commit -qam 'chore: x'; command git push -q origin main");
        let job = [("CI_JOB_TOKEN", crate::gitlab::TOKEN)];
        let ran = whole.git.steps_with("release", &job);
        assert_eq!(ran.code, Some(0), "{}", ran.text());
        let forge = whole.forge.forges().at(&whole.forge.place()).unwrap();
        assert!(forge.release("v1.0.1").unwrap().is_some_and(|made| !made.draft));
        whole.forge.exchanges();
        let ran = whole.git.steps_with("doctor", &job);
        assert!(ran.text().contains("CI_JOB_TOKEN makes releases"), "{}", ran.text());
        assert!(!ran.text().contains("nothing guards"), "what it may not see is not nothing: {}", ran.text());
        assert!(!ran.text().contains(crate::gitlab::TOKEN));
    }
}
