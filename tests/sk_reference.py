"""The asymmetric Sherrington-Kirkpatrick model at infinite size to about 1e-12, by NumPy and SciPy alone.

Every average is a two-dimensional trapezoid sum in shared-noise form, every root Newton's, every relaxation an ODE:
nothing is shared with the package. Fields are H0 + dH u, u uniform on [-1, 1].
"""

from typing import NamedTuple

import numpy as np
import scipy.integrate
import scipy.optimize

REACH = 9.5
FIELD_NODES = 40
ORDERS = 64


class Averages(NamedTuple):
    """Nodes of one normal variable and of the field, with weights; s = beta dJ; g = beta (H - H0), symmetric."""

    z: np.ndarray
    w: np.ndarray
    g: np.ndarray
    v: np.ndarray
    s: float

    @classmethod
    def of(cls, beta, dJ, dH):
        s = beta * dJ
        half = max(60, int(np.ceil(REACH * s / 0.2)))
        z = np.linspace(-REACH, REACH, 2 * half + 1)
        w = np.exp(-(z**2) / 2)
        u, v = np.polynomial.legendre.leggauss(FIELD_NODES) if dH else (np.zeros(1), 2 * np.ones(1))
        return cls(z, w / w.sum(), beta * dH * u, v / 2, s)

    def mean(self, f, offset):
        """E f(offset + g + s z)."""
        return self.v @ f(offset + self.g[:, None] + self.s * self.z) @ self.w

    def pair(self, f, offset, c):
        """E f(x) f(y) over fields of one spin at two times whose spins overlap by c."""
        shared, own = self.s * np.sqrt(abs(c)) * self.z, self.s * np.sqrt(1 - abs(c)) * self.z
        total = 0.0
        for g, v in zip(self.g, self.v, strict=True):
            T = f(offset + g + shared[:, None] + own) @ self.w
            total += v * np.sum(self.w * T * (T if c >= 0 else T[::-1]))
        return total


class State(NamedTuple):
    m: float
    q: float
    k: float
    S: float
    S_reverse: float
    sigma: float
    slope: float  # F'(q)


def gain(x):
    return 1 / np.cosh(x) ** 2


def entropy(x):
    """log 2 cosh x - x tanh x, without overflow."""
    x = np.abs(x)
    t = np.exp(-2 * x)
    return np.log1p(t) + 2 * x * t / (1 + t)


def magnetisation(a, beta, J0, H0):
    """The largest resting point; without H0 in y = m**2, in which f(m) / m has no cancellation and a simple root."""
    if H0 != 0:
        if J0 < 0 or H0 < 0:
            raise ValueError("the reference knows H0 > 0 only with J0 >= 0")
        return scipy.optimize.brentq(lambda m: a.mean(np.tanh, beta * (H0 + J0 * m)) - m, 0, 1, xtol=1e-16, rtol=1e-15)

    def excess(y):
        m = np.sqrt(y)
        g = 2 * beta * J0 * m
        return np.sinh(g) / m * a.mean(lambda x: 1 / (np.cosh(g) + np.cosh(2 * x)), 0.0) - 1

    least = 1e-24
    if excess(least) <= 0:
        return 0.0
    return float(np.sqrt(scipy.optimize.brentq(excess, least, 1.0, xtol=1e-24, rtol=1e-15, maxiter=500)))


def steady_state(beta, J0, dJ, H0=0.0, dH=0.0):
    """The steady state of positive magnetisation, or the symmetric one where there is no other."""
    a = Averages.of(beta, dJ, dH)
    m = magnetisation(a, beta, J0, H0)
    offset = beta * (H0 + J0 * m)
    q, D = m**2, a.s**2
    for _ in range(100):  # F is convex: Newton's steps from below never pass the first root
        slope = D * a.pair(gain, offset, q)
        step = (a.pair(np.tanh, offset, q) - q) / (1 - slope)
        q = min(max(q + step, 0.0), 1.0)
        if abs(step) < 1e-15:
            break
    k, S = a.mean(gain, offset), a.mean(entropy, offset)
    sigma = D * (1 - q) * k
    return State(m, q, k, S, S + sigma, sigma, D * a.pair(gain, offset, q))


class Relaxation(NamedTuple):
    """C(t) of the random sequential clock at the times asked for, C'(0), and qtilde = int exp(-t) C(t) dt."""

    C: np.ndarray
    initial_slope: float
    qtilde: float


def relaxation(overlap, q, times=()):
    """C'' = C - F(C) for a map `overlap` = F, by DOP853 on log (C - q).

    r(c) = (c - F(c)) / (c - q) is interpolated in sqrt((1 - c) / (1 - q)), in which F is smooth at every
    temperature; (log(C - q))' = -sqrt(K), K = int_0^1 2 x r(q + (C - q) x) dx.
    """
    v = (1 + np.polynomial.chebyshev.chebpts1(ORDERS)) / 2
    c = 1 - (1 - q) * v**2
    r = np.polynomial.Chebyshev.fit(v, [(x - overlap(x)) / (x - q) for x in c], ORDERS - 1, domain=[0, 1])
    u, w = np.polynomial.legendre.leggauss(60)
    x, w = 1 - ((1 - u) / 2) ** 2, w * (1 - u) / 2  # r is smooth in sqrt(1 - x) where C = 1

    def K(rest):
        return np.sum(w * 2 * x * r(np.sqrt(np.maximum(1 - rest * x, 0))))

    def rate(t, y):
        rest = np.exp(y[0])
        return [-np.sqrt(K(rest)), np.exp(-t) * rest]

    ends = [0, 45.0]
    found = scipy.integrate.solve_ivp(
        rate, ends, [0.0, 0.0], method="DOP853", rtol=1e-12, atol=1e-14, t_eval=np.append(times, ends[1])
    )
    C = q + (1 - q) * np.exp(found.y[0, :-1])
    return Relaxation(C, -(1 - q) * np.sqrt(K(1.0)), q + (1 - q) * found.y[1, -1])


def forgetting(beta, J0, dJ, H0=0.0, dH=0.0, times=()):
    """The relaxation in the steady state, and its entropy production per spin and sweep."""
    s, a = steady_state(beta, J0, dJ, H0, dH), Averages.of(beta, dJ, dH)
    offset = beta * (H0 + J0 * s.m)
    path = relaxation(lambda c: a.pair(np.tanh, offset, c), s.q, times)
    return path, a.s**2 * s.k * (1 - path.qtilde)
