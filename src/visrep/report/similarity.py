"""What the page says of similarity learning on coloured shapes."""

from visrep.report.blocks import Gallery, Section, Table
from visrep.report.shown import data, picture
from visrep.results import Found

FACTORS = ("color", "shape", "location", "size")
ENCODERS = {
    "autoencoder": "autoencoder",
    "vary_color": "views vary colour",
    "vary_location": "views vary location",
    "keep_color": "views keep colour only",
}
ASKED = {
    "agreement": "How often nearest neighbours agree in each factor, in percent.",
    "probe": "How well a linear probe reads each factor, in percent.",
}


def similarity(found: Found) -> Section:
    on = data(found.details("factors/autoencoder"), "test images")
    numbers = {name: found.numbers(f"similarity/{name}") for name in ENCODERS}
    tables = [
        Table(
            says,
            on,
            ("encoder", *FACTORS),
            [
                (label, *[f"{numbers[name][f'{factor}_{what}']:.1f}" for factor in FACTORS])
                for name, label in ENCODERS.items()
            ],
        )
        for what, says in ASKED.items()
    ]
    pictures = [
        picture(found, f"figures_shapes/{name}", f"{label}: shapes and their nearest neighbours.", on)
        for name, label in ENCODERS.items()
    ]
    return Section(
        "similarity",
        "Similarity learning",
        [
            "Coloured shapes are made from four known factors: colour, shape, location and size. Which of them does an "
            "encoder keep? A contrastive encoder should keep what its views share and forget what they vary.",
        ],
        [*tables, Gallery(pictures)],
    )
