"""A trained network along new trials: its states, what it received and answered, and how well it did."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.artifacts.trained_networks import Trained
from randomnet.build.closed_loop import effector_of
from randomnet.objectives import TASK_LOSSES, Term, task_objective
from randomnet.objectives.closed_loop import move, reach_batch, reach_figures
from randomnet.schema.plan import Run
from randomnet.tasks import ReachTrials, Trials

AT_ONCE = 64  # trials that go through the network together


@dataclass(frozen=True, eq=False)
class Watched:
    """states (B, T, D), outputs (B, T, O), inputs and, without noise, true_inputs (B, T, C), all float32; figures:
    task_loss, accuracy in percent, and others of the task, as far as it has them."""

    states: np.ndarray
    outputs: np.ndarray
    inputs: np.ndarray
    true_inputs: np.ndarray
    figures: dict[str, float]


@dataclass(frozen=True, eq=False)
class _Noisy:
    """A network with N(0, deviation^2) on every state after every step, as `move` needs."""

    network: Trained
    deviation: float
    rng: np.random.Generator

    def rest(self, batch: int) -> Tensor:
        return self.network.rest(batch)

    def step(self, state: Tensor, x: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """The state, once more as what is read out, and the readout."""
        now = self.jittered(self.network.step(state, x))
        return now, now, self.network.readout(now)

    def jittered(self, states: Tensor) -> Tensor:
        """States with noise."""
        if not self.deviation:
            return states
        return states + self.deviation * torch.from_numpy(self.rng.standard_normal(states.shape)).to(states)


@torch.no_grad()
def watched(run: Run, trained: Trained, trials: Trials | ReachTrials, tick: Callable[[int], None]) -> Watched:
    """Along all trials; tick(trials) is called after some of them, and may raise."""
    network = _Noisy(trained, run.config.recording.state_noise, run.generator("state noise"))
    reaching = isinstance(trials, ReachTrials)
    each = _moving(run, network, trials) if reaching else _driven(network, trials)
    parts: list[tuple[np.ndarray, ...]] = []
    for part in each:
        parts.append(part)
        tick(len(part[0]))
    states, outputs, inputs, *others = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if reaching:
        true = inputs - (trials.inputs - trials.true_inputs)
        ends, goals = torch.from_numpy(others[0]), torch.from_numpy(trials.targets[:, -1])
        figures = _named(reach_figures(ends, goals, trials.loss_params["reach_tolerance"]))
        return Watched(states, outputs, inputs, true, figures)
    true = inputs if trials.true_inputs is None else trials.true_inputs
    return Watched(states, outputs, inputs, true, _judged(trials, outputs))


def _driven(network: _Noisy, trials: Trials) -> Iterator[tuple[np.ndarray, ...]]:
    """States, outputs and inputs of some trials after the other."""
    for start in range(0, len(trials), AT_ONCE):
        inputs = trials.inputs[start : start + AT_ONCE]
        states, outputs = network.network.run(torch.from_numpy(inputs), network.jittered)
        yield states.float().numpy(), outputs.float().numpy(), inputs


def _moving(run: Run, network: _Noisy, trials: ReachTrials) -> Iterator[tuple[np.ndarray, ...]]:
    """The same of an arm that is moved, whose inputs are not known before; and where the fingertip ends (B, 2)."""
    effector, like = effector_of(run), network.rest(1)
    for start in range(0, len(trials), AT_ONCE):
        found = move(network, effector, reach_batch(trials, slice(start, start + AT_ONCE), like))
        along = (found.states, found.actions, found.inputs)
        yield (*(part.transpose(0, 1).float().numpy() for part in along), found.fingertips[-1].float().numpy())


def _judged(trials: Trials, outputs: np.ndarray) -> dict[str, float]:
    """The loss of the task, and accuracy where it has one."""
    answers, row = torch.from_numpy(outputs).transpose(0, 1), TASK_LOSSES[trials.loss]
    batch = task_objective(trials, trials, len(trials), answers, Term()).validation
    found = {name: float(value) for name, value in row.figures(answers, batch, trials.loss_params).items()}
    return {"task_loss": float(row.loss(answers, batch, trials.loss_params)), **_named(found)}


def _named(figures: dict[str, float]) -> dict[str, float]:
    """Figures of a task as a recording calls them."""
    return {"accuracy" if name == "metrics" else name: value for name, value in figures.items()}
