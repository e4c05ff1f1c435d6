"""Gauss-Hermite quadrature for Gaussian averages."""

import math

import equinox as eqx
import numpy as np

from ._gaussian import AbstractGaussianRule


class Hermite(AbstractGaussianRule):
    """Gauss-Hermite rule of `degree` nodes: exact for polynomials below degree 2 `degree`.

    Right for polynomials and gentle functions. For a tanh its error falls only like exp(-2 d sqrt(degree)), d the
    distance of the nearest pole: prefer `Trapezoid` there. Near zero its nodes are pi / sqrt(degree + 1/2) apart.
    Raises ValueError unless the degree is between 1 and 300 (weights of higher degrees overflow).
    """

    degree: int = eqx.field(static=True)

    def __check_init__(self) -> None:
        if not 1 <= self.degree <= 300:
            raise ValueError(f"degree = {self.degree}: take 1 to 300 nodes, or a Trapezoid rule")

    @property
    def nodes_and_weights(self) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and normalised weights, in double precision."""
        z, w = np.polynomial.hermite_e.hermegauss(self.degree)
        return z, w / w.sum()

    @property
    def spacing(self) -> float:
        """Distance of neighbouring nodes near zero."""
        return math.pi / math.sqrt(self.degree + 0.5)

    @property
    def lost(self) -> float:
        """Nothing: the nodes reach as far as the degree needs."""
        return 0.0
