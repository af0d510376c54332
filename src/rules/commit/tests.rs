use super::*;
use proptest::prelude::*;

fn first(message: &str) -> Change<'_> {
    parse(message).changes.swap_remove(0)
}

fn problems(message: &str) -> Vec<(Problem, usize, usize)> {
    parse(message).warnings.iter().map(|w| (w.problem, w.line, w.column)).collect()
}

#[test]
fn headers() {
    for (message, type_, scope, bang, description) in [
        ("feat: add x", "feat", None, false, "add x"),
        ("FEAT(API)!: add x", "FEAT", Some("API"), true, "add x"),
        ("fix!: y", "fix", None, true, "y"),
        ("fix(a(b)): y", "fix", Some("a(b)"), false, "y"),
        ("fix( core ):   y  ", "fix", Some("core"), false, "y"),
        ("fix(@scope/pkg, b): y: z", "fix", Some("@scope/pkg, b"), false, "y: z"),
        ("build-x_1: y", "build-x_1", None, false, "y"),
        ("\u{feff}\r\n\nfix: y\r\n\r\nbody", "fix", None, false, "y"),
        ("fix(): y", "fix", None, false, "y"),
        ("fix: y\rBREAKING CHANGE: lone CR", "fix", None, false, "y"),
    ] {
        let change = first(message);
        assert_eq!(
            (change.type_, change.scope, change.bang, change.description),
            (Some(type_), scope, bang, description),
            "{message:?}"
        );
    }
    assert_eq!(first("FEAT: x").type_lower().unwrap(), "feat");
}

#[test]
fn near_misses_say_what_and_where() {
    use Problem::*;
    for (message, problem, column) in [
        ("feat add x", MissingColon, 5),
        ("feat(api) add x", MissingColon, 10),
        ("feat : x", SpaceBeforeColon, 5),
        ("feat (api): x", SpaceBeforeColon, 5),
        ("feat(scope: x", UnclosedScope, 5),
        ("feat:missing space", MissingSpace, 6),
        ("feat!(api): x", BangBeforeScope, 5),
        ("feat: ", EmptyDescription, 6),
        ("fix():", EmptyDescription, 7),
        ("Update the docs", NotConventional, 1),
        ("https://example.org", NotConventional, 1),
        ("ünïcode: x", NotConventional, 1),
        ("1.2.3", NotConventional, 1),
        ("", Empty, 1),
        ("\n\n", Empty, 1),
    ] {
        let parsed = parse(message);
        assert_eq!(problems(message), [(problem, 1, column)], "{message:?}");
        assert_eq!((parsed.kind, parsed.changes[0].type_), (Kind::Other, None), "{message:?}");
        assert!(!problem.is_remark());
    }
    assert_eq!(problems("feat(): x"), [(EmptyScope, 1, 5)]);
    assert_eq!(problems("feat: x\nbody"), [(NoBlankLine, 2, 1)]);
    assert_eq!(problems("feat: x\n\na\n\nBreaking changes: y"), [(BreakingSpelling, 5, 1)]);
    assert!(problems("feat: x\n\nbody").is_empty());
}

#[test]
fn footers_and_body() {
    let change = first(
        "fix: x\n\nSome text.\nNote: still text\n\nBREAKING CHANGE: one\ntwo\n\nthree\nReviewed-by: Z\nRefs #133\n",
    );
    assert_eq!(change.body, "Some text.\nNote: still text");
    let footers: Vec<_> = change.footers.iter().map(|f| (f.token, f.value)).collect();
    assert_eq!(footers, [("BREAKING CHANGE", "one\ntwo\n\nthree"), ("Reviewed-by", "Z"), ("Refs", "#133")]);
    assert_eq!(change.breaking_notes(), ["one\ntwo\n\nthree"]);

    let change =
        first("fix: x\r\n\r\nRefs: #1\r\n\r\nprose\r\n\r\nSigned-off-by: A <a@b>\r\nCo-authored-by: C <c@d>");
    assert_eq!(change.body, "Refs: #1\r\n\r\nprose");
    assert_eq!(change.footers.len(), 2);
    assert!(change.footers[0].is("signed-off-by"));

    for (message, breaking) in [
        ("fix: x\n\nBREAKING-CHANGE: y", true),
        ("fix: x\n\ntext\nBREAKING CHANGE: y", true),
        ("fix: x\nBREAKING CHANGE: y", true),
        ("fix: x\n\nBREAKING CHANGE:\n\ny", true),
        ("fix: x\n\nbreaking change: y", false),
        ("fix: x\n\nno BREAKING CHANGE: y", false),
        ("Rewrite\n\nBREAKING CHANGE: y", true),
        ("fix!: x", true),
    ] {
        assert_eq!(first(message).is_breaking(), breaking, "{message:?}");
    }
    assert_eq!(first("fix!: x").breaking_notes(), ["x"]);
}

