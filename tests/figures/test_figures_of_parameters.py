"""Trained gains and shifts by the names of their groups: dots beside names, and tables."""

import numpy as np
import pandas as pd
import pytest

import runrandomnet
import visualization
from randomnet import plotting
from randomnet.figures.parameters import MOST_NAMED, few_groups
from randomnet.plotting import Series
from randomnet.results import ResultsFolder

NAMES = ["gaba", "acetylcholine", "glutamate"]


def runs_with(groups, count=2):
    values = np.arange(float(len(groups)))
    return [{"groups": np.array(groups), "gains_final": values, "weights_final": values} for _ in range(count)]


def test_groups_are_few_where_all_runs_have_the_same_ones():
    assert few_groups({0: runs_with(NAMES), 1: runs_with(NAMES)}, "gains") == NAMES
    assert few_groups({0: runs_with(NAMES)}, "weights") == [], "weights are not of groups"
    assert few_groups({0: runs_with(NAMES)}, "shifts") == []
    assert few_groups({0: runs_with(NAMES), 1: runs_with(NAMES[::-1])}, "gains") == []
    many = [str(number) for number in range(MOST_NAMED + 1)]
    assert few_groups({0: runs_with(many)}, "gains") == [] and len(few_groups({0: runs_with(many[1:])}, "gains")) == 12


def test_few_groups_are_dots_beside_their_names():
    before, after = np.arange(6.0), 10 + np.arange(6.0)  # two runs, one after the other
    weights = np.random.default_rng(0).random((2, 50))
    sets = {"gains": {"a": (before, after)}, "weights": {"a": (weights[0], weights[1])}}
    figure = plotting.distributions(sets, [Series("a")], names={"gains": NAMES})
    dots, histogram = figure.axes
    assert [text.get_text() for text in dots.get_yticklabels()] == NAMES and not dots.patches and histogram.patches
    opened, filled = [line for line in dots.get_lines() if line.get_marker() == "o"]
    for line, values in ((opened, before), (filled, after)):
        assert line.get_xdata().tolist() == values.tolist()
        assert np.round(line.get_ydata()).tolist() == [0, 1, 2, 0, 1, 2]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["before training", "after training", "group before training", "group after training"]
    assert figure.get_supylabel() == "probability density"
    alone = plotting.distributions({"gains": sets["gains"]}, [Series("a"), Series("b")], names={"gains": NAMES})
    assert alone.get_supylabel() == "" and len(alone.legends[0].get_texts()) == 2
    assert [text.get_text() for text in alone.axes[1].texts] == ["no finite values"], "b has no runs"


@pytest.mark.slow
def test_tables_have_every_run_and_group(tmp_path):
    text = (f"[paths]\npath_to_results = {tmp_path / 'out'}\n[net]\nroi = AB\nparameter = gains\n[model]\n"
            "groups = neurotransmitter\n[lyapunov]\nnle = 2\ntsim = 2\ntransient = 1\ntsim_measured = 0\n"
            "[trainvalidate]\nepochs = 2\niterations = 2\n[combosparams]\ncombos_params = {'lr': [0.1, 0.2]}\n"
            "[execution]\nworkers = 1\n")  # fmt: skip
    (tmp_path / "a.ini").write_text(text)
    assert runrandomnet.main([str(tmp_path / "a.ini")]) == 0
    figures = tmp_path / "figs"
    asked = ["--results_folders", str(tmp_path / "out"), "--save_figs", str(figures), "--format", "svg"]
    assert visualization.main(asked) == 0
    table = pd.read_csv(figures / "gains.csv")
    assert list(table) == ["label", "combo", "lr", "iteration", "group", "initial", "final", "change"]
    for (lr, iteration), rows in table.groupby(["lr", "iteration"]):
        arrays = ResultsFolder(tmp_path / "out").run([0.1, 0.2].index(lr), iteration).arrays
        assert rows["group"].tolist() == arrays["groups"].tolist()
        for when in ("initial", "final"):
            np.testing.assert_array_equal(rows[when], arrays[f"gains_{when}"].astype(float))
    assert len(table.groupby(["lr", "iteration"])) == 4 and table["change"].any()
    assert pd.read_csv(figures / "shifts.csv")["change"].any(), "shifts were trained, too"
    assert ">acetylcholine<" in (figures / "by_combo" / "parameters_lr=0.1.svg").read_text()
