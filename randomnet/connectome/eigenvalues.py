"""Eigenvalues of a matrix given as a list of edges: dense within each strong component, else the leading by Arnoldi.

J is block triangular in its strong components, so its eigenvalues are theirs; edges between components do not matter,
and leaving them out spares the rounding that such defective parts would suffer.
"""

import contextlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from randomnet.connectome.components import strong_components
from randomnet.connectome.record import Connectome
from randomnet.display import Brief

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LARGEST_DENSE = 5000  # neurons of a component; about a minute on one core
MOST_VALUES = 40
LARGE = 10_000_000  # edges; each product then takes a tenth of a second
CONVERGED = 1e-3  # above this relative residual a Ritz value is no eigenvalue


@dataclass(frozen=True)
class _Effort:
    """vectors, restarts: of the Krylov space. counts: of leading values that are asked for, one after the other."""

    vectors: int
    restarts: int
    counts: tuple[int, ...]


USUAL, OF_LARGE = _Effort(100, 10, (MOST_VALUES, 10, 2, 1)), _Effort(60, 6, (10, 1))  # 3,600 or 830 products at most


@dataclass(frozen=True, eq=False, repr=False)
class Eigenvalues(Brief):
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

    post, pre: (E,) integers, sorted by post; weights: (E,) float64; component: (N,) the number of each neuron's strong
    component.
    """
    within = component[post] == component[pre]
    if not within.all():  # without copies of hundreds of megabytes where all are
        post, pre, weights = post[within], pre[within], weights[within]
    del within
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
    """Leading Ritz values of J[post, pre] by the implicitly restarted Arnoldi iteration of ARPACK, the largest first.

    post, pre: (E,) integers, sorted by post; weights: (E,) float64. The residuals are checked against J itself. There
    are as many as converge within the restarts; where none does, they are those of the first Krylov space. The first
    vector is always the same. Networks of more than LARGE edges get fewer products, and so fewer values.
    """
    from scipy.sparse import csr_array  # here, as the import takes 0.2 s

    scale = np.abs(weights).max(initial=0.0)
    if scale == 0:
        return Eigenvalues(np.zeros(0, complex), np.zeros(0), False)
    rows = _rows(post, pre)
    matrix = csr_array((weights / scale, *rows), shape=(len(rows[1]) - 1,) * 2)
    values, vectors = np.linalg.eig(matrix.toarray()) if matrix.shape[0] <= USUAL.vectors else _arnoldi(matrix)
    order = _largest_first(values)[:MOST_VALUES]
    values, vectors = values[order].astype(complex), vectors[:, order]
    rest = np.linalg.norm(matrix @ vectors - vectors * values, axis=0) / np.linalg.norm(vectors, axis=0)
    return Eigenvalues(values * scale, rest / np.maximum(np.abs(values), np.finfo(float).tiny), False)


def _rows(post: np.ndarray, pre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of columns and starts of rows, both int32, of the matrix of the neurons that have an edge.

    Edges are sorted by post, so that nothing of their size is needed besides the result.
    """
    assert (post[1:] >= post[:-1]).all(), "edges are sorted by post, as in a Connectome"
    n = 1 + max(int(post.max()), int(pre.max()))
    inputs = np.bincount(post, minlength=n)
    has_edge = (inputs > 0) | (np.bincount(pre, minlength=n) > 0)
    place = (np.cumsum(has_edge) - 1).astype(np.int32)
    return place[pre], np.concatenate([[0], np.cumsum(inputs[has_edge])]).astype(np.int32)


def _arnoldi(matrix: "csr_array") -> tuple[np.ndarray, np.ndarray]:
    """Values (k,) and vectors (N, k), k the first count of which all converge to CONVERGED; else unconverged ones.

    Of a larger k, those that have converged need not be the largest.
    """
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    effort, generator = USUAL if matrix.nnz <= LARGE else OF_LARGE, np.random.default_rng(0)
    first = generator.standard_normal(matrix.shape[0])
    options = {"ncv": effort.vectors, "maxiter": effort.restarts, "v0": first}
    if "rng" in inspect.signature(eigs).parameters:  # scipy >= 1.17 draws the vector after an invariant space from it
        options["rng"] = generator
    for count in effort.counts:
        with contextlib.suppress(ArpackNoConvergence):
            return eigs(matrix, count, tol=CONVERGED, **options)
    return eigs(matrix, MOST_VALUES, tol=1.0, **options)  # any Ritz value passes


def _largest_first(values: np.ndarray) -> np.ndarray:
    """Order by falling magnitude; of conjugates, which stay beside each other, that above the real axis first."""
    return np.lexsort([-values.imag, -values.real, -np.abs(values)])
