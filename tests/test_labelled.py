"""What is held out."""

import torch

from visrep.digits import labelled
from visrep.digits.labelled import Labelled


def stored(count: int) -> Labelled:
    """Images that lie class by class, a hundred of each."""
    numbers = torch.arange(count)
    return Labelled(numbers[:, None, None, None].expand(-1, 1, 1, 3), numbers // 100)


def test_every_image_trains_or_is_held_out() -> None:
    data, held_out = labelled.divide(stored(1000), 0.2, 0)
    assert (len(data.labels), len(held_out.labels)) == (800, 200)
    numbers = torch.cat([data.images, held_out.images])[:, 0, 0, 0]
    assert sorted(numbers.tolist()) == list(range(1000))
    assert all(bool((part.labels == part.images[:, 0, 0, 0] // 100).all()) for part in (data, held_out))


def test_the_first_of_those_held_out_are_a_fair_sample() -> None:
    first = labelled.divide(stored(1000), 0.2, 0)[1].labels[:40]
    assert len(set(first.tolist())) >= 8


def test_the_seed_decides() -> None:
    one, same, other = (labelled.divide(stored(1000), 0.2, seed)[1].labels.tolist() for seed in (0, 0, 1))
    assert one == same != other


def test_at_least_one_image_is_held_out() -> None:
    assert len(labelled.divide(stored(10), 0.01, 0)[1].labels) == 1
