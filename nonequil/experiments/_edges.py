"""Couplings as a table of edges with their significance."""

import csv
from pathlib import Path

import numpy as np
import xarray as xr

COLUMNS = ("pre", "post", "J", "stderr", "z", "p", "q")


def write_edges(path: Path, r: xr.Dataset) -> None:
    """One row for each ordered pair of units, the strongest evidence first; cells without a test stay empty."""
    unit = r.unit.values
    evidence = np.abs(np.where(np.isfinite(r.z.values), r.z.values, -1.0))
    order = np.argsort(-evidence, axis=None, kind="stable")
    values = [r[name].values for name in ("J", "J_stderr", "z", "p", "q")]
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(COLUMNS)
        for post, pre in zip(*np.unravel_index(order, r.z.shape), strict=True):
            cells = (x[post, pre] for x in values)
            rows.writerow([unit[pre], unit[post], *(repr(float(c)) if np.isfinite(c) else "" for c in cells)])
