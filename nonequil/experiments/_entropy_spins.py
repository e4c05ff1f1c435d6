"""The experiment `entropy-spins`: bounds from data beside the entropy production of a network that is known."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from ._base import AbstractExperiment
from ._sk_range import FILE_NAME, BetaRange
from ._stages import Stages

if TYPE_CHECKING:
    import xarray


class EntropySpins(AbstractExperiment):
    """Bound the entropy production of sparse random networks from their flips alone, along the inverse temperature."""

    kind: ClassVar[str] = "entropy-spins"

    figure: str = Field(default="spin_model", pattern=FILE_NAME)
    """Name of the figure's file."""
    n: int = Field(default=20, ge=2)
    """Number of spins."""
    k: float = Field(default=6.0, ge=0)
    """Mean number of senders of a spin."""
    dJ: float = Field(default=1.0, ge=0)
    """Standard deviation of the couplings times sqrt(k)."""
    beta: BetaRange = BetaRange(start=0.5, stop=3.0, points=6)
    """Inverse temperatures; one network, its couplings scaled."""
    couplings_beta: float = Field(default=2.0, ge=0)
    """Inverse temperature at which inferred couplings are compared with the true ones."""
    chains: int = Field(default=64, ge=2)
    """Independent chains, from random states; errors are those between them."""
    states: int = Field(default=500, ge=1)
    """States of each chain, a sweep apart; one hypothetical attempt at each site is made from each."""
    warm_up: int = Field(default=100, ge=0)
    """Sweeps before the first state."""

    @model_validator(mode="after")
    def _enough_spins(self) -> "EntropySpins":
        if self.k > self.n - 1:
            raise ValueError(f"k = {self.k} exceeds n - 1 = {self.n - 1}: every spin has at most n - 1 senders")
        return self

    def run(self, stages: Stages) -> "xarray.Dataset":
        """Flow and bounds with their errors, and the couplings that each bound infers."""
        from ._entropy_spins_data import spins_dataset

        return spins_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._entropy_spins_figure import spins_figure
        from ._sk_save import save_figure

        save_figure(spins_figure(result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """A line for each inverse temperature."""
        from ._entropy_spins_data import describe_spins

        return describe_spins(result)
