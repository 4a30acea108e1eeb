"""Modules that are looked up by name: one file more in a package is one thing more in the study.

`visrep.stage.code` takes each call of these functions for an import of all that it may find, so the package stands
there as a literal.
"""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType

from visrep.errors import Failure


def every(package: str) -> dict[str, ModuleType]:
    """All modules of a package by name."""
    found = sorted(module.name for module in iter_modules(import_module(package).__path__) if not module.ispkg)
    return {name: import_module(f"{package}.{name}") for name in found}


def one(package: str, name: str) -> ModuleType:
    """The module ``name`` of a package. Raises `Failure` where there is none."""
    if not name.isidentifier() or find_spec(f"{package}.{name}") is None:
        raise Failure(f"no {name!r} in {package}; one of {', '.join(every(package))}", 2)
    return import_module(f"{package}.{name}")
