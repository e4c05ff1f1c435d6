"""The trapezoid rule for Gaussian averages."""

import math

import equinox as eqx
import numpy as np

from ._gaussian import AbstractGaussianRule


class Trapezoid(AbstractGaussianRule):
    """Equispaced nodes on [-width, width] standard deviations, weights normalised to one.

    The rule for tanh and other functions with poles near the real axis: its error falls like exp(-2 pi d / spacing),
    d the distance of the nearest pole. The default resolves tanh(g + s z) to rounding for |s| <= 4; for a larger
    slope ask for `nodes >= 2 width |s| / 0.27` (0.45 for nine digits).
    Raises ValueError if there are fewer than three nodes or the width is not positive.

    ```python
    nq.numerics.Trapezoid(257).mean(jnp.tanh, mean=0.3, variance=2.0)
    ```
    """

    nodes: int = eqx.field(static=True, default=257)
    width: float = eqx.field(static=True, default=8.5)

    def __check_init__(self) -> None:
        if self.nodes < 3 or not 0 < self.width < math.inf:
            raise ValueError(f"nodes = {self.nodes}, width = {self.width}: take at least 3 nodes and a positive width")

    @property
    def nodes_and_weights(self) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and normalised weights, in double precision."""
        z = np.linspace(-self.width, self.width, self.nodes)
        w = np.exp(-(z**2) / 2)
        w[[0, -1]] /= 2
        return z, w / w.sum()

    @property
    def spacing(self) -> float:
        """Distance of neighbouring nodes."""
        return 2 * self.width / (self.nodes - 1)

    @property
    def lost(self) -> float:
        """Twice the weight beyond the width: what is cut off, and what normalisation hands back to the rest."""
        return 2 * math.erfc(self.width / math.sqrt(2))
