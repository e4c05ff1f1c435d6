"""Numerical tools without physics: sums, random numbers, averages, fixed points, roots, optimisation."""

from ._fixed_point import FixedPoint as FixedPoint
from ._fixed_point import fixed_point as fixed_point
from ._gaussian import AbstractGaussianRule as AbstractGaussianRule
from ._hermite import Hermite as Hermite
from ._implicit import implicit as implicit
from ._method import AbstractMethod as AbstractMethod
from ._minimise import Minimum as Minimum
from ._minimise import minimise as minimise
from ._newton import Newton as Newton
from ._newton_cg import NewtonCG as NewtonCG
from ._optimistix import Optimistix as Optimistix
from ._random import chain_keys as chain_keys
from ._random import exponentials as exponentials
from ._random import integers as integers
from ._random import threefry as threefry
from ._random import uniforms as uniforms
from ._root import Root as Root
from ._root import root as root
from ._spectral import krylov_radius as krylov_radius
from ._spectral import spectral_radius as spectral_radius
from ._total import Total as Total
from ._total import exact_parts as exact_parts
from ._total import ordered_sum as ordered_sum
from ._trapezoid import Trapezoid as Trapezoid
