"""Learning what is alike: objectives against plain formulas, what is watched, and that something is learnt."""

import math
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import tiny
from visrep.data.embedded import shapes
from visrep.errors import Failure
from visrep.machine.device import Machine
from visrep.settings.shapes import Family, Prior, Similarity
from visrep.shapes import autoencoder, contrastive, redrawn, similarity
from visrep.stage import params
from visrep.study import Study

MACHINE = Machine(torch.device("cpu"), False, torch.contiguous_format)
SPLIT = shapes.generate(0, 240, 0).train


def settings(**change: Any) -> Similarity:
    return params.check(tiny.study({"similarity": change})["similarity"], Similarity)


DRAWN, PRIOR = Family(None), Family(Prior(pixel_variance=0.01))
COLOR = Family(("color",))


def learn(folder: Path, family: Family) -> similarity.Learned:
    bigger = {"channels": [8, 16, 32], "dimensions": 16}
    own = settings(encoder=bigger, decoder=128, epochs=9, batch_size=20, optimizer={"lr": 0.01})
    return similarity.learn(own, family, shapes.generate(0, 800, 0), MACHINE, folder / "checkpoint.pt", lambda *_: None)


def test_an_autoencoder_learns_to_draw(tmp_path: Path) -> None:
    learned = learn(tmp_path, DRAWN)
    last, result = learned.history[-1], learned.result
    assert last["validation_loss"] < 0.9 * result.chance  # better than the mean picture
    assert last["location"] > 3 * result.shared_by_chance["location"]
    assert (result.bound, result.varied, result.epochs) == (0, None, 9)


def test_a_family_is_learnt(tmp_path: Path) -> None:
    learned = learn(tmp_path, Family(("shape", "location", "size")))
    last, result = learned.history[-1], learned.result
    assert result.bound < last["validation_loss"] < 0.5 * (result.bound + result.chance)
    assert last["color"] > 90
    assert (result.n, result.validation) == (720, 80)


def test_every_encoder_starts_from_the_same_weights() -> None:
    first, second = (similarity.fresh(settings(), family) for family in (DRAWN, COLOR))
    for one, other in zip(first.encoder.parameters(), second.encoder.parameters(), strict=True):
        assert torch.equal(one, other)
    assert isinstance(second.head, nn.Identity)
    assert first(torch.zeros(2, 3, 32, 32)).shape == (2, 3, 32, 32)


@pytest.mark.parametrize(("places", "blind"), [(1, True), (2, False)])
def test_one_mean_over_all_places_cannot_tell_where_something_is(places: int, blind: bool) -> None:
    """Away from the borders a pattern that moves by the strides' product gives the same code."""
    net = autoencoder.Encoder([4, 8], places, 6).eval()
    image = torch.zeros(2, 3, 32, 32)
    image[0, :, 8:12, 8:12] = image[1, :, 20:24, 20:24] = torch.randn(3, 4, 4)
    first, second = net(image)
    assert torch.allclose(first, second, atol=1e-5) == blind


def test_reconstruction_is_the_mean_squared_error() -> None:
    pictures = similarity.Pictures(torch.from_numpy(SPLIT.images), SPLIT.factors)
    model, batch = similarity.fresh(settings(), DRAWN).eval(), torch.tensor([3, 1, 7])
    told = similarity.Objective(pictures, similarity.Reconstruct())(model, batch, torch.Generator(), 0.0)
    x = torch.from_numpy(SPLIT.images[[3, 1, 7]]).permute(0, 3, 1, 2).double() / 127.5 - 1
    with torch.no_grad():
        assert float(told["loss"]) == pytest.approx(float((model(x.float()) - x).square().mean()), rel=1e-5)
    assert all(p.grad is not None for p in model.parameters())


def test_agreement_is_info_nce_of_images_and_their_redrawings() -> None:
    pictures = similarity.Pictures(torch.from_numpy(SPLIT.images), SPLIT.factors)
    model, batch = similarity.fresh(settings(), COLOR).eval(), torch.tensor([5, 0, 9, 2])
    objective = similarity.Objective(pictures, similarity.Agree(("color",), 0.2))
    told = [float(objective(model, batch, torch.Generator().manual_seed(s), 0.0)["loss"]) for s in (1, 1, 2)]
    assert told[0] == told[1] != told[2]  # drawn anew, by the generator alone
    key = int(torch.randint(2**62, (), generator=torch.Generator().manual_seed(1)))
    positives = redrawn.family(SPLIT.factors[[5, 0, 9, 2]], ("color",), np.random.default_rng(key))
    u, v = (autoencoder.encoded(model, x) for x in (SPLIT.images[[5, 0, 9, 2]], positives))
    u, v = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (u, v))
    logits = u @ v.T / 0.2
    expected = np.mean(np.log(np.exp(logits).sum(1)) - np.diag(logits))
    assert told[0] == pytest.approx(float(expected), rel=1e-5)


