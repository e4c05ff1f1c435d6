"""Dynamics: a model plus a clock."""

from ._base import AbstractDynamics as AbstractDynamics
from ._base import AbstractSpinClock as AbstractSpinClock
from ._parallel import Parallel as Parallel
