#!/usr/bin/env python3
"""Whole runs of release-steps side by side with git's own, as ratios.

    cargo build --release
    python3 benches/whole.py [--runs 9] [--binary target/release/release-steps] [REPOSITORY]

Without a repository it takes renovate.fi.gz of the folder that HISTORIES names, or else makes a history of the same
size with `git fast-import`: 27,000 commits, 12,000 tags. Each command is run once to warm up and then in turn with the
one that it is compared with, A B A B; what counts is the median of the ratios, pair by pair, of the CPU time (user and
system) that the kernel accounts to the finished process.
"""

import argparse
import gzip
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

COMMITS, TAGS = 27_000, 12_000
TYPES = ["fix", "chore", "feat", "docs", "build", "refactor", "test", "ci", "fix", "chore"]
WORDS = "cache parser registry branch lookup option schedule manager platform release digest update".split()


def synthetic(out):
    """Writes a history as a stream for `git fast-import`: squashed requests, some with a body, one release in two."""

    def say(text):
        out.write(text.encode())

    version, due = [1, 0, 0], 0
    for n in range(1, COMMITS + 1):
        word = [WORDS[(n * k) % len(WORDS)] for k in (1, 5, 7, 11)]
        kind = TYPES[(n * 7) % len(TYPES)]
        message = f"{kind}({word[0]}): {word[1]} the {word[2]} of {word[3]} {n % 97} (#{n})\n"
        if n % 3 == 0:
            message += f"\nThe {word[2]} was read before the {word[3]}, so {word[1]} saw an old one.\n" * (1 + n % 4)
            message += f"\nCo-authored-by: Someone <someone{n % 50}@example.org>\n"
        if n % 900 == 0:
            message += "\nBREAKING CHANGE: the old name is gone\n"
        body, content = message.encode(), f"{n}\n"
        say(f"commit refs/heads/main\nmark :{n}\n")
        say(f"committer Dev{n % 40} <dev{n % 40}@example.org> {1480000000 + n * 10800} +0000\ndata {len(body)}\n")
        out.write(body)
        say(f"\nM 100644 inline src/{word[0]}/{n % 23}.txt\ndata {len(content)}\n{content}\n")
        due += TAGS
        if due >= COMMITS and n <= COMMITS - 10:
            due -= COMMITS
            part = 0 if n % 900 < 3 and n > 900 else 1 if kind == "feat" else 2
            version = [v + 1 if at == part else v if at < part else 0 for at, v in enumerate(version)]
            say(f"reset refs/tags/v{version[0]}.{version[1]}.{version[2]}\nfrom :{n}\n\n")


def make(folder):
    """A repository of real or made-up history; its tags are loose files, as fast-import leaves them."""
    repository = os.path.join(folder, "repository")
    subprocess.run(["git", "init", "-q", "-b", "main", repository], check=True)
    histories = os.environ.get("HISTORIES")
    given = histories and os.path.join(histories, "renovate.fi.gz")
    process = subprocess.Popen(["git", "-C", repository, "fast-import", "--quiet", "--force"], stdin=subprocess.PIPE)
    if given and os.path.exists(given):
        print(f"history: {given}")
        with gzip.open(given) as stream:
            shutil.copyfileobj(stream, process.stdin)
    else:
        print(f"history: made up, {COMMITS} commits, {TAGS} tags")
        synthetic(process.stdin)
    process.stdin.close()
    if process.wait():
        sys.exit("git fast-import failed")
    return repository


def run(command):
    """CPU seconds, wall seconds and peak memory in MiB of one run."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    while process.stdout.read(1 << 20):
        pass
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss / 1024


def compare(title, ours, theirs, runs):
    run(ours), run(theirs)
    pairs = [(run(ours), run(theirs)) for _ in range(runs)]
    median = lambda values: statistics.median(list(values))
    a, b = ([median(pair[side][figure] for pair in pairs) for figure in range(3)] for side in (0, 1))
    ratio = median(ours[0] / theirs[0] for ours, theirs in pairs)
    print(f"{title:<44} {a[0]*1e3:8.1f} {b[0]*1e3:8.1f} {ratio:7.2f} ×  {a[1]*1e3:8.1f} {a[2]:7.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", nargs="?")
    parser.add_argument("--binary", default="target/release/release-steps")
    parser.add_argument("--runs", type=int, default=9)
    args = parser.parse_args()
    binary = os.path.abspath(args.binary)
    with tempfile.TemporaryDirectory() as folder:
        repository = args.repository or make(folder)
        git, ours = ["git", "-C", repository], [binary, "-C", repository]
        log = [*git, "log", "--format=%H%n%B", "HEAD"]
        full = [*ours, "changelog", "--full", "--output", "-"]
        print(subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip())
        print(f"{'CPU time, medians of ' + str(args.runs):<44} {'ours ms':>8} {'git ms':>8} {'ratio':>9}  {'wall ms':>8} {'MiB':>7}")

        def all_of_them(tags):
            compare(f"changelog --full / git log, {tags}", full, log, args.runs)
            compare(f"version next / git describe, {tags}", [*ours, "version", "next"], [*git, "describe", "--tags"], args.runs)
            compare(f"version replay / git log, {tags}", [*ours, "version", "replay"], log, args.runs)

        if args.repository:
            all_of_them("as it is")
        else:
            all_of_them("loose tags")
            subprocess.run([*git, "pack-refs", "--all"], check=True)
            all_of_them("packed tags")
        compare("--version / git --version", [binary, "--version"], ["git", "--version"], args.runs)
        if shutil.which("git-cliff"):
            compare("changelog --full / git-cliff", full, ["git-cliff", "--repository", repository, "-o", "-"], 1)
        else:
            print("git-cliff is not installed: not compared")


main()
