"""Null models that cannot change a network are refused; what others do to it is said."""


import re

import numpy as np
import pytest

from randomnet.build.null_models import draw_null
from randomnet.connectome import COUPLING, from_dense
from randomnet.nulls import EXTENTS, NULLS, Null, differs, share_of_edges
from randomnet.settings import ConfigError
from tests.support.announcements import announced
from tests.support.networks import network, saved
from tests.support.paths import ROOT


def made(matrix, **labels):
    names = np.arange(len(matrix)).astype(str)
    network = from_dense("made", np.array(matrix, float), names, {kind: np.array([*of]) for kind, of in labels.items()})
    positions = np.stack([np.arange(len(matrix))] * 3, 1).astype(float)
    return type(network)(network.name, network.post, network.pre, network.weights, names, network.labels, {}, positions)


rng = np.random.default_rng(0)
COMPLETE = 1 - np.eye(6)
SPARSE = (rng.random((9, 9)) < 0.4) * (1 - np.eye(9))
DIFFERENT = SPARSE * rng.random((9, 9))
SIGNED = SPARSE * [1, 1, 1, -1, 1, -1, 1, 1, -1]
SYMMETRIC = np.tril(DIFFERENT, -1) + np.tril(DIFFERENT, -1).T
RING = np.roll(np.eye(5), 1, 0) + np.roll(np.eye(5), -1, 0)
TWO = {"region": "aaabbb", "cell_fibers": "aaabbb"}
MANY = {"region": "aaabbbccc", "cell_fibers": "aaabbbccc"}
STAR = np.zeros((5, 5))
STAR[0, 1:] = STAR[1:, 0] = 2.0  # the only graph with its degrees


@pytest.mark.parametrize(
    ("null", "matrix", "labels"),
    [
        *((null, COMPLETE, TWO) for null in NULLS if null != "distance"),
        pytest.param("distance", COMPLETE, TWO, marks=[pytest.mark.long, pytest.mark.slow]),
        ("weights", SPARSE, MANY),
        ("weights_sign", SIGNED, MANY),
        ("weights_group", SIGNED, MANY),
        ("sign", DIFFERENT, MANY),
        ("sign", -DIFFERENT, MANY),
        ("transposed", SYMMETRIC, MANY),
        ("degree", STAR, {}),
        ("degree_undirected", STAR, {}),
        ("weights", np.zeros((3, 3)), {}),
    ],
)
def test_a_null_that_cannot_change_the_network_is_refused(null, matrix, labels):
    with pytest.raises(ConfigError, match=r"expected one that can change made, got .*, which cannot, as ") as error:
        draw_null(made(matrix, **labels), null, np.random.default_rng(1))
    assert NULLS[null].no_effect in str(error.value)


def test_the_refusal_names_nulls_that_do_change_the_network():
    before = made(SPARSE, **MANY)
    with pytest.raises(ConfigError) as error:
        draw_null(before, "weights", np.random.default_rng(1))
    others = str(error.value).partition("these do: ")[2].split(", ")
    assert {"degree", "erdos", "transposed"} <= {*others} and not {"weights", "weights_sign", "sign"} & {*others}
    assert all(differs(before, NULLS[name].draw(before, np.random.default_rng(2))) for name in others)


@pytest.mark.parametrize(
    ("null", "matrix"),
    [("weights", DIFFERENT), ("weights_sign", DIFFERENT), ("sign", SIGNED), ("transposed", DIFFERENT),
     ("degree", RING), ("degree_undirected", RING), ("degree", COMPLETE * rng.random((6, 6)))],
)  # fmt: skip
def test_a_null_that_can_change_the_network_is_drawn(null, matrix):
    """Also where many draws are the network itself."""
    before = made(matrix)
    drawn = [draw_null(before, null, np.random.default_rng(seed)) for seed in range(10)]
    assert any(differs(before, one) for one in drawn)
    equal = [one for one in drawn if not differs(before, one)]
    assert all("this draw equals the connectome" in one.provenance["null_notes"] for one in equal)


def page():
    return (ROOT / "docs" / "nulls.md").read_text(encoding="utf-8")


def row_of(name, null):
    needs = null.needs + (f"; with one group it is `{null.with_one_group}`" if null.with_one_group else "")
    cells = (f"`{name}`", null.randomizes, null.preserves, needs, null.no_effect, null.source)
    return "| " + " | ".join(cells) + " |"


def test_the_table_of_the_page_is_made_from_the_rows():
    lines = [line for line in page().splitlines() if line.startswith("| `")]
    assert lines[: len(NULLS)] == [row_of(name, null) for name, null in NULLS.items()]


def test_the_page_has_all_errors_and_all_columns_of_coupling_strength():
    names = [line.split("`")[1] for line in page().splitlines() if line.startswith("| `")]
    assert names[len(NULLS) :] == [*EXTENTS, *COUPLING]


