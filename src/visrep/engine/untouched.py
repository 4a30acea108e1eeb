"""Whether any file of a study was touched since a run that had nothing left to do: if none was, DVC need not be asked,
which takes it seconds.

A file is untouched while its size, its time of change and its inode are the same, as in DVC's own memory of hashes.
"""

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

State: TypeAlias = "list[int] | dict[str, State] | None"

NAME = "untouched.json"  # in DVC's folder for temporary files
IGNORED = "__pycache__"  # as .dvcignore says


def state(path: str | Path) -> State:
    """Of a file three numbers, of a folder the state of all that is in it, None where nothing is."""
    try:
        status = Path(path).stat()
        if not stat.S_ISDIR(status.st_mode):
            return [status.st_mtime_ns, status.st_size, status.st_ino]
        return {entry.name: state(entry.path) for entry in os.scandir(path) if entry.name != IGNORED}
    except OSError:
        return None


def remember(path: Path, stages: int, states: Mapping[str, State]) -> None:
    """Write down in ``path`` that a study of so many ``stages`` is done and its files are in these ``states``."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"stages": stages, "states": dict(states)}))
    os.replace(new, path)


def done(path: Path) -> int | None:
    """Of how many stages the study is that was done when ``path`` was written; None where it was never done or a file
    has been touched."""
    with suppress(OSError, ValueError):
        record = json.loads(path.read_text())
        if all(state(name) == before for name, before in record["states"].items()):
            return int(record["stages"])
    return None
