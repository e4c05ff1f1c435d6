import itertools
import tomllib

import jax
import numpy as np
import pytest

from nonequil.experiments import Simulate
from nonequil.experiments._sweep import Plan, point_id

BASE = {"experiment": "simulate", "steps": 10, "model": {"ensemble": "SherringtonKirkpatrick", "n": 4}}


def plan(sweep, **base):
    return Plan.read({**BASE, **base, "sweep": sweep}, "config")


def every(sweep):
    return [sweep.axes.values(index) for index in range(sweep.axes.size)]


def test_lists_make_a_product_and_the_last_one_moves_fastest():
    made = plan({"model.beta": [0.5, 1.0], "chains": [2, 3, 4]})
    expected = [{"model.beta": beta, "chains": c} for beta, c in itertools.product([0.5, 1.0], [2, 3, 4])]
    assert every(made) == expected
    assert [axis.name for axis in made.axes.axes] == ["beta", "chains"]
    point = made.experiment(4)
    assert (point.model.beta, point.chains, point.steps, point.model.n) == (1.0, 3, 10, 4)


def test_keys_with_dots_are_keys_of_tables():
    assert plan({"model": {"beta": [0.5, 1.0]}}).axes == plan({"model.beta": [0.5, 1.0]}).axes


def test_ranges_hold_both_ends_and_stay_integers_if_they_can():
    made = plan({"model.beta": {"start": 0, "stop": 1, "points": 5}, "chains": {"start": 2, "stop": 8, "points": 3}})
    assert made.axes.axes[0].columns["model.beta"] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert made.axes.axes[1].columns["chains"] == [2, 5, 8]


def test_zipped_keys_move_together_and_each_row_meets_each_draw_and_each_point_of_the_product():
    random = {"count": 3, "model.J0": {"uniform": [-1.0, 1.0]}}
    zipped = {"model.dJ": [0.1, 0.2], "steps": [10, 20]}
    made = plan({"chains": [1, 2], "zip": zipped, "random": random})
    assert made.axes.shape == (2, 6)
    rows = every(made)
    assert [(row["model.dJ"], row["steps"]) for row in rows[:6]] == [(0.1, 10)] * 3 + [(0.2, 20)] * 3
    assert [row["model.J0"] for row in rows[:3]] == [row["model.J0"] for row in rows[3:6]]
    assert len({row["model.J0"] for row in rows}) == 3


def test_draws_follow_their_law_and_do_not_change_when_others_are_added():
    laws = {
        "model.J0": {"uniform": [1.0, 3.0]},
        "model.beta": {"log_uniform": [0.1, 10.0]},
        "steps": {"integers": [3, 5]},
    }
    many, few = (plan({"random": {"count": count, **laws}}).axes.axes[0].columns for count in (2000, 5))
    alone = plan({"random": {"count": 5, "steps": laws["steps"]}}).axes.axes[0].columns
    assert all(many[key][:5] == few[key] for key in laws)
    assert alone["steps"] == few["steps"]
    assert plan({"random": {"count": 5, "seed": 1, **laws}}).axes.axes[0].columns != few
    uniform, logs = (np.array(many["model.J0"]) - 1) / 2, (np.log10(many["model.beta"]) + 1) / 2
    for numbers in (uniform, logs):  # standard error of the mean of 2000 uniform numbers: 0.0065
        assert abs(numbers.mean() - 0.5) < 5 * 0.0065
        assert 0 < numbers.min() < 0.01
        assert 0.99 < numbers.max() < 1
    counts = np.bincount(many["steps"], minlength=6)[3:]
    assert counts.sum() == 2000
    assert np.abs(counts - 2000 / 3).max() < 5 * np.sqrt(2000 * 2 / 9)


def test_a_config_comes_back_from_its_file_with_the_same_points():
    zipped = {"model.dJ": [0.1, 0.2], "steps": [10, 20]}
    random = {"count": 2, "seed": 3, "model.J0": {"uniform": [-1.0, 1.0]}}
    made = plan(
        {"model.beta": {"start": 0.5, "stop": 1.0, "points": 2}, "chains": [2, 3], "zip": zipped, "random": random}
    )
    again = Plan.read(tomllib.loads(made.to_toml()), "again")
    assert again.axes == made.axes
    assert [again.experiment(k) for k in range(16)] == [made.experiment(k) for k in range(16)]
    assert again.to_toml() == made.to_toml()


