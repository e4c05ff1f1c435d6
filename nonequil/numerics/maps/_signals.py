"""Frequencies and memory of a recorded series."""

import functools as ft

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Spectrum(eqx.Module):
    """Power at each `frequency`, in cycles per step from 0 to one half. `power` sums to the variance of the series."""

    frequency: Float[Array, " frequencies"]
    power: Float[Array, " frequencies"]


def power_spectrum(x: Float[Array, " time"]) -> Spectrum:
    """The variance of a series by frequency: |sum_t (x_t - mean x) exp(-2 pi i k t / T)|^2 / T^2 at k / T, both signs.

    Positive and negative frequencies are added, so that the sum over k = 0 ... T/2 is the variance. No window: cut a
    periodic series to whole periods. Unit of power: that of x, squared. Many series by `vmap`.
    Raises ValueError below two steps.
    """
    _long_enough(x)
    return _spectrum(x)


@jax.jit
def _spectrum(x: Float[Array, " time"]) -> Spectrum:
    power = jnp.abs(jnp.fft.rfft(x - jnp.mean(x))) ** 2 / x.size**2
    double = jnp.arange(power.size) * 2 % x.size != 0  # zero and one half are their own negatives
    return Spectrum(jnp.fft.rfftfreq(x.size, dtype=x.dtype), jnp.where(double, 2.0, 1.0) * power)


def autocorrelation(x: Float[Array, " time"], longest: int | None = None) -> Float[Array, " lags"]:
    """Correlation of a series with itself at lags 0 to `longest` (default: half of its length), one at lag 0.

    C_l = [1 / (T - l)] sum_t (x_t - mean x)(x_{t+l} - mean x) / variance of x, over the T - l pairs there are, so that
    a periodic series comes back to one. By fast Fourier transform. NaN for a constant series. Many series by `vmap`.
    Raises ValueError below two steps or if `longest` is not below the length.
    """
    _long_enough(x)
    longest = x.size // 2 if longest is None else longest
    if not 0 <= longest < x.size:
        raise ValueError(f"longest = {longest}: take a lag from 0 to {x.size - 1}, below the length of the series")
    return _autocorrelation(x, longest)


@ft.partial(jax.jit, static_argnums=1)
def _autocorrelation(x: Float[Array, " time"], longest: int) -> Float[Array, " lags"]:
    padded = jnp.fft.rfft(x - jnp.mean(x), 2 * x.size)
    sums = jnp.fft.irfft(jnp.abs(padded) ** 2, 2 * x.size)[: longest + 1]
    means = sums / jnp.arange(x.size, x.size - longest - 1, -1, dtype=x.dtype)
    return means / means[0]


def _long_enough(x: Float[Array, " time"]) -> None:
    if x.size < 2:
        raise ValueError(f"x has {x.size} steps: take at least 2")
