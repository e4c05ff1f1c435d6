"""Ensembles: the moments of what they draw, and constructors that check their values."""

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq

SK = nq.SherringtonKirkpatrick(J0=0.7, dJ=1.3, H0=0.2, dH=0.5, beta=1.5)
DILUTED = nq.Diluted(k=6.0, dJ=1.2, beta=0.8)


def off_diagonal(J):
    return np.asarray(J)[~np.eye(len(J), dtype=bool)]


def test_every_public_ensemble_is_tested():
    public = {name for name in vars(nq.ensembles) if name[0].isupper() and not name.startswith("Abstract")}
    others = {"UniformFields", "GaussianFields", "AttentionNetwork", "Hebbian"}  # laws of fields; tested elsewhere
    assert public - others == {"SherringtonKirkpatrick", "Diluted", "BlockSherringtonKirkpatrick"}


def test_moments_of_sherrington_kirkpatrick():
    n = 300
    model = SK.sample(jr.key(0), n)
    J, size = off_diagonal(model.J), n * (n - 1)
    scale = 1.5 * 1.3 / np.sqrt(n)
    assert abs(J.mean() - 1.5 * 0.7 / n) < 4 * scale / np.sqrt(size)
    assert abs(J.std() - scale) < 4 * scale / np.sqrt(2 * size)
    assert abs(np.corrcoef(J, off_diagonal(model.J.T))[0, 1]) < 4 / np.sqrt(size)
    assert abs(model.H.mean() - 0.3) < 4 * 0.75 / np.sqrt(3 * n)
    assert np.all(np.abs(np.asarray(model.H) - 0.3) <= 0.75)
    assert np.isclose(np.std(model.H), 0.75 / np.sqrt(3), rtol=0.1)


def test_moments_of_diluted():
    n = 300
    J = off_diagonal(DILUTED.sample(jr.key(1), n).J)
    linked = J != 0
    p = 6 / (n - 1)
    assert abs(linked.mean() - p) < 4 * np.sqrt(p / J.size)
    assert np.isclose(J[linked].std(), 0.8 * 1.2 / np.sqrt(6), rtol=4 / np.sqrt(2 * linked.sum()))


@pytest.mark.parametrize("ensemble", [SK, DILUTED], ids=["sk", "diluted"])
def test_the_diagonal_is_empty_unless_asked_for(ensemble):
    kept = type(ensemble)(**{**vars(ensemble), "self_coupling": True})
    assert jnp.all(jnp.diag(ensemble.sample(jr.key(2), 20).J) == 0)
    assert jnp.any(jnp.diag(kept.sample(jr.key(2), 20).J) != 0)
    assert jnp.allclose(off_diagonal(kept.sample(jr.key(2), 20).J), off_diagonal(ensemble.sample(jr.key(2), 20).J))


@pytest.mark.parametrize("ensemble", [SK, DILUTED], ids=["sk", "diluted"])
def test_sampling_under_jit_grad_and_vmap(ensemble):
    name = "dJ"
    draw = lambda value: type(ensemble)(**{**vars(ensemble), name: value}).sample(jr.key(3), 12).J  # noqa: E731
    reference = ensemble.sample(jr.key(3), 12).J
    assert jnp.allclose(jax.jit(draw)(ensemble.dJ), reference, atol=1e-14)
    many = jax.jit(jax.vmap(draw))(jnp.array([ensemble.dJ, 0.0]))
    assert jnp.allclose(many[0], reference, atol=1e-14)
    step = 1e-4
    slope = jax.jit(jax.grad(lambda value: jnp.sum(draw(value) ** 2)))(ensemble.dJ)
    around = [jnp.sum(draw(ensemble.dJ + s) ** 2) for s in (step, -step)]
    assert jnp.isclose(slope, (around[0] - around[1]) / (2 * step), rtol=1e-6)
    keys = jr.split(jr.key(4), 3)
    assert jax.jit(jax.vmap(lambda key: ensemble.sample(key, 12).J))(keys).shape == (3, 12, 12)


