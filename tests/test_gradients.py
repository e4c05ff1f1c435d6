"""Every public function that is differentiable in principle, against central differences in float64.

One row a function: what is differentiated, in which array, with which step, to which relative tolerance. A public
function that is in neither table fails the last test.
"""

import inspect
import operator
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq

N = 4
RNG = np.random.default_rng(0)
J, H = jnp.asarray(0.6 * RNG.normal(size=(N, N))), jnp.asarray(0.3 * RNG.normal(size=N))
BUMP, RING = RNG.normal(size=16), 0.6 * RNG.normal(size=2 * N)
OFF_DIAGONAL, STABLE = (jnp.asarray(A) for A in (np.asarray(J) * (1 - np.eye(N)), np.asarray(J) - 2 * np.eye(N)))
LAGGED = jnp.asarray(np.stack([J, 0.5 * np.asarray(J)]))
SPINS = RNG.choice(np.array([-1, 1], np.int8), size=(40, N))
STATES, PAIRS = jnp.asarray(SPINS), nq.Transitions(jnp.asarray(SPINS[:-1]), jnp.asarray(SPINS[1:]))
ONE, OTHER = jnp.asarray(SPINS[0]), jnp.asarray(SPINS[0] * np.array([1, -1, 1, 1], np.int8))
ATTEMPTS = nq.Attempts(SPINS, RNG.random(SPINS.shape) < 0.4).transitions()
WINDOW = jnp.asarray(0.3 * BUMP[:12].reshape(4, 1, 3))
MEANS, LAW = jnp.asarray(np.linspace(-0.5, 0.6, N)), jnp.asarray(RNG.dirichlet(np.ones(2**N)))


def model(J):
    return nq.Ising(J, H)


def sparse(weights):
    """A ring: two couplings a spin."""
    i = np.arange(N)
    return nq.SparseIsing.from_edges(np.r_[i, i], np.r_[i - 1, i + 1] % N, weights, H)


def production(clock):
    return lambda J: nq.thermodynamics.exact(clock(model(J))).value


def closure_gradient(closure):
    return lambda J: jnp.sum(BUMP[:N] * nq.meanfield.solve(closure, model(0.5 * J)).q)


def infinite(x):
    """An ensemble in its ordered phase, from J0, dJ, H0, dH, beta."""
    return nq.SherringtonKirkpatrick(*x)


COARSE = nq.sk.SKRule(nq.numerics.HermiteSeries(64, nq.numerics.Trapezoid(105, 12.0)), 12)
ORDERED = jnp.array([1.0, 0.5, 0.1, 0.4, 1.5])


def logistic(r):
    return lambda x: r * x * (1 - x)


def two_cycle(r):
    cycle = MAPS.periodic_orbit(logistic(r), 0.5, 2)
    return cycle.states[0] + cycle.multipliers[0].real


MAPS = nq.numerics.maps
TWO_CYCLE = jnp.array(3.3)


def tokens(x):
    """A self-attention network, from beta, gamma, eps."""
    return nq.attention.standard(beta=x[0], gamma=x[1], eps=x[2])


def held(spins, hold):
    return spins, jnp.asarray(hold)


TURNING, SMALL_RATE = jnp.array([[2.0, 1.4], [-1.5, 1.9]]), jnp.array([1.0, 0.1])


def turning(A):
    """Two patterns that take turns: the cycle of their overlaps."""
    memory = nq.Hebbian(2, A=A)
    return memory, nq.memory.overlap_cycle(memory, 0.5 * SMALL_RATE, transient=60.0, longest=15.0, dt=0.1, steps=64)


class Row(NamedTuple):
    name: str
    function: Callable
    leaf: jax.Array
    step: float = 1e-5
    tolerance: float = 1e-6


