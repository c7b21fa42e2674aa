"""Selectors against boolean indexing, stimulation against a table typed by hand, psth against numpy's group means.

`network` has its regions in no alphabetical order, and `mixed` its labels in no order at all, so that an index that is
contiguous, sorted by name or in the caller's order would be another one.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from randomnet.analysis import (
    Units,
    fill_units,
    psth,
    psth_arrays,
    region_activity,
    select,
    stimulation,
    units_of,
    weight_subset,
)
from randomnet.connectome import from_dense
from randomnet.synthetic import built_in, region_network
from randomnet.synthetic.regions import from_dict

TYPED = {
    "recurrent_regions": [
        {"name": "r2", "num_units": 4, "base_firing": 0, "cell_types": {"exc": 0.75, "inhib": 0.25}},
        {"name": "r3", "num_units": 3, "base_firing": 1},
        {"name": "r1", "num_units": 5, "base_firing": 0, "init": 1, "cell_types": {"inhib": 0.4, "exc": 0.6}},
    ],
    "recurrent_connections": [
        {"src_region": "r1", "src_region_cell_type": "exc", "dst_region": "r2"},
        {"src_region": "r1", "src_region_cell_type": "inhib", "dst_region": "r3", "sign": "inhib"},
        {"src_region": "r2", "src_region_cell_type": "exc", "dst_region": "r1", "sparsity": 0.5},
        {"src_region": "r3", "dst_region": "r3", "sign": "inhib"},
        {"src_region": "r2", "src_region_cell_type": "inhib", "dst_region": "r1", "sign": "inhib"},
    ],
}
PARENTS = {
    "recurrent_regions": [
        {"name": "d1", "num_units": 2, "sign": "neg", "parent_region": "striatum"},
        {"name": "thal", "num_units": 3},
        {"name": "d2", "num_units": 2, "sign": "neg", "parent_region": "striatum"},
        {"name": "gpe", "num_units": 1, "sign": "neg", "parent_region": "gpe"},
    ],
    "recurrent_connections": [{"src_region": "thal", "dst_region": "d1"}, {"src_region": "d1", "dst_region": "thal"}],
}


def network(description=TYPED, order=None):
    """The network of a description, its regions in another order where one is given."""
    regions = description["recurrent_regions"]
    regions = regions if order is None else [regions[place] for place in order]
    return region_network(from_dict({**description, "recurrent_regions": regions}), np.random.default_rng(5))


def mixed(n=40, **labels):
    """Units whose labels are drawn, one by one; some have no type."""
    rng = np.random.default_rng(2)
    drawn = {"region": rng.choice(["v1", "a1", "m1"], n), "type": rng.choice(["pv", "sst", ""], n)}
    return Units(np.array([f"n{number:02d}" for number in range(n)]), {**drawn, **labels}, np.ones(n, dtype=np.int8))


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


# units


def test_the_unit_table_is_that_of_the_network():
    made = network()
    table = units_of(made).table
    assert table.columns.tolist() == ["unit", "neuron", "sign", "region", "type", "parent"]
    assert table.unit.tolist() == list(range(12))
    assert table.neuron.tolist() == made.names.tolist()
    assert table.region.tolist() == ["r2"] * 4 + ["r3"] * 3 + ["r1"] * 5
    assert table.type.tolist() == ["exc"] * 3 + ["inhib"] + [""] * 3 + ["inhib"] * 2 + ["exc"] * 3
    assert table.sign.tolist() == [1] * 3 + [-1] + [-1] * 3 + [-1] * 2 + [1] * 3


def test_groups_are_in_the_order_of_the_network():
    units = units_of(network())
    kinds = ("region", "type", "region/type", "neuron")
    groups = {by: {name: index.tolist() for name, index in units.groups(by).items()} for by in kinds}
    assert list(groups["region"].items()) == [("r2", [0, 1, 2, 3]), ("r3", [4, 5, 6]), ("r1", [7, 8, 9, 10, 11])]
    assert list(groups["type"].items()) == [("exc", [0, 1, 2, 9, 10, 11]), ("inhib", [3, 7, 8])]
    assert list(groups["region/type"]) == ["r2/exc", "r2/inhib", "r3", "r1/inhib", "r1/exc"]
    assert groups["region/type"]["r1/exc"] == [9, 10, 11] and groups["region/type"]["r3"] == [4, 5, 6]
    assert list(groups["neuron"]) == units.names.tolist() and groups["neuron"]["r10002"] == [9]


def test_groups_hold_every_unit_with_a_label_once_and_are_selections():
    units = mixed()
    for by in ("region", "type", "neuron"):
        groups = units.groups(by)
        together = torch.cat(list(groups.values())).sort().values
        assert torch.equal(together, torch.from_numpy(np.flatnonzero(units.kinds[by] != "")))
        for name, index in groups.items():
            assert torch.equal(index, select(units, f"{by}={name}"))
            assert torch.equal(index, torch.from_numpy(np.flatnonzero(units.kinds[by] == name)))


@pytest.mark.parametrize(
    ("labels", "signs", "message"),
    (
        ({"region": np.array(["a"])}, np.ones(2), r"labels\['region'\] must have shape \(2,\), got \(1,\)"),
        ({}, np.ones(3), r"signs must have shape \(2,\), got \(3,\)"),
    ),
)
def test_labels_and_signs_are_one_per_unit(labels, signs, message):
    with pytest.raises(ValueError, match=message):
        Units(np.array(["x", "y"]), labels, signs)


@pytest.mark.parametrize(
    ("by", "message"),
    (
        ("regoin", "by must be one of region, type, parent, neuron, region/type, got 'regoin'; did you mean 'region'?"),
        ("parent", "by = 'parent': no unit has a label of that kind"),
    ),
)
def test_groups_by_what_there_is_not_are_refused(by, message):
    with pytest.raises(ValueError) as error:
        units_of(network()).groups(by)
    assert message in str(error.value)


# the selector


SELECTIONS = (
    (("r3",), lambda label: label["region"] == "r3"),
    (("r3", "r1"), lambda label: np.isin(label["region"], ["r1", "r3"])),
    (("r1/exc",), lambda label: (label["region"] == "r1") & (label["type"] == "exc")),
    (("r2/inhib", "r1/exc"), lambda label: ((label["region"] == "r2") & (label["type"] == "inhib"))
                                           | ((label["region"] == "r1") & (label["type"] == "exc"))),
    (("type=inhib",), lambda label: label["type"] == "inhib"),
    (("type=inhib", "r3"), lambda label: (label["type"] == "inhib") | (label["region"] == "r3")),
    (("r1", "r1/exc", "region=r1"), lambda label: label["region"] == "r1"),
    (("neuron=r30001",), lambda label: np.arange(12) == 5),
    ((), lambda label: np.ones(12, dtype=bool)),
)  # fmt: skip


@pytest.mark.parametrize(("selection", "expected"), SELECTIONS)
def test_a_selection_is_boolean_indexing(selection, expected):
    made = network()
    units, mask = units_of(made), expected(made.labels)
    index = select(units, *selection)
    assert index.dtype == torch.int64
    np.testing.assert_array_equal(index, np.flatnonzero(mask))
    assert torch.equal(index, select(units, *selection[::-1])) and torch.equal(index, select(units, *selection * 2))
    activity = drawn(2, 3, 12)
    np.testing.assert_array_equal(region_activity(activity, units, *selection), activity.numpy()[..., mask])


def test_a_parent_is_all_its_regions_wherever_they_lie():
    units = units_of(network(PARENTS))
    assert select(units, "striatum").tolist() == [0, 1, 5, 6]
    assert select(units, "d2", "striatum", "d1").tolist() == [0, 1, 5, 6]
    assert torch.equal(select(units, "parent=striatum", "thal"), torch.arange(7))


def test_populations_and_any_label_can_be_selected():
    texts = np.array(["i", "e", "e", "i"])
    units = units_of(from_dense("p", np.eye(4), np.array(list("abcd")), {"population": texts, "x=y": texts}))
    assert select(units, "e").tolist() == select(units, "population=e").tolist() == [1, 2]
    assert select(units, "x=y=i").tolist() == [0, 3]
    measured = built_in("EB")
    for label in np.unique(measured.labels["neurotransmitter"]):
        mask = measured.labels["neurotransmitter"] == label
        np.testing.assert_array_equal(select(units_of(measured), f"neurotransmitter={label}"), np.flatnonzero(mask))


def test_labels_in_no_order_are_selected_in_that_of_the_network():
    units = mixed()
    mask = (units.labels["region"] == "a1") & (units.labels["type"] == "sst") | (units.labels["region"] == "v1")
    np.testing.assert_array_equal(select(units, "v1", "a1/sst"), np.flatnonzero(mask))


def test_a_name_of_two_kinds_is_ambiguous_only_where_it_means_other_units():
    made = network(PARENTS)
    assert select(units_of(made), "gpe").tolist() == [7]
    parents = np.where(np.isin(made.labels["region"], ["d1", "d2"]), "thal", made.labels["parent"])
    units = replace(units_of(made), labels={**made.labels, "parent": parents})
    with pytest.raises(ValueError) as error:
        select(units, "thal")
    expected = "'thal' is ambiguous, say which: region=thal (3 units) or parent=thal (4 units)"
    assert expected in str(error.value)
    assert select(units, "region=thal").tolist() == [2, 3, 4] and select(units, "parent=thal").tolist() == [0, 1, 5, 6]


def test_a_region_of_the_name_of_a_pair_is_told_apart():
    labels = {"region": np.array(["a/b", "a", "a"]), "type": np.array(["", "b", ""])}
    units = Units(np.array(list("xyz")), labels, np.ones(3))
    with pytest.raises(ValueError, match=r"region=a/b \(1 units\) or region/type=a/b \(1 units\)"):
        select(replace(units, labels={**labels, "type": np.array(["c", "b", ""])}), "a/b")
    assert select(units, "region=a/b").tolist() == [0] and select(units, "a").tolist() == [1, 2]


KINDS = "kind=value of region, type, parent, neuron, region/type"


@pytest.mark.parametrize(
    ("name", "message"),
    (
        ("R3", f"unknown selection 'R3', expected one of r2, r3, r1, r2/exc, r2/inhib, r1/inhib, r1/exc, or {KINDS}; "
               "did you mean 'r3'?"),
        ("r1/exx", "; did you mean 'r1/exc'?"),
        ("r3/exc", "unknown selection 'r3/exc', expected one of r2"),
        ("r1/", "unknown selection 'r1/'"),
        ("exc", "unknown selection 'exc'"),
        ("type=inhb", "unknown type 'inhb', expected one of exc, inhib; did you mean 'inhib'?"),
        ("type=", "unknown type '', expected one of exc, inhib"),
        ("parent=x", "unknown parent 'x', expected no name, as no unit has a label"),
        ("regin=r1", "unknown kind 'regin' in 'regin=r1', expected one of region, type, parent, neuron, region/type; "
                     "did you mean 'region'?"),
        ("", "a selection must be a name, got ''"),
        (3, "a selection must be a name, got 3"),
        (("r1", "r2"), "a selection must be a name, got ('r1', 'r2')"),
    ),
)  # fmt: skip
def test_names_that_are_unknown_or_empty_are_refused(name, message):
    with pytest.raises(ValueError) as error:
        select(units_of(network()), "r1", name)
    assert message in str(error.value)


def test_an_error_lists_no_more_names_than_can_be_read():
    units = Units(np.array([f"n{i}" for i in range(500)]), {}, np.ones(500))
    with pytest.raises(ValueError, match=r"n39, ... \(500 in all\); did you mean 'n499'\?"):
        select(units, "neuron=n4999")
    with pytest.raises(ValueError, match="unknown selection 'v1', expected kind=value of neuron"):
        select(units, "v1")


# what is selected


@pytest.mark.parametrize("to", (None, "r3", ("r3", "r2/exc"), ()))
@pytest.mark.parametrize("from_", (None, "r1/exc", ("r1", "r3"), ()))
def test_a_subset_of_the_weights_is_that_of_numpy(to, from_):
    made = network()
    units, matrix = units_of(made), made.dense()
    rows, columns = (from_ if to is None else to), (to if from_ is None else from_)
    i, j = (select(units, *([end] if isinstance(end, str) else end or ())) for end in (rows, columns))
    found = weight_subset(torch.from_numpy(matrix), units, to, from_)
    np.testing.assert_array_equal(found, matrix[np.ix_(i, j)])
    several = weight_subset(drawn(2, 12, 12), units, to, from_)
    np.testing.assert_array_equal(several[1], drawn(2, 12, 12)[1].numpy()[np.ix_(i, j)])


def test_blocks_are_those_that_the_description_connects():
    made = network()
    units, matrix = units_of(made), torch.from_numpy(made.dense())
    assert (weight_subset(matrix, units, to="r2", from_="r1/exc") > 0).all()
    assert (weight_subset(matrix, units, to="r3", from_="r1/inhib") < 0).all()
    assert (weight_subset(matrix, units, "r3") < 0).all()
    assert not weight_subset(matrix, units, to="r3", from_="r2").any()


def test_gradients_flow_through_what_is_selected():
    units = units_of(network())
    weights, activity, state = (drawn(*shape).requires_grad_() for shape in ((12, 12), (2, 12), (2, 12)))
    weight_subset(weights, units, to="r3", from_=("r1", "r2/exc")).square().sum().backward()
    mask = np.zeros((12, 12))
    mask[np.ix_([4, 5, 6], [0, 1, 2, 7, 8, 9, 10, 11])] = 1
    torch.testing.assert_close(weights.grad, 2 * weights.detach() * torch.from_numpy(mask), rtol=0, atol=0)
    (3 * fill_units(state, units, {"r3": region_activity(activity, units, "r3")})).sum().backward()
    inside = (torch.arange(12) >= 4) & (torch.arange(12) < 7)
    for tensor, where in ((activity, inside), (state, ~inside)):
        assert torch.equal(tensor.grad, 3.0 * where.double().expand(2, 12))


def test_a_state_is_filled_from_its_parts():
    units, state, other = units_of(network()), drawn(2, 3, 12), drawn(2, 3, 12, seed=1)
    kept = state.clone()
    parts = {"r3": other[..., 4:7], ("r1/exc", "r2"): other[..., [0, 1, 2, 3, 9, 10, 11]]}
    expected = other.clone()
    expected[..., 7:9] = state[..., 7:9]
    assert torch.equal(fill_units(state, units, parts), expected)
    assert torch.equal(state, kept)
    regions = {name: region_activity(other, units, name) for name in ("r1", "r2", "r3")}
    whole = fill_units(torch.zeros(2, 3, 12), units, regions)
    assert whole.dtype == torch.float32 and torch.equal(whole, other.float())
    empty = fill_units(state, units, {})
    assert torch.equal(empty, state) and empty is not state


@pytest.mark.parametrize(
    ("call", "message"),
    (
        (lambda units: region_activity(drawn(2, 5), units, "r1"),
         r"activity must have shape \(..., 12\), one value per unit, got \(2, 5\)"),
        (lambda units: region_activity(torch.tensor(1.0), units), r"got \(\)"),
        (lambda units: weight_subset(drawn(12, 5), units), r"weights must have shape \(..., 12, 12\), got \(12, 5\)"),
        (lambda units: weight_subset(drawn(12), units), r"got \(12,\)"),
        (lambda units: weight_subset(drawn(12, 12), units, "r9"), "unknown selection 'r9'"),
        (lambda units: fill_units(drawn(2, 4), units, {}), r"state must have shape \(..., 12\), one .*, got \(2, 4\)"),
        (lambda units: fill_units(drawn(2, 12), units, {"r3": drawn(2, 4)}),
         r"the activity of 'r3' must have shape \(2, 3\), got \(2, 4\)"),
        (lambda units: fill_units(drawn(2, 12), units, {"r3": drawn(3)}), r"must have shape \(2, 3\), got \(3,\)"),
        (lambda units: fill_units(drawn(12), units, {"r1": drawn(5), "r2": drawn(4), ("r3", "type=exc"): drawn(9)}),
         r"share no units, but 6 of \('r3', 'type=exc'\) are in 'r2' too"),
    ),
)  # fmt: skip
def test_what_does_not_fit_the_units_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(units_of(network()))


# stimulation


def test_stimulation_is_the_table():
    units = Units(np.array(list("abc")), {"region": np.array(["x", "y", "x"])}, np.ones(3))
    given = stimulation(units, 1, 9, 9, 2.0, 2, "x", extra_steps=1, ramp_up=3, ramp_down=2)
    course = [0, 0, 1, 2, 2, 2, 2, 2, 0, 0]
    assert given.tolist() == [[[value, 0, value] for value in course]] * 2
    assert given.dtype == torch.get_default_dtype() and given.device.type == "cpu"
    assert stimulation(units, 0, 2, 3, -1)[0].tolist() == [[-1, -1, -1], [-1, -1, -1], [0, 0, 0]]
    assert stimulation(units, 2, 2, 3, 5).any().item() is False
    of_one_step = stimulation(units, 0, 4, 4, 1, selection="y", ramp_up=1, ramp_down=1)
    assert of_one_step[0, :, 1].tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("ramp_down", (0, 2, 5))
@pytest.mark.parametrize("ramp_up", (0, 2, 7))
@pytest.mark.parametrize("selection", ("r1", ("r3", "r2/exc"), ()))
def test_the_sum_of_a_stimulus_is_that_of_the_formula(selection, ramp_up, ramp_down):
    units, like = units_of(network()), torch.zeros(1).double()
    given = stimulation(units, 3, 15, 20, -0.7, 4, selection, ramp_up=ramp_up, ramp_down=ramp_down, like=like)
    index = select(units, *([selection] if isinstance(selection, str) else selection))
    expected = -0.7 * 4 * len(index) * (15 - 3 - (ramp_up + ramp_down) / 2)
    assert given.sum().item() == pytest.approx(expected, rel=1e-12)
    assert given[..., index].sum().item() == pytest.approx(expected, rel=1e-12)
    assert given.shape == (4, 20, 12) and not given[:, :3].any() and not given[:, 15:].any()


def test_windows_add():
    units, like = units_of(network()), torch.zeros(1).double()
    given = stimulation(units, [2, 4, 0], [8, 6, 10], 8, [1.0, -3.0, 0.5], 2, ["r1", ("r1/exc", "r3"), ()],
                        extra_steps=2, ramp_up=[2, 0, 0], like=like)  # fmt: skip
    one_by_one = (
        stimulation(units, 2, 8, 10, 1.0, 2, "r1", ramp_up=2, like=like)
        + stimulation(units, 4, 6, 10, -3.0, 2, ("r3", "r1/exc"), like=like)
        + stimulation(units, 0, 10, 10, 0.5, 2, like=like)
    )
    assert torch.equal(given, one_by_one)
    assert given[0, :, 9].tolist() == [0.5, 0.5, 0.5, 1.5, -1.5, -1.5, 1.5, 1.5, 0.5, 0.5]


def test_a_number_and_one_name_count_for_all_windows():
    units = units_of(network())
    given = stimulation(units, (1, 3), np.array([4, 6]), 7, 2.0, selection="r3")
    assert given[0, :, 4].tolist() == [0, 2, 2, 4, 2, 2, 0] and not given[..., 7:].any()
    per_region = stimulation(units, 1, 2, 3, [1.0, -1.0], selection=["r1", "r3"])
    assert per_region[0, 1].tolist() == [0] * 4 + [-1] * 3 + [1] * 5
    assert torch.equal(stimulation(units, [1], [4], 7, [2.0], selection=[("r1", "r3")]),
                       stimulation(units, 1, 4, 7, 2.0, selection=("r3", "r1")))  # fmt: skip
    assert not stimulation(units, [], [], 7, []).any()


@pytest.mark.parametrize("dtype", (torch.float16, torch.float32, torch.float64))
def test_a_stimulus_is_like_what_it_is_added_to(dtype):
    given = stimulation(units_of(network()), 1, 4, 5, 0.1, ramp_up=3, like=torch.zeros(2, dtype=dtype, device="meta"))
    assert given.dtype == dtype and given.device.type == "meta" and given.shape == (1, 5, 12)
    values = stimulation(units_of(network()), 1, 4, 5, 0.1, ramp_up=3, like=torch.zeros(2, dtype=dtype))
    expected = torch.tensor([0, 0, 0.05, 0.1, 0], dtype=torch.float64).to(dtype)
    assert torch.equal(values[0], expected[:, None].expand(5, 12))


def test_trials_of_a_stimulus_are_apart_in_memory():
    given = stimulation(units_of(network()), 0, 2, 2, 1.0, 3)
    given[0] += 1
    assert (given[1:] == 1).all()


STIMULUS = {"start": 1, "end": 4, "steps": 5, "strength": 1.0}


@pytest.mark.parametrize(
    ("options", "message"),
    (
        ({"ramp_up": 2, "ramp_down": 2}, r"ramps of 2 and 2 steps do not fit into a window of 3 \(1 to 4\)"),
        ({"end": 6}, "a window must lie within the 5 steps, 0 <= start <= end, got 1 to 6"),
        ({"start": 5}, "got 5 to 4"),
        ({"start": -1}, "start must be a whole number of at least 0, got -1"),
        ({"end": 4.0}, "end must be a whole number of at least 0, got 4.0"),
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
        ({"extra_steps": -1}, "extra_steps must be a whole number of at least 0, got -1"),
        ({"batch": True}, "batch must be a whole number of at least 1, got True"),
        ({"ramp_up": -2}, "ramp_up must be a whole number of at least 0, got -2"),
        ({"ramp_down": "2"}, "ramp_down must be a whole number of at least 0, got '2'"),
        ({"strength": float("nan")}, "strength must be a finite number, got nan"),
        ({"strength": "1"}, "strength must be a finite number, got '1'"),
        ({"start": [1, 2], "strength": [1.0]}, "one value for each window, got 2 of start, 1 of strength"),
        ({"start": [1, 2], "selection": ["r1", "r2", "r3"]}, "2 windows need as many selections or one name .*, got 3"),
        ({"selection": "r4"}, "unknown selection 'r4'"),
        ({"selection": ["r1", ("r2", "r3")]}, r"a selection must be a name, got \('r2', 'r3'\)"),
        ({"like": torch.zeros(1, dtype=torch.int64)}, "like must have a floating point dtype, got torch.int64"),
    ),
)
def test_stimuli_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        stimulation(units_of(network()), **{**STIMULUS, **options})


# psth


COLUMNS = ["group", "condition", "time", "mean", "sem", "trials", "units"]


@pytest.mark.parametrize("by", ("region", "type", "region/type", "neuron"))
def test_a_psth_is_the_group_means_of_numpy(by):
    units, activity = units_of(network()), drawn(7, 6, 12)
    condition = np.array(["go", "stop", "go", "go", "stop", "go", "stop"])
    table = psth(activity, units, by, condition, bin=2)
    assert table.columns.tolist() == COLUMNS
    assert table.group.drop_duplicates().tolist() == list(units.groups(by))
    for group, index in units.groups(by).items():
        each = activity[..., index].numpy().mean(-1).reshape(7, 3, 2).mean(-1)
        for name in ("go", "stop"):
            trials = each[condition == name]
            rows = table[(table.group == group) & (table.condition == name)]
            assert rows.time.tolist() == [0, 2, 4]
            np.testing.assert_allclose(rows["mean"], trials.mean(0), rtol=0, atol=1e-14)
            sem = trials.std(0, ddof=1) / np.sqrt(len(trials))
            np.testing.assert_allclose(rows["sem"], sem, rtol=0, atol=1e-14)
            assert set(rows.trials) == {len(trials)} and set(rows.units) == {len(index)}
    assert len(table) == len(units.groups(by)) * 2 * 3


def test_the_arrays_are_those_of_the_table():
    units, activity, condition = mixed(), drawn(5, 8, 40), [2, 1, 2, 1, 1]
    table = psth(activity, units, condition=condition, bin=4, smooth=1.5)
    arrays = psth_arrays(activity.numpy(), units, condition=torch.tensor(condition), bin=4, smooth=1.5)
    assert list(arrays) == table.group.drop_duplicates().tolist()
    for group, response in arrays.items():
        assert response.conditions.tolist() == [1, 2] and response.trials.tolist() == [3, 2]
        assert response.time.tolist() == [0, 4] and response.each.shape == (5, 2)
        rows = table[table.group == group]
        np.testing.assert_array_equal(rows["mean"], response.mean.ravel())
        np.testing.assert_array_equal(rows["sem"], response.sem.ravel())
        assert rows.condition.tolist() == [1, 1, 2, 2] and set(rows.units) == {response.units}
        np.testing.assert_allclose(response.mean[1], response.each[[0, 2]].mean(0), rtol=0, atol=1e-15)


def test_units_without_a_label_are_in_no_group():
    units, activity = mixed(), drawn(2, 3, 40)
    arrays = psth_arrays(activity, units, "type")
    assert set(arrays) == {"pv", "sst"}
    mask = units.labels["type"] == "pv"
    np.testing.assert_allclose(arrays["pv"].each, activity.numpy()[..., mask].mean(-1), rtol=0, atol=1e-15)


@pytest.mark.parametrize("smooth", (None, 0.3, 2, 50.0))
@pytest.mark.parametrize("bin", (1, 3, 12))
def test_constant_activity_stays_constant(bin, smooth):
    arrays = psth_arrays(torch.full((3, 12, 12), 0.7, dtype=torch.float64), units_of(network()), bin=bin, smooth=smooth)
    for response in arrays.values():
        np.testing.assert_allclose(response.mean, np.full((1, 12 // bin), 0.7), rtol=0, atol=1e-14)
        np.testing.assert_allclose(response.sem, np.zeros((1, 12 // bin)), rtol=0, atol=1e-14)


@pytest.mark.parametrize("sd", (0.5, 3, 20.0))
def test_smoothing_is_a_gaussian_mean_of_every_trial(sd):
    units, activity = units_of(network()), drawn(4, 30, 12)
    times = np.arange(30)
    weights = np.exp(-0.5 * ((times[:, None] - times) / sd) ** 2)
    weights /= weights.sum(1, keepdims=True)
    for group, index in units.groups("region").items():
        each = activity[..., index].numpy().mean(-1) @ weights.T
        response = psth_arrays(activity, units, smooth=sd, bin=5)[group]
        np.testing.assert_allclose(response.each, each.reshape(4, 6, 5).mean(-1), rtol=0, atol=1e-13)


def test_of_one_trial_the_error_is_unknown():
    units, activity = units_of(network()), drawn(3, 4, 12)
    alone = psth(activity[:1], units)
    assert alone["sem"].isna().all() and alone["mean"].notna().all() and set(alone.trials) == {1}
    assert set(alone.condition) == {""}
    table = psth(activity, units, condition=["b", "a", "b"])
    assert table[table.condition == "a"]["sem"].isna().all()
    assert table[table.condition == "b"]["sem"].notna().all()


def test_activity_may_be_on_a_graph_and_of_any_dtype():
    units, spikes = units_of(network()), drawn(3, 4, 12) > 0
    expected = psth(spikes.double(), units)
    pd.testing.assert_frame_equal(psth(spikes, units), expected)
    pd.testing.assert_frame_equal(psth(spikes.float().requires_grad_(), units), expected)


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    (
        ((4, 12), {}, r"activity must have shape \(trials, time, 12\), got \(4, 12\)"),
        ((2, 4, 11), {}, r"got \(2, 4, 11\)"),
        ((0, 4, 12), {}, r"got \(0, 4, 12\)"),
        ((2, 0, 12), {}, r"got \(2, 0, 12\)"),
        ((2, 4, 12), {"bin": 3}, "bin must be a whole number that divides the 4 steps, got 3"),
        ((2, 4, 12), {"bin": 0}, "bin must be .*, got 0"),
        ((2, 4, 12), {"bin": 2.0}, r"bin must be .*, got 2\.0"),
        ((2, 4, 12), {"smooth": 0}, "smooth must be a number of steps above 0, or None, got 0"),
        ((2, 4, 12), {"smooth": float("nan")}, "smooth must be .*, got nan"),
        ((2, 4, 12), {"condition": ["a"]}, r"one text or number for each of the 2 trials, got shape \(1,\)"),
        ((2, 4, 12), {"condition": ["a", None]}, r"got shape \(2,\), object"),
        ((2, 4, 12), {"condition": "go"}, r"got shape \(\)"),
        ((2, 4, 12), {"by": "cell"}, "by must be one of region, type, parent, neuron, region/type, got 'cell'"),
    ),
)
def test_activity_that_fits_no_psth_is_refused(shape, options, message):
    with pytest.raises(ValueError, match=message):
        psth(torch.zeros(shape), units_of(network()), **options)


# the order of the regions


@pytest.mark.parametrize("order", ((2, 0, 1), (1, 2, 0), (2, 1, 0)))
def test_the_order_of_the_regions_permutes_results_and_nothing_else(order):
    made, moved = network(), network(order=order)
    units, other = units_of(made), units_of(moved)
    place = [made.names.tolist().index(name) for name in moved.names]  # of each unit of `moved` in `made`
    activity, selection = drawn(4, 6, 12), ("r2", "r1/exc")
    weights = torch.from_numpy(made.dense())
    assert torch.equal(torch.from_numpy(moved.dense()), weights[place][:, place])

    def by_name(units, values, axis=-1):
        names = units.names[select(units, *selection)]
        return values.index_select(axis, torch.from_numpy(np.argsort(names)))

    one, two = (region_activity(*given, *selection) for given in ((activity, units), (activity[..., place], other)))
    assert torch.equal(by_name(units, one), by_name(other, two))
    one, two = (weight_subset(torch.from_numpy(net.dense()), table, selection, "r3")
                for net, table in ((made, units), (moved, other)))  # fmt: skip
    assert torch.equal(by_name(units, one, 0), by_name(other, two, 0))
    one, two = (stimulation(table, [0, 2], [4, 6], 6, [1.0, 2.0], 2, ["r3", selection], ramp_up=2)
                for table in (units, other))  # fmt: skip
    assert torch.equal(one[..., place], two)
    part = drawn(4, 6, 3, seed=8)
    one, two = fill_units(activity, units, {"r3": part}), fill_units(activity[..., place], other, {"r3": part})
    assert torch.equal(one[..., place], two)
    columns = ["group", "condition", "time"]
    one, two = (psth(values, table, "region/type", [1, 2, 2, 1]).sort_values(columns, ignore_index=True)
                for values, table in ((activity, units), (activity[..., place], other)))  # fmt: skip
    pd.testing.assert_frame_equal(one, two)
