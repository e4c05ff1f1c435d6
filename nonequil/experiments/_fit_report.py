"""The report of a fit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from . import _fit_text as text
from . import _report as page
from ._fit_figures import FIGURES
from ._fit_summary import fit_summary
from ._fit_variables import SUCCESSFUL

KINDS = {
    "lower_bound": "A lower bound: the true entropy production is at least this, up to its error",
    "sampled": "Not a bound; its error is one of sampling",
    "biased": "Not a bound; a penalty on the couplings makes it too small",
    "exact": "Exact",
}
MEANINGS = {
    "maxent": "The least entropy production of any process that shows the measured antisymmetry of pairs in time. "
    "Fitted on some blocks, evaluated on others.",
    "quadratic": "A simpler bound from means and covariances of the same pairs, cross-fitted over blocks: ln(1+U). "
    "U itself is not a bound.",
    "model": "Entropy production of the fitted network: couplings from one half of the blocks, correlations from the "
    "other. Right if the network is right.",
}


def fit_report(result: xr.Dataset, figures: list[Path]) -> str:
    """The page: what was found, how sure it is, what to look at; `figures` is a folder of PNG files a bin width."""
    summary = fit_summary(result)
    parts = [page.heading(f"Couplings and entropy production of {summary['recording']}", 1)]
    parts += [page.paragraph(text.headline(summary) + ".", "soft")]
    parts += [page.paragraph(warning, "flag") for warning in summary["warnings"]]
    if len(summary["bins"]) > 1:
        parts += list(_choice(summary["bins"]))
    for k, one in enumerate(summary["bins"]):
        parts += list(_section(result.isel(bin=k), one, figures[k]))
    parts += [page.heading("Config"), page.preformatted(result.attrs["config"])]
    parts += [page.paragraph(f"nonequil {result.attrs['nonequil']}", "soft")]
    return page.page(f"nonequil fit: {summary['recording']}", parts)


def _choice(bins: list[dict[str, Any]]) -> Iterator[str]:
    yield page.heading("Which bin width?")
    yield page.paragraph(
        "Wider bins hold more spikes that share a bin and count once (clipped), and fewer transitions; narrow bins "
        "miss slow influences. Compare per second, and keep the width that predicts best while clipping stays small."
    )
    yield page.table(text.HEADER, map(text.row, bins))


def _section(r: xr.Dataset, one: dict[str, Any], folder: Path) -> Iterator[str]:
    yield page.heading(f"Bins of {text.milliseconds(one)}")
    yield page.cards(_numbers(one))
    for line in (*text.binning(one), *text.found(one)):
        yield page.paragraph(_sentence(line))
    for line in text.cautions(one):
        yield page.paragraph(_sentence(line), "flag")
    yield from _entropy_production(one)
    yield from _edges(r)
    for name, (_, title, caption) in FIGURES.items():
        yield page.heading(title, 3)
        note = f" Control here: {one['control']['how']}." if name == "entropy_production" else ""
        yield page.image(folder / f"{name}.png", caption + note)


def _numbers(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    quadratic, clipped = one["entropy_production"]["quadratic"], one["clipped_fraction"]
    yield f"{one['n_units']}", f"units in {one['n_transitions']:,} transitions"
    yield f"{one['n_edges_between_units']}", "couplings between units stand out"
    yield text.value(one["bits_per_spike_cv"]), "bits per spike gained on held-out blocks"
    yield (
        text.value(quadratic["value"]),
        f"nats/bin of entropy are produced at least (± {text.value(quadratic['stderr'])})",
    )
    yield "-" if clipped is None else text.percent(clipped), "of the spikes are clipped"


def _entropy_production(one: dict[str, Any]) -> Iterator[str]:
    yield page.heading("Entropy production", 3)
    yield page.paragraph(_sentence(text.verdict(one)) + " " + _sentence(text.power(one)))
    rows = []
    for name, estimate in one["entropy_production"].items():
        number = text.with_error(estimate["value"], estimate["stderr"]).replace("+-", "±")
        meaning = f"{MEANINGS[name]} {KINDS[estimate['kind']]}."
        if estimate.get("in_sample") is not None:
            meaning += f" On its own data it reads {text.value(estimate['in_sample'])}, biased upward."
        numbers = (number, *map(text.value, (estimate["per_second"], estimate["floor"])))
        if estimate["result"] != SUCCESSFUL:
            meaning += f" {estimate['result']}"
        rows.append([text.TITLES[name], *numbers, meaning])
    yield page.table(("", "nats/bin", "nats/s", "floor", "what it means"), rows, text_from=4)


def _edges(r: xr.Dataset, most: int = 12) -> Iterator[str]:
    J, stderr, z, q = (r[name].values for name in ("J", "J_stderr", "z", "q"))
    strength = np.where(np.eye(len(J), dtype=bool) | ~np.isfinite(z), -1.0, np.abs(np.nan_to_num(z)))
    order = np.argsort(-strength, axis=None, kind="stable")[: min(most, len(J) * (len(J) - 1))]
    rows = [
        [
            f"{r.unit.values[j]} → {r.unit.values[i]}",
            text.with_error(J[i, j], stderr[i, j]).replace("+-", "±"),
            f"{z[i, j]:.1f}",
            f"{q[i, j]:.1e}" if q[i, j] >= 1e-16 else "< 1e-16",
        ]
        for i, j in zip(*np.unravel_index(order, J.shape), strict=True)
        if strength[i, j] > 0
    ]
    yield page.heading("Strongest couplings between units", 3)
    yield page.paragraph("By z = J / standard error; all of them are in edges.csv.", "soft")
    yield page.table(("from → on", "J", "z", "q"), rows)


def _sentence(line: str) -> str:
    line = line.strip()
    line = line[:1].upper() + line[1:] + ("" if line.endswith(".") else ".")
    return line.replace("+-", "±")
