//! The installer by itself: what it takes, and what it refuses.

use std::fs;

use super::{PROGRAM, ROOT, Ran, Sample, run, tools};

/// A mirror with an archive, and the table that knows it as version 1.0.0; 1.0.1 has another digest.
fn prepared() -> Option<Sample> {
    let sample = Sample::new(tools()?, "");
    sample
        .bash(&format!(
            "mkdir -p \"$TOP/mirror/v1.0.0\" \"$TOP/mirror/v1.0.1\" \"$TOP/temp\"
             target=$(uname -m)-unknown-linux-musl
             tar -czf \"$TOP/mirror/v1.0.0/release-steps-$target.tar.gz\" -C \"$(dirname {PROGRAM})\" release-steps
             echo other >\"$TOP/mirror/v1.0.1/release-steps-$target.tar.gz\"
             sum=$(sha256sum <\"$TOP/mirror/v1.0.0/release-steps-$target.tar.gz\")
             for version in 1.0.0 1.0.1; do echo \"$version $target ${{sum%% *}}\"; done >\"$TOP/table\""
        ))
        .passes();
    Some(sample)
}

/// Installs as a new job does.
fn install(sample: &Sample, version: &str, mirror: &str) -> Ran {
    sample.bash("rm -r \"$TOP/temp\" && mkdir \"$TOP/temp\"").passes();
    install_again(sample, version, mirror)
}

/// Installs as a later step of the same job does.
fn install_again(sample: &Sample, version: &str, mirror: &str) -> Ran {
    installing(sample, version, mirror, "false")
}

fn installing(sample: &Sample, version: &str, mirror: &str, attestation: &str) -> Ran {
    let top = sample.dir.path();
    let mut command = sample.command("sh");
    command
        .args([
            "-c",
            &format!("PATH=$HOME/bin:$PATH; . {ROOT}/action/install.sh; binary=$(release_steps_install) && \"$binary\" --version"),
        ])
        .env("RELEASE_STEPS_VERSION", version)
        .env("RELEASE_STEPS_ATTESTATION", attestation)
        .env("RELEASE_STEPS_SHA256SUMS", fs::read_to_string(top.join("table")).expect("there is a table"))
        .env("RELEASE_STEPS_MIRROR", format!("file://{}/{mirror}", top.display()))
        .env("RUNNER_TOOL_CACHE", top.join("cache"))
        .env("RUNNER_TEMP", top.join("temp"));
    run(command)
}

#[test]
fn only_what_the_table_knows_is_installed() {
    let Some(sample) = prepared() else { return };
    let says = format!("release-steps {}", env!("CARGO_PKG_VERSION"));
    install(&sample, "v1.0.0", "mirror").passes().says(&says);
    // Now it is in the cache, and needs no mirror; but what is in the cache is checked again.
    install(&sample, "1.0.0", "gone").passes().says(&says);
    sample
        .bash("for file in \"$TOP\"/cache/release-steps/1.0.0/*; do echo planted >\"$file\"; done")
        .passes();
    install(&sample, "1.0.0", "gone").fails().says("cannot be fetched");
    install(&sample, "1.0.0", "mirror").passes().says(&says);
    // Another content, another version, none at all, and what would leave the folder.
    install(&sample, "1.0.1", "mirror").fails().says("and should have").says("it is not used");
    install(&sample, "2.0.0", "mirror").fails().says("no digest is known here for version 2.0.0");
    install(&sample, "../1.0.0", "mirror").fails().says("no digest is known here");
    // The last one of the table, when none is named.
    install(&sample, "", "mirror").fails().says("v1.0.1/");
}

#[test]
fn a_job_unpacks_once() {
    let Some(sample) = prepared() else { return };
    let says = format!("release-steps {}", env!("CARGO_PKG_VERSION"));
    install(&sample, "1.0.0", "mirror").passes().says(&says);
    sample.bash("rm -r \"$TOP/cache\"").passes();
    install_again(&sample, "1.0.0", "gone").passes().says(&says);
    // Not where an attestation is asked for that nobody looked at.
    sample.bash("mkdir -p \"$TOP/home/bin\" && printf '#!/bin/sh\\nexit 1\\n' >\"$TOP/home/bin/gh\" && chmod +x \"$TOP/home/bin/gh\"").passes();
    installing(&sample, "1.0.0", "mirror", "true").fails().says("does not hold");
}

#[test]
fn local_needs_a_program() {
    let Some(sample) = prepared() else { return };
    install(&sample, "local", "mirror").fails().says("names no sources to build");
}
