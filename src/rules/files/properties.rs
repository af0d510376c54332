//! Generated documents: an edit changes the version's bytes and no others, and nothing that
//! is read can make a reader panic.

use proptest::prelude::*;

use super::*;

/// Marks where the generated version stands, for the templates below.
const HERE: &str = "@@";

/// Documents of each format, with the version at [`HERE`], and slots for noise: `␤` an end of
/// line, `␠` optional white space, `№` arbitrary text in a comment or string.
fn templates() -> Vec<(Format, &'static str)> {
    vec![
        (
            Format::PackageJson,
            "␤{␠␤\"name\"␠:␠\"№\",␤␠\"x\": {\"version\": \"9.9.9\"},\"version\"␠:␠\"@@\"␠,\"№k\": [1,␠null]␤}␤",
        ),
        (
            Format::NpmLock,
            "{␤\"№n\":␠1,\"version\":␠\"@@\",\"packages\":{␤\"\":{␠\"version\":␠\"@@\"},\"node_modules/№\": {\"version\": \"9.9.9\"}}}␤",
        ),
        (
            Format::CargoToml,
            "#№␤[package]␠#№␤name␠=␠'№'␤version␠=␠\"@@\"␠#␠version = \"№\"␤[dependencies]␤x = { version = \"9\" }␤",
        ),
        (
            Format::CargoLock,
            "# №␤version = 4␤[[package]]␤name = \"p\"␤version␠=␠\"@@\"␤[[package]]␤name = \"q\"␤version = \"9.9.9\"␤dependencies = [␤\"p @@\",␠\"p 9.9.9\"␤]␤",
        ),
        (Format::Pyproject, "#№␤[project]␤name = '№'␤version␠=␠'@@'␠#№␤[tool.x]␤version = '9'␤"),
        (Format::UvLock, "version = 1␤[[package]]␤name = 'p'␤version = \"@@\"␤source = {␠editable = '.'␠}␤"),
        (Format::SetupPy, "#№␤from setuptools import setup␤x = '№'␤setup(␤␠name='№',␠#№␤␠version␠=␠'@@',␤)␤"),
        (Format::SetupCfg, "#№␤[metadata]␤name = x№␤version␠=␠@@␤␤[options]␤version = 9␤"),
        (Format::Python, "#№␤'''№␤version'''␤__version__␠=␠\"@@\"␠#№␤x = '№'␤"),
        (
            Format::PomXml,
            "<!--№--><project␠>␤<name>№</name>␠<version>␠@@␤</version>␠<dependencies><d><version>9</version></d></dependencies></project>␤",
        ),
        (Format::GradleProperties, "#№␤a=№␤␠version␠=␠@@␤versions=9␤"),
        (Format::Gradle, "//№␤plugins { id 'x' version '9' }␤/*№*/ group = '№'␤version␠=␠'@@'␠//№␤"),
        (Format::Chart, "#№␤name: \"№\"␤version: ␠@@␠ #№␤x:␤  version: 9␤appVersion: ␠'@@'␤"),
        (
            Format::Msbuild,
            "<Project><!--№-->␤<PropertyGroup>␠<Version>@@</Version>␠<Title>№</Title></PropertyGroup>␤</Project>",
        ),
        (Format::Composer, "{\"name\":␠\"№\",␤\"version\":␠\"@@\"}"),
        (Format::Mix, "#№␤def project do␤ [␤␠app: '№',␤ version:␠\"@@\",␤ x: [version: \"9\"]␤]␤end␤"),
        (Format::Pubspec, "name: '№'␤version: ␠@@␤"),
        (Format::Gemspec, "#№␤Gem::Specification.new do |s|␤ s.name = '№'␤␠s.version␠=␠'@@'␤end␤"),
        (Format::Ruby, "#№␤module P␤ VERSION␠=␠'@@'.freeze␠#№␤end␤"),
        (Format::Text, "␤␠@@␠␤␤"),
        (Format::Json("a.b[1]".into()), "//№␤{\"a\":␠{\"b\":␠[\"№\",␠\"v@@\",]}}"),
        (Format::Toml("a.\"b.c\"".into()), "#№␤a␠.␠\"b.c\"␠=␠'''@@'''␤"),
        (Format::Yaml("a[1].b".into()), "#№␤a:␤- \"№\"␤- {b: ␠v@@}␤"),
        (Format::Xml("a.b.@c".into()), "<a d='№'><!--№-->␤<b␠ c=\"@@\"/></a>"),
        (Format::Regex("^version=(.+?)\\s*$".into()), "№=␤version=@@␤№"),
    ]
}

