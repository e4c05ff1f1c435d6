"""The experiment `memory-explosive`: the hysteresis of curved networks, by theory and by simulation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ._base import AbstractExperiment
from ._sk_range import FILE_NAME, BetaRange
from ._stages import Stages

if TYPE_CHECKING:
    import xarray


class MemoryExplosive(AbstractExperiment):
    """Heat and cool curved networks of one pattern through their transition, beside all states of the mean field."""

    kind: ClassVar[str] = "memory-explosive"

    figure: str = Field(default="explosive", pattern=FILE_NAME)
    """Name of the figure's file."""
    gamma: tuple[Annotated[float, Field(gt=-2)], ...] = Field(default=(0.5, 0.0, -0.6, -1.2), min_length=1)
    """Curvatures; transitions are explosive below -2/3. Above -2."""
    beta: BetaRange = BetaRange(start=0.7, stop=1.2, points=26)
    """Inverse temperatures, on the way up and on the way back."""
    n: int = Field(default=128, ge=2)
    """Spins."""
    chains: int = Field(default=8, ge=2)
    """Independent runs."""
    sweeps: int = Field(default=40, ge=2)
    """Attempts a spin at each inverse temperature; the second half is averaged."""

    def run(self, stages: Stages) -> "xarray.Dataset":
        """Mean overlaps on the way up and back, and the theory's curve."""
        from ._memory_explosive_data import explosive_dataset

        return explosive_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._memory_figures import explosive_figure
        from ._sk_save import save_figure

        save_figure(explosive_figure(result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """How wide the loops are: the largest difference of the two ways."""
        apart = abs(result.m.sel(way="up") - result.m.sel(way="back")).max("beta")
        return "\n".join(f"gamma = {g:g}: ways up and back differ by {d:.2f}" for g, d in zip(
            result.gamma.values, apart.values, strict=True))  # fmt: skip
