#!/usr/bin/env python3
"""What a step of ours costs in a job besides its work, next to other ways to run the same program.

    cargo build --release && .ci/pipeline-tools.sh && python3 benches/step.py [BINARY]

One job under `act`, without containers, runs `release-steps version next` in turn as a line of the workflow, by our action
(the archive in the tool cache, its digest checked), by a node action that starts the program and, where Docker runs, by a
container action. What is printed is the median of each step's time as act tells it, and what it is above the line. The first
round warms the caches and does not count. The machine should have nothing else to do.
"""
import hashlib
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROUNDS = 12
TOP = Path(__file__).resolve().parent.parent
TOOLS = TOP / "target/tools/pipelines"
BINARY = Path(sys.argv[1] if len(sys.argv) > 1 else TOP / "target/release/release-steps").resolve()
NODE = "name: node\ndescription: starts the program\nruns: {using: node24, main: index.js}\n"
NODE_JS = """const { spawnSync } = require('node:child_process');
const ran = spawnSync(process.env.BENCH_BINARY, ['version', 'next'], { stdio: 'inherit' });
process.exit(ran.status);
"""
CONTAINER = "name: container\ndescription: starts the program\nruns: {using: docker, image: Dockerfile}\n"
DOCKERFILE = 'FROM alpine/git\nCOPY release-steps /release-steps\nENTRYPOINT ["/release-steps", "version", "next"]\n'


def docker():
    return shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def project(folder, mirror):
    """Our action with a table that knows the binary as version 1.0.0, at a mirror in a folder."""
    for path in ["action.yml", "version/action.yml"]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / path, folder / path)
    shutil.copytree(TOP / "action", folder / "action")
    target = f"{platform.machine()}-unknown-linux-musl"
    archive = mirror / f"v1.0.0/release-steps-{target}.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(BINARY, "release-steps")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (folder / "action/sha256sums").write_text(f"1.0.0 {archive.name} {digest}\n")
    return archive.stat().st_size


def main():
    with tempfile.TemporaryDirectory(prefix="release-steps-bench-") as top:
        top = Path(top)
        repo, home = top / "repo", top / "home"
        packed = project(top / "project", top / "mirror")
        kinds = ["line", "ours", "node"] + (["container"] if docker() else [])
        for kind, files in {
            "node": {"action.yml": NODE, "index.js": NODE_JS},
            "container": {"action.yml": CONTAINER, "Dockerfile": DOCKERFILE},
        }.items():
            (repo / kind).mkdir(parents=True)
            for name, text in files.items():
                (repo / kind / name).write_text(text)
        shutil.copy(BINARY, repo / "container/release-steps")
        steps = ["      - uses: actions/checkout@v4"]
        for turn in range(ROUNDS + 1):
            for kind in kinds:
                uses = {
                    "line": 'run: \'"$BENCH_BINARY" version next\'',
                    "ours": "uses: release-steps/release-steps/version@v1",
                }.get(kind, f"uses: ./{kind}")
                steps.append(f"      - name: {kind}-{turn}\n        {uses}")
        workflow = repo / ".github/workflows/bench.yml"
        workflow.parent.mkdir(parents=True)
        workflow.write_text("on: push\njobs:\n  bench:\n    runs-on: ubuntu-latest\n    steps:\n" + "\n".join(steps) + "\n")
        home.mkdir()
        (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n")
        path = os.pathsep.join([str(TOOLS / "node_modules/node/bin"), str(TOOLS / "bin"), os.environ["PATH"]])
        env = {"PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8"}
        for line in [["init", "-q"], ["add", "-A"], ["commit", "-qm", "feat: start"], ["tag", "-am", "x", "v1.2.3"],
                     ["commit", "-q", "--allow-empty", "-m", "feat: more"],
                     ["remote", "add", "origin", "https://github.com/acme/shop.git"]]:
            subprocess.run(["git", *line], cwd=repo, env=env, check=True)
        variables = {"BENCH_BINARY": BINARY, "RELEASE_STEPS_MIRROR": f"file://{top}/mirror", "RUNNER_TOOL_CACHE": top / "cache"}
        command = [str(TOOLS / "bin/act"), "push", "--no-cache-server", "--platform", "ubuntu-latest=-self-hosted",
                   "--local-repository", f"release-steps/release-steps@v1={top}/project"]
        for name, value in variables.items():
            command += ["--env", f"{name}={value}"]
        ran = subprocess.run(command, cwd=repo, env=env, capture_output=True, text=True)
        log = re.sub(r"\x1b\[[0-9;]*m", "", ran.stdout)
        if ran.returncode != 0:
            sys.exit(log[-3000:] + ran.stderr[-1000:])
        times = {kind: [] for kind in kinds}
        for kind, turn, text in re.findall(r"Success - Main (\w+)-(\d+) \[([^\]]+)\]", log):
            units = {"µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60}
            seconds = sum(float(n) * units[u] for n, u in re.findall(r"([\d.]+)(µs|ms|s|m)", text))
            if int(turn) > 0:
                times[kind].append(seconds)
        assert all(len(found) == ROUNDS for found in times.values()), times
        line = statistics.median(times["line"])
        print(f"binary {BINARY.stat().st_size / 1e6:.1f} MB, packed {packed / 1e6:.1f} MB; medians of {ROUNDS}")
        for kind in kinds:
            median = statistics.median(times[kind])
            print(f"{kind:10} {median * 1000:7.1f} ms  {(median - line) * 1000:+7.1f} ms above the line"
                  f"  (from {min(times[kind]) * 1000:.1f} to {max(times[kind]) * 1000:.1f})")
        if "container" not in kinds:
            print("container       not measured: no Docker here")


main()
