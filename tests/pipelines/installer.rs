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
             archive=release-steps-$target.tar
             tar -cf \"$TOP/mirror/v1.0.0/$archive\" -C \"$(dirname {PROGRAM})\" release-steps
             gzip -1 \"$TOP/mirror/v1.0.0/$archive\"
             echo other >\"$TOP/mirror/v1.0.1/$archive.gz\"
             sum=$(sha256sum <\"$TOP/mirror/v1.0.0/$archive.gz\")
             for version in 1.0.0 1.0.1; do echo \"$version $archive.gz ${{sum%% *}}\"; done >\"$TOP/table\""
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
    installing(sample, version, mirror, "false", &|_| {})
}

fn installing(
    sample: &Sample,
    version: &str,
    mirror: &str,
    attestation: &str,
    also: &dyn Fn(&mut std::process::Command),
) -> Ran {
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
    also(&mut command);
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
    installing(&sample, "1.0.0", "mirror", "true", &|_| {}).fails().says("does not hold");
}

/// Where zstd is, its archive is taken; the mirror has no other then.
#[test]
fn the_smaller_archive_is_taken_where_it_can_be_unpacked() {
    let Some(sample) = prepared() else { return };
    let says = format!("release-steps {}", env!("CARGO_PKG_VERSION"));
    sample
        .bash(&format!(
            "cd \"$TOP/mirror/v1.0.0\"
             archive=release-steps-$(uname -m)-unknown-linux-musl.tar
             tar -cf \"$archive\" -C \"$(dirname {PROGRAM})\" release-steps && zstd --rm --quiet -1 \"$archive\"
             sum=$(sha256sum <\"$archive.zst\") && echo \"1.0.0 $archive.zst ${{sum%% *}}\" >>\"$TOP/table\"
             mkdir \"$TOP/only-zst\" && mkdir \"$TOP/only-zst/v1.0.0\" && mv \"$archive.zst\" \"$TOP/only-zst/v1.0.0\""
        ))
        .passes();
    install(&sample, "1.0.0", "only-zst").passes().says(&says);
    sample.bash("rm -r \"$TOP/cache\"").passes();
    install(&sample, "1.0.0", "mirror").fails().says(".tar.zst cannot be fetched");
    // Without zstd: every program but that one is found.
    sample
        .bash("mkdir -p \"$TOP/few\" && for program in sh awk uniq tr uname mktemp sha256sum cp curl mkdir mv rm tar gzip; do ln -s \"$(command -v $program)\" \"$TOP/few/$program\"; done")
        .passes();
    let few = sample.dir.path().join("few");
    let path = |command: &mut std::process::Command| {
        command.env("PATH", &few);
    };
    installing(&sample, "1.0.0", "mirror", "false", &path).passes().says(&says);
    sample.bash("test -f \"$TOP\"/cache/release-steps/1.0.0/*.tar.gz").passes();
}

#[test]
fn local_needs_a_program() {
    let Some(sample) = prepared() else { return };
    install(&sample, "local", "mirror").fails().says("names no sources to build");
}
