"""The experiment `simulate`: a random or a stored network, its clock, and statistics gathered while it runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import tyro
from pydantic import Field, model_validator

from ._base import AbstractExperiment, Config
from ._stages import Stages

if TYPE_CHECKING:
    import xarray

    from ._batch import Outcome


class SherringtonKirkpatrickNetwork(Config):
    """A fully connected random network: J_ij = beta (J0 / n + dJ g_ij / sqrt(n)), H_i = beta (H0 + dH u_i)."""

    ensemble: tyro.conf.Suppress[Literal["SherringtonKirkpatrick"]] = "SherringtonKirkpatrick"
    n: int = Field(default=64, gt=0)
    """Number of spins."""
    J0: float = 0.0
    """Mean of the couplings times n."""
    dJ: float = Field(default=1.0, ge=0)
    """Standard deviation of the couplings times sqrt(n)."""
    H0: float = 0.0
    """Mean of the fields."""
    dH: float = Field(default=0.0, ge=0)
    """Half width of the fields."""
    beta: float = Field(default=1.0, ge=0)
    """Inverse temperature."""
    self_coupling: bool = False
    """Keep the diagonal of J."""


class DilutedNetwork(Config):
    """A sparse random directed network: k senders a spin on average, J_ij = beta dJ g_ij / sqrt(k)."""

    ensemble: tyro.conf.Suppress[Literal["Diluted"]] = "Diluted"
    n: int = Field(default=64, gt=0)
    """Number of spins."""
    k: float = Field(default=6.0, ge=0)
    """Mean number of senders of a spin."""
    dJ: float = Field(default=1.0, ge=0)
    """Strength of the couplings."""
    beta: float = Field(default=1.0, ge=0)
    """Inverse temperature."""
    self_coupling: bool = False
    """Keep the diagonal of J."""

    @model_validator(mode="after")
    def _enough_spins(self) -> "DilutedNetwork":
        if self.k > self.n - 1:
            raise ValueError(f"model.k = {self.k} exceeds n - 1 = {self.n - 1}: every spin has at most n - 1 senders")
        return self


class StoredNetwork(Config):
    """Couplings and fields from the `couplings.npz` of a fit (arrays `J` and `H`)."""

    ensemble: tyro.conf.Suppress[Literal["Stored"]] = "Stored"
    path: Path
    """File with J and H."""


MEMORY = 10**9
"""Bytes that points side by side may fill, about."""
NARROWEST, WIDEST = 16, 64
"""Points side by side."""

Network = Annotated[SherringtonKirkpatrickNetwork | DilutedNetwork | StoredNetwork, Field(discriminator="ensemble")]


class Simulate(AbstractExperiment):
    """Simulate a network and gather its means, correlations and entropy production."""

    kind: ClassVar[str] = "simulate"

    chains: int = Field(default=64, gt=0)
    """Number of independent chains."""
    steps: int = Field(default=2000, gt=0)
    """Steps of each chain after the burn-in (attempts, for the sequential clock)."""
    burn_in: int = Field(default=200, ge=0)
    """Steps before anything is gathered."""
    every: int | None = Field(default=None, gt=0)
    """Gather each so-many-th step (default: one unit of time)."""
    chunk: int = Field(default=1000, gt=0)
    """Steps between two checkpoints."""
    clock: Literal["parallel", "sequential"] = "parallel"
    """All spins at once, or one uniformly random spin an attempt."""
    record: bool = False
    """Keep all gathered states of all chains in the result."""
    model: Network = SherringtonKirkpatrickNetwork()
    """The network."""

    def numbers(self) -> list[str]:
        """The keys of the model that are mere numbers: points that differ in them run in one program."""
        return [name for name, field in type(self.model).model_fields.items() if field.annotation is float]

    def alike(self) -> "Simulate":
        """What this point has in common with those that run beside it."""
        model = self.model.model_copy(update=dict.fromkeys(self.numbers(), 0.0))
        return self.model_copy(update={"model": model, "seed": 0, "stream": None})

    def shape(self) -> str:
        """All but seed and numbers; a network that fills the memory runs alone."""
        return self.alike().to_toml() if self._fitting() >= NARROWEST else ""

    def widest(self) -> int:
        """The largest power of two up to 64 that fits the memory, 1 if not even 16 do."""
        fitting = self._fitting()
        return min(WIDEST, 2 ** (fitting.bit_length() - 1)) if fitting >= NARROWEST else 1

    def _fitting(self) -> int:
        """Points whose couplings, moments and states fit a gigabyte."""
        n = getattr(self.model, "n", 256)
        spins = self.chains * self.steps if self.record else 3 * max(4096, self.chains)
        return MEMORY // (8 * 8 * n * n + n * spins)

    @classmethod
    def run_batch(cls, points: Sequence[Any], width: int, stages: Stages) -> "Outcome":
        """Means, sizes of the correlations and entropy production of points that run in one program."""
        from ._batch_simulate import run_simulations

        return run_simulations(points, width, stages)

    def inputs(self) -> list[Path]:
        """The stored network, if it is one."""
        return [self.model.path] if isinstance(self.model, StoredNetwork) else []

    def run(self, stages: Stages) -> "xarray.Dataset":
        """Means, correlations and entropy production, with the network they belong to."""
        from ._simulating import simulation_dataset

        return simulation_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The couplings and the correlations as figures, the numbers as `summary.json`."""
        from ._simulating import write_simulation

        write_simulation(result, folder)

    def describe(self, result: "xarray.Dataset") -> str:
        """One paragraph."""
        from ._simulating import describe_simulation

        return describe_simulation(result)
