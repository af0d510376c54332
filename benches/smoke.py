#!/usr/bin/env python3
"""What `smoke` takes: whole processes against a backend on this machine, beside hurl where it is installed.

    cargo build --release && python3 benches/smoke.py [--runs 5]

- one check against a backend that answers at once: time of the whole process
- 100 and 1,000 checks against a backend that takes 100 ms
- a port that takes connections and never answers, with a deadline of 1 s
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / "target/release/release-steps"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


def backend():
    """Serves on one thread: `/slow` after 100 ms, everything else at once."""
    ports = {}
    ready = threading.Event()

    async def exchange(reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET /slow"):
                await asyncio.sleep(0.1)
            writer.write(ANSWER)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def main():
        server = await asyncio.start_server(exchange, "127.0.0.1", 0, backlog=2048)
        ports["http"] = server.sockets[0].getsockname()[1]
        ready.set()
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
    ready.wait()
    return ports["http"]


def measure(command, runs, cwd, codes=(0,)):
    wall, cpu = [], []
    for _ in range(runs):
        before = os.times()
        started = time.perf_counter()
        ended = subprocess.run(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wall.append(time.perf_counter() - started)
        after = os.times()
        cpu.append(after.children_user + after.children_system - before.children_user - before.children_system)
        if ended.returncode not in codes:
            sys.exit(f"{command} ended with {ended.returncode}: {ended.stderr.decode()}")
    return statistics.median(wall), max(wall), statistics.median(cpu)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--program", default=str(PROGRAM))
    options = arguments.parse_args()
    port = backend()
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(64)
    slow = f"http://127.0.0.1:{port}/slow"
    with tempfile.TemporaryDirectory() as folder:
        checks = lambda n: [{"http": {"url": slow}}] * n
        config = {
            "one": [{"http": {"url": f"http://127.0.0.1:{port}/"}}],
            "hundred": checks(100),
            "thousand": checks(1000),
            "silent": {"within": "1s", "checks": [{"http": {"url": f"http://127.0.0.1:{silent.getsockname()[1]}/"}}]},
        }
        Path(folder, "release-steps.yml").write_text(json.dumps({"smoke": config}))
        Path(folder, "one.hurl").write_text(f"GET http://127.0.0.1:{port}/\nHTTP 200\n")
        for n in range(100):
            Path(folder, f"h{n:03}.hurl").write_text(f"GET {slow}\nHTTP 200\n")
        rows = []

        def row(name, bound, command, codes=(0,)):
            wall, worst, cpu = measure(command, options.runs, folder, codes)
            rows.append((name, bound, wall, worst, cpu))

        program = options.program
        row("one check", "", [program, "smoke", "one"])
        row("`--version`, for the start alone", "", [program, "--version"])
        row("100 checks, 100 ms each", "0.3 s", [program, "smoke", "hundred"])
        row("1,000 checks, 100 ms each", "2 s", [program, "smoke", "thousand"])
        row("no answer, deadline 1 s", "1.1 s", [program, "smoke", "silent"], (1,))
        hurl = shutil.which("hurl")
        if hurl:
            many = [f"h{n:03}.hurl" for n in range(100)]
            row("hurl: one file", "", [hurl, "--test", "one.hurl"])
            row("hurl: 100 files, as it comes", "", [hurl, "--test", *many])
            row("hurl: 100 files, --jobs 100", "", [hurl, "--test", "--jobs", "100", *many])
        print(f"{options.runs} runs each, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        print(f"{'':34}{'bound':>8}{'median':>10}{'worst':>10}{'CPU':>10}")
        for name, bound, wall, worst, cpu in rows:
            print(f"{name:34}{bound:>8}{wall:>9.3f}s{worst:>9.3f}s{cpu:>9.3f}s")
        if not hurl:
            print("hurl is not installed: nothing to compare with")


main()
