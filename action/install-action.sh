#!/bin/sh
# Installs for the action: the path becomes the output `binary`, and with RELEASE_STEPS_ON_PATH the program is found by name.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
RELEASE_STEPS_SOURCE=$(dirname "$here")
RELEASE_STEPS_SHA256SUMS=$(cat "$here/sha256sums")
# shellcheck source=action/install.sh
. "$here/install.sh"
binary=$(release_steps_install)
# An output of one line: nothing that would be a second one.
case $binary in *"
"*) echo "release-steps: the program's path has a line break" >&2 && exit 2 ;; esac
printf 'binary=%s\n' "$binary" >>"$GITHUB_OUTPUT"
if [ "${RELEASE_STEPS_ON_PATH:-}" = true ]; then dirname "$binary" >>"$GITHUB_PATH"; fi
