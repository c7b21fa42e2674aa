"""Currents into selected units during selected steps, as in optogenetic stimulation or silencing.

It follows manipulation_stim of mRNNTorch, which requires both ramps and one call per window.
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
    """Currents (batch, steps + extra_steps, N): `strength` for start <= t < end in the selected units, 0 elsewhere.

    t counts steps from 0, and a window may extend into the extra steps. Ramps are inside the window: its first ramp_up
    steps are linspace(0, strength, ramp_up), its last ramp_down steps linspace(strength, 0, ramp_down). The sum of the
    currents is strength x batch x units x (end - start - (ramp_up + ramp_down) / 2), if no ramp has exactly one step. A
    ramp up of one step is 0, and a ramp down of one step is `strength`.

    Several windows add up. Then start, end, strength and ramps can be lists with one value per window, and single
    numbers apply to all windows. selection is a list with a name or a tuple of names per window; one name, or () for
    all units, applies to all windows. Without lists there is one window, and all names are selected together.

    like: a floating-point tensor that gives dtype and device of the result; None for torch's default on the CPU. Raises
    ValueError for windows outside the steps, ramps longer than their window, and lists of different lengths.

    >>> import numpy as np
    >>> import torch
    >>> from randomnet.analysis import Units, stimulation
    >>> units = Units(np.array(['a', 'b', 'c']), {'region': np.array(['V1', 'V1', 'M1'])}, np.array([1, -1, 1]))
    >>> stimulation(units, start=1, end=3, steps=4, strength=0.5, selection='M1')[0].tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.5], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0]]
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
    target = torch.empty(0) if like is None else like
    return torch.from_numpy(drive).to(target.dtype).to(target.device).repeat(batch, 1, 1)


def _windows(values: dict[str, Any], selection: Any) -> list[tuple[dict[str, Any], Selection]]:
    """The values and the selection of every window."""
    lengths = {name: len(value) for name, value in values.items() if np.ndim(value)}
    if not lengths:
        return [(values, selection)]
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{length} of {name}" for name, length in lengths.items())
        raise ValueError(f"lists must have one value for each window, got {counts}")
    windows = next(iter(lengths.values()))
    shared = isinstance(selection, str) or len(selection) == 0
    if not shared and len(selection) != windows:
        raise ValueError(f"{windows} windows need as many selections or one name for all, got {len(selection)}")
    return [
        ({name: value[i] if name in lengths else value for name, value in values.items()},
         selection if shared else selection[i])
        for i in range(windows)
    ]  # fmt: skip


def pulse(total: int, start: int, end: int, strength: float, ramp_up: int = 0, ramp_down: int = 0) -> np.ndarray:
    """(total,) float64: the current of one window at every step, as in `stimulation`.

    Raises ValueError for a window or ramps that do not fit.

    >>> from randomnet.analysis import pulse
    >>> pulse(6, 1, 5, strength=2.0, ramp_up=2).tolist()
    [0.0, 0.0, 2.0, 2.0, 2.0, 0.0]
    """
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


def _whole(name: str, value: Any, least: int) -> int:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)
