#!/usr/bin/env python3
"""Plays the Hugging Face Hub for tests: play_hub.py FOLDER. Needs no network but this machine's own.

FOLDER/repos/models/ORG/NAME/REVISION/... and FOLDER/repos/datasets/...: what it serves; '+' stands for '/' in REVISION.
FOLDER/rules.json, read anew for each request: a list of {"path": regular expression, "host": "hub" or "cdn", "times": N,
...}; the first that fits and was not used up acts:
  status, headers, body   answers with these
  cut                     sends so many bytes of the file, then hangs up
  ignore_range            sends the whole file whatever part was asked for
  corrupt                 another first byte
  garbage                 so many bytes more than the file has
  slow                    seconds to wait before the answer
FOLDER/requests.jsonl: what was asked, a line each: host, path, range, authorization.
FOLDER/address: the address, written once it serves.

Files of a MiB or of these endings are large: listed with SHA-256 and redirected to a second host, as the Hub does with LFS.
"""
import hashlib
import http.server
import json
import pathlib
import re
import sys
import threading
import time
import urllib.parse

LARGE = (".safetensors", ".gguf", ".parquet")
FOLDER = pathlib.Path(sys.argv[1])
LOCK = threading.Lock()
USED = {}


def is_large(path):
    return path.suffix in LARGE or path.stat().st_size >= 1 << 20


def git_digest(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def entry_of(root, path):
    content = path.read_bytes()
    entry = {"rfilename": path.relative_to(root).as_posix(), "size": len(content), "blobId": git_digest(content)}
    if is_large(path):
        entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry


def commit_of(root):
    return hashlib.sha1(root.as_posix().removeprefix(FOLDER.as_posix()).encode()).hexdigest()


def find_root(kind, name, revision):
    """The folder of a revision, by its name or commit."""
    repository = FOLDER / "repos" / kind / name
    if not repository.is_dir():
        return None, "RepoNotFound"
    for root in repository.iterdir():
        if revision in (root.name.replace("+", "/"), commit_of(root)):
            return root, ""
    return None, "RevisionNotFound"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = "hub"
    cdn = ""

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def rule(self):
        try:
            rules = json.loads((FOLDER / "rules.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        with LOCK:
            for number, rule in enumerate(rules):
                fits = re.search(rule["path"], self.path) and rule.get("host", self.host) == self.host
                key = (number, json.dumps(rule))
                if fits and USED.get(key, 0) < rule.get("times", 1 << 30):
                    USED[key] = USED.get(key, 0) + 1
                    return rule
        return {}

    def record(self):
        line = {"host": self.host, "path": self.path, "range": self.headers.get("Range"),
                "authorization": self.headers.get("Authorization")}
        with LOCK, open(FOLDER / "requests.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def do_GET(self):
        self.record()
        rule = self.rule()
        time.sleep(rule.get("slow", 0))
        if "status" in rule:
            return self.reply(rule["status"], rule.get("body", "").encode(), rule.get("headers"))
        path = urllib.parse.unquote(self.path.split("?")[0])
        if self.host == "cdn":
            return self.send_file(FOLDER / "repos" / path.removeprefix("/"), rule)
        if listing := re.fullmatch(r"/api/(models|datasets)/(.+?)/revision/(.+)", path):
            return self.send_listing(*listing.groups())
        if file := re.fullmatch(r"/(datasets/)?(.+?)/resolve/([^/]+)/(.+)", path):
            return self.send_resolved("datasets" if file[1] else "models", *file.groups()[1:], rule)
        return self.reply(404, b"", {"X-Error-Code": "RepoNotFound"})

    def send_listing(self, kind, name, revision):
        root, error = find_root(kind, name, revision)
        if not root:
            return self.reply(404 if error == "RevisionNotFound" else 401, b"", {"X-Error-Code": error})
        files = sorted(path for path in root.rglob("*") if path.is_file())
        listing = {"id": name, "sha": commit_of(root), "siblings": [entry_of(root, path) for path in files]}
        return self.reply(200, json.dumps(listing).encode(), {"Content-Type": "application/json"})

    def send_resolved(self, kind, name, revision, file, rule):
        root, error = find_root(kind, name, revision)
        if not root or not (root / file).is_file():
            return self.reply(404, b"", {"X-Error-Code": error or "EntryNotFound"})
        if not is_large(root / file):
            return self.send_file(root / file, rule)
        target = urllib.parse.quote((root / file).relative_to(FOLDER / "repos").as_posix())
        return self.reply(302, b"Found", {"Location": f"{self.cdn}/{target}"})

    def send_file(self, path, rule):
        content = path.read_bytes()
        if rule.get("corrupt"):
            content = bytes([content[0] ^ 1]) + content[1:]
        content += b"x" * rule.get("garbage", 0)
        begin, size = 0, len(content)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked and not rule.get("ignore_range"):
            begin = int(asked[1])
            if begin >= size:
                return self.reply(416, b"", {"Content-Range": f"bytes */{size}"})
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(size - begin))
        self.end_headers()
        self.wfile.write(content[begin:][: rule.get("cut", size)])
        if "cut" in rule:
            self.wfile.flush()
            self.close_connection = True
        return None


class CdnHandler(Handler):
    host = "cdn"


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # clients hang up
            super().handle_error(request, client_address)


def serve(handler):
    server = Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


Handler.cdn = f"http://localhost:{serve(CdnHandler)}"
address = f"http://127.0.0.1:{serve(Handler)}"
(FOLDER / "address.new").write_text(address)
(FOLDER / "address.new").rename(FOLDER / "address")
sys.stdin.read()  # until the test closes it
