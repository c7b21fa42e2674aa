"""Linearisation: Jacobians of maps at many states at once, their blocks, eigenvalues and eigenvectors.

It follows the linearisation of mRNNTorch, which omits the leak and reads the matrix transposed. Here a Jacobian is the
exact derivative of the whole step, eigenvectors are columns, and stability is decided by the modulus.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from randomnet.array_arguments import takes_arrays
from randomnet.display import Displayed
from randomnet.integration import runge_kutta
from randomnet.rnn import Dense, Dynamics

Map = Callable[[Tensor], Tensor]
Jacobian = Callable[[Tensor], Tensor]

DEFECTIVE = 1e7  # condition number of an eigenvalue above which rounding can have split a multiple eigenvalue


def jacobian_of(system: Dynamics) -> Jacobian:
    """The Jacobian of `system.step` in closed form: states (B, N) -> (B, N, N), d next_i / d state_j.

    It is (1-a) I + a J diag(phi'(h)) in the current form and (1-a) I + a diag(phi'(z)) J in the rate form. z is the
    argument of the activation, and a can differ between units. For Runge-Kutta steps it is the exact derivative of the
    four stages. Differentiable in the parameters of the network. Raises ValueError for a stack of networks.

    >>> import torch
    >>> import randomnet as rn
    >>> from randomnet.analysis import jacobian_of
    >>> net = rn.network(rn.connectome('random', n=4), activation='tanh', train='weights')
    >>> system = net.module.autonomous().double()
    >>> jacobian_of(system)(torch.zeros(2, 4).double()).shape
    torch.Size([2, 4, 4])
    """
    if system.gains.ndim != 1:
        raise ValueError(f"expected one network with gains (N,), got several: gains {tuple(system.gains.shape)}")
    if system.integrator == "rk4":
        return _runge_kutta_jacobian(system)
    eye = torch.eye(len(system.gains), dtype=system.gains.dtype, device=system.gains.device)
    coupling = system.coupling
    matrix = coupling.values if isinstance(coupling, Dense) else coupling.product(eye).mT
    a = system.dt if system.leaks is None else system.leaks.unsqueeze(-1)

    def jacobian(states: Tensor) -> Tensor:
        slopes = system.activation(system.argument(states), system.gains, system.shifts)[1]
        target = matrix * (slopes.unsqueeze(-2) if system.form == "current" else slopes.unsqueeze(-1))
        return (1 - a) * eye + a * target

    return jacobian


def _runge_kutta_jacobian(system: Dynamics) -> Jacobian:
    """The Jacobian of a Runge-Kutta step, from the step of a bundle whose tangent vectors are the unit vectors."""
    target, inner = system.target_map, jacobian_of(system.target_map)

    def velocity(bundles: Tensor) -> Tensor:
        states, frames = bundles[:, 0], bundles[:, 1:]
        targets = torch.cat([target.step(states).unsqueeze(1), frames @ inner(states).mT], 1)
        return system.per_unit_time(targets - bundles)

    def jacobian(states: Tensor) -> Tensor:
        axes = torch.eye(states.shape[1], dtype=states.dtype, device=states.device).expand(len(states), -1, -1)
        bundles = torch.cat([states.unsqueeze(1), axes], 1)
        return runge_kutta(velocity, bundles, system.dt)[:, 1:].mT

    return jacobian


def autodiff_jacobian(step: Map) -> Jacobian:
    """The Jacobian of any map of states (B, N) that torch.func can differentiate. It is slower than a closed form.

    The map must treat the B states independently.

    >>> import torch
    >>> from randomnet.analysis import autodiff_jacobian
    >>> jacobian = autodiff_jacobian(lambda h: h**2)
    >>> jacobian(torch.tensor([[1.0, 2.0]])).tolist()
    [[[2.0, 0.0], [0.0, 4.0]]]
    """
    return torch.func.vmap(torch.func.jacrev(lambda state: step(state.unsqueeze(0)).squeeze(0)))


@dataclass(frozen=True, repr=False)
class Eigendecomposition(Displayed):
    """Eigenvalues and eigenvectors of Jacobians of maps, by descending modulus.

    values: (..., n), complex, multipliers per step. right, left: (..., n, n), eigenvectors as columns, with
    J right = right diag(values) and left^H J = diag(values) left^H. Right eigenvectors have length 1, and left^H right
    is the identity. This is impossible for an eigenvalue that is defective to working precision; its left eigenvector
    has length 1 instead.
    """

    drawing: ClassVar[str] = "eigenvalues"

    values: Tensor
    right: Tensor
    left: Tensor

    def summary(self) -> str:
        """The number of matrices, their size, and the largest modulus."""
        count, size = self.values.shape[:-1].numel(), self.values.shape[-1]
        return f"{count} matrices of {size} units, moduli up to {float(self.values.detach().abs().max()):.4g}"

    @property
    def stable(self) -> Tensor:
        """(...) bool: whether all eigenvalues are inside the unit circle."""
        return (self.values.abs() < 1).all(-1)

    @property
    def unstable(self) -> Tensor:
        """(...): number of eigenvalues outside the unit circle."""
        return (self.values.abs() > 1).sum(-1)

    def rates(self, dt: float) -> Tensor:
        """(..., n), per tau: eigenvalues of (J - I)/dt, the linearised flow if the map is its Euler step of dt."""
        return (self.values - 1) / dt

    def time_constants(self, dt: float) -> Tensor:
        """(..., n): time constants in tau; see `time_constants`."""
        return time_constants(self.values, dt)


@takes_arrays
def time_constants(eigenvalues: Tensor, dt: float) -> Tensor:
    """Time constants -dt/ln|value| in tau for a step of dt: negative for growth, infinite for |value| = 1.

    >>> import torch
    >>> from randomnet.analysis import time_constants
    >>> time_constants(torch.tensor([0.5, 1.0]), dt=0.1)
    tensor([0.1443,    inf])
    """
    growth = eigenvalues.abs().log()
    return torch.where(growth == 0, torch.inf, -dt / growth)


@takes_arrays
def eigendecomposition(jacobians: Tensor, to: Tensor | None = None, from_: Tensor | None = None) -> Eigendecomposition:
    """Eigenvalues and eigenvectors of jacobians (..., N, N), or of their block of rows `to` and columns `from_`.

    to, from_: indices, None for all. Raises ValueError where the block is not square.

    >>> import torch
    >>> from randomnet.analysis import eigendecomposition
    >>> modes = eigendecomposition(torch.tensor([[0.5, 0.0], [0.0, 2.0]]))
    >>> modes.values.real.tolist(), int(modes.unstable)
    ([2.0, 0.5], 1)
    """
    matrices = block(jacobians, to, from_)
    rows, columns = matrices.shape[-2:]
    if rows != columns:
        raise ValueError(f"eigenvalues need as many units `to` as `from_`, got {rows} and {columns}")
    values, right = torch.linalg.eig(matrices)
    order = values.abs().argsort(dim=-1, descending=True, stable=True)
    values = values.gather(-1, order)
    right = right.gather(-1, order.unsqueeze(-2).expand_as(right))
    left = torch.linalg.inv_ex(right).inverse.mH
    conditions = torch.linalg.vector_norm(left, dim=-2, keepdim=True)
    return Eigendecomposition(values, right, torch.where(conditions > DEFECTIVE, left / conditions, left))


@takes_arrays
def block(jacobians: Tensor, to: Tensor | None = None, from_: Tensor | None = None) -> Tensor:
    """Rows `to` and columns `from_` of jacobians (..., N, N), in this order; None for all.

    >>> import torch
    >>> from randomnet.analysis import block
    >>> block(torch.arange(9).view(3, 3), torch.tensor([0]), torch.tensor([1, 2])).tolist()
    [[1, 2]]
    """
    rows = jacobians if to is None else jacobians.index_select(-2, to)
    return rows if from_ is None else rows.index_select(-1, from_)


@takes_arrays
def block_except(jacobians: Tensor, to: Tensor | None, from_: Tensor) -> Tensor:
    """Rows `to` and all columns except `from_`, in ascending order: the effect of all other units on `to`.

    >>> import torch
    >>> from randomnet.analysis import block_except
    >>> block_except(torch.arange(9).view(3, 3), None, torch.tensor([1])).tolist()
    [[0, 2], [3, 5], [6, 8]]
    """
    others = torch.ones(jacobians.shape[-1], dtype=torch.bool, device=jacobians.device)
    others[from_] = False
    return block(jacobians, to, others.nonzero().squeeze(-1))
