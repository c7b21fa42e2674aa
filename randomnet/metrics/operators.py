"""Dynamical similarity analysis (DSA; Ostrow et al. 2023): linear operators of delayed states and their distance.

The operator advances the leading `rank` whitened coordinates of `delays` successive states by one step. The distance of
operators A and B is the smallest angle between A and C B C' over all orthogonal matrices C, rotations and reflections.
"""

from dataclasses import dataclass

import numpy as np

from randomnet.array_arguments import takes_tensors
from randomnet.display import Brief
from randomnet.metrics.arrays import checked_trials
from randomnet.metrics.matching import assignment

SMALLEST_VARIANCE = 1e-10  # share of the delayed states' variance below which a direction is rounding
ITERATIONS = 500  # at most, of gradient ascent
SMALLEST_GRADIENT = 1e-7  # norm for unit matrices at which gradient ascent stops
SPLITS = 5  # random splits of the trials; 5 of 60 distances of equal dynamics were above the largest of so many
MOST_SHORTENINGS, MEMORY, LONGEST_STEP = 8, 5, 1e3  # of the line search; MEMORY: earlier values it compares with


@takes_tensors
def delay_operator(states: np.ndarray, delays: int = 20, rank: int = 50) -> np.ndarray:
    """(r, r), r <= rank: the least-squares step of whitened delayed states, from states (B, T, D).

    Windows lie within trials, and all trials have the same weight. r is below `rank` where the delayed states have
    fewer dimensions. Raises ValueError for trials shorter than delays + 1.

    >>> import numpy as np
    >>> from randomnet.metrics import delay_operator
    >>> rng = np.random.default_rng(0)
    >>> angles = 0.3 * np.arange(50) + rng.uniform(0, 6, (8, 1))
    >>> states = np.stack([np.cos(angles), np.sin(angles)], -1)
    >>> np.abs(np.linalg.eigvals(delay_operator(states, delays=1, rank=2))).round(6).tolist()  # a rotation
    [1.0, 1.0]
    """
    states = checked_trials("states", states)
    if delays < 1 or rank < 1 or states.shape[1] < delays + 1:
        raise ValueError(f"expected delays >= 1, rank >= 1 and trials of at least delays + 1 bins, got delays {delays},"
                         f" rank {rank}, {states.shape[1]} bins")  # fmt: skip
    return whitened_step(states, delays, rank).operator


@dataclass(frozen=True, repr=False)
class WhitenedStep(Brief):
    """The least-squares step of delayed states.

    whitening: (delays D, r), delayed states -> coordinates whose squares sum to 1 over the trials. operator: (r, r),
    the step of the coordinates. next_states: (r, D), what each coordinate predicts of the state after the window.
    means: ((delays + 1) D,), subtracted from the states of windows and from the state after them.
    """

    whitening: np.ndarray
    operator: np.ndarray
    next_states: np.ndarray
    means: np.ndarray


def whitened_step(states: np.ndarray, delays: int, rank: int) -> WhitenedStep:
    """The least-squares step of delayed states (B, T, D), in the leading `rank` of their principal axes."""
    size, width = states.shape[2], delays * states.shape[2]
    mean = states.mean((0, 1))
    moments, means = _moments(states - mean, delays + 1)
    variances, axes = np.linalg.eigh(moments[:width, :width])
    order = np.argsort(-variances)[:rank]
    order = order[variances[order] > SMALLEST_VARIANCE * max(variances.max(), 0.0)]
    if not len(order):
        raise ValueError("states: expected values that vary, got constant ones")
    whitening = axes[:, order] / np.sqrt(variances[order])
    operator = whitening.T @ moments[size:, :width] @ whitening
    next_states = whitening.T @ moments[:width, width:]
    return WhitenedStep(whitening, operator, next_states, means + np.tile(mean, delays + 1))


