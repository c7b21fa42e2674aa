"""Eigenvalues of the Jacobian block of each group of units, which describe the group while all others are clamped."""

from collections.abc import Mapping

import torch
from torch import Tensor

from randomnet.analysis.linear import block
from randomnet.array_arguments import takes_arrays


@takes_arrays
def sorted_eigenvalues(jacobians: Tensor) -> Tensor:
    """Eigenvalues (..., n) of jacobians (..., n, n), complex, by descending modulus.

    >>> import torch
    >>> from randomnet.analysis import sorted_eigenvalues
    >>> sorted_eigenvalues(torch.tensor([[0.25, 0.0], [0.0, -0.75]])).real.tolist()
    [-0.75, 0.25]
    """
    values = torch.linalg.eigvals(jacobians)
    return values.gather(-1, values.abs().argsort(dim=-1, descending=True, stable=True))


@takes_arrays
def group_eigenvalues(jacobians: Tensor, groups: Mapping[str, Tensor]) -> Tensor:
    """Eigenvalues (..., M), complex, of the block of every group in jacobians (..., N, N).

    groups: name -> units (n,), the rows and columns of the block. The eigenvalues of the groups are concatenated, n for
    each and M in total, by descending modulus within a group.

    >>> import torch
    >>> from randomnet.analysis import group_eigenvalues
    >>> jacobian = torch.diag(torch.tensor([0.25, 0.5, 0.75]))
    >>> group_eigenvalues(jacobian, {'V1': torch.tensor([0, 1]), 'M1': torch.tensor([2])}).real.tolist()
    [0.5, 0.25, 0.75]
    """
    return torch.cat([sorted_eigenvalues(block(jacobians, units, units)) for units in groups.values()], -1)
