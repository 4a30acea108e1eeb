"""The page on choosing among encoders without labels."""

from visrep.measures.choosing import CRITERIA, Choosing, Criterion
from visrep.records import Interval, data
from visrep.report.blocks import Block, Gallery, Section, Table, picture
from visrep.report.results import StudyResults

SURE = 50.0  # percent, by chance


def section(study: StudyResults) -> Section:
    result = study.record("choosing", Choosing)
    on = data(result.source, result.monitored, "test images; labels only for the probe")
    blocks: list[Block] = [_table(result, on)]
    if study.repeated:
        blocks.append(
            Gallery([picture(study, "figures_spread/choosing", "Criteria and the probe, a point for each run.", on)])
        )
    return Section(
        "choosing",
        "Choosing without labels",
        [
            "Which encoder to take without labels? Six criteria that need none, compared with the accuracy of a linear "
            "probe over all runs.",
            _answer(result),
        ],
        blocks,
    )


def _answer(result: Choosing) -> str:
    best = max(result.criteria, key=lambda row: row.right.value)
    rule = CRITERIA[best.key]
    within = [CRITERIA[row.key].name for row in result.criteria if row.right_within.low > SURE]
    seeds = f"Among runs that differ in their seed only, better than chance: {', '.join(within) or 'none'}."
    often = f"{_pairs(best.right)} % of the pairs of {len(result.runs)} runs"
    return f"Of two runs, {rule.name} selects the better most often: {often}. {seeds}"


def _table(result: Choosing, on: str) -> Table:
    caption = (
        "How well each criterion ranks runs: rank correlation with the probe, and how often it selects the better of "
        "two, with 95 % bootstrap intervals over runs (too narrow, since runs of one training are similar). Without "
        "ablations: a collapsed encoder is easy to recognise. Same training: runs that differ in their seed only."
    )
    head = ("criterion", "best", "rank correlation", "better of two, %", "without ablations, %", "same training, %")
    rows = [_row(row, sound) for row, sound in zip(result.criteria, result.sound, strict=True)]
    return Table(caption, on, head, rows)


def _row(row: Criterion, sound: Criterion) -> tuple[str, ...]:
    rule, correlation = CRITERIA[row.key], row.correlation
    shown = f"{correlation.value:+.2f} ({correlation.low:+.2f} to {correlation.high:+.2f})"
    return (rule.name, rule.best, shown, _pairs(row.right), _pairs(sound.right), _pairs(row.right_within))


def _pairs(share: Interval) -> str:
    return f"{share.value:.0f} ({share.low:.0f} to {share.high:.0f})"
