"""Axes of values side by side: one scale per quantity, plain numbers, whole numbers for counts."""

import numpy as np
import pandas as pd
import pytest

from randomnet import plotting
from randomnet.plotting import Panel, Running, Series

LOOK = Series("network", 0)


def runs(**columns):
    count = len(next(iter(columns.values())))
    return pd.DataFrame({"series": LOOK.text, "group": LOOK.text, "x": 0.0, "status": "complete", "converged": np.nan,
                         "iteration": range(count), **columns})  # fmt: skip


def figure_of(drawing, table, panels):
    if drawing == "dot_plot":
        return plotting.dot_plot(table, panels, [LOOK], [LOOK.text])
    interval = lambda values: (values.min(), values.max())  # noqa: E731
    facet = plotting.Facet(groups=(LOOK.text,))
    return plotting.grid_panels(table.assign(facet=0, cell="a"), panels, [LOOK], [facet], interval)


def tick_texts(axes):
    axes.figure.draw_without_rendering()
    ticks = [*axes.yaxis.get_major_ticks(), *axes.yaxis.get_minor_ticks()]
    low, high = axes.get_ylim()
    texts = {tick.label1.get_text() for tick in ticks if low <= tick.get_loc() <= high and tick.label1.get_visible()}
    return texts - {""}


@pytest.mark.parametrize("drawing", ["dot_plot", "grid_panels"])
def test_one_quantity_has_one_scale_and_equal_limits(drawing):
    table = runs(before=[0.9, 1.0, 1.1], after=[0.5, 3.0, 40.0])
    panels = [Panel("before", "radius before", quantity="radius"), Panel("after", "radius after", quantity="radius")]
    left, right = figure_of(drawing, table, panels).axes
    assert left.get_yscale() == right.get_yscale() == "log"
    assert left.get_ylim() == right.get_ylim()
    assert "log axis" not in left.get_ylabel() + right.get_ylabel()


@pytest.mark.parametrize("drawing", ["dot_plot", "grid_panels"])
def test_a_log_axis_beside_a_linear_one_says_so(drawing):
    table = runs(loss=[0.01, 0.1, 1.0], epoch=[10, 20, 30])
    left, right = figure_of(drawing, table, [Panel("loss", "loss"), Panel("epoch", "epoch", whole=True)]).axes
    assert (left.get_yscale(), right.get_yscale()) == ("log", "linear")
    assert left.get_ylabel().endswith("(log axis)") and right.get_ylabel() == "epoch"


@pytest.mark.parametrize("drawing", ["dot_plot", "grid_panels"])
def test_a_log_axis_has_plain_numbers(drawing):
    (axes,) = figure_of(drawing, runs(rate=[1.2, 6.0, 14.0]), [Panel("rate", "rate (Hz)")]).axes
    assert axes.get_yscale() == "log"
    assert tick_texts(axes) == {"1", "2", "5", "10"} or tick_texts(axes) == {"2", "5", "10"}


@pytest.mark.parametrize("drawing", ["dot_plot", "grid_panels"])
@pytest.mark.parametrize("count", [0, 1, 27])
def test_counts_have_whole_numbers(drawing, count):
    (axes,) = figure_of(drawing, runs(points=[count] * 3), [Panel("points", "points", whole=True, least=0.0)]).axes
    texts = tick_texts(axes)
    assert str(count) in texts and all(float(text.replace("\u2212", "-")).is_integer() for text in texts)
    assert axes.get_ylim()[0] >= 0 and np.ptp(axes.get_ylim()) >= 1


@pytest.mark.parametrize(("count", "boxes"), [(4, 0), (5, 1)])
def test_few_runs_have_no_quartiles(count, boxes):
    figure = plotting.dot_plot(runs(loss=np.linspace(1, 2, count)), [Panel("loss", "loss")], [LOOK], [LOOK.text],
                               boxes=True)  # fmt: skip
    assert len(figure.axes[0].patches) == boxes
    assert any("quartiles" in text.get_text() for text in figure.legends[0].get_texts()) == bool(boxes)


def test_the_time_axis_of_running_estimates_has_plain_numbers():
    times = np.geomspace(0.2, 100, 20)
    running = Running("tons = 0.2", times, np.zeros((1, 20, 1)), np.full((1, 20, 1), 0.1))
    (axes,) = plotting.convergence([running], [0]).axes
    axes.figure.draw_without_rendering()
    assert {"1", "10", "100"} <= {text.get_text() for text in axes.get_xticklabels()}


def test_the_axis_of_an_accuracy_has_all_percentages():
    panel = Panel("accuracy", "accuracy (%)", linear=True, spans=(0.0, 100.0))
    (axes,) = plotting.dot_plot(runs(accuracy=[0.0, 0.0]), [panel], [LOOK], [LOOK.text]).axes
    assert axes.get_ylim() == (-4.0, 104.0)


@pytest.mark.parametrize(("values", "texts"), [([0.002, 0.03], {"0.002", "0.005", "0.01", "0.02"}),
                                               ([1e-6, 1.0], {"$\\mathdefault{10^{-4}}$"})])  # fmt: skip
def test_a_log_axis_of_courses_has_plain_numbers_or_powers_of_ten(values, texts):
    history = pd.DataFrame({"series": LOOK.text, "run": 0, "status": "complete", "epoch": [0, 1], "loss": values})
    (axes,) = plotting.curves(history, [Panel("loss", "loss")], [LOOK]).axes
    assert texts <= tick_texts(axes)
