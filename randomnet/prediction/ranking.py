"""Which neuron to record next: the greedy choice by the information that each neuron's activity has on the parameters.

Near given parameters, a neuron's activity is y_i = J_i theta + noise, where theta has a normal prior. Recordings of a
set M of neurons leave theta the covariance C = (prior^-2 + sum_M J_i^T J_i / noise^2)^-1. The Fisher information of a
neuron is J_i^T J_i / noise^2. For a linear model this posterior is exact.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from randomnet.display import Displayed

NEGLIGIBLE = 1e-5  # nats that a direction of a neuron's activity may tell and is left out


@dataclass(frozen=True, eq=False, repr=False)
class Ranking(Displayed):
    """Neurons in the order in which to record them.

    order: (K,) indices. information: (K + 1,) on the parameters, in nats, before and after each: half the difference of
    ln det of their covariance and of the prior's. error: (K + 1,) expected mean square error of the neurons not
    recorded, noise not included; nan when all are recorded.
    """

    order: np.ndarray
    information: np.ndarray
    error: np.ndarray
    criterion: str

    def summary(self) -> str:
        """The first neurons."""
        first = ", ".join(map(str, self.order[:5])) + ", ..." * (len(self.order) > 5)
        return f"{len(self.order)} neurons by {self.criterion}: {first}"

    def frame(self) -> pd.DataFrame:
        """One row per neuron: its index, and information and error after it is recorded."""
        return pd.DataFrame({"neuron": self.order, "information": self.information[1:], "error": self.error[1:]})


def rank_neurons(
    jacobian: np.ndarray,
    *,
    noise: float,
    prior: float | np.ndarray = 1.0,
    recorded: Sequence[int] = (),
    count: int | None = None,
    criterion: str = "error",
) -> Ranking:
    """The neurons in the order in which to record them: each is the best one after those before it.

    jacobian: (N, S, P), the derivative of each neuron's activity at S trials and times in P parameters, as
    `activity_jacobian` returns it; (N, P) for one sample. noise: standard deviation of a recorded activity. prior:
    standard deviation of the parameters, one number or (P,). recorded: neurons that are recorded already. count: how
    many to rank; None for all others. criterion: "error", the expected square error of the neurons that stay
    unrecorded, or "information", the logarithm of the determinant of the parameters' covariance. Greedy information is
    at least 1 - 1/e = 63 % of that of the best set of as many neurons (Nemhauser et al. 1978). A step costs O(N).

    Raises ValueError for other shapes, values that are not finite, or unknown neurons.

    >>> import numpy as np
    >>> from randomnet.prediction import rank_neurons
    >>> jacobian = np.array([[1., 0, 0], [1, 1, 0], [0, 0, .5]])  # neuron 0 tells nothing that 1 does not
    >>> rank_neurons(jacobian, noise=.1)
    Ranking: 3 neurons by error: 1, 2, 0
    """
    if criterion not in CRITERIA:
        raise ValueError(f"criterion must be one of {', '.join(CRITERIA)}, got {criterion!r}")
    samples = np.shape(jacobian)[1] if np.ndim(jacobian) == 3 else 1
    posterior = _Posterior(_roots(jacobian, noise, prior), noise**2 / max(samples, 1))
    neurons = len(posterior.roots)
    for neuron in _indices(recorded, neurons):
        posterior.record(neuron)
    left = neurons - int(posterior.recorded.sum())
    if count is not None and not 0 <= count <= left:
        raise ValueError(f"count must be from 0 to the {left} neurons that are not recorded, got {count}")
    order, states = [], [posterior.state()]
    for _ in range(left if count is None else count):
        gains = np.where(posterior.recorded, -np.inf, CRITERIA[criterion](posterior))
        order.append(int(gains.argmax()))
        posterior.record(order[-1])
        states.append(posterior.state())
    information, error = np.array(states).T
    return Ranking(np.array(order, np.int64), information, error, criterion)


class _Posterior:
    """What is known of the parameters, whose covariance C is in units of the prior, as neurons are recorded.

    roots: (N, R, P) R_i with R_i^T R_i = J_i^T J_i (prior / noise)^2, so that the trace of R_i C R_i^T is the summed
    variance of the neuron's samples. unit: noise^2 / S, which makes it a mean square of activity.
    """

    def __init__(self, roots: np.ndarray, unit: float) -> None:
        self.roots, self.unit = roots, unit
        self.spread = roots.copy()  # R_i C
        self.recorded = np.zeros(len(roots), bool)
        self.information = 0.0
        self.of_rest = np.einsum("irp,irq->pq", roots, roots, optimize=True)  # of the neurons not recorded

    def state(self) -> tuple[float, float]:
        """Information, and mean square error of the neurons not recorded."""
        rest = self.expected()[~self.recorded]
        return self.information, float(rest.mean()) if len(rest) else np.nan

    def expected(self) -> np.ndarray:
        """(N,) expected mean square error of each neuron's activity."""
        return np.einsum("irp,irp->i", self.spread, self.roots) * self.unit

    def gains(self) -> np.ndarray:
        """(N,) by how much each neuron raises the information: ln det(1 + R_i C R_i^T) / 2."""
        return np.linalg.slogdet(self._observed())[1] / 2

    def reductions(self) -> np.ndarray:
        """(N,) by how much each neuron lowers the summed error of those not recorded, of which it then is none."""
        whitened = np.linalg.solve(np.linalg.cholesky(self._observed()), self.spread)
        others = np.einsum("irp,irp->i", whitened @ self.of_rest, whitened)
        of_itself = np.square(whitened @ self.roots.swapaxes(1, 2)).sum(axis=(1, 2))
        return (others - of_itself) * self.unit + self.expected()

    def record(self, neuron: int) -> None:
        """Take the neuron's activity as known: C becomes C - C R^T (1 + R C R^T)^-1 R C."""
        observed, root = self._observed()[neuron], self.roots[neuron]
        self.information += float(np.linalg.slogdet(observed)[1]) / 2
        self.spread = self.spread - (self.spread @ root.T) @ np.linalg.solve(observed, self.spread[neuron])
        self.of_rest = self.of_rest - root.T @ root
        self.recorded[neuron] = True

    def _observed(self) -> np.ndarray:
        """(N, R, R) the covariance of each neuron's recording, with the noise as its unit."""
        return np.eye(self.roots.shape[1]) + self.spread @ self.roots.swapaxes(1, 2)


