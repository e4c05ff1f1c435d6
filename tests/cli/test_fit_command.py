import csv
import json
import math
import re

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from conftest import spike_table
from scipy.stats import false_discovery_control, norm

import nonequil as nq
from nonequil.cli import main

FILES = {
    "config.toml", "correlations.png", "couplings.npz", "couplings.png", "edges.csv", "eigenvalues.png",
    "entropy_production.png", "env.json", "model.eqx", "raster.png", "rates.png", "report.html", "result.nc",
    "status.json", "summary.json",
}  # fmt: skip
KEYS = {
    "n_units", "n_transitions", "bin_seconds", "n_clipped_spikes", "log_likelihood", "log_likelihood_constant_rate",
    "bits_per_spike_cv", "converged", "gradient_max", "entropy_production", "l2", "l2_how", "flagged_units", "bins",
}  # fmt: skip


def strict(path):
    def refuse(name):
        raise AssertionError(f"{name} in {path}")

    return json.loads(path.read_text(), parse_constant=refuse)


@pytest.fixture(scope="module")
def summary(fit_run):
    return strict(fit_run / "summary.json")


def test_the_folder_is_complete(fit_run):
    assert {path.name for path in fit_run.iterdir()} == FILES
    assert strict(fit_run / "status.json")["state"] == "done"
    environment = strict(fit_run / "env.json")
    assert environment["x64"] is True
    assert {"versions", "devices", "seed", "git_commit", "inputs"} <= environment.keys()


def test_the_summary_has_the_promised_keys(summary):
    assert summary.keys() >= KEYS
    assert summary["n_units"] == 4
    assert summary["n_transitions"] == 2499
    assert summary["bin_seconds"] == 0.02
    assert summary["n_clipped_spikes"] == 0
    assert summary["converged"] is True
    assert summary["result"] == "successful"
    assert summary["unit_ids"] == ["10", "11", "12", "13"]
    estimates = summary["entropy_production"]
    assert estimates.keys() == {"maxent", "quadratic", "model"}
    for estimate in estimates.values():
        assert estimate.keys() >= {"value", "stderr", "unit", "kind", "floor", "result"}
        assert estimate["unit"] == "nats/bin"
    assert estimates["quadratic"]["value"] == pytest.approx(math.log1p(estimates["quadratic"]["u"]), rel=1e-12)
    assert estimates["model"]["in_sample"] > 0


def test_the_numbers_are_those_of_the_library(fit_run, recording, summary):
    t = nq.data.load(recording).bin(0.02).transitions()
    fitted = nq.fit(t, l2=1.0)
    arrays = np.load(fit_run / "couplings.npz")
    assert set(arrays) == {"J", "H", "J_stderr", "H_stderr", "unit_ids"}
    assert np.allclose(arrays["J"], fitted.model.J, rtol=0, atol=1e-12)
    assert np.allclose(arrays["J_stderr"], fitted.J_stderr, rtol=0, atol=1e-12)
    assert summary["log_likelihood"] == pytest.approx(float(fitted.log_likelihood), rel=1e-12)
    bound = nq.thermodynamics.QuadraticBound()(t)
    assert summary["entropy_production"]["quadratic"]["value"] == pytest.approx(float(bound.value), rel=1e-9)
    like = nq.Ising(jnp.zeros((4, 4)), jnp.zeros(4))
    model = eqx.tree_deserialise_leaves(fit_run / "model.eqx", like)
    assert jnp.array_equal(model.J, arrays["J"])


def test_the_ring_is_found(fit_run):
    arrays, (_, J) = np.load(fit_run / "couplings.npz"), spike_table()
    distance = (arrays["J"] - J) / arrays["J_stderr"]
    assert np.abs(distance).max() < 4
    assert (arrays["J"] > 5 * arrays["J_stderr"]).tolist() == (J > 0).tolist()


def test_edges_agree_with_the_couplings(fit_run):
    arrays = np.load(fit_run / "couplings.npz")
    rows = list(csv.DictReader((fit_run / "edges.csv").open()))
    assert list(rows[0]) == ["pre", "post", "J", "stderr", "z", "p", "q"]
    assert len(rows) == 16
    place = {name: k for k, name in enumerate(arrays["unit_ids"])}
    J, stderr, z, p, q = (np.array([float(row[key]) for row in rows]) for key in ("J", "stderr", "z", "p", "q"))
    at = [place[row["post"]] for row in rows], [place[row["pre"]] for row in rows]
    assert np.array_equal(arrays["J"][at], J)
    assert np.array_equal(arrays["J_stderr"][at], stderr)
    assert np.allclose(z, J / stderr, rtol=1e-12)
    assert np.allclose(p, 2 * norm.sf(np.abs(z)), rtol=1e-6, atol=1e-300)
    assert np.allclose(q, false_discovery_control(p), rtol=1e-6, atol=1e-300)
    assert np.all(np.diff(np.abs(z)) <= 0)


def test_every_variable_of_the_result_has_a_unit(fit_run):
    result = xr.load_dataset(fit_run / "result.nc", engine="h5netcdf")
    assert all({"units", "long_name"} <= variable.attrs.keys() for variable in result.data_vars.values())
    assert result.J.dims == ("bin", "unit_post", "unit")
    assert float(result.bin[0]) == 0.02
    again = nq.experiments.read_result(fit_run)
    assert again.identical(result)


def test_the_report_is_one_self_contained_page(fit_run):
    html = (fit_run / "report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert len(sources) == 6
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "is invisible at this length of recording" in html
    assert "nan" not in re.sub(r"base64,[^\"]*", "", html).lower().split()


def test_the_terminal_speaks_plain_english(fit_arguments, fit_run, capsys):
    assert main([*fit_arguments, "--out", str(fit_run), "--resume"]) == 0
    text = capsys.readouterr().out
    floor = nq.experiments.read_result(fit_run).ep_quadratic_floor.item()
    assert f"an entropy production below {floor:.2g} nats/bin is invisible at this length of recording" in text
    assert "the fit converged for all 4 units" in text
    assert "an arrow of time is seen" in text


def test_several_widths_give_a_result_each_and_a_table(recording, tmp_path, capsys):
    out = tmp_path / "run"
    arguments = ["fit", str(recording), "--bin", "0.02", "0.04", "--l2", "1", "--folds", "2", "--out", str(out)]
    assert main(arguments) == 0
    summary = strict(out / "summary.json")
    assert [one["bin_seconds"] for one in summary["bins"]] == [0.02, 0.04]
    assert [one["n_transitions"] for one in summary["bins"]] == [2499, 1249]
    assert summary["bins"][1]["n_clipped_spikes"] > 0
    inner = out / "bin_0.04"
    assert {path.name for path in inner.iterdir()} == FILES - {
        "config.toml", "env.json", "report.html", "result.nc", "status.json",
    }  # fmt: skip
    assert strict(inner / "summary.json") == summary["bins"][1]
    assert not np.allclose(np.load(out / "couplings.npz")["J"], np.load(inner / "couplings.npz")["J"])
    table = capsys.readouterr().out.splitlines()
    (head,) = [k for k, line in enumerate(table) if line.strip().startswith("bin (ms)")]
    assert table[head + 1].split()[0] == "20"
    assert table[head + 2].split()[0] == "40"
