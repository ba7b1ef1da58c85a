"""Opens an arXiv e-print (tar.gz, gz or plain TeX) in memory, safely: nothing is written, linked, executed or followed.

Gives the text files that a paper is made of. Knows archives, not LaTeX.
"""

from __future__ import annotations

import io
import posixpath
import re
import tarfile
import zlib

MAX_UNPACKED = 120 * 1024 * 1024
MAX_TEXT_FILE = 4 * 1024 * 1024
MAX_TEXT = 24 * 1024 * 1024
MAX_MEMBERS = 4000
_TEXT = re.compile(r"\.(?:tex|ltx|bbl|bib|txt|sty|cls|def|inc|tikz)$|^[^.]+$", re.I)
_JUNK = re.compile(r"(?:^|/)(?:\._|__MACOSX/|\.DS_Store|\.git/)")


def open_eprint(data: bytes) -> dict[str, str]:
    """Text files by cleaned path. Empty when the e-print is a PDF or a web page, is damaged, or holds no TeX."""
    plain = _gunzip(data)
    if plain is None or plain.startswith((b"%PDF-", b"PK\x03\x04", b"<!DOCTYPE", b"<html")):
        return {}
    try:
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            return _members(archive)
    except (tarfile.TarError, EOFError, ValueError, OverflowError):
        pass
    text = _decode(plain[:MAX_TEXT_FILE])
    return (
        {"main.tex": text}
        if "\\documentclass" in text or "\\documentstyle" in text or "\\begin{document}" in text
        else {}
    )


def _gunzip(data: bytes) -> bytes | None:
    """The bytes inside a gzip member, at most MAX_UNPACKED of them; the data itself when it is not compressed."""
    if data[:2] != b"\x1f\x8b":
        return data[:MAX_UNPACKED]
    engine = zlib.decompressobj(wbits=31)
    try:
        plain = engine.decompress(data, MAX_UNPACKED)
    except zlib.error:
        return None
    return None if engine.unconsumed_tail else plain


def _members(archive: tarfile.TarFile) -> dict[str, str]:
    files: dict[str, str] = {}
    total = 0
    for count, member in enumerate(archive):
        if count >= MAX_MEMBERS or total >= MAX_TEXT:
            break
        name = _safe_name(member.name)
        if (
            not member.isreg()
            or name is None
            or not _TEXT.search(posixpath.basename(name))
            or member.size > MAX_TEXT_FILE
        ):
            continue
        handle = archive.extractfile(member)
        if handle is None:
            continue
        body = handle.read(MAX_TEXT_FILE)
        total += len(body)
        if b"\x00" not in body[:4096]:
            files[name] = _decode(body)
    return files


def _safe_name(name: str) -> str | None:
    """A path inside the archive, or None for junk and for names that point out of it."""
    if (
        _JUNK.search(name)
        or name.startswith(("/", "\\"))
        or ".." in name.split("/")
        or "\x00" in name
        or len(name) > 300
    ):
        return None
    clean = posixpath.normpath(name)
    return None if clean in {".", ""} else clean


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        return body.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
