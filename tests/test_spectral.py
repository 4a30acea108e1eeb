"""Laplacian eigenmaps against closed spectra, NumPy's dense eigenvectors and scikit-learn."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import eigh, subspace_angles
from sklearn.manifold import spectral_embedding
from sklearn.neighbors import NearestNeighbors

import tiny
from visrep import files
from visrep.errors import Failure
from visrep.machine import device
from visrep.representations import embedders, spectral
from visrep.settings.runtime import Runtime


def ring(count: int) -> Any:
    """Each image's neighbors are those beside it, so the walk's eigenvalues are cos(2 pi j / n)."""
    place = np.arange(count)
    return spectral.graph(np.stack([(place - 1) % count, (place + 1) % count], 1))


def tied(count: int, k: int, seed: int = 0) -> Any:
    """(N, k) nearest neighbors of random points in the square, by scikit-learn."""
    points = np.random.default_rng(seed).random((count, 2))
    return NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)


def apart(*graphs: Any) -> Any:
    return sparse.block_diag(graphs, format="csr")


def weighted(x: Any, y: Any, degree: Any) -> Any:
    """Products of columns, weighted by degree."""
    return (degree[:, None] * x).T @ y / degree.sum()


def test_an_edge_is_where_either_is_near_the_other() -> None:
    index = tied(60, 4)
    graph = spectral.graph(index)
    expected = np.zeros((60, 60))
    for row, found in enumerate(index):
        for other in found:
            expected[row, other] = expected[other, row] = 1
    np.testing.assert_array_equal(graph.toarray(), expected)
    assert graph.nnz == expected.sum()  # no zeros are stored
    assert isinstance(graph, sparse.csr_array)
    assert graph.has_canonical_format


def test_an_image_is_not_its_own_neighbor_and_a_repeated_one_counts_once() -> None:
    graph = spectral.graph(np.array([[0, 1], [2, 2], [1, 0]]))
    np.testing.assert_array_equal(graph.toarray(), [[0, 1, 1], [1, 0, 1], [1, 1, 0]])


@pytest.mark.parametrize("count", [30, 31, 400])
def test_the_spectrum_of_a_ring_is_closed(count: int) -> None:
    found = spectral.eigenmaps(ring(count), 7, 0)
    turns = np.array([1, 1, 2, 2, 3, 3, 4])
    np.testing.assert_allclose(found.eigenvalues, np.cos(2 * np.pi * turns / count), atol=1e-12)
    angle = 2 * np.pi * np.arange(count) / count
    for start, j in ((0, 1), (2, 2), (4, 3)):  # each pair spans the waves of one frequency
        waves = np.stack([np.cos(j * angle), np.sin(j * angle)], 1)
        assert subspace_angles(found.coordinates[:, start : start + 2], waves).max() < 1e-6
    np.testing.assert_allclose((found.coordinates**2).mean(0), 1)
    assert found.pieces == 1
    assert found.residual < 1e-13


def test_coordinates_solve_the_generalised_problem_as_the_dense_solver_does() -> None:
    graph = spectral.graph(tied(150, 5, 1))
    degree = graph.sum(0)
    found = spectral.eigenmaps(graph, 6, 0)
    laplacian = np.diag(degree) - graph.toarray()
    values, vectors = eigh(laplacian, np.diag(degree))
    np.testing.assert_allclose(1 - found.eigenvalues, values[1:7], atol=1e-12)
    for ours, theirs in zip(found.coordinates.T, vectors.T[1:7], strict=True):
        theirs = theirs * np.sqrt(degree.sum())  # eigh has them of weighted length 1
        np.testing.assert_allclose(ours * np.sign(ours @ theirs), theirs, atol=1e-8)
    walk = graph.toarray() / degree[:, None]
    np.testing.assert_allclose(walk @ found.coordinates, found.coordinates * found.eigenvalues, atol=1e-12)


def test_coordinates_are_scikit_learns() -> None:
    graph = spectral.graph(tied(300, 6, 2))
    degree = graph.sum(0)
    ours = spectral.eigenmaps(graph, 5, 0).coordinates
    theirs = spectral_embedding(sparse.csr_matrix(graph), n_components=5, random_state=0)
    for mine, other in zip(ours.T, theirs.T, strict=True):
        other = other / np.sqrt(degree @ other**2 / degree.sum())
        np.testing.assert_allclose(mine * np.sign(mine @ other), other, atol=1e-7)


def test_coordinates_are_of_weighted_length_one_and_orthogonal_to_each_other_and_to_constants() -> None:
    graph = apart(spectral.graph(tied(90, 5)), spectral.graph(tied(70, 6, 3)))
    degree = graph.sum(0)
    found = spectral.eigenmaps(graph, 8, 0)
    np.testing.assert_allclose(weighted(found.coordinates, found.coordinates, degree), np.eye(8), atol=1e-12)
    pieces = np.repeat(np.eye(2), [90, 70], axis=0)
    np.testing.assert_allclose(weighted(found.coordinates, pieces, degree), 0, atol=1e-13)


@pytest.mark.parametrize("copies", [2, 3, 5])
def test_pieces_that_are_alike_each_have_their_coordinates(copies: int) -> None:
    """Every eigenvalue occurs as often as there are copies, which a single search vector might miss."""
    graph = apart(*[ring(40)] * copies)
    found = spectral.eigenmaps(graph, 4 * copies, 1)
    assert found.pieces == copies
    np.testing.assert_allclose(
        found.eigenvalues, np.repeat(np.cos(2 * np.pi * np.array([1, 2]) / 40), 2 * copies), atol=1e-12
    )
    assert found.residual < 1e-13


def test_the_residual_is_what_the_definition_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a solver that stops early."""
    graph = ring(50)
    exact = spectral.eigsh

    def early(*arguments: Any, **settings: Any) -> Any:
        values, vectors = exact(*arguments, **settings)
        return values, vectors + 1e-3 * np.cos(np.arange(50))[:, None]

    monkeypatch.setattr(spectral, "eigsh", early)
    found = spectral.eigenmaps(graph, 3, 0)
    vectors = found.coordinates / np.sqrt(50)  # every degree is 2; signs do not matter
    lengths = np.linalg.norm(graph.toarray() / 2 @ vectors - vectors * found.eigenvalues, axis=0)
    assert found.residual == pytest.approx(lengths.max(), rel=1e-9)
    assert lengths.max() > 1.01 * lengths.min()


