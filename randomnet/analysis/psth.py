"""Peri-stimulus time histograms: the mean activity of groups of units over trials, and how far it is to be trusted.

After mRNNTorch's psth, which gave the means over units alone, and those of cell types in place of a region's own.
"""

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from randomnet.analysis.units import Units

REACH = 8  # sd on each side of the Gaussian window; farther out it is lost in the rounding


@dataclass(frozen=True)
class Response:
    """The response of one group of units: C conditions, B trials in all, T bins.

    conditions: (C,), in ascending order. trials: (C,), how many each has. units: how many the group has. time: (T,),
    the first step of each bin. mean, sem: (C, T), of the trials' means over the units. each: (B, T), these means.
    """

    conditions: np.ndarray
    trials: np.ndarray
    units: int
    time: np.ndarray
    mean: np.ndarray
    sem: np.ndarray
    each: np.ndarray


def psth(
    activity: Tensor | np.ndarray,
    units: Units,
    by: str = "region",
    condition: Sequence | np.ndarray | Tensor | None = None,
    bin: int = 1,
    smooth: float | None = None,
) -> pd.DataFrame:
    """One row per group, condition and bin: group, condition, time, mean, sem, trials, units.

    activity: (trials, time, N). by: a kind of label, or `region/type`, or `neuron` for each unit alone (`Units.kinds`).
    condition: (trials,) texts or numbers, None for one condition "". The mean over the group's units is taken of every
    trial; smoothed by a Gaussian of sd `smooth` steps, its weights summing to 1 at the edges too; averaged over bins
    of `bin` steps, `time` being the first; then mean and sem, sd / sqrt(trials) with trials - 1 in the sd, are those
    over the trials of a condition. The sem of one trial is unknown, nan. Groups are in the order of the network,
    conditions ascending, all in float64. Raises ValueError for other shapes, an unknown kind, a bin that does not
    divide the time, or a smooth that is not above 0.
    """
    responses = psth_arrays(activity, units, by, condition, bin, smooth)
    return pd.concat([_rows(group, response) for group, response in responses.items()], ignore_index=True)


def psth_arrays(
    activity: Tensor | np.ndarray,
    units: Units,
    by: str = "region",
    condition: Sequence | np.ndarray | Tensor | None = None,
    bin: int = 1,
    smooth: float | None = None,
) -> dict[str, Response]:
    """The same as `psth`, as arrays keyed by the name of the group."""
    values = torch.as_tensor(activity).detach().cpu().to(torch.float64)
    if values.ndim != 3 or values.shape[-1] != units.n or not len(values) or not values.shape[1]:
        raise ValueError(f"activity must have shape (trials, time, {units.n}), got {tuple(values.shape)}")
    trials, steps = values.shape[:2]
    if not isinstance(bin, numbers.Integral) or bin < 1 or steps % bin:
        raise ValueError(f"bin must be a whole number that divides the {steps} steps, got {bin!r}")
    conditions, index = _conditions(condition, trials)
    responses = {}
    for group, members in units.groups(by).items():
        means = values.index_select(-1, members).mean(-1)
        means = means if smooth is None else _smoothed(means, smooth)
        each = means.unflatten(1, (-1, int(bin))).mean(-1).numpy()
        mean, sem = (np.stack(parts) for parts in zip(*_statistics(each, index), strict=True))
        responses[group] = Response(conditions, np.bincount(index), len(members), np.arange(0, steps, bin), mean, sem,
                                    each)  # fmt: skip
    return responses


def _rows(group: str, response: Response) -> pd.DataFrame:
    conditions, bins = response.mean.shape
    return pd.DataFrame({
        "group": group,
        "condition": np.repeat(response.conditions, bins),
        "time": np.tile(response.time, conditions),
        "mean": response.mean.ravel(),
        "sem": response.sem.ravel(),
        "trials": np.repeat(response.trials, bins),
        "units": response.units,
    })  # fmt: skip


def _conditions(condition: Any, trials: int) -> tuple[np.ndarray, np.ndarray]:
    """The conditions there are, (C,), and which of them each trial is of, (trials,)."""
    if condition is None:
        return np.array([""]), np.zeros(trials, dtype=np.int64)
    given = condition.detach().cpu().numpy() if isinstance(condition, Tensor) else np.asarray(condition)
    if given.shape != (trials,) or given.dtype == object:
        came = f"shape {given.shape}, {given.dtype}"
        raise ValueError(f"condition must have one text or number for each of the {trials} trials, got {came}")
    return np.unique(given, return_inverse=True)


def _statistics(each: np.ndarray, index: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean and sem over the trials of every condition, (T,) each."""
    found = []
    for number in range(index.max() + 1):
        trials = each[index == number]
        one = len(trials) == 1
        spread = np.full(each.shape[1], np.nan) if one else trials.std(axis=0, ddof=1)
        found.append((trials.mean(axis=0), spread / math.sqrt(len(trials))))
    return found


def _smoothed(means: Tensor, sd: float) -> Tensor:
    """Means (trials, time) through a Gaussian window, divided by what of it lies within the time: constants stay."""
    if not isinstance(sd, numbers.Real) or not 0 < sd < math.inf:
        raise ValueError(f"smooth must be a number of steps above 0, or None, got {sd!r}")
    reach = min(math.ceil(REACH * sd), means.shape[1] - 1)
    window = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=means.dtype) / sd).square())
    rows = torch.cat([means, torch.ones_like(means[:1])]).unsqueeze(1)
    summed = torch.nn.functional.conv1d(rows, window.view(1, 1, -1), padding=reach).squeeze(1)
    return summed[:-1] / summed[-1]
