"""What an experiment is: a frozen config, and a pure function of it that returns a Dataset."""

import abc
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from ._stages import Stages
from ._toml import to_toml

if TYPE_CHECKING:
    import xarray
    from jaxtyping import Array, Key

    from ._batch import Outcome


class Config(BaseModel):
    """A frozen table of settings: values are checked, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=False)


class AbstractExperiment(Config, abc.ABC):
    """The config of one kind of experiment, and what to do with it.

    `run` depends on the config (and the files it names) alone, so the same config gives the same bits.
    """

    kind: ClassVar[str]

    seed: int = 0
    """Seed of all random numbers of the run."""
    precision: Literal["float64", "float32"] = "float64"
    """Floating-point type of all computations."""
    stream: int | None = Field(default=None, ge=0)
    """Number of the stream of random numbers of this seed: a point of a sweep has its own."""

    @abc.abstractmethod
    def run(self, stages: Stages) -> "xarray.Dataset":
        """The result, every variable with its dimensions and its unit."""

    @abc.abstractmethod
    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """Whatever the run folder holds beside `result.nc`: figures, tables, a report."""

    @abc.abstractmethod
    def describe(self, result: "xarray.Dataset") -> str:
        """The result in plain English, for the terminal."""

    def key(self) -> "Key[Array, '']":
        """The random key that all others are made of."""
        import jax.random as jr

        key = jr.key(self.seed)
        return key if self.stream is None else jr.fold_in(key, self.stream)

    def shape(self) -> str:
        """What points of a sweep have in common if they run side by side; here each is run alone."""
        return ""

    def widest(self) -> int:
        """How many points of a sweep run side by side if nobody says: a power of two."""
        return 1

    @classmethod
    def run_batch(cls, points: "Sequence[AbstractExperiment]", width: int, stages: Stages) -> "Outcome":
        """The results of points of one shape, `width` at a time (see `widest`), each as if it were alone."""
        from ._batch import run_alone

        return run_alone(points, stages)

    def inputs(self) -> list[Path]:
        """Files that the run reads: their digests are recorded."""
        return []

    def to_toml(self) -> str:
        """The resolved config, with its kind, as it stands in `config.toml`."""
        return to_toml({"experiment": self.kind, **self.model_dump(mode="json")})


def compression(result: Any) -> dict[str, dict[str, Any]]:
    """Compression of the numeric variables of a Dataset in a netCDF file."""
    return {
        name: {"zlib": True, "complevel": 4}
        for name, v in result.data_vars.items()
        if v.dtype.kind in "fiub" and v.ndim
    }
