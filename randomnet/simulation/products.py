"""Products with a matrix, dense or as compressed sparse rows, that torch.func can differentiate and batch.

Bundles are (pre, columns); the columns of one neuron are contiguous in memory, as sparse products require.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from randomnet.rnn import compressed_rows

# The dense product of 4000 x 4000 takes as long as the sparse one at a density of 0.15 for one column, and of 0.3 for
# ten. With fewer entries than SMALL_MATRIX, the call itself costs more than its arithmetic.
DENSE, SMALL_MATRIX = 0.2, 400**2
# from MANY_EDGES on, sparse products are up to 1.7 times faster with a multiple of WIDTH columns
WIDTH, MANY_EDGES = 4, 100_000


def is_dense(entries: int, edges: int) -> bool:
    """Whether a matrix with this many entries, `edges` of them not 0, is faster as a dense one."""
    return entries <= SMALL_MATRIX or edges >= DENSE * entries


def is_large_and_dense(entries: int, edges: int) -> bool:
    """Whether a block is dense, and large enough for a product of its own."""
    return edges > SMALL_MATRIX and is_dense(entries, edges)


@dataclass(frozen=True, eq=False)
class Matrix:
    """A constant matrix (post, pre), dense or sparse."""

    values: Tensor

    def __call__(self, bundle: Tensor) -> Tensor:
        """The product (post, columns) with a bundle (pre, columns)."""
        return self.values @ bundle if self.values.layout is torch.strided else _Product.apply(bundle, self)

    def times(self, bundle: Tensor) -> Tensor:
        """The sparse product; with many edges, the columns are padded to a multiple of WIDTH."""
        columns, padding = bundle.shape[1], -bundle.shape[1] % WIDTH
        if not padding or self.values.values().shape[0] < MANY_EDGES:
            return self.values @ bundle
        return (self.values @ torch.nn.functional.pad(bundle, (0, padding)))[:, :columns].contiguous()

    @cached_property
    def transposed(self) -> "Matrix":
        """The transpose of a sparse matrix, for gradients."""
        post, pre = self.values.shape
        rows = np.repeat(np.arange(post), np.diff(self.values.crow_indices().numpy()))
        columns, values = self.values.col_indices().numpy(), self.values.values().numpy()
        order = np.argsort(columns, kind="stable")
        return compressed(columns[order], rows[order], values[order], (pre, post), self.values.dtype)


def compressed(post: np.ndarray, pre: np.ndarray, weights: np.ndarray, shape: tuple, dtype: torch.dtype) -> Matrix:
    """The sparse matrix of edges (E,), sorted by post; 32-bit indices where possible, as products are faster then."""
    dtype_of_indices = np.int32 if max(*shape, len(post)) < 2**31 else np.int64
    begins = np.zeros(shape[0] + 1, dtype_of_indices)
    np.cumsum(np.bincount(post, minlength=shape[0]), out=begins[1:])
    values = torch.from_numpy(weights.astype(np.float64)).to(dtype)
    columns = torch.from_numpy(pre.astype(dtype_of_indices))
    return Matrix(compressed_rows(torch.from_numpy(begins), columns, values, shape))


def filled(post: np.ndarray, pre: np.ndarray, weights: np.ndarray, shape: tuple, dtype: torch.dtype) -> Matrix:
    """The dense matrix of edges (E,)."""
    values = torch.zeros(shape, dtype=dtype)
    values[torch.from_numpy(post), torch.from_numpy(pre)] = torch.from_numpy(weights).to(dtype)
    return Matrix(values)


class _Product(torch.autograd.Function):
    """Matrix times bundle; it is linear, so its tangent is the product with the tangent."""

    @staticmethod
    def forward(bundle, matrix):  # noqa: ANN205
        return matrix.times(bundle)

    @staticmethod
    def setup_context(ctx, inputs, output):  # noqa: ANN205
        ctx.matrix = inputs[1]

    @staticmethod
    def backward(ctx, adjoint):  # noqa: ANN205
        return _Product.apply(adjoint, ctx.matrix.transposed), None

    @staticmethod
    def jvp(ctx, tangent, _):  # noqa: ANN205
        return _Product.apply(tangent, ctx.matrix)

    @staticmethod
    def vmap(info, in_dims, bundle, matrix):  # noqa: ANN205
        """Batched bundles become additional columns."""
        batched = bundle.movedim(in_dims[0], -1)
        product = _Product.apply(batched.flatten(1).contiguous(), matrix)
        return product.view(-1, *batched.shape[1:]), 2
