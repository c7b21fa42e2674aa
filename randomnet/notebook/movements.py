"""Reaches of an arm that a network controls, in a closed loop."""

from typing import Any

import torch

from randomnet.build.closed_loop import effector_of
from randomnet.notebook.activity import Activity
from randomnet.objectives.closed_loop import move, reach_batch, stepper_of
from randomnet.schema.plan import Run
from randomnet.tasks import ReachTrials


def movement_of(network: Any, trials: ReachTrials, run: Run) -> Activity:
    """The activity along reaches: outputs are the fingertip (trials, time, 2) in m, targets where it should be.

    Raises ValueError where the arm of the task is not installed.
    """
    like = next(iter(network.parameters()))
    with torch.no_grad():
        movement = move(stepper_of(network), effector_of(run), reach_batch(trials, slice(None), like))
    inputs, outputs, states = (part.transpose(0, 1).cpu().numpy()
                               for part in (movement.inputs, movement.fingertips, movement.states))  # fmt: skip
    return Activity(inputs, outputs, states, None, trials.targets, None, trials.loss, 0.01)
