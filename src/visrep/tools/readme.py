"""The result tables of README.md, written from the committed metrics: ``python -m visrep.tools.readme``."""

import sys
from collections.abc import Callable
from pathlib import Path

from visrep import files
from visrep.errors import Failure
from visrep.evaluations import anomaly, clustering, probe
from visrep.report import results
from visrep.report.results import Row, StudyResults

README = Path("README.md")
METHODS = {"fgsm_mix": "FGSM", "n_fgsm": "N-FGSM", "pgd": "PGD", "trades": "TRADES"}


def classifiers(study: StudyResults) -> str:
    """Markdown: ours with 95 % interval, all runs where there are several, the baseline, and what the reports say of
    other images."""
    rows = results.headline(study)
    head = ["accuracy on test images, %", "ours", "95 % interval", "all runs", "baseline", "reported (SVHN)"]
    cells = [
        [
            row.name,
            f"**{row.value:.1f}**",
            f"{row.low:.1f} to {row.high:.1f}",
            _runs(row, 1),
            f"{row.baseline:.1f}",
            _reported(row),
        ]
        for row in rows
    ]
    kept = [place for place, name in enumerate(head) if name != "all runs" or any(row.runs for row in rows)]
    lines = [f"| {' | '.join(row[place] for place in kept)} |" for row in (head, *cells)]
    return "\n".join([lines[0], "|---" * len(kept) + "|", *lines[1:], "", _classifiers_caption(study)])


def encoders(study: StudyResults) -> str:
    """Markdown: what each encoder is good for; baselines first, as params.yaml lists them."""
    (probe, probed), *others = results.readings(study)
    names = [column.name for column in (probe, *(column for column, _ in others))]
    lines = [f"| encoder | {' | '.join(names)} | reported probe (CIFAR-10) |", "|---" * (len(names) + 2) + "|"]
    for place, row in enumerate(probed):
        rest = [_mean(rows[place], column.digits) for column, rows in others]
        lines.append(f"| {row.name} | **{_mean(row, probe.digits)}** | {' | '.join(rest)} | {_reported(row)} |")
    return "\n".join([*lines, "", _encoders_caption(study)])


def _runs(row: Row, digits: int) -> str:
    return f"{_mean(row, digits)} ({row.spread.n} runs)" if row.spread else "-"


def _mean(row: Row, digits: int) -> str:
    """Mean and standard deviation of all runs, or the number of the only one."""
    if row.spread is None:
        return f"{row.value:.{digits}f}"
    return f"{row.spread.mean:.{digits}f} ± {row.spread.sd:.{digits}f}"


def _reported(row: Row) -> str:
    """Each number with its report in brackets."""
    return " / ".join(f"{quote.value:g} ({quote.report})" for quote in row.reported) or "-"


def _classifiers_caption(study: StudyResults) -> str:
    first = study.sweeps["cnn"]
    audited = study.audits["cnn"]
    failed = {model: [gate.name for gate in audit.failed()] for model, audit in study.audits.items()}
    verdicts = {model: f"{' and '.join(names)} failed" if names else "all pass" for model, names in failed.items()}
    pgd = study.parameters["fgsm_sweep"]["pgd"]
    method = METHODS[study.parameters["adv_train"]["method"]["name"]]
    return (
        f"Ours: {first.source}, n = {first.n:,}. FGSM moves each pixel once, by at most ε; PGD in "
        f"{pgd['steps']} steps of {pgd['step_share']:g} ε each: what they leave is an upper bound. "
        f"Robust: what the strongest attacks (APGD, targeted APGD, FMN) leave of {audited.n:,} of these images. "
        "Baseline: always the most frequent class. Gates, which fail where gradients are masked: "
        f"{verdicts['cnn']} for the undefended classifier, {verdicts['adv_cnn']} for the defended one. "
        f"*Reported*: of other images, by the [report]({results.REPORTED}) in brackets, its defence trained on FGSM, "
        f"ours on {method}: for orientation, not for comparison."
    )


def _encoders_caption(study: StudyResults) -> str:
    result = study.record("probe/vicreg", probe.Result)
    right = result.metrics.linear_accuracy
    clusters, strange = (
        study.record("clustering/vicreg", clustering.Result),
        study.record("anomaly/vicreg", anomaly.Result),
    )
    counts = ", ".join(f"{one.n:,} {anomaly.words(one.set)}" for one in strange.anomalous)
    runs = max(len(row.runs) for _, rows in results.readings(study) for row in rows)
    spread = f"Mean ± standard deviation of {runs} runs where a training is repeated with other seeds. " if runs else ""
    return (
        f"Ours: {result.source}, n = {result.n:,} test images: 95 % interval about ±{right.high - right.value:.0f} "
        f"points; always the most frequent class: {result.chance:.1f}. {spread}The first {len(study.baselines)} rows "
        f"are baselines without training. Anomalies are other images among objects ({counts}), scored by the distance "
        "to the training images, by the score that is best on validation images: AUROC is 50 by chance. Silhouette "
        f"and NMI are of the {clusters.n:,} training images; NMI is 0 where clusters are independent of classes. "
        "Reported: by which report in brackets."
    )


TABLES: dict[str, Callable[[StudyResults], str]] = {"classifiers": classifiers, "encoders": encoders}


def written(text: str) -> str:
    """``text`` with the lines between each pair of marks made anew. Raises `Failure` where a mark is missing."""
    study = results.here()
    for name, table in TABLES.items():
        start, end = f"<!-- {name}: `make readme` writes these lines -->", f"<!-- end of {name} -->"
        if start not in text or end not in text:
            raise Failure(f"{README} lacks the marks around its table of {name}")
        head, rest = text.split(start)
        text = head + start + "\n" + table(study) + "\n" + end + rest.split(end)[1]
    return text


def main() -> None:
    try:
        files.write_bytes(README, written(README.read_text()).encode())
    except Failure as failure:
        print(f"readme: {failure}", file=sys.stderr)
        sys.exit(failure.status)


if __name__ == "__main__":
    main()
