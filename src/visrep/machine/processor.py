"""The kind of this processor: libraries sum in an order that depends on it, and so do the bytes of results."""

import platform
from pathlib import Path


def kind() -> str:
    """The architecture and its vector instructions, such as "x86_64 avx avx2 fma"."""
    flags: set[str] = set()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                flags = set(line.partition(":")[2].split())
                break
    except OSError:
        return platform.processor() or platform.machine()
    vectors = sorted(flag for flag in flags if flag.startswith(("avx", "amx", "sve", "asimd", "fma")))
    return f"{platform.machine()} {' '.join(vectors)}".strip()
