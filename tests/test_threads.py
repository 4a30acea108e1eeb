"""Threads are limited for every library that brings some, however late it would be imported."""

import subprocess
import sys

from oracles import ROOT


def test_no_library_of_the_evaluations_keeps_its_own_number() -> None:
    """scikit-learn is imported where it is used, which is after a stage has said how many threads there should be."""
    code = (
        "import os; os.environ.pop('OMP_NUM_THREADS', None)\n"
        "from visrep import threads; threads.limit(1)\n"
        "from visrep.evaluations import anomaly, clustering, probe\n"
        "import sklearn.metrics, sklearn.cluster, sklearn.linear_model, sklearn.covariance\n"
        "from threadpoolctl import threadpool_info; print(*[pool['num_threads'] for pool in threadpool_info()])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    counts = done.stdout.split()
    assert len(counts) >= 2 and set(counts) == {"1"}
