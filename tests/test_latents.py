"""Codes without an encoder: the closed form for a linear generator, principal components, the loss term by term."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from test_positives import OFF
from visrep.data.store import ImageSet, Split
from visrep.machine import device
from visrep.machine.randomness import generator
from visrep.representations import embedders, encoders, generators, latents
from visrep.settings.base import merged
from visrep.settings.representations import Latents, Small
from visrep.settings.runtime import Runtime
from visrep.stage import params
from visrep.training import weights

MACHINE = device.prepare(Runtime(device="cpu", threads=1, bf16=False, channels_last=True))
DIMENSIONS = 3


def quiet(done: int, of: int, seconds: float, values: Mapping[str, float]) -> None:
    pass


def settings(**change: Any) -> Latents:
    checked: Latents = params.check(merged(tiny.LATENTS, {"monitored": 40} | change), Latents)
    return checked


def encoder() -> Small:
    return Small(network="small", input_size=32, stem_stride=2, widths=(4, 8), blocks=(1, 1), dimensions=DIMENSIONS)


def images(count: int = 40) -> ImageSet:
    """Five patterns in random strengths, and noise."""
    rng = np.random.default_rng(0)
    patterns, strengths = rng.normal(size=(5, 32, 32, 3)), rng.normal(size=(2 * count, 5)) * [40, 30, 20, 5, 3]
    values = 128 + np.tensordot(strengths, patterns, 1) / 2 + rng.normal(size=(2 * count, 32, 32, 3))
    stored = values.clip(0, 255).round().astype(np.uint8)
    none = np.empty((count, 0), dtype=np.int64)
    train, test = (Split(part, np.zeros(count, dtype=np.int64), none) for part in (stored[:count], stored[count:]))
    return ImageSet(train, test, ("one",), "patterns", {})


def scaled(stored: np.ndarray) -> np.ndarray:
    """(N, 3072), in the order of the networks' channels."""
    return (stored.astype(np.float64) / 127.5 - 1).transpose(0, 3, 1, 2).reshape(len(stored), -1)


def linear(prior: float, steps: int = 400) -> generators.Generator:
    search = {"steps": steps, "lr": 0.3, "prior": prior}
    parts = {"dimensions": DIMENSIONS, "hidden": 0, "search": search}
    return weights.fresh(generators.Generator, parts, generator("cpu", 0))


@pytest.mark.parametrize("prior", [0.0, 0.01, 1.0])
def test_codes_of_a_linear_generator_are_ridge_regression(prior: float) -> None:
    model, stored = linear(prior), images().test.images
    with torch.no_grad():
        x = scaled(images().train.images)
        axes = np.linalg.svd(x - x.mean(0))[2][:DIMENSIONS]
        model.layers[0].weight.add_(torch.from_numpy(20 * axes.T))  # type: ignore[operator, union-attr]
    weight = model.layers[0].weight.detach().numpy().astype(np.float64)  # (3072, D)
    bias = model.layers[0].bias.detach().numpy()
    normal = weight.T @ weight / len(weight) + prior / DIMENSIONS * np.eye(DIMENSIONS)
    expected = np.linalg.solve(normal, weight.T @ (scaled(stored) - bias).T / len(weight)).T
    found = generators.embedded(model, torch.from_numpy(stored))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_the_code_of_an_image_does_not_depend_on_its_company() -> None:
    model, stored = linear(0.01, steps=20), torch.from_numpy(images().test.images)
    together, alone = generators.embedded(model, stored), generators.embedded(model, stored[3:4])
    np.testing.assert_allclose(together[3:4], alone, atol=1e-5)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_codes_and_a_linear_generator_find_the_principal_components(tmp_path: Path) -> None:
    """Of all that draws from D numbers linearly, principal components leave the least error (Eckart and Young)."""
    objects = images()
    plan = {"hidden": 0, "contrastive": 0.0, "epochs": 1500, "prior": 0.0, "codes": {"steps": 400, "speed": 30.0}}
    optimizer = {"lr": 0.01}
    learned = latents.learn(
        settings(**plan, optimizer=optimizer), encoder(), OFF, objects, MACHINE, tmp_path / "c.pt", quiet
    )
    x = scaled(objects.train.images)
    centred = x - x.mean(0)
    least = (np.linalg.svd(centred, compute_uv=False)[DIMENSIONS:] ** 2).sum() / x.size
    assert least <= learned.result.metrics.train_error < 1.03 * least
    test = scaled(objects.test.images) - x.mean(0)
    axes = np.linalg.svd(centred)[2][:DIMENSIONS]
    left = np.square(test - test @ axes.T @ axes).mean()
    assert learned.result.metrics.test_error == pytest.approx(left, rel=0.05)
    assert learned.result.metrics.mean_image_error == pytest.approx(np.square(test).mean(), rel=1e-5)