prop_compose! {
    /// A filled-in template: format, the text before each version, and the text after the last.
    fn document()(
        which in 0..templates().len(),
        crlf in any::<bool>(),
        bom in any::<bool>(),
        ended in any::<bool>(),
        spaces in prop::collection::vec("[ ]{0,3}", 8),
        noise in prop::collection::vec("[a-z0-9 .,=:()é日🦀-]{0,12}", 6),
    ) -> (Format, Vec<String>) {
        let (format, template) = templates().swap_remove(which);
        let mut text = String::from(if bom { BOM } else { "" });
        let (mut space, mut word) = (spaces.iter().cycle(), noise.iter().cycle());
        for c in template.chars() {
            match c {
                '␤' => text.push_str(if crlf { "\r\n" } else { "\n" }),
                '␠' => text.push_str(space.next().map_or("", |s| s)),
                // `--` would end a comment of XML.
                '№' => text.push_str(&word.next().map_or("", |w| w).replace('-', "_")),
                c => text.push(c),
            }
        }
        if !ended {
            text.truncate(text.trim_end().len());
        }
        (format, text.split(HERE).map(str::to_owned).collect())
    }
}

fn context(format: &Format) -> Context<'static> {
    Context {
        package: matches!(format, Format::CargoLock | Format::UvLock | Format::PoetryLock).then_some("p"),
        ..Context::default()
    }
}

fn version() -> impl Strategy<Value = Version> {
    (0..3000u64, 0..3000u64, 0..3000u64, prop::option::of(0..99u64)).prop_map(|(major, minor, patch, rc)| {
        let mut version = Version::new(major, minor, patch);
        if let Some(rc) = rc {
            version.pre = semver::Prerelease::new(&format!("rc.{rc}")).expect("rc.N is valid");
        }
        version
    })
}

/// Every format, the ones with a path or a pattern filled in.
fn formats() -> Vec<Format> {
    let mut all: Vec<Format> = templates().into_iter().map(|(f, _)| f).collect();
    all.extend([Format::PnpmLock, Format::YarnLock, Format::PoetryLock]);
    all
}

