"""State space: fixed points that lie on top of each other in the plane are told apart; arrows are dark enough."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.quiver import Quiver

from randomnet import plotting
from randomnet.figures.analyse import _across, _psth, _state_space
from randomnet.plotting.state_space import SPEEDS

CUBE = np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=3)))  # as of a flip-flop with three bits
AXES = np.eye(5)[:2]


def arrays(points, unstable):
    grid = np.stack(np.meshgrid(*[np.linspace(-1.5, 1.5, 9)] * 2), axis=-1)
    return {
        "fixed_points": points, "fixed_unstable": unstable, "slow_points": np.empty((0, points.shape[1])),
        "fixed_eigenvalues": np.zeros((len(points), 5), complex), "trajectories": np.zeros((3, 4, 2)),
        "plane_mean": np.zeros(5), "plane_axes": AXES, "plane_explained": np.array([0.4, 0.3]),
        "plane_labels": np.array(["PC 1", "PC 2"]), "grid": grid, "velocity": -grid, "energy": (grid**2).sum(-1),
    }  # fmt: skip


def embedded(points):
    return np.hstack([points, np.zeros((len(points), 5 - points.shape[1]))])


def test_27_points_of_a_cube_have_27_places_along_the_third_axis():
    figure = plotting.state_space(_state_space(arrays(embedded(CUBE), (CUBE == 0).sum(1))))
    (deep,) = (axes for axes in figure.axes if axes.name == "3d")
    places = np.hstack([np.array(line.get_data_3d()) for line in deep.lines if line.get_marker() != "None"])
    assert places.shape == (3, 27)
    assert len(np.unique(np.abs(places).round(6), axis=1).T) == 8 and len(np.unique(places.round(6), axis=1).T) == 27
    assert "33% of variance" in deep.get_zlabel()


@pytest.mark.parametrize("points", [embedded(CUBE[:, :2]), embedded(CUBE[:3]), np.empty((0, 5))])
def test_points_within_the_plane_or_few_points_have_no_third_axis(points):
    figure = plotting.state_space(_state_space(arrays(points, np.zeros(len(points), int))))
    assert not [axes for axes in figure.axes if axes.name == "3d"]


def test_the_third_axis_is_that_of_the_largest_variance_across_the_plane():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 5)) * [9, 7, 0.5, 3, 0.1]
    third, share = _across(points, AXES)
    assert abs(np.corrcoef(third, points[:, 3])[0, 1]) > 0.99
    assert share == pytest.approx(points[:, 3].var() / points.var(axis=0).sum(), rel=0.02)


def test_fixed_points_differ_in_marker_and_not_only_in_colour():
    figure = plotting.state_space(_state_space(arrays(embedded(CUBE), (CUBE == 0).sum(1))))
    (legend,) = figure.legends
    looks = {text.get_text(): line.get_marker()
             for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)}  # fmt: skip
    markers = [marker for text, marker in looks.items() if "fixed point" in text]
    assert len(markers) == len(set(markers)) == 4


def test_arrows_are_dark_and_thick_enough_to_see():
    figure = plotting.state_space(_state_space(arrays(embedded(CUBE), (CUBE == 0).sum(1))))
    (arrows,) = (item for axes in figure.axes for item in axes.collections if isinstance(item, Quiver))
    assert arrows.units == "inches" and arrows.width >= 0.015
    luminance = np.array([np.dot([0.2126, 0.7152, 0.0722], to_rgb(SPEEDS(place))) for place in np.linspace(0, 1, 50)])
    assert luminance.max() < 0.8


def test_rates_of_a_network_without_groups_are_called_those_of_all_units():
    responses = {
        **dict.fromkeys(("psth_mean", "psth_sem"), np.zeros((1, 1, 4))), "psth_times": np.arange(4.0),
        "groups": np.array(["all"]), "psth_conditions": np.array(["go"]), "psth_trials": np.array([3]),
    }  # fmt: skip
    (axes,) = plotting.psth(_psth(responses)).axes
    assert axes.get_title() == "mean over all units"
