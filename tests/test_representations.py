"""What is watched while a network learns without labels, against averages and spectra written out by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from test_positives import OFF, images
from visrep.representations import encoders, learning, positives
from visrep.representations.results import Curve, Panel, Reporting


class Tiny(nn.Module):
    """Embeds an image as its mean color, weighed, and projects that as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))
        self.encoder = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        pooled: Tensor = self.encoder(images.mean((2, 3)))
        return pooled * self.weight


def watch(count: int, batch: int, seen: list[int], monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    def loss(z: Tensor, _: positives.Batch) -> dict[str, Tensor]:
        seen.append(z.shape[1])
        return {"loss": z[..., 0].mean()}

    monkeypatch.setattr(encoders, "embedded", lambda _, images: np.eye(len(images), 3, dtype=np.float32))
    settings: Any = SimpleNamespace(batch_size=batch, augment=OFF, views=2, local=None, seed=0)
    return learning.Monitor(images(count), settings, loss)(Tiny())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "batch", "pieces"),
    [(7, 3, [4, 3]), (9, 8, [9]), (5, 100, [5]), (12, 4, [4, 4, 4]), (3, 2, [3]), (7, 2, [3, 2, 2]), (2, 2, [2])],
)
def test_every_watched_image_counts_the_same(
    count: int, batch: int, pieces: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the images are cut into batches, none of which is a small rest."""
    seen: list[int] = []
    told = watch(count, batch, seen, monkeypatch)
    assert seen == pieces
    assert told["test_loss"] == pytest.approx(np.mean([level / 127.5 - 1 for level in range(count)]), rel=1e-5)
    assert told.keys() == {"test_loss", "std", *learning.CRITERIA}
    assert told["rankme"] == pytest.approx(min(count, 3), rel=1e-4)  # of the embeddings: unit vectors along three axes
    assert told["alignment"] == 0  # of the views, which are all alike here


def test_axes_are_the_spread_of_dimensions_and_the_shares_of_variance() -> None:
    found = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32) * np.float32([3, 1, 0.5, 2])
    rows = learning.axes(found)
    variances = np.linalg.eigvalsh(np.cov(found.T.astype(np.float64)))[::-1]
    assert [row.axis for row in rows] == [1, 2, 3, 4]
    assert [row.share for row in rows] == pytest.approx(variances / variances.sum(), rel=1e-4)
    assert [row.std for row in rows] == pytest.approx(sorted(found.std(0), reverse=True), rel=0.02)


def test_fewer_images_than_dimensions_leave_shares_of_nothing() -> None:
    rows = learning.axes(np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32))
    shares = [row.share for row in rows]
    assert sum(shares) == pytest.approx(1)
    assert shares[2:] == pytest.approx([0, 0, 0], abs=1e-9)


TELLING = Reporting(
    panels=(
        Panel("Losses", (Curve("loss", "loss"), Curve("half", "half"))),
        Panel("By epoch", (Curve("share", "share"),), by_batch=False),
    ),
    columns=(),
    table="",
    batches="",
)


@pytest.mark.parametrize("count", [3, learning.BATCHES, learning.BATCHES + 1, 3 * learning.BATCHES - 1])
def test_curves_over_batches_are_thinned_to_means(count: int) -> None:
    values = torch.arange(count, dtype=torch.float64)
    rows = learning.steps({"loss": values, "half": values / 2, "share": values, "untold": values}, TELLING)
    width = -(-count // learning.BATCHES)
    expected = [np.mean(range(start, min(start + width, count))) for start in range(0, count, width)]
    assert [row["loss"] for row in rows] == pytest.approx(expected)
    assert [row["half"] for row in rows] == pytest.approx([value / 2 for value in expected])
    assert [row["step"] for row in rows] == [min(start + width, count) for start in range(0, count, width)]
    assert all(set(row) == {"step", "loss", "half"} for row in rows)
    assert len(rows) <= learning.BATCHES


def test_what_hardly_changes_is_not_told_of_every_epoch() -> None:
    told: list[Any] = []
    panels = (Panel("Losses", (Curve("loss", "loss"), Curve("loss_bound", "lower bound", constant=True))),)
    progress = learning.without_constants(lambda *said: told.append(said), Reporting(panels, (), "", ""))
    progress(2, 3, 1.5, {"epoch": 2, "train_loss": 4.0, "train_loss_bound": 1.0, "test_loss_bound": 2.0, "std": 0.5})
    assert told == [(2, 3, 1.5, {"epoch": 2, "train_loss": 4.0, "std": 0.5})]
