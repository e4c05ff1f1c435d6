import numpy as np

from nonequil.experiments._simulating import rms_of_pairs


def test_the_size_of_correlations_is_the_same_bits_in_any_company():
    matrices = np.random.default_rng(0).random((16, 8, 8))
    together = rms_of_pairs(matrices)
    for k in range(16):
        assert together[k] == rms_of_pairs(matrices[k : k + 1])[0] == rms_of_pairs(matrices[k])
    off = [matrices[3, i, j] for i in range(8) for j in range(8) if i != j]
    assert np.isclose(together[3], np.sqrt(np.mean(np.square(off))), rtol=1e-14)
