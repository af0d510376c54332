//! Tables of tricky input, one for each family of formats.

use super::*;

/// Locates, writes 2.0.0, and compares with the text in which `«` and `»` mark the spots.
#[track_caller]
fn edits(format: &Format, marked: &str, cx: &Context<'_>) {
    let text = marked.replace(['«', '»'], "");
    let found = match locate(format, &text, cx) {
        Ok(Located::Here(spots)) => spots,
        other => panic!("{format:?}: {other:?}\n{text}"),
    };
    let mut shown = text.clone();
    for spot in found.iter().rev() {
        shown.insert(spot.range.end, '»');
        shown.insert(spot.range.start, '«');
    }
    assert_eq!(shown, marked, "{format:?}");
    for spot in &found {
        assert_eq!(text[spot.range.clone()], spot.value);
        let before = &text[..spot.range.start];
        assert_eq!(spot.line, before.matches('\n').count() + 1);
    }
    let new = Version::new(2, 0, 0);
    let once = write(&text, &found, &new).expect("stable versions are written everywhere");
    let again = locate(format, &once, cx).expect("the edit can be read");
    for spot in again.spots() {
        assert_eq!(spot.version(), Some(new.clone()));
    }
    let twice = write(&once, again.spots(), &new).expect("as before");
    assert_eq!(once, twice);
}

#[track_caller]
fn fails(format: &Format, text: &str, cx: &Context<'_>, kind: FileErrorKind, says: &[&str]) {
    let error = match locate(format, text, cx) {
        Err(error) => error,
        Ok(found) => panic!("{format:?}: {found:?}\n{text}"),
    };
    assert_eq!(error.kind, kind, "{error}\n{text}");
    for part in says {
        assert!(error.to_string().contains(part), "`{error}` lacks `{part}`");
    }
}

#[track_caller]
fn elsewhere(format: &Format, text: &str, file: Option<&str>) {
    match locate(format, text, &named("p")) {
        Ok(Located::Elsewhere(e)) => assert_eq!(e.file.as_deref(), file, "{e:?}"),
        other => panic!("{format:?}: {other:?}"),
    }
}

fn any() -> Context<'static> {
    Context::default()
}

