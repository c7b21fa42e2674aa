"""The only training loop: trains one network, or several networks of one shape together."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from randomnet.objectives import Measurement, Objective
from randomnet.training.compiled_updates import optimizer_of
from randomnet.training.progress import Progress, restore_progress
from randomnet.training.settings import Settings

CHECKPOINT_SECONDS = 5.0  # between two checkpoints, unless checkpoint_every is set
SPECTRUM_COLUMN = "lambda_1"  # spectra are recorded in some epochs, but always in the first and the last row


class Trainable(Protocol):
    """What can be trained: a Network, or any other object with parameters."""

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Name and value of each parameter; those that require a gradient are trained."""
        ...

    def values(self) -> dict[str, Tensor]:
        """Copies of all values."""
        ...

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set all values."""
        ...

    def project(self) -> None:
        """Restore the constraints on the parameters after an update."""
        ...


class Interrupted(Exception):
    """Training was asked to stop; its state was saved before."""


class Paused(Interrupted):
    """Training reached the pause_epoch of its settings; its state was saved before."""


def fit(
    networks: Sequence[Trainable],
    objective: Objective,
    settings: Sequence[Settings],
    *,
    checkpoint_every: int | None = None,
    save_checkpoint: Callable[[list[dict[str, Any]]], None] = lambda states: None,
    keep_state: Callable[[list[dict[str, Any]]], None] = lambda states: None,
    resume: Sequence[dict[str, Any]] | None = None,
    report: Callable[[int, dict[str, float]], None] = lambda index, row: None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Progress]:
    """Train each network independently on its part of the objective; returns the progress of each.

    The history of a network has one row per epoch, see `Progress`. With validation, the row is measured after the
    updates of its epoch. Its training loss is then the mean over the batches of the epoch; the first and the last row
    measure it on all batches instead. Without validation, the next update measures the row.

    save_checkpoint(states) is called every `checkpoint_every` epochs; where that is None, every CHECKPOINT_SECONDS.
    keep_state(states) is called once, after the last epoch, where a training of more epochs would go on. `resume` takes
    such states; the resumed training ends at the same bytes as an uninterrupted one. report(index, row)
    receives the row of every epoch of every network. A loss or gradient that is not finite ends the training of that
    network: it is marked `diverged` with a reason, and returns to the values of its last finite loss. Once stop()
    returns true, the states are saved and Interrupted is raised. Once all networks that train on have reached the
    pause_epoch of their settings, the states are saved and Paused is raised.
    """
    trainees = [_Trainee(*pair) for pair in zip(networks, settings, strict=True)]
    _start(trainees, objective, resume)
    last_checkpoint = time.monotonic()

    def states() -> list[dict[str, Any]]:
        pairs = zip(trainees, objective.states(), strict=True)
        return [trainee.state() | {"objective": state} for trainee, state in pairs]

    def checkpoint() -> None:
        nonlocal last_checkpoint
        save_checkpoint(states())
        last_checkpoint = time.monotonic()

    while active := [index for index, trainee in enumerate(trainees) if trainee.active]:
        paused = all(trainees[index].paused for index in active)
        if paused or stop():
            checkpoint()
            raise Paused if paused else Interrupted
        _run_epoch([trainees[index] for index in active], objective.select(active))
        for index in active:
            if not trainees[index].progress.diverged:
                report(index, trainees[index].progress.history[-1])
                trainees[index].check_early_stopping()
                trainees[index].check_stop_epoch()
        epoch = max(trainee.progress.epoch for trainee in trainees)
        elapsed = time.monotonic() - last_checkpoint
        due = epoch % checkpoint_every == 0 if checkpoint_every else elapsed > CHECKPOINT_SECONDS
        if due and any(trainee.active for trainee in trainees):
            checkpoint()
    if len(trainees) > 1:  # the caller handles the networks one by one, and may be interrupted between two of them
        checkpoint()
    keep_state(states())
    _finish(trainees, objective)
    return [trainee.progress for trainee in trainees]


class _Trainee:
    """A network in training: its parameters, their optimizer, and its progress."""

    def __init__(self, network: Trainable, settings: Settings) -> None:
        self.network, self.settings, self.progress = network, settings, Progress()
        named = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
        self.names = _short_names(list(named))
        self.optimizer = optimizer_of(settings, list(named.values()))

    @property
    def active(self) -> bool:
        """Whether there is another epoch to do."""
        return self.progress.epoch < self.settings.epochs and not self.progress.reason

    @property
    def paused(self) -> bool:
        """Whether training is to wait here."""
        return 0 < self.settings.pause_epoch <= self.progress.epoch

    def check_stop_epoch(self) -> None:
        """End the training at the stop_epoch of its settings."""
        progress, stop_epoch = self.progress, self.settings.stop_epoch
        if self.active and 0 < stop_epoch <= progress.epoch:
            progress.halved, progress.reason = True, f"after {progress.epoch} epochs"

    def state(self) -> dict[str, Any]:
        """Everything that is needed to resume."""
        optimizer, values = self.optimizer.state(), self.network.values()
        return {"progress": dict(vars(self.progress)), "optimizer": optimizer, "values": values}

    def load_state(self, state: dict[str, Any]) -> None:
        """Set the optimizer and the values from a `state()`."""
        self.optimizer.load_state(state["optimizer"])
        self.network.assign(state["values"])

    def add_untrained_row(self, row: dict[str, float]) -> None:
        """Insert row 0, which describes the untrained network, into the history."""
        self.progress.history.insert(0, {"epoch": 0, **row})
        self.progress.improve(row["validate_loss"], 0, self.network.values())

    def start_epoch(self) -> None:
        """Set the learning rate and reset the sums of the epoch."""
        losses = self._past_losses() if self.settings.plateau_factor != 1 else []
        self.optimizer.lr = self.settings.learning_rate(self.progress.epoch, losses)
        self.values = self.network.values()
        self.figures: dict[str, float] = {}
        self.norms: dict[str, float] = {}
        self.untrained: dict[str, float] = {}
        self.total_weight = 0.0
        self.provisional = False

    def update(self, measurement: Measurement, loss: float) -> None:
        """Clip the present gradients and make one optimizer step; a gradient that is not finite ends the training."""
        parameters = self.optimizer.parameters
        gradient = self.optimizer.flatten_gradients([parameter.grad for parameter in parameters])
        pieces = self.optimizer.split_like_parameters(gradient)
        norms = torch.stack([torch.linalg.vector_norm(piece) for piece in pieces]).tolist() if pieces else []
        for name, norm in zip(self.names, norms, strict=True):
            if not math.isfinite(norm):
                if not self.progress.history:
                    self.progress.history.append({"epoch": 0, "train_loss": loss, **measurement.figures})
                return self.mark_diverged(f"the gradient of {name} is not finite")
        if self.settings.clip_whole:
            before, after = self._clip({"": math.hypot(*norms)}, [gradient])
        else:
            before, after = self._clip({f"_{n}": norm for n, norm in zip(self.names, norms, strict=True)}, pieces)
        self.progress.last, self.progress.last_epoch = self.values, self.progress.epoch
        _add_weighted(self.figures, {"train_loss": loss, **measurement.figures}, measurement.weight)
        _add_weighted(self.norms, before | after, measurement.weight)
        self.total_weight += measurement.weight
        self.provisional |= measurement.provisional
        self.optimizer.step(gradient)
        self.network.project()
        return None

    def _clip(
        self, norms: Mapping[str, float], vectors: Sequence[Tensor]
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Clip the vectors in place; returns the columns of their norms before and after.

        norms: the vectors' L2 norms, by the ending of their column names.
        """
        limit = self.settings.clip_norm
        for norm, vector in zip(norms.values(), vectors, strict=True):
            if norm > limit:
                vector.mul_(limit / norm)
        before = {f"grad_norm{name}": norm for name, norm in norms.items()}
        return before, {f"clipped_norm{name}": min(norm, limit) for name, norm in norms.items()}

    def _past_losses(self) -> list[float]:
        """The losses of the epochs so far that decide on the learning rate and on early stopping."""
        progress = self.progress
        if progress.validated:
            return [row["validate_loss"] for row in progress.history if row["epoch"] > 0]
        return [row["train_loss"] for row in progress.history]

    def finish_epoch(self, validated: dict[str, float], seconds: float) -> None:
        """Record an epoch after its updates; validated: the figures of its validation, if any."""
        progress = self.progress
        if not validated:
            self.add_row_before_update()
        updates = {name: value / self.total_weight for name, value in self.norms.items()}
        if not self.settings.constant_lr:
            updates["lr_epoch"] = self.optimizer.lr
        progress.updates = updates | {"seconds": seconds}
        progress.epoch += 1
        if validated:
            figures = {name: value / self.total_weight for name, value in self.figures.items()}
            progress.history.append({"epoch": progress.epoch, **figures, **validated, **progress.updates})
            self._track_lowest(validated["validate_loss"], progress.epoch, self.network.values())

    def add_row_before_update(self) -> None:
        """Add the row of the network as it was before the update, which measured its loss."""
        progress = self.progress
        figures = self.untrained or {name: value / self.total_weight for name, value in self.figures.items()}
        progress.history.append({"epoch": progress.epoch, **figures, **progress.updates})
        if self.untrained:
            progress.improve(figures["train_loss"], progress.epoch, self.values)
        self._track_lowest(figures["train_loss"], progress.epoch, self.values)

    def _track_lowest(self, loss: float, epoch: int, values: dict[str, Tensor]) -> None:
        """Compare the loss of an epoch with the lowest so far; a provisional loss cannot be compared."""
        progress = self.progress
        if self.provisional:
            progress.provisional_epoch = epoch
            return
        progress.improve(loss, epoch, values)
        if loss < progress.lowest:
            progress.lowest, progress.lowest_epoch = loss, epoch

    def check_early_stopping(self) -> None:
        """End the training where the loss is low enough, is flat, or has not fallen for long."""
        progress, patience, threshold = self.progress, self.settings.early_stopping, self.settings.stop_below
        column = "validate_loss" if progress.validated else "train_loss"
        row = progress.history[-1]
        if threshold and row[column] < threshold and not self.provisional:
            progress.reason = f"{column} below {threshold:g}"
            return
        if self._is_flat():
            window, tolerance = self.settings.flat_window, self.settings.flat_tolerance
            progress.reason = f"{column} flat: {window} epochs within {tolerance:g}"
            return
        since = max(progress.lowest_epoch, progress.provisional_epoch, int(progress.validated))
        if patience and row["epoch"] - since >= patience:
            progress.reason = f"no lower loss for {patience} epochs"

    def _is_flat(self) -> bool:
        """Whether the last flat_window losses differ by less than the tolerance; provisional losses do not count."""
        window, progress = self.settings.flat_window, self.progress
        if not window or progress.epoch < window:
            return False
        if 0 < progress.provisional_epoch > progress.history[-1]["epoch"] - window:
            return False
        losses = self._past_losses()[-window:]
        return max(losses) - min(losses) < self.settings.flat_tolerance

    def mark_diverged(self, problem: str) -> None:
        """End the training as diverged and restore the last values whose loss was finite."""
        progress = self.progress
        progress.diverged, progress.reason = True, f"epoch {progress.epoch}: {problem}"
        progress.last = progress.last or self.network.values()
        self.network.assign(progress.last)

    def finish_training(self, figures: dict[str, float]) -> None:
        """Write the figures of the final network into its row; without validation it may also be the best network."""
        progress = self.progress
        progress.last, progress.last_epoch = self.network.values(), progress.epoch
        if not progress.row(progress.epoch):
            progress.history.append({"epoch": progress.epoch})
        progress.history[-1] |= figures | progress.updates
        if not progress.validated:
            progress.improve(figures["train_loss"], progress.epoch, progress.last)


