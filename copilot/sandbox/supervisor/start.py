"""From a `Spec` to a running program inside its level. The supervisor has one thread, so a plain fork is safe.

In the child, in this order: own session, output, a way to the files, the job's user, resource limits, no new
privileges, Landlock, system-call filter, exec. Any refusal is reported and nothing runs.
"""

# Plain strings and os calls throughout the supervisor: pathlib alone would cost every job 6 ms.
from __future__ import annotations

import contextlib
import os
import resource
import signal
from typing import NamedTuple, NoReturn

from copilot.sandbox.supervisor import bwrap, container, identity, kernel, landlock, seccomp, sockets, tree
from copilot.sandbox.supervisor.spec import Spec, StartError

OPEN_FILES = 4096
SYSTEM_RUN = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_READ = (
    "/proc",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
    *(f"/etc/{name}" for name in (*bwrap.SYSTEM_FILES, "passwd", "group", "hosts", "nsswitch.conf")),
)
PLAIN_DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom"))


class Started(NamedTuple):
    """A running job: its first process, where its output arrives, and (namespace only) what bubblewrap reports."""

    pid: int
    output: int
    status: int | None


def start(spec: Spec, scratch: str, uid: int | None) -> Started:
    """Start the job; `uid` is the user to become, None to stay. Raises StartError if it cannot be started."""
    output, child_output = os.pipe()
    errors, child_errors = os.pipe()
    status, child_status = os.pipe() if spec.level == "namespace" else (None, -1)
    guarded = to_guard(spec.level, uid)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _child(spec, scratch, uid, (child_output, child_errors, child_status), guarded, parent)
    for descriptor in (child_output, child_errors, child_status):
        if descriptor >= 0:
            os.close(descriptor)
    problem = read_all(errors)
    if problem:
        os.waitpid(pid, 0)
        raise StartError(problem)
    os.set_blocking(output, False)
    return Started(pid, output, status)


def read_all(descriptor: int) -> str:
    """What the child had to say before it became the program, which closes the pipe."""
    data = b""
    while chunk := os.read(descriptor, 65536):
        data += chunk
    os.close(descriptor)
    return data.decode("utf-8", "replace")


def to_guard(level: str, uid: int | None) -> tuple[int, ...]:
    """Processes that the job could signal, where only the filter stops it: those of its user, before it starts."""
    if level == "seccomp-only" or (level == "landlock" and landlock.abi() < 6):
        return tuple(process.pid for process in tree.of_user(os.geteuid() if uid is None else uid))
    return ()


def _child(
    spec: Spec, scratch: str, uid: int | None, pipes: tuple[int, int, int], guarded: tuple[int, ...], parent: int
) -> NoReturn:
    """Never returns: becomes the program, or says why not (into the second pipe) and ends."""
    output, errors, status = pipes
    try:
        if spec.level == "container":
            os.setsid()
            _wire(output)
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            _exec(container.build(spec, scratch, uid), container.environment(), ())
        prepare(spec, scratch, uid, output, parent)
        _enter(spec, scratch, status, guarded)
    except (OSError, StartError, ValueError) as error:
        os.write(errors, f"{error}".encode("utf-8", "replace")[:4000])
    finally:
        os._exit(97)


def prepare(spec: Spec, scratch: str, uid: int | None, output: int, parent: int) -> None:
    """In the child: session, output, a way to the files, the job's user, limits. Raises StartError or OSError."""
    os.setsid()
    _wire(output)
    if uid is not None:
        identity.uncover([*spec.read_only, *spec.inputs, spec.workspace, scratch])
        identity.become(uid)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise StartError("The supervisor ended.")
    _limit(spec)


def _wire(output: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, number)
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    os.umask(0o022)


