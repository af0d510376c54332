//! What `incident open` and `env check` use: issues, and the names of variables and secrets, never their values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use release_steps::effect::{Effect, OpenIssue};
use release_steps::world::forge::Kind;
use serde_json::{Value, json};

use crate::server::{Ask, Reply};
use crate::whole::Whole;
use crate::world::{Fault, World};
use crate::{check, run, survive, view};

/// What every variable's value begins with: nothing may show it.
pub const VALUE: &str = "do-not-show";

/// GitHub's lists of variables and secrets, by their path below the repository. The emulator knows none of variables.
#[derive(Default)]
pub struct Lists(Mutex<BTreeMap<String, Vec<String>>>);

impl Lists {
    /// The page of a list (<https://docs.github.com/rest/actions/variables>, <https://docs.github.com/rest/actions/secrets>).
    pub fn answer(&self, ask: &Ask) -> Option<Reply> {
        let path = ask.path.strip_prefix("/repos/octocat/hello/")?;
        let kind = if path.ends_with("variables") { "variables" } else { "secrets" };
        if !path.ends_with(kind) || ask.method != "GET" {
            return None;
        }
        let Some(names) = self.0.lock().expect("no test has failed in here").get(path).cloned() else {
            return Some(Reply::json(
                404,
                &json!({ "message": "Not Found", "documentation_url": "https://docs.github.com/rest" }),
            ));
        };
        let number =
            |name: &str, default: usize| ask.query.get(name).and_then(|n| n.parse().ok()).unwrap_or(default);
        // "The number of results per page (max 30)" of variables.
        let (page, size) = (number("page", 1), number("per_page", 10).min(30));
        let one = |name: &String| match kind {
            "variables" => {
                json!({ "name": name, "value": format!("{VALUE}-of-{name}"), "created_at": TIME, "updated_at": TIME })
            }
            _ => json!({ "name": name, "created_at": TIME, "updated_at": TIME }),
        };
        let shown: Vec<Value> = names.iter().skip((page - 1) * size).take(size).map(one).collect();
        Some(Reply::json(200, &json!({ "total_count": names.len(), kind: shown })))
    }
}

const TIME: &str = "2026-01-01T00:00:00Z";

/// Where names are, from the environment to what is above the repository: at GitHub the path, at GitLab the place and the
/// environments.
const PLACES: [(&str, (&str, &str)); 7] = [
    ("environments/production/variables", ("/projects/group/sub/hello", "production")),
    ("environments/production/secrets", ("/projects/group/sub/hello", "prod*")),
    ("actions/variables", ("/projects/group/sub/hello", "*")),
    ("actions/secrets", ("/groups/group/sub", "*")),
    ("actions/organization-variables", ("/groups/group", "*")),
    ("actions/organization-secrets", ("/groups/group", "production")),
    ("actions/organization-secrets", ("/admin/ci", "*")),
];

/// Gives the forge names: in each place one, in the first more than a page holds. One place may be hidden.
fn fill(world: &World, hidden: Option<usize>) -> BTreeSet<String> {
    let mut at: BTreeMap<&str, Vec<(String, &str)>> = BTreeMap::new();
    let mut all = BTreeSet::new();
    for (number, (path, (place, scope))) in PLACES.iter().enumerate() {
        let place = if world.kind == Kind::GitHub { path } else { place };
        let more = if number == 0 { 120 } else { 0 };
        let names = (0..=more).map(|n| if n == 0 { format!("PLACE_{number}") } else { format!("MORE_{n}") });
        at.entry(place).or_default().extend(names.map(|name| (name, *scope)));
    }
    if let Some(hidden) = hidden {
        at.remove(if world.kind == Kind::GitHub { PLACES[hidden].0 } else { PLACES[hidden].1.0 });
    }
    for (place, names) in &at {
        all.extend(names.iter().map(|(name, _)| name.clone()));
        match world.kind {
            Kind::GitHub => {
                let mut lists = world.lists.0.lock().expect("no test has failed in here");
                lists.insert((*place).to_owned(), names.iter().map(|(name, _)| name.clone()).collect());
            }
            Kind::GitLab => {
                // Of another environment: jobs of this one do not get it.
                let mut names: Vec<(&str, &str)> =
                    names.iter().map(|(name, scope)| (name.as_str(), *scope)).collect();
                if *place != "/admin/ci" {
                    names.push(("OTHER", "staging"));
                }
                world.gitlab.variables(place, &names);
            }
        }
    }
    all
}

