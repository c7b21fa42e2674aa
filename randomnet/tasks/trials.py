"""The `Trials` record: what every task makes and every training reads."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Trials:
    """Trials of one task, all of one length, each starting from the zero state.

    inputs: (trials, time, channels) float32.
    targets: (trials, time, outputs) float32 for regression; (trials, time) int64, class indices in 0..outputs-1, for
        classification.
    mask: (trials, time) bool, True at the steps that are scored; targets elsewhere mean nothing.
    outputs: size of the readout. classification: classes (negative log-likelihood) or values (MSE). bits: whether the
        values are bits, 0 or 1, of which an output above 1/2 says 1.
    source: where the data come from. synthetic: whether made-up data stand in for a file.
    Raises ValueError naming both shapes where they do not fit.
    """

    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray
    outputs: int
    classification: bool
    source: str
    synthetic: bool
    bits: bool = False

    def __post_init__(self) -> None:
        if self.inputs.ndim != 3:
            raise ValueError(f"inputs must have shape (trials, time, channels), got {self.inputs.shape}")
        steps = self.inputs.shape[:2]
        scored = steps if self.classification else (*steps, self.outputs)
        _check("inputs", self.inputs, self.inputs.shape, np.float32)
        _check("targets", self.targets, scored, np.int64 if self.classification else np.float32)
        _check("mask", self.mask, steps, np.bool_)
        if not self.mask.any():
            raise ValueError(f"mask must score at least one step, got none in {self.mask.shape}")
        if self.classification and not (self.targets.min() >= 0 and self.targets.max() < self.outputs):
            raise ValueError(
                f"targets must be classes in 0..{self.outputs - 1}, got {self.targets.min()}..{self.targets.max()}"
            )

    def __len__(self) -> int:
        """Number of trials."""
        return len(self.inputs)

    def split(self, train_size: float, rng: np.random.Generator) -> tuple["Trials", "Trials"]:
        """Training and validation trials: whole trials at random, not stratified, round(train_size * trials) of them
        for training. Raises ValueError where either part would be empty."""
        count = train_count(len(self), train_size)
        order = rng.permutation(len(self))
        return self._only(order[:count]), self._only(order[count:])

    def _only(self, chosen: np.ndarray) -> "Trials":
        return replace(self, inputs=self.inputs[chosen], targets=self.targets[chosen], mask=self.mask[chosen])


def train_count(trials: int, train_size: float) -> int:
    """How many of `trials` are for training, half rounded to even. Raises ValueError where either part is empty."""
    count = round(train_size * trials) if 0 < train_size < 1 else 0
    if not 0 < count < trials:
        raise ValueError(
            "train_size: expected a share in (0, 1) that leaves trials for training and for validation, "
            f"got {train_size:g} of {trials} trial{'s' * (trials != 1)}"
        )
    return count


def _check(name: str, array: np.ndarray, shape: tuple[int, ...], dtype: type) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if array.dtype != dtype:
        raise ValueError(f"{name} must be {np.dtype(dtype)}, got {array.dtype}")
