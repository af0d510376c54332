//! The container: built from the Containerfile with buildah, and run from its own root folder.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{ROOT, Ran, run, tools};

/// buildah as the tools have it, with a store of its own.
fn buildah(tools: &Path, store: &Path, arguments: &[&str]) -> Ran {
    let own = tools.join("buildah");
    let libraries = [
        "usr/lib/x86_64-linux-gnu",
        "usr/lib/aarch64-linux-gnu",
        "lib/x86_64-linux-gnu",
        "lib/aarch64-linux-gnu",
    ]
    .map(|folder| own.join(folder));
    let mut command = Command::new(own.join("usr/bin/buildah"));
    command
        .env("LD_LIBRARY_PATH", std::env::join_paths(libraries).expect("a path"))
        .args(["--storage-driver", "vfs", "--root"])
        .arg(store.join("root"))
        .arg("--runroot")
        .arg(store.join("run"))
        .args(arguments);
    run(command)
}

#[test]
fn the_container_runs() {
    let Some(tools) = tools() else { return };
    let mut build = Command::new("bash");
    build.arg(Path::new(ROOT).join(".ci/static.sh"));
    let binary = run(build).passes().log;
    let binary = binary.lines().rfind(|line| line.starts_with('/')).expect("the path of the binary");
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name).display().to_string();
    fs::create_dir(dir.path().join("context")).expect("a folder");
    fs::copy(binary, dir.path().join("context/release-steps")).expect("it was built");
    fs::copy("/etc/ssl/certs/ca-certificates.crt", dir.path().join("context/ca-certificates.crt"))
        .expect("this machine trusts somebody");
    fs::write(dir.path().join("policy.json"), r#"{"default": [{"type": "insecureAcceptAnything"}]}"#)
        .expect("written");
    let containerfile = Path::new(ROOT).join("Containerfile").display().to_string();
    let policy = at("policy.json");
    buildah(
        &tools,
        dir.path(),
        &[
            "build",
            "--isolation",
            "chroot",
            "--signature-policy",
            &policy,
            "--tag",
            "release-steps",
            "--file",
            &containerfile,
            &at("context"),
        ],
    )
    .passes();
    let container =
        buildah(&tools, dir.path(), &["from", "--signature-policy", &policy, "localhost/release-steps"])
            .passes()
            .log;
    let root = buildah(&tools, dir.path(), &["mount", container.trim()]).passes().log;
    let mut files = Command::new("find");
    files.arg(root.trim()).args(["-type", "f", "-printf", "%P\n"]);
    let mut files: Vec<String> = run(files).passes().log.lines().map(str::to_owned).collect();
    files.sort();
    assert_eq!(files, ["etc/ssl/certs/ca-certificates.crt", "usr/bin/release-steps"]);
    let inside = |arguments: &[&str]| {
        let mut command = Command::new("chroot");
        command.args(["--userspec=65532:65532", root.trim(), "/usr/bin/release-steps"]).args(arguments);
        run(command)
    };
    inside(&["--version"]).passes().says(&format!("release-steps {}", env!("CARGO_PKG_VERSION")));
    // What it is for works with nothing else there: no git, no shell, no repository.
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("its address").to_string();
    inside(&["smoke", "--tcp", &address, "--within", "10s"]).passes();
    drop(server);
    inside(&["smoke", "--tcp", &address, "--within", "1s", "--once"]).fails();
    buildah(&tools, dir.path(), &["umount", container.trim()]).passes();
}
