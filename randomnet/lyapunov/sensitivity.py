"""Sensitivities of exponents: gradients of growth rates over short windows of a record, with respect to parameters.

Each window starts from a stored state and frame, through which no gradient flows, as with the truncated gradient of a
training. In chaos a gradient through a long record grows with it, and no longer says how the exponent changes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.lyapunov.covariant import CovariantVectors
from randomnet.lyapunov.growth import System, growth, plan

WINDOW = 5.0  # units of time
MOST_WINDOWS = 20  # spread over the record


@dataclass(frozen=True)
class Windows:
    """Windows of a record: bundles (W, 1 + k, N) and steps from the start of the system (W,) at which they begin.

    intervals: steps between the QRs of one window. time: the length of a window.
    """

    bundles: Tensor
    starts: Sequence[int]
    intervals: list[int]
    time: float

    def rates(self, system: System, index: int) -> Tensor:
        """Growth rates (k,) of the orthonormal frame over one window, by exponents; differentiable."""
        logs = growth(system, self.bundles[index], self.intervals, self.starts[index])[1]
        return logs.sum(0) / self.time


def windows_of(vectors: CovariantVectors, dt: float, like: Tensor) -> Windows:
    """At most MOST_WINDOWS windows of WINDOW units of time, or of the whole record if it is shorter.

    They start at stored samples, and do not overlap where the record is long enough. dt: the system's step. like: a
    tensor with the device and precision of the system.
    """
    length = len(vectors.growth) * vectors.interval
    time = min(WINDOW, length)
    ends = np.flatnonzero(vectors.times + time <= length + dt / 2)
    count = max(1, min(MOST_WINDOWS, int(length / time), len(ends)))
    chosen = ends[np.linspace(0, len(ends) - 1, count).round().astype(int)] if len(ends) else np.array([0])
    bundles = np.concatenate([vectors.states[chosen, None], vectors.backward[chosen]], 1)
    starts = [vectors.start + round(float(vectors.times[place]) / dt) for place in chosen]
    intervals = plan(time, vectors.interval, dt)
    return Windows(torch.from_numpy(bundles).to(like), starts, intervals, sum(intervals) * dt)


def sensitivities(
    windows: Windows,
    system: System,
    parameters: Sequence[Tensor],
    reduce: Callable[[Sequence[Tensor]], Sequence[Tensor]],
    on_progress: Callable[[float], None] = lambda time: None,
) -> list[np.ndarray]:
    """Gradients of the growth rates, one array (W, k, ...) for each result of `reduce`.

    system: depends on the parameters, which require a gradient. reduce: gradients by parameters -> what is kept of
    them, such as sums over groups; a gradient is 0 where the system does not depend on its parameter.
    """
    results: list[list[list[np.ndarray]]] = []
    for index in range(len(windows.starts)):
        with torch.enable_grad():
            rates = list(windows.rates(system, index))  # here, as elsewhere its parts would have no graph
        of_window = []
        for rate in rates:
            gradients = torch.autograd.grad(rate, parameters, retain_graph=True, materialize_grads=True)
            of_window.append([part.cpu().numpy() for part in reduce(gradients)])
        results.append(of_window)
        on_progress(windows.time * (index + 1))
    return [np.array([[row[part] for row in rows] for rows in results]) for part in range(len(results[0][0]))]


def mean_and_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over windows (W, ...) and its standard error from their scatter; nan for a single window."""
    if len(values) < 2:
        return values.mean(0), np.full(values.shape[1:], np.nan)
    return values.mean(0), values.std(0, ddof=1) / math.sqrt(len(values))
