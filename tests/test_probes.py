"""Probes against a second solver, PyTorch's steps and loops; what they must not find in a collapsed embedding."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from visrep.data import store
from visrep.errors import Failure
from visrep.evaluations import probe
from visrep.measures import probes, scalings, statistics
from visrep.measures.probes import Choice

SGD: dict[str, Any] = {"epochs": 3, "batch_size": 4, "lr": 0.3, "momentum": 0.9}


def among(*strengths: float) -> Choice:
    return Choice(strengths or (0.1, 0.001), validation=0.2, seed=0)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def clouds(random: np.random.Generator, counts: list[int], dimensions: int, apart: float = 1.0) -> tuple[Any, Any]:
    """Overlapping clouds, one per class, in random order."""
    labels = random.permutation(np.repeat(np.arange(len(counts)), counts))
    means = apart * random.normal(size=(len(counts), dimensions))
    return (means[labels] + random.normal(size=(len(labels), dimensions))).astype(np.float32), labels


def logits(x: np.ndarray, labels: np.ndarray, points: np.ndarray, strength: float) -> np.ndarray:
    """(M, K) of the softmax whose weights minimise the mean cross entropy plus strength / 2 times their squares, in
    float64 by another solver from another start."""
    classes = int(labels.max()) + 1
    ones, more = np.ones((len(x), 1)), np.ones((len(points), 1))

    def loss(flat: np.ndarray) -> float:
        w = flat.reshape(-1, classes)
        chosen = log_softmax(np.hstack([x, ones]) @ w, 1)[np.arange(len(x)), labels]
        return float(-chosen.mean() + strength / 2 * (w[:-1] ** 2).sum())

    start = np.random.default_rng(1).normal(size=(x.shape[1] + 1) * classes) / 10
    found = minimize(loss, start, method="BFGS", options={"gtol": 1e-7})
    return np.hstack([points, more]) @ found.x.reshape(-1, classes)


def agree(predicted: np.ndarray, reference: np.ndarray) -> None:
    """Equal answers wherever the two best logits of the reference are clearly apart."""
    best = np.sort(reference, 1)[:, ::-1]
    clear = best[:, 0] - best[:, 1] > 2 * probes.TIE
    assert clear.mean() > 0.5
    np.testing.assert_array_equal(predicted[clear], reference.argmax(1)[clear])


@pytest.mark.parametrize("counts", [[12, 25, 8], [10, 30]])
@pytest.mark.parametrize("strength", [0.0, 0.02, 0.3])
@pytest.mark.parametrize("standardised", [True, False])
def test_the_optimum_is_another_solvers(
    random: np.random.Generator, counts: list[int], strength: float, standardised: bool
) -> None:
    x, labels = clouds(random, counts, 2)
    x = x * np.float32([1, 4]) + np.float32([2, -1])
    points = random.uniform(x.min(0) - 3, x.max(0) + 3, (3000, 2)).astype(np.float32)
    found = probes.logistic(x, labels, points, among(strength), standardised=standardised)
    scale = x.std(0) if standardised else np.sqrt((x.astype(float) ** 2).mean())
    agree(found.predicted, logits((x - x.mean(0)) / scale, labels, (points - x.mean(0)) / scale, strength))
    assert found.strength == strength


@pytest.mark.parametrize("standardised", [True, False])
def test_the_strength_is_the_best_on_held_out_images(random: np.random.Generator, standardised: bool) -> None:
    """Few images in many dimensions: weights must be held back."""
    x, labels = clouds(random, [40, 40, 40], 30, 0.35)
    strengths = (0.001, 10.0, 0.1, 1.0)
    found = probes.logistic(x, labels, x, among(*strengths), standardised=standardised)
    fit, held_out = probes.divide(labels, 0.2, 0)
    z = (x - x.mean(0)) / (x.std(0) if standardised else np.sqrt((x.astype(float) ** 2).mean()))
    for strength in strengths:
        model = LogisticRegression(C=1 / (strength * len(fit)), tol=1e-9, max_iter=5000).fit(z[fit], labels[fit])
        theirs = 100 * model.score(z[held_out], labels[held_out])
        assert found.validation[strength] == pytest.approx(theirs, abs=100 / len(held_out) + 1e-9)  # a tie may differ
    assert list(found.validation) == [10.0, 1.0, 0.1, 0.001]
    assert found.validation[found.strength] == max(found.validation.values()) > found.validation[0.001]


def test_equal_strengths_give_way_to_the_stronger(random: np.random.Generator) -> None:
    x, labels = clouds(random, [30, 30], 3, 20)
    found = probes.logistic(x, labels, x, among(0.001, 0.1, 0.01))
    assert set(found.validation.values()) == {100.0}
    assert found.strength == 0.1


def test_units_do_not_matter_and_offsets_do_only_without_standardising(random: np.random.Generator) -> None:
    x, labels = clouds(random, [60, 60, 60], 4)
    points = random.normal(size=(500, 4)).astype(np.float32) * 2
    for standardised in (True, False):
        plain = probes.logistic(x, labels, points, among(0.01), standardised=standardised).predicted
        for unit in (2.0**-40, 2.0**30):
            other = probes.logistic(x * unit, labels, points * unit, among(0.01), standardised=standardised)
            np.testing.assert_array_equal(plain, other.predicted)
    moved = probes.logistic(x + 1000, labels, points + 1000, among(0.01))
    assert np.mean(moved.predicted == probes.logistic(x, labels, points, among(0.01)).predicted) > 0.99
    held = probes.logistic(x + 1000, labels, points + 1000, among(0.01), standardised=False)
    assert len(set(held.predicted)) == 1


@pytest.mark.parametrize("trace", [0.0, 1e-7, 1e-6, 1e-5])
def test_a_collapsed_embedding_is_at_chance_unless_standardised(random: np.random.Generator, trace: float) -> None:
    """Balanced classes, so that the biases cannot decide, and labels that what is left would tell."""
    hidden, labels = clouds(random, [100] * 4, 8, 2)
    middle = random.normal(size=8) + 3
    x = (middle * (1 + trace * hidden)).astype(np.float32)
    several = among(0.1, 0.001, 1e-5)
    bare = probes.logistic(x, labels, x, several, standardised=False)
    assert set(bare.predicted) == {0}
    revived = np.mean(probes.logistic(x, labels, x, several).predicted == labels)
    assert revived == 0.25 if trace == 0 else revived > (0.9 if trace > 1e-7 else 0.25)


def test_of_equally_good_answers_the_most_frequent_class_is_given(random: np.random.Generator) -> None:
    """The odds of the classes differ by less than what counts as a tie."""
    hidden, labels = clouds(random, [200, 201, 199], 4, 2)
    x = (3 + 1e-5 * hidden).astype(np.float32)
    found = probes.logistic(x, labels, x, among(0.1), standardised=False)
    assert set(found.predicted) == {1}


def test_small_but_honest_variation_is_read(random: np.random.Generator) -> None:
    hidden, labels = clouds(random, [100] * 4, 8, 2)
    x = (hidden / 10 + 3).astype(np.float32)
    bare = probes.logistic(x, labels, x, among(0.1, 0.001, 1e-5), standardised=False)
    assert np.mean(bare.predicted == labels) > 0.95


def test_scaled_is_by_hand(random: np.random.Generator) -> None:
    """The last dimension varies by less than the rounding of its own size, the others by more."""
    deviations, means = np.array([1, 500, 1e-3, 1.3e-6 * 577]), np.array([2, 0, 5, 1000])
    train, test = (means + deviations * random.normal(size=(n, 4)) for n in (50, 9))
    size = np.sqrt(sum(value**2 for value in train.ravel()) / train.size)
    for array, result in zip((train, test), probes.scaled(train, test), strict=True):
        np.testing.assert_allclose(result[:, :3], ((array - train.mean(0)) / size)[:, :3], rtol=1e-9)
        assert not result[:, 3].any()
    assert 8 * 2.0**-23 * size < train[:, 3].std() < 8 * 2.0**-23 * 1000


@pytest.mark.parametrize("standardised", [True, False])
def test_without_differences_the_answer_is_the_most_frequent_class(standardised: bool) -> None:
    x, labels = np.full((9, 4), 0.1, np.float32), np.array([0, 2, 2, 1, 2, 0, 2, 1, 1])
    for constant in (x, np.zeros_like(x)):
        found = probes.logistic(constant, labels, np.eye(4, dtype=np.float32), among(), standardised=standardised)
        assert found == (pytest.approx(np.full(4, 2)), 0.1, {})
    one = probes.logistic(np.eye(3, dtype=np.float32), np.full(3, 4), np.eye(3), among(), standardised=standardised)
    np.testing.assert_array_equal(one.predicted, [4, 4, 4])


@pytest.mark.parametrize("standardised", [True, False])
def test_rare_and_missing_classes(random: np.random.Generator, standardised: bool) -> None:
    x, labels = clouds(random, [30, 30, 1], 2, 5)
    labels = np.array([1, 4, 6])[labels]
    found = probes.logistic(x, labels, x, among(), standardised=standardised)
    assert np.mean(found.predicted == labels) > 0.95
    single = probes.logistic(x[:2], np.array([3, 0]), x[:2], among(), standardised=standardised)
    assert (single.strength, single.validation) == (0.1, {})


def test_the_fit_is_quiet_and_the_same_again(random: np.random.Generator) -> None:
    x, labels = clouds(random, [20, 20, 20], 30, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = (probes.logistic(x, labels, x, among(0.0, 0.1)) for _ in range(2))
    np.testing.assert_array_equal(first.predicted, second.predicted)
    assert first.validation == second.validation


@pytest.mark.parametrize("strength", [1e-1, 1e-3, 1e-5])
def test_the_fit_ends_at_the_optimum_of_newtons_method(random: np.random.Generator, strength: float) -> None:
    """Of an embedding like a network's: dimensions of very different size, most of them correlated."""
    x, labels = clouds(random, [90, 60, 80, 70], 12, 0.4)
    x = scalings.standardised((x * np.geomspace(1, 1e-3, 12)) @ random.normal(size=(12, 12)))[0].astype(float)

    def loss(weights: np.ndarray, biases: np.ndarray) -> float:
        chosen = log_softmax(x @ weights + biases, 1)[np.arange(len(x)), labels]
        return float(-chosen.mean() + strength / 2 * (weights**2).sum())

    problem = probes.Problem(x, labels)
    ours = problem.solved(strength)
    settings = {"solver": "newton-cholesky", "C": 1 / (strength * len(x)), "tol": 1e-12, "max_iter": 1000}
    theirs = LogisticRegression(**settings).fit(x, labels)
    assert loss(*ours) == pytest.approx(loss(theirs.coef_.T, theirs.intercept_), abs=1e-8)
    assert loss(*problem.solved(strength, start=ours)) == pytest.approx(loss(*ours), abs=1e-9)


