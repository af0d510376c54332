//! The examples of `docs/`: each configuration loads, each workflow and pipeline passes the linters, and what needs no outside
//! runs as it is written.

use std::fs;
use std::path::Path;

use super::{PARTS, PROGRAM, ROOT, Sample, github, gitlab, lint, tools};

/// A page's configuration and its examples for GitHub and GitLab.
fn examples(part: &str) -> [String; 3] {
    let page = fs::read_to_string(Path::new(ROOT).join(format!("docs/{part}.md"))).expect("there is a page");
    let blocks: Vec<String> = page
        .split("```yaml\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap_or_default().to_owned())
        .collect();
    blocks.try_into().unwrap_or_else(|blocks: Vec<String>| panic!("{part} has {} examples", blocks.len()))
}

/// What the examples find: a program that tests, one that says whether a deployment answers, and digests of a file.
const FOUND: &str = r#"
printf '#!/bin/sh\nprintf "<testsuite name=\\"t\\" tests=\\"1\\"><testcase name=\\"a\\" classname=\\"b\\"/></testsuite>" >report.xml\n' >test.sh
printf '#!/bin/sh\nexit 0\n' >answers.sh
chmod +x test.sh answers.sh
printf '*.env\n/report.xml\n/.release-steps/\n' >>.gitignore
echo archive >shop.tar && sha256sum shop.tar >SHA256SUMS
git add -A && git commit -qm 'feat: more'"#;

/// Steps whose examples ask a server that is not here; they are read by the linters, and their configuration is read.
const OUTSIDE: [&str; 2] = ["verify", "build"];

/// A sample with the page's configuration, and with one of its examples as a file.
fn sample(part: &str, file: &str, example: usize) -> Option<Sample> {
    let examples = examples(part);
    let sample = Sample::new(tools()?, FOUND);
    sample.write("repo/release-steps.yml", &examples[0]);
    sample.write(&format!("repo/{file}"), &examples[example]);
    sample.bash("git add -A && git commit -qm 'ci: example' && git push -q origin main").passes();
    sample.bash(&format!("{PROGRAM} version next")).passes();
    Some(sample)
}

#[test]
fn the_examples_for_github() {
    for part in PARTS {
        let Some(sample) = sample(part, ".github/workflows/example.yml", 1) else { return };
        lint::workflow(&sample.tools, &[sample.repo().join(".github/workflows/example.yml")]);
        if !OUTSIDE.contains(&part) {
            let ran = github::act_local(&sample, "example.yml");
            assert!(ran.ok && ran.log.contains("Run Main"), "{part}:\n{}", ran.log);
        }
    }
}

#[test]
fn the_examples_for_gitlab() {
    for part in PARTS {
        let Some(sample) = sample(part, ".gitlab-ci.yml", 2) else { return };
        lint::gitlab(&sample.tools, &[sample.repo().join(".gitlab-ci.yml")]);
        if !OUTSIDE.contains(&part) {
            gitlab::at(&sample, "https://gitlab.com");
            let ran = gitlab::pipeline(&sample, &["--variable", "RELEASE_STEPS_VERSION=local"]);
            assert!(ran.ok && ran.log.contains("PASS"), "{part}:\n{}", ran.log);
        }
    }
}
