"""What an objective shows to a network: views of the batch, or neighbors; and its gradient against lightly's loss."""

from functools import partial

import torch
from lightly.loss import VICRegLoss
from torch import Tensor, nn

from visrep.machine.randomness import generator
from visrep.representations import positives
from visrep.representations.methods import vicreg
from visrep.representations.negatives import Queue
from visrep.settings.representations import Local, Method, Views

OFF = Views(crop=None, flip=0.0, jitter=None, grey=0.0, blur=None, solarize=0.0, noise=0.0, rotation=0.0)
WEIGHTS = vicreg.Weights(invariance=25.0, variance=25.0, covariance=1.0, sum_variance=False)
LOSS = partial(vicreg.loss, settings=vicreg.Settings.model_construct(weights=WEIGHTS))


class Recorder(nn.Module):
    """Remembers what it was shown; its projection is the mean color, weighed."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(images)
        return images.mean((2, 3)) * self.weight


def stored(count: int) -> Tensor:
    """Images, each of one grey level of its own."""
    return torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(-1, 32, 32, 3).contiguous()


def images(count: int) -> positives.Images:
    return positives.Images(stored(count), torch.arange(count) % 3)


def shown_in(views: int, local: Local | None = None) -> Method:
    return Method.model_construct(augment=OFF, views=views, local=local)


def alone(count: int, queue: Queue | None = None) -> positives.Batch:
    """What a loss is given with projections of images without classes."""
    return positives.Batch(torch.full((count,), -1), generator("cpu", 0), queue)


def levels(images: Tensor) -> list[int]:
    return ((images[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_views_are_of_the_batch() -> None:
    model = Recorder()
    objective = positives.OfViews(images(9), shown_in(3), LOSS)
    scalars = objective(model, torch.tensor([4, 7]), generator("cpu", 0), 0.0)
    assert levels(model.seen[0]) == [4, 7] * 3
    assert float(scalars["invariance"]) < 1e-12
    assert set(scalars) == {"loss", "invariance", "variance", "covariance"}
    assert model.weight.grad is not None
    assert not scalars["loss"].requires_grad


def test_positives_are_drawn_from_the_neighbors_anew_each_time() -> None:
    model, rng = Recorder(), generator("cpu", 0)
    near = torch.tensor([[(n + 1) % 9, (n + 2) % 9, (n + 5) % 9] for n in range(9)])
    objective = positives.OfNeighbors(images(9), near, None, LOSS)
    batch, pairs = torch.tensor([3, 8]), set()
    for _ in range(60):
        objective(model, batch, rng, 0.0)
        shown = levels(model.seen[-1])
        assert shown[:2] == [3, 8]
        pairs.add((shown[2], shown[3]))
    assert pairs == {(a, b) for a in (4, 5, 8) for b in (0, 1, 4)}


def test_the_gradient_of_the_objective_is_that_of_its_loss() -> None:
    model = Recorder()
    positives.OfViews(images(9), shown_in(2), LOSS)(model, torch.arange(9), generator("cpu", 0), 0.0)
    weight = torch.ones(3, requires_grad=True)
    z = torch.stack([model.seen[0][:9].mean((2, 3)), model.seen[0][9:].mean((2, 3))]) * weight
    theirs = VICRegLoss()(z[0], z[1])
    theirs.backward()
    torch.testing.assert_close(model.weight.grad, weight.grad)


def test_half_precision_is_left_before_the_loss() -> None:
    """A network that answers in bfloat16 is judged as if its answers were exact."""
    z = torch.randn(2, 64, 32, generator=generator("cpu", "z")).bfloat16()
    exact = vicreg.total(vicreg.terms(z.double()), WEIGHTS)
    with torch.autocast("cpu", torch.bfloat16):
        found = positives.scalars(z, nn.Module(), LOSS, torch.zeros(64), generator("cpu", 0))
    assert (
        float(found["loss"]) == torch.tensor(float(exact)).float()
        or abs(float(found["loss"]) / float(exact) - 1) < 1e-5
    )


def test_small_crops_are_further_views_of_the_same_images() -> None:
    model = Recorder()
    local = Local(views=2, size=16, smallest=0.1, largest=0.3, aspect=4 / 3)
    scalars = positives.OfViews(images(9), shown_in(2, local), LOSS)(model, torch.arange(5), generator("cpu", 0), 0.0)
    assert [tuple(seen.shape) for seen in model.seen] == [(10, 3, 32, 32), (10, 3, 16, 16)]
    assert [levels(seen) for seen in model.seen] == [[0, 1, 2, 3, 4] * 2] * 2
    assert float(scalars["invariance"]) < 1e-12


def test_a_loss_is_given_the_labels_of_its_batch() -> None:
    given: list[list[int]] = []

    def loss(z: Tensor, batch: positives.Batch) -> dict[str, Tensor]:
        given.append(batch.labels.tolist())
        return {"loss": z.mean()}

    positives.OfViews(images(9), shown_in(2), loss)(Recorder(), torch.tensor([4, 8, 0]), generator("cpu", 0), 0.0)
    assert given == [[1, 2, 0]]


def test_a_loss_is_given_the_queue_of_the_model_in_training_alone() -> None:
    given: list[Queue | None] = []

    def loss(z: Tensor, batch: positives.Batch) -> dict[str, Tensor]:
        given.append(batch.queue)
        return {"loss": z.mean()}

    model = Recorder()
    model.queue = Queue(4, 3)
    for training in (True, False):
        model.train(training)
        positives.OfViews(images(9), shown_in(2), loss)(model, torch.arange(3), generator("cpu", 0), 0.0)
    assert given == [model.queue, None]
