"""What a stored sweep says, against loops that share no code with it and against the attack itself."""

import io

import numpy as np
import pytest
import torch

from visrep.data import pixels
from visrep.digits import attacks, swept


def slow_bits(sign: np.ndarray) -> list[list[list[int]]]:
    """Bytes as the format says: (N, 2, H W C / 8), first where positive, then where negative, high bit first."""
    stored = []
    for image in sign:
        values = [int(v) for row in image for pixel in row for v in pixel]
        halves = [[int(v > 0) for v in values], [int(v < 0) for v in values]]
        stored.append(
            [
                [sum(bit << (7 - place) for place, bit in enumerate(half[i : i + 8])) for i in range(0, len(half), 8)]
                for half in halves
            ]
        )
    return stored


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_signs_are_packed_as_the_format_says(random: np.random.Generator) -> None:
    sign = random.integers(-1, 2, (3, 4, 2, 3)).astype(np.float32)
    assert swept.packed(sign).tolist() == slow_bits(sign)


def test_unpacking_undoes_packing(random: np.random.Generator) -> None:
    sign = random.integers(-1, 2, (5, 32, 32, 3)).astype(np.int8)
    bits = swept.packed(sign)
    assert bits.shape == (5, 2, 384)
    assert swept.unpacked(bits, (32, 32, 3)).dtype == np.int8
    np.testing.assert_array_equal(swept.unpacked(bits, (32, 32, 3)), sign)


def test_a_table_is_read_back_from_its_file(random: np.random.Generator) -> None:
    names = ["clean", swept.column("fgsm", 0.1), swept.column("pgd_more_steps", 1.0)]
    assert names == ["clean", "fgsm 0.1", "pgd_more_steps 1"]
    predictions = {name: random.integers(0, 10, 6).astype(np.int16) for name in names}
    stored = swept.Swept(predictions, random.integers(0, 256, (6, 2, 384)).astype(np.uint8))
    file = io.BytesIO()
    np.save(file, stored.table())
    file.seek(0)
    found = swept.read(np.load(file))
    assert list(found.predictions) == names
    for name in names:
        np.testing.assert_array_equal(found.predictions[name], predictions[name])
    np.testing.assert_array_equal(found.signs, stored.signs)


@pytest.mark.parametrize("epsilon", [0.01, 0.1, 0.3, 1.0])
def test_fgsm_redrawn_is_fgsm_bit_for_bit(random: np.random.Generator, epsilon: float) -> None:
    images = random.integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)
    images[:, :8], images[:, 8:16] = 0, 255  # at the bounds, where clipping matters
    weights = torch.from_numpy(random.standard_normal((3072, 10)).astype(np.float32))
    weights[::7] = 0  # no gradient, no step

    def model(x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) @ weights

    x, y = pixels.scaled(torch.from_numpy(images)), torch.arange(8)
    bits = swept.packed(attacks.gradient_sign(model, x, y)[0].permute(0, 2, 3, 1).numpy())
    wanted = attacks.fgsm(model, x, y, epsilon).permute(0, 2, 3, 1).numpy()
    found = swept.fgsm(images, bits, epsilon)
    assert found.dtype == np.float32
    assert found.tobytes() == np.ascontiguousarray(wanted).tobytes()
    assert (found == swept.scaled(images)).any() and (found != swept.scaled(images)).any()


def test_every_grey_level_is_shown_as_itself() -> None:
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(swept.shown(swept.scaled(levels)), levels)
    np.testing.assert_array_equal(swept.shown(np.array([-1.2, -1, 0.002, 1, 1.2])), [0, 0, 128, 255, 255])


def test_shares_per_class_are_counted(random: np.random.Generator) -> None:
    labels = random.integers(0, 4, 50)
    columns = {
        name: random.integers(0, 4, 50).astype(np.int16) for name in ("clean", "fgsm 0.1", "fgsm 0.3", "pgd 0.1")
    }
    found = swept.per_class(swept.Swept(columns, np.zeros((50, 2, 384), np.uint8)), labels, 5, [0.1, 0.3])
    assert found.shape == (3, 5)
    assert np.isnan(found[:, 4]).all()  # no image of that class
    for row, name in enumerate(("clean", "fgsm 0.1", "fgsm 0.3")):
        for k in range(4):
            answers = [columns[name][i] == k for i in range(50) if labels[i] == k]
            assert found[row, k] == pytest.approx(100 * sum(answers) / len(answers))