#[test]
fn reverts() {
    let sha = "4e476dee14bb9ee4c20aebd51970efc827769e68";
    let sha = |message: &str| format!("{message}\n\nThis reverts commit {sha}.");
    for message in ["Revert \"feat: x\"", "revert: feat: x", "Revert \"feat: x\" (#12)"] {
        let text = sha(message);
        let parsed = parse(&text);
        assert_eq!(parsed.changes[0].type_, Some("revert"));
        assert_eq!(parsed.revert.as_ref().unwrap().header, "feat: x");
        assert_eq!(parsed.revert_targets(), [Target::Sha("4e476dee14bb9ee4c20aebd51970efc827769e68")]);
        assert_eq!(parse(message).revert_targets(), [Target::Header("feat: x".into())]);
    }
    let shas = |body| parse(&format!("Revert \"x\"\n\n{body}")).revert.unwrap().shas.join(" ");
    assert_eq!(shas("This reverts commits 1234567, 89abcde\nand abcdef0."), "1234567 89abcde abcdef0");
    assert_eq!(shas("This reverts commit 1234567, reversing\nchanges made to 89abcde."), "1234567");
    assert_eq!(shas("This reverts commit nothing."), "");
    assert_eq!(
        parse("revert: let us\n\nRefs: 676104e, a215868").revert.unwrap().shas,
        ["676104e", "a215868"]
    );
    assert_eq!(
        parse("Revert \"Revert \"feat: x\"\"").revert_targets(),
        [Target::Header("Revert \"feat: x\"".into())]
    );
    assert_eq!(parse("Reapply \"feat: x\"").revert_targets(), [Target::Header("Revert \"feat: x\"".into())]);
    assert!(parse("fix: x\n\nThis reverts commit 1234567.").revert.is_none());
}

#[test]
fn squash_bodies() {
    let counted = |message: &str, squash| {
        let parsed = parse(message);
        let reading = Reading { squash, merge_titles: false };
        parsed
            .counting(reading)
            .map(|change| format!("{}:{}", change.type_.unwrap_or("-"), change.description))
            .collect::<Vec<_>>()
            .join("|")
    };
    let (header, fallback, all) = (SquashMode::Header, SquashMode::Fallback, SquashMode::All);

    let github = "fix: a (#5)\n\n* feat: b\n\nmore\n\n* fix(x): c\n\n* just text\n\n---------\n\nCo-authored-by: A <a@b>";
    assert_eq!(counted(github, header), "fix:a (#5)");
    assert_eq!(counted(github, fallback), "fix:a (#5)");
    assert_eq!(counted(github, all), "fix:a (#5)|feat:b|fix:c");
    let parsed = parse(github);
    assert_eq!((parsed.footers().len(), parsed.changes[1].body), (1, "more"));

    let plain = "Many things (#5)\n\n- feat: b\n- Note: this\n- https://x.y: z\n\n* fix!: c\n\n  BREAKING";
    assert_eq!(counted(plain, header), "-:Many things (#5)");
    assert_eq!(counted(plain, fallback), "-:Many things (#5)|feat:b|fix:c");

    let lines = "chore: many\n\nfeat(a): b\nfix: c\n\ntext\nfix: not an entry\n\nfix: #12";
    assert_eq!(counted(lines, all), "chore:many|feat:b|fix:c");

    let log = "Squashed commit of the following:\n\ncommit 1234567\nAuthor: A <a@b>\nDate: now\n\n    feat: b\n\n        code\n";
    assert_eq!(counted(&format!("Add b\n\n{log}"), fallback), "-:Add b|feat:b");

    let nested =
        "fix: a\n\nb\n\nBEGIN_NESTED_COMMIT\nfeat(x): c\n\nBREAKING CHANGE: d\nEND_NESTED_COMMIT\n\nRefs: #1";
    assert_eq!(counted(nested, header), "fix:a|feat:c");
    let parsed = parse(nested);
    assert_eq!(parsed.changes[0].body, "b");
    assert_eq!(parsed.footers(), [Footer { token: "Refs", value: "#1" }]);
    assert_eq!((parsed.changes[0].is_breaking(), parsed.changes[1].is_breaking()), (false, true));

    let overriding =
        "Old\n\ntext\nBEGIN_COMMIT_OVERRIDE\nfix: new\n\nfeat: two\nEND_COMMIT_OVERRIDE\n\nfeat!: no";
    assert_eq!(counted(overriding, header), "fix:new|feat:two");
    assert_eq!(parse(overriding).header, "fix: new");
    assert_eq!(problems("fix: a\n\nBEGIN_NESTED_COMMIT\nfeat: b"), [(Problem::UnclosedSection, 3, 1)]);
}

