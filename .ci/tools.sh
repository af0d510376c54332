#!/usr/bin/env bash
# Installs what tests run against, into the target folder; nothing of the machine is changed:
# - emulate: a node and the emulator of GitHub's and Slack's APIs, from the npm registry;
# - grpc: a real server of gRPC's health protocol for python3, from PyPI;
# - aiosmtpd: a real SMTP server for python3, from PyPI;
# - prometheus and nginx: Debian's packages, unpacked.
# What cannot be installed here is said and left out; the tests that need it are skipped, and fail in CI.
set -euo pipefail
cd "$(dirname "$0")/.."

emulate=0.12.2
node=24.21.0
grpcio=1.76.0
aiosmtpd=1.4.6
target="${CARGO_TARGET_DIR:-target}"
mkdir -p "$target/tools"
tools="$(cd "$target/tools" && pwd)"

# installed NAME VERSION: whether it is there already; otherwise its folder is made anew.
installed() {
    [ "$(cat "$tools/$1/installed" 2>/dev/null)" = "$2" ] && return 0
    rm -rf "${tools:?}/$1"
    mkdir -p "$tools/$1"
    return 1
}

# deb PACKAGE FOLDER: unpacks a package of Debian.
deb() {
    (
        cd "$2" || exit 1
        apt-get download -qq "$1" 2>/dev/null || { apt-get update -qq >&2 && apt-get download -qq "$1" >&2; } || exit 1
        dpkg -x ./"$1"_*.deb . && rm ./"$1"_*.deb
    )
}

emulate() {
    installed emulate "$emulate $node" && return
    # The emulator needs node 22 or newer; `node` on npm is that, for this machine.
    (cd "$tools/emulate" && echo '{"private": true}' >package.json && npm install --silent --no-audit --no-fund --save-exact "emulate@$emulate" "node@$node" >&2) || return 1
    echo "$emulate $node" >"$tools/emulate/installed"
}

# pypi NAME VERSION PACKAGE…: installs packages of PyPI into a folder of their own, for this python3.
pypi() {
    local name="$1" version
    version="$2 $(python3 -c 'import sys; print(*sys.version_info[:2])')"
    shift 2
    installed "$name" "$version" && return
    local pip=(python3 -m pip)
    if ! "${pip[@]}" --version >/dev/null 2>&1; then
        # A python without pip: Debian has it as a wheel, which runs as it is.
        deb python3-pip-whl "$tools/$name" || return 1
        pip=(python3 "$(echo "$tools/$name"/usr/share/python-wheels/pip-*.whl)/pip")
    fi
    "${pip[@]}" install --quiet --disable-pip-version-check --no-warn-script-location --root-user-action=ignore \
        --target "$tools/$name/lib" "$@" >&2 || return 1
    echo "$version" >"$tools/$name/installed"
}

grpc() {
    pypi grpc "$grpcio" "grpcio==$grpcio" "grpcio-health-checking==$grpcio"
}

aiosmtpd() {
    pypi aiosmtpd "$aiosmtpd" "aiosmtpd==$aiosmtpd"
}

prometheus() {
    installed prometheus debian && return
    deb prometheus "$tools/prometheus" || return 1
    "$tools/prometheus/usr/bin/prometheus" --version >/dev/null || return 1
    echo debian >"$tools/prometheus/installed"
}

nginx() {
    installed nginx debian && return
    deb nginx "$tools/nginx" || return 1
    "$tools/nginx/usr/sbin/nginx" -v 2>/dev/null || return 1
    echo debian >"$tools/nginx/installed"
}

need() {
    local program="$1" what="$2"
    if ! command -v "$program" >/dev/null; then
        echo "no $program here: $what is left out" >&2
    elif ! "$what"; then
        echo "$what could not be installed" >&2
        rm -rf "${tools:?}/$what"
        [ -z "${CI:-}" ] || exit 1
    fi
}

need npm emulate
need python3 grpc
need python3 aiosmtpd
need apt-get prometheus
need apt-get nginx
echo "$tools"
