"""How many threads the libraries of the evaluations use."""

from importlib import import_module

from threadpoolctl import threadpool_limits

LIBRARIES = ("faiss", "scipy.linalg", "sklearn.cluster", "sklearn.covariance", "sklearn.linear_model")


def limit(count: int) -> None:
    """At most ``count`` threads, for all libraries that bring some of their own. They are loaded here: one that comes
    later would keep its own number, and add in another order."""
    for library in LIBRARIES:
        import_module(library)
    threadpool_limits(count)