proptest! {
    #[test]
    fn only_the_version_changes((format, parts) in document(), old in version(), new in version()) {
        let cx = context(&format);
        // Each format's own way to write it.
        let convention = match format {
            Format::Pyproject | Format::UvLock | Format::SetupPy | Format::SetupCfg | Format::Python => Convention::Pep440,
            Format::Gemspec | Format::Ruby => Convention::Gem,
            _ => Convention::Semver,
        };
        let shown = |v: &Version| render(v, convention).expect("rc.N is written everywhere");
        let text = parts.join(&shown(&old));
        let found = locate(&format, &text, &cx).map_err(|e| TestCaseError::fail(format!("{e}\n{text:?}")))?;
        prop_assert_eq!(found.spots().len(), parts.len() - 1, "{:?}", text);
        let once = write(&text, found.spots(), &new).expect("rc.N is written everywhere");
        prop_assert_eq!(&once, &parts.join(&shown(&new)));
        let again = locate(&format, &once, &cx).expect("the edit can be read");
        prop_assert!(again.spots().iter().all(|s| s.version().as_ref() == Some(&new)));
        prop_assert_eq!(&write(&once, again.spots(), &new).expect("as before"), &once);
        // And back: nothing is lost.
        prop_assert_eq!(write(&once, again.spots(), &old).expect("as before"), text);
    }

    #[test]
    fn damaged_documents_never_panic((format, parts) in document(), cut in 0..200usize, put in "\\PC{0,4}|[\"'\\\\{}\\[\\]<>&#:@$%~/*\n\r\u{feff}]{0,4}") {
        let mut text: Vec<char> = parts.join("1.2.3").chars().collect();
        let at = cut.min(text.len());
        let end = (at + cut % 3).min(text.len());
        text.splice(at..end, put.chars());
        everything(&format, &text.into_iter().collect::<String>());
    }

    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,80}|[ \n\r\tversion0-9.=:'\"{}\\[\\]()<>/!@#$%~\\\\&*|-]{0,80}") {
        for format in formats() {
            everything(&format, &text);
        }
    }

    #[test]
    fn arbitrary_patterns_never_panic(pattern in "\\PC{0,20}", text in "\\PC{0,40}") {
        for format in [Format::Json, Format::Toml, Format::Yaml, Format::Xml, Format::Regex] {
            everything(&format(pattern.clone()), &text);
        }
    }

    #[test]
    fn arbitrary_requirements_never_panic(old in "[ v0-9.x*^~<>=!,|:@/a-c-]{0,16}|\\PC{0,8}", new in version()) {
        for ecosystem in [Ecosystem::Npm, Ecosystem::Cargo, Ecosystem::Python] {
            if let Ok(Some(raised)) = requirement(&old, &new, ecosystem) {
                // What was raised admits the version: it is not raised again.
                prop_assert_eq!(requirement(&raised, &new, ecosystem), Ok(None), "{} {}", old, raised);
            }
        }
    }
}

/// Runs every reader; whatever is found must be inside the text and survive an edit.
fn everything(format: &Format, text: &str) {
    if let Ok(Located::Here(spots)) = locate(format, text, &context(format)) {
        assert!(!spots.is_empty());
        for spot in &spots {
            assert_eq!(text[spot.range.clone()], spot.value);
        }
        let new = replace(text, &spots, "2.0.0");
        let kept: usize = spots.iter().map(|s| s.range.len()).sum();
        assert_eq!(new.len(), text.len() - kept + 5 * spots.len());
    }
    if let Ok(found) = manifest(format, text) {
        for dependency in found.dependencies {
            if let Some(spot) = dependency.requirement {
                assert_eq!(text[spot.range], spot.value);
            }
        }
    }
    for spot in locate_requirements(format, text, "a", "b", "^1.0.0").unwrap_or_default() {
        assert_eq!(text[spot.range], spot.value);
    }
}

#[test]
fn deep_and_long_documents_end() {
    const DEEP: usize = 20_000;
    for (format, open, close) in [
        (Format::PackageJson, "[", "]"),
        (Format::PackageJson, "{\"a\":", "}"),
        (Format::Pyproject, "a = [", "]"),
        (Format::Toml("a".into()), "a.", "b = 1"),
        (Format::Chart, "[", "]"),
        (Format::Chart, "- ", ""),
        (Format::Chart, "{a: ", "}"),
        (Format::PomXml, "<a>", "</a>"),
        (Format::Gradle, "{", "}"),
        (Format::SetupPy, "setup(", ")"),
        (Format::Mix, "def project do [", "]"),
        (Format::Ruby, "%q(", ")"),
        (Format::Ruby, "<<~A\n", "A\n"),
        (Format::Python, "'", "\""),
        (Format::Text, "1", ""),
    ] {
        let text = format!("{}{}", open.repeat(DEEP), close.repeat(DEEP));
        everything(&format, &text);
        everything(&format, &open.repeat(DEEP));
    }
}
