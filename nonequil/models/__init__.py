"""Models: what pulls on a state."""

from ._attention import SelfAttention as SelfAttention
from ._attention_rule import AttentionRule as AttentionRule
from ._attention_rule import Positions as Positions
from ._base import AbstractForce as AbstractForce
from ._base import AbstractSpinModel as AbstractSpinModel
from ._base import AbstractWindowModel as AbstractWindowModel
from ._hopfield import Hopfield as Hopfield
from ._hopfield import overlaps as overlaps
from ._hopfield import pseudo_inverse as pseudo_inverse
from ._hopfield import sequence as sequence
from ._ising import Ising as Ising
from ._ising import LaggedIsing as LaggedIsing
from ._modern_hopfield import ModernHopfield as ModernHopfield
from ._sparse_ising import SparseIsing as SparseIsing
