"""Models: what pulls on a state."""

from ._base import AbstractForce as AbstractForce
from ._base import AbstractSpinModel as AbstractSpinModel
from ._ising import Ising as Ising
from ._ising import LaggedIsing as LaggedIsing
from ._sparse_ising import SparseIsing as SparseIsing
