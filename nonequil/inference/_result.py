"""What a fit says."""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .._results import RESULTS
from ..models import Ising
from ._edges import Edges, edges_of
from ._errors import ERRORS


class Fit(eqx.Module):
    """A fitted kinetic Ising model, how sure it is, and what the data could not say.

    - `model`: the couplings and fields; `B` (n, k): weights of the drive's regressors, None without;
    - `J_stderr` (n, n), `H_stderr` (n,), `B_stderr` (n, k): standard errors; infinite where the coefficient is,
      NaN where nothing was fitted (masked, a constant unit, set to zero by an l1 penalty, errors not asked for);
    - `log_likelihood`: sum over transitions and neurons, nats, penalties left out; `log_likelihood_constant_rate`:
      the same for neurons that ignore the past;
    - `gradient_max` (n,): largest entry of each neuron's gradient per transition (with an l1 penalty: of its smallest
      subgradient); `converged` (n,): whether it is below the tolerance; `steps`: gradient passes and Newton steps;
    - `infinite` (n, n): the coefficient has no finite optimum, its sign is known. Where an empty cell of the pair's
      2 x 2 table proves it, J is held at +-3.5 (14 log-odds). H of that neuron has no finite optimum either;
    - `constant` (n,): units that never change, as receivers or as senders; `separated` (n,): every transition of that
      neuron is predicted right; `rank` (n,) of `n_free` (n,): how many directions of each neuron's parameters the data
      determine (exact copies lower it; the solution is then the one of smallest norm);
    - `n_transitions` (the total weight), `n_spikes` (weight of +1 among later spins), `n_parameters`;
    - `errors`: kind of the standard errors; `errors_from`: number of transitions they were taken from;
    - `result`: `max_steps_reached` if a neuron did not converge, `unidentified_parameters` if something is infinite,
      constant, separated or collinear, else `successful`.
    """

    model: Ising
    B: Float[Array, "n k"] | None
    J_stderr: Float[Array, "n n"]
    H_stderr: Float[Array, " n"]
    B_stderr: Float[Array, "n k"] | None
    log_likelihood: Float[Array, ""]
    log_likelihood_constant_rate: Float[Array, ""]
    gradient_max: Float[Array, " n"]
    converged: Bool[Array, " n"]
    infinite: Bool[Array, "n n"]
    constant: Bool[Array, " n"]
    separated: Bool[Array, " n"]
    rank: Int[Array, " n"]
    n_free: Int[Array, " n"]
    n_transitions: Float[Array, ""]
    n_spikes: Float[Array, ""]
    n_parameters: Int[Array, ""]
    result: RESULTS
    steps: int = eqx.field(static=True)
    errors: ERRORS = eqx.field(static=True)
    errors_from: int = eqx.field(static=True)

    @property
    def aic(self) -> Float[Array, ""]:
        """Akaike's criterion 2 k - 2 L, with k = `n_parameters` (non-zero ones under an l1 penalty)."""
        return 2 * (self.n_parameters.astype(self.log_likelihood.dtype) - self.log_likelihood)

    @property
    def bic(self) -> Float[Array, ""]:
        """Schwarz's criterion k log n - 2 L, with n = `n_transitions`."""
        k = self.n_parameters.astype(self.log_likelihood.dtype)
        return k * jnp.log(self.n_transitions) - 2 * self.log_likelihood

    @property
    def bits_per_spike(self) -> Float[Array, ""]:
        """In-sample gain over constant rates, (L - L_const) / (n_spikes ln 2); `cross_validate` gives the held-out."""
        return (self.log_likelihood - self.log_likelihood_constant_rate) / (self.n_spikes * math.log(2))

    def edges(self) -> Edges:
        """Every coupling that has a standard error, with its Wald test, one row a pair."""
        return edges_of(self.model.J, self.J_stderr, self.infinite)
