"""Mean-field theories: closures on order parameters, where they rest and how they get there."""

from ._base import AbstractClosure as AbstractClosure
from ._independent import Independent as Independent
from ._mezard_sakellariou import MezardSakellariou as MezardSakellariou
from ._sk_field import Averages as Averages
from ._sk_field import FieldLaw as FieldLaw
from ._sk_lines import critical_beta as critical_beta
from ._sk_lines import critical_dH as critical_dH
from ._sk_lines import critical_dJ as critical_dJ
from ._sk_relaxation import Relaxation as Relaxation
from ._sk_relaxation import relaxation as relaxation
from ._sk_relaxation import sk_correlation as sk_correlation
from ._sk_rule import SKRule as SKRule
from ._sk_stationary import SKStationary as SKStationary
from ._sk_stationary import Stability as Stability
from ._sk_stationary import sk_stationary as sk_stationary
from ._sk_steps import SKSteps as SKSteps
from ._sk_transient import SKTransient as SKTransient
from ._sk_transient import sk_transient as sk_transient
from ._sk_zero_temperature import SKZeroTemperature as SKZeroTemperature
from ._sk_zero_temperature import zero_temperature as zero_temperature
from ._solve import Solution as Solution
from ._solve import solve as solve
from ._solve import transient as transient
from ._tap import TAP as TAP
