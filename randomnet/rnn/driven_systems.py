"""Networks under inputs as systems with a Lyapunov spectrum: driven by trials, or by one time series."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from randomnet.display import Brief
from randomnet.input_series import checked_inputs
from randomnet.rnn.dynamics import Dynamics


@dataclass(frozen=True, repr=False)
class TrialDrivenSystem(Brief):
    """A network driven by trials in a loop, one after the other. The state is reset to 0 at the start of each trial.

    Tangent vectors continue from trial to trial. The exponents are therefore those of the Jacobian products along all
    trials, however short a trial is. drive: (trials, time, ..., N), U x + b of each trial, with the optional axis of
    runs of `Dynamics` before N.
    """

    system: Dynamics
    drive: Tensor

    @property
    def dt(self) -> float:
        """The time step of the network."""
        return self.system.dt

    @property
    def bounded(self) -> bool:
        """True, because the state is reset at each trial."""
        return True

    def double(self) -> "TrialDrivenSystem":
        """The same system in float64, without a graph."""
        return TrialDrivenSystem(self.system.double(), self.drive.detach().double())

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors (..., 1 + k, N) after `steps` steps from time `start`, which is in steps."""
        trials, time = self.drive.shape[:2]
        while steps:
            trial, step = divmod(start % (trials * time), time)
            if step == 0:
                bundle = torch.cat([torch.zeros_like(bundle[..., :1, :]), bundle[..., 1:, :]], -2)
            count = min(steps, time - step)
            bundle = self.system.advance(bundle, count, start, self.drive[trial, step : step + count])
            start, steps = start + count, steps - count
        return bundle


def trial_driven(system: Dynamics, interface: Mapping[str, Tensor], inputs: Tensor) -> TrialDrivenSystem:
    """The system of a network driven by trials with inputs (..., time, trials, channels); see `run_trials`."""
    biases = interface["input_bias"] + interface["recurrent_bias"]
    drive = inputs @ interface["input_weights"].mT.unsqueeze(-3) + biases[..., None, None, :]
    return TrialDrivenSystem(system, drive.movedim((-2, -3), (0, 1)))


@dataclass(frozen=True, repr=False)
class SeriesDrivenSystem(Brief):
    """A network driven by one time series of inputs. Its exponents are conditional on that input.

    drive: (T, N), what the inputs of each step add to the system's constant drive. After step T the series starts
    again, for checks of the state beyond the record; the record of `randomnet.spectrum` itself never exceeds T.
    """

    system: Dynamics
    drive: Tensor

    @property
    def dt(self) -> float:
        """The time step of the network."""
        return self.system.dt

    @property
    def bounded(self) -> bool:
        """Whether the states of the network are bounded under any input."""
        return getattr(self.system, "bounded", False)

    @property
    def length(self) -> int:
        """T, the number of steps in the series."""
        return len(self.drive)

    def double(self) -> "SeriesDrivenSystem":
        """The same system in float64, without a graph."""
        return SeriesDrivenSystem(self.system.double(), self.drive.detach().double())

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors (1 + k, N) after `steps` steps from time `start`, which is in steps."""
        indices = torch.arange(start, start + steps, device=self.drive.device) % self.length
        return self.system.advance(bundle, steps, start, self.drive[indices])


def input_driven(system: Dynamics, input_weights: Tensor, inputs: Tensor | None) -> Dynamics | SeriesDrivenSystem:
    """The system under inputs: None for zero input, (I,) for a constant input, (T, I) for one input per step.

    Raises ValueError for other shapes and for inputs that are not finite.
    """
    if inputs is None:
        return system
    inputs = checked_inputs(inputs, input_weights.shape[1])
    drive = inputs.to(input_weights) @ input_weights.mT
    if inputs.ndim == 2:
        return SeriesDrivenSystem(system, drive)
    return replace(system, drive=drive if system.drive is None else system.drive + drive)
