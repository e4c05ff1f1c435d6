"""Order parameters and entropy production against temperature: finite networks under both clocks beside the theory."""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from _page import page

import nonequil as nq
from nonequil.thermodynamics import DisorderAverage, disorder_average, extrapolate_in_size

SEED, SIZES, BURN_IN, STEPS = 4, (32, 64, 128, 256, 512), 127, 64
BETAS, FINE = np.linspace(0.2, 4, 20), np.linspace(0.02, 4, 200)
CASES = [(clock, dJ) for clock in (nq.Parallel, nq.Sequential) for dJ in (0.5, 1.0)]
CRITICAL = (1.1, 1.7)  # around beta_c = 1.3485 at dJ = 0.5 no combination of two sizes is free of their effect
IMAGE = Path("docs/images/sk_figure4.png")
NAMES = ("m", "q", "entropy production per spin")
TEXT = """
![m, q and entropy production against beta](../images/sk_figure4.png)

J0 = 1, no fields, all spins up at first, {burn_in} units of time before averaging over {steps} more; `Parallel` keeps
the self-couplings, as the published simulations do, `Sequential` has none. q is the self-correlation after 1 step and
after 16 sweeps. Entropy production is in nats per spin and step (`Parallel`) or sweep (`Sequential`). Bars are standard
errors between networks; lines are the infinite network. m is signed: small networks change sign below the transition.

The table has the largest size, and for the entropy production 2 sigma(512) - sigma(256) too. "Agrees": this is within 4
standard errors plus 0.2 % of the theory (2.5 % in the ordered phase, where the correction in 1/n**2 is of that order),
and q of the largest size within 4 standard errors plus 0.05; "-" where beta is within {critical} at dJ = 0.5, close to
the transition, where the effect of size is not of order 1/n. All clocks and dJ share their random numbers.
"""


class Curves(NamedTuple):
    """m, q and entropy production per spin: of the theory, or with errors."""

    m: Any
    q: Any
    production: Any


def ensemble(clock: type, dJ: float) -> nq.SherringtonKirkpatrick:
    return nq.SherringtonKirkpatrick(J0=1.0, dJ=dJ, self_coupling=clock is nq.Parallel)


def theory(clock: type, dJ: float, betas: np.ndarray) -> Curves:
    """Curves of the infinite network."""

    def point(beta: jax.Array) -> Curves:
        sk = dataclasses.replace(ensemble(clock, dJ), beta=beta)
        s = nq.sk.stationary(sk)
        return Curves(s.m, s.q, nq.sk.entropy_production_rate(sk, clock=clock).value)

    return Curves(*(np.asarray(leaf) for leaf in jax.jit(jax.vmap(point))(jnp.asarray(betas))))


def simulated(clock: type, dJ: float, networks: int, betas: np.ndarray) -> dict[int, list[DisorderAverage]]:
    """For each size an average at each inverse temperature."""
    runs: dict[str, Any] = {"networks": networks, "chunk": networks, "burn_in": BURN_IN, "steps": STEPS}
    sk, key = ensemble(clock, dJ), jr.key(SEED)
    return {
        n: [
            disorder_average(dataclasses.replace(sk, beta=b), n, clock, key=jr.fold_in(jr.fold_in(key, n), k), **runs)
            for k, b in enumerate(betas)
        ]
        for n in SIZES
    }


def with_errors(averages: list[DisorderAverage]) -> Curves:
    """(value, error) of each quantity along the betas."""
    values, errors = (
        Curves(*np.array([(p.m, p.q, e) for p, e in rows]).T)
        for rows in (
            [(a.order_parameters.value, a.entropy_production.value) for a in averages],
            [(a.order_parameters.stderr, a.entropy_production.stderr) for a in averages],
        )
    )
    return Curves(*zip(values, errors, strict=True))


