"""Tables of numbers with their intervals, baselines and the numbers of the reports."""

from collections.abc import Sequence

from markupsafe import Markup

from visrep.report.blocks import Table, tied
from visrep.report.results import Row

HEAD = ("", "ours", "all runs", "baseline", "reported")
LEGEND = (
    "Below each name, on a scale from 0 to 100: the dot is ours, the bar its 95 % interval over images, the tall "
    "stroke the baseline, short strokes are runs with other seeds, hollow diamonds are numbers that earlier reports "
    "give for other images; brackets hold the number of the report."
)
NOTHING = "-"
WIDTH, HEIGHT, INSET = 200, 14, 5  # of a strip, in its own units


def beside(caption: str, on: str, rows: Sequence[Row], digits: int = 1, scaled: bool = True, folded: str = "") -> Table:
    """``scaled`` adds to each row a strip from 0 to 100. A column in which no row has anything is left out. The
    settings of reported numbers stand behind ``on``."""
    cells = [
        (_name(row, scaled), _ours(row, digits), runs(row, digits), _number(row.baseline, digits), _said(row))
        for row in rows
    ]
    kept = [place for place in range(len(HEAD)) if any(row[place] != NOTHING for row in cells)]
    head, shown = [HEAD[place] for place in kept], [[row[place] for place in kept] for row in cells]
    return Table(caption, " ".join(filter(None, (on, _settings(rows)))), head, shown, folded=folded)


def _settings(rows: Sequence[Row]) -> str:
    """What the reported numbers were measured on, said once for all rows that share it."""
    reports: dict[str, list[str]] = {}
    for quote in (quote for row in rows for quote in row.reported):
        known = reports.setdefault(quote.setting, [])
        known += [quote.report] * (quote.report not in known)
    settings = "; ".join(f"{setting} ({_by(reporters)})" for setting, reporters in reports.items())
    return f"Reported: {settings}." if settings else ""


def _by(reports: Sequence[str]) -> str:
    return f"report{'s' if len(reports) > 1 else ''} {', '.join(reports)}"


def _name(row: Row, scaled: bool) -> Markup:
    return Markup("{}{}").format(tied(row.name), strip(row) if scaled else "")


def _ours(row: Row, digits: int) -> Markup:
    spread = "" if row.low is None else f"{row.low:.{digits}f} to {row.high:.{digits}f}"
    return Markup("<b>{}</b><small>{}</small>").format(_number(row.value, digits), spread)


def runs(row: Row, digits: int) -> Markup:
    """Mean and standard deviation over all runs of the training, and how many there are."""
    if row.spread is None:
        return Markup(NOTHING)
    mean, sd, n = row.spread
    return Markup("{:.{}f}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{:.{}f}<small>{} runs</small>").format(
        mean, digits, sd, digits, n
    )


def _number(value: float | None, digits: int) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def _said(row: Row) -> Markup:
    """Each report's number, marked by the report."""
    quotes = (Markup("{:g}<sup>({})</sup>").format(quote.value, quote.report) for quote in row.reported)
    return Markup(" ").join(quotes) or Markup(NOTHING)


def strip(row: Row) -> Markup:
    """The row between 0 and 100, for the eye; its numbers stand beside it, so that nothing is lost without it."""
    middle = HEIGHT / 2
    parts = [f'<path class="axis" d="M{_x(0)} {middle}H{_x(100)}"/>']
    if row.low is not None and row.high is not None:
        parts.append(f'<path class="interval" d="M{_x(row.low)} {middle}H{_x(row.high)}"/>')
    for run in row.runs:
        parts.append(f'<path class="run" d="M{_x(run)} 4V{HEIGHT - 4}"/>')
    if row.baseline is not None:
        parts.append(f'<path class="baseline" d="M{_x(row.baseline)} 1V{HEIGHT - 1}"/>')
    for quote in row.reported:
        parts.append(f'<path class="quote" d="M{_x(quote.value)} 3l4 4l-4 4l-4 -4z"/>')
    parts.append(f'<circle cx="{_x(row.value)}" cy="{middle}" r="3.6"/>')
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    return Markup(f'<svg class="strip" {box} aria-hidden="true" focusable="false">{"".join(parts)}</svg>')


def _x(value: float) -> float:
    return round(INSET + (WIDTH - 2 * INSET) * min(max(value, 0.0), 100.0) / 100, 1)
