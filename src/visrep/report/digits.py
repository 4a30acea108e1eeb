"""What the page says of street digits: the classifier, its fall, its defence."""

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

    def figure(name: str, says: str, of: str = on) -> Picture:
        return picture(study, f"figures_digits/{name}", says, of)

    return Section(
        "digits",
        "Street digits",
        [
            f"A convolutional network of {result.parameters:,} weights reads the middle digit of a crop of 32 by 32 "
            "pixels. Held-out training images choose the epoch; test images are looked at once, at the end."
        ],
        [
            tables.beside(
                "How many images are read rightly, in percent. Training accuracy is that of the kept network on its "
                "training images as they are. Floor: always the most frequent digit.",
                f"{on[:-1]}; {result.held_out:,} held-out and {result.trained:,} training images.",
                results.classifier(study),
            ),
            Gallery(
                [
                    figure(
                        "misclassified",
                        "The most confident mistakes: true digit, and the two answers held most likely.",
                    ),
                    figure("confusion", "Which digit is taken for which: true digits in rows, answers in columns."),
                    figure("report", "Precision, recall and F1 of each digit, on an axis that may not start at 0."),
                    figure(
                        "learning_curves",
                        "Loss and accuracy by epoch; the epoch that was kept is circled.",
                        data(result.source, result.trained + result.held_out, "training images, some of them held out"),
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
        "Attack and defence",
        [
            "Each pixel is moved a little, in the direction that hurts the classifier most. FGSM takes one such "
            f"step, PGD {pgd['steps']} of {pgd['step_share']:g} radius each. The defended classifier was trained on "
            "attacked images. A network can learn to withstand these two and still fall to stronger attacks: the "
            "audit below runs them, and its gates look for the signs.",
            "The radius ε is the largest change of a pixel in the units of the networks' input, [-1, 1]: "
            f"{gate:g} is {LEVELS * gate:g} of 255 grey levels.",
        ],
        [
            tables.beside(
                "Accuracy of both classifiers, in percent. Floor: always the most frequent digit. Robust is what the "
                "strongest attacks left; PGD is an upper bound. The reported defence was trained on FGSM images and "
                "tested by FGSM alone, so nobody can tell whether it withstood anything.",
                f"{on} Robust: {study.audits['cnn'].n:,} of them.",
                results.headline(study),
            ),
            Gallery(_sweeps(study, on)),
            *audits.audit(study),
            Part("Before and after", "What one step does to the answers, and to the images."),
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
    says = (
        "The classifier digit by digit, in percent. Reported: the same three of SVHN's official test images (report 1)."
    )
    head = ("digit", "precision", "recall", "F1", "images", "reported")
    return Table(says, on, head, rows, folded="The same digit by digit")


def _by_epoch(study: StudyResults) -> Table:
    """What report 1 saw while its networks learned; ours is in the curves."""
    epochs = study.reported["epochs"]
    rows = [(str(epoch), *map(str, row)) for epoch, row in enumerate(zip(*epochs.values(), strict=True), 1)]
    says = "Loss and accuracy of the classifier on SVHN, and the loss of SimCLR, as report 1 has them."
    return Table(
        says, "Reported numbers, of other images.", ("epoch", *epochs), rows, folded="What was reported by epoch"
    )


def _sweeps(study: StudyResults, on: str) -> list[Picture]:
    captions = {
        "accuracy_against_epsilon": "Accuracy under noise, FGSM, PGD and the strongest attacks as the radius grows. "
        "Bands are 95 % intervals, the dotted line is the floor.",
        "per_class": "Some digits withstand FGSM longer than others: accuracy of each as the radius grows.",
    }
    pictures = [picture(study, f"figures_attacks/{name}", says, on) for name, says in captions.items()]
    if study.repeated:
        says = "Both classifiers in every run, each a point: how far does accuracy hang on the seed?"
        pictures.append(picture(study, "figures_spread/classifiers", says, on))
    return pictures


def _attacked(study: StudyResults, gate: float, on: str) -> list[Picture]:
    captions = {}
    for model, name in CLASSIFIERS.items():
        captions[f"before_after_{model}"] = (
            f"Right before and wrong after FGSM at ε {gate:g}, {name} classifier, and the change, magnified "
            f"{1 / gate:.3g} times."
        )
    for model, name in CLASSIFIERS.items():
        captions[f"confusion_{model}"] = (
            f"What the {name} classifier takes for what: clean above, FGSM at ε {gate:g} below."
        )
    captions["one_image"] = (
        "The same images at every radius, attacked through each classifier, with its answers. Can the eye still read "
        "them?"
    )
    captions["misclassified_adv_cnn"] = "Clean images that the defended classifier misreads."
    defence = study.record("adv_train", Defence)
    learned = picture(
        study,
        "figures_attacks/learning_adv_cnn",
        "How the defence came about: accuracy by epoch, clean and attacked; the epoch that was kept is circled.",
        data(defence.source, defence.n, "held-out images"),
    )
    return [*[picture(study, f"figures_attacks/{name}", says, on) for name, says in captions.items()], learned]


def _radii(study: StudyResults, model: str, on: str) -> Gallery:
    """A gallery for each radius, galleries of galleries being long."""
    name = CLASSIFIERS[model]
    pictures = [
        picture(
            study,
            f"figures_attacks/{key(f'gallery_{model}', radius)}",
            f"FGSM at ε {radius:g} against the {name} classifier: images still read rightly, images turned wrong.",
            on,
        )
        for radius in study.sweeps[model].radii("noise")
    ]
    return Gallery(pictures, f"Attacked images at every radius, {name} classifier")


def _every_attack(study: StudyResults, model: str, on: str) -> Table:
    name = CLASSIFIERS[model]
    says = f"Accuracy of the {name} classifier under every attack that was run, in percent."
    return tables.beside(says, on, results.attacked(study, model), folded=f"Every attack in numbers, {name} classifier")
