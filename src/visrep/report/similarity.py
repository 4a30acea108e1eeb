"""What the page says of similarity learning on coloured shapes."""

from collections.abc import Sequence
from typing import Any

from visrep.report.blocks import SPACE, Gallery, Part, Section, Table
from visrep.report.results import Found
from visrep.report.shown import picture

READERS = {
    "agreement": "nearest neighbours that share the factor",
    "probe": "a linear probe that names it",
    "movement": "how far a feature goes when the factor alone changes",
}
NEW = "new images"
MARKS = {"confirmed": "\N{CHECK MARK}", "refuted": "\N{BALLOT X}", "undecided": "?"}


def similarity(found: Found) -> Section:
    names = list(found.parameters["families"])
    told = {name: found.details(f"factors/{name}") for name in names}
    first = told[names[0]]
    on = f"Data: {first['source']}; n = {first['n'][NEW]:,} {NEW}."
    said = {
        "factors": "Which factors each encoder keeps, beside what its training predicts.",
        "sets": "How wide the sets of pictures are that should be one, and how far apart.",
        "learning": "Which factor is learnt first.",
        "losses": "Loss of each encoder on held-out images, between chance and floor.",
        "tammes": "Features that nothing holds together spread like repelling points on a sphere.",
    }
    return Section(
        "similarity",
        "Similarity learning",
        [
            "Coloured shapes are made from four known factors: colour, shape, location and size. An encoder learns "
            "that an image and its redrawing are alike, in which some factors are others. It should then lose what "
            "was varied and keep what was shared. Does it?",
        ],
        [
            *[_table(reader, says, told, on) for reader, says in READERS.items()],
            Gallery([picture(found, f"figures_shapes/{name}", says, on) for name, says in said.items()]),
            Part("What they call alike", "Queries with their nearest training images, from near to far."),
            Gallery([_neighbors(found, name, on) for name in names]),
        ],
    )


def _table(reader: str, says: str, told: dict[str, Any], on: str) -> Table:
    """Percent, chance and verdict of each encoder and factor."""
    rows = [(name.replace("_", " "), *_cells(details["rows"], reader)) for name, details in told.items()]
    factors = [row["factor"] for row in next(iter(told.values()))["rows"] if _chosen(row, reader)]
    return Table(
        f"{says[0].upper()}{says[1:]}: percent, in brackets chance; {MARKS['confirmed']} where the interval confirms "
        f"what the training predicts, {MARKS['refuted']} where it refutes it, ? where it cannot tell.",
        on,
        ("encoder", *factors),
        rows,
    )


def _cells(rows: Sequence[dict[str, Any]], reader: str) -> list[str]:
    return [
        f"{row['value']:.0f}{SPACE}({row['chance']:.0f}) {row['prediction']}{SPACE}{MARKS[row['verdict']]}"
        for row in rows
        if _chosen(row, reader)
    ]


def _chosen(row: dict[str, Any], reader: str) -> bool:
    return bool(row["images"] == NEW and row["reader"] == reader)


def _neighbors(found: Found, name: str, on: str) -> Any:
    says = f"{name.replace('_', ' ')}: shapes and their nearest neighbours."
    return picture(found, f"figures_shapes/neighbors_{name}", says, on)
