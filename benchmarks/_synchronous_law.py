"""Whether a simulator follows the law of parallel dynamics: exactly at four spins, step by step at full size."""

import numpy as np
import scipy.stats
from _synchronous_peers import Peer

SMALL, CHAINS, STEPS = 4, 4096, 3
DEVIATIONS = 4.5  # a right answer passes all sums of a page with probability above 0.999
LEAST = 1e-5  # p-value


def judge(peer: Peer, J: np.ndarray, H: np.ndarray) -> str:
    """What is wrong with a simulator, "" if nothing is."""
    return _small(peer) or _one_step(peer, J, H)


def transition_matrix(J: np.ndarray, H: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All states (2**n, n) and P[a, b] = prod_i sigmoid(2 b_i h_i(a)), by enumeration."""
    states = 2.0 * ((np.arange(2 ** len(H))[:, None] >> np.arange(len(H))) & 1) - 1
    h = H + states @ J.T
    return states, np.exp(-np.logaddexp(0, -2 * states[None] * h[:, None]).sum(axis=2))


def _small(peer: Peer) -> str:
    """Chi-square of the state after three steps against the cube of the transition matrix."""
    rng = np.random.default_rng(4)
    J, H = rng.standard_normal((SMALL, SMALL)) / 2, rng.standard_normal(SMALL) / 4
    states, P = transition_matrix(J, H)
    last = np.asarray(peer(J, H, np.repeat(states[5:6], CHAINS, axis=0).astype(np.int8), STEPS, 8))
    seen = np.bincount((last > 0) @ (1 << np.arange(SMALL)), minlength=2**SMALL)
    p = scipy.stats.chisquare(seen, CHAINS * np.linalg.matrix_power(P, STEPS)[5]).pvalue
    return "" if p > LEAST else f"state after {STEPS} steps, {SMALL} spins: p = {p:.1e} of the exact law"


def _one_step(peer: Peer, J: np.ndarray, H: np.ndarray) -> str:
    """Sums of x'_i - tanh h_i, plain and along h: mean 0 and a known variance."""
    n = len(H)
    x = np.repeat(np.where(np.random.default_rng(5).random(n) < 0.5, 1, -1)[None], 64, axis=0).astype(np.int8)
    last = np.asarray(peer(J, H, x, 1, 9), float)
    h = H + J.astype(float) @ x[0]
    m = np.tanh(h)
    for name, along in (("plain", np.ones(n)), ("along the field", m)):
        z = np.sum(along * (last - m)) / np.sqrt(len(x) * np.sum(along**2 * (1 - m**2)))
        if not abs(z) < DEVIATIONS:
            return f"one step, {n} spins, residual {name}: {z:.1f} standard errors"
    return ""
