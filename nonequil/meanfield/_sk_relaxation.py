"""How a spin of an infinite random network forgets its past when spins are redrawn one by one."""

import functools as ft

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import numerics
from .._checks import require
from .._results import RESULTS
from .._types import Index
from ..ensembles import SherringtonKirkpatrick
from ..numerics._implicit import stopped
from ..numerics._power_series import power_series
from ._sk_field import correlation_of_fields
from ._sk_rule import SKRule
from ._sk_stationary import SKStationary, sk_stationary

NODES = 48
NEWTON = 30


class Relaxation(eqx.Module):
    """C(t) = <s_i(0) s_i(t)> of the random sequential clock, t in units of one attempt a spin.

    C'' = C - F(C), C(0) = 1, C(infinity) = q, is the motion of a particle in a potential: C' = -(C - q) v(C)**0.5,
    v(C) = 2 / (C - q)**2 int_q^C (c - F(c)) dc = 1 - 2 share sum_i coefficients_i r**i at field correlation r.
    With C = q + (1 - q) x, t = -log(x) / rate + W(x), where rate = v(q)**0.5 = (1 - F'(q))**0.5 is the decay at long
    times and W = int_x^1 (v**-0.5 - 1 / rate) dx / x is smooth: `bend` holds its Legendre coefficients in x**(1/3).
    """

    q: Float[Array, ""]
    share: Float[Array, ""]
    coefficients: Float[Array, " terms"]
    rate: Float[Array, ""]
    bend: Float[Array, " nodes"]

    def steepness(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        """V at C = q + (1 - q) x."""
        r = correlation_of_fields(self.share, self.q + (1 - self.q) * x)
        return 1 - 2 * self.share * power_series(self.coefficients, r)

    def delay(self, x: Float[Array, ""]) -> Float[Array, ""]:
        """W(x)."""
        return _legendre(self.bend, 2 * jnp.cbrt(x) - 1)

    @eqx.filter_jit
    def correlation(self, tau: Float[Array, "..."]) -> Float[Array, "..."]:
        """C at each delay `tau`, not negative."""
        return jax.vmap(self._correlation)(tau.reshape(-1)).reshape(tau.shape)

    def _correlation(self, tau: Float[Array, ""]) -> Float[Array, ""]:
        """Newton's steps for l = -log x in l / rate + W(exp(-l)) = tau, whose slope is v**-0.5."""
        held, target = stopped((self, tau))

        def step(_: Index, l: Array) -> Array:
            x = jnp.exp(-l)
            behind = target - (l / held.rate + held.delay(x))
            return jnp.maximum(l + behind * jnp.sqrt(held.steepness(x)), 0)

        l = jax.lax.fori_loop(0, NEWTON, step, target * held.rate)
        l = numerics.implicit(_time_defect, l[None], (self, tau), True)[0]
        return self.q + (1 - self.q) * jnp.exp(-l)

    @property
    def initial_slope(self) -> Float[Array, ""]:
        """C'(0), negative."""
        return -(1 - self.q) * jnp.sqrt(self.steepness(jnp.ones_like(self.q)))

    @property
    def environment(self) -> Float[Array, ""]:
        """int_0^infinity exp(-t) C(t) dt: overlap of a spin's surroundings now and when it was last redrawn.

        Integrated by parts, 1 - (1 - q) int_0^1 x**(1 / rate) exp(-W(x)) dx.
        """
        u, w, _ = (jnp.asarray(table, self.q.dtype) for table in _tables())
        delay = jax.vmap(self.delay)(u**3)
        return 1 - (1 - self.q) * jnp.sum(w * 3 * u ** (2 + 3 / self.rate) * jnp.exp(-delay))


@eqx.filter_jit
def relaxation(s: SKStationary) -> Relaxation:
    """How a spin forgets its past in a steady state of the random sequential clock; time in sweeps, see `Relaxation`.

    Source: C'' = C - F(C) for independent J_ij and J_ji, after Crisanti & Sompolinsky, Phys. Rev. A 37, 4865 (1988).

    ```python
    nq.sk.relaxation(nq.sk.stationary(sk)).environment
    ```
    """
    overlaps, r = s.averages.overlaps, correlation_of_fields(s.law.share, s.q)
    orders = jnp.arange(1, overlaps.shape[0] + 1, dtype=overlaps.dtype)
    primitive = jnp.append(jnp.zeros_like(overlaps[:1]), overlaps / orders)  # int F
    coefficients = _divided(_divided(primitive, r), r)
    rate = jnp.sqrt(1 - s.stability.q)
    path = Relaxation(s.q, s.law.share, coefficients, rate, jnp.zeros(NODES + 1, s.q.dtype))
    u, _, integral = (jnp.asarray(table, s.q.dtype) for table in _tables())
    bent = 3 / u * (1 / jnp.sqrt(path.steepness(u**3)) - 1 / rate)
    return eqx.tree_at(lambda p: p.bend, path, integral @ bent)


def sk_correlation(
    sk: SherringtonKirkpatrick,
    tau: Float[Array, "..."] | float,
    m0: Float[Array, ""] | float = 1.0,
    *,
    rule: SKRule | None = None,
) -> Float[Array, "..."]:
    """<s_i(t) s_i(t + tau)> in the steady state of infinitely many spins redrawn one by one, at each `tau`.

    C'' = C - F(C), C(0) = 1, C(infinity) = q, with the F of `stationary`. `tau` counts attempts per spin (sweeps).
    Differentiable in `tau` and in the ensemble. Raises ValueError (traced: a run-time error) for tau below zero and
    where there is no steady state to be found.

    ```python
    nq.sk.correlation(nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5, beta=2.0), jnp.array([0.25, 1.0, 4.0]))
    ```
    """
    tau = jnp.asarray(tau, jnp.result_type(sk.beta))
    tau = require(tau, tau >= 0, "tau, a delay in sweeps, must not be negative: tau")
    s = sk_stationary(sk, m0, rule=rule)
    path = relaxation(s)
    q = s.result.error_if(path.q, (s.result != RESULTS.successful) & (s.result != RESULTS.marginal))
    path = eqx.tree_at(lambda p: p.q, path, q)
    return path.correlation(tau)


def _time_defect(l: Float[Array, " 1"], inputs: tuple) -> Float[Array, " 1"]:
    path, tau = inputs
    return (l[0] / path.rate + path.delay(jnp.exp(-l[0])) - tau)[None]


def _divided(p: Float[Array, " terms"], r: Float[Array, ""]) -> Float[Array, " fewer"]:
    """Coefficients of (p(c) - p(r)) / (c - r), lowest first, by Horner's scheme: stable for |r| <= 1."""

    def step(carry: Array, coefficient: Array) -> tuple[Array, Array]:
        carry = coefficient + r * carry
        return carry, carry

    return jax.lax.scan(step, jnp.zeros_like(r), p[:0:-1], unroll=16)[1][::-1]


def _legendre(coefficients: Float[Array, " terms"], x: Float[Array, ""]) -> Float[Array, ""]:
    """sum_k coefficients_k P_k(x), by Clenshaw's recurrence."""
    top = coefficients.shape[0] - 1

    def step(carry: tuple[Array, Array], given: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
        (b1, b2), (c, k) = carry, given
        return (c + (2 * k + 1) / (k + 1) * x * b1 - (k + 1) / (k + 2) * b2, b1), None

    k = jnp.arange(top, -1, -1, dtype=coefficients.dtype)
    zero = jnp.zeros_like(coefficients[0] * x)
    return jax.lax.scan(step, (zero, zero), (coefficients[::-1], k), unroll=8)[0][0]


@ft.lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes and weights of Gauss and Legendre on [0, 1], and the matrix from a function's values at the nodes u to
    the Legendre coefficients of its integral from u to 1.
    """
    x, w = np.polynomial.legendre.leggauss(NODES)
    orders = np.arange(NODES)[:, None]
    expand = (2 * orders + 1) / 2 * w * np.polynomial.legendre.legvander(x, NODES - 1).T
    integrate = -np.polynomial.legendre.legint(np.eye(NODES), lbnd=1, scl=0.5)
    return (1 + x) / 2, w / 2, integrate @ expand
