"""Records print one line, whatever the sizes of their arrays, and show a table and a figure."""

import numpy as np
import pytest
import torch

import randomnet as rn
from randomnet.analysis import Units, eigendecomposition, flow_field, linearise, plane, psth_arrays, units_of
from randomnet.display import Displayed
from randomnet.recordings import Recording, Split


@pytest.fixture(scope="module")
def records():
    c = rn.connectome("AB")
    net = rn.network(c)
    system = net.module.autonomous().double()
    states = torch.randn(20, c.n, dtype=torch.float64)
    units = Units(c.names, c.labels, c.signs)
    split = Split(np.ones((30, 40, 50), np.uint8), 40, np.arange(30))
    with torch.no_grad():
        local = linearise(system, states)
        return {
            "connectome": c, "plain": c.record(), "network": net, "system": system, "units": units_of(c),
            "plane": plane(states), "field": flow_field(system.step, states[0], plane(states), trajectory=states),
            "local": local, "modes": eigendecomposition(local.jacobian), "trials": rn.task("flip_flop").trials(),
            "responses": psth_arrays(np.ones((3, 10, c.n)), units, by="neurotransmitter"),
            "recording": Recording({"train": split, "valid": split, "test": split}), "split": split,
            "spectrum": rn.spectrum(net, k=3, tsim=5), "points": rn.fixed_points(net, number=20),
        }  # fmt: skip


def test_each_prints_one_short_line(records):
    for name, record in records.items():
        assert "\n" not in repr(record) and len(repr(record)) < 600, name


def test_arrays_are_named_by_type_and_shape(records):
    assert "weights=float64 (921,)" in repr(records["plain"])
    assert "gains=float64 (58,)" in repr(records["system"])


DRAWN = ["field", "local", "modes", "responses", "recording", "spectrum", "points", "connectome"]


@pytest.mark.parametrize("name", DRAWN)
def test_each_draws_itself(records, name):
    figure = records[name].plot()
    assert figure.axes and figure._repr_png_().startswith(b"\x89PNG")


def test_tables_are_data_frames(records):
    for name in ("responses", "recording", "spectrum", "points"):
        assert len(records[name].frame()) and "<table" in records[name]._repr_html_()
    assert list(records["connectome"].frame()) == ["pre", "post", "weight"]


def test_points_are_drawn_on_a_flow(records):
    assert records["points"].plot(flow=records["field"]).axes and records["field"].plot(points=records["points"]).axes


def test_a_record_without_a_figure_says_so(records):
    with pytest.raises(TypeError, match="Split: expected a record that is drawn"):
        records["split"].plot()
    assert Displayed.frame(records["split"]) is None
