"""Associative memories: Hopfield networks, their large-size theories, and what they dissipate."""

from ..models import Hopfield as Hopfield
from ..models import ModernHopfield as ModernHopfield
from ..models import overlaps as overlaps
from ..models import pseudo_inverse as pseudo_inverse
from ..models import sequence as sequence
