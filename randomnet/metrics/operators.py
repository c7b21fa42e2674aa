"""Dynamical similarity analysis (Ostrow et al. 2023): linear operators of delayed states, and how far apart they are.

The operator moves the leading `rank` whitened coordinates of `delays` successive states by one step. Two of them are
as far apart as the angle between A and C B C' at the orthogonal C that suits best, among rotations and reflections.
"""

from dataclasses import dataclass

import numpy as np

from randomnet.metrics.arrays import trials
from randomnet.metrics.matching import assignment

NEGLIGIBLE = 1e-10  # share of the delayed states' variance below which a direction is rounding
ITERATIONS = 500  # of a climb, which ends where the gradient of unit matrices is
SETTLED = 1e-7
SPLITS = 5  # of the trials, of which the floor is the largest distance; of equal dynamics 5 of 60 were above it
SHORTENED, REMEMBERED, LONGEST = 8, 5, 1e3  # times a step is shortened; values it is held against; and its limit


def delay_operator(states: np.ndarray, delays: int = 20, rank: int = 50) -> np.ndarray:
    """(r, r), r <= rank: of states (B, T, D), the least-squares step of whitened delayed states.

    All trials count alike, and none is joined to the next. r is smaller where delayed states have fewer dimensions.
    Raises ValueError for trials shorter than delays + 1.
    """
    states = trials("states", states)
    if delays < 1 or rank < 1 or states.shape[1] < delays + 1:
        raise ValueError(f"expected delays >= 1, rank >= 1 and trials of at least delays + 1 bins, got delays {delays},"
                         f" rank {rank}, {states.shape[1]} bins")  # fmt: skip
    return whitened_step(states, delays, rank).operator


@dataclass(frozen=True)
class WhitenedStep:
    """whitening (delays D, r): delayed states -> coordinates whose squares sum to 1 over the trials. operator (r, r):
    their step. next_states (r, D): what each predicts of the state after the window. means ((delays + 1) D,): of the
    states of windows and of the state after them, which are taken off first."""

    whitening: np.ndarray
    operator: np.ndarray
    next_states: np.ndarray
    means: np.ndarray


def whitened_step(states: np.ndarray, delays: int, rank: int) -> WhitenedStep:
    """The least-squares step of delayed states (B, T, D), in the leading `rank` of their principal axes."""
    size, width = states.shape[2], delays * states.shape[2]
    middle = states.mean((0, 1))
    moments, means = _moments(states - middle, delays + 1)
    variances, axes = np.linalg.eigh(moments[:width, :width])
    order = np.argsort(-variances)[:rank]
    order = order[variances[order] > NEGLIGIBLE * max(variances.max(), 0.0)]
    if not len(order):
        raise ValueError("states: expected values that vary, got constant ones")
    white = axes[:, order] / np.sqrt(variances[order])
    operator, next_states = white.T @ moments[size:, :width] @ white, white.T @ moments[:width, width:]
    return WhitenedStep(white, operator, next_states, means + np.tile(middle, delays + 1))


