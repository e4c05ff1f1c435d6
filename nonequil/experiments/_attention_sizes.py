"""The experiment `attention-sizes`: how far tokens of finite size are from the self-attention mean field."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ._base import AbstractExperiment
from ._sk_range import FILE_NAME
from ._stages import Stages

if TYPE_CHECKING:
    import xarray


class AttentionSizes(AbstractExperiment):
    """Compare tokens of finite size with the mean field of the published network: the distance falls as 1/sqrt(n)."""

    kind: ClassVar[str] = "attention-sizes"

    figure: str = Field(default="sizes", pattern=FILE_NAME)
    """Name of the figure's file."""
    n_bits: Literal[2, 5] = 2
    """Bits of the position; the window has 2^n_bits tokens."""
    beta: tuple[float, ...] = Field(default=(0.8, 1.255), min_length=1)
    """Inverse temperatures."""
    sizes: tuple[int, ...] = Field(default=(3_000, 30_000, 300_000, 3_000_000, 30_000_000), min_length=1)
    """Numbers of semantic spins of a token."""
    chains: int = Field(default=100, ge=2)
    """Independent runs."""
    steps: int = Field(default=15, ge=1)
    """Tokens of each run, after the first."""

    def run(self, stages: Stages) -> "xarray.Dataset":
        """The root mean square distance of the overlaps from the mean field, for each beta and size."""
        from ._attention_sizes_data import sizes_dataset

        return sizes_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._attention_maps import sizes_figure
        from ._sk_save import save_figure

        save_figure(sizes_figure(result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """The constant of the law at the largest size."""
        last = result.isel(size=-1)
        numbers = zip(last.beta.values, last.scaled.values, last.scaled_stderr.values, strict=True)
        size = int(result["size"].values[-1])
        lines = [f"beta = {b:g}: distance times sqrt(n) = {v:.2f} +- {e:.2f} at n = {size:,}" for b, v, e in numbers]
        return "\n".join(lines)
