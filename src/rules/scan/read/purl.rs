//! Package URLs (<https://github.com/package-url/purl-spec>), so that scanners agree on what a package is.

use super::name;
use super::place::decode;

/// A package without volatile parts, and its version.
pub type Package = (Box<str>, Option<Box<str>>);

/// Takes a package URL apart; none when it is none.
pub fn parse(purl: &str) -> Option<Package> {
    let rest = purl.trim().strip_prefix("pkg:")?.trim_start_matches('/');
    let rest = rest.split('#').next()?.split('?').next()?;
    let (path, version) = match rest.rsplit_once('@') {
        Some((path, version)) if !version.contains('/') && !path.is_empty() && !path.ends_with('/') => {
            (path, Some(version))
        }
        _ => (rest, None),
    };
    let (kind, path) = path.split_once('/')?;
    let version = version.map(decode);
    build(kind, &decode(path), version.as_deref())
}

/// A package of an ecosystem as scanners name it, with the name as that ecosystem writes it.
pub fn make(ecosystem: &str, package: &str, version: &str) -> Option<Package> {
    let ecosystem = ecosystem.trim().to_ascii_lowercase();
    let distribution = ecosystem.split(':').next().unwrap_or_default();
    let known = match distribution {
        "npm" | "yarn" | "pnpm" | "node-pkg" | "javascript" | "node" | "bun" => "npm",
        "pypi" | "pip" | "pipenv" | "poetry" | "uv" | "python" | "python-pkg" | "pip_requirements" => "pypi",
        "crates.io" | "cargo" | "rust" | "rustbinary" | "rust-crate" | "rust-binary" => "cargo",
        "go" | "golang" | "gomod" | "gomodules" | "gobinary" | "golangdep" | "govendor" | "go-module" => {
            "golang"
        }
        "maven" | "gradle" | "jar" | "pom" | "java" | "java-archive" | "gradle-lockfile" | "sbt" => "maven",
        "nuget" | "dotnet" | "dotnet-core" | "packages-props" | "paket" => "nuget",
        "packagist" | "composer" | "php" | "php-composer" => "composer",
        "rubygems" | "gem" | "bundler" | "gemspec" | "ruby" => "gem",
        "hex" | "mix" | "erlang" => "hex",
        "pub" | "dart" => "pub",
        "conancenter" | "conan" => "conan",
        "cocoapods" | "pod" => "cocoapods",
        "swifturl" | "swift" => "swift",
        "github actions" | "github-action" | "actions" => "githubactions",
        "alpine" | "wolfi" | "chainguard" => "apk",
        "debian" | "ubuntu" => "deb",
        "red hat" | "redhat" | "rocky linux" | "rocky" | "almalinux" | "alma" | "centos" | "amazon"
        | "oracle" | "suse" | "opensuse" | "photon" | "fedora" | "azurelinux" | "mariner" => "rpm",
        "" => "generic",
        other => other,
    };
    let package = package.trim();
    let path = match known {
        "maven" => package.replacen(':', "/", 1),
        "apk" | "deb" | "rpm" if !package.contains('/') && distribution != known => {
            format!("{}/{package}", distribution.replace(' ', ""))
        }
        _ => package.to_owned(),
    };
    build(known, &path, Some(version))
}

/// The ecosystem that a lockfile or manifest belongs to; empty when nobody knows.
pub fn ecosystem_of(file: &str) -> &'static str {
    match file.rsplit('/').next().unwrap_or_default() {
        "package-lock.json"
        | "npm-shrinkwrap.json"
        | "yarn.lock"
        | "pnpm-lock.yaml"
        | "package.json"
        | "bun.lock" => "npm",
        "Cargo.lock" | "Cargo.toml" => "cargo",
        "go.sum" | "go.mod" => "golang",
        "pom.xml" | "gradle.lockfile" | "build.gradle" | "build.gradle.kts" | "maven.graph.json" => "maven",
        "composer.lock" => "composer",
        "Gemfile.lock" => "gem",
        "packages.lock.json" => "nuget",
        "poetry.lock" | "uv.lock" | "Pipfile.lock" | "setup.py" | "pyproject.toml" | "pdm.lock" => "pypi",
        name if name.starts_with("requirements") => "pypi",
        name if name.ends_with(".csproj") => "nuget",
        "mix.lock" => "hex",
        "pubspec.lock" => "pub",
        "conan.lock" => "conan",
        _ => "",
    }
}

fn build(kind: &str, path: &str, version: Option<&str>) -> Option<Package> {
    let kind = kind.trim().to_ascii_lowercase();
    let mut path = path.trim_matches('/').to_owned();
    match kind.as_str() {
        // <https://packaging.python.org/en/latest/specifications/name-normalization/>
        "pypi" => path = path.to_ascii_lowercase().replace(['_', '.'], "-"),
        "golang" | "composer" | "deb" | "apk" | "hex" | "githubactions" | "github" => {
            path.make_ascii_lowercase();
        }
        _ => {}
    }
    if path.is_empty() || kind.is_empty() {
        return None;
    }
    let path = path.replace('@', "%40");
    let mut version = version.map(str::trim).filter(|v| !v.is_empty());
    if kind == "golang" {
        // The same version with and without the `v` that tags have.
        version = version.map(|v| v.strip_prefix('v').unwrap_or(v));
    }
    Some((name(&format!("pkg:{kind}/{path}")), version.map(name)))
}
