"""Products with the coupling matrix J: dense, or in compressed sparse rows (CSR) where few pairs are connected.

Bundles are (rows, N), and products are rows J^T (forward) and rows J (backward). A sparse product needs the entries of
one neuron adjacent in memory, so its bundles are transposes of contiguous (N, rows) arrays. Each coupling lists its
`parameters`; `gradient` adds to one accumulator per parameter, or to none where the accumulator is None.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from randomnet.display import Brief
from randomnet.double_backward import backward_transformed, plain_vjp, transforms_active

SPARSE_NEURONS, SPARSE_DENSITY = 400, 0.1  # sparse products are faster from this size and up to this density
GATHER_LIMIT = 2**24  # entries gathered at a time for the gradient of the weights

Gradients = Sequence[Tensor | None]  # one accumulator per parameter, None where no gradient is needed


def is_sparse(n: int, edges: int) -> bool:
    """Whether sparse products are faster for this network, as measured for 1 to 50 rows in both precisions."""
    return n >= SPARSE_NEURONS and edges <= SPARSE_DENSITY * n * n


@dataclass(frozen=True, eq=False, repr=False)
class Dense(Brief):
    """J as a matrix `values` (N, N), or one per run (runs, N, N). Its gradient covers all entries, edge or not."""

    values: Tensor

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The matrix J."""
        return (self.values,)

    def with_parameters(self, parameters: Sequence[Tensor]) -> "Dense":
        """The same coupling with other parameters."""
        return Dense(*parameters)

    @cached_property
    def transposed(self) -> Tensor:
        """J transposed, without its graph, and contiguous, which makes products faster."""
        return self.values.detach().mT.contiguous()

    @cached_property
    def factors(self) -> tuple[Tensor, Tensor]:
        """J and its transpose, detached, in the form used by the products."""
        return self.values.detach(), self.transposed

    def empty(self, bundle: Tensor, *lead: int) -> Tensor:
        """Uninitialised bundles of this shape, with leading axes `lead`."""
        return bundle.new_empty(*lead, *bundle.shape)

    def product(self, rows: Tensor) -> Tensor:
        """rows J^T for rows (..., N); differentiable."""
        return rows @ self.values.mT

    def product_into(self, rows: Tensor, out: Tensor) -> Tensor:
        """rows J^T into `out`."""
        return torch.matmul(rows, self.transposed, out=out)

    def add_product_into(self, base: Tensor, rows: Tensor, beta: float, alpha: float, out: Tensor) -> Tensor:
        """beta base + alpha rows J^T into `out`."""
        return add_product(base, rows, self.transposed, beta, alpha, out)

    def transpose_product_into(self, rows: Tensor, out: Tensor, alpha: float = 1.0) -> Tensor:
        """alpha rows J into `out`."""
        return add_product(out, rows, self.factors[0], 0.0, alpha, out)

    def add_transpose_product_into(self, base: Tensor, rows: Tensor, beta: float, out: Tensor) -> Tensor:
        """beta base + rows J into `out`."""
        return add_product(base, rows, self.factors[0], beta, 1.0, out)

    def gradient(self, gradients: Gradients, adjoint: Tensor, rows: Tensor, alpha: float = 1.0) -> None:
        """Add alpha times the gradient of J, for the product of `rows` whose adjoint is `adjoint`."""
        (gradient,) = gradients
        if gradient is not None:
            add_product(gradient, adjoint.mT, rows, 1.0, alpha, gradient)

    def scale_rows(self, gains: Tensor) -> "Dense":
        """diag(gains) J for gains (..., N, 1); differentiable."""
        return Dense(gains * self.values)

    def scaled(self, scale: float) -> tuple[Tensor, Tensor]:
        """scale J and its transpose, detached and contiguous; made once."""
        if scale not in self._scaled:
            self._scaled[scale] = scaled_pair(self.values.detach(), scale)
        return self._scaled[scale]

    @cached_property
    def _scaled(self) -> dict[float, tuple[Tensor, Tensor]]:
        return {}


def scaled_pair(values: Tensor, scale: float | Tensor) -> tuple[Tensor, Tensor]:
    """scale J and its transpose, contiguous; scale: a number, or (..., N, 1) for one of each row."""
    scaled = values if isinstance(scale, float) and scale == 1 else values * scale
    return scaled.contiguous(), scaled.mT.contiguous()


def add_product(
    base: Tensor, left: Tensor, right: Tensor, beta: float = 1.0, alpha: float = 1.0, out: Tensor | None = None
) -> Tensor:
    """beta base + alpha left right into `out`, for matrices (N, M) or one matrix per run."""
    add = torch.addmm if base.ndim == 2 else torch.baddbmm
    return add(base, left, right, beta=beta, alpha=alpha, out=out)


