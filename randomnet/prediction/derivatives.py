"""Products of vectors with Hessians and Jacobians; each costs one or two backward passes through a graph built once.

They need operations whose gradients can be differentiated again, as all simulations here have.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

Parameters = Tensor | Sequence[Tensor]
Product = Callable[[np.ndarray], np.ndarray]


def hessian_product(loss: Tensor, parameters: Parameters) -> Product:
    """v (P,) -> H v (P,), with the exact Hessian of a scalar loss; by two backward passes (Pearlmutter 1994)."""
    tensors = _listed(parameters)
    gradient = _flat(torch.autograd.grad(loss, tensors, create_graph=True, allow_unused=True), tensors)

    def product(vector: np.ndarray) -> np.ndarray:
        if not gradient.requires_grad:  # a loss that is linear in the parameters
            return np.zeros(len(gradient))
        adjoint = torch.as_tensor(vector, dtype=gradient.dtype, device=gradient.device)
        return _numbers(_pulled_back(gradient, tensors, adjoint))

    return product


def gauss_newton_product(residuals: Tensor, parameters: Parameters) -> Product:
    """v (P,) -> 2 J^T J v / R (P,), where J (R, P) is the Jacobian of R residuals whose mean square is the loss."""
    tensors, outputs = _listed(parameters), residuals.flatten()
    forward = jacobian_product(outputs, tensors)

    def product(vector: np.ndarray) -> np.ndarray:
        return _numbers(_pulled_back(outputs, tensors, forward(vector))) * (2 / len(outputs))

    return product


def jacobian_product(outputs: Tensor, parameters: Parameters) -> Callable[[np.ndarray], Tensor]:
    """v (P,) -> J v (R,), with the Jacobian of the outputs (R,).

    J^T u is linear in u, so that its derivative in u along v is J v.
    """
    tensors = _listed(parameters)
    dummy = torch.zeros_like(outputs, requires_grad=True)
    pulled = _flat(torch.autograd.grad(outputs, tensors, dummy, create_graph=True, allow_unused=True), tensors)

    def product(vector: np.ndarray) -> Tensor:
        adjoint = torch.as_tensor(vector, dtype=outputs.dtype, device=outputs.device)
        return torch.autograd.grad(pulled, dummy, adjoint, retain_graph=True)[0]

    return product


def activity_jacobian(activity: Tensor, parameters: Parameters) -> np.ndarray:
    """The derivative of each neuron's activity in the parameters, (N, S, P) float64; S: samples of trials and times.

    activity: (..., N), such as (trials, time, N), computed from the parameters. The cost is P products, and N S P
    numbers of memory: take few trials and times.

    >>> import torch
    >>> from randomnet.prediction import activity_jacobian
    >>> gains = torch.tensor([1., 2.], requires_grad=True)
    >>> activity_jacobian(gains * torch.tensor([[3., 4.]]), gains).tolist()
    [[[3.0, 0.0]], [[0.0, 4.0]]]
    """
    if activity.ndim < 1 or not activity.numel():
        raise ValueError(f"activity must be (..., N) with at least one number, got {tuple(activity.shape)}")
    outputs = activity.reshape(-1)
    product, size = jacobian_product(outputs, parameters), parameter_count(parameters)
    columns = np.empty((len(outputs), size))
    for column, direction in enumerate(np.eye(size)):
        columns[:, column] = _numbers(product(direction))
    return np.ascontiguousarray(columns.reshape(-1, activity.shape[-1], size).swapaxes(0, 1))


def parameter_count(parameters: Parameters) -> int:
    """P, the number of all entries."""
    return sum(tensor.numel() for tensor in _listed(parameters))


def _listed(parameters: Parameters) -> list[Tensor]:
    """The tensors. Raises ValueError without any entry, or for one that needs no gradient."""
    tensors = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not sum(tensor.numel() for tensor in tensors):
        raise ValueError("parameters must have at least one entry")
    if not all(tensor.requires_grad for tensor in tensors):
        raise ValueError("parameters must be tensors with requires_grad")
    return tensors


def _pulled_back(outputs: Tensor, tensors: Sequence[Tensor], adjoint: Tensor) -> Tensor:
    """J^T u (P,)."""
    return _flat(torch.autograd.grad(outputs, tensors, adjoint, retain_graph=True, allow_unused=True), tensors)


def _flat(gradients: Sequence[Tensor | None], tensors: Sequence[Tensor]) -> Tensor:
    """The gradients as one vector (P,), 0 where there is no influence."""
    pairs = zip(gradients, tensors, strict=True)
    return torch.cat([(torch.zeros_like(like) if gradient is None else gradient).flatten() for gradient, like in pairs])


def _numbers(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(np.float64)
