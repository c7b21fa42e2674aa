"""The optimizer of a training, whose updates are compiled where that is possible."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from randomnet import compiled
from randomnet.optimizers import OPTIMIZERS, Optimizer
from randomnet.rnn.compiled_steps import PRECISIONS
from randomnet.training.settings import Settings

NEGLIGIBLE = 1e-6  # a root of a mean square, as a share of eps, which does not change the direction


def optimizer_of(settings: Settings, parameters: Sequence[Tensor]) -> Optimizer:
    """The optimizer of these settings; with compiled steps, Adam and AdamW compute their direction in one pass."""
    optimizer = Optimizer(settings.optimizer, parameters, settings.lr, settings.weight_decay, settings.eps)
    precisions = {mean.dtype for mean in optimizer.means} if compiled.trials_selected() else set()
    is_adam = optimizer.rule.direction is OPTIMIZERS["Adam"].direction
    on_cpu = all(parameter.device.type == "cpu" for parameter in parameters)
    if is_adam and on_cpu and parameters and len(precisions) == 1 and precisions <= set(PRECISIONS):
        optimizer.rule = replace(optimizer.rule, direction=_adam)
    return optimizer


def _adam(means: Sequence[Tensor], gradient: Tensor, t: int, eps: float) -> Tensor:
    """As in `optimizers`. Means below the smallest normal number become 0, unless eps is so small that they count."""
    direction = torch.empty_like(gradient)
    arrays = [tensor.numpy() for tensor in (*means, gradient, direction)]
    dtype = arrays[0].dtype
    corrections = 1 / (1 - 0.9**t), 1 / math.sqrt(1 - 0.999**t)
    tiny = float(np.finfo(dtype).tiny)
    least = tiny if math.sqrt(tiny) < NEGLIGIBLE * eps else 0.0
    constants = 0.1, 0.001, *corrections, eps, least, 0.0, 0.999
    mean, square, values, out = arrays
    compiled.adam()(mean, square, values, np.array(constants, dtype), out)
    return direction
