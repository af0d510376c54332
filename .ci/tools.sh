#!/usr/bin/env bash
# Installs what the tests of the forges run against: a node and the emulator of GitHub's API, both from the npm registry,
# into the target folder. Nothing of the machine is changed. Prints the folder.
set -euo pipefail
cd "$(dirname "$0")/.."

emulate=0.12.2
node=24.21.0
target="${CARGO_TARGET_DIR:-target}"
tools="$target/tools/emulate"
if [ "$(cat "$tools/installed" 2>/dev/null)" != "$emulate $node" ]; then
    rm -rf "$tools"
    mkdir -p "$tools"
    # The emulator needs node 22 or newer; `node` on npm is that, for this machine.
    (cd "$tools" && echo '{"private": true}' >package.json && npm install --silent --no-audit --no-fund --save-exact "emulate@$emulate" "node@$node" >&2)
    echo "$emulate $node" >"$tools/installed"
fi
echo "$tools"