@pytest.mark.parametrize(
    "make, name, value",
    [
        (lambda v: nq.SherringtonKirkpatrick(J0=0.0, dJ=v), "dJ", -1.0),
        (lambda v: nq.SherringtonKirkpatrick(J0=v, dJ=1.0), "J0", np.nan),
        (lambda v: nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, H0=v), "H0", np.inf),
        (lambda v: nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, dH=v), "dH", -0.1),
        (lambda v: nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, beta=v), "beta", -2.0),
        (lambda v: nq.Diluted(k=v), "k", -3.0),
        (lambda v: nq.Diluted(k=2.0, dJ=v), "dJ", -1.0),
        (lambda v: nq.Diluted(k=2.0, beta=v), "beta", np.nan),
    ],
)
def test_bad_values_are_named(make, name, value):
    with pytest.raises(ValueError, match=f"{name} must be finite.*{name} = {value}"):
        make(value)
    with pytest.raises(Exception, match=f"{name} must be finite"):
        jax.block_until_ready(jax.jit(make)(value))


def test_more_senders_than_spins_are_refused():
    with pytest.raises(ValueError, match=r"k must not exceed n - 1 = 4, .*k = 5.0"):
        nq.Diluted(k=5.0).sample(jr.key(0), 5)


def test_moments_of_populations():
    blocks = nq.BlockSherringtonKirkpatrick(
        J0=[[2.0, -1.0], [0.5, 0.0]], dJ=[[0.4, 1.2], [0.8, 0.0]], H0=[0.1, -0.3], dH=[0.0, 0.2], fractions=[0.7, 0.3]
    )
    n, at = 400, np.repeat([0, 1], [280, 120])
    assert np.array_equal(blocks.labels(n), at)
    model, senders = blocks.sample(jr.key(4), n), np.array([280, 120])
    for a in range(2):
        for b in range(2):
            J = np.asarray(model.J)[np.ix_(at == a, at == b)]
            J = J[~np.eye(n, dtype=bool)[np.ix_(at == a, at == b)]]
            scale = float(blocks.dJ[a, b]) / np.sqrt(senders[b])
            assert abs(J.mean() - float(blocks.J0[a, b]) / senders[b]) <= 4 * scale / np.sqrt(J.size) + 1e-15
            assert abs(J.std() - scale) <= 4 * scale / np.sqrt(2 * J.size) + 1e-15
    assert np.all(np.asarray(model.H)[at == 0] == 0.1)
    assert np.all(np.abs(np.asarray(model.H)[at == 1] + 0.3) <= 0.2)
    assert jnp.all(jnp.diag(model.J) == 0)


def test_laws_of_fields_and_their_centre():
    n = 40_000
    normal = dataclasses.replace(SK, fields=nq.ensembles.GaussianFields(), dJ=0.0, J0=0.0)
    H = np.asarray(jax.vmap(lambda k: normal.sample(k, 400).H)(jr.split(jr.key(5), n // 400))).ravel()
    spread = 1.5 * 0.5
    assert abs(H.mean() - 0.3) < 4 * spread / np.sqrt(n)
    assert abs(H.std() - spread) < 4 * spread / np.sqrt(2 * n)
    assert abs(np.mean(((H - 0.3) / spread) ** 4) - 3) < 4 * np.sqrt(96 / n)
    centred = dataclasses.replace(SK, center_fields=True).sample(jr.key(6), 50).H
    assert abs(centred.mean() - 0.3) < 1e-15
    assert abs(SK.sample(jr.key(6), 50).H.mean() - 0.3) > 1e-3


def test_known_parameters_stay_known_under_a_trace():
    """So that theories choose their sizes by them, and bad ones are refused at once."""

    @jax.jit
    def traced(beta):
        sk = dataclasses.replace(SK, beta=beta, dH=0.0)
        assert isinstance(sk.beta, jax.core.Tracer)
        assert not any(isinstance(x, jax.core.Tracer) for x in (sk.J0, sk.dJ, sk.H0, sk.dH))
        return sk.beta

    assert traced(2.0) == 2
    with pytest.raises(ValueError, match=r"dJ must be finite and not negative: dJ = -1\.0"):
        jax.jit(lambda beta: dataclasses.replace(SK, beta=beta, dJ=-1.0).beta)(1.0)
