import os
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

import nonequil as nq
from nonequil.inference import choose_l2, fitted_entropy_production

FOLDER = os.environ.get("NONEQUIL_DATA", "")
RETINA = Path(FOLDER) / "retina-salamander-lynn" / "Data_processed.mat"

pytestmark = [
    pytest.mark.recording,
    pytest.mark.skipif(not (FOLDER and RETINA.exists()), reason="NONEQUIL_DATA names no folder with the retina"),
]


@pytest.fixture(scope="module")
def retina():
    """53 cells, Brownian bar, 20 ms, a block a trial."""
    file, parts = loadmat(RETINA), []
    trials = (file[name][0, 1].ravel() for name in ("spike_times", "cell_IDs", "stimuli_lengths"))
    for k, (times, cells, length) in enumerate(zip(*trials, strict=True)):
        x = -np.ones((int(float(length) // 20), 53), np.int8)
        bins = (times.ravel() / 20).astype(int)
        inside = bins < len(x)
        x[bins[inside], cells.ravel().astype(int)[inside] - 1] = 1
        parts.append((x[:-1], x[1:], np.full(max(len(x) - 1, 0), k)))
    before, after, block = (np.concatenate(part) for part in zip(*parts, strict=True))
    return nq.Transitions(before, after, block=block, unit=nq.Unit.per_bin)


def test_retina_converges_and_names_what_is_infinite(retina):
    fitted = nq.fit(retina)
    assert fitted.converged.all()
    assert float(fitted.gradient_max.max()) < 1e-9
    together = (np.asarray(retina.x_next > 0).T.astype(int)) @ np.asarray(retina.x > 0).astype(int)
    np.testing.assert_array_equal(fitted.infinite, together == 0)
    assert fitted.result == nq.RESULTS.unidentified_parameters
    assert np.isinf(np.asarray(fitted.J_stderr)[together == 0]).all()
    assert np.isfinite(np.asarray(fitted.J_stderr)[together > 0]).all()


def test_retina_is_predicted_with_a_penalty(retina):
    choice = choose_l2(retina, grid=[1000.0, 100.0, 10.0])
    assert choice.l2 == 100.0
    assert 1.3 < float(choice.bits_per_spike.max()) < 1.5
    fitted = nq.fit(retina, l2=choice.l2)
    assert fitted.result == nq.RESULTS.successful
    assert float(choice.bits_per_spike.max()) < float(fitted.bits_per_spike)


def test_retina_is_out_of_equilibrium(retina):
    found = fitted_entropy_production(retina, l2=1.0)
    assert found.result == nq.RESULTS.successful
    assert float(found.value) > 10 * float(found.stderr)
    assert float(found.value) < found.details["in_sample"]
