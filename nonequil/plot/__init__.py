"""Figures: arrays in, Axes out."""

from ._correlations import correlations as correlations
from ._couplings import couplings as couplings
from ._eigenvalues import eigenvalues as eigenvalues
from ._entropy_production import entropy_production as entropy_production
from ._firing_rates import firing_rates as firing_rates
from ._matrix import matrix as matrix
from ._predicted_rates import predicted_rates as predicted_rates
from ._raster import raster as raster
from ._widths import widths as widths
