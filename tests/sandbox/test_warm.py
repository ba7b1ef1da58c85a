"""A warm start is a cold start whose imports were done before: same surroundings, same end, same containment."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from copilot.errors import SetupError
from copilot.sandbox import collect, warm
from copilot.sandbox.protocol import Job, Limits, Outcome
from tests.sandbox.conftest import CONTAINING, Place

containing = pytest.mark.parametrize("place", CONTAINING, indirect=True)
BEGIN = "import numpy as np\n"


def start(place: Place, how: str, code: str, *args: str, **fields: object) -> Outcome:
    """Run `code` as experiment.py in an emptied workspace, always at the same path."""
    keep = dict(fields.pop("files", {}))  # type: ignore[call-overload]
    collect.remove_tree(place.workspace)
    place.workspace.mkdir()
    for name, text in {"experiment.py": code, **keep}.items():
        (place.workspace / name).write_text(text)
    limits = Limits.model_validate({"seconds": 60, "memory_mb": 2048, "processes": 64, "disk_mb": 64})
    job = Job.model_validate(
        {
            "argv": ["python", "experiment.py", *args],
            "workspace": place.workspace,
            "log": place.log,
            "limits": limits,
            "start": how,
            **fields,
        }
    )
    outcome = place.sandbox.run(job)
    assert how == "auto" or outcome.start == how
    return outcome


def same(place: Place, code: str, *args: str, **fields: object) -> Outcome:
    """Both starts give the same; the warm one is returned."""
    cold, warmed = (start(place, how, code, *args, **fields) for how in ("cold", "warm"))
    own = r"/copilot-job-[\w-]+|\b60\d\d\d\b"  # scratch folder, and the user of a job of root
    told = [re.sub(own, "OWN", outcome.head).splitlines() for outcome in (cold, warmed)]
    assert told[1] == told[0]
    assert [warmed.reason, warmed.exit_code, warmed.detail] == [cold.reason, cold.exit_code, cold.detail]
    return warmed


SURROUNDINGS = """
import atexit, gc, json, os, signal, sys, threading, warnings
def stream(file):
    return [getattr(file, name) for name in ("name", "mode", "encoding", "errors", "line_buffering", "write_through")]
files = [sys.stdin, sys.stdout, sys.stderr]
import resource
limits = {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource)
          if name.startswith("RLIMIT") and name != "RLIMIT_NPROC"}
