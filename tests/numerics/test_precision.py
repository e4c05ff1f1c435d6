"""Products of couplings are asked for in full float32, which GPUs do not give by themselves (fields off by 1e-3)."""

import jax
import jax.numpy as jnp
import pytest
from drawn import network, spins

import nonequil as nq
from nonequil.numerics._precision import SETTING, full_precision


@pytest.mark.parametrize("chosen, kept", [(None, "highest"), ("tensorfloat32", "tensorfloat32")])
def test_a_choice_of_the_user_is_kept(chosen, kept):
    before = getattr(jax.config, SETTING)
    assert before == "highest"  # nonequil has been imported
    try:
        jax.config.update(SETTING, chosen)
        full_precision()
        assert getattr(jax.config, SETTING) == kept
    finally:
        jax.config.update(SETTING, before)


def test_the_products_of_a_step_ask_for_it():
    clock, key = nq.Parallel(network(300, 0)), jax.random.key(0)
    program = str(jax.make_jaxpr(lambda x: nq.simulate(clock, x, steps=2, key=key)[0])(spins((64, 300), 1)))
    assert "dot_general" in program
    assert "HIGHEST" in program
    assert "precision=None" not in program


def test_float32_fields_are_those_of_float64():
    """To 1e-5: holds on every device."""
    model, x = network(300, 0), spins((64, 300), 1)
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), model)
    fields = jax.vmap(single.field)(x)
    assert jnp.max(jnp.abs(fields.astype(float) - jax.vmap(model.field)(x))) < 1e-5
