"""The mean field of a self-attention network in NumPy: one beta at a time, and the same over many betas at once.

Both carry the window of keys and values, so that only the newest token is computed; tangents are those of the window
of attentions, 12 numbers for the published network, moved by the Jacobian in closed form. One beta is orthonormalised
by NumPy's QR; many, whose QR NumPy would take one after the other, by modified Gram-Schmidt over all of them. Betas
are the last axis. Poc-Lopez & Aguilera, arXiv 2406.07247 (2024); Benettin et al., Meccanica 15, 9 (1980).
"""

from typing import Any, NamedTuple

import numpy as np

VALUE, QUERY, KEY = 1, 2, 3


class Tables(NamedTuple):
    """What a network of one head holds, in NumPy, with factors that never change multiplied in."""

    sigma: np.ndarray  # (classes, features)
    mixed: np.ndarray  # (4, features, classes): (1 - eps) w_c omega^a_c
    codes: np.ndarray  # (window, 4, features): eps c^a(p)
    gamma: float
    window: int
    first: np.ndarray  # (4, features): mixed overlaps of the first token


def tables(net: Any) -> Tables:
    """Of a network of the library."""
    omega, weights, sigma = (np.asarray(x, float) for x in (net.omega[:, :, 0], net.weights, net.sigma[:, 0]))
    eps = float(net.eps)
    mixed = (1 - eps) * np.moveaxis(omega * weights[:, None], 1, 2)
    codes = eps * np.moveaxis(np.asarray(net.positions, float)[:, :, 0], 1, 0)
    return Tables(sigma, mixed, codes, float(net.gamma), net.window, mixed @ np.sign(sigma[:, 0]) + codes[0])


def one_orbit(net: Tables, beta: float, transient: int, steps: int) -> np.ndarray:
    """Attentions (steps, features) of one beta; the first token stays in the context."""
    attention, keys, values = net.first[VALUE], _padded(net, KEY), _padded(net, VALUE)
    record = np.empty((steps, attention.size))
    for t in range(1, transient + steps + 1):
        m = net.mixed @ np.tanh(beta * (net.sigma @ attention)) + net.codes[t % net.window]
        slot = t % net.window  # slots in turn: the softmax does not ask for their order
        keys[slot], values[slot] = m[KEY], m[VALUE]
        z = net.gamma * (keys[: t + 1] @ m[QUERY])
        e = np.exp(z - z.max())
        attention = e @ values[: t + 1] / e.sum()
        if t > transient:
            record[t - transient - 1] = attention
    return record


def many_orbits(net: Tables, betas: np.ndarray, transient: int, steps: int) -> np.ndarray:
    """Attentions (steps, features, betas) of all betas side by side."""
    attention = np.tile(net.first[VALUE][:, None], betas.size)
    keys, values = (np.tile(_padded(net, a)[:, :, None], betas.size) for a in (KEY, VALUE))
    flat, shape = net.mixed.reshape(-1, net.mixed.shape[-1]), (*net.mixed.shape[:2], betas.size)
    record = np.empty((steps, *attention.shape))
    for t in range(1, transient + steps + 1):
        m = (flat @ np.tanh(betas * (net.sigma @ attention))).reshape(shape)
        m += net.codes[t % net.window][:, :, None]
        slot = t % net.window
        keys[slot], values[slot] = m[KEY], m[VALUE]
        w = _softmax(np.einsum("lmb,mb->lb", keys[: t + 1], net.gamma * m[QUERY]))
        attention = np.einsum("lb,lmb->mb", w, values[: t + 1])
        if t > transient:
            record[t - transient - 1] = attention
    return record


def one_orbit_anew(net: Tables, beta: float, transient: int, steps: int) -> np.ndarray:
    """As `one_orbit`, but with the overlaps of the whole window computed anew at every token from its attentions."""
    window = np.zeros((net.window, net.first.shape[1]))  # attentions that drew the tokens, newest first
    newest, record = net.first[VALUE], np.empty((steps, net.first.shape[1]))
    for t in range(1, transient + steps + 1):
        _push(window, newest)
        present = np.arange(min(t + 1, net.window))
        m = np.tanh(beta * (window[present] @ net.sigma.T)) @ np.moveaxis(net.mixed, 2, 1)  # (4, tokens, features)
        m += np.moveaxis(net.codes[(t - present) % net.window], 1, 0)
        if t < net.window:
            m[:, t] = net.first  # no attention drew it
        z = net.gamma * (m[KEY] @ m[QUERY, 0])
        e = np.exp(z - z.max())
        newest = e @ m[VALUE] / e.sum()
        if t > transient:
            record[t - transient - 1] = newest
    return record


def many_orbits_anew(net: Tables, betas: np.ndarray, transient: int, steps: int) -> np.ndarray:
    """The same for all betas side by side."""
    window = np.zeros((net.window, net.first.shape[1], betas.size))
    newest, record = np.tile(net.first[VALUE][:, None], betas.size), np.empty((steps, *window.shape[1:]))
    for t in range(1, transient + steps + 1):
        _push(window, newest)
        present = np.arange(min(t + 1, net.window))
        m = net.mixed[:, None] @ np.tanh(betas * (net.sigma @ window[present]))  # (4, tokens, features, betas)
        m += np.moveaxis(net.codes[(t - present) % net.window], 1, 0)[..., None]
        if t < net.window:
            m[:, t] = net.first[:, :, None]
        w = _softmax(np.einsum("lmb,mb->lb", m[KEY], net.gamma * m[QUERY, 0]))
        newest = np.einsum("lb,lmb->mb", w, m[VALUE])
        if t > transient:
            record[t - transient - 1] = newest
    return record


