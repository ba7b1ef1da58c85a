"""The command line of podman or docker for the `container` level, and the end of its container. No policy.

The image gives the system and the interpreter; the workspace and the inputs appear at their own paths, a home and a
/tmp made for this job alone. The job's container bears the name of its scratch folder. What the kernel's system-call
filter refuses at the other levels is refused here too, by a profile in the engines' own format.
"""

# Plain strings and os calls throughout the supervisor: pathlib alone would cost every job 6 ms.
from __future__ import annotations

import json
import os
import resource

from copilot.sandbox.supervisor import seccomp
from copilot.sandbox.supervisor.spec import Spec, StartError

INNER_HOME = "/home/job"
SPARE_SECONDS = 60.0
"""How much longer than its own limit a container may live when its supervisor is gone; podman ends it then."""
SPARE_MEMORY_MB = 128
"""What the control group allows beyond the limit, so that the supervisor sees it first and can say so."""
FIRST = ["/bin/sh"]
FIRST_ARGUMENTS = ["-c", 'exec 3>&2 2>/dev/null; (exec "$@" 2>&3 3>&-); exit $?', "sh"]
"""Process 1 waits for the program, collects orphans, and says nothing; the program is its child and has signals."""
NOT_STARTED = (125, 126, 127)
"""What the engines' own commands end with when the container could not be started."""
_FAMILIES = 64
_ARCHITECTURES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}


def environment() -> dict[str, str]:
    """Of the engine's command, which finds its helpers and the user's images by it; nothing of it reaches the job."""
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": os.path.expanduser("~")}


def name(scratch: str) -> str:
    """Of the job's container."""
    return os.path.basename(scratch)


def build(spec: Spec, scratch: str, uid: int | None) -> list[str]:
    """Everything, the program's own arguments included. Raises StartError for what cannot be mounted."""
    podman = os.path.basename(spec.engine[0]) == "podman"
    profile = f"{scratch}/seccomp.json"
    with open(profile, "w", encoding="utf-8") as file:
        file.write(json.dumps(_profile(spec.gpu)))
    options = ["run", "--name", name(scratch), "--pull", "never", "--network", "none", "--read-only"]
    options += ["--cap-drop", "all", "--security-opt", "no-new-privileges", "--security-opt", f"seccomp={profile}"]
    options += ["--security-opt", "label=disable", "--log-driver", "none", "--hostname", "sandbox"]
    options += _limits(spec) + _user(uid, podman) + _places(spec, scratch) + _gpu(spec, podman)
    if podman:
        options += ["--read-only-tmpfs=false", "--http-proxy=false"]
        options += ["--timeout", str(int(spec.seconds + SPARE_SECONDS))]
    for variable, text in {**spec.env, "HOME": INNER_HOME, "TMPDIR": "/tmp"}.items():
        options += ["--env", f"{variable}={text}"]
    return [*spec.engine, *options, "--entrypoint", *FIRST, spec.image, *FIRST_ARGUMENTS, *spec.argv]


def _limits(spec: Spec) -> list[str]:
    """By the kernel's control groups, beside what the supervisor sees."""
    disk = spec.disk_mb << 20
    counts: dict[str, int] = {
        "nofile": 4096,
        "core": 0,
        "fsize": disk,
        "nproc": spec.processes + 1,
        "memlock": 64 << 20,
    }
    most = f"{spec.memory_mb + SPARE_MEMORY_MB}m"
    options = ["--memory", most, "--memory-swap", most]
    options += ["--pids-limit", str(spec.processes + 1), "--cpus", str(os.cpu_count() or 1)]
    options += ["--shm-size", f"{max(16, spec.memory_mb // 4)}m"]
    for kind, value in counts.items():
        _, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{kind.upper()}"))
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        options += ["--ulimit", f"{kind}={allowed}:{allowed}"]
    return options


def _user(uid: int | None, podman: bool) -> list[str]:
    """Never root of the machine: the job's own user, or the person's, whom podman maps to itself and no one else."""
    if uid is not None:
        return ["--user", f"{uid}:{uid}"]
    mapped = ["--userns", "keep-id"] if podman else []
    return [*mapped, "--user", f"{os.getuid()}:{os.getgid()}"]


def _places(spec: Spec, scratch: str) -> list[str]:
    mounts = [(f"{scratch}/tmp", "/tmp", ""), (f"{scratch}/home", INNER_HOME, "")]
    mounts += [(path, path, ",readonly") for path in spec.inputs]
    mounts += [(spec.workspace, spec.workspace, "")]
    options = ["--workdir", spec.workspace]
    for source, target, mode in mounts:
        if "," in source:
            raise StartError(f"A path with a comma cannot be shown in a container: {source}")
        options += ["--mount", f"type=bind,source={source},target={target}{mode}"]
    return options


def _gpu(spec: Spec, podman: bool) -> list[str]:
    if not spec.gpu:
        return []
    return ["--device", "nvidia.com/gpu=all"] if podman else ["--gpus", "all"]


def _profile(memfd: bool) -> dict[str, object]:
    """The common filter of the levels. Source of the format: the OCI runtime specification, config-linux, seccomp."""
    absent = [*seccomp.ABSENT.split(), "memfd_secret", *([] if memfd else ["memfd_create"])]
    rules = [_rule(seccomp.REFUSED.split()), _rule(absent, 38)]
    rules += [_rule(["clone"], 1, (0, flag, "MASKED_EQ", flag)) for flag in _bits(seccomp.CLONE_NEW)]
    rules += [_rule(["ioctl"], 1, (1, code, "EQ")) for code in seccomp.TERMINAL_IOCTLS]
    allowed = seccomp.Rules().sockets
    rules += [_rule(["socket"], 1, (0, family, "EQ")) for family in range(_FAMILIES) if family not in allowed]
    rules += [
        _rule(["socket"], 1, (0, _FAMILIES, "GE")),
        _rule(["socket"], 1, (0, seccomp.AF_NETLINK, "EQ"), (2, 0, "NE")),
    ]
    kinds = (seccomp.SOCK_RAW, seccomp.SOCK_PACKET)
    families = [family for family in allowed if family != seccomp.AF_NETLINK]
    for family in families:
        rules += [
            _rule(["socket"], 1, (0, family, "EQ"), (1, seccomp.SOCK_TYPE_MASK, "MASKED_EQ", kind)) for kind in kinds
        ]
    machine = os.uname().machine
    return {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [_ARCHITECTURES[machine]], "syscalls": rules}


def _bits(flags: int) -> list[int]:
    return [1 << position for position in range(32) if flags >> position & 1]


def _rule(names: list[str], number: int = 1, *arguments: tuple[int, int, str] | tuple[int, int, str, int]) -> object:
    """Answer these calls with an error number when all `arguments` (index, value, comparison, second value) match."""
    found = [
        {"index": one[0], "value": one[1], "valueTwo": one[3] if len(one) > 3 else 0, "op": f"SCMP_CMP_{one[2]}"}
        for one in arguments
    ]
    return {"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": number, "args": found}


def remove(spec: Spec, scratch: str) -> None:
    """Kill whatever runs in the job's container at once, and forget it. Raises OSError."""
    import subprocess  # here: it would cost every job of the other levels as much as all the rest

    for action in (["kill"], ["rm", "--force", "--volumes"]):
        command = [*spec.engine, *action, name(scratch)]
        subprocess.run(command, capture_output=True, env=environment(), check=False, cwd="/")
