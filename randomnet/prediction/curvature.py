"""Eigenvalues of a loss's Hessian in the parameters: stiff directions, which the data determine, and sloppy ones.

A direction is stiff where the loss rises steeply along it, and sloppy where parameters can change without effect
(Gutenkunst et al. 2007).
"""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor

from randomnet.display import Displayed
from randomnet.prediction.derivatives import (
    Outputs,
    Parameters,
    Product,
    directions,
    gauss_newton_product,
    hessian_product,
    parameter_count,
)

LARGEST_DENSE = 600  # parameters of which the whole Hessian is formed
LEADING, TRAILING = 1e-8, 1e-4  # tolerances of Lanczos iteration, relative to the largest eigenvalue
MOST_RESTARTS = 100
TYPICAL_PRODUCTS = 600  # of Lanczos iteration; 90 to 3,000 were seen, fewest where eigenvalues fall as a power


@dataclass(frozen=True, eq=False, repr=False)
class Curvature(Displayed):
    """Eigenvalues and directions of a Hessian, the stiffest first.

    values: (K,) descending. vectors: (P, K), orthonormal columns. residuals: (K,) |H v - value v|, the largest error of
    each value. parameters: P. exact: whether these are all P eigenvalues; otherwise the leading and the trailing ones.
    """

    values: np.ndarray
    vectors: np.ndarray
    residuals: np.ndarray
    parameters: int
    exact: bool

    def along(self, difference: np.ndarray) -> np.ndarray:
        """(K,) the component along each direction of a difference of parameters (P,), such as found minus true ones."""
        difference = np.asarray(difference, np.float64).reshape(-1)
        if difference.shape != (self.parameters,):
            raise ValueError(f"difference must have {self.parameters} entries, got {difference.size}")
        return self.vectors.T @ difference

    def summary(self) -> str:
        """The largest and smallest of the values."""
        which = "all" if self.exact else f"{len(self.values)} leading and trailing"
        return (
            f"{which} of {self.parameters} eigenvalues, from {self.values.max():.3g} to {self.values.min():.3g} "
            f"(errors at most {self.residuals.max():.1g})"
        )

    def frame(self) -> pd.DataFrame:
        """One row per eigenvalue, with its error."""
        return pd.DataFrame({"eigenvalue": self.values, "error": self.residuals})


def loss_hessian_eigenvalues(
    loss: Tensor,
    parameters: Parameters,
    *,
    leading: int = 20,
    trailing: int = 20,
    largest_dense: int = LARGEST_DENSE,
    seed: int = 0,
) -> Curvature:
    """Eigenvalues of the exact Hessian of a scalar loss.

    All of them up to largest_dense parameters; of more the leading and trailing ones, by Lanczos iteration. Trailing
    ones are then known to about 1e-4 of the largest, see `residuals`. loss: computed from the parameters. seed: of the
    first Lanczos vector. Raises ValueError for other shapes.

    >>> import torch
    >>> from randomnet.prediction import loss_hessian_eigenvalues
    >>> x = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    >>> loss_hessian_eigenvalues((x**2 @ torch.tensor([1., .1, 10.], dtype=torch.float64)), x).values.tolist()
    [20.0, 2.0, 0.2]
    """
    if loss.numel() != 1:
        raise ValueError(f"loss must be one number, got {tuple(loss.shape)}; gauss_newton_eigenvalues takes residuals")
    product, size = hessian_product(loss.reshape(()), parameters), parameter_count(parameters)
    return _eigenvalues(product, size, leading, trailing, largest_dense, seed)


def gauss_newton_eigenvalues(
    residuals: Outputs,
    parameters: Parameters,
    *,
    leading: int = 20,
    trailing: int = 20,
    largest_dense: int = LARGEST_DENSE,
    seed: int = 0,
) -> Curvature:
    """Eigenvalues of 2 J^T J / R, the Hessian of the mean square of R residuals without their own curvature.

    It equals the Hessian where all residuals are 0, and is never negative. residuals: predicted minus observed, of any
    shape, computed from the parameters; or, several times faster, a function of the parameters that returns them. For
    spikes divide by the root of the (detached) expected counts, which gives twice the Fisher information of Poisson
    counts per residual. Other arguments are those of `loss_hessian_eigenvalues`.
    """
    product, size = gauss_newton_product(residuals, parameters), parameter_count(parameters)
    return _eigenvalues(product, size, leading, trailing, largest_dense, seed)


