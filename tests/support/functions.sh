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

# A package with something to deploy, released as 1.2.3. What deployments of the cases leave behind is ignored.
deployable() {
  printf 'dist\nlive\nbad*\n' > .gitignore
  mkdir dist
  echo one > dist/app
  npm demo 1.2.3
  commit "feat: first"
  tag v1.2.3
  origin
}

# recorded_deployments: the records of a good and of a bad deployment to production, the latter with hostile text.
recorded_deployments() {
  local commit folder=.git/release-steps/record/deployments/production
  commit=$(command git rev-parse HEAD)
  mkdir -p "$folder"
cat >"$folder/20260201T020000.000Z-0123456789abcdef.json" <<RECORD
{"format": 1, "id": "20260201T020000.000Z-0123456789abcdef", "tool": "0.1.0", "step": "deploy", "summary": "deploy 1.2.3 to production",
 "outcome": "done", "who": "ada", "place": "https://ci.example/jobs/7", "started": "2026-02-01T02:00:00Z", "ended": "2026-02-01T02:30:10.200Z",
 "deployment": {"environment": "production", "version": "1.2.3", "previous": "1.2.2", "commit": "$commit", "verifies": true,
  "digests": {"app.tgz": "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"}, "rollback_until": "2026-02-08T02:00:00Z", "objective": 900},
 "findings": [{"answer": "pass", "check": "window", "message": "window: open"}, {"answer": "pass", "check": "verify", "message": "errors: pass: 0.0005 of at most 0.01"}],
 "effects": [{"at": "1.1", "effect": "deploy 1.2.3 to production: run \`npm run deploy\`", "how": "done", "ended": "2026-02-01T02:01:00Z", "ms": 5200}],
 "outputs": {"migration": {"changes": "+1 table (audit_logs), +5 indexes", "duration": "5.2 s"},
  "series": [{"name": "errors", "points": [[0, 0.0004], [30, 0.0005], [60, 0.002]], "max": 0.01, "baseline": 0.0004}]}}
RECORD
cat >"$folder/20260202T020000.000Z-0123456789abcdef.json" <<RECORD
{"format": 1, "id": "20260202T020000.000Z-0123456789abcdef", "tool": "0.1.0", "step": "deploy", "summary": "deploy <script>alert(1)</script> to production",
 "outcome": "rolled-back", "who": "<b>mallory</b> [x](javascript:1)", "started": "2026-02-02T02:00:00Z", "ended": "2026-02-02T02:04:00Z",
 "why": {"kind": "no", "message": "smoke production: 1 of 3 failed; went back to 1.2.3 in 42 s", "hint": "look at the log"},
 "deployment": {"environment": "production", "version": "1.3.0", "previous": "1.2.3", "verifies": true, "objective": 900, "recovery": 42},
 "findings": [{"answer": "fail", "check": "smoke", "message": "status 500, expected 200", "at": "http https://shop.example/<img src=x>"}]}
RECORD
}