ROWS = [
    Row("models.Ising.field", lambda J: BUMP[:N] @ model(J).field(ONE), J),
    Row("models.Ising.site_field", lambda J: model(J).site_field(ONE, 2), J),
    Row("models.LaggedIsing.field", lambda J: BUMP[:N] @ nq.LaggedIsing(J, H).field(STATES[:2]), LAGGED),
    Row(
        "ensembles.SherringtonKirkpatrick.sample",
        lambda b: jnp.sum(nq.SherringtonKirkpatrick(J0=0.3, dJ=b, H0=0.1, dH=b, beta=b).sample(jr.key(0), N).J ** 2),
        jnp.array(0.8),
    ),
    Row(
        "ensembles.Diluted.sample",
        lambda b: jnp.sum(nq.Diluted(k=2.0, dJ=b).sample(jr.key(0), N).J ** 2),
        jnp.array(0.8),
    ),
    Row("models.SparseIsing.field", lambda w: BUMP[:N] @ sparse(w).field(ONE), RING),
    Row("models.SparseIsing.site_field", lambda w: sparse(w).site_field(ONE, 2), RING),
    Row("dynamics.ColouredSweep.log_prob", lambda w: nq.ColouredSweep(sparse(w)).log_prob(ONE, STATES[1]), RING),
    Row("dynamics.Parallel.log_prob", lambda J: nq.Parallel(model(J)).log_prob(ONE, STATES[1]), J),
    Row("dynamics.Sequential.log_prob, a flip", lambda J: nq.Sequential(model(J)).log_prob(ONE, OTHER), J),
    Row("dynamics.Snapshots.log_prob", lambda J: nq.Snapshots(model(J), dt=1.3).log_prob(ONE, OTHER), J),
    Row(
        "dynamics.Snapshots.log_prob, its time",
        lambda t: nq.Snapshots(model(J), dt=t).log_prob(ONE, OTHER),
        jnp.array(1.3),
    ),
    Row("dynamics.Sequential.log_prob, no flip", lambda J: nq.Sequential(model(J)).log_prob(ONE, ONE), J),
    Row(
        "dynamics.ContinuousTime.log_prob",
        lambda J: nq.ContinuousTime(model(J)).log_prob(held(ONE, 0.3), held(OTHER, 0.7)),
        J,
    ),
    Row(
        "dynamics.Thinning.log_prob",
        lambda J: nq.Thinning(model(J), lambda t: t * jnp.ones(N)).log_prob(held(ONE, 0.3), held(OTHER, 0.7)),
        J,
    ),
    Row(
        "dynamics.Autoregressive.log_prob",
        lambda J: nq.Autoregressive(nq.LaggedIsing(J, H), lags=2).log_prob(STATES[:2], STATES[1:3]),
        LAGGED,
    ),
    Row(
        "numerics.fixed_point",
        lambda a: nq.numerics.fixed_point(lambda x, a: jnp.cos(a * x), 1.0, a).value,
        jnp.array(0.7),
    ),
    Row("numerics.root", lambda a: nq.numerics.root(lambda x, a: x**3 - a, (0.0, 3.0), a).value, jnp.array(2.0)),
    Row("numerics.Trapezoid.mean", lambda v: nq.numerics.Trapezoid(64).mean(jnp.tanh, 0.3, v), jnp.array(0.9)),
    Row("numerics.Hermite.mean", lambda v: nq.numerics.Hermite(32).mean(jnp.tanh, 0.3, v), jnp.array(0.4)),
    Row("numerics.owens_t", lambda x: nq.numerics.owens_t(x[0], x[1]), jnp.array([0.4, 1.3])),
    Row("numerics.smooth_step", lambda x: nq.numerics.smooth_step(*x), jnp.array([0.4, 0.7, 0.3])),
    Row("numerics.smooth_bell", lambda x: nq.numerics.smooth_bell(*x), jnp.array([0.4, 0.3, 0.7])),
    Row(
        "numerics.scalar_fixed_point",
        lambda a: nq.numerics.scalar_fixed_point(lambda x, a: jnp.tanh(a * x), 1.0, a, bracket=(-1.0, 1.0)).value,
        jnp.array(1.3),
    ),
    Row("numerics.maps.advance", lambda r: MAPS.advance(logistic(r), 0.3, 5), TWO_CYCLE),
    Row("numerics.maps.iterate", lambda r: jnp.sum(MAPS.iterate(logistic(r), 0.3, 4, every=2)[1]), TWO_CYCLE),
    Row("numerics.maps.lyapunov", lambda r: MAPS.lyapunov(logistic(r), 0.3, steps=80).value[0], TWO_CYCLE),
    Row("numerics.maps.periodic_orbit", two_cycle, TWO_CYCLE),
    Row("numerics.maps.floquet", lambda x: MAPS.floquet(logistic(x[0]), x[1], 2)[0].real, jnp.array([3.3, 0.4])),
    Row(
        "numerics.maps.critical_value",
        lambda s: MAPS.critical_value(lambda r: logistic(s * r), 0.6, (2.5, 3.3)).value,
        jnp.array(1.1),
    ),
    Row("numerics.maps.power_spectrum", lambda x: BUMP[:5] @ MAPS.power_spectrum(x).power, BUMP[:8]),
    Row("numerics.maps.autocorrelation", lambda x: BUMP[:5] @ MAPS.autocorrelation(x), BUMP[:8]),
    Row("simulation.enumerate_states", lambda J: BUMP @ nq.enumerate_states(nq.Parallel(model(J))).stationary, J),
    Row(
        "statistics.fold",
        lambda J: nq.statistics.fold((nq.Mean(lambda x, y: nq.Parallel(model(J)).log_prob(x, y)),), PAIRS)[0].value,
        J,
    ),
    Row("statistics.block_mean", lambda v: nq.statistics.block_mean(v**2, PAIRS)[0], np.linspace(0.1, 1, 39)),
    Row(
        "meanfield.attention_trajectory",
        lambda x: jnp.sum(nq.attention.trajectory(tokens(x), steps=3).mu[2] * BUMP[:3]),
        jnp.array([1.3, 9.0, 0.1]),
    ),
    Row(
        "meanfield.state_of_window",
        lambda x: jnp.sum(nq.attention.state_of_window(tokens(x), WINDOW).keys ** 2),
        jnp.array([1.3, 9.0, 0.1]),
    ),
    Row(
        "thermodynamics.attention_entropy_production",
        lambda x: nq.attention.entropy_production(tokens(x), steps=8, transient=4).value,
        jnp.array([1.3, 9.0, 0.1]),
    ),
    Row("meanfield.solve, Independent", closure_gradient(nq.meanfield.Independent()), J),
    Row("meanfield.solve, TAP", closure_gradient(nq.meanfield.TAP()), J),
    Row(
        "meanfield.transient",
        lambda J: jnp.sum(nq.meanfield.transient(nq.meanfield.TAP(), model(J), jnp.zeros(N), 5)[-1] * BUMP[:N]),
        J,
    ),
    Row(
        "meanfield.critical_beta",
        lambda x: nq.sk.critical_beta(nq.SherringtonKirkpatrick(x[0], x[1], dH=x[2]), throw=False),
        jnp.array([1.0, 0.4, 0.5]),
    ),
    Row("meanfield.critical_dJ", lambda x: nq.sk.critical_dJ(*x, throw=False), jnp.array([1.0, 0.5])),
    Row("meanfield.critical_dH", lambda x: nq.sk.critical_dH(*x, throw=False), jnp.array([1.0, 0.5])),
    Row(
        "meanfield.zero_temperature",
        lambda x: nq.sk.zero_temperature(nq.SherringtonKirkpatrick(*x)).q,
        jnp.array([1.0, 0.5, 0.1, 0.4]),
    ),
    Row("meanfield.sk_stationary", lambda x: nq.sk.stationary(infinite(x), rule=COARSE).q, ORDERED),
    Row(
        "meanfield.sk_correlation",
        lambda x: nq.sk.correlation(infinite(x), x[0], rule=COARSE),
        ORDERED,
    ),
    Row("meanfield.relaxation", lambda x: nq.sk.relaxation(nq.sk.stationary(infinite(x), rule=COARSE)).rate, ORDERED),
    Row("meanfield.sk_transient", lambda x: nq.sk.transient(infinite(x), 0.8, 3, rule=COARSE).q[3, 2], ORDERED),
    Row(
        "thermodynamics.sk_path_entropies",
        lambda x: nq.sk.path_entropies(nq.sk.stationary(infinite(x), rule=COARSE)).reverse,
        ORDERED,
    ),
    Row(
        "thermodynamics.sk_entropy_production_rate",
        lambda x: nq.sk.entropy_production_rate(infinite(x), nq.Sequential, rule=COARSE).value,
        ORDERED,
    ),
    Row(
        "thermodynamics.populations_entropy_production",
        lambda x: (
            nq.sk.populations_entropy_production(
                nq.BlockSherringtonKirkpatrick(x, jnp.abs(x), x[0], jnp.abs(x[1]), [0.3, 0.7]),
                nq.sk.Populations(COARSE),
            ).value
        ),
        jnp.array([[0.4, -0.6], [0.7, 0.2]]),
    ),
    Row(
        "thermodynamics.entropy_flow",
        lambda J: nq.thermodynamics.entropy_flow(nq.Parallel(model(J)), ONE, STATES[2]),
        J,
    ),
    Row(
        "thermodynamics.flow_over_outcomes",
        lambda J: nq.thermodynamics.flow_over_outcomes(nq.Sequential(model(J)), ONE, OTHER),
        OFF_DIAGONAL,
    ),
    Row(
        "thermodynamics.flow_over_sites",
        lambda J: nq.thermodynamics.flow_over_sites(nq.Parallel(model(J)), ONE, STATES[1]),
        J,
    ),
    Row(
        "thermodynamics.stationary_flow, parallel",
        lambda J: nq.thermodynamics.stationary_flow(nq.Parallel(model(J)), ONE, STATES[1]),
        J,
    ),
    Row(
        "thermodynamics.stationary_flow, sequential",
        lambda J: nq.thermodynamics.stationary_flow(nq.Sequential(model(J * (1 - jnp.eye(N)))), ONE, OTHER),
        J,
    ),
    Row(
        "meanfield.field_variance",
        lambda J: BUMP[:N] @ nq.meanfield.field_variance(MEANS, model(J)),
        J,
    ),
    Row(
        "thermodynamics.independent_entropy_flow",
        lambda J: nq.thermodynamics.independent_entropy_flow(model(J), MEANS, 0.5 * MEANS).value,
        J,
    ),
    Row(
        "thermodynamics.mean_field_entropy_production",
        lambda J: nq.thermodynamics.mean_field_entropy_production(model(J)).value,
        J,
    ),
    Row("numerics.extended_log", lambda p: jnp.sum(jnp.where(p > 0, nq.numerics.extended_log(p), 0)), BUMP**2 + 0.1),
    Row("numerics.lyapunov", lambda A: jnp.sum(BUMP.reshape(4, 4) * nq.numerics.lyapunov(A, jnp.eye(N))), STABLE),
    Row("simulation.stationary_law", lambda J: BUMP[:N] @ nq.simulation.stationary_law(nq.JumpProcess(J**2))[0], J),
    Row(
        "dynamics.jump_process",
        lambda J: nq.thermodynamics.balance(nq.dynamics.jump_process(nq.ContinuousTime(model(J)))).production,
        OFF_DIAGONAL,
    ),
    Row(
        "thermodynamics.balance",
        lambda J: nq.thermodynamics.balance(nq.enumerate_states(nq.Parallel(model(J))), LAW).housekeeping,
        J,
    ),
    Row(
        "thermodynamics.flow_by_site",
        lambda J: BUMP[:N] @ nq.thermodynamics.flow_by_site(nq.Parallel(model(J)), ONE, STATES[2]),
        J,
    ),
    Row(
        "thermodynamics.production_by_site",
        lambda J: (
            BUMP[:N] @ nq.thermodynamics.production_by_site(nq.enumerate_states(nq.Sequential(model(J))), LAW).value
        ),
        OFF_DIAGONAL,
    ),
    Row(
        "thermodynamics.linear_entropy_production",
        lambda A: nq.thermodynamics.linear_entropy_production(nq.OrnsteinUhlenbeck(A, jnp.eye(N))).value,
        STABLE,
    ),
    Row(
        "thermodynamics.linear_entropy_production_at_lag",
        lambda A: nq.thermodynamics.linear_entropy_production_at_lag(nq.OrnsteinUhlenbeck(A, jnp.eye(N), 0.7)).value,
        STABLE,
    ),
    Row("thermodynamics.neural_gain", lambda s: nq.thermodynamics.neural_gain(s, LAW), BUMP),
    Row("thermodynamics.donsker_varadhan_gain", lambda s: nq.thermodynamics.donsker_varadhan_gain(s, LAW), BUMP),
    Row(
        "thermodynamics.path_production",
        lambda path: nq.thermodynamics.path_production(lambda x: x[0] ** 2 * x[1], path),
        BUMP[:2],
    ),
    Row("thermodynamics.exact, parallel", production(nq.Parallel), J),
    Row(
        "thermodynamics.exact, coloured sweep",
        lambda w: nq.thermodynamics.exact(nq.ColouredSweep(sparse(w))).value,
        RING,
    ),
    Row("thermodynamics.exact, sequential", production(nq.Sequential), OFF_DIAGONAL),
    Row("thermodynamics.exact, continuous time", production(nq.ContinuousTime), OFF_DIAGONAL),
    Row(
        "thermodynamics.MeanFlow, parallel", lambda J: nq.thermodynamics.MeanFlow(nq.Parallel(model(J)))(PAIRS).value, J
    ),
    Row(
        "thermodynamics.MeanFlow, sequential",
        lambda J: nq.thermodynamics.MeanFlow(nq.Sequential(model(J)))(ATTEMPTS).value,
        OFF_DIAGONAL,
    ),
    Row(
        "thermodynamics.sk_entropy_production_slope",
        lambda x: nq.sk.entropy_production_slope(nq.SherringtonKirkpatrick(*x), nq.Sequential).value,
        jnp.array([1.0, 0.5, 0.1, 0.4]),
    ),
    Row("models.Hopfield.field", lambda A: BUMP[:N] @ nq.Hopfield(STATES[:N], A, H=H).field(ONE), J),
    Row("models.Hopfield.site_field", lambda A: nq.Hopfield(STATES[:N], A, H=H).site_field(ONE, 2), J),
    Row(
        "models.DenseMemory.field",
        lambda b: BUMP[:N] @ nq.DenseMemory(STATES[:N], nq.memory.Exponential(), b).field(ONE),
        jnp.array(0.3),
    ),
    Row("models.ModernHopfield.energy", lambda J: nq.ModernHopfield(J, 1.3).energy(H), J),
    Row("models.retrieve", lambda J: BUMP[:N] @ nq.memory.retrieve(nq.ModernHopfield(J, 2.0), H).x, J),
    Row("models.retrieval_bound", lambda J: BUMP[:N] @ nq.memory.retrieval_bound(nq.ModernHopfield(J, 0.5)), J),
    Row("models.one_update_bound", lambda J: nq.memory.one_update_bound(nq.ModernHopfield(J, 2.0), H, 1), J),
    Row("models.modern_capacity", lambda x: nq.memory.modern_capacity(20, *x)[1], jnp.array([1.0, 3.0, 0.01])),
    Row(
        "numerics.maps.runge_kutta",
        lambda r: MAPS.runge_kutta(lambda x: {"x": r * x["x"] * (1 - x["x"])}, {"x": r / 9}, 0.3)["x"],
        TWO_CYCLE,
    ),
    Row(
        "numerics.maps.flow_cycle",
        lambda r: (
            MAPS.flow_cycle(
                lambda x: jnp.array([x[1], (r - x[0] ** 2) * x[1] - x[0]]), SMALL_RATE, transient=60.0, longest=10.0
            ).period
        ),
        jnp.array(0.8),
    ),
    Row(
        "numerics.newton_root",
        lambda a: BUMP[:2] @ nq.numerics.newton_root(lambda x, a: x**2 + a * x[::-1] - 2, jnp.ones(2), a).value,
        jnp.array([0.7, 0.3]),
    ),
    Row("numerics.smooth_modulus", lambda x: nq.numerics.smooth_modulus(*x), jnp.array([0.4, 0.7, 0.3])),
    Row(
        "meanfield.sequence_transient", lambda x: nq.memory.sequence_transient(*x, 3).m[-1], jnp.array([0.2, 0.1, 0.5])
    ),
    Row("meanfield.sequence_stationary", lambda x: nq.memory.sequence_stationary(*x).m, jnp.array([0.2, 0.1])),
    Row("meanfield.sequence_capacity", nq.memory.sequence_capacity, jnp.array(0.3)),
    Row("meanfield.capacity", nq.memory.capacity, jnp.array(0.3)),
    Row("meanfield.global_capacity", nq.memory.global_capacity, jnp.array(0.3)),
    Row("meanfield.retrieval_temperature", nq.memory.retrieval_temperature, jnp.array(0.05)),
    Row("meanfield.spin_glass_temperature", nq.memory.spin_glass_temperature, jnp.array(0.05)),
    Row("meanfield.bare_beta", lambda x: nq.memory.bare_beta(*x), jnp.array([1.2, -0.4, -1.1])),
    Row("meanfield.curved_beta", lambda x: nq.memory.curved_beta(*x), jnp.array([0.7, -1.2])),
    Row("meanfield.curved_potential", lambda x: nq.memory.curved_potential(*x), jnp.array([0.7, 0.9, -1.2])),
    Row("meanfield.curved_law", lambda x: nq.memory.curved_law(6, *x).p @ BUMP[:7], jnp.array([0.9, -1.2])),
    Row("meanfield.curved_glass", lambda x: nq.memory.curved_glass(*x).beta, jnp.array([1.5, -1.2])),
    Row("meanfield.spinodals", lambda g: nq.memory.spinodals(g).lower + nq.memory.spinodals(g).m, jnp.array(-1.2)),
    Row("meanfield.overlap_cycle", lambda A: turning(A)[1].period, TURNING),
    Row("meanfield.overlap_drift", lambda A: BUMP[:2] @ nq.memory.overlap_drift(SMALL_RATE, nq.Hebbian(2, A)), TURNING),
    Row(
        "thermodynamics.overlap_entropy_production, of the drift",
        lambda A: nq.memory.entropy_production(turning(A)[0], turning(A)[1].states, clock=nq.Sequential).value,
        TURNING,
    ),
    Row(
        "thermodynamics.overlap_entropy_production",
        lambda A: nq.memory.entropy_production(nq.Hebbian(2, A), J[:3, :2], throw=False).value,
        TURNING,
    ),
    Row(
        "inference.negative_log_likelihood",
        lambda J: nq.inference.negative_log_likelihood(nq.Parallel(model(J)), PAIRS),
        J,
    ),
]

