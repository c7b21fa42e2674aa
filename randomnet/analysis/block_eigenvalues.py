"""Eigenvalues of the Jacobian block of each group of units, which describe the group while all others are clamped."""

from collections.abc import Mapping

import torch
from torch import Tensor

from randomnet.analysis.linear import block


def sorted_eigenvalues(jacobians: Tensor) -> Tensor:
    """Eigenvalues (..., n) of jacobians (..., n, n), complex, by descending modulus."""
    values = torch.linalg.eigvals(jacobians)
    return values.gather(-1, values.abs().argsort(dim=-1, descending=True, stable=True))


def group_eigenvalues(jacobians: Tensor, groups: Mapping[str, Tensor]) -> Tensor:
    """Eigenvalues (..., M), complex, of the block of every group in jacobians (..., N, N).

    groups: name -> units (n,), the rows and columns of the block. The eigenvalues of the groups are concatenated, n for
    each and M in total, by descending modulus within a group.
    """
    return torch.cat([sorted_eigenvalues(block(jacobians, units, units)) for units in groups.values()], -1)
