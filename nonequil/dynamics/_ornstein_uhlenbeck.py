"""Linear Langevin systems, stepped exactly."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.scipy.linalg
from jaxtyping import Array, Float, Key

from .. import numerics
from .._checks import finite, nonnegative
from .._results import Unit
from .._types import Drive, Index
from ._diffusion import AbstractDiffusion


class OrnsteinUhlenbeck(AbstractDiffusion):
    """dx = A x dt + sqrt(2) B dW, seen every `dt`: a step is the exact Gaussian law after that time.

    P(x' | x) = normal with mean F x, F = exp(A dt), and covariance S - F S F^T, S the stationary covariance,
    A S + S A^T + 2 D = 0 with D = B B^T. All coordinates are even under time reversal. Unit of flows: nats/step; `dt`
    is in the unit of time of A.

    - `A` (n, n): must be stable, eigenvalues to the left of the imaginary axis (else S is NaN, and so is all else);
    - `B` (n, n): noise amplitudes; invertible wherever a log probability is asked for.

    Raises ValueError for shapes that do not fit, values that are not finite, a negative `dt`.
    Source: Godreche & Luck, J. Phys. A 52, 035002 (2019).

    ```python
    rotation = nq.OrnsteinUhlenbeck(jnp.array([[-1.0, 2.0], [-2.0, -1.0]]), jnp.eye(2), dt=0.1)
    nq.thermodynamics.linear_entropy_production(rotation).value         # 2 w**2 / k = 8
    ```
    """

    A: Float[Array, "n n"] = eqx.field(converter=finite("A"))
    B: Float[Array, "n n"] = eqx.field(converter=finite("B"))
    dt: Float[Array, ""] = eqx.field(converter=nonnegative("dt"), default=1.0)
    unit: ClassVar[Unit] = Unit.per_step

    def __check_init__(self) -> None:
        shapes = [jnp.shape(self.A), jnp.shape(self.B)]
        if len(shapes[0]) != 2 or shapes[0][0] != shapes[0][1] or shapes[0] != shapes[1]:
            raise ValueError(f"A has shape {shapes[0]}, B {shapes[1]}: both must be (n, n)")

    @property
    def diffusion(self) -> Float[Array, "n n"]:
        """D = B B^T: the mean square of dx is 2 D dt."""
        return self.B @ self.B.T

    @property
    def covariance(self) -> Float[Array, "n n"]:
        """S, the covariance in the steady state."""
        S = numerics.lyapunov(self.A, 2 * self.diffusion)
        return (S + S.T) / 2

    @property
    def propagator(self) -> Float[Array, "n n"]:
        """F = exp(A dt): the mean of x' given x is F x."""
        return jax.scipy.linalg.expm(self.A * self.dt)

    def step(self, x: Float[Array, " n"], index: Index, *, key: Key[Array, ""], drive: Drive = None) -> Any:
        """The state `dt` later."""
        noise = numerics.normals(key, index, x.shape, x.dtype)
        return (self.propagator @ x + self._spread() @ noise).astype(x.dtype)

    def log_prob(self, x: Float[Array, " n"], x_next: Float[Array, " n"], drive: Drive = None) -> Float[Array, ""]:
        """Log density of `x_next`."""
        spread = self._spread()
        z = jax.scipy.linalg.solve_triangular(spread, x_next - self.propagator @ x, lower=True)
        return -0.5 * z @ z - jnp.sum(jnp.log(jnp.diagonal(spread))) - 0.5 * x.shape[0] * jnp.log(2 * jnp.pi)

    def _spread(self) -> Float[Array, "n n"]:
        """Lower Cholesky factor of the covariance of a step."""
        S, F = self.covariance, self.propagator
        return jnp.linalg.cholesky(S - F @ S @ F.T)
