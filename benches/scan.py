#!/usr/bin/env python3
"""`release-steps scan` on a SARIF of 100 MB side by side with `jq length`, and on fifty reports of 1 MB.

    cargo build --release
    python3 benches/scan.py [--runs 5] [--binary target/release/release-steps] [--megabytes 100]

What counts is the CPU time (user and system) that the kernel accounts to the finished process, and its largest resident
memory. The two programs run in turn, A B A B; the ratio is the median of the pairs.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

WORDS = "input user query path buffer token header value file index length parser cookie session".split()


def sarif(path, size, seed):
    """A SARIF as CodeQL and its like write it: results with regions, snippets, flows, fingerprints."""
    some = random.Random(seed)
    rules = [
        {
            "id": f"lang/rule-{n}",
            "name": f"Rule{n}",
            "shortDescription": {"text": f"Rule {n} on {some.choice(WORDS)}"},
            "fullDescription": {"text": " ".join(some.choices(WORDS, k=40))},
            "help": {"text": " ".join(some.choices(WORDS, k=120)), "markdown": " ".join(some.choices(WORDS, k=120))},
            "defaultConfiguration": {"level": some.choice(["error", "warning", "note"])},
            "properties": {"tags": ["security", f"external/cwe/cwe-{some.randrange(20, 900):03}"],
                           "security-severity": f"{some.uniform(1, 10):.1f}"},
        }
        for n in range(300)
    ]
    written = 0
    with open(path, "w") as out:
        def say(text):
            nonlocal written
            out.write(text)
            written += len(text)

        say('{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"tool":{"driver":')
        say(json.dumps({"name": f"Scanner {seed}", "semanticVersion": "1.0.0", "rules": rules}))
        say('},"results":[')
        count = 0
        while written < size:
            rule = some.randrange(300)
            file = f"src/{some.choice(WORDS)}/{some.choice(WORDS)}{some.randrange(400)}.c"
            line = some.randrange(1, 4000)

            def location():
                return {
                    "artifactLocation": {"uri": file, "uriBaseId": "%SRCROOT%", "index": some.randrange(999)},
                    "region": {"startLine": line, "startColumn": 5, "endLine": line + 2, "endColumn": 40,
                               "snippet": {"text": "    " + " ".join(some.choices(WORDS, k=12)) + ' "quoted";\n'}},
                }

            flow = [{"location": {"physicalLocation": location(), "message": {"text": some.choice(WORDS)}}}
                    for _ in range(some.randrange(1, 4))]
            result = {
                "ruleId": f"lang/rule-{rule}",
                "ruleIndex": rule,
                "message": {"text": "This " + " ".join(some.choices(WORDS, k=14)) + "."},
                "locations": [{"physicalLocation": location()}],
                "partialFingerprints": {"primaryLocationLineHash": f"{some.getrandbits(64):x}:1"},
                "codeFlows": [{"threadFlows": [{"locations": flow}]}],
            }
            say((",\n" if count else "\n") + json.dumps(result, indent=2 if seed % 2 else None))
            count += 1
        say("]}]}\n")
    return count


def run(command, folder):
    """CPU seconds, wall seconds, and largest resident memory in MB of a finished command."""
    began = time.monotonic()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):
        sys.exit(f"{command} ended {child.returncode}")
    return used.ru_utime + used.ru_stime, time.monotonic() - began, used.ru_maxrss / 1024


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--binary", default="target/release/release-steps")
    arguments.add_argument("--megabytes", type=int, default=100)
    options = arguments.parse_args()
    binary = os.path.abspath(options.binary)
    folder = tempfile.mkdtemp(prefix="release-steps-scan-")
    try:
        subprocess.run(["git", "init", "-q", folder], check=True)
        for seed, name in ((2, "compact"), (3, "indented")):
            count = sarif(f"{folder}/{name}.sarif", options.megabytes << 20, seed)
            size = os.path.getsize(f"{folder}/{name}.sarif") / 1e6
            ours, theirs = [], []
            ours_only = [binary, "scan", f"{name}.sarif", "--dry-run"]
            for n in range(options.runs + 1):
                a, b = run(ours_only, folder), run(["jq", "length", f"{name}.sarif"], folder)
                if n:
                    ours.append(a)
                    theirs.append(b)
            cpu = statistics.median(a[0] for a in ours)
            ratio = statistics.median(b[0] / a[0] for a, b in zip(ours, theirs))
            print(f"{name}: {size:.0f} MB, {count} results: {cpu:.2f} s CPU = {size / cpu:.0f} MB/s, "
                  f"{ratio:.1f} x faster than `jq length`; memory {max(a[2] for a in ours):.0f} MB, "
                  f"jq {max(b[2] for b in theirs):.0f} MB")
        for n in range(50):
            sarif(f"{folder}/small-{n}.sarif", 1 << 20, n)
        many = [run([binary, "scan", "small-*.sarif", "--dry-run"], folder) for _ in range(options.runs + 1)][1:]
        print(f"50 reports of 1 MB: {statistics.median(a[1] for a in many):.2f} s wall, "
              f"{statistics.median(a[0] for a in many):.2f} s CPU, memory {max(a[2] for a in many):.0f} MB")
    finally:
        shutil.rmtree(folder)


main()
