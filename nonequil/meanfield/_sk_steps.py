"""What the entropies of parallel steps of infinitely many spins are made of."""

import equinox as eqx
from jaxtyping import Array, Float

from .._results import RESULTS


class SKSteps(eqx.Module):
    """Averages of the steps u = 1, 2, ... (first axis; none for the step of a steady state), per spin.

    - `partition_before`, `partition_after` = E log(2 cosh x), x the field that step u - 1 and step u make;
    - `pull` = beta J0 m_u m_(u-1); `work_before`, `work` = beta E(H <s_i>) at step u - 1 and u;
    - `gain` = (beta dJ)**2 k_u, `memory` = (beta dJ)**2 k_(u-1) q_(u,u-2): what random couplings add to
      sum_ij J_ij <s_i,u s_j,(u-1)> and to the same sum with the times exchanged, k_u the gain of the update to u.
    """

    partition_before: Float[Array, "*steps"]
    partition_after: Float[Array, "*steps"]
    pull: Float[Array, "*steps"]
    work_before: Float[Array, "*steps"]
    work: Float[Array, "*steps"]
    gain: Float[Array, "*steps"]
    memory: Float[Array, "*steps"]
    result: RESULTS
