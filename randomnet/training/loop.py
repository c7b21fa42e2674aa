"""The only training loop: one network, or several of one shape side by side."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from randomnet.objectives import Measured, Objective
from randomnet.optimizers import Optimizer
from randomnet.training.progress import Progress, restored
from randomnet.training.settings import Settings

KEEP_SECONDS = 5.0  # between checkpoints, unless told
RECORDED = "lambda_1"  # a column of the spectra that are recorded now and then, and in any case at both ends


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

    The history has a row for each network on the way, see `Progress`: with validation measured after the updates of an
    epoch (its training loss is then the mean over the batches of the epoch, but for the first and the last row, which
    are measured on all batches), without by the next update. keep(states) is called every checkpoint_every epochs, or
    where that is None every KEEP_SECONDS; such states given as `resume` go on from there to the same bytes.
    report(index, row) is told the row of every epoch of every network. A loss or gradient that is not finite ends the
    training of that network with `diverged` and a reason, back at the values of its last finite loss. Raises
    Interrupted, after keep, once stop() is true.
    """
    trainees = [_Trainee(*pair) for pair in zip(networks, settings, strict=True)]
    _begin(trainees, objective, resume)
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
            if not trainees[index].progress.diverged:
                report(index, trainees[index].progress.history[-1])
                trainees[index].consider_stopping()
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

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from the optimizer and the values of such a state."""
        self.optimizer.load_state(state["optimizer"])
        self.network.assign(state["values"])

    def begin_history(self, row: dict[str, float]) -> None:
        """Put the row of the untrained network, which it now is, before the others."""
        self.progress.history.insert(0, {"epoch": 0, **row})
        self.progress.improve(row["validate_loss"], 0, self.network.values())

    def begin(self) -> None:
        """Before an epoch."""
        losses = self._losses() if self.settings.plateau_factor != 1 else []
        self.optimizer.lr = self.settings.lr_of(self.progress.epoch, losses)
        self.values = self.network.values()
        self.figures: dict[str, float] = {}
        self.norms: dict[str, float] = {}
        self.untrained: dict[str, float] = {}
        self.total = 0.0
        self.provisional = False

    def update(self, measured: Measured, loss: float) -> None:
        """One update along the gradients that the parameters now have, clipped; or the end, where one is not finite."""
        parameters = self.optimizer.parameters
        gradient = self.optimizer.flatten_gradients([parameter.grad for parameter in parameters])
        pieces = self.optimizer.split_like_parameters(gradient)
        norms = torch.stack([torch.linalg.vector_norm(piece) for piece in pieces]).tolist() if pieces else []
        for name, norm in zip(self.names, norms, strict=True):
            if not math.isfinite(norm):
                if not self.progress.history:
                    self.progress.history.append({"epoch": 0, "train_loss": loss, **measured.figures})
                return self.give_up(f"the gradient of {name} is not finite")
        if self.settings.clip_whole:
            before, after = self._clipped({"": math.hypot(*norms)}, [gradient])
        else:
            before, after = self._clipped({f"_{n}": norm for n, norm in zip(self.names, norms, strict=True)}, pieces)
        self.progress.last, self.progress.last_epoch = self.values, self.progress.epoch
        _add(self.figures, {"train_loss": loss} | measured.figures, measured.weight)
        _add(self.norms, before | after, measured.weight)
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
        """Those of the epochs so far that decide about the next ones."""
        progress = self.progress
        if progress.validated:
            return [row["validate_loss"] for row in progress.history if row["epoch"] > 0]
        return [row["train_loss"] for row in progress.history]

    def end(self, validated: dict[str, float], seconds: float) -> None:
        """After the updates of an epoch and its validation."""
        progress = self.progress
        if not validated:
            self.measure_before()
        updates = {name: value / self.total for name, value in self.norms.items()}
        if not self.settings.steady:
            updates["lr_epoch"] = self.optimizer.lr
        progress.updates = updates | {"seconds": seconds}
        progress.epoch += 1
        if validated:
            figures = {name: value / self.total for name, value in self.figures.items()}
            progress.history.append({"epoch": progress.epoch, **figures, **validated, **progress.updates})
            self._compare(validated["validate_loss"], progress.epoch, self.network.values())

    def measure_before(self) -> None:
        """The row of the network before the update, whose loss the update has measured."""
        progress = self.progress
        figures = self.untrained or {name: value / self.total for name, value in self.figures.items()}
        progress.history.append({"epoch": progress.epoch, **figures, **progress.updates})
        if self.untrained:
            progress.improve(figures["train_loss"], progress.epoch, self.values)
        self._compare(figures["train_loss"], progress.epoch, self.values)

    def _compare(self, loss: float, epoch: int, values: dict[str, Tensor]) -> None:
        """The loss of an epoch beside the lowest so far."""
        progress = self.progress
        if self.provisional:
            progress.provisional_epoch = epoch
            return
        progress.improve(loss, epoch, values)
        if loss < progress.lowest:
            progress.lowest, progress.lowest_epoch = loss, epoch

    def consider_stopping(self) -> None:
        """End it where the loss is low enough, or has not fallen for long."""
        progress, patience, enough = self.progress, self.settings.early_stopping, self.settings.stop_below
        which = "validate_loss" if progress.validated else "train_loss"
        row = progress.history[-1]
        if enough and row[which] < enough and not self.provisional:
            progress.reason = f"{which} below {enough:g}"
            return
        if self._flat():
            window, tolerance = self.settings.flat_window, self.settings.flat_tolerance
            progress.reason = f"{which} flat: {window} epochs within {tolerance:g}"
            return
        since = max(progress.lowest_epoch, progress.provisional_epoch, int(progress.validated))
        if patience and row["epoch"] - since >= patience:
            progress.reason = f"no lower loss for {patience} epochs"

    def _flat(self) -> bool:
        """Whether the last losses, none of them provisional, hardly differ."""
        window, progress = self.settings.flat_window, self.progress
        if not window or progress.epoch < window:
            return False
        if 0 < progress.provisional_epoch > progress.history[-1]["epoch"] - window:
            return False
        losses = self._losses()[-window:]
        return max(losses) - min(losses) < self.settings.flat_tolerance

    def give_up(self, trouble: str) -> None:
        """End it as diverged, back at the last values whose loss was finite."""
        progress = self.progress
        progress.diverged, progress.reason = True, f"epoch {progress.epoch}: {trouble}"
        progress.last = progress.last or self.network.values()
        self.network.assign(progress.last)

    def conclude(self, figures: dict[str, float]) -> None:
        """Put the figures of the last network into its row, and take it for the best if it is."""
        progress = self.progress
        progress.last, progress.last_epoch = self.network.values(), progress.epoch
        if not progress.row(progress.epoch):
            progress.history.append({"epoch": progress.epoch})
        progress.history[-1] |= figures | progress.updates
        if not progress.validated:
            progress.improve(figures["train_loss"], progress.epoch, progress.last)


def _add(sums: dict[str, float], values: Mapping[str, float], weight: float) -> None:
    """Add weighted values to sums of the same names."""
    for name, value in values.items():
        sums[name] = sums.get(name, 0.0) + weight * value


def _begin(trainees: Sequence[_Trainee], objective: Objective, resume: Sequence[dict[str, Any]] | None) -> None:
    """Measure the untrained networks, or go on from states."""
    for trainee, state in zip(trainees, resume or [], strict=resume is not None):
        trainee.progress = restored(state["progress"])
    _begin_histories(trainees, objective)  # a checkpoint of an earlier version may lack row 0
    for trainee, state in zip(trainees, resume or [], strict=resume is not None):
        trainee.load_state(state)
    if resume is not None:
        objective.load_state([state["objective"] for state in resume])


@torch.no_grad()
def _begin_histories(trainees: Sequence[_Trainee], objective: Objective) -> None:
    """Measure untrained networks where there is validation, unless that has been done; updates stay as they were."""
    if all(trainee.progress.row(0) or (trainee.progress.epoch and not trainee.progress.validated)
           for trainee in trainees):  # fmt: skip
        return
    networks, states = [trainee.network for trainee in trainees], objective.states()
    validated = objective.validate(networks, 0)
    if any(validated):
        measured = _measured_whole(networks, objective)
        for trainee, *figures in zip(trainees, measured, validated, strict=True):
            trainee.begin_history(figures[0] | figures[1])
    objective.load_state(states)


def _measured_whole(networks: Sequence[Trainable], objective: Objective) -> list[dict[str, float]]:
    """Figures of each network as it is, means over all batches; of a loss that means nothing nan."""
    found = [objective.measure(networks, batch, fresh=True) for batch in objective.batches()]
    return [_mean_figures(measured) for measured in zip(*found, strict=True)]


def _mean_figures(measured: Sequence[Measured]) -> dict[str, float]:
    if any(one.trouble for one in measured):
        return {"train_loss": math.nan}
    sums: dict[str, float] = {}
    for one in measured:
        _add(sums, {"train_loss": float(one.loss)} | one.figures, one.weight)
    total = sum(one.weight for one in measured)
    return {name: value / total for name, value in sums.items()}


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
            if not trainee.progress.validated:
                trainee.measure_before()
            trainee.give_up("parameters not finite after the update")
    trainees, objective = _undiverged(trainees, objective)
    validated = objective.validate([trainee.network for trainee in trainees], epoch + 1) if trainees else []
    seconds = (time.perf_counter() - began) / max(1, len(trainees))
    for trainee, figures in zip(trainees, validated, strict=True):
        trainee.end(figures, seconds)


def _batch(trainees: Sequence[_Trainee], objective: Objective, batch: Any) -> None:
    """One update of every network; one whose loss or gradient is not finite gives up."""
    networks = [trainee.network for trainee in trainees]
    measured = objective.measure(networks, batch)
    if trainees[0].progress.epoch == 0 and any(one.provisional for one in measured):
        with torch.no_grad():  # row 0 is of all that is asked for
            for trainee, whole in zip(trainees, objective.measure(networks, batch, fresh=True), strict=True):
                trainee.untrained = _mean_figures([whole])
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
    """Measure every network as it is at last; of one that diverged, the rows stand as they are."""
    trainees, objective = _undiverged(trainees, objective)
    if not trainees:
        return
    networks = [trainee.network for trainee in trainees]
    for trainee, figures in zip(trainees, _measured_whole(networks, objective), strict=True):
        trainee.conclude(figures)
    ends = [(trainee.progress.row(0), trainee.progress.history[-1]) for trainee in trainees]
    if any(RECORDED in first and RECORDED not in last for first, last in ends):
        for trainee, validated in zip(trainees, objective.validate(networks, None), strict=True):
            trainee.progress.history[-1] |= validated


def _shortest(names: Sequence[str]) -> list[str]:
    """The names of parameters as the INI has them, `weights` of `weights.free`; whole where that is of several."""
    short = [name.removesuffix(".free").split(".")[-1] for name in names]
    return [own if short.count(own) == 1 else name for own, name in zip(short, names, strict=True)]
