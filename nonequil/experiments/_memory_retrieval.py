"""The experiment `memory-retrieval`: what modern Hopfield networks retrieve, against the inverse temperature."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ._base import AbstractExperiment
from ._sk_range import FILE_NAME
from ._stages import Stages

if TYPE_CHECKING:
    import xarray


class MemoryRetrieval(AbstractExperiment):
    """Retrieve noisy patterns from modern Hopfield networks by one update, and by as many as it takes."""

    kind: ClassVar[str] = "memory-retrieval"

    figure: str = Field(default="retrieval", pattern=FILE_NAME)
    """Name of the figure's file."""
    beta: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (0.05, 20.0)
    """Smallest and largest inverse temperature, on a logarithmic scale."""
    points: int = Field(default=40, ge=2)
    """Inverse temperatures."""
    n: int = Field(default=20, ge=2)
    """Dimensions of a pattern."""
    p: int = Field(default=30, ge=2)
    """Patterns, normal entries."""
    noise: float = Field(default=0.3, ge=0)
    """Standard deviation of what is added to each entry of a pattern before it is retrieved."""
    networks: int = Field(default=20, ge=2)
    """Sets of patterns drawn."""

    def run(self, stages: Stages) -> "xarray.Dataset":
        """Errors, numbers of updates and effective numbers of patterns."""
        from ._memory_retrieval_data import retrieval_dataset

        return retrieval_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._memory_figures import retrieval_figure
        from ._sk_save import save_figure

        save_figure(retrieval_figure(result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """Where one update is best, and where the resting state is."""
        best = [float(result.beta.values[result[name].values.argmin()]) for name in ("error_one", "error_resting")]
        return f"smallest error at beta = {best[0]:.3g} after one update, at beta = {best[1]:.3g} at rest"
