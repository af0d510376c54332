use super::*;
use proptest::prelude::*;

#[test]
fn templates() {
    for (template, package, tag) in [
        ("v{version}", "", "v1.2.3-rc.1+build.5"),
        ("{version}", "", "1.2.3-rc.1+build.5"),
        ("{package}@{version}", "@scope/pkg", "@scope/pkg@1.2.3-rc.1+build.5"),
        ("{package}-v{version}", "a-v1", "a-v1-v1.2.3-rc.1+build.5"),
        ("{package}/v{version}", "go/sub", "go/sub/v1.2.3-rc.1+build.5"),
        ("{package}-{version}", "my-2-pkg", "my-2-pkg-1.2.3-rc.1+build.5"),
        ("release/{version}-final", "", "release/1.2.3-rc.1+build.5-final"),
    ] {
        let version = Version::parse("1.2.3-rc.1+build.5").unwrap();
        let template = TagTemplate::new(template).unwrap();
        let pattern = template.pattern(package);
        assert_eq!(pattern.format(&version), tag);
        if !tag.ends_with("-final") {
            assert_eq!(template.split(tag), Some((package, version.clone())), "{tag}");
        }
        assert_eq!(pattern.parse(tag), Some(version), "{tag}");
        for wrong in
            [format!("x{tag}"), format!("{tag} "), tag.replace("1.2.3", "1.2"), "nightly".into(), "v1".into()]
        {
            assert_eq!(pattern.parse(&wrong), None, "{wrong}");
        }
    }
    for bad in [
        "",
        "v",
        "{package}{version}",
        "{version}{version}",
        "{version}-{package}",
        "v {version}",
        "{x}{version}",
        "/{version}",
        "{version}.lock",
        "a..{version}",
        "v{version",
        "v~{version}",
    ] {
        assert!(TagTemplate::new(bad).is_err(), "{bad:?}");
    }
    assert_eq!(TagTemplate::new("{package}@{version}").unwrap().split("@1.2.3"), None);
}

#[test]
fn detection_reads_both_and_writes_as_the_newest() {
    let version = Version::new(1, 2, 3);
    let plain = detect_pattern(&["v1.0.0", "nightly", "v9", "2.0.0", "1.5"]).unwrap();
    assert_eq!(plain.format(&version), "1.2.3");
    assert_eq!(plain.parse("v1.2.3"), Some(version.clone()));
    assert_eq!(plain.parse_exact("v1.2.3"), None);
    let with_v = detect_pattern(&["1.0.0", "v2.0.0"]).unwrap();
    assert_eq!(with_v.format(&version), "v1.2.3");
    assert_eq!(with_v.parse("1.2.3"), Some(version));
    assert_eq!(with_v.parse("vv1.2.3"), None);
    assert_eq!(detect_pattern(&["v1", "nightly", "1.2", "pkg@1.2.3"]), None);
    assert_eq!(TagPattern::v().parse("1.2.3"), None);
}

proptest! {
    #[test]
    fn never_panics(template in "(?s).{0,10}(\\{package\\}.{0,3})?\\{version\\}.{0,4}", tag in "(?s).{0,30}") {
        if let Ok(template) = TagTemplate::new(&template) {
            let _ = (template.split(&tag), template.pattern("é").parse(&tag));
        }
        let _ = detect_pattern(&[&tag]);
    }

    #[test]
    fn what_is_formatted_is_read(package in "(@[a-z]{1,5}/)?[a-z][a-z0-9-]{0,8}", a: u64, b: u64, c: u64) {
        let version = Version::new(a, b, c);
        for template in ["{package}@{version}", "{package}-v{version}", "{package}/{version}"] {
            let template = TagTemplate::new(template).unwrap();
            let tag = template.pattern(&package).format(&version);
            prop_assert_eq!(template.split(&tag), Some((&*package, version.clone())));
        }
    }
}
