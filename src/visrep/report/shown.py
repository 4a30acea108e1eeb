"""Figures of the study as pictures of the page, and the line that says on which images."""

from collections.abc import Mapping
from typing import Any

from visrep.report.blocks import Gallery, Picture
from visrep.report.results import Found


def data(told: Mapping[str, Any], what: str) -> str:
    """The source of the images and how many were counted, from the details of a stage."""
    return f"Data: {told['source']}; n = {told['n']:,} {what}."


def picture(found: Found, name: str, says: str, on: str) -> Picture:
    """``plots/<name>.png``; ``on`` is a line as `data` makes them."""
    return Picture(found.picture(name), says, on)


def of_encoders(found: Found, name: str, says: str, on: str, folded: str = "") -> Gallery:
    """``plots/figures/<encoder>/<name>.png`` of every encoder, floors first."""
    pictures = [
        picture(found, f"figures/{encoder}/{name}", f"{label}: {says}", on) for encoder, label in found.encoders.items()
    ]
    return Gallery(pictures, folded)
