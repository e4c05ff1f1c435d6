"""The experiment `attention-panels`: orbit, section and spectrum of the self-attention mean field at some beta."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ._base import AbstractExperiment
from ._sk_range import FILE_NAME
from ._stages import Stages

if TYPE_CHECKING:
    import xarray

Beta = Annotated[float, Field(ge=0)]


class AttentionPanels(AbstractExperiment):
    """Draw an orbit, its plane and its spectrum for each of some inverse temperatures."""

    kind: ClassVar[str] = "attention-panels"

    figure: str = Field(default="panels", pattern=FILE_NAME)
    """Name of the figure's file."""
    n_bits: Literal[2, 5] = 2
    """Bits of the position; the window has 2^n_bits tokens."""
    betas: tuple[Beta, ...] = Field(default=(1.255, 1.26405, 1.266, 1.27, 1.28, 1.4), min_length=1)
    """Inverse temperatures, a row of panels each."""
    transient: int = Field(default=20_000, ge=0)
    """Tokens before the orbit is recorded."""
    steps: int = Field(default=8192, ge=400)
    """Tokens recorded."""
    exponent_steps: int = Field(default=20_000, ge=20, multiple_of=20)
    """Tokens over which the exponents are averaged, after the transient."""
    longest: int = Field(default=400, ge=1)
    """Longest period looked for."""

    def run(self, stages: Stages) -> "xarray.Dataset":
        """Overlaps, attention, spectra, periods and exponents."""
        from ._attention_panels_data import panels_dataset

        return panels_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._attention_figures import panels_figure
        from ._sk_save import save_figure

        save_figure(panels_figure(result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """Period and exponent at each beta."""
        from ._attention_panels_data import describe_panels

        return describe_panels(result)
