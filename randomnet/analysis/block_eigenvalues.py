"""The linearised step by groups of units: the eigenvalues of each group's own block, the others held where they are."""

from collections.abc import Mapping

import torch
from torch import Tensor

from randomnet.analysis.linear import block


def sorted_eigenvalues(jacobians: Tensor) -> Tensor:
    """(..., n) complex, by descending modulus, of jacobians (..., n, n)."""
    values = torch.linalg.eigvals(jacobians)
    return values.gather(-1, values.abs().argsort(dim=-1, descending=True, stable=True))


def group_eigenvalues(jacobians: Tensor, groups: Mapping[str, Tensor]) -> Tensor:
    """(..., M) complex: of jacobians (..., N, N) those of every group's block, rows and columns its units (n,).

    One group after the other, as many each as it has units, M in all; by descending modulus within each.
    """
    return torch.cat([sorted_eigenvalues(block(jacobians, units, units)) for units in groups.values()], -1)
