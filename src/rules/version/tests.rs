use super::*;
use proptest::prelude::*;

fn v(text: &str) -> Version {
    Version::parse(text).unwrap()
}

fn on<'a>(channel: &'a str, released: &'a [Version]) -> Options<'a> {
    Options { channel: Some(channel).filter(|c| !c.is_empty()), released, ..Options::default() }
}

fn all(texts: &[&str]) -> Vec<Version> {
    texts.iter().map(|text| v(text)).collect()
}

#[test]
fn stable_versions() {
    for (current, level, expected) in [
        ("1.2.3", Level::Patch, "1.2.4"),
        ("1.2.3", Level::Minor, "1.3.0"),
        ("1.2.3", Level::Major, "2.0.0"),
        ("1.2.3+build.4", Level::Patch, "1.2.4"),
        ("0.4.2", Level::Patch, "0.4.3"),
        ("0.4.2", Level::Minor, "0.5.0"),
        ("0.4.2", Level::Major, "0.5.0"),
        ("1.3.0-rc.4", Level::None, "1.3.0"),
        ("1.3.0-rc.4", Level::Minor, "1.3.0"),
        ("1.3.1-rc.4", Level::Minor, "1.4.0"),
        ("1.3.0-rc.4", Level::Major, "2.0.0"),
        ("2.0.0-rc.4", Level::Major, "2.0.0"),
    ] {
        let next = next(Some(&v(current)), level, &Options::default()).unwrap();
        assert_eq!(next, Some(v(expected)), "{current} {level}");
    }
    assert_eq!(next(Some(&v("1.2.3")), Level::None, &Options::default()), Ok(None));
    assert_eq!(next(None, Level::Major, &Options::default()), Ok(Some(v("0.1.0"))));
    let options = Options { initial: v("1.0.0"), ..Options::default() };
    assert_eq!(next(None, Level::None, &options), Ok(Some(v("1.0.0"))));

    let zero = Zero { breaking: ZeroBreaking::Major, feature: ZeroFeature::Patch };
    let options = Options { zero, ..Options::default() };
    assert_eq!(next(Some(&v("0.4.2")), Level::Major, &options), Ok(Some(v("1.0.0"))));
    assert_eq!(next(Some(&v("0.4.2")), Level::Minor, &options), Ok(Some(v("0.4.3"))));
    assert_eq!(next(Some(&v("1.4.2")), Level::Minor, &options), Ok(Some(v("1.5.0"))));
}

#[test]
fn channels() {
    for (current, level, channel, released, expected) in [
        ("1.2.3", Level::Minor, "rc", &[][..], "1.3.0-rc.1"),
        ("1.2.3", Level::Minor, "rc", &["1.3.0-rc.1", "1.3.0-rc.2"], "1.3.0-rc.3"),
        ("1.2.3", Level::Minor, "rc", &["1.3.0-rc.9", "1.3.0-rc.10"], "1.3.0-rc.11"),
        ("1.2.3", Level::Minor, "beta", &["1.3.0-alpha.3"], "1.3.0-beta.1"),
        ("1.2.3", Level::Major, "rc", &["1.3.0-rc.2"], "2.0.0-rc.1"),
        ("1.2.3", Level::Minor, "rc", &["2.0.0-rc.2"], "2.0.0-rc.3"),
        ("1.2.3", Level::Minor, "", &["1.3.0-rc.4"], "1.3.0"),
        ("1.2.3", Level::Minor, "rc", &["1.2.0-rc.7", "1.2.3"], "1.3.0-rc.1"),
        ("1.2.3", Level::Minor, "rc", &["1.3.0-rc"], "1.3.0-rc.1"),
        ("0.4.2", Level::Major, "rc", &[], "0.5.0-rc.1"),
        ("1.0.0-rc.1", Level::Patch, "rc", &[], "1.0.0-rc.2"),
    ] {
        let released = all(released);
        let next = next(Some(&v(current)), level, &on(channel, &released)).unwrap();
        assert_eq!(next, Some(v(expected)), "{current} {level} {channel} {released:?}");
    }
    let initial = next(None, Level::Minor, &on("alpha", &[])).unwrap();
    assert_eq!(initial, Some(v("0.1.0-alpha.1")));
    let refused = next(Some(&v("1.2.3")), Level::Minor, &on("beta", &all(&["1.3.0-rc.1"])));
    assert_eq!(refused, Err(VersionError::NotHigher { asked: v("1.3.0-beta.1"), current: v("1.3.0-rc.1") }));
    for channel in ["", "a.b", "7", "é", "a b"] {
        let options = Options { channel: Some(channel), ..Options::default() };
        assert!(
            matches!(next(None, Level::Minor, &options), Err(VersionError::BadChannel(_))),
            "{channel:?}"
        );
    }
    let options = Options { build: BuildMetadata::new("build.5").unwrap(), ..on("rc", &[]) };
    assert_eq!(next(Some(&v("1.2.3")), Level::Patch, &options), Ok(Some(v("1.2.4-rc.1+build.5"))));
}

