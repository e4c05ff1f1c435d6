"""A layer of associative memory without updates against PyTorch's attention: the same weights, shapes and answers.

Both normalise, project to queries, keys and values, attend (PyTorch: `scaled_dot_product_attention`) and project back;
forward, and with the gradients of all weights and inputs. float32.
"""

import sys
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from _harness import Contestant, Race, Target
from _report import report
from _site_peers import torch_or_none

import nonequil as nq

BATCH, TOKENS, FEATURES, HEADS, ROUNDS, CLOSE = 16, 256, 256, 8, 7, 2e-4
MAPS = ("query", "key", "value", "out")


def peer(torch: Any, layer: Any, batch: np.ndarray) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """PyTorch's forward pass, and that with gradients."""
    place = "cuda" if jax.default_backend() == "gpu" else "cpu"
    tensor = lambda a: torch.tensor(np.asarray(a), device=place, requires_grad=True)  # noqa: E731
    weights = {name: (tensor(getattr(layer, name).weight), tensor(getattr(layer, name).bias)) for name in MAPS}
    norms = [(tensor(norm.weight), tensor(norm.bias)) for norm in layer.norms]
    x = tensor(batch)
    F = torch.nn.functional

    def forward() -> Any:
        k, q, v = (
            F.linear(F.layer_norm(x, (FEATURES,), *norm), *weights[name]).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for name, norm in zip(("key", "query", "value"), norms, strict=True)
        )
        answers = F.scaled_dot_product_attention(q, k, v)
        return F.linear(answers.transpose(1, 2).flatten(-2), *weights["out"])

    leaves = [x, *(leaf for pair in [*weights.values(), *norms] for leaf in pair)]

    def plain() -> Any:
        with torch.no_grad():
            return done(forward())

    def done(answer: Any) -> Any:
        if place == "cuda":
            torch.cuda.synchronize()
        return answer

    return plain, lambda: done(torch.autograd.grad((forward() ** 2).sum(), leaves)[0])


def main() -> int:
    """Print the page; 0 if the answers agree."""
    layer = nq.nn.HopfieldAssociation(FEATURES, heads=HEADS, key=jr.key(0))
    scale = lambda m: (m.query.weight, m.key.weight, m.value.weight, m.out.weight)  # noqa: E731
    layer = eqx.tree_at(scale, layer, tuple(4 * weight for weight in scale(layer)))
    batch = jr.normal(jr.key(1), (BATCH, TOKENS, FEATURES))
    weights, rest = eqx.partition(layer, eqx.is_inexact_array)
    answer = lambda weights, batch: jax.vmap(eqx.combine(weights, rest))(batch)  # noqa: E731
    forward = jax.jit(answer)
    backward = jax.jit(jax.grad(lambda weights, batch: jnp.sum(answer(weights, batch) ** 2), (0, 1)))
    ours = [lambda: forward(weights, batch), lambda: backward(weights, batch)]
    known = [np.asarray(ours[0]()), np.asarray(ours[1]()[1])]
    torch = torch_or_none()
    theirs = peer(torch, layer, np.asarray(batch)) if torch else ()
    races = []
    for k, title in enumerate(("forward", "forward and backward")):
        contestants = [Contestant("nq.nn.HopfieldAssociation", ours[k], BATCH)]
        if torch:
            contestants.append(Contestant("PyTorch", theirs[k], BATCH, lambda found, k=k: different(found, known[k])))
        target = Target("as fast", contestants[0].name, ["PyTorch"], 1.0)
        races.append(Race(title, "one sample", contestants, [target]).race(ROUNDS))
    sizes = {"samples": BATCH, "tokens": TOKENS, "features": FEATURES, "heads": HEADS, "rounds": ROUNDS, "seed": 0}
    notes = torch and (
        f"PyTorch {torch.__version__}: its attention works block by block and never stores an association; "
        "on CPUs the layer stores those of one head at a time and makes them anew for gradients."
    )
    return report(__doc__, sizes, races, notes or "PyTorch is not installed: `pip install '.[bench]'`.")


def different(found: Any, known: np.ndarray) -> str:
    """How far an answer is from ours, relative to the largest entry."""
    apart = np.max(np.abs(found.cpu().numpy() - known)) / np.max(np.abs(known))
    return "" if apart < CLOSE else f"answers differ by {apart:.1e}"


if __name__ == "__main__":
    sys.exit(main())