def _add_weighted(sums: dict[str, float], values: Mapping[str, float], weight: float) -> None:
    """Add weight times each value to the sum of the same name."""
    for name, value in values.items():
        sums[name] = sums.get(name, 0.0) + weight * value


def _start(trainees: Sequence[_Trainee], objective: Objective, resume: Sequence[dict[str, Any]] | None) -> None:
    """Measure the untrained networks, or load the states of a checkpoint."""
    for trainee, state in zip(trainees, resume or [], strict=resume is not None):
        trainee.progress = restore_progress(state["progress"])
    _add_untrained_rows(trainees, objective)  # a checkpoint of an earlier version may lack row 0
    for trainee, state in zip(trainees, resume or [], strict=resume is not None):
        trainee.load_state(state)
    if resume is not None:
        objective.load_state([state["objective"] for state in resume])
    for trainee in trainees:
        trainee.check_stop_epoch()


@torch.no_grad()
def _add_untrained_rows(trainees: Sequence[_Trainee], objective: Objective) -> None:
    """Add row 0 to each history where there is validation and the row is missing; the objective's state stays."""
    if all(trainee.progress.row(0) or (trainee.progress.epoch and not trainee.progress.validated)
           for trainee in trainees):  # fmt: skip
        return
    networks, states = [trainee.network for trainee in trainees], objective.states()
    validated = objective.validate(networks, 0)
    if any(validated):
        trained = _figures_on_all_batches(networks, objective)
        for trainee, train_figures, validate_figures in zip(trainees, trained, validated, strict=True):
            trainee.add_untrained_row(train_figures | validate_figures)
    objective.load_state(states)


