"""Products with J = W0 + sum_k m_k n_k^T / N. The sum is never formed: rows are multiplied by n, then by m^T / N.

m (N, K) are the output patterns, which the factors write into the network. n (N, K) are the selection vectors, with
which they read from it. W0 is dense, sparse or absent. The methods are those of `Dense`. Factors that act on existing
edges only need no coupling of their own: `weights_with_factors` adds them to the weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from randomnet.display import Brief
from randomnet.rnn.couplings import Dense, Gradients, Sparse, add_product

FACTORS = ("output_factors", "selection_factors")


@dataclass(frozen=True, repr=False)
class LowRankFactors(Brief):
    """Initial factors of sum_k m_k n_k^T / N: output patterns m and selection vectors n, (N, K) each.

    on_edges: the factors add to the weights of existing edges only, instead of to all pairs of neurons.
    """

    output: np.ndarray
    selection: np.ndarray
    on_edges: bool = False

    def named(self, n: int) -> dict[str, np.ndarray]:
        """The factors under the names of FACTORS; an empty dict for rank 0. Raises ValueError for other shapes."""
        factors = dict(zip(FACTORS, (np.asarray(self.output), np.asarray(self.selection)), strict=True))
        output, selection = (values.shape for values in factors.values())
        if output != selection or len(output) != 2 or output[0] != n:
            raise ValueError(f"factors must have shape ({n}, K) each, got {output} and {selection}")
        return factors if output[1] else {}


@dataclass(frozen=True, eq=False)
class Unconnected:
    """A coupling without edges, whose products are all 0."""

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """An empty tuple."""
        return ()

    def with_parameters(self, parameters: Sequence[Tensor]) -> "Unconnected":
        """The coupling itself, which has no parameters."""
        return self

    def empty(self, bundle: Tensor, *lead: int) -> Tensor:
        """Uninitialised bundles of this shape, with leading axes `lead`."""
        return bundle.new_empty(*lead, *bundle.shape)

    def product(self, rows: Tensor) -> Tensor:
        """0 for rows (..., N)."""
        return torch.zeros_like(rows)

    def product_into(self, rows: Tensor, out: Tensor) -> Tensor:
        """0 into `out`."""
        return out.zero_()

    def add_product_into(self, base: Tensor, rows: Tensor, beta: float, alpha: float, out: Tensor) -> Tensor:
        """beta base into `out`."""
        return base if base is out and beta == 1 else torch.mul(base, beta, out=out)

    def transpose_product_into(self, rows: Tensor, out: Tensor, alpha: float = 1.0) -> Tensor:
        """0 into `out`."""
        return out.zero_()

    def add_transpose_product_into(self, base: Tensor, rows: Tensor, beta: float, out: Tensor) -> Tensor:
        """beta base into `out`."""
        return self.add_product_into(base, rows, beta, 1.0, out)

    def gradient(self, gradients: Gradients, adjoint: Tensor, rows: Tensor, alpha: float = 1.0) -> None:
        """Add nothing, because there are no parameters."""

    def scale_rows(self, gains: Tensor) -> "Unconnected":
        """The coupling itself."""
        return self


@dataclass(frozen=True, eq=False, repr=False)
class LowRank(Brief):
    """`base` + output selection^T / N, with output and selection (N, K), or one pair per run (runs, N, K)."""

    base: Dense | Sparse | Unconnected
    output: Tensor
    selection: Tensor

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The parameters of the base, then m and n."""
        return (*self.base.parameters, self.output, self.selection)

    def with_parameters(self, parameters: Sequence[Tensor]) -> "LowRank":
        """The same coupling with other parameters."""
        *base_parameters, output, selection = parameters
        return LowRank(self.base.with_parameters(base_parameters), output, selection)

    @property
    def scale(self) -> float:
        """The factor 1/N."""
        return 1 / self.output.shape[-2]

    @cached_property
    def factors(self) -> tuple[Tensor, Tensor]:
        """m and n, detached."""
        return self.output.detach(), self.selection.detach()

    def empty(self, bundle: Tensor, *lead: int) -> Tensor:
        """Uninitialised bundles of this shape, with leading axes `lead`."""
        return self.base.empty(bundle, *lead)

    def product(self, rows: Tensor) -> Tensor:
        """rows J^T for rows (..., N); differentiable."""
        return self.base.product(rows) + (rows @ self.selection) @ self.output.mT * self.scale

    def product_into(self, rows: Tensor, out: Tensor) -> Tensor:
        """rows J^T into `out`."""
        return self._add_factors(self.base.product_into(rows, out), rows, 1.0)

    def add_product_into(self, base: Tensor, rows: Tensor, beta: float, alpha: float, out: Tensor) -> Tensor:
        """beta base + alpha rows J^T into `out`."""
        return self._add_factors(self.base.add_product_into(base, rows, beta, alpha, out), rows, alpha)

    def transpose_product_into(self, rows: Tensor, out: Tensor, alpha: float = 1.0) -> Tensor:
        """alpha rows J into `out`."""
        return self._add_factors(self.base.transpose_product_into(rows, out, alpha), rows, alpha, transpose=True)

    def add_transpose_product_into(self, base: Tensor, rows: Tensor, beta: float, out: Tensor) -> Tensor:
        """beta base + rows J into `out`."""
        return self._add_factors(self.base.add_transpose_product_into(base, rows, beta, out), rows, 1.0, transpose=True)

    def _add_factors(self, out: Tensor, rows: Tensor, alpha: float, transpose: bool = False) -> Tensor:
        """Add alpha times the product of `rows` with the factors, or with their transpose, to `out`."""
        output, selection = reversed(self.factors) if transpose else self.factors
        return add_product(out, rows @ selection, output.mT, 1.0, alpha * self.scale, out)

    def gradient(self, gradients: Gradients, adjoint: Tensor, rows: Tensor, alpha: float = 1.0) -> None:
        """Add alpha times the gradients of base, m and n, for the product of `rows` whose adjoint is `adjoint`."""
        *base_gradients, output_gradient, selection_gradient = gradients
        self.base.gradient(base_gradients, adjoint, rows, alpha)
        output, selection = self.factors
        if output_gradient is not None:
            add_product(output_gradient, adjoint.mT, rows @ selection, 1.0, alpha * self.scale, output_gradient)
        if selection_gradient is not None:
            add_product(selection_gradient, rows.mT, adjoint @ output, 1.0, alpha * self.scale, selection_gradient)

    def scale_rows(self, gains: Tensor) -> "LowRank":
        """diag(gains) J for gains (..., N, 1); differentiable."""
        return LowRank(self.base.scale_rows(gains), gains * self.output, self.selection)


