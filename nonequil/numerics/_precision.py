"""Products of float32 matrices in float32, on every device."""

import jax

SETTING = "jax_default_matmul_precision"


def full_precision() -> None:
    """Products in full precision, unless the user has chosen another: GPUs and TPUs round factors to 11 bits and fewer.

    Their default would change fields by a thousandth, unlike couplings by different amounts, and break sums of whole
    numbers that are exact in float32. To take the faster product all the same, set
    `jax.config.update("jax_default_matmul_precision", "tensorfloat32")` before or after `import nonequil`.
    """
    if getattr(jax.config, SETTING) is None:
        jax.config.update(SETTING, "highest")


full_precision()
