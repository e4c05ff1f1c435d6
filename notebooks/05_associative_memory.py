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
# # Associative memories: what they hold, how they recall, what it costs
#
# A Hopfield network is kept here as its patterns $\xi$ and a small matrix $A$ that says which pattern drives which:
# $J = \xi^T A\, \xi / n$ is never written out.

# %%
import jax
import jax.numpy as jnp
import jax.random as jr
import matplotlib.pyplot as plt
import numpy as np

import nonequil as nq

jax.config.update("jax_enable_x64", True)

# %% [markdown]
# ## A sequence, recalled by all spins at once
#
# With $A$ a shift each pattern drives the next. The overlaps of infinitely many spins follow a map; its cycle of three
# patterns produces $\beta m^2$ nats of entropy a step and spin.

# %%
ensemble = nq.Hebbian(3, A=nq.memory.sequence(3), beta=1.5)


def step(m):
    return nq.memory.OverlapMap()(m, ensemble)


cycle = nq.numerics.maps.periodic_orbit(step, jnp.array([0.9, 0.0, 0.0]), 3)
m = cycle.states[0, 0]
print("overlap", m, "production", nq.memory.entropy_production(ensemble, cycle.states).value, "beta m^2", 1.5 * m**2)

memory = ensemble.sample(jr.key(0), 10_000)
clock, x0 = nq.Parallel(memory), memory.xi[:1].astype(jnp.int8)
flow = nq.Mean(lambda x, x_next: nq.thermodynamics.entropy_flow(clock, x, x_next) / memory.n)
_, (record, average) = nq.simulate(clock, x0, steps=30, key=jr.key(1), observers=(nq.Record(), flow))
print("10,000 spins:", average.value)
plt.plot(nq.memory.overlaps(memory, record.x_next), "o-", ms=3)
plt.xlabel("step"), plt.ylabel("overlap with each pattern")
plt.show()

# %% [markdown]
# The same recall can cost less. Gradients through the overlaps find the matrix that dissipates least for what it
# recalls: some of the last pattern is kept.

# %%
for price in (3.0, 8.0, 20.0):
    design = nq.memory.design_recall(3, price, beta=2.0)
    plain = design.recall * jnp.arctanh(design.recall)
    print(f"recall {design.recall:.3f}: {design.production.value:.3f} nats/step/spin, a plain sequence {plain:.3f}")

# %% [markdown]
# ## Two patterns that take turns
#
# Spins that are redrawn one by one do not recall that sequence. But two patterns that drive each other with opposite
# signs take turns, if the drive is strong enough (Xue et al., arXiv 2501.00983, 2025).

# %%
for b in (1.0, 1.5, 2.5):
    pair = nq.Hebbian(2, A=jnp.array([[2.0, b], [-b, 2.0]]))
    turn = nq.memory.overlap_cycle(pair, jnp.array([0.5, 0.1]))
    sigma = nq.memory.entropy_production(pair, turn.states, clock=nq.Sequential)
    plt.plot(*turn.states.T, label=f"b = {b}: period {turn.period:.2f}, {sigma.value:.2f} nats/sweep/spin")
plt.xlabel("$m_1$"), plt.ylabel("$m_2$"), plt.axis("equal"), plt.legend(fontsize="small")
plt.show()

# %% [markdown]
# ## How many patterns
#
# At a finite load $\alpha = p/n$ the replica-symmetric saddle point of Amit, Gutfreund and Sompolinsky holds up to
# $\alpha_c = 0.1379$ patterns a spin, sequences under parallel steps up to 0.2691.

# %%
T = np.linspace(0.0, 1.0, 41)
for name, line in (("patterns", nq.memory.capacity), ("sequence", nq.memory.sequence_capacity)):
    plt.plot(T, [line(t) for t in T], label=f"{name}: {line(0.0):.6f} at T = 0")
plt.xlabel("temperature"), plt.ylabel("largest load"), plt.legend()
plt.show()
state = nq.memory.saddle_point(alpha=0.05, T=0.4)
print("overlap", state.m, "free energy", state.f, "stable against the breaking of replicas:", state.replicon > 0)

# %%
recall = nq.memory.sequence_transient(alpha=0.2, T=0.1, m0=0.5, steps=12)
long = nq.Hebbian(400, A=nq.memory.sequence(400), beta=10.0).sample(jr.key(2), 2000)
x0 = (long.xi[0] * jnp.where(jr.uniform(jr.key(3), (2000,)) < 0.75, 1, -1)).astype(jnp.int8)
_, (seen,) = nq.simulate(nq.Parallel(long), x0[None], steps=12, key=jr.key(4), observers=(nq.Record(),))
m = jnp.diag(nq.memory.overlaps(long, seen.x_next)[:, 1:13])
plt.plot(recall.m, label="infinitely many spins"), plt.plot(np.arange(1, 13), m, "o", label="one network of 2,000")
plt.xlabel("step"), plt.ylabel("overlap with the pattern in turn"), plt.legend()
plt.show()

# %% [markdown]
# ## Modern networks
#
# With one soft-max over the patterns real vectors are retrieved, exponentially many: one update is attention. Below the
# storage threshold the first update is the best; the resting state is a mean of patterns.

# %%
patterns = jr.normal(jr.key(5), (10, 20))
x = patterns[0] + 0.3 * jr.normal(jr.key(6), (20,))
for beta in (0.2, 1.0, 5.0):
    modern = nq.ModernHopfield(patterns, beta)
    one, rest = nq.memory.retrieve(modern, x, updates=1), nq.memory.retrieve(modern, x)
    away = [float(jnp.linalg.norm(y - patterns[0])) for y in (x, one.x, rest.x)]
    print(f"beta {beta}: attends to {modern.effective_patterns(x):.1f} patterns; distance {away[0]:.2f} at first, "
          f"{away[1]:.2g} after one update, {away[2]:.2g} after {rest.updates}")  # fmt: skip

# %% [markdown]
# ## Curved networks
#
# If the inverse temperature falls with the energy, the transition becomes explosive (Aguilera et al., 2025): for
# $\gamma < -2/3$ ordered and disordered states coexist between two spinodals.

# %%
overlap = jnp.linspace(1e-3, 0.999, 400)
for gamma in (0.5, 0.0, -2 / 3, -1.2):
    beta = jax.vmap(nq.memory.curved_beta, (0, None))(overlap, gamma)
    plt.plot(beta, overlap, label=rf"$\gamma$ = {gamma:.2f}")
found = nq.memory.spinodals(-1.2)
plt.axvspan(found.lower, found.upper, alpha=0.15), plt.axvline(found.coexistence, ls=":")
law = nq.memory.curved_law(200, beta=found.coexistence, gamma=-1.2)
plt.xlim(0.6, 1.6), plt.xlabel(r"$\beta$"), plt.ylabel("overlap"), plt.legend()
plt.show()
plt.plot(law.m, law.p)
plt.xlabel("overlap of 200 spins at coexistence"), plt.ylabel("probability")
plt.show()
