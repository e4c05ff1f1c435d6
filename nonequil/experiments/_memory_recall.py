"""The experiment `memory-recall`: sequences of patterns recalled by networks and theory, and what that dissipates."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ._base import AbstractExperiment
from ._sk_range import FILE_NAME
from ._stages import Stages

if TYPE_CHECKING:
    import xarray


class MemoryRecall(AbstractExperiment):
    """Recall a sequence of alpha n patterns, all spins at once, from several first overlaps, beside the theory."""

    kind: ClassVar[str] = "memory-recall"

    figure: str = Field(default="recall", pattern=FILE_NAME)
    """Name of the figure's file."""
    alpha: float = Field(default=0.2, gt=0)
    """Patterns a spin."""
    T: float = Field(default=0.1, gt=0)
    """Temperature, in units of the couplings."""
    m0: tuple[Annotated[float, Field(ge=-1, le=1)], ...] = Field(default=(0.25, 0.35, 0.5, 0.8), min_length=1)
    """First overlaps."""
    n: int = Field(default=1000, ge=10)
    """Spins."""
    networks: int = Field(default=16, ge=2)
    """Sequences drawn."""
    steps: int = Field(default=16, ge=1)
    """Steps of each."""

    def run(self, stages: Stages) -> "xarray.Dataset":
        """Overlaps of theory and networks, and entropy production, at each step from each first overlap."""
        from ._memory_recall_data import recall_dataset

        return recall_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._memory_figures import recall_figure
        from ._sk_save import save_figure

        save_figure(recall_figure(result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """The last overlaps."""
        last = result.isel(step=-1)
        rows = zip(last.m0.values, last.m.values, last.m_stderr.values, last.theory.values, strict=True)
        return "\n".join(f"m0 = {m0:g}: m = {m:.3f} +- {e:.3f}, theory {t:.3f}" for m0, m, e, t in rows)
