"""The page on the classifier, attacks on it, and its defence."""

from visrep.data.pixels import LEVELS
from visrep.digits.results import CLASSIFIERS, Defence
from visrep.digits.swept import key
from visrep.records import data
from visrep.report import audits, results, tables
from visrep.report.blocks import Gallery, Part, Picture, Section, Table, picture
from visrep.report.results import StudyResults


def classifier(study: StudyResults) -> Section:
    result = study.classifier
    on = data(result.source, result.n, "test images")

    def figure(name: str, caption: str, of: str = on) -> Picture:
        return picture(study, f"figures_digits/{name}", caption, of)

    return Section(
        "digits",
        "Classifier",
        [
            f"A convolutional network of {result.parameters:,} weights classifies images of 32 by 32 pixels. The "
            "epoch is selected on validation images; test images are used once."
        ],
        [
            tables.beside(
                "Accuracy in percent. Training accuracy is that of the selected epoch on training images without "
                "augmentation. Baseline: always the most frequent class.",
                f"{on[:-1]}; {result.validation:,} validation and {result.trained:,} training images.",
                results.classifier(study),
            ),
            Gallery(
                [
                    figure(
                        "misclassified",
                        "The most confident mistakes: the true class, and the two most probable ones.",
                    ),
                    figure("confusion", "Confusion matrix: true classes in rows, predictions in columns."),
                    figure("report", "Precision, recall and F1 of each class, on an axis that may not start at 0."),
                    figure(
                        "learning_curves",
                        "Loss and accuracy by epoch; the selected epoch is circled.",
                        data(
                            result.source,
                            result.trained + result.validation,
                            "training images, validation images among them",
                        ),
                    ),
                ]
            ),
            _per_class(study, on),
            _by_epoch(study),
        ],
    )


def attacks(study: StudyResults) -> Section:
    first = study.sweeps["cnn"]
    on, gate = data(first.source, first.n, "test images"), first.gate_epsilon
    pgd = study.parameters["fgsm_sweep"]["pgd"]
    return Section(
        "attacks",
        "Attacks and defence",
        [
            "Each pixel is changed a little, in the direction that increases the loss. FGSM takes one such step, PGD "
            f"{pgd['steps']} of {pgd['step_share']:g} radius each. The defended classifier was trained on attacked "
            "images. A network can withstand these two attacks and fail under stronger ones: the audit below runs "
            "those, and its gates look for signs of masked gradients.",
            "The radius ε is the largest change of a pixel in the units of the networks' input, [-1, 1]: "
            f"{gate:g} is {LEVELS * gate:g} of 255 grey levels.",
        ],
        [
            tables.beside(
                "Accuracy of both classifiers, in percent. Baseline: always the most frequent class. Robust: "
                "accuracy under the strongest attacks; under PGD it is an upper bound. The reported defence was "
                "trained on FGSM images and tested with FGSM only.",
                f"{on} Robust: {study.audits['cnn'].n:,} of them.",
                results.headline(study),
            ),
            Gallery(_sweeps(study, on)),
            *audits.audit(study),
            Part("Before and after", "Predictions and images before and after one step of FGSM."),
            Gallery(_attacked(study, gate, on)),
            *[_radii(study, model, on) for model in CLASSIFIERS],
            *[_every_attack(study, model, on) for model in CLASSIFIERS],
        ],
    )


def _per_class(study: StudyResults, on: str) -> Table:
    reported = study.reported["digits"]
    rows = [
        (
            row.label,
            *[f"{score:.1f}" for score in (row.precision, row.recall, row.f1)],
            f"{row.support:,}",
            " / ".join(map(str, reported.get(row.label, "-"))),
        )
        for row in study.classifier.per_class
    ]
    caption = "The classifier class by class, in percent. Reported: the same on SVHN's official test images (report 1)."
    head = ("digit", "precision", "recall", "F1", "images", "reported")
    return Table(caption, on, head, rows, folded="The same class by class")


def _by_epoch(study: StudyResults) -> Table:
    """The reported learning curves; ours are figures."""
    epochs = study.reported["epochs"]
    rows = [(str(epoch), *map(str, row)) for epoch, row in enumerate(zip(*epochs.values(), strict=True), 1)]
    caption = "Loss and accuracy of the classifier on SVHN, and the loss of SimCLR, as reported by report 1."
    return Table(
        caption, "Reported numbers, of other images.", ("epoch", *epochs), rows, folded="Reported numbers by epoch"
    )


def _sweeps(study: StudyResults, on: str) -> list[Picture]:
    captions = {
        "accuracy_against_epsilon": "Accuracy under noise, FGSM, PGD and the strongest attacks against the radius. "
        "Bands are 95 % intervals, the dotted line is the most frequent class.",
        "per_class": "Accuracy of each class under FGSM against the radius.",
    }
    pictures = [picture(study, f"figures_attacks/{name}", caption, on) for name, caption in captions.items()]
    if study.repeated:
        caption = "Both classifiers in all runs: how much accuracy depends on the seed."
        pictures.append(picture(study, "figures_spread/classifiers", caption, on))
    return pictures


def _attacked(study: StudyResults, gate: float, on: str) -> list[Picture]:
    captions = {}
    for model, name in CLASSIFIERS.items():
        captions[f"before_after_{model}"] = (
            f"Images right before and wrong after FGSM at ε {gate:g}, {name} classifier, and the change, magnified "
            f"{1 / gate:.3g} times."
        )
    for model, name in CLASSIFIERS.items():
        captions[f"confusion_{model}"] = (
            f"Confusion matrices of the {name} classifier: clean above, FGSM at ε {gate:g} below."
        )
    captions["one_image"] = (
        "The same images at every radius, attacked through each classifier, with its predictions. Can you still "
        "recognise them?"
    )
    captions["misclassified_adv_cnn"] = "Clean images that the defended classifier gets wrong."
    defence = study.record("adv_train", Defence)
    learned = picture(
        study,
        "figures_attacks/learning_adv_cnn",
        "Adversarial training: accuracy by epoch, clean and attacked; the selected epoch is circled.",
        data(defence.source, defence.n, "validation images"),
    )
    return [*[picture(study, f"figures_attacks/{name}", caption, on) for name, caption in captions.items()], learned]


def _radii(study: StudyResults, model: str, on: str) -> Gallery:
    """A gallery for each radius, galleries of galleries being long."""
    name = CLASSIFIERS[model]
    pictures = [
        picture(
            study,
            f"figures_attacks/{key(f'gallery_{model}', radius)}",
            f"FGSM at ε {radius:g} against the {name} classifier: images that stay right, images that become wrong.",
            on,
        )
        for radius in study.sweeps[model].radii("noise")
    ]
    return Gallery(pictures, f"Attacked images at every radius, {name} classifier")


def _every_attack(study: StudyResults, model: str, on: str) -> Table:
    name = CLASSIFIERS[model]
    caption = f"Accuracy of the {name} classifier under all attacks, in percent."
    return tables.beside(
        caption, on, results.attacked(study, model), folded=(f"All attacks in numbers, {name} classifier")
    )
