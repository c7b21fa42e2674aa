"""The only training loop: one network, or several of one shape side by side."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from randomnet.objectives import Measured, Objective
from randomnet.optimizers import EPS, Optimizer

KEEP_SECONDS = 5.0  # between checkpoints, unless told
PLATEAU = 1e-4  # share of the loss by which it must fall not to be on a plateau


class Trainable(Protocol):
    """What is trained: a Network, or anything else with parameters."""

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Of which those that require a gradient are trained."""
        ...

    def values(self) -> dict[str, Tensor]:
        """Copies of all values."""
        ...

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set them."""
        ...

    def project(self) -> None:
        """Keep what constrains them after an update."""
        ...


class Interrupted(Exception):
    """Training stopped because it was asked to; what was reached has been kept."""


@dataclass(frozen=True)
class Settings:
    """How one network is trained.

    clip_norm: each parameter's gradient is clipped to this L2 norm. early_stopping: epochs without a lower loss after
    which it ends (0 = never). lr_decay: the learning rate of epoch e is lr lr_decay^e. stop_below: training ends once
    the loss, in validation where there is one, is below this (0 = never). flat_window, flat_tolerance: so does it once
    so many epochs' losses, of the same kind, differ by less than the tolerance (0 epochs = never).

    clip_whole: the gradient of all parameters together is clipped instead. weight_decay: of the optimizer's rule, None
    for its own; eps: what is added to its roots. plateau_factor: the learning rate is multiplied by it each time the
    loss, in validation where there is one, has not fallen by a ten-thousandth for more than plateau_patience epochs,
    down to plateau_lr (1 = never).
    """

    optimizer: str
    lr: float
    epochs: int
    clip_norm: float = math.inf
    early_stopping: int = 0
    lr_decay: float = 1.0
    stop_below: float = 0.0
    flat_window: int = 0
    flat_tolerance: float = 0.0
    clip_whole: bool = False
    weight_decay: float | None = None
    eps: float = EPS
    plateau_factor: float = 1.0
    plateau_patience: int = 0
    plateau_lr: float = 0.0

    @property
    def steady(self) -> bool:
        """Whether the learning rate stays as it is."""
        return self.lr_decay == 1 and self.plateau_factor == 1

    def lr_of(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """The learning rate of an epoch, after epochs of these losses."""
        lr = self.lr * self.lr_decay**epoch
        if self.plateau_factor == 1:
            return lr
        return max(lr * self.plateau_factor ** _plateaus(losses, self.plateau_patience), min(lr, self.plateau_lr))


@dataclass
class Progress:
    """Where a training stands.

    history: one row per epoch, epoch 0 being the untrained network. best: the network's values at the lowest loss;
    last: those after the last update (where it diverged: at the last finite loss), with final_loss. reason: why it
    ended early, or ''. provisional_epoch: the last one whose loss could not be compared with others.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    last: dict[str, Tensor] = field(default_factory=dict)
    best_loss: float = math.inf
    best_epoch: int = 0
    provisional_epoch: int = 0
    final_loss: float = math.nan
    diverged: bool = False
    reason: str = ""

    @property
    def epoch(self) -> int:
        """The next epoch."""
        return len(self.history)


def fit(
    networks: Sequence[Trainable],
    objective: Objective,
    settings: Sequence[Settings],
    *,
    checkpoint_every: int | None = None,
    keep: Callable[[list[dict[str, Any]]], None] = lambda states: None,
    resume: Sequence[dict[str, Any]] | None = None,
    report: Callable[[int, dict[str, float]], None] = lambda index, row: None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Progress]:
    """Train the parameters of each network on its part of the objective; they know nothing of each other.

    keep(states) is called every checkpoint_every epochs, or where that is None every KEEP_SECONDS; such states given
    as `resume` go on from there to the same bytes. report(index, row) is told every epoch of every network. A loss or
    gradient that is not finite ends the training of that network with `diverged` and a reason, back at the values of
    its last finite loss. Raises Interrupted, after keep, once stop() is true.
    """
    trainees = [_Trainee(*pair) for pair in zip(networks, settings, strict=True)]
    for trainee, state in zip(trainees, resume or [], strict=resume is not None):
        trainee.take_up(state)
    if resume is not None:
        objective.take_up([state["objective"] for state in resume])

    last = time.monotonic()

    def kept() -> None:
        nonlocal last
        states = zip(trainees, objective.states(), strict=True)
        keep([trainee.state() | {"objective": learnt} for trainee, learnt in states])
        last = time.monotonic()

    while active := [index for index, trainee in enumerate(trainees) if trainee.active]:
        if stop():
            kept()
            raise Interrupted
        _epoch([trainees[index] for index in active], objective.only(active))
        for index in active:
            trainee = trainees[index]
            if trainee.progress.diverged:
                continue
            report(index, trainee.progress.history[-1])
            trainee.consider_stopping()
        done = max(trainee.progress.epoch for trainee in trainees)
        due = done % checkpoint_every == 0 if checkpoint_every else time.monotonic() - last > KEEP_SECONDS
        if due and any(trainee.active for trainee in trainees):
            kept()
    _finish(trainees, objective)
    if len(trainees) > 1:  # they end together: what comes after may be interrupted between one and the next
        kept()
    return [trainee.progress for trainee in trainees]