def _figures_on_all_batches(networks: Sequence[Trainable], objective: Objective) -> list[dict[str, float]]:
    """The training figures of each network as it is: weighted means over all batches, nan for an invalid loss."""
    measurements = [objective.measure(networks, batch, evaluation=True) for batch in objective.batches()]
    return [_mean_figures(batches) for batches in zip(*measurements, strict=True)]


def _mean_figures(measurements: Sequence[Measurement]) -> dict[str, float]:
    if any(measurement.problem for measurement in measurements):
        return {"train_loss": math.nan}
    sums: dict[str, float] = {}
    for measurement in measurements:
        _add_weighted(sums, {"train_loss": float(measurement.loss), **measurement.figures}, measurement.weight)
    total = sum(measurement.weight for measurement in measurements)
    return {name: value / total for name, value in sums.items()}


def _run_epoch(trainees: Sequence[_Trainee], objective: Objective) -> None:
    """Make one update per batch of every network, then validate."""
    start, epoch = time.perf_counter(), trainees[0].progress.epoch
    for trainee in trainees:
        trainee.start_epoch()
    batches = list(objective.batches())
    while batches:
        _run_batch(trainees, objective, batches.pop(0))
        remaining = _undiverged_indices(trainees)
        if not remaining:
            return
        if len(remaining) < len(trainees):  # each batch holds the trials of all networks: select those of the rest
            batches = [batch if batch is None else batch.select(remaining) for batch in batches]
        trainees, objective = _undiverged(trainees, objective)
    for trainee in trainees:
        if not all(bool(parameter.isfinite().all()) for parameter in trainee.optimizer.parameters):
            if not trainee.progress.validated:
                trainee.add_row_before_update()
            trainee.mark_diverged("parameters not finite after the update")
    trainees, objective = _undiverged(trainees, objective)
    validated = objective.validate([trainee.network for trainee in trainees], epoch + 1) if trainees else []
    seconds = (time.perf_counter() - start) / max(1, len(trainees))
    for trainee, figures in zip(trainees, validated, strict=True):
        trainee.finish_epoch(figures, seconds)


