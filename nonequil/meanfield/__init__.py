"""Mean-field theories: closures on order parameters, where they rest and how they get there."""

from ._base import AbstractClosure as AbstractClosure
from ._independent import Independent as Independent
from ._mezard_sakellariou import MezardSakellariou as MezardSakellariou
from ._sk_lines import critical_beta as critical_beta
from ._sk_lines import critical_dH as critical_dH
from ._sk_lines import critical_dJ as critical_dJ
from ._sk_zero_temperature import SKZeroTemperature as SKZeroTemperature
from ._sk_zero_temperature import zero_temperature as zero_temperature
from ._solve import Solution as Solution
from ._solve import solve as solve
from ._solve import transient as transient
from ._tap import TAP as TAP