WITHOUT_GRADIENT = {
    "meanfield.attention_critical_beta": "`maps.critical_value`, which has a row; its own test differentiates it",
    "meanfield.attention_cycle": "`maps.periodic_orbit`, which has a row",
    "meanfield.attention_lyapunov": "`maps.lyapunov`, which has a row",
    "meanfield.attention_map": "a map",
    "meanfield.global_retrieval_temperature": "the inverse of `global_capacity` by the root of `retrieval_temperature`",
    "meanfield.saddle_point": "its own test differentiates it: the energy is a derivative of the free energy",
    "numerics.along": "where arrays lie",
    "numerics.chain_keys": "random keys",
    "numerics.devices": "where arrays lie",
    "numerics.gathered": "where arrays lie",
    "numerics.mesh": "where arrays lie",
    "numerics.mesh_of": "where arrays lie",
    "numerics.over_devices": "a decorator; the functions it makes are differentiated as they are",
    "numerics.spread": "where arrays lie; the arrays stay the same",
    "numerics.exponentials": "random numbers",
    "numerics.integers": "random numbers",
    "numerics.threefry": "random numbers",
    "numerics.normals": "random numbers",
    "numerics.uniform_pairs": "random numbers",
    "numerics.uniforms": "random numbers",
    "numerics.uniforms_at": "random numbers",
    "numerics.exact_parts": "rounding",
    "numerics.ordered_sum": "rounding",
    "numerics.one_thread": "a limit on the threads of a function on the host",
    "numerics.maps.bifurcation_diagram": "runs of `iterate`",
    "numerics.maps.branch_fractions": "counts",
    "numerics.maps.classify": "a class",
    "numerics.maps.continuation": "runs of `iterate`",
    "numerics.maps.period": "a whole number",
    "numerics.maps.period_and_moments": "a label of branches",
    "numerics.maps.section": "a choice of points",
    "numerics.minimise": "reports a minimum; differentiate a minimum through `root` of its gradient",
    "numerics.krylov_radius": "a diagnosis of convergence",
    "numerics.spectral_radius": "a diagnosis of convergence",
    "dynamics.attempts": "spins are discrete",
    "dynamics.redrawn": "spins are discrete",
    "dynamics.exact_rows": "whole numbers",
    "dynamics.local_update": "whole numbers",
    "dynamics.site_update": "whole numbers",
    "dynamics.random_spins": "random spins",
    "dynamics.shared_attempts": "spins are discrete",
    "dynamics.sweep": "spins are discrete",
    "statistics.blocks": "labels",
    "statistics.block_sums": "a sum",
    "statistics.bootstrap": "random draws of blocks",
    "statistics.folds": "labels",
    "statistics.multiplicities": "random draws",
    "statistics.padded_chunks": "a cut",
    "statistics.time_reversed_blocks": "a surrogate of data",
    "statistics.trial_shuffle": "a surrogate of data",
    "statistics.update_all": "the step of `fold`",
    "statistics.weights": "data",
    "statistics.with_blocks": "labels",
    "simulation.advance": "spins are discrete; an observer's function is differentiated through `fold`",
    "simulation.finish": "spins are discrete",
    "simulation.simulate": "spins are discrete",
    "simulation.start": "spins are discrete",
    "simulation.totals": "spins are discrete",
    "inference.choose_l2": "a choice from a grid",
    "inference.cross_validate": "an estimate from data",
    "inference.false_discovery_rate": "ranks",
    "inference.fit_gradient": "reports a minimum",
    "inference.fitted_entropy_production": "an estimate from data",
    "inference.parametric_bootstrap": "random draws",
    "inference.with_own_history": "data arranged anew",
    "thermodynamics.cycles": "runs outside jit; its own test differentiates it",
    "thermodynamics.design_recall": "a minimum",
    "thermodynamics.disorder_average": "spins are discrete",
    "thermodynamics.extrapolate_in_size": "a difference of estimates",
    "thermodynamics.sk_phase_diagram": "arrays of known numbers; differentiate `sk_stationary`",
    "inference.recover_sk": "an estimate; the theory it fits is differentiable",
    "inference.maximise_sk_entropy_production": "a maximum",
    "thermodynamics.hierarchy": "estimates from data",
    "thermodynamics.is_population": "a question",
    "thermodynamics.order_parameters": "spins are discrete",
    "thermodynamics.sequence_entropy_production": "arithmetic on `sequence_stationary`, which has a row",
    "thermodynamics.reversal_null": "random draws",
    "thermodynamics.trajectory_production": "an estimate from data",
    "inference.fit": "an estimate from data; its loss, `negative_log_likelihood`, is differentiable",
}

