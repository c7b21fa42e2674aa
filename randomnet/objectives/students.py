"""Students of a network: parameters that are unknown, beside those of a connectome that are known.

Student   a system in which gains, shifts, weights, time constants or initial states are trained
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from randomnet.rnn import Dynamics, run_trials, stack_systems
from randomnet.rnn.couplings import Dense

UNKNOWN = ("gains", "shifts", "weights", "tau", "initial", "scales")  # what a student may have to find


class Student(nn.Module):
    """A network of which some parameters are unknown. They are trained, and all else is that of `known`.

    groups: (N,), the index of each neuron's gain and shift. unknown: initial values by name of UNKNOWN: gains, shifts
    (groups,), weights (N, N) of all pairs in place of the connectome, tau (N,) in the unit of dt, initial (trials, N),
    scales (projections,) of the known weights. projections: (N, N), the index of the projection of each pair. Raises
    ValueError for other names.
    """

    groups: Tensor
    projections: Tensor | None

    def __init__(
        self, known: Dynamics, groups: Tensor, unknown: Mapping[str, Tensor], projections: Tensor | None = None
    ) -> None:
        super().__init__()
        strange = set(unknown) - set(UNKNOWN)
        if strange:
            raise ValueError(f"unknown: expected names among {', '.join(UNKNOWN)}, got {', '.join(sorted(strange))}")
        self.known = known
        self.register_buffer("groups", groups)
        self.register_buffer("projections", projections)
        self.unknown = nn.ParameterDict({name: nn.Parameter(values.clone()) for name, values in unknown.items()})

    def system(self, parts: Mapping[str, Tensor] | None = None) -> Dynamics:
        """The network with its present parameters, or with `parts` of them; differentiable in the unknown ones."""
        parts = dict(self.unknown.items()) | dict(parts or {})
        changes = {name: parts[name][self.groups] for name in ("gains", "shifts") if name in parts}
        if "weights" in parts:
            weights = parts["weights"]
            changes["coupling"] = Dense(weights - torch.diag(weights.diagonal()))  # no neuron connects to itself
        if "scales" in parts:
            changes["coupling"] = scaled_projections(self.known, parts["scales"], self.projections)
        if "tau" in parts:
            changes["leaks"] = self.known.dt / parts["tau"]
        return replace(self.known, **changes)

    def initial(self, trials: Tensor, recorded: Tensor) -> Tensor:
        """The initial states (B, N) of these trials (B,): `recorded`, unless they are unknown."""
        return self.unknown["initial"][trials] if "initial" in self.unknown else recorded

    def parameters_of(self, neurons: Tensor) -> dict[str, Tensor]:
        """Gains and shifts of these neurons, as they are now."""
        system = self.system()
        return {name: getattr(system, name).detach()[neurons] for name in ("gains", "shifts")}

    def double_copy(self) -> "Student":
        """The same student in float64."""
        unknown = {name: values.double() for name, values in self.values().items()}
        return Student(self.known.double(), self.groups, unknown, self.projections)

    def values(self) -> dict[str, Tensor]:
        """Copies of the unknown parameters, by name."""
        return {name: values.detach().clone() for name, values in self.unknown.items()}

    @torch.no_grad()
    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set the unknown parameters from `values()`."""
        for name, parameter in self.unknown.items():
            parameter.copy_(values[name])

    @torch.no_grad()
    def project(self) -> None:
        """Keep time constants at one step at least, after an optimiser step."""
        if "tau" in self.unknown:
            self.unknown["tau"].clamp_(min=self.known.dt)


def respond(systems: Sequence[Dynamics], interfaces: Sequence[Mapping[str, Tensor]], inputs: Tensor,
            initial: Tensor) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Rates and last states of systems of one size, (systems, time, trials, N) and (systems, 1, trials, N).

    interfaces: see `run_trials`. inputs: (systems, time, trials, channels). initial: (systems, trials, N).
    Differentiable in all parameters. Several systems are computed side by side.
    """
    if len(systems) == 1:
        rates, _, last = run_trials(systems[0], interfaces[0], inputs[0], initial[0], last=1)
        return rates[None], last[None]
    interface = {name: torch.stack([tensors[name] for tensors in interfaces]) for name in interfaces[0]}
    rates, _, last = run_trials(stack_systems(systems), interface, inputs, initial, last=1)
    return rates, last


def scaled_projections(system: Dynamics, scales: Tensor, projections: Tensor) -> Dense:
    """The weights of a system with dense coupling, each multiplied by the scale of its projection."""
    (weights,) = system.coupling.parameters
    return Dense(weights * scales[projections])


def detached(system: Dynamics) -> Dynamics:
    """The same system without a graph."""
    parts = {name: getattr(system, name) for name in ("gains", "shifts", "drive", "leaks")}
    coupling = system.coupling.with_parameters([values.detach() for values in system.coupling.parameters])
    tensors = {name: part.detach() for name, part in parts.items() if part is not None}
    return replace(system, coupling=coupling, **tensors)


def no_interface(n: int, like: Tensor) -> dict[str, Tensor]:
    """The interface of n neurons without inputs and outputs, for `respond`."""
    sizes = {"input_weights": (n, 0), "input_bias": (n,), "recurrent_bias": (n,), "readout_weights": (0, n),
             "readout_bias": (0,)}  # fmt: skip
    return {name: like.new_zeros(size) for name, size in sizes.items()}