def gauss_newton_seconds(residuals: Outputs, parameters: Parameters, *, leading: int = 20, trailing: int = 20) -> float:
    """Seconds that `gauss_newton_eigenvalues` of these arguments takes, of the order of, from one timed product."""
    product, size = gauss_newton_product(residuals, parameters), parameter_count(parameters)
    parts = directions(size)
    dense = _is_dense(size, leading, trailing)
    vectors, repeats = (parts[0], len(parts)) if dense else (parts[0][:1], TYPICAL_PRODUCTS)
    product(vectors[:1])  # the first derivative of its kind takes longer
    began = time.perf_counter()
    product(vectors)
    return (time.perf_counter() - began) * repeats


def effective_parameters(values: np.ndarray, residuals: int, noise: float, prior: float = 1.0) -> float:
    """How many directions the data determine: the effective number of parameters (MacKay 1992).

    It is the sum of p / (p + 1 / prior^2), where
    p = residuals values / (2 noise^2) is the information of the data along a direction. values: of a Hessian of a mean
    square of so many residuals; some of them give a lower bound. noise: standard deviation of the data. prior: that of
    the parameters before. A direction counts 1 where the data determine it, and 0 where they leave the prior.
    """
    if not (residuals > 0 and noise > 0 and prior > 0):
        raise ValueError(f"residuals, noise and prior must be above 0, got {residuals}, {noise} and {prior}")
    information = np.maximum(values, 0) * residuals / (2 * noise**2)
    return float((information / (information + prior**-2)).sum())


def _eigenvalues(
    product: Product, size: int, leading: int, trailing: int, largest_dense: int, seed: int
) -> Curvature:
    if leading < 1 or trailing < 0:
        raise ValueError(f"leading must be at least 1 and trailing at least 0, got {leading} and {trailing}")
    if _is_dense(size, leading, trailing, largest_dense):
        matrix = np.concatenate([product(part) for part in directions(size)])
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        errors = np.linalg.norm(matrix @ vectors - vectors * values, axis=0)
        return Curvature(values[::-1], vectors[:, ::-1], errors[::-1], size, exact=True)
    rng = np.random.default_rng(seed)
    stiff = _lanczos(product, size, leading, rng, LEADING)
    if trailing:
        top = stiff[0].max(initial=0.0)
        low, sloppy = _lanczos(lambda vectors: top * vectors - product(vectors), size, trailing, rng, TRAILING)
        stiff = np.concatenate([stiff[0], top - low]), np.concatenate([stiff[1], sloppy], axis=1)
    order = np.argsort(-stiff[0], kind="stable")
    values, vectors = stiff[0][order], stiff[1][:, order]
    errors = np.linalg.norm(product(vectors.T).T - vectors * values, axis=0)
    return Curvature(values, vectors, errors, size, exact=False)


def _is_dense(size: int, leading: int, trailing: int, largest_dense: int = LARGEST_DENSE) -> bool:
    """Whether the whole matrix is formed."""
    return size <= max(largest_dense, leading + trailing + 1)


def _lanczos(
    product: Product, size: int, count: int, rng: np.random.Generator, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues (count,) and their vectors (P, count), by implicitly restarted Lanczos iteration.

    Fewer where some have not converged.
    """
    operator = LinearOperator((size, size), matvec=lambda vector: product(vector.reshape(1, -1))[0], dtype=np.float64)
    basis = min(size, max(3 * count + 1, 40))
    try:
        values, vectors = eigsh(operator, count, which="LA", v0=rng.standard_normal(size), ncv=basis,
                                maxiter=MOST_RESTARTS, tol=tolerance)  # fmt: skip
    except ArpackNoConvergence as error:
        values, vectors = error.eigenvalues, error.eigenvectors
    return values, vectors