def rows(clock: type, dJ: float, found: dict[int, list[DisorderAverage]], betas: np.ndarray) -> tuple[list[str], bool]:
    """Lines of the table, and whether all that should agree does."""
    exact, largest, lines, fine = theory(clock, dJ, betas), with_errors(found[SIZES[-1]]), [], True
    for k, beta in enumerate(betas):
        pair = [found[n][k].entropy_production for n in SIZES[-2:]]
        e = extrapolate_in_size(*pair)
        rest = (0.025 if exact.q[k] > 1e-3 else 0.002) * exact.production[k]
        away = abs(float(e.value) - exact.production[k]) < 4 * float(e.stderr) + rest
        away = away and abs(largest.q[0][k] - exact.q[k]) < 4 * largest.q[1][k] + 0.05
        near = dJ < 0.75 and CRITICAL[0] < beta < CRITICAL[1]
        fine = fine and (near or away)
        cells = [
            f"{v[k]:.4f} +- {s[k]:.4f} | {round(float(x[k]), 4) + 0.0:.4f}"
            for (v, s), x in zip(largest, exact, strict=True)
        ]
        agrees = "-" if near else "yes" if away else "NO"
        lines.append(
            f"| {clock.__name__} | {dJ:g} | {beta:.1f} | {' | '.join(cells)} | "
            f"{float(e.value):.4f} +- {float(e.stderr):.4f} | {agrees} |"
        )
    return lines, fine


def draw(results: dict[tuple[type, float], dict[int, list[DisorderAverage]]], betas: np.ndarray) -> None:
    """A row of panels for each clock and dJ, a panel for each quantity."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(len(CASES), 3, figsize=(10, 11), layout="compressed", sharex=True)
    colours = plt.get_cmap("viridis")(np.linspace(0.85, 0.1, len(SIZES)))
    for line, (clock, dJ) in zip(panels, CASES, strict=True):
        exact = theory(clock, dJ, FINE)
        curves = {n: with_errors(averages) for n, averages in results[clock, dJ].items()}
        for column, (ax, name) in enumerate(zip(line, NAMES, strict=True)):
            ax.plot(FINE, exact[column], color="black", lw=1.2, label="theory", zorder=9)
            for (n, curve), colour in zip(curves.items(), colours, strict=True):
                value, error = curve[column]
                ax.errorbar(betas, value, error, fmt="o", ms=2.5, lw=0.8, color=colour, label=f"N = {n}")
            ax.spines[["top", "right"]].set_visible(False)
            ax.set_ylabel(name)
        line[0].set_title(f"{clock.__name__}, dJ = {dJ:g}", loc="left", fontsize="medium")
    for ax in panels[-1]:
        ax.set_xlabel("inverse temperature beta")
    panels[0, 0].legend(frameon=False, fontsize="small")
    IMAGE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(IMAGE, dpi=150)


def main() -> int:
    """Print the page and draw the figure; 0 if simulation and theory agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=100, help="freshly drawn networks a point")
    parser.add_argument("--points", type=int, default=len(BETAS), help="number of inverse temperatures")
    asked = parser.parse_args()
    betas = BETAS[np.linspace(0, len(BETAS) - 1, asked.points).round().astype(int)]
    results = {case: simulated(*case, asked.networks, betas) for case in CASES}
    draw(results, betas)
    head = "| clock | dJ | beta | m | theory | q | theory | sigma | theory | sigma, extrapolated | agrees |"
    lines, fine = [head, "|" + " --- |" * 11], True
    for case, found in results.items():
        more, same = rows(*case, found, betas)
        lines, fine = lines + more, fine and same
    text = TEXT.format(burn_in=BURN_IN, steps=STEPS, critical=f"[{CRITICAL[0]}, {CRITICAL[1]}]")
    sizes = {"networks a point": asked.networks, "n": ", ".join(map(str, SIZES)), "seed": SEED}
    page(__doc__, sizes, text + "\n" + "\n".join(lines))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
