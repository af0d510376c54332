use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::approvals::{Approval, Approvals, ApprovalsConfig, Says};
use super::checklist::{Checklist, ChecklistConfig, tasks};
use super::config::Gate;
use super::measure::{
    Coverage, CoverageConfig, Health, HealthConfig, PrometheusConfig, Samples, ScanConfig, samples, scan,
};
use super::proof::{
    Artifact, ArtifactConfig, Backup, BackupConfig, Branch, BranchCheckConfig, CommandConfig,
    MigrationsConfig, OnCallConfig, Output, RollbackPlanConfig, backup, recorded,
};
use super::runs::{CheckRun, RunState, Runs, RunsConfig};
use super::*;
use crate::data::CommitId;

const COMMIT: &str = "4e476dee14bb9ee4c20aebd51970efc827769e68";
const OTHER: &str = "0123456789abcdef0123456789abcdef01234567";

fn yaml<T: for<'de> Deserialize<'de>>(text: &str) -> T {
    crate::rules::yaml::read(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn at(time: &str) -> Zoned {
    time.parse::<Timestamp>().unwrap().to_zoned(jiff::tz::TimeZone::UTC)
}

fn commit(text: &str) -> CommitId {
    text.parse().unwrap()
}

fn gate(text: &str) -> Result<Gate, String> {
    let gate: Gate = crate::rules::yaml::read(text).map_err(|e| e.to_string())?;
    match gate.misfit() {
        Some(misfit) => Err(misfit.why),
        None => Ok(gate),
    }
}

/// `name state[@commit] [started-minute]`, each a run.
fn runs(lines: &[&str]) -> Runs {
    let run = |line: &&str| {
        let (name, state) = line.rsplit_once(' ').unwrap();
        let (state, on) = state.split_once('@').map_or((state, COMMIT), |(s, _)| (s, OTHER));
        let state = match state {
            "green" => RunState::Success,
            "red" => RunState::Failure,
            "skipped" => RunState::Skipped,
            _ => RunState::Pending,
        };
        let said = format!("{state:?}").to_lowercase();
        CheckRun { name: name.to_owned(), commit: commit(on), state, said, started: None, ended: None }
    };
    Runs {
        commit: commit(COMMIT),
        appeared: "2026-02-03T04:00:00Z".parse().unwrap(),
        looked: "2026-02-03T04:00:00Z".parse().unwrap(),
        runs: lines.iter().map(run).collect(),
    }
}

#[test]
fn required_checks() {
    use Verdict::{Fail, Pass, Unknown};
    // What is required, what there is, minutes after the commit appeared, the answer, a part of its reason.
    type Row<'a> = (&'a str, &'a [&'a str], i64, Verdict, &'a str);
    let table: &[Row<'_>] = &[
        ("{require: [test]}", &["test green"], 5, Pass, "1 required check is green on 4e476dee14: test"),
        ("{require: [test]}", &["test green@other"], 5, Unknown, "test is not there yet, only on 0123456789"),
        ("{require: [test]}", &["test green@other"], 11, Fail, "test never ran, only on 0123456789"),
        ("{require: [test]}", &[], 9, Unknown, "test is not there yet"),
        ("{require: [test]}", &[], 10, Fail, "test never ran"),
        ("{require: [test], discover_for: 1h}", &[], 59, Unknown, "test is not there yet"),
        ("{require: [test]}", &["test going"], 500, Unknown, "test is pending"),
        ("{require: [test]}", &["test skipped"], 500, Unknown, "test was skipped, which is no verdict"),
        ("{require: [test], allow_skipped: [test]}", &["test skipped"], 500, Pass, "test"),
        // The same name from two workflows: all count.
        ("{require: [test]}", &["test green", "test red"], 5, Fail, "test says failure"),
        ("{require: [test]}", &["test red", "test going", "test green"], 5, Fail, "test says failure"),
        ("{require: [test]}", &["test green", "test going"], 5, Unknown, "test is pending"),
        ("{require: [test]}", &["test green", "test skipped"], 5, Pass, "test"),
        ("{require: [test, lint]}", &["test green"], 5, Unknown, "lint is not there yet"),
        ("{require: [test, lint]}", &["test going", "lint red"], 5, Fail, "lint says failure"),
        // Patterns, and brackets that are none.
        (
            "{require: ['build (*)']}",
            &["build (linux)/x green", "build (mac) red"],
            5,
            Fail,
            "build (mac) says",
        ),
        (
            "{require: ['build (*)']}",
            &["build (a) green", "build (b) skipped"],
            5,
            Unknown,
            "build (b) was skipped",
        ),
        ("{require: ['t [a-z]']}", &["t b green"], 50, Fail, "t [a-z] never ran"),
        ("{require: ['t [a-z]']}", &["t [a-z] green"], 50, Pass, ""),
        ("{require: [test]}", &["TEST green"], 50, Fail, "never ran"),
    ];
    for (config, lines, minutes, verdict, why) in table {
        let config: RunsConfig = yaml(config);
        assert_eq!(config.refused(), None);
        let runs = runs(lines);
        let when = runs.appeared.checked_add(jiff::SignedDuration::from_mins(*minutes)).unwrap();
        let answer = config.answer(&runs, &when.to_zoned(jiff::tz::TimeZone::UTC));
        assert!(answer.verdict == *verdict && answer.why.contains(why), "{config:?} {lines:?}: {answer:#?}");
        assert_eq!(answer.turn.is_none(), answer.verdict == Pass, "{answer:#?}");
    }
    for refused in [
        "{require: ['*']}",
        "{require: [a, '**']}",
        "{require: []}",
        "{require: [a], poll: -1s}",
        "{require: [a], poll: 61m}",
    ] {
        assert!(yaml::<RunsConfig>(refused).refused().is_some(), "{refused}");
    }
    // What may turn by itself is pending; where something else is missing too, waiting is in vain.
    let config: RunsConfig = yaml("{require: [a, b], discover_for: 10m, poll: 30s}");
    let ask =
        |lines: &[&str], minute: &str| config.answer(&runs(lines), &at(&format!("2026-02-03T04:{minute}Z")));
    for (lines, minute, verdict, pending) in [
        (&["a green", "b going"][..], "30:00", Unknown, true),
        (&["a green"], "05:00", Unknown, true),
        (&["a going"], "05:00", Unknown, true),
        (&["a skipped", "b going"], "30:00", Unknown, false),
        (&["a red", "b going"], "30:00", Fail, false),
        (&["a green", "b green"], "30:00", Pass, false),
        (&["a going"], "30:00", Fail, false),
    ] {
        let answer = ask(lines, minute);
        assert_eq!((answer.verdict, answer.pending), (verdict, pending), "{lines:?} {minute}");
    }
    // Of a commit on which nothing has run the first look may come before the first check.
    for (looked, when, verdict) in [
        ("2026-02-03T05:00:00Z", "2026-02-03T05:00:29Z", Unknown),
        ("2026-02-03T05:00:00Z", "2026-02-03T05:00:30Z", Fail),
        ("2026-02-03T04:05:00Z", "2026-02-03T04:09:59Z", Unknown),
    ] {
        let late = Runs { looked: looked.parse().unwrap(), ..runs(&["a green@other"]) };
        assert_eq!(config.answer(&late, &at(when)).verdict, verdict, "{looked} {when}");
    }
    let touched = Runs { looked: "2026-02-03T05:00:00Z".parse().unwrap(), ..runs(&["a green"]) };
    assert_eq!(config.answer(&touched, &at("2026-02-03T05:00:00Z")).verdict, Fail, "b never ran");
}

/// `person [says] [@commit] [minutes ago]`
fn said(text: &str) -> Approval {
    let mut approval = Approval {
        person: String::new(),
        name: None,
        says: Says::Approve,
        at: "2026-02-03T04:00:00Z".parse().unwrap(),
        commit: Some(commit(COMMIT)),
        plan: Some("abc".to_owned()),
    };
    for word in text.split(' ') {
        match word {
            "no" => approval.says = Says::Refuse,
            "withdraws" => approval.says = Says::Withdraw,
            "@other" => approval.commit = Some(commit(OTHER)),
            "@none" => approval.commit = None,
            "named" => approval.name = Some("Author".to_owned()),
            "no-plan" => approval.plan = None,
            "other-plan" => approval.plan = Some("def".to_owned()),
            "later" => approval.at = "2026-02-03T05:00:00Z".parse().unwrap(),
            "yesterday" => approval.at = "2026-02-02T04:00:00Z".parse().unwrap(),
            "tomorrow" => approval.at = "2026-02-04T04:00:00Z".parse().unwrap(),
            name => approval.person = name.to_owned(),
        }
    }
    approval
}

fn approvals(lines: &[&str]) -> Approvals {
    Approvals {
        commit: commit(COMMIT),
        plan: Some("abc".to_owned()),
        authors: vec!["author".to_owned(), "author@example.org".to_owned()],
        starters: vec!["starter".to_owned()],
        teams: [("@org/reviewers".to_owned(), vec!["Dana".to_owned(), "erin".to_owned()])].into(),
        said: lines.iter().map(|line| said(line)).collect(),
    }
}

const TEAM: &str = "teams: {team: [alice, bob, carol, author, starter]}, of: [team]";

#[test]
fn approvals_of_people() {
    use Verdict::{Fail, Pass, Unknown};
    type Row<'a> = (&'a str, &'a [&'a str], Verdict, &'a str);
    let table: &[Row<'_>] = &[
        ("", &["alice"], Pass, "approved by alice"),
        ("", &[], Unknown, "0 of 1 approvals"),
        ("", &["mallory"], Unknown, "mallory is not asked"),
        ("", &["author"], Unknown, "author is the author"),
        ("", &["AUTHOR"], Unknown, "AUTHOR is the author"),
        ("allow_author: true", &["author"], Pass, "approved by author"),
        ("", &["starter"], Unknown, "starter started this run"),
        ("allow_starter: true", &["starter"], Pass, ""),
        ("", &["alice @other"], Unknown, "alice approved 0123456789"),
        ("", &["alice @none"], Unknown, "alice approved no commit"),
        ("count: 2", &["alice", "alice later", "Alice"], Unknown, "1 of 2 approvals"),
        ("count: 2", &["alice", "bob"], Pass, "approved by alice, bob"),
        ("count: 2, senior: {of: [carol]}", &["alice", "bob"], Unknown, "2 of 2 approvals"),
        ("count: 2, senior: {of: [carol]}", &["alice", "Carol"], Pass, ""),
        ("", &["alice", "bob no"], Fail, "refused by bob"),
        ("", &["alice", "mallory no"], Pass, "approved by alice"),
        ("", &["bob no", "bob later"], Pass, "approved by bob"),
        ("", &["bob", "bob withdraws later"], Unknown, "bob withdrew"),
        // Said at once, less counts.
        ("", &["bob", "bob no"], Fail, ""),
        ("ends_after: 24h", &["alice yesterday"], Unknown, "the approval by alice has ended"),
        ("ends_after: 30h", &["alice yesterday"], Pass, ""),
        ("", &["alice tomorrow"], Unknown, "0 of 1"),
        ("plan: true", &["alice other-plan"], Unknown, "alice approved another plan"),
        ("plan: true", &["alice no-plan"], Unknown, "alice named no plan"),
        ("plan: true", &["alice"], Pass, ""),
        ("", &["alice named"], Unknown, "alice is the author"),
        ("allow_author: true", &["alice named"], Pass, ""),
        ("of: ['@org/reviewers']", &["dana"], Pass, "approved by dana"),
        ("of: ['@org/reviewers', bob], count: 2", &["DANA", "bob"], Pass, ""),
        ("of: ['@org/reviewers']", &["alice"], Unknown, "alice is not asked"),
        ("of: ['@org/others']", &["dana"], Unknown, "nobody knows who is in @org/others"),
        ("of: [all], teams: {all: ['@org/reviewers', bob]}, count: 3", &["dana", "erin", "bob"], Pass, ""),
        ("senior: {of: ['@org/reviewers']}", &["alice"], Unknown, "1 of 1 approvals"),
        ("of: [alice, erin], senior: {of: ['@org/reviewers']}", &["erin"], Pass, ""),
    ];
    let now = at("2026-02-03T06:00:00Z");
    for (config, lines, verdict, why) in table {
        // What a row says itself replaces the team.
        let team = if config.contains("of: ['@") || config.starts_with("of:") { "" } else { TEAM };
        let config: ApprovalsConfig = yaml(&format!("{{{team}, {config}}}").replace("{, ", "{"));
        assert_eq!(config.refused(), None);
        let answer = config.answer(&approvals(lines), &now);
        assert!(answer.verdict == *verdict && answer.why.contains(why), "{config:?} {lines:?}: {answer:#?}");
    }
    let bound: ApprovalsConfig = yaml("{plan: true}");
    let facts = Approvals { plan: None, ..approvals(&["alice"]) };
    assert_eq!(bound.answer(&facts, &now).verdict, Unknown, "there is no plan that could be approved");
    for wrong in [
        "{count: 0}",
        "{of: ['@team']}",
        "{of: [t], teams: {t: []}}",
        "{senior: {of: []}}",
        "{senior: {count: 2, of: [a, b]}}",
        "{count: 2, of: [a]}",
    ] {
        assert!(yaml::<ApprovalsConfig>(wrong).refused().is_some(), "{wrong}");
    }
}

