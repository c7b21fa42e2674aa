"""The only training loop."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from randomnet.objectives import Measured, Objective
from randomnet.rnn import Network

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "Adam": partial(torch.optim.Adam, fused=True),
    "RMSprop": torch.optim.RMSprop,
    "SGD": partial(torch.optim.SGD, fused=True),
    "AdamW": partial(torch.optim.AdamW, fused=True),
}


class Interrupted(Exception):
    """Training stopped because it was asked to; what was reached has been kept."""


@dataclass
class Progress:
    """Where a training stands; `state()` of it, kept anywhere, is enough to go on to the same bytes.

    history: one row per epoch, epoch 0 being the untrained network. best: the network's values at the lowest loss;
    last: those after the last update (where it diverged: at the last finite loss), with final_loss. reason: why it
    ended early, or ''.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    last: dict[str, Tensor] = field(default_factory=dict)
    best_loss: float = math.inf
    best_epoch: int = 0
    final_loss: float = math.nan
    diverged: bool = False
    reason: str = ""

    @property
    def epoch(self) -> int:
        """The next epoch."""
        return len(self.history)


def fit(
    network: Network,
    objective: Objective,
    *,
    optimizer: str,
    lr: float,
    epochs: int,
    clip_norm: float = math.inf,
    early_stopping: int = 0,
    checkpoint_every: int = 0,
    keep: Callable[[dict[str, Any], Progress], None] = lambda state, progress: None,
    resume: dict[str, Any] | None = None,
    report: Callable[[dict[str, float]], None] = lambda row: None,
    stop: Callable[[], bool] = lambda: False,
) -> Progress:
    """Train the network's parameters on the objective.

    Each parameter's gradient is clipped to the L2 norm clip_norm. early_stopping: epochs without a lower loss after
    which it ends (0 = never). keep(state, progress) is called every checkpoint_every epochs; such a state given as
    `resume` goes on from there. A loss or gradient that is not finite ends the training with `diverged` and a reason,
    the network back at the values of its last finite loss. Raises Interrupted, after keep, once stop() is true.
    """
    parameters = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
    stepper = OPTIMIZERS[optimizer](parameters.values(), lr=lr)
    progress = Progress()
    if resume is not None:
        progress = Progress(**resume["progress"])
        stepper.load_state_dict(resume["optimizer"])
        network.assign(resume["values"])

    def state() -> dict[str, Any]:
        return {
            "progress": dict(vars(progress)),
            "optimizer": stepper.state_dict(),
            "values": network.values(),
        }

    while progress.epoch < epochs and not progress.reason:
        if stop():
            keep(state(), progress)
            raise Interrupted
        row = _epoch(network, objective, parameters, stepper, clip_norm, progress)
        if row is None:
            break
        progress.history.append(row)
        report(row)
        if early_stopping and progress.epoch - 1 - progress.best_epoch >= early_stopping:
            progress.reason = f"no lower loss for {early_stopping} epochs"
        elif checkpoint_every and progress.epoch % checkpoint_every == 0:
            keep(state(), progress)
    _finish(network, objective, progress)
    return progress


def _finish(network: Network, objective: Objective, progress: Progress) -> None:
    """Measure the network as it is at last: the history's last loss is that before the last update."""
    if progress.diverged:
        progress.final_loss = progress.history[-1]["train_loss"] if progress.history else math.nan
        return
    progress.last = network.values()
    try:
        with torch.no_grad():
            found = [objective.measure(network, batch) for batch in objective.batches()]
    except FloatingPointError:
        return
    total = sum(one.weight for one in found)
    losses = [one.weight * one.figures.get("train_loss", float(one.loss)) for one in found]
    progress.final_loss = sum(losses) / total
    validated = bool(progress.history) and "validate_loss" in progress.history[-1]
    if not validated and progress.final_loss < progress.best_loss:
        progress.best, progress.best_loss, progress.best_epoch = progress.last, progress.final_loss, progress.epoch


def _epoch(
    network: Network,
    objective: Objective,
    parameters: dict[str, Tensor],
    stepper: torch.optim.Optimizer,
    clip_norm: float,
    progress: Progress,
) -> dict[str, float] | None:
    """One update per batch, then validation; the epoch's row, or None with the reason in progress."""
    began, values = time.perf_counter(), network.values()
    sums: dict[str, float] = {}
    total = 0.0
    for batch in objective.batches():
        try:
            measured = objective.measure(network, batch)
            found = _clipped(measured, parameters, clip_norm)
        except FloatingPointError as error:
            return _give_up(network, progress, str(error))
        progress.last = values
        figures = found | measured.figures
        for name, value in figures.items():
            sums[name] = sums.get(name, 0.0) + measured.weight * value
        total += measured.weight
        stepper.step()
        network.project()
    if not all(bool(parameter.isfinite().all()) for parameter in parameters.values()):
        return _give_up(network, progress, "parameters not finite after the update")
    row = {"epoch": progress.epoch, **{name: value / total for name, value in sums.items()}}
    validated = objective.validate(network, progress.epoch)
    # a loss measured before the only update belongs to the values before it, a validation to those after it
    loss = validated.get("validate_loss", row["train_loss"])
    if loss < progress.best_loss:
        best = network.values() if "validate_loss" in validated else values
        progress.best, progress.best_loss, progress.best_epoch = best, loss, progress.epoch
    return {**row, **validated, "seconds": time.perf_counter() - began}


def _short(name: str) -> str:
    """The name of a parameter as the INI has it: `weights` of `weights.free`."""
    return name.removesuffix(".free").split(".")[-1]


def _clipped(measured: Measured, parameters: dict[str, Tensor], clip_norm: float) -> dict[str, float]:
    """Backward pass, gradients clipped; the loss, every gradient's norm before and after. Raises FloatingPointError."""
    loss = measured.loss.item()
    if not math.isfinite(loss):
        raise FloatingPointError(f"the loss is {loss}")
    for parameter in parameters.values():
        parameter.grad = None
    measured.loss.backward()
    gradients = {_short(name): p.grad for name, p in parameters.items() if p.grad is not None}
    norms = {_short(name): 0.0 for name in parameters}
    if gradients:
        found = torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients.values()]).tolist()
        norms |= dict(zip(gradients, found, strict=True))
    for name, norm in norms.items():
        if not math.isfinite(norm):
            raise FloatingPointError(f"the gradient of {name} is not finite")
        if norm > clip_norm:
            gradients[name].mul_(clip_norm / norm)
    before = {"train_loss": loss, **{f"grad_norm_{name}": norm for name, norm in norms.items()}}
    return before | {f"clipped_norm_{name}": min(norm, clip_norm) for name, norm in norms.items()}


def _give_up(network: Network, progress: Progress, reason: str) -> None:
    progress.diverged, progress.reason = True, f"epoch {progress.epoch}: {reason}"
    progress.last = progress.last or network.values()
    network.assign(progress.last)
