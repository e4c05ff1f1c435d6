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
# # Entropy production: exact values, bounds, and what data can show
#
# A film of an equilibrium system looks the same forwards and backwards. Entropy production measures by how much the
# film of another system does not: $\Sigma = \langle \ln p(\text{forwards}) / p(\text{backwards}) \rangle$ nats a step.
# Here it is first computed exactly, then bounded from below on the same systems, then estimated from samples, where
# two things go wrong that are easily overlooked.

# %% tags=["parameters"]
units, bins, seed = 6, 20_000, 0

# %%
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import jax.random as jr
import matplotlib.pyplot as plt
import numpy as np

import nonequil as nq

jax.config.update("jax_enable_x64", True)
thermodynamics = nq.thermodynamics

# %% [markdown]
# ## A ring
#
# Three states, a step forwards with probability $a$ and backwards with $b$: every step that does not stay puts $\pm
# \ln(a/b)$ into the surroundings, so $\Sigma = (a - b) \ln(a / b)$. A stationary chain is driven around cycles: the
# sum of current times affinity over them is the same number.

# %%
a, b = 0.6, 0.3
ring = nq.MarkovChain(jnp.array([[1 - a - b, a, b], [b, 1 - a - b, a], [a, b, 1 - a - b]]))
around = thermodynamics.cycles(ring)
print(f"exact      {thermodynamics.exact(ring).value:.6f} nats/step")
print(f"closed form {(a - b) * np.log(a / b):.6f}")
print(f"cycle: current {around.currents[0]:.3f} x affinity {around.affinities[0]:.4f} nats", end="")
print(f" = {around.currents @ around.affinities:.6f}")

# %% [markdown]
# ## A ratchet: two baths hide in one rate
#
# A particle jumps between two states; a hot and a cold bath both make it jump. Each bath alone obeys detailed balance
# and so does the sum of their rates, yet heat flows from one to the other without end. Only with the channels kept
# apart does the entropy production show.

# %%
hot, cold = jnp.array([[0, 2.0], [1.0, 0]]), jnp.array([[0, 0.2], [3.0, 0]])
apart, summed = nq.JumpProcess(jnp.stack([hot, cold])), nq.JumpProcess(hot + cold)
kept = thermodynamics.balance(apart)
print(f"channels apart:  {kept.production:.6f} nats per unit of time, by channel {np.round(kept.flow_by_channel, 4)}")
print(f"channels summed: {abs(thermodynamics.balance(summed).production):.6f}")

# %% [markdown]
# Away from its steady state a system produces entropy also by relaxing. The balance keeps the two apart:
# `housekeeping` is what it costs to stay out of equilibrium, `excess` what relaxing adds.

# %%
start = thermodynamics.balance(nq.enumerate_states(ring), law=jnp.array([1.0, 0, 0]))
print(f"production {start.production:.4f} = housekeeping {start.housekeeping:.4f} + excess {start.excess:.4f}")
print(f"           {start.production:.4f} = change of the law's entropy {start.entropy_change:.4f}", end="")
print(f" + flow {start.flow:.4f}")

# %% [markdown]
# ## A network of neurons, by enumeration
#
# Six units that fire in a few per cent of the bins. With $2^6$ states the stationary law is known, and so is
# everything else.

# %%
keys = jr.split(jr.key(seed), 4)
J = nq.SherringtonKirkpatrick(J0=0.0, dJ=0.6).sample(keys[0], units).J
rate = jr.uniform(keys[1], (units,), minval=0.03, maxval=0.10)
network = nq.Parallel(nq.Ising(J, jax.scipy.special.logit(rate) / 2 + J.sum(axis=1)))
enumeration = nq.enumerate_states(network)
population = enumeration.transitions()
sigma = thermodynamics.exact(network)
symmetric = nq.Parallel(nq.Ising((J + J.T) / 2, network.model.H))
print(f"entropy production {sigma.value:.5f} {sigma.unit.value} ({sigma.kind.value})")
print(f"the same with symmetric couplings: {abs(thermodynamics.exact(symmetric).value):.1e}")

