"""The learned bound on a ratchet and on two and five beads between heat baths, against exact values."""

import sys

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from _page import page

import nonequil as nq

PAIRS, STEPS, BATCH, LAG, SEED = 4_000_000, 6000, 4096, 0.2, 5
ALLOWED = 0.03  # relative
th = nq.thermodynamics


def ratchet(V: float) -> nq.MarkovChain:
    """Three places with potential 0, V, 2 V when it is on; on <-> off with weight 1; a jump at each step."""
    place, on = jnp.arange(6) % 3, jnp.arange(6) < 3
    E = jnp.where(on, V * place, 0.0)
    moves = (place[:, None] != place[None]) & (on[:, None] == on[None])
    switches = (place[:, None] == place[None]) & (on[:, None] != on[None])
    weight = jnp.where(moves, jnp.exp((E[:, None] - E[None]) / 2), jnp.where(switches, 1.0, 0.0))
    return nq.MarkovChain(weight / jnp.sum(weight, 1, keepdims=True))


def beads(T: np.ndarray) -> nq.OrnsteinUhlenbeck:
    """Beads between heat baths of temperatures T, joined by springs, seen every `LAG`."""
    n = len(T)
    A = -2 * jnp.eye(n) + jnp.eye(n, k=1) + jnp.eye(n, k=-1)
    return nq.OrnsteinUhlenbeck(A, jnp.diag(jnp.sqrt(jnp.asarray(T, float))), LAG)


def jumps(V: float, key: jax.Array) -> tuple[nq.Transitions, th.PathMLP, float]:
    """Stationary pairs of the ratchet, a network for them, and the exact value."""
    chain = ratchet(V)
    t = nq.enumerate_states(chain).transitions()
    drawn = jr.choice(key, len(t), (PAIRS,), p=t.weight)
    net = th.PathMLP(6, width=32, depth=1, encode=lambda x: jax.nn.one_hot(x, 6), key=jr.key(SEED))
    return nq.Transitions(t.x[drawn], t.x_next[drawn]), net, float(th.exact(chain).value)


def springs(T: np.ndarray, key: jax.Array) -> tuple[nq.Transitions, th.PathMLP, float]:
    """Stationary pairs of the beads, each coordinate over its spread, a network for them, and the exact value."""
    process = beads(T)
    first, second = jr.split(key)
    S, scale = process.covariance, 1 / jnp.sqrt(jnp.diagonal(process.covariance))
    x = jr.multivariate_normal(first, jnp.zeros(len(T)), S, (PAIRS,), method="svd")
    F = process.propagator
    y = x @ F.T + jr.multivariate_normal(second, jnp.zeros(len(T)), S - F @ S @ F.T, (PAIRS,), method="svd")
    net = th.PathMLP(len(T), width=64, depth=2, key=jr.key(SEED))
    exact = float(th.linear_entropy_production_at_lag(process).value)
    return nq.Transitions((x * scale).astype(jnp.float32), (y * scale).astype(jnp.float32)), net, exact


def main() -> int:
    """Print the page; 0 if every value is within 3 percent."""
    keys = jr.split(jr.key(SEED), 3)
    cases = {
        "ratchet, V = 3": jumps(3.0, keys[0]),
        "two beads, T = 10, 1": springs(np.array([10.0, 1.0]), keys[1]),
        "five beads, T = 10 to 1": springs(np.linspace(10, 1, 5), keys[2]),
    }
    lines = ["| system | exact | learned | relative | standard error |", "| --- | --- | --- | --- | --- |"]
    fine = True
    for name, (t, net, exact) in cases.items():
        optimiser = optax.adam(optax.cosine_decay_schedule(5e-3, STEPS))
        bound = th.NeuralBound(net, steps=STEPS, batch=BATCH, optimiser=optimiser)
        found = bound(t, key=jr.key(SEED + 1))
        off = float(found.value) / exact - 1
        fine = fine and abs(off) < ALLOWED
        lines.append(f"| {name} | {exact:.5f} | {found.value:.5f} | {off:+.2%} | {found.stderr / exact:.2%} |")
    sizes = {"pairs": PAIRS, "steps": STEPS, "batch": BATCH, "lag of the beads": LAG, "seed": SEED}
    note = f"nats a step. Beads: the exact value is what pairs at that lag can show. Allowed: {ALLOWED:.0%}."
    page(__doc__, sizes, "\n".join([*lines, "", note]))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
