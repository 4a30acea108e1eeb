"""What the page says of SimCLR; as one more encoder it is in all tables of encoders besides."""

from visrep.report.blocks import Gallery, Section, Table
from visrep.report.shown import data, picture
from visrep.results import Found


def contrast(found: Found) -> Section:
    told, numbers = found.details("simclr"), found.numbers("simclr")
    on = data(told, "training images")
    said = " / ".join(f"{quote.value:g} (report {quote.report})" for quote in found.quotes("simclr", "loss"))
    rows = [
        ("loss of the last epoch (NT-Xent, nats)", f"{numbers['loss']:.3f}"),
        ("by chance, for this batch size", f"{numbers['loss_chance']:.3f}"),
        ("the lowest that this temperature allows", f"{numbers['loss_floor']:.3f}"),
        ("reported, batch size and temperature unknown", said or "-"),
        ("how often the other view is the nearest, %", f"{numbers['positive_top1']:.1f}"),
    ]
    says = "SimCLR: two views of an image attract each other, all other images repel. Its loss, by epoch."
    return Section(
        "contrast",
        "Contrast",
        [
            "SimCLR tells the other view of an image from all other images of the batch. Its loss depends on batch "
            "size and temperature, so it says little without what chance and the best case would give.",
        ],
        [
            Table("The loss and what to hold it against.", on, ("", "value"), rows),
            Gallery([picture(found, "figures_training/simclr", says, on)]),
        ],
    )
