"""External inputs of a system: a constant input, or one input per step."""

import torch
from torch import Tensor


def checked_inputs(inputs: Tensor, size: int) -> Tensor:
    """Inputs (size,) or (time, size), without a graph. Raises ValueError for other shapes and non-finite numbers."""
    inputs = torch.as_tensor(inputs).detach()
    if inputs.ndim not in (1, 2) or inputs.shape[-1] != size or not len(inputs):
        one_trial = "; of several trials, pass one at a time" if inputs.ndim == 3 else ""
        raise ValueError(f"inputs: expected ({size},) or (time, {size}), got {tuple(inputs.shape)}{one_trial}")
    if not inputs.isfinite().all():
        raise ValueError("inputs: expected finite numbers, got nan or inf")
    return inputs
