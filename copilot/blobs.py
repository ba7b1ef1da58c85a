"""Large texts by content hash, beside the journal. Written once, checked on every read; no meaning attached."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from copilot.disk import write_atomic
from copilot.errors import RunFailed

_NAME = re.compile(r"^[0-9a-f]{64}$")


class Blobs:
    """A content store in one folder: `put` is idempotent and atomic, `get` refuses what does not match its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: str | bytes) -> str:
        """Store, on the disk when this returns, and give the hex SHA-256 under which `get` finds it again."""
        data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        name = hashlib.sha256(data).hexdigest()
        write_atomic(self.folder / name, data)
        return name

    def get(self, name: str) -> bytes:
        """The bytes. Raises RunFailed when they are missing or were changed."""
        if not _NAME.fullmatch(name):
            raise RunFailed(f"{name!r} is not the name of a stored text")
        try:
            data = (self.folder / name).read_bytes()
        except FileNotFoundError as error:
            raise RunFailed(f"the stored text {name[:12]}… is missing from {self.folder}") from error
        if hashlib.sha256(data).hexdigest() != name:
            raise RunFailed(f"the stored text {name[:12]}… was changed after it was written")
        return data

    def text(self, name: str) -> str:
        """`get`, decoded."""
        return self.get(name).decode("utf-8", "surrogatepass")
