"""Simulation of many chains, and the exact law of small systems."""

from ._advance import advance as advance
from ._advance import finish as finish
from ._advance import totals as totals
from ._enumeration import Enumeration as Enumeration
from ._enumeration import enumerate_states as enumerate_states
from ._simulate import simulate as simulate
from ._state import SimulationState as SimulationState
from ._state import start as start
from ._stationary_law import stationary_law as stationary_law
