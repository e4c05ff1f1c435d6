"""Modern continuous Hopfield network: real states, retrieved by one soft-max over the stored patterns."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._checks import finite, optional, positive
from .._types import Drive
from ._base import AbstractForce


class ModernHopfield(AbstractForce):
    """Continuous associative memory whose update is attention to the stored patterns.

    x' = zeta^T a(x),  a(x) = softmax(beta xi x).  `patterns` xi has shape (p, n), one pattern a row, real; `beta` > 0
    is an inverse temperature, a scalar. States have shape (n,). Nothing has a unit. `readout` zeta (p, n) is what is
    returned for each pattern, itself by default. Another one drives from pattern to pattern, like the values of
    attention: then there is no energy, and the Langevin motion in `drift` does not balance.

    Raises ValueError (traced: a run-time error) if patterns are not finite or beta is not positive and finite;
    ValueError on wrong shapes. Source: Ramsauer et al., arXiv 2008.02217 (2020), eqs. 2 and 3.

    ```python
    modern = nq.ModernHopfield(patterns=jnp.eye(3), beta=8.0)
    modern.update(jnp.array([0.9, 0.1, 0.0]))
    ```
    """

    patterns: Float[Array, "p n"] = eqx.field(converter=finite("patterns"))
    beta: Float[Array, ""] = eqx.field(converter=positive("beta"), default=1.0)
    readout: Float[Array, "p n"] | None = eqx.field(converter=optional(finite("readout")), default=None)

    def __check_init__(self) -> None:
        if self.patterns.ndim != 2 or 0 in self.patterns.shape or self.beta.ndim:
            raise ValueError(f"patterns has shape {self.patterns.shape}, beta {self.beta.shape}: must be (p, n) and ()")
        if self.readout is not None and self.readout.shape != self.patterns.shape:
            raise ValueError(
                f"readout has shape {self.readout.shape}: patterns has {self.patterns.shape}; make it equal"
            )

    def association(
        self, x: Float[Array, "*states n"], seen: Bool[Array, "*states p"] | None = None
    ) -> Float[Array, "*states p"]:
        """Weight of each pattern, `softmax(beta xi x)`: shape (p,), sums to one; of many states by one product.

        Only over the patterns that are `seen`, if given; all weights are zero if none is.
        """
        scores = (self.beta * self._state(x)) @ self.patterns.T
        if seen is None:
            return jax.nn.softmax(scores)
        if seen.shape != scores.shape:
            raise ValueError(f"seen has shape {seen.shape}: it must be {scores.shape}, a state's entries by pattern")
        return jnp.where(seen, jax.nn.softmax(scores, where=seen), 0)

    def update(
        self, x: Float[Array, "*states n"], seen: Bool[Array, "*states p"] | None = None
    ) -> Float[Array, "*states n"]:
        """The next state, `zeta^T softmax(beta xi x)`: without a readout it never raises the energy."""
        return self.association(x, seen) @ (self.patterns if self.readout is None else self.readout)

    def energy(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        """`-ln(sum_mu exp(beta xi_mu.x))/beta + |x|^2/2 + ln(p)/beta + M^2/2`, M the largest norm of a pattern.

        Raises ValueError if the memory has a readout.
        """
        if self.readout is not None:
            raise ValueError("a memory whose readout differs from its patterns has no energy; leave readout out")
        x = self._state(x)
        log_sum = jax.nn.logsumexp(self.beta * (self.patterns @ x)) - jnp.log(self.patterns.shape[0])
        return (x @ x + self.largest_norm() ** 2) / 2 - log_sum / self.beta

    def drift(self, x: Float[Array, " n"], drive: Drive = None) -> Float[Array, " n"]:
        """`update(x) - x (+ drive)`: minus the gradient of the energy; with noise 2 T it rests at exp(-E/T)."""
        force = self.update(x) - x
        return force if drive is None else force + drive

    def jacobian(self, x: Float[Array, " n"]) -> Float[Array, "n n"]:
        """Derivative of `update`: `beta zeta^T (diag(a) - a a^T) xi`, shape (n, n)."""
        a = self.association(x)
        read = self.patterns if self.readout is None else self.readout
        centred = read - (a @ read)[None]
        return self.beta * (centred.T * a[None]) @ self.patterns

    def effective_patterns(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        """Number of patterns that the state attends to, `exp(-sum_mu a_mu ln a_mu)`: from 1 to p."""
        return jnp.exp(jnp.sum(jax.scipy.special.entr(self.association(x))))

    def largest_norm(self) -> Float[Array, ""]:
        """M = max_mu |xi_mu|."""
        return jnp.sqrt(jnp.max(jnp.sum(self.patterns**2, axis=1)))

    def separation(self) -> Float[Array, " p"]:
        """`min_{nu != mu} (xi_mu.xi_mu - xi_mu.xi_nu)` of each pattern, shape (p,); infinite if there is one alone."""
        overlaps = self.patterns @ self.patterns.T
        gaps = jnp.diag(overlaps)[:, None] - overlaps
        return jnp.min(jnp.where(jnp.eye(len(overlaps), dtype=bool), jnp.inf, gaps), axis=1)

    def _state(self, x: Float[Array, "*states n"]) -> Float[Array, "*states n"]:
        if x.shape[-1:] != self.patterns.shape[1:]:
            raise ValueError(f"x has shape {x.shape}: its last axis must be n = {self.patterns.shape[1]}")
        return x
