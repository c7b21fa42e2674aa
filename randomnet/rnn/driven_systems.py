"""Networks along inputs as systems whose spectrum can be computed: along trials, or along one series."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from randomnet.input_series import checked_inputs
from randomnet.rnn.dynamics import Dynamics


@dataclass(frozen=True)
class TrialDrivenSystem:
    """A network along trials, one after the other and round again: at the start of each the state is reset to 0.

    The tangent vectors go on from trial to trial, so that exponents are those of the products along trials however
    short these are. drive: (trials, time, ..., N), U x + b of each trial; with the leading axis of runs, if there is
    one, as in `Dynamics`.
    """

    system: Dynamics
    drive: Tensor

    @property
    def dt(self) -> float:
        """The network's step."""
        return self.system.dt

    @property
    def bounded(self) -> bool:
        """True: the state begins anew at each trial."""
        return True

    def double(self) -> "TrialDrivenSystem":
        """In float64, without a graph."""
        return TrialDrivenSystem(self.system.double(), self.drive.detach().double())

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors (..., 1 + k, N) after the `steps` steps from time `start` (in steps) on."""
        trials, time = self.drive.shape[:2]
        while steps:
            trial, at = divmod(start % (trials * time), time)
            if at == 0:
                bundle = torch.cat([torch.zeros_like(bundle[..., :1, :]), bundle[..., 1:, :]], -2)
            now = min(steps, time - at)
            bundle = self.system.advance(bundle, now, start, self.drive[trial, at : at + now])
            start, steps = start + now, steps - now
        return bundle


def trial_driven(system: Dynamics, interface: Mapping[str, Tensor], inputs: Tensor) -> TrialDrivenSystem:
    """A network along trials, inputs (..., time, trials, channels), as a system with a spectrum; see `driven`."""
    biases = interface["input_bias"] + interface["recurrent_bias"]
    drive = inputs @ interface["input_weights"].mT.unsqueeze(-3) + biases[..., None, None, :]
    return TrialDrivenSystem(system, drive.movedim((-2, -3), (0, 1)))


@dataclass(frozen=True)
class SeriesDrivenSystem:
    """A network along one series of inputs, whose exponents are those under that input (conditional exponents).

    drive: (T, N), what the inputs add to the system's constant drive throughout each step. After step T they begin
    again, for looks beyond a record; no record of `randomnet.spectrum` gets there.
    """

    system: Dynamics
    drive: Tensor

    @property
    def dt(self) -> float:
        """The network's step."""
        return self.system.dt

    @property
    def bounded(self) -> bool:
        """Whether the system is, whatever it receives."""
        return getattr(self.system, "bounded", False)

    @property
    def length(self) -> int:
        """T, the number of steps there are."""
        return len(self.drive)

    def double(self) -> "SeriesDrivenSystem":
        """In float64, without a graph."""
        return SeriesDrivenSystem(self.system.double(), self.drive.detach().double())

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors (1 + k, N) after the `steps` steps from time `start` (in steps) on."""
        places = torch.arange(start, start + steps, device=self.drive.device) % self.length
        return self.system.advance(bundle, steps, start, self.drive[places])


def input_driven(system: Dynamics, input_weights: Tensor, inputs: Tensor | None) -> Dynamics | SeriesDrivenSystem:
    """A system while it receives inputs: None for 0, (I,) for a constant one, (T, I) for one in each step.

    Raises ValueError for another shape, or inputs that are not finite.
    """
    if inputs is None:
        return system
    inputs = checked_inputs(inputs, input_weights.shape[1])
    drive = inputs.to(input_weights) @ input_weights.mT
    if inputs.ndim == 2:
        return SeriesDrivenSystem(system, drive)
    return replace(system, drive=drive if system.drive is None else system.drive + drive)
