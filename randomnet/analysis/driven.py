"""A network under inputs: its step, its Jacobians by state and by input, and first-order predictions.

Inputs are constant, one for all states, or one for each state, as along a trajectory whose input changes. The equations
are those of `Dynamics`, with the drive b + W_inp u. Source: mLinearization of mRNNTorch, which differentiates the
network once for each state; here Jacobians are closed forms, for all states at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from randomnet.analysis.linear import Eigendecomposition, Map, block, block_except, eigendecomposition, jacobian_of
from randomnet.array_arguments import takes_arrays
from randomnet.display import Displayed
from randomnet.rnn import Dynamics


@takes_arrays
def under_input(
    system: Dynamics, input_weights: Tensor | None = None, inputs: Tensor | None = None, extra: Tensor | None = None
) -> Dynamics:
    """The system under inputs u (..., I), weighted by input_weights (N, I), and extra inputs (..., N) without weights.

    One input (I,) is the same for all states; inputs (B, I) belong to states (B, N), one each. Raises ValueError for
    other shapes, and for inputs without weights.

    >>> import torch
    >>> import randomnet as rn
    >>> from randomnet.analysis import under_input
    >>> net = rn.network(rn.connectome('random', n=4), activation='tanh', train='weights')
    >>> system = net.module.autonomous().double()
    >>> driven = under_input(system, torch.ones(4, 1).double(), torch.tensor([2.0]))
    >>> driven.drive.tolist()
    [2.0, 2.0, 2.0, 2.0]
    """
    n, parts = system.gains.shape[-1], [] if system.drive is None else [system.drive]
    if inputs is not None:
        if input_weights is None or inputs.ndim < 1 or inputs.shape[-1] != input_weights.shape[-1]:
            channels = None if input_weights is None else input_weights.shape[-1]
            expected = "none, as there are no input weights" if channels is None else f"shape (..., {channels})"
            raise ValueError(f"inputs: expected {expected}, got shape {tuple(inputs.shape)}")
        parts.append(inputs.to(input_weights) @ input_weights.mT)
    if extra is not None:
        if extra.ndim < 1 or extra.shape[-1] != n:
            raise ValueError(f"extra: expected shape (..., {n}), got {tuple(extra.shape)}")
        parts.append(extra)
    return replace(system, drive=sum(parts[1:], parts[0])) if parts else system


def input_jacobian_of(system: Dynamics, input_weights: Tensor) -> Callable[[Tensor], Tensor]:
    """J_u in closed form: states (B, N) -> (B, N, I), d next_i / d input_k, for Euler steps.

    It is a W_inp in the current form and a diag(phi'(z)) W_inp in the rate form; z includes the system's drive, so the
    system is that `under_input`. Raises ValueError for Runge-Kutta steps.

    >>> import torch
    >>> import randomnet as rn
    >>> from randomnet.analysis import input_jacobian_of
    >>> net = rn.network(rn.connectome('random', n=4), activation='tanh', train='weights')
    >>> system = net.module.autonomous().double()
    >>> weights = torch.ones(4, 2, dtype=torch.float64)
    >>> input_jacobian_of(system, weights)(torch.zeros(1, 4).double())[0, 0].tolist()  # dt times the weights
    [0.1, 0.1]
    """
    if system.integrator != "euler":
        raise ValueError(f"J_u: expected integrator euler, got {system.integrator}")
    a = system.dt if system.leaks is None else system.leaks.unsqueeze(-1)

    def jacobian(states: Tensor) -> Tensor:
        if system.form == "current":
            return (a * input_weights).expand(*states.shape[:-1], -1, -1)
        slopes = system.activation(system.argument(states), system.gains, system.shifts)[1]
        return a * slopes.unsqueeze(-1) * input_weights

    return jacobian


@dataclass(frozen=True, repr=False)
class Linearisation(Displayed):
    """One step at states and inputs, and its first-order change: n units `to`, m units `from_`, of N in all.

    after: (..., n), the states of `to` after the step. jacobian: (..., n, m). excluded: (..., n, N - m), the effect of
    all other units. by_input: (..., n, I), J_u; None without input weights.
    """

    drawing: ClassVar[str] = "eigenvalues"

    after: Tensor
    jacobian: Tensor
    excluded: Tensor
    by_input: Tensor | None

    def summary(self) -> str:
        """The numbers of states, units and inputs."""
        states = self.jacobian.shape[:-2].numel()
        inputs = "no inputs" if self.by_input is None else f"{self.by_input.shape[-1]} inputs"
        return f"{states} states, Jacobians {self.jacobian.shape[-2]} x {self.jacobian.shape[-1]}, {inputs}"

    def predict(
        self,
        delta_state: Tensor | None = None,
        delta_input: Tensor | None = None,
        delta_excluded: Tensor | None = None,
    ) -> Tensor:
        """The states of `to` after the step, F + J dh + J_u du + J_excl dh_excl, (..., n); None means no change.

        delta_state: (..., m). delta_input: (..., I). delta_excluded: (..., N - m). Raises ValueError for an input
        change without input weights.
        """
        if delta_input is not None and self.by_input is None:
            raise ValueError("delta_input: expected none, as there are no input weights")
        result = self.after
        for matrix, change in ((self.jacobian, delta_state), (self.by_input, delta_input),
                               (self.excluded, delta_excluded)):  # fmt: skip
            if matrix is not None and change is not None:
                result = result + (matrix @ change.to(matrix).unsqueeze(-1)).squeeze(-1)
        return result

    def eigendecomposition(self) -> Eigendecomposition:
        """Eigenvalues and eigenvectors of the Jacobian. Raises ValueError unless `to` and `from_` are as many units."""
        return eigendecomposition(self.jacobian)


@takes_arrays
def linearise(
    system: Dynamics,
    states: Tensor,
    input_weights: Tensor | None = None,
    inputs: Tensor | None = None,
    *,
    extra: Tensor | None = None,
    to: Tensor | None = None,
    from_: Tensor | None = None,
) -> Linearisation:
    """The step at states (..., N) under inputs (I,) or (..., I), and its Jacobians.

    inputs[k] is the input of the step that leads from states[k] to the next state, so that a time-varying input is that
    of each state. None is an input of 0. to, from_: indices of rows and columns; None for all. extra: (..., N), inputs
    without weights. Differentiable in the network. Raises ValueError for shapes that do not fit.

    >>> import torch
    >>> import randomnet as rn
    >>> from randomnet.analysis import linearise
    >>> net = rn.network(rn.connectome('random', n=4), activation='tanh', train='weights')
    >>> system = net.module.autonomous().double()
    >>> local = linearise(system, torch.zeros(4).double())
    >>> local
    Linearisation: 1 states, Jacobians 4 x 4, no inputs
    >>> bool(local.predict(0.01 * torch.ones(4)).allclose(system.step(0.01 * torch.ones(4).double()), atol=1e-5))
    True
    """
    lead, n = states.shape[:-1], states.shape[-1]
    flat = states.reshape(-1, n)
    inputs, extra = _one_each("inputs", inputs, lead), _one_each("extra", extra, lead)
    driven = under_input(system, input_weights, inputs, extra)
    jacobian = jacobian_of(driven)(flat)
    columns = torch.arange(n, device=states.device) if from_ is None else from_
    parts = [block(jacobian, to, from_), block_except(jacobian, to, columns)]
    if input_weights is not None:
        parts.append(block(input_jacobian_of(driven, input_weights)(flat), to))
    after = driven.step(flat)
    after = after if to is None else after.index_select(-1, to)
    blocks = [part.reshape(*lead, *part.shape[1:]) for part in parts]
    return Linearisation(after.reshape(*lead, -1), blocks[0], blocks[1], blocks[2] if len(blocks) > 2 else None)


def maps_under_input(
    system: Dynamics,
    lead: torch.Size,
    input_weights: Tensor | None = None,
    inputs: Tensor | None = None,
    extra: Tensor | None = None,
) -> tuple[Map, Map]:
    """Step and Jacobian for states (M, N) in equal groups of one input each, in the order of inputs (*lead, I).

    M may be any multiple of the number of inputs, as the grid of a flow field around several states.

    >>> import torch
    >>> import randomnet as rn
    >>> from randomnet.analysis import maps_under_input
    >>> net = rn.network(rn.connectome('random', n=4), activation='tanh', train='weights')
    >>> system = net.module.autonomous().double()
    >>> inputs = torch.tensor([[0.0], [1.0]]).double()
    >>> step, jacobian = maps_under_input(system, inputs.shape[:1], torch.ones(4, 1).double(), inputs)
    >>> step(torch.zeros(2, 4).double()).tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.1, 0.1, 0.1, 0.1]]
    """
    inputs, extra = _one_each("inputs", inputs, lead), _one_each("extra", extra, lead)

    def driven(number: int) -> Dynamics:
        """The system for this number of states."""
        shared = [values if values is None or values.ndim == 1 else
                  values.repeat_interleave(number // len(values), 0) for values in (inputs, extra)]  # fmt: skip
        return under_input(system, input_weights, *shared)

    return lambda states: driven(len(states)).step(states), lambda states: jacobian_of(driven(len(states)))(states)


def _one_each(name: str, values: Tensor | None, lead: torch.Size) -> Tensor | None:
    """The values of each state as (B, n), or one for all as (n,). Raises ValueError for another shape."""
    if values is None or values.ndim == 1:
        return values
    if values.shape[:-1] != lead:
        raise ValueError(f"{name}: expected one for all states, or one for each, {tuple(lead)}, got "
                         f"{tuple(values.shape[:-1])}")  # fmt: skip
    return values.reshape(-1, values.shape[-1])
