"""Models: fields at a site and everywhere agree, constructors check their values under every transformation."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq


def ising(key, n):
    return nq.Ising(jr.normal(key, (n, n)), jr.normal(jr.fold_in(key, 1), (n,)))


def lagged(key, n):
    return nq.LaggedIsing(jr.normal(key, (3, n, n)), jr.normal(jr.fold_in(key, 1), (n,)))


MODELS = {"Ising": (ising, (7,)), "LaggedIsing": (lagged, (3, 7))}
models = pytest.mark.parametrize("make, shape", MODELS.values(), ids=MODELS)


def test_every_public_model_is_tested_here_or_in_its_own_file():
    public = {name for name in vars(nq.models) if name[0].isupper() and not name.startswith("Abstract")}
    elsewhere = {"SparseIsing", "SelfAttention", "AttentionRule", "Positions"}
    memories = {"Hopfield", "ModernHopfield", "Retrieval", "DenseMemory", "Polynomial", "Exponential"}
    memories |= {"CurvedIsing", "CurvedField", "DelayedHopfield"}
    assert public == {*MODELS, *elsewhere, *memories}


@models
@pytest.mark.parametrize("driven", [False, True])
def test_site_field_is_a_row_of_the_field(make, shape, driven, getkey):
    model, x = make(getkey(), 7), nq.random_spins(getkey(), shape)
    drive = jr.normal(getkey(), (7,)) if driven else None
    sites = jax.jit(jax.vmap(lambda i: model.site_field(x, i, drive)))(jnp.arange(7))
    assert jnp.allclose(sites, model.field(x, drive), atol=1e-13)


def test_fields_against_sums_written_out(getkey):
    model, x = lagged(getkey(), 4), np.asarray(nq.random_spins(getkey(), (3, 4)))
    J, H = np.asarray(model.J), np.asarray(model.H)
    expected = [H[i] + sum(J[k, i, j] * x[2 - k, j] for k in range(3) for j in range(4)) for i in range(4)]
    assert np.allclose(model.field(jnp.asarray(x)), expected, atol=1e-14)
    one = nq.Ising(model.J[0], model.H)
    assert np.allclose(one.field(jnp.asarray(x[2])), H + J[0] @ x[2], atol=1e-14)


def test_half_log_odds_are_those_of_zero_one_weights(getkey):
    """P(1) = sigmoid(b + W y) of 0/1 units y is the same law for J = W / 4, H = b / 2 + sum_j W_ij / 4."""
    W, b, y = jr.normal(getkey(), (5, 5)), jr.normal(getkey(), (5,)), jr.bernoulli(getkey(), 0.5, (5,)).astype(float)
    model = nq.Ising(W / 4, b / 2 + W.sum(axis=1) / 4)
    assert jnp.allclose(jax.nn.sigmoid(2 * model.field(2 * y - 1)), jax.nn.sigmoid(b + W @ y), atol=1e-14)


@models
def test_constructors_under_jit_grad_and_vmap(make, shape, getkey):
    model, x = make(getkey(), 7), nq.random_spins(getkey(), shape)
    energy = lambda J: jnp.sum(type(model)(J, model.H).field(x) ** 2)  # noqa: E731
    direct, slope = jax.jit(jax.value_and_grad(energy))(model.J)
    step = 1e-6 * jr.normal(getkey(), model.J.shape)
    assert jnp.isclose(jnp.sum(slope * step), (energy(model.J + step) - energy(model.J - step)) / 2, rtol=1e-6)
    both = jax.jit(jax.vmap(energy))(jnp.stack([model.J, 2 * model.J]))
    assert jnp.allclose(both, jnp.stack([direct, energy(2 * model.J)]))


@models
@pytest.mark.parametrize("leaf", ["J", "H"])
def test_values_that_are_not_finite_are_refused(make, shape, leaf, getkey):
    model = make(getkey(), 7)
    bad = {"J": model.J, "H": model.H}
    bad[leaf] = bad[leaf].at[(0,) * (bad[leaf].ndim - 1) + (2,)].set(jnp.nan)
    with pytest.raises(ValueError, match=rf"{leaf} must be finite: {leaf} = nan, at \[(0, )*2\]"):
        type(model)(**bad)
    with pytest.raises(Exception, match=f"{leaf} must be finite"):
        jax.block_until_ready(
            jax.jit(lambda J, H: type(model)(J=J, H=H).field(nq.random_spins(jr.key(0), shape)))(**bad)
        )


@pytest.mark.parametrize(
    "make",
    [
        lambda: nq.Ising(jnp.zeros((3, 4)), jnp.zeros(3)),
        lambda: nq.Ising(jnp.zeros((3, 3)), jnp.zeros(4)),
        lambda: nq.LaggedIsing(jnp.zeros((3, 3)), jnp.zeros(3)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(make):
    with pytest.raises(Exception, match="J"):  # the type checker of the tests speaks first, the constructor otherwise
        make()