def compressed_rows(begins: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    """A matrix in compressed sparse rows, unchecked: row starts `begins` (rows + 1,), columns and values (E,)."""
    with torch.sparse.check_sparse_tensor_invariants(enable=False), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(begins, columns, values, shape)


class Pattern(torch.nn.Module):
    """The sparsity pattern of J: edges (post, pre), sorted by post, with compressed rows of J and of its transpose."""

    post: Tensor
    pre: Tensor
    begin: Tensor
    index: Tensor
    begin_transposed: Tensor

    def __init__(self, post: np.ndarray, pre: np.ndarray, n: int) -> None:
        super().__init__()
        small = np.int32 if max(n, len(post)) < 2**31 else np.int64
        begins = {
            name: np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=n))]).astype(small)
            for name, ends in (("begin", post), ("begin_transposed", pre))
        }
        for name, array in {"post": post, "pre": pre, "index": pre.astype(small), **begins}.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array)), persistent=False)
        self.n = n
        self._transposed: tuple[Tensor, Tensor, Tensor] | None = None

    @property
    def transposed(self) -> tuple[Tensor, Tensor, Tensor]:
        """Row starts and columns of the transpose, and where its edges are among those of J; made at the first use."""
        if self._transposed is None or self._transposed[0].device != self.post.device:
            order = torch.argsort(self.pre, stable=True)
            self._transposed = self.begin_transposed, self.post[order].to(self.index.dtype), order
        return self._transposed

    def compressed(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """J and its transpose in compressed sparse rows, for edge weights `values` (E,)."""
        (begin, columns, order), shape = self.transposed, (self.n, self.n)
        return (
            compressed_rows(self.begin, self.index, values, shape),
            compressed_rows(begin, columns, values[order], shape),
        )


@dataclass(frozen=True, eq=False, repr=False)
class Sparse(Brief):
    """J as edge weights `values` (E,) on a sparsity pattern. The methods are those of `Dense`."""

    values: Tensor
    pattern: Pattern

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The edge weights."""
        return (self.values,)

    def with_parameters(self, parameters: Sequence[Tensor]) -> "Sparse":
        """The same coupling with other parameters."""
        (values,) = parameters
        return Sparse(values, self.pattern)

    @cached_property
    def factors(self) -> tuple[Tensor, Tensor]:
        """J and its transpose, detached, in the form used by the products."""
        return self.pattern.compressed(self.values.detach())

    def empty(self, bundle: Tensor, *lead: int) -> Tensor:
        """Uninitialised bundles of this shape, with leading axes `lead` and the memory layout of sparse products."""
        return bundle.new_empty(*lead, bundle.shape[1], bundle.shape[0]).mT

    def product(self, rows: Tensor) -> Tensor:
        """rows J^T for rows (..., N); differentiable."""
        flat = rows.reshape(-1, rows.shape[-1])
        if transforms_active():
            return _edge_by_edge(flat, self.values, self.pattern).view(rows.shape)
        return _SparseProduct.apply(flat, self.values, self).view(rows.shape)

    def product_into(self, rows: Tensor, out: Tensor) -> Tensor:
        """rows J^T into `out`."""
        return out.copy_(_product(self.factors[0], rows))

    def add_product_into(self, base: Tensor, rows: Tensor, beta: float, alpha: float, out: Tensor) -> Tensor:
        """beta base + alpha rows J^T into `out`."""
        return torch.mul(base, beta, out=out).add_(_product(self.factors[0], rows), alpha=alpha)

    def transpose_product_into(self, rows: Tensor, out: Tensor, alpha: float = 1.0) -> Tensor:
        """alpha rows J into `out`."""
        return torch.mul(_product(self.factors[1], rows), alpha, out=out)

    def add_transpose_product_into(self, base: Tensor, rows: Tensor, beta: float, out: Tensor) -> Tensor:
        """beta base + rows J into `out`."""
        return torch.mul(base, beta, out=out).add_(_product(self.factors[1], rows))

    def gradient(self, gradients: Gradients, adjoint: Tensor, rows: Tensor, alpha: float = 1.0) -> None:
        """Add alpha times the gradient (E,) of the weights, for the product of `rows` whose adjoint is `adjoint`."""
        (gradient,) = gradients
        if gradient is None:
            return
        post, pre, adjoint, rows = self.pattern.post, self.pattern.pre, adjoint.mT, rows.mT
        size = max(1, GATHER_LIMIT // adjoint.shape[1])
        for start in range(0, len(gradient), size):
            part = slice(start, start + size)
            gradient[part].add_((adjoint[post[part]] * rows[pre[part]]).sum(1), alpha=alpha)

    def scale_rows(self, gains: Tensor) -> "Sparse":
        """diag(gains) J, of gains (N, 1); differentiable."""
        return Sparse(self.values * gains[self.pattern.post, 0], self.pattern)


def _product(factor: Tensor, rows: Tensor) -> Tensor:
    return (factor @ rows.mT).mT


def _edge_by_edge(rows: Tensor, values: Tensor, pattern: Pattern) -> Tensor:
    """rows J^T for rows (R, N) in plain operations, which need memory for R E numbers."""
    return torch.zeros_like(rows).index_add(-1, pattern.post, rows.index_select(-1, pattern.pre) * values)


class _SparseProduct(torch.autograd.Function):
    """rows J^T for a sparse J, with a hand-written adjoint."""

    @staticmethod
    def forward(ctx, rows, values, coupling):  # noqa: ANN205
        ctx.save_for_backward(rows, values)
        ctx.coupling = coupling
        return _product(coupling.factors[0], rows)

    @staticmethod
    def backward(ctx, adjoint):  # noqa: ANN205
        if backward_transformed(adjoint):
            pattern = ctx.coupling.pattern
            plain = lambda rows, values: [_edge_by_edge(rows, values, pattern)]  # noqa: E731
            return *plain_vjp(plain, ctx.saved_tensors, ctx.needs_input_grad[:2], [adjoint]), None
        rows, _ = ctx.saved_tensors
        values_bar = None
        if ctx.needs_input_grad[1]:
            values_bar = torch.zeros_like(ctx.coupling.values)
            ctx.coupling.gradient([values_bar], adjoint, rows)
        rows_bar = _product(ctx.coupling.factors[1], adjoint) if ctx.needs_input_grad[0] else None
        return rows_bar, values_bar, None
