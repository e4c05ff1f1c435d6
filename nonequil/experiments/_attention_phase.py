"""The experiment `attention-phase`: regimes of the self-attention mean field over both inverse temperatures."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ._base import AbstractExperiment
from ._sk_range import FILE_NAME, AbstractRange, BetaRange
from ._stages import Stages

if TYPE_CHECKING:
    import xarray


class GammaRange(AbstractRange):
    """Inverse temperatures of the softmax."""

    stop: float = Field(default=173.205, ge=0)
    """Last value; the published network has 127.017."""


class AttentionPhase(AbstractExperiment):
    """Draw the regimes of the published network over the inverse temperatures of its output and of its softmax."""

    kind: ClassVar[str] = "attention-phase"

    figure: str = Field(default="phase", pattern=FILE_NAME)
    """Name of the figure's file."""
    n_bits: Literal[2, 5] = 2
    """Bits of the position; the window has 2^n_bits tokens."""
    beta: BetaRange = BetaRange(start=0.0, stop=3.0, points=41)
    """Inverse temperatures of the output."""
    gamma: GammaRange = GammaRange(points=41)
    """Inverse temperatures of the softmax."""
    transient: int = Field(default=2000, ge=0)
    """Tokens before anything is averaged; each point starts from the first token."""
    steps: int = Field(default=2000, ge=20, multiple_of=20)
    """Tokens over which the exponents are averaged."""
    threshold: float = Field(default=2e-3, gt=0)
    """Exponents of smaller modulus count as zero (nats per token)."""

    def run(self, stages: Stages) -> "xarray.Dataset":
        """Two leading exponents with errors, and the regime, at each point."""
        from ._attention_phase_data import phase_dataset

        return phase_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._attention_maps import phase_figure
        from ._sk_save import save_figure

        save_figure(phase_figure(result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """How many points are in each regime."""
        from ._attention_diagram_data import counted

        return f"{result.attrs['title']}: {counted(result.regime.values)}"
