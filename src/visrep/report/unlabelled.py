"""What the page says of representations without labels: how they came about, and what they are good for."""

from collections.abc import Mapping
from typing import Any

from visrep.report import judged, results
from visrep.report.blocks import Block, Gallery, Part, Section, Table
from visrep.report.results import Found
from visrep.report.shown import data, of_encoders, picture
from visrep.settings.encoders import FLOORS

TERMS = ("invariance", "variance", "covariance", "effective_rank")
SIMCLR = {
    "loss": "loss",
    "loss_chance": "by chance",
    "loss_floor": "floor",
    "positive_top1": "own image found first, %",
    "positive_top1_chance": "by chance, %",
}
MORE = {  # further numbers of a stage: key, name, decimals
    "probe": (("macro_f1", "macro F1", 1), ("unstandardised_accuracy", "accuracy, embedding as it is", 1)),
    "retrieval": (("precision_at_5", "precision at 5", 1), ("class_farthest_agreement", "the same of the farthest", 1)),
    "anomaly": (("aupr_mnist", "AUPR, handwritten", 1), ("fpr95_mnist", "false alarms at 95 % found", 1)),
    "clustering": (("nmi", "NMI", 3), ("ari", "ARI", 3), ("accuracy", "accuracy, %", 1)),
}


def learning(found: Found) -> Section:
    mapped = data(found.details(f"maps/{_first(found)}"), "test images")
    return Section(
        "representations",
        "Representations without labels",
        [
            "VICReg learns from views: two random versions of an image should have one embedding (invariance), while "
            "each dimension varies over the images (variance) and none repeats another (covariance). Without the "
            "variance term a network may answer alike to everything: it collapses. SimCLR learns from the same views "
            "by telling them apart from all other images of a batch.",
            "Two other ways are tried beside them: nearest images in place of views, and coordinates from a graph of "
            "look-alikes, without any network.",
        ],
        [
            *_learned(found),
            Part(
                "Maps",
                "Each point is a test image; marker and colour are its class, which no training has seen. Above the "
                "two principal components, below t-SNE, which keeps neighbours together. Trustworthiness is 1 where "
                "neighbours on the map are neighbours in the embedding.",
            ),
            of_encoders(found, "map", "test images by PCA and by t-SNE.", mapped),
        ],
    )


def _learned(found: Found) -> list[Block]:
    """What the trainings said of themselves."""
    told, settings = found.details("vicreg"), found.parameters["simclr"]
    on = data(told, f"training images; {told['watched']:,} of the test images are watched")
    of_test = data(told | {"n": told["watched"]}, "test images")
    trained = {"vicreg": "vicreg", "no_generated_neighbors": "no_generated_neighbors"}
    trained |= {name: f"ablations/{name}" for name in found.parameters["ablations"]}
    contrastive = {"simclr": "simclr"} | {name: f"ablations/{name}" for name in found.parameters["simclr_ablations"]}
    labels = {name: found.encoders.get(name, name) for name in (*trained, *contrastive)}
    said = {
        "collapse": (
            "How many directions an embedding uses, and how far it spreads, by epoch. A collapse to few directions "
            "shows in the first. Without the variance term the projections, of which the loss is made, shrink to a "
            "point; the embedding before them keeps a direction or two, and may spread along these.",
            of_test,
        ),
        "spectra": ("The variance of each embedding along its principal axes: a collapsed one has few.", of_test),
        "vicreg_steps": ("Loss of VICReg and its three terms, batch by batch.", on),
        "simclr_steps": ("Loss of SimCLR, batch by batch, between chance and floor.", on),
    }
    each = {name: f"{label}: what its loss is made of, effective rank and spread." for name, label in labels.items()}
    return [
        Table(
            "The three terms of the loss on test images in the last epoch, before they are weighted, and the effective "
            f"rank: how many of the {len(told['axes'])} directions of the embedding share its variance. The variance "
            "term counts what is missing: 0 where every dimension varies enough, near 1 where none does. All are "
            "judged on random views, also where neighbours stood for views in training.",
            of_test,
            ("network", *[term.replace("_", " ") for term in TERMS]),
            [
                (labels[name], *[f"{found.numbers(place)[term]:.3g}" for term in TERMS])
                for name, place in trained.items()
            ],
        ),
        Table(
            "SimCLR on test images in its last epoch: its loss, what it is where all projections are alike, and what "
            f"it cannot fall below, in batches of about {settings['batch_size']} images in {settings['views']} views "
            f"at temperature {settings['temperature']:g}; how often a view finds its own image first. The reported "
            "loss is of unknown batch size and temperature, so it cannot be held against any of these.",
            of_test,
            ("network", *SIMCLR.values(), "effective rank", "reported loss"),
            [
                (
                    labels[name],
                    *[f"{found.numbers(place)[key]:.3g}" for key in (*SIMCLR, "effective_rank")],
                    " / ".join(f"{quote.value:g}" for quote in found.quotes(place, "loss")) or "-",
                )
                for name, place in contrastive.items()
            ],
        ),
        Gallery([picture(found, f"figures_training/{name}", says, of) for name, (says, of) in said.items()]),
        Gallery(
            [picture(found, f"figures_training/{name}", says, on) for name, says in each.items()],
            "How each network learned",
        ),
    ]