#[test]
fn merges_and_autosquash() {
    let merge = |message| match parse(message).kind {
        Kind::Merge(merge) => (merge.source, merge.target, merge.request.map(|r| r.number)),
        kind => panic!("{message:?} is {kind:?}"),
    };
    assert_eq!(merge("Merge branch 'x'"), (Some("x"), None, None));
    assert_eq!(merge("Merge branch 'x' of github.com:a/b into main"), (Some("x"), Some("main"), None));
    assert_eq!(merge("Merge remote-tracking branch 'origin/x'"), (Some("origin/x"), None, None));
    assert_eq!(merge("Merge pull request #12 from a/b\n\nfeat: x"), (Some("a/b"), None, Some(12)));
    assert_eq!(
        merge("Merge branch 'x' into 'main'\n\nfeat: y\n\nSee merge request group/proj!12"),
        (Some("x"), Some("main"), Some(12))
    );
    assert_eq!(merge("Merged in x (pull request #3)"), (Some("x"), None, Some(3)));
    assert_eq!(merge("Merge 1234567 into 89abcde"), (Some("1234567"), Some("89abcde"), None));
    assert_eq!(parse("Merge the two parsers").kind, Kind::Other);

    let parsed = parse("Merge pull request #12 from a/b\n\nfeat: x");
    assert!(parsed.warnings.is_empty());
    assert_eq!(parsed.counting(Reading::default()).filter(|c| c.type_.is_some()).count(), 0);
    let reading = Reading { merge_titles: true, ..Reading::default() };
    assert_eq!(parsed.counting(reading).last().unwrap().description, "x");

    for message in ["fixup! feat: x", "squash! feat: x", "amend! fixup! feat: x"] {
        let parsed = parse(message);
        assert_eq!(parsed.kind, Kind::Autosquash { target: "feat: x" });
        assert_eq!(parsed.counting(Reading::default()).count(), 0);
    }
}

