"""The files of a fit, from its result alone."""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ..models import Ising
from ._edges import write_edges
from ._fit_figures import FIGURES
from ._fit_report import fit_report
from ._fit_summary import bin_summary, fit_summary
from ._store import write_json, write_text, write_whole

DPI = 110


def write_fit(result: xr.Dataset, folder: Path) -> None:
    """Everything beside `result.nc`: the first bin width in the folder itself, each further one in `bin_WIDTH/`."""
    folders = [bin_folder(folder, result, k) for k in range(result.sizes["bin"])]
    for k, place in enumerate(folders):
        place.mkdir(exist_ok=True)
        write_bin(result.isel(bin=k), place)
        if k:
            write_json(place / "summary.json", bin_summary(result.isel(bin=k)))
    write_text(folder / "report.html", fit_report(result, folders))
    write_json(folder / "summary.json", fit_summary(result))


def bin_folder(folder: Path, result: xr.Dataset, k: int) -> Path:
    """Folder of the k-th bin width."""
    return folder if k == 0 else folder / f"bin_{float(result.bin[k]):g}"


def write_bin(r: xr.Dataset, folder: Path) -> None:
    """Couplings, edges, model and figures of one bin width."""
    arrays: dict[str, Any] = {name: r[name].values for name in ("J", "H", "J_stderr", "H_stderr")}
    write_whole(folder / "couplings.npz", lambda part: np.savez(part, **arrays, unit_ids=r.unit.values))
    write_whole(folder / "edges.csv", lambda part: write_edges(part, r))
    model = Ising(jnp.asarray(r.J.values), jnp.asarray(r.H.values))
    write_whole(folder / "model.eqx", lambda part: eqx.tree_serialise_leaves(part, model))
    for name, (draw, _, _) in FIGURES.items():
        figure = draw(r)
        write_whole(folder / f"{name}.png", lambda part, figure=figure: figure.savefig(part, dpi=DPI))