CRITERIA: dict[str, Callable[[_Posterior], np.ndarray]] = {
    "error": _Posterior.reductions,
    "information": _Posterior.gains,
}


def _roots(jacobian: np.ndarray, noise: float, prior: float | np.ndarray) -> np.ndarray:
    """(N, R, P), see `_Posterior`: the same information in as few rows as directions have any. Raises ValueError."""
    jacobian = np.asarray(jacobian, np.float64)
    jacobian = jacobian[:, None] if jacobian.ndim == 2 else jacobian
    if jacobian.ndim != 3 or not jacobian.size or not np.isfinite(jacobian).all():
        raise ValueError(f"jacobian must be finite numbers (N, S, P) or (N, P), got {jacobian.shape}")
    spread = np.asarray(prior, np.float64)
    if spread.shape not in ((), jacobian.shape[2:]):
        raise ValueError(f"prior must be one number or {jacobian.shape[2]}, got shape {spread.shape}")
    if not all((values > 0).all() and np.isfinite(values).all() for values in (spread, np.asarray(noise))):
        raise ValueError(f"noise and prior must be finite numbers above 0, got {noise} and {prior}")
    _, sizes, directions = np.linalg.svd(jacobian * (spread / noise), full_matrices=False)
    informative = sizes**2 > NEGLIGIBLE * min(1.0, float(sizes.max(initial=0)) ** 2)
    rank = max(int(informative.sum(axis=1).max()), 1)
    return (sizes[..., None] * directions)[:, :rank]


def _indices(recorded: Sequence[int], neurons: int) -> np.ndarray:
    indices = np.asarray(recorded, np.int64).reshape(-1)
    if len(np.unique(indices)) < len(indices) or ((indices < 0) | (indices >= neurons)).any():
        raise ValueError(f"recorded must be different neurons from 0 to {neurons - 1}, got {list(recorded)}")
    return indices
