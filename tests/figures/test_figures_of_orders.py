"""A row per network and control: dots, those beyond the range hollow and at the edge, and intervals."""

import numpy as np

from randomnet import plotting
from randomnet.plotting import OrderRow


def test_runs_beyond_the_range_are_hollow_at_its_edge():
    values = np.array([2.0, 3.0, np.inf, -np.inf])
    rows = [OrderRow("network", np.array([4.0, 4.0]), 4.0, 3.0, 5.0, "n = 2"),
            OrderRow("null", values, np.inf, np.nan, np.nan, "n = 4, p = 1")]  # fmt: skip
    figure = plotting.orders(rows, "epochs", (0, 10), ("below", "not by 10"))
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["network\nn = 2", "null\nn = 4, p = 1"]
    dots = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata())]
    kinds = {face: [line.get_xdata() for line in dots if (line.get_markerfacecolor() == "white") == face]
             for face in (False, True)}  # fmt: skip
    filled, hollow = (np.concatenate(kinds[face]) for face in (False, True))
    np.testing.assert_allclose(np.sort(filled), [2, 3, 4, 4])
    assert hollow.min() < 0 and hollow.max() > 10
    texts = [text.get_text() for text in axes.get_xticklabels()]
    assert texts[:3] == ["below", "2", "4"] and texts[-1] == "not by 10"
    (bar,) = (line for line in axes.lines if line.get_marker() == "None" and len(line.get_xdata()) == 2)
    np.testing.assert_allclose(bar.get_xdata(), [3, 5])
    assert len(plotting.render(figure, "png")) > 1000


def test_a_logarithmic_axis_has_round_values():
    rows = [OrderRow("a", np.array([2.0]), 2.0, 1.5, 3.0, "n = 1")]
    figure = plotting.orders(rows, "g", (1, 24), ("", "not up to 24"), logarithmic=True)
    texts = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert texts == ["1", "2", "5", "10", "20", "not up to 24"]
