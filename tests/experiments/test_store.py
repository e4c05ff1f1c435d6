import json

import numpy as np
import pytest

from nonequil.experiments._store import load_tree, plain, read_json, save_tree, write_json, write_whole

TREE = {
    "a": np.array([1.0, np.nan, -0.0, 1e-320]),
    "b": [1, 2.5, "text", None, True, {"c": np.arange(6, dtype=np.int8).reshape(2, 3)}],
    "none": None,
    "inf": float("inf"),
    "words": np.array(["u1", "unit two"]),
}


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b and type(a) is type(b)


def test_a_tree_comes_back_bit_for_bit(tmp_path):
    save_tree(tmp_path / "tree.npz", TREE)
    assert same(load_tree(tmp_path / "tree.npz"), TREE)
    assert same(plain(TREE), TREE)
    assert [p.name for p in tmp_path.iterdir()] == ["tree.npz"]


def test_the_same_tree_makes_the_same_bytes(tmp_path):
    for name in "ab":
        save_tree(tmp_path / f"{name}.npz", TREE)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_objects_are_refused(tmp_path):
    with pytest.raises(TypeError, match="cannot be kept"):
        save_tree(tmp_path / "tree.npz", {"x": object()})


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_file_is_whole_or_untouched(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("before")

    def broken(part):
        part.write_text("half")
        raise error

    with pytest.raises(error):
        write_whole(path, broken)
    assert path.read_text() == "before"
    write_whole(path, lambda part: part.write_text("after"))
    assert path.read_text() == "after"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_json_is_strict(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"x": float("nan")})
    assert read_json(tmp_path / "x.json") is None
    write_json(tmp_path / "x.json", {"x": None})
    assert json.loads((tmp_path / "x.json").read_text()) == {"x": None} == read_json(tmp_path / "x.json")
