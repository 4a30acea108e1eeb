"""Figures of the attacks on both classifiers."""

import numpy as np
import pandas as pd

from stages import run
from visrep import files, records
from visrep.audit.results import Audit
from visrep.data import store
from visrep.digits import swept
from visrep.digits.results import CLASSIFIERS, Defence, Sweep
from visrep.digits.swept import FGSM
from visrep.figures import attacks, classifier, style
from visrep.measures import statistics
from visrep.settings.figures import Figures
from visrep.stage.job import Job


def main(job: Job) -> None:
    settings = job.read("figures", Figures)
    digits = store.load(job.input("data/street_digits"))
    answers, sweeps, audits = {}, {}, {}
    for model, name in CLASSIFIERS.items():
        answers[name] = swept.read(files.read_array(job.input(f"predictions/fgsm_sweep/{model}.npy")))
        sweeps[name] = records.read(job.input(f"plots/fgsm_sweep/{model}/details.json"), Sweep)
        audits[name] = records.read(job.input(f"plots/audit/{model}/details.json"), Audit)
    history = pd.DataFrame(files.read_json(job.input("plots/adv_train/history.json")))
    defence = records.read(job.input("plots/adv_train/details.json"), Defence)

    palette, labels, classes = style.PALETTES[settings.palette], digits.test.labels, len(digits.classes)
    footer = style.foot(digits.source, len(labels), "test images")
    first = sweeps["undefended"]
    gate, radii = first.gate_epsilon, sorted(first.radii("noise"))
    audited = audits["undefended"]
    strongest = f"Audit: robust accuracy on {audited.n:,} of them; the strongest attacks were run at ε "
    strongest += f"{' and '.join(f'{one.epsilon:g}' for one in audited.worst)}, the minimum-norm attack at all. "
    strongest += "Bands: 95 % intervals."
    each = np.bincount(labels, minlength=classes)
    unsure = statistics.wilson(max(1, each.min() // 2), max(1, each.min()))
    spread = f"{footer[:-1]}, {each.min():,} to {each.max():,} of each class, so that a point is sure to "
    spread += f"{(unsure.high - unsure.low) / 2:.0f} or less (95 %)."
    aside = f"Training: {defence.trained:,} images, attacked by the method of the training itself."
    validation = style.foot(defence.source, defence.n, "validation images", aside)
    shares = {name: swept.per_class(answer, labels, classes, radii) for name, answer in answers.items()}
    figures = {
        "accuracy_against_epsilon": attacks.robustness(sweeps, audits, f"{footer} {strongest}", palette),
        "learning_adv_cnn": attacks.hardening(history, defence.epoch, validation, palette),
        "per_class": attacks.per_class(shares, radii, digits.classes, spread, palette),
        "one_image": attacks.radii(digits, answers, radii, settings),
        "misclassified_adv_cnn": attacks.mistakes(digits, answers["defended"], "defended", settings),
    }
    for model, name in CLASSIFIERS.items():
        answer = answers[name]
        before, after = sweeps[name].clean.value, sweeps[name].at(FGSM, gate).value
        counts = {
            f"Before: clean, {before:.1f} % right": statistics.confusion(labels, answer.clean, classes),
            f"After: FGSM at ε {gate:g}, {after:.1f} % right": statistics.confusion(
                labels, answer.under(FGSM, gate), classes
            ),
        }
        title = f"Confusion matrix of the {name} classifier"
        figures[f"confusion_{model}"] = classifier.confusion(title, counts, digits.classes, footer, palette)
        figures[f"before_after_{model}"] = attacks.before_after(digits, answer, name, gate, settings)
        for epsilon in radii:
            figures[swept.key(f"gallery_{model}", epsilon)] = attacks.fallen(digits, answer, name, epsilon, settings)
    folder = job.out("plots/figures_attacks")
    for name, figure in figures.items():
        style.save(figure, folder / f"{name}.png", settings.dpi)


if __name__ == "__main__":
    run(main)
