"""Networks, recordings of them, and scikit-learn as the judge."""

import jax
import jax.numpy as jnp
import numpy as np

import nonequil as nq


def network(n, rate, strength, key):
    """Random couplings around a background in which each unit alone would be active in `rate` of the bins."""
    J = nq.SherringtonKirkpatrick(J0=0.0, dJ=strength).sample(key, n).J
    return nq.Ising(J, jax.scipy.special.logit(jnp.full(n, rate)) / 2 + J.sum(axis=1))


def recording(model, bins, key):
    """Transitions of one long run from silence."""
    silent = -jnp.ones((1, model.n), jnp.int8)
    _, (pairs,) = nq.simulate(nq.Parallel(model), silent, steps=bins, key=key, observers=(nq.Record(),), burn_in=100)
    x = np.concatenate([np.asarray(pairs.x[:1]), np.asarray(pairs.x_next)])
    return nq.Transitions(x[:-1], x[1:], unit=nq.Unit.per_bin)


def scikit_learn(t, neurons, C=np.inf, l1=False):
    """Rows (H, J) of these neurons by scikit-learn: on -1/+1 features its weight is 2 J, its intercept 2 H."""
    from sklearn.linear_model import LogisticRegression

    solver = {"l1_ratio": 1.0, "solver": "saga", "max_iter": 100_000} if l1 else {"solver": "newton-cholesky"}
    model, x, rows = LogisticRegression(C=C, tol=1e-10, **solver), np.asarray(t.x, float), []
    for i in neurons:
        model.fit(x, np.asarray(t.x_next)[:, i] > 0)
        rows.append(np.concatenate([model.intercept_, model.coef_[0]]) / 2)
    return np.array(rows)


def parameters(fitted):
    """Rows (H, J) of a fit."""
    return np.concatenate([np.asarray(fitted.model.H)[:, None], np.asarray(fitted.model.J)], axis=1)


def gradient(t, theta, l2=0.0):
    """Gradient of the objective per transition for rows (H, J), written out."""
    z = np.concatenate([np.ones((len(t), 1)), np.asarray(t.x, float)], axis=1)
    r = np.asarray(t.x_next, float) - np.tanh(z @ theta.T)
    return (r.T @ z - l2 * np.concatenate([0 * theta[:, :1], theta[:, 1:]], axis=1)) / len(t)
