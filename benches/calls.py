#!/usr/bin/env python3
"""The calls that a release makes to the forge, next to the least that GitHub's API allows.

    cargo build --release
    python3 benches/calls.py [--binary target/release/release-steps]

A history of 200 commits, brought by 40 requests, is released with 5 files and notes that name the requests
(`changelog.enrich`). The forge is a small stand-in of this script that answers what a release asks as GitHub's documentation
has it (https://docs.github.com/rest/releases, https://docs.github.com/graphql), and counts. It ends with 1 where the calls
are more than 1.3 times the least.
"""

import argparse
import collections
import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading

COMMITS, REQUESTS, FILES, MOST = 200, 40, 5, 1.3


class Forge(http.server.BaseHTTPRequestHandler):
    """One repository, `o/n`, whose refs are those of a bare git repository."""

    protocol_version = "HTTP/1.1"
    calls, releases, requests_of, git = collections.Counter(), [], {}, ""

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.split("?")[0].removeprefix("/api/v3")
        base = f"http://{self.headers['host']}/api/v3"
        shown = re.sub(r"/\d+", "/{id}", path).replace("/repos/o/n", "")
        Forge.calls[f"{self.command} {shown or '/'}"] += 1
        if path.endswith("/graphql"):
            asked = re.findall(r'(c\d+): object\(oid: "([0-9a-f]{40})"', json.loads(body)["query"])
            found = {at: {"associatedPullRequests": {"nodes": Forge.requests_of.get(oid, [])}} for at, oid in asked}
            return self.reply(200, {"data": {"repository": found}})
        if self.command == "GET" and path == "/repos/o/n":
            return self.reply(200, {"full_name": "o/n", "default_branch": "main", "permissions": {"push": True}})
        if self.command == "GET" and path.startswith("/repos/o/n/git/ref/"):
            name = "refs/" + path.removeprefix("/repos/o/n/git/ref/")
            found = subprocess.run(["git", "-C", Forge.git, "rev-parse", name], capture_output=True, text=True)
            if found.returncode:
                return self.reply(404, {"message": "Not Found"})
            return self.reply(200, {"ref": name, "object": {"sha": found.stdout.strip()}})
        if path == "/repos/o/n/releases" and self.command == "GET":
            return self.reply(200, list(reversed(Forge.releases)))
        if path == "/repos/o/n/releases":
            said = json.loads(body)
            number = len(Forge.releases) + 1
            url = f"{base}/repos/o/n/releases/{number}"
            release = {"id": number, "immutable": False, "html_url": url, "assets": [], **said}
            release["upload_url"] = url + "/assets{?name,label}"
            Forge.releases.append(release)
            return self.reply(201, release)
        if found := re.fullmatch(r"/repos/o/n/releases/(\d+)(/assets)?", path):
            release = Forge.releases[int(found[1]) - 1]
            if not found[2]:
                release.update(json.loads(body))
                return self.reply(200, release)
            name = re.search(r"name=([^&]+)", self.path)[1]
            asset = {"id": len(release["assets"]) + 1, "name": name, "state": "uploaded", "size": len(body)}
            asset["digest"] = "sha256:" + hashlib.sha256(body).hexdigest()
            asset["browser_download_url"] = f"{base}/{name}"
            release["assets"].append(asset)
            return self.reply(201, asset)
        return self.reply(404, {"message": f"this stand-in does not know {self.command} {path}"})

    do_GET = do_POST = do_PATCH = do_DELETE = answer


def git(folder, *args, **more):
    return subprocess.run(["git", "-C", folder, *args], check=True, capture_output=True, text=True, **more).stdout


