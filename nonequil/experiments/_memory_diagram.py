"""The experiment `memory-diagram`: what Hopfield networks of extensive load remember, over load and temperature."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ._base import AbstractExperiment
from ._sk_range import FILE_NAME, AbstractRange
from ._stages import Stages

if TYPE_CHECKING:
    import xarray


class LoadRange(AbstractRange):
    """Loads, patterns a spin."""

    start: float = Field(default=0.002, gt=0)
    """First value."""
    stop: float = Field(default=0.16, gt=0)
    """Last value."""


class TemperatureRange(AbstractRange):
    """Temperatures."""

    stop: float = Field(default=1.2, ge=0)
    """Last value."""


class MemoryDiagram(AbstractExperiment):
    """Draw the phases of Hopfield networks, and the capacities of stored patterns and of sequences."""

    kind: ClassVar[str] = "memory-diagram"

    figure: str = Field(default="diagram", pattern=FILE_NAME)
    """Name of the figure's file."""
    alpha: LoadRange = LoadRange(points=40)
    """Loads."""
    T: TemperatureRange = TemperatureRange(points=41)
    """Temperatures, in units of the couplings."""

    def run(self, stages: Stages) -> "xarray.Dataset":
        """Overlap, free energy and stability at each point, and the capacities at each temperature."""
        from ._memory_diagram_data import diagram_dataset

        return diagram_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._memory_figures import diagram_figure
        from ._sk_save import save_figure

        save_figure(diagram_figure(result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """The capacities at the lowest temperature."""
        cold = result.isel(T=0)
        lines = [f"{name.replace('_', ' ')}: {float(cold[name]):.6f}" for name in CAPACITIES]
        return f"at T = {float(cold['T']):g}, patterns a spin\n" + "\n".join(lines)


CAPACITIES = ("capacity", "global_capacity", "sequence_capacity")