def _run_batch(trainees: Sequence[_Trainee], objective: Objective, batch: Any) -> None:
    """Update every network once; a network whose loss or gradient is not finite is marked as diverged."""
    networks = [trainee.network for trainee in trainees]
    measurements = objective.measure(networks, batch)
    if trainees[0].progress.epoch == 0 and any(measurement.provisional for measurement in measurements):
        with torch.no_grad():  # row 0 reports the whole objective, not the provisional part of it
            for trainee, whole in zip(trainees, objective.measure(networks, batch, evaluation=True), strict=True):
                trainee.untrained = _mean_figures([whole])
    losses = torch.stack([measurement.loss.detach() for measurement in measurements]).tolist()
    valid = []
    for trainee, measurement, loss in zip(trainees, measurements, losses, strict=True):
        problem = measurement.problem or ("" if math.isfinite(loss) else f"the loss is {loss}")
        if problem:
            trainee.mark_diverged(problem)
            continue
        for parameter in trainee.optimizer.parameters:
            parameter.grad = None
        valid.append((trainee, measurement, loss))
    if valid and any(measurement.loss.requires_grad for _, measurement, _ in valid):
        _sum([measurement.loss for _, measurement, _ in valid]).backward()
    for trainee, measurement, loss in valid:
        trainee.update(measurement, loss)


def _sum(losses: list[Tensor]) -> Tensor:
    return losses[0] if len(losses) == 1 else torch.stack(losses).sum()


def _undiverged(trainees: Sequence[_Trainee], objective: Objective) -> tuple[Sequence[_Trainee], Objective]:
    """The networks that have not diverged, and their part of the objective."""
    remaining = _undiverged_indices(trainees)
    if len(remaining) == len(trainees):
        return trainees, objective
    return [trainees[index] for index in remaining], objective.select(remaining) if remaining else objective


def _undiverged_indices(trainees: Sequence[_Trainee]) -> list[int]:
    return [index for index, trainee in enumerate(trainees) if not trainee.progress.diverged]


@torch.no_grad()
def _finish(trainees: Sequence[_Trainee], objective: Objective) -> None:
    """Measure every final network; the rows of diverged networks stay as they are."""
    trainees, objective = _undiverged(trainees, objective)
    if not trainees:
        return
    networks = [trainee.network for trainee in trainees]
    for trainee, figures in zip(trainees, _figures_on_all_batches(networks, objective), strict=True):
        trainee.finish_training(figures)
    ends = [(trainee.progress.row(0), trainee.progress.history[-1]) for trainee in trainees]
    if any(SPECTRUM_COLUMN in first and SPECTRUM_COLUMN not in last for first, last in ends):
        for trainee, validated in zip(trainees, objective.validate(networks, None), strict=True):
            trainee.progress.history[-1] |= validated


def _short_names(names: Sequence[str]) -> list[str]:
    """The parameters' names as the INI has them, such as `weights` for `weights.free`; the whole name where the short
    one is ambiguous."""
    short = [name.removesuffix(".free").split(".")[-1] for name in names]
    return [last if short.count(last) == 1 else name for last, name in zip(short, names, strict=True)]