Coupling = Dense | Sparse | Unconnected | LowRank


def weights_with_factors(
    weights: Tensor, post: Tensor, pre: Tensor, output: Tensor, selection: Tensor, signs: Tensor | None = None
) -> Tensor:
    """Weights with factors on edges (E,): W_e + sum_k m_k[post_e] n_k[pre_e] / N for every edge e; differentiable.

    signs: (E,) 1 or -1, the sign that each edge must have, or None. A sum of the other sign is set to 0.
    """
    added = (output.index_select(0, post) * selection.index_select(0, pre)).sum(1)
    values = torch.add(weights, added, alpha=1 / len(output))
    return values if signs is None else signs * torch.relu(signs * values)


def zero_gradients(coupling: Coupling, needed: Sequence[bool]) -> list[Tensor | None]:
    """Accumulators for `gradient`: zeros for every parameter whose gradient is needed, None for the others."""
    pairs = zip(coupling.parameters, needed, strict=True)
    return [torch.zeros_like(parameter) if is_needed else None for parameter, is_needed in pairs]


def can_stack(coupling: Coupling) -> bool:
    """Whether couplings of this kind can be stacked. Sparse ones cannot."""
    return not isinstance(coupling.base if isinstance(coupling, LowRank) else coupling, Sparse)


def stack_couplings(couplings: Sequence[Coupling]) -> Coupling:
    """Couplings of one kind and shape as one coupling with a leading axis of runs. Raises ValueError for others."""
    for coupling in couplings:
        if not can_stack(coupling):
            raise ValueError("networks side by side must have dense couplings, got a sparse one")
        expected, got = ([tuple(values.shape) for values in each.parameters] for each in (couplings[0], coupling))
        if (type(coupling), got) != (type(couplings[0]), expected):
            raise ValueError(f"networks side by side must have the same couplings, got shapes {expected} and {got}")
    first = couplings[0]
    if isinstance(first, LowRank):
        base = stack_couplings([coupling.base for coupling in couplings])
        output = torch.stack([coupling.output for coupling in couplings])
        return LowRank(base, output, torch.stack([coupling.selection for coupling in couplings]))
    return Dense(torch.stack([coupling.values for coupling in couplings])) if isinstance(first, Dense) else first
