"""Figures: arrays in, Axes out."""

from ._agreement import agreement as agreement
from ._bifurcation_diagram import bifurcation_diagram as bifurcation_diagram
from ._bounds import bounds as bounds
from ._correlations import correlations as correlations
from ._couplings import couplings as couplings
from ._curves import curves as curves
from ._eigenvalues import eigenvalues as eigenvalues
from ._entropy_production import entropy_production as entropy_production
from ._firing_rates import firing_rates as firing_rates
from ._matrix import matrix as matrix
from ._phase_map import phase_map as phase_map
from ._predicted_rates import predicted_rates as predicted_rates
from ._raster import raster as raster
from ._section import section as section
from ._sizes import sizes as sizes
from ._spectrum import spectrum as spectrum
from ._spins import spins as spins
from ._widths import widths as widths
