"""The experiment `sk-point`: the infinite Sherrington-Kirkpatrick network at one set of parameters."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from ._base import AbstractExperiment
from ._stages import Stages

if TYPE_CHECKING:
    import xarray

    from ._batch import Outcome


class SKPoint(AbstractExperiment):
    """Solve for the order parameters and the entropy production of the infinite Sherrington-Kirkpatrick network."""

    kind: ClassVar[str] = "sk-point"

    J0: float = 0.0
    """Mean of the couplings times n."""
    dJ: float = Field(default=1.0, ge=0)
    """Standard deviation of the couplings times sqrt(n)."""
    H0: float = 0.0
    """Mean of the fields."""
    dH: float = Field(default=0.0, ge=0)
    """Half width of the fields."""
    beta: float = Field(default=1.0, ge=0)
    """Inverse temperature."""
    m0: float = Field(default=1.0, ge=-1, le=1)
    """Magnetisation to start from: it picks the branch."""
    clock: Literal["parallel", "sequential"] = "parallel"
    """All spins at once, or one uniformly random spin an attempt."""

    def shape(self) -> str:
        """How finely averages are computed, and what is the same for all points of a call."""
        from ._sk_point_data import rule_of

        rule = rule_of(self)
        fineness = f"{rule.series.terms} terms, {rule.series.rule.nodes} and {rule.field_nodes} nodes"
        return f"{fineness}, m0 = {self.m0}, {self.clock}"

    def widest(self) -> int:
        """Many: the program takes them in blocks of its own."""
        return 4096

    @classmethod
    def run_batch(cls, points: Sequence[Any], width: int, stages: Stages) -> "Outcome":
        """All points in one program."""
        from ._batch import Outcome
        from ._sk_point_data import solved

        return Outcome(solved(points), {}, {})

    def run(self, stages: Stages) -> "xarray.Dataset":
        """The order parameters, the entropy production and how the computation ended."""
        from ._sk_point_data import point_dataset

        return point_dataset(self)

    def write(self, result: "xarray.Dataset", folder: Path) -> None:
        """Nothing more: all of it are a few numbers."""

    def describe(self, result: "xarray.Dataset") -> str:
        """One sentence."""
        found = {name: float(result[name]) for name in ("m", "q", "sigma")}
        unit = result.sigma.attrs["units"]
        return (
            f"infinite network: magnetisation {found['m']:.4f}, overlap {found['q']:.4f}, "
            f"entropy production {found['sigma']:.6f} {unit} ({result.result.item()})"
        )
