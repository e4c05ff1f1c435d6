"""The passes over the data that a fit makes: likelihood and gradient, curvatures, counts."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import numerics
from ._rows import Batch, Rows

summed = ft.partial(numerics.over_devices, total=True)
mapped = ft.partial(numerics.over_devices, total=False)

PART, CURVED = 8, 128  # mean curvatures are taken from one row in PART, at least CURVED of a block


def features(x: Array, regressors: Array | None, dtype: jnp.dtype) -> Float[Array, "rows p"]:
    """One, the past spins, the regressors."""
    x = x.astype(dtype)
    one = jnp.ones((x.shape[0], 1), dtype)
    return jnp.concatenate([one, x] + ([] if regressors is None else [regressors.astype(dtype)]), axis=1)


def _fields(theta: Array, b: Batch) -> tuple[Array, Array]:
    z = features(b.x, b.regressors, theta.dtype)
    h = z @ theta.T
    return z, h if b.offset is None else h + b.offset.astype(h.dtype)


def _share(b: Batch, dtype: jnp.dtype) -> Array:
    """Share of +1 among the spins that followed each row."""
    return (b.up.astype(dtype) + 1) / 2 if jnp.issubdtype(b.up.dtype, jnp.integer) else b.up.astype(dtype)


def _by_neuron(theta: Array, b: Batch) -> tuple[Array, Array, Array, Array]:
    """Features (rows, p), what the features add to the fields, fields and shares of +1 (k, rows)."""
    z = features(b.x, b.regressors, theta.dtype)
    own, up = theta @ z.T, _share(b, theta.dtype).T
    return z, own, own if b.offset is None else own + b.offset.astype(own.dtype).T, up


def _chance(h: Array) -> tuple[Array, Array]:
    """Chances sigmoid(2 h), and exp(-2 |h|), the one exponential it takes."""
    small = jnp.exp(-2 * jnp.abs(h))
    return jnp.where(h >= 0, 1, small) / (1 + small), small


def _losses(h: Array, small: Array, up: Array, b: Batch) -> Array:
    """-w u log p - w (1 - u) log (1 - p), p = sigmoid(2 h): weight w, share u of +1."""
    return b.w[None] * (2 * (jnp.maximum(h, 0) - up * h) + jnp.log1p(small))


def _scores(p: Array, up: Array, b: Batch) -> Array:
    """Their derivatives by the field, 2 w (p - u)."""
    return 2 * b.w[None] * (p - up)


@summed
def _likelihood(theta: Float[Array, "k p"], batch: Batch) -> Float[Array, "k q"]:
    """Negative log-likelihood of each neuron (first column) and its gradient, summed over a batch."""

    def block(total: numerics.Total, b: Batch) -> tuple[numerics.Total, None]:
        z, _, h, up = _by_neuron(theta, b)
        p, small = _chance(h)
        loss = jnp.sum(_losses(h, small, up, b), axis=1)
        return total.add(jnp.concatenate([loss[:, None], _scores(p, up, b) @ z], axis=1)), None

    start = numerics.Total.zeros((theta.shape[0], theta.shape[1] + 1), theta.dtype)
    return jax.lax.scan(block, start, batch)[0].value


@summed
def _slopes(theta: Float[Array, "k p"], batch: Batch) -> Float[Array, "k q"]:
    """The same gradient, and in four more columns sums of w, w phi, w phi g and w phi g^2 over part of the rows.

    phi = 1 - tanh^2 h; g is what spins and regressors add to the field, h - H without an offset.
    """

    def block(total: numerics.Total, b: Batch) -> tuple[numerics.Total, None]:
        z, own, h, up = _by_neuron(theta, b)
        p, _ = _chance(h)
        some = slice(0, max(CURVED, len(z) // PART))
        g, w = own[:, some] - theta[:, :1], b.w[None, some]
        phi = 4 * w * p[:, some] * (1 - p[:, some])
        parts = [jnp.broadcast_to(w, phi.shape), phi, phi * g, phi * g**2]
        sums = jnp.stack([jnp.sum(part, axis=1) for part in parts], axis=1)
        return total.add(jnp.concatenate([_scores(p, up, b) @ z, sums], axis=1)), None

    start = numerics.Total.zeros((theta.shape[0], theta.shape[1] + 4), theta.dtype)
    return jax.lax.scan(block, start, batch)[0].value


@mapped
def _curvatures(theta: Float[Array, "k p"], batch: Batch) -> tuple[Array, Array]:
    """Curvatures w (1 - tanh^2 h) and squared scores, sum w^2 (s - tanh h)^2, of each row and neuron."""

    def block(b: Batch) -> tuple[Array, Array]:
        p = jax.nn.sigmoid(2 * _fields(theta, b)[1])
        up = _share(b, p.dtype)
        scores = 4 * (up * (1 - p) ** 2 + (1 - up) * p**2)
        return b.w[:, None] * 4 * p * (1 - p), b.w_squared[:, None] * scores

    return jax.lax.map(block, batch)


@summed
def _counts(_: None, batch: Batch) -> tuple[Array, Array]:
    """Sums of w z z^T and w a z^T over a batch."""
    dtype = jnp.result_type(float)

    def block(total: tuple, b: Batch) -> tuple[tuple, None]:
        z, a = features(b.x, b.regressors, dtype), 2 * _share(b, dtype) - 1
        weighed = b.w[:, None] * z
        return (total[0].add(z.T @ weighed), total[1].add(a.T @ weighed)), None

    p = 1 + batch.x.shape[-1] + (0 if batch.regressors is None else batch.regressors.shape[-1])
    start = (numerics.Total.zeros((p, p)), numerics.Total.zeros((batch.up.shape[-1], p)))
    total, _ = jax.lax.scan(block, start, batch)
    return total[0].value, total[1].value


@mapped
def _residuals(theta: Float[Array, "k p"], batch: Batch) -> Array:
    """Residuals w (a - tanh h) of each row and neuron."""

    def block(b: Batch) -> Array:
        return 2 * b.w[:, None] * (_share(b, theta.dtype) - jax.nn.sigmoid(2 * _fields(theta, b)[1]))

    return jax.lax.map(block, batch)


def device(theta: np.ndarray | float) -> Array:
    """Parameters in the default floating type."""
    return jnp.asarray(theta, jnp.result_type(float))


def likelihood(theta: np.ndarray, rows: Rows, neurons: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Negative log-likelihood (k,) and gradient (k, p) of these neurons, summed over all rows."""
    moved = device(theta)
    total = np.zeros((len(theta), rows.features + 1))
    for batch in rows.batches(neurons):
        total += np.asarray(_likelihood(moved, batch))
    return total[:, 0], total[:, 1:]


