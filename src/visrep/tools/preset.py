"""Switch params.yaml to a preset, and say at most what that reruns: ``make preset PRESET=best [DATA=folder]``.

With a folder, the image sets that lie there as ``<name>.zip`` are read from it: by the name of the set here, such as
objects.zip, or of the official one that it replaces, such as cifar10.zip. Edits of params.yaml, down to its
comments, that are in no preset and not committed are never overwritten; what this command wrote may be.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.representer import RoundTripRepresenter

from visrep import files, study
from visrep.errors import Failure
from visrep.settings.base import alike
from visrep.stage import params

PRESETS = Path("presets")
OFFICIAL = {"street_digits": "svhn", "objects": "cifar10", "handwritten_digits": "mnist"}  # what each stands for
DRAWN = "shapes"  # whatever lies in the folder
ARCHIVED = """source: archive
archive: x             # folder, or path or address of a .zip, .tar or .tar.gz, as <split>/<class>/<image>
sha256: null           # of the archive; null leaves it unchecked
max_megabytes: 2000    # of the archive, packed and unpacked: more is refused
"""


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
    if data is None:
        return written(PRESETS / f"{name}.yaml")
    names = _names(params.preset(PRESETS / f"{name}.yaml"))
    lying = [(role, data / file) for role, files in names.items() for file in files]
    archives = {role: path for role, path in lying if path.is_file()}
    if not archives:
        raise Failure(f"{data} holds none of {', '.join(file for files in names.values() for file in files)}", 2)
    return written(PRESETS / f"{name}.yaml", archives)


def written(path: Path, archives: Mapping[str, Path] | None = None) -> str:
    """All parameters as a preset has them, with the comments of `params.BASE` and its own: its file holds what differs.
    The sets that ``archives`` names are read from there. Raises `Failure` where it is no YAML."""
    base = path.with_name(params.BASE).read_text(encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    if path.name == params.BASE and not archives:
        return base
    params.parsed(text, path)  # or one line
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    whole = yaml.load(base)
    if path.name != params.BASE:
        _put(yaml.load(text), whole)
    for role, archive in (archives or {}).items():
        archived = yaml.load(ARCHIVED)
        archived["archive"] = str(archive)
        whole["download"][role] = archived
    stream = StringIO()
    yaml.dump(whole, stream)
    return re.sub(r"\n+(?=[a-z])", "\n\n", re.sub(r"\n\n+(?= )", "\n", stream.getvalue()))  # replaced lists move blanks


class _Representer(RoundTripRepresenter):
    """Writes "null" where ruamel leaves nothing. A class of its own: what ruamel knows of types belongs to a class, and
    DVC writes with the one above."""


_Representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))


def _put(change: Any, whole: Any) -> None:
    """Leaves of one mapping of ruamel's into another, in place, since comments hang on it; each takes its own along.
    A mapping of another kind replaces the one in its place (`visrep.settings.base.merged`)."""
    for key, value in change.items():
        if alike(whole.get(key), value):
            _put(value, whole[key])
            continue
        known, replaced = key in whole, whole.get(key)
        whole[key] = value
        if isinstance(replaced, CommentedMap) and isinstance(value, CommentedMap):
            value.ca.items.update({leaf: one for leaf, one in replaced.ca.items.items() if _bare(value, leaf)})
        own, former = (of.ca.items.get(key, [None] * 4)[2] for of in (change, whole))
        if own and not known:
            whole.ca.items[key] = change.ca.items[key]
        elif own and former and not _bare(change, key):  # the rest of a comment is what stands on the lines below
            former.value = "\n".join([own.value.split("\n")[0], *former.value.split("\n")[1:]])


def _bare(mapping: Any, key: str) -> bool:
    """Whether a key that is there has no comment."""
    token = mapping.ca.items.get(key, [None] * 4)[2]
    return key in mapping and (token is None or "#" not in token.value.split("\n")[0])


def _names(values: dict[str, Any]) -> dict[str, list[str]]:
    """By role, what an archive in the place of a set may be called; the last that is there is taken."""
    download = values["download"] if isinstance(values.get("download"), dict) else {}
    return {role: [f"{name}.zip" for name in (OFFICIAL.get(role), role) if name] for role in download if role != DRAWN}


def refuse_to_lose(path: Path) -> None:
    """Raises `Failure` where ``path`` is neither committed as it stands nor what this command writes."""
    if not path.exists() or _committed(path):
        return
    text, archives = path.read_text(), _archives(params.load(path))
    if text in (written(preset, each) for preset in PRESETS.glob("*.yaml") for each in ({}, archives)):
        return
    raise Failure(f"{path} holds edits that are in no preset and not committed; commit them or `git restore {path}`")


def _committed(path: Path) -> bool:
    committed = subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True)
    return committed.returncode == 0 and committed.stdout == path.read_bytes()


def _archives(values: dict[str, Any]) -> dict[str, Path]:
    """Where the sets come from that lie in one folder, by the names they should have there: what a former ``DATA`` may
    have put there."""
    names = _names(values)
    sources = {role: values["download"][role] for role in names}
    archives = {role: Path(str(one["archive"])) for role, one in sources.items() if one.get("source") == "archive"}
    one_folder = len({path.parent for path in archives.values()}) == 1
    return archives if one_folder and all(path.name in names[role] for role, path in archives.items()) else {}


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
