"""What recorded neurons tell of a network's parameters, and of the neurons that are not recorded.

    curvature    eigenvalues of a loss's Hessian in the parameters, exact or Gauss-Newton; stiff and sloppy directions
    derivatives  products with Hessians and Jacobians, and the Jacobian of each neuron's activity
    ranking      which neuron to record next

Parameters are tensors with requires_grad; together they are one vector (P,), each flattened, in the order given.
"""

from randomnet.prediction.curvature import (
    Curvature,
    effective_parameters,
    gauss_newton_eigenvalues,
    loss_hessian_eigenvalues,
)
from randomnet.prediction.derivatives import activity_jacobian
from randomnet.prediction.ranking import CRITERIA, Ranking, rank_neurons

__all__ = [
    "CRITERIA",
    "Curvature",
    "Ranking",
    "activity_jacobian",
    "effective_parameters",
    "gauss_newton_eigenvalues",
    "loss_hessian_eigenvalues",
    "rank_neurons",
]
