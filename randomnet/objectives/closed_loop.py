"""The objective of movement tasks: a network and the arm that it moves, simulated in a closed loop.

In each bin, a network receives the trial's inputs and, added to these, noisy feedback from the arm. Vision gives x and
y of the fingertip VISION_DELAY bins ago; proprioception gives the arm's state PROPRIOCEPTION_DELAY bins ago. The
network's readout controls the arm. The loss is that of computation-through-dynamics: mean squares of the fingertip's
distance from its goal (m, over x and y), of the controls and of the states that are read out. It covers the first bins
of the trial, more of them in each epoch.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from randomnet.display import Brief
from randomnet.effectors import Effector
from randomnet.objectives.interface import Measurement, are_counts
from randomnet.objectives.noise import InputNoise, StateNoise, scaled_sampler
from randomnet.objectives.task_losses import standard_error
from randomnet.rnn import Dynamics, Network
from randomnet.simulation import RateStepper, TrainableRateNetwork
from randomnet.tasks import ReachTrials

VISION_DELAY, PROPRIOCEPTION_DELAY = 5, 2  # bins
VISUAL = 2  # channels of vision, the first ones


@dataclass(frozen=True)
class ReachBatch:
    """Trials on the device, with the fields of `ReachTrials`: starts (trials, 2), the others (time, trials, .)."""

    starts: Tensor
    inputs: Tensor
    goals: Tensor
    loads: Tensor
    action_noise: Tensor

    def first_bins(self, steps: int) -> "ReachBatch":
        """The first bins of all trials."""
        cut = {entry.name: getattr(self, entry.name)[:steps] for entry in fields(self) if entry.name != "starts"}
        return replace(self, **cut)

    def first_trials(self, trials: int) -> "ReachBatch":
        """All bins of the first trials."""
        cut = {entry.name: getattr(self, entry.name)[:, :trials] for entry in fields(self) if entry.name != "starts"}
        return replace(self, starts=self.starts[:trials], **cut)


@dataclass(frozen=True, repr=False)
class Movement(Brief):
    """A simulated movement, (time, trials, .): fingertips after each bin, controls, inputs, and states read out."""

    fingertips: Tensor
    actions: Tensor
    inputs: Tensor
    states: Tensor


class Stepper(Protocol):
    """A network that is run one step at a time."""

    def rest(self, batch: int) -> Any:
        """The state in which trials start."""
        ...

    def step(self, state: Any, x: Tensor, noise: Tensor | None) -> tuple[Any, Tensor, Tensor]:
        """The next state, the states (batch, N) that are read out, and the readout; x: inputs (batch, channels)."""
        ...


@dataclass(frozen=True)
class _NetworkStepper:
    """A connectome's network; its state is the pair of h and the rates."""

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
        h = replace(self.system, drive=drive if noise is None else drive + noise).step_with_rates(*state)
        rates = self.system.rates(h)
        outputs = torch.addmm(self.interface["readout_bias"], rates, self.interface["readout_weights"].mT)
        return (h, rates), rates, outputs

    def with_noise(self, noise: StateNoise, inputs: Tensor) -> tuple["_NetworkStepper", Tensor]:
        """Itself and the noise (time, trials, N) of the next update, along inputs (time, trials, channels)."""
        return self, scaled_sampler([noise], self.system, inputs)(0, len(inputs))


