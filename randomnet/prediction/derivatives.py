"""Products of vectors with Hessians and Jacobians, and the Jacobian of each neuron's activity.

What is differentiated is a tensor that was computed from the parameters, or a function of them that returns it. A
tensor needs operations whose gradients can be differentiated again, as all simulations here have. A function is run
with many directions at once in forward mode, which is several times faster.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

Parameters = Tensor | Sequence[Tensor]
Outputs = Tensor | Callable[..., Tensor]  # a function takes the parameters in their order
Product = Callable[[np.ndarray], np.ndarray]  # of each of several vectors: (K, P) -> (K, P)
AT_ONCE = 32  # directions


def hessian_product(loss: Tensor, parameters: Parameters) -> Product:
    """V (K, P) -> V H, with the exact Hessian H of a scalar loss: a backward pass for each row (Pearlmutter 1994)."""
    tensors = _listed(parameters)
    gradient = _flat(torch.autograd.grad(loss, tensors, create_graph=True, allow_unused=True), tensors)

    def product(vectors: np.ndarray) -> np.ndarray:
        if not gradient.requires_grad:  # a loss that is linear in the parameters
            return np.zeros_like(vectors)
        return _pulled_back(gradient, tensors, torch.as_tensor(vectors).to(gradient))

    return product


def gauss_newton_product(residuals: Outputs, parameters: Parameters) -> Product:
    """V (K, P) -> 2 V J^T J / R, where J (R, P) is the Jacobian of R residuals whose mean square is the loss."""
    tensors, outputs = _listed(parameters), _evaluated(residuals, parameters).flatten()
    forward = jacobian_product(residuals, tensors)

    def product(vectors: np.ndarray) -> np.ndarray:
        return _pulled_back(outputs, tensors, forward(vectors)) * (2 / len(outputs))

    return product


def jacobian_product(outputs: Outputs, parameters: Parameters) -> Callable[[np.ndarray], Tensor]:
    """V (K, P) -> V J^T (K, R), with the Jacobian of all R outputs, in forward mode or by `_twice_transposed`."""
    tensors = _listed(parameters)
    if isinstance(outputs, Tensor):
        return _twice_transposed(outputs.flatten(), tensors)
    point, sizes = tuple(tensor.detach() for tensor in tensors), [tensor.numel() for tensor in tensors]

    def along(vector: Tensor) -> Tensor:
        parts = zip(vector.split(sizes), point, strict=True)
        return torch.func.jvp(outputs, point, tuple(part.reshape(like.shape) for part, like in parts))[1].flatten()

    return lambda vectors: torch.vmap(along)(torch.as_tensor(vectors).to(point[0]))


def _twice_transposed(outputs: Tensor, tensors: Sequence[Tensor]) -> Callable[[np.ndarray], Tensor]:
    """`jacobian_product` of a tensor: J^T u is linear in u, so that its derivative in u along v is J v."""
    dummy = torch.zeros_like(outputs, requires_grad=True)
    pulled = _flat(torch.autograd.grad(outputs, tensors, dummy, create_graph=True, allow_unused=True), tensors)

    def product(vectors: np.ndarray) -> Tensor:
        rows = torch.as_tensor(vectors).to(outputs.detach())
        return torch.stack([torch.autograd.grad(pulled, dummy, row, retain_graph=True)[0] for row in rows])

    return product


def activity_jacobian(activity: Outputs, parameters: Parameters) -> np.ndarray:
    """The derivative of each neuron's activity in the parameters, (N, S, P) float64; S: samples of trials and times.

    activity: (..., N), such as (trials, time, N), computed from the parameters, or a function of them. The cost is P
    products, and N S P numbers of memory: take few trials and times.

    >>> import torch
    >>> from randomnet.prediction import activity_jacobian
    >>> gains = torch.tensor([1., 2.], requires_grad=True)
    >>> activity_jacobian(lambda gains: gains * torch.tensor([[3., 4.]]), gains).tolist()
    [[[3.0, 0.0]], [[0.0, 4.0]]]
    """
    shape = _evaluated(activity, parameters).shape
    if not shape or not shape.numel():
        raise ValueError(f"activity must be (..., N) with at least one number, got {tuple(shape)}")
    product, size = jacobian_product(activity, parameters), parameter_count(parameters)
    rows = np.concatenate([_numbers(product(part)) for part in directions(size)])
    return np.ascontiguousarray(rows.T.reshape(-1, shape[-1], size).swapaxes(0, 1))


def directions(size: int) -> list[np.ndarray]:
    """The directions of all parameters, (K, P) in parts of at most AT_ONCE."""
    return np.split(np.eye(size), range(AT_ONCE, size, AT_ONCE))


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


def _evaluated(outputs: Outputs, parameters: Parameters) -> Tensor:
    return outputs if isinstance(outputs, Tensor) else outputs(*_listed(parameters))


def _pulled_back(outputs: Tensor, tensors: Sequence[Tensor], adjoints: Tensor) -> np.ndarray:
    """U J (K, P) of adjoints U (K, R)."""
    rows = (torch.autograd.grad(outputs, tensors, row, retain_graph=True, allow_unused=True) for row in adjoints)
    return np.array([_numbers(_flat(row, tensors)) for row in rows])


def _flat(gradients: Sequence[Tensor | None], tensors: Sequence[Tensor]) -> Tensor:
    """The gradients as one vector (P,), 0 where there is no influence."""
    pairs = zip(gradients, tensors, strict=True)
    return torch.cat([(torch.zeros_like(like) if gradient is None else gradient).flatten() for gradient, like in pairs])


def _numbers(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(np.float64)
