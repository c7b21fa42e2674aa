"""Trajectories of a network: from its initial states, or along the validation trials of its task."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from randomnet.build.network import Setup, initial_states
from randomnet.build.source_setup import FrozenSystem, SourceSetup
from randomnet.build.trials import trials_of
from randomnet.build.unit_groups import Groups
from randomnet.rnn import Dynamics
from randomnet.schema.plan import Run
from randomnet.tasks import Trials

MOST_CONDITIONS = 16


@dataclass(frozen=True)
class Trajectories:
    """States of a network over time, and along a task what its neurons received and how groups responded.

    states: (time, trajectories, N), the initial states included. drive: (time - 1, N), the input of the first
    trajectory at all steps but the last; None without a task. rates: (trials, time - 1, G), mean rates of the groups
    along all validation trials; None without a task. conditions: the index (trials,) of each trial's condition, and the
    conditions' names. events: those that all trials share, see `Trials`.
    """

    states: Tensor
    drive: Tensor | None = None
    rates: Tensor | None = None
    conditions: tuple[np.ndarray, tuple[str, ...]] | None = None
    events: tuple[tuple[str, int, int], ...] = ()


def trajectories_of(
    run: Run, setup: Setup | SourceSetup, system: Dynamics | FrozenSystem, groups: Groups | None
) -> Trajectories:
    """Return as many trajectories as the run asks for, with mean rates of the groups if there are any."""
    number = run.config.analysis.trajectories
    if isinstance(setup, SourceSetup):
        return _of_source(setup, number)
    if run.config.has_task:
        return _along_trials(trials_of(run)[1], setup, system, groups, number)
    state, path = initial_states(run, setup, number), []
    for _ in range(round(run.config.analysis.duration / run.config.model.dt)):
        path.append(state)
        state = system.step(state)
    return Trajectories(torch.stack([*path, state]))


def _of_source(setup: SourceSetup, number: int) -> Trajectories:
    """Return states of the first `number` trials of a system of [source], and the inputs of the first one."""
    starts, inputs = setup.starts[:number], setup.inputs[:number]
    states = [states for _, states in setup.along(inputs, starts)]
    return Trajectories(torch.stack([starts, *states]), inputs[0])


def _along_trials(
    trials: Trials, setup: Setup, system: Dynamics, groups: Groups | None, number: int
) -> Trajectories:
    """Return states of the first `number` trials, and mean rates of the groups after every step of all trials."""
    path, rates, drives = [torch.zeros(len(trials), setup.connectome.n).to(setup.state)[:number]], [], []
    for drive, states in along_inputs(setup, system, trials.inputs):
        path.append(states[:number].clone())  # a view would keep all trials
        drives.append(drive[0].clone())
        if groups is not None:
            rates.append(groups.averages(system.rates(states)).mT)
    means = None if groups is None else torch.stack(rates, 1)
    return Trajectories(torch.stack(path), torch.stack(drives), means, conditions_of(trials), trials.events)


def along_inputs(
    setup: Setup | SourceSetup, system: Dynamics | FrozenSystem, inputs: np.ndarray
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield for each step along inputs (trials, time, channels) the drive (trials, N) and the states (trials, N).

    The states are those after the step; they start from 0. A system of [source] starts from its own state, and its
    drive is the input.
    """
    if isinstance(setup, SourceSetup):
        yield from setup.along(torch.from_numpy(inputs).double(), setup.starts[:1].expand(len(inputs), -1))
        return
    weights = setup.network.interface["input_weights"].double()
    states = torch.zeros(len(inputs), setup.connectome.n).to(setup.state)
    for x in torch.from_numpy(inputs).transpose(0, 1):
        drive = system.drive + x.to(setup.state) @ weights.mT  # one step at a time, as images are large
        states = replace(system, drive=drive).step(states)
        yield drive, states


def conditions_of(trials: Trials) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the index (trials,) of each trial's condition, and the conditions' names.

    They are the task's own, or else given by the last scored target: the class, or the values of bits and signs. All
    trials are one condition for other targets, and where there would be more than MOST_CONDITIONS.
    """
    names, index = list(trials.condition_names), trials.conditions
    if index is None:
        names, index = np.unique(_target_texts(trials), return_inverse=True)
    if len(np.unique(index)) > MOST_CONDITIONS:
        names, index = ["all trials"], np.zeros_like(index)
    return index, tuple(map(str, names))


def _target_texts(trials: Trials) -> list[str]:
    """Return the last scored target of each trial as text."""
    scored = trials.mask if trials.mask.ndim == 2 else trials.mask.any(-1)
    last = scored.shape[1] - 1 - np.argmax(scored[:, ::-1], axis=1)
    targets = trials.targets[np.arange(len(last)), last]
    if trials.loss == "classes":
        width = len(str(trials.outputs - 1))
        return [f"class {target:0{width}d}" for target in targets]
    if trials.loss == "bits":
        return ["".join(f"{value:.0f}" for value in target) for target in targets]
    if trials.loss == "sign":
        return [" ".join(f"{value:+.0f}" if value else "0" for value in target) for target in targets]
    return ["all trials"] * len(targets)


def event_arrays(events: Sequence[tuple[str, int, int]], dt: float) -> dict[str, np.ndarray]:
    """Return names (E,), onsets and offsets (E,) in tau, of events in steps of dt; empty without events."""
    if not events:
        return {}
    labels, onsets, offsets = zip(*events, strict=True)
    return {
        "event_label": np.array(labels),
        "event_onset": dt * np.array(onsets),
        "event_offset": dt * np.array(offsets),
    }