def test_the_loss_is_error_contrast_and_length() -> None:
    chosen, objects = settings(contrastive=0.5, prior=0.3), images(6)
    stored = torch.from_numpy(objects.train.images)
    views = torch.stack([stored, stored.flip(0)])
    model = latents.fresh(chosen, encoder(), 6)
    batch = torch.tensor([4, 1, 2])
    found = latents.Objective(views, chosen)(model, batch, generator("cpu", 0), 0.0)
    with torch.no_grad():
        codes = model.codes(batch, torch.empty(0)).double().numpy()  # (V, B, D)
        drawn = model.generator(torch.from_numpy(codes.reshape(6, -1)).float()).flatten(1).double().numpy()
    x = scaled(views[:, batch].reshape(-1, 32, 32, 3).numpy())
    rows = codes.reshape(6, -1) / np.linalg.norm(codes.reshape(6, -1), axis=1, keepdims=True)
    contrast = []
    for i in range(6):
        cosines = {j: float(rows[i] @ rows[j]) / chosen.temperature for j in range(6) if j != i}
        contrast.append(np.log(sum(np.exp(value) for value in cosines.values())) - cosines[(i + 3) % 6])
    expected = np.square(drawn - x).mean() + 0.5 * np.mean(contrast) + 0.3 * np.square(codes).mean()
    assert float(found["loss"]) == pytest.approx(expected, rel=1e-5)


def test_only_codes_of_the_batch_and_the_generator_move() -> None:
    chosen = settings()
    model = latents.fresh(chosen, encoder(), 6)
    views = torch.from_numpy(images(6).train.images).repeat(2, 1, 1, 1, 1)
    latents.Objective(views, chosen)(model, torch.tensor([4, 1]), generator("cpu", 0), 0.0)
    assert isinstance(model.codes, latents.Table) and model.codes.rows.grad is not None
    moved = model.codes.rows.grad.abs().sum((0, 2)) > 0
    assert moved.tolist() == [False, True, False, False, True, False]
    assert all(parameter.grad is not None for parameter in model.generator.parameters())


@pytest.mark.parametrize("amortised", [False, True])
def test_a_file_embeds_as_its_model_does(amortised: bool, tmp_path: Path) -> None:
    objects = images(10)
    stored = torch.from_numpy(objects.test.images)
    chosen = settings(codes={"name": "encoder"} if amortised else {})
    learned = latents.learn(chosen, encoder(), OFF, objects, MACHINE, tmp_path / "checkpoint.pt", quiet)
    weights.save(tmp_path / "model.safetensors", learned.model)
    found = embedders.embedder(tmp_path / "model.safetensors", objects.train.images, MACHINE)(objects.test.images)
    if isinstance(learned.model, generators.Generator):
        expected = generators.embedded(learned.model, stored)
    else:
        expected = encoders.embedded(learned.model.eval(), stored)
    assert amortised != isinstance(learned.model, generators.Generator)
    assert found.shape == (10, DIMENSIONS) and np.array_equal(found, expected)
