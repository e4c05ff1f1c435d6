# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From spikes to couplings
#
# A recording holds spike times of some neurons. Which neuron drives which, how sure are we, and how far from
# equilibrium is the circuit? Here the "recording" comes from a network we know, so that every answer can be
# compared with the truth.

# %% tags=["parameters"]
units, seconds, width, seed = 10, 400.0, 0.02, 3

# %%
import jax
import jax.numpy as jnp
import jax.random as jr
import matplotlib.pyplot as plt
import numpy as np

import nonequil as nq

jax.config.update("jax_enable_x64", True)
keys = jr.split(jr.key(seed), 4)

# %% [markdown]
# ## A network and its spikes
#
# In a kinetic Ising network neuron $i$ fires in the next bin with probability $\sigma(2 h_i)$, where $h_i = H_i +
# \sum_j J_{ij} x_j$ and $x_j = \pm 1$ tells whether neuron $j$ fires now. We pick the fields so that neurons are
# silent most of the time, and keep every spin of a long run.

# %%
J = nq.SherringtonKirkpatrick(J0=0.0, dJ=0.8).sample(keys[0], units).J
rate = jr.uniform(keys[1], (units,), minval=0.03, maxval=0.08)
truth = nq.Parallel(nq.Ising(J, jax.scipy.special.logit(rate) / 2 + J.sum(axis=1)))

silent = -jnp.ones((1, units), jnp.int8)
_, (run,) = nq.simulate(truth, silent, steps=round(seconds / width), key=keys[2], observers=(nq.Record(),), burn_in=100)

# %% [markdown]
# Spike times: a spike falls anywhere in its bin.

# %%
bins, unit = np.nonzero(np.asarray(run.x_next) > 0)
times = (bins + np.asarray(jr.uniform(keys[3], bins.shape, minval=0.01, maxval=0.99))) * width
recording = nq.data.Raster.from_lists([times[unit == i] for i in range(units)], epochs=[(0.0, seconds)])
recording.rates()

# %%
early = times < 20
nq.plot.raster(times[early], unit[early], list(range(units)))
plt.show()

# %% [markdown]
# ## Couplings with error bars
#
# `bin` turns spike times into spins and `fit` maximises the exact likelihood of all neurons at once.

# %%
transitions = recording.bin(width).transitions()
fitted = nq.fit(transitions)
print(f"converged: {bool(fitted.converged.all())}, largest gradient {fitted.gradient_max.max():.1e} per transition")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
nq.plot.couplings(fitted.model.J, abs(fitted.model.J) > 3 * fitted.J_stderr, list(range(units)), ax=left)
right.errorbar(J.ravel(), fitted.model.J.ravel(), 2 * fitted.J_stderr.ravel(), fmt=".", lw=0.6, color="0.3")
right.axline((0, 0), slope=1, color="C3", lw=1)
right.set_xlabel("true coupling")
right.set_ylabel("fitted coupling, 2 standard errors")
plt.show()

# %%
finite = np.isfinite(fitted.J_stderr)
inside = (abs(fitted.model.J - J) < 2 * fitted.J_stderr)[finite]
print(f"{100 * inside.mean():.1f} % of {inside.size} couplings lie within 2 standard errors; 95 % are expected")

# %% [markdown]
# ## How far from equilibrium
#
# Three answers of different kinds. `exact` enumerates all states of the true network. `fitted_entropy_production`
# is the value of the fitted model, cross-fitted because a model evaluated on its own data sees an arrow of time in
# the noise. The bounds need no model: they say how much irreversibility the chosen observables prove.

# %%
thermodynamics = nq.thermodynamics
answers = {
    "true network (exact)": thermodynamics.exact(truth),
    "fitted model (cross-fitted)": nq.inference.fitted_entropy_production(transitions),
    "maximum entropy (lower bound)": thermodynamics.MaxEntBound()(transitions),
    "quadratic (lower bound)": thermodynamics.QuadraticBound()(transitions),
}
for name, estimate in answers.items():
    print(f"{name:32s} {estimate.value:7.4f} +- {estimate.stderr:.4f} nats/bin  ({estimate.kind.value})")

# %% [markdown]
# ## Gradients
#
# Everything is differentiable: here, how the entropy production of the true network would respond to each of its
# couplings.

# %%
gradient = jax.grad(lambda model: thermodynamics.exact(nq.Parallel(model)).value)(truth.model)
nq.plot.couplings(gradient.J, unit_ids=list(range(units)))
plt.title("change of entropy production with each coupling")
plt.show()
