"""Ticks of the axis of an option: at its values, or at round numbers where these are too long."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from randomnet.plotting.option_axis import set_option_ticks


def labels(values, scale):
    axes = Figure().subplots()
    axes.set_xscale(scale)
    axes.plot(values, values)
    set_option_ticks(axes, np.array(values))
    return [text.get_text() for text in axes.get_xticklabels()]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.001, 0.01, 0.1], ["0.001", "0.01", "0.1"]),
        ([0.000123457, 0.00456789, 0.0234567], ["0.001", "0.01"]),
        ([1.23456789e-4, 0.00567891], ["0.0002", "0.0005", "0.002", "0.005"]),
    ],
)
def test_a_log_axis_has_its_values_or_round_ones(values, expected):
    assert labels(values, "log") == expected


def test_a_linear_axis_of_long_values_keeps_its_own_ticks():
    assert labels([1.0, 2.5], "linear") == ["1", "2.5"]
    assert "1.2345678" not in labels([1.2345678, 9.8765432], "linear")
