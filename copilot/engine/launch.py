"""The engine as a process of its own: started by the app, it outlives browser and server. Keys go into its environment
only, never to disk or its command line.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from copilot.config import Home
from copilot.runs import RunFolder

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROVIDERS = ("ANTHROPIC", "OPENAI", "CLAUDE", "GEMINI", "GOOGLE_API", "HF", "OPENROUTER", "DEEPSEEK")
LOCAL = ("OLLAMA", "VLLM", "LMDEPLOY", "LLAMACPP", "LMSTUDIO")
OWNER_TOKEN = "COPILOT_TOKEN"
"""Opens the server's own interface: no engine needs it."""
PREFIXES = tuple(f"{name}_" for name in ("COPILOT", *PROVIDERS, *LOCAL))


def spawn(
    run: RunFolder, home: Home, keys: dict[str, str], limits: dict[str, float] | None = None, *, wait: bool = True
) -> int:
    """Start an engine for this run, detached; its process id.

    `keys` become environment variables of that process; `limits` are new caps by option: `budget` (USD), `minutes`,
    `max-tokens`, `gpu-seconds`. Without `wait` the engine ends at a question, and is started again when the answer is
    there.
    """
    options = [text for name, value in (limits or {}).items() for text in (f"--{name}", f"{value:.15g}")]
    options += ["--wait"] if wait else []
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != OWNER_TOKEN and (name in KEPT or name.upper() in PROXIES or name.startswith(PREFIXES))
    } | keys
    environment |= {
        "COPILOT_HOME": str(home.root),
        "COPILOT_LOGS": str(home.logs),
        "COPILOT_CACHE": str(home.cache),
    }
    run.engine_log.parent.mkdir(parents=True, exist_ok=True)
    with run.engine_log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "copilot", "resume", str(run.path), "--quiet", *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
            cwd=home.root,
        )
    _reap_later(process)
    return process.pid


def _reap_later(process: subprocess.Popen[bytes]) -> None:
    """A zombie is left otherwise when the engine ends before the app does."""
    import threading

    threading.Thread(target=process.wait, daemon=True).start()


def is_running(run: RunFolder) -> bool:
    """True while an engine holds the journal's lock."""
    path = Path(run.journal)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        fcntl.flock(file, fcntl.LOCK_UN)
        return False
