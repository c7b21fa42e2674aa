"""Tasks of movement: a network and the arm it moves, run together, as what the network senses is what it has done.

In each bin a network that has x sees x and y of the fingertip of VISION_DELAY bins ago and feels the arm as it was
PROPRIOCEPTION_DELAY bins ago, with noise, beside what the trial shows; its readout are the controls of the arm. The
loss is that of computation-through-dynamics: mean squares of the fingertip's distance from its goal (m, of x and y),
of the controls and of the states that are read out, over the first bins of the trial, more of them in each epoch.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from randomnet.effectors import Effector
from randomnet.objectives.interface import Measured
from randomnet.objectives.noise import InputNoise, StateNoise, noise_between
from randomnet.rnn import Dynamics, Network
from randomnet.tasks import ReachTrials

VISION_DELAY, PROPRIOCEPTION_DELAY = 5, 2  # bins
SEEN = 2  # channels of vision, the first ones


@dataclass(frozen=True)
class Reaches:
    """Trials on the device, as `ReachTrials` has them: starts (trials, 2), the others (time, trials, .)."""

    starts: Tensor
    inputs: Tensor
    goals: Tensor
    loads: Tensor
    action_noise: Tensor

    def first(self, steps: int) -> "Reaches":
        """Their first bins."""
        cut = {entry.name: getattr(self, entry.name)[:steps] for entry in fields(self) if entry.name != "starts"}
        return replace(self, **cut)

    def few(self, trials: int) -> "Reaches":
        """Of the first of them."""
        cut = {entry.name: getattr(self, entry.name)[:, :trials] for entry in fields(self) if entry.name != "starts"}
        return replace(self, starts=self.starts[:trials], **cut)


@dataclass(frozen=True)
class Moved:
    """What happened, (time, trials, .): fingertips after each bin, controls, inputs and states that were read out."""

    fingertips: Tensor
    actions: Tensor
    inputs: Tensor
    states: Tensor


class Stepped(Protocol):
    """A network one step at a time: its own state, and what is read out of it."""

    def rest(self, batch: int) -> Any:
        """What trials start from."""
        ...

    def step(self, state: Any, x: Tensor, noise: Tensor | None) -> tuple[Any, Tensor, Tensor]:
        """After inputs (batch, channels): its state, the states (batch, N) that are read out, and the readout."""
        ...


@dataclass(frozen=True)
class _SteppedNetwork:
    """A connectome's network: its state and rates."""

    system: Dynamics
    interface: Mapping[str, Tensor]
    bias: Tensor

    def rest(self, batch: int) -> tuple[Tensor, Tensor]:
        zeros = self.bias.new_zeros(batch, len(self.bias))
        return zeros, self.system.rates(zeros)

    def step(
        self, state: tuple[Tensor, Tensor], x: Tensor, noise: Tensor | None
    ) -> tuple[tuple[Tensor, Tensor], Tensor, Tensor]:
        drive = torch.addmm(self.bias, x, self.interface["input_weights"].mT)
        now = replace(self.system, drive=drive if noise is None else drive + noise).step_with_rates(*state)
        rates = self.system.rates(now)
        outputs = torch.addmm(self.interface["readout_bias"], rates, self.interface["readout_weights"].mT)
        return (now, rates), rates, outputs

    def drawn(self, noise: StateNoise, inputs: Tensor) -> Tensor:
        """(time, trials, N) of the next update, along inputs (time, trials, channels)."""
        return noise_between([noise], self.system, inputs)(0, len(inputs))


