"""MATLAB files before version 7.3."""

from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from scipy.io.matlab import MatlabFunction, MatlabOpaque


def variables(path: Path) -> dict[str, Any]:
    """The variables of a file before version 7.3, structs as dicts."""
    content = scipy.io.loadmat(path, struct_as_record=False)
    return {name: plain(value) for name, value in content.items() if not name.startswith("__")}


def plain(value: Any) -> Any:
    """Structs as dicts, cells as arrays of objects, text as str, the rest as arrays."""
    if isinstance(value, MatlabFunction | MatlabOpaque):
        return str(type(value).__name__)
    if hasattr(value, "_fieldnames"):
        return {name: plain(getattr(value, name)) for name in value._fieldnames}
    if isinstance(value, np.ndarray) and value.dtype == object:
        cells = np.empty(value.shape, dtype=object)
        for at in np.ndindex(value.shape):
            cells[at] = plain(value[at])
        return cells.item() if cells.size == 1 and isinstance(cells.item(), dict) else cells
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return "".join(value.ravel().tolist())
    return value
