"""Numerical tools without physics: sums, random numbers, averages, fixed points, roots, optimisation."""

from ._random import chain_keys as chain_keys
from ._random import exponentials as exponentials
from ._random import integers as integers
from ._random import threefry as threefry
from ._random import uniforms as uniforms
from ._total import Total as Total
