"""Switch params.yaml to a preset, and say at most what that reruns: ``make preset PRESET=best [DATA=folder]``.

With a folder, the image sets that lie there as ``<name>.zip`` are read from it. Edits of params.yaml, down to its
comments, that are in no preset and not committed are never overwritten; what this command wrote may be.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from visrep.settings.study import Study
from visrep.stage import artifacts, params
from visrep.stage.errors import Failure

PRESETS = Path("presets")
SETS = ("svhn", "cifar10", "mnist")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make preset", description=__doc__)
    parser.add_argument("preset")
    parser.add_argument("--data", type=Path)
    words = parser.parse_args()
    try:
        text = chosen(words.preset, words.data and artifacts.at_home(words.data))
        refuse_to_lose(params.FILE)
        params.check(params.parsed(text, Path(words.preset)), Study, Path(words.preset))
        artifacts.write_bytes(params.FILE, text.encode())
    except Failure as failure:
        print(f"preset: {failure}", file=sys.stderr)
        sys.exit(failure.status)
    print(f"{params.FILE} is now {words.preset}; `dvc repro` reruns at most: {grouped(touched()) or 'nothing'}")


def chosen(name: str, data: Path | None) -> str:
    """The text of a preset, its sources turned to the archives in ``data``. Raises `Failure` where there are none."""
    known = sorted(path.stem for path in PRESETS.glob("*.yaml"))
    if name not in known:
        raise Failure(f"no preset {name!r}; one of {', '.join(known)}", 2)
    text = (PRESETS / f"{name}.yaml").read_text()
    if data is None:
        return text
    found = {name: data / f"{name}.zip" for name in SETS if (data / f"{name}.zip").is_file()}
    if not found:
        raise Failure(f"{data} holds none of {', '.join(f'{name}.zip' for name in SETS)}", 2)
    for name, path in found.items():
        text = from_archive(text, name, path)
    return text


def from_archive(text: str, name: str, path: Path) -> str:
    """The text of a params file in which the set ``name`` comes from the archive at ``path``; comments stay."""
    quoted = json.dumps(str(path), ensure_ascii=False)  # YAML too
    for key, value in (("source", "archive"), ("archive", quoted if re.search(r"[^\w./~-]", str(path)) else str(path))):
        pattern = rf"(?ms)^(  {name}:.*?^    {key}: *)[^#\n]*?( *(?:#[^\n]*)?)$"
        found = re.search(pattern, text)
        if found is None:
            raise Failure(f"no download.{name}.{key} to set", 2)
        text = text[: found.start()] + found[1] + value + found[2] + text[found.end() :]
    return text


def refuse_to_lose(path: Path) -> None:
    """Raises `Failure` where ``path`` is neither committed as it stands nor what this command writes."""
    if not path.exists() or _committed(path):
        return
    text, folders = path.read_text(), _archives(params.load(path))
    for preset in PRESETS.glob("*.yaml"):
        written = preset.read_text()
        for name, archive in folders.items():
            written = from_archive(written, name, archive)
        if written == text:
            return
    raise Failure(f"{path} holds edits that are in no preset and not committed; commit them or `git restore {path}`")


def _committed(path: Path) -> bool:
    shown = subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True)
    return shown.returncode == 0 and shown.stdout == path.read_bytes()


def _archives(values: dict[str, Any]) -> dict[str, Path]:
    """Where the sets come from that lie as ``<name>.zip`` in one folder: what a former ``DATA`` may have put there."""
    download = values["download"] if isinstance(values.get("download"), dict) else {}
    sources = {name: download[name] for name in SETS if isinstance(download.get(name), dict)}
    found = {name: Path(str(one["archive"])) for name, one in sources.items() if one.get("source") == "archive"}
    one_folder = len({path.parent for path in found.values()}) == 1
    return found if one_folder and all(path.name == f"{name}.zip" for name, path in found.items()) else {}


def touched() -> list[str]:
    """Stages that the next `dvc repro` may rerun, in its order: what changed, and all that depends on it. Outputs that
    come out as they were stop it earlier; `check` always does."""
    import networkx as nx
    from dvc.repo import Repo

    with Repo() as repo:
        changed = repo.status()
        graph = repo.index.graph
        order = [stage for stage in nx.dfs_postorder_nodes(graph) if stage.addressing]
        hit = {stage for stage in order if stage.addressing in changed and stage.addressing != "check"}
        hit |= {later for stage in hit for later in nx.ancestors(graph, stage)}
        return [stage.addressing for stage in order if stage in hit or stage.addressing in changed]


def grouped(names: Sequence[str]) -> str:
    """Stages in words: of a group (embed@...) of which there are several, how many."""
    members: dict[str, list[str]] = {}
    for name in names:
        members.setdefault(name.partition("@")[0], []).append(name)
    return ", ".join(f"{group} ({len(own)})" if len(own) > 1 else own[0] for group, own in members.items())


if __name__ == "__main__":
    main()