#[test]
fn names_are_read_from_every_place_and_values_from_none() {
    for world in crate::worlds() {
        let all = fill(&world, None);
        let names = view(&world).variable_names("production").unwrap();
        assert_eq!((names.known.clone(), names.hidden.as_slice()), (all, &[][..]), "{:?}", world.kind);
        assert!(!format!("{names:?}").contains(VALUE));
        let exchanges = world.exchanges();
        check(&world, &exchanges);
        // No list is read further than it goes: at GitHub 30 of a page, at GitLab 100.
        let pages = if world.kind == Kind::GitHub { 5 + 5 } else { 2 + 2 + 1 };
        assert_eq!(exchanges.len(), pages, "{:?}", world.kind);
    }
    for hidden in [3, 4, 6] {
        for world in crate::worlds() {
            let seen = fill(&world, Some(hidden));
            let names = view(&world).variable_names("production").unwrap();
            assert_eq!((names.known, names.hidden.len()), (seen, 1), "{:?}", world.kind);
        }
    }
}

const REQUIRED: &str = "printf '%s\\n' PLACE_0= PLACE_2= PLACE_4= MORE_120= >.env.example; git add .env.example; commit 'feat: one'";

/// A run that shows no value, however it is asked to speak.
fn asked(whole: &Whole, line: &str) -> (i32, String) {
    let ran = whole.git.steps(line);
    let text = ran.text();
    assert!(!text.contains(VALUE) && !text.contains(crate::gitlab::TOKEN), "{text}");
    (ran.code.expect("it ends by itself"), text)
}

#[test]
fn env_check_says_what_is_missing_and_what_it_may_not_see() {
    for whole in Whole::both("", REQUIRED) {
        let kind = whole.forge.kind;
        fill(&whole.forge, None);
        whole.forge.exchanges();
        for line in ["env check production", "env check production -v", "env check production --json"] {
            assert_eq!(asked(&whole, line).0, 0, "{kind:?} {line}");
        }
        check(&whole.forge, &whole.forge.exchanges());
        whole.bash("echo NOWHERE= >>.env.example");
        let (code, text) = asked(&whole, "env check production");
        assert!(code == 1 && text.contains("NOWHERE is not in production at "), "{code} {text}");
        // What stands in a place that this token may not see may be there.
        whole.forge.lists.0.lock().unwrap().remove(PLACES[4].0);
        whole.forge.gitlab.variables("/groups/group", &[]);
        let of_group = match kind {
            Kind::GitHub => "variables of the organization",
            Kind::GitLab => "variables of the group group",
        };
        if kind == Kind::GitLab {
            whole.forge.says("/api/v4/groups/group/variables", 403, json!({ "message": "403 Forbidden" }));
        }
        let (code, text) = asked(&whole, "env check production");
        assert!(code == 4 && text.contains(of_group) && text.contains("`--in process`"), "{code} {text}");
    }
}

