"""The experiment `attention-diagram`: attractors of the self-attention mean field along the inverse temperature."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ._base import AbstractExperiment
from ._sk_range import FILE_NAME, BetaRange
from ._stages import Stages

if TYPE_CHECKING:
    import xarray

Direction = Literal["token", "up", "down"]


class AttentionDiagram(AbstractExperiment):
    """Draw the attractors of the published network along beta, with their leading exponents and regimes."""

    kind: ClassVar[str] = "attention-diagram"

    figure: str = Field(default="diagram", pattern=FILE_NAME)
    """Name of the figure's file."""
    n_bits: Literal[2, 5] = 2
    """Bits of the position; the window has 2^n_bits tokens."""
    starts: tuple[Direction, ...] = Field(default=("token",), min_length=1, max_length=3)
    """Each beta from the first token, or from the last state of the beta below (up) or above (down)."""
    beta: BetaRange = BetaRange(start=0.0, stop=3.0, points=301)
    """Inverse temperatures."""
    feature: int = Field(default=0, ge=0, le=2)
    """Feature whose attention is drawn."""
    transient: int = Field(default=4000, ge=0)
    """Tokens before anything is recorded."""
    records: int = Field(default=200, ge=2)
    """Tokens recorded."""
    exponent_steps: int = Field(default=4000, ge=20, multiple_of=20)
    """Tokens over which the exponents are averaged, after the transient."""
    threshold: float = Field(default=1e-4, gt=0)
    """Exponents of smaller modulus count as zero (nats per token)."""

    def run(self, stages: Stages) -> "xarray.Dataset":
        """Attention on the attractors, their exponents with errors and their regimes."""
        from ._attention_diagram_data import diagram_dataset

        return diagram_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._attention_figures import diagram_figure
        from ._sk_save import save_figure

        save_figure(diagram_figure(result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """How many values of beta are in each regime."""
        from ._attention_diagram_data import describe_diagram

        return describe_diagram(result)
