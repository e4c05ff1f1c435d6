import tomllib
from pathlib import Path

import jax
import numpy as np
import pytest

import nonequil as nq
from nonequil.experiments import (
    SKDiagram,
    SKRaster,
    SKSizes,
    Stages,
    as_experiment,
    execute,
    read_experiment,
    read_result,
)
from nonequil.experiments._sk_theory import trusted

CONFIGS = Path(__file__).parents[2] / "configs" / "sk"
FIGURES = [f"fig{k}" for k in range(1, 7)]
DIAGRAM = SKDiagram(
    figure="small",
    dJ=0.5,
    beta={"start": 0.5, "stop": 2.0, "points": 4},
    map_dJ={"start": 0.5, "stop": 1.0, "points": 3, "quantities": ["q_minus_m2", "sigma"]},
    map_dH={"start": 0.0, "stop": 0.5, "points": 2, "quantities": ["S"]},
    curves={"values": [0.5, 1.0], "points": 4},
    zero_temperature={"vary": "dJ", "start": 0.5, "stop": 1.0, "points": 2},
    clock="sequential",
)
SIZES = SKSizes(figure="small", sizes=(8,), networks=6, burn_in=16, steps=4, theory_points=4, beta=DIAGRAM.beta)
PUBLISHED = {  # (beta, dJ, dH): m, q, S and sigma of parallel and of sequential updates, for J0 = 1
    (0.5, 0.5, 0.0): (0.0, 0.0, 0.6644816955, 0.0590111056, 0.0290824921),
    (1.0, 1.0, 0.0): (0.0, 0.0, 0.4620088784, 0.6057055096, 0.2676333723),
    (2.0, 0.5, 0.0): (0.7246827025, 0.6034843569, 0.2691080183, 0.1290520323, 0.0616085278),
    (2.0, 0.5, 0.5): (0.5571201732, 0.4602484014, 0.3252227653, 0.2201539293, 0.1030107815),
}


class Killed(RuntimeError):
    pass


@pytest.fixture(scope="module")
def diagram(tmp_path_factory):
    """A finished run that no test changes."""
    out = tmp_path_factory.mktemp("runs") / "diagram"
    execute(DIAGRAM, out)
    return out


@pytest.fixture(scope="module")
def sizes(tmp_path_factory):
    """A run that was stopped twice and finished."""
    out = tmp_path_factory.mktemp("runs") / "sizes"
    left = iter(range(5))

    def stop():
        if next(left, None) is None:
            raise Killed

    with pytest.raises(Killed):
        execute(SIZES, out, check=stop)
    execute(SIZES, out, resume=True)
    return out


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_has_a_config_that_comes_back_from_its_toml(name):
    experiment = read_experiment(CONFIGS / f"{name}.toml")
    assert experiment.figure == name
    assert as_experiment(tomllib.loads(experiment.to_toml())) == experiment


def test_the_raster_is_drawn_at_the_transition():
    assert read_experiment(CONFIGS / "fig1.toml").model.beta == 1.6281474039


@pytest.mark.published
@pytest.mark.parametrize("at", PUBLISHED, ids=lambda at: "beta {:g} dJ {:g} dH {:g}".format(*at))
def test_maps_and_curves_hold_the_published_values(diagram, at):
    r, (beta, dJ, dH), (m, q, S, _, sigma) = read_result(diagram), at, PUBLISHED[at]
    here = [("map_dJ", r.sel(beta=beta, dJ=dJ)), ("curves", r.sel(curve_beta=beta, curve=dJ))] if dH == 0 else []
    here += [("map_dH", r.sel(beta=beta, dH=dH))] if dJ == DIAGRAM.dJ else []
    assert here
    for name, point in here:
        found = [float(point[f"{quantity}_{name}"]) for quantity in ("m", "q", "S", "sigma")]
        assert np.allclose(found, (m, q, S, sigma), rtol=0, atol=1e-8)
        assert point[f"result_{name}"] == "successful"


def test_a_diagram_holds_units_lines_and_the_limit_of_temperature_zero(diagram):
    r = read_result(diagram)
    assert r.sigma_map_dJ.attrs["units"] == "nats/sweep/spin"
    assert r.S_map_dJ.attrs["units"] == "nats/step/spin"
    assert r.attrs["clock"] == "sequential"
    assert abs(float(r.critical_beta_dJ.sel(dJ_line=0.5)) - 1.3484999610) < 1e-8
    assert abs(float(r.critical_dJ) - np.sqrt(2 / np.pi)) < 1e-9
    assert np.isinf(r.critical_beta_dJ.sel(dJ_line=1.0))
    assert abs(float(r.sigma_over_beta.sel(zero_dJ=1.0)) - 0.2883551348) < 1e-7
    assert r.sizes["beta"] == 4


def test_figures_are_written_and_do_not_depend_on_the_day(diagram, sizes, tmp_path):
    DIAGRAM.write(read_result(diagram), tmp_path)
    for name in ("small.png", "small.pdf"):
        assert (diagram / name).read_bytes() == (tmp_path / name).read_bytes()
        assert (sizes / name).stat().st_size > 1000


