"""Activity of a network before and after training, for activity.npz of the first iteration.

Of T samples, N units of which some are written, and E events:

| array                        | content                                                                             |
|------------------------------|-------------------------------------------------------------------------------------|
| times, time_unit             | (T,), and their unit                                                                |
| units, neurons               | (M,) indices of the written units; N                                                |
| rates_initial, rates_final   | (T, M): from the run's initial state, or along the first validation trial of a task |
| event_label, _onset, _offset | events of that trial                                                                |
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from randomnet.build.cells import has_cells
from randomnet.build.network import Setup
from randomnet.build.trials import trials_of
from randomnet.kinds.trajectories import event_arrays
from randomnet.objectives import Objective, TaskObjective
from randomnet.schema.plan import Run
from randomnet.training import Progress

DURATION = 50.0  # tau: of a network without a task
MOST_SAMPLES, MOST_UNITS = 250, 100  # that a figure resolves
MOST_STEPS = 500  # of a network without a task, as those of a whole brain take seconds
Arrays = dict[str, np.ndarray]
Values = Mapping[str, torch.Tensor]


@torch.no_grad()
def activity(run: Run, setup: Setup, objective: Objective, initial: Values, progress: Progress) -> Arrays:
    """Return the arrays of activity.npz; empty for reaches, for other iterations, and where states are not rates.

    initial: the values before training. The network has its last values afterwards.
    """
    has_task = isinstance(objective, TaskObjective)
    if run.iteration or not (has_task or (not run.config.has_task and _is_plain(setup))):
        return {}
    arrays, every = _times(run, trials_of(run)[1].inputs.shape[1] if has_task else 0)
    units = np.unique(np.linspace(0, setup.n - 1, min(setup.n, MOST_UNITS)).round().astype(int))
    arrays |= {"units": units, "neurons": np.array(setup.n)}
    for when, values in (("initial", initial), ("final", progress.last)):
        setup.network.assign(values)
        rates = _along_a_trial(setup, objective) if has_task else _from_the_start(setup, arrays, every)
        arrays[f"rates_{when}"] = rates[every - 1 :: every][:, units].cpu().float().numpy()
    return arrays


def _is_plain(setup: Setup) -> bool:
    """Return whether the network is one of units on a connectome whose states have no further variables."""
    return setup.connectome is not None and setup.size == setup.n


def _times(run: Run, trial_steps: int) -> tuple[Arrays, int]:
    """Return times, their unit, and events; and the number of steps from one sample to the next."""
    config = run.config
    dt = 1.0 if has_cells(run) else config.model.dt
    steps = trial_steps or min(math.ceil(DURATION / dt), MOST_STEPS)
    every = math.ceil(steps / MOST_SAMPLES)
    unit = "steps" if has_cells(run) else config.dynamics.time_unit if config.dynamics.has_parts else "τ"
    times = dt * np.arange(1, steps + 1)[every - 1 :: every]
    events = event_arrays(trials_of(run)[1].events, dt) if trial_steps else {}
    return {"times": times, "time_unit": np.array(unit), **events}, every


def _along_a_trial(setup: Setup, objective: Any) -> torch.Tensor:
    """Return rates (time, N) after each step of the first validation trial."""
    return setup.network.run(objective.validation.inputs[:, :1])[0][:, 0]


def _from_the_start(setup: Setup, arrays: Arrays, every: int) -> torch.Tensor:
    """Return rates (time, N) after each step from the initial state."""
    system, state, rates = setup.system(), setup.state, []
    for _ in range(every * len(arrays["times"])):
        state = system.step(state)
        rates.append(system.rates(state))
    return torch.stack(rates)
