"""What must be equal where stages of one study run, or their bytes would depend on where."""

import hashlib
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path

from visrep.machine import processor

ROOT = Path(__file__).parents[3]  # of the code that this process has imported


@dataclass(frozen=True)
class Identity:
    """``commit`` of the code, hash of its ``requirements`` (requirements.lock), and which vector instructions the
    ``processor`` has: they decide in which order libraries add."""

    commit: str
    requirements: str
    processor: str

    @classmethod
    def here(cls) -> "Identity":
        lock = ROOT / "requirements.lock"
        locked = hashlib.sha256(lock.read_bytes()).hexdigest()[:12] if lock.exists() else "none"
        return cls(_commit(), locked, processor.kind())

    def differs(self, other: "Identity") -> str:
        """What is other than in ``other``, in words; empty where nothing is."""
        pairs = ((field.name, getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return ", ".join(f"{name} is {mine}, not {theirs}" for name, mine, theirs in pairs if mine != theirs)


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "none"
