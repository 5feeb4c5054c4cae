"""What a measurement ran on, in one short line without the machine's name."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from ..codec.threads import n_cores

# PyTorch alone reserves some, with a stack for each thread.
_LEAST_ADDRESS_SPACE = 8_000_000_000


def memory_bytes() -> int:
    """Physical memory; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 0


def memory_share(jobs: int) -> int:
    """Bytes of address space to grant each of so many processes; 0, no limit, where a limit would be in the way.

    The limit is there to stop what runs away, not to divide the memory to the last byte: libraries reserve far more
    than they use, and CUDA reserves as much as there is.
    """
    if not memory_bytes() or Path("/dev/nvidiactl").exists():
        return 0
    return max(memory_bytes() // jobs, _LEAST_ADDRESS_SPACE)


def describe_machine() -> str:
    """Processor, cores, Python and system: ``"Some CPU @ 2.50GHz, 2 cores, Python 3.12.3, Linux x86_64"``."""
    python = f"Python {platform.python_version()}"
    return f"{_processor()}, {n_cores()} cores, {python}, {platform.system()} {platform.machine()}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown processor"
