#!/bin/sh
# Puts the release-steps binary at hand and prints its path. The one installer of the actions and of the GitLab templates,
# which hold this text.
#
#   RELEASE_STEPS_VERSION      a version of the table [default: its last], or `local`
#   RELEASE_STEPS_LOCAL        with `local`, a binary that is there; otherwise the sources at RELEASE_STEPS_SOURCE are built
#   RELEASE_STEPS_ATTESTATION  `true` has `gh` check that the archive was built by this project's release workflow
#   RELEASE_STEPS_MIRROR       an address that has the archives under VERSION/; they are held against the same table
#   RELEASE_STEPS_SHA256SUMS   the table itself: lines of version, archive and SHA-256 [default: the file beside this one]
#   RUNNER_TOOL_CACHE, RELEASE_STEPS_CACHE   a folder that keeps archives between jobs; each is checked again when used
#   RUNNER_TEMP                the job's own folder: what one step unpacked there is there for the next
release_steps_install() (
    set -eu
    fail() {
        printf 'release-steps: %s\n' "$1" >&2
        exit 3
    }
    version=${RELEASE_STEPS_VERSION:-}
    if [ "$version" = local ]; then
        binary=${RELEASE_STEPS_LOCAL:-}
        if [ -z "$binary" ]; then
            (cd "${RELEASE_STEPS_SOURCE:?names no sources to build}" && cargo build --release --locked >&2)
            binary=$RELEASE_STEPS_SOURCE/target/release/release-steps
        fi
        [ -x "$binary" ] || fail "there is no program at $binary"
        printf '%s\n' "$binary"
        exit 0
    fi

    program=release-steps
    case "$(uname -s)" in
        Linux) system=unknown-linux-musl ;;
        Darwin) system=apple-darwin ;;
        MINGW* | MSYS* | CYGWIN*) system=pc-windows-msvc program=release-steps.exe ;;
        *) fail "there is no binary for $(uname -s): build it with cargo" ;;
    esac
    case "$(uname -m)" in
        x86_64 | amd64) target=x86_64-$system ;;
        aarch64 | arm64) target=aarch64-$system ;;
        *) fail "there is no binary for $(uname -m): build it with cargo" ;;
    esac

    version=${version#v}
    table=$(printf '%s\n' "$RELEASE_STEPS_SHA256SUMS" | awk 'NF == 3 && $1 !~ /^#/')
    known=$(printf '%s\n' "$table" | awk '{ print $1 }' | uniq | tr '\n' ' ')
    if [ -z "$version" ]; then version=$(printf '%s\n' "$table" | awk 'END { print $1 }'); fi
    # As zstd packs it, it is smaller by a fifth and there as fast; not every image has zstd.
    for packing in zst gz; do
        archive=release-steps-$target.tar.$packing
        digest=$(printf '%s\n' "$table" | awk -v version="$version" -v name="$archive" '$1 == version && $2 == name { print $3 }')
        if [ -n "$digest" ] && { [ "$packing" = gz ] || command -v zstd >/dev/null; }; then break; fi
    done
    [ -n "$digest" ] || fail "no digest is known here for version ${version:-(none)} on $target; known: ${known:-none}"

    # The folder is made whole elsewhere and then named so, after every check that is asked for: what has the name was checked.
    ready=${RUNNER_TEMP:+$RUNNER_TEMP/release-steps-$digest${RELEASE_STEPS_ATTESTATION:+-$RELEASE_STEPS_ATTESTATION}}
    if [ -n "$ready" ] && [ -x "$ready/$program" ]; then
        printf '%s\n' "$ready/$program"
        exit 0
    fi
    folder=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/release-steps.XXXXXX")
    cache=${RELEASE_STEPS_CACHE:-${RUNNER_TOOL_CACHE:-}}
    kept=${cache:+$cache/release-steps/$version/$archive}
    holds() {
        if command -v sha256sum >/dev/null; then sum=$(sha256sum <"$1"); else sum=$(shasum -a 256 <"$1"); fi
        [ "${sum%% *}" = "$digest" ]
    }
    if [ -n "$kept" ] && [ -f "$kept" ] && holds "$kept"; then
        cp "$kept" "$folder/$archive"
    else
        from=${RELEASE_STEPS_MIRROR:-https://github.com/release-steps/release-steps/releases/download}
        curl --fail --silent --show-error --location --retry 3 --output "$folder/$archive" "$from/v$version/$archive" ||
            fail "$from/v$version/$archive cannot be fetched"
        holds "$folder/$archive" ||
            fail "$from/v$version/$archive has SHA-256 ${sum%% *}, and should have $digest: it is not used"
        # A cache that cannot be written is no reason to fail.
        if [ -n "$kept" ]; then
            { mkdir -p "${kept%/*}" && cp "$folder/$archive" "$kept.$$" && mv "$kept.$$" "$kept"; } 2>/dev/null || true
        fi
    fi
    if [ "${RELEASE_STEPS_ATTESTATION:-}" = true ]; then
        gh attestation verify "$folder/$archive" --repo release-steps/release-steps >&2 ||
            fail "the attestation of $archive $version does not hold"
    fi
    case "$packing" in
        zst) zstd --decompress --quiet --stdout "$folder/$archive" | tar -xf - -C "$folder" "$program" ;;
        gz) tar -xzf "$folder/$archive" -C "$folder" "$program" ;;
    esac
    rm "$folder/$archive"
    if [ -n "$ready" ] && [ ! -e "$ready" ] && mv "$folder" "$ready" 2>/dev/null; then folder=$ready; fi
    printf '%s\n' "$folder/$program"
)