def test_the_largest_entry_is_positive() -> None:
    found = spectral.eigenmaps(spectral.graph(tied(120, 5)), 9, 0)
    assert (found.coordinates.max(0) > 0).all()
    root = np.sqrt(spectral.graph(tied(120, 5)).sum(0))[:, None]
    scaled = found.coordinates * root  # the eigenvectors, of which the sign is fixed
    assert (scaled.max(0) > -scaled.min(0)).all()


def test_the_same_seed_gives_the_same_bytes_and_another_the_same_map() -> None:
    graph = spectral.graph(tied(500, 7, 4))
    first, again, other = (spectral.eigenmaps(graph, 20, seed) for seed in (3, 3, 4))
    assert first.coordinates.tobytes() == again.coordinates.tobytes()
    assert first.eigenvalues.tobytes() == again.eigenvalues.tobytes()
    np.testing.assert_allclose(first.coordinates, other.coordinates, atol=1e-6)
    assert first.coordinates.tobytes() != other.coordinates.tobytes()


def test_the_solver_draws_from_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """ARPACK draws once more where the space it has spanned is exhausted, from the system unless told otherwise."""
    drawn = []

    def stand_in(operator: Any, dimensions: int, **settings: Any) -> Any:
        drawn.append((settings["v0"], settings["rng"].random(5)))
        return np.ones(dimensions), np.ones((operator.shape[0], dimensions))

    monkeypatch.setattr(spectral, "eigsh", stand_in)
    for seed in (5, 5, 6):
        spectral.eigenmaps(ring(20), 3, seed)
    (start, more), (same, same_more), (other, _) = drawn
    assert (start == same).all() and (more == same_more).all()
    assert (start != other).all()


