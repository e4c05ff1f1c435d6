"""The experiment `sk-raster`: the spins of one network in time."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator

from ._base import AbstractExperiment
from ._simulate import SherringtonKirkpatrickNetwork
from ._sk_range import FILE_NAME
from ._stages import Stages

if TYPE_CHECKING:
    import xarray


class SKRaster(AbstractExperiment):
    """Run one network of the asymmetric Sherrington-Kirkpatrick model from all spins up, and draw its spins in time."""

    kind: ClassVar[str] = "sk-raster"

    figure: str = Field(default="raster", pattern=FILE_NAME)
    """Name of the figure's file."""
    burn_in: int = Field(default=100_000, ge=0)
    """Steps before anything is shown (attempts, for the sequential clock)."""
    steps: int = Field(default=20_001, gt=0)
    """Steps shown (attempts, for the sequential clock)."""
    every: int | None = Field(default=None, gt=0)
    """Show each so-many-th step (default: one unit of time)."""
    chunk: int = Field(default=20_000, gt=0)
    """Steps between two checkpoints."""
    clock: Literal["parallel", "sequential"] = "sequential"
    """All spins at once, or one uniformly random spin an attempt."""
    model: SherringtonKirkpatrickNetwork = SherringtonKirkpatrickNetwork(n=64, J0=1.0, dJ=0.6, beta=1.6281474)
    """The network."""

    @model_validator(mode="after")
    def _something_shown(self) -> "SKRaster":
        unit = self.model.n if self.clock == "sequential" else 1
        if (self.every or unit) > self.steps:
            raise ValueError(f"steps = {self.steps} end before the first state is shown: take {self.every or unit}")
        return self

    def run(self, stages: Stages) -> "xarray.Dataset":
        """The states shown, with their magnetisation."""
        from ._sk_raster_data import raster_dataset

        return raster_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._sk_raster_data import raster_figure
        from ._sk_save import save_figure

        save_figure(raster_figure(result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """One sentence."""
        m = result.m.values
        return f"{result.attrs['title']}: magnetisation {m.mean():.3f}, between {m.min():.3f} and {m.max():.3f}"
