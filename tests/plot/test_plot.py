import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nonequil import plot

rng = np.random.default_rng(0)
J = rng.normal(size=(6, 6))
RATES = rng.uniform(1, 5, 6)
IDS = np.array([f"unit {i}" for i in range(6)])

CALLS = {
    "raster": lambda ax: plot.raster(rng.uniform(0, 1, 30), rng.integers(0, 6, 30), IDS, ax=ax),
    "firing_rates": lambda ax: plot.firing_rates(RATES, IDS, ax=ax),
    "matrix": lambda ax: plot.matrix(J, IDS, label="x", ax=ax),
    "couplings": lambda ax: plot.couplings(J, J > 1, IDS, ax=ax),
    "eigenvalues": lambda ax: plot.eigenvalues(J, np.full(6, 0.5), ax=ax),
    "predicted_rates": lambda ax: plot.predicted_rates(RATES, RATES * 1.1, ax=ax),
    "correlations": lambda ax: plot.correlations(J.ravel(), 2 * J.ravel(), 0.1, title="t", ax=ax),
    "entropy_production": lambda ax: plot.entropy_production(
        0.5, 0.1, rng.normal(size=50), rng.normal(size=3), 0.2, ax=ax
    ),
    "widths": lambda ax: plot.widths(
        np.array([0.05, 0.01]), np.array([1.0, 2.0]), np.array([0.1, 0.2]), label="nats/s", ax=ax
    ),
    "spins": lambda ax: plot.spins(np.sign(J).astype(np.int8), ax=ax),
    "curves": lambda ax: plot.curves(RATES, J, list(IDS), xlabel="x", ylabel="y", ax=ax),
    "sizes": lambda ax: plot.sizes(
        RATES, J[:2], abs(J[:2]), np.array([8, 16]), (RATES, J[2]), xlabel="x", ylabel="y", ax=ax
    ),
    "bifurcation_diagram": lambda ax: plot.bifurcation_diagram(
        RATES, J, label="up", critical=RATES[:1], xlabel="x", ylabel="y", ax=ax
    ),
    "section": lambda ax: plot.section(J[0], J[1], marked=J[:3, :2], xlabel="x", ylabel="y", ax=ax),
    "spectrum": lambda ax: plot.spectrum(np.arange(6) / 10, J[0] ** 2, ax=ax),
    "bounds": lambda ax: plot.bounds(
        np.arange(6.0),
        J[:2],
        abs(J[:2]),
        ["a", "b"],
        truth=(J[2], abs(J[2])),
        null=abs(J[:2]),
        floor=J[3:5],
        sound=J[:2] > 0,
        xlabel="x",
        ylabel="y",
        ax=ax,
    ),
    "agreement": lambda ax: plot.agreement(J[0], J[1], title="t", ax=ax),
    "phase_map": lambda ax: plot.phase_map(
        np.arange(3.0), np.arange(6.0), J[:, :3], line=(RATES, J[0]), limit=2.5, xlabel="x", ylabel="y", ax=ax
    ),
}


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


def test_every_public_figure_is_tested():
    assert set(CALLS) == {n for n, f in vars(plot).items() if not n.startswith("_") and callable(f)}


@pytest.mark.parametrize("name", CALLS)
def test_a_figure_goes_on_the_axes_given_and_nowhere_else(name):
    ax = Figure().subplots()
    before = dict(plt.rcParams)
    assert CALLS[name](ax) is ax
    assert ax.has_data()
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize("name", CALLS)
def test_a_figure_makes_its_own_axes(name):
    ax = CALLS[name](None)
    assert isinstance(ax, Axes)
    assert plt.get_fignums() == [ax.figure.number]
    ax.figure.canvas.draw()


def test_colours_of_couplings_are_centred_and_ignore_the_diagonal():
    x = np.array([[100.0, 0.5], [-0.2, -100.0]])
    (image,) = plot.couplings(x).images
    assert image.norm.vmin == -image.norm.vmax
    assert 0.4 < image.norm.vmax <= 0.5
    assert image.cmap.name == "RdBu_r"
    assert np.array_equal(image.get_array(), x)


def test_dots_lie_on_the_marked_edges():
    marked = np.zeros((6, 6), bool)
    marked[4, 1] = True
    (dots,) = plot.couplings(J, marked).collections
    assert np.array_equal(dots.get_offsets(), [[1, 4]])


def test_diagrams_and_sections_leave_out_what_is_not_there():
    points = np.where(np.arange(6) < 4, J, np.nan)
    (dots,) = plot.bifurcation_diagram(RATES, points).lines
    assert np.array_equal(dots.get_xydata(), np.stack([np.repeat(RATES, 4), J[:, :4].ravel()], axis=1))
    (dots,) = plot.section(points[0], J[1]).lines
    assert np.array_equal(dots.get_xydata(), np.stack([J[0, :4], J[1, :4]], axis=1))


def test_a_spectrum_shows_rounding_as_the_bottom():
    ax = plot.spectrum(np.array([0.0, 0.1, 0.2]), np.array([1e-60, 2.0, 1e-31]), lowest=1e-10)
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[0] == 2e-10
    assert ax.lines[0].get_xdata().tolist() == [0.1, 0.2]
    assert plot.spectrum(np.array([0.0, 0.1]), np.zeros(2)).get_yscale() == "linear"


def test_eigenvalues_are_those_of_the_matrix():
    rotation = 0.5 * np.array([[0.0, -1.0], [1.0, 0.0]])
    plain, damped = plot.eigenvalues(rotation, np.full(2, 0.5)).collections
    assert np.allclose(sorted(plain.get_offsets()[:, 1]), [-0.5, 0.5])
    assert np.allclose(sorted(damped.get_offsets()[:, 1]), [-0.375, 0.375])


@pytest.mark.parametrize("empty", [np.zeros((3, 3)), np.full((3, 3), np.nan)])
def test_empty_data_make_an_empty_figure(empty):
    plot.couplings(empty).figure.canvas.draw()
    plot.correlations(empty.ravel(), empty.ravel(), np.nan).figure.canvas.draw()
    rates = plot.predicted_rates(empty[0], empty[0])
    rates.figure.canvas.draw()
    assert rates.collections[0].get_offsets().shape[0] == 0
    plot.entropy_production(np.nan, np.nan, empty.ravel(), empty.ravel(), np.nan).figure.canvas.draw()
