"""Arrays for the figures of one model beside the ground truth: trajectories, rates and the flow."""

import numpy as np
import torch

from randomnet import metrics
from randomnet.artifacts.systems import freeze_input
from randomnet.kinds.compare.evaluation import MetricUnavailable, ModelEvaluation
from randomnet.kinds.compare.scoring import Arrays

TRIALS, NEURONS = 8, 5  # that are drawn
GRID, MARGIN = 15, 0.1  # points of the flow field along an axis, and its margin as a share of the states' range


def figure_arrays(evaluation: ModelEvaluation) -> Arrays:
    """Return arrays of the first test trials, as far as they are known."""
    arrays: Arrays = {}
    for part in (_states, _rates, _flow):
        try:
            arrays |= part(evaluation)
        except MetricUnavailable:
            continue
    return arrays


def _states(evaluation: ModelEvaluation) -> Arrays:
    """Return true and mapped states along the true states' principal axes."""
    truth = evaluation.truth
    true, inferred = truth.of("latents")[1][:TRIALS], evaluation.of("latents")[1][:TRIALS]
    return {
        "states_true": truth.project(true).astype(np.float32),
        "states_inferred": truth.project(evaluation.to_truth(inferred)).astype(np.float32),
        "explained": truth.axes[2],
    }


def _rates(evaluation: ModelEvaluation) -> Arrays:
    """Return rates in one trial of the neurons whose true rates vary most over it."""
    true, inferred = evaluation.truth.of("rates")[1][0], evaluation.of("rates")[1][0]
    neurons = np.sort(np.argsort(-true.std(0), kind="stable")[:NEURONS])
    return {"rates_true": true[:, neurons], "rates_inferred": inferred[:, neurons], "rates_neurons": neurons}


@torch.no_grad()
def _flow(evaluation: ModelEvaluation) -> Arrays:
    """Return the step of both systems in the plane of the first two axes, through the true states' mean.

    Points of the plane are mapped to the model by a linear map of the true states to the model's states, fitted on the
    training trials.
    """
    truth, (true, test) = evaluation.truth, evaluation.truth.of("latents")
    systems, inferred = (truth.known_system(), evaluation.known_system()), evaluation.of("latents")[0]
    mean, axes, _ = truth.axes
    grid = _grid(truth.project(test)[..., :2].reshape(-1, 2))
    states = mean + grid.reshape(-1, 2) @ axes[:2]
    starts = (states, metrics.fit_linear_map(true, inferred)(states))
    inputs = (truth.noiseless_inputs, evaluation.inputs())
    flows = []
    for system, start, x in zip(systems, starts, inputs, strict=True):
        step, _ = freeze_input(system, torch.from_numpy(truth.frozen_input(x, system.channels)))
        flows.append(step(torch.from_numpy(start)).numpy() - start)
    return {
        "flow_grid": grid,
        "flow_true": (flows[0] @ axes[:2].T).reshape(grid.shape),
        "flow_inferred": (flows[1] @ evaluation.to_truth.matrix @ axes[:2].T).reshape(grid.shape),
    }


def _grid(points: np.ndarray) -> np.ndarray:
    """Return a grid (GRID, GRID, 2) around points (M, 2) of the plane."""
    low, high = points.min(0), points.max(0)
    margin = MARGIN * (high - low)
    sides = [np.linspace(*ends, GRID) for ends in zip(low - margin, high + margin, strict=True)]
    return np.stack(np.meshgrid(*sides), -1)