def test_a_point_is_named_by_its_config_and_has_random_numbers_of_its_own():
    made = plan({"model.beta": [0.5, 1.0]}, seed=7)
    points = [made.experiment(k) for k in (0, 1)]
    assert [point.stream for point in points] == [0, 1]
    assert point_id(points[0]) != point_id(points[1])
    assert point_id(points[0]) == point_id(plan({"model.beta": [0.5]}, seed=7).experiment(0))
    wanted = jax.random.fold_in(jax.random.key(7), 1)
    assert jax.random.key_data(points[1].key()).tolist() == jax.random.key_data(wanted).tolist()
    alone = Simulate(seed=7).key()
    assert jax.random.key_data(alone).tolist() == jax.random.key_data(jax.random.key(7)).tolist()


def test_where_the_seed_is_swept_it_alone_gives_the_random_numbers():
    made = plan({"model.beta": [0.5, 1.0], "seed": [0, 1]})
    assert [(made.experiment(k).seed, made.experiment(k).stream) for k in range(4)] == [(0, None), (1, None)] * 2


def test_tables_can_be_values():
    models = [{"ensemble": "Diluted", "n": 5, "k": 2.0}, {"ensemble": "SherringtonKirkpatrick", "n": 4}]
    made = plan({"model": models})
    assert [type(made.experiment(k).model).__name__ for k in (0, 1)] == [
        "DilutedNetwork",
        "SherringtonKirkpatrickNetwork",
    ]
    assert Plan.read(tomllib.loads(made.to_toml()), "again").axes == made.axes


BAD = {
    "no sweep": (None, "no table [sweep]"),
    "no table": ([1], "make it a table"),
    "empty": ({}, "the sweep is empty"),
    "empty list": ({"chains": []}, "sweep.chains = []"),
    "one value": ({"chains": 3}, "sweep.chains = 3: give a list"),
    "unknown key": ({"model.bta": [1.0]}, "unknown key 'model.bta': did you mean 'model.beta'"),
    "unknown part": ({"zipp": {"chains": [1]}}, "unknown key 'zipp.chains'"),
    "twice": ({"chains": [2, 2]}, "sweep.chains holds 2 twice: sweep the seed"),
    "stream": ({"stream": [1, 2]}, "sweep.stream"),
    "no stop": ({"chains": {"start": 1, "points": 3}}, "sweep.chains: stop is missing"),
    "near range": ({"chains": {"start": 1, "stop": 2, "point": 3}}, "did you mean 'points'"),
    "one point": ({"chains": {"start": 1, "stop": 2, "points": 1}}, "points = 1"),
    "ragged zip": ({"zip": {"chains": [1, 2], "steps": [3]}}, "chains has 2, steps has 1"),
    "in two parts": ({"chains": [1], "zip": {"chains": [1, 2]}}, "chains stands in two parts"),
    "no count": ({"random": {"chains": {"integers": [1, 2]}}}, "count is missing"),
    "no draw": ({"random": {"count": 3}}, "no key is drawn"),
    "count": ({"random": {"count": 0, "chains": {"integers": [1, 2]}}}, "count = 0"),
    "unknown law": ({"random": {"count": 1, "chains": {"integer": [1, 2]}}}, "did you mean 'integers'"),
    "no law": ({"random": {"count": 1, "chains": [1, 2]}}, "give one law"),
    "upside down": ({"random": {"count": 1, "chains": {"integers": [2, 1]}}}, "the lower one first"),
    "not integers": ({"random": {"count": 1, "chains": {"integers": [1.5, 2]}}}, "both ends must be integers"),
    "log of zero": ({"random": {"count": 1, "model.beta": {"log_uniform": [0, 2]}}}, "above zero"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables_are_named_with_the_way_out(case):
    table, message = BAD[case]
    with pytest.raises(ValueError) as error:
        Plan.read({**BASE, **({} if table is None else {"sweep": table})}, "config = x.toml")
    assert message in str(error.value)
    assert "x.toml" in str(error.value)


@pytest.mark.parametrize(
    "sweep, message",
    [
        ({"model.beta": [0.5, -1.0]}, r"point 1 \(model.beta = -1.0\).*greater than or equal to 0"),
        ({"chains": [2, "three"]}, r"point 1 \(chains = three\).*chains = 'three'"),
        ({"chains": [2, 2.5]}, r"point 1 .*chains = 2.5"),
    ],
)
def test_a_value_that_the_experiment_refuses_is_named_with_its_point(sweep, message):
    made = plan(sweep)
    made.experiment(0)
    with pytest.raises(ValueError, match=message):
        made.experiment(1)


def test_a_stream_of_the_user_is_refused():
    with pytest.raises(ValueError, match="stream is set"):
        plan({"chains": [1]}, stream=3)
