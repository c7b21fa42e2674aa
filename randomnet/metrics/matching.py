"""Optimal matching of fixed points and of eigenvalues, distances of spectra, and agreement of partitions of trials."""

from dataclasses import dataclass

import numpy as np

from randomnet.array_arguments import takes_tensors
from randomnet.display import Brief
from randomnet.metrics.arrays import flattened


@takes_tensors
def assignment(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns (min(P, Q),) of the pairs of least total cost, of costs (P, Q); rows ascend.

    Raises ValueError for costs that are not finite.

    >>> import numpy as np
    >>> from randomnet.metrics import assignment
    >>> rows, columns = assignment(np.array([[1.0, 0.0], [0.0, 5.0]]))
    >>> columns.tolist()
    [1, 0]
    """
    from scipy.optimize import linear_sum_assignment  # here, as the import takes 0.4 s

    costs = np.asarray(costs, dtype=float)
    if costs.ndim != 2 or not np.isfinite(costs).all():
        raise ValueError(f"expected finite costs of shape (P, Q), got shape {costs.shape}")
    return linear_sum_assignment(costs)


@dataclass(frozen=True, repr=False)
class MatchedPoints(Brief):
    """Pairs of fixed points.

    true, inferred: (m,) indices of paired points. distances: (m,). distance: mean distance relative to the spread.
    agreement: share of pairs in which both points are stable or both unstable. share: pairs per point of the larger
    set. distance and agreement are nan without pairs, share without points.
    """

    true: np.ndarray
    inferred: np.ndarray
    distances: np.ndarray
    distance: float
    agreement: float
    share: float


@takes_tensors
def match_points(
    true: np.ndarray, inferred: np.ndarray, true_unstable: np.ndarray, inferred_unstable: np.ndarray, spread: float
) -> MatchedPoints:
    """Pairs of points (P, D) and (Q, D) in one space with the smallest sum of distances.

    true_unstable, inferred_unstable: (P,) and (Q,), numbers of unstable directions. spread: unit of the mean distance.
    Raises ValueError for other shapes, or a spread that is not positive.

    >>> import numpy as np
    >>> from randomnet.metrics import match_points
    >>> points, unstable = np.array([[0.0], [1.0]]), np.array([1, 0])
    >>> pairs = match_points(points, points[::-1] + 0.1, unstable, unstable[::-1], spread=1.0)
    >>> pairs.inferred.tolist(), round(pairs.distance, 6), pairs.agreement
    ([1, 0], 0.1, 1.0)
    """
    if np.ndim(true) != 2 or np.ndim(inferred) != 2 or np.shape(true)[1] != np.shape(inferred)[1]:
        raise ValueError(f"fixed points: expected shapes (P, D) and (Q, D), got {np.shape(true)} and "
                         f"{np.shape(inferred)}")  # fmt: skip
    if not spread > 0:
        raise ValueError(f"spread: expected a length above 0, got {spread}")
    pairwise = np.linalg.norm(true[:, None] - inferred[None], axis=2)
    rows, columns = assignment(pairwise)
    distances = pairwise[rows, columns]
    agrees = (np.asarray(true_unstable)[rows] > 0) == (np.asarray(inferred_unstable)[columns] > 0)
    larger = max(len(true), len(inferred))
    return MatchedPoints(
        rows,
        columns,
        distances,
        float(distances.mean() / spread) if len(rows) else np.nan,
        float(agrees.mean()) if len(rows) else np.nan,
        len(rows) / larger if larger else np.nan,
    )


@takes_tensors
def eigenvalue_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The smallest mean squared distance of paired eigenvalues (n,) and (m,), the squared 2-Wasserstein distance.

    The shorter array is padded with 0, the eigenvalue of directions that decay within one step.

    >>> import numpy as np
    >>> from randomnet.metrics import eigenvalue_distance
    >>> round(eigenvalue_distance(np.array([0.5, 0.9]), np.array([0.9, 0.6])), 6)
    0.005
    """
    size = max(len(first), len(second))
    first, second = (np.pad(np.asarray(values, complex), (0, size - len(values))) for values in (first, second))
    squares = np.square(np.abs(first[:, None] - second[None]))
    return float(squares[assignment(squares)].mean())


@dataclass(frozen=True, repr=False)
class MatchedEigenvalues(Brief):
    """Pairs of eigenvalues of Jacobians of a step: true and inferred, (m,).

    distance: mean |difference|. time_constants: mean |ln ratio| of time constants over pairs in which both decay.
    frequencies: mean |difference| in cycles per unit of time.
    """

    true: np.ndarray
    inferred: np.ndarray
    distance: float
    time_constants: float
    frequencies: float


@takes_tensors
def match_eigenvalues(true: np.ndarray, inferred: np.ndarray, leading: int, dt: float) -> MatchedEigenvalues:
    """Pairs of the eigenvalues of largest modulus of two Jacobians with the smallest sum of distances.

    leading: at most so many of each. dt: the time of a step. Time constants are -dt / ln |eigenvalue|. Raises
    ValueError.

    >>> import numpy as np
    >>> from randomnet.metrics import match_eigenvalues
    >>> pairs = match_eigenvalues(np.array([0.9, 0.5]), np.array([0.5, 0.9]), leading=2, dt=0.1)
    >>> pairs.distance, pairs.inferred.real.tolist()
    (0.0, [0.9, 0.5])
    """
    if leading < 1 or not dt > 0:
        raise ValueError(f"expected leading >= 1 and dt above 0, got {leading} and {dt}")
    count = min(leading, len(true), len(inferred))
    first, second = (_leading(values, count) for values in (true, inferred))
    pairwise = np.abs(first[:, None] - second[None])
    rows, columns = assignment(pairwise)
    first, second = first[rows], second[columns]
    with np.errstate(divide="ignore"):
        rates = [-np.log(np.abs(values)) / dt for values in (first, second)]
    both_decay = np.logical_and(*((rate > 0) & np.isfinite(rate) for rate in rates))
    ratios = np.abs(np.log(rates[0][both_decay] / rates[1][both_decay]))
    frequencies = [np.abs(np.angle(values)) / (2 * np.pi * dt) for values in (first, second)]
    return MatchedEigenvalues(
        first,
        second,
        float(pairwise[rows, columns].mean()) if count else np.nan,
        float(ratios.mean()) if len(ratios) else np.nan,
        float(np.abs(frequencies[0] - frequencies[1]).mean()) if count else np.nan,
    )


def _leading(values: np.ndarray, count: int) -> np.ndarray:
    values = np.asarray(values, complex)
    return values[np.argsort(-np.abs(values), kind="stable")[:count]]


@takes_tensors
def spectrum_distance(true: np.ndarray, inferred: np.ndarray) -> float:
    """Root mean square difference of the leading Lyapunov exponents that both systems have; descending, (k,).

    Raises ValueError where there are none, or some are not finite.

    >>> import numpy as np
    >>> from randomnet.metrics import spectrum_distance
    >>> round(spectrum_distance(np.array([0.5, -1.0]), np.array([0.4, -1.1, -2.0])), 6)
    0.1
    """
    count = min(len(true), len(inferred))
    difference = np.asarray(true, float)[:count] - np.asarray(inferred, float)[:count]
    if not count or not np.isfinite(difference).all():
        raise ValueError(f"exponents: expected finite ones of both systems, got {true} and {inferred}")
    return float(np.sqrt(np.square(difference).mean()))


@takes_tensors
def clusters(points: np.ndarray, radius: float) -> np.ndarray:
    """(M,) the cluster of each point of (M, D).

    The first point without a cluster starts one, with all remaining points in its radius. Clusters are numbered in the
    order of their first points. Raises ValueError for non-finite points.

    >>> import numpy as np
    >>> from randomnet.metrics import clusters
    >>> clusters(np.array([[0.0], [0.1], [5.0]]), radius=1).tolist()
    [0, 0, 1]
    """
    points = flattened("end states", points)
    labels, remaining, number = np.full(len(points), -1), np.arange(len(points)), 0
    while len(remaining):
        is_near = np.linalg.norm(points[remaining] - points[remaining[0]], axis=1) <= radius
        labels[remaining[is_near]] = number
        remaining, number = remaining[~is_near], number + 1
    return labels


@takes_tensors
def rand_index(first: np.ndarray, second: np.ndarray) -> float:
    """Adjusted Rand index of two partitions (M,): 1 for equal ones, about 0 by chance (Hubert and Arabie 1985).

    Raises ValueError for different lengths, or fewer than two items.

    >>> import numpy as np
    >>> from randomnet.metrics import rand_index
    >>> rand_index(np.array([0, 0, 1, 1]), np.array([5, 5, 2, 2]))
    1.0
    """
    if np.shape(first) != np.shape(second) or np.ndim(first) != 1 or len(first) < 2:
        raise ValueError(f"partitions: expected two of one length >= 2, got {np.shape(first)} and {np.shape(second)}")
    items = len(first)
    _, first = np.unique(first, return_inverse=True)
    _, second = np.unique(second, return_inverse=True)
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1)
    both, rows, columns = (_pairs(counts) for counts in (table, table.sum(1), table.sum(0)))
    expected = rows * columns / _pairs(np.array(items))
    largest = (rows + columns) / 2
    return float((both - expected) / (largest - expected)) if largest != expected else 1.0


def _pairs(counts: np.ndarray) -> float:
    """The number of pairs of items in the same class, from the size of each class."""
    return float((counts * (counts - 1) / 2).sum())
