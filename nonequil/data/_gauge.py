"""The same network written for 0/1 spikes and for -1/+1 spins."""

from typing import Any

from jaxtyping import Float


def couplings_from_weights(W: Float[Any, "n n"], b: Float[Any, " n"]) -> tuple[Float[Any, "n n"], Float[Any, " n"]]:
    """Couplings and fields (J, H) of spins x = 2 y - 1 from weights and biases (W, b) of spikes y in {0, 1}.

    The unit i fires with probability sigmoid(b_i + sum_j W_ij y_j) = sigmoid(2 h_i), h_i = H_i + sum_j J_ij x_j, so
    J = W / 4 and H_i = b_i / 2 + sum_j W_ij / 4. Receiver first; dimensionless.
    """
    return W / 4, b / 2 + W.sum(axis=1) / 4


def weights_from_couplings(J: Float[Any, "n n"], H: Float[Any, " n"]) -> tuple[Float[Any, "n n"], Float[Any, " n"]]:
    """Weights and biases (W, b) of 0/1 spikes from couplings and fields (J, H) of spins, the inverse of
    `couplings_from_weights`: W = 4 J and b_i = 2 H_i - 2 sum_j J_ij.
    """
    return 4 * J, 2 * H - 2 * J.sum(axis=1)
