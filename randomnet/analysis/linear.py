"""Linearisation: Jacobians of maps at many states at once, blocks of them, eigenvalues and eigenvectors.

After mRNNTorch's linearisation, which left out the leak and read the matrix transposed: here it is the exact
derivative of the whole step, eigenvectors are columns, and what is stable is told by the modulus.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from randomnet.integration import runge_kutta
from randomnet.rnn import Dense, Dynamics

Map = Callable[[Tensor], Tensor]
Jacobian = Callable[[Tensor], Tensor]

DEFECTIVE = 1e7  # condition of an eigenvalue from which rounding alone could have split it off a multiple one


def jacobian_of(system: Dynamics) -> Jacobian:
    """The Jacobian of `system.step`, in closed form: states (B, N) -> (B, N, N), d next_i / d state_j.

    With the slopes phi' at each state, (1-a) I + a J diag(phi'(h)) in the current form and (1-a) I + a diag(phi'(z)) J
    in the rate form, where z is what the activation sees and a may be diagonal, one of each unit; of Runge-Kutta steps
    the exact derivative of the four stages.
    Differentiable in the network's parameters. Raises ValueError for networks side by side.
    """
    if system.gains.ndim != 1:
        raise ValueError(f"expected one network with gains (N,), got several: gains {tuple(system.gains.shape)}")
    if system.integrator == "rk4":
        return _of_runge_kutta(system)
    eye = torch.eye(len(system.gains), dtype=system.gains.dtype, device=system.gains.device)
    coupling = system.coupling
    matrix = coupling.values if isinstance(coupling, Dense) else coupling.product(eye).mT
    a = system.dt if system.leaks is None else system.leaks.unsqueeze(-1)

    def jacobian(states: Tensor) -> Tensor:
        slopes = system.activation(system.argument(states), system.gains, system.shifts)[1]
        across = matrix * (slopes.unsqueeze(-2) if system.form == "current" else slopes.unsqueeze(-1))
        return (1 - a) * eye + a * across

    return jacobian


def _of_runge_kutta(system: Dynamics) -> Jacobian:
    """Of the step of a whole bundle: row 0 is the state, the other rows start as the axes and end as J's columns."""
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
    """The Jacobian of any map of states (B, N) that torch.func can differentiate; slower than a closed form.

    The map must treat its B states independently.
    """
    return torch.func.vmap(torch.func.jacrev(lambda state: step(state.unsqueeze(0)).squeeze(0)))


@dataclass(frozen=True)
class Eigendecomposition:
    """Eigenvalues of maps and their eigenvectors, by descending modulus.

    values: (..., n), complex, multipliers per step. right, left: (..., n, n), eigenvectors as columns, J right = right
    diag(values) and left^H J = diag(values) left^H. Right ones have length 1, and left^H right is the identity; where
    an eigenvalue is defective to working precision, that cannot be, and its left eigenvector has length 1 instead.
    """

    values: Tensor
    right: Tensor
    left: Tensor

    @property
    def stable(self) -> Tensor:
        """(...), bool: all eigenvalues inside the unit circle."""
        return (self.values.abs() < 1).all(-1)

    @property
    def unstable(self) -> Tensor:
        """(...): how many eigenvalues lie outside the unit circle."""
        return (self.values.abs() > 1).sum(-1)

    def rates(self, dt: float) -> Tensor:
        """(..., n), per tau: the eigenvalues of (J - I)/dt, the flow whose Euler step of dt the map is."""
        return (self.values - 1) / dt

    def time_constants(self, dt: float) -> Tensor:
        """(..., n), see `time_constants`."""
        return time_constants(self.values, dt)


def time_constants(eigenvalues: Tensor, dt: float) -> Tensor:
    """In tau: -dt/ln|value| of a step of dt, negative where perturbations grow and infinite where they stay."""
    growth = eigenvalues.abs().log()
    return torch.where(growth == 0, torch.inf, -dt / growth)


def eigendecomposition(jacobians: Tensor, to: Tensor | None = None, from_: Tensor | None = None) -> Eigendecomposition:
    """Eigenvalues and eigenvectors of jacobians (..., N, N), or of their block from some units to as many.

    to, from_: indices of rows and columns, None for all. Raises ValueError where the block is not square.
    """
    chosen = block(jacobians, to, from_)
    rows, columns = chosen.shape[-2:]
    if rows != columns:
        raise ValueError(f"eigenvalues need as many units `to` as `from_`, got {rows} and {columns}")
    values, right = torch.linalg.eig(chosen)
    order = values.abs().argsort(dim=-1, descending=True, stable=True)
    values = values.gather(-1, order)
    right = right.gather(-1, order.unsqueeze(-2).expand_as(right))
    left = torch.linalg.inv_ex(right).inverse.mH
    conditions = torch.linalg.vector_norm(left, dim=-2, keepdim=True)
    return Eigendecomposition(values, right, torch.where(conditions > DEFECTIVE, left / conditions, left))


def block(jacobians: Tensor, to: Tensor | None = None, from_: Tensor | None = None) -> Tensor:
    """Rows `to` and columns `from_` of jacobians (..., N, N), in the order asked for; None for all."""
    rows = jacobians if to is None else jacobians.index_select(-2, to)
    return rows if from_ is None else rows.index_select(-1, from_)


def block_except(jacobians: Tensor, to: Tensor | None, from_: Tensor) -> Tensor:
    """Rows `to` and all columns but `from_`, in ascending order: what the other units do to these."""
    others = torch.ones(jacobians.shape[-1], dtype=torch.bool, device=jacobians.device)
    others[from_] = False
    return block(jacobians, to, others.nonzero().squeeze(-1))
