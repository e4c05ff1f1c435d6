"""The asymmetric Sherrington-Kirkpatrick model: exact theory of infinitely many spins, and finite networks.

Parameters are those of the ensemble, `nq.SherringtonKirkpatrick(J0, dJ, H0, dH, beta)`; every function is
differentiable in them and runs under `jit` and `vmap`. Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685
(2023).

```python
import dataclasses, jax, nonequil as nq

sk = nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5, beta=1.5)
at = lambda beta: dataclasses.replace(sk, beta=beta)
nq.sk.stationary(sk).q
nq.sk.entropy_production_rate(sk, clock=nq.Sequential)
jax.grad(lambda beta: nq.sk.entropy_production_rate(at(beta), clock=nq.Parallel).value)(1.5)
```
"""

from ..ensembles import BlockSherringtonKirkpatrick as BlockSherringtonKirkpatrick
from ..ensembles import GaussianFields as GaussianFields
from ..ensembles import SherringtonKirkpatrick as SherringtonKirkpatrick
from ..ensembles import UniformFields as UniformFields
from ..inference import MostDissipative as MostDissipative
from ..inference import Recovered as Recovered
from ..inference import maximise_sk_entropy_production as maximise_entropy_production
from ..inference import recover_sk as recover
from ..meanfield import AsymmetricSK as AsymmetricSK
from ..meanfield import MezardSakellariou as MezardSakellariou
from ..meanfield import Populations as Populations
from ..meanfield import SKRule as SKRule
from ..meanfield import SKStationary as SKStationary
from ..meanfield import SKTransient as SKTransient
from ..meanfield import SKZeroTemperature as SKZeroTemperature
from ..meanfield import critical_beta as critical_beta
from ..meanfield import critical_dH as critical_dH
from ..meanfield import critical_dJ as critical_dJ
from ..meanfield import relaxation as relaxation
from ..meanfield import sk_correlation as correlation
from ..meanfield import sk_stationary as stationary
from ..meanfield import sk_transient as transient
from ..meanfield import zero_temperature as zero_temperature
from ..thermodynamics import DisorderAverage as DisorderAverage
from ..thermodynamics import PathEntropies as PathEntropies
from ..thermodynamics import PhaseDiagram as PhaseDiagram
from ..thermodynamics import disorder_average as disorder_average
from ..thermodynamics import extrapolate_in_size as extrapolate_in_size
from ..thermodynamics import populations_entropy_production as populations_entropy_production
from ..thermodynamics import sk_entropy_production_rate as entropy_production_rate
from ..thermodynamics import sk_entropy_production_slope as entropy_production_slope
from ..thermodynamics import sk_path_entropies as path_entropies
from ..thermodynamics import sk_phase_diagram as phase_diagram