@dataclass(frozen=True)
class _SteppedCells:
    """Cells, with noise on the state that the next step starts from."""

    network: Any

    def rest(self, batch: int) -> Tensor:
        return self.network.cell.start(batch)

    def step(self, state: Tensor, x: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        now = self.network.cell.step(state, x)
        return now if noise is None else now + noise, now, self.network.readout(now)

    def drawn(self, noise: StateNoise, inputs: Tensor) -> Tensor:
        """(time, trials, N) of the next update, along inputs (time, trials, channels)."""
        return noise.drawn(inputs.shape[1], self.network.cell.initial)(0, len(inputs))


def stepped(network: Any) -> _SteppedNetwork | _SteppedCells:
    """A network, with its present parameters, one step at a time; differentiable in them."""
    if not isinstance(network, Network):
        return _SteppedCells(network)
    system, interface = network.dynamics(), network.interface_tensors()
    bias = interface["input_bias"] + interface["recurrent_bias"]
    return _SteppedNetwork(system, interface, bias if system.drive is None else bias + system.drive)


def moved(network: Stepped, effector: Effector[Any], trials: Reaches, noise: Tensor | None = None) -> Moved:
    """The network moves the arm through the trials; noise (time, trials, N): beside its drive, or on its state."""
    state, arm = network.rest(len(trials.starts)), effector.start(trials.starts)
    felt, found = [effector.observe(arm)], []
    nothing = trials.inputs.new_zeros(len(trials.starts), trials.inputs.shape[-1] - effector.sensed)
    none = [None] * len(trials.inputs)
    each = zip(trials.inputs, trials.action_noise, trials.loads, none if noise is None else noise, strict=True)
    for now, (shown, jitter, load, extra) in enumerate(each):
        vision, body = (felt[max(0, now - delay)] for delay in (VISION_DELAY, PROPRIOCEPTION_DELAY))
        x = shown + torch.cat([vision[:, :SEEN], body[:, SEEN:], nothing], -1)
        state, latents, action = network.step(state, x, extra)
        arm = effector.step(arm, action + jitter, load)
        felt.append(effector.observe(arm))
        found.append((felt[-1][:, :SEEN], action, x, latents))
    return Moved(*(torch.stack(parts) for parts in zip(*found, strict=True)))


@dataclass
class Ramp:
    """How much of a trial counts: min(1, (epoch + 1) / epochs), from the updates so far; epochs 0 = all, always."""

    epochs: int
    updates_per_epoch: int
    updates: int = 0

    def steps(self, of: int) -> int:
        """Of so many bins, those that count in the next update; at least one."""
        epoch = self.updates // self.updates_per_epoch
        return of if epoch + 1 >= self.epochs else math.ceil(of * (epoch + 1) / self.epochs)


@dataclass(frozen=True)
class ClosedLoopObjective:
    """Reaches in fixed batches, and others to validate on, which is always over whole trials, without noise of the
    state and input_noise, which is on all that the network receives.

    given: of the trials: action_weight, latent_weight, reach_tolerance (cm). weight: of the whole loss. Figures, of
    whole trials: metrics, percent of them whose fingertip ends that near to its goal, and end_error, the mean distance,
    cm.
    """

    training: tuple[Reaches, ...]
    validation: Reaches
    effector: Effector[Any]
    given: Mapping[str, Any]
    ramp: Ramp
    weight: float = 1.0
    noise: StateNoise | None = None
    input_noise: InputNoise | None = None

    def batches(self) -> Sequence[Reaches]:
        """The training trials, always in the same order."""
        return self.training

    def measure(self, networks: Sequence[Any], batch: Reaches, fresh: bool = False) -> list[Measured]:
        """The loss of the one network over the bins that count by now, or fresh, over all of them."""
        (network,) = networks
        part, noise, own = batch, None, stepped(network)
        if not fresh:
            part = batch.first(self.ramp.steps(len(batch.inputs)))
            self.ramp.updates += 1
            noise = own.drawn(self.noise, part.inputs) if self.noise else None
            part = self._received(part)
        found = moved(own, self.effector, part, noise)
        loss = self.loss(found, part)
        figures = {"train_loss": float(loss.detach())}
        if len(part.inputs) == len(batch.inputs):
            figures |= self._figures("train", found, part)
        return [Measured(self.weight * loss, figures, float(len(batch.starts)))]

    def _received(self, batch: Reaches) -> Reaches:
        """With the noise of the next update, if there is any, beside what is shown and sensed."""
        return replace(batch, inputs=batch.inputs + self.input_noise.drawn(batch.inputs)) if self.input_noise else batch

    def loss(self, found: Moved, batch: Reaches) -> Tensor:
        """That of fingertips (m^2), controls and states together, over all bins of the batch."""
        apart = (found.fingertips - batch.goals).square().mean()
        effort, size = found.actions.square().mean(), found.states.square().mean()
        return apart + self.given["action_weight"] * effort + self.given["latent_weight"] * size

    @torch.no_grad()
    def validate(self, networks: Sequence[Any], epoch: int | None) -> list[dict[str, float]]:
        """The same on the trials held back."""
        (network,) = networks
        found = self.shown(network, len(self.validation.starts))
        loss = float(self.loss(found, self.validation))
        figures = self._figures("validate", found, self.validation)
        error = accuracy_error(figures["validate_metrics"], len(self.validation.starts))
        return [{"validate_loss": loss} | figures | {"stderr_validate_metrics": error}]

    @torch.no_grad()
    def shown(self, network: Any, trials: int) -> Moved:
        """What the network does in the first validation trials."""
        return moved(stepped(network), self.effector, self.validation.few(trials))

    def unmoved(self) -> dict[str, float]:
        """What an arm that stays where it starts reaches of the trials held back, as `reached` has it."""
        goals = self.validation.goals  # at first where the fingertip is
        return reached(goals[0], goals[-1], self.given["reach_tolerance"])

    def validated_on(self, trials: ReachTrials) -> "ClosedLoopObjective":
        """The same with other trials to validate on."""
        return replace(self, validation=reaches_of(trials, slice(None), self.validation.inputs))

    def chance(self) -> dict[str, float]:
        """The accuracy in percent of an arm that nobody moves, the constant answer of these tasks."""
        return {"chance_metrics": self.unmoved()["metrics"]}

    def _figures(self, which: str, found: Moved, batch: Reaches) -> dict[str, float]:
        """Of the last bin that there is."""
        found = reached(found.fingertips[-1].detach(), batch.goals[-1], self.given["reach_tolerance"])
        return {f"{which}_{name}": value for name, value in found.items()}

    def only(self, indices: Sequence[int]) -> "ClosedLoopObjective":
        """Of the one network, itself."""
        return self

    def states(self) -> list[dict[str, Any]]:
        """How many updates there have been."""
        return [{"moved": self.ramp.updates} | {name: one.updates for name, one in self._noises().items()}]

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from such states."""
        (state,) = states
        self.ramp.updates = state["moved"]
        for name, noise in self._noises().items():
            noise.updates = state[name]

    def _noises(self) -> dict[str, StateNoise | InputNoise]:
        """Those that there are, by the names of their states."""
        named = {"updates": self.noise, "received": self.input_noise}
        return {name: one for name, one in named.items() if one}


def reached(ends: Tensor, goals: Tensor, tolerance: float) -> dict[str, float]:
    """Of fingertips and goals (trials, 2) in m: metrics, percent that are within the tolerance (cm), and end_error, the
    mean distance in cm."""
    apart = 100 * torch.linalg.vector_norm(ends - goals, dim=-1)
    return {"metrics": float(100 * (apart <= tolerance).double().mean()), "end_error": float(apart.mean())}


def accuracy_error(percent: float, trials: int) -> float:
    """The binomial standard error, in percent, of the accuracy of so many trials."""
    share = percent / 100
    return 100 * math.sqrt(share * (1 - share) / trials)


def closed_loop_objective(
    training: ReachTrials,
    validation: ReachTrials,
    batch_size: int,
    like: Tensor,
    effector: Effector[Any],
    *,
    weight: float = 1.0,
    noise: StateNoise | None = None,
    input_noise: InputNoise | None = None,
) -> ClosedLoopObjective:
    """Reaches as tensors of the dtype and on the device of `like`, the training ones cut into batches."""
    cuts = range(0, len(training), batch_size)
    batches = tuple(reaches_of(training, slice(start, start + batch_size), like) for start in cuts)
    ramp = Ramp(training.given["ramp_epochs"], len(batches))
    whole = reaches_of(validation, slice(None), like)
    return ClosedLoopObjective(batches, whole, effector, training.given, ramp, weight, noise, input_noise)


def reaches_of(trials: ReachTrials, which: slice, like: Tensor) -> Reaches:
    """Some of the trials as tensors."""
    along = (trials.inputs, trials.targets, trials.loads, trials.action_noise)
    turned = [torch.from_numpy(array[which]).transpose(0, 1).contiguous().to(like) for array in along]
    return Reaches(torch.from_numpy(trials.starts[which]).to(like), *turned)
