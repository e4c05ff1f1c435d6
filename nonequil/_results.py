"""What an answer is worth: how an iteration ended, what kind of number it is, in which unit."""

import enum
from typing import Any

import equinox as eqx
from jaxtyping import Array, Shaped


class RESULTS(eqx.Enumeration):
    """How a computation ended. `RESULTS[result]` is the sentence; compare with `result == RESULTS.successful`."""

    # `Any`, for type checkers: the class body holds sentences, the class holds their items
    successful: Any = ""
    max_steps_reached: Any = "The iteration reached its maximum number of steps before it converged."
    not_finite: Any = "A value became infinite or not a number."
    too_few_transitions: Any = "There are too few transitions for this number of parameters (2 d / n above one half)."
    quadrature_too_coarse: Any = "The quadrature rule is too coarse for these parameters: ask for more nodes."
    marginal: Any = "The point is marginally stable: derivatives do not exist there."
    no_finite_optimum: Any = "The optimum lies at infinity: the data are separable, or the tilt is degenerate."
    unidentified_parameters: Any = "Converged, except for parameters that the data cannot determine; they are named."
    no_bracket: Any = "The ends of the interval do not bracket a root."
    alternating: Any = (
        "Parallel steps alternate with period two around the point: only the sequential clock rests there."
    )
    no_progress: Any = "No step lowers the loss further, although its gradient is above the tolerance."


class KIND(enum.Enum):
    """What an estimate is."""

    exact = "exact"
    sampled = "sampled"
    lower_bound = "lower_bound"
    biased = "biased"


class Unit(enum.Enum):
    """Unit and clock of an entropy production: nats per step of a clock, per time, per bin or per spike."""

    per_step = "nats/step"
    per_attempt = "nats/attempt"
    per_sweep = "nats/sweep"
    per_second = "nats/s"
    per_bin = "nats/bin"
    per_spike = "nats/spike"
    per_step_per_spin = "nats/step/spin"
    per_attempt_per_spin = "nats/attempt/spin"
    per_sweep_per_spin = "nats/sweep/spin"
    per_second_per_spin = "nats/s/spin"
    per_bin_per_spin = "nats/bin/spin"
    per_spike_per_spin = "nats/spike/spin"

    @property
    def is_converted(self) -> bool:
        """Whether the unit is already per time or per spike."""
        return self.value.startswith(("nats/s/", "nats/spike")) or self is Unit.per_second


class Estimate(eqx.Module):
    """A number with its standard error, unit, kind and the way its computation ended.

    `floor` is the value below which nothing can be seen (2 d / n for an estimator with d parameters and n transitions),
    `n_eff` the effective number of independent samples, `details` what the estimator fitted on the way.
    """

    value: Shaped[Array, "*shape"]
    stderr: Shaped[Array, "*shape"]
    unit: Unit = eqx.field(static=True)
    kind: KIND = eqx.field(static=True)
    result: RESULTS
    floor: Any = None
    n_eff: Any = None
    details: Any = None

    def per_second(self, dt: Any) -> "Estimate":
        """The same estimate per second, where a step (bin, attempt, ...) lasts `dt` seconds.

        Raises ValueError if the estimate is per second or per spike already.
        """
        return self._converted(Unit.per_second, 1 / dt)

    def per_spike(self, spikes_per_bin: Any) -> "Estimate":
        """The same estimate per spike, where a step (bin) holds `spikes_per_bin` spikes on average.

        Raises ValueError if the estimate is per second or per spike already.
        """
        return self._converted(Unit.per_spike, 1 / spikes_per_bin)

    def _converted(self, unit: Unit, factor: Any) -> "Estimate":
        if self.unit.is_converted:
            raise ValueError(f"unit = {self.unit.value} was converted before: convert the original estimate instead")
        if self.unit.value.endswith("/spin"):
            unit = Unit(unit.value + "/spin")
        floor = None if self.floor is None else self.floor * factor
        return Estimate(
            self.value * factor, self.stderr * factor, unit, self.kind, self.result, floor, self.n_eff, self.details
        )
