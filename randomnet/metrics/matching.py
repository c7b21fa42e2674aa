"""Optimal matching: of fixed points, of eigenvalues and of Lyapunov exponents; and of which trials end together."""

from dataclasses import dataclass

import numpy as np

from randomnet.metrics.arrays import flat


def assignment(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns (min(P, Q),) of the pairs of least total cost, of costs (P, Q); rows ascend.

    Raises ValueError for costs that are not finite.
    """
    from scipy.optimize import linear_sum_assignment  # here, as the import takes 0.4 s

    costs = np.asarray(costs, dtype=float)
    if costs.ndim != 2 or not np.isfinite(costs).all():
        raise ValueError(f"expected finite costs of shape (P, Q), got shape {costs.shape}")
    return linear_sum_assignment(costs)


@dataclass(frozen=True)
class MatchedPoints:
    """Pairs of fixed points: indices (m,) of the true ones and of the inferred ones, with their distances (m,).

    distance: their mean relative to the spread. agreement: share of the pairs that are both stable or both not.
    share: pairs per point of the larger set. nan where there is no pair.
    """

    true: np.ndarray
    inferred: np.ndarray
    distances: np.ndarray
    distance: float
    agreement: float
    share: float


def match_points(
    true: np.ndarray, inferred: np.ndarray, true_unstable: np.ndarray, inferred_unstable: np.ndarray, spread: float
) -> MatchedPoints:
    """Pair points (P, D) and (Q, D), mapped into one space, so that distances sum to the least.

    ..._unstable: (P,) and (Q,), how many directions lead away. spread: the length that distances are told in. Raises
    ValueError.
    """
    if np.ndim(true) != 2 or np.ndim(inferred) != 2 or np.shape(true)[1] != np.shape(inferred)[1]:
        raise ValueError(f"fixed points: expected shapes (P, D) and (Q, D), got {np.shape(true)} and "
                         f"{np.shape(inferred)}")  # fmt: skip
    if not spread > 0:
        raise ValueError(f"spread: expected a length above 0, got {spread}")
    apart = np.linalg.norm(true[:, None] - inferred[None], axis=2)
    rows, columns = assignment(apart)
    distances = apart[rows, columns]
    same = (np.asarray(true_unstable)[rows] > 0) == (np.asarray(inferred_unstable)[columns] > 0)
    most = max(len(true), len(inferred))
    return MatchedPoints(
        rows,
        columns,
        distances,
        float(distances.mean() / spread) if len(rows) else np.nan,
        float(same.mean()) if len(rows) else np.nan,
        len(rows) / most if most else np.nan,
    )


def eigenvalue_distance(one: np.ndarray, other: np.ndarray) -> float:
    """The mean squared distance of eigenvalues (n,) and (n,), paired so that it is least (2-Wasserstein, squared).

    Where there are fewer of one, 0 stands for what is missing: directions that are forgotten at once.
    """
    size = max(len(one), len(other))
    one, other = (np.pad(np.asarray(values, complex), (0, size - len(values))) for values in (one, other))
    squares = np.square(np.abs(one[:, None] - other[None]))
    return float(squares[assignment(squares)].mean())


@dataclass(frozen=True)
class MatchedEigenvalues:
    """Pairs of eigenvalues of a step: true and inferred (m,), and what differs of them.

    distance: mean of |difference|. time_constants: mean of |ln ratio| of the time constants over the pairs that both
    decay. frequencies: mean |difference|, cycles per unit of time.
    """

    true: np.ndarray
    inferred: np.ndarray
    distance: float
    time_constants: float
    frequencies: float


def match_eigenvalues(true: np.ndarray, inferred: np.ndarray, leading: int, dt: float) -> MatchedEigenvalues:
    """Pair the eigenvalues of largest modulus of two Jacobians, at most `leading` of each, so that they lie closest.

    dt: the time of a step. Time constants are -dt / ln |value|. Raises ValueError.
    """
    if leading < 1 or not dt > 0:
        raise ValueError(f"expected leading >= 1 and dt above 0, got {leading} and {dt}")
    count = min(leading, len(true), len(inferred))
    first, second = (_leading(values, count) for values in (true, inferred))
    apart = np.abs(first[:, None] - second[None])
    rows, columns = assignment(apart)
    first, second = first[rows], second[columns]
    with np.errstate(divide="ignore"):
        rates = [-np.log(np.abs(values)) / dt for values in (first, second)]
    both = np.logical_and(*((rate > 0) & np.isfinite(rate) for rate in rates))
    ratios = np.abs(np.log(rates[0][both] / rates[1][both]))
    turns = [np.abs(np.angle(values)) / (2 * np.pi * dt) for values in (first, second)]
    return MatchedEigenvalues(
        first,
        second,
        float(apart[rows, columns].mean()) if count else np.nan,
        float(ratios.mean()) if len(ratios) else np.nan,
        float(np.abs(turns[0] - turns[1]).mean()) if count else np.nan,
    )


def _leading(values: np.ndarray, count: int) -> np.ndarray:
    values = np.asarray(values, complex)
    return values[np.argsort(-np.abs(values), kind="stable")[:count]]


def spectrum_distance(true: np.ndarray, inferred: np.ndarray) -> float:
    """Root mean square difference of the leading Lyapunov exponents (k,), descending, as many as both have.

    Raises ValueError where there are none or some are not finite.
    """
    count = min(len(true), len(inferred))
    difference = np.asarray(true, float)[:count] - np.asarray(inferred, float)[:count]
    if not count or not np.isfinite(difference).all():
        raise ValueError(f"exponents: expected finite ones of both systems, got {true} and {inferred}")
    return float(np.sqrt(np.square(difference).mean()))


def clusters(points: np.ndarray, radius: float) -> np.ndarray:
    """(M,), which points (M, D) lie together: each with the first one within the radius that is with no earlier one.

    Numbered in the order of their first points. Raises ValueError for points that are not finite.
    """
    points = flat("end states", points)
    found, left, number = np.full(len(points), -1), np.arange(len(points)), 0
    while len(left):
        near = np.linalg.norm(points[left] - points[left[0]], axis=1) <= radius
        found[left[near]] = number
        left, number = left[~near], number + 1
    return found


def rand_index(one: np.ndarray, other: np.ndarray) -> float:
    """How alike two partitions (M,) are: 1 where they are the same, about 0 by chance (Hubert and Arabie 1985).

    Raises ValueError for another length, or fewer than two.
    """
    if np.shape(one) != np.shape(other) or np.ndim(one) != 1 or len(one) < 2:
        raise ValueError(f"partitions: expected two of one length >= 2, got {np.shape(one)} and {np.shape(other)}")
    _, first = np.unique(one, return_inverse=True)
    _, second = np.unique(other, return_inverse=True)
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1)
    both, rows, columns = (_pairs(counts) for counts in (table, table.sum(1), table.sum(0)))
    expected = rows * columns / _pairs(np.array(len(one)))
    most = (rows + columns) / 2
    return float((both - expected) / (most - expected)) if most != expected else 1.0


def _pairs(counts: np.ndarray) -> float:
    return float((counts * (counts - 1) / 2).sum())
