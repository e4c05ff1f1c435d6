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
# # The asymmetric Sherrington-Kirkpatrick model
#
# Take many spins that all act on each other with random strengths, where the pull of $j$ on $i$ has nothing to do with
# that of $i$ on $j$. Such a network never comes to equilibrium: it keeps producing entropy. When the network is large
# everything about it can be computed exactly: Aguilera, Igarashi & Shimazaki, *Nonequilibrium thermodynamics of the
# asymmetric Sherrington-Kirkpatrick model*, Nat. Commun. 14, 3685 (2023).

# %% tags=["parameters"]
networks, sizes, seed = 32, (32, 64), 1

# %%
import dataclasses

import jax
import matplotlib.pyplot as plt
import numpy as np

import nonequil as nq

jax.config.update("jax_enable_x64", True)
rule = nq.sk.SKRule.resolving(4.0)  # one accuracy for the whole notebook, so that few programs are compiled

# %% [markdown]
# ## The ensemble
#
# $J_{ij} = J_0 / N + \Delta J\, g_{ij} / \sqrt N$ with independent normal $g_{ij}$, and fields $H_i = H_0 + \Delta H\,
# u_i$. Spin $i$ becomes $+1$ with probability $1 / (1 + e^{-2 h_i})$, $h_i = \beta (H_i + \sum_j J_{ij} s_j)$. One
# object describes networks of every size: `sample` draws a finite one, the theory solves the infinite one.

# %%
sk = nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5, beta=2.0)
s = nq.sk.stationary(sk, rule=rule)
print(f"m = {s.m:.6f}, q = {s.q:.6f}, slopes of their maps: {s.stability.m:.3f}, {s.stability.q:.3f}")
print("a network of 6 spins, times N:")
print(np.round(6 * np.asarray(sk.sample(jax.random.key(seed), 6).J), 1))

# %% [markdown]
# $m$ is the mean spin, $q$ the overlap of the network with its own state long ago. Both clocks, all spins at once or
# one random spin at a time, have the same $m$ and $q$.
#
# ## Phase diagram
#
# A grid is one compiled program. It holds the order parameters, the entropies of a step forwards and backwards, the
# entropy production of both clocks, and for each point how its computation ended.

# %%
beta, dJ = np.linspace(0, 4, 81), np.linspace(0, 1, 21)
grid = nq.sk.phase_diagram(sk, beta=beta[None, :], dJ=dJ[:, None], sequential=True, rule=rule)
line = np.linspace(0.0, 0.79, 80)
critical_betas = jax.jit(jax.vmap(lambda x: nq.sk.critical_beta(dataclasses.replace(sk, dJ=x), throw=False)))(line)

figure, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained", gridspec_kw={"wspace": 0.08})
shown = {"$m$": grid.m, "$q$": grid.q, r"$\sigma/N$ (nats/step/spin)": grid.sigma}
for ax, (label, z) in zip(axes, shown.items(), strict=True):
    nq.plot.phase_map(
        beta,
        dJ,
        z,
        line=(critical_betas, line),
        limit=np.sqrt(2 / np.pi),
        square_root=z is grid.sigma,
        label=label,
        xlabel=r"$\beta$",
        ylabel=r"$\Delta J$",
        ax=ax,
    )
plt.show()

# %% [markdown]
# Below the dashed line the spins order; it ends at $\Delta J = \sqrt{2/\pi}\, J_0$, dotted. No spin-glass phase exists:
# $q$ vanishes together with $m$.
#
# ## Entropy production peaks at the transition
#
# Along $\beta$ the production rises in the disordered phase and falls in the ordered one. The kink between them is at
# the transition; with strong disorder it is a kink on a rising curve. A step of the parallel clock moves all spins, a
# sweep of the sequential clock one attempt a spin, and the latter produces less.

# %%
rows = np.searchsorted(dJ, [0.4, 0.5, 0.6, 0.7, 1.0])
names = [rf"$\Delta J$ = {x:g}" for x in dJ[rows]]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
nq.plot.curves(beta, grid.sigma[rows], names, xlabel=r"$\beta$", ylabel=r"$\sigma/N$ (nats/step/spin)", ax=left)
nq.plot.curves(
    beta, grid.sigma_sequential[rows], names, xlabel=r"$\beta$", ylabel=r"$\sigma/N$ (nats/sweep/spin)", ax=right
)
plt.show()
beta_c = nq.sk.critical_beta(sk)
at_peak = beta[np.argmax(grid.sigma[rows[1]])]
print(f"dJ = 0.5: the transition is at beta = {beta_c:.4f}, the highest point of the grid at {at_peak:.2f}")

# %% [markdown]
# Both are one formula, $\sigma/N = (\beta\, \Delta J)^2\, k\, (1 - o)$: $k$ is the mean gain of a spin and $o$ the
# overlap of its surroundings now with those when it was last redrawn. In parallel that is one step ago, and $o = q$.
# One by one, it was some random time ago, and $o$ averages the relaxation $C(t)$, which the theory gives too.

