"""Nonequilibrium neural dynamics: simulate, solve and infer, with entropy production and honest error bars."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import attention as attention
    from . import cli as cli
    from . import data as data
    from . import dynamics as dynamics
    from . import ensembles as ensembles
    from . import experiments as experiments
    from . import inference as inference
    from . import meanfield as meanfield
    from . import memory as memory
    from . import models as models
    from . import nn as nn
    from . import numerics as numerics
    from . import plot as plot
    from . import simulation as simulation
    from . import statistics as statistics
    from . import thermodynamics as thermodynamics
    from ._public import *  # noqa: F403

__version__ = "0.1.0"

LAYERS = frozenset(file.parent.name for file in Path(__file__).parent.glob("*/__init__.py"))


def __getattr__(name: str) -> Any:
    """A layer or a name of `_public`, read on first use: the command answers and can be stopped before jax is."""
    if name in LAYERS:
        return import_module(f".{name}", __name__)
    if name.startswith("_") or name not in _names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, _names()[name])


def __dir__() -> list[str]:
    """All public names, for completion."""
    return sorted({"__version__", *LAYERS, *(name for name in _names() if not name.startswith("_"))})


def _names() -> dict[str, Any]:
    return vars(import_module("._public", __name__))
