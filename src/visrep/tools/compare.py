"""Two branches, or a branch and the working tree, on one page: ``make compare BRANCH=main`` or ``A=... B=...``.

What differs comes from DVC's own diff; intervals and pictures from what is committed beside it.
"""

import argparse
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dvc.repo import Repo
from markupsafe import Markup

from visrep import files
from visrep.errors import Failure
from visrep.measures import statistics
from visrep.records import Interval
from visrep.replicates import results as replicated
from visrep.report import page, results
from visrep.report.blocks import Block, Gallery, Part, Picture, Section, Table
from visrep.stage import params

OUT = Path("report/compare.html")
TREE = "workspace"  # DVC's word for the working tree
RESULTS = ("metrics", "plots", "replicates", "params.yaml")
BEYOND, WITHIN, UNKNOWN = "beyond both intervals", "within", "no interval"
OF_TRAINING, IN_TRAINING, ONE_RUN = "beyond the chance of training", "within", "one run each: not known"
TURNED = "another verdict"
OVER_IMAGES = 4  # the cell of a row
VERDICTS = {1: "passed", 0: "failed"}  # of a gate
NOTE = (
    "Two kinds of chance. Over images: a difference is beyond both intervals where the two 95 % intervals do not meet; "
    "where a number has no interval, nothing is said. Over trainings: where both sides ran with the same further "
    "seeds, the difference is taken seed by seed, and is beyond the chance of training where the 95 % interval of its "
    "mean, by Student's t, does not hold 0. Of many numbers one in twenty is beyond it by chance alone."
)


class Side(NamedTuple):
    """One of the two: its name for DVC, how it is called on the page, where its files lie, and all runs of its
    trainings, where it has replicates."""

    revision: str
    called: str
    folder: Path
    study: replicated.AllRuns | None


def main() -> None:
    parser = argparse.ArgumentParser(prog="make compare", description=__doc__)
    parser.add_argument("before", help="branch, tag or commit")
    parser.add_argument("after", nargs="?", default=TREE, help="another; without it, the working tree")
    words = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            sides = [side(name, Path(folder) / str(place)) for place, name in enumerate((words.before, words.after))]
            files.write_bytes(OUT, html(*sides).encode())
    except Failure as failure:
        print(f"compare: {failure}", file=sys.stderr)
        sys.exit(failure.status)
    print(OUT)


def side(name: str, folder: Path) -> Side:
    """The working tree as it lies, or the results of a commit laid out in ``folder``. Raises `Failure` for an unknown
    one."""
    commit = _git("rev-parse", "--verify", "--quiet", "--short", f"{'HEAD' if name == TREE else name}^{{commit}}")
    if not commit:
        raise Failure(f"no branch, tag or commit {name!r}; `git branch --all` lists them", 2)
    at = f"commit {commit.decode().strip()}"
    if name == TREE:
        edited = ", edited" if _git("status", "--porcelain") else ""
        return Side(TREE, f"working tree on {at}{edited}", Path(), _study(Path()))
    held = [path for path in RESULTS if _git("ls-tree", name, path)]
    with zipfile.ZipFile(io.BytesIO(_git("archive", "--format=zip", name, *held))) as archive:
        archive.extractall(folder)
    return Side(name, f"{name}, {at}", folder, _study(folder))


def _study(folder: Path) -> replicated.AllRuns | None:
    """None also where the replicates are of another form than here."""
    try:
        return replicated.AllRuns(folder / "replicates", folder / "plots", params.load(folder / params.FILE))
    except (Failure, KeyError, TypeError):
        return None


def html(before: Side, after: Side) -> str:
    """The page."""
    with Repo() as repo:
        numbers, parameters = (
            kind.diff(a_rev=before.revision, b_rev=after.revision).get("diff", {})
            for kind in (repo.metrics, repo.params)
        )
        written = [str(out) for stage in repo.index.stages for out in stage.outs]
    heads = f"Before: {before.called}. After: {after.called}."
    rows = list(_numbers(numbers, before, after))
    sections = [
        Section("numbers", "Numbers", [_counted(rows)], _tables(rows, heads)),
        Section("parameters", "Parameters", [], [_parameters(parameters, heads)]),
        Section(
            "pictures",
            "Pictures that changed",
            [],
            list(_pictures(before, after, written)) or [Part("None", "All pictures are the same, to the byte.")],
        ),
    ]
    return page.render("Two runs compared", heads, [], [NOTE], sections, [])