#[test]
fn explicit_requests() {
    let ask = |current: &str, request: &str, options: &Options<'_>| {
        explicit(Some(&v(current)), &request.parse()?, options).map(|version| version.to_string())
    };
    let plain = Options::default();
    for (current, request, expected) in [
        ("0.4.2", "major", "1.0.0"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "1.9.0", "1.9.0"),
        ("1.2.3", "v2.0.0-rc.1", "2.0.0-rc.1"),
        ("1.3.0-rc.1", "prerelease", "1.3.0-rc.2"),
        ("1.3.0-rc.1", "minor", "1.3.0"),
    ] {
        assert_eq!(ask(current, request, &plain).as_deref(), Ok(expected), "{current} {request}");
    }
    assert_eq!(ask("1.2.3", "prerelease", &on("rc", &[])).as_deref(), Ok("1.2.4-rc.1"));
    assert_eq!(ask("1.2.3", "prerelease", &on("", &all(&["1.3.0-rc.1"]))).as_deref(), Ok("1.3.0-rc.2"));
    assert_eq!(ask("1.2.3", "major", &on("rc", &[])).as_deref(), Ok("2.0.0-rc.1"));
    assert_eq!(ask("1.2.3", "prerelease", &plain), Err(VersionError::NoChannel));
    for lower in ["1.2.3", "1.2.2", "1.2.3+other", "1.2.3-rc.1"] {
        assert!(matches!(ask("1.2.3", lower, &plain), Err(VersionError::NotHigher { .. })), "{lower}");
    }
    for bad in ["1.2", "huge", "", "1.2.3.4", "01.2.3"] {
        assert!(matches!(ask("1.2.3", bad, &plain), Err(VersionError::BadRequest(_))), "{bad:?}");
    }
}

#[test]
fn numbers_do_not_overflow() {
    let current = Version::new(1, 2, u64::MAX);
    assert!(matches!(
        next(Some(&current), Level::Patch, &Options::default()),
        Err(VersionError::Overflow(_))
    ));
    let released = all(&["1.3.0-rc.18446744073709551615"]);
    assert!(matches!(
        next(Some(&v("1.2.3")), Level::Minor, &on("rc", &released)),
        Err(VersionError::Overflow(_))
    ));
    let huge = all(&["1.3.0-rc.99999999999999999999999"]);
    assert!(next(Some(&v("1.2.3")), Level::Minor, &on("rc", &huge)).is_err());
}

#[test]
fn owned_versions_are_refused() {
    let owned =
        [(v("1.2.4"), "tag v1.2.4"), (v("1.2.5"), "branch release/v1.2.5"), (v("1.3.0-rc.1"), "tag x")];
    assert_eq!(guard(&v("1.2.6"), &owned), Ok(()));
    let refusal = guard(&v("1.2.4+build.1"), &owned).unwrap_err();
    assert_eq!((&*refusal.owner, refusal.free.clone()), ("tag v1.2.4", Some(v("1.2.6+build.1"))));
    assert_eq!(guard(&v("1.3.0-rc.1"), &owned).unwrap_err().free, Some(v("1.3.0-rc.2")));
    assert_eq!(
        guard(&v("1.2.5"), &owned).unwrap_err().to_string(),
        "1.2.5 belongs to branch release/v1.2.5; the next free version is 1.2.6"
    );
    let cut = [(v("1.3.0"), "branch release/v1.3.0"), (v("1.4.0"), "tag v1.4.0")];
    assert_eq!(guard(&v("1.3.0"), &cut).unwrap_err().free, Some(v("1.5.0")));
    let last = Version::new(1, 0, u64::MAX);
    assert_eq!(guard(&last, &[(last.clone(), "x")]).unwrap_err().free, None);
}

fn versions() -> impl Strategy<Value = Version> {
    let pre = prop::option::of((prop::sample::select(vec!["alpha", "beta", "rc"]), 0u64..4));
    (0u64..3, 0u64..3, 0u64..3, pre).prop_map(|(major, minor, patch, pre)| {
        let mut version = Version::new(major, minor, patch);
        if let Some((channel, number)) = pre {
            version.pre = Prerelease::new(&format!("{channel}.{number}")).unwrap();
        }
        version
    })
}

proptest! {
    #[test]
    fn next_is_always_higher(
        current in versions(), released in prop::collection::vec(versions(), 0..6),
        level in prop::sample::select(vec![Level::None, Level::Patch, Level::Minor, Level::Major]),
        channel in prop::sample::select(vec![None, Some("alpha"), Some("beta"), Some("rc")]),
    ) {
        let options = Options { channel, released: &released, ..Options::default() };
        if let Ok(Some(version)) = next(Some(&current), level, &options) {
            prop_assert!(version.cmp_precedence(&current).is_gt(), "{version}");
            if channel.is_some() {
                prop_assert!(released.iter().filter(|r| !r.pre.is_empty()).all(|r| version.cmp_precedence(r).is_gt()));
            }
        }
        for request in [Request::Prerelease, Request::Level(level), Request::Exact(released.first().cloned().unwrap_or(current.clone()))] {
            if let Ok(version) = explicit(Some(&current), &request, &options) {
                prop_assert!(version.cmp_precedence(&current).is_gt());
            }
        }
    }

    #[test]
    fn a_higher_level_never_gives_a_lower_version(current in versions()) {
        let of = |level| next(Some(&current), level, &Options::default()).unwrap();
        prop_assert!(of(Level::Patch) <= of(Level::Minor) && of(Level::Minor) <= of(Level::Major));
    }

    #[test]
    fn free_versions_are_free(wanted in versions(), owned in prop::collection::vec(versions(), 0..20)) {
        let owned: Vec<_> = owned.into_iter().map(|version| (version, "x")).collect();
        if let Err(refusal) = guard(&wanted, &owned) {
            prop_assert_eq!(guard(&refusal.free.unwrap(), &owned), Ok(()));
        }
    }
}