# %% [markdown]
# ## Bounds that need no model
#
# Each takes transitions and nothing else. On the whole population they have no sampling error, so what they miss is
# what their observables cannot see. They come in an order: the uncertainty relation $\ln(1 + U)$ uses means and
# variances, one Newton step goes as far as a Gaussian would, `MaxEntBound` is the best that these observables allow,
# and counting whole states is exact here, because this network has no memory beyond one bin. (`QuadraticBound` is the
# uncertainty relation again; on data it removes its bias in another way, without folds.)

# %%
bounds = {
    "uncertainty relation": thermodynamics.ThermodynamicUncertainty(),
    "quadratic bound": thermodynamics.QuadraticBound(),
    "one Newton step": thermodynamics.OneStepNewton(),
    "maximum entropy": thermodynamics.MaxEntBound(),
    "counts of whole states": thermodynamics.WordCounts(order=1),
}
truth = {name: float(bound(population).value) for name, bound in bounds.items()}
for name, value in truth.items():
    print(f"{name:24s} {value:.5f}  ({value / sigma.value:6.1%} of the entropy production)")

# %% [markdown]
# ## The same bounds from a recording
#
# Now a run of the network, as if recorded. Each value is cross-fitted (the observable is chosen on some blocks and
# judged on others) and has a standard error between blocks. `floor` is $2 d / n$: what $d$ parameters fitted to $n$
# transitions of a system *at equilibrium* would pretend to see. Counts of whole states give no number: some word was
# seen in one direction alone, so that its ratio is infinite. More data or fewer units help, or a `pseudocount`.

# %%
silent = -jnp.ones((1, units), jnp.int8)
_, (run,) = nq.simulate(network, silent, steps=bins, key=keys[2], observers=(nq.Record(),), burn_in=200)
recording = nq.Transitions(np.asarray(run.x), np.asarray(run.x_next), unit=nq.Unit.per_bin)


def estimates(t):
    return {name: bound(t) for name, bound in bounds.items()}


found = estimates(recording)
for name, e in found.items():
    print(
        f"{name:24s} {e.value:.5f} +- {e.stderr:.5f}, population {truth[name]:.5f}, floor {e.floor:.5f} {e.unit.value}"
    )

# %%
figure, ax = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
place = np.arange(len(found))
ax.bar(place, list(truth.values()), color="0.85", label="population")
values, errors = (np.array([getattr(e, name) for e in found.values()]) for name in ("value", "stderr"))
ax.errorbar(place, values, errors, fmt="o", color="C3", capsize=4, label="recording")
ax.axhline(sigma.value, color="black", lw=1, label="entropy production")
ax.set_xticks(place, [name.replace(" ", "\n", 1) for name in found], fontsize="small")
ax.set_ylabel("nats/bin")
ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# ## What goes wrong: a value on its own data
#
# A bound evaluated on the transitions that chose its coefficients is too high, by about $2 d / n$ even at equilibrium.
# Here is a network with no arrow of time at all, the symmetric one, in shorter and shorter recordings. The in-sample
# value rises as the data get fewer and would be taken for irreversibility. The cross-fitted one falls below zero:
# coefficients made of noise do harm on data that did not choose them. (`MaxEntBound` shrinks such coefficients, by a
# ridge that is itself chosen on other blocks, and stays near zero.)

# %%
_, (still,) = nq.simulate(symmetric, silent, steps=bins, key=keys[3], observers=(nq.Record(),), burn_in=200)
states = np.asarray(still.x_next)
newton = thermodynamics.OneStepNewton()
lengths = [1_200, 4_800, 19_200]
cut = [newton(nq.Transitions(states[:n], states[1 : n + 1], unit=nq.Unit.per_bin)) for n in lengths]
for n, e in zip(lengths, cut, strict=True):
    inside = e.details["in_sample"]
    print(f"{n:6d} bins: in-sample {inside:.4f}, cross-fitted {e.value:+.4f} +- {e.stderr:.4f}, floor {e.floor:.4f}")

# %% [markdown]
# The test for an arrow of time turns whole blocks around at random: whatever arrow there is, its sign is then lost.
# The estimate stands far outside this null for the driven network, and inside for the symmetric one.

