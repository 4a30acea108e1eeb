"""Modules looked up by name: a file added to a package is a method, baseline or evaluation added to the study.

`visrep.stage.code` treats a call of these functions as an import of every module that it may return, so the package is
written as a literal.
"""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType

from visrep.errors import Failure


def every(package: str) -> dict[str, ModuleType]:
    """All modules of a package by name."""
    names = sorted(module.name for module in iter_modules(import_module(package).__path__) if not module.ispkg)
    return {name: import_module(f"{package}.{name}") for name in names}


def one(package: str, name: str) -> ModuleType:
    """The module ``name`` of a package. Raises `Failure` where there is none."""
    if not name.isidentifier() or find_spec(f"{package}.{name}") is None:
        raise Failure(f"no {name!r} in {package}; one of {', '.join(every(package))}", 2)
    return import_module(f"{package}.{name}")
