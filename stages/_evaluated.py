"""Evaluation of an encoder in the stages of replicates."""

from stages import anomaly, clustering, dimensions, embed, maps, probe, retrieval, uniformity
from visrep.replicates.replicate import Replication

EVALUATIONS = (anomaly, clustering, dimensions, maps, probe, retrieval, uniformity)


def evaluate(replication: Replication, encoder: str) -> None:
    replication.evaluate(embed, encoder)
    for evaluation in EVALUATIONS:
        replication.evaluate(evaluation, encoder)
