"""Dynamics: a model plus a clock."""

from ._attempts import attempts as attempts
from ._autoregressive import Autoregressive as Autoregressive
from ._base import AbstractDynamics as AbstractDynamics
from ._base import AbstractFiniteDynamics as AbstractFiniteDynamics
from ._base import AbstractSpinClock as AbstractSpinClock
from ._base import random_spins as random_spins
from ._continuous import ContinuousTime as ContinuousTime
from ._continuous import Thinning as Thinning
from ._exact_rows import ExactRows as ExactRows
from ._exact_rows import exact_rows as exact_rows
from ._local_update import LocalUpdate as LocalUpdate
from ._local_update import local_update as local_update
from ._local_update import sweep as sweep
from ._parallel import Parallel as Parallel
from ._sequential import Sequential as Sequential
from ._shared_attempts import shared_attempts as shared_attempts
