"""Dynamical systems in discrete time: orbits, exponents, cycles, sweeps and branches of any deterministic map."""

from ._branches import Branches as Branches
from ._branches import branch_fractions as branch_fractions
from ._branches import period_and_moments as period_and_moments
from ._critical_value import critical_value as critical_value
from ._exponents import Exponents as Exponents
from ._flow_cycle import FlowCycle as FlowCycle
from ._flow_cycle import flow_cycle as flow_cycle
from ._flow_cycle import runge_kutta as runge_kutta
from ._iterate import advance as advance
from ._iterate import iterate as iterate
from ._lyapunov import lyapunov as lyapunov
from ._period import period as period
from ._periodic_orbit import PeriodicOrbit as PeriodicOrbit
from ._periodic_orbit import floquet as floquet
from ._periodic_orbit import periodic_orbit as periodic_orbit
from ._regimes import REGIMES as REGIMES
from ._regimes import classify as classify
from ._section import Section as Section
from ._section import section as section
from ._signals import Spectrum as Spectrum
from ._signals import autocorrelation as autocorrelation
from ._signals import power_spectrum as power_spectrum
from ._sweeps import bifurcation_diagram as bifurcation_diagram
from ._sweeps import continuation as continuation