def uses(found: Found) -> Section:
    floors = " and ".join(found.encoders[name] for name in FLOORS if name in found.encoders)
    return Section(
        "uses",
        "What they are good for",
        [
            "The same readers look at every embedding; none changes it. Some encoders never learned anything: "
            f"{floors or 'none here'}. What these reach is no merit of training, so they come first.",
        ],
        [_at_a_glance(found), *_probing(found), *_retrieving(found), *_anomalies(found), *_clusters(found)],
    )


def _at_a_glance(found: Found) -> Table:
    columns = {what: results.reading(found, what) for what in results.READINGS}
    rows = [
        (label, *[f"{column[place].value:.{what.digits}f}" for what, column in columns.items()])
        for place, label in enumerate(found.encoders.values())
    ]
    says = "All readers at a glance; percent, but for silhouette and NMI. Intervals stand below, where there are any."
    on = data(found.details(f"probe/{_first(found)}"), "test images; clusters are of training images")
    return Table(says, on, ("encoder", *[what.name for what in results.READINGS]), rows)


def _probing(found: Found) -> list[Block]:
    told = found.details(f"probe/{_first(found)}")
    on = data(told, "test images")
    return [
        Part(
            "Is the class there?",
            "A linear probe is trained on the frozen embedding, with labels. k-NN trains nothing: the nearest training "
            "images vote. Floor: always the most frequent class.",
        ),
        Gallery(
            [picture(found, "figures_encoders/accuracy", "Linear probe and k-NN of every encoder, with chance.", on)]
        ),
        judged.table("Linear probe: accuracy in percent.", on, results.reading(found, results.PROBE)),
        judged.table("k-NN: accuracy in percent.", on, results.reading(found, results.KNN)),
        _more(found, "probe", "Further numbers of the probe, in percent", on, _learned_there(found)),
        of_encoders(
            found,
            "probe",
            "how the linear probe came about.",
            data(told | {"n": told["labelled"]}, "training images with labels, some of them held out"),
            "How each probe was chosen or learned, every encoder",
        ),
    ]


