"""Mean-field theories: closures on order parameters, where they rest and how they get there."""

from ._base import AbstractClosure as AbstractClosure
from ._independent import Independent as Independent
from ._mezard_sakellariou import MezardSakellariou as MezardSakellariou
from ._solve import Solution as Solution
from ._solve import solve as solve
from ._solve import transient as transient
from ._tap import TAP as TAP
