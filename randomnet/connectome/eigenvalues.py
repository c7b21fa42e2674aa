"""Eigenvalues of a matrix given as a list of edges: dense within each strong component, else the leading by Arnoldi.

J is block triangular in its strong components, so its eigenvalues are theirs; edges between components do not matter,
and leaving them out spares the rounding that such defective parts would suffer.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from randomnet.connectome.components import strong_components
from randomnet.connectome.record import Connectome

LARGEST_DENSE = 5000  # neurons of a component; about a minute on one core
VECTORS, KEPT, RESTARTS = 100, 40, 8  # of the Krylov space
TOLERANCE = 1e-9  # of the leading eigenvalue's relative residual; there it stops
CONVERGED = 1e-3  # above this relative residual a Ritz value is no eigenvalue
BREAKDOWN = 1e-13  # a new direction as small as this, relative to J's, is rounding: the space is invariant


@dataclass(frozen=True, eq=False)
class Eigenvalues:
    """values: (k,) complex, the largest first; all N of them if `complete`, else Ritz values of a Krylov space.

    residuals: (k,) |J x - value x| / |value| for unit vectors x; 0 where complete.
    """

    values: np.ndarray
    residuals: np.ndarray
    complete: bool

    @property
    def radius(self) -> float:
        """The largest |eigenvalue|."""
        return float(np.abs(self.values).max(initial=0.0))

    @property
    def residual(self) -> float:
        """Of the value that is the radius."""
        return float(self.residuals[0]) if len(self.residuals) else 0.0

    @property
    def abscissa(self) -> float:
        """The largest real part; nan where only leading eigenvalues are known, and a smaller one may lie further right.

        All eigenvalues that are not known have a smaller magnitude than those that have converged.
        """
        if self.complete:
            return float(self.values.real.max(initial=-np.inf)) if len(self.values) else 0.0
        converged = self._converged()
        if not len(converged):
            return float("nan")
        largest = float(converged.real.max())
        return largest if largest >= np.abs(converged).min() * (1 - CONVERGED) else float("nan")

    @property
    def second(self) -> float:
        """The largest |eigenvalue| besides the leading one, of which a conjugate pair is one; nan where unknown."""
        values = self.values if self.complete else self._converged()
        leading = 1 + int(len(values) > 1 and values[0].imag != 0 and values[1] == values[0].conj())
        if len(values) > leading:
            return float(np.abs(values[leading]))
        return 0.0 if self.complete else float("nan")

    def _converged(self) -> np.ndarray:
        """The leading values up to the first that has not converged."""
        return self.values[np.cumprod(self.residuals <= CONVERGED).astype(bool)]


def eigenvalues_of(connectome: Connectome) -> Eigenvalues:
    """Its eigenvalues, all or the leading ones."""
    component = strong_components(connectome.post, connectome.pre, connectome.n)
    return eigenvalues(connectome.post, connectome.pre, connectome.weights, component)


def spectral_radius(connectome: Connectome) -> float:
    """Largest |eigenvalue| of J, by the general (non-symmetric) solver, or beyond its reach by Arnoldi's iteration."""
    return eigenvalues_of(connectome).radius


def eigenvalues(post: np.ndarray, pre: np.ndarray, weights: np.ndarray, component: np.ndarray) -> Eigenvalues:
    """All N eigenvalues of J[post, pre], or the leading ones where a component has more than LARGEST_DENSE neurons.

    post, pre: (E,) int64; weights: (E,) float64; component: (N,) the number of each neuron's strong component.
    """
    within = component[post] == component[pre]
    post, pre, weights = post[within], pre[within], weights[within]
    if np.bincount(component).max(initial=0) > LARGEST_DENSE:
        return leading(post, pre, weights)
    values = _by_component(post, pre, weights, component)
    values = values[_largest_first(values)]
    return Eigenvalues(values, np.zeros(len(values)), True)


def _by_component(post: np.ndarray, pre: np.ndarray, weights: np.ndarray, component: np.ndarray) -> np.ndarray:
    """(N,) complex, of edges within components."""
    sizes, edges = np.bincount(component), np.bincount(component[post], minlength=component.max(initial=-1) + 1)
    first, members = np.cumsum(sizes) - sizes, np.argsort(component, kind="stable")
    place = np.empty(len(component), np.int64)
    place[members] = np.arange(len(component)) - np.repeat(first, sizes)
    order = np.argsort(component[post], kind="stable")
    post, pre, weights = place[post[order]], place[pre[order]], weights[order]
    values, begins = np.zeros(len(component), complex), np.cumsum(edges) - edges
    for number in np.flatnonzero(edges):
        own = slice(begins[number], begins[number] + edges[number])
        block = np.zeros((sizes[number], sizes[number]))
        block[post[own], pre[own]] = weights[own]
        values[first[number] : first[number] + sizes[number]] = np.linalg.eigvals(block)
    return values


