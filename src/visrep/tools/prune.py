"""Outputs of stages that no longer exist, such as those of an ablation removed from params.yaml: ``make prune`` lists
them, ``make prune YES=1`` deletes them.

Only what dvc.lock knows as an output of a former stage is ever deleted.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from dvc.repo import Repo
from dvc.utils.serialize import modify_yaml

from visrep.errors import Failure
from visrep.stage import pipeline

LOCK = Path("dvc.lock")
FOLDERS = ("embeddings", "metrics", "models", "neighbors", "plots", "predictions")


class Left(NamedTuple):
    """``stages`` are former ones that dvc.lock still holds, ``outputs`` what only they wrote; no stage ever wrote
    ``strays``, as far as can be told."""

    stages: list[str]
    outputs: list[Path]
    strays: list[Path]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make prune", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="delete what is listed")
    yes = parser.parse_args().yes
    try:
        left_behind = left()
    except Failure as failure:
        print(f"prune: {failure}", file=sys.stderr)
        sys.exit(failure.status)
    for path in left_behind.outputs:
        print(f"{'deleted' if yes else 'to delete'}: {path}")
    for name in left_behind.stages:
        print(f"{'forgotten' if yes else 'to forget'}: {name} in {LOCK}")
    for path in left_behind.strays:
        print(f"left alone, since no stage is known to have written it: {path}")
    if yes:
        delete(left_behind)
    elif left_behind.stages:
        print("`make prune YES=1` does it")


def left() -> Left:
    stages = pipeline.stages()
    names, kept = {stage.name for stage in stages}, [path for stage in stages for path in stage.writes]
    locked = (yaml.safe_load(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else {}).get("stages", {})
    former = {name: entry for name, entry in locked.items() if name not in names}
    outputs = [path for path in dict.fromkeys(_outputs(former)) if path.exists() and not _covered(path, kept)]
    strays = [path for path in _files() if not _covered(path, [*kept, *map(str, outputs)])]
    return Left(list(former), outputs, strays)


def delete(left_behind: Left) -> None:
    """Also lines of .gitignore, and folders that are empty then."""
    with Repo() as repo, modify_yaml(LOCK) as locked:
        for path in left_behind.outputs:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)  # gone with a folder above it
            repo.scm_context.ignore_remove(str(path.absolute()))
            for folder in list(path.parents)[:-2]:
                if not any(folder.iterdir()):
                    folder.rmdir()
        for name in left_behind.stages:
            del locked["stages"][name]


def _outputs(entries: dict[str, Any]) -> Iterator[Path]:
    for entry in entries.values():
        yield from (Path(out["path"]) for out in entry.get("outs", []))


def _files() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted(path for path in Path(folder).rglob("*") if path.is_file() and path.name != ".gitignore")


def _covered(path: Path, by: Sequence[str]) -> bool:
    """Whether ``path`` is one of these or belongs to one, or one belongs to it."""
    return any(path.is_relative_to(out) or Path(out).is_relative_to(path) for out in by)


if __name__ == "__main__":
    main()
