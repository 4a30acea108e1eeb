"""What is told of a classifier: the numbers of its metrics file and the tables behind them.

N images, K classes.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from visrep.readers import statistics


def per_class(labels: np.ndarray, predicted: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    """Precision, recall and F1 in percent and the support of each class, with their macro and weighted means."""
    every = range(len(classes))
    columns = ["precision", "recall", "f1"]
    scores = precision_recall_fscore_support(labels, predicted, labels=list(every), zero_division=0)
    table = pd.DataFrame(np.stack(scores[:3], 1) * 100, columns=columns).assign(support=scores[3])
    means = [("macro mean", None), ("weighted mean", table.support)]
    for _, weights in means:
        table.loc[len(table)] = [*np.average(table.loc[every, columns], axis=0, weights=weights), len(labels)]
    table.insert(0, "class", [*classes, *(name for name, _ in means)])
    return table.astype({"support": int})


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    """One row per pair: actual, predicted, count, and the percent of the actual class."""
    counts = statistics.confusion(labels, predicted, len(classes))
    shares = counts / counts.sum(1, keepdims=True).clip(min=1) * 100
    pairs = [(a, p) for a in range(len(classes)) for p in range(len(classes))]
    return pd.DataFrame(
        [
            {"actual": classes[a], "predicted": classes[p], "count": int(counts[a, p]), "percent": float(shares[a, p])}
            for a, p in pairs
        ]
    )