class _Trainee:
    """One network on its way: its parameters, their update rule, and where it stands."""

    def __init__(self, network: Trainable, settings: Settings) -> None:
        self.network, self.settings, self.progress = network, settings, Progress()
        named = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
        self.names = _shortest(list(named))
        self.optimizer = Optimizer(
            settings.optimizer, list(named.values()), settings.lr, settings.weight_decay, settings.eps
        )

    @property
    def active(self) -> bool:
        """Whether there is another epoch to do."""
        return self.progress.epoch < self.settings.epochs and not self.progress.reason

    def state(self) -> dict[str, Any]:
        """All that is needed to go on."""
        optimizer, values = self.optimizer.state(), self.network.values()
        return {"progress": dict(vars(self.progress)), "optimizer": optimizer, "values": values}

    def take_up(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self.progress = Progress(**state["progress"])
        self.optimizer.take_up(state["optimizer"])
        self.network.assign(state["values"])

    def begin(self) -> None:
        """Before an epoch."""
        losses = self._losses() if self.settings.plateau_factor != 1 else []
        self.optimizer.lr = self.settings.lr_of(self.progress.epoch, losses)
        self.values = self.network.values()
        self.sums: dict[str, float] = {}
        self.total = 0.0
        self.provisional = False

    def update(self, measured: Measured, loss: float) -> None:
        """One update along the gradients that the parameters now have, clipped; or the end, where one is not finite."""
        parameters = self.optimizer.parameters
        gradient = self.optimizer.gathered([parameter.grad for parameter in parameters])
        pieces = self.optimizer.pieces(gradient)
        norms = torch.stack([torch.linalg.vector_norm(piece) for piece in pieces]).tolist() if pieces else []
        for name, norm in zip(self.names, norms, strict=True):
            if not math.isfinite(norm):
                return self.give_up(f"the gradient of {name} is not finite")
        if self.settings.clip_whole:
            before, after = self._clipped({"": math.hypot(*norms)}, [gradient])
        else:
            before, after = self._clipped({f"_{n}": norm for n, norm in zip(self.names, norms, strict=True)}, pieces)
        self.progress.last = self.values
        for name, value in ({"train_loss": loss} | before | after | measured.figures).items():
            self.sums[name] = self.sums.get(name, 0.0) + measured.weight * value
        self.total += measured.weight
        self.provisional |= measured.provisional
        self.optimizer.step(gradient)
        self.network.project()
        return None

    def _clipped(
        self, norms: Mapping[str, float], vectors: Sequence[Tensor]
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Clip vectors of these norms, by the ends of their names, in place; the columns of norms before and after."""
        most = self.settings.clip_norm
        for norm, vector in zip(norms.values(), vectors, strict=True):
            if norm > most:
                vector.mul_(most / norm)
        before = {f"grad_norm{name}": norm for name, norm in norms.items()}
        return before, {f"clipped_norm{name}": min(norm, most) for name, norm in norms.items()}

    def _losses(self) -> list[float]:
        """Those of the epochs so far, in validation where there is one."""
        return [row.get("validate_loss", row["train_loss"]) for row in self.progress.history]

    def end(self, validated: dict[str, float], seconds: float) -> None:
        """After the updates of an epoch and its validation."""
        epoch, progress = self.progress.epoch, self.progress
        row = {"epoch": epoch, **{name: value / self.total for name, value in self.sums.items()}}
        if not self.settings.steady:
            row["lr_epoch"] = self.optimizer.lr
        # a loss measured before the only update belongs to the values before it, a validation to those after it
        loss = validated.get("validate_loss", row["train_loss"])
        if self.provisional:
            progress.provisional_epoch = epoch
        elif loss < progress.best_loss:
            best = self.network.values() if "validate_loss" in validated else self.values
            progress.best, progress.best_loss, progress.best_epoch = best, loss, epoch
        progress.history.append({**row, **validated, "seconds": seconds})

    def consider_stopping(self) -> None:
        """End it where the loss is low enough, or has not fallen for long."""
        row, patience, enough = self.progress.history[-1], self.settings.early_stopping, self.settings.stop_below
        which = "validate_loss" if "validate_loss" in row else "train_loss"
        if enough and row[which] < enough and not self.provisional:
            self.progress.reason = f"{which} below {enough:g}"
            return
        if self._flat(which):
            window, tolerance = self.settings.flat_window, self.settings.flat_tolerance
            self.progress.reason = f"{which} flat: {window} epochs within {tolerance:g}"
            return
        since = max(self.progress.best_epoch, self.progress.provisional_epoch)
        if patience and self.progress.epoch - 1 - since >= patience:
            self.progress.reason = f"no lower loss for {patience} epochs"

    def _flat(self, which: str) -> bool:
        """Whether the last losses, none of them provisional, hardly differ."""
        window, progress = self.settings.flat_window, self.progress
        first = progress.epoch - window
        if not window or first < 0 or 0 < progress.provisional_epoch >= first:
            return False
        losses = [row[which] for row in progress.history[first:]]
        return max(losses) - min(losses) < self.settings.flat_tolerance

    def give_up(self, trouble: str) -> None:
        """End it as diverged, back at the last values whose loss was finite."""
        progress = self.progress
        progress.diverged, progress.reason = True, f"epoch {progress.epoch}: {trouble}"
        progress.last = progress.last or self.network.values()
        self.network.assign(progress.last)

    def conclude(self, measured: Sequence[Measured]) -> None:
        """With the losses of the network as it is at last: the history's last loss is that before the last update."""
        progress = self.progress
        progress.last = self.network.values()
        if any(one.trouble for one in measured):
            return
        losses = [one.weight * one.figures.get("train_loss", float(one.loss)) for one in measured]
        progress.final_loss = sum(losses) / sum(one.weight for one in measured)
        validated = bool(progress.history) and "validate_loss" in progress.history[-1]
        if not validated and progress.final_loss < progress.best_loss:
            progress.best, progress.best_loss, progress.best_epoch = progress.last, progress.final_loss, progress.epoch


def _epoch(trainees: Sequence[_Trainee], objective: Objective) -> None:
    """One update per batch of every network, then validation."""
    began, epoch = time.perf_counter(), trainees[0].progress.epoch
    for trainee in trainees:
        trainee.begin()
    batches = list(objective.batches())
    while batches:
        _batch(trainees, objective, batches.pop(0))
        going = _going(trainees)
        if not going:
            return
        if len(going) < len(trainees):  # a batch is of all networks: those that are left have their own parts of it
            batches = [batch if batch is None else batch.only(going) for batch in batches]
        trainees, objective = _undiverged(trainees, objective)
    for trainee in trainees:
        if not all(bool(parameter.isfinite().all()) for parameter in trainee.optimizer.parameters):
            trainee.give_up("parameters not finite after the update")
    trainees, objective = _undiverged(trainees, objective)
    validated = objective.validate([trainee.network for trainee in trainees], epoch) if trainees else []
    seconds = (time.perf_counter() - began) / max(1, len(trainees))
    for trainee, figures in zip(trainees, validated, strict=True):
        trainee.end(figures, seconds)


def _batch(trainees: Sequence[_Trainee], objective: Objective, batch: Any) -> None:
    """One update of every network; one whose loss or gradient is not finite gives up."""
    measured = objective.measure([trainee.network for trainee in trainees], batch)
    losses = torch.stack([one.loss.detach() for one in measured]).tolist()
    sound = []
    for trainee, one, loss in zip(trainees, measured, losses, strict=True):
        trouble = one.trouble or ("" if math.isfinite(loss) else f"the loss is {loss}")
        if trouble:
            trainee.give_up(trouble)
            continue
        for parameter in trainee.optimizer.parameters:
            parameter.grad = None
        sound.append((trainee, one, loss))
    if sound and any(one.loss.requires_grad for _, one, _ in sound):
        torch.stack([one.loss for _, one, _ in sound]).sum().backward()
    for trainee, one, loss in sound:
        trainee.update(one, loss)


def _undiverged(trainees: Sequence[_Trainee], objective: Objective) -> tuple[Sequence[_Trainee], Objective]:
    """Those that go on, and what they are trained on."""
    going = _going(trainees)
    if len(going) == len(trainees):
        return trainees, objective
    return [trainees[index] for index in going], objective.only(going) if going else objective


def _going(trainees: Sequence[_Trainee]) -> list[int]:
    return [index for index, trainee in enumerate(trainees) if not trainee.progress.diverged]


@torch.no_grad()
def _finish(trainees: Sequence[_Trainee], objective: Objective) -> None:
    """Measure every network as it is at last; of one that diverged, the last finite loss stands."""
    for trainee in trainees:
        if trainee.progress.diverged and trainee.progress.history:
            trainee.progress.final_loss = trainee.progress.history[-1]["train_loss"]
    trainees, objective = _undiverged(trainees, objective)
    if not trainees:
        return
    networks = [trainee.network for trainee in trainees]
    found = [objective.measure(networks, batch, fresh=True) for batch in objective.batches()]
    for trainee, measured in zip(trainees, zip(*found, strict=True), strict=True):
        trainee.conclude(measured)


def _shortest(names: Sequence[str]) -> list[str]:
    """The names of parameters as the INI has them, `weights` of `weights.free`; whole where that is of several."""
    short = [name.removesuffix(".free").split(".")[-1] for name in names]
    return [own if short.count(own) == 1 else name for own, name in zip(short, names, strict=True)]


def _plateaus(losses: Sequence[float], patience: int) -> int:
    """How often losses did not fall for more than `patience` epochs, counted anew each time."""
    best, waited, found = math.inf, 0, 0
    for loss in losses:
        if loss < best - PLATEAU * abs(best) or math.isinf(best):
            best, waited = loss, 0
            continue
        waited += 1
        if waited > patience:
            waited, found = 0, found + 1
    return found
