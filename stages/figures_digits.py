"""Figures of the classifier: learning curves, confusion matrix, scores by class, confident mistakes."""

import pandas as pd

from stages import run
from visrep import files, records
from visrep.data import store
from visrep.digits.results import Classifier
from visrep.figures import classifier, style
from visrep.measures import statistics
from visrep.settings.figures import Figures
from visrep.stage.job import Job


def main(job: Job) -> None:
    settings = job.read("figures", Figures)
    digits = store.load(job.input("data/street_digits"))
    logits = files.read_array(job.input("predictions/train_cnn.npy"))
    history = pd.DataFrame(files.read_json(job.input("plots/train_cnn/history.json")))
    result = records.read(job.input("plots/train_cnn/details.json"), Classifier)

    palette, labels = style.PALETTES[settings.palette], digits.test.labels
    unlike = "Training values are means over an epoch, with augmentation and dropout; validation values are not."
    what = "training images, validation images among them"
    of_training = style.foot(digits.source, len(digits.train.labels), what, unlike)
    footer = style.foot(digits.source, len(labels), "test images")
    counts = statistics.confusion(labels, logits.argmax(1), len(digits.classes))
    title, right = "Confusion matrix", result.metrics.test_accuracy
    heading = f"{right.value:.1f} % right (95 % interval {right.low:.1f} to {right.high:.1f})"
    figures = {
        "learning_curves": classifier.learning(history, result.epoch, of_training, palette),
        "confusion": classifier.confusion(title, {heading: counts}, digits.classes, footer, palette),
        "report": classifier.report(result.per_class, footer, palette),
        "misclassified": classifier.misclassified(digits, logits, settings),
    }
    folder = job.out("plots/figures_digits")
    for name, figure in figures.items():
        style.save(figure, folder / f"{name}.png", settings.dpi)


if __name__ == "__main__":
    run(main)
