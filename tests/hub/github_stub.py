"""GitHub's REST API on the loopback for one repository, as a redirecting archive host too; it can be told to lie."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

COMMIT = "c" * 40


def blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class StubGitHub:
    """`files` are in tree and archive; `extra` only in the archive; `tree` entries are added to the listing."""

    def __init__(self, name: str, files: dict[str, bytes]) -> None:
        self.name = name
        self.files = files
        self.extra: list[tuple[tarfile.TarInfo, bytes]] = []
        self.tree: list[dict[str, Any]] = []
        self.served: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.about: dict[str, Any] = {
            "default_branch": "main", "license": {"spdx_id": "MIT"}, "description": "Code of the paper",
            "stargazers_count": 12, "pushed_at": "2025-03-01T00:00:00Z", "archived": False,
        }  # fmt: skip

    def answer(self, path: str) -> tuple[int, bytes, str]:
        base = f"/repos/{self.name}"
        if path == base:
            return 200, json.dumps(self.about).encode(), ""
        if path == f"{base}/commits/main":
            return 200, json.dumps({"sha": COMMIT}).encode(), ""
        if path == f"{base}/git/trees/{COMMIT}?recursive=1":
            return 200, json.dumps({"tree": self._tree(), "truncated": False}).encode(), ""
        if path == f"{base}/tarball/{COMMIT}":
            return 302, b"", f"/archive/{COMMIT}"
        return (200, self._archive(), "") if path == f"/archive/{COMMIT}" else (404, b"{}", "")

    def _tree(self) -> list[dict[str, Any]]:
        listed = [
            {"path": path, "mode": "100644", "type": "blob", "size": len(data), "sha": blob(data)}
            for path, data in self.files.items()
        ]
        return [*listed, *self.tree]

    def _archive(self) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            for path, data in {**self.files, **self.served}.items():
                member = tarfile.TarInfo(f"top-{COMMIT[:7]}/{path}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
            for member, data in self.extra:
                tar.addfile(member, io.BytesIO(data))
        return out.getvalue()


@contextmanager
def serve_github(hub: StubGitHub) -> Iterator[str]:
    """Serve until the block ends; yields `COPILOT_GITHUB_URL`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.requests.append(self.path)
            status, body, location = hub.answer(self.path)
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