fn named(package: &'static str) -> Context<'static> {
    Context { package: Some(package), ..Context::default() }
}

use FileErrorKind::*;

#[test]
fn npm_manifest() {
    for text in [
        r#"{"version":"«1.0.0»"}"#,
        "{\r\n\t\"a\": {\"version\": \"9.9.9\"},\r\n\t\"version\" : \"«1.0.0-rc.1+b»\"\r\n}\r\n",
        "\u{feff}{\"ü\": \"日本 \\\" version\", \"version\": \"«1.0.0»\"}",
        r#"{"version": "v«1.0.0»"}"#,
        "{\n  \"scripts\": {\"version\": \"x\"},\n  \"version\": \"«1.0.0»\",\n  \"dependencies\": {\"version\": \"1.0.0\"}\n}",
    ] {
        edits(&Format::PackageJson, text, &any());
    }
    for (text, kind, says) in [
        ("{\n\"version\": \"1.0.0\",\n\"version\": \"1.0.0\"}", Ambiguous, &["line 2", "line 3"][..]),
        ("{}", Missing, &["version"]),
        ("", Syntax, &["empty"]),
        ("{\"version\": \"1.0.0\",}", Syntax, &["line 1"]),
        ("// c\n{\"version\": \"1.0.0\"}", Syntax, &["line 1"]),
        ("{'version': '1.0.0'}", Syntax, &[]),
        (r#"{"version": "1.0"}"#, NotAVersion, &["1.0", "1.2.3"]),
        (r#"{"version": 1}"#, NotAVersion, &["a number"]),
        (r#"{"version": null}"#, NotAVersion, &["null"]),
        (r#"{"version": ""}"#, Missing, &["empty"]),
        (r#"{"version": "\u0031.0.0"}"#, Unsupported, &["escapes"]),
        (r#"["version"]"#, Missing, &[]),
    ] {
        fails(&Format::PackageJson, text, &any(), kind, says);
    }
}

#[test]
fn npm_lockfiles() {
    let lock = Format::NpmLock;
    // v1
    edits(
        &lock,
        r#"{"name":"r","version":"«1.0.0»","lockfileVersion":1,"dependencies":{"x":{"version":"1.0.0"}}}"#,
        &any(),
    );
    // v2 and v3
    let root = r#"{"name":"r","version":"«1.0.0»","lockfileVersion":3,"packages":{"":{"name":"r","version":"«1.0.0»"},"node_modules/x":{"version":"1.0.0"}}}"#;
    edits(&lock, root, &any());
    edits(&lock, root, &named("r"));
    let member = r#"{"name":"r","version":"1.0.0","packages":{"":{"version":"1.0.0"},
      "node_modules/@s/a":{"resolved":"packages/a","link":true},
      "packages/a":{"name":"@s/a","version":"«3.1.0»"}}}"#;
    edits(&lock, member, &named("@s/a"));
    let folder = Context { folder: Some("./packages/a/"), ..Context::default() };
    edits(&lock, member, &folder);
    fails(
        &lock,
        "{\"version\":\"1.0.0\",\n\"packages\":{\"\":{\"version\":\"1.0.1\"}}}",
        &any(),
        Disagreement,
        &["1.0.0 (line 1)", "1.0.1 (line 2)"],
    );
    fails(&lock, &member.replace(['«', '»'], ""), &named("b"), Missing, &["`b`", "npm install"]);
    fails(&lock, r#"{"packages":{"":{}}}"#, &any(), Missing, &[]);
    elsewhere(&Format::YarnLock, "# yarn lockfile v1\n", None);
    elsewhere(&Format::PnpmLock, "lockfileVersion: '9.0'\n", None);
}

#[test]
fn requirements_in_lockfiles() {
    for (format, marked, folder, dependency, requirement) in [
        (
            Format::NpmLock,
            r#"{"packages":{"packages/b":{"dependencies":{"@x/a":"«^1.0.0»"},"peerDependencies":{"@x/a":"«^1.0.0»"}},"packages/c":{"dependencies":{"@x/a":"^1.0.0"}}}}"#,
            "packages/b",
            "@x/a",
            "^1.0.0",
        ),
        (
            Format::PnpmLock,
            "lockfileVersion: '9.0'\nimporters:\n  .: {}\n  packages/b:\n    dependencies:\n      '@x/a':\n        specifier: «workspace:^1.0.0»\n        version: link:../a\n      c:\n        specifier: workspace:^1.0.0\n",
            "packages/b",
            "@x/a",
            "workspace:^1.0.0",
        ),
        (
            Format::PnpmLock,
            "lockfileVersion: 5.4\nimporters:\n  packages/b:\n    specifiers:\n      '@x/a': «workspace:^1.0.0»\n    dependencies:\n      '@x/a': link:../a\n",
            "packages/b",
            "@x/a",
            "workspace:^1.0.0",
        ),
        (
            Format::YarnLock,
            "# c\n\n__metadata:\n  version: 10\n\n\"@x/a@npm:«^1.0.0», @x/a@workspace:^1.0.0, @x/a@workspace:packages/a\":\n  version: 0.0.0-use.local\n  resolution: \"@x/a@workspace:packages/a\"\n\n\"b@workspace:packages/b\":\n  version: 0.0.0-use.local\n  resolution: \"b@workspace:packages/b\"\n  dependencies:\n    \"@x/a\": \"npm:«^1.0.0»\"\n  peerDependencies:\n    \"@x/a\": «^1.0.0»\n",
            "packages/b",
            "@x/a",
            "^1.0.0",
        ),
    ] {
        let text = marked.replace(['«', '»'], "");
        let found = locate_requirements(&format, &text, folder, dependency, requirement)
            .expect("the lockfile is valid");
        let mut shown = text.clone();
        for spot in found.iter().rev() {
            assert_eq!(spot.value, requirement);
            shown.insert(spot.range.end, '»');
            shown.insert(spot.range.start, '«');
        }
        assert_eq!(shown, marked);
        let bom = format!("{BOM}{text}");
        let found = locate_requirements(&format, &bom, folder, dependency, requirement);
        assert!(found.expect("valid").iter().all(|s| bom[s.range.clone()] == s.value));
    }
}

#[test]
fn cargo_manifest() {
    let format = Format::CargoToml;
    for text in [
        "[package]\nname = \"p\" # version = \"0\"\nversion = \"«1.0.0»\"\n",
        "package.name = 'p'\r\npackage . 'version' = '«1.0.0»'\r\n",
        "package = { name = \"p\", version = \"«1.0.0»\" }",
        "\u{feff}# ü 日本\n[dependencies]\nx = { version = \"1.0.0\" }\n[package]\nversion=\"\"\"«1.0.0»\"\"\"",
        "[workspace]\n[workspace.package]\nversion = \"«1.0.0»\"\n",
        "[workspace]\n[workspace.package]\nversion = \"«1.0.0»\"\n[package]\nname = \"p\"\nversion.workspace = true\n",
        "[workspace.package]\nversion = \"3.0.0\"\n[package]\nname = \"p\"\nversion = \"«1.0.0»\"\n[package.metadata]\nversion = \"8\"\n",
    ] {
        edits(&format, text, &any());
    }
    let shared = Context { workspace: true, ..Context::default() };
    edits(&format, "[workspace.package]\nversion = \"«3.0.0»\"\n[package]\nversion = \"1.0.0\"\n", &shared);
    fails(&format, "[package]\nversion = \"1.0.0\"\n", &shared, Missing, &["workspace.package"]);
    elsewhere(&format, "[package]\nname = \"p\"\nversion.workspace = true\n", None);
    elsewhere(
        &format,
        "[package]\nworkspace = \"../..\"\nversion = { workspace = true }\n",
        Some("../../Cargo.toml"),
    );
    for (text, kind) in [
        ("[package]\nname = \"p\"\n", Missing),
        ("[dependencies]\n", Missing),
        ("[package]\nversion = \"1\"\n", NotAVersion),
        ("[package]\nversion = 1.0\n", NotAVersion),
        ("[package]\nversion = \"1.0.0\"\nversion = \"1.0.0\"\n", Syntax),
        ("[package\n", Syntax),
        ("[package]\nversion = \"\\u0031.0.0\"\n", Unsupported),
        ("[package]\nversion.x = 1\n", Missing),
    ] {
        fails(&format, text, &any(), kind, &[]);
    }
}

#[test]
fn cargo_lockfile() {
    let format = Format::CargoLock;
    let lock = "version = 4\n\n[[package]]\nname = \"p\"\nversion = \"0.9.0\"\nsource = \"registry+x\"\n\n[[package]]\nname = \"p\"\nversion = \"«1.0.0»\"\ndependencies = [\n \"q\",\n]\n\n[[package]]\nname = \"q\"\nversion = \"1.0.0\"\ndependencies = [\n \"p 0.9.0\",\n \"p «1.0.0»\",\n \"p 1.0.0 (registry+x)\",\n]\n";
    edits(&format, lock, &named("p"));
    edits(&format, &lock.replace('\n', "\r\n"), &named("p"));
    let plain = lock.replace(['«', '»'], "");
    fails(&format, &plain, &named("z"), Missing, &["cargo update"]);
    fails(&format, &plain, &any(), Pattern, &["package"]);
    fails(&format, "", &named("p"), Missing, &[]);
    let doubled =
        "[[package]]\nname = \"p\"\nversion = \"1.0.0\"\n[[package]]\nname = \"p\"\nversion = \"1.0.0\"\n";
    fails(&format, doubled, &named("p"), Ambiguous, &["line 2", "line 5"]);
}

#[test]
fn python_manifests() {
    for text in [
        "[project]\nname = \"p\"\nversion = \"«1.0.0rc1»\" # version\n",
        "[tool.poetry]\nversion = '«1.0»'\n[tool.other]\nversion = \"3\"\n",
        "project.version = \"v«1.0.0»\"\n",
        "[project]\nversion = \"«1.0.0»\"\n[tool.poetry]\nversion = \"«1.0.0»\"\n",
        "[project]\ndynamic = [\"version\"]\n[tool.poetry]\nversion = \"«1.0.0»\"\n",
    ] {
        edits(&Format::Pyproject, text, &any());
    }
    for (text, file) in [
        (
            "[project]\ndynamic = ['readme', 'version']\n[tool.setuptools.dynamic]\nversion = {attr = \"p.__version__\"}\n",
            Some("p/__init__.py"),
        ),
        (
            "[project]\ndynamic = ['version']\n[tool.setuptools.dynamic]\nversion = {attr = \"p.about.V\"}\n",
            Some("p/about.py"),
        ),
        (
            "[project]\ndynamic = ['version']\n[tool.setuptools.dynamic]\nversion = {file = [\"VERSION\"]}\n",
            Some("VERSION"),
        ),
        (
            "[project]\ndynamic = ['version']\n[tool.hatch.version]\npath = \"src/p/__about__.py\"\n",
            Some("src/p/__about__.py"),
        ),
        ("[project]\ndynamic = ['version']\n[tool.setuptools_scm]\n", None),
        ("[project]\ndynamic = ['version']\n", None),
    ] {
        elsewhere(&Format::Pyproject, text, file);
    }
    for (text, kind) in [
        ("[project]\nname = \"p\"\n", Missing),
        ("[project]\nversion = \"1.0.0\"\n[tool.poetry]\nversion = \"1.0.1\"\n", Disagreement),
        ("[project]\nversion = \"1.0.0\"\ndynamic = [\"version\"]\n", Ambiguous),
        ("[project]\nversion = \"1.0.0.post1\"\n", NotAVersion),
    ] {
        fails(&Format::Pyproject, text, &any(), kind, &[]);
    }
    edits(
        &Format::UvLock,
        "[[package]]\nname = \"x\"\nversion = \"1.0.0\"\nsource = { registry = \"y\" }\n\n[[package]]\nname = \"my-root\"\nversion = \"«1.0.0rc1»\"\nsource = { virtual = \".\" }\n",
        &named("My.Root"),
    );
    elsewhere(&Format::UvLock, "[[package]]\nname = \"p\"\nsource = { editable = \".\" }\n", None);
    fails(&Format::UvLock, "version = 1\n", &named("p"), Missing, &["uv lock"]);
    edits(
        &Format::PoetryLock,
        "[[package]]\nname = \"p\"\nversion = \"«1.0.0»\"\n\n[package.source]\ntype = \"directory\"\nurl = \"p\"\n",
        &named("p"),
    );
    elsewhere(&Format::PoetryLock, "package = []\n", None);
}

#[test]
fn python_modules() {
    for text in [
        "from setuptools import setup\n# version='0.0.1'\nsetup(\n    name='version=\"0\"',\r\n    version='«1.0.0»',  # c\n    extras=dict(version='3.0.0'),\n)\n",
        "import setuptools\nsetuptools.setup(version=\"«1.0.0»\")",
        "\"\"\"setup(version='0.0.1')\"\"\"\nsetup(x=[\"(\"], version = u'«1.0.0»')\n",
        "VERSION = '«1.0.0»'\nsetup(name='p', version=VERSION)\n",
        "def setup(version='0.0.1'): pass\nsetup(version='«1.0.0»')\n",
    ] {
        edits(&Format::SetupPy, text, &any());
    }
    for (text, kind) in [
        ("setup(name='p')\n", Missing),
        ("version='1.0.0'\n", Missing),
        ("setup(version=read('VERSION'))\n", Unsupported),
        ("setup(version='1' '.0')\n", Unsupported),
        ("setup(version=f'{x}.0')\n", Unsupported),
        ("setup(version='1.0.0' + x)\n", Unsupported),
        ("setup(version=V)\n", Unsupported),
        ("setup(version='1.0.0')\nsetup(version='1.0.0')\n", Ambiguous),
    ] {
        fails(&Format::SetupPy, text, &any(), kind, &[]);
    }
    for text in [
        "__version__ = '«1.0.0»'\n",
        "#!/usr/bin/python\n# -*- ü -*-\r\n'''doc\n__version__ = \"0\"\n'''\r\n__version__: str = \"«1.0.0rc2»\"\r\n",
        "__version__ = version = '«1.0.0»'",
        "__version__ = (\n    \"«1.0.0»\"\n)\n",
        "x = 'it\\'s'\n__version__ = r'«1.0.0»'; y = 1\n",
        "if x:\n    __version__ = '0.0.1'\n__version__ = '«1.0.0»' # __version__ = '2'\nprint(__version__ == '3.0.0')\n",
    ] {
        edits(&Format::Python, text, &any());
    }
    for text in [
        "from importlib import metadata\n__version__ = metadata.version('p')\n",
        "__version__ = version(__name__)\n",
    ] {
        elsewhere(&Format::Python, text, None);
    }
    for (text, kind) in [
        ("version = '1.0.0'\n", Missing),
        ("__version__ = '1.0.0'\n__version__ = '1.0.0'\n", Ambiguous),
        ("__version__ = get()\n", Unsupported),
        ("__version__ = 'unknown'\n", NotAVersion),
    ] {
        fails(&Format::Python, text, &any(), kind, &[]);
    }
    for text in [
        "[metadata]\nname = p\nversion = «1.0.0»\n\n[options]\nversion = 3\n",
        "[bumpversion]\r\nversion = 0.1\r\n[metadata]\r\n; version = 2\r\nVersion: «1.0.0»\r\n",
        "[metadata]\ndescription =\n  version = 9.9.9\nversion =\n    «1.0.0»",
    ] {
        edits(&Format::SetupCfg, text, &any());
    }
    elsewhere(&Format::SetupCfg, "[metadata]\nversion = attr: p.__version__\n", Some("p/__init__.py"));
    elsewhere(&Format::SetupCfg, "[metadata]\nversion = file: VERSION.txt\n", Some("VERSION.txt"));
    for (text, kind) in [
        ("[metadata]\nversion = 1.0.0\nversion = 1.0.0\n", Ambiguous),
        ("[metadata]\nname = p\n", Missing),
        ("[metadata]\nversion =\n", Missing),
        ("[metadata]\nversion = 1.0.0\n  rc1\n", Unsupported),
    ] {
        fails(&Format::SetupCfg, text, &any(), kind, &[]);
    }
}

#[test]
fn maven() {
    for text in [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- <version>0</version> -->\n<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <parent><version>9.0.0</version></parent>\n  <version>«1.0-SNAPSHOT»</version>\n  <dependencies><dependency><version>1.0</version></dependency></dependencies>\n</project>\n",
        "<project><parent><version>«1.0.0»</version></parent></project>",
        "<project>\r\n<version>\r\n  <![CDATA[«1.0.0»]]>\r\n</version></project>",
        "\u{feff}<m:project xmlns:m='x'><m:name>ü</m:name><m:version> «1.0.0» </m:version></m:project>",
        "<project><version>${revision}</version><properties><revision>«1.0.0»</revision></properties></project>",
        "<project><properties><v>2</v></properties><version><!-- v -->«1.0.0»</version></project>",
    ] {
        if text.contains("<!-- v") {
            fails(&Format::PomXml, &text.replace(['«', '»'], ""), &any(), Unsupported, &["more than text"]);
        } else {
            edits(&Format::PomXml, text, &any());
        }
    }
    elsewhere(&Format::PomXml, "<project><parent><version>${revision}</version></parent></project>", None);
    for (text, kind) in [
        ("<project/>", Missing),
        ("<x><version>1.0.0</version></x>", Missing),
        ("<project><version/></project>", Missing),
        ("<project><version>1.0.0</version><version>1.0.0</version></project>", Ambiguous),
        ("<project><version>${a}${b}</version></project>", Unsupported),
        ("<project><version>${a}</version></project>", Unsupported),
        ("<project><version>1.0&#46;0</version></project>", Unsupported),
        ("<project><version>1.0.0.RELEASE</version></project>", NotAVersion),
        ("<project>", Syntax),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><project/>", Syntax),
    ] {
        fails(&Format::PomXml, text, &any(), kind, &[]);
    }
}

#[test]
fn gradle() {
    for text in [
        "# version=0\r\nversion=«1.0.0»\r\n",
        "org.gradle.version=3\n  version : «1.0-SNAPSHOT»\nversionCode=3",
        "version «1.0.0»",
        "a=b\\\nversion=3\nversion = «1.0.0»\n",
    ] {
        edits(&Format::GradleProperties, text, &any());
    }
    for (text, kind) in [
        ("version=1.0.0\nversion=1.0.0\n", Ambiguous),
        ("versions=1\n", Missing),
        ("version=\n", Missing),
        ("version=1.0\\\n.0\n", Unsupported),
    ] {
        fails(&Format::GradleProperties, text, &any(), kind, &[]);
    }
    for text in [
        "plugins {\n  id 'x' version '3.0.0'\n  id(\"y\") version \"3.0.0\"\n}\n// version = '0'\n/* version = '0' */\ngroup = 'g'\r\nversion = '«1.0.0»'\r\n",
        "version '«1.0.0»'",
        "version = \"«1.0-SNAPSHOT»\" // c\n",
        "allprojects {\n  version = \"«1.0.0»\"\n}\npublishing { publications { maven { version = '3.0.0' } } }\n",
        "project.version = '''«1.0.0»'''; x = \"${version}\"\n",
        "def s = \"it's ${ a(\"version = '3'\") }\"\nversion = '«1.0.0»'\n",
    ] {
        edits(&Format::Gradle, text, &any());
    }
    for (text, kind) in [
        ("version = \"${base}-x\"\n", Unsupported),
        ("version = findProperty('v')\n", Unsupported),
        ("version = '1.0.0' + x\n", Unsupported),
        ("ext { version = '1.0.0' }\n", Missing),
        ("version = '1.0.0'\nsubprojects {\n version = '1.0.1'\n}\n", Disagreement),
    ] {
        fails(&Format::Gradle, text, &any(), kind, &[]);
    }
}

#[test]
fn yaml_files() {
    for text in [
        "apiVersion: v2\nname: c\nversion: «1.0.0» # version: 2\nappVersion: \"v«1.0.0»\"\ndependencies:\n- version: 3.0.0\n",
        "version: '«1.0.0»'\r\nname: ü日本\r\n",
        "# é\n{\"version\": \"«1.0.0»\", name: c}",
        "\u{feff}name: 日本\nversion:   «1.0.0»",
        "version: &v «1.0.0»\nappVersion: *v\n",
        "version: !!str «1.0.0»\n",
        "version: |\n  «1.0.0»\nname: c\n",
        "version: >-\n\n    «1.0.0»\n",
        "---\n? version\n: «1.0.0»\n...\n",
    ] {
        edits(&Format::Chart, text, &any());
    }
    for (text, kind, says) in [
        ("version: 1.0.0\nappVersion: 1.0.1\n", Disagreement, &["line 1", "line 2", "path"][..]),
        ("version: 1.0.0\nversion: 1.0.0\n", Ambiguous, &["line 1", "line 2"]),
        ("version: 1.0.0\n---\nversion: 1.0.0\n", Ambiguous, &["line 1", "line 3"]),
        ("name: c\n", Missing, &[]),
        ("version:\n", Missing, &[]),
        ("version: {a: 1}\n", NotAVersion, &["a map"]),
        ("version: \"1\\x2e0.0\"\n", Unsupported, &[]),
        ("version: [\n", Syntax, &["line"]),
        ("a: *b\n", Syntax, &[]),
        ("", Missing, &["empty"]),
    ] {
        fails(&Format::Chart, text, &any(), kind, says);
    }
    edits(&Format::Pubspec, "name: p\nversion: «1.0.0+3»\n", &any());
}

#[test]
fn msbuild() {
    for text in [
        "<Project Sdk=\"x\">\r\n  <PropertyGroup><Version>«1.0.0»</Version><AssemblyVersion>9.0.0.0</AssemblyVersion></PropertyGroup>\r\n  <ItemGroup><PackageReference Include=\"y\"><Version>3.0.0</Version></PackageReference></ItemGroup></Project>",
        "<Project xmlns='u'><PropertyGroup><VersionPrefix>«1.0»</VersionPrefix></PropertyGroup></Project>",
        "<Project><PropertyGroup><Rel>«1.0.0»</Rel><Version>$(Rel)</Version><PackageVersion>$(Version)</PackageVersion></PropertyGroup></Project>",
        "<Project><PropertyGroup Condition=\"a\"><Version>«1.0.0»</Version></PropertyGroup><PropertyGroup><Version>«1.0.0»</Version></PropertyGroup></Project>",
    ] {
        edits(&Format::Msbuild, text, &any());
    }
    let asked = Context { assembly: true, ..Context::default() };
    edits(
        &Format::Msbuild,
        "<Project><PropertyGroup><Version>«1.0.0-rc.1»</Version><AssemblyVersion>«1.0.0.0»</AssemblyVersion><FileVersion>«1.0.0»</FileVersion></PropertyGroup></Project>",
        &asked,
    );
    for (text, kind) in [
        ("<Project/>", Missing),
        ("<Project><PropertyGroup><Version>$(A)-$(B)</Version></PropertyGroup></Project>", Unsupported),
        (
            "<Project><PropertyGroup><VersionPrefix>1.0.0</VersionPrefix><VersionSuffix>rc</VersionSuffix></PropertyGroup></Project>",
            Unsupported,
        ),
        (
            "<Project><PropertyGroup><Version>1.0.0</Version></PropertyGroup><PropertyGroup><Version>1.0.1</Version></PropertyGroup></Project>",
            Disagreement,
        ),
    ] {
        fails(&Format::Msbuild, text, &any(), kind, &[]);
    }
}

#[test]
fn scripts() {
    for text in [
        "defmodule P do\n  use Mix.Project\n  def project do\n    [\n      app: :p,\n      # version: \"0\"\n      version: \"«1.0.0»\",\n      deps: deps()\n    ]\n  end\n  defp deps do\n    [{:x, \"~> 1.0\", version: \"3.0.0\"}]\n  end\nend\n",
        "defmodule P do\r\n  @moduledoc \"\"\"\r\n  @version \"0.0.1\"\r\n  \"\"\"\r\n  @version \"«1.0.0»\"\r\n  def project, do: [version: @version, docs: [version: \"3.0.0\"]]\r\nend",
        "def project do\n  [name: \"a#{\"b\"}\", x: ~s(version: \"0\"), y: ?\", version: \"«1.0.0»\"]\nend\n",
    ] {
        edits(&Format::Mix, text, &any());
    }
    for (text, kind) in [
        ("def project do\n [app: :p]\nend\n", Missing),
        ("def project do\n [version: version()]\nend\n", Unsupported),
        ("def project do\n [version: \"#{x}.0\"]\nend\n", Unsupported),
        ("def project do\n [version: @v]\nend\n", Missing),
        ("@v \"1.0.0\"\n@v \"1.0.0\"\ndef project do\n [version: @v]\nend\n", Ambiguous),
    ] {
        fails(&Format::Mix, text, &any(), kind, &[]);
    }
    for text in [
        "# VERSION = '0'\nmodule P\n  VERSION = '«1.0.0»'.freeze\nend\n",
        "=begin\nVERSION = '0'\n=end\nmodule P; VERSION = \"«1.0.0.rc.1»\" end\n",
        "X = <<~EOS\n  VERSION = '0'\nEOS\r\nVERSION = %q(«1.0.0»)\r\n",
        "VERSION = '«1.0.0»'\n__END__\nVERSION = '0'\n",
    ] {
        if text.contains("; VERSION") {
            fails(&Format::Ruby, &text.replace(['«', '»'], ""), &any(), Unsupported, &[]);
        } else {
            edits(&Format::Ruby, text, &any());
        }
    }
    for (text, kind) in [
        ("VERSION = [MAJOR, 1].join('.')\n", Unsupported),
        ("VERSION = \"#{A}.0\"\n", Unsupported),
        ("module P\nend\n", Missing),
        ("VERSION = '1.0.0'\nVERSION = '1.0.0'\n", Ambiguous),
    ] {
        fails(&Format::Ruby, text, &any(), kind, &[]);
    }
    edits(
        &Format::Gemspec,
        "Gem::Specification.new do |s|\n  s.required_ruby_version = '3.0'\n  s.version = \"«1.0.0»\"\n  s.files = %w[a b]\n  s.add_dependency 'x', '1.0.0'\nend\n",
        &any(),
    );
    elsewhere(&Format::Gemspec, "Gem.new do |s|\n  s.version = P::VERSION\nend\n", None);
    fails(&Format::Gemspec, "Gem.new do |s|\n  s.version = File.read('V')\nend\n", &any(), Unsupported, &[]);
}

#[test]
fn text_files_and_regexes() {
    for text in ["«1.0.0»", "v«1.0.0»\n", "\u{feff}\r\n  «1.0.0-rc.1» \r\n\r\n"] {
        edits(&Format::Text, text, &any());
    }
    for (text, kind) in
        [("", Missing), (" \n", Missing), ("1.0.0\n1.0.0\n", NotAVersion), ("one\n", NotAVersion)]
    {
        fails(&Format::Text, text, &any(), kind, &[]);
    }
    let python = Context { convention: Some(Convention::Pep440), ..Context::default() };
    edits(&Format::Text, "«1.0.0rc1»\n", &python);
    for (pattern, text) in [
        (r"(?<x>a)?version: (?<version>\S+)", "ü version: v«1.0.0»\nother: 1.0.0\r\n"),
        (r"^V=(.*)$", "XV=3\r\nV=«1.0.0»\r\n"),
        (r"image:(\d\S*)", "\u{feff}image:«1.0.0»"),
    ] {
        edits(&Format::Regex(pattern.to_owned()), text, &any());
    }
    for (pattern, text, kind, says) in [
        ("v(.+)", "a v1.0.0\nb v1.0.0\n", Ambiguous, &["line 1", "line 2"][..]),
        ("v(.+)", "x", Missing, &["matches nothing"]),
        ("v.+", "v1", Pattern, &["group"]),
        ("(", "v1", Pattern, &["valid"]),
        ("(((a{100}){100}){100}){100}", "v1", Pattern, &[]),
        ("v()", "v1.0.0", NotAVersion, &[]),
    ] {
        fails(&Format::Regex(pattern.to_owned()), text, &any(), kind, says);
    }
}

#[test]
fn paths() {
    for (format, text) in [
        (Format::Json("$.a.b[1]".into()), "// c\n{\"a\": {\"b\": [\"3.0.0\", \"«1.0.0»\",]}}"),
        (Format::Json("x.\"a.b\"".into()), "{\"x\": {\"a.b\": \"v«1.0.0»\"}}"),
        (Format::Toml("tool.x.version".into()), "[tool]\nx = { version = '«1.0.0»' }"),
        (
            Format::Toml("bin[1].version".into()),
            "[[bin]]\nversion = \"3.0.0\"\n[[bin]]\nversion = \"«1.0.0»\"\n",
        ),
        (Format::Yaml("image.tag".into()), "# ü\nimage: {tag: v«1.0.0»}\n"),
        (
            Format::Yaml("metadata.labels.\"app.io/version\"".into()),
            "kind: x\n---\nmetadata:\n  labels:\n    app.io/version: \"«1.0.0»\"\n",
        ),
        (Format::Yaml("list[0]".into()), "list:\n- «1.0.0»\n- 3.0.0\n"),
        (
            Format::Xml("project/properties/revision".into()),
            "<project><properties><revision>«1.0.0»</revision></properties></project>",
        ),
        (Format::Xml("a.b[1].c".into()), "<a><b><c>3.0.0</c></b><b><c>«1.0.0»</c></b></a>"),
        (Format::Xml("widget.@version".into()), "<widget id='ü' version='«1.0.0»'/>"),
        (
            Format::Xml("manifest.@versionName".into()),
            "<manifest xmlns:android='x' android:versionName=\"«1.0.0»\"/>",
        ),
    ] {
        edits(&format, text, &any());
    }
    for (format, text, kind) in [
        (Format::Json("a.c".into()), "{\"a\": {\"b\": 1}}", Missing),
        (Format::Json("a".into()), "{\"a\": {\"b\": 1}}", NotAVersion),
        (Format::Json("a..b".into()), "{}", Pattern),
        (Format::Json("a".into()), "{\"a\": true}", NotAVersion),
        (Format::Xml("a.b".into()), "<a><b>1.0.0</b><b>1.0.0</b></a>", Ambiguous),
        (Format::Xml("a.b.c".into()), "<a><b/></a>", Missing),
        (Format::Xml("a.@b".into()), "<a b='1.0&#46;0'/>", Unsupported),
        (Format::Yaml("a.b".into()), "a: {b: 1.0.0}\n---\na: {b: 1.0.0}\n", Ambiguous),
    ] {
        fails(&format, text, &any(), kind, &[]);
    }
    edits(&Format::Composer, "{\"version\": \"«1.0.0»\"}", &any());
    fails(&Format::Composer, "{}", &any(), Missing, &["tag"]);
}

#[test]
fn detects_by_name() {
    for (path, format) in [
        ("packages/a/package.json", Format::PackageJson),
        ("npm-shrinkwrap.json", Format::NpmLock),
        ("a\\b\\App.csproj", Format::Msbuild),
        ("x.gemspec", Format::Gemspec),
        ("build.gradle.kts", Format::Gradle),
        ("VERSION", Format::Text),
        ("src/p/__init__.py", Format::Python),
    ] {
        assert_eq!(Format::detect(path), Some(format), "{path}");
    }
    for path in ["", "README.md", "package.json.bak", "x.py", ".csproj/x"] {
        assert_eq!(Format::detect(path), None, "{path}");
    }
}

#[test]
fn formats_in_configuration() {
    for (format, json) in [
        (Format::PackageJson, "\"package-json\""),
        (Format::PomXml, "\"pom-xml\""),
        (Format::Json("a.b".into()), "{\"json\":\"a.b\"}"),
        (Format::Regex("v(.+)".into()), "{\"regex\":\"v(.+)\"}"),
    ] {
        assert_eq!(serde_json::to_string(&format).expect("plain data"), json);
        assert_eq!(serde_json::from_str::<Format>(json).expect(json), format);
    }
}

#[test]
fn refuses_what_a_convention_cannot_say() {
    let text = "__version__ = '1.0.0'\n";
    let found = locate(&Format::Python, text, &any()).expect("valid");
    let next = Version::parse("2.0.0-next.1").expect("valid");
    let error = write(text, found.spots(), &next).expect_err("PEP 440 has no next");
    assert_eq!((error.kind, error.line), (Unsupported, Some(1)));
    let rc = Version::parse("2.0.0-rc.1").expect("valid");
    assert_eq!(write(text, found.spots(), &rc).expect("valid"), "__version__ = '2.0.0rc1'\n");
}

#[test]
fn replaces_only_what_fits() {
    let edits: [(Range<usize>, &str); 6] =
        [(0..1, "x"), (0..1, "y"), (Range { start: 2, end: 1 }, "z"), (3..4, "w"), (2..3, "v"), (4..99, "u")];
    assert_eq!(replace_each("aéb", &edits), "xéw");
    assert_eq!(replace("1.0.0", &[], "2"), "1.0.0");
}

#[test]
fn manifests() {
    let text = r#"{"name": "b", "version": "1.0.0", "private": true, "workspaces": {"packages": ["p/*", "!p/x"]},
      "dependencies": {"a": "workspace:^1.2.0", "c": "npm:@s/c@^1", "d": "file:../d"},
      "devDependencies": {"e": "*"}, "peerDependencies": {"a": "^1.0.0"}}"#;
    for text in [text.to_owned(), format!("{BOM}{text}")] {
        let found = manifest(&Format::PackageJson, &text).expect("valid");
        assert_eq!(found.name.as_deref(), Some("b"));
        assert_eq!(found.members, ["p/*", "!p/x"]);
        assert!(!found.publish && !found.elsewhere);
        let version = found.version.as_ref().expect("it has one");
        assert_eq!(text[version.range.clone()], version.value);
        let names: Vec<_> = found.dependencies.iter().map(|d| (d.name.as_str(), d.kind)).collect();
        use DependencyKind::*;
        assert_eq!(names, [("a", Normal), ("@s/c", Normal), ("d", Normal), ("e", Dev), ("a", Peer)]);
        assert_eq!(found.dependencies[2].path.as_deref(), Some("../d"));
        for dependency in &found.dependencies {
            let spot = dependency.requirement.as_ref().expect("each has one");
            assert_eq!(text[spot.range.clone()], spot.value);
        }
    }
    let text = "[workspace]\nmembers = [\"crates/*\"]\nexclude = ['crates/x']\n[workspace.package]\nversion = \"1.0.0\"\n[workspace.dependencies]\na = { path = \"crates/a\", version = \"1.0\" }\n[package]\nname = \"r\"\nversion.workspace = true\npublish = false\n[dependencies]\na.workspace = true\nz = { package = \"b\", path = \"b\", version = '=1.2.3' }\n[target.'cfg(unix)'.dev-dependencies]\nc = \"1\"\n";
    let found = manifest(&Format::CargoToml, text).expect("valid");
    assert_eq!((found.members.len(), found.exclude.len(), found.publish), (1, 1, false));
    let shown: Vec<_> = found
        .dependencies
        .iter()
        .map(|d| {
            let value = d.requirement.as_ref().map_or("-", |s| &text[s.range.clone()]);
            (d.name.as_str(), d.kind, value, d.path.as_deref(), d.inherited)
        })
        .collect();
    use DependencyKind::*;
    assert_eq!(
        shown,
        [
            ("a", Normal, "-", None, true),
            ("b", Normal, "=1.2.3", Some("b"), false),
            ("c", Dev, "1", None, false),
            ("a", Workspace, "1.0", Some("crates/a"), false),
        ]
    );
    let text = "[project]\nname = \"p\"\ndynamic = ['version']\ndependencies = [\"A.b[x,y] >=1.0,<2; python_version < '4'\", \"c\", \"d @ file:../d\", \"e (==1.2)\"]\nclassifiers = ['Private :: Do Not Upload']\n[project.optional-dependencies]\nt = ['f~=1.0']\n[dependency-groups]\ndev = [{include-group = 'x'}, 'g']\n[tool.uv.sources]\na-b = { path = '../ab' }\n[tool.uv.workspace]\nmembers = ['packages/*']\n[tool.poetry.dependencies]\npython = '^3'\nh = { version = '^1.0', path = '../h' }\n";
    let found = manifest(&Format::Pyproject, text).expect("valid");
    assert!(found.elsewhere && !found.publish);
    assert_eq!(found.members, ["packages/*"]);
    let shown: Vec<_> = found
        .dependencies
        .iter()
        .map(|d| {
            let value = d.requirement.as_ref().map_or("-", |s| &text[s.range.clone()]);
            (d.name.as_str(), d.kind, value, d.path.as_deref())
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("A.b", Normal, ">=1.0,<2", Some("../ab")),
            ("c", Normal, "-", None),
            ("d", Normal, "-", Some("../d")),
            ("e", Normal, "==1.2", None),
            ("f", Optional, "~=1.0", None),
            ("g", Dev, "-", None),
            ("h", Normal, "^1.0", Some("../h")),
        ]
    );
    assert!(manifest(&Format::PomXml, "<project/>").is_err());
}