#[test]
fn env_check_takes_no_fault_for_a_no() {
    for whole in Whole::both("", REQUIRED) {
        let kind = whole.forge.kind;
        fill(&whole.forge, None);
        whole.forge.exchanges();
        assert_eq!(asked(&whole, "env check production").0, 0);
        let requests = whole.forge.exchanges().len();
        for number in 0..requests {
            for fault in [
                Fault::Status(401),
                Fault::Status(403),
                Fault::Status(404),
                Fault::TooMany,
                Fault::Status(500),
                Fault::Cut,
            ] {
                whole.forge.break_request(number, fault);
                let (code, text) = asked(&whole, "env check production");
                let what = format!("{kind:?}: {fault:?} at request {number} of {requests}: {code}\n{text}");
                match fault {
                    // What was in that place is not known; nothing that is required may have been.
                    Fault::Status(401 | 403 | 404) => {
                        assert!(code == 0 || code == 4 && text.contains("may not see"), "{what}")
                    }
                    _ => assert_eq!(code, 0, "{what}"),
                }
            }
        }
    }
}

fn issue(world: &World, trial: usize) -> OpenIssue {
    OpenIssue {
        place: world.place(),
        name: format!("incident/all/{trial}/x"),
        title: format!("SEV1: no. {trial} — größer"),
        body: "What happened.".to_owned(),
        labels: vec!["incident".to_owned(), "sev1".to_owned()],
    }
}

/// How many issues there are whose text holds this.
fn count(world: &World, text: &str) -> usize {
    match world.kind {
        Kind::GitHub => {
            let of = |page: usize| {
                let path = format!("/repos/octocat/hello/issues?state=all&per_page=100&page={page}");
                world.ask_emulator("GET", &path, None).as_array().cloned().unwrap_or_default()
            };
            let all = (1..4).flat_map(of);
            all.filter(|issue| issue["body"].as_str().is_some_and(|body| body.contains(text))).count()
        }
        Kind::GitLab => world.gitlab.issues_with(text),
    }
}

#[test]
fn an_issue_is_opened_once_whatever_goes_wrong() {
    for world in crate::worlds() {
        let want = issue(&world, 999);
        assert_eq!(view(&world).issue_with(&want.mark(), "incident").unwrap(), None);
        assert!(run(&world, &Effect::OpenIssue(want.clone()), None).unwrap());
        let found = view(&world).issue_with(&want.mark(), "incident").unwrap().expect("it is there");
        assert!(found.url.ends_with(&format!("/issues/{}", found.number)), "{found:?}");
        assert_eq!(view(&world).issue_with(&want.mark(), "other").unwrap(), None, "{:?}", world.kind);
        check(&world, &world.exchanges());
        let effect = |trial: usize| Effect::OpenIssue(issue(&world, trial));
        let one = |trial: usize| assert_eq!(count(&world, &issue(&world, trial).mark()), 1, "issue {trial}");
        survive(&world, "issue", effect, one, None);
    }
}

#[test]
fn an_incident_that_is_reported_twice_is_one_issue() {
    for whole in Whole::both("", "commit 'feat: one'; tag v1.0.0") {
        let kind = whole.forge.kind;
        let line =
            "incident open 'Payments fail' --severity sev2 --env production --text 'since noon, @everyone'";
        whole.forge.exchanges();
        let ran = whole.steps(line, 0);
        check(&whole.forge, &whole.forge.exchanges());
        assert!(ran.text().contains("SEV2: Payments fail"), "{}", ran.text());
        assert_eq!(count(&whole.forge, "incident/production/"), 1, "{kind:?}");
        whole.settled(line);
        assert_eq!(count(&whole.forge, "incident/production/"), 1, "{kind:?}");
        // The answer was lost: the next run finds what the first made.
        let other = line.replace("Payments", "Mails");
        whole.forge.exchanges();
        whole.steps(&format!("{other} --dry-run"), 0);
        let looks = whole.forge.exchanges().len();
        for number in 0..looks + 3 {
            whole.forge.break_request(number, Fault::ActedThen502);
            let ran = whole.git.steps(&other);
            assert!(
                ran.code == Some(0) || ran.text().contains("hint") || ran.text().contains("run again"),
                "{}",
                ran.text()
            );
        }
        whole.steps(&other, 0);
        assert_eq!(count(&whole.forge, "mails-fail"), 1, "{kind:?}");
    }
}
