# Helpers for the repo.sh of a case, which runs in an empty folder with `set -euo pipefail`.
# Every commit and tag is made one minute after the one before, from 2026-01-01 00:00 UTC on: their ids are the same everywhere.

tick() {
  local clock=1767225600
  if [ -e "$ROOT/.clock" ]; then clock=$(<"$ROOT/.clock"); fi
  clock=$((clock + 60))
  echo "$clock" >"$ROOT/.clock"
  export GIT_AUTHOR_DATE="$clock +0000" GIT_COMMITTER_DATE="$clock +0000"
}

git() {
  case "$1" in commit | merge | tag | revert | cherry-pick | commit-tree) tick ;; esac
  command git "$@"
}

# init: an empty repository on main. Called for every case before its repo.sh.
init() {
  command git init -q -b main --template=
}

# commit MESSAGE [FILE...]: commits everything; each FILE gets a line, so that the commit touches it.
commit() {
  local message=$1 file
  shift
  for file in "$@"; do
    mkdir -p "$(dirname "$file")"
    echo "$message" | head -n 1 >>"$file"
  done
  command git add -A
  git commit -q --allow-empty --cleanup=verbatim -m "$message"
}

# tag NAME [COMMIT]: an annotated tag.
tag() {
  git tag -a -m "$1" "$@"
}

# origin: makes the bare ../origin.git, pushes all branches and tags there and follows them.
origin() {
  command git init -q --bare -b main --template= "$ROOT/origin.git"
  command git remote add origin ../origin.git
  command git push -q origin --all
  command git push -q origin --tags
  command git fetch -q origin
}

# reclone [OPTION...]: the work continues in a fresh clone of the origin, made with the options, such as --depth 1.
reclone() {
  cd "$ROOT"
  rm -rf repo
  command git clone -q --template= "$@" "file://$ROOT/origin.git" repo
  cd repo
  command git remote set-url origin ../origin.git
}

# elsewhere MESSAGE [FILE...]: somebody else commits to the origin's main.
elsewhere() {
  command git clone -q "$ROOT/origin.git" "$ROOT/other"
  (cd "$ROOT/other" && commit "$@" && command git push -q origin HEAD:main)
  rm -rf "$ROOT/other"
}

# hook NAME: installs standard input as a hook of the origin.
hook() {
  mkdir -p "$ROOT/origin.git/hooks"
  cat >"$ROOT/origin.git/hooks/$1"
  chmod +x "$ROOT/origin.git/hooks/$1"
}

# npm NAME VERSION [FOLDER]: a package.json.
npm() {
  local folder=${3:-.}
  mkdir -p "$folder"
  printf '{\n  "name": "%s",\n  "version": "%s"\n}\n' "$1" "$2" >"$folder/package.json"
}

# simple: what most cases start with: an npm package at v1.2.3 with a feature and a fix since, and an origin.
simple() {
  npm demo 1.2.3
  commit "feat: first"
  tag v1.2.3
  commit "feat: second" a
  commit "fix: third" b
  origin
}

# report NAME [FILE]: an example report of tests/scan/reports, written an hour before the program runs.
report() {
  local from
  from=$(dirname "${BASH_SOURCE[0]}")/../scan/reports
  mkdir -p "$(dirname "${2:-reports/$1}")"
  cp "$from/$1" "${2:-reports/$1}"
  touch -d 2026-02-03T03:05:06Z "${2:-reports/$1}"
}

# kind NAME [URL]: a repository of a kind of kinds.sh, released as v1.2.3, whose remote says that it is at URL.
kind() {
  . "$(dirname "${BASH_SOURCE[0]}")/kinds.sh"
  "$1"
  commit "feat: first"
  tag v1.2.3
  commit "fix: second" README.md
  origin
  if [ -n "${2:-}" ]; then
    command git remote set-url origin "$2"
  fi
}
