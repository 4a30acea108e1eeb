"""What is watched while a network learns without labels, against averages and spectra written out by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from test_positives import OFF, stored
from visrep.learning import representations
from visrep.models import encoders


class Tiny(nn.Module):
    """Embeds an image as its mean colour, weighed, and projects that as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))
        self.encoder = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3)) * self.weight


def watch(count: int, batch: int, seen: list[int], monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    def loss(z: Tensor) -> dict[str, Tensor]:
        seen.append(z.shape[1])
        return {"loss": z[..., 0].mean()}

    monkeypatch.setattr(encoders, "embedded", lambda _, images: np.eye(len(images), 3, dtype=np.float32))
    settings: Any = SimpleNamespace(batch_size=batch, augment=OFF, views=2, seed=0)
    return representations.Watch(stored(count), settings, loss)(Tiny())  # type: ignore[arg-type]


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
    assert told.keys() == {"test_loss", "effective_rank", "std"}


def test_axes_are_the_spread_of_dimensions_and_the_shares_of_variance() -> None:
    found = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32) * np.float32([3, 1, 0.5, 2])
    rows = representations.axes(found)
    variances = np.linalg.eigvalsh(np.cov(found.T.astype(np.float64)))[::-1]
    assert [row["axis"] for row in rows] == [1, 2, 3, 4]
    assert [row["share"] for row in rows] == pytest.approx(variances / variances.sum(), rel=1e-4)
    assert [row["std"] for row in rows] == pytest.approx(sorted(found.std(0), reverse=True), rel=0.02)


def test_fewer_images_than_dimensions_leave_shares_of_nothing() -> None:
    rows = representations.axes(np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32))
    shares = [row["share"] for row in rows]
    assert sum(shares) == pytest.approx(1)
    assert shares[2:] == pytest.approx([0, 0, 0], abs=1e-9)


@pytest.mark.parametrize("count", [3, representations.ROWS, representations.ROWS + 1, 3 * representations.ROWS - 1])
def test_curves_over_batches_are_thinned_to_means(count: int) -> None:
    values = torch.arange(count, dtype=torch.float64)
    table = representations.steps({"loss": values, "half": values / 2})
    width = -(-count // representations.ROWS)
    expected = [np.mean(range(start, min(start + width, count))) for start in range(0, count, width)]
    assert table[table["term"] == "loss"]["value"].tolist() == pytest.approx(expected)
    assert table[table["term"] == "half"]["value"].tolist() == pytest.approx([value / 2 for value in expected])
    assert table["step"].max() == count
    assert len(table) <= 2 * representations.ROWS
