"""Simulation of many chains, and the exact law of small systems."""

from ._advance import advance as advance
from ._advance import finish as finish
from ._simulate import simulate as simulate
from ._state import SimulationState as SimulationState
from ._state import start as start