proptest! {
    /// The order in which approvals are listed does not matter, and one that does not count changes nothing.
    #[test]
    fn approvals_have_no_order(
        (one, other) in prop::collection::vec(
            (
                prop::sample::select(vec!["alice", "bob", "carol", "author", "mallory", "Alice"]),
                prop::sample::select(vec!["", " no", " withdraws"]),
                prop::sample::select(vec!["", " @other", " @none"]),
                prop::sample::select(vec!["", " later", " yesterday", " tomorrow"]),
            )
                .prop_map(|(who, says, on, when)| format!("{who}{says}{on}{when}")),
            0..8,
        )
        .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
    ) {
        let config: ApprovalsConfig = yaml(&format!("{{{TEAM}, count: 2, senior: {{of: [alice]}}, ends_after: 24h}}"));
        let ask = |lines: &[String]| {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let answer = config.answer(&approvals(&lines), &at("2026-02-03T06:00:00Z"));
            (answer.verdict, answer.since, answer.until, answer.people.len())
        };
        prop_assert_eq!(ask(&one), ask(&other));
        let mut more = one.clone();
        more.push("eve".to_owned());
        more.push("author".to_owned());
        if !one.iter().any(|l| l.starts_with("author")) {
            prop_assert_eq!(ask(&one), ask(&more));
        }
    }

    /// The order of check runs does not matter.
    #[test]
    fn runs_have_no_order(
        (one, other) in prop::collection::vec(
            (prop::sample::select(vec!["a", "b", "c"]), prop::sample::select(vec!["green", "red", "skipped", "going", "green@other"]))
                .prop_map(|(name, state)| format!("{name} {state}")),
            0..8,
        )
        .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
    ) {
        let config: RunsConfig = yaml("{require: [a, b]}");
        let ask = |lines: &[String]| {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            config.answer(&runs(&lines), &at("2026-02-03T05:00:00Z"))
        };
        prop_assert_eq!(ask(&one).verdict, ask(&other).verdict);
    }

    /// No text makes a reader panic.
    #[test]
    fn readers_take_any_text(text in "(?s).{0,200}") {
        drop((samples(&text), scan(&text), tasks(&text), recorded(&text, "a")));
        drop(backup(&Output { code: Some(0), stdout: text.clone(), stderr: String::new() }));
        let record: OnCallConfig = yaml("{file: x}");
        prop_assert_ne!(record.answer(Some(&text), &at("2026-02-03T05:00:00Z")).verdict, Verdict::Pass);
    }
}