@dataclass(frozen=True)
class _CellStepper:
    """A network of cells; noise is added to the state from which the next step starts."""

    network: Any

    def rest(self, batch: int) -> Tensor:
        return self.network.cell.start(batch)

    def step(self, state: Tensor, x: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        h = self.network.cell.step(state, x)
        return h if noise is None else h + noise, h, self.network.readout(h)

    def with_noise(self, noise: StateNoise, inputs: Tensor) -> tuple["_CellStepper", Tensor]:
        """Itself and the noise (time, trials, N) of the next update, along inputs (time, trials, channels)."""
        return self, noise.sampler(inputs.shape[1], self.network.cell.initial)(0, len(inputs))


def stepper_of(network: Any) -> _NetworkStepper | _CellStepper | RateStepper:
    """The network with its present parameters as a stepper; differentiable in the parameters."""
    if isinstance(network, TrainableRateNetwork):
        return RateStepper(network)
    if not isinstance(network, Network):
        return _CellStepper(network)
    system, interface = network.dynamics(), network.interface_tensors()
    bias = interface["input_bias"] + interface["recurrent_bias"]
    return _NetworkStepper(system, interface, bias if system.drive is None else bias + system.drive)


def move(network: Stepper, effector: Effector[Any], trials: ReachBatch, noise: Tensor | None = None) -> Movement:
    """Simulate the trials in a closed loop; noise (time, trials, N): added to the network's drive, or to its state."""
    state, arm = network.rest(len(trials.starts)), effector.start(trials.starts)
    observations, steps = [effector.observe(arm)], []
    no_feedback = trials.inputs.new_zeros(len(trials.starts), trials.inputs.shape[-1] - effector.sensed)
    noise_steps = [None] * len(trials.inputs) if noise is None else noise
    bins = zip(trials.inputs, trials.action_noise, trials.loads, noise_steps, strict=True)
    for index, (trial_input, action_noise, load, state_noise) in enumerate(bins):
        vision, body = (observations[max(0, index - delay)] for delay in (VISION_DELAY, PROPRIOCEPTION_DELAY))
        x = trial_input + torch.cat([vision[:, :VISUAL], body[:, VISUAL:], no_feedback], -1)
        state, latents, action = network.step(state, x, state_noise)
        arm = effector.step(arm, action + action_noise, load)
        observations.append(effector.observe(arm))
        steps.append((observations[-1][:, :VISUAL], action, x, latents))
    return Movement(*(torch.stack(parts) for parts in zip(*steps, strict=True)))


@dataclass
class Ramp:
    """The share of a trial that counts: min(1, (epoch + 1) / epochs); epochs 0 = always all of it.

    updates: updates so far, which determine the epoch.
    """

    epochs: int
    updates_per_epoch: int
    updates: int = 0

    def steps(self, bins: int) -> int:
        """How many of these bins count in the next update; at least one."""
        epoch = self.updates // self.updates_per_epoch
        return bins if epoch + 1 >= self.epochs else math.ceil(bins * (epoch + 1) / self.epochs)


@dataclass(frozen=True)
class ClosedLoopObjective:
    """Reaches in fixed training batches, and validation reaches.

    Validation covers whole trials, without noise of the state and without input_noise, which is added to all inputs of
    the network. Networks with dynamics of their own have the noise of all their evaluations there. loss_params:
    action_weight, latent_weight, reach_tolerance (cm), as the trials set them. weight: of the whole loss. Figures, of
    whole trials: metrics, the percent of trials whose fingertip ends within the tolerance of its goal, and end_error,
    the mean distance in cm.
    """

    training: tuple[ReachBatch, ...]
    validation: ReachBatch
    effector: Effector[Any]
    loss_params: Mapping[str, Any]
    ramp: Ramp
    weight: float = 1.0
    noise: StateNoise | None = None
    input_noise: InputNoise | None = None

    def batches(self) -> Sequence[ReachBatch]:
        """The training trials, always in the same order."""
        return self.training

    def measure(self, networks: Sequence[Any], batch: ReachBatch, evaluation: bool = False) -> list[Measurement]:
        """The loss of the one network over the bins that the ramp includes; evaluation: over all bins, noiseless."""
        (network,) = networks
        trials, noise = batch, None
        stepper: Any = stepper_of(network)
        if not evaluation:
            trials = batch.first_bins(self.ramp.steps(len(batch.inputs)))
            self.ramp.updates += 1
            if self.noise:
                stepper, noise = stepper.with_noise(self.noise, trials.inputs)
            trials = self._add_input_noise(trials)
        movement = move(stepper, self.effector, trials, noise)
        loss = self.loss(movement, trials)
        figures = {"train_loss": float(loss.detach())}
        if len(trials.inputs) == len(batch.inputs):
            figures |= self._figures("train", movement, trials)
        return [Measurement(self.weight * loss, figures, float(len(batch.starts)))]

    def _add_input_noise(self, batch: ReachBatch) -> ReachBatch:
        """The batch with the input noise of the next update, if there is any."""
        if not self.input_noise:
            return batch
        return replace(batch, inputs=batch.inputs + self.input_noise.sample(batch.inputs))

    def loss(self, movement: Movement, batch: ReachBatch) -> Tensor:
        """The weighted sum of the three mean squares: distance (m^2), controls and states, over all bins."""
        distance = (movement.fingertips - batch.goals).square().mean()
        effort, size = movement.actions.square().mean(), movement.states.square().mean()
        return distance + self.loss_params["action_weight"] * effort + self.loss_params["latent_weight"] * size

    @torch.no_grad()
    def validate(self, networks: Sequence[Any], epoch: int | None) -> list[dict[str, float]]:
        """Loss and figures on the validation trials, with the standard error of the accuracy."""
        (network,) = networks
        movement = self.validation_movement(network, len(self.validation.starts))
        loss = float(self.loss(movement, self.validation))
        figures = self._figures("validate", movement, self.validation)
        distances = goal_distances(movement.fingertips[-1], self.validation.goals[-1])
        right = distances <= self.loss_params["reach_tolerance"]
        error = float(standard_error(right, torch.ones_like(right)))
        return [{"validate_loss": loss} | figures | {"stderr_validate_metrics": error}]

    @torch.no_grad()
    def validation_movement(self, network: Any, trials: int) -> Movement:
        """The movement of the network in the first validation trials."""
        return move(stepper_of(network), self.effector, self.validation.first_trials(trials))

    def resting_arm(self) -> dict[str, float]:
        """The figures of `reach_figures` for an arm that stays at its start in all validation trials."""
        goals = self.validation.goals  # the first goal is the fingertip's start
        return reach_figures(goals[0], goals[-1], self.loss_params["reach_tolerance"])

    def with_validation(self, trials: ReachTrials) -> "ClosedLoopObjective":
        """The objective with other validation trials."""
        return replace(self, validation=reach_batch(trials, slice(None), self.validation.inputs))

    def chance(self) -> dict[str, float]:
        """The accuracy in percent of a resting arm, which is the constant answer of these tasks."""
        return {"chance_metrics": self.resting_arm()["metrics"]}

    def _figures(self, prefix: str, movement: Movement, batch: ReachBatch) -> dict[str, float]:
        """The figures of the last bin of the batch."""
        ends, goals = movement.fingertips[-1].detach(), batch.goals[-1]
        figures = reach_figures(ends, goals, self.loss_params["reach_tolerance"])
        return {f"{prefix}_{name}": value for name, value in figures.items()}

    def select(self, indices: Sequence[int]) -> "ClosedLoopObjective":
        """The objective itself, as it has one network only."""
        return self

    def states(self) -> list[dict[str, Any]]:
        """The numbers of updates that the ramp and the noises have made."""
        return [{"moved": self.ramp.updates} | {name: noise.updates for name, noise in self._noises().items()}]

    def can_load(self, states: Sequence[Any]) -> bool:
        """Whether values of a file are such `states()`."""
        return are_counts(states, self.states())

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Resume from such `states()`."""
        (state,) = states
        self.ramp.updates = state["moved"]
        for name, noise in self._noises().items():
            noise.updates = state[name]

    def _noises(self) -> dict[str, StateNoise | InputNoise]:
        """The noises that are present, by the name of their count in a checkpoint."""
        named = {"updates": self.noise, "received": self.input_noise}
        return {name: noise for name, noise in named.items() if noise}


def reach_figures(ends: Tensor, goals: Tensor, tolerance: float) -> dict[str, float]:
    """metrics, the percent of fingertips within the tolerance (cm) of their goals, and end_error, the mean distance in
    cm; ends, goals: (trials, 2) in m."""
    distances = goal_distances(ends, goals)
    return {"metrics": float(100 * (distances <= tolerance).double().mean()), "end_error": float(distances.mean())}


def goal_distances(ends: Tensor, goals: Tensor) -> Tensor:
    """Distances (trials,) in cm of fingertips from goals, (trials, 2) in m."""
    return 100 * torch.linalg.vector_norm(ends - goals, dim=-1)


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
    """The objective with trials as tensors of the dtype and on the device of `like`, the training ones in batches."""
    cuts = range(0, len(training), batch_size)
    batches = tuple(reach_batch(training, slice(start, start + batch_size), like) for start in cuts)
    ramp = Ramp(training.loss_params["ramp_epochs"], len(batches))
    held_back = reach_batch(validation, slice(None), like)
    return ClosedLoopObjective(batches, held_back, effector, training.loss_params, ramp, weight, noise, input_noise)


def reach_batch(trials: ReachTrials, selection: slice, like: Tensor) -> ReachBatch:
    """Some of the trials as tensors of the dtype and on the device of `like`."""
    over_time = (trials.inputs, trials.targets, trials.loads, trials.action_noise)
    tensors = [torch.from_numpy(array[selection]).transpose(0, 1).contiguous().to(like) for array in over_time]
    return ReachBatch(torch.from_numpy(trials.starts[selection]).to(like), *tensors)
