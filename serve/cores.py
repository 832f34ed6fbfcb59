"""The cores that this process may use, and what they can do."""

import math
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

#: What Linux knows of the processor.
_PROCESSOR: Final = Path("/proc/cpuinfo")
#: The control group of this process, and where the limits of all of them are.
_GROUP: Final = Path("/proc/self/cgroup")
_GROUPS: Final = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Cores that this process may run on, or the processor time of so many, if a container or a unit allows less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([cores, *(max(1, math.ceil(quota)) for quota in _quotas())])


def _quotas() -> Iterator[float]:
    """Processor time a second that the control group of this process and those around it allow (`docker --cpus`)."""
    try:
        lines = _GROUP.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        # The second version of control groups has one line; of the first, what limits the processor has one of its own.
        _, controllers, name = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        group = Path(name.lstrip("/"))
        for one in (group, *group.parents):
            yield from _quota(_GROUPS / ("cpu" if controllers else "") / one)


def _quota(folder: Path) -> Iterator[float]:
    try:
        if (both := folder / "cpu.max").is_file():
            quota, period = both.read_text(encoding="ascii").split()
        else:
            quota, period = (
                (folder / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period")
            )
        if quota != "max" and int(quota) > 0:
            yield int(quota) / int(period)
    except (OSError, ValueError):
        # There is no limit here, or nobody may know.
        return


@cache
def instructions() -> frozenset[str]:
    """What instructions the cores have, as Linux names them; none where that cannot be seen."""
    try:
        lines = _PROCESSOR.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").split())


def multiplies_bytes() -> bool:
    """Whether the cores have instructions for sums of products of bytes (VNNI)."""
    return not instructions().isdisjoint({"avx_vnni", "avx512_vnni"})