#[test]
fn plans_are_named_in_remarks() {
    use super::approvals::{Remark, bind, plan_named};
    for (text, plan) in [
        ("plan 0123456789abcdef", true),
        ("Looks good.\n\nApproved plan: `0123456789ABCDEF`.\n", true),
        ("- [x] plan 0123456789abcdef", true),
        ("- [ ] plan 0123456789abcdef", false),
        ("> plan 0123456789abcdef", false),
        ("not plan 0123456789abcdef", false),
        ("plan 0123456789abcde", false),
        ("plan 0123456789abcdefa", false),
        ("plan0123456789abcdef", false),
        ("plan 0123456789abcdef is wrong", false),
        ("", false),
    ] {
        assert_eq!(plan_named(text).as_deref(), plan.then_some("0123456789abcdef"), "{text}");
    }
    let both = "plan 0123456789abcdef\nplan fedcba9876543210";
    assert_eq!(plan_named(both).as_deref(), Some("fedcba9876543210"), "the last word counts");
    let remark = |person: &str, hour: u8, digit: char| Remark {
        person: person.to_owned(),
        at: format!("2026-02-03T{hour:02}:00:00Z").parse().unwrap(),
        text: format!("plan {}", String::from(digit).repeat(16)),
    };
    let remarks =
        [remark("ALICE", 4, 'a'), remark("alice", 5, 'b'), remark("alice", 9, 'c'), remark("bob", 5, 'd')];
    let mut said = [said("alice no-plan"), said("carol no-plan")];
    bind(&mut said, &remarks, "2026-02-03T06:00:00Z".parse().unwrap());
    assert_eq!((said[0].plan.as_deref(), said[1].plan.as_deref()), (Some("bbbbbbbbbbbbbbbb"), None));
}

