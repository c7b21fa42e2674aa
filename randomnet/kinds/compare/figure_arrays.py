"""What figures of kind = compare show of one model beside the truth: trajectories, rates and the flow."""

import numpy as np
import torch

from randomnet import metrics
from randomnet.artifacts.systems import held
from randomnet.kinds.compare.evaluation import Case, Lacking
from randomnet.kinds.compare.scoring import Arrays

TRIALS, NEURONS = 8, 5  # that are kept to be looked at
GRID, MARGIN = 15, 0.1  # points of the flow field along an axis, and its margin as a share of the states' range


def shown(case: Case) -> Arrays:
    """Arrays of the first test trials, as far as they are known."""
    arrays: Arrays = {}
    for part in (_states, _rates, _flow):
        try:
            arrays |= part(case)
        except Lacking:
            continue
    return arrays


def _states(case: Case) -> Arrays:
    """True and mapped states along the true states' principal axes."""
    truth = case.truth
    true, own = truth.of("latents")[1][:TRIALS], case.of("latents")[1][:TRIALS]
    return {
        "states_true": truth.shown(true).astype(np.float32),
        "states_inferred": truth.shown(case.to_truth(own)).astype(np.float32),
        "explained": truth.axes[2],
    }


def _rates(case: Case) -> Arrays:
    """Of one trial, of the neurons whose true rates vary most over it."""
    true, own = case.truth.of("rates")[1][0], case.of("rates")[1][0]
    most = np.sort(np.argsort(-true.std(0), kind="stable")[:NEURONS])
    return {"rates_true": true[:, most], "rates_inferred": own[:, most], "rates_neurons": most}


@torch.no_grad()
def _flow(case: Case) -> Arrays:
    """The step of both systems in the plane of the first two axes, through the true states' mean.

    Points of the plane are taken to the model by the map of true states to its own, fitted on the training trials.
    """
    truth, (true, test) = case.truth, case.truth.of("latents")
    systems, (own, _) = (truth.known(), case.known()), case.of("latents")
    mean, axes, _ = truth.axes
    seen = truth.shown(test)[..., :2].reshape(-1, 2)
    low, high = seen.min(0), seen.max(0)
    margin = MARGIN * (high - low)
    sides = [np.linspace(*ends, GRID) for ends in zip(low - margin, high + margin, strict=True)]
    grid = np.stack(np.meshgrid(*sides), -1)
    states = mean + grid.reshape(-1, 2) @ axes[:2]
    there = metrics.fit_linear_map(true, own)(states)
    inputs = (truth.held_input(truth.clean, systems[0].channels), truth.held_input(case.inputs(), systems[1].channels))
    moved = []
    for system, start, x in zip(systems, (states, there), inputs, strict=True):
        step, _ = held(system, torch.from_numpy(x))
        moved.append(step(torch.from_numpy(start)).numpy() - start)
    back = case.to_truth.matrix
    return {
        "flow_grid": grid,
        "flow_true": (moved[0] @ axes[:2].T).reshape(grid.shape),
        "flow_inferred": (moved[1] @ back @ axes[:2].T).reshape(grid.shape),
    }
