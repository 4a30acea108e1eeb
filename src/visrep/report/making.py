"""How the study is made: its stages as a drawing, a line for each entry of dvc.yaml in reading order and an arc from
each to what reads it; and all parameters in one number, with what sets them apart from each preset."""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from markupsafe import Markup

from visrep.report.blocks import Drawing, Part, Section, Table
from visrep.stage.pipeline import Stage

ROW, LEFT, WIDTH = 24, 104, 336  # pixels: height of a line, room for the arcs, all of it
SWING = 0.42  # how far an arc swings out for its height
ABSENT = "absent"  # a parameter, in a preset
DOT, GAP = 4, 12  # pixels: radius of a dot, from its middle to the name


class Group(NamedTuple):
    """An entry of dvc.yaml: how many stages it stands for, and the groups that it reads."""

    name: str
    caption: str
    stages: int
    reads: tuple[str, ...]


def making(parameters: Mapping[str, Any], stages: Sequence[Stage], presets: Mapping[str, Mapping[str, Any]]) -> Section:
    shown_groups = groups(stages)
    rows = [(group.name, group.caption, ", ".join(group.reads) or "-") for group in shown_groups]
    return Section(
        "making",
        "Pipeline and parameters",
        (
            f"{len(stages)} stages in {len(shown_groups)} groups. A changed parameter reruns just the stages that "
            "read it.",
        ),
        (
            Drawing(
                svg(shown_groups),
                "The stages in reading order. An arc leads from a stage to one that reads its outputs; where there "
                "is a longer path, it is left out.",
            ),
            Table("All stages.", "", ("stage", "what it does", "reads"), rows, (1, 2), "All stages in words"),
            *compared(parameters, presets),
        ),
    )


def groups(stages: Sequence[Stage]) -> list[Group]:
    """In the order of the file. No group is told to read itself."""
    members: dict[str, list[Stage]] = {}
    for stage in stages:
        members.setdefault(stage.group, []).append(stage)
    groups = []
    for name, own in members.items():
        reads = tuple(other for other, theirs in members.items() if other != name and _reads(own, theirs))
        groups.append(Group(name, own[0].caption.replace("${key}", "each"), len(own), reads))
    return groups


def svg(shown_groups: Sequence[Group]) -> Markup:
    """Arcs swing to the left; one that leads back up, to an earlier line, is dashed. No arc is drawn where others lead
    the same way in steps."""
    arcs = direct(shown_groups)
    middle = {group.name: ROW * row + ROW / 2 for row, group in enumerate(shown_groups)}
    lines = Markup("").join(_line(group, arcs[group.name], middle) for group in shown_groups)
    caption = "The stages of the study and what each reads; the same in words below."
    return Markup('<svg class="graph" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, ROW * len(shown_groups), caption, lines
    )


def direct(shown_groups: Sequence[Group]) -> dict[str, list[str]]:
    """What each group reads without a way round over groups that stand between the two."""
    row = {group.name: place for place, group in enumerate(shown_groups)}
    above: dict[str, set[str]] = {}  # all that lies behind a group, in steps that lead down
    for group in shown_groups:
        before = [name for name in group.reads if row[name] < row[group.name]]
        above[group.name] = {*before, *(far for name in before for far in above[name])}
    return {
        group.name: [name for name in group.reads if not any(name in above.get(near, ()) for near in group.reads)]
        for group in shown_groups
    }


def _line(group: Group, reads: Sequence[str], middle: Mapping[str, float]) -> Markup:
    """A dot and a name, and the arcs that end in them; pointing at the name brings these out."""
    y = middle[group.name]
    many = Markup(' <tspan class="count">&times;{}</tspan>').format(group.stages) if group.stages > 1 else ""
    parts = (
        Markup("<title>{}</title>").format(group.caption),
        Markup('<rect x="{}" y="{}" width="{}" height="{}"/>').format(LEFT, y - ROW / 2, WIDTH - LEFT, ROW),
        *(_arc(middle[name], y) for name in reads),
        Markup('<circle cx="{}" cy="{}" r="{}"/>').format(LEFT, y, DOT),
        Markup('<text x="{}" y="{}">{}{}</text>').format(LEFT + GAP, y + DOT, group.name, many),
    )
    return Markup("<g>{}</g>").format(Markup("").join(parts))


def _arc(start: float, end: float) -> Markup:
    near = LEFT - DOT - 1
    far = max(near - SWING * abs(end - start), 2 - near / 3)  # the outermost touch the edge
    kind = "back" if end < start else "on"
    return Markup(f'<path class="{kind}" d="M{near} {start:g}C{far:.1f} {start:g} {far:.1f} {end:g} {near} {end:g}"/>')


def _reads(stages: Sequence[Stage], others: Sequence[Stage]) -> bool:
    written = {f"{path}/" for other in others for path in other.writes}
    wanted = {f"{path}/" for stage in stages for path in stage.reads}
    return any(a.startswith(b) or b.startswith(a) for a in wanted for b in written)


def digest(parameters: Mapping[str, Any]) -> str:
    """A hash of every leaf, whatever the order of the keys."""
    return sha256(json.dumps(sorted(leaves(parameters)), ensure_ascii=False).encode()).hexdigest()


def leaves(values: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Dotted names and their values as text; a list is one value."""
    if isinstance(values, Mapping) and values:
        for key, value in values.items():
            yield from leaves(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, _shown(values or "none") if isinstance(values, Mapping) else _shown(values)


def differences(ours: Mapping[str, Any], preset: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(name, ours, the preset's) of every leaf that is not the same, in the order of ours."""
    here, there = dict(leaves(ours)), dict(leaves(preset))
    names = dict.fromkeys([*here, *there])
    pairs = [(name, here.get(name, ABSENT), there.get(name, ABSENT)) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


def compared(parameters: Mapping[str, Any], presets: Mapping[str, Mapping[str, Any]]) -> list[Part | Table]:
    """What stands on the page of them."""
    changed = {name: differences(parameters, preset) for name, preset in presets.items()}
    same = [name for name, rows in changed.items() if not rows]
    chosen = f"This is the preset {' and '.join(same)}. " if same else "This is none of the presets. "
    text = f"{chosen}All parameters together have the SHA-256 {digest(parameters)[:16]}."
    tables = [
        Table(f"Where the preset {name} differs.", "", ("parameter", "here", name), rows, (1, 2), _folded(name, rows))
        for name, rows in changed.items()
        if rows
    ]
    return [Part("Parameters", text), *tables]


def _folded(name: str, rows: list[tuple[str, str, str]]) -> str:
    return f"{len(rows)} parameter{'s' * (len(rows) != 1)} in which {name} differs"


def _shown(value: Any) -> str:
    """As params.yaml writes it; 1 and 1.0 are one number."""
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value) or "none"
    return value if isinstance(value, str) else json.dumps(value).removesuffix(".0")