def test_finite_networks_are_those_of_the_disorder_average(sizes):
    r = read_result(sizes)
    key = jax.random.key(0)
    for number in (1, 1, 0, 2):  # sequential, dJ = 1, n = 8, third beta
        key = jax.random.fold_in(key, number)
    sk = nq.SherringtonKirkpatrick(J0=1.0, dJ=1.0, beta=r.beta.values[2])
    plan = {"networks": 6, "burn_in": 16, "steps": 4, "chunk": 6}
    average = nq.sk.disorder_average(sk, 8, nq.Sequential, **plan, key=key)
    point = r.sel(clock="sequential", dJ=1.0, n=8).isel(beta=2)
    assert float(point.sigma) == float(average.entropy_production.value)
    assert float(point.q_stderr) == float(average.order_parameters.stderr.q)
    assert bool((r.sigma_stderr > 0).all())


@pytest.mark.published
@pytest.mark.parametrize("at", [at for at in PUBLISHED if at[2] == 0], ids=lambda at: "beta {:g} dJ {:g}".format(*at))
def test_the_theory_beside_finite_networks_has_the_published_values(sizes, at):
    r = read_result(sizes)
    (beta, dJ, _), (m, q, _, parallel, sequential) = at, PUBLISHED[at]
    point = r.sel(theory_beta=beta, dJ=dJ)
    found = [point.m_theory, point.q_theory, *point.sigma_theory.sel(clock=["parallel", "sequential"])]
    assert np.allclose(np.array(found, float), (m, q, parallel, sequential), rtol=0, atol=1e-8)
    assert r.attrs["unit_of_sigma_parallel"] == "nats/step/spin"
    assert r.attrs["unit_of_sigma_sequential"] == "nats/sweep/spin"


@pytest.mark.parametrize("beta, mean_square", [(0.0, 1 / 8), (8.0, 1.0)])
def test_the_raster_obeys_beta(beta, mean_square):
    config = SKRaster(burn_in=400, steps=1600, model={"n": 8, "J0": 1.0, "dJ": 0.0, "beta": beta})
    r = config.run(Stages())
    assert r.spins.shape == (200, 8)
    assert np.array_equal(r.time, np.arange(200.0))
    assert abs(float((r.m**2).mean()) - mean_square) < 4 * np.sqrt(2 / 200) * mean_square
    assert "magnetisation" in config.describe(r)


def test_what_was_not_solved_is_not_shown():
    names = np.array(["successful", "marginal", "quadrature_too_coarse", "alternating", "not_finite"])
    shown = trusted(np.arange(5.0), names)
    assert np.array_equal(shown, [0, 1, np.nan, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(trusted(np.arange(5.0), names, ("alternating",)), [0, 1, np.nan, 3, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    "table, message",
    [
        ({"experiment": "sk-diagram"}, "at least one of the tables map_dJ"),
        ({"experiment": "sk-diagram", "map_dJ": {}, "dJ": -0.5}, "dJ = -0.5: input should be greater"),
        ({"experiment": "sk-diagram", "map_dJ": {"start": -1.0}}, "map_dJ.start = -1.0"),
        ({"experiment": "sk-diagram", "map_dJ": {}, "beta": {"start": -1.0}}, "beta.start = -1.0"),
        ({"experiment": "sk-diagram", "map_dJ": {}, "beta": {"start": 5.0}}, "beta = .*stop must be above start"),
        ({"experiment": "sk-diagram", "map_dJ": {}, "m0": 2.0}, "m0 = 2.0"),
        ({"experiment": "sk-diagram", "map_dJ": {"quantities": ["sgima"]}}, "map_dJ.quantities.0 = 'sgima'"),
        ({"experiment": "sk-diagram", "curves": {"values": [0.5, -1.0]}}, "curves.values.1 = -1.0"),
        ({"experiment": "sk-diagram", "zero_temperature": {}, "dJ": 0.0}, "dJ = 0: temperature zero needs random"),
        ({"experiment": "sk-diagram", "zero_temperature": {"vary": "dJ"}}, "zero_temperature.start = 0"),
        ({"experiment": "sk-diagram", "map_dJ": {}, "figure": "a/b"}, "figure = 'a/b'"),
        ({"experiment": "sk-sizes", "sizes": [32, 1]}, "sizes.1 = 1"),
        ({"experiment": "sk-sizes", "dJ": [-1.0]}, "dJ.0 = -1.0"),
        ({"experiment": "sk-sizes", "networks": 1}, "networks = 1"),
        ({"experiment": "sk-sizes", "sizes": [8, 8]}, "8, 8: give each value once"),
        ({"experiment": "sk-sizes", "clocks": ["glauber"]}, "clocks.0 = 'glauber'"),
        ({"experiment": "sk-raster", "model": {"beta": -1.0}}, "model.*beta = -1.0"),
        ({"experiment": "sk-raster", "steps": 3}, "steps = 3 end before the first state is shown: take 64"),
        ({"experiment": "sk-rastr"}, "did you mean 'sk-raster'"),
    ],
)
def test_bad_values_are_named(table, message):
    with pytest.raises(ValueError, match=message):
        as_experiment(table)
