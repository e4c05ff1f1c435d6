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
# # Self-attention: from a cycle through tori to chaos
#
# A network writes tokens of binary spins. The newest token attends to a window of earlier ones, and what it reads,
# $A$, is the field of the next token. With infinitely many spins the overlaps follow an exact map, whose attractors
# Poc-Lopez and Aguilera (arXiv 2406.07247, 2024) explored: here is their network of four tokens.

# %%
import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import matplotlib.pyplot as plt
import numpy as np

import nonequil as nq

jax.config.update("jax_enable_x64", True)
maps = nq.numerics.maps
net = nq.attention.standard(n_bits=2, beta=0.8)


def at(beta):
    return dataclasses.replace(net, beta=beta)


# %% [markdown]
# ## Tokens beside the mean field
#
# Spins of a class share their patterns, so a network of any size is known by how many spins of each class are up. Its
# distance from the mean field falls as $1/\sqrt{n}$: the last column stays the same.

# %%
steps, chains = 15, 50
exact = nq.attention.trajectory(net, steps=steps).mu
drive = nq.attention.Positions(net.window)
for n in (3_000, 300_000, 30_000_000):
    clock = nq.attention.ClassCounts(net, net.class_sizes(jr.key(0), n))
    x0 = jnp.broadcast_to(clock.first_window(), (chains, *clock.first_window().shape))
    _, (record,) = nq.simulate(clock, x0, steps=steps, key=jr.key(1), drive=drive, observers=(nq.Record(),))
    mu = jax.vmap(clock.overlaps)(record.x_next[:, -1])[:, 0, 0].reshape(chains, steps, -1)
    distance = np.sqrt(np.mean((mu - exact) ** 2))
    print(f"n = {n:>10,}: distance {distance:.2e}, times sqrt(n) {distance * np.sqrt(n):.2f}")

# %% [markdown]
# ## Where the forced cycle ends
#
# The positions force a cycle of four tokens. Its largest multiplier reaches modulus one at a critical beta, a root
# with gradients.

# %%
critical = nq.attention.critical_beta(net)
slope = jax.grad(lambda eps: nq.attention.critical_beta(dataclasses.replace(net, eps=eps)))(0.02)
print(f"critical beta {critical:.7f}; its derivative in eps {slope:.4f}")

# %% [markdown]
# ## Attractors and exponents
#
# Above it there is a torus, then chaos with windows of cycles. The largest exponent tells which: negative on a cycle,
# zero on a torus, positive in chaos.

# %%
betas = jnp.linspace(1.24, 1.28, 81)


def family(beta):
    return nq.attention.map(at(beta))


start = nq.attention.MeanField().init(net)


def attended(state):
    return state.attention.ravel()


last, attention = maps.bifurcation_diagram(family, start, betas, 200, transient=10_000, record=attended)


def lyapunov(beta, x):
    return nq.attention.lyapunov(at(beta), count=2, steps=2000, start=x)


exponents = jax.jit(jax.vmap(lyapunov))(betas, last)
figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(7, 5), height_ratios=(2, 1))
nq.plot.bifurcation_diagram(betas, attention[:, :, 0], critical=critical[None], ylabel="$A_1$", ax=above)
below.plot(betas, exponents.value[:, 0])
below.axhline(0, color="black", lw=0.6)
below.set(xlabel=r"$\beta$", ylabel=r"$\lambda_1$ (nats/step)")
# %% [markdown]
# ## A cycle in the midst of chaos

# %%
orbit = nq.attention.trajectory(at(1.27), steps=1000, transient=20_000)
wild = nq.attention.trajectory(at(1.28), steps=4000, transient=20_000)
print("period at beta = 1.27:", maps.period(orbit.mu), "tokens; at 1.28:", maps.period(wild.mu), "(none)")
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.5), layout="constrained")
nq.plot.section(wild.mu[:, 0], wild.mu[:, 1], marked=orbit.mu[:28, :2], xlabel=r"$\mu_1$", ylabel=r"$\mu_2$", ax=left)
spectrum = maps.power_spectrum(wild.mu[:, 0])
nq.plot.spectrum(spectrum.frequency, spectrum.power, ax=right)

# %% [markdown]
# ## The arrow of time in a tiny network
#
# Attention breaks reversibility by itself. Two spins a token and a window of two: with all four patterns the same,
# entropy is produced only if the softmax prefers one token to another ($\gamma > 0$).

# %%
S = np.array([[1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])
for gamma in (0.0, 3.0):
    tiny = nq.attention.from_patterns(S, S, S, S, window=2, beta=1.0, gamma=gamma)
    chain = nq.Autoregressive(tiny.sample(jr.key(0), 2))
    production = nq.thermodynamics.exact(chain)
    print(f"gamma = {gamma:g}: {production.value:.3e} nats a token")
