"""Which imports a script is sure to begin with."""

from __future__ import annotations

import gc
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from copilot.sandbox.leading import imports

ENV = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
CASES = {
    "": [],
    "x = = 1": [],
    "import json, numpy": ["numpy"],
    "'''Doc.'''\nfrom __future__ import annotations\nimport numpy as np\nfrom scipy import stats": ["numpy", "scipy"],
    "import numpy\nprint(1)\nimport scipy": ["numpy"],
    "import numpy\nimport unheard_of\nimport scipy": ["numpy"],
    "import os\nos.environ['OMP_NUM_THREADS'] = '1'\nimport numpy": ["numpy"],
    "import os\nos.environ['OMP_NUM_THREADS'] = '2'\nimport numpy": [],
    "import os\nos.environ['NEW'] = '1'\nimport numpy": [],
    "import os\nos.environ.setdefault('OMP_NUM_THREADS', '4')\nimport numpy": ["numpy"],
    "import os\nos.environ.setdefault('NEW', '4')\nimport numpy": [],
    "os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))\nimport numpy": ["numpy"],
    "os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'NEW'), '1'))\nimport numpy": [],
    "other.environ.update(dict.fromkeys(('OMP_NUM_THREADS',), '1'))\nimport numpy": [],
    "os.environ.update(list.fromkeys(('OMP_NUM_THREADS',), '1'))\nimport numpy": [],
    "try:\n    import torch\nexcept ImportError:\n    raise SystemExit\nimport numpy": ["torch", "numpy"],
    "try:\n    import torch\nfinally:\n    f()\nimport numpy": [],
    "from numpy import *": [],
    "from . import x\nimport numpy": [],
    "import numpy.f2py.__main__": [],
    "import sklearn.conftest": [],
    "from sklearn import _config": [],
    "import antigravity\nimport numpy": ["numpy"],
    "if True:\n    import numpy": [],
    "import helper\nimport torch": ["scipy"],
    "from helper import f\nimport torch": ["scipy"],
    "import loop\nimport torch": [],
    "import folder\nimport torch": [],
    "import numpy\nimport scipy.own": ["numpy", "scipy.own"],
}


@pytest.mark.parametrize("source", CASES)
def test_only_what_comes_before_anything_else_counts(tmp_path: Path, source: str) -> None:
    (tmp_path / "helper.py").write_text("import scipy\nx = 1\nimport numpy\n")
    (tmp_path / "loop.py").write_text("import loop\nimport numpy\n")
    (tmp_path / "folder").mkdir()
    script = tmp_path / "experiment.py"
    script.write_text(source)
    assert [one.module for one in imports(script, ENV)] == CASES[source]


def test_a_file_that_is_named_like_a_package_is_the_scripts_own(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("planted = 1")
    script = tmp_path / "experiment.py"
    script.write_text("import scipy\nimport numpy\nimport torch")
    assert [one.module for one in imports(script, ENV)] == ["scipy"]
    assert imports(tmp_path / "missing.py", ENV) == []
    script.write_bytes(b"\xff\x00")
    assert imports(script, ENV) == []


def test_trials_side_by_side_read_their_sources_at_the_same_time(tmp_path: Path) -> None:
    """Collecting garbage within the parser lets another thread in; CPython before 3.11.8 then confuses the trees."""
    script = tmp_path / "experiment.py"
    script.write_text("import numpy\n" + "def f(a):\n    return {'x': [a for a in a if a > (1 + (2 * 3))]}\n" * 60)
    threshold = gc.get_threshold()

    def let_others_in(phase: str, info: dict[str, int]) -> None:
        time.sleep(0.0001)

    def found(depth: int) -> list[str]:
        return found(depth - 1) if depth else [one.module for one in imports(script, ENV)]

    gc.callbacks.append(let_others_in)
    gc.set_threshold(50)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(found, [0, 3, 6, 9] * 10)) == [["numpy"]] * 40
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(let_others_in)