def _retrieving(found: Found) -> list[Block]:
    on = data(found.details(f"retrieval/{_first(found)}"), "test images as queries")
    precision = results.reading(found, results.PRECISION)
    return [
        Part(
            "What lies near, and what far?",
            "Good neighbours share the class and not the colours. Far from everything there are often the same few "
            "images, whatever is asked.",
        ),
        judged.table(
            "How many of the five nearest have the query's class, in percent. Floor: chance. Five answers to one "
            "query are no independent trials, so there is no interval.",
            on,
            precision,
        ),
        _more(found, "retrieval", "Nearest and farthest, in percent", on),
        of_encoders(found, "hubs", "the images that are most often among the five farthest.", on),
        of_encoders(
            found,
            "neighbors",
            "a query of each class with its five nearest and its five farthest training images; ticks mark its class.",
            on,
            "Queries with their nearest and farthest images, every encoder",
        ),
    ]


def _anomalies(found: Found) -> list[Block]:
    told = found.details(f"anomaly/{_first(found)}")
    on = _sets(told)
    digits, street = (results.reading(found, what) for what in (results.AUROC_DIGITS, results.AUROC_STREET))
    roc = picture(found, "roc/roc", "ROC curves: anomalies found against false alarms, for both kinds of digits.", on)
    strangest = of_encoders(found, "most_anomalous", "the strangest of all test images.", on)
    return [
        Part(
            "Do digits stand out among objects?",
            "Objects are normal here, digits are not; none was seen in training. What lies far from the training "
            f"images raises the alarm ({told['way']}).",
        ),
        judged.table("Handwritten digits: area under the ROC curve, in percent. Floor: chance.", on, digits),
        judged.table("Street digits: area under the ROC curve, in percent. Floor: chance.", on, street),
        _more(found, "anomaly", "Further numbers of the anomalies, in percent", on),
        Gallery([roc, *strangest.pictures]),
    ]


def _clusters(found: Found) -> list[Block]:
    told = found.details(f"clustering/{_first(found)}")
    on, mapped = data(told, "training images"), data(found.details(f"maps/{_first(found)}"), "test images")
    silhouette = results.reading(found, results.SILHOUETTE)
    says = f"Silhouette of the clusters, by {told['metric']} distance: from -1 to 1, tight clusters are near 1."
    return [
        Part(
            "Do classes fall into groups by themselves?",
            "k-means seeks as many clusters as there are classes. A silhouette tells whether clusters are tight, "
            "whatever they are made of; NMI and ARI whether they are the classes (0 by chance, 1 exactly). Tight "
            "clusters need not be classes: they may be groups of colour, or the few directions of a collapsed "
            "embedding.",
        ),
        Gallery(
            [
                picture(
                    found,
                    "figures_encoders/clusters",
                    "How tight the clusters of every encoder are, how far they are classes, and how far colours.",
                    on,
                )
            ]
        ),
        judged.table(says, on, silhouette, digits=3, drawn=False),
        _more(found, "clustering", "Clusters against classes", on),
        of_encoders(
            found,
            "clusters",
            "test images on the t-SNE map, by cluster above, by class below. Numbers stand at "
            "the test images nearest to the centroids.",
            mapped,
        ),
    ]


def _learned_there(found: Found) -> str:
    ends = (f"{what} {first} to {last}" for what, (first, last) in found.reported["probe"].items())
    return f"Reported of VICReg's probe from the first to the last of 30 epochs (report 3): {', '.join(ends)}."


def _more(found: Found, stage: str, folded: str, on: str, aside: str = "") -> Table:
    keys = MORE[stage]
    rows = [
        (label, *[f"{found.numbers(f'{stage}/{name}')[key]:.{digits}f}" for key, _, digits in keys])
        for name, label in found.encoders.items()
    ]
    says = " ".join(filter(None, (f"{folded}.", aside)))
    return Table(says, on, ("encoder", *[said for _, said, _ in keys]), rows, folded=folded)


def _first(found: Found) -> str:
    """An encoder whose details tell of the images, which are the same for all."""
    return next(iter(found.encoders))


def _sets(told: Mapping[str, Any]) -> str:
    return "Data: " + "; ".join(f"{source} (n = {told['n'][key]:,})" for key, source in told["sources"].items()) + "."
