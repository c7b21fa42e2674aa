"""Products with a matrix, dense or as compressed sparse rows, that torch.func can differentiate and batch.

Bundles are (pre, columns), with the columns of one neuron beside each other in memory: what sparse products want.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from randomnet.rnn import compressed_rows

# Of one column and of ten the dense product of 4000 x 4000 takes as long as the sparse one at a density of 0.15 and
# 0.3; where there are fewer entries than this a call costs more than its arithmetic.
DENSE, FEW = 0.2, 400**2
WIDE, MANY = 4, 100_000  # sparse products of so many edges take up to 1.7 times less time with a multiple of 4 columns


def is_dense(entries: int, edges: int) -> bool:
    """Whether a matrix of so many entries, `edges` of them not 0, is faster as a dense one."""
    return entries <= FEW or edges >= DENSE * entries


def is_large_and_dense(entries: int, edges: int) -> bool:
    """Whether a dense block is worth a product of its own."""
    return edges > FEW and is_dense(entries, edges)


@dataclass(frozen=True, eq=False)
class Matrix:
    """A constant (post, pre), dense or sparse."""

    values: Tensor

    def __call__(self, bundle: Tensor) -> Tensor:
        """(post, columns) of a bundle (pre, columns)."""
        return self.values @ bundle if self.values.layout is torch.strided else _Product.apply(bundle, self)

    def times(self, bundle: Tensor) -> Tensor:
        """The sparse product, of as many columns as it is fast with."""
        columns, spare = bundle.shape[1], -bundle.shape[1] % WIDE
        if not spare or self.values.values().shape[0] < MANY:
            return self.values @ bundle
        return (self.values @ torch.nn.functional.pad(bundle, (0, spare)))[:, :columns].contiguous()

    @cached_property
    def transposed(self) -> "Matrix":
        """The transpose of a sparse one, for gradients."""
        post, pre = self.values.shape
        rows = np.repeat(np.arange(post), np.diff(self.values.crow_indices().numpy()))
        columns, values = self.values.col_indices().numpy(), self.values.values().numpy()
        order = np.argsort(columns, kind="stable")
        return compressed(columns[order], rows[order], values[order], (pre, post), self.values.dtype)


def compressed(post: np.ndarray, pre: np.ndarray, weights: np.ndarray, shape: tuple, dtype: torch.dtype) -> Matrix:
    """The sparse matrix of edges (E,), sorted by post; indices of 32 bits, with which products are faster."""
    small = np.int32 if max(*shape, len(post)) < 2**31 else np.int64
    begins = np.zeros(shape[0] + 1, small)
    np.cumsum(np.bincount(post, minlength=shape[0]), out=begins[1:])
    values = torch.from_numpy(weights.astype(np.float64)).to(dtype)
    return Matrix(compressed_rows(torch.from_numpy(begins), torch.from_numpy(pre.astype(small)), values, shape))


def filled(post: np.ndarray, pre: np.ndarray, weights: np.ndarray, shape: tuple, dtype: torch.dtype) -> Matrix:
    """The dense matrix of edges (E,)."""
    values = torch.zeros(shape, dtype=dtype)
    values[torch.from_numpy(post), torch.from_numpy(pre)] = torch.from_numpy(weights).to(dtype)
    return Matrix(values)


class _Product(torch.autograd.Function):
    """Matrix times bundle: linear, so that its tangent is the product with the tangent."""

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
        """Bundles beside each other are more columns."""
        beside = bundle.movedim(in_dims[0], -1)
        after = _Product.apply(beside.flatten(1).contiguous(), matrix)
        return after.view(-1, *beside.shape[1:]), 2