def _numbers(numbers: Mapping[str, Any], before: Side, after: Side) -> Iterator[tuple[str | Markup, ...]]:
    """(file and key, before, after, difference, verdicts over images and over trainings) of each number that is not the
    same. What the summaries of the runs say is said by the latter."""
    for path, keys in sorted(numbers.items()):
        name = path.removeprefix("metrics/").removesuffix(".json")
        if name.startswith("spread/"):
            continue
        for key, change in sorted(keys.items()):
            if name.startswith("gates/") and {change.get("old"), change.get("new")} == {*VERDICTS}:
                yield f"{name}: {_called(key)}", VERDICTS[change["old"]], VERDICTS[change["new"]], "-", TURNED, "-"
                continue
            intervals = [_interval(one, name, key) for one in (before, after)]
            shown = [_shown(change.get(when), spread) for when, spread in zip(("old", "new"), intervals, strict=True)]
            moved = f"{change['diff']:{'+.2f' if all(intervals) else '+.3g'}}" if "diff" in change else "-"
            runs = [_runs(one, name, key, change.get(when)) for one, when in ((before, "old"), (after, "new"))]
            yield f"{name}: {_called(key)}", *shown, moved, _verdict(*intervals), _over_trainings(*runs)


def _called(key: str) -> str:
    """ "fgsm_eps_0_05" in words."""
    name, _, radius = key.partition("_eps_")
    words = name.replace("_", " ")
    return f"{words} at ε {radius.replace('_', '.')}" if radius else words


def _interval(of: Side, name: str, key: str) -> Interval | None:
    """None also where this side has no such number, or not in a form that is known here."""
    try:
        return results.interval(of.folder / "plots", name, key)
    except (Failure, AttributeError, TypeError):
        return None


def _verdict(before: Interval | None, after: Interval | None) -> str:
    if before is None or after is None:
        return UNKNOWN
    return BEYOND if before.high < after.low or after.high < before.low else WITHIN


def _runs(of: Side, name: str, key: str, value: float | None) -> replicated.Runs:
    return of.study.runs(name, key, value) if of.study is not None and value is not None else {}


def _over_trainings(before: replicated.Runs, after: replicated.Runs) -> str:
    moved = statistics.paired(before, after)
    if moved is None:
        return ONE_RUN
    sure = OF_TRAINING if moved.low > 0 or moved.high < 0 else IN_TRAINING
    return f"{sure} ({moved.low:+.3g} to {moved.high:+.3g}, {len(before.keys() & after.keys())} seeds)"


def _shown(value: float | None, spread: Interval | None) -> str | Markup:
    if value is None:
        return "-"
    if spread is None:
        return f"{value:.4g}"
    return Markup("{:.2f}<small>{:.1f} to {:.1f}</small>").format(value, spread.low, spread.high)


def _counted(rows: Sequence[tuple[str | Markup, ...]]) -> str:
    turned, beyond = (sum(row[OVER_IMAGES] == verdict for row in rows) for verdict in (TURNED, BEYOND))
    said = f"; gates with another verdict: {turned}" if turned else ""
    return f"Numbers that differ: {len(rows)}; beyond both intervals: {beyond}{said}."


def _tables(rows: Sequence[tuple[str | Markup, ...]], heads: str) -> list[Block]:
    """Gates first, then what is sure, then the rest."""
    head = ("number", "before", "after", "difference", "over images", "over trainings")
    said = {TURNED: "Gates with another verdict.", BEYOND: "Differences beyond both intervals."}
    tables = {caption: [row for row in rows if row[OVER_IMAGES] == verdict] for verdict, caption in said.items()}
    rest = [row for row in rows if row[OVER_IMAGES] not in said]
    tables["Differences within intervals, or of numbers that have none."] = rest
    return [Table(caption, heads, head, some, words=(4, 5)) for caption, some in tables.items() if some]


def _parameters(parameters: Mapping[str, Any], heads: str) -> Table:
    rows = [
        (key, str(change.get("old", "-")), str(change.get("new", "-")))
        for keys in parameters.values()
        for key, change in sorted(keys.items())
    ]
    return Table(f"Parameters that differ: {len(rows)}.", heads, ("parameter", "before", "after"), rows, words=(1, 2))


def _pictures(before: Side, after: Side, written: Sequence[str]) -> Iterator[Block]:
    """Each picture that changed, both beside each other, in the order in which outputs are ``written``."""
    names = {path.relative_to(of.folder) for of in (before, after) for path in (of.folder / "plots").rglob("*.png")}
    places = {path: place for place, path in enumerate(written)}

    def order(name: Path) -> tuple[int, Path]:
        return min(places.get(str(above), len(written)) for above in (name, *name.parents)), name

    for name in sorted(names, key=order):
        seen = [(of.folder / name).read_bytes() if (of.folder / name).exists() else b"" for of in (before, after)]
        if seen[0] != seen[1]:
            told = [f"{when}: {of.called}." for when, of in (("Before", before), ("After", after))]
            yield Part(str(name))
            yield Gallery([Picture(png, caption, "") for png, caption in zip(seen, told, strict=True) if png])


def _git(*words: str) -> bytes:
    """What git says, nothing where it fails."""
    return subprocess.run(["git", *words], capture_output=True).stdout


if __name__ == "__main__":
    main()
