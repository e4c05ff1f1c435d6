"""Associative memories: Hopfield networks, their large-size theories, and what they dissipate."""

from ..ensembles import Hebbian as Hebbian
from ..meanfield import OverlapFlow as OverlapFlow
from ..meanfield import OverlapMap as OverlapMap
from ..meanfield import SaddlePoint as SaddlePoint
from ..meanfield import SequenceState as SequenceState
from ..meanfield import SequenceStationary as SequenceStationary
from ..meanfield import capacity as capacity
from ..meanfield import global_capacity as global_capacity
from ..meanfield import global_retrieval_temperature as global_retrieval_temperature
from ..meanfield import overlap_cycle as overlap_cycle
from ..meanfield import overlap_drift as overlap_drift
from ..meanfield import retrieval_temperature as retrieval_temperature
from ..meanfield import saddle_point as saddle_point
from ..meanfield import sequence_capacity as sequence_capacity
from ..meanfield import sequence_stationary as sequence_stationary
from ..meanfield import sequence_transient as sequence_transient
from ..meanfield import spin_glass_temperature as spin_glass_temperature
from ..models import Hopfield as Hopfield
from ..models import ModernHopfield as ModernHopfield
from ..models import overlaps as overlaps
from ..models import pseudo_inverse as pseudo_inverse
from ..models import sequence as sequence
from ..thermodynamics import overlap_entropy_production as entropy_production
