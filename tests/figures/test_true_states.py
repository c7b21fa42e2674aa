"""Figures of several models draw the true states once, and again only where they differ."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from randomnet import plotting
from randomnet.figures import compare
from randomnet.plotting import InferredDynamics, Trajectories3D

RNG = np.random.default_rng(0)
TRUE = RNG.normal(size=(3, 10, 3))
OTHER = TRUE + 1


def flat(name, true):
    return InferredDynamics(name, true[..., :2], true[..., :2] + 0.1, np.array([0.6, 0.3]))


def deep(name, true):
    return Trajectories3D(name, (true, true + 0.1), np.array([0.5, 0.3, 0.1]))


@pytest.mark.parametrize(("drawing", "model"), [(plotting.inferred_dynamics, flat), (plotting.trajectories_3d, deep)])
@pytest.mark.parametrize(("truths", "count"), [((TRUE, TRUE, TRUE), 4), ((TRUE, OTHER, TRUE), 5)])
def test_true_states_are_drawn_once(drawing, model, truths, count):
    figure = drawing([model(f"model {number}", true) for number, true in enumerate(truths)])
    assert len(figure.axes) == count
    titles = [axes.get_title() for axes in figure.axes]
    assert titles.count("true states") == (count - 3 if drawing is plotting.trajectories_3d else 1)


def test_every_row_has_the_name_of_its_model():
    figure = plotting.inferred_dynamics([flat(f"model {number}", TRUE) for number in range(3)])
    assert [label for axes in figure.axes if (label := axes.get_ylabel()).startswith("model")] == [
        f"model {number}\nPC 2 (30%)" for number in range(3)
    ]


LONG = "fit_of_my_spikes, architecture lstm, hidden_size 128"


def boxes(figure, texts):
    """Extents of these texts of a drawn figure, and of the figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return [text.get_window_extent(canvas.get_renderer()) for text in texts(figure)], figure.bbox


@pytest.mark.parametrize(("drawing", "model", "texts"), [
    (plotting.inferred_dynamics, flat,
     lambda figure: [axes.yaxis.label for axes in figure.axes if LONG[:8] in axes.get_ylabel()]),
    (plotting.trajectories_3d, deep, lambda figure: [axes.title for axes in figure.axes]),
])  # fmt: skip
def test_long_names_of_models_neither_meet_nor_leave_the_figure(drawing, model, texts):
    extents, whole = boxes(drawing([model(LONG, TRUE) for _ in range(3)]), texts)
    assert len(extents) >= 3
    assert not any(one.overlaps(other) for one, other in combinations(extents, 2))
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1
               for box in extents)  # fmt: skip


def test_names_have_the_options_that_differ():
    arrays = {"axes": np.array(["inference.architecture", "inference.hidden_size"]),
              "axis_values": np.array([["gru", "12"], ["lstm", "12"]]), "labels": np.array(["fit", "fit"]),
              "iterations": np.array([0, 0])}  # fmt: skip
    assert compare._name(arrays, 1, several=True, repeated=False) == "fit, architecture lstm"
    assert compare._axes(arrays | {"axis_values": np.array([["gru", "12"]])})[0] == list(arrays["axes"])
