"""The arrow of time of public recordings: the cross-fitted quadratic estimate at several bin widths."""

import sys
from pathlib import Path

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "thermodynamics"))

from _page import page
from recorded import ROWS, SETS, folder, transitions

import nonequil as nq

NAMES = {"movie": "natural movie", "bar": "Brownian bar", "repeated": "repeated bar", "track": "hippocampus, track"}


def row(name: str, dt: float, known: dict[str, float]) -> tuple[str, bool]:
    """One line of the table, and whether it agrees with the published figures."""
    t = transitions(name, dt)
    found = {which: nq.thermodynamics.QuadraticBound(make())(t) for which, make in SETS.items()}
    d, bound = {which: e.details for which, e in found.items()}, found["default"]
    fine = d["default"]["n"] == known["n"] and d["default"]["n_blocks"] == known["blocks"]
    other_blocks = 0.1 * known["cross_stderr"] if name == "track" else 0.0
    for which in SETS:
        allowed = known[which] * 1e-4 + 0.51 * known["digit"] + other_blocks
        fine = fine and abs(d[which]["u"] - known[which]) <= allowed
    null = d["default"]["null_mean"], d["default"]["null_spread"]
    fine = fine and abs(null[0]) < 4 * null[1] / np.sqrt(200)
    cells = [
        NAMES[name],
        f"{1000 * dt:g} ms",
        int(d["default"]["n"]),
        int(d["default"]["n_blocks"]),
        f"{float(bound.floor):.4f}",
        f"{d['default']['u']:.5f} +- {d['default']['u_stderr']:.5f}",
        f"{null[0]:+.5f} +- {null[1]:.5f}",
        f"{float(bound.value):.5f} +- {float(bound.stderr):.5f}",
        f"{float(bound.value) / dt:.3g}",
        f"{d['cross']['u']:.5f}",
        f"{d['spikes']['u']:.5f}",
        "yes" if fine else "**no**",
    ]
    return "| " + " | ".join(map(str, cells)) + " |", fine


def main() -> int:
    """Print the page; 0 if every row agrees. Without the recordings nothing can be checked, and that is an error."""
    if folder() is None:
        print("NONEQUIL_DATA names no folder of recordings: see CONTRIBUTING.md", file=sys.stderr)
        return 2
    jax.config.update("jax_enable_x64", True)
    rows = [row(name, dt, known) for (name, dt), known in ROWS.items()]
    head = [
        "recording",
        "bin",
        "transitions",
        "blocks",
        "2 d / n",
        "U",
        "null",
        "ln(1 + U)",
        "nats/s",
        "U, no `Single`",
    ]
    head += ["U, 0/1 products only", "agrees"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *(line for line, _ in rows)]
    text = (
        "\n\nNats per bin, observables `Cross() + Single()`; blocks: trials, or 200 stretches of the track. "
        "A row agrees if U of all three sets equals the reference figures, computed by independent code from the same "
        "files, to all digits kept; for the track a tenth of a standard error is allowed besides, as the stretches "
        "of the reference differ from ours by a pair or two. Sources: Lynn, Holmes, Bialek & Schwab, PRL 129, 118101 "
        "(2022) for the retina; "
        "the nelpy example data for the hippocampus."
    )
    page(__doc__, {"seed": 0}, "\n".join(lines) + text)
    return 0 if all(fine for _, fine in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
