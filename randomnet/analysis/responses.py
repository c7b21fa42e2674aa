"""The response of every neuron of a network to an input into another one, around its operating point.

| function               | contents                                                                       |
|------------------------|--------------------------------------------------------------------------------|
| `operating_point`      | the fixed point that the silent network settles at, and its stability          |
| `slopes_at`            | slopes of the neurons' activation there                                        |
| `steady_responses`     | closed form of the linearised network: steady rates under a step               |
| `followed_responses`   | of the linearised network, or of the network itself, step by step              |

Responses are changes of rates per unit of input, [responding, stimulated]. An input adds to the total input of a neuron
as the constant drive does. In the linearised network the integral of the response to a pulse of unit area is the steady
response to a step of unit height, so that both have one closed form.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from randomnet.analysis.fixed_points import fixed_points
from randomnet.analysis.linear import jacobian_of
from randomnet.rnn import Dense, Dynamics

SETTLED = 1e-24  # q = 1/2 |F(h) - h|^2 of a state that is at rest
STEADY, INTEGRAL, PEAK = "steady", "integral", "peak"


@dataclass(frozen=True)
class OperatingPoint:
    """A state (N,) of a network at rest. modulus: largest |eigenvalue| of the step there; below 1 is stable."""

    state: Tensor
    modulus: float

    @property
    def stable(self) -> bool:
        """Whether small perturbations vanish, so that there are steady responses."""
        return self.modulus < 1


def operating_point(system: Dynamics, steps: int) -> OperatingPoint | None:
    """Return where the network is at rest after `steps` steps from silence, refined to a fixed point; None without one.

    The silent state itself is the point where nothing changes it.
    """
    state = torch.zeros_like(system.gains)
    for _ in range(steps):
        state = system.step(state)
    if not state.isfinite().all():
        return None
    jacobian = jacobian_of(system)
    if (system.step(state) - state).square().sum() > SETTLED:
        points = fixed_points(system.step, jacobian, state[None], around=torch.stack([state, torch.zeros_like(state)]))
        if not len(points.points):
            return None
        state = points.points[0]
    return OperatingPoint(state, float(torch.linalg.eigvals(jacobian(state[None])[0]).abs().max()))


def slopes_at(system: Dynamics, state: Tensor) -> Tensor:
    """Return the slope (N,) of each neuron's rate by its total input, or by its state in the current form."""
    slopes: Tensor = system.activation(system.argument(state), system.gains, system.shifts)[1]
    return slopes


def weights_of(system: Dynamics) -> Tensor:
    """Return J[post, pre], (N, N), of a network with dense or sparse weights, or with factors."""
    coupling = system.coupling
    if isinstance(coupling, Dense):
        return coupling.values
    eye = torch.eye(len(system.gains), dtype=system.gains.dtype, device=system.gains.device)
    return coupling.product(eye).mT


def steady_responses(weights: Tensor, slopes: Tensor) -> Tensor:
    """Return (I - S J)^-1 S, (N, N): steady changes of rates per unit of constant input; differentiable.

    weights: J, (N, N). slopes: the diagonal of S, (N,). It holds in both forms and for all time constants: in the
    current form it is S (I - J S)^-1. For S = I it is the (I - J)^-1 of a linear network.
    """
    eye = torch.eye(len(slopes), dtype=slopes.dtype, device=slopes.device)
    return torch.linalg.solve(eye - slopes.unsqueeze(-1) * weights, torch.diag(slopes))


def followed_responses(
    system: Dynamics,
    point: OperatingPoint,
    neurons: Tensor,
    measure: str,
    *,
    strength: float,
    pulse: int,
    steps: int,
    linear: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Tensor:
    """Return the changes of the rates of these neurons (K,) after input into each, (K, K), per unit of input.

    measure: steady, an input that stays, at the end of `steps` steps; integral, of the response to a pulse of `pulse`
    steps, divided by its area; or peak, the largest change after that pulse, with its sign, per unit of height. All
    stimulated copies of the network run side by side. linear: as the linearised network responds. check: called at
    each step.
    """
    changes = _changes(system, point, neurons, strength, steps if measure == STEADY else pulse, linear)
    result = torch.zeros(len(neurons), len(neurons), dtype=point.state.dtype, device=point.state.device)
    for _, change in zip(range(steps), changes, strict=False):
        check()
        if measure == STEADY:
            result = change
        elif measure == INTEGRAL:
            result = result + change / pulse
        else:
            result = torch.where(change.abs() > result.abs(), change, result)
    return result.mT / strength


def _changes(
    system: Dynamics, point: OperatingPoint, neurons: Tensor, strength: float, pulse: int, linear: bool
) -> Iterator[Tensor]:
    """Yield after each step how the rates of the neurons differ from those at rest, (stimulated, responding).

    The input is of `pulse` steps.
    """
    inputs = torch.zeros(len(neurons), len(point.state), dtype=point.state.dtype, device=point.state.device)
    inputs[torch.arange(len(neurons)), neurons] = strength
    if linear:
        yield from _linear_changes(system, point, neurons, inputs, pulse)
        return
    drive = inputs if system.drive is None else system.drive + inputs
    driven, states = replace(system, drive=drive), point.state.expand(len(neurons), -1)
    rest, number = system.rates(point.state), 0
    while True:
        states = (driven if number < pulse else system).step(states)
        number += 1
        yield (system.rates(states) - rest)[:, neurons]


def _linear_changes(
    system: Dynamics, point: OperatingPoint, neurons: Tensor, inputs: Tensor, pulse: int
) -> Iterator[Tensor]:
    """Yield the same of the linearised network."""
    jacobian, slopes = jacobian_of(system)(point.state[None])[0], slopes_at(system, point.state)
    arriving = system.a * inputs * (1 if system.form == "current" else slopes)
    to_rates = slopes if system.form == "current" else torch.ones_like(slopes)
    states, number = torch.zeros_like(inputs), 0
    while True:
        states = states @ jacobian.mT + (arriving if number < pulse else 0)
        number += 1
        yield (states * to_rates)[:, neurons]
