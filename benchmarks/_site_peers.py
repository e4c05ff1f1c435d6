"""The published ascents for the flips of one spin, written plainly with PyTorch: Newton steps and Barzilai-Borwein."""

from collections.abc import Callable
from typing import Any

import numpy as np

Ascent = Callable[[Any], tuple[Any, int]]
TOLERANCE = 1e-5  # largest component of the gradient, in units of x_i x_j


def torch_or_none() -> Any:
    """PyTorch where it is installed."""
    try:
        import torch
    except ImportError:
        return None
    return torch


def observables(torch: Any, x: np.ndarray, flipped: np.ndarray, site: int) -> Any:
    """-x_i x_j of the flips of one spin, without its own column, float32."""
    s = torch.from_numpy(x[flipped[:, site]]).float()
    keep = torch.arange(s.shape[1]) != site
    return -s[:, site, None] * s[:, keep]


def moments(torch: Any, y: Any, phi: Any) -> tuple[Any, Any, Any]:
    """F, its gradient and the tilted weights."""
    e = -(y @ phi)
    log_z = torch.logsumexp(e, 0) - float(np.log(len(y)))
    w = torch.softmax(e, 0)
    mean = y.mean(0)
    return phi @ mean - log_z, mean + w @ y, w


def newton(y: Any, tolerance: float = TOLERANCE, most: int = 50) -> tuple[Any, int]:
    """Newton steps with the full Hessian, halved while F falls."""
    torch = torch_or_none()
    phi = torch.zeros(y.shape[1])
    value, gradient, w = moments(torch, y, phi)
    for step in range(most):
        if gradient.abs().max() <= tolerance:
            return phi, step
        m = w @ y
        H = (y * w[:, None]).T @ y - torch.outer(m, m)
        direction = torch.linalg.solve(H + 1e-8 * torch.eye(len(phi)), gradient)
        length = 1.0
        while length > 1e-4:
            trial = moments(torch, y, phi + length * direction)
            if trial[0] >= value - 1e-6:
                break
            length /= 2
        phi, (value, gradient, w) = phi + length * direction, trial
    return phi, most


def barzilai_borwein(y: Any, tolerance: float = TOLERANCE, most: int = 1000) -> tuple[Any, int]:
    """Steps along the gradient, as long as the last change of the gradient says."""
    torch = torch_or_none()
    phi, length = torch.zeros(y.shape[1]), 1e-3
    gradient = moments(torch, y, phi)[1]
    for step in range(most):
        if gradient.abs().max() <= tolerance:
            return phi, step
        change = length * gradient
        phi = phi + change
        new = moments(torch, y, phi)[1]
        difference = new - gradient
        length = float((change @ difference).abs() / (difference @ difference))
        gradient = new
    return phi, most


def all_sites(ascent: Ascent, x: np.ndarray, flipped: np.ndarray, sites: list[int], threads: int) -> np.ndarray:
    """Coefficients phi (sites, n) of some spins, one after the other, zero for the spin itself."""
    torch = torch_or_none()
    torch.set_num_threads(threads)
    found = np.zeros((len(sites), x.shape[1]))
    for k, site in enumerate(sites):
        found[k, np.arange(x.shape[1]) != site] = ascent(observables(torch, x, flipped, site))[0].numpy()
    return found