#[test]
fn finds_references() {
    let found = |text: &str| {
        references(text)
            .map(|r| {
                let sign = match r.sigil {
                    Sigil::Number => "#",
                    Sigil::MergeRequest => "!",
                    Sigil::Gh => "GH-",
                };
                let closes = if r.closes { "+" } else { "" };
                format!("{closes}{}{sign}{}", r.repository.unwrap_or_default(), r.number)
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(found("see #1, owner/repo#2 (GH-3) and g/s/p!45 or !6"), "#1 owner/repo#2 GH-3 g/s/p!45 !6");
    assert_eq!(found("Closes #1, #2 and #3; fixes: a/b#4. see #5"), "+#1 +#2 +#3 +a/b#4 #5");
    assert_eq!(found("a#1 x-1 #12abc #99999999999999999999999 /#4 utf-8 #"), "");
    let change = first("fix: x (#12)\n\nCloses #3");
    assert_eq!((change.request().unwrap().number, change.subject()), (12, "x"));
    assert!(change.references().last().unwrap().closes);
    let change = first("fix: x (group/proj!7)");
    assert_eq!(change.request().unwrap().repository, Some("group/proj"));
    assert_eq!(first("fix: call f(#x)").subject(), "call f(#x)");
}

#[test]
fn hostile_messages_are_read_in_linear_time() {
    for unit in [
        "a",
        "(",
        ")",
        "#1 ",
        "a/",
        "BREAKING CHANGE: x\n",
        "* feat: x\n\n",
        "Refs: x\n",
        "\n",
        "\r",
        "x\n\n",
        "BEGIN_NESTED_COMMIT\n",
        "BEGIN_COMMIT_OVERRIDE\n",
        "This reverts commit 1234567, ",
        "See merge request ",
        "Refs: a\n\nb\n\n",
        "feat(",
        "\0",
        "\u{1b}[31m",
        "* fix: a\n\nBREAKING CHANGE: b\n\n",
        "-",
        "GH-",
    ] {
        // Ten megabytes of the plainest; a quadratic reading of one of the others would not end either.
        let size = if unit == "a" { 10 << 20 } else { 1 << 20 };
        let long = unit.repeat(size / unit.len());
        for header in ["feat: x\n\n", "Revert \"x\"\n\n", "Merge branch 'x' into y\n\n", ""] {
            let message = format!("{header}{long}");
            let parsed = parse(&message);
            std::hint::black_box(parsed.changes[0].references().count());
            std::hint::black_box((parsed.revert_targets().len(), parsed.changes[0].request()));
            if header == "feat: x\n\n" && unit != "BEGIN_COMMIT_OVERRIDE\n" {
                assert_eq!(parsed.changes[0].type_, Some("feat"), "{unit:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn never_panics(message in "(?s).{0,200}") {
        let parsed = parse(&message);
        prop_assert!(!parsed.changes.is_empty());
        for change in &parsed.changes {
            let _ = (change.breaking_notes(), change.request(), change.references().count());
        }
        let _ = parsed.revert_targets();
    }

    #[test]
    fn never_panics_on_likely_text(
        words in prop::collection::vec(prop::sample::select(vec![
            "feat", "fix", "(", ")", "!", ":", " ", "\n", "\n\n", "\r\n", "* ", "- ", "BREAKING CHANGE", "Refs", "#12",
            "Revert \"", "\"", "Reapply \"", "This reverts commit ", "1234567", "Merge ", "branch '", " into ", "GH-",
            "Merge pull request ", "BEGIN_NESTED_COMMIT", "END_NESTED_COMMIT", "BEGIN_COMMIT_OVERRIDE", "é", "\0",
            "END_COMMIT_OVERRIDE", "fixup! ", "See merge request ", "a/b!1", "Squashed commit of the following:", "    ",
        ]), 0..30)
    ) {
        let message = words.concat();
        let parsed = parse(&message);
        for change in &parsed.changes {
            let _ = (change.breaking_notes(), change.request(), change.references().count());
        }
        let _ = parsed.revert_targets();
    }

    #[test]
    fn generated_headers_come_back(
        type_ in "[a-z][a-z0-9_-]{0,10}", scope in prop::option::of("[a-z@/][a-z /@.,]{0,8}[a-z]"), bang: bool,
        description in "[a-zA-Z0-9é(#][a-z0-9 é:()#!]{0,30}[a-z]", body in "([a-z .]{0,40}\n?){0,4}"
    ) {
        let mark = if bang { "!" } else { "" };
        let in_scope = scope.as_ref().map(|scope| format!("({scope})")).unwrap_or_default();
        let message = format!("{type_}{in_scope}{mark}: {description}\n\n{body}");
        let change = first(&message);
        prop_assert_eq!(change.type_, Some(&*type_));
        prop_assert_eq!(change.scope, scope.as_deref());
        prop_assert_eq!(change.bang, bang);
        prop_assert_eq!(change.description, &*description);
    }

    #[test]
    fn a_body_never_loses_the_header(body in "(?s).{0,200}") {
        prop_assume!(!body.contains("BEGIN_COMMIT_OVERRIDE"));
        let message = format!("feat(a)!: b\n{body}");
        let change = first(&message);
        prop_assert_eq!((change.type_, change.scope, change.description), (Some("feat"), Some("a"), "b"));
    }
}

#[test]
fn a_bare_line_of_the_body_counts_only_with_all() {
    let parsed = parse("Add templates (#231)\n\nfeat: add a template");
    let count = |squash| {
        parsed.counting(Reading { squash, merge_titles: false }).filter(|c| c.type_.is_some()).count()
    };
    assert_eq!(count(SquashMode::Fallback), 0);
    assert_eq!(count(SquashMode::All), 1);
    let listed = parse("Add templates (#231)\n\n* feat: add a template");
    let counting: Vec<_> = listed.counting(Reading::default()).filter_map(|c| c.type_).collect();
    assert_eq!(counting, ["feat"]);
}