def slopes(theta: np.ndarray, rows: Rows, neurons: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (k, p) of these neurons, summed over all rows, and means of phi, phi g and phi g^2 over part of them."""
    moved = device(theta)
    total = np.zeros((len(theta), rows.features + 4))
    for batch in rows.batches(neurons):
        total += np.asarray(_slopes(moved, batch))
    return total[:, :-4], total[:, -3:] / total[:, -4:-3]


def counts(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Sums of w z z^T (p, p) and w a z^T (n, p) over all rows."""
    gram, cross = np.zeros((rows.features, rows.features)), np.zeros((rows.n, rows.features))
    for batch in rows.batches():
        parts = _counts(None, batch)
        gram += np.asarray(parts[0])
        cross += np.asarray(parts[1])
    return gram, cross


@summed
def _outcome(theta: Float[Array, "k p"], batch: Batch) -> tuple[Array, Array]:
    """Negative log-likelihood of each neuron, and the rows of positive weight whose sign it does not predict."""

    def block(total: tuple, b: Batch) -> tuple[tuple, None]:
        _, _, h, up = _by_neuron(theta, b)
        right = ((up < 1e-6) & (h < 0)) | ((up > 1 - 1e-6) & (h > 0))
        loss = jnp.sum(_losses(h, _chance(h)[1], up, b), axis=1)
        return (total[0].add(loss), total[1] + jnp.sum((b.w[None] > 0) & ~right, axis=1)), None

    start = (numerics.Total.zeros((theta.shape[0],), theta.dtype), jnp.zeros(theta.shape[0], int))
    total, wrong = jax.lax.scan(block, start, batch)[0]
    return total.value, wrong


def outcome(theta: np.ndarray, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Negative log-likelihood (n,), and whether the sign of the field predicts every transition of a neuron (n,).

    If it does, no finite optimum exists.
    """
    moved = device(theta)
    loss, wrong = np.zeros(len(theta)), np.zeros(len(theta), int)
    for batch in rows.batches():
        parts = _outcome(moved, batch)
        loss += np.asarray(parts[0])
        wrong += np.asarray(parts[1])
    return loss, wrong == 0


@mapped
def _each(theta: Float[Array, "k p"], batch: Batch) -> Array:
    """Weighted log-likelihood of each row, summed over neurons."""

    def block(b: Batch) -> Array:
        h = _fields(theta, b)[1]
        return b.w * jnp.sum(jax.nn.log_sigmoid(2 * b.up.astype(h.dtype) * h), axis=1)

    return jax.lax.map(block, batch)


def pair_log_likelihood(theta: np.ndarray, pairs: Rows) -> np.ndarray:
    """Weighted log-likelihood of each pair (rows that are pairs), summed over neurons."""
    moved = device(theta)
    parts = [np.asarray(numerics.gathered(_each(moved, batch)), dtype=float).ravel() for batch in pairs.batches()]
    return np.concatenate(parts)[: len(pairs.x)]
