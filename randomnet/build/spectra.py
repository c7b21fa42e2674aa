"""From a Run's config to what its spectra need: the schedule of times, and the system whose exponents are computed."""

import torch
from torch import Tensor

from randomnet.build.network import Setup, double
from randomnet.build.source_setup import SourceSetup
from randomnet.build.trials import trials_of
from randomnet.lyapunov import Schedule, System
from randomnet.schema.plan import Run


def schedule_of(run: Run) -> Schedule:
    """Return the times of the run's spectra."""
    times = run.config.lyapunov
    limits = {"tolerance": times.tolerance, "tsim_max": times.tsim_max}
    return Schedule(times.tsim, times.tons, times.transient, times.frame_transient, **limits)


def simulated_time(schedule: Schedule) -> float:
    """Return the units of time of one spectrum, both transients included."""
    return schedule.first + schedule.transient + schedule.frame_transient


def is_driven(run: Run) -> bool:
    """Return whether spectra follow trials: of a task, which start from the state 0, or of a system of [source]."""
    return (run.config.has_task or run.config.from_source) and run.config.lyapunov.driven


@torch.no_grad()
def system_of(run: Run, setup: Setup | SourceSetup, inputs: Tensor | None = None) -> System:
    """Return the system of the run's spectra in float64: the network alone, or along the trials of its task.

    inputs: (time, trials, channels); by default those of the validation trials.
    """
    if isinstance(setup, SourceSetup):
        return setup.driven() if is_driven(run) else setup.undriven()
    exact = double(setup.network)
    if not is_driven(run):
        return exact.autonomous()
    if inputs is None:
        inputs = torch.from_numpy(trials_of(run)[1].inputs).transpose(0, 1)
    return exact.driven_by_trials(inputs.to(setup.state))


def spectrum_state(run: Run, setup: Setup | SourceSetup) -> Tensor:
    """Return the initial state (N,) of the run's spectrum: the run's own, or 0 along trials.

    A system of [source] starts from its own state.
    """
    if isinstance(setup, SourceSetup):
        return setup.starts[0]
    return torch.zeros_like(setup.state) if is_driven(run) else setup.state