#[test]
fn checklists() {
    let text = "\
# Before\n\n- [x] **Backup**: made\n* [X] `migrate` tested\n1. [ ] Team notified\n  - [ ] nested\n\
```\n- [ ] only an example\n```\n<!--\n- [ ] a comment\n-->\n- [] no box\n- [x]no space\n- [ ] Backups of backups\n";
    let found: Vec<(String, bool)> = tasks(text).into_iter().map(|t| (t.text, t.ticked)).collect();
    let wanted = [
        ("Backup: made", true),
        ("migrate tested", true),
        ("Team notified", false),
        ("nested", false),
        ("Backups of backups", false),
    ];
    assert_eq!(found, wanted.map(|(text, ticked)| (text.to_owned(), ticked)));
    let list = Checklist { source: Some("list.md".to_owned()), tasks: tasks(text) };
    let others: BTreeMap<String, Answer> = [
        ("good".to_owned(), Answer::pass("")),
        ("bad".to_owned(), Answer::fail("")),
        ("odd".to_owned(), Answer::unknown("")),
    ]
    .into();
    let ask = |config: &str| {
        let config: ChecklistConfig = yaml(config);
        assert_eq!(config.refused(), None);
        let answer = config.answer(&list, &others);
        (answer.verdict, answer.why)
    };
    assert_eq!(ask("{file: x, items: [backup, '**Migrate** tested']}").0, Verdict::Pass);
    let (verdict, why) = ask("{file: x, items: [Backup, Team notified, Rollback]}");
    assert_eq!(
        (verdict, why.as_str()),
        (Verdict::Fail, "1 of 3 items are done; open: Team notified, Rollback (not in the list)")
    );
    assert_eq!(ask("{file: x}").0, Verdict::Fail);
    assert_eq!(
        ask("{items: [{item: a, proved_by: good}]}"),
        (Verdict::Pass, "all 1 items are done".to_owned())
    );
    assert_eq!(ask("{items: [{item: a, proved_by: odd}, {item: b, proved_by: bad}]}").0, Verdict::Fail);
    assert_eq!(ask("{items: [{item: a, proved_by: odd}, {item: b, proved_by: good}]}").0, Verdict::Unknown);
    let empty = yaml::<ChecklistConfig>("{file: x}").answer(&Checklist::default(), &others);
    assert_eq!(empty.verdict, Verdict::Fail, "a list without boxes is not done");
    for wrong in ["{}", "{file: a, request: true}", "{items: [a]}", "{file: a, items: ['**']}"] {
        assert!(yaml::<ChecklistConfig>(wrong).refused().is_some(), "{wrong}");
    }
}

