"""The experiment `sk-diagram`: maps and curves of the infinite network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from ._base import AbstractExperiment, Config
from ._sk_range import FILE_NAME, AbstractRange, BetaRange
from ._stages import Stages

if TYPE_CHECKING:
    import xarray

Quantity = Literal["m", "q", "q_minus_m2", "S", "S_reverse", "sigma"]
Parameter = Literal["dJ", "dH"]
Level = Annotated[float, Field(ge=0)]


class Map(AbstractRange):
    """A panel for each quantity, over inverse temperatures and a range of another parameter."""

    stop: float = Field(default=1.0, ge=0)
    """Last value."""
    quantities: tuple[Quantity, ...] = Field(default=("m", "q"), min_length=1)
    """What is shown; q_minus_m2 is q - m**2."""


class Curves(Config):
    """One panel: a quantity along the inverse temperature, a curve for each value of another parameter."""

    quantity: Quantity = "sigma"
    """What is shown."""
    vary: Parameter = "dJ"
    """The parameter that differs between curves."""
    values: tuple[Level, ...] = Field(default=(0.4, 0.5, 0.6, 0.7), min_length=1)
    """Its values."""
    points: int = Field(default=101, ge=2)
    """Inverse temperatures of each curve, over the range of `beta`."""


class ZeroTemperature(AbstractRange):
    """One panel: the limit of entropy production over beta at temperature zero, along a parameter."""

    stop: float = Field(default=1.5, ge=0)
    """Last value."""
    vary: Parameter = "dH"
    """The parameter along the axis."""


class SKDiagram(AbstractExperiment):
    """Solve the infinite asymmetric Sherrington-Kirkpatrick model over its parameters, and draw maps and curves."""

    kind: ClassVar[str] = "sk-diagram"

    figure: str = Field(default="diagram", pattern=FILE_NAME)
    """Name of the figure's file."""
    J0: float = 1.0
    """Mean of the couplings times n."""
    dJ: float = Field(default=0.5, ge=0)
    """Standard deviation of the couplings times sqrt(n), where it is not varied."""
    H0: float = 0.0
    """Mean of the fields."""
    dH: float = Field(default=0.0, ge=0)
    """Half width of the fields, where it is not varied."""
    m0: float = Field(default=1.0, ge=-1, le=1)
    """Magnetisation at the start: it picks the branch."""
    clock: Literal["parallel", "sequential"] = "parallel"
    """The clock that the entropy production belongs to."""
    beta: BetaRange = BetaRange()
    """Inverse temperatures of maps and curves."""
    map_dJ: Map | None = None
    """Maps over beta and dJ."""
    map_dH: Map | None = None
    """Maps over beta and dH."""
    curves: Curves | None = None
    """Curves along beta."""
    zero_temperature: ZeroTemperature | None = None
    """The limit of temperature zero."""

    @model_validator(mode="after")
    def _something_shown(self) -> "SKDiagram":
        panels = ("map_dJ", "map_dH", "curves", "zero_temperature")
        if all(getattr(self, name) is None for name in panels):
            raise ValueError(f"there is nothing to show: give at least one of the tables {', '.join(panels)}")
        zero = self.zero_temperature
        if zero is not None and (zero.start if zero.vary == "dJ" else self.dJ) == 0:
            key = "zero_temperature.start" if zero.vary == "dJ" else "dJ"
            raise ValueError(f"{key} = 0: temperature zero needs random couplings; give a dJ above zero")
        return self

    def run(self, stages: Stages) -> "xarray.Dataset":
        """Order parameters, entropies and entropy production at each point, with how each computation ended."""
        from ._sk_diagram_data import diagram_dataset

        return diagram_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._sk_diagram_figure import diagram_figure
        from ._sk_save import save_figure

        save_figure(diagram_figure(self, result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """How many points were solved, and what became of the others."""
        from ._sk_diagram_data import describe_diagram

        return describe_diagram(result)
