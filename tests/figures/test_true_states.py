"""Figures of several models draw the true states once, and again only where they differ."""

import numpy as np
import pytest

from randomnet import plotting
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
