"""kind = stimulate: some units are driven or silenced for a while, beside a control from the same states.

Each network of the grid, built or trained, starts from several random initial states and settles. The same states then
continue twice, with and without the stimulus of [stimulation] (mRNNTorch's manipulation_stim, with its control).
With a task, networks that were trained on it run its trials: see `during_task`.
"""

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from randomnet import results
from randomnet.analysis import units_of
from randomnet.build.connectome import connectome_of
from randomnet.build.network import Setup, build_setup, check_network, double, initial_states
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Ranking, Stop, one_at_a_time
from randomnet.kinds.progress import interruption_check, progress_reporter
from randomnet.kinds.stimulate.during_task import Passes, design_of, run_pass, score
from randomnet.kinds.stimulate.outputs import write_outputs
from randomnet.kinds.stimulate.stimulus import Stimulus, stimulus_of
from randomnet.kinds.stimulate.task_outputs import write_task_outputs
from randomnet.rnn import Dynamics
from randomnet.schema.plan import Run

HEADLINE = (
    "neurons",
    "targets",
    "targets_change",
    "others_change",
    "distance_end",
    "accuracy_control",
    "accuracy_lowest",
    "accuracy_change_lowest",
    "task_loss_control",
    "task_loss_highest",
    "seconds",
)
PROBE_STEPS = 50  # of an estimate


def check(run: Run) -> dict[str, Any]:
    """Check all that can be wrong before the run starts; return the connectome's facts. Raises ConfigError."""
    facts, units = check_network(run), units_of(connectome_of(run))
    if run.config.has_task:
        design_of(run, units)
    else:
        stimulus_of(run, units)
    return facts


def length(run: Run) -> float:
    """Return the units of time that are recorded, and during a task the number of passes through its trials."""
    if run.config.has_task:
        design = design_of(run, units_of(connectome_of(run)))
        return 1 + len(design.sites) * len(design.windows)
    return run.config.analysis.duration


@torch.no_grad()
def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Stimulate one network and write arrays.npz; return the record for run.json."""
    began = time.perf_counter()
    setup = build_setup(run)
    if run.config.has_task:
        return _during_task(run, folder, setup, began, report, stop)
    system = double(setup.network).autonomous()
    stimulus = stimulus_of(run, units_of(setup.connectome)).to(setup.state.device)
    responses = _responses(run, system, _settled_states(run, setup, system), stimulus, report, stop)
    arrays = {name: torch.stack(steps, -1).cpu().numpy() for name, steps in responses.items()}
    return write_outputs(run, folder, setup, stimulus, arrays, began)


def _during_task(
    run: Run, folder: results.RunFolder, setup: Setup, began: float, report: ProgressCallback, stop: Stop
) -> dict[str, Any]:
    """Stimulate each site within each window during the trials, and write arrays.npz; return the record."""
    design, check_stop = design_of(run, units_of(setup.connectome)), interruption_check(stop)
    passes: Passes = {}
    for place, stimulus in ((None, None), *(((site, window), one) for site, window, one in design.stimuli(run))):
        on_device = None if stimulus is None else stimulus.to(setup.state.device)
        done = run_pass(run, setup, design, on_device, check_stop)
        passes[place] = done.rates.cpu().numpy(), score(design.trials, done.outputs)
        report({"advance": 1})
    return write_task_outputs(run, folder, setup, design, passes, began)


def _responses(
    run: Run, system: Dynamics, states: Tensor, stimulus: Stimulus, report: ProgressCallback, stop: Stop
) -> dict[str, list[Tensor]]:
    """Return what two runs from states (B, N) give at each step, the control and the stimulated one.

    These are mean rates of the groups (G, B) in control and changed, the mean change of the targets' and of the others'
    rates (B,), and the distance (B,) between the states, as root mean square over units.
    """
    parts, dt, steps = stimulus.parts(states), run.config.model.dt, len(stimulus.course)
    on_progress, control, changed = progress_reporter(length(run), report, stop), states, states
    record: dict[str, list[Tensor]] = {name: [] for name in ("control", "changed", "distance", *parts)}
    for number in range(steps):
        on_progress(number * dt)
        record["distance"].append((changed - control).square().mean(-1).sqrt())
        control_rates, control = system.rates(control), system.step(control)
        changed_rates, changed = stimulus.step(system, changed, number)
        for name, rates in (("control", control_rates), ("changed", changed_rates)):
            record[name].append(stimulus.groups.averages(rates))
        for name, units in parts.items():
            record[name].append((changed_rates - control_rates)[:, units].mean(-1))
    return record


def _settled_states(run: Run, setup: Setup, system: Dynamics) -> Tensor:
    """Return states (trajectories, N) after settling from the run's own initial state and from random ones."""
    states = initial_states(run, setup, run.config.analysis.trajectories)
    for _ in range(round(run.config.analysis.settle / run.config.model.dt)):
        states = system.step(states)
    return states


def estimate(runs: Sequence[Run]) -> Cost:
    """Return the cost of each run, from some steps."""
    run = runs[0]
    setup = build_setup(run)
    if run.config.has_task:
        began, design = time.perf_counter(), design_of(run, units_of(setup.connectome))
        run_pass(run, setup, design, None, lambda: None)
        seconds = time.perf_counter() - began
        return Cost(seconds, seconds * length(run))
    with torch.no_grad():
        system = double(setup.network).autonomous()
        states = initial_states(run, setup, run.config.analysis.trajectories)
        began = time.perf_counter()
        for _ in range(PROBE_STEPS):
            states = system.step(states)
    seconds = (time.perf_counter() - began) / PROBE_STEPS / run.config.model.dt
    return Cost(seconds, seconds * (2 * run.config.analysis.duration + run.config.analysis.settle))


KIND = Kind(
    check=check,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="τ or pass",
    headline=HEADLINE,
    rankings=(Ranking("targets_change", lowest_first=False, best=False), Ranking("accuracy_change_lowest", best=False),
              Ranking("task_loss_highest", lowest_first=False, best=False)),
)
