#!/usr/bin/env bash
# Every check and test. Needs Rust, a C compiler and git; what else is at hand (npm, python3, mvn, …) is used by the tests
# that compare with real tools. HISTORIES names a folder of real histories to replay, where there is one.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

# Its own tools, in the target folder: nothing of the machine is changed.
tools="$PWD/${CARGO_TARGET_DIR:-target}/tools"
case "${CARGO_TARGET_DIR:-}" in /*) tools="$CARGO_TARGET_DIR/tools" ;; esac
export PATH="$tools/bin:$PATH"

say "format"
cargo fmt --check

say "lints"
cargo clippy --locked --all-targets -- -D warnings

say "tests"
# Servers that tests run against, and what runs pipelines: without them these tests are skipped, in CI they fail.
.ci/tools.sh
.ci/pipeline-tools.sh || [ -z "${CI:-}" ]
cargo test --locked

say "dependencies: licences, sources, advisories"
deny=0.20.2
if ! cargo deny --version 2>/dev/null | grep -qx "cargo-deny $deny"; then
    cargo install --quiet --locked --root "$tools" --version "$deny" cargo-deny
fi
cargo deny --locked check --hide-inclusion-graph licenses bans sources
if timeout 20 git ls-remote --quiet --exit-code https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then
    cargo deny --locked check advisories
else
    echo "the advisory database cannot be reached from here: not checked"
fi

say "all passed"
