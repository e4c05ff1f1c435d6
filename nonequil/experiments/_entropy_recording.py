"""The experiment `entropy-recording`: how irreversible recordings are, by number of units, bin width and stimulus."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, field_validator

from ._base import AbstractExperiment
from ._sk_range import FILE_NAME
from ._stages import Stages

if TYPE_CHECKING:
    import xarray

Width = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=2)]


class EntropyRecording(AbstractExperiment):
    """Bound the entropy production of recordings against the number of units, the width of the bins, the stimulus."""

    kind: ClassVar[str] = "entropy-recording"

    figure: str = Field(default="recording", pattern=FILE_NAME)
    """Name of the figure's file."""
    recording: tuple[Path, ...] = Field(min_length=1)
    """Files of spike times, one a stimulus or condition, in a format of `data.load`; trials are blocks."""
    bin: tuple[Width, ...] = Field(default=(0.01, 0.02, 0.04), min_length=1)
    """Widths of the bins in seconds."""
    units: tuple[Count, ...] = (5, 10, 20, 40)
    """Numbers of units in random subsets; all units of a recording are always added."""
    subsets: int = Field(default=4, ge=1)
    """Random subsets of each number of units; those of one order are nested, and files of the same units share them."""
    min_rate: float = Field(default=0.0, ge=0)
    """Leave out units that fire less often, in Hz."""
    time_scale: float = Field(default=1.0, gt=0)
    """Seconds per unit of time of the recordings (0.001 for milliseconds)."""

    @field_validator("recording")
    @classmethod
    def _resolved(cls, paths: tuple[Path, ...]) -> tuple[Path, ...]:
        paths = tuple(path.expanduser().absolute() for path in paths)
        if len({path.stem for path in paths}) < len(paths):
            raise ValueError(f"{', '.join(path.stem for path in paths)}: give each recording once, by its own name")
        return paths

    @field_validator("bin", "units")
    @classmethod
    def _different(cls, values: tuple) -> tuple:
        if len(set(values)) < len(values):
            raise ValueError(f"{', '.join(map(str, values))}: give each value once")
        return tuple(sorted(values))

    def inputs(self) -> list[Path]:
        """The recordings."""
        return list(self.recording)

    def run(self, stages: Stages) -> "xarray.Dataset":
        """The bound ln(1 + U) with its error, null and floor, for every file, width, number of units and subset."""
        from ._entropy_recording_data import recording_dataset

        return recording_dataset(self, stages)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """The figure."""
        from ._entropy_recording_figure import recording_figure
        from ._sk_save import save_figure

        save_figure(recording_figure(result), folder / self.figure)

    def describe(self, result: "xarray.Dataset") -> str:
        """A line for each file and width, all units together."""
        from ._entropy_recording_data import describe_recordings

        return describe_recordings(result)