def test_answers_come_from_the_optimum_and_not_from_the_fits_that_choose(random: np.random.Generator) -> None:
    """A weak penalty on correlated dimensions, where a fit that ends early answers otherwise."""
    x, labels = clouds(random, [60, 60, 60], 20)
    x = ((x * np.geomspace(1, 1e-3, 20)) @ random.normal(size=(20, 20))).astype(np.float32)
    points = (x[random.integers(0, len(x), 4000)] + x[random.integers(0, len(x), 4000)] - x.mean(0)).astype(np.float32)
    z, queries = scalings.standardised(x, points)
    settings = {"solver": "newton-cholesky", "C": 1 / (1e-5 * len(x)), "tol": 1e-12, "max_iter": 1000}
    optimum = LogisticRegression(**settings).fit(z.astype(float), labels).decision_function(queries.astype(float))
    agree(probes.logistic(x, labels, points, among(1e-5)).predicted, optimum)


def test_a_fit_that_is_cut_short_says_so(random: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels = clouds(random, [20, 20, 20], 5)
    monkeypatch.setattr(probes, "STEPS", 2)
    with pytest.raises(Failure, match=r"the linear probe finds no optimum at strength 0\.001"):
        probes.logistic(x, labels, x, among(0.001))


def test_sgd_takes_the_steps_of_automatic_gradients(random: np.random.Generator) -> None:
    """With PyTorch's loss and gradients, and its rule of momentum written out."""
    x, labels = clouds(random, [4, 3, 3], 2)
    test, truth = clouds(random, [20, 20, 20], 2)
    ours = probes.sgd(x, labels, test, truth, **SGD, seed=7)
    inputs, points = (torch.from_numpy(part).double() for part in (x, test))
    targets = torch.from_numpy(labels)
    parameters = [torch.zeros(2, 3).double().requires_grad_(), torch.zeros(3).double().requires_grad_()]
    velocities = [torch.zeros_like(part) for part in parameters]

    def loss(index: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(inputs[index] @ parameters[0] + parameters[1], targets[index])

    rng = np.random.default_rng(7)
    for row in ours.history:
        for batch in torch.from_numpy(rng.permutation(10)).split(4):
            gradients = torch.autograd.grad(loss(batch), parameters)
            with torch.no_grad():
                for parameter, velocity, gradient in zip(parameters, velocities, gradients, strict=True):
                    parameter -= 0.3 * velocity.mul_(0.9).add_(gradient)
        weight, bias = (part.detach() for part in parameters)
        answers = (points @ weight + bias).argmax(1).numpy()
        expected = {
            "train_accuracy": float(((inputs @ weight + bias).argmax(1) == targets).double().mean() * 100),
            "test_accuracy": float((answers == truth).mean() * 100),
            "train_loss": float(loss(torch.arange(10)).detach()),
        }
        assert {name: getattr(row, name) for name in expected} == pytest.approx(expected, rel=1e-10)
    assert [row.epoch for row in ours.history] == [1, 2, 3]
    np.testing.assert_array_equal(ours.predicted, answers)


def test_sgd_stays_finite_and_keeps_to_its_seed(random: np.random.Generator) -> None:
    x, labels = clouds(random, [10, 10], 3)
    for scale in np.float32([0, 1e30, 1e-30]):
        for row in probes.sgd(x * scale, labels, x * scale, labels, **SGD, seed=0).history:
            assert np.isfinite(row).all()
    one, same, other = (probes.sgd(x, labels, x, labels, **SGD, seed=seed).history for seed in (1, 1, 2))
    assert one == same != other


def evaluated(x: np.ndarray, labels: np.ndarray, method: str, labelled: float = 1.0) -> probe.Result:
    """Of embeddings that serve both to learn from and to be read."""
    values = {"seed": 0, "labelled": labelled, "validation": 0.2, "strengths": (0.1, 0.001)}
    values |= {"sgd": SGD if method == "sgd" else None, "knn": {"k": 5, "temperature": 0.1}}
    settings = probe.Settings.model_validate(values)
    split = store.split(np.zeros((len(x), 32, 32, 3), np.uint8), labels)
    return probe.evaluate(x, x, store.ImageSet(split, split, ("a", "b", "c"), "clouds", {}), settings)


def test_linear_is_what_its_method_answers(random: np.random.Generator) -> None:
    x, labels = clouds(random, [40, 40, 40], 3)
    found = evaluated(x, labels, "logistic")
    answers = probes.logistic(x, labels, x, among())
    assert found.metrics.linear_accuracy == statistics.accuracy(answers.predicted, labels)
    assert found.strength == answers.strength
    assert {row.strength: row.accuracy for row in found.validated} == answers.validation
    assert found.history == ()
    bare = probes.logistic(x, labels, x, among(), standardised=False)
    assert found.metrics.unstandardised_accuracy == statistics.accuracy(bare.predicted, labels)
    voted = probes.knn(x, labels, x, 5, 0.1, 3)
    assert found.metrics.knn_accuracy == statistics.accuracy(voted, labels)

    found = evaluated(x, labels, "sgd")
    trained = probes.sgd(x, labels, x, labels, **SGD, seed=0)
    assert found.metrics.linear_accuracy == statistics.accuracy(trained.predicted, labels)
    assert [(row.epoch, row.train_accuracy, row.test_accuracy, row.train_loss) for row in found.history] == [
        tuple(row) for row in trained.history
    ]
    assert (found.strength, found.validated) == (None, ())


def test_the_probe_learns_from_the_labelled_share_alone(random: np.random.Generator) -> None:
    x, labels = clouds(random, [40, 40, 40], 3)
    found = evaluated(x, labels, "logistic", 0.25)
    some = probes.subset(labels, 0.25, 0)
    assert (found.labelled, found.n) == (30, 120)
    answers = probes.logistic(x[some], labels[some], x, among())
    assert found.metrics.linear_accuracy == statistics.accuracy(answers.predicted, labels)


def test_a_subset_is_a_share_of_every_class(random: np.random.Generator) -> None:
    labels = random.permutation(np.repeat([0, 1, 2, 5], [200, 100, 10, 1]))
    smaller: set[int] = set()
    for share, counts in ((0.01, [2, 2, 2, 1]), (0.1, [20, 10, 2, 1]), (0.27, [54, 27, 3, 1]), (0.5, [100, 50, 5, 1])):
        index = probes.subset(labels, share, 3)
        assert np.bincount(labels[index])[[0, 1, 2, 5]].tolist() == counts
        assert (np.diff(index) > 0).all()
        assert smaller < set(index.tolist())
        smaller = set(index.tolist())
    np.testing.assert_array_equal(probes.subset(labels, 1.0, 3), np.arange(len(labels)))
    np.testing.assert_array_equal(probes.subset(labels, 0.5, 3), probes.subset(labels, 0.5, 3))
    assert set(probes.subset(labels, 0.5, 4).tolist()) != smaller


def test_what_is_held_out_is_not_fitted(random: np.random.Generator) -> None:
    labels = random.permutation(np.repeat([0, 1, 2, 5], [50, 20, 2, 1]))
    fit, held_out = probes.divide(labels, 0.1, 0)
    np.testing.assert_array_equal(np.sort(np.concatenate([fit, held_out])), np.arange(len(labels)))
    assert np.bincount(labels[held_out], minlength=6).tolist() == [5, 2, 1, 0, 0, 0]
    assert np.bincount(labels[probes.divide(labels, 0.99, 0)[0]], minlength=6).tolist() == [1, 1, 1, 0, 0, 1]
    assert held_out.tolist() != probes.divide(labels, 0.1, 1)[1].tolist()


@pytest.mark.parametrize("k", [1, 4, 99])
@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_votes_are_counted_by_loops(random: np.random.Generator, k: int, temperature: float) -> None:
    x, labels = clouds(random, [10, 8, 6], 3, 0.5)
    test = random.normal(size=(40, 3)).astype(np.float32)
    ours = probes.knn(x, labels, test, k, temperature, 5)
    for point, answer in zip(test.astype(float), ours, strict=True):
        cosines = [float(point @ row / np.linalg.norm(point) / np.linalg.norm(row)) for row in x.astype(float)]
        votes = dict.fromkeys(range(5), 0.0)
        for i in sorted(range(len(x)), key=lambda i: -cosines[i])[:k]:
            votes[labels[i]] += np.exp(cosines[i] / temperature)
        assert answer == max(votes, key=lambda c: votes[c])


def test_votes_at_the_edges() -> None:
    x, labels = np.float32([[1, 0], [0, 1], [0, 2]]), np.array([2, 1, 1])
    assert probes.knn(x, labels, np.float32([[3, 0.1]]), 3, 1e-6, 3).tolist() == [2]  # only the nearest counts
    assert probes.knn(x, labels, np.float32([[3, 0.1]]), 3, 1e9, 3).tolist() == [1]  # only the number counts
    assert probes.knn(x[:2], labels[:2], np.float32([[1, 1]]), 2, 0.1, 3).tolist() == [1]  # equal: the first class
    assert probes.knn(np.zeros((3, 2), np.float32), labels, np.zeros((1, 2), np.float32), 3, 0.1, 3).tolist() == [1]