def test_a_complete_graph_has_a_single_eigenvalue() -> None:
    found = spectral.eigenmaps(spectral.graph(np.tile(np.arange(30), (30, 1))), 4, 0)
    np.testing.assert_allclose(found.eigenvalues, -1 / 29)


def test_an_image_whose_neighbors_are_those_of_another_is_put_there() -> None:
    """Nystrom's identity: on a ring an image's neighbors in the graph are its k nearest, no more."""
    graph = ring(60)
    found = spectral.eigenmaps(graph, 6, 0)
    index = graph.indices.reshape(60, 2)
    np.testing.assert_allclose(spectral.extend(found.coordinates, found.eigenvalues, index), found.coordinates)


def test_the_extension_is_the_mean_over_the_eigenvalue() -> None:
    coordinates = np.array([[1.0, 2.0], [3.0, 5.0], [5.0, -1.0]], np.float32)
    moved = spectral.extend(coordinates, np.array([0.5, 0.1]), np.array([[0, 1], [2, 2]]))
    np.testing.assert_allclose(moved, [[4, 35], [10, -10]])
    assert spectral.extend(coordinates, np.array([0.5, 0.1]), np.zeros((0, 2), int)).shape == (0, 2)


@pytest.mark.parametrize("smallest", [0.049, 0.0, -0.9])
def test_too_small_an_eigenvalue_is_not_divided_by(smallest: float) -> None:
    with pytest.raises(Failure, match="too small to extend"):
        spectral.extend(np.ones((3, 2)), np.array([0.9, smallest]), np.zeros((4, 1), int))


def test_graphs_that_cannot_be_mapped_are_named() -> None:
    with pytest.raises(Failure, match=r"3 pieces, too many for 2 dimensions: raise k"):
        spectral.eigenmaps(apart(ring(9), ring(9), ring(9)), 2, 0)
    assert spectral.eigenmaps(apart(ring(9), ring(9), ring(9)), 3, 0).pieces == 3
    with pytest.raises(Failure, match=r"^9 dimensions are too many for a graph of 10 images"):
        spectral.eigenmaps(ring(10), 9, 0)
    assert spectral.eigenmaps(ring(10), 8, 0).coordinates.shape == (10, 8)
    lonely = sparse.csr_array(np.pad(ring(9).toarray(), (0, 2)))
    with pytest.raises(Failure, match="2 images have no neighbor"):
        spectral.eigenmaps(lonely, 2, 0)
    with pytest.raises(ValueError, match="0 dimensions"):
        spectral.eigenmaps(ring(9), 0, 0)


def test_training_images_have_their_own_coordinates_and_others_those_of_their_look_alikes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    train = rng.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    other = np.clip(train[[3, 8]].astype(int) + rng.integers(-3, 4, (2, 32, 32, 3)), 0, 255).astype(np.uint8)
    coordinates, eigenvalues = rng.standard_normal((40, 2)).astype(np.float32), np.array([0.9, 0.5])
    path = tmp_path / "map.safetensors"
    kept = {"coordinates": coordinates, "eigenvalues": eigenvalues}
    files.write_weights(path, kept, {"kind": spectral.KIND, "k": 3})
    embed = embedders.embedder(path, train, device.prepare(Runtime(**tiny.study()["runtime"])))
    np.testing.assert_array_equal(embed(train), coordinates)
    np.testing.assert_array_equal(embed(train.copy()), coordinates)
    for image, found in zip(other, embed(other), strict=True):
        distances = [np.square(image.astype(float) - own.astype(float)).sum() for own in train]
        near = np.argsort(distances)[:3]
        np.testing.assert_allclose(found, coordinates[near].mean(0) / eigenvalues, rtol=1e-5)
