"""One process at a time, by a lock on a file that ends with the process."""

import fcntl
import os
import time
from pathlib import Path

from visrep.errors import Failure


def only_one(path: Path, what: str, *, wait: float = 0.0, more: str = "") -> int:
    """The descriptor of the file at ``path``, locked until it is closed; it holds this process's number, and ``more``
    behind it. Raises `Failure` where another process has ``what`` for longer than ``wait`` seconds."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT)
    until = time.monotonic() + wait
    while not _taken(lock):
        if time.monotonic() >= until:
            holder = os.read(lock, 20).decode().partition(" ")[0] or "unknown"
            raise Failure(f"{what} is running already, as process {holder}; wait for it or end it")
        time.sleep(0.1)
    os.truncate(lock, 0)
    os.write(lock, f"{os.getpid()}{more}".encode())
    return lock


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