seen = {
    "arguments": [sys.argv, sys.orig_argv, sys.executable, sys.prefix, sys.path],
    "main": {name: str(value) for name, value in globals().items() if isinstance(value, (str, type(None)))},
    "names": list(globals()),
    "loader": type(__loader__).__name__,
    "folder": os.getcwd(),
    "environment": dict(os.environ),
    "streams": [[*stream(f), f.isatty(), f.seekable(), type(f.buffer).__name__] for f in files],
    "input": sys.stdin.read(),
    "flags": str(sys.flags),
    "signals": {n: str(signal.getsignal(n)) for n in signal.valid_signals()},
    "mask": str(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "umask": os.umask(0o22),
    "limits": limits,
    "descriptors": [n for n in range(200) if os.path.exists(f"/proc/self/fd/{n}")],
    "host": [os.uname().nodename, os.getuid() in (0, 1000), os.getgroups(), os.getpriority(os.PRIO_PROCESS, 0)],
    "status": [x for x in open("/proc/self/status") if x[:3] in ("Cap", "NoN", "Sec", "Cpu")],
    "exe": os.readlink("/proc/self/exe"),
    "collector": [gc.isenabled(), gc.get_threshold()],
    "thread": [threading.current_thread().name, threading.active_count(), sys.getrecursionlimit()],
    "hooks": [str(sys.excepthook == sys.__excepthook__), len(sys.meta_path), warnings.filters[:3]],
    "mounts": [" ".join(x.split()[1:4]) for x in open("/proc/self/mounts")] if os.getuid() == 1000 else [],
    "own": [name for name in sys.modules if "copilot" in name],
}
print(json.dumps(seen, indent=1, default=str))
"""


@containing
def test_a_script_finds_the_same_around_it(place: Place) -> None:
    same(place, f"import numpy\n{SURROUNDINGS}", "--arm", "x", env={"COPILOT_INPUTS": "/somewhere", "MORE": "y"})


ENDS = {
    "clean": "print('done')",
    "text": "raise SystemExit('because')",
    "number": "import sys; sys.exit(3)",
    "none": "import sys; sys.exit()",
    "hard": "import os; os._exit(7)",
    "error": "def f(x):\n    return 1 / x\ntry:\n    f(0)\nexcept ArithmeticError as e:\n    raise KeyError from e",
    "syntax": "x = = 3",
    "interrupt": "raise KeyboardInterrupt",
    "deep": "def f(): f()\ntry:\n    f()\nexcept RecursionError as e:\n    print(e)",
    "kill": "import os; os.kill(os.getpid(), 9)",
    "abort": "import os; os.abort()",
    "terminated": "import os; os.kill(os.getpid(), 15)",
    "interrupted": "import os, time; os.kill(os.getpid(), 2); time.sleep(1)",
    "crash": "import ctypes; ctypes.string_at(0)",
    "pipe": "import os; r, w = os.pipe(); os.close(r); os.write(w, b'x')",
    "exit_functions": "import atexit, sys; [atexit.register(print, x) for x in 'ba']; sys.stdout.write('x')",
    "hook": "import sys; sys.excepthook = lambda *a: print('hook', a[0].__name__); 1 / 0",
    "thread": "import threading, time; threading.Thread(target=lambda: (time.sleep(.2), print('late'))).start()",
    "unflushed": "f = open('f', 'w'); f.write('x'); import atexit; atexit.register(lambda: print(f.closed))",
    "warning": "import warnings; warnings.warn('careful')",
    "local": "import helper",
    "encoding": "print('gr\\u00fcn \\u4e2d')",
    "child": "import os\nif os.fork() == 0: print('c'); os._exit(0)\nos.wait(); print('p')",
    "session": "import os; os.setsid() if os.getpid() == 2 or os.getsid(0) != os.getpid() else None; print('ok')",
}


@pytest.mark.sandbox
@pytest.mark.parametrize("name", ENDS)
def test_a_script_ends_the_same(place: Place, name: str) -> None:
    same(place, BEGIN + ENDS[name], files={"helper.py": "import numpy\nraise ValueError('in a helper')\n"})


@containing
def test_nothing_is_shared_by_two_jobs(place: Place) -> None:
    """Unseeded generators, keys and names differ; what one changes in memory or in folders the next does not see."""
    code = """
import numpy as np
import multiprocessing, os, random, sys, tempfile, uuid
print(np.random.rand(), random.random(), uuid.uuid4(), bytes(multiprocessing.current_process().authkey).hex(),
      np.random.default_rng().random(), next(tempfile._get_candidate_names()))
places = [os.path.expanduser("~/x"), "/tmp/x", "/dev/shm/warm-x", os.environ["TMPDIR"] + "/x"]
left = hasattr(np, "planted") or "planted" in sys.modules or "PLANTED" in os.environ or np.array([1]).sum() != 1
print(left, [os.path.exists(place) for place in places])
np.planted = sys.modules["planted"] = os
os.environ["PLANTED"] = "1"
for place in places:
    try:
        open(place, "w").close()
    except OSError:
        pass
"""
    first, second = (start(place, "warm", code).head.splitlines() for _ in range(2))
    assert len(set(first[0].split()) | set(second[0].split())) == 12
    assert second[1] == first[1] == "False [False, False, False, False]"


@pytest.mark.sandbox
def test_generators_with_a_seed_give_what_they_always_give(place: Place) -> None:
    same(
        place,
        """
import numpy as np
import random
random.seed(3); np.random.seed(3)
print(random.random(), np.random.rand(), np.random.default_rng(3).random(), np.random.RandomState(3).rand())
""",
    )


@containing
def test_the_process_that_is_kept_cannot_be_reached(place: Place) -> None:
    """It is not visible at the first level; at the other it is, as any process, but closed."""
    code = """
import numpy as np
import os
me, tried = os.getpid(), []
for pid in sorted({int(n) for n in os.listdir("/proc") if n.isdigit()} - {me}):
    own = f"/proc/{pid}"
    for what in (lambda: os.kill(pid, 0), lambda: open(f"{own}/mem", "r+b"), lambda: open(f"{own}/environ")):
        try:
            what()
            tried.append(pid)
        except OSError:
            pass
print(os.getppid(), sorted(set(tried)))
"""
    outcome = start(place, "warm", code)
    parent, _, reached = outcome.head.partition(" ")
    assert reached == ("[1, 2]\n" if place.level == "namespace" else "[]\n")
    assert (parent == "0") == (place.level == "namespace")
    assert start(place, "warm", "import numpy as np\nprint(1)").head == "1\n"


@containing
def test_a_job_that_kills_what_it_can_ends_only_itself(place: Place) -> None:
    outcome = start(place, "warm", "import numpy as np\nimport os\nfor n in range(1, 5):\n    os.kill(n, 9)")
    assert not outcome.ok
    assert start(place, "warm", "import numpy as np\nprint(1)").head == "1\n"


@pytest.mark.sandbox
def test_limits_end_a_warm_job_like_a_cold_one(place: Place) -> None:
    limits = Limits(seconds=1, memory_mb=300, processes=40, disk_mb=32)
    save = "import signal, sys\nsignal.signal(15, lambda *_: (open('saved', 'w').close(), sys.exit(0)))\n"
    late = start(place, "warm", f"{BEGIN}{save}import time; time.sleep(30)", limits=limits)
    assert (late.reason, (place.workspace / "saved").exists()) == ("timeout", True)
    roomy = limits.model_copy(update={"seconds": 20})
    big = start(place, "warm", f"{BEGIN}import time; a = np.ones(60 << 20); time.sleep(19)", limits=roomy)
    assert big.reason == "memory"
    many = (
        f"{BEGIN}import threading, time\nn = 0\ntry:\n    while n < 99: threading.Thread(target=time.sleep, args=(3,))"
    )
    many += ".start(); n += 1\nexcept RuntimeError: print(n)"
    assert int(start(place, "warm", many, limits=roomy).head or 99) <= 40
    assert start(place, "warm", f"{BEGIN}open('f', 'wb').write(bytes(64 << 20))", limits=limits).reason == "disk"


@pytest.mark.sandbox
def test_it_can_be_stopped_and_leaves_no_process(place: Place) -> None:
    stop, running = threading.Event(), place.workspace / "on"

    def stop_it() -> None:
        while not running.exists():
            time.sleep(0.05)
        stop.set()

    threading.Thread(target=stop_it, daemon=True).start()
    code = f"{BEGIN}import os, time\nif os.fork() == 0: os.setsid()\nopen('on', 'w').close(); time.sleep(30)"
    place.workspace.joinpath("experiment.py").write_text(code)
    job = Job(argv=["python", "experiment.py"], workspace=place.workspace, log=place.log, start="warm")
    outcome = place.sandbox.run(job, stop)
    assert (outcome.reason, outcome.detail, outcome.start) == ("stopped", "It was stopped.", "warm")
    assert outcome.seconds < 20


def test_what_cannot_be_warm_starts_cold(place: Place, tmp_path: Path) -> None:
    """Layers of packages, a file named like a module, programs that are no file, levels that hold no processes."""
    cases: list[dict[str, object]] = [
        {"env": {"PYTHONPATH": str(tmp_path)}},
        {"files": {"contextlib.py": "raise SystemExit"}, "argv": ["python", "experiment.py"]},
        {"argv": ["python", "-c", "print(1)"]},
        {"gpu": True},
    ]
    warm.KEPT_READY._asked.clear()
    assert [start(place, "auto", f"{BEGIN}print(1)").start for _ in range(3)] == ["cold", "warm", "warm"]
    for case in cases:
        assert start(place, "auto", f"{BEGIN}print(1)", **case).start == "cold", case
    assert start(place, "auto", "import json\nprint(1)").start == "cold"  # nothing to gain
    assert start(place, "cold", f"{BEGIN}print(1)").start == "cold"
    with pytest.raises(SetupError, match="could not be started warm: its environment changes"):
        start(place, "warm", BEGIN, env={"PYTHONPATH": str(tmp_path)})
    (tmp_path / "weak").mkdir()
    weak = Place(tmp_path / "weak", "limits-only")
    assert start(weak, "auto", f"{BEGIN}print(1)").start == "cold"


@pytest.mark.sandbox
def test_a_process_that_died_is_replaced(place: Place) -> None:
    start(place, "warm", f"{BEGIN}print(1)")
    for ready in warm.KEPT_READY._ready.values():
        os.killpg(ready._process.pid, signal.SIGKILL)
        ready._process.wait()
    assert start(place, "warm", f"{BEGIN}print(1)").head == "1\n"


@pytest.mark.sandbox
def test_the_interpreter_is_out_of_reach_through_its_own_process(place: Place) -> None:
    """A process keeps its program file by the mount through which it was started: that one has to be read-only too."""
    code = """
import numpy, os
for action in (lambda: os.chmod("/proc/self/exe", 0o755), lambda: os.utime("/proc/self/exe")):
    try:
        action()
        print("done")
    except OSError as error:
        print(error.strerror)
"""
    assert same(place, code).head == "Read-only file system\n" * 2


@pytest.mark.sandbox
@pytest.mark.parametrize("name", ["forecasting", pytest.param("tabular_classification", marks=pytest.mark.slow)])
def test_predictions_are_byte_for_byte_those_of_a_cold_start(place: Place, name: str) -> None:
    from copilot.lab.cards import load_cards, prototype_folder
    from copilot.lab.datasets import prepare

    card = load_cards()[name]
    inputs = place.workspace.parent / "inputs"
    prepare(card.dataset, 1, inputs, place.workspace.parent / "sealed")
    left = {}
    for how in ("cold", "warm"):
        collect.remove_tree(place.workspace)
        shutil.copytree(prototype_folder(card.name), place.workspace)
        (place.workspace / "arms.json").write_text(json.dumps({"baseline": {}, "treatment": {}}))
        (place.workspace / "out").mkdir()
        job = Job.model_validate(
            {
                "argv": ["python", "experiment.py", "--arm", "baseline", "--seed", "1", "--out", "out"],
                "workspace": place.workspace,
                "inputs": [inputs],
                "env": {"COPILOT_INPUTS": str(inputs)},
                "log": place.log,
                "start": how,
            }
        )
        outcome = place.sandbox.run(job)
        assert (outcome.ok, outcome.start) == (True, how), outcome
        names = ("predictions.csv", "result.json", "metrics.jsonl")
        left[how] = [(place.workspace / "out" / file).read_bytes() for file in names]
    assert left["warm"] == left["cold"]


TORCH = """
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
data = TensorDataset(torch.randn(256, 10), torch.randint(0, 2, (256,)))
model = torch.nn.Linear(10, 2)
step = torch.optim.SGD(model.parameters(), 0.1)
for x, y in DataLoader(data, batch_size=32, num_workers=2, shuffle=True):
    step.zero_grad()
    torch.nn.functional.cross_entropy(model(x), y).backward()
    step.step()
print(torch.get_num_threads(), torch.initial_seed(), model.weight.detach().numpy().tobytes().hex())
"""


@pytest.mark.slow
@pytest.mark.torch
@containing
def test_training_with_torch_and_workers_gives_the_same_weights(place: Place) -> None:
    same(place, TORCH)


@pytest.mark.slow
@pytest.mark.sandbox
def test_worker_processes_of_scikit_learn_give_the_same_scores(place: Place) -> None:
    code = """
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
x, y = make_classification(300, random_state=0)
print(cross_val_score(RandomForestClassifier(10, random_state=0), x, y, n_jobs=2).tolist())
"""
    same(place, code)
