"""Figures of the classifier of street digits: how it learned, what it confuses, what it misreads with confidence."""

import pandas as pd

from visrep.data import store
from visrep.figures import curves, galleries, scores, style
from visrep.readers import statistics
from visrep.settings.figures import Figures
from visrep.stage import artifacts, run


def main(job: run.Job) -> None:
    settings = job.read("figures", Figures)
    svhn = store.load(job.input("data/svhn"))
    logits = artifacts.read_array(job.input("predictions/train_cnn.npy"))
    history = pd.DataFrame(artifacts.read_json(job.input("plots/train_cnn/history.json")))
    details = artifacts.read_json(job.input("plots/train_cnn/details.json"))

    palette, labels = style.PALETTES[settings.palette], svhn.test.labels
    unlike = "Training values are means over an epoch, with augmentation and dropout; held-out values are not."
    seen = style.foot(svhn.source, len(svhn.train.labels), "training images, some of them held out", unlike)
    footer = style.foot(svhn.source, len(labels), "test images")
    counts = statistics.confusion(labels, logits.argmax(1), len(svhn.classes))
    title, right = "Confusion matrix: what is taken for what", details["accuracy"]
    heading = f"{right['value']:.1f} % right (95 % interval {right['low']:.1f} to {right['high']:.1f})"
    drawn = {
        "learning_curves": curves.learning(history, details["epoch"], seen, palette),
        "confusion": scores.confusion(title, {heading: counts}, svhn.classes, footer, palette),
        "report": scores.report(details["per_class"], footer, palette),
        "misclassified": galleries.misclassified(svhn, logits, settings),
    }
    folder = job.out("plots/figures_digits")
    for name, figure in drawn.items():
        style.save(figure, folder / f"{name}.png", settings.dpi)


if __name__ == "__main__":
    run.main(main)