def _limit(spec: Spec) -> None:
    """What the kernel enforces by itself. Not the address space: numeric libraries reserve far more than they use."""
    disk = spec.disk_mb << 20
    wanted = {
        resource.RLIMIT_CORE: 1,  # 1, not 0: also stops a core that would be piped to a program
        resource.RLIMIT_FSIZE: disk,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_MEMLOCK: 64 << 20,
        resource.RLIMIT_MSGQUEUE: 819200,
        resource.RLIMIT_CPU: int(spec.seconds * (os.cpu_count() or 1)) + 10,
    }
    if spec.level != "namespace":
        wanted[resource.RLIMIT_NPROC] = spec.processes + _tasks_of(os.geteuid())
    for kind, value in wanted.items():
        _, most = resource.getrlimit(kind)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(kind, (value, value))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")


def _tasks_of(uid: int) -> int:
    """Threads that this user has already: the kernel counts them all together."""
    return sum(process.threads for process in tree.of_user(uid))


def _enter(spec: Spec, scratch: str, status: int, guarded: tuple[int, ...]) -> None:
    if spec.level == "namespace":
        _exec_bwrap(spec, scratch, status)
    confine(spec, scratch, guarded)
    _exec(spec.argv, environment(spec, scratch), ())


def confine(spec: Spec, scratch: str, guarded: tuple[int, ...]) -> None:
    """Levels without namespaces: what this process may reach from now on. Raises StartError or OSError."""
    os.chdir(spec.workspace)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    families = (seccomp.AF_UNIX,) if sockets.harmless() else ()  # before Landlock hides the folders to search
    if spec.level == "landlock":
        landlock.restrict(_rules(spec, scratch))
    if spec.level != "limits-only":
        rules = seccomp.Rules(families, spec.gpu, True, landlock.abi() < 3, guarded)
        program = seccomp.assemble(rules)
        seccomp.install(program)


def environment(spec: Spec, scratch: str) -> dict[str, str]:
    """Of a job without a mount namespace: its home and temporary folder are where they are."""
    return {**spec.env, "HOME": f"{scratch}/home", "TMPDIR": f"{scratch}/tmp"}


def _exec_bwrap(spec: Spec, scratch: str, status: int) -> None:
    """Start bubblewrap with an empty environment: it is process 1 inside, and what it was given can be read there."""
    program = seccomp.assemble(seccomp.Rules(memfd=spec.gpu))
    command = bwrap.build(spec, scratch, program, status)
    numbers = {name: bwrap.descriptor_with(content) for name, content in command.files.items()}
    options = "\0".join(str(numbers.get(option, option)) for option in command.options) + "\0"
    arguments = bwrap.descriptor_with(options)
    argv = [spec.bwrap, "--args", str(arguments), "--", *bwrap.inner_argv(spec)]
    _exec(argv, {}, (*numbers.values(), arguments, status))


def _exec(argv: list[str], env: dict[str, str], keep: tuple[int, ...]) -> None:
    """Become `argv` with only the descriptors 0, 1, 2 and `keep`. Raises OSError."""
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        if number > 2:
            with contextlib.suppress(OSError):
                os.set_inheritable(number, number in keep)
    os.execvpe(argv[0], argv, env)


def _rules(spec: Spec, scratch: str) -> list[tuple[str, int]]:
    """The allow-list of the `landlock` level."""
    rules = [(path, landlock.RUN) for path in (*SYSTEM_RUN, *spec.read_only)]
    rules += [(path, landlock.READ) for path in (*SYSTEM_READ, *spec.inputs)]
    rules += [(path, landlock.WRITE | landlock.RUN) for path in (spec.workspace, f"{scratch}/home", f"{scratch}/tmp")]
    rules += [("/dev/shm", landlock.WRITE | landlock.READ)]
    rules += [(path, landlock.DEVICE) for path in PLAIN_DEVICES]
    if spec.gpu:
        rules += [(path, landlock.DEVICE | landlock.READ) for path in bwrap.GPU_DEVICES]
        rules += [(path, landlock.READ) for path in bwrap.GPU_SYSTEM]
        rules += [("/proc/self/task", landlock.DEVICE)]
    return rules
