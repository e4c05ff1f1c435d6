"""The layers are one-way: imports read with `ast`, and the line named that turns back."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nonequil"
BASE = ("_types", "_results", "_checks")
ABOVE = {  # what each layer may read, besides itself; a later layer is listed before it exists
    "numerics": BASE,
    "data": (*BASE, "numerics"),
    "models": (*BASE, "numerics"),
    "ensembles": (*BASE, "numerics", "models"),
    "nn": (*BASE, "numerics", "models", "ensembles"),
    "dynamics": (*BASE, "numerics", "models", "ensembles"),
}
BELOW = ("statistics", "simulation", "meanfield", "thermodynamics", "inference", "plot", "experiments", "cli")
for place, layer in enumerate(BELOW):
    ABOVE[layer] = (*BASE, "numerics", "data", "models", "ensembles", "dynamics", *BELOW[:place])
FACADES = ("sk", "attention", "memory")  # one family, re-exported from several layers
ROOT = ("__init__", "_public")  # the flat public names


def imports(path: Path, package: Path) -> Iterator[tuple[int, str, str]]:
    """Line, top module of the package and text of every import of the package, at any depth of the file."""
    here = path.relative_to(package).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            targets = [alias.name.split(".") for alias in node.names if alias.name.split(".")[0] == package.name]
            targets = [target[1:] or ["__init__"] for target in targets]
        elif isinstance(node, ast.ImportFrom):
            module = node.module.split(".") if node.module else []
            if node.level == 0 and module[:1] != [package.name]:
                continue
            start = [*here[: len(here) - node.level + 1], *module] if node.level else module[1:]
            targets = [start] if start else [[alias.name] for alias in node.names]
        else:
            continue
        for target in targets:
            yield node.lineno, target[0], ast.unparse(node)


def top(path: Path, package: Path) -> str:
    """The layer, facade or root module of a file."""
    return path.relative_to(package).with_suffix("").parts[0]


def faults(package: Path) -> list[str]:
    """Every line that breaks a rule of the layers, with the rule."""
    files = sorted(package.rglob("*.py"))
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    modules = folders | {path.stem for path in package.glob("*.py")}
    found = [
        f"{name}: no such layer: give it a place in {Path(__file__).name}"
        for name in sorted(modules - set(ABOVE) - set(BASE) - set(FACADES) - set(ROOT))
    ]
    for path in files:
        layer, where = top(path, package), path.relative_to(package.parent)
        if layer in ROOT:
            found += flat_names(path, package, folders)
            continue
        allowed = modules if layer in FACADES else {layer, *(BASE if layer in BASE else ABOVE.get(layer, ()))}
        for line, target, text in imports(path, package):
            if target in modules - allowed:
                found.append(f"{where}:{line}: {text}: {layer} must not read {target}")
        if layer in FACADES:
            found += definitions(path, where)
    return found


def flat_names(path: Path, package: Path, folders: set[str]) -> list[str]:
    """A function that is public at the top must not be called like a folder, which would hide it."""
    return [
        f"{path.relative_to(package.parent)}:{node.lineno}: {alias.asname or alias.name} is also the name of a folder"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if (alias.asname or alias.name) in folders
    ]


def definitions(path: Path, where: Path) -> list[str]:
    """A facade only re-exports."""
    kinds = (ast.Import, ast.ImportFrom)
    return [
        f"{where}:{node.lineno}: {ast.unparse(node).splitlines()[0]}: a facade defines nothing"
        for node in ast.parse(path.read_text()).body
        if not isinstance(node, kinds) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]


def test_layers_are_one_way():
    assert faults(PACKAGE) == []


def test_every_layer_is_seen():
    read = {top(path, PACKAGE) for path in PACKAGE.rglob("*.py") if list(imports(path, PACKAGE))}
    assert {"numerics", "data", "models", "ensembles", "dynamics", "statistics", "simulation"} <= read
    assert len(ABOVE["cli"]) == 3 + 5 + 7


GOOD = {"__init__": "from .simulation import simulate as simulate", "simulation/__init__": "", "models/__init__": ""}
BAD = {
    "back": ({"models/_a": "x = 1\nfrom ..simulation import y"}, r"models/_a.py:2: .* models must not read simulation"),
    "back by name": ({"models/_a": "from .. import simulation"}, r"models/_a.py:1: .* must not read simulation"),
    "back in a function": (
        {"models/_a": "def f():\n    from ..simulation import y"},
        r"models/_a.py:2: .* must not read simulation",
    ),
    "back from a folder inside": (
        {"models/inner/_a": "from ...simulation import y"},
        r"models/inner/_a.py:1: .* must not read simulation",
    ),
    "absolute": ({"models/_a": "import pack.simulation.x"}, r"models/_a.py:1: .* must not read simulation"),
    "whole package": ({"models/_a": "import pack as nq"}, r"models/_a.py:1: .* must not read __init__"),
    "base": ({"_checks": "from .models import y"}, r"_checks.py:1: .* _checks must not read models"),
    "folder like a function": (
        {"simulate/__init__": ""},
        r"__init__.py:1: simulate is also the name of a folder",
    ),
    "facade that defines": (
        {"sk/__init__": '"""A family."""\nfrom ..models import A as A\n\ndef f(): ...'},
        r"sk/__init__.py:4: def f.*a facade defines nothing",
    ),
    "layer that reads a facade": (
        {"sk/__init__": "", "simulation/_a": "from ..sk import A"},
        r"simulation/_a.py:1: .* must not read sk",
    ),
    "layer that reads nn": (
        {"nn/__init__": "", "cli/_a": "from .. import nn", "cli/__init__": ""},
        r"cli/_a.py:1: .* cli must not read nn",
    ),
    "unknown layer": ({"helpers/__init__": ""}, r"helpers: no such layer"),
}


def write(files: dict[str, str], package: Path) -> Path:
    for name, text in files.items():
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


@pytest.mark.parametrize("files, message", BAD.values(), ids=BAD)
def test_faults_are_found_and_named(files, message, tmp_path):
    import re

    found = faults(write(GOOD | files, tmp_path / "pack"))
    assert any(re.search(message, line) for line in found), found


def test_what_is_allowed_passes(tmp_path):
    files = {
        "models/_a": "from .._checks import require\nfrom .. import numerics\nfrom ._b import y\nimport jax",
        "simulation/_a": "from ..models import A\nfrom .. import __version__",
        "simulation/inner/_a": "from .._a import A\nfrom ...models import A",
        "sk/__init__": '"""A family."""\nfrom ..models import A as A\nfrom ..simulation import simulate as simulate',
        "numerics/__init__": "",
        "_checks": "from ._results import R",
        "_results": "",
    }
    assert faults(write(GOOD | files, tmp_path / "pack")) == []
