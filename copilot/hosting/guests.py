"""Guests of a shared server: a signed, random session in a cookie, a name that gives nothing away, and their runs.

What is kept beside a run is the hash of the session's random part: reading it does not let anybody in.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from itsdangerous import BadSignature, Signer

from copilot.disk import write_atomic
from copilot.domain.base import Value
from copilot.runs import RunFolder

COOKIE = "copilot_session"
RANDOM_BYTES = 24
LONGEST_TOKEN = 200


class Guest(Value):
    """Somebody on a shared server. `name` stands for the session; the owner sees and may do everything."""

    name: str
    owner: bool = False


OWNER = Guest(name="owner", owner=True)


class Sessions:
    """Makes session tokens and recognises its own; the signing key outlives the server."""

    def __init__(self, folder: Path) -> None:
        self._signer = Signer(_secret(folder / "secret"), salt="copilot.session", digest_method=hashlib.sha256)

    def issue(self) -> str:
        """A new token, for a cookie."""
        return self._signer.sign(secrets.token_urlsafe(RANDOM_BYTES)).decode("ascii")

    def guest(self, token: str) -> Guest | None:
        """The guest of this token; None when it is none of ours."""
        if not token.isascii() or len(token) > LONGEST_TOKEN:
            return None
        try:
            random = self._signer.unsign(token)
        except BadSignature:
            return None
        return Guest(name=hashlib.sha256(random).hexdigest()[:40])


def _secret(path: Path) -> bytes:
    """The signing key, made on first use; its folder is for the eyes of this user only."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(path, secrets.token_hex(32).encode("ascii"))
    return path.read_bytes()


def claim(run: RunFolder, guest: Guest) -> None:
    """Write beside the run whose it is. A run without this file is the owner's."""
    write_atomic(run.owner_file, guest.name.encode("ascii"))


def may_see(run: RunFolder, guest: Guest | None) -> bool:
    """True for the owner, for a server that is not shared (None), and for the guest whose run it is."""
    return guest is None or guest.owner or run.owner == guest.name
