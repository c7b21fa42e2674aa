"""Peri-stimulus time histograms (PSTH): mean activity of groups of units over trials, with its standard error.

It follows psth of mRNNTorch, which gives means over units only, and means of cell types instead of those of a region.
"""

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from randomnet.analysis.units import Units
from randomnet.display import Brief, Displayed

REACH = 8  # half width of the Gaussian window in sd; beyond it the window is below rounding error


@dataclass(frozen=True, repr=False)
class Response(Brief):
    """The response of one group of units in C conditions, B trials in total, and T bins.

    conditions: (C,), ascending. trials: (C,), number of trials per condition. units: number of units in the group.
    time: (T,), first step of each bin. each: (B, T), mean over the units in every trial. mean, sem: (C, T), mean and
    standard error of `each` over the trials of a condition.
    """

    conditions: np.ndarray
    trials: np.ndarray
    units: int
    time: np.ndarray
    mean: np.ndarray
    sem: np.ndarray
    each: np.ndarray


class Responses(Displayed, dict[str, Response]):
    """Group -> response, as `psth_arrays` returns them."""

    drawing: ClassVar[str] = "responses"

    def summary(self) -> str:
        """The numbers of groups, conditions, trials and bins."""
        first = next(iter(self.values()))
        conditions, bins = first.mean.shape
        return f"{len(self)} groups, {conditions} conditions, {first.trials.sum()} trials, {bins} bins"

    def frame(self) -> pd.DataFrame:
        """The rows of `psth`."""
        return pd.concat([_rows(group, response) for group, response in self.items()], ignore_index=True)


def psth(
    activity: Tensor | np.ndarray,
    units: Units,
    by: str = "region",
    condition: Sequence | np.ndarray | Tensor | None = None,
    bin: int = 1,
    smooth: float | None = None,
) -> pd.DataFrame:
    """One row per group, condition and bin: group, condition, time, mean, sem, trials, units.

    activity: (trials, time, N). by: a kind of label, `region/type`, or `neuron` for single units (`Units.kinds`).
    condition: (trials,) texts or numbers, None for one condition "". bin: steps per bin. smooth: sd of a Gaussian in
    steps, or None.

    Activity is averaged over the units of a group in every trial. It is then smoothed, with weights that sum to 1 at
    the edges too, and averaged in bins, whose `time` is their first step. mean and sem are over the trials of a
    condition; sem = sd / sqrt(trials), with trials - 1 in the sd, and nan for one trial. Groups are in the order of the
    network, conditions ascending, values float64. Raises ValueError for other shapes, an unknown kind, a bin that does
    not divide the time, and smooth <= 0.

    >>> import numpy as np
    >>> import torch
    >>> from randomnet.analysis import Units, psth
    >>> units = Units(np.array(['a', 'b', 'c']), {'region': np.array(['V1', 'V1', 'M1'])}, np.array([1, -1, 1]))
    >>> activity = np.ones((4, 6, 3))
    >>> psth(activity, units, condition=['left', 'left', 'right', 'right'], bin=3)
      group condition  time  mean  sem  trials  units
    0    V1      left     0   1.0  0.0       2      2
    1    V1      left     3   1.0  0.0       2      2
    2    V1     right     0   1.0  0.0       2      2
    3    V1     right     3   1.0  0.0       2      2
    4    M1      left     0   1.0  0.0       2      1
    5    M1      left     3   1.0  0.0       2      1
    6    M1     right     0   1.0  0.0       2      1
    7    M1     right     3   1.0  0.0       2      1
    """
    return psth_arrays(activity, units, by, condition, bin, smooth).frame()


def psth_arrays(
    activity: Tensor | np.ndarray,
    units: Units,
    by: str = "region",
    condition: Sequence | np.ndarray | Tensor | None = None,
    bin: int = 1,
    smooth: float | None = None,
) -> Responses:
    """The results of `psth` as arrays: group -> response; its `plot()` draws them.

    >>> import numpy as np
    >>> import torch
    >>> from randomnet.analysis import Units, psth_arrays
    >>> units = Units(np.array(['a', 'b', 'c']), {'region': np.array(['V1', 'V1', 'M1'])}, np.array([1, -1, 1]))
    >>> responses = psth_arrays(np.ones((4, 6, 3)), units)
    >>> responses
    Responses: 2 groups, 1 conditions, 4 trials, 6 bins
    >>> responses['V1'].mean.shape
    (1, 6)
    """
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
        means = means if smooth is None else _smooth(means, smooth)
        each = means.unflatten(1, (-1, int(bin))).mean(-1).numpy()
        mean, sem = (np.stack(parts) for parts in zip(*_statistics(each, index), strict=True))
        responses[group] = Response(conditions, np.bincount(index), len(members), np.arange(0, steps, bin), mean, sem,
                                    each)  # fmt: skip
    return Responses(responses)


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
    """The different conditions (C,), ascending, and the index of each trial's condition (trials,)."""
    if condition is None:
        return np.array([""]), np.zeros(trials, dtype=np.int64)
    values = condition.detach().cpu().numpy() if isinstance(condition, Tensor) else np.asarray(condition)
    if values.shape != (trials,) or values.dtype == object:
        raise ValueError(
            f"condition must have one text or number for each of the {trials} trials, got shape {values.shape}, "
            f"{values.dtype}"
        )
    return np.unique(values, return_inverse=True)


def _statistics(each: np.ndarray, index: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean and sem (T,) over the trials of every condition."""
    statistics = []
    for number in range(index.max() + 1):
        trials = each[index == number]
        sd = np.full(each.shape[1], np.nan) if len(trials) == 1 else trials.std(axis=0, ddof=1)
        statistics.append((trials.mean(axis=0), sd / math.sqrt(len(trials))))
    return statistics


def _smooth(means: Tensor, sd: float) -> Tensor:
    """Means (trials, time) smoothed by a Gaussian window, normalised at the edges so that constants are unchanged."""
    if not isinstance(sd, numbers.Real) or not 0 < sd < math.inf:
        raise ValueError(f"smooth must be a number of steps above 0, or None, got {sd!r}")
    reach = min(math.ceil(REACH * sd), means.shape[1] - 1)
    window = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=means.dtype) / sd).square())
    rows = torch.cat([means, torch.ones_like(means[:1])]).unsqueeze(1)
    summed = torch.nn.functional.conv1d(rows, window.view(1, 1, -1), padding=reach).squeeze(1)
    return summed[:-1] / summed[-1]