#[test]
fn expressions_are_strict() {
    let with = |expression: &str| {
        gate(&format!(
            "[{{coverage: {{file: x, at_least: 1}}}}, {{name: on-disk, command: {{run: x}}}}, {{expression: {expression:?}}}]"
        ))
    };
    for good in [
        "coverage.percent > 80",
        "on_disk.code == 0 and gate == 'p'",
        "answers.on_disk == 'pass' or hour < 5",
    ] {
        assert!(with(good).is_ok(), "{good}: {:?}", with(good).err());
    }
    // A misspelt name behind `or` is found before anything is asked.
    for bad in [
        "coverage.percentage > 80",
        "true or covrage.percent > 1",
        "answers.typo == 'pass'",
        "answers",
        "range(9)",
        "coverage.",
        "commit.x",
        "expression",
    ] {
        assert!(with(bad).is_err(), "{bad}");
    }
    let ask = |expression: &str, facts: Value| {
        let expression: Expression = expression.to_owned().try_into().unwrap();
        let answer = expression.answer(&facts, |name| (name == "gone").then(|| "timeout".to_owned()));
        (answer.verdict, answer.why)
    };
    use expression::Expression;
    use serde_json::Value;
    let facts = json!({"a": {"n": 3, "s": "x", "list": [1]}, "t": true});
    let table = [
        ("a.n > 2 and t", Verdict::Pass),
        ("a.n > 3", Verdict::Fail),
        ("a.n", Verdict::Unknown),
        ("a.s", Verdict::Unknown),
        ("a.list", Verdict::Unknown),
        ("gone.n == 0 or true", Verdict::Unknown),
        ("true or a.typo", Verdict::Unknown),
        ("a['typo'] == 0 or a['typo'] > 1", Verdict::Unknown),
        ("a.n / 0 == 1", Verdict::Unknown),
        ("not t", Verdict::Fail),
    ];
    for (expression, verdict) in table {
        let answer = ask(expression, facts.clone());
        assert_eq!(answer.0, verdict, "{expression}: {}", answer.1);
    }
    assert!(ask("gone.n == 0 or true", facts).1.contains("timeout"));
}

#[test]
fn gates_are_checked_when_they_load() {
    for bad in [
        "[{window: {open: [{days: mon}]}, branch: {freeze: true}}]",
        "[{name: x}]",
        "[{windw: {}}]",
        "[{window: {}}]",
        "[{name: a b, rollback_plan: {file: x}}]",
        "[{name: a, rollback_plan: {file: x}}, {name: a, rollback_plan: {file: y}}]",
        "[{name: a-b, rollback_plan: {file: x}}, {name: a_b, rollback_plan: {file: y}}]",
        "[{name: answers, rollback_plan: {file: x}}]",
        "[{checklist: {items: [{item: a, proved_by: nothing}]}}]",
        "[{checklist: {items: [{item: a, proved_by: checklist}]}}]",
        "[{backup: {files: x}}]",
        "[{migrations: {run: x, count: pending}}]",
        "[{command: {run: x, pass: [1]}}]",
        "[{coverage: {file: x}}]",
        "[{prometheus: {url: x, query: y}}]",
        "[{rollback_plan: {file: x, typo: y}}]",
    ] {
        assert!(gate(bad).is_err(), "{bad}");
    }
    let gate = gate(
        "[{rollback_plan: {file: x}}, {rollback_plan: {file: y}}, {name: rollback_plan-3, on_call: {file: z}}]",
    );
    let names: Vec<String> = gate.unwrap().0.into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["rollback_plan", "rollback_plan-2", "rollback_plan-3"]);
}

