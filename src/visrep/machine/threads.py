"""How many threads may add up numbers: another number gives other sums."""

from threadpoolctl import threadpool_limits


def limit(threads: int) -> None:
    """Hold every BLAS and OpenMP library that is loaded by now to ``threads``."""
    threadpool_limits(threads)