def _moments(states: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """(length D, length D) and (length D,): of the states at t ... t + length - 1 the sum over trials and bins t of
    their outer product, and their means, which are taken off first: a constant is no direction that moves.

    Each block is its upper left neighbour without the first bin and with one more, so that no window is written out.
    """
    bins, width = states.shape[1], states.shape[2]
    windows = bins - length + 1
    blocks = np.empty((length, length, width, width))
    for column in range(length):
        first, other = states[:, :windows], states[:, column : column + windows]
        blocks[0, column] = np.tensordot(first, other, axes=((0, 1), (0, 1)))
    for row in range(1, length):
        for column in range(row, length):
            gone = states[:, row - 1].T @ states[:, column - 1]
            come = states[:, row - 1 + windows].T @ states[:, column - 1 + windows]
            blocks[row, column] = blocks[row - 1, column - 1] - gone + come
    for row in range(length):
        for column in range(row):
            blocks[row, column] = blocks[column, row].T
    means = np.concatenate([states[:, place : place + windows].mean((0, 1)) for place in range(length)])
    sums = blocks.transpose(0, 2, 1, 3).reshape(length * width, length * width)
    return sums - len(states) * windows * np.outer(means, means), means


def dsa(
    one: np.ndarray, other: np.ndarray, rng: np.random.Generator, delays: int = 20, rank: int = 50, starts: int = 4
) -> float:
    """The distance of the dynamics of states (B, T, D) and (B', T', D'), an angle from 0 to pi."""
    return operator_distance(delay_operator(one, delays, rank), delay_operator(other, delays, rank), rng, starts)


def dsa_floor(
    states: np.ndarray, rng: np.random.Generator, delays: int = 20, rank: int = 50, starts: int = 4,
    splits: int = SPLITS,
) -> float:  # fmt: skip
    """The largest distance between two random halves of the trials (B, T, D), over several splits: what the same
    dynamics reach by chance. Raises ValueError for one trial."""
    if len(states) < 2:
        raise ValueError(f"states: expected at least two trials to split, got {len(states)}")
    halves = [np.array_split(rng.permutation(len(states)), 2) for _ in range(splits)]
    return max(dsa(states[one], states[other], rng, delays, rank, starts) for one, other in halves)


def operator_distance(one: np.ndarray, other: np.ndarray, rng: np.random.Generator, starts: int = 4) -> float:
    """min over orthogonal C of the angle between `one` and C `other` C', (n, n) and (m, m); the smaller is padded by 0.

    Searched from the identity, from an alignment of the eigenvectors of paired eigenvalues, and from `starts` random
    matrices, each among rotations and among reflections. Raises ValueError for an operator that is 0.
    """
    size = max(len(one), len(other))
    a, b = (np.pad(np.asarray(matrix, float), (0, size - len(matrix))) for matrix in (one, other))
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if not 0 < min(lengths) <= max(lengths) < np.inf:
        raise ValueError("operators: expected finite ones that are not 0")
    a, b = a / lengths[0], b / lengths[1]
    begun = [np.eye(size), _aligned(a, b)]
    begun += [np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(starts)]
    closest = min(_apart(a, b, _climbed(a, b, _of_determinant(c, sign))) for c in begun for sign in (1, -1))
    return float(2 * np.arcsin(min(1.0, closest / 2)))  # of unit matrices; precise where arccos is not


def _apart(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    return float(np.linalg.norm(a - c @ b @ c.T))


def _of_determinant(c: np.ndarray, sign: int) -> np.ndarray:
    """Orthogonal c, its last column turned round where its determinant has the other sign."""
    columns = np.ones(len(c))
    columns[-1] = sign * np.sign(np.linalg.det(c))
    return c * columns


def _climbed(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The orthogonal C near c where <a, C b C'> is highest, of c's determinant.

    Cayley steps along the gradient, as long as the last two gradients say, and shorter where the value would fall
    below the least of the last few (Wen and Yin 2013).
    """
    eye, length, recent = np.eye(len(c)), 1.0, [np.vdot(a, c @ b @ c.T)]
    turn = _turn(a, b, c)
    best, highest = c, recent[0]
    for _ in range(ITERATIONS):
        if np.linalg.norm(turn) <= SETTLED:
            break
        for _ in range(SHORTENED):
            tried = np.linalg.solve(eye - length / 2 * turn, c + length / 2 * turn @ c)
            value = np.vdot(a, tried @ b @ tried.T)
            if value >= min(recent[-REMEMBERED:]):
                break
            length /= 4
        turned = _turn(a, b, tried)
        moved, changed = tried - c, turned @ tried - turn @ c
        length = float(np.clip(abs(np.vdot(moved, moved) / (np.vdot(moved, changed) or 1.0)), 1e-3, LONGEST))
        c, turn, recent = tried, turned, [*recent, value]
        best, highest = (c, value) if value > highest else (best, highest)
    return best


def _turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The skew matrix W along which C -> exp(W) C raises <a, C b C'> fastest."""
    gradient = (a @ c @ b.T + a.T @ c @ b) @ c.T
    return gradient - gradient.T


@dataclass(frozen=True)
class _Modes:
    """Eigenvalues of imaginary part >= 0, their vectors as columns, and which are complex."""

    values: np.ndarray
    vectors: np.ndarray
    turning: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray) -> "_Modes":
        """Of a real matrix; the real and the imaginary part of each vector are orthogonal, the real one longer."""
        values, vectors = (part.astype(complex) for part in np.linalg.eig(matrix))
        upper = values.imag >= 0
        values, vectors = values[upper], vectors[:, upper]
        return cls(values, vectors * np.exp(-0.5j * np.angle((vectors**2).sum(0))), values.imag > 0)

    def basis(self, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n, n) orthonormal, what the vectors in this order add to those before, and (n,) which vector adds it."""
        columns, of = [], []
        for mode in order:
            vector, turning = self.vectors[:, mode], self.turning[mode]
            columns += [vector.real, vector.imag] if turning else [vector.real]
            of += [mode] * (1 + turning)
        basis, triangle = np.linalg.qr(np.stack(columns, 1))
        return basis * np.where(np.diag(triangle) < 0, -1.0, 1.0), np.array(of)


def _aligned(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The orthogonal matrix that takes b's eigenvectors, made orthonormal one by one, to those of a's like values.

    A vector's sign is free, and taken so that what couples it to those before is alike. For b = C' a C this is C.
    """
    first, second = _Modes.of(a), _Modes.of(b)
    costs = np.abs(first.values[:, None] - second.values) + 10.0 * (first.turning[:, None] != second.turning)
    rows, columns = assignment(costs)
    order = np.argsort(-np.abs(first.values[rows]), kind="stable")
    left, _ = first.basis(_all(rows[order], len(first.values)))
    right, of = second.basis(_all(columns[order], len(second.values)))
    likeness = (left.T @ a @ left) * (right.T @ b @ right)
    likeness, signs = likeness + likeness.T, np.ones(len(a))
    for mode in dict.fromkeys(of):
        own = np.flatnonzero(of == mode)
        signs[own] = -1.0 if signs[: own[0]] @ likeness[: own[0], own].sum(1) < 0 else 1.0
    return (left * signs) @ right.T


def _all(order: np.ndarray, count: int) -> np.ndarray:
    """The order, and after it what is missing of 0 ... count - 1."""
    return np.concatenate([order, np.setdiff1d(np.arange(count), order)])
