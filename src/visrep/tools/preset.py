"""Switch params.yaml to a preset, and say at most what that reruns: ``make preset PRESET=best [DATA=folder]``.

With a folder, the image sets that lie there as ``<name>.zip`` are read from it: by the name of the set here, such as
objects.zip, or of the official one that it replaces, such as cifar10.zip. Edits of params.yaml, down to its
comments, that are in no preset and not committed are never overwritten; what this command wrote may be.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from visrep import files, study
from visrep.errors import Failure
from visrep.stage import params

PRESETS = Path("presets")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make preset", description=__doc__)
    parser.add_argument("preset")
    parser.add_argument("--data", type=Path)
    words = parser.parse_args()
    try:
        text = chosen(words.preset, words.data and files.at_home(words.data))
        refuse_to_lose(params.FILE)
        study.check(params.parsed(text, Path(words.preset)), Path(words.preset))
        files.write_bytes(params.FILE, text.encode())
    except Failure as failure:
        print(f"preset: {failure}", file=sys.stderr)
        sys.exit(failure.status)
    print(f"{params.FILE} is now {words.preset}; `dvc repro` reruns at most: {grouped(touched()) or 'nothing'}")


def chosen(name: str, data: Path | None) -> str:
    """The text of a preset, its sources turned to the archives in ``data``. Raises `Failure` where there are none."""
    known = sorted(path.stem for path in PRESETS.glob("*.yaml"))
    if name not in known:
        raise Failure(f"no preset {name!r}; one of {', '.join(known)}", 2)
    text = written(PRESETS / f"{name}.yaml")
    if data is None:
        return text
    names = _names(params.parsed(text, PRESETS / f"{name}.yaml"))
    found = {role: path for role, files in names.items() for path in (data / file for file in files) if path.is_file()}
    if not found:
        raise Failure(f"{data} holds none of {', '.join(file for files in names.values() for file in files)}", 2)
    for role, path in found.items():
        text = from_archive(text, role, path)
    return text


def written(path: Path) -> str:
    """All of the parameters as a preset has them, with the comments of `params.BASE` and its own: its file holds what
    differs. Raises `Failure` where that is no YAML."""
    base = path.with_name(params.BASE).read_text(encoding="utf-8")
    if path.name == params.BASE:
        return base
    text = path.read_text(encoding="utf-8")
    params.parsed(text, path)  # or one line
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    whole = yaml.load(base)
    _put(yaml.load(text), whole)
    stream = StringIO()
    yaml.dump(whole, stream)
    return stream.getvalue()


class _Representer(RoundTripRepresenter):
    """Writes "null" where ruamel leaves nothing. A class of its own: what ruamel knows of types belongs to a class, and
    DVC writes with the one above."""


_Representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))


def _put(change: Any, whole: Any) -> None:
    """Leaves of one mapping of ruamel's into another, in place, since comments hang on it; each takes its own along."""
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(whole.get(key), dict):
            _put(value, whole[key])
            continue
        known = key in whole
        whole[key] = value
        own, former = (of.ca.items.get(key, [None] * 4)[2] for of in (change, whole))
        if own and not known:
            whole.ca.items[key] = change.ca.items[key]
        elif own and former:  # the rest of a comment is what stands on the lines below
            former.value = "\n".join([own.value.split("\n")[0], *former.value.split("\n")[1:]])


def _names(values: dict[str, Any]) -> dict[str, list[str]]:
    """By role, what an archive in the place of a set may be called; the last that is there is taken."""
    download = values["download"] if isinstance(values.get("download"), dict) else {}
    sets = {role: one for role, one in download.items() if isinstance(one, dict) and "archive" in one}
    return {role: [f"{name}.zip" for name in (one.get("official"), role) if name] for role, one in sets.items()}


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
        whole = written(preset)
        for name, archive in folders.items():
            whole = from_archive(whole, name, archive)
        if whole == text:
            return
    raise Failure(f"{path} holds edits that are in no preset and not committed; commit them or `git restore {path}`")


def _committed(path: Path) -> bool:
    shown = subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True)
    return shown.returncode == 0 and shown.stdout == path.read_bytes()


def _archives(values: dict[str, Any]) -> dict[str, Path]:
    """Where the sets come from that lie in one folder, by the names they should have there: what a former ``DATA`` may
    have put there."""
    names = _names(values)
    found = {role: Path(str(values["download"][role]["archive"])) for role in names if _archived(values, role)}
    one_folder = len({path.parent for path in found.values()}) == 1
    return found if one_folder and all(path.name in names[role] for role, path in found.items()) else {}


def _archived(values: dict[str, Any], role: str) -> bool:
    source: str = values["download"][role].get("source", "")
    return source == "archive"


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
