"""The network on a connectome: what is trained of it, and how it answers to inputs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from randomnet.activations import ACTIVATIONS, Activation
from randomnet.connectome import Connectome
from randomnet.rnn.couplings import Dense, Pattern, Sparse, is_sparse
from randomnet.rnn.dynamics import Dynamics, stacked
from randomnet.rnn.entries import Entries, indices
from randomnet.rnn.sequence import AlongTrials, along, driven

FORMS = ("current", "rate")
INTEGRATORS = ("euler", "rk4")
ENTRIES = ("weights", "gains", "shifts")
INTERFACE = ("input_weights", "input_bias", "recurrent_bias", "readout_weights", "readout_bias")


class Network(nn.Module):
    """A recurrent network on a connectome, whose constant drive, where it has one, it receives.

    groups: index of each neuron's gain and shift (N,), or None for one per neuron. moving: name (weights, gains,
    shifts) -> indices of the entries that may be trained; a name left out is fixed. keep_signs: training keeps the sign
    each edge starts with. Edges that do not exist have no parameter, so nothing can create them. integrator: how a step
    of dt follows the flow, see `Dynamics`; trials are run in Euler steps only.

    interface: initial values of what joins the network to a task, all of them trained: input_weights (N, channels),
    input_bias (N,), recurrent_bias (N,), readout_weights (outputs, N), readout_bias (outputs,); None for no task.
    """

    def __init__(
        self,
        connectome: Connectome,
        *,
        activation: str = "tanh_positive",
        form: str = "current",
        dt: float = 0.1,
        integrator: str = "euler",
        groups: np.ndarray | None = None,
        moving: Mapping[str, np.ndarray] | None = None,
        keep_signs: bool = True,
        interface: Mapping[str, np.ndarray] | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
        if form not in FORMS:
            raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}")
        if integrator not in INTEGRATORS:
            raise ValueError(f"integrator must be one of {', '.join(INTEGRATORS)}, got {integrator!r}")
        if not 0 < dt <= 1:
            raise ValueError(f"dt must lie in (0, 1], got {dt}")
        groups = np.arange(connectome.n) if groups is None else np.asarray(groups)
        if groups.shape != (connectome.n,):
            raise ValueError(f"groups must have shape ({connectome.n},), got {groups.shape}")
        self.activation: Activation = ACTIVATIONS[activation]
        self.form, self.dt, self.integrator, self.n = form, dt, integrator, connectome.n
        sparse = interface is None and is_sparse(connectome.n, len(connectome.weights))
        self.pattern = Pattern(connectome.post, connectome.pre, connectome.n) if sparse else None
        self.register_buffer("edges", torch.from_numpy(connectome.post * connectome.n + connectome.pre))
        self.register_buffer("groups", torch.from_numpy(groups.astype(np.int64)))
        drive = None if connectome.drive is None else torch.tensor(connectome.drive, dtype=dtype)
        self.register_buffer("drive", drive)
        self._shared = not np.array_equal(groups, np.arange(connectome.n))
        count = int(groups.max()) + 1
        sizes = {"weights": len(connectome.weights), "gains": count, "shifts": count}
        chosen = {name: indices(name, index, sizes) for name, index in (moving or {}).items()}
        weights = torch.tensor(connectome.weights, dtype=dtype)  # its own: `assign` writes into it
        signs = torch.where(weights < 0, -1.0, 1.0).to(dtype) if keep_signs else None
        self.weights = Entries(weights, chosen.get("weights"), signs)
        self.gains = Entries(torch.ones(count, dtype=dtype), chosen.get("gains"))
        self.shifts = Entries(torch.zeros(count, dtype=dtype), chosen.get("shifts"))
        self._stretched = self._stretches()
        if interface is not None and set(interface) != set(INTERFACE):
            raise ValueError(f"interface must have {', '.join(INTERFACE)}, got {', '.join(interface)}")
        self.interface = nn.ParameterDict(
            {name: nn.Parameter(torch.as_tensor(values, dtype=dtype)) for name, values in (interface or {}).items()}
        )

    def _stretches(self) -> bool:
        """Whether gains and shifts act: not where they are, and stay, 1 and 0."""
        fixed = self.gains.free is None and self.shifts.free is None
        neutral = bool((self.gains.start == 1).all()) and bool((self.shifts.start == 0).all())
        return self.activation.stretches and not (fixed and neutral)

    def matrix(self) -> Tensor:
        """J[post, pre], (N, N), differentiable in the weights."""
        weights = self.weights()
        flat = torch.zeros(self.n * self.n, dtype=weights.dtype, device=weights.device)
        return flat.index_copy_(0, self.edges, weights).view(self.n, self.n)

    def dynamics(self) -> "Dynamics":
        """The network with its present parameters as a dynamical system; build it once per epoch."""
        gains, shifts = self.gains(), self.shifts()
        if self._shared:
            gains, shifts = gains[self.groups], shifts[self.groups]
        activation = self.activation if self._stretched else replace(self.activation, stretches=False)
        coupling = Sparse(self.weights(), self.pattern) if self.pattern else Dense(self.matrix())
        return Dynamics(coupling, gains, shifts, activation, self.form, self.dt, self.integrator, self.drive)

    def run(self, inputs: Tensor, initial: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Rates (time, batch, N) after each step of inputs (time, batch, channels), and readout (time, batch, outputs).

        initial: state (batch, N), None for 0. Raises ValueError where the network has no input, or one of other
        channels, or steps that are not Euler's.
        """
        if not self.interface:
            raise ValueError("the network has no input weights; give it an interface")
        channels = self.interface["input_weights"].shape[1]
        if inputs.ndim != 3 or inputs.shape[2] != channels:
            raise ValueError(f"inputs must have shape (time, batch, {channels}), got {tuple(inputs.shape)}")
        return driven(self.dynamics(), self.interface, inputs, initial)

    def along(self, inputs: Tensor) -> AlongTrials:
        """The network along trials, inputs (time, trials, channels), as a system with a spectrum."""
        return along(self.dynamics(), self.interface, inputs)

    def alone(self) -> Dynamics:
        """The network without input, as a system with a spectrum; biases of an interface go on driving it."""
        system = self.dynamics()
        if not self.interface:
            return system
        biases = self.interface["input_bias"] + self.interface["recurrent_bias"]
        return replace(system, drive=biases if system.drive is None else biases + system.drive)

    def forward(self, inputs: Tensor, initial: Tensor | None = None) -> Tensor:
        """Readout (batch, time, outputs) at every step of inputs (batch, time, channels); see `run`."""
        return self.run(inputs.transpose(0, 1), initial)[1].transpose(0, 1)

    def elman_state_dict(self) -> dict[str, Tensor]:
        """The parameters under the names of torch.nn.RNN and Linear, as bio_rnn_mem saves them."""
        own = {name: values.detach() for name, values in self.interface.items()}
        return {
            "rnn.weight_ih_l0": own["input_weights"],
            "rnn.weight_hh_l0": self.matrix().detach(),
            "rnn.bias_ih_l0": own["input_bias"],
            "rnn.bias_hh_l0": own["recurrent_bias"] + (0 if self.drive is None else self.drive),
            "fc.weight": own["readout_weights"],
            "fc.bias": own["readout_bias"],
        }

    def project(self) -> None:
        """Keep the signs after an optimiser's step."""
        self.weights.project()

    def values(self) -> dict[str, Tensor]:
        """Copies of all weights (E,), gains and shifts (groups,), and of the interface."""
        entries = {name: getattr(self, name)().detach().clone() for name in ENTRIES}
        return entries | {name: values.detach().clone() for name, values in self.interface.items()}

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set everything from `values()` of a network of the same shape. Raises ValueError."""
        for name in (*ENTRIES, *self.interface):
            try:
                if name in ENTRIES:
                    getattr(self, name).assign(values[name])
                else:
                    _set(self.interface[name], values[name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        self._stretched = self._stretches()

    def description(self) -> dict[str, Any]:
        """Everything but the values, as tensors and plain values: with them, all that is needed to rebuild it."""
        return {
            "n": self.n,
            "edges": self.edges,
            "groups": self.groups,
            "activation": self.activation.name,
            "form": self.form,
            "dt": self.dt,
            "integrator": self.integrator,
            "drive": self.drive,
        }


def beside_each_other(networks: Sequence[Network]) -> tuple[Dynamics, dict[str, Tensor]]:
    """Networks with an interface as one with a leading axis of runs, for `driven` and `along`; differentiable in each.

    Raises ValueError where they differ in more than their values.
    """
    interface = {name: torch.stack([network.interface[name] for network in networks]) for name in INTERFACE}
    return stacked([network.dynamics() for network in networks]), interface


@torch.no_grad()
def _set(parameter: Tensor, values: Tensor) -> None:
    if values.shape != parameter.shape:
        raise ValueError(f"expected shape {tuple(parameter.shape)}, got {tuple(values.shape)}")
    parameter.copy_(values)