def _moments(states: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """(length D, length D) central second moments and (length D,) means of windows of states (B, T, D).

    A window holds the states at t, ..., t + length - 1; moments are summed over trials and t. Means are subtracted, as
    a constant direction has no dynamics. Each block is its upper left neighbour minus the first bin plus one more, so
    no array of windows is needed.
    """
    bins, width = states.shape[1], states.shape[2]
    windows = bins - length + 1
    blocks = np.empty((length, length, width, width))
    for column in range(length):
        first, other = states[:, :windows], states[:, column : column + windows]
        blocks[0, column] = np.tensordot(first, other, axes=((0, 1), (0, 1)))
    for row in range(1, length):
        for column in range(row, length):
            first_bin = states[:, row - 1].T @ states[:, column - 1]
            next_bin = states[:, row - 1 + windows].T @ states[:, column - 1 + windows]
            blocks[row, column] = blocks[row - 1, column - 1] - first_bin + next_bin
    for row in range(length):
        for column in range(row):
            blocks[row, column] = blocks[column, row].T
    means = np.concatenate([states[:, start : start + windows].mean((0, 1)) for start in range(length)])
    sums = blocks.transpose(0, 2, 1, 3).reshape(length * width, length * width)
    return sums - len(states) * windows * np.outer(means, means), means


@takes_tensors
def dsa(
    first: np.ndarray, second: np.ndarray, rng: np.random.Generator, delays: int = 20, rank: int = 50, starts: int = 4
) -> float:
    """Distance of the dynamics of states (B, T, D) and (B', T', D'), an angle from 0 to pi.

    >>> import numpy as np
    >>> from randomnet.metrics import dsa
    >>> rng = np.random.default_rng(0)
    >>> angles = 0.3 * np.arange(50) + rng.uniform(0, 6, (8, 1))
    >>> states = np.stack([np.cos(angles), np.sin(angles)], -1)
    >>> mirrored = states[..., ::-1].copy()
    >>> bool(dsa(states, mirrored, rng, delays=2, rank=2) < 0.01)
    True
    """
    return operator_distance(delay_operator(first, delays, rank), delay_operator(second, delays, rank), rng, starts)


@takes_tensors
def dsa_floor(
    states: np.ndarray, rng: np.random.Generator, delays: int = 20, rank: int = 50, starts: int = 4,
    splits: int = SPLITS,
) -> float:  # fmt: skip
    """The largest `dsa` between two random halves of the trials (B, T, D), over several splits.

    Equal dynamics reach it by chance. Raises ValueError for one trial.

    >>> import numpy as np
    >>> from randomnet.metrics import dsa_floor
    >>> rng = np.random.default_rng(0)
    >>> angles = 0.3 * np.arange(50) + rng.uniform(0, 6, (8, 1))
    >>> states = np.stack([np.cos(angles), np.sin(angles)], -1)
    >>> bool(dsa_floor(states, rng, delays=2, rank=2) < 0.01)
    True
    """
    if len(states) < 2:
        raise ValueError(f"states: expected at least two trials to split, got {len(states)}")
    halves = [np.array_split(rng.permutation(len(states)), 2) for _ in range(splits)]
    return max(dsa(states[first], states[second], rng, delays, rank, starts) for first, second in halves)


@takes_tensors
def operator_distance(first: np.ndarray, second: np.ndarray, rng: np.random.Generator, starts: int = 4) -> float:
    """The smallest angle between `first` (n, n) and C `second` C' over orthogonal C; second: (m, m).

    The smaller operator is padded with zeros. Gradient ascent starts from the identity, from an alignment of the
    eigenvectors of paired eigenvalues, and from `starts` random matrices, each as a rotation and as a reflection.
    Raises ValueError for an operator that is 0 or not finite.

    >>> import numpy as np
    >>> from randomnet.metrics import operator_distance
    >>> rng = np.random.default_rng(0)
    >>> rotation = np.array([[0.0, -1.0], [1.0, 0.0]])
    >>> bool(operator_distance(rotation, rotation.T, rng) < 1e-3)  # a reflection turns one into the other
    True
    """
    size = max(len(first), len(second))
    a, b = (np.pad(np.asarray(matrix, float), (0, size - len(matrix))) for matrix in (first, second))
    norms = np.linalg.norm(a), np.linalg.norm(b)
    if not 0 < min(norms) <= max(norms) < np.inf:
        raise ValueError(f"operators: expected finite ones that are not 0, got norms {norms[0]:g} and {norms[1]:g}")
    a, b = a / norms[0], b / norms[1]
    initial = [np.eye(size), _alignment(a, b)]
    initial += [np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(starts)]
    initial = [_with_determinant(c, sign) for c in initial for sign in (1, -1)]
    smallest = min(_norm_of_difference(a, b, _ascend(a, b, c)) for c in initial)
    return float(2 * np.arcsin(min(1.0, smallest / 2)))  # of unit matrices; precise where arccos is not


def _norm_of_difference(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    return float(np.linalg.norm(a - c @ b @ c.T))


def _with_determinant(c: np.ndarray, sign: int) -> np.ndarray:
    """Orthogonal c with determinant `sign`; the last column changes sign where that is needed."""
    columns = np.ones(len(c))
    columns[-1] = sign * np.sign(np.linalg.det(c))
    return c * columns


def _ascend(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The orthogonal C with the determinant of c that maximizes <a, C b C'> locally, from c.

    Cayley steps along the gradient with Barzilai-Borwein lengths; a step is shortened where the value would fall below
    the smallest of the last few values (Wen and Yin 2013).
    """
    eye, length, values = np.eye(len(c)), 1.0, [np.vdot(a, c @ b @ c.T)]
    gradient = _skew_gradient(a, b, c)
    best, highest = c, values[0]
    for _ in range(ITERATIONS):
        if np.linalg.norm(gradient) <= SMALLEST_GRADIENT:
            break
        for _ in range(MOST_SHORTENINGS):
            proposal = np.linalg.solve(eye - length / 2 * gradient, c + length / 2 * gradient @ c)
            value = np.vdot(a, proposal @ b @ proposal.T)
            if value >= min(values[-MEMORY:]):
                break
            length /= 4
        new_gradient = _skew_gradient(a, b, proposal)
        step, change = proposal - c, new_gradient @ proposal - gradient @ c
        length = float(np.clip(abs(np.vdot(step, step) / (np.vdot(step, change) or 1.0)), 1e-3, LONGEST_STEP))
        c, gradient, values = proposal, new_gradient, [*values, value]
        best, highest = (c, value) if value > highest else (best, highest)
    return best


def _skew_gradient(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The skew matrix W along which C -> exp(W) C raises <a, C b C'> fastest."""
    gradient = (a @ c @ b.T + a.T @ c @ b) @ c.T
    return gradient - gradient.T


@dataclass(frozen=True)
class _Modes:
    """Eigenvalues with imaginary part >= 0, their eigenvectors as columns, and which of them are complex."""

    values: np.ndarray
    vectors: np.ndarray
    is_complex: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray) -> "_Modes":
        """The modes of a real matrix; in each vector real and imaginary part are orthogonal, the real one longer."""
        values, vectors = (part.astype(complex) for part in np.linalg.eig(matrix))
        upper = values.imag >= 0
        values, vectors = values[upper], vectors[:, upper]
        return cls(values, vectors * np.exp(-0.5j * np.angle((vectors**2).sum(0))), values.imag > 0)

    def basis(self, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n, n) orthonormal basis from the vectors in this order (Gram-Schmidt), and (n,) the mode of each column."""
        columns, modes = [], []
        for mode in order:
            vector, is_complex = self.vectors[:, mode], self.is_complex[mode]
            columns += [vector.real, vector.imag] if is_complex else [vector.real]
            modes += [mode] * (1 + is_complex)
        basis, triangle = np.linalg.qr(np.stack(columns, 1))
        return basis * np.where(np.diag(triangle) < 0, -1.0, 1.0), np.array(modes)


def _alignment(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The orthogonal matrix that maps b's eigenvectors to those of a's nearest eigenvalues, after orthonormalization.

    The sign of each vector is free; it is chosen such that its couplings to earlier vectors agree. For b = C' a C the
    result is C.
    """
    first, second = _Modes.of(a), _Modes.of(b)
    costs = np.abs(first.values[:, None] - second.values) + 10.0 * (first.is_complex[:, None] != second.is_complex)
    rows, columns = assignment(costs)
    order = np.argsort(-np.abs(first.values[rows]), kind="stable")
    left, _ = first.basis(_completed(rows[order], len(first.values)))
    right, modes = second.basis(_completed(columns[order], len(second.values)))
    agreement = (left.T @ a @ left) * (right.T @ b @ right)
    agreement, signs = agreement + agreement.T, np.ones(len(a))
    for mode in dict.fromkeys(modes):
        columns_of_mode = np.flatnonzero(modes == mode)
        before = columns_of_mode[0]
        signs[columns_of_mode] = -1.0 if signs[:before] @ agreement[:before, columns_of_mode].sum(1) < 0 else 1.0
    return (left * signs) @ right.T


def _completed(order: np.ndarray, count: int) -> np.ndarray:
    """The order, followed by the missing numbers of 0, ..., count - 1."""
    return np.concatenate([order, np.setdiff1d(np.arange(count), order)])