/// Expressions know the fields of facts by a list, which must be those that facts have.
#[test]
fn fields_are_those_of_the_facts() {
    let output = json!(Output { code: Some(0), stdout: "o".to_owned(), stderr: "e".to_owned() });
    let facts = json!({
        "checks": runs(&[]),
        "approvals": approvals(&[]),
        "checklist": Checklist { source: Some("x".to_owned()), tasks: Vec::new() },
        "scan": scan(r#"{"release-steps-scan": {"format": 1}, "verdict": "pass", "counts": {}, "at": "2026-02-03T05:00:00Z", "commit": "x"}"#).unwrap(),
        "coverage": Coverage { percent: 1.0, base: Some(1.0) },
        "health": Health { status: 200, body: String::new() },
        "prometheus": Samples { values: Vec::new() },
        "artifact": Artifact { sha256: String::new(), recorded: Vec::new() },
        "migrations": output,
        "command": output,
        "backup": Backup { name: String::new(), at: Timestamp::MIN, bytes: 1 },
    });
    let configs = "{checks: {require: [a]}}, {approvals: {}}, {checklist: {file: x}}, {scan: {file: x}}, \
        {coverage: {file: x, at_least: 1}}, {health: {url: x}}, {prometheus: {url: x, query: y, at_most: 1}}, \
        {artifact: {file: x, manifest: y}}, {migrations: {run: x}}, {command: {run: x}}, {backup: {run: x, max_age: 1d}}";
    for (name, value) in facts.as_object().unwrap() {
        for field in value.as_object().unwrap().keys() {
            let text = format!("[{configs}, {{expression: {name}.{field} == 1}}]");
            assert!(gate(&text).is_ok(), "{name}.{field}: {:?}", gate(&text).err());
        }
    }
}

#[test]
fn coverage() {
    let config: CoverageConfig = yaml("{file: x, at_least: 80, base: y, fall_at_most: 0.5}");
    let ask = |percent, base| config.answer(&Coverage { percent, base }).verdict;
    assert_eq!(ask(80.0, Some(80.5)), Verdict::Pass);
    assert_eq!(ask(79.99, Some(79.0)), Verdict::Fail);
    assert_eq!(ask(90.0, Some(90.6)), Verdict::Fail);
    assert_eq!(ask(90.0, None), Verdict::Unknown);
}

#[test]
fn scans_health_and_metrics() {
    let now = at("2026-02-03T05:00:00Z");
    let result = |verdict: &str| {
        scan(&format!(
            r#"{{"release-steps-scan": {{"format": 1}}, "commit": "{COMMIT}", "at": "2026-02-02T05:00:00Z",
              "verdict": "{verdict}", "counts": {{"high": {{"all": 2, "new": 1}}}}}}"#
        ))
        .unwrap()
    };
    let ask =
        |config: &str, verdict| yaml::<ScanConfig>(config).answer(&result(verdict), COMMIT, &now).verdict;
    assert_eq!(ask("{file: x}", "pass"), Verdict::Pass);
    assert_eq!(ask("{file: x}", "unknown"), Verdict::Unknown);
    assert_eq!(ask("{file: x, at_most: {high: 2, critical: 0}}", "pass"), Verdict::Pass);
    assert_eq!(ask("{file: x, at_most: {high: 2}}", "unknown"), Verdict::Unknown);
    assert_eq!(ask("{file: x, at_most: {high: 1}}", "pass"), Verdict::Fail);
    assert_eq!(ask("{file: x, max_age: 1d}", "pass"), Verdict::Pass);
    assert_eq!(ask("{file: x, max_age: 23h}", "pass"), Verdict::Unknown, "it is too old to say anything");
    assert_eq!(ask("{file: x, max_age: 23h}", "fail"), Verdict::Unknown);
    let fresh: ScanConfig = yaml("{file: x, max_age: 1d}");
    for other in [
        measure::Scan { commit: Some(COMMIT.replace('1', "2")), ..result("pass") },
        measure::Scan { commit: None, ..result("pass") },
        measure::Scan { at: None, ..result("pass") },
        measure::Scan { at: Some("2026-02-04T00:00:00Z".parse().unwrap()), ..result("pass") },
    ] {
        assert_eq!(fresh.answer(&other, COMMIT, &now).verdict, Verdict::Unknown, "{other:?}");
    }
    assert!(scan(r#"{"counts": {}, "verdict": "pass"}"#).is_err(), "anything may look like that");
    assert!(scan("{}").is_err() && scan(r#"{"counts": {"high": "many"}}"#).is_err());

    let health: HealthConfig = yaml("{url: u, contains: ok, json: {/status: ok, /n: 1}}");
    let ask = |status, body: &str| health.answer(&Health { status, body: body.to_owned() }).verdict;
    assert_eq!(ask(200, r#"{"status": "ok", "n": 1}"#), Verdict::Pass);
    for (status, body) in [
        (503, r#"{"status": "ok", "n": 1}"#),
        (200, "ok"),
        (200, r#"{"status": "ok"}"#),
        (200, r#"{"status": "ok", "n": "1"}"#),
        (200, ""),
    ] {
        assert_eq!(ask(status, body), Verdict::Fail, "{status} {body}");
    }

    let vector = |values: &str| {
        format!(r#"{{"status": "success", "data": {{"resultType": "vector", "result": [{values}]}}}}"#)
    };
    let sample = |v: &str| format!(r#"{{"metric": {{}}, "value": [1.0, "{v}"]}}"#);
    let config: PrometheusConfig = yaml("{url: u, query: q, at_most: 0.01}");
    let ask = |answer: &str| samples(answer).map(|s| config.answer(&s).verdict);
    assert_eq!(ask(&vector(&sample("0.01"))), Ok(Verdict::Pass));
    assert_eq!(ask(&vector(&format!("{}, {}", sample("0"), sample("0.02")))), Ok(Verdict::Fail));
    assert_eq!(ask(&vector("")), Ok(Verdict::Unknown));
    assert_eq!(ask(&vector(&sample("NaN"))), Ok(Verdict::Unknown));
    assert_eq!(ask(&vector(&sample("+Inf"))), Ok(Verdict::Fail));
    assert_eq!(
        ask(r#"{"status": "success", "data": {"resultType": "scalar", "result": [1, "0"]}}"#),
        Ok(Verdict::Pass)
    );
    for bad in [
        r#"{"status": "error", "error": "x"}"#,
        r#"{"status": "success", "warnings": ["a store is away"], "data": {"resultType": "scalar", "result": [1, "0"]}}"#,
        "",
        "[]",
        r#"{"status": "success", "data": {"resultType": "matrix", "result": []}}"#,
    ] {
        assert!(samples(bad).is_err(), "{bad}");
    }
}

#[test]
fn proofs() {
    let now = at("2026-02-03T05:00:00Z");
    let digest = "a".repeat(64);
    let list = format!("{digest}  dist/app.tgz\n{}  *./other\r\nnonsense\n", "b".repeat(64));
    assert_eq!(recorded(&list, "dist/app.tgz"), [digest.as_str()]);
    assert_eq!(recorded(&list, "build/other"), [] as [&str; 0], "`*./other` stands behind two spaces");
    assert_eq!(recorded(&format!("{digest} *app.tgz"), "dist/app.tgz"), [digest.as_str()]);
    let artifact: ArtifactConfig = yaml("{file: a, manifest: m}");
    let ask = |sha256: &str, recorded: &[&str]| {
        let recorded = recorded.iter().map(|r| (*r).to_owned()).collect();
        artifact.answer(&Artifact { sha256: sha256.to_owned(), recorded }).verdict
    };
    assert_eq!(ask("aa", &["AA"]), Verdict::Pass);
    assert_eq!(ask("aa", &["aa", "bb"]), Verdict::Fail, "two digests for one name");
    assert_eq!(ask("aa", &[]), Verdict::Fail);

    let config: BackupConfig = yaml("{run: x, max_age: 24h, at_least: 10 MB}");
    let ask = |line: &str| {
        let output = Output { code: Some(0), stdout: line.to_owned(), stderr: String::new() };
        backup(&output).map(|b| config.answer(b.as_ref(), &now).verdict)
    };
    assert_eq!(ask("listing\n2026-02-02T05:00:00Z 10000000 db.dump\n"), Ok(Verdict::Pass));
    assert_eq!(ask("2026-02-02T04:59:59Z 10000000"), Ok(Verdict::Fail));
    assert_eq!(ask("2026-02-03T04:00:00Z 9999999"), Ok(Verdict::Fail));
    assert_eq!(ask("2026-02-04T04:00:00Z 99999999"), Ok(Verdict::Fail), "made in the future");
    assert_eq!(ask(""), Ok(Verdict::Fail));
    assert!(ask("yesterday 10").is_err());

    let output = |code, stdout: &str| Output { code, stdout: stdout.to_owned(), stderr: String::new() };
    let ask = |config: &str, code, stdout: &str| {
        yaml::<MigrationsConfig>(config).answer(&output(code, stdout)).verdict
    };
    assert_eq!(ask("{run: x}", Some(0), ""), Verdict::Pass);
    assert_eq!(ask("{run: x}", Some(1), ""), Verdict::Fail);
    assert_eq!(ask("{run: x}", Some(127), ""), Verdict::Unknown);
    assert_eq!(ask("{run: x}", None, ""), Verdict::Unknown);
    assert_eq!(ask(r"{run: x, count: '(\d+) pending'}", Some(0), "0 pending"), Verdict::Pass);
    assert_eq!(ask(r"{run: x, count: '(\d+) pending'}", Some(0), "2 pending"), Verdict::Fail);
    assert_eq!(ask(r"{run: x, count: '(\d+) pending', at_most: 2}", Some(0), "2 pending"), Verdict::Pass);
    assert_eq!(ask(r"{run: x, count: '(\d+) pending'}", Some(0), "none"), Verdict::Unknown);
    assert_eq!(ask(r"{run: x, each: '^\s+down\b'}", Some(0), " up a\n down b\n"), Verdict::Fail);
    assert_eq!(
        ask(r"{run: x, each: '^\s+down\b'}", Some(1), " up a\n"),
        Verdict::Unknown,
        "it says pending and shows none"
    );

    let ask = |config: &str, code, stdout: &str| {
        yaml::<CommandConfig>(config).answer(&output(code, stdout)).verdict
    };
    assert_eq!(ask("{run: x}", Some(0), ""), Verdict::Pass);
    assert_eq!(ask("{run: x}", Some(1), ""), Verdict::Fail);
    assert_eq!(ask("{run: x}", Some(2), ""), Verdict::Unknown);
    assert_eq!(ask("{run: x, output: ^ok$}", Some(0), "a\nok\n"), Verdict::Pass);
    assert_eq!(ask("{run: x, output: ^ok$}", Some(0), "not ok\n"), Verdict::Fail);

    let plan: RollbackPlanConfig = yaml("{file: x, mentions: [database]}");
    let ask = |text: Option<&str>| plan.answer(text).verdict;
    assert_eq!(ask(Some("# Rollback\n\nThe Database stays.\n")), Verdict::Pass);
    for text in [None, Some(""), Some("# Rollback\n\n<!-- database:\nwhat to do -->\n"), Some("git revert")] {
        assert_eq!(ask(text), Verdict::Fail, "{text:?}");
    }

    let told: OnCallConfig = yaml("{file: x, max_age: 2h}");
    let ask = |text: Option<&str>| told.answer(text, &now).verdict;
    assert_eq!(ask(Some(r#"{"at": "2026-02-03T04:00:00Z", "who": "dana"}"#)), Verdict::Pass);
    assert_eq!(ask(Some(r#"{"at": "2026-02-03T02:00:00Z", "who": "dana"}"#)), Verdict::Fail);
    assert_eq!(ask(Some(r#"{"at": "2026-02-03T04:00:00Z", "who": ""}"#)), Verdict::Unknown);
    assert_eq!(ask(Some("told her")), Verdict::Unknown);
    assert_eq!(ask(None), Verdict::Fail);

    let branch: BranchCheckConfig = yaml("{max_age: 2d, freeze: true}");
    let first = Some("2026-02-01T04:00:00Z".parse().unwrap());
    let frozen = Some(("2026-02-03T00:00:00Z".parse().unwrap(), "2026-02-04T00:00:00Z".parse().unwrap()));
    let name = "x".to_owned();
    let young = Branch { name, first: None, long_lived: false, frozen: None, exempt: false };
    let ask = |branch_is: Branch| branch.answer(&branch_is, &now).verdict;
    assert_eq!(ask(young.clone()), Verdict::Pass);
    assert_eq!(ask(Branch { first, ..young.clone() }), Verdict::Fail);
    assert_eq!(ask(Branch { first, long_lived: true, ..young.clone() }), Verdict::Pass);
    assert_eq!(ask(Branch { frozen, ..young.clone() }), Verdict::Fail);
    assert_eq!(ask(Branch { frozen, exempt: true, ..young }), Verdict::Pass);
}

#[test]
fn a_gate_is_as_good_as_its_worst_check() {
    use Verdict::{Fail, Pass, Unknown};
    assert_eq!(verdict([]), Fail, "nothing was looked at");
    assert_eq!(verdict([(Pass, false), (Unknown, false)]), Unknown);
    assert_eq!(verdict([(Unknown, false), (Fail, false), (Pass, false)]), Fail);
    assert_eq!(verdict([(Fail, true), (Pass, false)]), Pass);
    let now: Timestamp = "2026-02-03T05:00:00Z".parse().unwrap();
    let good = Override {
        check: "a".to_owned(),
        reason: "r".to_owned(),
        by: "p".to_owned(),
        until: "2026-02-03T05:00:01Z".parse().unwrap(),
    };
    assert_eq!(refused(&good, now), None);
    assert!(refused(&Override { reason: " ".to_owned(), ..good.clone() }, now).is_some());
    assert!(refused(&Override { by: String::new(), ..good.clone() }, now).is_some());
    assert!(refused(&Override { until: now, ..good }, now).is_some());
}

#[test]
fn sizes() {
    for (text, bytes) in [("4096", 4096), ("10 MB", 10_000_000), ("1.5 KiB", 1536), ("1g", 1_000_000_000)] {
        assert_eq!(yaml::<Size>(text).0, bytes, "{text}");
    }
    for bad in ["-1", "ten", "10 XB", "1e30 GB", "''", "9999999999999999 TB"] {
        assert!(crate::rules::yaml::read::<Size>(bad).is_err(), "{bad}");
    }
}