# %%
t = np.linspace(0, 6, 61)
C = nq.sk.correlation(sk, t, rule=rule)
o = 1 - nq.sk.entropy_production_rate(sk, clock=nq.Sequential, rule=rule).value / (s.variance * s.k)
ax = nq.plot.curves(t, C[None], xlabel="time (sweeps)", ylabel="$C(t)$")
ax.axhline(s.q, color="0.6", ls=":", label="$q$")
ax.axhline(o, color="0.6", ls="--", label="$o$ of the sequential clock")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## On the way there: a negative first flow
#
# All spins start up. In the first steps the network *takes* entropy from its surroundings: the flow is negative, while
# the entropy of the state itself grows by more. The second law concerns the sum.

# %%
start = nq.sk.transient(dataclasses.replace(sk, beta=1.5), m0=1.0, steps=8, rule=rule)
entropies = nq.sk.path_entropies(start)
for u, (m, flow) in enumerate(zip(start.m[1:], entropies.flow, strict=True), start=1):
    print(f"step {u}: m = {m:.4f}, flow to the surroundings {flow:+.5f} nats/spin")

# %% [markdown]
# ## Gradients, also at the transition
#
# Steady states are differentiated through the equations they solve. Here is how the entropy production responds to
# each parameter of the ensemble.


# %%
def production(sk, m0=1.0):
    return nq.sk.entropy_production_rate(sk, clock=nq.Parallel, m0=m0, rule=rule).value


slopes = jax.jit(jax.grad(production))
found = slopes(sk)
print(f"d sigma / d(beta, J0, dJ) = ({found.beta:.6f}, {found.J0:.6f}, {found.dJ:.6f})")

# %% [markdown]
# At $\beta_c$ the slope jumps. Which side is meant is a matter of the branch: started without magnetisation (`m0=0`)
# the network stays symmetric, and the slope is that of the disordered side; `m0=1` gives the ordered side. The
# magnetisation itself starts with an infinite slope, and the point says that it is marginal.

# %%
critical = dataclasses.replace(sk, beta=beta_c)
below, above = slopes(critical, 0.0).beta, slopes(critical, 1.0).beta
rise = jax.jit(jax.grad(lambda sk: nq.sk.stationary(sk, rule=rule).m))(critical).beta
print(f"d sigma / d beta at the transition: {below:.5f} below, {above:.5f} above; d m / d beta = {rise}")
marginal = nq.sk.stationary(critical, rule=rule).result
print(nq.RESULTS[marginal])

# %% [markdown]
# ## Finite networks
#
# Freshly drawn networks of some tens of spins, under both clocks, beside the theory. Errors are those between networks;
# what remains is an effect of size, which `extrapolate_in_size` takes off to leading order.

# %%
betas = np.linspace(0.5, 4, 8)
strong = np.searchsorted(dJ, 1.0)
figure, panels = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
theory = {nq.Parallel: grid.sigma[strong], nq.Sequential: grid.sigma_sequential[strong]}
for ax, (clock, exact) in zip(panels, theory.items(), strict=True):
    at = [dataclasses.replace(sk, dJ=1.0, beta=b) for b in betas]
    plan = {"networks": networks, "chunk": networks, "steps": 64, "key": jax.random.key(seed)}
    runs = [[nq.sk.disorder_average(x, n, clock, **plan).entropy_production for x in at] for n in sizes]
    values, errors = (np.array([[getattr(e, name) for e in row] for row in runs]) for name in ("value", "stderr"))
    unit = runs[0][0].unit.value
    nq.plot.sizes(
        betas, values, errors, np.array(sizes), (beta, exact), xlabel=r"$\beta$", ylabel=rf"$\sigma/N$ ({unit})", ax=ax
    )
    ax.set_title(clock.__name__)
    large = nq.sk.extrapolate_in_size(runs[-2][3], runs[-1][3])
    print(
        f"{clock.__name__:10s} beta = {betas[3]:g}: n to infinity {large.value:.4f} +- {large.stderr:.4f}, "
        f"theory {np.interp(betas[3], beta, exact):.4f} {unit}"
    )
panels[0].legend(frameon=False)
plt.show()

# %% [markdown]
# ## The inverse problem
#
# Read backwards, the theory tells the couplings of a network from what it does. Measured: magnetisation, overlap and
# entropy production, each with an error of 0.005. Found: $\beta J_0$ and $\beta\, \Delta J$, with the errors that
# follow.

# %%
sigma = nq.sk.entropy_production_rate(sk, clock=nq.Parallel, rule=rule).value
recovered = nq.sk.recover(s.m, s.q, sigma, stderr=(0.005, 0.005, 0.005), rule=rule)
print(f"beta J0 = {recovered.ensemble.J0:.3f} +- {recovered.J0_stderr:.3f} (true: {sk.beta * sk.J0:g})")
print(f"beta dJ = {recovered.ensemble.dJ:.3f} +- {recovered.dJ_stderr:.3f} (true: {sk.beta * sk.dJ:g})")
