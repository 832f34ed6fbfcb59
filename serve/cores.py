"""The cores that this process may use, and what they can do."""

import os
from functools import cache
from pathlib import Path
from typing import Final

#: What Linux knows of the processor.
_PROCESSOR: Final = Path("/proc/cpuinfo")


def available_cores() -> int:
    """Cores that the scheduler lets this process run on, which in a container may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
