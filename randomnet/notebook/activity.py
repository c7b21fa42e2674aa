"""What a network does on trials: its outputs and states, with the targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from randomnet.architectures import CellNetwork
from randomnet.artifacts.trained_networks import TrainedCells, TrainedRates
from randomnet.display import Displayed
from randomnet.rnn.trial_runs import run_trials
from randomnet.simulation import TrainableRateNetwork
from randomnet.tasks import Trials

Array = Any  # a NumPy array, or a tensor where the inputs are one


@dataclass(frozen=True, eq=False, repr=False)
class Activity(Displayed):
    """A network along trials, as NumPy arrays, or as tensors where the inputs were tensors.

    inputs: (trials, time, channels). outputs: (trials, time, outputs). states: (trials, time, N), h in the current form
    and rates in the rate form; of cells all states. rates: (trials, time, N), or None for cells. targets: of the
    trials, None for bare inputs. mask: the scored steps, likewise. loss: how outputs are judged, or empty.
    """

    drawing: ClassVar[str] = "activity"

    inputs: Array
    outputs: Array
    states: Array
    rates: Array | None = None
    targets: Array | None = None
    mask: Array | None = None
    loss: str = ""
    dt: float = 1.0
    conditions: Sequence[str] = ()

    def summary(self) -> str:
        """The numbers of trials, steps, states and outputs."""
        trials, steps, states = self.states.shape
        return f"{trials} trials, {steps} steps, {states} states, {self.outputs.shape[-1]} outputs"

    def frame(self) -> pd.DataFrame:
        """One row per trial, step and output: trial, step, output, value, and target where there are numbers."""
        outputs = _numpy(self.outputs)
        trials, steps, count = outputs.shape
        index = np.indices(outputs.shape).reshape(3, -1)
        rows = pd.DataFrame({"trial": index[0], "step": index[1], "output": index[2], "value": outputs.ravel()})
        if self.targets is None:
            return rows
        targets = _numpy(self.targets)
        targets = np.broadcast_to(targets[..., None] if targets.ndim == 2 else targets, (trials, steps, count))
        return rows.assign(target=targets.ravel())


def activity_of(network: Any, trials: Any, dt: float) -> Activity:
    """The activity of a network of kind = train on trials, or on inputs (trials, time, channels), from its start state.

    Raises ValueError for inputs of another shape, and for a network without input weights.
    """
    given = trials.inputs if isinstance(trials, Trials) else trials
    values = given if isinstance(given, Tensor) else torch.from_numpy(np.array(given))
    like = next(iter(network.parameters()))
    if values.ndim != 3:
        raise ValueError(f"inputs: expected shape (trials, time, channels), got {tuple(values.shape)}")
    with torch.no_grad():
        states, outputs, rates = _run(network, values.to(like).transpose(0, 1))
    arrays: dict[str, Any] = {"outputs": outputs, "states": states, "rates": rates}
    for name, part in arrays.items():
        first = part if part is None else part.transpose(0, 1)
        arrays[name] = first if first is None or isinstance(given, Tensor) else first.cpu().numpy()
    if isinstance(trials, Trials):
        arrays |= {"targets": trials.targets, "mask": trials.mask, "loss": trials.loss}
        arrays |= {"conditions": _conditions(trials)}
    return Activity(inputs=given, dt=dt, **arrays)


def _run(network: Any, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """States, outputs and rates (time, trials, .) along inputs (time, trials, channels)."""
    if isinstance(network, CellNetwork):
        channels = TrainedCells(network).channels
        if inputs.shape[2] != channels:
            raise ValueError(f"inputs: expected {channels} channels, got {inputs.shape[2]}")
        return (*network.run(inputs), None)
    if isinstance(network, TrainableRateNetwork):
        rates, outputs = network.run(inputs)
        return _whole_states(network, inputs, rates), outputs, rates
    network.run(inputs[:1])  # which checks their shape
    rates, outputs, states = run_trials(network.dynamics(), network.interface_tensors(), inputs, last=len(inputs))
    return states, outputs, rates


def _whole_states(network: TrainableRateNetwork, inputs: Tensor, rates: Tensor) -> Tensor:
    """All variables of a network with parts of [dynamics] without noise; with noise its rates alone."""
    if network.rates.arguments.get("noise") is not None or network.rates.arguments["tau_rate"] is None:
        return rates
    return TrainedRates(network).run(inputs.transpose(0, 1))[0].transpose(0, 1)


def _conditions(trials: Trials) -> Sequence[str]:
    """The name of each trial's condition; empty without conditions."""
    if trials.conditions is None:
        return ()
    names = trials.condition_names
    return [names[index] if names else str(index) for index in trials.conditions]


def _numpy(values: Array) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