def history(folder):
    """A repository and its bare origin: a released commit, then 40 merged requests of 5 commits each."""
    repository, origin = os.path.join(folder, "repository"), os.path.join(folder, "origin.git")
    git(folder, "init", "-q", "--bare", "-b", "main", origin)
    git(folder, "init", "-q", "-b", "main", repository)
    git(repository, "config", "user.name", "Ada")
    git(repository, "config", "user.email", "ada@example.org")
    stream, mark = [], 0

    def commit(branch, message, parents, path):
        nonlocal mark
        mark += 1
        stream.append(f"commit {branch}\nmark :{mark}\ncommitter Ada <ada@example.org> {1_700_000_000 + mark * 60} +0000\n")
        stream.append(f"data {len(message)}\n{message}\n")
        stream.extend(f"{'from' if at == 0 else 'merge'} :{parent}\n" for at, parent in enumerate(parents))
        stream.append(f"M 100644 inline {path}\ndata {len(message)}\n{message}\n\n")
        return mark

    main = commit("refs/heads/main", "feat: begin", [], "a")
    stream.append("reset refs/tags/v1.0.0\nfrom :1\n\n")
    brought = {}
    each = COMMITS // REQUESTS
    for number in range(1, REQUESTS + 1):
        tip, own = main, []
        for n in range(each - 1):
            tip = commit(f"refs/heads/r{number}", f"{'feat' if n else 'fix'}: change {number}.{n}", [tip], f"f{number}")
            own.append(tip)
        main = commit("refs/heads/main", f"feat: merge the request {number}", [main, tip], f"m{number}")
        brought[number] = [*own, main]
    marks = os.path.join(folder, "marks")
    git(repository, "fast-import", "--quiet", f"--export-marks={marks}", input="".join(stream))
    ids = dict(line.split() for line in open(marks))
    for number, commits in brought.items():
        node = {
            "number": number, "title": f"Request {number}", "body": "", "state": "MERGED", "url": "", "headRefOid": "",
            "headRefName": f"r{number}", "baseRefName": "main", "author": {"login": f"dev{number % 7}"},
            "labels": {"nodes": [{"name": "api"}]}, "closingIssuesReferences": {"nodes": []},
        }
        Forge.requests_of.update({ids[f":{commit}"]: [node] for commit in commits})
    git(repository, "checkout", "-q", "main")
    git(repository, "remote", "add", "origin", origin)
    git(repository, "push", "-q", "origin", "main", "--tags")
    Forge.git = origin
    os.mkdir(os.path.join(repository, "dist"))
    for n in range(FILES):
        with open(os.path.join(repository, "dist", f"{n}.tgz"), "w") as file:
            file.write(f"file {n}\n")
    return repository


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/release-steps")
    binary = os.path.abspath(parser.parse_args().binary)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        repository = history(folder)
        with open(os.path.join(repository, "release-steps.yml"), "w") as file:
            file.write(
                f"forge: {{kind: github, url: 'http://localhost:{server.server_port}', repository: o/n, token_env: TOKEN}}\n"
                "changelog: {enrich: true}\nrelease: {assets: ['dist/*.tgz']}\n"
            )
        env = {**os.environ, "TOKEN": "t", "CI": "true"}
        ran = subprocess.run([binary, "-C", repository, "-v", "release"], env=env, capture_output=True, text=True)
        if ran.returncode:
            sys.exit(ran.stdout + ran.stderr)
    notes = Forge.releases[0]["body"]
    assert len(Forge.releases) == 1 and not Forge.releases[0]["draft"] and "by @dev1" in notes, notes
    sent = len(Forge.releases[0]["assets"])
    least = {
        "the requests of 200 commits, 100 in a page": -(-COMMITS // 100),
        "whether the release is there": 1,
        "its draft": 1,
        f"its {FILES} files, their list and their record": sent,
        "its publication": 1,
    }
    for call, count in sorted(Forge.calls.items()):
        print(f"{count:4}  {call}")
    ours, floor = sum(Forge.calls.values()), sum(least.values())
    print(f"{ours:4}  calls; the least are {floor}:")
    for what, count in least.items():
        print(f"{count:10}  {what}")
    print(f"{ours / floor:.2f} × (at most {MOST})")
    sys.exit(ours > MOST * floor)


main()
