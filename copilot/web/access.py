"""Who calls, and whether the call may come from where it comes from.

Without a token only this machine may call: the server listens on loopback only, the peer is loopback, nothing was
forwarded, and the name in `Host` is this machine's (a page of a stranger whose name was re-bound to 127.0.0.1 brings
its own). What changes something must not be a form or a script of another site.
"""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from streamlit import config

from copilot.config import find_home
from copilot.hosting.guests import COOKIE, OWNER, Guest
from copilot.hosting.reception import is_owner_token, reception
from copilot.web.problems import Denied

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
NO_FORM = "x-requested-with"
"""A header that a form cannot send, and a script of another site only after asking: any value will do."""


def caller(request: Request) -> Guest | None:
    """Who calls: None on a server for one person, else a guest. Raises Denied."""
    desk = reception(find_home())
    if "authorization" in request.headers:
        scheme, _, token = request.headers["authorization"].partition(" ")
        if scheme.lower() != "bearer" or not is_owner_token(token.strip(), find_home()):
            raise Denied(401, "this is not the token of this server")
        return OWNER if desk else None
    guest = desk.guest(request.cookies.get(COOKIE, "")) if desk else None
    if desk and guest is None:
        raise Denied(401, "open the app in this browser first, or give the owner's token as Bearer")
    if not desk and not from_this_machine(request):
        raise Denied(401, "give the token of this server (COPILOT_TOKEN) as Bearer")
    if request.method not in SAFE_METHODS:
        _from_our_own_page(request)
    return guest


def from_this_machine(request: Request) -> bool:
    """True for a call from this machine to a server that only this machine can reach."""
    peer = request.client.host if request.client else ""
    direct = not any(name in request.headers for name in FORWARDED)
    return direct and only_this_machine() and is_loopback(peer) and is_local_name(request.headers.get("host", ""))


def only_this_machine() -> bool:
    """True when the server listens on loopback only."""
    return is_local_name(config.get_option("server.address") or "")


def host_allowed(headers: Headers) -> bool:
    """Whether this server answers to the name in `Host`.

    On loopback only this machine's names do, and those in `COPILOT_HOSTS` (separated by commas; `*` for any).
    """
    named = [name.strip().lower() for name in os.environ.get("COPILOT_HOSTS", "").split(",") if name.strip()]
    hosts = headers.getlist("host")
    if len(hosts) != 1:
        return False
    if "*" in named or is_local_name(hosts[0]):
        return True
    return _hostname(hosts[0]) in named if named else not only_this_machine()


def is_local_name(host: str) -> bool:
    """True for localhost and loopback addresses, with or without a port."""
    name = _hostname(host)
    return name == "localhost" or is_loopback(name)


def is_loopback(address: str) -> bool:
    """True for an IP address of this machine alone."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _hostname(host: str) -> str:
    try:
        parts = urlsplit(f"//{host}" if host.count(":") < 2 or host.startswith("[") else f"//[{host}]")
        return (parts.hostname or "").lower() if not (parts.username or parts.path) else ""
    except ValueError:
        return ""


def _from_our_own_page(request: Request) -> None:
    """Raises Denied for a call that a page of another site could have made with this person's cookie or machine."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
    if foreign or site not in {None, "same-origin", "none"}:
        raise Denied(403, "this call comes from another site")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and NO_FORM not in request.headers and request.method != "DELETE":
        raise Denied(415, "send application/json, or the header X-Requested-With, or the token of this server")
