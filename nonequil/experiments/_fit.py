"""The experiment `fit`: from spike times to couplings and entropy production."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import tyro
from pydantic import Field, field_validator

from ._base import AbstractExperiment
from ._stages import Stages

if TYPE_CHECKING:
    import xarray

Width = Annotated[float, Field(gt=0)]
Epoch = tuple[float, float]


class Fit(AbstractExperiment):
    """Fit the couplings of a recording of spike times, with error bars, and estimate its entropy production."""

    kind: ClassVar[str] = "fit"

    recording: tyro.conf.Positional[Path]
    """Spike times: .npz or .csv table of (time, unit[, trial]), .mat cell arrays, or another format of `data.load`."""
    bin: tuple[Width, ...] = Field(min_length=1)
    """Width of the bins in seconds; several widths give one result each and a table to choose from."""
    start: float | None = None
    """Start of the recording in seconds (default: first spike)."""
    stop: float | None = None
    """End of the recording in seconds (default: last spike)."""
    epochs: tuple[Epoch, ...] | Path = ()
    """Starts and ends of epochs or trials in seconds, START STOP START STOP ..., or a file of them."""
    time_scale: float = Field(default=1.0, gt=0)
    """Seconds per unit of time of the recording (0.001 for milliseconds)."""
    units: tuple[str, ...] = ()
    """Units to keep, by id or name (default: all)."""
    min_rate: float = Field(default=0.0, ge=0)
    """Leave out units that fire less often, in Hz."""
    field: str | None = None
    """Variable of the file that holds the spike times, where a file holds several."""
    l2: Literal["auto"] | Annotated[float, Field(ge=0)] = "auto"
    """Ridge penalty (l2 / 2) sum J**2 on the couplings; `auto` chooses it by blocked cross-validation."""
    l1: float = Field(default=0.0, ge=0)
    """Lasso penalty l1 sum |J| on the couplings."""
    folds: int = Field(default=5, ge=2)
    """Folds of the cross-validation, made of whole blocks."""

    @field_validator("recording")
    @classmethod
    def _resolved(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @field_validator("bin")
    @classmethod
    def _different(cls, widths: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(widths)) < len(widths):
            raise ValueError("two bins have the same width: give each width once")
        return widths

    def inputs(self) -> list[Path]:
        """The recording, and the file of its epochs if there is one."""
        return [self.recording, *([self.epochs] if isinstance(self.epochs, Path) else [])]

    def run(self, stages: Stages) -> "xarray.Dataset":
        """Couplings, errors, checks and entropy production, one entry a bin width."""
        from ._fitting import fit_dataset

        return fit_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """`summary.json`, `couplings.npz`, `edges.csv`, `model.eqx`, figures and `report.html`."""
        from ._fit_outputs import write_fit

        write_fit(result, folder)

    def describe(self, result: "xarray.Dataset") -> str:
        """What the fit found and how sure it is."""
        from ._fit_text import describe_fit

        return describe_fit(result)
