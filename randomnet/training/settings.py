"""The settings with which one network is trained."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from randomnet.optimizers import EPS

PLATEAU = 1e-4  # a loss that falls by less than this share of itself is on a plateau


@dataclass(frozen=True)
class Settings:
    """The settings with which one network is trained.

    clip_norm: the gradient of each parameter is clipped to this L2 norm. early_stopping: training ends after this many
    epochs without a lower loss (0 = never). lr_decay: the learning rate of epoch e is lr lr_decay^(e - 1). stop_below:
    training ends once the loss is below this (0 = never). flat_window, flat_tolerance: training ends once the losses of
    flat_window epochs differ by less than the tolerance (0 epochs = never).

    clip_whole: the joint gradient of all parameters is clipped instead. weight_decay: the optimizer's weight decay,
    None for the default of its rule. eps: added to the roots in its denominator. plateau_factor: factor of the learning
    rate, applied each time the loss has not fallen by a ten-thousandth for more than plateau_patience epochs (1 =
    never). plateau_lr: the learning rate below which plateaus do not reduce it.

    pause_epoch: after this many epochs the state is saved and training is interrupted, to be resumed later (0 = never).
    stop_epoch: training ends after this many epochs as `halved` (0 = never).

    Where there is validation, `loss` means the validation loss.
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
    pause_epoch: int = 0
    stop_epoch: int = 0

    @property
    def constant_lr(self) -> bool:
        """Whether the learning rate is the same in all epochs."""
        return self.lr_decay == 1 and self.plateau_factor == 1

    def learning_rate(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """The learning rate after this many epochs; losses: the losses of these epochs."""
        lr = self.lr * self.lr_decay**epoch
        if self.plateau_factor == 1:
            return lr
        plateaus = _count_plateaus(losses, self.plateau_patience)
        return max(lr * self.plateau_factor**plateaus, min(lr, self.plateau_lr))


def _count_plateaus(losses: Sequence[float], patience: int) -> int:
    """How often the losses did not fall for more than `patience` epochs; the count restarts after each plateau."""
    best, waited, plateaus = math.inf, 0, 0
    for loss in losses:
        if loss < best - PLATEAU * abs(best) or math.isinf(best):
            best, waited = loss, 0
            continue
        waited += 1
        if waited > patience:
            waited, plateaus = 0, plateaus + 1
    return plateaus
