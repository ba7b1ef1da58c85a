"""The bounded process that opens a PDF: `python -m copilot.paper.child`, request on stdin, answer on stdout.

Sets its own limits before it opens anything. Covers: memory, processor time, file size, open files, no new processes'
output on the result channel. Does not cover: reading other files of the same user, or the network, which the parser
never uses; the parser is MuPDF, which runs no script of a document.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, cast

from copilot.domain.paper import Paper
from copilot.paper.limits import MEBIBYTE, ReadLimits


def bound(limits: ReadLimits) -> None:
    """Applies the limits to this process, for good."""
    memory = limits.memory_mib * MEBIBYTE
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """`{"paper": …}` or `{"refused": kind, "text": sentence}`."""
    limits = ReadLimits.model_validate(request["limits"])
    bound(limits)
    from copilot.paper.assemble import Refused

    try:
        paper = _read(request, limits)
    except Refused as refusal:
        return {"refused": refusal.kind, "text": str(refusal)}
    except MemoryError:
        return {"refused": "memory", "text": f"This PDF needs more than {limits.memory_mib} MiB of memory to read."}
    except RecursionError:
        return {"refused": "damaged", "text": "This PDF is nested too deeply to be read; it is damaged or hostile."}
    return {"paper": paper.model_dump(mode="json")}


def _read(request: dict[str, Any], limits: ReadLimits) -> Paper:
    """The PDF and the source named by the request, joined, with the claims ledger."""
    from copilot.paper.assemble import parse_pdf
    from copilot.paper.claims import extract_claims

    paper = None
    if path := request.get("path"):
        ocr = bool(request.get("ocr"))
        paper = parse_pdf(Path(path), request.get("password"), limits, request.get("language_data"), ocr)
    if request.get("record"):
        paper = _join(paper, request)
    if paper is None:
        raise ValueError("a request names a path or a record")
    return paper.model_copy(update={"claims": extract_claims(paper)})


def _join(paper: Paper | None, request: dict[str, Any]) -> Paper:
    from copilot.paper.eprint import open_eprint
    from copilot.paper.merge import Record, merge
    from copilot.paper.source import read_source

    files = open_eprint(Path(request["source"]).read_bytes()) if request.get("source") else {}
    return merge(paper, read_source(files) if files else None, Record.model_validate(request["record"]))


def main() -> int:
    """Reads one request, writes one answer; MuPDF's own chatter cannot reach the channel."""
    # PyMuPDF loads companions on import when it finds them, and numpy with them: half a second that nothing here uses.
    for companion in ("pymupdf.layout", "pymupdf4llm"):
        sys.modules.setdefault(companion, cast(Any, None))
    channel = os.dup(1)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    request = json.loads(sys.stdin.read())
    data = json.dumps(answer(request), ensure_ascii=True).encode()
    with os.fdopen(channel, "wb") as out:
        out.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