LAYERS = (
    "numerics",
    "numerics.maps",
    "dynamics",
    "statistics",
    "simulation",
    "meanfield",
    "thermodynamics",
    "inference",
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_gradient_equals_central_differences(row):
    gradient = np.asarray(jax.jit(jax.grad(row.function))(row.leaf))
    assert np.all(np.isfinite(gradient))
    moves = row.step * jnp.eye(row.leaf.size).reshape(-1, *row.leaf.shape)
    value = jax.jit(jax.vmap(row.function))
    difference = (value(row.leaf[None] + moves) - value(row.leaf[None] - moves)) / (2 * row.step)
    scale = np.max(np.abs(gradient))
    assert scale > 1e-6, "a gradient that vanishes everywhere would pass any comparison"
    np.testing.assert_allclose(gradient.ravel(), difference, atol=row.tolerance * max(scale, 1e-3), rtol=0)


def test_every_public_function_has_a_row():
    rows = {row.name.split(",")[0] for row in ROWS}
    found = {
        f"{layer}.{name}"
        for layer in LAYERS
        for name, value in vars(operator.attrgetter(layer)(nq)).items()
        if not name.startswith("_") and inspect.isfunction(inspect.unwrap(value)) and not inspect.isclass(value)
    }
    missing = found - rows - set(WITHOUT_GRADIENT)
    assert not missing, f"without a row in the table of gradients: {sorted(missing)}"
    stale = {name for name in WITHOUT_GRADIENT if name not in found}
    assert not stale, f"listed without a gradient, but not public: {sorted(stale)}"
