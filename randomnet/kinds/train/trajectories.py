"""Where the states of a network go: from its initial states, or along the validation trials of its task."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from randomnet.build.network import Setup, initial_states
from randomnet.build.trials import trials_of
from randomnet.build.unit_groups import Groups
from randomnet.rnn import Dynamics
from randomnet.schema.plan import Run
from randomnet.tasks import Trials

MOST_CONDITIONS = 16


@dataclass(frozen=True)
class Followed:
    """states: (time, trajectories, N), the first ones included. drive: (time - 1, N), what all but the last of the
    first trajectory received, None for the system's own. rates: (trials, time - 1, G), mean rates of the groups along
    all validation trials, None without a task; conditions: which condition (trials,) each trial is, and their names;
    events: those that all trials share, see `Trials`.
    """

    states: Tensor
    drive: Tensor | None = None
    rates: Tensor | None = None
    conditions: tuple[np.ndarray, tuple[str, ...]] | None = None
    events: tuple[tuple[str, int, int], ...] = ()


def followed_in(run: Run, start: Setup, system: Dynamics, groups: Groups | None) -> Followed:
    """As many trajectories as the run asks for; mean rates of groups where there are any."""
    number = run.config.analysis.trajectories
    if run.config.has_task:
        return _along_trials(trials_of(run)[1], start, system, groups, number)
    now, path = initial_states(run, start, number), []
    for _ in range(round(run.config.analysis.duration / run.config.model.dt)):
        path.append(now)
        now = system.step(now)
    return Followed(torch.stack([*path, now]))


def _along_trials(
    trials: Trials, start: Setup, system: Dynamics, groups: Groups | None, number: int
) -> Followed:
    """States of the first so many trials, and mean rates after every step of all of them."""
    path, rates, drives = [torch.zeros(len(trials), start.connectome.n).to(start.state)[:number]], [], []
    for drive, now in along_inputs(start, system, trials.inputs):
        path.append(now[:number].clone())  # a view would keep all trials
        drives.append(drive[0].clone())
        if groups is not None:
            rates.append(groups.averages(system.rates(now)).mT)
    means = None if groups is None else torch.stack(rates, 1)
    return Followed(torch.stack(path), torch.stack(drives), means, conditions_of(trials), trials.events)


def along_inputs(start: Setup, system: Dynamics, inputs: np.ndarray) -> Iterator[tuple[Tensor, Tensor]]:
    """Of each step along inputs (trials, time, channels) the drive (trials, N), and the states (trials, N) after it,
    from the state 0."""
    weights = start.network.interface["input_weights"].double()
    now = torch.zeros(len(inputs), start.connectome.n).to(start.state)
    for given in torch.from_numpy(inputs).transpose(0, 1):
        drive = system.drive + given.to(start.state) @ weights.mT  # step by step, as pictures are large
        now = replace(system, drive=drive).step(now)
        yield drive, now


def conditions_of(trials: Trials) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which condition (trials,) each trial is, and their names: the task's own, or else the last target that is scored.

    Of classes that is the class, of bits and signs the values; of other targets, and where there were more than
    MOST_CONDITIONS, all trials are one condition.
    """
    names, index = list(trials.condition_names), trials.conditions
    if index is None:
        scored = trials.mask if trials.mask.ndim == 2 else trials.mask.any(-1)
        last = scored.shape[1] - 1 - np.argmax(scored[:, ::-1], axis=1)
        targets = trials.targets[np.arange(len(last)), last]
        if trials.loss == "classes":
            width = len(str(trials.outputs - 1))
            texts = [f"class {target:0{width}d}" for target in targets]
        elif trials.loss == "bits":
            texts = ["".join(f"{value:.0f}" for value in target) for target in targets]
        elif trials.loss == "sign":
            texts = [" ".join(f"{value:+.0f}" if value else "0" for value in target) for target in targets]
        else:
            texts = ["all trials"] * len(targets)
        names, index = np.unique(texts, return_inverse=True)
    if len(np.unique(index)) > MOST_CONDITIONS:
        names, index = ["all trials"], np.zeros_like(index)
    return index, tuple(map(str, names))


def event_arrays(events: Sequence[tuple[str, int, int]], dt: float) -> dict[str, np.ndarray]:
    """Names (E,), onsets and offsets (E,) in tau of events in steps of dt; nothing where there are none."""
    if not events:
        return {}
    labels, onsets, offsets = zip(*events, strict=True)
    return {
        "event_label": np.array(labels),
        "event_onset": dt * np.array(onsets),
        "event_offset": dt * np.array(offsets),
    }
