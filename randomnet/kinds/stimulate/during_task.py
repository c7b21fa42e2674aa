"""Stimulation during the trials of a task: of each site within each window, beside the same trials left alone.

All passes have the same validation trials and the same noise, so that a trial is its own control. A stimulated step
takes the input of its trial, as trained; its output is that after the step. Silenced units send 0 in the steps of the
window, and the readout has 0 from them after these steps. Source: optogenetic silencing during epochs of a trial (Guo
et al. 2014, Neuron 81), as networks of mRNNTorch receive it by `stim_input`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from randomnet.analysis import Units
from randomnet.build.network import Setup, double
from randomnet.build.trials import trials_of
from randomnet.build.unit_groups import Groups, groups_of
from randomnet.kinds.stimulate.stimulus import Stimulus, stimulus_within, targets_of
from randomnet.objectives import TASK_LOSSES, Term, task_objective
from randomnet.objectives.task_losses import standard_error
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.tasks import Trials

MOST_PASSES = 400  # pairs of a site and a window


@dataclass(frozen=True)
class Design:
    """The sites and windows of a run: names and units of S sites, names and steps (first, last) of W windows."""

    sites: dict[str, Tensor]
    windows: dict[str, tuple[int, int]]
    groups: Groups
    trials: Trials

    @property
    def steps(self) -> int:
        """Steps of a trial."""
        return self.trials.inputs.shape[1]

    def stimuli(self, run: Run) -> Iterator[tuple[int, int, Stimulus]]:
        """Yield the number of the site, that of the window, and the stimulus."""
        for site, units in enumerate(self.sites.values()):
            for window, (first, last) in enumerate(self.windows.values()):
                yield site, window, stimulus_within(run, units, first, last, self.steps, self.groups)


@dataclass(frozen=True)
class Pass:
    """All validation trials, with or without stimulation.

    outputs: (T, B, O). rates: (G, R, T), mean rates of the groups in the first R trials.
    """

    outputs: Tensor
    rates: Tensor


@dataclass(frozen=True)
class Score:
    """How well the trials were done: loss, and of tasks with an accuracy the answers of each trial, (B,) each.

    finite: whether all outputs are numbers. chance: the accuracy of the best constant output, in percent.
    """

    loss: float
    finite: bool
    correct: np.ndarray | None = None
    answers: np.ndarray | None = None
    chance: float = np.nan


# (site, window) -> mean rates (G, R, T) of the groups in the first R trials, and the score; None: without stimulation
Passes = dict[tuple[int, int] | None, tuple[np.ndarray, Score]]


def design_of(run: Run, units: Units) -> Design:
    """Return the sites and windows of [stimulation]. Raises ConfigError."""
    settings, trials = run.config.stimulation, trials_of(run)[1]
    groups = groups_of(settings.by, units, "stimulation")
    if settings.sites == "groups":
        sites = groups.units
    else:
        sites = {settings.units or "all units": targets_of(settings.units, units)}
    windows = windows_of(run, trials)
    _check_ramp(run, windows)
    if len(sites) * len(windows) > MOST_PASSES:
        raise ConfigError(
            f"[stimulation] sites: expected at most {MOST_PASSES} pairs of a site and a window, got {len(sites)} sites "
            f"and {len(windows)} windows"
        )
    return Design(sites, windows, groups, trials)


# ---- windows


def windows_of(run: Run, trials: Trials) -> dict[str, tuple[int, int]]:
    """Return the windows by name, as steps (first, last) of a trial. Raises ConfigError."""
    settings, dt, steps = run.config.stimulation, run.config.model.dt, trials.inputs.shape[1]
    if settings.windows == "events":
        return _windows_of_events(run, trials)
    option = "offset" if settings.windows == "none" else "windows"
    pairs = [(settings.onset, settings.offset)] if settings.windows == "none" else _pairs(settings.windows)
    windows = {}
    for onset, offset in pairs:
        first, last = round(onset / dt), round(offset / dt)
        if not 0 <= first < last <= steps:
            came = f"{offset:g}" if option == "offset" else f"{onset:g}:{offset:g}"
            raise ConfigError(
                f"[stimulation] {option}: expected onset before offset and both within the trials of {steps * dt:g}, "
                f"got {came}"
            )
        windows[f"{onset:g}:{offset:g}"] = (first, last)
    return windows


def _check_ramp(run: Run, windows: dict[str, tuple[int, int]]) -> None:
    """Raise ConfigError for a window without time for both ramps."""
    settings, dt = run.config.stimulation, run.config.model.dt
    name, (first, last) = min(windows.items(), key=lambda window: window[1][1] - window[1][0])
    if settings.action != "silence" and 2 * round(settings.ramp / dt) > last - first:
        raise ConfigError(
            f"[stimulation] ramp: expected at most half of the shortest window, {name} of {(last - first) * dt:g}, got "
            f"{settings.ramp:g}"
        )


def _pairs(text: str) -> list[tuple[float, float]]:
    """Return onsets and offsets of a text such as `0:5, 5:20`. Raises ConfigError."""
    try:
        pairs = [tuple(float(number) for number in part.split(":")) for part in text.split(",")]
        if any(len(pair) != 2 or not np.isfinite(pair).all() for pair in pairs):
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"[stimulation] windows: expected none, events, or windows such as 0:5, 5:20, got {text!r}"
        ) from None
    return pairs


def _windows_of_events(run: Run, trials: Trials) -> dict[str, tuple[int, int]]:
    """Return a window for each event and for each time before, between and after events. Raises ConfigError."""
    if not trials.events:
        raise ConfigError(
            f"[stimulation] windows: expected windows such as 0:5, 5:20, as the trials of "
            f"{run.config.trialparams.task_name} share no events, got 'events'"
        )
    events = sorted(trials.events, key=lambda event: event[1:])
    windows, end, name = {}, 0, ""
    for label, first, last in events:
        if first > end:
            windows[f"after {name}" if name else f"before {label}"] = (end, first)
        windows[label] = (first, last)
        end, name = max(end, last), label
    steps = trials.inputs.shape[1]
    return windows | ({f"after {name}": (end, steps)} if end < steps else {})


# ---- trials with and without stimulation


@torch.no_grad()
def run_pass(run: Run, setup: Setup, design: Design, stimulus: Stimulus | None, check_stop: Callable[[], None]) -> Pass:
    """Return all trials with a stimulus, or without one."""
    network = double(setup.network)
    system, interface = network.autonomous(), network.interface_tensors()
    readout, bias = interface["readout_weights"], interface["readout_bias"]
    trials, recorded = design.trials, run.config.analysis.trajectories
    rng, deviation = run.generator("state noise"), run.config.stimulation.trial_noise
    states = torch.zeros(len(trials), setup.connectome.n).to(setup.state)
    outputs, means = [], []
    for number, x in enumerate(torch.from_numpy(trials.inputs).transpose(0, 1)):
        check_stop()
        drive = system.drive + x.to(states) @ interface["input_weights"].mT
        now = replace(system, drive=drive)
        states = now.step(states) if stimulus is None else stimulus.step(now, states, number)[1]
        if deviation:
            states = states + deviation * torch.from_numpy(rng.standard_normal(states.shape)).to(states)
        rates = system.rates(states)
        if stimulus is not None and stimulus.silence and stimulus.first <= number < stimulus.last:
            rates = stimulus.silenced(rates)
        outputs.append(rates @ readout.mT + bias)
        means.append(design.groups.averages(rates[:recorded]))
    return Pass(torch.stack(outputs), torch.stack(means, -1))


def score(trials: Trials, outputs: Tensor) -> Score:
    """Return how well the outputs (T, B, O) do the trials' task."""
    task_loss = TASK_LOSSES[trials.loss]
    batch = task_objective(trials, trials, len(trials), outputs, Term()).validation
    loss = float(task_loss.loss(outputs, batch, trials.loss_params))
    counts = task_loss.counts(outputs, batch, trials.loss_params).get("metrics")
    finite = bool(outputs.isfinite().all())
    if counts is None:
        return Score(loss, finite)
    correct, answers = (count.double().cpu().numpy() for count in counts)
    return Score(loss, finite, correct, answers, task_loss.chance(batch, trials.loss_params).get("metrics", np.nan))


def percent(correct: np.ndarray, answers: np.ndarray) -> tuple[float, float]:
    """Return the share of correct answers in percent, and its standard error over trials.

    correct, answers: (B,), of each trial; with one answer per trial, the error is the binomial one. Where `correct` is
    a difference between two runs of the same trials, the result is the paired difference and its standard error.
    """
    share = 100 * correct.sum() / answers.sum()
    return float(share), float(standard_error(torch.from_numpy(correct), torch.from_numpy(answers)))