def one_spectrum(net: Tables, beta: float, count: int, transient: int, turning: int, steps: int) -> np.ndarray:
    """`count` leading exponents of one beta: tangents turn for `turning` steps and are averaged over `steps`.

    The transient must fill the window.
    """
    attention, keys, values = net.first[VALUE], _padded(net, KEY), _padded(net, VALUE)
    slopes = np.zeros((4, net.window, attention.size, attention.size))  # of the overlaps of each token, newest first
    Q, total = _directions(net, count), np.zeros(count)
    for t in range(1, transient + turning + steps + 1):
        tanh = np.tanh(beta * (net.sigma @ attention))
        m = net.mixed @ tanh + net.codes[t % net.window]
        _push(keys, m[KEY])
        _push(values, m[VALUE])
        z = net.gamma * (keys[: t + 1] @ m[QUERY])
        e = np.exp(z - z.max())
        w = e / e.sum()
        attention = w @ values[: t + 1]
        if t > transient - net.window:
            slopes[:, 1:] = slopes[:, :-1].copy()
            slopes[:, 0] = net.mixed @ (beta * (1 - tanh**2)[:, None] * net.sigma)
        if t > transient:
            moved = _jacobian(net, m[QUERY], keys, values, w, attention, slopes) @ Q
            Q, R = np.linalg.qr(np.concatenate([moved, Q[: -attention.size]]))
            if t > transient + turning:
                total += np.log(np.abs(np.diagonal(R)))
    return total / steps


def _jacobian(net: Tables, query: np.ndarray, keys: np.ndarray, values: np.ndarray, w: Any, A: Any, slopes: Any) -> Any:
    """dA_t / d(A_(t-1), ..., A_(t-window)), features x (window features)."""
    leaning = w[:, None] * (values - A)  # dA / dz
    G = w[:, None, None] * slopes[VALUE] + leaning[:, :, None] * (net.gamma * (query @ slopes[KEY]))[:, None]
    G[0] += leaning.T @ (net.gamma * (keys @ slopes[QUERY, 0]))
    return np.moveaxis(G, 0, 1).reshape(A.size, -1)


def many_spectra(net: Tables, betas: np.ndarray, count: int, transient: int, turning: int, steps: int) -> np.ndarray:
    """`count` leading exponents (count, betas) of all betas side by side."""
    attention = np.tile(net.first[VALUE][:, None], betas.size)
    keys, values = (np.tile(_padded(net, a)[:, :, None], betas.size) for a in (KEY, VALUE))
    slopes = np.zeros((net.window, net.sigma.shape[0], betas.size))  # of each token's tanh, newest first
    flat, shape = net.mixed.reshape(-1, slopes.shape[1]), (*net.mixed.shape[:2], betas.size)
    Q = np.tile(_directions(net, count).T[:, :, None], betas.size).reshape(count, net.window, -1, betas.size)
    total = np.zeros((count, betas.size))
    for t in range(1, transient + turning + steps + 1):
        tanh = np.tanh(betas * (net.sigma @ attention))
        m = (flat @ tanh).reshape(shape)
        m += net.codes[t % net.window][:, :, None]
        _push(keys, m[KEY])
        _push(values, m[VALUE])
        w = _softmax(np.einsum("lmb,mb->lb", keys[: t + 1], net.gamma * m[QUERY]))
        attention = np.einsum("lb,lmb->mb", w, values[: t + 1])
        if t > transient - net.window:
            _push(slopes, betas * (1 - tanh**2))
        if t > transient:
            newest = _moved(net, Q, slopes, net.gamma * m[QUERY], keys, values, w)
            Q[:, 1:], Q[:, 0] = Q[:, :-1].copy(), newest
            growth = _gram_schmidt(Q.reshape(count, -1, betas.size))
            if t > transient + turning:
                total += np.log(growth)
    return total / steps


def _moved(net: Tables, Q: Any, slopes: Any, query: Any, keys: Any, values: Any, w: Any) -> np.ndarray:
    """Tangents (count, features, betas) of the new attention: all factors of the Jacobian are applied one by one."""
    u = net.sigma @ Q
    u *= slopes
    dz = np.einsum("clmb,mb->clb", net.mixed[KEY] @ u, query)
    dz += net.gamma * np.einsum("lmb,cmb->clb", keys, net.mixed[QUERY] @ u[:, 0])
    dz -= np.einsum("lb,clb->cb", w, dz)[:, None]
    dz *= w
    return np.einsum("clb,lmb->cmb", dz, values) + net.mixed[VALUE] @ np.einsum("lb,clkb->ckb", w, u)


def _gram_schmidt(Q: np.ndarray) -> np.ndarray:
    """Orthonormalise the rows of Q (count, numbers, betas) in place; what was left of each."""
    growth = np.empty((Q.shape[0], Q.shape[2]))
    for k, row in enumerate(Q):
        for before in Q[:k]:
            row -= np.einsum("nb,nb->b", before, row) * before
        growth[k] = np.sqrt(np.einsum("nb,nb->b", row, row))
        row /= growth[k]
    return growth


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(0))
    return e / e.sum(0)


def _push(window: np.ndarray, newest: np.ndarray) -> None:
    """In place, newest first."""
    window[1:] = window[:-1].copy()
    window[0] = newest


def _padded(net: Tables, which: int) -> np.ndarray:
    """A window (window, features) that holds the first token."""
    window = np.zeros((net.window, net.first.shape[1]))
    window[0] = net.first[which]
    return window


def _directions(net: Tables, count: int) -> np.ndarray:
    """Orthonormal tangents (numbers, count) to begin with."""
    return np.linalg.qr(np.random.default_rng(0).normal(size=(net.window * net.first.shape[1], count)))[0]