# %%
figure, panels = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
still_data = nq.Transitions(states[:-1], states[1:], unit=nq.Unit.per_bin)
for ax, (name, t) in zip(panels, {"driven": recording, "symmetric": still_data}.items(), strict=True):
    e = thermodynamics.QuadraticBound()(t)
    nq.plot.entropy_production(e.details["u"], e.details["u_stderr"], e.details["null"], floor=e.floor, ax=ax)
    ax.text(0.5, 0.95, f"{name}: p = {e.details['p_value']:.3f}", transform=ax.transAxes, ha="center", va="top")
    ax.locator_params("x", nbins=5)
    print(f"{name:10s} ln(1 + U) = {e.value:.5f} +- {e.stderr:.5f}, p = {e.details['p_value']:.3f}")
plt.show()

# %% [markdown]
# ## What goes wrong: too few data
#
# With $2 d / n$ above one half an estimator says nothing, and that is what it says: NaN, the reason, and the largest
# number of units that these data would do for. No number is made up.

# %%
few = newton(nq.Transitions(states[:60], states[1:61], unit=nq.Unit.per_bin))
print(f"value {few.value}, floor {few.floor:.2f}: {nq.RESULTS[few.result]}")
print(f"at most {few.details['largest_n_units']} units")

# %% [markdown]
# ## One spin at a time
#
# Where spins move one by one, the entropy production splits by the spin that flipped, and each part is bounded alone:
# `SiteFlips`. The coefficients tell the couplings, $\theta_{ij} - \theta_{ji} \approx J_{ij} - J_{ji}$, though nothing
# was fitted to the dynamics (Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026); `configs/entropy/spin_model.toml`
# draws their figure for networks too large to enumerate).

# %%
one_by_one = nq.Sequential(nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0).sample(keys[0], units))
attempts = nq.enumerate_states(one_by_one).transitions()
total = thermodynamics.exact(one_by_one)
by_site = thermodynamics.MaxEntBound(thermodynamics.SiteFlips())(attempts)
print(f"exact {total.value:.5f}, bound from flips {by_site.value:.5f} {total.unit.value}")
theta, pairs = by_site.details["theta"], np.triu_indices(units, 1)
true = one_by_one.model.J
nq.plot.agreement(
    (true - true.T)[pairs],
    (theta - theta.T)[pairs],
    xlabel="$J_{ij} - J_{ji}$",
    ylabel=r"$\theta_{ij} - \theta_{ji}$",
)
plt.show()

# %% [markdown]
# ## A real recording
#
# `NONEQUIL_DATA` may name a folder with spikes of 53 cells of the salamander retina (see CONTRIBUTING). Entropy
# production a bin grows with the bin's width, and so does the share of spikes that share a bin and are lost: one number
# means nothing without the other. `configs/entropy/recording.toml` does this for many subsets of units.

# %%
path = Path(os.environ.get("NONEQUIL_DATA", "/nowhere")) / "retina-salamander-lynn" / "Data_processed.mat"


def retina(stimulus=1):
    """The Brownian bar, a trial a segment."""
    import scipy.io

    content = scipy.io.loadmat(path)
    times, cells, lengths = (
        content[name][0, stimulus].ravel() for name in ("spike_times", "cell_IDs", "stimuli_lengths")
    )
    table = nq.data.SpikeTable(
        times=np.concatenate([t.ravel() for t in times]),
        unit=np.concatenate([c.ravel() for c in cells]),
        trial=np.repeat(np.arange(len(times)), [t.size for t in times]),
        unit_ids=np.arange(1, 54),
        trial_ids=np.arange(len(times)),
        epochs=np.array([[0.0, float(length.item())] for length in lengths]),
        source=str(path),
    )
    return nq.data.Raster.from_table(table, time_scale=0.001)


if path.exists():
    raster = retina()
    for width in (0.01, 0.02):
        binned = raster.bin(width)
        e = thermodynamics.QuadraticBound()(binned.transitions())
        spikes = binned.n_spikes / len(binned.spins)
        print(
            f"{1000 * width:g} ms: {e.value:.4f} +- {e.stderr:.4f} nats/bin, {e.per_second(width).value:.2f} nats/s, "
            f"{e.per_spike(spikes).value:.3f} nats/spike; {binned.clipped_fraction:.1%} of the spikes clipped"
        )
else:
    print("no recordings here: set NONEQUIL_DATA to see this part")
