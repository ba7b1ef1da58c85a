"""What a file holds when it is not plain text: opened archives, arrays, tables, pickles, and decoded letters.

Nothing is unpickled, imported or executed, and no more is unpacked than a budget allows: what is left out is said
(`Budget.left_out`), never passed over in silence. Formats: gzip, bzip2, xz, zlib, zip (so npz, docx, torch files), tar,
npy, Parquet, pickle (the strings and numbers of its opcodes), base64, base32 and hexadecimal, and reversed bytes.
It does not know what is searched for; encrypted members and formats that are not named here stay closed.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import io
import lzma
import pickletools
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from tokenize import TokenError
from typing import Any

DEEPEST = 4
MOST_MEMBERS = 2000
LETTERS = re.compile(rb"(?:[A-Za-z0-9+/_-]{60,}[\r\n]{0,2}){1,}[A-Za-z0-9+/_-]*={0,6}")
DAMAGE = (ValueError, OSError, EOFError, KeyError, IndexError, RuntimeError, NotImplementedError, struct.error,
          zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, binascii.Error, MemoryError, SyntaxError,
          OverflowError, TokenError)  # fmt: skip


@dataclass
class Budget:
    """How many bytes may still be unpacked, and the names of what was larger or locked."""

    left: int = 128 << 20
    per_file: int = 32 << 20
    left_out: list[str] = field(default_factory=list)

    def take(self, source: Any, name: str) -> bytes:
        """The content of an open stream, cut where the budget ends (and then named)."""
        most = min(self.left, self.per_file)
        data: bytes = source.read(most + 1)
        if len(data) > most:
            self.left_out.append(name)
        self.left -= min(len(data), most)
        return data[:most]


def opened(name: str, data: bytes, budget: Budget, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """(how it was found, content) of everything packed in `data`, at any depth up to `DEEPEST`; not `data` itself."""
    if depth >= DEEPEST:
        budget.left_out.append(name)
        return
    for how, inner in _one_layer(name, data, budget):
        yield how, inner
        yield from opened(how, inner, budget, depth + 1)


def _one_layer(name: str, data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    reader = next((reader for magic, place, reader in _READERS if data[place : place + len(magic)] == magic), None)
    if reader is None:
        yield from _decoded(name, data)
        return
    try:
        yield from reader(name, data, budget)
    except DAMAGE:
        return


def _gzip(name: str, data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    yield f"{name} (gzip)", _inflated(name, data, 31, budget)


def _zlib(name: str, data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    yield f"{name} (zlib)", _inflated(name, data, 15, budget)


def _inflated(name: str, data: bytes, bits: int, budget: Budget) -> bytes:
    """All members of a deflated stream, with what follows a damaged one left out."""
    found, most = b"", min(budget.left, budget.per_file)
    while data and len(found) <= most:
        stream = zlib.decompressobj(bits)
        found += stream.decompress(data, most + 1 - len(found))
        if not stream.eof:
            break
        data = stream.unused_data
    return budget.take(io.BytesIO(found), name)


def _bzip2(name: str, data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    with bz2.BZ2File(io.BytesIO(data)) as source:
        yield f"{name} (bzip2)", budget.take(source, name)


def _xz(name: str, data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    with lzma.LZMAFile(io.BytesIO(data)) as source:
        yield f"{name} (xz)", budget.take(source, name)


def _zip(name: str, data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
        if len(members) > MOST_MEMBERS or any(info.flag_bits & 1 for info in members):
            budget.left_out.append(name)
        for info in members[:MOST_MEMBERS]:
            if not info.flag_bits & 1:
                with archive.open(info) as source:
                    yield f"{name} ({info.filename})", budget.take(source, name)


def _tar(name: str, data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for count, member in enumerate(archive):
            source = archive.extractfile(member) if member.isreg() else None
            if source is not None and count < MOST_MEMBERS:
                yield f"{name} ({member.name})", budget.take(source, name)


def _npy(name: str, data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """The values of an array as text; an array of pickled objects by its opcodes."""
    import numpy as np

    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except ValueError:
        yield from _pickle(name, data[data.find(b"\x80") :], budget)
        return
    if array.size <= budget.per_file // 8:
        text = "\n".join(
            map(str, array.astype(str).ravel().tolist() if array.dtype.kind == "S" else array.ravel().tolist())
        )
        yield f"{name} (array)", budget.take(io.BytesIO(text.encode("utf-8", "replace")), name)


def _parquet(name: str, data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """The table as comma separated text."""
    import pandas as pd

    try:
        table = pd.read_parquet(io.BytesIO(data))
    except (ImportError, ArithmeticError):
        budget.left_out.append(name)
        return
    if len(data) > budget.per_file:
        budget.left_out.append(name)
        return
    from pyarrow.lib import ArrowException  # type: ignore[import-untyped]  # it ships no types

    try:
        text = table.to_csv()
    except ArrowException as error:  # texts that are none: Arrow looks at them only now
        raise ValueError(str(error)) from error
    yield f"{name} (table)", budget.take(io.BytesIO(text.encode("utf-8", "replace")), name)


def _pickle(name: str, data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """The strings and numbers among the opcodes of a pickle, in order, and its byte strings; it is never loaded."""
    words: list[str] = []
    memo: dict[int, str] = {}
    last, kept = "", 0
    try:
        for code, argument, _ in pickletools.genops(data):
            if code.name == "MEMOIZE" or code.name.endswith("PUT"):
                memo[kept if argument is None else int(argument)] = last
                kept += code.name == "MEMOIZE"
                continue
            fetched = argument is not None and code.name.endswith("GET")
            last = memo.get(int(argument or 0), "") if fetched else _word(code.name, argument)
            words += [last] * bool(last)
            if isinstance(argument, bytes | bytearray) and len(argument) >= 32:
                yield f"{name} (bytes in a pickle)", bytes(argument)
    except DAMAGE:
        pass  # what came before the damage still counts
    yield f"{name} (pickle)", "\n".join(words).encode("utf-8", "replace")


def _word(code: str, argument: object) -> str:
    """A string or number that an opcode carries, as text; empty for what is no value."""
    if code in {"NEWTRUE", "NEWFALSE"}:
        return str(code == "NEWTRUE")
    carried = isinstance(argument, str | int | float) and code not in {"FRAME", "PROTO"}
    return str(argument) if carried else ""


def squeezed(data: bytes) -> bytes:
    """The same without long stretches of zero bytes, which hold nothing and are slow to search."""
    return data.replace(bytes(4096), bytes(32))


def _decoded(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Long runs of letters and digits as what they may stand for."""
    for run in islice(LETTERS.finditer(squeezed(data)), MOST_MEMBERS):
        letters = re.sub(rb"\s", b"", run.group())
        if re.fullmatch(rb"[0-9a-fA-F]+", letters):
            yield f"{name} (hexadecimal)", binascii.unhexlify(letters[: len(letters) // 2 * 2])
        whole = letters.rstrip(b"=")
        if re.fullmatch(rb"[A-Z2-7]+", whole):
            yield from _tried(f"{name} (base32)", base64.b32decode, whole + b"=" * (-len(whole) % 8))
        yield from _tried(f"{name} (base64)", base64.urlsafe_b64decode, _plain64(whole))


def _plain64(letters: bytes) -> bytes:
    cut = letters[:-1] if len(letters) % 4 == 1 else letters
    return cut.translate(bytes.maketrans(b"+/", b"-_")) + b"=" * (-len(cut) % 4)


def _tried(name: str, decode: Callable[[bytes], bytes], letters: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        yield name, decode(letters)
    except (ValueError, binascii.Error):
        return


_READERS: list[tuple[bytes, int, Callable[[str, bytes, Budget], Iterator[tuple[str, bytes]]]]] = [
    (b"\x1f\x8b", 0, _gzip), (b"BZh", 0, _bzip2), (b"\xfd7zXZ\x00", 0, _xz), (b"PK", 0, _zip), (b"ustar", 257, _tar),
    (b"\x93NUMPY", 0, _npy), (b"PAR1", 0, _parquet), *((bytes([0x80, n]), 0, _pickle) for n in (2, 3, 4, 5)),
    (b"\x78\x9c", 0, _zlib), (b"\x78\xda", 0, _zlib), (b"\x78\x01", 0, _zlib),
]  # fmt: skip
