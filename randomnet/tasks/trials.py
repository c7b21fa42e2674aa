"""The `Trials` record, which tasks generate and training uses."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from randomnet.display import Brief

LOSSES = ("squared", "classes", "bits", "sign", "angle", "response")  # that `objectives.task_losses` has

OF_EACH = ("inputs", "targets", "mask", "conditions", "true_inputs", "phases")  # arrays with a row for each trial


@dataclass(frozen=True, eq=False, repr=False)
class Trials(Brief):
    """Trials of one task, all of one length, each starting from the zero state.

    inputs: (trials, time, channels) float32.
    targets: (trials, time, outputs) float32; of the loss `classes` (trials, time) int64, class indices in
        0..outputs-1. Of `bits` 0 or 1; of `sign` +1 or -1 where a decision is asked and 0 where silence is; of `angle`
        unit vectors (cos, sin) where an angle is asked and 0 where silence is; of `response` fixation, cos and sin.
    mask: (trials, time) bool, of `sign` (trials, time, outputs), True at the steps that are scored; targets elsewhere
        mean nothing. Of `response` float32: how much each step counts.
    outputs: size of the readout. loss: how they are judged, one of LOSSES. loss_params: its parameters, such as margin.
    source: where the data come from. synthetic: whether made-up data stand in for a file.
    conditions: (trials,) int64, which of condition_names each trial is; None where the task has no conditions.
    events: what happens at the same steps of all trials: name, first step, and the first one after it.
    true_inputs: as inputs, without their noise; None where these have none. phases: (trials, E) int64, the first steps
        of the phases (phase_names) of each trial, the last of which is what comes after it; None for no phases.
    stratified: whether a split is of the trials of each condition.
    Raises ValueError naming both shapes where they do not fit.
    """

    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray
    outputs: int
    loss: str
    source: str
    synthetic: bool
    loss_params: Mapping[str, Any] = field(default_factory=dict)
    conditions: np.ndarray | None = None
    condition_names: tuple[str, ...] = ()
    events: tuple[tuple[str, int, int], ...] = ()
    true_inputs: np.ndarray | None = None
    phases: np.ndarray | None = None
    phase_names: tuple[str, ...] = ()
    stratified: bool = False

    def __post_init__(self) -> None:
        if self.inputs.ndim != 3:
            raise ValueError(f"inputs must have shape (trials, time, channels), got {self.inputs.shape}")
        if self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(LOSSES)}, got {self.loss!r}")
        steps, classes = self.inputs.shape[:2], self.loss == "classes"
        values = (*steps, self.outputs)
        _check("inputs", self.inputs, self.inputs.shape, np.float32)
        _check("targets", self.targets, steps if classes else values, np.int64 if classes else np.float32)
        kind = np.float32 if self.loss == "response" else np.bool_
        _check("mask", self.mask, values if self.loss == "sign" else steps, kind)
        if not self.mask.any():
            raise ValueError(f"mask must score at least one step, got none in {self.mask.shape}")
        if classes and not (self.targets.min() >= 0 and self.targets.max() < self.outputs):
            raise ValueError(
                f"targets must be classes in 0..{self.outputs - 1}, got {self.targets.min()}..{self.targets.max()}"
            )
        if self.loss == "sign" and not np.isin(self.targets, (-1, 0, 1)).all():
            raise ValueError("targets must be -1, 0 or 1 with the loss sign, got others")
        if self.loss == "angle" and self.outputs != 2:
            raise ValueError(f"outputs must be 2, a plane, with the loss angle, got {self.outputs}")
        if self.conditions is not None:
            _check("conditions", self.conditions, steps[:1], np.int64)
        if self.loss == "response" and (self.phases is None or self.conditions is None):
            raise ValueError("phases and conditions must be given with the loss response, got None")
        if self.true_inputs is not None:
            _check("true_inputs", self.true_inputs, self.inputs.shape, np.float32)
        if self.phases is not None:
            _check("phases", self.phases, (*steps[:1], len(self.phase_names)), np.int64)

    def __len__(self) -> int:
        """Number of trials."""
        return len(self.inputs)

    def split(self, train_size: float, rng: np.random.Generator, held_out: str = "none") -> tuple["Trials", "Trials"]:
        """Training and validation trials: whole trials at random, round(train_size * trials) of them for training, of
        all or, where they are stratified, of each condition. held_out: the names of conditions, joined by commas, or
        how many of them (drawn at random); then validation is these, and training the others. Raises ValueError where
        either part would be empty."""
        if held_out != "none":
            left_out = self._held_out(held_out, rng)
            away = np.isin(self._conditions(), left_out)
            order = rng.permutation(len(self))
            return self._only(order[~away[order]]), self._only(order[away[order]])
        order = rng.permutation(len(self))
        strata = self._strata()[order]
        first = np.zeros(len(self), bool)
        for stratum in np.unique(strata):
            there = np.flatnonzero(strata == stratum)
            first[there[: train_count(len(there), train_size)]] = True
        return self._only(order[first]), self._only(order[~first])

    def parted(self, share: float, whole: int) -> tuple["Trials", "Trials"]:
        """These trials of a split without the last ones, and the last ones: round(share * whole) of them, of each
        condition where they are stratified, `whole` being how many trials there were. Raises ValueError where either
        part would be empty."""
        strata = self._strata()
        names, last = np.unique(strata), np.zeros(len(self), bool)
        for stratum in names:
            there = np.flatnonzero(strata == stratum)
            last[there[len(there) - test_count(len(there), share, whole // len(names)) :]] = True
        return self._only(~last), self._only(last)

    def _conditions(self) -> np.ndarray:
        assert self.conditions is not None, "trials that are stratified, or held out, have conditions"
        return self.conditions

    def _strata(self) -> np.ndarray:
        """(trials,) the condition of each trial whose split is of each condition, else 0 for all."""
        return self._conditions() if self.stratified else np.zeros(len(self), np.int64)

    def _only(self, chosen: np.ndarray) -> "Trials":
        arrays = {name: getattr(self, name) for name in OF_EACH}
        parts: dict[str, Any] = {name: None if array is None else array[chosen] for name, array in arrays.items()}
        return replace(self, **parts)

    def _held_out(self, text: str, rng: np.random.Generator) -> np.ndarray:
        """Indices of the held-out conditions."""
        names = self.condition_names
        if not names:
            raise ValueError(f"held_out: expected none, as these trials have no conditions, got {text!r}")
        if len(self) % len(names):
            raise ValueError(
                f"nr_of_trials: expected a multiple of the {len(names)} conditions with held_out, got {len(self)}"
            )
        number = int(text) if text.isdecimal() and text not in names else None
        chosen = [] if number is not None else [name.strip() for name in text.split(",")]
        wrong = [name for name in chosen if name not in names]
        if wrong or not 0 < (len(set(chosen)) if number is None else number) < len(names):
            raise ValueError(
                f"held_out: expected none, a whole number in 1..{len(names) - 1}, or some (not all) of "
                f"{_listed(names)}, joined by commas, got {text!r}"
            )
        return rng.permutation(len(names))[:number] if number else np.array([names.index(name) for name in chosen])


def train_count(trials: int, train_size: float) -> int:
    """How many of `trials` are for training, half rounded to even. Raises ValueError where either part is empty."""
    count = round(train_size * trials) if 0 < train_size < 1 else 0
    if not 0 < count < trials:
        raise ValueError(
            "train_size: expected a share in (0, 1) that leaves trials for training and for validation, "
            f"got {train_size:g} of {trials} trial{'s' * (trials != 1)}"
        )
    return count


def test_count(trials: int, share: float, whole: int) -> int:
    """How many of so many trials that training leaves, of `whole`, are for the test. Raises ValueError where either
    part is empty."""
    count = round(share * whole)
    if not 0 < count < trials:
        raise ValueError(
            f"test_size: expected a share that leaves trials for validation and for the test, got {share:g} of {whole} "
            f"trial{'s' * (whole != 1)}, of which training leaves {trials}"
        )
    return count


def _listed(names: tuple[str, ...]) -> str:
    """The first few of a list, as text."""
    return ", ".join(names[:16]) + f" and {len(names) - 16} more" * (len(names) > 16)


def _check(name: str, array: np.ndarray, shape: tuple[int, ...], dtype: type) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if array.dtype != dtype:
        raise ValueError(f"{name} must be {np.dtype(dtype)}, got {array.dtype}")
