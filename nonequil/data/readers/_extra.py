"""Packages that only some readers need."""

import importlib
from pathlib import Path
from types import ModuleType

from .._errors import MissingExtra


def extra(package: str, path: Path) -> ModuleType:
    """The imported package. Raises MissingExtra with the line that installs it."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingExtra(f"{path}: reading it needs {package}: pip install 'nonequil[data]' ({error})") from error
