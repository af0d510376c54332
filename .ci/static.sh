#!/usr/bin/env bash
# Builds the program as one static binary and prints its path: for musl, as releases have it, where Rust's target and Debian's
# musl-tools can be had; otherwise with this machine's C library. Nothing of the machine is changed but Rust's list of targets.
# `.ci/static.sh --release` builds it as releases are, with the profile `dist`.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p "${CARGO_TARGET_DIR:-target}/tools"
tools="$(cd "${CARGO_TARGET_DIR:-target}/tools" && pwd)"
folder=debug
profile=() linked=()
if [ "${1:-}" = --release ]; then
    folder=dist
    profile=(--profile dist)
fi
musl="$(uname -m)-unknown-linux-musl"

# The wrapper of Debian's package, for headers and libraries where they are unpacked.
musl_gcc() {
    command -v musl-gcc && return
    local own="$tools/musl"
    if [ ! -x "$own/musl-gcc" ]; then
        rm -rf "$own" && mkdir -p "$own"
        (
            cd "$own" || exit 1
            apt-get download -qq musl-tools musl-dev >&2 2>/dev/null || { apt-get update -qq >&2 && apt-get download -qq musl-tools musl-dev >&2; } || exit 1
            for deb in ./*.deb; do dpkg -x "$deb" . || exit 1; done
            sed "s#/usr/#$own/usr/#g" usr/lib/*-linux-musl/musl-gcc.specs >musl.specs || exit 1
            printf '#!/bin/sh\nexec gcc "$@" -specs "%s/musl.specs"\n' "$own" >musl-gcc
            chmod +x musl-gcc
        ) || return 1
    fi
    echo "$own/musl-gcc"
}

if timeout 300 rustup target add "$musl" >&2 && compiler=$(musl_gcc); then
    target=$musl
    export "CC_${musl//-/_}=$compiler"
    if [ "$folder" = dist ]; then
        # A panic ends the program, so nothing is ever unwound: without the tables for it a tenth is saved. No path of the
        # machine that builds stays inside.
        flags="-C force-unwind-tables=no --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src/= --remap-path-prefix=$PWD/="
        export RUSTFLAGS="${RUSTFLAGS:-} $flags"
        export CFLAGS="${CFLAGS:-} -fno-asynchronous-unwind-tables -fno-unwind-tables"
        # Most of what is relocated at the start is so alike that a list of bits does
        # (https://maskray.me/blog/2021-10-31-relative-relocations-and-relr). A function is copied to where it is called only if
        # that is hardly larger than the call.
        linked=(-C "link-arg=-Wl,-T,$PWD/.ci/no-unwind.ld" -C "link-arg=-Wl,-z,pack-relative-relocs" -C llvm-args=-inline-threshold=10)
    fi
else
    echo "no musl here: the binary is linked with this machine's C library" >&2
    target="$(uname -m)-unknown-linux-gnu"
    export RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static"
fi
cargo rustc --locked --target "$target" --bin release-steps "${profile[@]}" -- "${linked[@]}" >&2
echo "${CARGO_TARGET_DIR:-$PWD/target}/$target/$folder/release-steps"
