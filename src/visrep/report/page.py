"""Sections to one file of HTML that needs no other: opens from a disk, without a network or a script.

How it looks, on a phone too, by day and by night and without colors, stands in ``style.css``, what it holds in
``page.html.j2``.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from visrep.report import blocks, pictures
from visrep.report.blocks import Block, Drawing, Gallery, Picture, Section, Table
from visrep.report.pictures import Inline


def render(
    title: str,
    lead: str,
    facts: Sequence[tuple[str, str]],
    notes: Sequence[str],
    sections: Sequence[Section],
    foot: Sequence[str],
) -> str:
    """The page: its title, ``facts`` at a glance (a number, and what it is), contents, notes, sections. The same values
    give the same text."""
    numbers = dict(_numbers(sections))
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.finalize = blocks.tied
    environment.filters["inline"] = _inlined(sections)
    environment.filters["numbered"] = lambda block: numbers[id(block)]
    page = environment.from_string(_beside("page.html.j2"))
    style = Markup(_beside("style.css"))  # no text of others
    return page.render(title=title, lead=lead, facts=facts, notes=notes, sections=sections, foot=foot, style=style)


def _inlined(sections: Sequence[Section]) -> Callable[[bytes], Inline]:
    """`pictures.inline`, done beforehand for all pictures on all cores: it takes most of a page's time."""
    galleries = [block for section in sections for block in section.blocks if isinstance(block, Gallery)]
    pngs = list(dict.fromkeys(picture.png for gallery in galleries for picture in gallery.pictures))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(pngs, pool.map(pictures.inline, pngs), strict=True)).__getitem__


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _numbers(sections: Sequence[Section]) -> Iterator[tuple[int, str]]:
    """Figures and tables are counted within each section, those behind a line to click on last."""
    for place, section in enumerate(sections, start=1):
        in_sight_first = sorted(section.blocks, key=lambda block: bool(block.folded))
        for kind in ((Table,), (Picture, Drawing)):
            shown = [part for block in in_sight_first for part in _parts(block) if isinstance(part, kind)]
            yield from ((id(part), f"{place}.{number}") for number, part in enumerate(shown, start=1))


def _parts(block: Block) -> Sequence[Block | Picture]:
    return block.pictures if isinstance(block, Gallery) else [block]
