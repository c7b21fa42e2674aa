"""How one network is trained."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from randomnet.optimizers import EPS

PLATEAU = 1e-4  # share of the loss by which it must fall not to be on a plateau


@dataclass(frozen=True)
class Settings:
    """How one network is trained.

    clip_norm: each parameter's gradient is clipped to this L2 norm. early_stopping: epochs without a lower loss after
    which it ends (0 = never). lr_decay: the learning rate of epoch e is lr lr_decay^(e - 1). stop_below: training ends
    once the loss, in validation where there is one, is below this (0 = never). flat_window, flat_tolerance: so does it
    once so many epochs' losses, of the same kind, differ by less than the tolerance (0 epochs = never).

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
        """The learning rate after so many epochs, which had these losses."""
        lr = self.lr * self.lr_decay**epoch
        if self.plateau_factor == 1:
            return lr
        return max(lr * self.plateau_factor ** _plateaus(losses, self.plateau_patience), min(lr, self.plateau_lr))


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
