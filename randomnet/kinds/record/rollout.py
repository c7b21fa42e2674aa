"""A trained network along new trials: its states, inputs and outputs, and how well it did."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.artifacts.trained_networks import TrainedSystem
from randomnet.build.closed_loop import effector_of
from randomnet.objectives import TASK_LOSSES, Term, task_objective
from randomnet.objectives.closed_loop import move, reach_batch, reach_figures
from randomnet.schema.plan import Run
from randomnet.tasks import ReachTrials, Trials

AT_ONCE = 64  # trials that go through the network together


@dataclass(frozen=True, eq=False)
class Rollout:
    """Arrays of all trials, float32, and scores.

    states: (B, T, D). outputs: (B, T, O). inputs and, without noise, true_inputs: (B, T, C). scores: task_loss,
    accuracy in percent, and others of the task, as far as it has them.
    """

    states: np.ndarray
    outputs: np.ndarray
    inputs: np.ndarray
    true_inputs: np.ndarray
    scores: dict[str, float]


@dataclass(frozen=True, eq=False)
class _NoisySystem:
    """A trained system with N(0, deviation^2) added to every state after every step, as `move` needs one."""

    system: TrainedSystem
    deviation: float
    rng: np.random.Generator

    def rest(self, batch: int) -> Tensor:
        return self.system.rest(batch)

    def step(self, state: Tensor, x: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return the state, once more as what is read out, and the readout."""
        states = self.add_noise(self.system.step(state, x))
        return states, states, self.system.readout(states)

    def add_noise(self, states: Tensor) -> Tensor:
        """Return the states with noise."""
        if not self.deviation:
            return states
        return states + self.deviation * torch.from_numpy(self.rng.standard_normal(states.shape)).to(states)


@torch.no_grad()
def roll_out(
    run: Run, trained: TrainedSystem, trials: Trials | ReachTrials, on_progress: Callable[[int], None]
) -> Rollout:
    """Return the network's rollout along all trials; on_progress(trials) is called after some trials, and may raise."""
    system = _NoisySystem(trained, run.config.recording.state_noise, run.generator("state noise"))
    is_reaching = isinstance(trials, ReachTrials)
    parts: list[tuple[np.ndarray, ...]] = []
    for part in _closed_loop(run, system, trials) if is_reaching else _open_loop(system, trials):
        parts.append(part)
        on_progress(len(part[0]))
    states, outputs, inputs, *others = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if is_reaching:
        true_inputs = inputs - (trials.inputs - trials.true_inputs)
        ends, goals = torch.from_numpy(others[0]), torch.from_numpy(trials.targets[:, -1])
        scores = _column_names(reach_figures(ends, goals, trials.loss_params["reach_tolerance"]))
        return Rollout(states, outputs, inputs, true_inputs, scores)
    true_inputs = inputs if trials.true_inputs is None else trials.true_inputs
    return Rollout(states, outputs, inputs, true_inputs, _scores(trials, outputs))


def _open_loop(system: _NoisySystem, trials: Trials) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield states, outputs and inputs of AT_ONCE trials after the other."""
    for start in range(0, len(trials), AT_ONCE):
        inputs = trials.inputs[start : start + AT_ONCE]
        states, outputs = system.system.run(torch.from_numpy(inputs), system.add_noise)
        yield states.float().numpy(), outputs.float().numpy(), inputs


def _closed_loop(run: Run, system: _NoisySystem, trials: ReachTrials) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield the same for an arm that is moved, whose inputs are not known before, and the last fingertip (B, 2)."""
    effector, like = effector_of(run), system.rest(1)
    for start in range(0, len(trials), AT_ONCE):
        movement = move(system, effector, reach_batch(trials, slice(start, start + AT_ONCE), like))
        sequences = (movement.states, movement.actions, movement.inputs)
        ends = movement.fingertips[-1].float().numpy()
        yield (*(sequence.transpose(0, 1).float().numpy() for sequence in sequences), ends)


def _scores(trials: Trials, outputs: np.ndarray) -> dict[str, float]:
    """Return the loss of the task, and accuracy where it has one."""
    answers, task_loss = torch.from_numpy(outputs).transpose(0, 1), TASK_LOSSES[trials.loss]
    batch = task_objective(trials, trials, len(trials), answers, Term()).validation
    scores = {name: float(value) for name, value in task_loss.figures(answers, batch, trials.loss_params).items()}
    return {"task_loss": float(task_loss.loss(answers, batch, trials.loss_params)), **_column_names(scores)}


def _column_names(scores: dict[str, float]) -> dict[str, float]:
    """Return scores of a task under the columns of a recording's summary."""
    return {"accuracy" if name == "metrics" else name: value for name, value in scores.items()}
