"""Associative memories: Hopfield networks, their large-size theories, and what they dissipate."""

from ..ensembles import Hebbian as Hebbian
from ..meanfield import OverlapFlow as OverlapFlow
from ..meanfield import OverlapMap as OverlapMap
from ..meanfield import overlap_cycle as overlap_cycle
from ..meanfield import overlap_drift as overlap_drift
from ..models import Hopfield as Hopfield
from ..models import ModernHopfield as ModernHopfield
from ..models import overlaps as overlaps
from ..models import pseudo_inverse as pseudo_inverse
from ..models import sequence as sequence
from ..thermodynamics import overlap_entropy_production as entropy_production
