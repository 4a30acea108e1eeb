"""The number of threads of the libraries that evaluations use."""

from importlib import import_module

from threadpoolctl import threadpool_limits

LIBRARIES = ("faiss", "scipy.linalg", "sklearn.cluster", "sklearn.covariance", "sklearn.linear_model")


def limit(count: int) -> None:
    """Limit all libraries with thread pools of their own to ``count`` threads. They are imported here: one imported
    later would keep its own number, and with it another order of summation."""
    for library in LIBRARIES:
        import_module(library)
    threadpool_limits(count)