def test_the_divergence_is_torchs() -> None:
    mean, log_variance = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0)).double()
    of = torch.distributions.Normal(mean, (log_variance / 2).exp())
    theirs = torch.distributions.kl_divergence(of, torch.distributions.Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(autoencoder.divergence(mean, log_variance), theirs)
    assert autoencoder.divergence(torch.zeros(1, 4), torch.zeros(1, 4)) == 0


def test_a_variational_loss_is_the_evidence_lower_bound() -> None:
    """With pixels as Gaussians of that variance, whose own logarithm is no part of it."""
    aim, images = similarity.Encode(8, 0.05), torch.from_numpy(SPLIT.images[:6])
    own = settings(encoder={"dimensions": 8})
    model = cast(autoencoder.Variational, similarity.fresh(own, PRIOR).eval())
    noise = aim.beside(SPLIT.factors[:6], np.random.default_rng(0))
    x = images.permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        mean, log_variance = model.coded(x)
        assert torch.equal(mean, model.encoder(x))
        drawn = torch.distributions.Normal(
            model.head(mean + (log_variance / 2).exp() * torch.from_numpy(noise)), 0.05**0.5
        )
        likelihood = drawn.log_prob(x).sum((1, 2, 3)) + 3072 / 2 * math.log(2 * math.pi * 0.05)
        bound = likelihood - autoencoder.divergence(mean, log_variance)
        told = float(aim.loss(model, images, noise))
    assert told == pytest.approx(float(-2 * 0.05 / 3072 * bound.mean()), rel=1e-4)


def test_a_variational_autoencoder_learns_to_draw_and_its_codes_are_about_standard(tmp_path: Path) -> None:
    learned = learn(tmp_path, PRIOR)
    assert learned.history[-1]["validation_loss"] < 0.95 * learned.result.chance
    code = autoencoder.encoded(learned.model.encoder, SPLIT.images)
    assert 0.05 < float(code.std(0).max()) < 3
    assert learned.result.loss == "squared error and divergence"


def test_held_out_images_are_never_trained_on() -> None:
    seen, held_out = similarity.divide(SPLIT, settings(validation=0.25), torch.device("cpu"))
    together = torch.cat([seen.images, held_out.images]).numpy()
    assert (len(seen.images), len(held_out.images)) == (180, 60)
    assert sorted(image.tobytes() for image in together) == sorted(image.tobytes() for image in SPLIT.images)
    for part in (seen, held_out):  # factors stay beside their images
        for image, factors in zip(part.images.numpy(), part.factors, strict=True):
            place = int(np.flatnonzero((SPLIT.images == image).all((1, 2, 3)))[0])
            assert np.array_equal(SPLIT.factors[place], factors)


def test_what_the_nearest_shares_is_that_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    code, factors = rng.standard_normal((30, 3)), rng.integers(3, size=(30, 4))
    code[7] *= 100  # only angles count
    right = np.zeros(4)
    for i in range(30):
        cosines = [code[i] @ code[j] / np.linalg.norm(code[i]) / np.linalg.norm(code[j]) for j in range(30)]
        cosines[i] = -2
        right += factors[int(np.argmax(cosines))] == factors[i]
    told = similarity.shared_by_nearest(torch.from_numpy(code), factors)
    assert list(told) == ["color", "shape", "location", "size"]
    assert list(told.values()) == pytest.approx((right / 30 * 100).tolist())
    pairs = [factors[i] == factors[j] for i, j in combinations(range(30), 2)]
    assert list(similarity.by_chance(factors).values()) == pytest.approx((np.mean(pairs, axis=0) * 100).tolist())


def test_the_loss_that_is_watched_has_the_bounds_that_are_told() -> None:
    seen, held_out = similarity.divide(SPLIT, settings(validation=0.25), torch.device("cpu"))
    aim = similarity.Agree(("location",), 0.1)
    monitor = similarity.Monitor(held_out, aim, settings(batch_size=20))
    chance, floor = aim.bounds(seen, held_out, monitor.batches)
    assert [len(batch) for batch in monitor.batches] == [20, 20, 20]
    assert chance == pytest.approx(math.log(20))
    kept = held_out.factors[:, [0, 1, 3]]
    floors = [contrastive.bound(kept[start : start + 20], 0.1) for start in (0, 20, 40)]
    assert floor == pytest.approx(np.mean(floors))
    blind = similarity.Headed(Constant(), nn.Identity())
    assert monitor(cast(Any, blind))["validation_loss"] == pytest.approx(chance, rel=1e-5)
    mean = np.mean(seen.images.numpy() / 127.5 - 1, axis=0)
    told = similarity.Reconstruct().bounds(seen, held_out, [])
    assert told[0] == pytest.approx(np.mean((held_out.images.numpy() / 127.5 - 1 - mean) ** 2), rel=1e-5)


class Constant(autoencoder.Encoder):
    def __init__(self) -> None:
        super().__init__([1], 1, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return F.one_hot(torch.zeros(len(images), dtype=torch.long), 2).float()


def test_positives_are_the_same_each_time_they_are_watched() -> None:
    _, held_out = similarity.divide(SPLIT, settings(), torch.device("cpu"))
    model = similarity.fresh(settings(), COLOR).eval()
    first, second = (similarity.Monitor(held_out, similarity.Agree(("color",), 0.1), settings()) for _ in range(2))
    with torch.no_grad():
        assert first(model) == first(model) == second(model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"families": {"x": ["hue"]}}, "families.x.0: 'hue' should be 'color', 'shape', 'location' or 'size'"),
        ({"families": {"x": ["color", "color"]}}, "families.x: names a factor twice"),
        ({"families": {"x": ["color", "shape", "location", "size"]}}, "families.x: varies every factor"),
        ({"families": {"x": "color"}}, "families.x: 'color' should be a valid tuple"),
        ({"families": {"X y": None}}, "families.X y"),
        ({"similarity": {"temperature": 0.0}}, "similarity.temperature: 0.0 is not positive"),
        ({"factors": {"ground": "plain"}}, "factors.ground: 'plain' should be 'gradient' or 'texture'"),
        ({"factors": {"lost_below": 0.5}}, "factors: lost_below must be less than kept_above, 0.5"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Failure) as failure:
        params.check(tiny.study(change), Study)
    assert message in str(failure.value)


def test_a_new_family_is_one_line() -> None:
    study = params.check(tiny.study({"families": {"vary_nothing": [], "another_autoencoder": None}}), Study)
    assert study.families.root["vary_nothing"].root == ()
