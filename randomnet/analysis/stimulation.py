"""Currents given to some of the units for some of the steps: what optogenetic stimulation or silencing adds.

After mRNNTorch's manipulation_stim, which needed both ramps, and a call for each window.
"""

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.analysis.units import Selection, Units, select


def stimulation(
    units: Units,
    start: int | Sequence[int],
    end: int | Sequence[int],
    steps: int,
    strength: float | Sequence[float],
    batch: int = 1,
    selection: Selection | Sequence[Selection] = (),
    *,
    extra_steps: int = 0,
    ramp_up: int | Sequence[int] = 0,
    ramp_down: int | Sequence[int] = 0,
    like: Tensor | None = None,
) -> Tensor:
    """(batch, steps + extra_steps, N): `strength` for start <= t < end on the units selected, 0 elsewhere.

    t counts steps from 0, and a window may reach into the extra steps. Ramps lie inside the window: its first ramp_up
    steps are linspace(0, strength, ramp_up), its last ramp_down ones linspace(strength, 0, ramp_down). The sum is
    strength x batch x units x (end - start - (ramp_up + ramp_down) / 2) for ramps of 0 or of two steps and more; of
    one step, linspace is its first value alone, and the ramp up costs a whole step, the ramp down none.

    Several windows add. There start, end, strength or ramps are lists with a value for each window, a number counts
    for all of them, and selection is a list too: for each window a name or a tuple of names; one name, or () for all
    units, counts for all windows. Without lists all names are selected together, for the one window.

    like: a floating point tensor whose dtype and device the result has; None for torch's default on the CPU. Raises
    ValueError for windows outside the steps, ramps longer than their window, or lists of different lengths.
    """
    total = _whole("steps", steps, 1) + _whole("extra_steps", extra_steps, 0)
    batch = _whole("batch", batch, 1)
    if like is not None and not like.is_floating_point():
        raise ValueError(f"like must have a floating point dtype, got {like.dtype}")
    values = {"start": start, "end": end, "strength": strength, "ramp_up": ramp_up, "ramp_down": ramp_down}
    drive = np.zeros((total, units.n))
    for window, names in _windows(values, selection):
        index = select(units, *([names] if isinstance(names, str) else names)).numpy()
        drive[:, index] += pulse(total, **window)[:, None]
    given = torch.empty(0) if like is None else like
    return torch.from_numpy(drive).to(given.dtype).to(given.device).repeat(batch, 1, 1)


def _windows(values: dict[str, Any], selection: Any) -> list[tuple[dict[str, Any], Selection]]:
    """The values and the selection of every window."""
    lengths = {what: len(value) for what, value in values.items() if np.ndim(value)}
    if not lengths:
        return [(values, selection)]
    if len(set(lengths.values())) > 1:
        came = ", ".join(f"{length} of {what}" for what, length in lengths.items())
        raise ValueError(f"lists must have one value for each window, got {came}")
    number = next(iter(lengths.values()))
    shared = isinstance(selection, str) or len(selection) == 0
    if not shared and len(selection) != number:
        raise ValueError(f"{number} windows need as many selections or one name for all, got {len(selection)}")
    return [
        ({what: value[i] if what in lengths else value for what, value in values.items()},
         selection if shared else selection[i])
        for i in range(number)
    ]  # fmt: skip


def pulse(total: int, start: int, end: int, strength: float, ramp_up: int = 0, ramp_down: int = 0) -> np.ndarray:
    """(total,) float64: one window's strength at every step, as in `stimulation`. Raises ValueError."""
    start, end = _whole("start", start, 0), _whole("end", end, 0)
    up, down = _whole("ramp_up", ramp_up, 0), _whole("ramp_down", ramp_down, 0)
    if not isinstance(strength, numbers.Real) or not math.isfinite(strength):
        raise ValueError(f"strength must be a finite number, got {strength!r}")
    if not start <= end <= total:
        raise ValueError(f"a window must lie within the {total} steps, 0 <= start <= end, got {start} to {end}")
    if up + down > end - start:
        raise ValueError(f"ramps of {up} and {down} steps do not fit into a window of {end - start} ({start} to {end})")
    strengths = np.zeros(total)
    strengths[start:end] = strength
    strengths[start : start + up] = np.linspace(0, strength, up)
    strengths[end - down : end] = np.linspace(strength, 0, down)
    return strengths


def _whole(what: str, value: Any, least: int) -> int:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{what} must be a whole number of at least {least}, got {value!r}")
    return int(value)
