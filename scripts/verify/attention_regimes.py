"""The regimes of the self-attention mean field (two bits of position), attractor by attractor, from several starts."""

import dataclasses
import sys
from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from _page import page

import nonequil as nq
from nonequil.experiments._attention_diagram_data import NAMES, regimes

SEED, STARTS, TRANSIENT, STEPS, RECORDS, THRESHOLD = 0, 16, 60_000, 20_000, 600, 3e-4
TORUS, CHAOS = "quasi_periodic", "chaotic"
KNOWN: dict[float, tuple[Any, float | None, float]] = {  # beta: period or regime, lambda_1 and its tolerance
    1.1: (4, float(np.log(0.82899648) / 4), 1e-5),
    1.244: (TORUS, 0.0, 1e-4),
    1.246: (TORUS, 0.0, 1e-4),
    1.248: (TORUS, 0.0, 1e-4),
    1.25: (16, None, 0.0),
    1.252: (TORUS, 0.0, 1e-4),
    1.255: (TORUS, 0.0, 1e-4),
    1.257: (TORUS, 0.0, 1e-4),
    1.262: (TORUS, 0.0, 1e-4),
    1.26405: (TORUS, 0.0, 1e-4),
    1.26451: (44, None, 0.0),
    1.266: (CHAOS, None, 0.0),
    1.27: (28, -0.0478, 2e-4),
    1.2738: (None, None, 0.0),  # branches coexist
    1.28: (CHAOS, None, 0.0),
    1.4: (CHAOS, 0.075, 0.005),
    1.45: (60, None, 0.0),
    2.6: (24, None, 0.0),
    3.0: (24, None, 0.0),
}
SHIFTS = tuple(10.0**-k for k in range(4, 9))


def at(beta: Any) -> nq.attention.Network:
    """The published network."""
    return dataclasses.replace(nq.attention.standard(n_bits=2), beta=jnp.asarray(beta))


def from_window(beta: Any, window: Any) -> Any:
    """Two leading exponents and the period from a window of attentions; NaN in the window: from the first token."""
    net = at(beta)
    token = nq.attention.MeanField().init(net)
    other = nq.attention.state_of_window(net, jnp.nan_to_num(window))
    start = jax.tree.map(lambda a, b: jnp.where(jnp.isnan(window).any(), a, b), token, other)
    orbit = nq.attention.trajectory(net, steps=RECORDS, transient=TRANSIENT, start=start)
    exponents = nq.attention.lyapunov(net, count=2, steps=STEPS, start=orbit.state)
    return exponents, nq.numerics.maps.period(orbit.attention, tolerance=1e-7)


@jax.jit
def attractors(betas: Any, windows: Any) -> Any:
    """All starts of all betas."""
    return jax.lax.map(lambda given: from_window(*given), (betas, windows), batch_size=128)


def labels(exponents: Any, periods: Any) -> list[str]:
    """A name for each attractor: its period, or its regime where it has none."""
    regime = [NAMES[place] for place in regimes(exponents, THRESHOLD)]
    return [f"period {p}" if p else name for p, name in zip(np.asarray(periods), regime, strict=True)]


def main() -> int:
    """Print the page; a regime that is not the known one raises."""
    jax.config.update("jax_enable_x64", True)
    betas = np.array(list(KNOWN))
    token = np.full((1, 4, 1, 3), np.nan)
    drawn = np.asarray(jr.uniform(jr.key(SEED), (STARTS, 4, 1, 3), minval=-1.0))
    windows = np.concatenate([token, drawn])
    exponents, periods = attractors(
        *map(jnp.asarray, (np.repeat(betas, STARTS + 1), np.tile(windows, (len(betas), 1, 1, 1))))
    )
    names = np.array(labels(exponents, periods)).reshape(len(betas), -1)
    first = np.asarray(exponents.value[:, 0]).reshape(names.shape)
    error = np.asarray(exponents.stderr[:, 0]).reshape(names.shape)
    lines = ["| beta | attractor: starts, of 17 | from the first token | lambda_1 there |", "| --- | --- | --- | --- |"]
    for k, (beta, (kind, exponent, tolerance)) in enumerate(KNOWN.items()):
        counted = Counter(names[k].tolist())
        told = "; ".join(f"{name.replace('_', '-')}: {count}" for name, count in counted.most_common())
        lines.append(f"| {beta:g} | {told} | {names[k, 0].replace('_', '-')} | {first[k, 0]:.5f} ± {error[k, 0]:.5f} |")
        wanted = f"period {kind}" if isinstance(kind, int) else kind
        assert wanted is None or wanted in counted, (beta, wanted, counted)
        if exponent is not None:
            there = names[k] == wanted
            assert np.min(np.abs(first[k] - exponent)[there] - 3 * error[k][there]) < tolerance, (beta, first[k][there])
    several = [beta for k, beta in enumerate(betas) if len(set(names[k])) > 1]
    page(__doc__, sizes(), "\n".join(lines) + "\n\n" + neighbours(several))
    return 0


def neighbours(betas: list[float]) -> str:
    """From the first token: the smallest shift of beta, a power of ten, that leads to another attractor."""
    moved = np.array([[beta, *(beta + shift for shift in SHIFTS)] for beta in betas])
    exponents, periods = attractors(jnp.asarray(moved.ravel()), jnp.full((moved.size, 4, 1, 3), jnp.nan))
    names = np.array(labels(exponents, periods)).reshape(moved.shape)
    lines = ["Where starts lead to several attractors, beta decides from the first token down to this digit:", ""]
    for beta, row in zip(betas, names, strict=True):
        other = [(shift, name) for shift, name in zip(SHIFTS, row[1:], strict=True) if name != row[0]]
        told = (
            f"{other[-1][1].replace('_', '-')} at a shift of {other[-1][0]:.0e}" if other else "the same at all shifts"
        )
        lines.append(f"- beta = {beta:g}, {row[0].replace('_', '-')}: {told}")
    return "\n".join(lines)


def sizes() -> dict[str, Any]:
    """What the head of the page says."""
    run = {"starts": STARTS + 1, "transient": TRANSIENT, "tokens of exponents": STEPS, "threshold": THRESHOLD}
    return {**run, "shifts": ", ".join(f"{shift:.0e}" for shift in SHIFTS), "seed": SEED}


if __name__ == "__main__":
    sys.exit(main())
