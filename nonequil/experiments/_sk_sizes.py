"""The experiment `sk-sizes`: finite networks of several sizes beside the infinite one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from ._base import AbstractExperiment
from ._sk_range import FILE_NAME, BetaRange
from ._stages import Stages

if TYPE_CHECKING:
    import xarray

Clock = Literal["parallel", "sequential"]
Size = Annotated[int, Field(ge=2)]
Level = Annotated[float, Field(ge=0)]


class SKSizes(AbstractExperiment):
    """Simulate fresh networks of several sizes along the inverse temperature, beside the theory of infinite ones."""

    kind: ClassVar[str] = "sk-sizes"

    figure: str = Field(default="sizes", pattern=FILE_NAME)
    """Name of the figure's file."""
    J0: float = 1.0
    """Mean of the couplings times n."""
    dJ: tuple[Level, ...] = Field(default=(0.5, 1.0), min_length=1)
    """Standard deviations of the couplings times sqrt(n)."""
    H0: float = 0.0
    """Mean of the fields."""
    dH: float = Field(default=0.0, ge=0)
    """Half width of the fields."""
    center_fields: bool = False
    """Take the mean of the fields off each network."""
    self_coupling: bool = True
    """Keep the diagonal of J under the parallel clock; the sequential one runs without it."""
    clocks: tuple[Clock, ...] = Field(default=("parallel", "sequential"), min_length=1)
    """Clocks."""
    sizes: tuple[Size, ...] = Field(default=(32, 64, 128), min_length=1)
    """Numbers of spins."""
    beta: BetaRange = BetaRange(start=0.3, stop=4.0, points=12)
    """Inverse temperatures of the networks."""
    theory_points: int = Field(default=151, ge=2)
    """Inverse temperatures of the lines of the theory."""
    networks: int = Field(default=24, ge=2)
    """Networks drawn for each point."""
    burn_in: int = Field(default=127, ge=16)
    """Steps or sweeps from all spins up before averaging."""
    steps: int = Field(default=64, ge=1)
    """Steps or sweeps that are averaged over."""
    chunk: int = Field(default=32, ge=1)
    """Networks of one call of the program."""

    @field_validator("dJ", "clocks", "sizes")
    @classmethod
    def _different(cls, values: tuple) -> tuple:
        if len(set(values)) < len(values):
            raise ValueError(f"{', '.join(map(str, values))}: give each value once")
        return values

    def run(self, stages: Stages) -> "xarray.Dataset":
        """Order parameters and entropy production with their errors, and the curves of the theory."""
        from ._sk_sizes_data import sizes_dataset

        return sizes_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._sk_save import save_figure
        from ._sk_sizes_figure import sizes_figure

        save_figure(sizes_figure(result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """How far the largest networks are from the theory."""
        from ._sk_sizes_data import describe_sizes

        return describe_sizes(result)