def test_the_null_model_that_one_with_one_group_equals_exists():
    assert {null.with_one_group for null in NULLS.values()} - {""} <= set(NULLS)


def test_the_share_of_edges_that_a_null_has_in_common_is_recorded():
    """By hand: edges 1->0, 2->0 and 0->2 against 1->0 and 2->1; the self-connection counts for nothing."""
    before, other = made([[1, 1, 1], [0, 0, 0], [1, 0, 0]]), made([[1, 1, 0], [0, 0, 1], [0, 0, 0]])
    assert share_of_edges(before, other) == pytest.approx(1 / 3)
    assert draw_null(made(DIFFERENT), "weights", rng).provenance["edges_shared"] == 1


def test_notes_say_what_a_null_does_not_do():
    """That of a complete network moves no edge, and a directed one of an undirected network loses the symmetry."""
    complete = draw_null(made(COMPLETE * rng.random((6, 6))), "degree", rng)
    assert complete.provenance["null_notes"] == ("no edge has moved: weights alone differ",)
    directed = draw_null(made(SYMMETRIC), "erdos", rng)
    assert "null erdos loses the symmetry of the matrix; degree_undirected" in directed.provenance["null_notes"][0]
    assert "null_notes" not in draw_null(made(DIFFERENT), "erdos", rng).provenance


@pytest.mark.parametrize("null", [name for name, null in NULLS.items() if null.with_one_group])
def test_nulls_by_group_say_so_where_there_is_one_group(null):
    alike = made(DIFFERENT, region="aaaaaaaaa")
    notes = draw_null(alike, null, rng).provenance["null_notes"]
    assert f"all neurons are of one region, so that null {null} is {NULLS[null].with_one_group}" in notes
    assert "null_notes" not in draw_null(made(DIFFERENT, region="aaaabbbbb"), null, rng).provenance


def test_a_null_model_of_a_plugin_is_drawn_and_its_row_explains_refusals(monkeypatch):
    """A null that reverses the order of the neurons: edges move, and a network that is its own reversal is refused."""

    def reversed_order(connectome, rng):
        return from_dense(connectome.name, connectome.dense()[::-1, ::-1], connectome.names)

    row = Null(reversed_order, ("weights",), "nothing: the order of neurons is reversed", "weights",
               no_effect="it equals its reversal", random=False, rewires=True)  # fmt: skip
    monkeypatch.setitem(NULLS, "reversed", row)
    drawn = draw_null(made(DIFFERENT), "reversed", rng)
    np.testing.assert_array_equal(drawn.dense(), DIFFERENT[::-1, ::-1])
    with pytest.raises(ConfigError, match="got 'reversed', which cannot, as it equals its reversal; these do: "):
        draw_null(made(COMPLETE * np.array([1, 2, 3, 3, 2, 1])), "reversed", rng)


def test_a_run_is_refused_at_the_door(tmp_path):
    path = saved(tmp_path, SPARSE)
    with pytest.raises(ConfigError, match=r"^\[net\] null: expected one that can change m, got 'sign', which cannot"):
        network(tmp_path, path, "net.null=sign")


def test_the_console_says_that_nulls_are_normalized_anew(tmp_path, capsys):
    said = announced(tmp_path, capsys, "net.null=degree")
    assert "of the connectome's edges are edges here too, normalized anew by sinkhorn" in said
    assert "normalized anew" not in announced(tmp_path, capsys, "net.null=degree", "net.normalization=none")
    assert "edges here too" not in announced(tmp_path, capsys)


def test_rows_say_which_nulls_mix_the_signs_of_neurons():
    """Of a network with one sign a neuron, groups of both signs, and no symmetry."""
    rng = np.random.default_rng(5)
    matrix = rng.random((40, 40)) * (rng.random((40, 40)) < 0.3) * np.where(np.arange(40) % 4, 1, -1)
    network = made(matrix * (1 - np.eye(40)), region="ab" * 20, cell_fibers="ab" * 20)
    draws = {name: null.draw(network, np.random.default_rng(1)) for name, null in NULLS.items()
             if name != "degree_undirected"}  # fmt: skip
    assert {name for name, draw in draws.items() if draw.mixed} == {
        name for name, null in NULLS.items() if null.mixes_signs}  # fmt: skip


def test_the_page_names_the_nulls_that_mix_signs():
    named = page().partition("may give a neuron weights of both signs")[0].rpartition("\n\n")[2]
    assert re.findall(r"`(\w+)`", named) == [name for name, null in NULLS.items() if null.mixes_signs]


def test_sinkhorn_names_the_null_that_mixed_signs_and_what_needs_none(tmp_path):
    path = saved(tmp_path, DIFFERENT * [1, 1, 1, -1, 1, -1, 1, 1, -1])
    text = "'sinkhorn': .*; null = weights mixes them; .*input_fraction.* and spectral_radius need no signs"
    with pytest.raises(ConfigError, match=text):
        network(tmp_path, path, "net.null=weights", "net.normalization=sinkhorn")
