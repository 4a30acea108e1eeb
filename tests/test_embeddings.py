"""Embeddings against closed forms, scikit-learn and SciPy, also where they have collapsed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oracles import ROOT
from visrep.errors import Failure
from visrep.representations import embeddings
from visrep.representations.embeddings import Embeddings


def cloud(rows: int, dimensions: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    others = {"handwritten_digits": cloud(3, 4, 2), "street_digits": cloud(2, 4, 3)}
    more = {"handwritten_digits": cloud(1, 4, 4), "street_digits": cloud(0, 4)}
    saved = Embeddings(cloud(9, 4), cloud(5, 4, 1), others, more)
    embeddings.save(saved, tmp_path / "vicreg")
    assert sorted(file.name for file in (tmp_path / "vicreg").iterdir()) == [
        "handwritten_digits.npy",
        "handwritten_digits_validation.npy",
        "street_digits.npy",
        "street_digits_validation.npy",
        "test.npy",
        "train.npy",
    ]
    loaded = embeddings.load(tmp_path / "vicreg", list(saved.others))
    assert list(loaded.others) == list(saved.others)
    everything = {"train": saved.train, "test": saved.test, **saved.others}
    for name, array in {"train": loaded.train, "test": loaded.test, **loaded.others}.items():
        np.testing.assert_array_equal(array, everything.pop(name))
        np.testing.assert_array_equal(np.load(tmp_path / "vicreg" / f"{name}.npy"), array)
    assert not everything
    assert {name: len(array) for name, array in loaded.validation.items()} == {name: len(more[name]) for name in more}
    np.testing.assert_array_equal(loaded.validation["handwritten_digits"], more["handwritten_digits"])
    assert embeddings.load(tmp_path / "vicreg").others == {}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    embeddings.save(
        Embeddings(cloud(3, 2), cloud(3, 2), {"handwritten_digits": cloud(3, 2)}, {"handwritten_digits": cloud(0, 2)}),
        tmp_path,
    )
    (tmp_path / "handwritten_digits.npy").unlink()
    with pytest.raises(Failure, match=r"handwritten_digits\.npy is missing"):
        embeddings.load(tmp_path, ["handwritten_digits"])


@pytest.mark.parametrize("wrong", [cloud(3, 5), cloud(3, 4).astype(float), cloud(12, 4).reshape(3, 4, 4)])
def test_shapes_and_types_are_checked(wrong: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"street_digits is float"):
        embeddings.save(Embeddings(cloud(9, 4), cloud(5, 4), {"street_digits": wrong}, {}), tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_not_saved(value: float, tmp_path: Path) -> None:
    broken = cloud(5, 4)
    broken[2, 3] = value
    with pytest.raises(Failure, match="embeddings of test hold values that are not finite"):
        embeddings.save(Embeddings(cloud(9, 4), broken, {}, {}), tmp_path)
    assert not (tmp_path / "test.npy").exists()


def test_reading_embeddings_loads_no_network_library() -> None:
    source = ROOT / "src"
    files = [file for package in ("measures", "evaluations") for file in (source / f"visrep/{package}").glob("*.py")]
    names = [".".join(file.relative_to(source).with_suffix("").parts) for file in files]
    assert {"visrep.measures.neighbors", "visrep.evaluations.probe"} <= set(names)
    names += [f"visrep.shapes.{name}" for name in ("factors", "invariance", "results")]
    names += ["visrep.representations.embeddings", "visrep.representations.results"]
    lines = [*(f"import {name}" for name in names), "import sys", "print('torch' in sys.modules)"]
    done = subprocess.run([sys.executable, "-c", "; ".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