def leading(post: np.ndarray, pre: np.ndarray, weights: np.ndarray) -> Eigenvalues:
    """Leading Ritz values of J[post, pre] by Arnoldi's iteration, restarted with the best ones (Stewart 2001).

    post, pre: (E,) int64; weights: (E,) float64. It stops where the leading one has a relative residual of TOLERANCE,
    or after RESTARTS; that residual is then checked against J itself. The first vector is always the same.
    """
    neurons, ends = np.unique(np.concatenate([post, pre]), return_inverse=True)
    post, pre, n = ends[: len(post)], ends[len(post) :], len(neurons)
    if n == 0:
        return Eigenvalues(np.zeros(0, complex), np.zeros(0), False)

    def product(vector: np.ndarray) -> np.ndarray:
        return np.bincount(post, weights * vector[pre], n)

    size = min(VECTORS, n)
    basis, projected = np.zeros((size + 1, n)), np.zeros((size + 1, size))  # J V = V H, and its rest in the last row
    basis[0] = np.random.default_rng(0).standard_normal(n)
    basis[0] /= np.linalg.norm(basis[0])
    kept = 0
    for attempt in range(RESTARTS + 1):
        steps = _extend(product, basis, projected, kept)
        values, vectors = np.linalg.eig(projected[:steps, :steps])
        order = _largest_first(values)
        values, vectors = values[order], vectors[:, order]
        residuals = np.abs(projected[steps, :steps] @ vectors) / np.maximum(np.abs(values), np.finfo(float).tiny)
        if residuals[0] <= TOLERANCE or steps < size or attempt == RESTARTS:
            break
        kept = _restart(basis, projected, values, vectors)
    top = int(np.count_nonzero(np.abs(values) >= np.abs(values[0])))  # a pair of complex ones is both
    residuals[:top] = _residual(product, basis[:steps].T @ vectors[:, 0], values[0])
    best = slice(0, max(_closed(values, min(KEPT, steps)), top))
    return Eigenvalues(values[best].astype(complex), residuals[best], False)


def _extend(
    product: Callable[[np.ndarray], np.ndarray], basis: np.ndarray, projected: np.ndarray, start: int
) -> int:
    """Arnoldi steps from row `start` of the basis until it is full or invariant under J; how many rows are in use."""
    for step in range(start, len(basis) - 1):
        vector = product(basis[step])
        length = rest = np.linalg.norm(vector)
        for _ in range(2):
            before, parts = rest, basis[: step + 1] @ vector
            vector -= parts @ basis[: step + 1]
            projected[: step + 1, step] += parts
            rest = np.linalg.norm(vector)
            if rest > 0.7 * before:  # else rounding is left behind, and once more takes it away (Daniel et al. 1976)
                break
        if rest <= BREAKDOWN * length:
            return step + 1
        projected[step + 1, step], basis[step + 1] = rest, vector / rest
    return len(basis) - 1


def _restart(basis: np.ndarray, projected: np.ndarray, values: np.ndarray, vectors: np.ndarray) -> int:
    """Keep the subspace of the leading Ritz vectors and the direction that comes next; how many vectors are kept."""
    kept, size = _closed(values, KEPT), len(basis) - 1
    one_of_each = vectors[:, :kept][:, values[:kept].imag >= 0]
    complex_ones = vectors[:, :kept][:, values[:kept].imag > 0]
    turn, _ = np.linalg.qr(np.hstack([one_of_each.real, complex_ones.imag]))
    within, rest = turn.T @ projected[:size] @ turn, projected[size] @ turn
    basis[:kept], basis[kept] = turn.T @ basis[:size], basis[size].copy()
    projected[:] = 0
    projected[:kept, :kept], projected[kept, :kept] = within, rest
    return kept


def _closed(values: np.ndarray, count: int) -> int:
    """So many of the largest that no complex one is parted from its conjugate."""
    return count + int(values[count - 1].imag > 0)


def _residual(product: Callable[[np.ndarray], np.ndarray], vector: np.ndarray, value: complex) -> float:
    """|J x - value x| / |value|, x of length 1."""
    moved = product(vector.real.copy()) + 1j * product(vector.imag.copy())
    rest = np.linalg.norm(moved - value * vector) / np.linalg.norm(vector)
    return float(rest / max(abs(value), np.finfo(float).tiny))


def _largest_first(values: np.ndarray) -> np.ndarray:
    """Order by falling magnitude; of conjugates, which stay beside each other, that above the real axis first."""
    return np.lexsort([-values.imag, -values.real, -np.abs(values)])
