"""Self-attention networks of binary tokens: stochastic networks of any size, and their exact mean field.

A token is many binary spins and a position in a window. The newest token attends to the window by the overlaps of
tokens with pattern matrices; what it reads is the field of the next token's spins. `beta` (output), `gamma` (softmax)
and `eps` (share of the position) are leaves of the network; sweep them by `dataclasses.replace` under `jax.vmap`.
Modern Hopfield networks are one step of it with tied patterns: the stored patterns are the last tokens, and the vector
retrieved is fed back. gamma = 0 leaves an asymmetric Hopfield network with equal delays, gamma -> infinity retrieves
one past token. Set `jax_enable_x64`: chaos makes single precision worthless within about 150 tokens.
Source: Poc-Lopez & Aguilera, arXiv 2406.07247 (2024).

```python
import dataclasses, jax, nonequil as nq

jax.config.update("jax_enable_x64", True)
net = nq.attention.standard(n_bits=2, beta=1.27)
orbit = nq.attention.trajectory(net, steps=1000, transient=100_000)
nq.attention.critical_beta(net)  # 1.2434445

clock = nq.Autoregressive(net.sample(jax.random.key(0), 990))
x0 = clock.model.first_window()[None]
drive = nq.attention.Positions(net.window)
nq.simulate(clock, x0, steps=100, key=jax.random.key(1), drive=drive, observers=(nq.Record(),))
```
"""

from ..dynamics import Autoregressive as Autoregressive
from ..dynamics import ClassCounts as ClassCounts
from ..ensembles import AttentionNetwork as Network
from ..ensembles import attention_from_correlations as from_correlations
from ..ensembles import attention_from_patterns as from_patterns
from ..ensembles import duplicated_attention as duplicated
from ..ensembles import odd_sets as odd_sets
from ..ensembles import random_segments as random_segments
from ..ensembles import standard_attention as standard
from ..meanfield import AttentionMeanField as MeanField
from ..meanfield import AttentionOrbit as Orbit
from ..meanfield import AttentionState as State
from ..meanfield import attention_critical_beta as critical_beta
from ..meanfield import attention_cycle as cycle
from ..meanfield import attention_lyapunov as lyapunov
from ..meanfield import attention_map as map
from ..meanfield import attention_trajectory as trajectory
from ..meanfield import state_of_window as state_of_window
from ..models import Positions as Positions
from ..models import SelfAttention as SelfAttention
from ..thermodynamics import attention_entropy_production as entropy_production
