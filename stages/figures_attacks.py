"""Figures of the attacks on both classifiers: how far each falls, which digits withstand, what the eye still reads."""

import numpy as np
import pandas as pd

from visrep.data import store
from visrep.figures import curves, galleries, scores, style
from visrep.readers import statistics
from visrep.robustness import swept
from visrep.robustness.swept import Attack
from visrep.settings.figures import Figures
from visrep.stage import artifacts, run

MODELS = {"cnn": "undefended", "adv_cnn": "defended"}


def main(job: run.Job) -> None:
    settings = job.read("figures", Figures)
    svhn = store.load(job.input("data/svhn"))
    answers, lines, details = {}, {}, {}
    for model, name in MODELS.items():
        answers[name] = swept.read(artifacts.read_array(job.input(f"predictions/fgsm_sweep/{model}.npy")))
        lines[name] = pd.DataFrame(artifacts.read_json(job.input(f"plots/fgsm_sweep/{model}.json")))
        details[name] = artifacts.read_json(job.input(f"plots/fgsm_sweep/{model}/details.json"))

    history = pd.DataFrame(artifacts.read_json(job.input("plots/adv_train/history.json")))
    defended = artifacts.read_json(job.input("plots/adv_train/details.json"))

    palette, labels, classes = style.PALETTES[settings.palette], svhn.test.labels, len(svhn.classes)
    footer = style.foot(svhn.source, len(labels), "test images")
    curve, gate = lines["undefended"], details["undefended"]["gate_epsilon"]
    noise = curve.epsilon[curve.attack == "noise"]  # of which there are no further radii
    radii = sorted(noise[noise > 0])
    each = np.bincount(labels, minlength=classes)
    unsure = statistics.wilson(max(1, each.min() // 2), max(1, each.min()))
    spread = f"{footer[:-1]}, {each.min():,} to {each.max():,} of each class, so that a point is sure to "
    spread += f"{(unsure.high - unsure.low) / 2:.0f} or less (95 %)."
    aside = f"Training: {defended['trained']:,} images, attacked by the method of the training itself."
    held_out = style.foot(defended["source"], defended["n"], "held-out images", aside)
    shares = {name: swept.per_class(found, labels, classes, radii) for name, found in answers.items()}
    drawn = {
        "accuracy_against_epsilon": curves.robustness(lines, details, f"{footer} Bands: 95 % intervals.", palette),
        "learning_adv_cnn": curves.hardening(history, defended["epoch"], held_out, palette),
        "per_class": curves.per_class(shares, radii, svhn.classes, spread, palette),
        "one_image": galleries.radii(svhn, answers, radii, settings),
        "misclassified_adv_cnn": galleries.mistakes(svhn, answers["defended"], "defended", settings),
    }
    for model, name in MODELS.items():
        found = answers[name]
        counts = {}
        for said, column in (("Before: clean", "clean"), (f"After: FGSM at ε {gate:g}", str(Attack("fgsm", gate)))):
            right = details[name]["accuracies"][column]["value"]
            counts[f"{said}, {right:.1f} % right"] = statistics.confusion(labels, found.predictions[column], classes)
        title = f"Confusion matrix of the {name} classifier"
        drawn[f"confusion_{model}"] = scores.confusion(title, counts, svhn.classes, footer, palette)
        drawn[f"before_after_{model}"] = galleries.before_after(svhn, found, name, gate, settings)
        for epsilon in radii:
            at = f"{epsilon:g}".replace(".", "_")
            drawn[f"gallery_{model}_eps_{at}"] = galleries.fallen(svhn, found, name, epsilon, settings)
    folder = job.out("plots/figures_attacks")
    for name, figure in drawn.items():
        style.save(figure, folder / f"{name}.png", settings.dpi)


if __name__ == "__main__":
    run.main(main)
